package ui_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/token"
)

func withOrganizations(s *settings.Settings) {
	o := &s.Organizations
	o.Enabled, o.Slugs, o.Domains, o.MaxMemberships = true, true, true, 0
	o.EnrollmentModes = []string{organization.AutomaticSuggestion}
}

// invitation is where the link in the newest mail to an address leads.
func (w *world) invitation(to string) string {
	w.t.Helper()
	if _, _, err := w.engine.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.mails) - 1; i >= 0; i-- {
		if _, wire, ok := strings.Cut(w.mails[i].Data.ActionURL, "/v1/tickets/accept?ticket="); ok && w.mails[i].To == to {
			return "/auth/organization/invitation?__clerk_ticket=" + wire
		}
	}
	w.t.Fatal("no link was sent")
	return ""
}

// Everything that the pages of organizations are for, without JavaScript:
// create, rename, invite, join with an account and without, change roles,
// remove, switch, leave and delete.
func TestOrganizations(t *testing.T) {
	w := newWorld(t, setup{settings: withOrganizations})
	w.person(ada)
	bobID := w.person("bob@example.com")
	a := w.signedIn(t, ada)
	a.get("/auth/organization")
	a.at("/auth/organizations", 200)
	a.get("/auth/create-organization")
	a.submit("Create organization", "organization_name", " ")
	a.at("/auth/create-organization", 422)
	a.sees("Enter a name.")
	a.submit("Create organization", "organization_name", "<b>Acme</b>", "slug", "Admin")
	a.at("/auth/create-organization", 422)
	a.submit("Create organization", "organization_name", "Acme & Co", "slug", "acme")
	a.at("/auth/organization", 200)
	a.sees("Acme &amp; Co", "The organization has been created.", "1 member")
	if c := w.claims(a); c.Organization == nil || c.Organization.Slug != "acme" {
		t.Errorf("the token says %+v", c.Organization)
	}
	a.submit("Save", "organization_name", "Acme", "slug", "acme-inc")
	a.sees("The organization has been saved.", "acme-inc")

	a.submit("Send invitations", "email_address", "bob@example.com, dora@example.com", "role", "org:member")
	a.at("/auth/organization", 200)
	a.sees("The invitations have been sent.", "dora@example.com")
	a.submit("Send invitations", "email_address", "bob@example.com", "role", "org:member")
	a.at("/auth/organization/invite", 400)
	a.sees("pending invitation already")

	// Somebody who has an account.
	b := w.signedIn(t, "bob@example.com")
	b.get("/auth/organizations")
	b.sees("Acme")
	b.submit("Join Acme")
	b.at("/auth/organization", 200)
	b.sees("You have joined the organization.")
	b.lacks("Send invitations", "Delete organization")

	// Somebody who has none, by the link.
	a.get("/auth/organization")
	a.submit("Revoke dora@example.com")
	a.submit("Send invitations", "email_address", "erin@example.com", "role", "org:member")
	link := w.invitation("erin@example.com")
	e := w.visitor(t)
	e.get(link)
	e.at("/auth/organization/invitation", 200)
	e.sees("erin@example.com", "Join Acme")
	e.follow("Create an account")
	e.at("/auth/sign-up", 200)
	e.submit("Continue", "first_name", "Erin", "password", secret)
	e.at("/auth/organization", 200) // nothing is left to be shown or accepted
	e.sees("Acme")
	e.get(link)
	e.sees("accepted already")

	// Somebody who has an account, and is signed in or not.
	for _, in := range []bool{false, true} {
		a.get("/auth/organization")
		to := fmt.Sprintf("gail%v@example.com", in)
		w.person(to)
		a.submit("Send invitations", "email_address", to, "role", "org:member")
		g := w.visitor(t)
		if in {
			g = w.signedIn(t, to)
		}
		g.get(w.invitation(to))
		if in {
			g.submit("Join Acme")
			g.sees("You have joined the organization.")
		} else {
			g.lacks("Create an account")
			g.follow("Sign in and join")
			g.at("/auth/sign-in", 200)
			g.submit("Continue")
		}
		g.at("/auth/organization", 200)
		g.sees("Acme")
	}

	// The link opens nothing for another account.
	a.get("/auth/organization")
	a.submit("Send invitations", "email_address", "frank@example.com", "role", "org:member")
	e.get(w.invitation("frank@example.com"))
	e.submit("Join Acme")
	e.at("/auth/organization/invitation", 400)
	e.sees("an address that is not yours")
	e.get("/auth/organization/invitation?__clerk_ticket=orginv_x.AAAA")
	e.at("/auth/organization/invitation", 404)

	// Roles, search, removal.
	a.get("/auth/organization?q=bob")
	a.sees("bob@example.com")
	a.lacks("Erin")
	a.post("/auth/organization/members/role", pairs("user", bobID, "role", "org:admin"))
	a.at("/auth/organization", 200)
	a.sees("The role has been changed.")
	b.get("/auth/organization")
	b.sees("Send invitations")
	b.post("/auth/organization/members/role", pairs("user", bobID, "role", "org:king"))
	b.at("/auth/organization/members/role", 422)
	a.post("/auth/organization/leave", nil)
	a.at("/auth/organizations", 200)
	a.sees("You have left the organization.", "Personal account")
	if c := w.claims(a); c.Organization != nil {
		t.Errorf("the token still says %+v", c.Organization)
	}
	b.get("/auth/organization")
	b.post("/auth/organization/leave", nil)
	b.at("/auth/organization/leave", 400)
	b.sees("at least one member who can manage")
	b.get("/auth/organization/delete")
	b.submit("Delete organization")
	b.at("/auth/organization/delete", 422)
	b.sees("Tick the box")
	b.submit("Delete organization", "confirm", "true")
	b.at("/auth/organizations", 200)
	b.sees("The organization has been deleted.")
	e.get("/auth/organization")
	e.at("/auth/organizations", 200)
}

