package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

const (
	// versionsClaim says of which version of the organization, and of the roles,
	// a token speaks.
	versionsClaim = "opv"
	// teamsClaim says in which teams of the organization the user is, and as
	// what.
	teamsClaim = "tms"
)

// followed are the indexes of users that hold what members are looked for and
// ordered by.
var followed = []string{"search", "first_name", "last_name", "username", "primary_email", "primary_phone"}

// searchTexts are the entries of a user that memberships follow, as one text.
func searchTexts(r store.Record) string {
	var out []string
	for _, e := range r.Entries {
		if slices.Contains(followed, e.Index) {
			out = append(out, e.Index+" "+e.Value)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// An activeOrganization is what a token says of one.
type activeOrganization struct {
	org   *organization.Organization
	role  string
	held  []string
	set   int64
	teams []*organization.TeamMember
}

// key tells tokens apart that say different things of an organization.
func (a *activeOrganization) key() string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d", a.org.ID, a.org.Version, a.set)
}

// put writes it into claims.
func (a *activeOrganization) put(c *token.Claims) error {
	if a == nil {
		return nil
	}
	c.Organization = &token.Organization{ID: a.org.ID, Slug: a.org.Slug, Role: a.role}
	if err := c.Grant(nil, a.held); err != nil {
		return err
	}
	c.Custom = map[string]json.RawMessage{versionsClaim: json.RawMessage(fmt.Sprintf("[%d,%d]", a.org.Version, a.set))}
	if len(a.teams) == 0 {
		return nil
	}
	roles := make(map[string]string, len(a.teams))
	for _, m := range a.teams {
		roles[m.TeamID] = m.Role
	}
	raw, err := json.Marshal(roles)
	c.Custom[teamsClaim] = raw
	return err
}

// active finds the organization that a token of s is to speak of: nil is none.
// want names one by ID or slug, empty is none, and nil the session's last. Of
// the last one nobody may be a member any more; another that the user is not in
// is unknown.
func (e *Engine) active(ctx context.Context, s *session.Session, want *string) (*activeOrganization, error) {
	set := e.Settings(ctx).Organizations
	id := s.LastActiveOrganizationID
	if want != nil && (*want != "" || !set.ForceSelection) {
		id = *want
	}
	if id == "" {
		return nil, nil
	}
	unknown := fault.New("resource_not_found", "")
	if !set.Enabled {
		if want != nil && *want != "" {
			return nil, unknown
		}
		return nil, nil
	}
	a := &activeOrganization{}
	err := e.view(ctx, func(tx store.Tx) (err error) {
		if a.org, err = organization.Find(ctx, tx, id); err != nil {
			return err
		}
		m, err := organization.GetMembership(ctx, tx, a.org.ID, s.UserID)
		if err != nil {
			return err
		}
		roles, err := organization.LoadRoles(ctx, tx)
		if err != nil {
			return err
		}
		a.role, a.held, a.set = m.Role, roles.Permissions(m.Role), roles.Set.Version
		if set.Teams && a.org.TeamsCount > 0 {
			a.teams, err = organization.TeamsOf(ctx, tx, a.org.ID, s.UserID)
		}
		return err
	})
	switch {
	case err == nil:
		return a, nil
	case errors.Is(err, store.ErrNotFound) && (want == nil || *want == ""):
		return nil, nil
	}
	return nil, missingAs(err, unknown)
}

// activate makes an organization, named by ID or slug, the session's last one,
// or none if it is empty. A choice that must be made is not taken back.
func (e *Engine) activate(ctx context.Context, s *session.Session, want string) (string, error) {
	if want == "" && e.Settings(ctx).Organizations.ForceSelection {
		return s.LastActiveOrganizationID, nil
	}
	a, err := e.active(ctx, s, &want)
	if err != nil || a == nil {
		return "", err
	}
	return a.org.ID, nil
}

// firstOrganization is the one that a session of u begins with: that which the
// host has put u in, or, where everybody must be in one, the only one there is.
// Empty: there is a choice, or none.
func (e *Engine) firstOrganization(ctx context.Context, tx store.Tx, u *user.User) (string, error) {
	set := e.lastSettings().Organizations
	if !set.Enabled {
		return "", nil
	}
	if next := u.NextOrganizationID; next != "" {
		if _, err := organization.GetMembership(ctx, tx, next, u.ID); err == nil {
			return next, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
	}
	if !set.ForceSelection {
		return "", nil
	}
	ms, n, err := organization.OfUser(ctx, tx, u.ID, organization.Page{Limit: 1})
	if err != nil || n != 1 {
		return "", err
	}
	return ms[0].OrganizationID, nil
}

// chooseTask adds to the tasks of s that an organization is to be chosen, where
// nobody acts without one. Who acts as the user chooses nothing for the user.
func (e *Engine) chooseTask(s *session.Session, tasks []string) []string {
	set := e.lastSettings().Organizations
	if !set.Enabled || !set.ForceSelection || s.LastActiveOrganizationID != "" || len(s.Actor) > 0 {
		return tasks
	}
	return append(slices.Clone(tasks), session.TaskChooseOrganization)
}

// choose makes the organization that a token of s is to speak of the session's
// own, if it has one to choose: a tab that acts in another than the one that is
// gone goes on, and takes the session along.
func (e *Engine) choose(ctx context.Context, b *Browser, s *session.Session, p TokenParams) (*session.Session, error) {
	if b.stale || p.Organization == nil || *p.Organization == "" || !slices.Contains(s.Tasks, session.TaskChooseOrganization) {
		return s, nil
	}
	id, err := e.activate(ctx, s, *p.Organization)
	if err != nil {
		return nil, err
	}
	return e.setActive(ctx, s, id)
}

// settleSessions makes sessions that were read from the store what they are now:
// where nobody acts without an organization, a session that has none, or whose
// own is gone or has the user in it no more, has one to choose. Nobody writes
// that down when it happens: an organization that is deleted may have more
// members than a transaction holds, and the settings speak of everybody. The
// next use of the session does.
func (e *Engine) settleSessions(ctx context.Context, tx store.Tx, ss ...*session.Session) error {
	set := e.lastSettings().Organizations
	now := e.now()
	for _, s := range ss {
		if !s.LiveAt(now) {
			continue
		}
		if set.Enabled && set.ForceSelection && s.LastActiveOrganizationID != "" {
			_, err := organization.Get(ctx, tx, s.LastActiveOrganizationID)
			if err == nil {
				_, err = organization.GetMembership(ctx, tx, s.LastActiveOrganizationID, s.UserID)
			}
			if errors.Is(err, store.ErrNotFound) {
				s.LastActiveOrganizationID = ""
			} else if err != nil {
				return err
			}
		}
		tasks := e.chooseTask(s, without(s.Tasks, session.TaskChooseOrganization))
		if !slices.Equal(tasks, s.Tasks) {
			s.SetTasks(tasks, now)
		}
	}
	return nil
}

// getSession reads a session as it is now, see settleSessions.
func (e *Engine) getSession(ctx context.Context, tx store.Tx, id string) (*session.Session, error) {
	s, err := session.Get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return s, e.settleSessions(ctx, tx, s)
}
