package engine_test

import (
	"context"
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user"
)

const (
	bob    = "bob@example.com"
	better = "purple monkey dishwasher 7"
)

// between is a rig in which what between.do holds happens once, between the
// judging of a proof and the transaction that acts on it.
type between struct {
	*rig
	store store.Store
	do    func()
}

func newBetween(t *testing.T) *between {
	w := &between{store: memory.New()}
	w.rig = newRig(t, storetest.Faulty(w.store, storetest.Plan{Before: func(_ context.Context, call string) error {
		if do := w.do; call == "Update" && do != nil {
			w.do = nil
			do()
		}
		return nil
	}}))
	return w
}

// user makes a user whose address is verified by the host.
func (w *between) user(address, pw string) *user.User {
	w.t.Helper()
	u, err := w.Users().Create(w.t.Context(), engine.CreateUserParams{EmailAddresses: []string{address}, Password: pw})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *between) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reset removes u's password and sets another, in a record of its own.
func (w *between) reset(u *user.User, pw string) {
	ctx := context.Background()
	w.must(w.Users().RemovePassword(ctx, u.ID))
	w.must(w.Users().Update(ctx, u.ID, engine.UpdateUserParams{Password: &pw}))
}

// TestAttack_C18_PasswordIsJudgedAndActedOnAsOne: what a password was judged
// against is what it opens, whatever happens in between.
func TestAttack_C18_PasswordIsJudgedAndActedOnAsOne(t *testing.T) {
	signIn := func(w *between, b *engine.Browser, during func()) error {
		w.do = during
		_, err := w.CreateSignIn(w.t.Context(), b, engine.SignInParams{Identifier: ada, Password: ptr(good)})
		return err
	}
	attempt := func(w *between, b *engine.Browser, during func()) error {
		var cookie string
		a, err := w.CreateSignIn(w.t.Context(), b, engine.SignInParams{Identifier: ada})
		if err != nil {
			w.t.Fatal(err)
		}
		w.do = during
		_, err = w.AttemptSignIn(w.t.Context(), w.next(b, &cookie), a.ID, factor.First, "password", factor.Proof{Password: good})
		return err
	}
	moved := func(w *between, a *user.User) func() {
		other := w.user(bob, better)
		return func() {
			ctx := context.Background()
			_, _, err := w.Users().ReplaceEmailAddresses(ctx, a.ID, "eve@example.com", engine.AddressVerified, false)
			w.must(nil, err)
			_, _, err = w.Users().AddEmailAddress(ctx, other.ID, ada, true, true)
			w.must(nil, err)
		}
	}
	reset := func(w *between, a *user.User) func() { return func() { w.reset(a, better) } }
	for _, c := range []struct {
		name   string
		signIn func(*between, *engine.Browser, func()) error
		during func(w *between, a *user.User) func()
		want   string
	}{
		{"nothing happens", signIn, func(*between, *user.User) func() { return nil }, ""},
		{"the address moves to another user", signIn, moved, "form_password_incorrect"},
		{"the password is removed and set anew", signIn, reset, "form_password_incorrect"},
		{"the same in two requests", attempt, reset, "client_state_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newBetween(t)
			b := w.browser()
			err := c.signIn(w, b, c.during(w, w.user(ada, good)))
			if code(err) != c.want {
				t.Fatalf("%v, want %q", err, c.want)
			}
			v, err := w.View(t.Context(), b)
			if signedIn := err == nil && v != nil && len(v.Live()) > 0; signedIn != (c.want == "") {
				t.Errorf("signed in: %v", signedIn)
			}
		})
	}
}

// A password that was confirmed before a change lets nothing be changed after
// it, even if the record began anew.
func TestConfirmedPasswordIsTheStoredOne(t *testing.T) {
	for _, again := range []string{"", better} {
		w := newBetween(t)
		ctx := t.Context()
		u := w.user(ada, good)
		b := w.browser()
		s, err := w.SignInUser(ctx, b, u.ID)
		w.must(s, err)
		actor, err := w.Actor(ctx, b, s.ID)
		w.must(actor, err)
		w.do = func() {
			ctx := context.Background()
			w.must(w.Users().DropPassword(ctx, u.ID, false))
			if again != "" {
				w.must(w.Users().Update(ctx, u.ID, engine.UpdateUserParams{Password: &again, SignOutOfOtherSessions: ptr(false)}))
			}
		}
		if err := w.ChangePassword(ctx, actor, good, "something else entirely 5", false); code(err) != "conflict" {
			t.Errorf("removed, then set to %q: %v", again, err)
		}
	}
}

