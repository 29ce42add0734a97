package organization_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var kinds = []*store.Kind{organization.Kind, organization.SlugKind, organization.MembershipKind, organization.RoleKind, organization.RoleSetKind,
	organization.PermissionKind, organization.InvitationKind, organization.RequestKind, organization.SuggestionKind, organization.DomainKind,
	organization.TeamKind, organization.TeamMemberKind, organization.RemainderKind, organization.StragglerKind, organization.ChangeKind, user.Kind, user.ImageKind}

// catalogue is a host's: editors may edit reports, and leads manage members
// too.
var catalogue = organization.Catalogue{
	Permissions: []organization.PermissionDefinition{{Key: "org:reports:read"}, {Key: "org:reports:edit", Name: "Edit reports"}},
	Roles: []organization.RoleDefinition{
		{Key: "org:editor", Permissions: []string{"org:reports:read", "org:reports:edit"}},
		{Key: "org:lead", Permissions: []string{organization.ReadMemberships, organization.ManageMemberships, "org:reports:read"}}},
}

// world is a store with roles in it.
type world struct {
	testing.TB
	store.Store
}

func newWorld(t testing.TB, st store.Store) *world {
	t.Helper()
	if st == nil {
		st = storetest.Faulty(memory.New(), storetest.Plan{Rerun: true})
	}
	w := &world{t, st}
	if err := store.Prepare(context.Background(), st, kinds...); err != nil {
		t.Fatal(err)
	}
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error { return nil }))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// do runs fn in a transaction with the roles, which it makes if need be.
func (w *world) do(fn func(tx store.Tx, r *organization.Roles) error) error {
	ctx := context.Background()
	return w.Update(ctx, func(tx store.Tx) error {
		r, err := organization.LoadRoles(ctx, tx)
		if errors.Is(err, store.ErrNotFound) {
			if err := organization.EnsureRoles(ctx, tx, catalogue, now); err != nil {
				return err
			}
			r, err = organization.LoadRoles(ctx, tx)
		}
		if err != nil {
			return err
		}
		return fn(tx, r)
	})
}

// in runs fn with an organization.
func (w *world) in(id string, fn func(tx store.Tx, r *organization.Roles, o *organization.Organization) error) error {
	return w.do(func(tx store.Tx, r *organization.Roles) error {
		o, err := organization.Get(context.Background(), tx, id)
		if err != nil {
			return err
		}
		return fn(tx, r, o)
	})
}

// found makes an organization with a founder.
func (w *world) found(founder string, quota int) (id string) {
	w.Helper()
	w.must(w.do(func(tx store.Tx, r *organization.Roles) error {
		o, err := organization.Create(context.Background(), tx, organization.CreateParams{Name: "Acme", CreatedBy: founder, MaxMemberships: quota}, now)
		if err != nil {
			return err
		}
		id = o.ID
		if founder == "" {
			return nil
		}
		_, err = organization.Add(context.Background(), tx, o, r, organization.NewMember{UserID: founder, Role: r.Creator()}, now)
		return err
	}))
	return id
}

func (w *world) add(org, userID, role string) error {
	return w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		_, err := organization.Add(context.Background(), tx, o, r, organization.NewMember{UserID: userID, Role: role, Profile: organization.Profile{Texts: []string{userID + " person"}}}, now)
		return err
	})
}

func (w *world) withMember(org, userID string, fn func(tx store.Tx, r *organization.Roles, o *organization.Organization, m *organization.Membership) error) error {
	return w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		m, err := organization.GetMembership(context.Background(), tx, org, userID)
		if err != nil {
			return err
		}
		return fn(tx, r, o, m)
	})
}

func (w *world) remove(org, userID string) error {
	return w.withMember(org, userID, func(tx store.Tx, r *organization.Roles, o *organization.Organization, m *organization.Membership) error {
		return organization.Remove(context.Background(), tx, o, r, m)
	})
}

func (w *world) setRole(org, userID, role string) error {
	return w.withMember(org, userID, func(tx store.Tx, r *organization.Roles, o *organization.Organization, m *organization.Membership) error {
		return organization.ChangeRole(context.Background(), tx, o, r, m, role, now)
	})
}

