package signin_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

// key stands for proofs that say whose they are and are used up: the machine
// must be right about them whatever they are made of.
type key struct{ prepare bool }

func (k key) Traits() factor.Traits {
	return factor.Traits{Name: "key", Uses: factor.First, Prepare: k.prepare, Proof: "ticket", Identifies: true}
}
func (key) Options(factor.Subject) []factor.Option { return []factor.Option{{Strategy: "key"}} }
func (key) Prepare(context.Context, factor.Challenge) (factor.Prepared, error) {
	panic("the tests make their own challenges")
}
func (key) Verify(context.Context, factor.Challenge, factor.Proof) (factor.Fact, error) {
	panic("the tests make their own facts")
}
func (key) Confirm(f factor.Fact, s factor.Subject) error {
	if !f.OK || s.User == nil || s.User.ID != f.UserID {
		return fault.New("ticket_invalid_code", "ticket")
	}
	return nil
}
func (key) Spend(factor.Fact, factor.Subject, time.Time) {}

// A proof that names its owner begins a sign-in by itself, once, and opens
// nothing that a named user could not open.
func TestProofThatIdentifies(t *testing.T) {
	challenge := signin.Prepare{Use: factor.First, Prepared: factor.Prepared{Verification: factor.Verification{ID: "ver_1", Strategy: "key", Status: factor.Unverified}}}
	prove := func(userID string, ok bool) signin.Prove {
		return signin.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "key", OK: ok, UserID: userID, VerificationID: "ver_1"}}
	}
	for _, c := range []struct {
		name    string
		prepare bool
		set     func(w *world)
		in      []signin.Input
		want    string
		then    signin.Status
	}{
		{"right", false, nil, []signin.Input{prove("user_ada", true)}, "", signin.Complete},
		{"right, prepared", true, nil, []signin.Input{challenge, prove("user_ada", true)}, "", signin.Complete},
		{"not prepared", true, nil, []signin.Input{prove("user_ada", true)}, "verification_missing", signin.NeedsIdentifier},
		{"used twice", true, nil, []signin.Input{challenge, prove("user_ada", true), prove("user_ada", true)}, "client_state_invalid", signin.Complete},
		{"wrong", false, nil, []signin.Input{prove("user_ada", false)}, "ticket_invalid_code", signin.NeedsIdentifier},
		{"wrong, then right", true, nil, []signin.Input{challenge, prove("user_ada", false), prove("user_ada", true)}, "", signin.Complete},
		{"of nobody", false, func(w *world) { w.env.User = nil }, []signin.Input{prove("user_x", true)}, "ticket_invalid_code", signin.NeedsIdentifier},
		{"of somebody else", false, nil, []signin.Input{prove("user_bob", true)}, "ticket_invalid_code", signin.NeedsIdentifier},
		{"of somebody else than was named", false, nil, []signin.Input{signin.Identify{Identifier: "ada@example.com"}, prove("user_bob", true)}, "ticket_invalid_code", signin.NeedsFirstFactor},
		{"of who was named", false, nil, []signin.Input{signin.Identify{Identifier: "ada@example.com"}, prove("user_ada", true)}, "", signin.Complete},
		{"banned", false, func(w *world) { w.env.User.Banned = true }, []signin.Input{prove("user_ada", true)}, "user_banned", signin.NeedsIdentifier},
		{"somebody is signed in", false, func(w *world) { w.env.SignedIn = map[string]string{"sess_1": "user_x"} }, []signin.Input{prove("user_ada", true)}, "session_exists", signin.NeedsIdentifier},
		{"signed in already", false, func(w *world) {
			w.env.Settings.Sessions.Multi, w.env.SignedIn = true, map[string]string{"sess_1": "user_ada"}
		}, []signin.Input{prove("user_ada", true)}, "identifier_already_signed_in", signin.NeedsIdentifier},
		{"a second factor is due", false, func(w *world) { w.env.User.Locale = "mfa" }, []signin.Input{prove("user_ada", true)}, "", signin.NeedsSecondFactor},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.env.Strategies = factor.NewSet(factor.Password{}, codes, second{}, key{c.prepare})
			if c.set != nil {
				c.set(w)
			}
			var do []signin.Effect
			var err error
			for _, in := range c.in {
				do, err = w.step(t, in)
			}
			if got := code(err); got != c.want || w.attempt.Status != c.then {
				t.Fatalf("got %q and %s, want %q and %s", got, w.attempt.Status, c.want, c.then)
			}
			spent := slices.ContainsFunc(do, func(e signin.Effect) bool { _, ok := e.(signin.Spend); return ok })
			if spent != (c.want == "") {
				t.Errorf("spent: %v, after %q", spent, c.want)
			}
			if c.want == "" && w.attempt.UserID != "user_ada" {
				t.Errorf("the attempt is %q's", w.attempt.UserID)
			}
		})
	}
}
