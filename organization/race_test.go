package organization_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
)

// onStores runs a test on every store.
func onStores(t *testing.T, fn func(t *testing.T, st store.Store)) {
	t.Run("memory", func(t *testing.T) { fn(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) {
		st, err := sqlite.Open(filepath.Join(t.TempDir(), "usher.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		fn(t, st)
	})
	t.Run("postgres", func(t *testing.T) {
		st, err := postgres.Open(t.Context(), postgrestest.New(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		fn(t, st)
	})
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// atOnce runs fn 16 times at once, again while it collides, and returns how
// often it went well.
func atOnce(fn func(i int) error) (good int, errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 16 {
		wg.Go(func() {
			<-start
			err := store.ErrConflict
			for tries := 0; errors.Is(err, store.ErrConflict) && tries < 100; tries++ {
				err = fn(i)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				good++
			} else {
				errs = append(errs, err)
			}
		})
	}
	close(start)
	wg.Wait()
	return good, errs
}

func only(t *testing.T, errs []error, want ...error) {
	t.Helper()
	for _, err := range errs {
		ok := false
		for _, w := range want {
			ok = ok || errors.Is(err, w)
		}
		if !ok {
			t.Errorf("%v", err)
		}
	}
}

// TestAttack_M03_LastManager: 16 admins remove and demote each other at once;
// one of them stays.
func TestAttack_M03_LastManager(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		w := newWorld(t, st)
		org := w.found("user_0", 0)
		for i := 1; i < 16; i++ {
			w.must(w.add(org, fmt.Sprint("user_", i), organization.Admin))
		}
		good, errs := atOnce(func(i int) error {
			if i%2 == 0 {
				return w.remove(org, fmt.Sprint("user_", i))
			}
			return w.setRole(org, fmt.Sprint("user_", i), organization.Member)
		})
		if good != 15 {
			t.Errorf("%d of 16 went, want 15", good)
		}
		only(t, errs, organization.ErrLastManager)
		w.agree(org)
	})
}

// TestAttack_M05_LastSeat: the last seat is taken once, by a member or an
// invitation.
func TestAttack_M05_LastSeat(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		w := newWorld(t, st)
		org := w.found("user_0", 2)
		good, errs := atOnce(func(i int) error {
			if i%2 == 0 {
				return w.add(org, fmt.Sprint("user_x", i), organization.Member)
			}
			_, _, err := w.invite(org, fmt.Sprintf("x%d@example.com", i), organization.Member, now)
			return err
		})
		if good != 1 {
			t.Errorf("%d took the last seat", good)
		}
		only(t, errs, organization.ErrFull)
		w.agree(org)
	})
}

// TestAttack_L14_AcceptedOnce: an invitation is accepted or revoked, and that
// once, whoever is faster.
func TestAttack_L14_AcceptedOnce(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		w := newWorld(t, st)
		org := w.found("user_0", 0)
		id, _, err := w.invite(org, "x@example.com", organization.Member, now)
		w.must(err)
		good, errs := atOnce(func(i int) error {
			if i%4 != 0 {
				return w.accept(org, id, person(fmt.Sprint("user_x", i)), now)
			}
			return w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
				inv, err := organization.GetInvitation(context.Background(), tx, id)
				if err != nil {
					return err
				}
				return organization.Revoke(context.Background(), tx, o, inv, now)
			})
		})
		if good != 1 {
			t.Errorf("%d went well", good)
		}
		only(t, errs, organization.ErrInvitationAccepted, organization.ErrInvitationRevoked)
		w.agree(org)
	})
}

