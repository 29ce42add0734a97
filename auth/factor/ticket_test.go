package factor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A ticket holds inside the transaction only as long as it is the one that was
// judged, unused, and of the user who is there.
func TestAttack_L13_TicketConfirm(t *testing.T) {
	u := user.New(now)
	tok, wire, err := ticket.NewSignInToken(u.ID, time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	pass := func() *ticket.Pass {
		own := tok.Ticket
		return &ticket.Pass{ID: tok.ID, Ticket: &own, UserID: u.ID}
	}
	st := factor.Ticket{Find: func(_ context.Context, id string) (*ticket.Pass, error) {
		if id != tok.ID {
			return nil, store.ErrNotFound
		}
		return pass(), nil
	}}
	f, err := st.Verify(t.Context(), factor.Challenge{Now: now}, factor.Proof{Ticket: wire})
	if err != nil || !f.OK || f.UserID != u.ID || f.TicketID != tok.ID {
		t.Fatalf("%+v, %v", f, err)
	}
	other := user.New(now)
	for name, c := range map[string]struct {
		change func(*factor.Fact, *factor.Subject)
		want   string
	}{
		"right":                   {func(*factor.Fact, *factor.Subject) {}, ""},
		"not judged right":        {func(f *factor.Fact, _ *factor.Subject) { f.OK = false }, "ticket_invalid_code"},
		"no ticket there":         {func(_ *factor.Fact, s *factor.Subject) { s.Ticket = nil }, "ticket_invalid_code"},
		"another ticket there":    {func(_ *factor.Fact, s *factor.Subject) { s.Ticket.ID = "sit_other" }, "ticket_invalid_code"},
		"used since":              {func(_ *factor.Fact, s *factor.Subject) { s.Ticket.Ticket.Spend(now) }, "sign_in_token_already_used_code"},
		"revoked since":           {func(_ *factor.Fact, s *factor.Subject) { _ = s.Ticket.Ticket.Revoke(ticket.SignInKind, now) }, "sign_in_token_revoked_code"},
		"the user is gone":        {func(_ *factor.Fact, s *factor.Subject) { s.User = nil }, "sign_in_identification_or_user_deleted"},
		"another user is there":   {func(_ *factor.Fact, s *factor.Subject) { s.User = other }, "sign_in_identification_or_user_deleted"},
		"the ticket changed user": {func(_ *factor.Fact, s *factor.Subject) { s.Ticket.UserID = other.ID }, "sign_in_identification_or_user_deleted"},
	} {
		f, s := f, factor.Subject{User: u, Ticket: pass()}
		c.change(&f, &s)
		got := ""
		if err := st.Confirm(f, s); err != nil {
			got = fault.From(err).Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if len(st.Options(factor.Subject{User: u})) != 0 || len(st.Options(factor.Subject{})) != 1 || len(st.Options(factor.Subject{User: u, Ticket: pass()})) != 1 {
		t.Error("a ticket is offered to who is only named, or not to who brings one")
	}
	broken := factor.Ticket{Find: func(context.Context, string) (*ticket.Pass, error) { return nil, store.ErrUnavailable }}
	if _, err := broken.Verify(t.Context(), factor.Challenge{Now: now}, factor.Proof{Ticket: wire}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a broken store says %v", err)
	}
}

// Only what is marked is for tests, and only in test mode.
func TestTestIdentifier(t *testing.T) {
	on, off := settings.Default(), settings.Default()
	on.TestMode = true
	for identifier, want := range map[string]bool{
		"ada+clerk_test@example.com": true, "ada+clerk_test_2@example.com": true, "ada@example.com": false, "ada@clerk_test.com": false,
		"clerk_test@example.com": false, "+12015550100": true, "+19995550199": true, "+12015550200": false, "+12015550099": false,
		"+442015550100": false, "+1201555010": false, "+120155501000": false, "+1201555o100": false, "": false,
	} {
		if got := factor.TestIdentifier(&on, identifier); got != want {
			t.Errorf("%q: %v, want %v", identifier, got, want)
		}
		if factor.TestIdentifier(&off, identifier) {
			t.Errorf("%q without test mode", identifier)
		}
	}
}

func ExampleTicket() {
	u := user.New(now)
	tok, wire, err := ticket.NewSignInToken(u.ID, time.Hour, now)
	if err != nil {
		panic(err)
	}
	st := factor.Ticket{Find: func(context.Context, string) (*ticket.Pass, error) {
		return &ticket.Pass{ID: tok.ID, Ticket: &tok.Ticket, UserID: u.ID}, nil
	}}
	f, err := st.Verify(context.Background(), factor.Challenge{Now: now}, factor.Proof{Ticket: wire})
	fmt.Println(f.OK, f.UserID == u.ID, err)
	// Output: true true <nil>
}
