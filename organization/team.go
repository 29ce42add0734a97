package organization

import (
	"context"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

const (
	// MaxTeams is how many teams an organization can have.
	MaxTeams = 100
	// MaxTeamsOfMember is how many of them one member can be in: they are in
	// the token.
	MaxTeamsOfMember = 20
)

// A Team is some of an organization's members under one name.
type Team struct {
	store.Meta
	OrganizationID string    `json:"organization_id"`
	Name           string    `json:"name"`
	MembersCount   int       `json:"members_count,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// TeamKind is where teams are kept.
var TeamKind = &store.Kind{Name: "team", Indexes: []store.Index{{Name: "by_org"}}} // organization/time

var teams = store.Table[Team, *Team]{Kind: TeamKind}

// StoreEntries lists what a team is found by.
func (t *Team) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "by_org", Value: timed(t.OrganizationID, t.CreatedAt)}}
}

// A TeamMember is a member's place in a team. Role is the host's own word for
// it.
type TeamMember struct {
	store.Meta
	OrganizationID string    `json:"organization_id"`
	TeamID         string    `json:"team_id"`
	UserID         string    `json:"user_id"`
	Role           string    `json:"role,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// TeamMemberKind is where the members of teams are kept.
var TeamMemberKind = &store.Kind{Name: "team_membership", Indexes: []store.Index{
	{Name: "pair", Unique: true}, // team/user
	{Name: "by_org"},             // organization/time
	{Name: "by_team"},            // team/time
	{Name: "member"},             // organization/user
}}

var teamMembers = store.Table[TeamMember, *TeamMember]{Kind: TeamMemberKind}

// StoreEntries lists what a member of a team is found by.
func (m *TeamMember) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "pair", Value: pair(m.TeamID, m.UserID)}, {Index: "by_org", Value: timed(m.OrganizationID, m.CreatedAt)},
		{Index: "by_team", Value: timed(m.TeamID, m.CreatedAt)}, {Index: "member", Value: pair(m.OrganizationID, m.UserID)}}
}

// CreateTeam stores a team of o.
func CreateTeam(ctx context.Context, tx store.Tx, o *Organization, name string, now time.Time) (*Team, error) {
	name = strings.TrimSpace(name)
	if checkText(name, "") != nil {
		return nil, ErrTeamName
	}
	if o.TeamsCount >= MaxTeams {
		return nil, ErrTooManyTeams
	}
	o.TeamsCount++
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	t := &Team{Meta: store.Meta{ID: store.NewID("team", now)}, OrganizationID: o.ID, Name: name, CreatedAt: now, UpdatedAt: now}
	return t, teams.Put(ctx, tx, t)
}

// GetTeam returns the team of an organization with the given ID, or
// store.ErrNotFound.
func GetTeam(ctx context.Context, tx store.Tx, organizationID, id string) (*Team, error) {
	t, err := teams.Get(ctx, tx, id)
	if err == nil && t.OrganizationID != organizationID {
		return nil, store.ErrNotFound
	}
	return t, err
}

// RenameTeam gives a team another name.
func RenameTeam(ctx context.Context, tx store.Tx, t *Team, name string, now time.Time) error {
	if name = strings.TrimSpace(name); checkText(name, "") != nil {
		return ErrTeamName
	}
	t.Name, t.UpdatedAt = name, now
	return teams.Put(ctx, tx, t)
}

// DeleteTeam removes a team, and returns who was in it.
func DeleteTeam(ctx context.Context, tx store.Tx, o *Organization, t *Team) ([]*TeamMember, error) {
	ms, err := teamMembers.Find(ctx, tx, store.Query{Where: within("by_team", t.ID)})
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		if err := teamMembers.Delete(ctx, tx, m); err != nil {
			return nil, err
		}
	}
	o.TeamsCount = max(0, o.TeamsCount-1)
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	return ms, teams.Delete(ctx, tx, t)
}