// TestAttack_L14_AcceptedByMember: who is a member already, or becomes one at
// that moment, uses an invitation up and stays what they are.
func TestAttack_L14_AcceptedByMember(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		w := newWorld(t, st)
		org := w.found("user_0", 17) // one seat for each
		ids := make([]string, 15)
		for i := range ids {
			var err error
			ids[i], _, err = w.invite(org, fmt.Sprintf("x%d@example.com", i), organization.Admin, now)
			w.must(err)
		}
		good, errs := atOnce(func(i int) error {
			if i == len(ids) {
				return w.add(org, "user_x", organization.Member)
			}
			return w.accept(org, ids[i], person("user_x"), now)
		})
		if good+len(errs) != 16 || len(errs) > 1 {
			t.Errorf("%d went well", good)
		}
		only(t, errs, organization.ErrAlreadyMember) // of the one who was added
		role := organization.Member                  // of who was added first
		if len(errs) > 0 {
			role = organization.Admin
		}
		w.must(w.withMember(org, "user_x", func(_ store.Tx, _ *organization.Roles, o *organization.Organization, m *organization.Membership) error {
			if o.MembersCount != 2 || o.PendingInvitations != 0 || m.Role != role {
				t.Errorf("%d members, %d invitations, role %s", o.MembersCount, o.PendingInvitations, m.Role)
			}
			return nil
		}))
		w.agree(org)
	})
}

// A role that is being deleted is not given to anybody, and the other way round.
func TestRoleDeletedWhileAssigned(t *testing.T) {
	for name, give := range map[string]func(w *world, org string, i int) error{
		"added":   func(w *world, org string, i int) error { return w.add(org, fmt.Sprint("user_x", i), "org:editor") },
		"changed": func(w *world, org string, i int) error { return w.setRole(org, fmt.Sprint("user_", i), "org:editor") },
		"invited": func(w *world, org string, i int) error {
			_, _, err := w.invite(org, fmt.Sprintf("x%d@example.com", i), "org:editor", now)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(t *testing.T, st store.Store) {
				w := newWorld(t, st)
				org := w.found("user_0", 0)
				for i := 1; i < 16; i++ {
					w.must(w.add(org, fmt.Sprint("user_", i), organization.Admin))
				}
				_, errs := atOnce(func(i int) error {
					if i%2 == 0 {
						return give(w, org, i)
					}
					return w.do(func(tx store.Tx, r *organization.Roles) error {
						role := r.Role("org:editor")
						if role == nil {
							return nil
						}
						return r.Delete(context.Background(), tx, role, now)
					})
				})
				only(t, errs, organization.ErrUnknownRole, organization.ErrRoleAssigned, organization.ErrRoleInvited)
				w.must(w.in(org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
					if have := o.RoleCounts["org:editor"] + o.PendingInvitations; r.Role("org:editor") == nil && have > 0 {
						t.Errorf("%d have a role that is gone, or are to get it", have)
					}
					return nil
				}))
				w.agree(org)
			})
		})
	}
}

// Whoever leaves while being put into a team is in none.
func TestTeamOfWhoLeaves(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		w := newWorld(t, st)
		org := w.found("user_0", 0)
		ctx := context.Background()
		var team string
		w.must(w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
			tm, err := organization.CreateTeam(ctx, tx, o, "Core", now)
			if err == nil {
				team = tm.ID
			}
			return err
		}))
		for i := 1; i <= 8; i++ {
			w.must(w.add(org, fmt.Sprint("user_", i), organization.Member))
		}
		_, errs := atOnce(func(i int) error {
			who := fmt.Sprint("user_", i/2+1)
			if i%2 == 0 {
				return w.remove(org, who)
			}
			return w.in(org, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
				tm, err := organization.GetTeam(ctx, tx, org, team)
				if err == nil {
					_, err = organization.AddToTeam(ctx, tx, o, tm, who, "", now)
				}
				return err
			})
		})
		only(t, errs, store.ErrNotFound) // gone already
		w.must(w.View(ctx, func(tx store.Tx) error {
			tm, err := organization.GetTeam(ctx, tx, org, team)
			if err != nil {
				return err
			}
			if ms, n, err := organization.TeamMembers(ctx, tx, tm, organization.Page{}); err != nil || len(ms)+n > 0 {
				t.Errorf("%d are in the team, which counts %d: %v", len(ms), n, err)
			}
			return nil
		}))
		w.agree(org)
	})
}
