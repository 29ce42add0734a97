package organization_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// machine does random things to an organization in the name of random people,
// under the rules that the engine keeps too.
type machine struct {
	*world
	org     string
	invites []string
	at      time.Time
}

// as runs fn if the actor may; the roles are those that it gives or takes.
func (m *machine) as(actor string, roles func(tx store.Tx) ([]string, error), fn func(tx store.Tx, r *organization.Roles, o *organization.Organization) error) error {
	return m.in(m.org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		own, err := organization.GetMembership(context.Background(), tx, m.org, actor)
		if err != nil {
			return err
		}
		touched, err := roles(tx)
		if err != nil {
			return err
		}
		if err := r.AllowRoles(own.Role, touched...); err != nil {
			return err
		}
		return fn(tx, r, o)
	})
}

// state is who has which role, and what each holds.
func (m *machine) state() (roles map[string]string, held map[string][]string) {
	roles, held = map[string]string{}, map[string][]string{}
	m.must(m.in(m.org, func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
		ms, _, err := organization.Members(context.Background(), tx, o, organization.MemberFilter{}, organization.Page{})
		for _, x := range ms {
			roles[x.UserID], held[x.UserID] = x.Role, r.Permissions(x.Role)
		}
		return err
	}))
	return roles, held
}

// expected are the refusals that random operations meet.
func expected(err error) bool {
	for _, e := range []error{store.ErrNotFound, organization.ErrMissingPermission, organization.ErrAlreadyMember, organization.ErrFull, organization.ErrLastManager,
		organization.ErrInvited, organization.ErrInvitationAccepted, organization.ErrInvitationRevoked, organization.ErrInvitationOver} {
		if errors.Is(err, e) {
			return true
		}
	}
	return err == nil
}

// TestAttack_M02_NobodyGrantsMore: whatever people do to each other, somebody
// can manage the organization, no quota is passed, and nobody comes to hold
// what nobody who held it gave.
func TestAttack_M02_NobodyGrantsMore(t *testing.T) {
	onStores(t, func(t *testing.T, st store.Store) {
		if _, fast := st.(*memory.Store); !fast && testing.Short() {
			t.Skip("short")
		}
		w := newWorld(t, st)
		people := []string{"user_0", "user_1", "user_2", "user_3", "user_4", "user_5"}
		roles := []string{organization.Admin, organization.Member, "org:editor", "org:lead"}
		rapid.Check(t, func(rt *rapid.T) {
			m := &machine{world: w, org: w.found("user_0", rapid.IntRange(0, 6).Draw(rt, "quota")), at: now}
			if _, n := 0, rapid.IntRange(0, 1).Draw(rt, "begin"); n == 1 {
				_ = w.add(m.org, "user_1", "org:lead")
			}
			rt.Repeat(map[string]func(*rapid.T){
				"": func(*rapid.T) { w.agree(m.org) },
				"act": func(rt *rapid.T) {
					actor, who := rapid.SampledFrom(people).Draw(rt, "actor"), rapid.SampledFrom(people).Draw(rt, "who")
					role := rapid.SampledFrom(roles).Draw(rt, "role")
					m.at = m.at.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "days")) * 24 * time.Hour)
					before, held := m.state()
					op := rapid.SampledFrom([]string{"add", "role", "remove", "leave", "invite", "accept", "revoke"}).Draw(rt, "op")
					if err := m.run(op, actor, who, role); !expected(err) {
						rt.Fatalf("%s: %v", op, err)
					}
					after, _ := m.state()
					if op == "accept" || op == "leave" {
						return // what an invitation gives was granted when it was made
					}
					for user, now := range after {
						if now == before[user] {
							continue
						}
						m.must(m.do(func(_ store.Tx, r *organization.Roles) error {
							for _, p := range r.Permissions(now) {
								if !slices.Contains(held[actor], p) {
									return fmt.Errorf("%s by %s gave %s to %s", op, actor, p, user)
								}
							}
							return nil
						}))
					}
				},
			})
		})
	})
}

func (m *machine) run(op, actor, who, role string) error {
	ctx := context.Background()
	none := func(store.Tx) ([]string, error) { return nil, nil }
	gives := func(roles ...string) func(store.Tx) ([]string, error) {
		return func(store.Tx) ([]string, error) { return roles, nil }
	}
	takes := func(more ...string) func(store.Tx) ([]string, error) {
		return func(tx store.Tx) ([]string, error) {
			x, err := organization.GetMembership(ctx, tx, m.org, who)
			if err != nil {
				return nil, err
			}
			return append(more, x.Role), nil
		}
	}
	member := func(fn func(tx store.Tx, r *organization.Roles, o *organization.Organization, x *organization.Membership) error) func(store.Tx, *organization.Roles, *organization.Organization) error {
		return func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			x, err := organization.GetMembership(ctx, tx, m.org, who)
			if err != nil {
				return err
			}
			return fn(tx, r, o, x)
		}
	}
	remove := func(tx store.Tx, r *organization.Roles, o *organization.Organization, x *organization.Membership) error {
		return organization.Remove(ctx, tx, o, r, x)
	}
	switch op {
	case "add":
		return m.as(actor, gives(role), func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			_, err := organization.Add(ctx, tx, o, r, organization.NewMember{UserID: who, Role: role}, m.at)
			return err
		})
	case "role":
		return m.as(actor, takes(role), member(func(tx store.Tx, r *organization.Roles, o *organization.Organization, x *organization.Membership) error {
			return organization.ChangeRole(ctx, tx, o, r, x, role, m.at)
		}))
	case "remove":
		return m.as(actor, takes(), member(remove))
	case "leave":
		who = actor
		return m.in(m.org, member(remove))
	case "invite":
		return m.as(actor, gives(role), func(tx store.Tx, r *organization.Roles, o *organization.Organization) error {
			i, _, err := organization.Invite(ctx, tx, o, r, organization.NewInvitation{EmailAddress: who + "@example.com", Role: role, InviterID: actor, Days: 10}, m.at)
			if err == nil {
				m.invites = append(m.invites, i.ID)
			}
			return err
		})
	}
	if len(m.invites) == 0 {
		return nil
	}
	id := m.invites[len(actor+who+role)%len(m.invites)]
	if op == "accept" {
		return m.accept(m.org, id, &user.User{Meta: store.Meta{ID: who}}, m.at)
	}
	return m.as(actor, none, func(tx store.Tx, _ *organization.Roles, o *organization.Organization) error {
		i, err := organization.GetInvitation(ctx, tx, id)
		if err != nil {
			return err
		}
		return organization.Revoke(ctx, tx, o, i, m.at)
	})
}
