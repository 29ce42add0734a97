package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Organizations is what a host may do with every organization. It checks no
// rights: whoever holds it is the host. Rules hold all the same: quotas, the
// last manager, slugs.
type Organizations struct {
	e *Engine
	// in is the host's own transaction; nil is none.
	in store.Store
}

// Organizations returns the host's view of all organizations.
func (e *Engine) Organizations() Organizations { return Organizations{e: e} }

// In returns the same for a store that works inside a transaction of the
// host's, see [Users.In].
func (os Organizations) In(st store.Store) Organizations { return Organizations{os.e, st} }

func (os Organizations) view(ctx context.Context, fn func(tx store.Tx) error) error {
	if os.in != nil {
		return os.in.View(ctx, fn)
	}
	return os.e.view(ctx, fn)
}

func (os Organizations) update(ctx context.Context, fn func(t *txn) error) error {
	if os.in == nil {
		return os.e.update(ctx, fn)
	}
	return os.in.Update(ctx, func(tx store.Tx) error { return fn(&txn{Tx: tx, now: os.e.now()}) })
}

// hostScope reads an organization for the host.
func hostScope(ctx context.Context, tx store.Tx, id string) (*scope, error) {
	o, err := organization.Find(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	roles, err := organization.LoadRoles(ctx, tx)
	return &scope{org: o, roles: roles}, err
}

// look runs fn with an organization.
func (os Organizations) look(ctx context.Context, id string, fn func(tx store.Tx, s *scope) error) error {
	return os.view(ctx, func(tx store.Tx) error {
		s, err := hostScope(ctx, tx, id)
		if err != nil {
			return err
		}
		return fn(tx, s)
	})
}

// within runs fn with an organization in a transaction.
func (os Organizations) within(ctx context.Context, id string, fn func(t *txn, s *scope) error) error {
	return os.update(ctx, func(t *txn) error {
		s, err := hostScope(ctx, t, id)
		if err != nil {
			return err
		}
		return fn(t, s)
	})
}

// Create makes an organization. Its founder, if one is named, becomes the first
// member.
func (os Organizations) Create(ctx context.Context, p organization.CreateParams) (o *organization.Organization, err error) {
	if p.Slug != "" && !os.e.Settings(ctx).Organizations.Slugs {
		return nil, fault.New("organization_slugs_disabled", "slug")
	}
	err = os.update(ctx, func(t *txn) error {
		var u *user.User
		if p.CreatedBy != "" {
			if u, err = user.Get(ctx, t, p.CreatedBy); err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "created_by"))
			}
		}
		o, err = os.e.found(ctx, t, u, p)
		return err
	})
	return o, err
}

// Get returns an organization by ID or slug, or store.ErrNotFound.
func (os Organizations) Get(ctx context.Context, idOrSlug string) (o *organization.Organization, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		o, err = organization.Find(ctx, tx, idOrSlug)
		return err
	})
	return o, err
}

// List returns the organizations that f asks for and how many there are in all.
func (os Organizations) List(ctx context.Context, f organization.Filter, p organization.Page) (list []*organization.Organization, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		list, total, err = organization.List(ctx, tx, f, p)
		return err
	})
	return list, total, err
}

// UpdateOrganizationParams change an organization; nil leaves a field.
type UpdateOrganizationParams struct {
	Name, Slug                      *string
	MaxMemberships                  *int
	AdminDeleteEnabled              *bool
	PublicMetadata, PrivateMetadata json.RawMessage // replace
	CreatedAt                       *time.Time
}

// Update changes an organization.
func (os Organizations) Update(ctx context.Context, id string, p UpdateOrganizationParams) (o *organization.Organization, err error) {
	if p.Slug != nil && *p.Slug != "" && !os.e.Settings(ctx).Organizations.Slugs {
		return nil, fault.New("organization_slugs_disabled", "slug")
	}
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		o = s.org
		if p.MaxMemberships != nil {
			o.MaxMemberships = max(0, *p.MaxMemberships)
		}
		if p.AdminDeleteEnabled != nil {
			o.AdminDeleteEnabled = *p.AdminDeleteEnabled
		}
		if p.CreatedAt != nil {
			o.CreatedAt = *p.CreatedAt
		}
		if err := setOrgMetadata(o, p.PublicMetadata, p.PrivateMetadata, false); err != nil {
			return err
		}
		return os.e.rename(ctx, t, o, p.Name, p.Slug)
	})
	return o, err
}

