package fapi_test

import (
	"slices"
	"testing"

	"github.com/usherauth/usher/auth/notify"
)

// Whoever deletes the primary address makes another one primary: both are told,
// the one that goes above all, since it may be a thief who does so.
func TestDeletingThePrimaryAddressIsTold(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Reverification.Enabled = false })
	b := r.browser()
	b.signUp(ada, good)
	first := b.get("/v1/me").ok().str("response.primary_email_address_id")
	second := b.post("/v1/me/email_addresses", "email_address", bob).ok().str("response.id")
	p := "/v1/me/email_addresses/" + second
	b.post(p+"/prepare_verification", "strategy", "email_code").ok()
	b.post(p+"/attempt_verification", "code", r.lastCode()).ok()
	told := func() (out []string) {
		r.countMails() // delivers
		for _, m := range r.mails {
			if m.Slug == notify.PrimaryEmailChanged && m.Data.Email == bob {
				out = append(out, m.To)
			}
		}
		slices.Sort(out)
		return out
	}
	b.delete("/v1/me/email_addresses/" + first).ok()
	b.get("/v1/me").ok().is("response.primary_email_address_id", second)
	if got := told(); !slices.Equal(got, []string{ada, bob}) {
		t.Errorf("told at %v", got)
	}
	b.post("/v1/me/email_addresses", "email_address", "third@example.com").ok()
	third := b.get("/v1/me").ok().str("response.email_addresses.1.id")
	b.delete("/v1/me/email_addresses/" + third).ok()
	if got := told(); len(got) != 2 {
		t.Errorf("another one that goes is told at %v", got)
	}
}
