package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// organizationKinds are the kinds of records of organizations.
var organizationKinds = []*store.Kind{organization.Kind, organization.SlugKind, organization.MembershipKind, organization.RoleKind, organization.RoleSetKind,
	organization.PermissionKind, organization.InvitationKind, organization.RequestKind, organization.SuggestionKind, organization.DomainKind, organization.TeamKind,
	organization.TeamMemberKind, organization.RemainderKind, organization.StragglerKind, organization.ChangeKind}

// A scope is an organization inside a transaction, as one who acts in it sees
// it, or as the host does.
type scope struct {
	org   *organization.Organization
	roles *organization.Roles
	// own is the actor's membership, user the actor; nil: the host acts.
	own  *organization.Membership
	user *user.User
}

// allow refuses who lacks a permission.
func (s *scope) allow(permission string) error {
	if s.own == nil || permission == "" {
		return nil
	}
	return s.roles.Allow(s.own.Role, permission)
}

// allowRoles refuses who gives or takes roles that hold more than the own.
func (s *scope) allowRoles(roles ...string) error {
	if s.own == nil {
		return nil
	}
	return s.roles.AllowRoles(s.own.Role, roles...)
}

// by is the ID of who acts; empty is the host.
func (s *scope) by() string {
	if s.user == nil {
		return ""
	}
	return s.user.ID
}

// scopeOf reads an organization for a member. To everybody else there is no
// such organization.
func (e *Engine) scopeOf(ctx context.Context, tx store.Tx, u *user.User, id, permission string) (*scope, error) {
	unknown := fault.New("resource_not_found", "")
	s := &scope{user: u}
	var err error
	if s.org, err = organization.Get(ctx, tx, id); err != nil {
		return nil, missingAs(err, unknown)
	}
	if s.own, err = organization.GetMembership(ctx, tx, id, u.ID); err != nil {
		return nil, missingAs(err, unknown)
	}
	if s.roles, err = organization.LoadRoles(ctx, tx); err != nil {
		return nil, err
	}
	return s, s.allow(permission)
}

// organizationsOn refuses what needs organizations where there are none.
func (e *Engine) organizationsOn(ctx context.Context) error {
	if !e.Settings(ctx).Organizations.Enabled {
		return fault.New("organization_not_enabled_in_instance", "")
	}
	return nil
}

// within runs fn with an organization that the actor is a member of and has a
// permission in, in one transaction that checks it all.
func (e *Engine) within(ctx context.Context, a *Actor, id, permission string, fn func(t *txn, s *scope) error) error {
	return e.asActor(ctx, a, func(t *txn, u *user.User) error {
		s, err := e.scopeOf(ctx, t, u, id, permission)
		if err != nil {
			return err
		}
		return fn(t, s)
	})
}

// asActor runs fn with the actor as stored, who must be the user. Unlike act it
// does not store the user.
func (e *Engine) asActor(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	if err := e.organizationsOn(ctx); err != nil {
		return err
	}
	switch {
	case a.Impersonates():
		return ErrImpersonator()
	case a.Browser.stale:
		return fault.New("conflict", "")
	}
	return e.update(ctx, func(t *txn) error {
		_, u, err := e.actorFor(ctx, t, a)
		if err != nil {
			return err
		}
		return fn(t, u)
	})
}

// look is within for what changes nothing.
func (e *Engine) look(ctx context.Context, a *Actor, id, permission string, fn func(tx store.Tx, s *scope) error) error {
	if err := e.organizationsOn(ctx); err != nil {
		return err
	}
	return e.view(ctx, func(tx store.Tx) error {
		s, err := e.scopeOf(ctx, tx, a.User, id, permission)
		if err != nil {
			return err
		}
		return fn(tx, s)
	})
}

// A MembershipView is a membership with all that is shown beside it.
type MembershipView struct {
	*organization.Membership
	Organization *organization.Organization
	Role         *organization.Role // nil: gone
	User         *user.User         // nil: not read, or gone
}

// viewMembers adds to memberships of one organization who the members are.
func viewMembers(ctx context.Context, tx store.Tx, s *scope, ms []*organization.Membership) ([]*MembershipView, error) {
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.UserID
	}
	us, err := usersByID(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*MembershipView, len(ms))
	for i, m := range ms {
		out[i] = &MembershipView{Membership: m, Organization: s.org, Role: s.roles.Role(m.Role), User: us[m.UserID]}
	}
	return out, nil
}

