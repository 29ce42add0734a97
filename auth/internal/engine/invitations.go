package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// InvitationParams say whom to invite, and how.
type InvitationParams struct {
	EmailAddress string
	// PublicMetadata goes to the user who signs up.
	PublicMetadata json.RawMessage
	// RedirectURL is where the link leads: a checked one, or empty for the
	// sign-up page.
	RedirectURL string
	// Quiet sends no mail: the host does.
	Quiet bool
	// IgnoreExisting invites also who is invited or has an account.
	IgnoreExisting bool
	// Lifetime is how long the invitation is good; 0: 30 days.
	Lifetime time.Duration
	// Slug is which mail is sent; empty: invitation.
	Slug string
	// Origin is where the site is that the link leads to; empty: AppURL.
	Origin string
}

// Invited is a new invitation with its link, which is kept nowhere.
type Invited struct {
	*ticket.Invitation
	Token, URL string
}

// Invitations is what a host may do with invitations.
type Invitations struct{ e *Engine }

// Invitations returns the host's view of invitations.
func (e *Engine) Invitations() Invitations { return Invitations{e} }

// Create invites addresses, all or none. Who is invited already is refused with
// duplicate_record, who has an account with form_identifier_exists.
func (is Invitations) Create(ctx context.Context, ps ...InvitationParams) ([]Invited, error) {
	var out []Invited
	err := is.e.update(ctx, func(t *txn) error {
		out = out[:0]
		for _, p := range ps {
			i, err := is.e.invite(ctx, t, p)
			if err != nil {
				return err
			}
			out = append(out, i)
		}
		return nil
	})
	if d, ok := errors.AsType[*store.DuplicateError](err); ok && d.Kind == ticket.Invitations.Name {
		err = alreadyInvited(err)
	}
	return out, err
}

func alreadyInvited(cause error) error {
	return fault.Wrap("duplicate_record", "email_address", cause).Say("There is a pending invitation for this address already.")
}

// invite makes an invitation in t, and its mail.
func (e *Engine) invite(ctx context.Context, t *txn, p InvitationParams) (Invited, error) {
	i, wire, err := ticket.NewInvitation(p.EmailAddress, p.PublicMetadata, p.Lifetime, t.now)
	if err != nil {
		return Invited{}, err
	}
	i.RedirectURL = p.RedirectURL
	if !p.IgnoreExisting {
		if _, err := user.ByIdentifier(ctx, t, i.Canonical); err == nil {
			return Invited{}, fault.New("form_identifier_exists", "email_address")
		} else if missingAs(err, nil) != nil {
			return Invited{}, err
		}
		if err := i.BeSole(ctx, t, t.now); err != nil {
			return Invited{}, err
		}
	}
	if err := ticket.PutInvitation(ctx, t, i, t.now); err != nil {
		return Invited{}, err
	}
	out := Invited{i, wire, e.TicketURL(p.Origin, wire)}
	if p.Quiet {
		return out, nil
	}
	slug := p.Slug
	if slug == "" {
		slug = notify.Invitation
	}
	return out, e.enqueue(ctx, t, outMail{Slug: slug, To: i.EmailAddress, GoodUntil: i.ExpireAt,
		Data: notify.Data{Email: i.EmailAddress, ActionURL: out.URL}})
}

// List returns invitations and how many there are. limit 0 is all.
func (is Invitations) List(ctx context.Context, f ticket.Filter, offset, limit int) (list []*ticket.Invitation, total int, err error) {
	err = is.e.view(ctx, func(tx store.Tx) (err error) {
		list, total, err = ticket.List(ctx, tx, f, offset, limit, is.e.now())
		return err
	})
	return list, total, err
}

// Get returns an invitation, or store.ErrNotFound.
func (is Invitations) Get(ctx context.Context, id string) (i *ticket.Invitation, err error) {
	err = is.e.view(ctx, func(tx store.Tx) (err error) {
		i, err = ticket.GetInvitation(ctx, tx, id)
		return err
	})
	return i, err
}

// Revoke takes an invitation back. It keeps nobody from an ordinary sign-up. A
// missing one is store.ErrNotFound.
func (is Invitations) Revoke(ctx context.Context, id string) (i *ticket.Invitation, err error) {
	err = is.e.update(ctx, func(t *txn) (err error) {
		if i, err = ticket.GetInvitation(ctx, t, id); err != nil {
			return err
		}
		if err := i.Revoke(ticket.InvitationKind, t.now); err != nil {
			return err
		}
		return ticket.PutInvitation(ctx, t, i, t.now)
	})
	return i, err
}

// holdInvitation looks at the invitation that a ticket is, if whoever brings it
// holds it and it is of use.
func (e *Engine) holdInvitation(ctx context.Context, wire string) (*TicketView, error) {
	v, err := e.Ticket(ctx, wire)
	switch {
	case err != nil:
		return nil, err
	case v.Problem != nil:
		return nil, v.Problem
	case v.EmailAddress == "":
		return nil, ticket.Elsewhere(v.Kind)
	}
	return v, nil
}
