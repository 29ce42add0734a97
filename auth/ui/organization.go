package ui

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/organization"
)

// organizationRoutes are the pages of organizations.
func organizationRoutes() map[string]route {
	return map[string]route{
		"/organizations":        {get: getOrganizations},
		"/organizations/switch": {post: postSwitchOrganization, page: "/organizations"},
		"/organizations/accept": {post: postAcceptInvitation, page: "/organizations"},
		"/organizations/ask":    {post: postAcceptSuggestion, page: "/organizations"},
		"/create-organization":  {get: getCreateOrganization, post: withOrganizations(postCreateOrganization)},

		"/organization":                    {get: getOrganization},
		"/organization/rename":             {post: postRename, page: "/organization"},
		"/organization/logo":               {get: getLogo, post: postLogo, page: "/organization"},
		"/organization/logo/remove":        {post: postLogoRemove, page: "/organization"},
		"/organization/invite":             {post: postInvite, page: "/organization"},
		"/organization/invitations/revoke": {post: postRevokeInvitation, page: "/organization"},
		"/organization/requests/decide":    {post: postDecideRequest, page: "/organization"},
		"/organization/members/role":       {post: postMemberRole, page: "/organization"},
		"/organization/members/remove":     {post: postRemoveMember, page: "/organization"},
		"/organization/leave":              {post: postLeave, page: "/organization"},
		"/organization/delete":             {get: getDeleteOrganization, post: withOrganizations(postDeleteOrganization)},
		"/organization/invitation":         {get: getInvitation, post: withOrganizations(postInvitation)},

		"/organization/teams":       {get: withTeams(getTeams), post: postCreateTeam},
		"/organization/team":        {get: withTeams(getTeam), page: "/organization/teams"},
		"/organization/team/rename": {post: postRenameTeam, page: "/organization/teams"},
		"/organization/team/delete": {post: postDeleteTeam, page: "/organization/teams"},
		"/organization/team/add":    {post: postAddToTeam, page: "/organization/teams"},
		"/organization/team/role":   {post: postTeamRole, page: "/organization/teams"},
		"/organization/team/remove": {post: postRemoveFromTeam, page: "/organization/teams"},
	}
}

// An OrganizationPage is what a member sees of an organization.
type OrganizationPage struct {
	ID, Name, Slug, Role string
	SlugsOn, TeamsOn     bool
	LogoURL              string
	HasLogo              bool
	// What the member may do there.
	CanRename, CanDelete, CanRead, CanManage bool
	Members                                  []OrganizationMember
	MembersCount                             int
	Roles                                    []OrganizationRole
	Invitations                              []OrganizationInvitation
	Requests                                 []OrganizationRequest
	// Teams are all of them, Team is the one that is shown.
	Teams []OrganizationTeam
	Team  *OrganizationTeam
	// Query is what the members are looked for by; Before and After are the
	// pages of the list around this one, 0 for none.
	Query         string
	Before, After int
}

// An OrganizationMember is a member in the list.
type OrganizationMember struct {
	UserID, Name, Identifier, Role, RoleName string
	Self                                     bool
}

// An OrganizationRole is a role that can be given.
type OrganizationRole struct{ Key, Name string }

// An OrganizationInvitation is an open invitation: one that a manager sees, or
// one to the person.
type OrganizationInvitation struct {
	ID, Address, RoleName, Organization string
	// SignIn and SignUp are where the ticket of the invitation is used;
	// HasAccount: it is for signing in.
	SignIn, SignUp string
	HasAccount     bool
}

// An OrganizationRequest is somebody's wish to join.
type OrganizationRequest struct{ ID, Name, Identifier string }

// An OrganizationList is what a person can choose of.
type OrganizationList struct {
	Entries       []OrganizationEntry
	Total         int
	Before, After int
	Invitations   []OrganizationInvitation
	Suggestions   []OrganizationSuggestion
	// Personal: there are personal accounts; NoneActive: it is the active one.
	Personal, NoneActive, CanCreate bool
}

