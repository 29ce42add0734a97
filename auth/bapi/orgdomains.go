package bapi

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/organization"
)

// readDomainFilter reads a filter of domains.
func readDomainFilter(q *httpx.Form) organization.DomainFilter {
	var f organization.DomainFilter
	switch v, _ := q.StringMax("verified", 8); v {
	case "":
	case "true", "false":
		yes := v == "true"
		f.Verified = &yes
	default:
		q.Fail(httpx.CodeQueryValue, "verified", "must be true or false")
	}
	f.Modes, f.NotModes = signed(values(q, "enrollment_mode"))
	return f
}

func listOrgDomains(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p, f := orgPage(q), readDomainFilter(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return c.ofOrg(func(id string) (any, error) {
		f.OrganizationID = id
		return paged(c.encoder().OrganizationDomain)(c.orgs().Domains(c.r.Context(), f, p))
	})
}

func listAllOrgDomains(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p, f := orgPage(q), readDomainFilter(q)
	f.OrganizationID, _ = q.StringMax("organization_id", 128)
	f.Query, _ = q.StringMax("query", 256)
	f.Names = values(q, "domains")
	if err := q.Err(); err != nil {
		return nil, err
	}
	return paged(c.encoder().OrganizationDomain)(c.orgs().Domains(c.r.Context(), f, p))
}

func createOrgDomain(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		f, err := c.body("name", "enrollment_mode", "verified")
		if err != nil {
			return nil, err
		}
		name := f.Require("name")
		mode, _ := f.String("enrollment_mode")
		verified := optional(f, "verified")
		if err := f.Err(); err != nil {
			return nil, err
		}
		// The host vouches for what it adds, unless it says otherwise.
		v, err := c.orgs().AddDomain(c.r.Context(), id, name, mode, verified == nil || *verified)
		return c.domain(v, err)
	})
}

func (c *call) domain(v *engine.DomainView, err error) (any, error) {
	return shown(c.encoder().OrganizationDomain)(v, err)
}

func updateOrgDomain(c *call) (any, error) {
	return c.ofPart("domain_id", func(id, d string) (any, error) {
		f, err := c.body("enrollment_mode", "verified")
		if err != nil {
			return nil, err
		}
		mode, verified := given(f, "enrollment_mode"), optional(f, "verified")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return c.domain(c.orgs().UpdateDomain(c.r.Context(), id, d, mode, verified))
	})
}

func deleteOrgDomain(c *call) (any, error) {
	return c.ofPart("domain_id", func(id, d string) (any, error) {
		if err := c.orgs().DeleteDomain(c.r.Context(), id, d); err != nil {
			return nil, err
		}
		return wire.NewDeleted("organization_domain", d), nil
	})
}

func verifyOrgDomain(c *call) (any, error) {
	return c.ofPart("domain_id", func(id, d string) (any, error) {
		return c.domain(c.orgs().VerifyOwnership(c.r.Context(), id, d))
	})
}

// Teams have no place in the contract: their paths are usher's own.

func listTeams(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return c.ofOrg(func(id string) (any, error) {
		return paged(backend.NewTeam)(c.orgs().Teams(id).List(c.r.Context(), p))
	})
}

// teamName reads the one field that a team has.
func (c *call) teamName() (string, error) {
	f, err := c.body("name")
	if err != nil {
		return "", err
	}
	name := f.Require("name")
	return name, f.Err()
}

func createTeam(c *call) (any, error) {
	return c.ofOrg(func(id string) (any, error) {
		name, err := c.teamName()
		if err != nil {
			return nil, err
		}
		return team(c.orgs().Teams(id).Create(c.r.Context(), name))
	})
}

func team(t *organization.Team, err error) (any, error) { return shown(backend.NewTeam)(t, err) }

func getTeam(c *call) (any, error) {
	return c.ofPart("team_id", func(id, t string) (any, error) { return team(c.orgs().Teams(id).Get(c.r.Context(), t)) })
}

func updateTeam(c *call) (any, error) {
	return c.ofPart("team_id", func(id, t string) (any, error) {
		name, err := c.teamName()
		if err != nil {
			return nil, err
		}
		return team(c.orgs().Teams(id).Rename(c.r.Context(), t, name))
	})
}

func deleteTeam(c *call) (any, error) {
	return c.ofPart("team_id", func(id, t string) (any, error) {
		if err := c.orgs().Teams(id).Delete(c.r.Context(), t); err != nil {
			return nil, err
		}
		return wire.NewDeleted("team", t), nil
	})
}

func listTeamMembers(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	p := orgPage(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	return c.ofPart("team_id", func(id, t string) (any, error) {
		return paged(backend.NewTeamMembership)(c.orgs().Teams(id).Members(c.r.Context(), t, p))
	})
}

// putTeamMember puts a member of the organization into a team, or gives another
// role there.
func putTeamMember(c *call) (any, error) {
	return c.ofPart("team_id", func(id, t string) (any, error) {
		userID, err := c.id("user_id")
		if err != nil {
			return nil, err
		}
		f, err := c.body("role")
		if err != nil {
			return nil, err
		}
		role, _ := f.String("role")
		if err := f.Err(); err != nil {
			return nil, err
		}
		return shown(backend.NewTeamMembership)(c.orgs().Teams(id).Add(c.r.Context(), t, userID, role))
	})
}

func removeTeamMember(c *call) (any, error) {
	return c.ofPart("team_id", func(id, t string) (any, error) {
		userID, err := c.id("user_id")
		if err != nil {
			return nil, err
		}
		if err := c.orgs().Teams(id).Remove(c.r.Context(), t, userID); err != nil {
			return nil, err
		}
		return wire.NewDeleted("team_membership", userID), nil
	})
}