func setOrgMetadata(o *organization.Organization, public, private json.RawMessage, merge bool) error {
	if err := organization.Metadata(&o.PublicMetadata, public, merge); err != nil {
		return fault.Wrap("form_param_exceeds_allowed_size", "public_metadata", err)
	}
	if err := organization.Metadata(&o.PrivateMetadata, private, merge); err != nil {
		return fault.Wrap("form_param_exceeds_allowed_size", "private_metadata", err)
	}
	return nil
}

// SetMetadata replaces an organization's metadata, or merges patches into it;
// nil leaves one.
func (os Organizations) SetMetadata(ctx context.Context, id string, public, private json.RawMessage, merge bool) (o *organization.Organization, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		o = s.org
		if err := setOrgMetadata(o, public, private, merge); err != nil {
			return err
		}
		return organization.Put(ctx, t, o, t.now)
	})
	return o, err
}

// SetImage stores a logo that was decoded and encoded anew; none removes the
// former one.
func (os Organizations) SetImage(ctx context.Context, id, contentType string, data []byte) (o *organization.Organization, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		o = s.org
		return organization.SetImage(ctx, t, o, contentType, data, t.now)
	})
	return o, err
}

// Delete removes an organization with all that is inside.
func (os Organizations) Delete(ctx context.Context, id string) (o *organization.Organization, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		o = s.org
		return os.e.dissolve(ctx, t, o)
	})
	return o, err
}

// Managed reports which of the organizations have somebody who can manage
// them, by ID.
func (os Organizations) Managed(ctx context.Context, list ...*organization.Organization) (managed map[string]bool, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		roles, err := organization.LoadRoles(ctx, tx)
		managed = map[string]bool{}
		for _, o := range list {
			managed[o.ID] = err == nil && o.Managers(roles) > 0
		}
		return err
	})
	return managed, err
}

// Members returns the members that f asks for and how many there are in all.
func (os Organizations) Members(ctx context.Context, id string, f organization.MemberFilter, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		list, total, err = members(ctx, tx, s, f, p)
		return err
	})
	return list, total, err
}

// OfUser returns a user's memberships, newest first, and how many there are in
// all.
func (os Organizations) OfUser(ctx context.Context, userID string, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		u, err := user.Get(ctx, tx, userID)
		if err != nil {
			return err
		}
		ms, n, err := organization.OfUser(ctx, tx, userID, p)
		if err != nil {
			return err
		}
		total = n
		list, err = viewOwn(ctx, tx, u, ms)
		return err
	})
	return list, total, err
}

// AllMemberships returns memberships of all organizations and how many there
// are in all.
func (os Organizations) AllMemberships(ctx context.Context, p organization.Page) (list []*MembershipView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		ms, n, err := organization.AllMemberships(ctx, tx, p)
		if err != nil {
			return err
		}
		total = n
		if list, err = viewOwn(ctx, tx, nil, ms); err != nil {
			return err
		}
		var ids []string
		for _, m := range ms {
			ids = append(ids, m.UserID)
		}
		us, err := usersByID(ctx, tx, compact(ids))
		for _, v := range list {
			v.User = us[v.UserID]
		}
		return err
	})
	return list, total, err
}

// Member returns a user's membership, or store.ErrNotFound.
func (os Organizations) Member(ctx context.Context, id, userID string) (v *MembershipView, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		v, err = memberOf(ctx, tx, s, userID)
		return err
	})
	return v, err
}

// AddMember makes a user a member.
func (os Organizations) AddMember(ctx context.Context, id string, n organization.NewMember) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.addMember(ctx, t, s, n)
		return err
	})
	return v, err
}

