package ui_test

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/totp"
)

// setUpApp sets up an authenticator app on /user, and returns its secret and the
// backup codes that were shown.
func (v *visitor) setUpApp(w *world) (secret []byte, codes []string) {
	v.t.Helper()
	v.get("/auth/user")
	v.submit("Set up authenticator app")
	return v.finishApp(w)
}

// finishApp goes on from the page with the secret.
func (v *visitor) finishApp(w *world) (secret []byte, codes []string) {
	v.t.Helper()
	v.at("/auth/user/app", 200)
	if len(all(v.doc, "svg")) != 1 {
		v.t.Error("no QR code")
	}
	for _, c := range all(v.doc, "code") {
		raw, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(text(c), " ", ""))
		if err != nil {
			v.t.Fatal(err)
		}
		secret = raw
	}
	v.submit("Continue", "code", "000 000")
	if v.at("/auth/user/app/verify", 422); !strings.Contains(v.fieldError("code"), "app shows now") || len(all(v.doc, "svg")) != 0 {
		v.t.Errorf("a wrong code: %q", v.fieldError("code"))
	}
	v.submit("Continue", "code", "")
	v.at("/auth/user/app/verify", 422)
	v.submit("Continue", "code", w.appCode(secret))
	v.at("/auth/user/app/verify", 200)
	for _, c := range all(v.doc, "code") {
		codes = append(codes, text(c))
	}
	w.advance(totp.Period)
	return secret, codes
}

func (w *world) appCode(secret []byte) string {
	w.t.Helper()
	c, err := totp.Code(secret, totp.Step(w.clock()))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// Set up, signed in with, replaced and removed, without a script.
func TestAuthenticatorApp(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	key, codes := v.setUpApp(w)
	if len(codes) != 10 || !strings.Contains(v.notice(), "set up") {
		t.Fatalf("%q, notice %q", codes, v.notice())
	}
	v.follow("I have kept them")
	v.at("/auth/user", 200)
	if strings.Contains(v.body, codes[0]) {
		t.Error("a backup code is shown again")
	}

	o := w.visitor(t)
	o.get("/auth/sign-in")
	o.submit("Continue", "identifier", ada)
	o.submit("Continue", "password", secret)
	o.at("/auth/sign-in/app", 200)
	for _, path := range []string{"/auth/user", "/auth/sign-in/password", "/auth/sign-in/code", "/auth/sign-in/new-password"} {
		o.get(path)
		if strings.HasPrefix(o.url.Path, "/auth/user") || o.url.Path == path {
			t.Errorf("%s between the factors is %s", path, o.url.Path)
		}
	}
	o.get("/auth/sign-in/app")
	o.submit("Continue", "code", "000000")
	if o.at("/auth/sign-in/app", 422); !strings.Contains(o.fieldError("code"), "app shows now") {
		t.Errorf("a wrong code: %q", o.fieldError("code"))
	}
	o.submit("Continue", "code", " ")
	o.at("/auth/sign-in/app", 422)
	o.submit("Continue", "code", w.appCode(key))
	o.at("/", 200)

	p := w.visitor(t)
	p.get("/auth/sign-in")
	p.submit("Continue", "identifier", ada)
	p.submit("Continue", "password", secret)
	p.follow("Use a backup code")
	p.submit("Continue", "code", "0000 0000 0000")
	if p.at("/auth/sign-in/backup-code", 422); !strings.Contains(p.fieldError("code"), "unused") {
		t.Errorf("a wrong backup code: %q", p.fieldError("code"))
	}
	p.submit("Continue", "code", strings.ToUpper(codes[6]))
	p.at("/", 200)

	v.get("/auth/user")
	v.submit("Make new codes")
	v.at("/auth/user/backup-codes", 200)
	if n := len(all(v.doc, "code")); n != 10 {
		t.Errorf("%d new codes", n)
	}
	v.follow("I have kept them")
	v.submit("Remove authenticator app")
	if v.at("/auth/user", 200); !strings.Contains(v.notice(), "removed") {
		t.Errorf("notice %q", v.notice())
	}
	w.signedIn(t, ada) // with one factor
}

// ask sends the challenge request of a passkey form as the script does, and
// returns what the device answers.
func (v *visitor) ask(d *passkeytest.Device, label string) (id, answer string, form url.Values) {
	v.t.Helper()
	f, _ := v.button(label)
	form = url.Values{}
	for _, in := range all(f, "input") {
		form.Set(attr(in, "name"), attr(in, "value"))
	}
	if !has(f, "hidden") || attr(f, "data-passkey") == "" {
		v.t.Error("the form is shown without the script")
	}
	action := attr(f, "action")
	page := *v
	v.post(attr(f, "data-options"), form)
	var told struct {
		ID      string
		Options json.RawMessage
	}
	if err := json.Unmarshal([]byte(v.body), &told); err != nil || v.status != 200 {
		v.t.Fatalf("%d %s", v.status, v.body)
	}
	do := d.Get
	if attr(f, "data-passkey") == "create" {
		do = d.Create
	}
	raw, err := do(told.Options)
	if err != nil {
		v.t.Fatal(err)
	}
	*v = page
	form.Set("id", told.ID)
	form.Set("credential", string(raw))
	form.Set("action", action)
	return told.ID, string(raw), form
}

func (v *visitor) passkey(d *passkeytest.Device, label string) {
	v.t.Helper()
	_, _, form := v.ask(d, label)
	action := form.Get("action")
	form.Del("action")
	v.post(action, form)
}

func passkeysOn(s *settings.Settings) { s.Passkeys.Enabled = true }

// The forms do what the script makes of them.
func TestPasskeySignIn(t *testing.T) {
	w := newWorld(t, setup{settings: passkeysOn})
	w.person(ada)
	v := w.signedIn(t, ada)
	d := passkeytest.New(w.srv.URL)
	v.get("/auth/user")
	v.passkey(d, "Add a passkey")
	v.setUpApp(w) // a passkey is enough beside it

	o := w.visitor(t)
	o.get("/auth/sign-in")
	policy := o.header.Get("Content-Security-Policy")
	script := ""
	for _, s := range all(o.doc, "script") {
		if script = attr(s, "src"); !strings.Contains(policy, "'nonce-"+attr(s, "nonce")+"'") || text(s) != "" {
			t.Errorf("script %q under %q", script, policy)
		}
	}
	if !strings.Contains(policy, "connect-src 'self'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy %q", policy)
	}
	o.passkey(d, "Sign in with a passkey")
	o.at("/", 200)

	// By name first; and a device that is not known here.
	o = w.visitor(t)
	o.get("/auth/sign-in")
	o.submit("Continue", "identifier", ada)
	o.at("/auth/sign-in/password", 200)
	o.passkey(d, "Sign in with a passkey")
	o.at("/", 200)
	o = w.visitor(t)
	o.get("/auth/sign-in")
	d.Spoil = func(a *passkeytest.Answer) { a.UserHandle = []byte("user_x") }
	o.passkey(d, "Sign in with a passkey")
	if o.at("/auth/sign-in/passkey", 404); !strings.Contains(o.alert(), "not registered") {
		t.Errorf("alert %q", o.alert())
	}
	d.Spoil = nil
	o.passkey(d, "Sign in with a passkey")
	o.at("/", 200)

	script2, err := http.Get(w.srv.URL + script)
	if err != nil {
		t.Fatal(err)
	}
	script2.Body.Close()
	if script2.StatusCode != 200 || !strings.HasPrefix(script2.Header.Get("Content-Type"), "text/javascript") || !strings.Contains(script2.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("script: %d %v", script2.StatusCode, script2.Header)
	}

	v.get("/auth/user")
	k := w.passkeyOf(t, ada)
	v.post("/auth/user/passkeys/rename", url.Values{"id": {k}, "passkey_name": {"My phone"}})
	if v.at("/auth/user", 200); !strings.Contains(v.body, "My phone") || !strings.Contains(v.body, "used just now") {
		t.Error("the new name is not shown")
	}
	v.post("/auth/user/passkeys/rename", url.Values{"id": {k}, "passkey_name": {" "}})
	v.at("/auth/user/passkeys/rename", 422)
	v.get("/auth/user")
	v.submit("Remove My phone")
	if v.at("/auth/user", 200); strings.Contains(v.body, "My phone") || !strings.Contains(v.notice(), "removed") {
		t.Errorf("notice %q", v.notice())
	}
}

