package fapi_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
)

// work asks for a task and does it.
func (b *browser) work() string {
	b.t.Helper()
	a := b.get("/v1/captcha_challenge").ok().is("object", "captcha_challenge").is("provider", "proof_of_work")
	return must(captcha.Solve(b.t.Context(), a.str("challenge")))
}

// A sign-up costs work where the settings say so, once for each; who is invited
// has shown more, and tests are spared.
func TestCaptcha(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Captcha.SignUp = true })
	b := r.browser()
	b.get("/v1/environment").ok().is("user_settings.sign_up.captcha_enabled", true).is("display_config.captcha_provider", nil)
	form := func(address, token string) []string {
		return []string{"email_address", address, "password", good, "captcha_token", token}
	}
	b.post("/v1/client/sign_ups", "email_address", bob, "password", good).refused(400, "captcha_missing_token")
	b.post("/v1/client/sign_ups", form(bob, "")...).refused(400, "captcha_missing_token")
	b.post("/v1/client/sign_ups", form(bob, "1.2.3.4.5.6")...).refused(400, "captcha_invalid")
	token := b.work()
	b.post("/v1/client/sign_ups", form(bob, token)...).ok()
	r.browser().post("/v1/client/sign_ups", form(ada, token)...).refused(400, "captcha_invalid")
	late := b.work()
	r.advance(10 * time.Minute)
	b.post("/v1/client/sign_ups", form(bob, late)...).refused(400, "captcha_invalid")
	r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", r.invite("guest@example.com").Token, "password", good).ok()

	tt, expires, err := r.e.TestingToken()
	if err != nil || !expires.Equal(r.Now().Add(time.Hour).Truncate(time.Second)) {
		t.Fatal(tt, expires, err)
	}
	tested := r.browser()
	for _, bad := range []string{"", "x", tt + "x", "9" + tt, strings.Replace(tt, "-c_", "-d_", 1)} {
		tested.post("/v1/client/sign_ups?__clerk_testing_token="+bad, "email_address", ada, "password", good).refused(400, "captcha_missing_token")
	}
	tested.post("/v1/client/sign_ups?__clerk_testing_token="+tt, "email_address", ada, "password", good).ok().is("client.captcha_bypass", true)
	tested.get("/v1/client?__clerk_testing_token="+tt).ok().is("response.captcha_bypass", true)
	tested.get("/v1/client").ok().is("response.captcha_bypass", false)
	r.advance(time.Hour)
	tested.post("/v1/client/sign_ups?__clerk_testing_token="+tt, "email_address", ada, "password", good).refused(400, "captcha_missing_token")
}

// A sign-in waits until the browser has shown that a person uses it.
func TestCaptchaAtSignIn(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Captcha.SignIn = true })
	uid := r.userOf(bob)
	b := r.browser()
	b.post("/v1/client/sign_ins", "identifier", bob, "password", good).refused(401, "requires_captcha")
	b.post("/v1/client/verify").refused(400, "captcha_missing_token")
	b.post("/v1/client/verify", "captcha_token", "x").refused(400, "captcha_invalid")
	b.post("/v1/client/verify", "captcha_token", b.work()).ok().is("response.object", "client")
	b.signIn(bob, good)
	r.browser().post("/v1/client/sign_ins", "identifier", bob, "password", good).refused(401, "requires_captcha")
	_, wire := r.signInToken(uid)
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok()
	r.advance(time.Hour)
	b.delete("/v1/client/sessions").ok()
	b.post("/v1/client/sign_ins", "identifier", bob, "password", good).refused(401, "requires_captcha")
}

// In test mode, marked addresses have a code that everybody knows, and get no
// mail; all others are as ever.
func TestTestMode(t *testing.T) {
	const marked = "bob+clerk_test@example.com"
	for name, c := range map[string]struct {
		on      bool
		address string
		known   bool
	}{"on": {true, marked, true}, "on, unmarked": {true, bob, false}, "off": {false, marked, false}, "marked elsewhere": {true, "bob@x+clerk_test.example.com", false}} {
		r := newRig(t, func(c2 *setup) { c2.settings.TestMode = c.on })
		b := r.browser()
		b.get("/v1/environment").ok().is("auth_config.test_mode", c.on)
		a := b.post("/v1/client/sign_ups", "email_address", c.address, "password", good)
		if name == "marked elsewhere" {
			a.refused(422, "form_param_format_invalid", "email_address")
			continue
		}
		id := a.ok().str("response.id")
		b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
		b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", "424241").refused(422, "form_code_incorrect", "code")
		a = b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", "424242")
		if c.known {
			a.ok().is("response.status", "complete")
		} else {
			a.refused(422, "form_code_incorrect", "code")
		}
		if n := r.countMails(); (n == 0) != c.known {
			t.Errorf("%s: %d mails", name, n)
		}
	}
}

