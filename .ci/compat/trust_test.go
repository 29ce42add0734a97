package compat

import (
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
)

// TestClientTrust: <SignIn/> asks for a code after a password alone, in a
// browser that the account does not know.
func TestClientTrust(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *auth.Config) { c.Settings.Protection.ClientTrust = true })
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.signIn("ada@example.com", password)
	b.until("the code is asked for", `(location.pathname + location.hash).includes("client-trust")`)
	b.code("ada@example.com", 1)
	b.at("/")
	b.isSignedIn(u.ID)
}

// TestStrictSignIn: where nothing tells whether there is an account, <SignIn/>
// goes the same way, and a wrong password is told in words that fit both.
func TestStrictSignIn(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *auth.Config) { c.Settings.Protection.Enumeration = settings.EnumerationStrict })
	u := h.person(t, "ada@example.com")
	for _, address := range []string{"nobody@example.com", "ada@example.com"} {
		b := open(t, h)
		b.expect("response 422")
		b.visit("/sign-in")
		b.identify(address)
		b.fill("input[name=password]", "wrong horse battery")
		b.click(primary)
		b.see(".cl-formFieldErrorText, .cl-alertText")
		if address != "ada@example.com" {
			continue
		}
		b.fill("input[name=password]", password)
		b.click(primary)
		b.at("/")
		b.isSignedIn(u.ID)
	}
}
