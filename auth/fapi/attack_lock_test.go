package fapi_test

import (
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// Somebody locks an account from outside. Its owner's passkey and provider,
// which nobody can guess, open it nevertheless, in a browser that the account
// has never seen and with locks that last for ever; what can be guessed stays
// shut, and their being shown does not open it to strangers.
func TestAttack_C07_PasskeyAndProviderGetIn(t *testing.T) {
	s := newSocial(t, passkeysOn, func(c *setup) { c.settings.Protection.Lockout.Duration = 0 })
	own := s.browser()
	_, uid := own.signUp(ada, good)
	device := s.device()
	own.addPasskey(device)
	own.back(s.fake, own.leave("/v1/me/external_accounts", fake), person("work@example.com", true)).lands("/done")

	stranger := s.browser()
	for range s.e.Settings(t.Context()).Protection.Lockout.MaxAttempts {
		stranger.post("/v1/client/sign_ins", "identifier", ada, "password", "wrong guess")
	}
	shut := func() {
		t.Helper()
		s.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
	}
	shut()
	for name, way := range map[string]func(b *browser){
		"passkey": func(b *browser) { b.signInByPasskey(device).ok().is("response.status", "complete") },
		"passkey, named": func(b *browser) {
			p := begin(b, ada, func(*answer) {})
			nonce := b.post(p+"/prepare_first_factor", "strategy", "passkey").ok().str("response.first_factor_verification.nonce")
			b.showPasskey(p, b.answerTo(device, nonce)).ok().is("response.status", "complete")
		},
		"provider": func(b *browser) {
			b.back(s.fake, b.leave("/v1/client/sign_ins", fake), person("work@example.com", true)).lands("/done")
		},
	} {
		b := s.browser()
		way(b)
		if got := b.signedInAs(); got != uid {
			t.Errorf("%s: signed in as %q", name, got)
		}
		b.get("/v1/me").ok().is("response.id", uid)
		shut()
	}
	// A stranger's passkey and a stranger at the provider do not get in by it.
	other := s.browser()
	other.back(s.fake, other.leave("/v1/client/sign_ins", fake), person("stranger@example.com", true)).lands("/sso-callback")
	if got := other.signedInAs(); got != "" {
		t.Errorf("a stranger is %s", got)
	}
}

// TestAttack_C07_WhatIsKnownIsCountedApart: strangers who use up what they may
// try on an account, of passwords or of codes, or put its password out of use,
// take nothing from a browser in which its owner has signed in, nor from a
// passkey. That browser has a budget as well.
func TestAttack_C07_WhatIsKnownIsCountedApart(t *testing.T) {
	wrong := func(b *browser) *answer {
		return b.post("/v1/client/sign_ins", "identifier", ada, "password", "wrong guess")
	}
	byCode := func(b *browser, code func() string) *answer {
		p := begin(b, ada, func(*answer) {})
		b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
		return b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code())
	}
	signOut := func(b *browser) {
		b.post("/v1/client/sessions/" + b.client().str("response.last_active_session_id") + "/end").ok()
	}
	for name, c := range map[string]struct {
		limit   func(*setup)
		use     func(r *rig) *answer // a try of a stranger
		refused string
	}{
		"tries": {func(c *setup) { c.settings.Limits.AttemptAccount = settings.Rate{Count: 5, Per: time.Hour} },
			func(r *rig) *answer { return wrong(r.browser()) }, "too_many_requests"},
		"codes": {func(c *setup) { c.settings.Limits.AttemptCode = settings.Rate{Count: 5, Per: 24 * time.Hour} },
			func(r *rig) *answer { return byCode(r.browser(), func() string { return "000x00" }) }, "too_many_requests"},
		"a hundred in a row": {func(c *setup) {
			c.settings.Protection.Lockout = settings.Lockout{Enabled: true, MaxAttempts: 100, Duration: time.Minute}
		},
			func(r *rig) *answer { return wrong(r.browser()) }, "user_locked"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, passkeysOn, unlocked, func(c *setup) { c.settings.Reverification.Enabled, c.settings.Codes.ResendAfter = false, 0 }, c.limit)
			own := r.browser()
			own.signUp(ada, good)
			device := r.device()
			own.addPasskey(device)
			signOut(own)
			for i := 0; c.use(r).str("errors.0.code") != c.refused; i++ {
				if i > 100 {
					t.Fatal("strangers may try without end")
				}
			}
			if c.refused == "user_locked" {
				r.advance(time.Minute)
				r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_compromised")
			}
			r.countMails() // delivers what strangers asked for
			own.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().is("response.status", "complete")
			signOut(own)
			byCode(own, r.lastCode).ok().is("response.status", "complete")
			signOut(own)
			r.browser().signInByPasskey(device).ok().is("response.status", "complete")
			for i := 0; ; i++ {
				b := own.fork()
				a := wrong(b)
				if c.refused == "too_many_requests" && name == "codes" {
					a = byCode(b, func() string { return "000x00" })
				}
				if a.str("errors.0.code") == c.refused {
					break
				}
				if i > 100 {
					t.Fatal("that browser may try without end")
				}
			}
		})
	}
}

// TestAttack_C07_TheBrowserOfANewPasswordIsKnown: whoever changes the password
// stays known where they did, and there alone.
func TestAttack_C07_TheBrowserOfANewPasswordIsKnown(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Protection.ClientTrust, c.settings.Reverification.Enabled = true, false })
	own, other := r.browser(), r.browser()
	own.signUp(ada, good)
	a := other.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().is("response.status", "needs_client_trust")
	other.post(signInPath(a)+"/prepare_second_factor", "strategy", "email_code").ok()
	other.post(signInPath(a)+"/attempt_second_factor", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "complete")
	r.advance(time.Second)
	own.post("/v1/me/change_password", "current_password", good, "new_password", better).ok()
	own.post("/v1/client/sessions/" + own.client().str("response.last_active_session_id") + "/end").ok()
	for b, status := range map[*browser]string{own: "complete", other: "needs_client_trust"} { // the change has signed the other one out
		b.post("/v1/client/sign_ins", "identifier", ada, "password", better).ok().is("response.status", status)
	}
}
