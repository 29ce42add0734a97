package ui_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

// P08: every form of /user that the account hangs on asks first who it is.
func TestAttack_P08_PagesStepUpFirst(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	open := []string{"/auth/user/profile", "/auth/user/picture", "/auth/user/picture/remove", "/auth/user/emails/send", "/auth/user/emails/verify",
		"/auth/user/app/verify", "/auth/user/passkeys", "/auth/user/passkeys/rename"}
	w.advance(time.Hour)
	n := 0
	for _, path := range posts {
		if !strings.HasPrefix(path, "/auth/user/") {
			continue
		}
		v.post(path, url.Values{"id": {"x"}, "session": {"x"}, "confirm": {"true"}, "email_address": {"new@example.com"}})
		if asked := v.url.Path == "/auth/verify"; asked == contains(open, path) {
			t.Errorf("%s: at %s", path, v.url)
		} else if asked {
			n++
		}
	}
	if n < 5 {
		t.Errorf("only %d forms asked", n)
	}
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || len(u.EmailAddresses) != 1 {
		t.Errorf("something was done: %+v %v", u, err)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestStepUp(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.EmailAddress.Strategies = []string{"email_code"} }})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	w.advance(time.Hour)
	// As a host's rule sends people here.
	v.get("/auth/verify?level=second_factor&redirect_url=/private")
	v.at("/auth/verify", 200)
	v.submit("Go on")
	v.at("/auth/verify", 200)
	v.submit("Confirm", "password", "wrong wrong wrong")
	v.at("/auth/verify", 422)
	if e := v.fieldError("password"); !strings.Contains(e, "not right") {
		t.Errorf("beside the field: %q", e)
	}
	v.submit("Send a code to my email address")
	v.at("/auth/verify", 200)
	if !strings.Contains(text(v.doc), "We sent a code to "+ada) {
		t.Errorf("the page does not say where the code went: %s", text(v.doc))
	}
	v.submit("Send a code to my email address")
	if v.status != 429 {
		t.Errorf("too soon: %d", v.status)
	}
	before := v.cookie("__session")
	v.submit("Confirm with the code", "code", w.code(ada))
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
	c, err := w.verifier.Verify(t.Context(), v.cookie("__session"))
	if err != nil || c.FactorAge.First != 0 || v.cookie("__session") == before {
		t.Errorf("the token is the one from before: %+v %v", c, err)
	}
	v.get("/auth/user")
	v.submit("Add address", "email_address", "new@example.com")
	v.at("/auth/user/emails/verify", 200)

	// Nobody is asked anything who is not signed in.
	v = w.visitor(t)
	v.get("/auth/verify")
	v.at("/auth/sign-in", 200)
}

// A passkey does as well as a password, and stands for the second factor too.
func TestStepUpByPasskey(t *testing.T) {
	w := newWorld(t, setup{settings: passkeysOn})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	d := passkeytest.New(w.srv.URL)
	v.get("/auth/user")
	v.passkey(d, "Add a passkey")
	v.setUpApp(w)
	w.advance(time.Hour)
	v.get("/auth/verify?level=multi_factor&redirect_url=/private")
	v.submit("Go on")
	v.at("/auth/verify", 200)
	d.Spoil = func(a *passkeytest.Answer) { a.UserHandle = []byte("user_x") }
	v.passkey(d, "Confirm with a passkey")
	if v.at("/auth/verify/passkey", 400); v.alert() == "" {
		t.Error("nothing is said of a wrong answer")
	}
	d.Spoil = nil
	v.passkey(d, "Confirm with a passkey")
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
	c, err := w.verifier.Verify(t.Context(), v.cookie("__session"))
	if err != nil || c.FactorAge.First != 0 || c.FactorAge.Second != 0 {
		t.Errorf("%+v %v", c.FactorAge, err)
	}
	// Nothing is drawn for who has no step-up under way.
	o := w.visitor(t)
	o.post("/auth/verify/passkey/options", url.Values{})
	o.at("/auth/sign-in", 200)
}

// Who has just shown who they are need not type the password to take it away.
func TestRemovePassword(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		s.Password.Required = false
		s.EmailAddress.Strategies = []string{"email_code"}
	}})
	w.person(ada)
	v, other := w.signedIn(t, ada), w.signedIn(t, ada)
	w.advance(time.Hour)
	v.get("/auth/user")
	v.submit("Remove password")
	v.at("/auth/verify", 200)
	v.submit("Send a code to my email address")
	v.submit("Confirm with the code", "code", w.code(ada))
	v.at("/auth/user", 200)
	v.submit("Remove password")
	v.at("/auth/user", 200)
	if !strings.Contains(v.notice(), "removed") {
		t.Errorf("notice %q", v.notice())
	}
	if u, err := w.engine.Users().ByIdentifier(t.Context(), ada); err != nil || u.PasswordEnabled {
		t.Errorf("%v %v", u.PasswordEnabled, err)
	}
	other.get("/auth/user")
	other.at("/auth/sign-in", 200)

	// Where nobody is asked to show it, the password is.
	w = newWorld(t, setup{settings: func(s *settings.Settings) { s.Password.Required, s.Reverification.Enabled = false, false }})
	w.person(ada)
	v = w.signedIn(t, ada)
	v.get("/auth/user")
	v.submit("Remove password")
	if v.at("/auth/user/password/remove", 422); v.fieldError("current_password") == "" {
		t.Error("nothing beside the field")
	}
	v.submit("Remove password", "current_password", "wrong wrong wrong")
	v.at("/auth/user/password/remove", 422)
	v.submit("Remove password", "current_password", secret)
	v.at("/auth/user", 200)
	// Where everybody has one, there is no such button.
	w = newWorld(t, setup{})
	w.person(ada)
	v = w.signedIn(t, ada)
	v.get("/auth/user")
	if strings.Contains(text(v.doc), "Remove password") {
		t.Error("the button is there")
	}
}
