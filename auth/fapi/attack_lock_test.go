package fapi_test

import "testing"

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
