package engine

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// findPass is what [factor.Ticket] looks tickets up with.
func (e *Engine) findPass(ctx context.Context, id string) (*ticket.Pass, error) {
	var p *ticket.Pass
	err := e.view(ctx, func(tx store.Tx) (err error) {
		p, err = e.pass(ctx, tx, id)
		return err
	})
	return p, err
}

// pass returns the ticket in the record with the given ID, or
// store.ErrNotFound. Where there are no organizations there are no invitations
// to one.
func (e *Engine) pass(ctx context.Context, tx store.Tx, id string) (*ticket.Pass, error) {
	if ticket.KindOf(id) == ticket.OrganizationKind && !e.lastSettings().Organizations.Enabled {
		return nil, store.ErrNotFound
	}
	return ticket.GetPass(ctx, tx, id)
}

// TicketURL is the link that carries a ticket: on the site, which is at origin
// if no URL is configured.
func (e *Engine) TicketURL(origin, wire string) string {
	return e.siteURL(Request{Site: origin}, e.cfg.FrontendURL+"/v1/tickets/accept?ticket="+url.QueryEscape(wire))
}

// A TicketView is what the holder of a ticket is told before using it.
type TicketView struct {
	ID   string // of the record
	Kind ticket.Kind
	// Problem is why the ticket is of no use; nil: it is of use.
	Problem error
	// User is who would be signed in; nil: it invites somebody new.
	User *user.User
	// EmailAddress is who is invited; empty: it is no invitation. RedirectURL is
	// where its link leads, if that is said.
	EmailAddress, RedirectURL string
	// Actor is who would act as the user.
	Actor json.RawMessage
}

// Ticket looks at a ticket without using it. It is an error if nobody can hold
// it.
func (e *Engine) Ticket(ctx context.Context, wire string) (*TicketView, error) {
	id, secret, ok := ticket.Parse(wire)
	if !ok {
		return nil, ticket.Invalid()
	}
	v := &TicketView{Kind: ticket.KindOf(id)}
	err := e.view(ctx, func(tx store.Tx) error {
		p, err := e.pass(ctx, tx, id)
		if err != nil {
			return missingAs(err, ticket.Unknown(v.Kind))
		}
		if !p.Ticket.Is(secret) {
			return ticket.Unknown(v.Kind)
		}
		v.Problem, v.Actor = p.Ticket.Usable(p.Kind(), e.now()), p.Actor
		v.EmailAddress, v.RedirectURL, v.ID = p.EmailAddress, p.RedirectURL, p.ID
		if p.UserID != "" {
			v.User, err = user.Get(ctx, tx, p.UserID)
			if errors.Is(err, store.ErrNotFound) {
				v.Problem, err = ticket.Invalid(), nil
			}
		}
		return err
	})
	return v, err
}

// SignInTokens is what a host may do with sign-in tokens.
type SignInTokens struct{ e *Engine }

// SignInTokens returns the host's view of sign-in tokens.
func (e *Engine) SignInTokens() SignInTokens { return SignInTokens{e} }

// Create makes a token that signs a user in, once, and returns what it travels
// as. A lifetime of 0 is 30 days.
func (ts SignInTokens) Create(ctx context.Context, userID string, lifetime time.Duration) (*ticket.SignInToken, string, error) {
	t, wire, err := ticket.NewSignInToken(userID, lifetime, ts.e.now())
	if err != nil {
		return nil, "", err
	}
	made := *t
	err = ts.e.update(ctx, func(tx *txn) error {
		if _, err := user.Get(ctx, tx, userID); err != nil {
			return missingAs(err, fault.Wrap("resource_not_found", "user_id", err))
		}
		*t = made
		return ticket.PutSignInToken(ctx, tx, t, tx.now)
	})
	return t, wire, err
}

// Revoke takes a token back. A missing one is store.ErrNotFound.
func (ts SignInTokens) Revoke(ctx context.Context, id string) (t *ticket.SignInToken, err error) {
	err = ts.e.update(ctx, func(tx *txn) error {
		if t, err = ticket.GetSignInToken(ctx, tx, id); err != nil {
			return err
		}
		if err := t.Revoke(ticket.SignInKind, tx.now); err != nil {
			return err
		}
		return ticket.PutSignInToken(ctx, tx, t, tx.now)
	})
	return t, err
}

// ActorTokens is what a host may do with actor tokens.
type ActorTokens struct{ e *Engine }

// ActorTokens returns the host's view of actor tokens.
func (e *Engine) ActorTokens() ActorTokens { return ActorTokens{e} }

// Create makes a token with which somebody acts as a user, once, and returns
// what it travels as. actor is a JSON object with the member sub. Lifetimes of
// 0 are an hour for the token and 30 minutes for the session, which is also the
// most.
func (ts ActorTokens) Create(ctx context.Context, userID string, actor json.RawMessage, lifetime, session time.Duration) (*ticket.ActorToken, string, error) {
	t, wire, err := ticket.NewActorToken(userID, actor, lifetime, session, ts.e.now())
	if err != nil {
		return nil, "", err
	}
	made := *t
	err = ts.e.update(ctx, func(tx *txn) error {
		if _, err := user.Get(ctx, tx, userID); err != nil {
			return missingAs(err, fault.Wrap("actor_token_subject_not_found", "user_id", err))
		}
		*t = made
		return ticket.PutActorToken(ctx, tx, t, tx.now)
	})
	return t, wire, err
}

// Revoke takes a token back. A missing one is store.ErrNotFound.
func (ts ActorTokens) Revoke(ctx context.Context, id string) (t *ticket.ActorToken, err error) {
	err = ts.e.update(ctx, func(tx *txn) error {
		if t, err = ticket.GetActorToken(ctx, tx, id); err != nil {
			return err
		}
		if err := t.Revoke(ticket.ActorKind, tx.now); err != nil {
			return err
		}
		return ticket.PutActorToken(ctx, tx, t, tx.now)
	})
	return t, err
}
