package ui

import (
	"errors"
	"strconv"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/organization"
)

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

// From is a page of a list, with what else is in its query; 1 stands for the
// first.
func (pg *Page) From(path string, n int, more ...string) string {
	more = append(more, "q", pg.x.r.URL.Query().Get("q"))
	if n > 1 {
		more = append(more, "from", strconv.Itoa(n))
	}
	return pg.x.url(path, more...)
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
	return withOrganizations(func(x *exchange, a *engine.Actor, f *httpx.Form) error {
		value, _ := f.String(name)
		if err := f.Err(); err != nil {
			return err
		}
		return fn(x, a, value)
	})
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

func postCreateOrganization(x *exchange, a *engine.Actor, f *httpx.Form) error {
	name, _ := f.String("organization_name")
	slug, _ := f.String("slug")
	err := f.Err()
	if err == nil && strings.TrimSpace(name) == "" {
		err = empty("organization_name")
	}
	var o *organization.Organization
	if err == nil {
		o, err = x.p.engine.CreateOrganization(x.ctx(), a, name, strings.TrimSpace(slug))
	}
	if err != nil {
		pg := x.createPage()
		pg.values["organization_name"], pg.values["slug"] = name, slug
		return x.refuse("create_organization", pg, ofField(err, "name", "organization_name"), "organization_name", "slug")
	}
	if err := x.choose(a, o.ID); err != nil {
		return err
	}
	if x.next != "" {
		return x.leave(x.next)
	}
	return x.redirect("/organization", "org-created")
}

// ofField gives refusals of a parameter the name of the field that a page has.
func ofField(err error, param, field string) error {
	var out []error
	for _, f := range fault.List(err) {
		c := *f
		if c.Param == param {
			c.Param = field
		}
		out = append(out, &c)
	}
	return errors.Join(out...)
}