// SetRole gives a member another role.
func (os Organizations) SetRole(ctx context.Context, id, userID, role string) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.setRole(ctx, t, s, userID, role)
		return err
	})
	return v, err
}

// RemoveMember takes a member out.
func (os Organizations) RemoveMember(ctx context.Context, id, userID string) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.removeMember(ctx, t, s, userID)
		return err
	})
	return v, err
}

// SetMemberMetadata replaces a membership's metadata, or merges patches into
// it; nil leaves one.
func (os Organizations) SetMemberMetadata(ctx context.Context, id, userID string, public, private json.RawMessage, merge bool) (v *MembershipView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if v, err = memberOf(ctx, t, s, userID); err != nil {
			return err
		}
		return organization.SetMetadata(ctx, t, v.Membership, public, private, merge, t.now)
	})
	return v, err
}

// Invite invites people: all of them, or, if one cannot be, nobody. origin is
// where the site is as the host is called.
func (os Organizations) Invite(ctx context.Context, id, origin string, ps []InviteParams) (list []*InvitationView, err error) {
	if len(ps) > MaxBulkInvitations {
		return nil, fault.New("bulk_size_exceeded", "")
	}
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		list, err = os.e.inviteAll(ctx, t, s, ps, Request{Site: origin})
		return err
	})
	return list, err
}

// Invitations returns the invitations that f asks for and how many there are in
// all.
func (os Organizations) Invitations(ctx context.Context, f organization.InvitationFilter, p organization.Page) (list []*InvitationView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		if f.OrganizationID != "" {
			if _, err := organization.Get(ctx, tx, f.OrganizationID); err != nil {
				return err
			}
		}
		is, n, err := organization.Invitations(ctx, tx, f, p, os.e.now())
		if err != nil {
			return err
		}
		total = n
		list, err = os.e.viewInvitations(ctx, tx, is)
		return err
	})
	return list, total, err
}

// InvitationsOfUser returns the invitations to addresses of a user and how many
// there are in all.
func (os Organizations) InvitationsOfUser(ctx context.Context, userID string, statuses []organization.Status, p organization.Page) ([]*InvitationView, int, error) {
	u, err := os.e.Users().Get(ctx, userID)
	if err != nil {
		return nil, 0, err
	}
	own := verifiedCanonical(u)
	if len(own) == 0 {
		return nil, 0, nil
	}
	return os.Invitations(ctx, organization.InvitationFilter{Addresses: own, Statuses: statuses}, p)
}

// Invitation returns an invitation of an organization, or store.ErrNotFound.
func (os Organizations) Invitation(ctx context.Context, id, invitationID string) (v *InvitationView, err error) {
	err = os.look(ctx, id, func(tx store.Tx, s *scope) error {
		i, err := invitationOf(ctx, tx, s.org, invitationID)
		if err != nil {
			return err
		}
		vs, err := os.e.viewInvitations(ctx, tx, []*organization.Invitation{i})
		if err == nil {
			v = vs[0]
		}
		return err
	})
	return v, err
}

// RevokeInvitation takes an invitation back. by, if not empty, is a member who
// must have the right to.
func (os Organizations) RevokeInvitation(ctx context.Context, id, invitationID, by string) (v *InvitationView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		if by != "" {
			m, err := organization.GetMembership(ctx, t, s.org.ID, by)
			if err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "requesting_user_id"))
			}
			if err := s.roles.Allow(m.Role, organization.ManageMemberships); err != nil {
				return err
			}
		}
		v, err = os.e.revokeInvitation(ctx, t, s, invitationID)
		return err
	})
	return v, err
}

// Domains returns the domains that f asks for and how many there are in all.
func (os Organizations) Domains(ctx context.Context, f organization.DomainFilter, p organization.Page) (list []*DomainView, total int, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		if f.OrganizationID != "" {
			if _, err := organization.Get(ctx, tx, f.OrganizationID); err != nil {
				return err
			}
		}
		list, total, err = os.e.listDomains(ctx, tx, f, p)
		return err
	})
	return list, total, err
}