// Test mode and testing tokens are for this machine: an instance with a public
// URL neither starts with them nor takes them on later.
func TestAttack_W13_TestMode(t *testing.T) {
	r := newRig(t, func(c *setup) { c.site.URL = "https://app.example.com" })
	err := r.e.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.TestMode = true; return nil })
	if err == nil || !strings.Contains(err.Error(), "test_mode") || r.e.Settings(t.Context()).TestMode {
		t.Errorf("taken on: %v", err)
	}
	if _, _, err := r.e.TestingToken(); err == nil || !strings.Contains(err.Error(), "request_invalid_for_environment") {
		t.Errorf("a testing token: %v", err)
	}
	// Not even one that was made while the instance was local.
	local := newRig(t)
	tt, _, err := local.e.TestingToken()
	if err != nil || !local.e.CheckTestingToken(tt) {
		t.Fatal(err)
	}
	for _, restart := range []struct {
		local bool
		want  string
	}{{true, ""}, {false, "test_mode"}} {
		s := settings.Default()
		s.TestMode = true
		_, err := engine.New(t.Context(), engine.Config{Store: storeOf(t), Settings: s, Issuer: "https://clerk.example.com", Mailer: r, Now: r.Now, Local: restart.local})
		if (err == nil) != (restart.want == "") || err != nil && !strings.Contains(err.Error(), restart.want) {
			t.Errorf("started, local %v: %v", restart.local, err)
		}
	}
	// Nor does a store that says so.
	st := storeOf(t)
	e, err := engine.New(t.Context(), engine.Config{Store: st, Settings: settings.Default(), Issuer: "https://clerk.example.com", Mailer: r, Now: r.Now, Local: true})
	if err != nil {
		t.Fatal(err)
	}
	tt, _, err = e.TestingToken()
	if err := e.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.TestMode = true; return nil }); err != nil {
		t.Fatal(err)
	}
	public := engine.Config{Store: st, Settings: settings.Default(), Issuer: "https://clerk.example.com", Mailer: r, Now: r.Now}
	if _, err := engine.New(t.Context(), public); err == nil || !strings.Contains(err.Error(), "test_mode") {
		t.Errorf("started on a store in test mode: %v", err)
	}
	public.LockSettings = true
	if moved := must(engine.New(t.Context(), public)); err != nil || moved.CheckTestingToken(tt) {
		t.Errorf("a testing token works on a public instance, %v", err)
	}
}

// TestFault_R23_Captcha: while nobody can tell people from programs, nobody
// signs up, and all else goes on.
func TestFault_R23_CaptchaDown(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Captcha.SignUp = true })
	down := must(engine.New(t.Context(), engine.Config{Store: storeOf(t), Settings: *r.e.Settings(t.Context()), Issuer: "https://clerk.example.com",
		Mailer: r, Now: r.Now, Captcha: &captcha.Turnstile{Secret: "x", URL: "http://127.0.0.1:1/"}}))
	address, b := bob, must(down.Browser(t.Context(), nil, engine.Request{Addr: netip.MustParseAddr("192.0.2.1")}))
	_, err := down.CreateSignUp(t.Context(), b, engine.SignUpParams{EmailAddress: &address, CaptchaToken: "x"})
	if err == nil || !strings.Contains(err.Error(), "service_unavailable") {
		t.Errorf("down: %v", err)
	}
	u := must(down.Users().Create(t.Context(), engine.CreateUserParams{EmailAddresses: []string{bob}, Password: good}))
	plain := good
	in, err := down.CreateSignIn(t.Context(), b, engine.SignInParams{Identifier: bob, Password: &plain})
	if err != nil || in.UserID != u.ID {
		t.Errorf("signing in: %v", err)
	}
	raw := must(json.Marshal(down.Captcha()))
	if !strings.Contains(string(raw), "turnstile") {
		t.Errorf("%s", raw)
	}
}

// A token where none is asked for is refused: the client is set up for another
// instance.
func TestCaptchaNotEnabled(t *testing.T) {
	r := newRig(t)
	r.browser().post("/v1/client/sign_ups", "email_address", bob, "password", good, "captcha_token", "x").refused(400, "captcha_not_enabled")
}