func (w *world) invite(org, address, role string, at time.Time) (id, wire string, err error) {
	err = w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		i, text, err := organization.Invite(context.Background(), tx, o, r, organization.NewInvitation{EmailAddress: address, Role: role}, at)
		if err == nil {
			id, wire = i.ID, text
		}
		return err
	})
	return id, wire, err
}

func (w *world) accept(org, id string, u *user.User, at time.Time) error {
	return w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		i, err := organization.GetInvitation(context.Background(), tx, id)
		if err != nil {
			return err
		}
		_, err = organization.Accept(context.Background(), tx, o, r, i, u, at)
		return err
	})
}

func person(id string) *user.User { return &user.User{Meta: store.Meta{ID: id}, FirstName: id} }

// agree compares what an organization counts with what is there.
func (w *world) agree(org string) {
	w.Helper()
	w.must(w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		ms, n, err := organization.Members(context.Background(), tx, o, organization.MemberFilter{}, organization.Page{})
		if err != nil {
			return err
		}
		roles := map[string]int{}
		for _, m := range ms {
			roles[m.Role]++
		}
		if n != len(ms) || o.MembersCount != len(ms) || fmt.Sprint(roles) != fmt.Sprint(o.RoleCounts) {
			return fmt.Errorf("counted %d %v, there are %d %v", o.MembersCount, o.RoleCounts, len(ms), roles)
		}
		_, open, err := organization.Invitations(context.Background(), tx, organization.InvitationFilter{OrganizationID: org, Statuses: []organization.Status{organization.Pending}}, organization.Page{}, time.Time{}.AddDate(1, 0, 0))
		if err != nil {
			return err
		}
		if open != o.PendingInvitations {
			return fmt.Errorf("counted %d open invitations, there are %d", o.PendingInvitations, open)
		}
		if len(ms) > 0 && o.Managers(r) == 0 {
			return errors.New("nobody can manage it")
		}
		if o.MaxMemberships > 0 && len(ms)+open > o.MaxMemberships {
			return fmt.Errorf("%d seats of %d", len(ms)+open, o.MaxMemberships)
		}
		return nil
	}))
}

// Each rule, refused and let pass.
func TestMemberships(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 3)
	check := func(name string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) || want == nil && got != nil {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		w.agree(org)
	}
	check("add twice", w.add(org, "user_ada", organization.Member), organization.ErrAlreadyMember)
	check("unknown role", w.add(org, "user_bob", "org:king"), organization.ErrUnknownRole)
	check("older name of a role", w.add(org, "user_bob", "org:basic_member"), nil)
	check("last manager demoted", w.setRole(org, "user_ada", organization.Member), organization.ErrLastManager)
	check("last manager given a role that manages members only", w.setRole(org, "user_ada", "org:lead"), organization.ErrLastManager)
	check("last manager removed", w.remove(org, "user_ada"), organization.ErrLastManager)
	check("second manager", w.setRole(org, "user_bob", organization.Admin), nil)
	check("first one demoted", w.setRole(org, "user_ada", "org:editor"), nil)
	check("full by an invitation", func() error { _, _, err := w.invite(org, "c@example.com", organization.Member, now); return err }(), nil)
	check("quota", w.add(org, "user_dan", organization.Member), organization.ErrFull)
	check("invited twice", func() error { _, _, err := w.invite(org, "C@Example.com", organization.Member, now); return err }(), organization.ErrInvited)
	check("no seat for another invitation", func() error { _, _, err := w.invite(org, "d@example.com", organization.Member, now); return err }(), organization.ErrFull)
	late := now.AddDate(0, 0, 31)
	check("a seat that an invitation kept too long", func() error { _, _, err := w.invite(org, "d@example.com", organization.Member, late); return err }(), nil)
	check("nobody", w.remove(org, "user_eve"), store.ErrNotFound)
	check("gone", w.remove(org, "user_ada"), nil)
}

