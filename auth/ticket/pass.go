package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Pass is a ticket of any kind as something to sign in with.
type Pass struct {
	ID     string
	Ticket *Ticket // the record's own
	// UserID is who is signed in; empty: nobody. An invitation signs in who has
	// shown before that its address is their own.
	UserID string
	// Actor is who acts as the user, and SessionLifetime the longest that the
	// session lives; empty and 0 for all but actor tokens.
	Actor           json.RawMessage
	SessionLifetime time.Duration
	// EmailAddress is who is invited, and Canonical the same to compare;
	// PublicMetadata goes to the user who signs up. Empty: it is no invitation.
	EmailAddress, Canonical string
	PublicMetadata          json.RawMessage
	// RedirectURL is where the link of an invitation leads; empty: to where one
	// signs up or in.
	RedirectURL string
	// Organization is the invitation to an organization that the ticket is; nil:
	// it is none. Who signs in or up is made a member when that is complete, and
	// only then it is used up: Put changes nothing.
	Organization *organization.Invitation

	put func(ctx context.Context, tx store.Tx, now time.Time) error
}

// GetPass returns the ticket in the record with the given ID, or
// store.ErrNotFound.
func GetPass(ctx context.Context, tx store.Tx, id string) (*Pass, error) {
	switch KindOf(id) {
	case SignInKind:
		t, err := GetSignInToken(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return &Pass{ID: id, Ticket: &t.Ticket, UserID: t.UserID,
			put: func(ctx context.Context, tx store.Tx, now time.Time) error { return PutSignInToken(ctx, tx, t, now) }}, nil
	case ActorKind:
		t, err := GetActorToken(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		return &Pass{ID: id, Ticket: &t.Ticket, UserID: t.UserID, Actor: t.Actor, SessionLifetime: t.SessionLifetime,
			put: func(ctx context.Context, tx store.Tx, now time.Time) error { return PutActorToken(ctx, tx, t, now) }}, nil
	case InvitationKind:
		return invitationPass(ctx, tx, id)
	case OrganizationKind:
		return organizationPass(ctx, tx, id)
	}
	return nil, store.ErrNotFound
}

func invitationPass(ctx context.Context, tx store.Tx, id string) (*Pass, error) {
	i, err := GetInvitation(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	p := &Pass{ID: id, Ticket: &i.Ticket, EmailAddress: i.EmailAddress, Canonical: i.Canonical, PublicMetadata: i.PublicMetadata,
		RedirectURL: i.RedirectURL}
	if p.UserID, err = ownerOf(ctx, tx, p); err != nil {
		return nil, err
	}
	p.put = func(ctx context.Context, tx store.Tx, now time.Time) error {
		i.UserID = p.UserID
		return PutInvitation(ctx, tx, i, now)
	}
	return p, nil
}

func organizationPass(ctx context.Context, tx store.Tx, id string) (*Pass, error) {
	i, err := organization.GetInvitation(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if len(i.TicketHash) == 0 { // none was ever handed out
		return nil, store.ErrNotFound
	}
	p := &Pass{ID: id, Ticket: &Ticket{Hash: i.TicketHash, Status: Status(i.Status), ExpireAt: i.ExpireAt},
		EmailAddress: i.EmailAddress, Canonical: i.Canonical, RedirectURL: i.RedirectURL, Organization: i}
	p.UserID, err = ownerOf(ctx, tx, p)
	p.put = func(context.Context, store.Tx, time.Time) error { return nil }
	return p, err
}

// ownerOf is who has shown to own the address that is invited; empty: nobody.
func ownerOf(ctx context.Context, tx store.Tx, p *Pass) (string, error) {
	u, err := user.ByIdentifier(ctx, tx, p.Canonical)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	if have := u.EmailAddressByValue(p.EmailAddress); have == nil || !have.Verified {
		return "", nil
	}
	return u.ID, nil
}

// Kind is what the ticket is for.
func (p *Pass) Kind() Kind { return KindOf(p.ID) }

// Put stores the record that the ticket is in.
func (p *Pass) Put(ctx context.Context, tx store.Tx, now time.Time) error { return p.put(ctx, tx, now) }
