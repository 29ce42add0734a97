package organization

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// A RoleDefinition is a role as the host writes it.
type RoleDefinition struct {
	Key, Name, Description string
	Permissions            []string
}

// A PermissionDefinition is a permission as the host writes it.
type PermissionDefinition struct{ Key, Name, Description string }

// A Catalogue is what the host defines in code.
type Catalogue struct {
	Permissions []PermissionDefinition
	Roles       []RoleDefinition
}

// Check refuses keys that are not well formed or stand twice, roles with
// permissions that are neither built in nor in the catalogue, and more roles
// than there can be.
func (c Catalogue) Check() error {
	var errs []error
	seen := map[string]bool{}
	for _, p := range c.Permissions {
		if err := CheckPermissionKey(p.Key); err != nil {
			errs = append(errs, err)
		} else if seen[p.Key] {
			errs = append(errs, fmt.Errorf("%w: %q stands twice", ErrPermissionKey, p.Key))
		}
		seen[p.Key] = true
	}
	custom := 0
	for _, r := range c.Roles {
		if err := CheckRoleKey(r.Key); err != nil {
			errs = append(errs, err)
		} else if seen[r.Key] {
			errs = append(errs, fmt.Errorf("%w: %q stands twice", ErrRoleKey, r.Key))
		}
		seen[r.Key] = true
		if r.Key != Admin && r.Key != Member {
			custom++
		}
		for _, p := range r.Permissions {
			if systemPermission(p) == nil && !c.declares(p) {
				errs = append(errs, fmt.Errorf("role %q: %w: %q", r.Key, ErrUnknownPermission, p))
			}
		}
		if r.Key == Admin && len(r.Permissions) > 0 && !holdsAll(r.Permissions, minimum) {
			errs = append(errs, fmt.Errorf("role %q: %w", r.Key, ErrRoleCreator))
		}
	}
	if custom > MaxRoles {
		errs = append(errs, ErrTooManyRoles)
	}
	return errors.Join(errs...)
}

// declares reports whether the catalogue has a permission.
func (c Catalogue) declares(permission string) bool {
	return slices.ContainsFunc(c.Permissions, func(p PermissionDefinition) bool { return p.Key == permission })
}

// systemRoles are the built-in roles as they are made. Admins get every
// permission of the host's too.
func systemRoles() []RoleDefinition {
	admin := RoleDefinition{Key: Admin, Name: "Admin", Description: "Role with elevated permissions"}
	for _, p := range systemPermissions {
		admin.Permissions = append(admin.Permissions, p.Key)
	}
	return []RoleDefinition{admin, {Key: Member, Name: "Member", Description: "Role with non-privileged permissions",
		Permissions: []string{ReadMemberships, ReadBilling}}}
}

// EnsureRoles makes the built-in roles and what the catalogue defines, and
// brings what it defines up to date. What was made at run time stays. Tokens of
// before a change do not hold any more. A role that members have keeps the
// minimum permissions if it holds them: ErrLastManager, ErrRoleCreator.
func EnsureRoles(ctx context.Context, tx store.Tx, c Catalogue, now time.Time) error {
	r, err := LoadRoles(ctx, tx)
	had := int64(0)
	if err == nil {
		had = r.Set.Version
	}
	if errors.Is(err, store.ErrNotFound) {
		r = &Roles{Set: &RoleSet{Meta: store.Meta{ID: roleSetID}, CreatorRole: Admin, DefaultRole: Member, CreatedAt: now}}
		for _, def := range systemRoles() {
			r.list = append(r.list, def.role(now))
		}
		r.index()
		for _, role := range r.list {
			if err := roles.Put(ctx, tx, role); err != nil {
				return err
			}
		}
		if err := r.touch(ctx, tx, now); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	for _, def := range c.Permissions {
		if err := r.ensurePermission(ctx, tx, def, now); err != nil {
			return err
		}
	}
	for _, def := range c.Roles {
		if err := r.ensureRole(ctx, tx, def, now); err != nil {
			return fmt.Errorf("role %q: %w", def.Key, err)
		}
	}
	if had == 0 || had == r.Set.Version {
		return nil
	}
	return PutChange(ctx, tx, &Change{Version: r.Set.Version, TokensUntil: r.Set.TokensUntil}, now)
}

func (def RoleDefinition) role(now time.Time) *Role {
	name := def.Name
	if name == "" {
		name = strings.TrimPrefix(def.Key, "org:")
	}
	return &Role{Meta: store.Meta{ID: store.NewID("role", now)}, Key: def.Key, Name: name, Description: def.Description,
		Permissions: sorted(def.Permissions), CreatedAt: now, UpdatedAt: now}
}

// ensurePermission makes a permission that the host defines in code. A new one
// is given to admins.
func (r *Roles) ensurePermission(ctx context.Context, tx store.Tx, def PermissionDefinition, now time.Time) error {
	p, err := permissions.By(ctx, tx, "key", def.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		p = &Permission{Key: def.Key, Name: def.Name, Description: def.Description}
		if err := PutPermission(ctx, tx, r, p, now); err != nil {
			return err
		}
		admin := r.byKey[Admin]
		admin.Permissions = sorted(append(admin.Permissions, def.Key))
		return roles.Put(ctx, tx, admin)
	case err != nil:
		return err
	case def.Name != "" && def.Name != p.Name || def.Description != "" && def.Description != p.Description:
		p.Name, p.Description = def.Name, def.Description
		return PutPermission(ctx, tx, r, p, now)
	}
	return nil
}

// ensureRole makes a role that the host defines in code, or gives it the
// permissions that the code says. Admins keep what they have.
func (r *Roles) ensureRole(ctx context.Context, tx store.Tx, def RoleDefinition, now time.Time) error {
	have := r.byKey[def.Key]
	if have == nil {
		return r.Add(ctx, tx, def.role(now), now)
	}
	want := sorted(def.Permissions)
	if def.Key == Admin {
		want = sorted(append(want, have.Permissions...))
	}
	if slices.Equal(want, have.Permissions) && (def.Name == "" || def.Name == have.Name) && (def.Description == "" || def.Description == have.Description) {
		return nil
	}
	was := have.Permissions
	have.Permissions = want
	if def.Name != "" {
		have.Name = def.Name
	}
	if def.Description != "" {
		have.Description = def.Description
	}
	return r.Change(ctx, tx, have, was, now)
}
