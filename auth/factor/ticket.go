package factor

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
)

// Ticket is the strategy of a link that the host made: a sign-in token, an
// actor token, or an invitation, by the host or to an organization, of somebody
// who has an account. The ticket says
// whose it is, and is used up.
type Ticket struct {
	// Find returns the ticket with the given ID as it is stored, or
	// store.ErrNotFound.
	Find func(ctx context.Context, id string) (*ticket.Pass, error)
}

// Traits names it ticket.
func (Ticket) Traits() Traits {
	return Traits{Name: "ticket", Uses: First, Proof: "ticket", Identifies: true}
}

// Options offers it to who brings one. To who is only named it is no choice.
func (Ticket) Options(s Subject) []Option {
	if s.User != nil && s.Ticket == nil {
		return nil
	}
	return []Option{{Strategy: "ticket"}}
}

// Prepare is refused: there is nothing to prepare.
func (Ticket) Prepare(context.Context, Challenge) (Prepared, error) {
	return Prepared{}, fault.New("verification_strategy_invalid", "strategy")
}

// Verify compares. Only who holds a ticket is told that it was used, revoked,
// has expired, or is for something else; all others that it is none.
func (t Ticket) Verify(ctx context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: "ticket"}
	id, secret, ok := ticket.Parse(p.Ticket)
	if !ok {
		return fact, ticket.Invalid()
	}
	pass, err := t.Find(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fact, ticket.Unknown(ticket.KindOf(id))
	case err != nil:
		return fact, err
	case !pass.Ticket.Is(secret):
		return fact, ticket.Unknown(pass.Kind())
	}
	if err := pass.Ticket.Usable(pass.Kind(), c.Now); err != nil {
		return fact, err
	}
	if pass.UserID == "" {
		return fact, ticket.Elsewhere(pass.Kind())
	}
	fact.OK, fact.UserID, fact.TicketID = true, pass.UserID, pass.ID
	return fact, nil
}

// Confirm demands the ticket that was judged, still unused, of the same user.
func (Ticket) Confirm(f Fact, s Subject) error {
	switch {
	case !f.OK || s.Ticket == nil || s.Ticket.ID != f.TicketID:
		return ticket.Unknown(ticket.KindOf(f.TicketID))
	case s.User == nil || s.User.ID != f.UserID || s.Ticket.UserID != f.UserID:
		return fault.New("sign_in_identification_or_user_deleted", "")
	case s.Ticket.Ticket.Status != ticket.Pending:
		return s.Ticket.Ticket.Usable(s.Ticket.Kind(), time.Time{}) // used or revoked since
	}
	return nil
}

// Spend uses the ticket up.
func (Ticket) Spend(_ Fact, s Subject, now time.Time) {
	s.Ticket.Ticket.Spend(now)
}