// An OrganizationEntry is an organization that the person is in.
type OrganizationEntry struct {
	ID, Name, RoleName string
	Current            bool
}

// An OrganizationSuggestion is one that the person could ask to join.
type OrganizationSuggestion struct {
	ID, Organization string
	Asked            bool
}

func getOrganization(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	pg, err := x.organizationPage(a)
	if err != nil {
		return err
	}
	if pg == nil {
		return x.redirect("/organizations", x.notice)
	}
	return x.render(200, "organization", pg)
}

// organizationHead is a page of the active organization, without what is in it;
// nil: there is none.
func (x *exchange) organizationHead(a *engine.Actor) (*Page, *engine.MembershipView, error) {
	own, err := x.ownMembership(a)
	if own == nil || err != nil {
		return nil, nil, err
	}
	o, pg, set := own.Organization, x.page(), x.settings.Organizations
	may := func(p string) bool { return own.Role != nil && slices.Contains(own.Role.Permissions, p) }
	pg.Organization = &OrganizationPage{ID: o.ID, Name: o.Name, Slug: o.Slug, Role: roleName(own.Role, own.Membership.Role), SlugsOn: set.Slugs,
		TeamsOn: set.Teams && may(organization.ReadMemberships), LogoURL: x.p.site.PagesPath + "/organization/logo?v=" + cmp.Or(o.ImageID, o.ID), HasLogo: o.ImageID != "",
		CanRename: may(organization.ManageProfile), CanDelete: may(organization.DeleteProfile) && o.AdminDeleteEnabled,
		CanRead: may(organization.ReadMemberships), CanManage: may(organization.ManageMemberships), MembersCount: o.MembersCount}
	pg.values["organization_name"], pg.values["slug"] = o.Name, o.Slug
	return pg, own, nil
}

// organizationPage shows the active organization; nil: there is none.
func (x *exchange) organizationPage(a *engine.Actor) (*Page, error) {
	e := x.p.engine
	pg, own, err := x.organizationHead(a)
	if pg == nil || err != nil {
		return nil, err
	}
	v, o := pg.Organization, own.Organization
	if v.CanRead {
		if err := x.listMembers(a, v); err != nil {
			return nil, err
		}
	}
	if !v.CanManage {
		return pg, nil
	}
	roles, err := e.OrganizationRoles(x.ctx(), a, o.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range roles.Roles.All() {
		if roles.Roles.AllowRoles(own.Membership.Role, r.Key) == nil {
			v.Roles = append(v.Roles, OrganizationRole{r.Key, r.Name})
		}
	}
	is, _, err := e.OrganizationInvitations(x.ctx(), a, o.ID, []organization.Status{organization.Pending}, organization.Page{Limit: 4 * memberPage})
	if err != nil {
		return nil, err
	}
	for _, i := range is {
		v.Invitations = append(v.Invitations, OrganizationInvitation{ID: i.Invitation.ID, Address: i.EmailAddress, RoleName: roleName(i.Role, i.Invitation.Role)})
	}
	rs, _, err := e.MembershipRequests(x.ctx(), a, o.ID, organization.Pending, organization.Page{Limit: 4 * memberPage})
	for _, r := range rs {
		if r.User != nil {
			v.Requests = append(v.Requests, OrganizationRequest{ID: r.Request.ID, Name: r.User.Name(), Identifier: r.User.Identifier()})
		}
	}
	return pg, err
}

// ownMembership is the actor's in the active organization; nil: there is none.
func (x *exchange) ownMembership(a *engine.Actor) (*engine.MembershipView, error) {
	active := a.Session.LastActiveOrganizationID
	if active == "" {
		return nil, nil
	}
	ms, err := x.p.engine.Listed(x.ctx(), a)
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		if m.OrganizationID == active {
			return m, nil
		}
	}
	return nil, nil
}

