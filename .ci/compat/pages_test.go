package compat

import "testing"

// TestPagesAndClerkJS: usher's own pages and clerk-js share one session.
func TestPagesAndClerkJS(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.goTo("/private")
	b.until("the sign-in page", `location.pathname === "/auth/sign-in"`)
	b.fill("input[name=identifier]", "ada@example.com")
	b.click("button.main")
	b.fill("input[name=password]", password)
	b.click("button.main")
	if got := b.see("#private"); got != u.ID {
		b.fail("the private page sees %q", got)
	}
	b.visit("/")
	b.until("clerk-js sees the session", "Clerk.user?.id === "+quote(u.ID))
	b.goTo("/auth/sign-out")
	b.click("button|Sign out")
	b.at("/")
	b.isSignedOut()
}

// TestPagesSeeClerkJS: who signed in with clerk-js is known to usher's pages.
func TestPagesSeeClerkJS(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.person(t, "ada@example.com")
	b := open(t, h)
	b.signIn("ada@example.com", password)
	b.at("/")
	b.goTo("/auth/user")
	b.see("main|ada@example.com")
}