// Several statuses are what each of them is: what has run out is not pending,
// though nobody has noticed.
func TestInvitationsByStatuses(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 0)
	invited := map[string]time.Time{"old@example.com": now.AddDate(0, 0, -40), "gone@example.com": now.AddDate(0, 0, -3), "in@example.com": now.AddDate(0, 0, -2),
		"new@example.com": now.AddDate(0, 0, -1)}
	ids := map[string]string{}
	for address, at := range invited {
		id, _, err := w.invite(org, address, organization.Member, at)
		w.must(err)
		ids[address] = id
	}
	w.must(w.accept(org, ids["in@example.com"], person("user_in"), now))
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		i, err := organization.GetInvitation(t.Context(), tx, ids["gone@example.com"])
		if err != nil {
			return err
		}
		return organization.Revoke(t.Context(), tx, o, i, now)
	}))
	for _, c := range []struct {
		statuses string
		page     organization.Page
		want     string
		total    int
	}{
		{"pending accepted", organization.Page{}, "new in", 2},
		{"pending accepted pending", organization.Page{OrderBy: "+created_at"}, "in new", 2},
		{"pending expired", organization.Page{OrderBy: "email_address"}, "new old", 2},
		{"accepted expired revoked", organization.Page{Offset: 1, Limit: 1}, "gone", 3},
		{"accepted expired revoked", organization.Page{Offset: 5, Limit: 1}, "", 3},
		{"", organization.Page{}, "new in gone old", 4},
	} {
		f := organization.InvitationFilter{OrganizationID: org}
		for _, s := range strings.Fields(c.statuses) {
			f.Statuses = append(f.Statuses, organization.Status(s))
		}
		var got []string
		n := 0
		w.must(w.View(t.Context(), func(tx store.Tx) error {
			is, total, err := organization.Invitations(t.Context(), tx, f, c.page, now)
			got, n = nil, total
			for _, i := range is {
				got = append(got, strings.TrimSuffix(i.EmailAddress, "@example.com"))
			}
			return err
		}))
		if strings.Join(got, " ") != c.want || n != c.total {
			t.Errorf("%q %+v: %v of %d, want %s of %d", c.statuses, c.page, got, n, c.want, c.total)
		}
	}
}

func TestInvitations(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 2)
	id, wire, err := w.invite(org, "bob@example.com", "org:editor", now)
	w.must(err)
	parsed, secret, ok := organization.ParseTicket(wire)
	if !ok || parsed != id || len(secret) != 32 {
		t.Fatalf("ticket %q", wire)
	}
	for _, bad := range []string{"", id, id + ".", wire + "A", wire[:len(wire)-1], wire + "\n", strings.Replace(wire, "orginv_", "inv_", 1)} {
		if _, _, ok := organization.ParseTicket(bad); ok {
			t.Errorf("%q is taken for a ticket", bad)
		}
	}
	revoke := func(id string) error {
		return w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
			i, err := organization.GetInvitation(t.Context(), tx, id)
			if err != nil {
				return err
			}
			if !i.Is(secret) || i.Is(nil) || i.Is(make([]byte, 32)) {
				t.Error("the secret does not open what it is for, or another does")
			}
			return organization.Revoke(t.Context(), tx, o, i, now)
		})
	}
	if err := w.accept(org, id, person("user_bob"), now.AddDate(0, 0, 31)); !errors.Is(err, organization.ErrInvitationOver) {
		t.Errorf("accepted late: %v", err)
	}
	w.must(w.accept(org, id, person("user_bob"), now))
	w.agree(org)
	if err := w.accept(org, id, person("user_carl"), now); !errors.Is(err, organization.ErrInvitationAccepted) {
		t.Errorf("accepted twice: %v", err)
	}
	if err := revoke(id); !errors.Is(err, organization.ErrInvitationAccepted) {
		t.Errorf("revoked when accepted: %v", err)
	}
	w.must(w.remove(org, "user_bob"))
	id, wire, err = w.invite(org, "bob@example.com", organization.Member, now)
	w.must(err)
	_, secret, _ = organization.ParseTicket(wire)
	w.must(revoke(id))
	if err := w.accept(org, id, person("user_bob"), now); !errors.Is(err, organization.ErrInvitationRevoked) {
		t.Errorf("accepted when revoked: %v", err)
	}
	w.agree(org)
}