func (x *exchange) listMembers(a *engine.Actor, v *OrganizationPage) error {
	from := x.start()
	v.Query = x.r.URL.Query().Get("q")
	ms, total, err := x.p.engine.OrganizationMembers(x.ctx(), a, v.ID, organization.MemberFilter{Query: v.Query}, organization.Page{OrderBy: "+created_at", Offset: from, Limit: memberPage})
	if err != nil {
		return err
	}
	v.Before, v.After = around(from, len(ms), total)
	for _, m := range ms {
		name, identifier := called(m.User)
		v.Members = append(v.Members, OrganizationMember{UserID: m.UserID, Name: name, Identifier: identifier, Role: m.Membership.Role,
			RoleName: roleName(m.Role, m.Membership.Role), Self: m.UserID == a.User.ID})
	}
	return nil
}

// inOrganization runs fn with the active organization and some fields of the
// form. A refusal is shown on the page of the organization.
func inOrganization(open string, fields []string, fn func(x *exchange, a *engine.Actor, id string, v map[string]string) error) handler {
	return inOrganizationPage(fields, fn, func(x *exchange, a *engine.Actor, v map[string]string, err error) error {
		return x.refuseOrganization(a, open, v, err, fields...)
	})
}

// inOrganizationPage is inOrganization for pages that show a refusal themselves.
func inOrganizationPage(fields []string, fn func(x *exchange, a *engine.Actor, id string, v map[string]string) error,
	refuse func(x *exchange, a *engine.Actor, v map[string]string, err error) error) handler {
	return withOrganizations(func(x *exchange, a *engine.Actor, f *httpx.Form) error {
		values := map[string]string{}
		for _, name := range fields {
			values[name], _ = f.StringMax(name, 1024)
		}
		err := f.Err()
		if err == nil {
			if id := a.Session.LastActiveOrganizationID; id == "" {
				return x.redirect("/organizations", "")
			} else if err = fn(x, a, id, values); err == nil {
				return nil
			}
		}
		return refuse(x, a, values, err)
	})
}

// refuseOrganization shows the organization again with what was refused.
func (x *exchange) refuseOrganization(a *engine.Actor, open string, values map[string]string, err error, fields ...string) error {
	pg, err2 := x.organizationPage(a)
	if err2 != nil {
		return err2
	}
	if pg == nil {
		return x.redirect("/organizations", "")
	}
	for name, value := range values {
		pg.values[name] = value
	}
	pg.Open = open
	return x.refuse("organization", pg, ofField(err, "name", "organization_name"), fields...)
}

func postRename(x *exchange) error {
	fields := []string{"organization_name"}
	if x.settings.Organizations.Slugs {
		fields = append(fields, "slug")
	}
	return inOrganization("profile", fields, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		name := v["organization_name"]
		if strings.TrimSpace(name) == "" {
			return empty("organization_name")
		}
		var slug *string
		if s, ok := v["slug"]; ok {
			slug = &s
		}
		if _, err := x.p.engine.UpdateOrganization(x.ctx(), a, id, &name, slug); err != nil {
			return err
		}
		return x.redirect("/organization", "org-saved")
	})(x)
}

func getDeleteOrganization(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	pg, _, err := x.organizationHead(a)
	if err != nil {
		return err
	}
	if pg == nil || !pg.Organization.CanDelete {
		return fault.New("resource_not_found", "")
	}
	return x.render(200, "organization_delete", pg)
}

func postDeleteOrganization(x *exchange, a *engine.Actor, f *httpx.Form) error {
	sure, _ := f.Bool("confirm")
	err := f.Err()
	if err == nil && !sure {
		err = empty("confirm")
	}
	if err == nil {
		_, err = x.p.engine.DeleteOrganization(x.ctx(), a, a.Session.LastActiveOrganizationID)
	}
	if err != nil {
		pg, _, err2 := x.organizationHead(a)
		if err2 != nil || pg == nil {
			return errors.Join(err, err2)
		}
		return x.refuse("organization_delete", pg, err, "confirm")
	}
	if err := x.choose(a, ""); err != nil {
		return err
	}
	return x.redirect("/organizations", "org-deleted")
}
