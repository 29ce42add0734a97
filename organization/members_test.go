package organization_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// named makes a user of "first last", with an address unless it is empty.
func named(id, name, email string) *user.User {
	u := &user.User{Meta: store.Meta{ID: id}}
	u.FirstName, u.LastName, _ = strings.Cut(name, " ")
	if email != "" {
		u.PrimaryEmailAddressID = "idn_" + id
		u.EmailAddresses = []user.Identification{{ID: "idn_" + id, Value: email, Canonical: email}}
	}
	return u
}

// join makes users members with a role, a second apart.
func (w *world) join(org, role string, us ...*user.User) {
	w.Helper()
	w.must(w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		for _, u := range us {
			n := organization.NewMember{UserID: u.ID, Role: role, Profile: organization.ProfileOf(u)}
			if _, err := organization.Add(context.Background(), tx, o, r, n, now.Add(time.Duration(o.MembersCount+1)*time.Second)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// members lists members without "user_", and the total.
func (w *world) members(org string, f organization.MemberFilter, p organization.Page) (list string, total int) {
	w.Helper()
	w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		ms, n, err := organization.Members(context.Background(), tx, o, f, p)
		var ids []string
		for _, m := range ms {
			ids = append(ids, strings.TrimPrefix(m.UserID, "user_"))
		}
		list, total = strings.Join(ids, " "), n
		return err
	}))
	return list, total
}

// sweep sweeps to the end and returns the steps that it took.
func (w *world) sweep() (steps int) {
	w.Helper()
	for more := true; more; steps++ {
		if steps > 20 {
			w.Fatal("no end")
		}
		w.must(w.Update(context.Background(), func(tx store.Tx) (err error) {
			more, err = organization.Sweep(context.Background(), tx)
			return err
		}))
	}
	return steps
}

// Members are listed in any order, whatever else is asked for. Who has no such
// text comes first, ties are in order of time.
func TestMemberOrders(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) { testMemberOrders(t, newWorld(t, st)) })
}

func testMemberOrders(t *testing.T, w *world) {
	org, other := w.found("", 0), w.found("user_ada", 0)
	bob, cyd := named("user_bob", "Robert Stone", "z@example.com"), named("user_cyd", "cyd ", "a@example.com")
	bob.Username, bob.PrimaryPhoneNumberID = "zed", "p"
	bob.PhoneNumbers = []user.Identification{{ID: "p", Value: "+12025550100", Canonical: "+12025550100"}}
	w.join(org, organization.Member, bob, cyd)
	w.join(org, "org:editor", named("user_dot", "Ada Stone", ""), named("user_eve", "Émile Zola", "m@example.com"))
	w.join(other, "org:editor", bob)
	editors, some := []string{"org:editor"}, []string{"org:editor", organization.Member}
	for _, c := range []struct {
		order string
		f     organization.MemberFilter
		want  string
	}{
		{"first_name", organization.MemberFilter{}, "dot cyd bob eve"},
		{"-first_name", organization.MemberFilter{}, "eve bob cyd dot"},
		{"last_name", organization.MemberFilter{}, "cyd bob dot eve"},
		{"+email_address", organization.MemberFilter{}, "dot cyd eve bob"},
		{"-email_address", organization.MemberFilter{}, "bob eve cyd dot"},
		{"username", organization.MemberFilter{UserIDs: []string{"user_bob", "user_eve"}}, "eve bob"},
		{"-phone_number", organization.MemberFilter{UserIDs: []string{"user_bob", "user_eve"}}, "bob eve"},
		{"last_name", organization.MemberFilter{Query: "stone"}, "bob dot"},
		{"first_name", organization.MemberFilter{Query: "stone"}, "dot bob"},
		{"-created_at", organization.MemberFilter{Query: "example", Roles: []string{organization.Member}}, "cyd bob"},
		{"created_at", organization.MemberFilter{Query: "stone", Roles: editors}, "dot"},
		{"-first_name", organization.MemberFilter{Roles: editors}, "eve dot"},
		{"-first_name", organization.MemberFilter{Roles: some}, "eve bob cyd dot"},
		{"email_address", organization.MemberFilter{Roles: some, Query: "s"}, "dot bob"},
		{"first_name", organization.MemberFilter{CreatedAfter: now.Add(time.Second)}, "dot cyd eve"},
		{"created_at", organization.MemberFilter{Query: "example", CreatedAfter: now.Add(time.Second)}, "cyd eve"},
	} {
		ids := strings.Fields(c.want)
		if got, n := w.members(org, c.f, organization.Page{OrderBy: c.order}); got != c.want || n != len(ids) {
			t.Errorf("%s %+v: %q of %d, want %q", c.order, c.f, got, n, c.want)
		}
		got, n := w.members(org, c.f, organization.Page{OrderBy: c.order, Offset: 1, Limit: 1})
		if want := strings.Join(ids[min(1, len(ids)):min(2, len(ids))], " "); got != want || n != len(ids) {
			t.Errorf("%s %+v, the second: %q of %d, want %q", c.order, c.f, got, n, want)
		}
	}
	err := w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		_, _, err := organization.Members(t.Context(), tx, o, organization.MemberFilter{}, organization.Page{OrderBy: "name"})
		return err
	})
	if err == nil {
		t.Error("an unknown order is taken")
	}
	bob.FirstName = "Aaron"
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error { return organization.Follow(t.Context(), tx, bob) }))
	if got, _ := w.members(org, organization.MemberFilter{}, organization.Page{OrderBy: "first_name", Limit: 2}); got != "bob dot" {
		t.Errorf("after a new name: %q", got)
	}
}