func TestRoles(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 0)
	w.must(w.add(org, "user_bob", "org:editor"))
	role := func(key string, fn func(tx store.Tx, r *organization.Roles, role *organization.Role) error) error {
		return w.do(func(tx store.Tx, r *organization.Roles) error { return fn(tx, r, r.Role(key)) })
	}
	drop := func(key string) error {
		return role(key, func(tx store.Tx, r *organization.Roles, x *organization.Role) error {
			return r.Delete(t.Context(), tx, x, now)
		})
	}
	set := func(key string, permissions ...string) error {
		return role(key, func(tx store.Tx, r *organization.Roles, x *organization.Role) error {
			was := x.Permissions
			x.Permissions = permissions
			return r.Change(t.Context(), tx, x, was, now)
		})
	}
	want := func(name string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) || want == nil && got != nil {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	want("assigned", drop("org:editor"), organization.ErrRoleAssigned)
	_, _, err := w.invite(org, "l@example.com", "org:lead", now)
	w.must(err)
	want("in an invitation", drop("org:lead"), organization.ErrRoleInvited)
	want("creator", drop(organization.Admin), organization.ErrRoleCreatorUse)
	want("default", drop(organization.Member), organization.ErrRoleDefaultUse)
	want("admin without the minimum", set(organization.Admin, organization.ReadMemberships), organization.ErrRoleCreator)
	want("unknown permission", set("org:editor", "org:reports:burn"), organization.ErrUnknownPermission)
	boss := []string{organization.ManageMemberships, organization.ReadMemberships, organization.DeleteProfile}
	want("one more manager role", set("org:editor", boss...), nil)
	want("somebody has it", set("org:editor", "org:reports:read"), organization.ErrLastManager)
	w.must(w.remove(org, "user_bob"))
	want("nobody has it", set("org:editor", "org:reports:read"), nil)
	want("free", drop("org:editor"), nil)
	want("creator role must manage", w.do(func(tx store.Tx, r *organization.Roles) error {
		return r.SetCreator(t.Context(), tx, organization.Member, now)
	}), organization.ErrRoleCreator)
	err = w.do(func(tx store.Tx, r *organization.Roles) error {
		for i := range organization.MaxRoles + 1 {
			if err := r.Add(t.Context(), tx, organization.NewRole(fmt.Sprintf("org:r%d", i), "R", "", nil, now), now); err != nil {
				return err
			}
		}
		return nil
	})
	want("too many", err, organization.ErrTooManyRoles)
	for _, key := range []string{"", "admin", "org:", "org:A", "org:a:b", "org: a", "org:" + strings.Repeat("x", 65)} {
		want("key "+key, organization.CheckRoleKey(key), organization.ErrRoleKey)
	}
	for _, key := range []string{"", "org:a", "org:a:", "org::b", "org:a:b:c", "a:b:c", "org:sys_profile:manage", "org:sys_x:y", "org:a:b,c", "org:A:b"} {
		want("permission "+key, organization.CheckPermissionKey(key), organization.ErrPermissionKey)
	}
	want("catalogue", organization.Catalogue{Roles: []organization.RoleDefinition{{Key: "org:x", Permissions: []string{"org:no:such"}}}}.Check(), organization.ErrUnknownPermission)
}

// Deleting a permission takes it out of every role, and admins get the host's.
func TestPermissions(t *testing.T) {
	w := newWorld(t, nil)
	w.must(w.do(func(tx store.Tx, r *organization.Roles) error {
		if !slices.Contains(r.Permissions(organization.Admin), "org:reports:edit") || !slices.Contains(r.Permissions("org:editor"), "org:reports:edit") {
			t.Error("declared and not given")
		}
		before := r.Set.Version
		p, err := organization.GetPermission(t.Context(), tx, "org:reports:edit")
		if err != nil {
			return err
		}
		if err := organization.DeletePermission(t.Context(), tx, r, p, now); err != nil {
			return err
		}
		if r.Set.Version == before {
			t.Error("the version of the roles has not moved")
		}
		return nil
	}))
	w.must(w.do(func(tx store.Tx, r *organization.Roles) error {
		for _, role := range r.All() {
			if slices.Contains(role.Permissions, "org:reports:edit") {
				t.Errorf("%s still holds it", role.Key)
			}
		}
		p, err := organization.GetPermission(t.Context(), tx, organization.ManageProfile)
		if err == nil {
			err = organization.DeletePermission(t.Context(), tx, r, p, now)
		}
		if !errors.Is(err, organization.ErrSystemPermission) {
			t.Errorf("a built-in one: %v", err)
		}
		return nil
	}))
}

