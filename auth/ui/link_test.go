package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
)

// withLinks lets people sign in and verify addresses by a link; with other
// devices too, if sameClient is false.
func withLinks(sameClient bool, more ...func(*settings.Settings)) setup {
	return setup{settings: func(s *settings.Settings) {
		s.EmailAddress.Strategies = []string{"email_code", "email_link"}
		s.EmailAddress.Verifications = []string{"email_link"}
		s.Protection.LinkSameClient = sameClient
		for _, change := range more {
			change(s)
		}
	}}
}

// link delivers what waits and returns the link of the newest mail to an
// address that has one.
func (w *world) link(to string) string {
	w.t.Helper()
	if _, _, err := w.engine.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var newest notify.Message
	for _, m := range w.mails {
		if m.To == to && m.Data.ActionURL != "" && m.ID > newest.ID {
			newest = m
		}
	}
	if newest.ID == "" {
		w.t.Fatalf("no link was sent to %s", to)
	}
	return newest.Data.ActionURL
}

func TestSignInByLink(t *testing.T) {
	w := newWorld(t, withLinks(true))
	id := w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Use a link instead")
	v.at("/auth/sign-in/link", 200)
	if !strings.Contains(text(v.doc), ada) {
		t.Error("the page does not say where the link went")
	}
	v.submit("I have opened it")
	if v.status != 400 || !strings.Contains(v.alert(), "not been opened") {
		t.Errorf("before it was opened: %d %q", v.status, v.alert())
	}
	v.submit("Send a new link")
	if v.status != 429 {
		t.Errorf("too soon: %d", v.status)
	}
	w.advance(31 * time.Second)
	old := w.link(ada)
	v.submit("Send a new link")
	v.at("/auth/sign-in/link", 200)
	v.get(old)
	v.at("/auth/link/done", 200)
	if !strings.Contains(text(v.doc), "newer one was sent") {
		t.Errorf("an old link: %q", text(v.doc))
	}
	link := w.link(ada)
	other := w.visitor(t)
	other.get(link)
	other.at("/auth/link/done", 200)
	if !strings.Contains(text(other.doc), "in the browser in which you asked") {
		t.Errorf("another browser: %q", text(other.doc))
	}
	v.get(link)
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
	v.get(link)
	v.at("/auth/link/done", 200)
}

// On another device, a page names who asked, when and for what, and does it
// with one button. Then the first browser goes on.
func TestAttack_L06_OtherDeviceIsAsked(t *testing.T) {
	w := newWorld(t, withLinks(false))
	id := w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Use a link instead")
	before := v.cookie("__client")

	other := w.visitor(t)
	other.get(w.link(ada))
	other.at("/auth/link", 200)
	page := text(other.doc)
	for _, want := range []string{"Sign in on another device?", "Firefox on Linux", "127.0.0.1", "1 March 2026, 12:00 UTC"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if other.header.Get("Referrer-Policy") == "" || len(all(other.doc, "script")) > 0 {
		t.Errorf("headers %v", other.header)
	}
	other.get(other.url.String()) // looking does nothing
	v.submit("I have opened it")
	if v.status != 400 {
		t.Fatalf("before the button: %d", v.status)
	}
	other.submit("Yes, sign in there")
	other.at("/auth/link/done", 200)
	if !strings.Contains(text(other.doc), "Go back to the device") || other.cookie("__session") != "" {
		t.Errorf("the other device: %q", text(other.doc))
	}
	v.submit("I have opened it")
	v.at("/private", 200)
	if v.body != "/private "+id {
		t.Errorf("the host sees %q", v.body)
	}
	if v.cookie("__client") == before {
		t.Error("S01: the client's secret is the one from before the sign-in")
	}
	u, err := w.engine.Users().Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if u.LastSignInAt.IsZero() {
		t.Error("no sign-in")
	}
}

func TestSignUpByLink(t *testing.T) {
	for _, sameClient := range []bool{true, false} {
		w := newWorld(t, withLinks(sameClient))
		v := w.visitor(t)
		v.get("/auth/sign-up?redirect_url=/private")
		v.submit("Continue", "email_address", ada, "password", secret, "first_name", "Ada")
		v.at("/auth/sign-up/verify", 200)
		v.submit("I have opened it")
		if v.status != 400 || !strings.Contains(v.alert(), "not been opened") {
			t.Errorf("before it was opened: %d %q", v.status, v.alert())
		}
		if sameClient {
			v.get(w.link(ada))
		} else {
			other := w.visitor(t)
			other.get(w.link(ada))
			other.submit("Yes, sign up there")
			other.at("/auth/link/done", 200)
			v.submit("I have opened it")
		}
		v.at("/private", 200)
		u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
		if err != nil || v.body != "/private "+u.ID || !u.EmailAddresses[0].Verified {
			t.Fatalf("the host sees %q: %+v %v", v.body, u, err)
		}
	}
}

func TestAddressByLink(t *testing.T) {
	w := newWorld(t, withLinks(true))
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.submit("Add address", "email_address", "second@example.com")
	v.at("/auth/user/emails/verify", 200)
	v.submit("I have opened it")
	if v.status != 400 {
		t.Errorf("before it was opened: %d", v.status)
	}
	v.get(w.link("second@example.com"))
	v.at("/auth/user", 200)
	if !strings.Contains(text(v.doc), "The email address is verified") {
		t.Errorf("got %q", text(v.doc))
	}
}

func TestBadLinks(t *testing.T) {
	w := newWorld(t, withLinks(true))
	v := w.visitor(t)
	for _, path := range []string{"/auth/link", "/auth/link?token=x", "/auth/link/done", "/auth/link/done?__clerk_status=verified&__clerk_created_session=x"} {
		v.get(path)
		if v.status != 200 || v.cookie("__session") != "" {
			t.Errorf("%s: %d", path, v.status)
		}
	}
	v.post("/auth/link", map[string][]string{"token": {strings.Repeat("x", 43)}})
	v.at("/auth/link", 200)
}
