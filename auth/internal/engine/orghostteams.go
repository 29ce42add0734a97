package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

// teamsOn refuses changes of teams where there are none. It is asked inside
// transactions.
func (os Organizations) teamsOn() error {
	if !os.e.lastSettings().Organizations.Teams {
		return fault.New("organization_teams_not_enabled", "")
	}
	return nil
}

// CreateTeam makes a team.
func (os Organizations) CreateTeam(ctx context.Context, id, name string) (tm *organization.Team, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if err := os.teamsOn(); err != nil {
			return err
		}
		tm, err = organization.CreateTeam(ctx, t, s.org, name, t.now)
		return err
	})
	return tm, err
}

// team runs fn with a team of an organization in a transaction.
func (os Organizations) team(ctx context.Context, id, teamID string, fn func(t *txn, s *scope, tm *organization.Team) error) (tm *organization.Team, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if tm, err = organization.GetTeam(ctx, t, s.org.ID, teamID); err != nil {
			return err
		}
		if err := os.teamsOn(); err != nil {
			return err
		}
		return fn(t, s, tm)
	})
	return tm, err
}

// Team returns a team, or store.ErrNotFound.
func (os Organizations) Team(ctx context.Context, id, teamID string) (tm *organization.Team, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		tm, err = organization.GetTeam(ctx, tx, s.org.ID, teamID)
		return err
	})
	return tm, err
}

// Teams returns the teams of an organization, oldest first, and how many there
// are in all.
func (os Organizations) Teams(ctx context.Context, id string, p organization.Page) (list []*organization.Team, total int, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		list, total, err = organization.Teams(ctx, tx, s.org, p)
		return err
	})
	return list, total, err
}

// RenameTeam gives a team another name.
func (os Organizations) RenameTeam(ctx context.Context, id, teamID, name string) (*organization.Team, error) {
	return os.team(ctx, id, teamID, func(t *txn, _ *scope, tm *organization.Team) error {
		return organization.RenameTeam(ctx, t, tm, name, t.now)
	})
}

// DeleteTeam removes a team.
func (os Organizations) DeleteTeam(ctx context.Context, id, teamID string) error {
	_, err := os.team(ctx, id, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		ms, err := organization.DeleteTeam(ctx, t, s.org, tm)
		for _, m := range ms {
			err = errors.Join(err, t.changed(ctx, s.org, m.UserID))
		}
		return err
	})
	return err
}

// AddToTeam puts a member into a team, or gives another role there.
func (os Organizations) AddToTeam(ctx context.Context, id, teamID, userID, role string) (m *organization.TeamMember, err error) {
	_, err = os.team(ctx, id, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		if m, err = organization.AddToTeam(ctx, t, s.org, tm, userID, role, t.now); err != nil {
			return err
		}
		return t.changed(ctx, s.org, userID)
	})
	return m, err
}

// RemoveFromTeam takes a member out of a team.
func (os Organizations) RemoveFromTeam(ctx context.Context, id, teamID, userID string) error {
	_, err := os.team(ctx, id, teamID, func(t *txn, s *scope, tm *organization.Team) error {
		if err := organization.RemoveFromTeam(ctx, t, s.org, tm, userID); err != nil {
			return err
		}
		return t.changed(ctx, s.org, userID)
	})
	return err
}

// TeamMembers returns the members of a team, oldest first, and how many there
// are in all.
func (os Organizations) TeamMembers(ctx context.Context, id, teamID string, p organization.Page) (list []*organization.TeamMember, total int, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		tm, err := organization.GetTeam(ctx, tx, s.org.ID, teamID)
		if err != nil {
			return err
		}
		list, total, err = organization.TeamMembers(ctx, tx, tm, p)
		return err
	})
	return list, total, err
}
