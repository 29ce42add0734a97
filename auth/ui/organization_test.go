package ui_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ui"
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
	e.follow("Your organizations") // the way on from a link that is used up
	e.at("/auth/organizations", 200)
	stranger := w.visitor(t)
	stranger.get(link)
	stranger.sees("accepted already")
	stranger.lacks("Join Acme")
	stranger.follow("Sign in")
	stranger.at("/auth/sign-in", 200)

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

// A logo is uploaded and removed by those who manage the organization, and seen
// by its members alone.
func TestOrganizationLogo(t *testing.T) {
	w := newWorld(t, setup{settings: withOrganizations})
	w.person(ada)
	bobID := w.person("bob@example.com")
	a, b := w.signedIn(t, ada), w.signedIn(t, "bob@example.com")
	a.get("/auth/organization/logo")
	if a.status != 404 {
		t.Errorf("a logo of no organization: %d", a.status)
	}
	a.get("/auth/create-organization")
	a.submit("Create organization", "organization_name", "Acme", "slug", "")
	org := w.claims(a).Organization.ID
	if _, err := w.engine.Organizations().AddMember(t.Context(), org, organization.NewMember{UserID: bobID, Role: "org:member"}); err != nil {
		t.Fatal(err)
	}
	b.get("/auth/organizations")
	b.submit("Switch to Acme")
	logo := func(v *visitor) string {
		t.Helper()
		v.get("/auth/organization/logo")
		if v.status != 200 {
			t.Fatalf("logo: %d", v.status)
		}
		return v.header.Get("Content-Type")
	}
	if kind := logo(a); kind != "image/svg+xml" {
		t.Errorf("the default is %s", kind)
	}
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	a.get("/auth/organization")
	a.lacks("Remove logo")
	a.upload("Upload logo", "file", []byte("<svg></svg>"))
	a.at("/auth/organization/logo", 422)
	a.get("/auth/organization")
	a.upload("Upload logo", "file", nil)
	a.at("/auth/organization/logo", 422)
	a.sees("Choose a picture first.")
	a.get("/auth/organization")
	a.upload("Upload logo", "file", data.Bytes())
	a.at("/auth/organization", 200)
	a.sees("The logo has been changed.")
	for _, v := range []*visitor{a, b} {
		if kind := logo(v); kind == "image/svg+xml" {
			t.Errorf("the logo is %s", kind)
		}
	}
	b.get("/auth/organization")
	b.lacks("Upload logo", "Remove logo")
	b.post("/auth/organization/logo/remove", nil)
	b.at("/auth/organization/logo/remove", 403)
	a.get("/auth/organization")
	a.submit("Remove logo")
	a.sees("The logo has been removed.")
	if kind := logo(b); kind != "image/svg+xml" {
		t.Errorf("removed, it is %s", kind)
	}
	if v := w.visitor(t); true {
		v.get("/auth/organization/logo")
		if v.status != 404 {
			t.Errorf("a stranger sees a logo: %d", v.status)
		}
	}
}

