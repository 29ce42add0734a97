package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// TestTrustPage: a browser that the account does not know shows with a code
// whose it is, once.
func TestTrustPage(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Protection.ClientTrust = true }})
	id := w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Continue", "password", secret)
	v.at("/auth/sign-in/trust", 200)
	for _, problem := range unsound(v) {
		t.Error(problem)
	}
	code := w.code(ada)
	v.submit("Continue", "code", "x")
	v.at("/auth/sign-in/trust", 422)
	if e := v.fieldError("code"); !strings.Contains(e, "not right") {
		t.Errorf("beside the field: %q", e)
	}
	v.submit("Send a new code")
	v.at("/auth/sign-in/trust/send", 429)
	w.advance(time.Minute)
	v.get("/auth/sign-in/password?redirect_url=/private") // whoever goes astray is led back
	v.at("/auth/sign-in/trust", 200)
	v.submit("Send a new code")
	v.at("/auth/sign-in/trust", 200)
	newer := w.code(ada)
	if newer != code {
		v.submit("Continue", "code", code)
		v.at("/auth/sign-in/trust", 422)
	}
	v.submit("Continue", "code", newer)
	v.at("/private", 200)
	if !strings.HasSuffix(v.body, id) {
		t.Errorf("%q", v.body)
	}
	v.get("/auth/sign-out")
	v.submit("Sign out")
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	v.submit("Continue", "password", secret)
	v.at("/", 200)
}

// TestStrictPages: the pages lead the same way whether there is an account.
func TestStrictPages(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Protection.Enumeration = settings.EnumerationStrict }})
	w.person(ada)
	see := func(address string) (out []string) {
		v := w.visitor(t)
		note := func() {
			out = append(out, v.url.Path, strings.Join(strings.Fields(strings.ReplaceAll(text(all(v.doc, "main")[0]), address, "ADDRESS")), " "))
		}
		v.get("/auth/sign-in")
		v.submit("Continue", "identifier", address)
		note()
		v.submit("Continue", "password", "wrong wrong wrong")
		note()
		v.submit("Use a code instead")
		note()
		v.submit("Continue", "code", "x")
		note()
		v.get("/auth/sign-in/password")
		v.submit("Forgot password?")
		note()
		v.get("/auth/sign-up")
		v.submit("Continue", "email_address", address, "password", fresh)
		note()
		v.submit("Continue", "code", "x")
		note()
		return out
	}
	known, unknown := see(ada), see("eve@example.com")
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("known: %s\nunknown: %s", known[i], unknown[i])
		}
	}
}
