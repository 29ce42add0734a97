package compat

import (
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// arrive gives the browser the cookies of somebody who signed in some time ago.
func (b *browser) arrive(userID string, ago time.Duration) {
	b.t.Helper()
	for _, c := range b.h.cookies(b.t, userID, ago, b.text("navigator.userAgent")) {
		b.plant(c.Name, c.Value, c.HttpOnly)
	}
}

// me is what the host answers when a page asks it for JSON.
const me = `fetch("/api/me").then(r => r.ok ? r.json() : {user_id: "refused: " + r.status}).then(r => r.user_id)`

func multi(s *settings.Settings) { s.Sessions.Multi = true }

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/")
	b.until("clerk-js knows the user", "Clerk.user?.id === "+quote(u.ID))
	if got := b.text(me); got != u.ID {
		b.fail("the host sees %q", got)
	}
	token := b.text("Clerk.session.getToken()")
	b.signOut("", 0)
	b.isSignedOut()
	b.expect("response 401")
	b.visit("/")
	got := b.text(`fetch("/api/me", {headers: {authorization: "Bearer " + ` + quote(token) + `}}).then(r => r.status)`)
	if got != "401" {
		b.fail("the token of a session that is over is answered %s, want 401", got)
	}
}

func TestSignOutOtherTab(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	other := b.second()
	other.visit("/")
	b.visit("/")
	b.signOut("", 0)
	other.until("the other tab knows", "Clerk.user === null")
	other.isSignedOut()
}

func TestTwoSessions(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(multi))
	ada, bob := h.person(t, "ada@example.com"), h.person(t, "bob@example.com")
	b := open(t, h)
	b.signIn("ada@example.com", password)
	b.at("/")
	b.isSignedIn(ada.ID)

	b.visit("/button")
	b.click(".cl-userButtonTrigger")
	b.click("button|Add account")
	b.at("/sign-in")
	b.identify("bob@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.at("/")
	b.isSignedIn(bob.ID)

	b.visit("/button")
	if n := b.text("Clerk.client.signedInSessions.length"); n != "2" {
		b.fail("the browser has %s sessions, want 2", n)
	}
	b.click(".cl-userButtonTrigger")
	b.click(".cl-userButtonPopoverCard button|ada@example.com")
	b.isSignedIn(ada.ID)

	b.visit("/")
	b.until("ada is still the active one", "Clerk.user?.id === "+quote(ada.ID))
	token := b.text("Clerk.session.getToken()")
	b.signOut("{sessionId: Clerk.session.id}", 1)
	b.visit("/")
	b.until("bob is left", "Clerk.client.signedInSessions.length === 1 && Clerk.user?.id === "+quote(bob.ID))
	if got := b.text(me); got != bob.ID {
		b.fail("the host sees %q, want bob", got)
	}
	b.expect("response 401")
	got := b.text(`fetch("/api/me", {headers: {authorization: "Bearer " + ` + quote(token) + `}}).then(r => r.status)`)
	if got != "401" {
		b.fail("the token of the session that is over is answered %s, want 401", got)
	}
}

func TestSignOutOfAll(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(multi))
	ada := h.person(t, "ada@example.com")
	h.person(t, "bob@example.com")
	b := open(t, h)
	b.arrive(ada.ID, 0)
	b.signIn("bob@example.com", password)
	b.at("/")
	b.visit("/button")
	b.until("there are two sessions", "Clerk.client.signedInSessions.length === 2")
	b.click(".cl-userButtonTrigger")
	b.click("button|Sign out of all accounts")
	b.at("/")
	b.isSignedOut()
	b.visit("/")
	if n := b.text("Clerk.client.sessions.length"); n != "0" {
		b.fail("%s sessions are left", n)
	}
}

// TestExpired: the browser comes back with a token that ran out long ago.
func TestExpired(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	for _, c := range []struct {
		name string
		run  func(t *testing.T, b *browser)
	}{
		{"clerk-js gets a new one", func(t *testing.T, b *browser) {
			b.goTo("/blank") // renewed by the host, so the old one is planted again
			b.arrive(u.ID, 5*time.Minute)
			old := b.cookie("__session")
			b.visit("/")
			got := b.text("Clerk.session.getToken()")
			if got == old || got == "null" {
				b.fail("getToken returned %q", got)
			}
			b.until("the cookie holds the new one", `!document.cookie.includes(`+quote(old)+`)`)
		}},
		{"the host renews", func(t *testing.T, b *browser) {
			old := b.cookie("__session")
			b.goTo("/private")
			if got := b.see("#private"); got != u.ID {
				b.fail("the private page sees %q", got)
			}
			if now := b.cookie("__session"); now == old || now == "" {
				b.fail("the cookie is still %q", now)
			}
		}},
		{"many requests at once", func(t *testing.T, b *browser) {
			b.goTo("/blank")
			b.arrive(u.ID, 5*time.Minute)
			got := b.text(`Promise.all(Array.from({length: 20}, () => ` + me + `)).then(ids => [...new Set(ids)].join(" "))`)
			if got != u.ID {
				b.fail("the host sees %q", got)
			}
			b.visit("/")
			b.until("clerk-js is signed in", "Clerk.user?.id === "+quote(u.ID))
		}},
		{"clerk-js follows the host", func(t *testing.T, b *browser) {
			b.goTo("/private")
			b.visit("/")
			b.until("clerk-js is signed in", "Clerk.user?.id === "+quote(u.ID))
			if got := b.text(me); got != u.ID {
				b.fail("the host sees %q", got)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, h)
			b.arrive(u.ID, 5*time.Minute)
			c.run(t, b)
		})
	}
}

// TestRefresh: on a page that stays open, clerk-js itself gets a new token
// before the old one ends. It takes as long as the shortest token there is.
func TestRefresh(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(func(s *settings.Settings) { s.Sessions.TokenLifetime = 30 * time.Second }))
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/")
	forced := b.text("Clerk.session.getToken({skipCache: true})")
	b.text("window.held = " + quote(forced) + "; window.left = () => JSON.parse(atob(held.split('.')[1])).exp - Date.now() / 1000; 0")
	again := b.text("Clerk.session.getToken()")
	if again != forced {
		b.fail("a token that is good is not kept")
	}
	b.until("the held token has run out", "left() < 0")
	b.until("getToken gives another", `Clerk.session.getToken().then(t => t && t !== held)`)
	b.until("the cookie holds another", `!document.cookie.includes(held)`)
	if got := b.text(me); got != u.ID {
		b.fail("the host sees %q", got)
	}
	if b.requested("/tokens") == 0 {
		b.fail("clerk-js has not asked for a token")
	}
}

// TestRevoked: what ends elsewhere ends here, once clerk-js asks.
func TestRevoked(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/")
	if _, err := h.Sessions().RevokeUser(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	b.expect("response 401")
	b.expect("response 404")
	b.until("getToken gives none", `Clerk.session === null || Clerk.session.getToken({skipCache: true}).then(t => !t, () => true)`)
	b.isSignedOut()
}
