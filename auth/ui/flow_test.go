package ui_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// signUp takes a visitor from the form to the host's page.
func signUp(t *testing.T, w *world, v *visitor, address string) {
	t.Helper()
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue", "email_address", address, "password", secret, "first_name", "Ada")
	v.at("/auth/sign-up/verify", 200)
	if !strings.Contains(text(v.doc), address) {
		t.Errorf("the page does not say where the code went")
	}
	v.submit("Continue", "code", w.code(address))
	v.at("/private", 200)
}

func TestSignUpVerifySignOutSignIn(t *testing.T) {
	w := newWorld(t, setup{})
	v := w.visitor(t)
	signUp(t, w, v, ada)
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if v.body != "/private "+u.ID {
		t.Errorf("the host sees %q right after the sign-up", v.body)
	}
	if u.FirstName != "Ada" || !u.EmailAddresses[0].Verified {
		t.Errorf("user %+v", u)
	}

	v.get("/auth/sign-out?redirect_url=/bye")
	v.at("/auth/sign-out", 200)
	v.submit("Sign out")
	v.at("/bye", 200)
	if v.body != "/bye nobody" || v.cookie("__session") != "" || v.cookie("__client_uat") != "0" {
		t.Errorf("after the sign-out: %q, %q, %q", v.body, v.cookie("__session"), v.cookie("__client_uat"))
	}

	v.get("/auth/sign-in?redirect_url=%2Fprivate%3Fa%3D1")
	v.submit("Continue", "identifier", " "+ada+" ")
	v.at("/auth/sign-in/password", 200)
	v.submit("Continue", "password", "wrong wrong wrong")
	v.at("/auth/sign-in/password", 422)
	if e := v.fieldError("password"); !strings.Contains(e, "not right") {
		t.Errorf("beside the field: %q", e)
	}
	v.submit("Continue", "password", secret)
	v.at("/private", 200)
	if v.url.RawQuery != "a=1" || !strings.HasSuffix(v.body, u.ID) {
		t.Errorf("at %s: %q", v.url, v.body)
	}
}

func TestSignInByCode(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Use a code instead")
	v.at("/auth/sign-in/code", 200)
	old := w.code(ada)

	v.submit("Send a new code")
	v.at("/auth/sign-in/send", 429)
	if v.header.Get("Retry-After") != "30" || !strings.Contains(v.alert(), "wait 30 seconds") {
		t.Errorf("too soon: Retry-After %q, %q", v.header.Get("Retry-After"), v.alert())
	}
	w.advance(31 * time.Second)
	v.submit("Send a new code")
	v.at("/auth/sign-in/code", 200)
	if v.notice() == "" {
		t.Error("nothing says that a new code was sent")
	}
	code := w.code(ada)
	if old != code {
		v.submit("Continue", "code", old)
		v.at("/auth/sign-in/code", 422)
	}
	v.submit("Continue", "code", " ")
	if e := v.fieldError("code"); !strings.Contains(e, "Enter the code") {
		t.Errorf("no code: %q", e)
	}
	v.submit("Continue", "code", code[:3]+" "+code[3:])
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
}

func TestCodesDie(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	v.submit("Use a code instead")
	right := w.code(ada)
	wrong := "000000"
	if right == wrong {
		wrong = "111111"
	}
	for range 5 {
		v.submit("Continue", "code", wrong)
		v.at("/auth/sign-in/code", 422)
		w.advance(10 * time.Second)
	}
	v.submit("Continue", "code", right)
	if v.at("/auth/sign-in/code", 400); !strings.Contains(v.fieldError("code"), "Too many") {
		t.Errorf("after five wrong codes: %q", v.alert())
	}
	v.get("/auth/sign-in/code")
	if !strings.Contains(v.fieldError("code"), "Too many") {
		t.Errorf("the page itself says %q", v.alert())
	}
	v.submit("Send a new code")
	v.at("/auth/sign-in/code", 200)
	right = w.code(ada)
	w.advance(11 * time.Minute)
	v.submit("Continue", "code", right)
	if !strings.Contains(v.fieldError("code"), "expired") {
		t.Errorf("after eleven minutes: %q", v.alert())
	}
}

