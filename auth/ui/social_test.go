package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// atFake goes on from the page that leads away to the provider's form.
func (v *visitor) atFake() {
	v.t.Helper()
	if !strings.Contains(v.body, `http-equiv="refresh"`) {
		v.t.Fatalf("the page does not lead on: %s", v.body)
	}
	v.follow("Continue")
	if !strings.HasPrefix(v.url.Path, "/fake/") {
		v.t.Fatalf("at %s, not at the provider", v.url)
	}
}

// A person signs up, is led on to where they wanted, and signs in again, all by
// plain forms.
func TestSocialPages(t *testing.T) {
	w := newWorld(t, setup{social: true})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada)
	if v.url.Path != "/private" {
		t.Fatalf("at %s: %s", v.url, v.body)
	}
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || u.ExternalAccountOf("custom_fake") == nil || u.PasswordEnabled {
		t.Fatal(u, err)
	}
	v = w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada)
	if v.url.Path != "/private" {
		t.Errorf("at %s: %s", v.url, v.body)
	}
	v.get("/auth/user")
	if !strings.Contains(text(v.doc), "Fake social") || !strings.Contains(text(v.doc), ada) {
		t.Error("the account is not shown")
	}

	// Whoever says no is told what to do.
	v = w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Deny")
	v.at("/auth/sign-in/social", 403)
	if !strings.Contains(v.alert(), "did not give access") {
		t.Errorf("%q", v.alert())
	}
	v.button("Continue with Fake social") // and can try again
}

// Who has no account is asked whether to make one, and who has one whether to
// sign in.
func TestSocialTransferPages(t *testing.T) {
	w := newWorld(t, setup{social: true})
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada)
	v.at("/auth/sign-in/social", 200)
	if _, err := w.engine.Users().ByIdentifier(t.Context(), ada); err == nil {
		t.Fatal("an account was made without asking")
	}
	v.submit("Create an account")
	if v.url.Path != "/private" {
		t.Fatalf("at %s: %s", v.url, v.body)
	}
	v = w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada)
	v.at("/auth/sign-up/social", 200)
	v.submit("Sign in with Fake social")
	if v.url.Path != "/private" {
		t.Errorf("at %s: %s", v.url, v.body)
	}
}

// What the provider does not tell, or has not verified, is asked for.
func TestSocialContinuePages(t *testing.T) {
	w := newWorld(t, setup{social: true, settings: func(s *settings.Settings) { s.LastName.Required = true }})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada, "name", "Ada", "verified", "off")
	v.at("/auth/sign-up/continue", 200)
	v.submit("Continue", "last_name", " ")
	if v.fieldError("last_name") == "" {
		t.Error("an empty field is taken")
	}
	v.submit("Continue", "last_name", "Lovelace")
	v.at("/auth/sign-up/verify", 200)
	v.submit("Continue", "code", w.code(ada))
	if v.url.Path != "/private" {
		t.Errorf("at %s: %s", v.url, v.body)
	}
}

// Nothing is mailed by only coming back: the person asks for it.
func TestSocialVerifyPages(t *testing.T) {
	w := newWorld(t, setup{social: true})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada, "verified", "off")
	v.at("/auth/sign-up/verify", 200)
	v.submit("Send an email")
	v.submit("Continue", "code", w.code(ada))
	if v.url.Path != "/private" {
		t.Errorf("at %s: %s", v.url, v.body)
	}
}

// An address that the provider has not verified does not open the account that
// somebody has with it: its owner proves it here, and then both ways are open.
func TestSocialProvePages(t *testing.T) {
	w := newWorld(t, setup{social: true})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue with Fake social")
	v.atFake()
	v.submit("Allow", "email", ada, "verified", "off")
	if !strings.Contains(v.notice(), "confirm") {
		t.Errorf("at %s: %q", v.url, v.notice())
	}
	v.submit("Continue", "password", secret)
	if v.url.Path != "/private" {
		t.Fatalf("at %s: %s", v.url, v.body)
	}
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || u.ExternalAccountOf("custom_fake") == nil {
		t.Error("the account was not linked", err)
	}
}

// On the account page accounts are connected and taken off.
func TestConnectPages(t *testing.T) {
	w := newWorld(t, setup{social: true})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.submit("Connect Fake social")
	v.atFake()
	v.submit("Deny")
	v.at("/auth/user", 200)
	if !strings.Contains(text(v.doc), "did not give access") {
		t.Error("the denial is not told")
	}
	v.submit("Connect Fake social")
	v.atFake()
	v.submit("Allow", "email", "work@example.com")
	v.at("/auth/user", 200)
	if !strings.Contains(v.notice(), "connected") || !strings.Contains(text(v.doc), "work@example.com") {
		t.Errorf("%q", v.notice())
	}
	w.advance(11 * time.Minute) // needs a step-up again
	v.get("/auth/user")
	v.submit("Remove Fake social")
	v.at("/auth/verify", 200)
}
