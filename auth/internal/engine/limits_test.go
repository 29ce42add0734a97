package engine_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// TestAttack_C20_EveryRoadIsLimited: requests that cost a hash, leave a record
// or tell who has an account are counted, wherever they come in.
func TestAttack_C20_EveryRoadIsLimited(t *testing.T) {
	for name, c := range map[string]struct {
		rate func(*settings.Limits) *settings.Rate
		// try prepares a request and returns it.
		try func(r *rig) func() error
	}{
		"change of a sign-up": {func(l *settings.Limits) *settings.Rate { return &l.CreateSignUp }, func(r *rig) func() error {
			b := r.browser()
			a, err := r.CreateSignUp(t.Context(), b, engine.SignUpParams{})
			r.check(err)
			return func() error {
				_, err := r.UpdateSignUp(t.Context(), b, a.ID, engine.SignUpParams{EmailAddress: ptr(ada)})
				return err
			}
		}},
		"address of a profile": {func(l *settings.Limits) *settings.Rate { return &l.AttemptSignUp }, func(r *rig) func() error {
			b, _ := r.signUp(ada, good)
			a, err := r.Actor(t.Context(), b, "")
			r.check(err)
			return func() error {
				_, err := r.AddEmailAddress(t.Context(), a, bob)
				if code(err) == "identification_exists" {
					return nil // the second time, it is there
				}
				return err
			}
		}},
		"password after a reset": {func(l *settings.Limits) *settings.Rate { return &l.AttemptAccount }, func(r *rig) func() error {
			r.signUp(ada, good)
			b, id := r.resetting(ada)
			return func() error {
				_, err := r.ResetSignInPassword(t.Context(), b, id, good, false)
				if code(err) == "form_new_password_matches_current" {
					return nil // judged
				}
				return err
			}
		}},
		"invitation to an organization": {func(l *settings.Limits) *settings.Rate { return &l.CreateSignUp }, func(r *rig) func() error {
			a, org := r.founder()
			n := 0
			return func() error {
				n++
				_, err := r.Invite(t.Context(), a, org, []engine.InviteParams{{EmailAddress: fmt.Sprintf("%d@example.com", n), Role: organization.Member}})
				return err
			}
		}},
		"code of a domain": {func(l *settings.Limits) *settings.Rate { return &l.AttemptSignUp }, func(r *rig) func() error {
			a, org := r.founder()
			d, err := r.AddDomain(t.Context(), a, org, "acme.example", "")
			r.check(err)
			return func() error {
				_, err := r.AttemptAffiliation(t.Context(), a, org, d.Domain.ID, "123456")
				if code(err) == "verification_missing" {
					return nil // none was sent
				}
				return err
			}
		}},
		"new browser": {func(l *settings.Limits) *settings.Rate { return &l.CreateClient }, func(r *rig) func() error {
			return func() error { return r.CreateClient(t.Context(), r.browser()) }
		}},
		"handshake": {func(l *settings.Limits) *settings.Rate { return &l.CreateClient }, func(r *rig) func() error {
			return func() error {
				_, err := r.PutHandshake(t.Context(), netip.MustParseAddr("192.0.2.7"), nil)
				return err
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			try := c.try(r) // without limits
			r.advance(time.Minute)
			r.check(r.UpdateSettings(t.Context(), func(s *settings.Settings) error {
				*c.rate(&s.Limits) = settings.Rate{Count: 3, Per: time.Hour}
				return nil
			}))
			for range 3 {
				r.check(try())
			}
			if err := try(); code(err) != "too_many_requests" {
				t.Errorf("a fourth time: %v", err)
			}
			r.advance(time.Hour)
			if err := try(); code(err) == "too_many_requests" {
				t.Error("refused for ever")
			}
		})
	}
}

// founder signs somebody up who founds an organization.
func (r *rig) founder() (*engine.Actor, string) {
	r.t.Helper()
	ctx := r.t.Context()
	r.check(r.UpdateSettings(ctx, func(s *settings.Settings) error {
		s.Organizations.Enabled, s.Organizations.Domains, s.Organizations.MaxMemberships = true, true, 0
		return nil
	}))
	b, _ := r.signUp(ada, good)
	a, err := r.Actor(ctx, b, "")
	r.check(err)
	o, err := r.CreateOrganization(ctx, a, "Acme", "")
	r.check(err)
	return a, o.ID
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// resetting brings a sign-in to where it asks for a new password.
func (r *rig) resetting(address string) (*engine.Browser, string) {
	r.t.Helper()
	b := r.browser()
	a, err := r.CreateSignIn(r.t.Context(), b, engine.SignInParams{Identifier: address, Strategy: "reset_password_email_code"})
	r.check(err)
	var cookie string
	b = r.next(b, &cookie)
	_, err = r.AttemptSignIn(r.t.Context(), b, a.ID, factor.First, "reset_password_email_code", factor.Proof{Code: r.lastCode()})
	r.check(err)
	return b, a.ID
}

// A change of a sign-up that brings nothing worth guessing is not counted.
func TestHarmlessChangesAreNotCounted(t *testing.T) {
	r := newRig(t, nil, func(c *engine.Config) {
		c.Settings.Limits.CreateSignUp = settings.Rate{Count: 1, Per: time.Hour}
	})
	b := r.browser()
	a, err := r.CreateSignUp(t.Context(), b, engine.SignUpParams{})
	r.check(err)
	for range 5 {
		_, err := r.UpdateSignUp(t.Context(), b, a.ID, engine.SignUpParams{FirstName: ptr("Ada")})
		r.check(err)
	}
}

// Where nobody has signed in, a browser is forgotten soon.
func TestStrangersAreKeptShortly(t *testing.T) {
	st := memory.New()
	long := func(c *engine.Config) { c.Settings.SignUp.AbandonAfter = 3 * session.StrangerLifetime }
	r := newRig(t, st, long)
	ctx := t.Context()
	lifetime := func(b *engine.Browser) time.Duration {
		var c *session.Client
		r.check(st.View(ctx, func(tx store.Tx) (err error) {
			c, err = session.GetClient(ctx, tx, b.Client.ID)
			return err
		}))
		return c.Expires.Sub(r.Now())
	}
	b := r.browser()
	r.check(r.CreateClient(ctx, b))
	if d := lifetime(b); d != session.StrangerLifetime {
		t.Errorf("a stranger is kept for %s", d)
	}
	if _, err := r.EndAllSessions(ctx, b); err != nil || lifetime(b) > session.StrangerLifetime {
		t.Errorf("a stranger who signs out is kept for %s, %v", lifetime(b), err)
	}
	_, err := r.CreateSignUp(ctx, b, engine.SignUpParams{EmailAddress: ptr(ada), Password: ptr(good)})
	r.check(err)
	if d := lifetime(b); d != 4*session.StrangerLifetime {
		t.Errorf("a stranger with a sign-up under way is kept for %s", d)
	}
	in, cookie := r.signUp(ada, good)
	if d := lifetime(in); d != session.ClientLifetime {
		t.Errorf("somebody who has signed up is kept for %s", d)
	}
	r.advance(session.StrangerLifetime)
	if _, err := r.EndAllSessions(ctx, in); err != nil || lifetime(r.next(in, &cookie)) != session.ClientLifetime {
		t.Errorf("somebody who has signed out is kept for %s, %v", lifetime(in), err)
	}
	r.advance(3 * session.StrangerLifetime)
	if nb := r.next(b, new(string)); nb.Client != nil {
		t.Error("the stranger is still known")
	}
	u, err := r.Users().ByIdentifier(ctx, ada)
	r.check(err)
	host := r.browser()
	_, err = r.SignInUser(ctx, host, u.ID)
	r.check(err)
	if d := lifetime(host); d != session.ClientLifetime {
		t.Errorf("somebody whom the host signed in is kept for %s", d)
	}
}
