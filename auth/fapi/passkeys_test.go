package fapi_test

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/passkey"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/totp"
)

func passkeysOn(s *setup) { s.settings.Passkeys.Enabled = true }

// device is one whose browser shows the instance's pages.
func (r *rig) device() *passkeytest.Device { return passkeytest.New(r.server.URL) }

// addPasskey registers a passkey and returns its ID.
func (b *browser) addPasskey(d *passkeytest.Device) string {
	b.t.Helper()
	id, answer := b.beginPasskey(d)
	b.post("/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).ok().
		is("response.object", "passkey").is("response.id", id).is("response.verification.status", "verified")
	return id
}

func (b *browser) beginPasskey(d *passkeytest.Device) (id, answer string) {
	b.t.Helper()
	a := b.post("/v1/me/passkeys").ok().is("response.object", "passkey").is("response.verification.status", "unverified").
		is("response.verification.object", "verification_passkey").is("response.verification.strategy", "passkey")
	raw, err := d.Create([]byte(a.str("response.verification.nonce")))
	if err != nil {
		b.t.Fatal(err)
	}
	return a.str("response.id"), string(raw)
}

// challenge begins a sign-in by whoever has a passkey.
func (b *browser) challenge() (path, nonce string) {
	b.t.Helper()
	a := b.post("/v1/client/sign_ins", "strategy", "passkey").ok().is("response.status", "needs_identifier").
		is("response.first_factor_verification.strategy", "passkey").is("response.first_factor_verification.status", "unverified")
	return "/v1/client/sign_ins/" + a.str("response.id"), a.str("response.first_factor_verification.nonce")
}

func (b *browser) answerTo(d *passkeytest.Device, nonce string) string {
	b.t.Helper()
	raw, err := d.Get([]byte(nonce))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

func (b *browser) showPasskey(path, answer string) *answer {
	b.t.Helper()
	return b.post(path+"/attempt_first_factor", "strategy", "passkey", "public_key_credential", answer)
}

func (b *browser) signInByPasskey(d *passkeytest.Device) *answer {
	b.t.Helper()
	path, nonce := b.challenge()
	return b.showPasskey(path, b.answerTo(d, nonce))
}

func TestPasskeys(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	_, uid := b.signUp(ada, good)
	d := r.device()
	id := b.addPasskey(d)
	if !strings.HasPrefix(id, "idn_") || r.lastMail().Slug != notify.PasskeyAdded {
		t.Errorf("%s, mail %s", id, r.lastMail().Slug)
	}
	b.get("/v1/me/passkeys/"+id).ok().is("response.name", "Firefox on Linux").is("response.last_used_at", nil)
	b.patch("/v1/me/passkeys/"+id, "name", "  My phone ").ok().is("response.name", "My phone")
	b.patch("/v1/me/passkeys/"+id, "name", "").refused(422, "form_param_nil", "name")
	b.patch("/v1/me/passkeys/"+id, "name", strings.Repeat("x", 65)).refused(422, "form_param_max_length_exceeded", "name")
	b.patch("/v1/me/passkeys/"+id, "name", "a\u202eb").refused(422, "form_param_format_invalid", "name")
	b.patch("/v1/me/passkeys/idn_x", "name", "x").refused(404, "resource_not_found")
	waiting, _ := b.beginPasskey(r.device())
	b.patch("/v1/me/passkeys/"+waiting, "name", "x").refused(422, "passkey_identification_not_verified")
	b.delete("/v1/me/passkeys/" + waiting).ok()
	b.get("/v1/me/passkeys/"+waiting).refused(404, "resource_not_found")
	b.get("/v1/me/passkeys/idn_x").refused(404, "resource_not_found")
	b.get("/v1/me").ok().is("response.passkeys.0.id", id).is("response.passkeys.0.name", "My phone").is("response.two_factor_enabled", false)
	b.post("/v1/me/passkeys/"+id+"/attempt_verification", "public_key_credential", "{}").refused(400, "verification_already_verified")

	c := r.browser()
	c.signInByPasskey(d).ok().is("response.status", "complete").is("client.sessions.0.user.id", uid).
		is("client.sessions.0.user.passkeys.0.last_used_at", r.Now().UnixMilli()).is("client.last_authentication_strategy", "passkey")
	fva := r.claims(c.post("/v1/client/sessions/" + c.get("/v1/client").str("response.sessions.0.id") + "/tokens").ok().str("jwt")).FactorAge
	if fva == nil || fva.First != 0 || fva.Second != 0 {
		t.Errorf("factor ages %v", fva)
	}

	// By name first.
	e := r.browser()
	a := e.post("/v1/client/sign_ins", "identifier", ada).ok()
	found := false
	for _, f := range a.list("response.supported_first_factors") {
		found = found || f.(map[string]any)["strategy"] == "passkey"
	}
	if !found {
		t.Error("passkey is not offered")
	}
	p := "/v1/client/sign_ins/" + a.str("response.id")
	e.showPasskey(p, "{}").refused(400, "verification_missing")
	nonce := e.post(p+"/prepare_first_factor", "strategy", "passkey").ok().str("response.first_factor_verification.nonce")
	e.showPasskey(p, e.answerTo(d, nonce)).ok().is("response.status", "complete")

	b.delete("/v1/me/passkeys/"+id).ok().is("response.object", "passkey").is("response.deleted", true)
	if r.lastMail().Slug != notify.PasskeyRemoved {
		t.Errorf("mail %s", r.lastMail().Slug)
	}
	c.get("/v1/me").refused(401, "authentication_invalid")
	r.browser().signInByPasskey(d).refused(404, "passkey_not_registered")
	b.delete("/v1/me/passkeys/"+id).refused(404, "resource_not_found")
	f := r.browser()
	p = "/v1/client/sign_ins/" + f.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	f.post(p+"/prepare_first_factor", "strategy", "passkey").refused(400, "strategy_for_user_invalid")
}

func TestPasskeysAreOff(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	b.post("/v1/me/passkeys").refused(400, "form_param_value_disabled")
	r.browser().post("/v1/client/sign_ins", "strategy", "passkey").refused(400, "strategy_for_user_invalid")
	b.get("/v1/environment").ok().is("user_settings.attributes.passkey.enabled", false).is("user_settings.passkey_settings.show_sign_in_button", false)
	b.get("/.well-known/webauthn").refused(404, "resource_not_found")
	on := newRig(t, passkeysOn).browser()
	on.get("/v1/environment").ok().is("user_settings.attributes.passkey.first_factors", []string{"passkey"}).
		is("user_settings.attributes.passkey.used_for_first_factor", true).is("user_settings.passkey_settings.show_sign_in_button", true).
		is("user_settings.passkey_settings.allow_autofill", true).is("user_settings.passkey_settings.satisfies_second_factor", true)
}

// Ten, and each device one.
func TestPasskeyQuota(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	var last string
	for range 10 {
		last = b.addPasskey(r.device())
	}
	b.post("/v1/me/passkeys").refused(403, "passkey_quota_exceeded")
	b.delete("/v1/me/passkeys/" + last).ok()
	id, answer := b.beginPasskey(r.device())
	b.addPasskey(r.device()) // the tenth, in the meantime
	b.post("/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).refused(403, "passkey_quota_exceeded")
}

// With a passkey whose device made sure who is there, two factors are shown; if
// the settings say so.
func TestPasskeyAndSecondFactor(t *testing.T) {
	for name, c := range map[string]struct {
		satisfies bool
		flags     byte
		want      string
	}{
		"verified":     {true, passkeytest.UserPresent | passkeytest.UserVerified, "complete"},
		"not verified": {true, passkeytest.UserPresent, "needs_second_factor"},
		"not allowed":  {false, passkeytest.UserPresent | passkeytest.UserVerified, "needs_second_factor"},
	} {
		r := newRig(t, passkeysOn, func(s *setup) { s.settings.Passkeys.SatisfiesSecondFactor = c.satisfies })
		b := r.browser()
		b.signUp(ada, good)
		a, _ := b.setUpTOTP()
		d := r.device()
		b.addPasskey(d)
		d.Flags = c.flags
		e := r.browser()
		path, nonce := e.challenge()
		e.showPasskey(path, e.answerTo(d, nonce)).ok().is("response.status", c.want)
		if t.Failed() {
			t.Fatal(name)
		}
		if c.want != "complete" {
			e.post(path+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
			r.advance(totp.Period)
		}
	}
}

// One fault alone is enough, in a registration and in a sign-in, over HTTP; and
// afterwards the right answer still is right.
func TestAttack_P01_OneFaultEach(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	b.addPasskey(d)
	one := func(name string, value any) func(*passkeytest.Answer) {
		return func(a *passkeytest.Answer) { a.ClientData[name] = value }
	}
	both := map[string]func(*passkeytest.Answer){
		"origin": one("origin", "https://evil.example"), "type": one("type", "x"), "challenge": one("challenge", strings.Repeat("A", 43)),
		"crossOrigin": one("crossOrigin", true), "topOrigin": one("topOrigin", r.server.URL),
		"rpId": func(a *passkeytest.Answer) { a.RPID = "evil.example" }, "presence": func(a *passkeytest.Answer) { a.Flags &^= passkeytest.UserPresent },
		"backup": func(a *passkeytest.Answer) { a.Flags |= passkeytest.BackedUp },
	}
	for name, spoil := range both {
		x := r.device()
		x.Spoil = spoil
		id, answer := b.beginPasskey(x)
		b.post("/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).refused(400, "passkey_invalid_verification")
		b.get("/v1/me/passkeys/"+id).ok().is("response.verification.attempts", 1).is("response.verification.status", "unverified")
		if n := len(b.get("/v1/me").list("response.passkeys")); n != 1 {
			t.Fatalf("%s: %d passkeys", name, n)
		}
	}
	signIn := maps.Clone(both)
	signIn["signature"] = func(a *passkeytest.Answer) {
		a.Signed = func(x, y, z []byte) ([]byte, []byte, []byte) { z[len(z)-1] ^= 1; return x, y, z }
	}
	signIn["handle"] = func(a *passkeytest.Answer) { a.UserHandle = []byte("user_x") }
	for name, spoil := range signIn {
		c := r.browser()
		path, nonce := c.challenge()
		d.Spoil = spoil
		wrong := c.showPasskey(path, c.answerTo(d, nonce))
		if want := map[string]int{"handle": 404}[name]; want != 0 {
			wrong.refused(404, "passkey_not_registered")
		} else {
			wrong.refused(400, "passkey_invalid_verification")
		}
		c.get("/v1/client").ok().is("response.sessions", []any{}).is("response.sign_in.status", "needs_identifier")
		d.Spoil = nil
		c.showPasskey(path, c.answerTo(d, nonce)).ok().is("response.status", "complete")
	}
}

// A challenge is good once, for the attempt that it was drawn for.
func TestAttack_P01_ChallengeIsUsedOnce(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	b.addPasskey(d)

	c := r.browser()
	path, nonce := c.challenge()
	answer := c.answerTo(d, nonce)
	other := r.browser()
	otherPath, _ := other.challenge()
	other.showPasskey(otherPath, answer).refused(400, "passkey_invalid_verification")
	other.showPasskey(path, answer).refused(404, "resource_not_found")
	r.advance(passkey.Lifetime)
	c.showPasskey(path, answer).refused(400, "verification_expired")

	path, nonce = c.challenge()
	answer = c.answerTo(d, nonce)
	c.showPasskey(path, answer).ok()
	c.showPasskey(path, answer).refused(400, "client_state_invalid")
	for range 2 {
		_, nonce = other.challenge()
	}
	old := other.answerTo(d, nonce)
	path, _ = other.challenge() // a newer one
	other.showPasskey(path, old).refused(400, "passkey_invalid_verification")
	for range 4 {
		other.showPasskey(path, `{"id":"x"}`)
	}
	b.stepUp()
	_, raw := b.beginPasskey(r.device())
	id2, _ := b.beginPasskey(r.device())
	b.post("/v1/me/passkeys/"+id2+"/attempt_verification", "strategy", "passkey", "public_key_credential", raw).refused(400, "passkey_invalid_verification")
}

// Of many answers at once to one challenge, one gets in; and one counter.
func TestAttack_P01_Race(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	b.addPasskey(d)
	c := r.browser()
	path, nonce := c.challenge()
	answer := c.answerTo(d, nonce)
	bs, paths := make([]*browser, 16), make([]string, 16)
	for i := range bs {
		bs[i], paths[i] = c.fork(), path+"/attempt_first_factor"
	}
	if won := race(bs, paths, "strategy", "passkey", "public_key_credential", answer); won != 1 {
		t.Errorf("%d got in", won)
	}
	id, made := b.beginPasskey(r.device())
	for i := range bs {
		bs[i], paths[i] = b.fork(), "/v1/me/passkeys/"+id+"/attempt_verification"
	}
	if won := race(bs, paths, "strategy", "passkey", "public_key_credential", made); won != 1 {
		t.Errorf("%d registered", won)
	}
	if n := len(b.get("/v1/me").list("response.passkeys")); n != 2 {
		t.Errorf("%d passkeys", n)
	}
}

// A counter that goes back is refused and logged, or let in and logged.
func TestAttack_P02_Counter(t *testing.T) {
	for _, accept := range []bool{false, true} {
		r := newRig(t, passkeysOn, func(s *setup) { s.settings.Passkeys.AcceptLowerCounters = accept })
		b := r.browser()
		b.signUp(ada, good)
		d := r.device()
		d.Counts = true
		b.addPasskey(d)
		for range 3 {
			r.browser().signInByPasskey(d).ok()
		}
		d.Spoil = func(a *passkeytest.Answer) { a.Counter = 2 }
		a := r.browser().signInByPasskey(d)
		if accept {
			a.ok().is("response.status", "complete")
		} else {
			a.refused(400, "passkey_invalid_verification")
		}
		if !strings.Contains(r.log.String(), "counter of a passkey went back") {
			t.Error("not logged")
		}
	}
}

// Of two answers with one count at once, one gets in: there may be two devices.
func TestAttack_P02_Race(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	d.Counts = true
	b.addPasskey(d)
	r.browser().signInByPasskey(d).ok()
	d.Spoil = func(a *passkeytest.Answer) { a.Counter = 7 }
	var won int
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 12 {
		c := r.browser()
		path, nonce := c.challenge()
		answer := c.answerTo(d, nonce)
		wg.Go(func() {
			<-start
			a := c.showPasskey(path, answer)
			mu.Lock()
			defer mu.Unlock()
			if a.status == 200 {
				won++
			}
		})
	}
	close(start)
	wg.Wait()
	if won != 1 {
		t.Errorf("%d got in", won)
	}
}

// Tries are limited by address, whatever they are of.
func TestPasskeyRate(t *testing.T) {
	r := newRig(t, passkeysOn, func(s *setup) {
		s.settings.Limits.AttemptSignIn = settings.Rate{Count: 3, Per: time.Minute}
		s.settings.Limits.CreateSignIn = settings.Rate{Count: 6, Per: time.Minute}
	})
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	b.addPasskey(d)
	c := r.browser()
	path, nonce := c.challenge()
	for range 3 {
		c.showPasskey(path, `{"id":"x"}`).refused(400, "passkey_invalid_verification")
	}
	if a := c.showPasskey(path, c.answerTo(d, nonce)).refused(429, "too_many_requests"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for range 5 {
		c.challenge()
	}
	c.post("/v1/client/sign_ins", "strategy", "passkey").refused(429, "too_many_requests")
	r.advance(time.Minute)
	c.signInByPasskey(d).ok().is("response.status", "complete")
}

// A credential is one user's, and opens that one's account alone.
func TestAttack_P03_PasskeyOfSomebodyElse(t *testing.T) {
	r := newRig(t, passkeysOn)
	a, b := r.browser(), r.browser()
	a.signUp(ada, good)
	_, bobID := b.signUp(bob, good)
	d := r.device()
	a.addPasskey(d)
	// The same credential, registered by another: the key is that device's.
	var credential []byte
	d.Spoil = func(x *passkeytest.Answer) { credential = x.CredentialID }
	d.Get([]byte(`{"rpId":"127.0.0.1","challenge":"AA"}`))
	if credential == nil {
		t.Fatal("no credential")
	}
	x := r.device()
	x.Spoil = func(a *passkeytest.Answer) { a.CredentialID = credential }
	id, answer := b.beginPasskey(x)
	b.post("/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).refused(400, "identification_exists")
	b.get("/v1/me").ok().is("response.passkeys", []any{})
	d.Spoil = nil

	// Ada's passkey for Bob's sign-in.
	c := r.browser()
	b.addPasskey(r.device())
	p := "/v1/client/sign_ins/" + c.post("/v1/client/sign_ins", "identifier", bob).ok().str("response.id")
	nonce := c.post(p+"/prepare_first_factor", "strategy", "passkey").ok().str("response.first_factor_verification.nonce")
	var options map[string]any
	if err := json.Unmarshal([]byte(nonce), &options); err != nil {
		t.Fatal(err)
	}
	delete(options, "allowCredentials")
	open, _ := json.Marshal(options)
	c.showPasskey(p, c.answerTo(d, string(open))).refused(404, "passkey_not_registered")
	// With Bob's handle in it.
	d.Spoil = func(a *passkeytest.Answer) { a.UserHandle = []byte(bobID) }
	r.browser().signInByPasskey(d).refused(404, "passkey_not_registered")
}

// Without proof of who is there a passkey is no good where that is demanded.
func TestAttack_P04_Verification(t *testing.T) {
	r := newRig(t, passkeysOn, func(s *setup) { s.settings.Passkeys.RequireVerification = true })
	b := r.browser()
	b.signUp(ada, good)
	weak := r.device()
	weak.Flags = passkeytest.UserPresent
	id, answer := b.beginPasskey(weak)
	b.post("/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).refused(400, "passkey_invalid_verification")
	d := r.device()
	b.addPasskey(d)
	d.Flags = passkeytest.UserPresent
	r.browser().signInByPasskey(d).refused(400, "passkey_invalid_verification")
	d.Flags |= passkeytest.UserVerified
	r.browser().signInByPasskey(d).ok().is("response.status", "complete")
}

func TestAttack_P05_AbsurdAnswers(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	d := r.device()
	b.addPasskey(d)
	c := r.browser()
	path, nonce := c.challenge()
	real := c.answerTo(d, nonce)
	for _, answer := range []string{"{}", "[]", "null", "x", `"` + strings.Repeat("x", 15000) + `"`, strings.Repeat("[", 15000), real + real, real[:len(real)-2]} {
		if a := c.showPasskey(path, answer); a.status != 400 && a.status != 404 {
			t.Errorf("%.40s: %d %s", answer, a.status, a.raw)
		}
		path, _ = c.challenge()
	}
	c.showPasskey(path, strings.Repeat("x", 20000)).refused(422, "form_param_value_too_large")
	c.showPasskey(path, "").refused(422, "form_param_nil", "public_key_credential")
}

// People keep one way to sign in.
func TestLastPasskeyStays(t *testing.T) {
	r := newRig(t, passkeysOn, func(s *setup) {
		s.settings.EmailAddress.Strategies = nil
		s.settings.Password.Required = false
	})
	b := r.browser()
	b.signUp(ada, good)
	id := b.addPasskey(r.device())
	b.post("/v1/me/remove_password", "current_password", good).ok()
	b.delete("/v1/me/passkeys/"+id).refused(400, "identification_deletion_failed")
	second := b.addPasskey(r.device())
	b.delete("/v1/me/passkeys/" + id).ok()
	b.delete("/v1/me/passkeys/"+second).refused(400, "identification_deletion_failed")
}
