package faults_test

import (
	"flag"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
)

// A town is an instance with people in browsers of their own, who found
// organizations and do to each other there what they can.
type town struct {
	*rig
	people   []string // user IDs
	browsers []*visitor
	sessions []string
}

const townsfolk = 5

func newTown(t *testing.T, st store.Store) *town {
	w := &town{rig: newRig(t, withStore(st), goldenOffers, withSettings(func(s *settings.Settings) { s.Limits = settings.Limits{} }), func(c *auth.Config) {
		c.Organizations.Roles = append(c.Organizations.Roles, organization.RoleDefinition{Key: "org:lead", Name: "Lead",
			Permissions: []string{organization.ReadMemberships, organization.ManageMemberships}})
	})}
	for i := range townsfolk {
		u := w.account(address(i), good)
		v := w.visitor()
		w.people, w.browsers, w.sessions = append(w.people, u.ID), append(w.browsers, v), append(w.sessions, v.signIn(address(i), good))
	}
	return w
}

func address(i int) string { return fmt.Sprintf("person%d@example.com", i) }

// A council is one organization, and what the host knows of it at one time.
type council struct {
	*town
	rt      *rapid.T
	org     string
	quota   int
	teams   []string
	granted map[string]string // the role that each invitation gives
	old     []string          // tokens that were good at some time
}

// A place is what the store says of one person.
type place struct {
	role  string
	held  []string
	teams map[string]string
}

func (c *council) must(err error) {
	if err != nil {
		c.rt.Helper()
		c.rt.Fatal(err)
	}
}

// places are those of all members, with the roles that there are.
func (c *council) places() (map[string]place, *organization.Roles) {
	ctx, os := c.t.Context(), c.Organizations()
	ms, _, err := os.Members(ctx, c.org, organization.MemberFilter{}, organization.Page{})
	c.must(err)
	roles, err := os.Roles(ctx)
	c.must(err)
	out := map[string]place{}
	for _, m := range ms {
		out[m.UserID] = place{m.Role, roles.Permissions(m.Role), map[string]string{}}
	}
	for _, id := range c.teams {
		list, n, err := os.TeamMembers(ctx, c.org, id, organization.Page{})
		c.must(err)
		if n != len(list) {
			c.rt.Fatalf("a team counts %d members, there are %d", n, len(list))
		}
		for _, m := range list {
			p, ok := out[m.UserID]
			if !ok {
				c.rt.Fatalf("%s is in a team, and no member", m.UserID)
			}
			p.teams[id] = m.Role
		}
	}
	return out, roles
}

// tells compares what a token says with what the store says.
func tells(cl *token.Claims, org string, p place) error {
	want := slices.DeleteFunc(slices.Clone(p.held), organization.IsSystemPermission)
	got := cl.Permissions()
	slices.Sort(want)
	slices.Sort(got)
	teams := (&auth.Identity{UserID: cl.Subject, Claims: cl}).Teams()
	if cl.Organization == nil || cl.Organization.ID != org || !cl.HasRole(p.role) || !slices.Equal(got, want) || fmt.Sprint(teams) != fmt.Sprint(p.teams) {
		return fmt.Errorf("the token says %+v, %v, %v; the store %+v", cl.Organization, got, teams, p)
	}
	return nil
}