// AddDomain adds a domain; verified says that the host vouches for it.
func (os Organizations) AddDomain(ctx context.Context, id, name, mode string, verified bool) (v *DomainView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		v, err = os.e.addDomain(ctx, t, s, name, mode, verified)
		return err
	})
	return v, err
}

// UpdateDomain changes a domain; nil leaves a field.
func (os Organizations) UpdateDomain(ctx context.Context, id, domainID string, mode *string, verified *bool) (*DomainView, error) {
	return os.domain(ctx, id, domainID, func(t *txn, s *scope, d *organization.Domain) error {
		if verified != nil && *verified {
			d.Affiliation = &organization.Check{Strategy: organization.StrategyHost, Status: "verified", VerifiedAt: t.now}
			if err := d.Claim(ctx, t); err != nil {
				return err
			}
		}
		if verified != nil && !*verified {
			d.Affiliation, d.Ownership, d.EnrollmentMode = nil, nil, organization.ManualInvitation
		}
		if mode != nil {
			return os.e.setMode(ctx, t, s, d, *mode, false)
		}
		return nil
	})
}

// VerifyOwnership vouches for that an organization runs a domain.
func (os Organizations) VerifyOwnership(ctx context.Context, id, domainID string) (*DomainView, error) {
	return os.domain(ctx, id, domainID, func(t *txn, _ *scope, d *organization.Domain) error {
		d.Ownership = &organization.Check{Strategy: organization.StrategyHost, Status: "verified", VerifiedAt: t.now}
		return d.Claim(ctx, t)
	})
}

func (os Organizations) domain(ctx context.Context, id, domainID string, fn func(t *txn, s *scope, d *organization.Domain) error) (v *DomainView, err error) {
	err = os.within(ctx, id, func(t *txn, s *scope) error {
		d, err := domainIn(ctx, t, s, domainID)
		if err != nil {
			return err
		}
		if err := fn(t, s, d); err != nil {
			return err
		}
		if err := organization.PutDomain(ctx, t, d, t.now); err != nil {
			return err
		}
		v, err = os.e.viewDomain(ctx, t, s.org, d)
		return err
	})
	return v, err
}

// DeleteDomain removes a domain.
func (os Organizations) DeleteDomain(ctx context.Context, id, domainID string) error {
	return os.within(ctx, id, func(t *txn, s *scope) error { return os.e.deleteDomain(ctx, t, s, domainID) })
}

// Roles returns all roles and permissions.
func (os Organizations) Roles(ctx context.Context) (v *RolesView, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		r, err := organization.LoadRoles(ctx, tx)
		if err != nil {
			return err
		}
		v, err = viewRoles(ctx, tx, r)
		return err
	})
	return v, err
}

// changeRoles runs fn with all roles. Tokens that name an organization are made
// anew after it.
func (os Organizations) changeRoles(ctx context.Context, fn func(t *txn, r *organization.Roles) error) (v *RolesView, err error) {
	err = os.update(ctx, func(t *txn) error {
		r, err := organization.LoadRoles(ctx, t)
		if err != nil {
			return err
		}
		if err := fn(t, r); err != nil {
			return err
		}
		if err := t.rolesChanged(ctx, r); err != nil {
			return err
		}
		v, err = viewRoles(ctx, t, r)
		return err
	})
	return v, err
}

// CreateRole makes a role.
func (os Organizations) CreateRole(ctx context.Context, key, name, description string, permissions []string) (*RolesView, error) {
	return os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		if r.Role(key) != nil {
			return fault.New("duplicate_record", "key")
		}
		return r.Add(ctx, t, organization.NewRole(key, name, description, permissions, t.now), t.now)
	})
}

// UpdateRoleParams change a role; nil leaves a field.
type UpdateRoleParams struct {
	Name, Description *string
	Permissions       []string // keys; nil leaves them
	// Add and Remove are single permissions, by key.
	Add, Remove string
}

