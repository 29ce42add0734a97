package compat

import (
	"net/url"
	"testing"

	"github.com/usherauth/usher/auth/settings"
)

// links lets people sign in and verify addresses by mailed links alone.
func links(s *settings.Settings) {
	s.EmailAddress.Strategies, s.EmailAddress.Verifications = []string{"email_link"}, []string{"email_link"}
}

// link is the path of the link in the n-th mail to an address.
func (h *host) link(t *testing.T, email string, n int) string {
	t.Helper()
	u, err := url.Parse(h.Mail.Wait(t, email, n).Data.ActionURL)
	if err != nil || u.Query().Get("token") == "" {
		t.Fatalf("no link in the mail: %v %v", u, err)
	}
	return u.RequestURI()
}

// <SignIn/> by a link that is opened in another tab of the same browser.
func TestSignInLink(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(links), set(func(s *settings.Settings) { s.Password.Enabled, s.Password.Required = false, false }))
	u, err := h.Users().Create(t.Context(), noPassword("ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.visit("/sign-in")
	b.identify("ada@example.com")
	b.see(".cl-headerTitle|Check your email")
	tab := b.second()
	tab.goTo(h.link(t, "ada@example.com", 1))
	tab.at("/")
	tab.isSignedIn(u.ID)
}

// The same link in another browser: refused, or asked about if the settings let
// other devices; then the first one goes on by itself.
func TestSignInLinkElsewhere(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]bool{"same browser only": false, "any device": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, set(links), set(func(s *settings.Settings) {
				s.Password.Enabled, s.Password.Required = false, false
				s.Protection.LinkSameClient = !other
			}))
			u, err := h.Users().Create(t.Context(), noPassword("ada@example.com"))
			if err != nil {
				t.Fatal(err)
			}
			b, phone := open(t, h), open(t, h)
			b.visit("/sign-in")
			b.identify("ada@example.com")
			b.see(".cl-headerTitle|Check your email")
			link := h.link(t, "ada@example.com", 1)
			phone.goTo(link)
			if !other {
				phone.see(".cl-card, .cl-cardBox")
				phone.until("Clerk says that it is another browser", `/device|browser/i.test(document.body.innerText)`)
				phone.until("nobody is signed in", "Clerk.user === null")
				tab := b.second()
				tab.goTo(link)
				tab.at("/")
				tab.isSignedIn(u.ID)
				return
			}
			phone.at("/auth/link")
			phone.see("h1|Sign in on another device?")
			phone.click("button|Yes, sign in there")
			b.at("/") // it polls
			b.isSignedIn(u.ID)
			phone.isSignedOut()
		})
	}
}

func TestSignUpLink(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(links))
	b := open(t, h)
	b.visit("/sign-up")
	b.fill("input[name=emailAddress]", "ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see(".cl-headerTitle|Verify your email")
	tab := b.second()
	tab.goTo(h.link(t, "ada@example.com", 1))
	tab.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	tab.isSignedIn(u.ID)
}
