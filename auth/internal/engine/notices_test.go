package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// A mail that somebody waits for cannot be switched off; every other one can,
// alone.
func TestEveryNoticeHasASwitch(t *testing.T) {
	waited := []string{notify.VerificationCode, notify.ResetPasswordCode, notify.LinkSignIn, notify.LinkSignUp, notify.LinkProfile,
		notify.WaitlistInvitation, notify.Invitation, notify.OrganizationInvitation, notify.AffiliationCode}
	for _, slug := range notify.Slugs() {
		s := settings.Default()
		if !s.Mails.Sends(slug) {
			t.Errorf("%s is not sent by default", slug)
		}
		off, err := json.Marshal(map[string]bool{slug: false})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(off, &s.Mails); err != nil {
			t.Fatal(err)
		}
		for _, other := range notify.Slugs() {
			if want := other != slug || slices.Contains(waited, slug); s.Mails.Sends(other) != want {
				t.Errorf("with %s off, %s: sent is %v", slug, other, !want)
			}
		}
	}
}

// mailed delivers what is due and returns who got the mails with a slug.
func (r *rig) mailed(slug string) (to []string) {
	r.t.Helper()
	if _, _, err := r.Deliver(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.mails {
		if m.Slug == slug {
			to = append(to, m.To)
		}
	}
	slices.Sort(to)
	return to
}

// C13: whatever happens to an account is told at every address that is shown
// to be its own, and nowhere else.
func TestAttack_C13_EveryVerifiedAddressIsTold(t *testing.T) {
	for _, off := range []bool{false, true} {
		r := newRig(t, nil, func(c *engine.Config) {
			c.Settings.Mails.PasswordChanged, c.Settings.Mails.PrimaryEmailChanged = !off, !off
		})
		u, err := r.Users().Create(t.Context(), user.CreateParams{Password: good, EmailAddresses: []string{ada, "second@example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Users().AddEmailAddress(t.Context(), u.ID, "third@example.com", false, false); err != nil {
			t.Fatal(err)
		}
		second := u.EmailAddresses[1].ID
		if _, err := r.Users().Update(t.Context(), u.ID, user.UpdateParams{Password: ptr("another good passphrase"),
			PrimaryEmailAddressID: &second, NotifyPrimaryEmailAddressChanged: true}); err != nil {
			t.Fatal(err)
		}
		want := []string{ada, "second@example.com"}
		if off {
			want = nil
		}
		for _, slug := range []string{notify.PasswordChanged, notify.PrimaryEmailChanged} {
			if got := r.mailed(slug); !slices.Equal(got, want) {
				t.Errorf("off %v, %s: got %v", off, slug, got)
			}
		}
		for _, m := range r.mails {
			if m.Slug == notify.PrimaryEmailChanged && m.Data.Email != "second@example.com" {
				t.Errorf("the mail to %s says that the address is now %s", m.To, m.Data.Email)
			}
		}
	}
}