// What the host defines in code changes with the program: tokens of before hold
// no more, and no organization is left without somebody who can manage it.
func TestCatalogueChanges(t *testing.T) {
	w := newWorld(t, nil)
	ensure := func(roles ...organization.RoleDefinition) (changed int, err error) {
		ctx := t.Context()
		c := organization.Catalogue{Permissions: catalogue.Permissions, Roles: roles}
		err = w.Update(ctx, func(tx store.Tx) error {
			before, err := organization.ChangesSince(ctx, tx, now.Add(-time.Hour))
			if err != nil {
				return err
			}
			if err := organization.EnsureRoles(ctx, tx, c, now); err != nil {
				return err
			}
			after, err := organization.ChangesSince(ctx, tx, now.Add(-time.Hour))
			changed = len(after) - len(before)
			return err
		})
		return changed, err
	}
	manager := []string{organization.ManageMemberships, organization.ReadMemberships, organization.DeleteProfile}
	boss := organization.RoleDefinition{Key: "org:boss", Permissions: manager}
	for _, step := range []struct {
		name    string
		def     organization.RoleDefinition
		changed int
	}{{"new", boss, 1}, {"the same", boss, 0}, {"named", organization.RoleDefinition{Key: "org:boss", Name: "Boss", Permissions: manager}, 1}} {
		if n, err := ensure(step.def); err != nil || n != step.changed {
			t.Errorf("%s: %d changes, %v", step.name, n, err)
		}
	}
	org := w.found("", 0)
	w.must(w.add(org, "user_1", "org:boss"))
	if _, err := ensure(organization.RoleDefinition{Key: "org:boss"}); !errors.Is(err, organization.ErrLastManager) {
		t.Errorf("the only managers lose what makes them so: %v", err)
	}
}

// TestAttack_M09_Slugs: no slug that somebody had is somebody else's soon, and
// none misleads.
func TestAttack_M09_Slugs(t *testing.T) {
	for _, bad := range []string{"", "Acme", "acme!", "admin", "api", "123", "1-2", "-acme", "acme-", "a--b", "аcme", "acme.com", "org_1", "xn--80ak6aa92e", strings.Repeat("a", 65), "a b", "../x", "a/b"} {
		if err := organization.CheckSlug(bad); !errors.Is(err, organization.ErrSlug) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"acme", "a", "acme-2", "2nd-street"} {
		if err := organization.CheckSlug(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	w := newWorld(t, nil)
	create := func(slug string, at time.Time) (id string, err error) {
		err = w.do(func(tx store.Tx, _ *organization.Roles) error {
			o, err := organization.Create(t.Context(), tx, organization.CreateParams{Name: "A", Slug: slug}, at)
			if err == nil {
				id = o.ID
			}
			return err
		})
		return id, err
	}
	id, err := create("acme", now)
	w.must(err)
	if _, err := create("acme", now); !errors.Is(err, organization.ErrSlugTaken) {
		t.Errorf("taken twice: %v", err)
	}
	rename := func(to string) error {
		return w.in(id, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
			if err := organization.SetSlug(t.Context(), tx, o, to, now); err != nil {
				return err
			}
			return organization.Put(t.Context(), tx, o, now)
		})
	}
	w.must(rename("acme-2"))
	if _, err := create("acme", now.AddDate(0, 1, 0)); !errors.Is(err, organization.ErrSlugTaken) {
		t.Errorf("taken over after a renaming: %v", err)
	}
	w.must(rename("acme"))
	w.must(w.in(id, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		return organization.Delete(t.Context(), tx, o, now)
	}))
	if _, err := create("acme", now.AddDate(0, 1, 0)); !errors.Is(err, organization.ErrSlugTaken) {
		t.Errorf("taken over after deletion: %v", err)
	}
	again, err := create("acme", now.AddDate(1, 0, 0))
	if err != nil || again == id {
		t.Errorf("never free again: %v", err)
	}
	for _, name := range []string{"Acme & Söhne GmbH", "株式会社", "", strings.Repeat("x", 300)} {
		if s := organization.SuggestSlug(name); organization.CheckSlug(s) != nil || s == organization.SuggestSlug(name) {
			t.Errorf("%q suggests %q", name, s)
		}
	}
	for _, bad := range []string{"", " ", "<b>x</b>", "see https://evil.example", "www.evil.example", "a\x00b", "a\u202eb", strings.Repeat("x", 257)} {
		if _, err := organization.CheckName(bad); !errors.Is(err, organization.ErrName) {
			t.Errorf("name %q: %v", bad, err)
		}
	}
}

