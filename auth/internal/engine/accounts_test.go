package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// signInByCode signs in with a code that is mailed to an address.
func (r *rig) signInByCode(address string) {
	r.t.Helper()
	ctx := r.t.Context()
	b := r.browser()
	a, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: address, Strategy: "email_code"})
	if err != nil {
		r.t.Fatal(err)
	}
	var cookie string
	if _, err := r.AttemptSignIn(ctx, r.next(b, &cookie), a.ID, factor.First, "email_code", factor.Proof{Code: r.lastCode()}); err != nil {
		r.t.Fatal(err)
	}
}

// TestAttack_C16_OnlyStrangersAreDropped: an address that nobody has proved
// says little of who signed up on it, but what the host has set is the host's.
func TestAttack_C16_OnlyStrangersAreDropped(t *testing.T) {
	for _, c := range []struct {
		name    string
		founded func(r *rig) (userID string)
		keeps   bool
	}{
		{"made by the host", func(r *rig) string {
			u, err := r.Users().Create(t.Context(), engine.CreateUserParams{EmailAddresses: []string{ada, bob}, Password: good, Unverified: true})
			if err != nil {
				t.Fatal(err)
			}
			return u.ID
		}, true},
		{"signed up", func(r *rig) string {
			a, err := r.CreateSignUp(t.Context(), r.browser(), engine.SignUpParams{EmailAddress: ptr(ada), Password: ptr(good)})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Users().AddEmailAddress(t.Context(), a.CreatedUserID, bob, false, false); err != nil {
				t.Fatal(err)
			}
			return a.CreatedUserID
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil, func(c *engine.Config) { c.Settings.EmailAddress.VerifyAtSignUp = false })
			id := c.founded(r)
			r.signInByCode(ada)
			u, err := r.Users().Get(t.Context(), id)
			if err != nil || !u.EmailAddress(u.PrimaryEmailAddressID).Verified {
				t.Fatalf("%+v %v", u, err)
			}
			if u.PasswordEnabled != c.keeps || (len(u.EmailAddresses) == 2) != c.keeps {
				t.Errorf("password %v, %d addresses", u.PasswordEnabled, len(u.EmailAddresses))
			}
		})
	}
}

// A user who is deleted leaves no code under way behind, whoever deletes.
func TestDeletedUserLeavesNoCodes(t *testing.T) {
	for name, remove := range map[string]func(r *rig, a *engine.Actor) error{
		"the host": func(r *rig, a *engine.Actor) error { _, err := r.Users().Delete(t.Context(), a.User.ID); return err },
		"the user": func(r *rig, a *engine.Actor) error { return r.DeleteSelf(t.Context(), a) },
	} {
		t.Run(name, func(t *testing.T) {
			st := memory.New()
			r := newRig(t, st, func(c *engine.Config) { c.Settings.DeleteSelf = true })
			ctx := t.Context()
			b, _ := r.signUp(ada, good)
			a, err := r.Actor(ctx, b, "")
			if err != nil {
				t.Fatal(err)
			}
			id, err := r.AddEmailAddress(ctx, a, bob)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.PrepareEmailAddress(ctx, a, id.ID, "email_code"); err != nil {
				t.Fatal(err)
			}
			if n := count(t, st, "verification"); n != 1 {
				t.Fatalf("%d codes under way", n)
			}
			if err := remove(r, a); err != nil {
				t.Fatal(err)
			}
			if n := count(t, st, "verification"); n != 0 {
				t.Errorf("%d codes left", n)
			}
		})
	}
}

// count counts the records of a kind.
func count(t *testing.T, st store.Store, kind string) (n int) {
	t.Helper()
	for _, k := range engine.Kinds() {
		if k.Name != kind {
			continue
		}
		err := st.View(t.Context(), func(tx store.Tx) (err error) {
			n, err = tx.Count(context.Background(), store.Query{Kind: k})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("no kind %q", kind)
	return 0
}

// A locale that the host gives is a language tag as well, and never cut.
func TestHostLocale(t *testing.T) {
	r := newRig(t, nil)
	long := strings.Repeat("é", 20)
	p := engine.CreateUserParams{EmailAddresses: []string{ada}, Password: good, Locale: long}
	if _, err := r.Users().Create(t.Context(), p); code(err) != "form_param_format_invalid" {
		t.Errorf("create: %v", err)
	}
	p.Locale = "en-GB"
	u, err := r.Users().Create(t.Context(), p)
	if err != nil || u.Locale != "en-GB" {
		t.Fatalf("%+v %v", u, err)
	}
	if _, err := r.Users().Update(t.Context(), u.ID, engine.UpdateUserParams{Locale: &long}); code(err) != "form_param_format_invalid" {
		t.Errorf("update: %v", err)
	}
}
