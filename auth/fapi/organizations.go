package fapi

import (
	"bytes"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
	"github.com/usherauth/usher/organization"
)

const (
	defaultLimit = 10
	maxLimit     = 500
	maxOffset    = 1 << 31
)

// page reads limit and offset. Clients send 0 as the first offset.
func (c *call) page() organization.Page {
	p := organization.Page{Limit: defaultLimit}
	if n, ok := c.query.Int("limit"); ok {
		if n < 1 || n > maxLimit {
			c.query.Fail(httpx.CodeQueryValue, "limit", "must be between 1 and 500")
		}
		p.Limit = int(min(max(n, 1), maxLimit))
	}
	if n, ok := c.query.Int("offset"); ok {
		if n < 0 || n > maxOffset {
			c.query.Fail(httpx.CodeQueryValue, "offset", "must not be negative")
		}
		p.Offset = int(min(max(n, 0), maxOffset))
	}
	return p
}

// statuses reads the repeated field status.
func (c *call) statuses() []organization.Status {
	vs, _ := c.query.Strings("status")
	var out []organization.Status
	for _, v := range vs {
		if v != "" {
			out = append(out, organization.Status(v))
		}
	}
	return out
}

// paged is a page of a list, with each entry as the encoder writes it.
func paged[V, T any](list []V, total int, one func(V) T) wire.List[T] {
	out := make([]T, 0, len(list))
	for _, v := range list {
		out = append(out, one(v))
	}
	return wire.NewList(out, total)
}

// org is the ID of the organization in the path.
func (c *call) org() string { return c.id("organization_id") }

func (c *call) myMemberships() (any, error) {
	p := c.page()
	paginated, _ := c.query.Bool("paginated")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.MyMemberships(c.ctx(), c.actor, p)
	if err != nil {
		return nil, err
	}
	if !paginated {
		return c.enc.OrganizationMemberships(list), nil
	}
	return paged(list, total, c.enc.OrganizationMembership), nil
}

func (c *call) leaveOrganization() (any, error) {
	v, err := c.e.RemoveMember(c.ctx(), c.actor, c.org(), c.actor.User.ID)
	if err != nil {
		return nil, err
	}
	return wire.NewDeleted("organization_membership", v.Membership.ID), nil
}

func (c *call) myInvitations() (any, error) {
	p, statuses := c.page(), c.statuses()
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.MyInvitations(c.ctx(), c.actor, statuses, p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationInvitation), nil
}

func (c *call) acceptInvitation() (any, error) {
	v, err := c.e.AcceptInvitation(c.ctx(), c.actor, c.id("invitation_id"))
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationInvitation(v), nil
}

func (c *call) mySuggestions() (any, error) {
	p, statuses := c.page(), c.statuses()
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.MySuggestions(c.ctx(), c.actor, statuses, p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationSuggestion), nil
}

func (c *call) acceptSuggestion() (any, error) {
	v, err := c.e.AcceptSuggestion(c.ctx(), c.actor, c.id("suggestion_id"))
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationSuggestion(v), nil
}

func (c *call) createOrganization() (any, error) {
	name := c.form.Require("name")
	slug, _ := c.form.String("slug")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.organization(c.e.CreateOrganization(c.ctx(), c.actor, name, slug))
}

func (c *call) organization(o *organization.Organization, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return c.enc.Organization(o), nil
}

func (c *call) getOrganization() (any, error) {
	return c.organization(c.e.Organization(c.ctx(), c.actor, c.org()))
}

func (c *call) updateOrganization() (any, error) {
	name, slug := c.optional("name"), c.optional("slug")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.organization(c.e.UpdateOrganization(c.ctx(), c.actor, c.org(), name, slug))
}

// deletedOrganization says that an organization is no more.
type deletedOrganization struct {
	wire.Deleted
	Slug string `json:"slug"`
}

func (c *call) deleteOrganization() (any, error) {
	o, err := c.e.DeleteOrganization(c.ctx(), c.actor, c.org())
	if err != nil {
		return nil, err
	}
	return deletedOrganization{wire.NewDeleted("organization", o.ID), o.Slug}, nil
}

// setLogo decodes a picture, encodes it anew and stores that.
func (c *call) setLogo() (any, error) {
	file, ok := c.form.File("file")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if !ok || len(file.Data) == 0 {
		return nil, fault.New("form_param_missing", "file")
	}
	if _, err := c.e.Organization(c.ctx(), c.actor, c.org()); err != nil {
		return nil, err // before the work
	}
	img, err := c.pictures.Decode(c.ctx(), bytes.NewReader(file.Data))
	if err != nil {
		return nil, pictureError(err)
	}
	return c.organization(c.e.SetOrganizationImage(c.ctx(), c.actor, c.org(), img.ContentType, img.Data))
}