// A right password opens the account and clears its count, whatever became of
// the count while the password was judged.
func TestCountChangesWhileJudged(t *testing.T) {
	for name, during := range map[string]func(w *between, other *rig, u *user.User){
		"nothing": func(*between, *rig, *user.User) {},
		"the host unlocks": func(w *between, _ *rig, u *user.User) {
			_, err := w.Users().Unlock(context.Background(), u.ID)
			w.must(nil, err)
		},
		"a wrong try at another instance": func(w *between, other *rig, _ *user.User) {
			_, err := other.CreateSignIn(context.Background(), other.browser(), engine.SignInParams{Identifier: ada, Password: ptr(better)})
			if code(err) != "form_password_incorrect" {
				t.Errorf("elsewhere: %v", err)
			}
		},
	} {
		for _, before := range []int{0, 1} {
			w := newBetween(t)
			other := newRig(t, w.store)
			u := w.user(ada, good)
			for range before {
				if _, err := w.CreateSignIn(t.Context(), w.browser(), engine.SignInParams{Identifier: ada, Password: ptr(better)}); code(err) != "form_password_incorrect" {
					t.Fatal(err)
				}
			}
			happened := false
			w.do = func() { w.do = func() { happened = true; during(w, other, u) } } // at the second: the try is counted by then
			a, err := w.CreateSignIn(t.Context(), w.browser(), engine.SignInParams{Identifier: ada, Password: ptr(good)})
			if err != nil || a.CreatedSessionID == "" || !happened {
				t.Fatalf("%s after %d wrong tries: %v %+v", name, before, err, a)
			}
			l, err := w.Users().Lockouts(t.Context(), u)
			if left := l[u.ID].Left; err != nil || left == nil || *left != w.Settings(t.Context()).Protection.Lockout.MaxAttempts {
				t.Errorf("%s after %d wrong tries: %d left, %v", name, before, *left, err)
			}
		}
	}
}

// A session that ends, or is used, while a request of its own is under way:
// the request goes through or is told that the session is over.
func TestSessionEndsWhileUsed(t *testing.T) {
	ctx := context.Background()
	uses := map[string]func(w *between, b *engine.Browser, id string) error{
		"token": func(w *between, b *engine.Browser, id string) error {
			_, err := w.Token(ctx, b, id, engine.TokenParams{})
			return err
		},
		"renewal": func(w *between, b *engine.Browser, id string) error {
			_, _, err := w.Renew(ctx, b, id, engine.TokenParams{})
			return err
		},
		"touch": func(w *between, b *engine.Browser, id string) error {
			v, err := w.TouchSession(ctx, b, id, engine.TouchParams{})
			if err == nil && v.User == nil {
				t.Error("a touch answers without the user")
			}
			return err
		},
	}
	for _, c := range []struct {
		name   string
		during func(w *between, id string) error
		want   string
	}{
		{"nothing happens", nil, ""},
		{"another tab uses it", func(w *between, id string) error {
			s, err := w.Sessions().Get(ctx, id)
			if err == nil {
				err = w.store.Update(ctx, func(tx store.Tx) error { return session.Put(ctx, tx, s) })
			}
			return err
		}, ""},
		{"it is revoked", func(w *between, id string) error {
			_, err := w.Sessions().Revoke(ctx, id)
			return err
		}, "authentication_invalid"},
		{"it is revoked by another instance", func(w *between, id string) error {
			_, err := newRig(t, w.store).Sessions().Revoke(ctx, id)
			return err
		}, "authentication_invalid"},
		{"it is deleted", func(w *between, id string) error {
			return w.store.Update(ctx, func(tx store.Tx) error {
				s, err := session.Get(ctx, tx, id)
				if err != nil {
					return err
				}
				return tx.Delete(ctx, session.Kind, id, s.Version)
			})
		}, "authentication_invalid"},
	} {
		for name, use := range uses {
			w := newBetween(t)
			u := w.user(ada, good)
			b := w.browser()
			s, err := w.SignInUser(ctx, b, u.ID)
			w.must(s, err)
			w.advance(session.TouchEvery)
			if c.during != nil {
				w.do = func() { w.must(nil, c.during(w, s.ID)) }
			}
			if err := use(w, b, s.ID); code(err) != c.want || w.do != nil {
				t.Errorf("%s, %s: %v, want %q", name, c.name, err, c.want)
			}
		}
	}
}

// A challenge that is begun in a profile is guarded by a write of the user: of
// a deletion that goes on at once, one waits or fails. Databases let two
// transactions pass that only read what the other writes.
func TestChallengesAreGuardedByTheUser(t *testing.T) {
	w := newBetween(t)
	ctx := t.Context()
	w.must(nil, w.UpdateSettings(ctx, func(s *settings.Settings) error { s.Passkeys.Enabled = true; return nil }))
	u := w.user(ada, good)
	b := w.browser()
	s, err := w.SignInUser(ctx, b, u.ID)
	w.must(s, err)
	actor, err := w.Actor(ctx, b, s.ID)
	w.must(actor, err)
	id, err := w.AddEmailAddress(ctx, actor, bob)
	w.must(id, err)
	for name, begin := range map[string]func() error{
		"a code":    func() error { return w.PrepareEmailAddress(ctx, actor, id.ID, "email_code") },
		"a passkey": func() error { _, _, err := w.CreatePasskey(ctx, actor); return err },
	} {
		before, err := w.Users().Get(ctx, u.ID)
		w.must(before, err)
		w.must(nil, begin())
		if after, err := w.Users().Get(ctx, u.ID); err != nil || after.Version == before.Version || !after.UpdatedAt.Equal(before.UpdatedAt) {
			t.Errorf("%s: version %d, then %d: %v", name, before.Version, after.Version, err)
		}
	}
}