// Teams returns the teams of an organization, oldest first, and how many there
// are in all.
func Teams(ctx context.Context, tx store.Tx, o *Organization, p Page) ([]*Team, int, error) {
	ts, err := teams.Find(ctx, tx, store.Query{Order: "by_org", Where: within("by_org", o.ID), Offset: p.Offset, Limit: p.Limit})
	return ts, o.TeamsCount, err
}

// AddToTeam puts a member of o into a team, or changes the role there. Who is
// no member is store.ErrNotFound. The organization is the guard: a member who
// leaves meanwhile is in no team.
func AddToTeam(ctx context.Context, tx store.Tx, o *Organization, t *Team, userID, role string, now time.Time) (*TeamMember, error) {
	if role != "" && !word(role) {
		return nil, ErrUnknownRole
	}
	if _, err := GetMembership(ctx, tx, o.ID, userID); err != nil {
		return nil, err
	}
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	m, err := teamMembers.By(ctx, tx, "pair", pair(t.ID, userID))
	if err == nil {
		m.Role, m.UpdatedAt = role, now
		return m, teamMembers.Put(ctx, tx, m)
	}
	if !missing(err) {
		return nil, err
	}
	n, err := teamMembers.Count(ctx, tx, store.Query{Where: []store.Match{{Index: "member", Values: []string{pair(o.ID, userID)}}}})
	if err != nil {
		return nil, err
	}
	if n >= MaxTeamsOfMember {
		return nil, ErrTooManyTeams
	}
	m = &TeamMember{Meta: store.Meta{ID: store.NewID("teammem", now)}, OrganizationID: o.ID, TeamID: t.ID, UserID: userID, Role: role,
		CreatedAt: now, UpdatedAt: now}
	if err := teamMembers.Put(ctx, tx, m); err != nil {
		return nil, err
	}
	t.MembersCount++
	return m, teams.Put(ctx, tx, t)
}

// RemoveFromTeam takes a member out of a team, or returns store.ErrNotFound.
func RemoveFromTeam(ctx context.Context, tx store.Tx, o *Organization, t *Team, userID string) error {
	m, err := teamMembers.By(ctx, tx, "pair", pair(t.ID, userID))
	if err != nil {
		return err
	}
	if err := guard(ctx, tx, o); err != nil {
		return err
	}
	t.MembersCount = max(0, t.MembersCount-1)
	if err := teams.Put(ctx, tx, t); err != nil {
		return err
	}
	return teamMembers.Delete(ctx, tx, m)
}

// TeamMembers returns the members of a team, oldest first, and how many there
// are in all.
func TeamMembers(ctx context.Context, tx store.Tx, t *Team, p Page) ([]*TeamMember, int, error) {
	ms, err := teamMembers.Find(ctx, tx, store.Query{Order: "by_team", Where: within("by_team", t.ID), Offset: p.Offset, Limit: p.Limit})
	return ms, t.MembersCount, err
}

// TeamsOf returns a member's places in the teams of an organization, by team.
func TeamsOf(ctx context.Context, tx store.Tx, organizationID, userID string) ([]*TeamMember, error) {
	return teamMembers.Find(ctx, tx, store.Query{Where: []store.Match{{Index: "member", Values: []string{pair(organizationID, userID)}}}})
}

// leaveTeams takes somebody out of every team of an organization.
func leaveTeams(ctx context.Context, tx store.Tx, organizationID, userID string) error {
	ms, err := TeamsOf(ctx, tx, organizationID, userID)
	if err != nil {
		return err
	}
	for _, m := range ms {
		t, err := teams.Get(ctx, tx, m.TeamID)
		if err == nil {
			t.MembersCount = max(0, t.MembersCount-1)
			err = teams.Put(ctx, tx, t)
		}
		if err != nil && !missing(err) {
			return err
		}
		if err := teamMembers.Delete(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}
