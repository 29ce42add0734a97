package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"time"

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
	}
	return nil, store.ErrNotFound
}

func invitationPass(ctx context.Context, tx store.Tx, id string) (*Pass, error) {
	i, err := GetInvitation(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	p := &Pass{ID: id, Ticket: &i.Ticket}
	u, err := user.ByIdentifier(ctx, tx, i.Canonical)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		if have := u.EmailAddressByValue(i.EmailAddress); have != nil && have.Verified {
			p.UserID = u.ID
		}
	}
	p.put = func(ctx context.Context, tx store.Tx, now time.Time) error {
		i.UserID = p.UserID
		return PutInvitation(ctx, tx, i, now)
	}
	return p, nil
}

// Kind is what the ticket is for.
func (p *Pass) Kind() Kind { return KindOf(p.ID) }

// Put stores the record that the ticket is in.
func (p *Pass) Put(ctx context.Context, tx store.Tx, now time.Time) error { return p.put(ctx, tx, now) }
