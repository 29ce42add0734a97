package ui

import (
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/user"
)

// An OrganizationTeam is a team of an organization, with some of its members
// where it is shown alone.
type OrganizationTeam struct {
	ID, Name string
	Count    int
	Members  []OrganizationTeamMember
	// Before and After are the pages of the list around this one, 0 for none.
	Before, After int
}

// An OrganizationTeamMember is a member of a team.
type OrganizationTeamMember struct{ UserID, Name, Identifier, Role string }

// teamsHead is a page of the active organization for who sees its teams.
func (x *exchange) teamsHead(a *engine.Actor) (*Page, error) {
	pg, _, err := x.organizationHead(a)
	if err == nil && (pg == nil || !pg.Organization.TeamsOn) {
		err = fault.New("resource_not_found", "")
	}
	return pg, err
}

// withTeams runs fn with a page of the active organization.
func withTeams(fn func(x *exchange, a *engine.Actor, pg *Page) error) handler {
	return func(x *exchange) error {
		a, err := x.organizationActor()
		if err != nil {
			return err
		}
		pg, err := x.teamsHead(a)
		if err != nil {
			return err
		}
		return fn(x, a, pg)
	}
}

func getTeams(x *exchange, a *engine.Actor, pg *Page) error {
	if err := x.listTeams(a, pg.Organization); err != nil {
		return err
	}
	return x.render(200, "organization_teams", pg)
}

func (x *exchange) listTeams(a *engine.Actor, v *OrganizationPage) error {
	list, _, err := x.p.engine.Teams(a, v.ID).List(x.ctx(), organization.Page{Limit: organization.MaxTeams})
	for _, tm := range list {
		v.Teams = append(v.Teams, OrganizationTeam{ID: tm.ID, Name: tm.Name, Count: tm.MembersCount})
	}
	return err
}

func getTeam(x *exchange, a *engine.Actor, pg *Page) error {
	if err := x.showTeam(a, pg, x.r.URL.Query().Get("id")); err != nil {
		return err
	}
	return x.render(200, "organization_team", pg)
}

func (x *exchange) showTeam(a *engine.Actor, pg *Page, id string) error {
	from := x.start()
	v, err := x.p.engine.Teams(a, pg.Organization.ID).View(x.ctx(), id, organization.Page{Offset: from, Limit: memberPage})
	if err != nil {
		return err
	}
	tm := &OrganizationTeam{ID: v.ID, Name: v.Name, Count: v.MembersCount}
	tm.Before, tm.After = around(from, len(v.Members), v.MembersCount)
	for _, m := range v.Members {
		name, identifier := called(m.User)
		tm.Members = append(tm.Members, OrganizationTeamMember{m.UserID, name, identifier, m.Role})
	}
	pg.Organization.Team, pg.values["team_name"] = tm, tm.Name
	return nil
}

// called is what somebody is called in a list, and beside it.
func called(u *user.User) (name, identifier string) {
	switch {
	case u == nil:
		return "Deleted user", ""
	case u.Name() == "":
		return u.Identifier(), ""
	}
	return u.Name(), u.Identifier()
}

func postCreateTeam(x *exchange) error {
	return inOrganizationPage([]string{"team_name"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if strings.TrimSpace(v["team_name"]) == "" {
			return empty("team_name")
		}
		tm, err := x.p.engine.Teams(a, id).Create(x.ctx(), v["team_name"])
		if err != nil {
			return ofField(err, "name", "team_name")
		}
		return x.redirect("/organization/team", "team-created", "id", tm.ID)
	}, func(x *exchange, a *engine.Actor, v map[string]string, err error) error {
		pg, err2 := x.teamsHead(a)
		if err2 == nil {
			err2 = x.listTeams(a, pg.Organization)
		}
		if err2 != nil {
			return err2
		}
		pg.values["team_name"] = v["team_name"]
		return x.refuse("organization_teams", pg, err, "team_name")
	})(x)
}

// inTeam runs fn with the team that the form names, and says what was done. A
// refusal is shown on the page of the team.
func inTeam(notice string, fields []string, fn func(x *exchange, ts engine.Teams, id string, v map[string]string) error) handler {
	return inOrganizationPage(append(fields, "id"), func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if err := fn(x, x.p.engine.Teams(a, id), v["id"], v); err != nil {
			return err
		}
		return x.redirect("/organization/team", notice, "id", v["id"])
	}, func(x *exchange, a *engine.Actor, v map[string]string, err error) error {
		pg, err2 := x.teamsHead(a)
		if err2 == nil {
			err2 = x.showTeam(a, pg, v["id"])
		}
		if err2 != nil {
			return err2
		}
		for name, value := range v {
			pg.values[name] = value
		}
		return x.refuse("organization_team", pg, err, fields...)
	})
}

func postRenameTeam(x *exchange) error {
	return inTeam("team-renamed", []string{"team_name"}, func(x *exchange, ts engine.Teams, id string, v map[string]string) error {
		if strings.TrimSpace(v["team_name"]) == "" {
			return empty("team_name")
		}
		_, err := ts.Rename(x.ctx(), id, v["team_name"])
		return ofField(err, "name", "team_name")
	})(x)
}

func postAddToTeam(x *exchange) error {
	return inTeam("team-added", []string{"identifier", "team_role"}, func(x *exchange, ts engine.Teams, id string, v map[string]string) error {
		who := strings.TrimSpace(v["identifier"])
		if who == "" {
			return empty("identifier")
		}
		_, err := ts.AddByIdentifier(x.ctx(), id, who, strings.TrimSpace(v["team_role"]))
		return ofField(err, "role", "team_role")
	})(x)
}

func postTeamRole(x *exchange) error {
	return inTeam("team-role", []string{"user", "role"}, func(x *exchange, ts engine.Teams, id string, v map[string]string) error {
		_, err := ts.Add(x.ctx(), id, v["user"], strings.TrimSpace(v["role"]))
		return err
	})(x)
}

func postRemoveFromTeam(x *exchange) error {
	return inTeam("team-removed", []string{"user"}, func(x *exchange, ts engine.Teams, id string, v map[string]string) error {
		return ts.Remove(x.ctx(), id, v["user"])
	})(x)
}

func postDeleteTeam(x *exchange) error {
	return inOrganization("", []string{"id"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if err := x.p.engine.Teams(a, id).Delete(x.ctx(), v["id"]); err != nil {
			return err
		}
		return x.redirect("/organization/teams", "team-deleted")
	})(x)
}