func TestOrganizationPagesAreOff(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	a := w.signedIn(t, ada)
	for _, path := range []string{"/auth/organizations", "/auth/organization", "/auth/create-organization", "/auth/organization/delete", "/auth/organization/invitation?__clerk_ticket=x"} {
		a.get(path)
		if a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	a.get("/auth/user")
	a.lacks("Organizations")
}

// Suggestions are asked for, and decided by those who manage members.
func TestOrganizationSuggestions(t *testing.T) {
	w := newWorld(t, setup{settings: withOrganizations})
	w.person("ada@acme.example")
	w.person("bob@acme.example")
	a := w.signedIn(t, "ada@acme.example")
	a.get("/auth/create-organization")
	a.submit("Create organization", "organization_name", "Acme", "slug", "")
	o, _, err := w.engine.Organizations().List(t.Context(), organization.Filter{}, organization.Page{})
	if err != nil || len(o) != 1 {
		t.Fatal(len(o), err)
	}
	if _, err := w.engine.Organizations().AddDomain(t.Context(), o[0].ID, "acme.example", organization.AutomaticSuggestion, true); err != nil {
		t.Fatal(err)
	}
	b := w.signedIn(t, "bob@acme.example")
	b.get("/auth/organizations")
	b.submit("Ask to join Acme")
	b.sees("You have asked to join.", "Waiting for an answer")
	a.get("/auth/organization")
	a.sees("Requests to join", "bob@acme.example")
	a.submit("Let in bob@acme.example")
	a.sees("There is a new member.", "2 members")
	b.get("/auth/organizations")
	b.sees("Acme", "Switch")
}

func pairs(list ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		v.Set(list[i], list[i+1])
	}
	return v
}

// sees fails unless the page has each text.
func (v *visitor) sees(texts ...string) {
	v.t.Helper()
	for _, s := range texts {
		if !strings.Contains(v.body, s) {
			v.t.Fatalf("no %q on %s (%d):\n%s", s, v.url, v.status, v.body)
		}
	}
}

// lacks fails if the page has any of the texts.
func (v *visitor) lacks(texts ...string) {
	v.t.Helper()
	for _, s := range texts {
		if strings.Contains(v.body, s) {
			v.t.Errorf("%q on %s", s, v.url)
		}
	}
}

// claims are those of the session token in the browser.
func (w *world) claims(v *visitor) *token.Claims {
	w.t.Helper()
	c, err := w.verifier.Verify(w.t.Context(), v.cookie("__session"))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}