func (c *call) deleteLogo() (any, error) {
	o, err := c.e.Organization(c.ctx(), c.actor, c.org())
	if err != nil {
		return nil, err
	}
	if o.ImageID == "" {
		return nil, fault.New("resource_not_found", "")
	}
	id := o.ImageID
	if _, err := c.e.SetOrganizationImage(c.ctx(), c.actor, c.org(), "", nil); err != nil {
		return nil, err
	}
	return wire.NewDeleted("image", id), nil
}

// rolesPage is the list of roles. Nothing ever moves from one set to another.
type rolesPage struct {
	wire.List[frontend.Role]
	HasRoleSetMigration bool `json:"has_role_set_migration"`
}

func (c *call) listRoles() (any, error) {
	p := c.page()
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	v, err := c.e.OrganizationRoles(c.ctx(), c.actor, c.org())
	if err != nil {
		return nil, err
	}
	all := frontend.Roles(v)
	page := all[min(p.Offset, len(all)):]
	return rolesPage{List: wire.NewList(page[:min(p.Limit, len(page))], len(all))}, nil
}

func (c *call) listMembers() (any, error) {
	p := c.page()
	var f organization.MemberFilter
	f.Query, _ = c.query.String("query")
	f.Roles, _ = c.query.Strings("role")
	c.query.Bool("paginated")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.OrganizationMembers(c.ctx(), c.actor, c.org(), f, p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationMembership), nil
}

func (c *call) membership(v *engine.MembershipView, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationMembership(v), nil
}

func (c *call) addMember() (any, error) {
	userID, role := c.form.Require("user_id"), c.form.Require("role")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.membership(c.e.AddMember(c.ctx(), c.actor, c.org(), userID, role))
}

func (c *call) updateMember() (any, error) {
	role := c.form.Require("role")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.membership(c.e.SetMemberRole(c.ctx(), c.actor, c.org(), c.id("user_id"), role))
}

func (c *call) removeMember() (any, error) {
	return c.membership(c.e.RemoveMember(c.ctx(), c.actor, c.org(), c.id("user_id")))
}

// invitees reads who is invited: one address, or several.
func (c *call) invitees() []engine.InviteParams {
	role := c.form.Require("role")
	notify, given := c.form.Bool("notify")
	addresses, ok := c.form.Strings("email_address")
	if !ok || len(addresses) == 0 {
		c.form.Require("email_address")
	}
	var ps []engine.InviteParams
	for _, address := range addresses {
		ps = append(ps, engine.InviteParams{EmailAddress: address, Role: role, Silent: given && !c.form.Null("notify") && !notify})
	}
	return ps
}

func (c *call) createInvitation() (any, error) {
	ps := c.invitees()
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if len(ps) > 1 {
		return nil, fault.New("form_param_duplicate", "email_address")
	}
	list, err := c.e.Invite(c.ctx(), c.actor, c.org(), ps)
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationInvitation(list[0]), nil
}

func (c *call) createInvitations() (any, error) {
	ps := c.invitees()
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	list, err := c.e.Invite(c.ctx(), c.actor, c.org(), ps)
	if err != nil {
		return nil, err
	}
	out := make([]frontend.OrganizationInvitation, 0, len(list))
	for _, v := range list {
		out = append(out, c.enc.OrganizationInvitation(v))
	}
	return out, nil
}

func (c *call) listInvitations() (any, error) { return c.invitations(c.statuses()) }

func (c *call) listPendingInvitations() (any, error) {
	return c.invitations([]organization.Status{organization.Pending})
}

func (c *call) invitations(statuses []organization.Status) (any, error) {
	p := c.page()
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.OrganizationInvitations(c.ctx(), c.actor, c.org(), statuses, p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationInvitation), nil
}

func (c *call) revokeInvitation() (any, error) {
	v, err := c.e.RevokeInvitation(c.ctx(), c.actor, c.org(), c.id("invitation_id"))
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationInvitation(v), nil
}

func (c *call) listRequests() (any, error) {
	p := c.page()
	status, _ := c.query.String("status")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.MembershipRequests(c.ctx(), c.actor, c.org(), organization.Status(status), p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationMembershipRequest), nil
}

func (c *call) acceptRequest() (any, error) { return c.decideRequest(true) }
func (c *call) rejectRequest() (any, error) { return c.decideRequest(false) }

func (c *call) decideRequest(accept bool) (any, error) {
	v, err := c.e.DecideRequest(c.ctx(), c.actor, c.org(), c.id("request_id"), accept)
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationMembershipRequest(v), nil
}