// Deleting takes everything along, in steps if it is much.
func TestDelete(t *testing.T) {
	w := newWorld(t, memory.New())
	org := w.found("user_ada", 0)
	other := w.found("user_ada", 0)
	for i := range 600 {
		w.must(w.add(org, fmt.Sprintf("user_%d", i), organization.Member))
	}
	_, _, err := w.invite(org, "x@example.com", organization.Member, now)
	w.must(err)
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		team, err := organization.CreateTeam(t.Context(), tx, o, "Core", now)
		if err != nil {
			return err
		}
		_, err = organization.AddToTeam(t.Context(), tx, o, team, "user_1", "lead", now)
		return err
	}))
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		return organization.Delete(t.Context(), tx, o, now)
	}))
	for more, steps := true, 0; more; steps++ {
		w.must(w.do(func(tx store.Tx, _ *organization.Roles) (err error) {
			more, err = organization.Sweep(t.Context(), tx)
			return err
		}))
		if steps > 10 {
			t.Fatal("no end")
		}
	}
	w.must(w.View(t.Context(), func(tx store.Tx) error {
		for kind, left := range map[*store.Kind]int{organization.Kind: 1, organization.MembershipKind: 1, organization.InvitationKind: 0,
			organization.TeamKind: 0, organization.TeamMemberKind: 0, organization.RemainderKind: 0} {
			if n, err := tx.Count(t.Context(), store.Query{Kind: kind}); err != nil || n != left {
				t.Errorf("%s: %d left, want %d (%v)", kind.Name, n, left, err)
			}
		}
		return nil
	}))
	w.agree(other)
}

// Members are found by the beginnings of words, and follow their users.
func TestSearch(t *testing.T) {
	w := newWorld(t, nil)
	org, other := w.found("user_ada", 0), w.found("user_ada", 0)
	u := &user.User{Meta: store.Meta{ID: "user_Bob"}, FirstName: "Robert", LastName: "Öztürk-Smith", Username: "bobby",
		EmailAddresses: []user.Identification{{ID: "idn_1", Value: "rob.smith@example.com", Canonical: "rob.smith@example.com"}}}
	for _, o := range []string{org, other} {
		w.must(w.in(o, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			_, err := organization.Add(t.Context(), tx, o, r, organization.NewMember{UserID: u.ID, Role: organization.Member, Profile: organization.ProfileOf(u)}, now)
			return err
		}))
	}
	find := func(q string) (n int) {
		t.Helper()
		w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
			ms, total, err := organization.Members(t.Context(), tx, o, organization.MemberFilter{Query: q}, organization.Page{Limit: 10})
			if err == nil && len(ms) != total {
				t.Errorf("%q: %d of %d", q, len(ms), total)
			}
			n = total
			return err
		}))
		return n
	}
	for q, want := range map[string]int{"rob": 1, "ROBERT": 1, "robert öz": 1, "oz": 0, "öztürk": 1, "smith": 1, "bobb": 1, "rob.smith@example.com": 1,
		"example": 1, "r": 1, "user_Bob": 1, "user_bob": 0, "robin": 0, "%": 0, "_": 0, "": 2, "  ": 2} {
		if n := find(q); n != want {
			t.Errorf("%q finds %d, want %d", q, n, want)
		}
	}
	u.FirstName, u.Username = "Karl", ""
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error { return organization.Follow(t.Context(), tx, u) }))
	if find("robert") != 0 || find("karl") != 1 || find("bobby") != 0 {
		t.Error("the texts have not followed")
	}
}