// A query is words in any order, each the beginning of one of the member's,
// whatever its length.
func TestSearchWords(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) { testSearchWords(t, newWorld(t, st)) })
}

func testSearchWords(t *testing.T, w *world) {
	org := w.found("", 0)
	w.join(org, organization.Member, named("user_ada", "Ada Featherstonehaughs", "ada.f@example.com"),
		named("user_bob", "Bob Featherstonehaughx", "bob@example.org"), named("user_cyd", "Cyd Fea", "cyd@example.com"))
	for q, want := range map[string]string{"featherstonehaugh": "bob ada", "featherstonehaughx": "bob", "feather example bob": "bob", "com fea": "cyd ada",
		"featherston": "bob ada", "feathers ada": "ada", "eatherstone": "", "ada bob": "", "f ada": "ada", "@": "", "a b c d e f g h i j": "",
		"ada.f@example.com": "ada", "@member": "", "org:member": ""} {
		if got, n := w.members(org, organization.MemberFilter{Query: q}, organization.Page{Limit: 10}); got != want || n != len(strings.Fields(want)) {
			t.Errorf("%q finds %q of %d, want %q", q, got, n, want)
		}
	}
}

// What a query finds is counted up to a bound, and can be gone through to its
// end all the same.
func TestMaxCounted(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) { testMaxCounted(t, newWorld(t, st)) })
}

func testMaxCounted(t *testing.T, w *world) {
	org, all := w.found("", 0), organization.MaxCounted+5
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error {
		for i := range all {
			id := fmt.Sprintf("orgmem_%05d", i)
			if _, err := tx.Put(t.Context(), store.Record{Kind: organization.MembershipKind, ID: id, Data: []byte(`{"user_id":"` + id + `"}`),
				Entries: []store.Entry{{Index: "search", Value: org + "/ada"}}}); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, c := range []struct{ offset, n, total int }{{0, 10, organization.MaxCounted}, {organization.MaxCounted - 10, 10, organization.MaxCounted + 1},
		{organization.MaxCounted - 6, 10, organization.MaxCounted + 5}, {organization.MaxCounted, 3, organization.MaxCounted + 4},
		{organization.MaxCounted, 5, all}, {organization.MaxCounted, 10, all}} {
		list, total := w.members(org, organization.MemberFilter{Query: "ada"}, organization.Page{Offset: c.offset, Limit: c.n})
		if n := len(strings.Fields(list)); n != min(c.n, all-c.offset) || total != c.total {
			t.Errorf("from %d: %d of %d, want %d of %d", c.offset, n, total, c.n, c.total)
		}
	}
}

// A new name reaches the first hundred memberships at once and the others in
// steps, also if one goes in between.
func TestFollowMany(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) { testFollowMany(t, newWorld(t, st)) })
}

func testFollowMany(t *testing.T, w *world) {
	u := named("user_ada", "Ada Old", "ada@example.com")
	var orgs []string
	for range 230 {
		org := w.found("user_founder", 0)
		w.join(org, organization.Member, u)
		orgs = append(orgs, org)
	}
	found := func(q string) (ns []int) {
		t.Helper()
		for i, org := range orgs {
			if _, n := w.members(org, organization.MemberFilter{Query: q}, organization.Page{Limit: 1}); n > 0 {
				ns = append(ns, i)
			}
		}
		return ns
	}
	u.LastName = "New"
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error {
		stored := *u
		if err := user.Put(t.Context(), tx, &stored, now); err != nil {
			return err
		}
		return organization.Follow(t.Context(), tx, u)
	}))
	first := found("new")
	if len(first) != 100 {
		t.Fatalf("%d memberships follow at once", len(first))
	}
	for _, i := range first { // the step was to go on behind one of these
		w.must(w.remove(orgs[i], u.ID))
	}
	if n := w.sweep(); n != 3 {
		t.Errorf("%d steps", n)
	}
	if n, old := len(found("new")), len(found("old")); n != 130 || old != 0 {
		t.Errorf("%d have the new name, %d the old one", n, old)
	}
}

// Memberships that an older program has stored get what they are found and
// ordered by now.
func TestOlderMemberships(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) { testOlderMemberships(t, newWorld(t, st)) })
}

func testOlderMemberships(t *testing.T, w *world) {
	org, u := w.found("", 0), named("user_ada", "Ada Lovelace", "ada@example.com")
	w.must(w.do(func(tx store.Tx, _ *organization.Roles) error {
		stored := *u
		if err := user.Put(t.Context(), tx, &stored, now); err != nil {
			return err
		}
		for i := range 101 {
			m := &organization.Membership{OrganizationID: org, UserID: fmt.Sprint("user_", i), Role: organization.Member, CreatedAt: now}
			if i == 50 {
				m.UserID = u.ID
			}
			data, err := json.Marshal(m)
			if err != nil {
				return err
			}
			if _, err := tx.Put(t.Context(), store.Record{Kind: organization.MembershipKind, ID: store.NewID("orgmem", now), Data: data}); err != nil {
				return err
			}
		}
		return nil
	}))
	w.join(org, organization.Member, named("user_bob", "Bob Stone", ""))
	if n := w.sweep(); n != 2 {
		t.Errorf("%d steps", n)
	}
	if got, _ := w.members(org, organization.MemberFilter{}, organization.Page{OrderBy: "-first_name", Limit: 2}); got != "bob ada" {
		t.Errorf("in order: %q", got)
	}
	if got, _ := w.members(org, organization.MemberFilter{Query: "lov"}, organization.Page{Limit: 2}); got != "ada" {
		t.Errorf("found: %q", got)
	}
}
