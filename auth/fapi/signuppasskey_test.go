package fapi_test

import (
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

func passkeySignUp(s *setup) {
	s.settings.Passkeys = settings.Passkeys{Enabled: true, SignUp: true, SatisfiesSecondFactor: true}
}

// beginPasskeySignUp begins a sign-up and returns its path and the challenge.
func (b *browser) beginPasskeySignUp(email string) (path, nonce string) {
	b.t.Helper()
	a := b.post("/v1/client/sign_ups", "email_address", email).ok().is("response.missing_fields", []string{"password"})
	path = "/v1/client/sign_ups/" + a.str("response.id")
	a = b.post(path+"/prepare_passkey").ok().is("response.passkey.status", "unverified").is("response.missing_fields", []string{"password"})
	return path, a.str("response.passkey.nonce")
}

// An account without a password, ever: a passkey stands in for it.
func TestSignUpByPasskey(t *testing.T) {
	r := newRig(t, passkeySignUp)
	b := r.browser()
	d := r.device()
	path, nonce := b.beginPasskeySignUp(ada)
	if !strings.Contains(nonce, ada) {
		t.Errorf("the device is not told whose it is: %s", nonce)
	}
	raw, err := d.Create([]byte(nonce))
	if err != nil {
		t.Fatal(err)
	}
	b.post(path+"/attempt_passkey").refused(422, "form_param_missing", "public_key_credential")
	b.post(path+"/attempt_passkey", "public_key_credential", string(raw)).ok().is("response.status", "missing_requirements").
		is("response.missing_fields", []string{}).is("response.unverified_fields", []string{"email_address"}).
		is("response.passkey.status", "verified").is("response.passkey.nonce", nil).is("response.has_password", false)
	b.post(path+"/attempt_passkey", "public_key_credential", string(raw)).refused(400, "verification_already_verified")
	b.post(path+"/prepare_passkey").refused(400, "verification_already_verified")
	b.post(path+"/prepare_verification", "strategy", "email_code").ok()
	a := b.post(path+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete").
		is("client.sessions.0.user.password_enabled", false).is("client.sessions.0.user.passkeys.0.name", "Firefox on Linux")
	uid := a.str("response.created_user_id")

	c := r.browser()
	c.signInByPasskey(d).ok().is("response.status", "complete").is("client.sessions.0.user.id", uid)
}

func TestSignUpByPasskeyRefused(t *testing.T) {
	r := newRig(t, passkeySignUp)
	b := r.browser()
	for name, spoil := range map[string]func(*passkeytest.Answer){
		"origin":    func(a *passkeytest.Answer) { a.ClientData["origin"] = "https://evil.example" },
		"challenge": func(a *passkeytest.Answer) { a.ClientData["challenge"] = strings.Repeat("A", 43) },
		"rpId":      func(a *passkeytest.Answer) { a.RPID = "evil.example" },
	} {
		path, nonce := b.beginPasskeySignUp(name + "@example.com")
		d := r.device()
		d.Spoil = spoil
		raw, err := d.Create([]byte(nonce))
		if err != nil {
			t.Fatal(err)
		}
		b.post(path+"/attempt_passkey", "public_key_credential", string(raw)).refused(400, "passkey_invalid_verification")
		b.get(path).ok().is("response.missing_fields", []string{"password"})
	}
	// The challenge of another sign-up.
	_, other := b.beginPasskeySignUp("other@example.com")
	raw, err := r.device().Create([]byte(other))
	if err != nil {
		t.Fatal(err)
	}
	c := r.browser()
	path, _ := c.beginPasskeySignUp("mine@example.com")
	c.post(path+"/attempt_passkey", "public_key_credential", string(raw)).refused(400, "passkey_invalid_verification")
	c.post("/v1/client/sign_ups/sua_x/prepare_passkey").refused(404, "resource_not_found")

	off := newRig(t, passkeysOn).browser()
	p := "/v1/client/sign_ups/" + off.post("/v1/client/sign_ups", "email_address", ada).ok().str("response.id")
	off.post(p+"/prepare_passkey").refused(400, "verification_strategy_invalid")
	off.post(p+"/attempt_passkey", "public_key_credential", "{}").refused(400, "verification_missing")
}

// Of two sign-ups with one device's answer at once, one is a user.
func TestSignUpByPasskeyRace(t *testing.T) {
	r := newRig(t, passkeySignUp, func(s *setup) { s.settings.EmailAddress.VerifyAtSignUp = false })
	b := r.browser()
	path, nonce := b.beginPasskeySignUp(ada)
	raw, err := r.device().Create([]byte(nonce))
	if err != nil {
		t.Fatal(err)
	}
	bs, paths := make([]*browser, 8), make([]string, 8)
	for i := range bs {
		bs[i], paths[i] = b.fork(), path+"/attempt_passkey"
	}
	if won := race(bs, paths, "public_key_credential", string(raw)); won != 1 {
		t.Errorf("%d signed up", won)
	}
}

// Where neither a password nor a proof of the address is needed, who wants a
// passkey is waited for.
func TestSignUpByPasskeyAlone(t *testing.T) {
	for name, change := range map[string]func(*setup){
		"optional": func(s *setup) { s.settings.Password.Required = false },
		"off": func(s *setup) {
			s.settings.Password.Enabled, s.settings.Password.Required = false, false
			s.settings.EmailAddress.Strategies = []string{"email_code"}
		},
	} {
		r := newRig(t, passkeySignUp, change, func(s *setup) { s.settings.EmailAddress.VerifyAtSignUp = false })
		b, d := r.browser(), r.device()
		a := b.post("/v1/client/sign_ups", "email_address", ada, "strategy", "passkey").ok().is("response.status", "missing_requirements").
			is("response.missing_fields", []string{"passkey"}).is("response.passkey.status", "unverified")
		p := signUpPath(a)
		b.patch(p, "first_name", "Ada").ok().is("response.status", "missing_requirements")
		if _, err := r.e.Users().ByIdentifier(t.Context(), ada); err == nil {
			t.Errorf("%s: there is a user without a passkey", name)
		}
		raw, err := d.Create([]byte(b.post(p + "/prepare_passkey").ok().str("response.passkey.nonce")))
		if err != nil {
			t.Fatal(err)
		}
		b.post(p+"/attempt_passkey", "public_key_credential", string(raw)).ok().is("response.status", "complete").
			is("client.sessions.0.user.passkeys.0.name", "Firefox on Linux")
		r.browser().signInByPasskey(d).ok().is("response.status", "complete")

		// Who does not ask for one goes on as before.
		r.browser().post("/v1/client/sign_ups", "email_address", bob).ok().is("response.status", "complete")
	}
	// Who has thought better of it types a password.
	r := newRig(t, passkeySignUp, func(s *setup) { s.settings.Password.Required, s.settings.EmailAddress.VerifyAtSignUp = false, false })
	b := r.browser()
	p := signUpPath(b.post("/v1/client/sign_ups", "email_address", ada, "strategy", "passkey").ok())
	b.patch(p, "password", good).ok().is("response.status", "complete")
	newRig(t, passkeysOn).browser().post("/v1/client/sign_ups", "email_address", ada, "strategy", "passkey").refused(400, "verification_strategy_invalid")
}