// hold checks all that must always be so.
func (c *council) hold() map[string]place {
	now, roles := c.places()
	managers := 0
	for _, p := range now {
		if roles.Manager(p.role) {
			managers++
		}
	}
	if len(now) > 0 && managers == 0 {
		c.rt.Fatal("nobody can manage it")
	}
	_, open, err := c.Organizations().Invitations(c.t.Context(), organization.InvitationFilter{OrganizationID: c.org, Statuses: []organization.Status{organization.Pending}}, organization.Page{})
	c.must(err)
	if c.quota > 0 && len(now)+open > c.quota {
		c.rt.Fatalf("%d members and %d invitations have %d seats", len(now), open, c.quota)
	}
	// A token that was made before says the truth still, or is refused.
	for _, tok := range c.old {
		cl, err := c.Verifier().Verify(c.t.Context(), tok)
		if err != nil {
			continue
		}
		p, in := now[cl.Subject]
		if !in {
			c.rt.Fatalf("a token of %s is good, who is no member", cl.Subject)
		}
		c.must(tells(cl, c.org, p))
	}
	for i, id := range c.people {
		a := c.browsers[i].post("/client/sessions/"+c.sessions[i]+"/tokens", "organization_id", c.org)
		p, in := now[id]
		if !in {
			if a.status != 404 {
				c.rt.Fatalf("who is no member is given a token: %d %s", a.status, a.raw)
			}
			continue
		}
		cl, err := c.Verifier().Verify(c.t.Context(), a.str("jwt"))
		c.must(err)
		c.must(tells(cl, c.org, p))
		c.old = append(c.old, a.str("jwt"))
	}
	c.old = c.old[max(0, len(c.old)-2*townsfolk):]
	return now
}

// act has somebody do something to somebody. The answer says whether they could,
// and is nobody's concern: what may not happen is seen afterwards.
func (c *council) act(op string, actor, who int, role string) (invitation string) {
	at, v, ctx, os := "/organizations/"+c.org, c.browsers[actor], c.t.Context(), c.Organizations()
	team := func() string { return c.teams[(actor+who)%len(c.teams)] }
	form := url.Values{"id": {c.org}}
	var a *answer
	switch op {
	case "add":
		a = v.post(at+"/memberships", "user_id", c.people[who], "role", role)
	case "role":
		a = v.api("PATCH", at+"/memberships/"+c.people[who], "role", role)
	case "remove":
		a = v.api("DELETE", at+"/memberships/"+c.people[who])
	case "leave":
		a = v.api("DELETE", "/me/organization_memberships/"+c.org)
	case "invite":
		a = v.post(at+"/invitations", "email_address", address(who), "role", role)
		return a.id()
	case "accept":
		for i := range 10 {
			list := v.get("/me/organization_invitations?status=pending&limit=100")
			if id := list.str(fmt.Sprintf("response.data.%d.id", i)); id != "" && list.str(fmt.Sprintf("response.data.%d.public_organization_data.id", i)) == c.org {
				v.post("/me/organization_invitations/" + id + "/accept")
				return id
			}
		}
	case "revoke":
		id := v.get(at + "/invitations?status=pending").str("response.data.0.id")
		a = v.post(at + "/invitations/" + id + "/revoke")
	case "team": // by the actor, on the pages
		form = url.Values{"id": {team()}, "identifier": {address(who)}, "team_role": {role[4:]}}
		a = c.page(actor, "/organization/team/add", form)
	case "team role":
		form = url.Values{"id": {team()}, "user": {c.people[who]}, "role": {role[4:]}}
		a = c.page(actor, "/organization/team/role", form)
	case "out of team":
		form = url.Values{"id": {team()}, "user": {c.people[who]}}
		a = c.page(actor, "/organization/team/remove", form)
	case "permission": // by the host
		held := []string{"org:reports:read"}
		if who%2 == 0 {
			held = []string{}
		}
		c.must(os.UpdateRole(ctx, "org:editor", auth.RoleUpdate{Permissions: held}))
	}
	if a != nil && (a.status == 0 || a.status >= 500) {
		c.rt.Fatalf("%s: %d %s %v", op, a.status, a.raw, a.err)
	}
	return ""
}

// page sends a form of usher's own pages, for the organization.
func (c *council) page(actor int, path string, form url.Values) *answer {
	v := c.browsers[actor]
	v.post("/client/sessions/"+c.sessions[actor]+"/touch", "active_organization_id", c.org)
	h := map[string][]string{"Origin": {v.base}, "Content-Type": {"application/x-www-form-urlencoded"}}
	return v.do("POST", "/auth"+path, h, form.Encode())
}

