package ui_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
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
	if v.at("/auth/sign-in/code", 400); !strings.Contains(v.fieldError("code"), "too many") {
		t.Errorf("after five wrong codes: %q", v.alert())
	}
	v.get("/auth/sign-in/code")
	if !strings.Contains(v.fieldError("code"), "too many") {
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

func TestProfile(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.at("/auth/user", 200)
	v.submit("Save name", "first_name", "Augusta", "last_name", "")
	v.at("/auth/user", 200)
	if text(all(v.doc, "h1")[0]) != "Augusta" || v.notice() == "" {
		t.Errorf("greeted as %q, notice %q", text(all(v.doc, "h1")[0]), v.notice())
	}
	v.submit("Save name", "first_name", strings.Repeat("x", 300))
	if v.at("/auth/user/profile", 422); v.fieldError("first_name") == "" {
		t.Errorf("a long name: %q", v.alert())
	}
	v.get("/auth/user/profile") // what stayed in the bar, reloaded
	v.at("/auth/user", 200)
}

func TestEmailAddresses(t *testing.T) {
	const second = "ada@work.example"
	w := newWorld(t, setup{})
	w.person(ada)
	w.person("bob@example.com")
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	for _, tt := range []struct{ address, says string }{{"", "Enter"}, {"nonsense", "such as"}, {"bob@example.com", "taken"}, {ada, "yours"}} {
		v.submit("Add address", "email_address", tt.address)
		if got := v.alert(); !strings.Contains(got, tt.says) {
			t.Errorf("%q: %d %q", tt.address, v.status, got)
		}
	}
	v.submit("Add address", "email_address", second)
	v.at("/auth/user/emails/verify", 200)
	w.code(second)
	v.submit("Verify", "code", "1")
	if v.at("/auth/user/emails/verify", 422); v.fieldError("code") == "" {
		t.Errorf("a wrong code: %q", v.alert())
	}
	v.submit("Send a new code")
	if v.at("/auth/user/emails/send", 429); v.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	v.get("/auth/user")
	w.advance(time.Minute)
	v.submit("Verify " + second)
	v.at("/auth/user/emails/verify", 200)
	v.submit("Verify", "code", w.code(second))
	v.at("/auth/user", 200)
	v.submit("Make primary: " + second)
	v.at("/auth/user", 200)
	u, err := w.engine.Users().ByIdentifier(t.Context(), second)
	if err != nil || u.Identifier() != second {
		t.Fatalf("primary is %v, %v", u, err)
	}
	v.submit("Remove " + ada)
	v.at("/auth/user", 200)
	if strings.Contains(v.body, "Remove") && strings.Contains(v.body, ada) {
		t.Error("the address is still there, or the last one can be removed")
	}
	v.post("/auth/user/emails/remove", url.Values{"id": {u.PrimaryEmailAddressID}})
	if v.status != 400 || !strings.Contains(v.alert(), "last") {
		t.Errorf("removing the last address: %d %q", v.status, v.alert())
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v, other := w.signedIn(t, ada), w.signedIn(t, ada)
	v.get("/auth/user")
	for _, tt := range []struct{ current, new, field, says string }{
		{"", fresh, "current_password", "Enter"}, {"wrong wrong", fresh, "current_password", "not your current"},
		{secret, "", "new_password", "Enter"}, {secret, "short", "new_password", "8 characters"}, {secret, secret, "new_password", "differ"},
	} {
		v.submit("Change password", "current_password", tt.current, "new_password", tt.new)
		v.at("/auth/user/password", 422)
		if e := v.fieldError(tt.field); !strings.Contains(e, tt.says) {
			t.Errorf("%q, %q: %q", tt.current, tt.new, e)
		}
		if form, _ := v.button("Change password"); !has(form.Parent, "open") {
			t.Error("the section is not opened")
		}
	}
	v.submit("Change password", "current_password", secret, "new_password", fresh, "sign_out_others", "off")
	v.at("/auth/user", 200)
	if other.get("/auth/user"); other.url.Path != "/auth/user" {
		t.Error("the other device was signed out although it should not be")
	}
	v.submit("Change password", "current_password", fresh, "new_password", secret)
	if other.get("/auth/user"); other.url.Path != "/auth/sign-in" || other.url.Query().Get("redirect_url") != "/auth/user" {
		t.Errorf("the other device is at %s", other.url)
	}
	v.get("/auth/user")
	v.at("/auth/user", 200)
}

func TestDevices(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	w.advance(3 * time.Hour)
	other := w.signedIn(t, ada)
	v.get("/auth/user")
	page := text(v.doc)
	for _, want := range []string{"Firefox 128 on Linux", "This device", "127.0.0.1", "3 hours ago", "just now"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	v.submit("Sign out Firefox 128 on Linux")
	v.at("/auth/user", 200)
	if other.get("/"); other.body != "/ nobody" {
		t.Errorf("the host still sees %q", other.body)
	}
	if other.get("/auth/user"); other.url.Path != "/auth/sign-in" {
		t.Errorf("the other device is at %s", other.url)
	}
	// Somebody else's session cannot be named.
	id := w.person("bob@example.com")
	w.signedIn(t, "bob@example.com")
	ss, err := w.engine.Sessions().Create(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	v.post("/auth/user/devices/end", url.Values{"session": {ss.ID}})
	if v.status != 404 {
		t.Errorf("somebody else's session: %d", v.status)
	}
}

func TestPicture(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user/picture")
	if v.status != 200 || v.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(v.body, "AL") {
		t.Errorf("the default picture: %d %s", v.status, v.header.Get("Content-Type"))
	}
	m := image.NewRGBA(image.Rect(0, 0, 20, 10))
	m.Set(3, 3, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	v.get("/auth/user")
	v.upload("Upload picture", "file", b.Bytes())
	v.at("/auth/user", 200)
	v.get(attr(all(v.doc, "img")[0], "src"))
	if got := v.header.Get("Content-Type"); got != "image/png" && got != "image/jpeg" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the picture: %s, %s", got, v.header.Get("Cache-Control"))
	}
	for name, data := range map[string][]byte{"Choose": nil, "JPEG, PNG": []byte("<svg onload=alert(1)>")} {
		v.get("/auth/user")
		v.upload("Upload picture", "file", data)
		if e := v.fieldError("file"); v.status != 422 || !strings.Contains(e, name) {
			t.Errorf("%q: %d %q", data, v.status, e)
		}
	}
	v.get("/auth/user")
	v.submit("Remove picture")
	v.at("/auth/user", 200)
	v.get("/auth/user/picture")
	if v.header.Get("Content-Type") != "image/svg+xml" {
		t.Error("the picture is still there")
	}
	stranger := w.visitor(t)
	if stranger.get("/auth/user/picture"); stranger.status != 404 {
		t.Errorf("a stranger gets %d", stranger.status)
	}
}

func TestDeleteAccount(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.follow("Delete account…")
	v.submit("Delete account")
	if v.at("/auth/user/delete", 422); v.fieldError("confirm") == "" {
		t.Errorf("without the tick: %q", v.alert())
	}
	form, _ := v.button("Delete account")
	v.post(attr(form, "action"), url.Values{"confirm": {"true"}})
	v.at("/auth/sign-in", 200)
	if v.notice() == "" || v.cookie("__session") != "" {
		t.Errorf("notice %q, session %q", v.notice(), v.cookie("__session"))
	}
	if _, err := w.engine.Users().ByIdentifier(t.Context(), ada); err == nil {
		t.Error("the account is still there")
	}
	w.person("bob@example.com")
	v = w.signedIn(t, "bob@example.com")
	if err := w.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.DeleteSelf = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if v.get("/auth/user"); strings.Contains(v.body, "Delete account") {
		t.Error("deleting is offered although it is off")
	}
	for _, act := range []func(){func() { v.get("/auth/user/delete") }, func() { v.post("/auth/user/delete", url.Values{"confirm": {"true"}}) }} {
		if act(); v.status != 403 {
			t.Errorf("deleting although it is off: %d", v.status)
		}
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
