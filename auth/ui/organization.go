package ui

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
)

// organizationRoutes are the pages of organizations.
func organizationRoutes() map[string]route {
	return map[string]route{
		"/organizations":        {get: getOrganizations},
		"/organizations/switch": {post: postSwitchOrganization, page: "/organizations"},
		"/organizations/accept": {post: postAcceptInvitation, page: "/organizations"},
		"/organizations/ask":    {post: postAcceptSuggestion, page: "/organizations"},
		"/create-organization":  {get: getCreateOrganization, post: postCreateOrganization},

		"/organization":                    {get: getOrganization},
		"/organization/rename":             {post: postRename, page: "/organization"},
		"/organization/invite":             {post: postInvite, page: "/organization"},
		"/organization/invitations/revoke": {post: postRevokeInvitation, page: "/organization"},
		"/organization/requests/decide":    {post: postDecideRequest, page: "/organization"},
		"/organization/members/role":       {post: postMemberRole, page: "/organization"},
		"/organization/members/remove":     {post: postRemoveMember, page: "/organization"},
		"/organization/leave":              {post: postLeave, page: "/organization"},
		"/organization/delete":             {get: getDeleteOrganization, post: postDeleteOrganization},
		"/organization/invitation":         {get: getInvitation, post: postInvitation},
	}
}