func (w *world) passkeyOf(t *testing.T, address string) string {
	u, err := w.engine.Users().ByIdentifier(t.Context(), address)
	if err != nil || len(u.Passkeys) == 0 {
		t.Fatal(err, u)
	}
	return u.Passkeys[0].ID
}

// Without passkeys there is no script on any page.
func TestNoScriptWithoutPasskeys(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	for _, path := range []string{"/auth/user", "/auth/sign-in", "/auth/sign-up"} {
		v.get(path)
		if len(all(v.doc, "script")) > 0 || strings.Contains(v.header.Get("Content-Security-Policy"), "nonce") {
			t.Errorf("a script on %s", path)
		}
	}
	v.post("/auth/user/passkeys/options", nil)
	if v.status != 400 || !strings.Contains(v.body, `"error"`) {
		t.Errorf("%d %s", v.status, v.body)
	}
}

// An account that never had a password.
func TestSignUpWithPasskey(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Passkeys.Enabled, s.Passkeys.SignUp = true, true }})
	v := w.visitor(t)
	d := passkeytest.New(w.srv.URL)
	v.get("/auth/sign-up/passkey")
	v.at("/auth/sign-up", 200)
	v.submit("Use a passkey, no password", "email_address", "")
	v.at("/auth/sign-up", 422)
	v.submit("Use a passkey, no password", "email_address", ada)
	v.at("/auth/sign-up/passkey", 200)
	d.Spoil = func(a *passkeytest.Answer) { a.ClientData["type"] = "webauthn.get" }
	v.passkey(d, "Create a passkey")
	v.at("/auth/sign-up/passkey", 400)
	d.Spoil = nil
	v.passkey(d, "Create a passkey")
	v.at("/auth/sign-up/verify", 200)
	v.submit("Continue", "code", w.code(ada))
	v.at("/", 200)
	v.get("/auth/user")
	if v.at("/auth/user", 200); !strings.Contains(v.body, "Set a password") {
		t.Error("there is a password")
	}
	o := w.visitor(t)
	o.get("/auth/sign-in")
	o.passkey(d, "Sign in with a passkey")
	o.at("/", 200)
}

// Where nothing has to be proved and no password is asked for, the account waits
// for the passkey all the same.
func TestSignUpWithPasskeyAlone(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		s.Passkeys.Enabled, s.Passkeys.SignUp = true, true
		s.Password.Required, s.EmailAddress.VerifyAtSignUp = false, false
	}})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Use a passkey, no password", "email_address", ada)
	v.at("/auth/sign-up/passkey", 200)
	if _, err := w.engine.Users().ByIdentifier(t.Context(), ada); err == nil {
		t.Error("there is an account without a passkey")
	}
	v.passkey(passkeytest.New(w.srv.URL), "Create a passkey")
	v.at("/private", 200)
}