func TestPasswordReset(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	other := w.signedIn(t, ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Forgot password?")
	v.at("/auth/sign-in/code", 200)
	v.submit("Continue", "code", w.code(ada))
	v.at("/auth/sign-in/new-password", 200)
	v.get("/auth/sign-in/password") // no way around it
	v.at("/auth/sign-in/new-password", 200)

	for _, tt := range []struct{ password, says string }{{"", "Enter a new password"}, {"short", "8 characters"}, {secret, "differ"}} {
		v.submit("Save and sign in", "password", tt.password)
		v.at("/auth/sign-in/new-password", 422)
		if e := v.fieldError("password"); !strings.Contains(e, tt.says) {
			t.Errorf("%q: %q", tt.password, e)
		}
	}
	v.get("/auth/sign-in/new-password?redirect_url=/private")
	v.submit("Save and sign in", "password", fresh)
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
	if other.get("/auth/user"); other.url.Path != "/auth/sign-in" {
		t.Errorf("the other device is still signed in, at %s", other.url)
	}
}

func TestSignInProblems(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.visitor(t)
	for _, tt := range []struct{ identifier, says string }{
		{"", "Enter your email address"}, {"bob@example.com", "could not find"}, {"nonsense", "could not find"},
	} {
		v.get("/auth/sign-in")
		v.submit("Continue", "identifier", tt.identifier)
		v.at("/auth/sign-in", 422)
		if e := v.fieldError("identifier"); !strings.Contains(e, tt.says) {
			t.Errorf("%q: %q", tt.identifier, e)
		}
		form, _ := v.button("Continue")
		if in := v.input(form, "identifier"); attr(in, "value") != tt.identifier || !has(in, "autofocus") {
			t.Errorf("%q: the field has value %q, focus %v", tt.identifier, attr(in, "value"), has(in, "autofocus"))
		}
	}
	// Steps out of order lead to where things stand.
	for _, path := range []string{"/auth/sign-in/password", "/auth/sign-in/code", "/auth/sign-in/new-password", "/auth/sign-in/send"} {
		v.get(path)
		v.at("/auth/sign-in", 200)
	}
	// A form of an attempt that another window has replaced begins anew.
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	form, _ := v.button("Continue")
	old := attr(v.input(form, "attempt"), "value")
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	v.post("/auth/sign-in/password", url.Values{"attempt": {old}, "password": {secret}})
	v.at("/auth/sign-in", 200)
	if !strings.Contains(v.notice(), "start again") {
		t.Errorf("notice %q", v.notice())
	}
}

func TestSignUpProblems(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-up")
	v.submit("Continue")
	v.at("/auth/sign-up", 422)
	if v.fieldError("email_address") == "" || v.fieldError("password") == "" || v.fieldError("first_name") != "" {
		t.Errorf("an empty form: %q", v.alert())
	}
	form, _ := v.button("Continue")
	if !has(v.input(form, "email_address"), "autofocus") || has(v.input(form, "password"), "autofocus") {
		t.Error("the focus is not on the first field that was refused")
	}
	v.submit("Continue", "email_address", ada, "password", secret)
	if e := v.fieldError("email_address"); !strings.Contains(e, "taken") {
		t.Errorf("a taken address: %q", e)
	}
	v.submit("Continue", "email_address", "nonsense", "password", secret)
	if e := v.fieldError("email_address"); !strings.Contains(e, "such as") {
		t.Errorf("no address: %q", e)
	}
	v.submit("Continue", "email_address", "bob@example.com", "password", "12345678")
	if v.fieldError("password") == "" || strings.Contains(v.body, "12345678") {
		t.Errorf("a common password: %q", v.alert())
	}
	v.submit("Continue", "email_address", "bob@example.com", "password", secret, "first_name", "Bob")
	v.at("/auth/sign-up/verify", 200)
	v.submit("Continue", "code", "12")
	if e := v.fieldError("code"); e == "" {
		t.Errorf("a wrong code: %q", v.alert())
	}
	v.get("/auth/sign-up") // back: what was typed is still there, but for the password
	form, _ = v.button("Continue")
	if attr(v.input(form, "first_name"), "value") != "Bob" || attr(v.input(form, "email_address"), "value") != "bob@example.com" ||
		attr(v.input(form, "password"), "value") != "" {
		t.Error("the form is not filled in as before")
	}
}

func TestSignUpSettings(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		s.FirstName.Enabled, s.LastName.Required = false, true
		s.EmailAddress.VerifyAtSignUp = false
		s.Password = settings.Password{MinLength: 8, MaxLength: 64}
	}})
	v := w.visitor(t)
	v.get("/auth/sign-up")
	form, _ := v.button("Continue")
	var names []string
	for _, in := range all(form, "input") {
		names = append(names, attr(in, "name"))
	}
	if got := strings.Join(names, " "); got != "last_name email_address" {
		t.Errorf("fields %q", got)
	}
	v.submit("Continue", "last_name", "Lovelace", "email_address", ada)
	v.at("/", 200)

	// Without passwords the code is the way in at once.
	v.get("/auth/sign-out")
	v.submit("Sign out")
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	if v.at("/auth/sign-in/code", 200); strings.Contains(v.body, "Use your password") {
		t.Error("a password is offered to somebody who has none")
	}

	if err := w.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.SignUp.Mode = settings.Restricted; return nil }); err != nil {
		t.Fatal(err)
	}
	v.get("/auth/sign-up")
	if !strings.Contains(text(v.doc), "Sign-up is closed") || len(all(v.doc, "form")) > 0 {
		t.Error("a closed sign-up has a form")
	}
}

