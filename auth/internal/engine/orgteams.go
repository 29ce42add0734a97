package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Teams are the teams of an organization as the host sees them, or a member:
// those who read memberships see them, those who manage memberships change them.
type Teams struct {
	e      *Engine
	look   func(ctx context.Context, fn func(tx store.Tx, s *scope) error) error
	within func(ctx context.Context, fn func(t *txn, s *scope) error) error
}

// Teams returns the teams of an organization as the host sees them.
func (os Organizations) Teams(id string) Teams {
	return Teams{os.e,
		func(ctx context.Context, fn func(store.Tx, *scope) error) error { return os.look(ctx, id, fn) },
		func(ctx context.Context, fn func(*txn, *scope) error) error { return os.within(ctx, id, fn) }}
}

// Teams returns the teams of an organization as the actor sees them.
func (e *Engine) Teams(a *Actor, id string) Teams {
	return Teams{e,
		func(ctx context.Context, fn func(store.Tx, *scope) error) error {
			return e.look(ctx, a, id, organization.ReadMemberships, fn)
		},
		func(ctx context.Context, fn func(*txn, *scope) error) error {
			return e.within(ctx, a, id, organization.ManageMemberships, fn)
		}}
}

// on refuses changes of teams where there are none. It is asked inside
// transactions.
func (ts Teams) on() error {
	if !ts.e.lastSettings().Organizations.Teams {
		return fault.New("organization_teams_not_enabled", "")
	}
	return nil
}

// change runs fn with a team in a transaction.
func (ts Teams) change(ctx context.Context, teamID string, fn func(t *txn, s *scope, tm *organization.Team) error) (tm *organization.Team, err error) {
	err = ts.within(ctx, func(t *txn, s *scope) error {
		if tm, err = organization.GetTeam(ctx, t, s.org.ID, teamID); err != nil {
			return err
		}
		if err := ts.on(); err != nil {
			return err
		}
		return fn(t, s, tm)
	})
	return tm, err
}

// Create makes a team.
func (ts Teams) Create(ctx context.Context, name string) (tm *organization.Team, err error) {
	err = ts.within(ctx, func(t *txn, s *scope) error {
		if err := ts.on(); err != nil {
			return err
		}
		tm, err = organization.CreateTeam(ctx, t, s.org, name, t.now)
		return err
	})
	return tm, err
}

// Get returns a team, or store.ErrNotFound.
func (ts Teams) Get(ctx context.Context, teamID string) (tm *organization.Team, err error) {
	err = ts.look(ctx, func(tx store.Tx, s *scope) error {
		tm, err = organization.GetTeam(ctx, tx, s.org.ID, teamID)
		return err
	})
	return tm, err
}

// List returns the teams, oldest first, and how many there are in all.
func (ts Teams) List(ctx context.Context, p organization.Page) (list []*organization.Team, total int, err error) {
	err = ts.look(ctx, func(tx store.Tx, s *scope) error {
		list, total, err = organization.Teams(ctx, tx, s.org, p)
		return err
	})
	return list, total, err
}

// Rename gives a team another name.
func (ts Teams) Rename(ctx context.Context, teamID, name string) (*organization.Team, error) {
	return ts.change(ctx, teamID, func(t *txn, _ *scope, tm *organization.Team) error {
		return organization.RenameTeam(ctx, t, tm, name, t.now)
	})
}

// Delete removes a team.
func (ts Teams) Delete(ctx context.Context, teamID string) error {
	_, err := ts.change(ctx, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		ms, err := organization.DeleteTeam(ctx, t, s.org, tm)
		for _, m := range ms {
			err = errors.Join(err, t.changed(ctx, s.org, m.UserID))
		}
		return err
	})
	return err
}

// Add puts a member of the organization into a team, or gives another role
// there.
func (ts Teams) Add(ctx context.Context, teamID, userID, role string) (m *organization.TeamMember, err error) {
	_, err = ts.change(ctx, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		m, err = ts.add(ctx, t, s, tm, userID, role)
		return err
	})
	return m, err
}

func (ts Teams) add(ctx context.Context, t *txn, s *scope, tm *organization.Team, userID, role string) (*organization.TeamMember, error) {
	m, err := organization.AddToTeam(ctx, t, s.org, tm, userID, role, t.now)
	if err != nil {
		return nil, err
	}
	return m, t.changed(ctx, s.org, userID)
}

// AddByIdentifier is Add for a member who is named as people name themselves:
// by address, phone number or username. Who is no member is not found, whether
// there is such a user or not.
func (ts Teams) AddByIdentifier(ctx context.Context, teamID, identifier, role string) (m *organization.TeamMember, err error) {
	_, err = ts.change(ctx, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		unknown := fault.New("form_resource_not_found", "identifier")
		u, err := user.ByIdentifier(ctx, t, identifier)
		if err != nil {
			return missingAs(err, unknown)
		}
		m, err = ts.add(ctx, t, s, tm, u.ID, role)
		return missingAs(err, unknown)
	})
	return m, err
}

// Remove takes a member out of a team.
func (ts Teams) Remove(ctx context.Context, teamID, userID string) error {
	_, err := ts.change(ctx, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		if err := organization.RemoveFromTeam(ctx, t, s.org, tm, userID); err != nil {
			return err
		}
		return t.changed(ctx, s.org, userID)
	})
	return err
}

// Members returns the members of a team, oldest first, and how many there are
// in all.
func (ts Teams) Members(ctx context.Context, teamID string, p organization.Page) (list []*organization.TeamMember, total int, err error) {
	err = ts.look(ctx, func(tx store.Tx, s *scope) error {
		tm, err := organization.GetTeam(ctx, tx, s.org.ID, teamID)
		if err != nil {
			return err
		}
		list, total, err = organization.TeamMembers(ctx, tx, tm, p)
		return err
	})
	return list, total, err
}

// A TeamMemberView is a member of a team with who that is.
type TeamMemberView struct {
	*organization.TeamMember
	User *user.User // nil: gone
}

// A TeamView is a team with a page of its members.
type TeamView struct {
	*organization.Team
	Members []*TeamMemberView
}

// View returns a team with a page of its members.
func (ts Teams) View(ctx context.Context, teamID string, p organization.Page) (v *TeamView, err error) {
	err = ts.look(ctx, func(tx store.Tx, s *scope) error {
		v = &TeamView{}
		if v.Team, err = organization.GetTeam(ctx, tx, s.org.ID, teamID); err != nil {
			return err
		}
		ms, _, err := organization.TeamMembers(ctx, tx, v.Team, p)
		if err != nil {
			return err
		}
		ids := make([]string, len(ms))
		for i, m := range ms {
			ids[i] = m.UserID
		}
		us, err := usersByID(ctx, tx, ids)
		for _, m := range ms {
			v.Members = append(v.Members, &TeamMemberView{m, us[m.UserID]})
		}
		return err
	})
	return v, err
}