// Teams are made, renamed, filled and deleted by those who manage members; the
// token says who is in them.
func TestTeamPages(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { withOrganizations(s); s.Organizations.Teams = true }})
	w.person(ada)
	bobID := w.person("bob@example.com")
	w.person("carl@example.com")
	a, b, c := w.signedIn(t, ada), w.signedIn(t, "bob@example.com"), w.signedIn(t, "carl@example.com")
	found := func(v *visitor, name string) string {
		t.Helper()
		v.get("/auth/create-organization")
		v.submit("Create organization", "organization_name", name, "slug", "")
		return w.claims(v).Organization.ID
	}
	org := found(a, "Acme")
	if _, err := w.engine.Organizations().AddMember(t.Context(), org, organization.NewMember{UserID: bobID, Role: "org:member"}); err != nil {
		t.Fatal(err)
	}
	b.get("/auth/organizations")
	b.submit("Switch to Acme")
	teams := func(v *visitor) string {
		t.Helper()
		v.get("/auth/organizations")
		v.submit("Switch to the personal account")
		v.submit("Switch to Acme")
		return string(w.claims(v).Custom["tms"])
	}

	a.follow("Teams")
	a.at("/auth/organization/teams", 200)
	a.sees("There are no teams yet.")
	a.submit("Create team", "team_name", " ")
	a.at("/auth/organization/teams", 422)
	a.sees("Enter a name.")
	a.submit("Create team", "team_name", strings.Repeat("x", 257))
	a.at("/auth/organization/teams", 422)
	a.submit("Create team", "team_name", "Core & Co")
	a.at("/auth/organization/team", 200)
	a.sees("The team has been created.", "Core &amp; Co", "Nobody is in the team yet.")
	id := a.url.Query().Get("id")
	at := "/auth/organization/team?id=" + id
	for _, nobody := range []string{"carl@example.com", "nobody@example.com"} {
		a.submit("Add to team", "identifier", nobody)
		a.at("/auth/organization/team/add", 422)
		a.sees("Nobody in the organization is called that.")
	}
	a.submit("Add to team", "identifier", "bob@example.com", "team_role", "Big Boss")
	a.at("/auth/organization/team/add", 422)
	a.sees("A role is one word")
	a.submit("Add to team", "identifier", "bob@example.com", "team_role", "lead")
	a.sees("The member is in the team.", "1 member", "lead", "bob@example.com")
	if got := teams(b); got != `{"`+id+`":"lead"}` {
		t.Errorf("the token says %s", got)
	}
	a.submit("Save role of Ada Lovelace", "role", "chair")
	a.sees("The role in the team has been changed.", "chair")
	if got := teams(b); got != `{"`+id+`":"chair"}` {
		t.Errorf("the token says %s", got)
	}
	a.submit("Rename team", "team_name", "Crew")
	a.sees("The team has its new name.", "Crew")

	// Members see it, and change nothing; to others it is not there.
	b.get("/auth/organization/teams")
	b.sees("Crew", "1 member")
	b.lacks("Create team")
	b.follow("Open Crew")
	b.sees("chair")
	b.lacks("Rename team", "Delete team", "Add to team", "Save role")
	form := pairs("id", id, "team_name", "Mine", "identifier", "bob@example.com", "user", bobID, "role", "boss")
	for _, act := range []string{"rename", "add", "role", "remove", "delete"} {
		b.post("/auth/organization/team/"+act, form)
		b.at("/auth/organization/team/"+act, 403)
	}
	b.post("/auth/organization/teams", form)
	b.at("/auth/organization/teams", 403)
	found(c, "Other")
	c.get(at)
	c.at("/auth/organization/team", 404)
	for _, act := range []string{"rename", "add", "role", "remove", "delete"} {
		c.post("/auth/organization/team/"+act, form)
		c.at("/auth/organization/team/"+act, 404)
		c.lacks("Crew")
	}

	a.get(at)
	a.submit("Remove Ada Lovelace")
	a.sees("The member has left the team.", "Nobody is in the team yet.")
	if got := teams(b); got != "" {
		t.Errorf("the token says %s", got)
	}
	a.get(at)
	a.submit("Delete team")
	a.at("/auth/organization/teams", 200)
	a.sees("The team has been deleted.", "There are no teams yet.")

	off := newWorld(t, setup{settings: withOrganizations})
	off.person(ada)
	d := off.signedIn(t, ada)
	d.get("/auth/create-organization")
	d.submit("Create organization", "organization_name", "Acme", "slug", "")
	d.lacks("Teams")
	d.get("/auth/organization/teams")
	d.at("/auth/organization/teams", 404)
	d.post("/auth/organization/teams", pairs("team_name", "Crew"))
	d.at("/auth/organization/teams", 404)
}