func TestAlreadySignedIn(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	for _, path := range []string{"/auth/sign-in", "/auth/sign-up"} {
		v.get(path + "?redirect_url=/private")
		if !strings.Contains(text(v.doc), "You are signed in as Ada Lovelace "+ada) {
			t.Errorf("%s: %s", path, text(v.doc))
		}
		v.follow("Continue")
		if v.body != "/private "+id {
			t.Errorf("%s: continued to %q", path, v.body)
		}
	}
	v.post("/auth/sign-in", url.Values{"identifier": {ada}})
	v.at("/auth/sign-in", 200)
}

func TestSeveralAccounts(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Sessions.Multi = true }})
	first := w.person(ada)
	second := w.person("bob@example.com")
	v := w.signedIn(t, ada)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", "bob@example.com")
	v.submit("Continue", "password", secret)
	if v.body != "/ "+second {
		t.Fatalf("the host sees %q", v.body)
	}
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Ada Lovelace " + ada)
	if v.body != "/private "+first {
		t.Fatalf("after the switch the host sees %q", v.body)
	}
	v.get("/auth/sign-out")
	v.submit("Sign out")
	if v.body != "/ "+second {
		t.Fatalf("after signing out of one the host sees %q", v.body)
	}
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	v.submit("Continue", "password", secret)
	v.get("/auth/sign-out")
	v.submit("Sign out of all 2 accounts")
	if v.body != "/ nobody" {
		t.Fatalf("after signing out of all the host sees %q", v.body)
	}
}

func TestHTTPSCookies(t *testing.T) {
	w := newWorld(t, setup{https: true})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	if v.body != "/ "+id || v.cookie("__Host-__client") == "" || v.cookie("__client") != "" {
		t.Errorf("the host sees %q; client cookie %q", v.body, v.cookie("__Host-__client"))
	}
}