func usersByID(ctx context.Context, tx store.Tx, ids []string) (map[string]*user.User, error) {
	us, err := user.GetAll(ctx, tx, ids...)
	byID := make(map[string]*user.User, len(us))
	for _, u := range us {
		byID[u.ID] = u
	}
	return byID, err
}

// viewOwn adds to memberships of one user which organizations they are of.
// Those of organizations that are gone are left out.
func viewOwn(ctx context.Context, tx store.Tx, u *user.User, ms []*organization.Membership) ([]*MembershipView, error) {
	if len(ms) == 0 {
		return nil, nil
	}
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.OrganizationID
	}
	os, err := organization.GetAll(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	roles, err := organization.LoadRoles(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []*MembershipView
	for _, m := range ms {
		if o := os[m.OrganizationID]; o != nil {
			out = append(out, &MembershipView{Membership: m, Organization: o, Role: roles.Role(m.Role), User: u})
		}
	}
	return out, nil
}

// maxListed is how many of a user's organizations come along with the user.
const maxListed = 100

// listedMemberships are those that come along with a user: the newest, and the
// one that is active.
func (e *Engine) listedMemberships(ctx context.Context, tx store.Tx, u *user.User, active string) ([]*MembershipView, error) {
	if u == nil || !e.lastSettings().Organizations.Enabled {
		return nil, nil
	}
	ms, _, err := organization.OfUser(ctx, tx, u.ID, organization.Page{Limit: maxListed})
	if err != nil {
		return nil, err
	}
	seen := active == ""
	for _, m := range ms {
		seen = seen || m.OrganizationID == active
	}
	if !seen {
		m, err := organization.GetMembership(ctx, tx, active, u.ID)
		if err == nil {
			ms = append(ms, m)
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return viewOwn(ctx, tx, u, ms)
}

// Listed returns the memberships that come along with the actor's user.
func (e *Engine) Listed(ctx context.Context, a *Actor) (ms []*MembershipView, err error) {
	err = e.view(ctx, func(tx store.Tx) (err error) {
		ms, err = e.listedMemberships(ctx, tx, a.User, a.Session.LastActiveOrganizationID)
		return err
	})
	return ms, err
}

// CreateOrganization founds an organization. The actor becomes its first
// member, with the creator role.
func (e *Engine) CreateOrganization(ctx context.Context, a *Actor, name, slug string) (*organization.Organization, error) {
	set := e.Settings(ctx).Organizations
	if slug != "" && !set.Slugs {
		return nil, fault.New("organization_slugs_disabled", "slug")
	}
	var o *organization.Organization
	err := e.asActor(ctx, a, func(t *txn, u *user.User) (err error) {
		if u.CreateOrganizationDisabled || !set.MembersCreate {
			return fault.New("organization_creation_not_allowed", "")
		}
		o, err = e.found(ctx, t, u, organization.CreateParams{Name: name, Slug: slug})
		return err
	})
	return o, err
}

// found makes an organization of which u, if not nil, is the founder. The user
// is the guard of how many there can be.
func (e *Engine) found(ctx context.Context, t *txn, u *user.User, p organization.CreateParams) (*organization.Organization, error) {
	set := e.lastSettings().Organizations
	if p.Slug == "" && set.Slugs {
		p.Slug = organization.SuggestSlug(p.Name)
	}
	p.AdminDeleteEnabled = set.AdminDelete
	if p.MaxMemberships == 0 {
		p.MaxMemberships = set.MaxMemberships
	}
	roles, err := organization.LoadRoles(ctx, t)
	if err != nil {
		return nil, err
	}
	if u != nil {
		p.CreatedBy = u.ID
		limit := u.CreateOrganizationsLimit
		if limit == 0 {
			limit = set.CreateLimit
		}
		if limit > 0 {
			n, err := organization.CountFounded(ctx, t, u.ID)
			if err != nil {
				return nil, err
			}
			if n >= limit {
				return nil, fault.New("org_creation_limit_exceeded", "")
			}
			if err := user.Touch(ctx, t, u); err != nil {
				return nil, err
			}
		}
	}
	o, err := organization.Create(ctx, t, p, t.now)
	if err != nil || u == nil {
		return o, err
	}
	_, err = organization.Add(ctx, t, o, roles, organization.NewMember{UserID: u.ID, Role: roles.Creator(), Profile: organization.ProfileOf(u)}, t.now)
	return o, err
}

// Organization returns an organization that the actor is a member of.
func (e *Engine) Organization(ctx context.Context, a *Actor, id string) (o *organization.Organization, err error) {
	err = e.look(ctx, a, id, "", func(_ store.Tx, s *scope) error {
		o = s.org
		return nil
	})
	return o, err
}

// UpdateOrganization changes name and slug; nil leaves one.
func (e *Engine) UpdateOrganization(ctx context.Context, a *Actor, id string, name, slug *string) (o *organization.Organization, err error) {
	err = e.within(ctx, a, id, organization.ManageProfile, func(t *txn, s *scope) error {
		o = s.org
		if slug != nil && *slug != o.Slug && !e.lastSettings().Organizations.Slugs {
			return fault.New("organization_slugs_disabled", "slug")
		}
		return e.rename(ctx, t, o, name, slug)
	})
	return o, err
}

// rename stores an organization with another name or slug. Tokens carry the
// slug.
func (e *Engine) rename(ctx context.Context, t *txn, o *organization.Organization, name, slug *string) (err error) {
	if name != nil {
		if o.Name, err = organization.CheckName(*name); err != nil {
			return err
		}
	}
	moved := slug != nil && *slug != o.Slug
	if moved {
		if err := organization.SetSlug(ctx, t, o, *slug, t.now); err != nil {
			return err
		}
	}
	if err := organization.Put(ctx, t, o, t.now); err != nil || !moved {
		return err
	}
	return t.changed(ctx, o, "")
}

// SetOrganizationImage stores a logo that was decoded and encoded anew; none
// removes the former one.
func (e *Engine) SetOrganizationImage(ctx context.Context, a *Actor, id, contentType string, data []byte) (o *organization.Organization, err error) {
	err = e.within(ctx, a, id, organization.ManageProfile, func(t *txn, s *scope) error {
		o = s.org
		return organization.SetImage(ctx, t, o, contentType, data, t.now)
	})
	return o, err
}

// DeleteOrganization deletes an organization with all that is inside, if its
// members may.
func (e *Engine) DeleteOrganization(ctx context.Context, a *Actor, id string) (o *organization.Organization, err error) {
	err = e.within(ctx, a, id, organization.DeleteProfile, func(t *txn, s *scope) error {
		o = s.org
		if !o.AdminDeleteEnabled {
			return fault.New("organization_admin_delete_not_enabled", "")
		}
		return e.dissolve(ctx, t, o)
	})
	return o, err
}

// dissolve deletes an organization, and the codes that were sent for its
// domains. No token that names it holds any more.
func (e *Engine) dissolve(ctx context.Context, t *txn, o *organization.Organization) error {
	if err := dropVerifications(ctx, t, o.ID); err != nil {
		return err
	}
	if err := t.note(ctx, &organization.Change{OrganizationID: o.ID, TokensUntil: o.TokensUntil}); err != nil {
		return err
	}
	return organization.Delete(ctx, t, o, t.now)
}

// sweepSteps is how many steps run between two other jobs.
const sweepSteps = 5

// sweepOrganizations does some of what large organizations have left for later,
// and reports whether there is more to do.
func (e *Engine) sweepOrganizations(ctx context.Context) (more bool, err error) {
	more = true
	for n := 0; n < sweepSteps && more && err == nil; n++ {
		err = e.store.Update(ctx, func(tx store.Tx) (err error) {
			more, err = organization.Sweep(ctx, tx)
			return err
		})
	}
	return more, err
}

// OrganizationRoles returns the roles that members can have.
func (e *Engine) OrganizationRoles(ctx context.Context, a *Actor, id string) (v *RolesView, err error) {
	err = e.look(ctx, a, id, "", func(tx store.Tx, s *scope) (err error) {
		v, err = viewRoles(ctx, tx, s.roles)
		return err
	})
	return v, err
}

// A RolesView is all roles with what their permissions are called.
type RolesView struct {
	Roles       *organization.Roles
	permissions map[string]*organization.Permission
}

// Permissions are those of a role.
func (v *RolesView) Permissions(r *organization.Role) []*organization.Permission {
	var out []*organization.Permission
	for _, key := range r.Permissions {
		if p := v.permissions[key]; p != nil {
			out = append(out, p)
		}
	}
	return out
}

// All are the permissions that there are, the built-in ones first.
func (v *RolesView) All() []*organization.Permission {
	out := organization.SystemPermissions()
	for _, p := range v.permissions {
		if !p.System() {
			out = append(out, p)
		}
	}
	return out
}

func viewRoles(ctx context.Context, tx store.Tx, r *organization.Roles) (*RolesView, error) {
	v := &RolesView{Roles: r, permissions: map[string]*organization.Permission{}}
	custom, err := organization.Permissions(ctx, tx)
	for _, p := range append(custom, organization.SystemPermissions()...) {
		v.permissions[p.Key] = p
	}
	return v, err
}
