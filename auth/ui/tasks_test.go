package ui_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// Where a second factor is demanded, a new account is walked through it.
func TestTaskPages(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.SignIn.SecondFactorRequired = true }})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue", "email_address", ada, "password", secret, "first_name", "Ada")
	v.submit("Continue", "code", w.code(ada))
	v.at("/auth/tasks", 200)
	for _, path := range []string{"/auth/user", "/auth/sign-in", "/auth/tasks"} {
		v.get(path + "?redirect_url=/private")
		v.at("/auth/tasks", 200) // P11
	}
	v.get("/private")
	if c, err := w.verifier.Verify(t.Context(), v.cookie("__session")); err != nil || c.Active() {
		t.Errorf("the token says that it is active: %v %v", c, err)
	}
	v.post("/auth/user/emails", url.Values{"email_address": {"new@example.com"}})
	v.at("/auth/tasks", 200)

	v.get("/auth/tasks?redirect_url=/private")
	v.submit("Set up an authenticator app")
	if _, codes := v.finishApp(w); len(codes) != 10 {
		t.Errorf("codes %v", codes)
	}
	v.follow("I have kept them")
	v.at("/private", 200)
	c, err := w.verifier.Verify(t.Context(), v.cookie("__session"))
	if err != nil || !c.Active() {
		t.Errorf("after the task: %+v %v", c, err)
	}
}

// A password that others know is replaced, after something else has been shown.
func TestTaskPasswordPage(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	w.advance(time.Second)
	if _, err := w.engine.Users().MarkPasswordCompromised(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	v.get("/auth/user")
	v.at("/auth/tasks", 200)
	v.submit("Save and go on", "new_password", fresh)
	v.at("/auth/verify", 200)
	v.submit("Confirm", "password", secret)
	v.at("/auth/verify", 422)
	v.submit("Send a code to my email address")
	v.submit("Confirm with the code", "code", w.code(ada))
	v.at("/auth/tasks", 200)
	v.submit("Save and go on", "new_password", secret)
	v.at("/auth/tasks/password", 422)
	v.submit("Save and go on", "new_password", fresh)
	if v.status != 200 || strings.HasPrefix(v.url.Path, "/auth/tasks") {
		t.Errorf("at %s: %d", v.url, v.status)
	}
	v.get("/auth/user")
	v.at("/auth/user", 200)
}

// Where nobody acts without an organization, a new account chooses one, and
// whoever loses it chooses again.
func TestTaskChooseOrganization(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { withOrganizations(s); s.Organizations.ForceSelection = true }})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Continue", "password", secret)
	v.at("/auth/tasks", 200)
	v.follow("Choose an organization")
	v.at("/auth/organizations", 200)
	v.lacks("Personal account")
	v.follow("Create an organization")
	v.submit("Create organization", "organization_name", "Acme", "slug", "")
	v.at("/private", 200)
	if c := w.claims(v); !c.Active() || c.Organization == nil {
		t.Errorf("after the task: %+v", c)
	}
	v.get("/auth/organization/delete")
	v.submit("Delete organization", "confirm", "true")
	v.at("/auth/organizations", 200)
	v.sees("The organization has been deleted.")
	v.get("/auth/user")
	v.at("/auth/tasks", 200)
	if c := w.claims(v); c.Active() {
		t.Errorf("after it is gone: %+v", c)
	}
	v.get("/auth/create-organization")
	v.submit("Create organization", "organization_name", "Acme", "slug", "")
	v.at("/auth/organization", 200)
	v.get("/auth/user")
	v.at("/auth/user", 200)
}