// TestAttack_M01_OrganizationPages: no page shows or changes anything of an
// organization that the person is not in, whatever IDs it is sent. A page
// without a row fails.
func TestAttack_M01_OrganizationPages(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { withOrganizations(s); s.Organizations.Teams = true }})
	ctx, os := t.Context(), w.engine.Organizations()
	adaID := w.person("ada@umbra.example")
	eveID, bobID := w.person("eve@other.example"), w.person("bob@example.com")
	for _, address := range []string{"carl@umbra.example", "dora@umbra.example"} {
		w.person(address)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	o, err := os.Create(ctx, organization.CreateParams{Name: "Umbra", Slug: "umbra", CreatedBy: adaID})
	must(err)
	own, err := os.Create(ctx, organization.CreateParams{Name: "Other", Slug: "other", CreatedBy: eveID})
	must(err)
	_, err = os.AddMember(ctx, o.ID, organization.NewMember{UserID: bobID, Role: "org:member"})
	must(err)
	_, err = os.SetImage(ctx, o.ID, "image/png", []byte("umbra"))
	must(err)
	tm, err := os.Teams(o.ID).Create(ctx, "Umbra crew")
	must(err)
	_, err = os.Teams(o.ID).Add(ctx, tm.ID, bobID, "lead")
	must(err)
	inv, err := os.Invite(ctx, o.ID, "", []engine.InviteParams{{EmailAddress: "guest@example.com", Role: "org:member", Silent: true}})
	must(err)
	_, err = os.AddDomain(ctx, o.ID, "umbra.example", organization.AutomaticSuggestion, true)
	must(err)
	c := w.signedIn(t, "carl@umbra.example")
	c.get("/auth/organizations")
	c.submit("Ask to join Umbra")
	a, d := w.signedIn(t, "ada@umbra.example"), w.signedIn(t, "dora@umbra.example")
	a.get("/auth/organizations")
	a.get("/auth/organization")
	form, _ := a.button("Let in carl@umbra.example")
	request := attr(all(form, "input")[0], "value")
	d.get("/auth/organizations")
	form, _ = d.button("Ask to join Umbra")
	suggestion := attr(all(form, "input")[0], "value")
	e := w.signedIn(t, "eve@other.example")
	e.get("/auth/organizations")
	e.get("/auth/organization")

	// theirs is the ID that a page names. Pages that name none are about the own
	// organization, whatever is sent.
	const none = ""
	theirs := map[string]string{
		"/organizations": none, "/create-organization": none, "/organization": none, "/organization/rename": none, "/organization/logo": none,
		"/organization/logo/remove": none, "/organization/invite": none, "/organization/delete": none, "/organization/leave": none, "/organization/teams": none,
		"/organizations/switch": o.ID, "/organizations/accept": inv[0].Invitation.ID, "/organizations/ask": suggestion, "/organization/invitation": inv[0].Invitation.ID,
		"/organization/invitations/revoke": inv[0].Invitation.ID, "/organization/requests/decide": request,
		"/organization/members/role": bobID, "/organization/members/remove": bobID,
		"/organization/team": tm.ID, "/organization/team/rename": tm.ID, "/organization/team/delete": tm.ID,
		"/organization/team/add": tm.ID, "/organization/team/role": tm.ID, "/organization/team/remove": tm.ID,
	}
	gets, posts := ui.OrganizationPaths()
	slices.Sort(posts) // one leaves last
	posts = append(slices.DeleteFunc(posts, func(p string) bool { return p == "/organization/leave" || p == "/organization/delete" }), "/organization/leave", "/organization/delete")
	for i, path := range slices.Concat(gets, posts) {
		id, ok := theirs[path]
		if !ok {
			t.Errorf("%s has no row", path)
			continue
		}
		fields := pairs("id", id, "ticket", id, "user", bobID, "organization_id", o.ID, "organization", o.ID, "role", "org:admin", "team_role", "x", "identifier", "bob@example.com",
			"decision", "accept", "team_name", "Mine", "organization_name", "Mine", "slug", "mine", "email_address", "eve2@other.example", "confirm", "true")
		if i < len(gets) {
			e.get("/auth" + path + "?" + fields.Encode())
		} else {
			e.post("/auth"+path, fields)
		}
		if id != none && e.status != 404 {
			t.Errorf("%s answers %d", path, e.status)
		}
		if strings.Contains(strings.ToLower(e.body), "umbra") {
			t.Errorf("%s tells of it:\n%s", path, e.body)
		}
		// Whatever has become the active one, the next page is asked for the own.
		if _, err := os.Member(ctx, own.ID, eveID); err == nil {
			e.get("/auth/organizations")
			e.post("/auth/organizations/switch", pairs("id", own.ID))
		}
	}
	again, err := os.Get(ctx, o.ID)
	must(err)
	_, open, err := os.Invitations(ctx, organization.InvitationFilter{OrganizationID: o.ID, Statuses: []organization.Status{organization.Pending}}, organization.Page{})
	must(err)
	crew, err := os.Teams(o.ID).View(ctx, tm.ID, organization.Page{})
	must(err)
	if again.Name != "Umbra" || again.Slug != "umbra" || again.ImageID == "" || again.MembersCount != 2 || open != 1 || crew.Name != "Umbra crew" || len(crew.Members) != 1 || crew.Members[0].Role != "lead" {
		t.Errorf("%+v, %d invitations, %+v", again, open, crew)
	}
	if m, err := os.Member(ctx, o.ID, bobID); err != nil || m.Membership.Role != "org:member" {
		t.Errorf("bob: %+v, %v", m, err)
	}
	a.get("/auth/organization")
	a.sees("Let in", "carl@umbra.example")
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