// UpdateRole changes a role, which is named by key or ID.
func (os Organizations) UpdateRole(ctx context.Context, keyOrID string, p UpdateRoleParams) (*RolesView, error) {
	return os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		role, err := roleBy(r, keyOrID)
		if err != nil {
			return err
		}
		was := role.Permissions
		if p.Name != nil {
			role.Name = *p.Name
		}
		if p.Description != nil {
			role.Description = *p.Description
		}
		if p.Permissions != nil {
			role.Permissions = p.Permissions
		}
		if p.Add != "" {
			if holds(was, p.Add) {
				return fault.New("organization_role_permission_association_exists", "")
			}
			role.Permissions = append(append([]string{}, was...), p.Add)
		}
		if p.Remove != "" {
			if !holds(was, p.Remove) {
				return store.ErrNotFound
			}
			role.Permissions = without(was, p.Remove)
		}
		return r.Change(ctx, t, role, was, t.now)
	})
}

func holds(list []string, s string) bool { return len(without(list, s)) < len(list) }

func without(list []string, s string) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		if x != s {
			out = append(out, x)
		}
	}
	return out
}

func roleBy(r *organization.Roles, keyOrID string) (*organization.Role, error) {
	if role := r.ByID(keyOrID); role != nil {
		return role, nil
	}
	if role := r.Role(keyOrID); role != nil {
		return role, nil
	}
	return nil, store.ErrNotFound
}

// DeleteRole removes a role that is not in use.
func (os Organizations) DeleteRole(ctx context.Context, keyOrID string) (gone *organization.Role, err error) {
	_, err = os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		if gone, err = roleBy(r, keyOrID); err != nil {
			return err
		}
		return r.Delete(ctx, t, gone, t.now)
	})
	return gone, err
}

// SetDefaultRoles chooses the roles that founders and new members get; empty
// leaves one. Roles are named by key or ID.
func (os Organizations) SetDefaultRoles(ctx context.Context, creator, member string) (*RolesView, error) {
	return os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		for _, c := range []struct {
			name, param string
			set         func(context.Context, store.Tx, string, time.Time) error
		}{{creator, "creator_role_id", r.SetCreator}, {member, "domains_default_role_id", r.SetDefault}} {
			if c.name == "" {
				continue
			}
			role, err := roleBy(r, c.name)
			if err != nil {
				return missingAs(err, fault.New("form_resource_not_found", c.param))
			}
			if err := c.set(ctx, t, role.Key, t.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// CreatePermission makes a permission.
func (os Organizations) CreatePermission(ctx context.Context, key, name, description string) (p *organization.Permission, err error) {
	_, err = os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		p = &organization.Permission{Key: key, Name: name, Description: description}
		return organization.PutPermission(ctx, t, r, p, t.now)
	})
	return p, err
}

// Permission returns a permission by key or ID, or store.ErrNotFound.
func (os Organizations) Permission(ctx context.Context, keyOrID string) (p *organization.Permission, err error) {
	err = os.view(ctx, func(tx store.Tx) error {
		p, err = organization.GetPermission(ctx, tx, keyOrID)
		return err
	})
	return p, err
}

// UpdatePermission changes a permission of the host's own; nil leaves a field.
func (os Organizations) UpdatePermission(ctx context.Context, keyOrID string, key, name, description *string) (p *organization.Permission, err error) {
	_, err = os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		if p, err = organization.GetPermission(ctx, t, keyOrID); err != nil {
			return err
		}
		if p.System() {
			return organization.ErrSystemPermission
		}
		old := p.Key
		if name != nil {
			p.Name = *name
		}
		if description != nil {
			p.Description = *description
		}
		if key != nil {
			p.Key = *key
		}
		if err := organization.PutPermission(ctx, t, r, p, t.now); err != nil || p.Key == old {
			return err
		}
		return organization.RenamePermission(ctx, t, r, old, p.Key, t.now)
	})
	return p, err
}

// DeletePermission removes a permission of the host's own from every role.
func (os Organizations) DeletePermission(ctx context.Context, keyOrID string) (p *organization.Permission, err error) {
	_, err = os.changeRoles(ctx, func(t *txn, r *organization.Roles) error {
		if p, err = organization.GetPermission(ctx, t, keyOrID); err != nil {
			return err
		}
		return organization.DeletePermission(ctx, t, r, p, t.now)
	})
	return p, err
}

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