// TestAttack_M02_WhateverPeopleDo: for random deeds of random people over HTTP,
// there is always somebody who can manage the organization, no quota is passed,
// nobody comes to hold what nobody with the right to gave, in teams neither, and
// every token that is accepted says what the store says.
func TestAttack_M02_WhateverPeopleDo(t *testing.T) {
	for name, c := range map[string]struct {
		checks string
		open   func(t *testing.T) (store.Store, error)
	}{
		"memory": {"40", func(*testing.T) (store.Store, error) { return memory.New(), nil }},
		"sqlite": {"6", func(t *testing.T) (store.Store, error) {
			st, err := sqlite.Open(filepath.Join(t.TempDir(), "usher.db"))
			t.Cleanup(func() { st.Close() })
			return st, err
		}},
		"postgres": {"6", func(t *testing.T) (store.Store, error) {
			st, err := postgres.Open(t.Context(), postgrestest.New(t))
			t.Cleanup(func() { st.Close() })
			return st, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := c.open(t)
			if err != nil {
				t.Fatal(err)
			}
			w := newTown(t, st)
			usual := flag.Lookup("rapid.checks").Value.String()
			if err := flag.Set("rapid.checks", c.checks); err != nil {
				t.Fatal(err)
			}
			defer flag.Set("rapid.checks", usual)
			rapid.Check(t, w.check)
		})
	}
}

func (w *town) check(rt *rapid.T) {
	ctx, os := w.t.Context(), w.Organizations()
	c := &council{town: w, rt: rt, quota: rapid.IntRange(0, 5).Draw(rt, "quota"), granted: map[string]string{}}
	o, err := os.Create(ctx, organization.CreateParams{Name: "Acme", CreatedBy: w.people[0], MaxMemberships: c.quota})
	c.must(err)
	c.org = o.ID
	for range 2 {
		tm, err := os.CreateTeam(ctx, c.org, "Team")
		c.must(err)
		c.teams = append(c.teams, tm.ID)
	}
	if c.quota != 1 { // somebody with less than all
		_, err := os.AddMember(ctx, c.org, organization.NewMember{UserID: w.people[1], Role: "org:lead"})
		c.must(err)
	}
	before := c.hold()
	someone := rapid.IntRange(0, townsfolk-1)
	for range rapid.IntRange(1, 25).Draw(rt, "deeds") {
		op := rapid.SampledFrom([]string{"add", "add", "role", "role", "remove", "leave", "invite", "accept", "accept", "revoke", "team", "team", "team role", "out of team", "permission"}).Draw(rt, "op")
		actor, who := someone.Draw(rt, "actor"), someone.Draw(rt, "who")
		role := rapid.SampledFrom([]string{organization.Admin, organization.Member, "org:editor", "org:lead"}).Draw(rt, "role")
		held := before[w.people[actor]].held
		invitation := c.act(op, actor, who, role)
		if op == "invite" && invitation != "" {
			c.granted[invitation] = role
			if roles, err := os.Roles(ctx); err != nil || !holds(held, roles.Permissions(role)) {
				rt.Fatalf("%v invites as %s, with %v", held, role, err)
			}
		}
		after := c.hold()
		for id, now := range after {
			was := before[id]
			if now.role != was.role && !(holds(held, now.held) && slices.Contains(held, organization.ManageMemberships)) &&
				(op != "accept" || id != w.people[actor] || now.role != c.granted[invitation]) {
				rt.Fatalf("%s: %s has become %s by somebody with %v", op, id, now.role, held)
			}
			for tm, as := range now.teams {
				if before, in := was.teams[tm]; (!in || before != as) && !slices.Contains(held, organization.ManageMemberships) {
					rt.Fatalf("%s: %s is %s in a team by somebody with %v", op, id, as, held)
				}
			}
		}
		before = after
	}
}

// holds reports whether all of want are in have.
func holds(have, want []string) bool {
	return !slices.ContainsFunc(want, func(p string) bool { return !slices.Contains(have, p) })
}