// Several roles at once are one list in order of time.
func TestMembersByRoles(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 0)
	for i := range 9 {
		role := []string{organization.Member, "org:editor", "org:lead"}[i%3]
		w.must(w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			_, err := organization.Add(t.Context(), tx, o, r, organization.NewMember{UserID: fmt.Sprint("user_", i), Role: role}, now.Add(time.Duration(i+1)*time.Second))
			return err
		}))
	}
	var got []string
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		ms, n, err := organization.Members(t.Context(), tx, o, organization.MemberFilter{Roles: []string{"org:editor", organization.Member}},
			organization.Page{OrderBy: "+created_at", Offset: 1, Limit: 3})
		if n != 6 {
			t.Errorf("%d in all", n)
		}
		got = nil
		for _, m := range ms {
			got = append(got, m.UserID)
		}
		return err
	}))
	if want := []string{"user_1", "user_3", "user_4"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTeams(t *testing.T) {
	w := newWorld(t, nil)
	org := w.found("user_ada", 0)
	w.must(w.add(org, "user_bob", organization.Member))
	var team string
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		tm, err := organization.CreateTeam(t.Context(), tx, o, " Core ", now)
		if err != nil {
			return err
		}
		team = tm.ID
		if _, err := organization.AddToTeam(t.Context(), tx, o, tm, "user_bob", "lead", now); err != nil {
			return err
		}
		_, err = organization.AddToTeam(t.Context(), tx, o, tm, "user_bob", "reviewer", now)
		return err
	}))
	err := w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		tm, err := organization.GetTeam(t.Context(), tx, org, team)
		if err != nil {
			return err
		}
		if tm.Name != "Core" || tm.MembersCount != 1 {
			t.Errorf("%+v", tm)
		}
		_, err = organization.AddToTeam(t.Context(), tx, o, tm, "user_eve", "", now)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger in a team: %v", err)
	}
	w.must(w.remove(org, "user_bob"))
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		tm, err := organization.GetTeam(t.Context(), tx, org, team)
		if err == nil && tm.MembersCount != 0 {
			t.Errorf("who left is in a team: %d", tm.MembersCount)
		}
		return err
	}))
}

// TestAttack_M06_Domains: no public suffix, no mail provider and nothing below
// one, in no spelling; what another has verified is theirs.
func TestAttack_M06_Domains(t *testing.T) {
	for name, want := range map[string]error{"acme.example": nil, "ACME.Example": nil, "mail.acme.co.uk": nil, "bücher.example": nil,
		"gmail.com": organization.ErrDomainCommon, "GMAIL.com.": organization.ErrDomainCommon, "x.gmail.com": organization.ErrDomainCommon, "ｇmail.com": organization.ErrDomainCommon,
		"co.uk": organization.ErrDomain, "com": organization.ErrDomain, "": organization.ErrDomain, "a@b.example": organization.ErrDomain, "localhost": organization.ErrDomain,
		"127.0.0.1": organization.ErrDomain, "a b.example": organization.ErrDomain, "github.io": organization.ErrDomain} {
		if got, err := organization.CanonicalDomain(name); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %q %v, want %v", name, got, err, want)
		}
	}
	w := newWorld(t, nil)
	one, two := w.found("user_ada", 0), w.found("user_bob", 0)
	add := func(org string, verified bool) error {
		return w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
			d, err := organization.AddDomain(t.Context(), tx, o, "acme.example", now)
			if err != nil || !verified {
				return err
			}
			d.Affiliation = &organization.Check{Strategy: organization.StrategyHost, Status: "verified", VerifiedAt: now}
			return organization.PutDomain(t.Context(), tx, d, now)
		})
	}
	w.must(add(two, false))
	w.must(add(one, true))
	if err := add(one, false); !errors.Is(err, organization.ErrDomainExists) {
		t.Errorf("twice: %v", err)
	}
	err := w.in(two, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		ds, _, err := organization.Domains(t.Context(), tx, organization.DomainFilter{OrganizationID: two}, organization.Page{})
		if err != nil {
			return err
		}
		if err := ds[0].SetMode(organization.AutomaticInvitation); !errors.Is(err, organization.ErrDomainUnverified) {
			t.Errorf("automatic without proof: %v", err)
		}
		value := ds[0].PrepareTXT(now)
		if ds[0].CheckTXT([]string{"usher-verification=x", ""}, now) || !ds[0].CheckTXT([]string{"v=spf1", value}, now) {
			t.Error("TXT is not judged rightly")
		}
		return ds[0].Claim(t.Context(), tx)
	})
	if !errors.Is(err, organization.ErrDomainTaken) {
		t.Errorf("another's: %v", err)
	}
}
