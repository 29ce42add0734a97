package engine

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

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
