package organization_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/user"
)

// sizes runs a benchmark on both databases at each of the sizes in
// USHER_BENCH_MEMBERS, such as 1000,10000,100000: what a page costs does not
// depend on them. settled is to be called when everybody is there.
func sizes(b *testing.B, bench func(b *testing.B, st store.Store, n int, settled func())) {
	for _, size := range strings.Split(cmp.Or(os.Getenv("USHER_BENCH_MEMBERS"), "1000"), ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("sqlite/"+size, func(b *testing.B) {
			st, err := sqlite.Open(filepath.Join(b.TempDir(), "usher.db"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { st.Close() })
			bench(b, st, n, func() {})
		})
		b.Run("postgres/"+size, func(b *testing.B) {
			dsn := postgrestest.New(b)
			st, err := postgres.Open(b.Context(), dsn)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { st.Close() })
			bench(b, st, n, func() { vacuum(b, dsn) })
		})
	}
}

// BenchmarkMembers measures an organization's list of members.
func BenchmarkMembers(b *testing.B) { sizes(b, benchMembers) }

// BenchmarkMemberships measures the organizations of one user.
func BenchmarkMemberships(b *testing.B) { sizes(b, benchMemberships) }

// profile is that of one of many people: one in nine has a name that begins
// with first7.
func profile(i int) organization.Profile {
	email := fmt.Sprintf("person%d@example.com", i)
	return organization.ProfileOf(&user.User{FirstName: fmt.Sprintf("first%d", i), LastName: fmt.Sprintf("last%d", i%1000), PrimaryEmailAddressID: "idn",
		EmailAddresses: []user.Identification{{ID: "idn", Value: email, Canonical: email}}})
}

func benchMembers(b *testing.B, st store.Store, n int, settled func()) {
	ctx, w := context.Background(), newWorld(b, st)
	org := w.found("user_founder", 0)
	for from := 1; from < n; from += 1000 {
		w.must(w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			for i := from; i < min(from+1000, n); i++ {
				role := "org:member"
				if i%100 == 0 {
					role = "org:admin"
				}
				m := organization.NewMember{UserID: fmt.Sprintf("user_%d", i), Role: role,
					Profile: profile(i)}
				if _, err := organization.Add(ctx, tx, o, r, m, now.Add(time.Duration(i)*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	settled()
	list := func(name string, f organization.MemberFilter, p organization.Page, want int) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.must(w.View(ctx, func(tx store.Tx) error {
					o, err := organization.Get(ctx, tx, org)
					if err != nil {
						return err
					}
					ms, _, err := organization.Members(ctx, tx, o, f, p)
					if len(ms) != want && want >= 0 {
						b.Fatalf("%d members, want %d", len(ms), want)
					}
					return err
				}))
			}
		})
	}
	all := organization.MemberFilter{}
	list("newest", all, organization.Page{OrderBy: "-created_at", Limit: 10}, 10)
	list("by last name", all, organization.Page{OrderBy: "+last_name", Limit: 10}, 10)
	list("last page", all, organization.Page{Offset: n - 10, Limit: 10}, 10)
	list("last page by last name", all, organization.Page{OrderBy: "last_name", Offset: n - 10, Limit: 10}, 10)
	list("admins", organization.MemberFilter{Roles: []string{"org:admin"}}, organization.Page{Limit: 5}, 5)
	list("search one", organization.MemberFilter{Query: "first7 last7"}, organization.Page{Limit: 1}, 1)
	list("search a ninth", organization.MemberFilter{Query: "first7"}, organization.Page{Limit: 10}, 10)
	list("search all", organization.MemberFilter{Query: "exam"}, organization.Page{Limit: 10}, 10)
	list("search two words", organization.MemberFilter{Query: "first7 last7"}, organization.Page{Limit: 10}, 10)
	list("search an address", organization.MemberFilter{Query: "person777@example.com"}, organization.Page{Limit: 10}, -1)
	list("search admins", organization.MemberFilter{Query: "example", Roles: []string{"org:admin"}}, organization.Page{Limit: 5}, 5)
	list("search by last name", organization.MemberFilter{Query: "first7"}, organization.Page{OrderBy: "last_name", Limit: 10}, 10)
	list("one", organization.MemberFilter{UserIDs: []string{"user_500"}}, organization.Page{Limit: 10}, 1)
	b.Run("come and go", func(b *testing.B) {
		for b.Loop() {
			w.must(w.add(org, "user_new", "org:member"))
			w.must(w.remove(org, "user_new"))
		}
	})
}

func benchMemberships(b *testing.B, st store.Store, n int, settled func()) {
	ctx, w, u := context.Background(), newWorld(b, st), named("user_ada", "Ada Lovelace", "ada@example.com")
	for range n {
		w.join(w.found("", 0), organization.Member, u)
	}
	settled()
	for name, offset := range map[string]int{"newest": 0, "last page": n - 10} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.must(w.View(ctx, func(tx store.Tx) error {
					ms, total, err := organization.OfUser(ctx, tx, u.ID, organization.Page{Offset: offset, Limit: 10})
					if len(ms) != 10 || total != n {
						b.Fatalf("%d of %d", len(ms), total)
					}
					return err
				}))
			}
		})
	}
	b.Run("new name", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			u.FirstName = fmt.Sprint("Ada", i)
			w.must(w.Update(ctx, func(tx store.Tx) error { return organization.Follow(ctx, tx, u) }))
		}
	})
}

// vacuum does at once what the server does a minute after so many writes.
func vacuum(b *testing.B, dsn string) {
	c, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	if _, err := c.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
}