// An OrganizationPage is what a member sees of an organization.
type OrganizationPage struct {
	ID, Name, Slug, Role string
	SlugsOn              bool
	// What the member may do there.
	CanRename, CanDelete, CanRead, CanManage bool
	Members                                  []OrganizationMember
	MembersCount                             int
	Roles                                    []OrganizationRole
	Invitations                              []OrganizationInvitation
	Requests                                 []OrganizationRequest
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

// memberPage is how many members a page shows.
const memberPage = 25

// organizationActor is who acts, where there are organizations.
func (x *exchange) organizationActor() (*engine.Actor, error) {
	if !x.settings.Organizations.Enabled {
		return nil, fault.New("resource_not_found", "")
	}
	return x.actor()
}

// start is the number in the query from which on a list is shown.
func (x *exchange) start() int {
	n, err := strconv.Atoi(x.r.URL.Query().Get("from"))
	if err != nil || n < 0 || n > 1<<30 {
		return 0
	}
	return n
}

// around are the pages before and after a part of a list.
func around(from, shown, total int) (before, after int) {
	if from > 0 {
		before = max(1, from-memberPage+1) // 1 stands for the first
	}
	if from+shown < total {
		after = from + shown
	}
	return before, after
}

// From is the query of a page of a list; 1 stands for the first.
func (pg *Page) From(path string, n int) string {
	if n <= 1 {
		return pg.x.url(path, "q", pg.x.r.URL.Query().Get("q"))
	}
	return pg.x.url(path, "from", strconv.Itoa(n), "q", pg.x.r.URL.Query().Get("q"))
}

func getOrganizations(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	pg, err := x.organizationsPage(a)
	if err != nil {
		return err
	}
	return x.render(200, "organizations", pg)
}

func (x *exchange) organizationsPage(a *engine.Actor) (*Page, error) {
	e, pg, set := x.p.engine, x.page(), x.settings.Organizations
	l := &OrganizationList{Personal: !set.ForceSelection, NoneActive: true, CanCreate: set.MembersCreate && !a.User.CreateOrganizationDisabled}
	from := x.start()
	ms, total, err := e.MyMemberships(x.ctx(), a, organization.Page{Offset: from, Limit: memberPage})
	if err != nil {
		return nil, err
	}
	l.Total = total
	l.Before, l.After = around(from, len(ms), total)
	for _, m := range ms {
		current := m.OrganizationID == a.Session.LastActiveOrganizationID
		l.NoneActive = l.NoneActive && !current
		l.Entries = append(l.Entries, OrganizationEntry{ID: m.OrganizationID, Name: m.Organization.Name, RoleName: roleName(m.Role, m.Membership.Role), Current: current})
	}
	is, _, err := e.MyInvitations(x.ctx(), a, []organization.Status{organization.Pending}, organization.Page{Limit: memberPage})
	if err != nil {
		return nil, err
	}
	for _, i := range is {
		l.Invitations = append(l.Invitations, OrganizationInvitation{ID: i.Invitation.ID, Address: i.EmailAddress, RoleName: roleName(i.Role, i.Invitation.Role), Organization: i.Organization.Name})
	}
	ss, _, err := e.MySuggestions(x.ctx(), a, []organization.Status{organization.Pending, organization.Accepted}, organization.Page{Limit: memberPage})
	if err != nil {
		return nil, err
	}
	for _, s := range ss {
		l.Suggestions = append(l.Suggestions, OrganizationSuggestion{ID: s.Suggestion.ID, Organization: s.Organization.Name, Asked: s.Status != organization.Pending})
	}
	pg.Organizations = l
	return pg, nil
}

func roleName(r *organization.Role, key string) string {
	if r == nil {
		return strings.TrimPrefix(key, "org:")
	}
	return r.Name
}

// choose makes an organization, or none, the active one, with the token that
// says so.
func (x *exchange) choose(a *engine.Actor, id string) error {
	v, err := x.p.engine.TouchSession(x.ctx(), x.b, a.Session.ID, engine.TouchParams{Organization: &id})
	if err != nil {
		return err
	}
	x.session(v)
	return nil
}

// withField runs fn with the actor and a field of the form.
func withField(name string, fn func(x *exchange, a *engine.Actor, value string) error) handler {
	return func(x *exchange) error {
		a, err := x.organizationActor()
		if err != nil {
			return err
		}
		f, err := x.form()
		if err != nil {
			return err
		}
		value, _ := f.String(name)
		if err := f.Err(); err != nil {
			return err
		}
		return fn(x, a, value)
	}
}

func postSwitchOrganization(x *exchange) error {
	return withField("id", func(x *exchange, a *engine.Actor, id string) error {
		if err := x.choose(a, id); err != nil {
			return x.refuseOrganizations(a, err)
		}
		if id == "" {
			return x.redirect("/organizations", "org-personal")
		}
		if x.next != "" {
			return x.leave(x.next)
		}
		return x.redirect("/organization", "org-switched")
	})(x)
}

// refuseOrganizations shows the list again with what was refused.
func (x *exchange) refuseOrganizations(a *engine.Actor, err error) error {
	pg, err2 := x.organizationsPage(a)
	if err2 != nil {
		return err2
	}
	return x.refuse("organizations", pg, err)
}

func postAcceptInvitation(x *exchange) error {
	return withField("id", func(x *exchange, a *engine.Actor, id string) error {
		v, err := x.p.engine.AcceptInvitation(x.ctx(), a, id)
		if err != nil {
			return x.refuseOrganizations(a, err)
		}
		if err := x.choose(a, v.OrganizationID); err != nil {
			return err
		}
		return x.redirect("/organization", "org-joined")
	})(x)
}

func postAcceptSuggestion(x *exchange) error {
	return withField("id", func(x *exchange, a *engine.Actor, id string) error {
		if _, err := x.p.engine.AcceptSuggestion(x.ctx(), a, id); err != nil {
			return x.refuseOrganizations(a, err)
		}
		return x.redirect("/organizations", "org-asked")
	})(x)
}

func getCreateOrganization(x *exchange) error {
	if _, err := x.organizationActor(); err != nil {
		return err
	}
	return x.render(200, "create_organization", x.createPage())
}

func (x *exchange) createPage() *Page {
	pg := x.page()
	pg.Organization = &OrganizationPage{SlugsOn: x.settings.Organizations.Slugs}
	return pg
}

func postCreateOrganization(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	name, _ := f.String("organization_name")
	slug, _ := f.String("slug")
	if err = f.Err(); err == nil && strings.TrimSpace(name) == "" {
		err = empty("organization_name")
	}
	var o *organization.Organization
	if err == nil {
		o, err = x.p.engine.CreateOrganization(x.ctx(), a, name, strings.TrimSpace(slug))
	}
	if err != nil {
		pg := x.createPage()
		pg.values["organization_name"], pg.values["slug"] = name, slug
		return x.refuse("create_organization", pg, ofOrganization(err), "organization_name", "slug")
	}
	if err := x.choose(a, o.ID); err != nil {
		return err
	}
	if x.next != "" {
		return x.leave(x.next)
	}
	return x.redirect("/organization", "org-created")
}

// ofOrganization gives refusals of a name the field that these pages have.
func ofOrganization(err error) error {
	var out []error
	for _, f := range fault.List(err) {
		c := *f
		if c.Param == "name" {
			c.Param = "organization_name"
		}
		out = append(out, &c)
	}
	return errors.Join(out...)
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

// organizationPage shows the active organization; nil: there is none.
func (x *exchange) organizationPage(a *engine.Actor) (*Page, error) {
	e, pg := x.p.engine, x.page()
	own, err := x.ownMembership(a)
	if own == nil || err != nil {
		return nil, err
	}
	o := own.Organization
	may := func(p string) bool { return own.Role != nil && slices.Contains(own.Role.Permissions, p) }
	v := &OrganizationPage{ID: o.ID, Name: o.Name, Slug: o.Slug, Role: roleName(own.Role, own.Membership.Role), SlugsOn: x.settings.Organizations.Slugs,
		CanRename: may(organization.ManageProfile), CanDelete: may(organization.DeleteProfile) && o.AdminDeleteEnabled,
		CanRead: may(organization.ReadMemberships), CanManage: may(organization.ManageMemberships), MembersCount: o.MembersCount}
	pg.values["organization_name"], pg.values["slug"] = o.Name, o.Slug
	pg.Organization = v
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
		line := OrganizationMember{UserID: m.UserID, Name: "Deleted user", Role: m.Membership.Role, RoleName: roleName(m.Role, m.Membership.Role), Self: m.UserID == a.User.ID}
		if m.User != nil {
			if line.Name, line.Identifier = m.User.Name(), m.User.Identifier(); line.Name == "" {
				line.Name, line.Identifier = line.Identifier, ""
			}
		}
		v.Members = append(v.Members, line)
	}
	return nil
}

// inOrganization runs fn with the active organization and some fields of the
// form. A refusal is shown on the page of the organization.
func inOrganization(open string, fields []string, fn func(x *exchange, a *engine.Actor, id string, v map[string]string) error) handler {
	return func(x *exchange) error {
		a, err := x.organizationActor()
		if err != nil {
			return err
		}
		f, err := x.form()
		if err != nil {
			return err
		}
		values := map[string]string{}
		for _, name := range fields {
			values[name], _ = f.StringMax(name, 1024)
		}
		if err = f.Err(); err == nil {
			if id := a.Session.LastActiveOrganizationID; id == "" {
				return x.redirect("/organizations", "")
			} else if err = fn(x, a, id, values); err == nil {
				return nil
			}
		}
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
		return x.refuse("organization", pg, ofOrganization(err), fields...)
	}
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

func postInvite(x *exchange) error {
	return inOrganization("invite", []string{"email_address", "role"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		var ps []engine.InviteParams
		for _, address := range strings.FieldsFunc(v["email_address"], func(r rune) bool { return strings.ContainsRune(" ,;\n\r\t", r) }) {
			ps = append(ps, engine.InviteParams{EmailAddress: address, Role: v["role"]})
		}
		if len(ps) == 0 {
			return empty("email_address")
		}
		if _, err := x.p.engine.Invite(x.ctx(), a, id, ps); err != nil {
			return err
		}
		return x.redirect("/organization", "org-invited")
	})(x)
}

func postRevokeInvitation(x *exchange) error {
	return inOrganization("", []string{"id"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if _, err := x.p.engine.RevokeInvitation(x.ctx(), a, id, v["id"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-revoked")
	})(x)
}

func postDecideRequest(x *exchange) error {
	return inOrganization("", []string{"id", "decision"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		accept := v["decision"] == "accept"
		if _, err := x.p.engine.DecideRequest(x.ctx(), a, id, v["id"], accept); err != nil {
			return err
		}
		if accept {
			return x.redirect("/organization", "org-let-in")
		}
		return x.redirect("/organization", "org-turned-down")
	})(x)
}

func postMemberRole(x *exchange) error {
	return inOrganization("", []string{"user", "role"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if _, err := x.p.engine.SetMemberRole(x.ctx(), a, id, v["user"], v["role"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-role")
	})(x)
}

func postRemoveMember(x *exchange) error {
	return inOrganization("", []string{"user"}, func(x *exchange, a *engine.Actor, id string, v map[string]string) error {
		if v["user"] == a.User.ID {
			return fault.New("form_param_value_invalid", "user").Say("Leave the organization instead.")
		}
		if _, err := x.p.engine.RemoveMember(x.ctx(), a, id, v["user"]); err != nil {
			return err
		}
		return x.redirect("/organization", "org-removed")
	})(x)
}

func postLeave(x *exchange) error {
	return inOrganization("", nil, func(x *exchange, a *engine.Actor, id string, _ map[string]string) error {
		if _, err := x.p.engine.RemoveMember(x.ctx(), a, id, a.User.ID); err != nil {
			return err
		}
		if err := x.choose(a, ""); err != nil {
			return err
		}
		return x.redirect("/organizations", "org-left")
	})(x)
}

func getDeleteOrganization(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	pg, err := x.organizationPage(a)
	if err != nil {
		return err
	}
	if pg == nil || !pg.Organization.CanDelete {
		return fault.New("resource_not_found", "")
	}
	return x.render(200, "organization_delete", pg)
}

func postDeleteOrganization(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	id := a.Session.LastActiveOrganizationID
	sure, _ := f.Bool("confirm")
	if err = f.Err(); err == nil && !sure {
		err = empty("confirm")
	}
	if err == nil {
		_, err = x.p.engine.DeleteOrganization(x.ctx(), a, id)
	}
	if err != nil {
		pg, err2 := x.organizationPage(a)
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

// getInvitation is where the link of an invitation leads: what it offers, and
// how to take it, with an account or without.
func getInvitation(x *exchange) error {
	wire := x.ticket()
	pg, err := x.invitationPage(wire)
	if err != nil {
		return err
	}
	x.w.Header().Set("Referrer-Policy", "no-referrer")
	return x.render(200, "organization_invitation", pg)
}

func (x *exchange) invitationPage(wire string) (*Page, error) {
	if !x.settings.Organizations.Enabled {
		return nil, fault.New("resource_not_found", "")
	}
	v, err := x.p.engine.InvitationByTicket(x.ctx(), wire)
	if err != nil {
		return nil, err
	}
	pg := x.page()
	pg.Attempt = wire
	pg.Joining = &OrganizationInvitation{ID: v.Invitation.ID, Address: v.EmailAddress, RoleName: roleName(v.Role, v.Invitation.Role), Organization: v.Organization.Name}
	if err := v.Usable(v.Now); err != nil {
		pg.Problems = append(pg.Problems, Problem{Text: fault.From(err).LongMessage})
		pg.Joining.ID = "" // nothing is to be accepted
	}
	current, _, err := x.accounts()
	if current != nil && current.User != nil {
		pg.Account = &Account{SessionID: current.ID, Name: current.User.Name(), Identifier: current.User.Identifier(), Current: true}
	}
	if err != nil {
		return nil, err
	}
	// Another account is found at the page of signing in, which leads back here;
	// who signs in or up with the ticket has joined and goes on.
	pg.Continue = x.p.site.PagesPath + "/organization/invitation?" + ticketParam + "=" + wire
	joined := *x
	joined.next = x.afterJoining(v)
	pg.Joining.SignIn, pg.Joining.SignUp = joined.url("/sign-in", ticketParam, wire), joined.url("/sign-up", ticketParam, wire)
	seen, err := x.p.engine.Ticket(x.ctx(), wire)
	pg.Joining.HasAccount = err == nil && seen.User != nil
	return pg, err
}

// afterJoining is where who has accepted an invitation goes on.
func (x *exchange) afterJoining(v *engine.InvitationView) string {
	if v.RedirectURL != "" {
		if checked, err := x.p.site.Redirects.Check(x.r, "redirect_url", v.RedirectURL); err == nil {
			return checked
		}
	}
	return x.p.site.PagesPath + "/organization"
}

// To is a page of ours that leads back here when it is done.
func (pg *Page) To(path string) string {
	x := *pg.x
	x.next = pg.Continue
	return x.url(path)
}

func postInvitation(x *exchange) error {
	a, err := x.organizationActor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	wire, _ := f.StringMax("ticket", 512)
	if err := f.Err(); err != nil {
		return err
	}
	v, err := x.p.engine.AcceptTicket(x.ctx(), a, wire)
	if err != nil {
		pg, err2 := x.invitationPage(wire)
		if err2 != nil {
			return err
		}
		pg.Problems = nil
		return x.refuse("organization_invitation", pg, err)
	}
	if err := x.choose(a, v.OrganizationID); err != nil {
		return err
	}
	if v.RedirectURL != "" {
		return x.leave(x.afterJoining(v))
	}
	return x.redirect("/organization", "org-joined")
}
