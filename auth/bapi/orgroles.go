package bapi

import (
	"errors"
	"slices"
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

// named sorts and cuts a short list as the query asks: by name, key or time,
// those with a text in their name or key.
func named[T any](q *httpx.Form, list []T, text func(T) (name, key string, at int64)) (wire.List[T], error) {
	p := orgPage(q)
	search, _ := q.StringMax("query", 256)
	search = strings.ToLower(strings.TrimSpace(search))
	order := strings.TrimSpace(p.OrderBy)
	field := strings.TrimLeft(order, "+-")
	if !slices.Contains([]string{"", "name", "key", "created_at"}, field) {
		q.Fail(httpx.CodeQueryValue, "order_by", "must be name, key or created_at")
	}
	if err := q.Err(); err != nil {
		return wire.List[T]{}, err
	}
	list = slices.DeleteFunc(list, func(v T) bool {
		name, key, _ := text(v)
		return search != "" && !strings.Contains(strings.ToLower(name), search) && !strings.Contains(key, search)
	})
	slices.SortStableFunc(list, func(a, b T) int {
		nameA, keyA, atA := text(a)
		nameB, keyB, atB := text(b)
		c := 0
		switch field {
		case "name":
			c = strings.Compare(nameA, nameB)
		case "key":
			c = strings.Compare(keyA, keyB)
		default:
			c = int(min(max(atA-atB, -1), 1))
		}
		if strings.HasPrefix(order, "-") || order == "" {
			c = -c
		}
		return c
	})
	total := len(list)
	list = list[min(p.Offset, total):]
	return wire.NewList(list[:min(p.Limit, len(list))], total), nil
}

// ofRoles calls do with the query and all roles.
func (c *call) ofRoles(do func(q *httpx.Form, v *engine.RolesView) (any, error)) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	v, err := c.orgs().Roles(c.r.Context())
	if err != nil {
		return nil, err
	}
	return do(q, v)
}

func listRoles(c *call) (any, error) {
	return c.ofRoles(func(q *httpx.Form, v *engine.RolesView) (any, error) {
		return named(q, frontend.Roles(v), func(r frontend.Role) (string, string, int64) { return r.Name, r.Key, r.CreatedAt })
	})
}

// role answers with the role that has a key or an ID.
func role(v *engine.RolesView, keyOrID string) (any, error) {
	for _, r := range v.Roles.All() {
		if r.ID == keyOrID || r.Key == keyOrID {
			return frontend.NewRole(v, r), nil
		}
	}
	return nil, store.ErrNotFound
}

// ofRole calls do with the role in the path.
func (c *call) ofRole(do func(id string) (*engine.RolesView, error)) (any, error) {
	id, err := c.id("organization_role_id")
	if err != nil {
		return nil, err
	}
	v, err := do(id)
	if err != nil {
		return nil, err
	}
	return role(v, id)
}

func getRole(c *call) (any, error) {
	return c.ofRole(func(string) (*engine.RolesView, error) { return c.orgs().Roles(c.r.Context()) })
}

// permissionKeys turns IDs of permissions, as clients send them, into keys.
func (c *call) permissionKeys(ids []string) ([]string, error) {
	out := []string{}
	for _, id := range ids {
		p, err := c.orgs().Permission(c.r.Context(), id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, organization.ErrUnknownPermission
		} else if err != nil {
			return nil, err
		}
		out = append(out, p.Key)
	}
	return out, nil
}

func createRole(c *call) (any, error) {
	f, err := c.body("name", "key", "description", "permissions", "include_in_initial_role_set")
	if err != nil {
		return nil, err
	}
	name, key := f.Require("name"), f.Require("key")
	description, _ := f.String("description")
	ids, _ := f.Strings("permissions")
	f.Bool("include_in_initial_role_set") // there is one set
	if err := f.Err(); err != nil {
		return nil, err
	}
	permissions, err := c.permissionKeys(ids)
	if err != nil {
		return nil, err
	}
	v, err := c.orgs().CreateRole(c.r.Context(), key, name, description, permissions)
	if err != nil {
		return nil, err
	}
	return role(v, key)
}

func updateRole(c *call) (any, error) {
	return c.ofRole(func(id string) (*engine.RolesView, error) {
		f, err := c.body("name", "key", "description", "permissions")
		if err != nil {
			return nil, err
		}
		p := engine.UpdateRoleParams{Name: given(f, "name"), Description: given(f, "description")}
		key := given(f, "key")
		ids, ok := f.Strings("permissions")
		if err := f.Err(); err != nil {
			return nil, err
		}
		if ok && !f.Null("permissions") {
			if p.Permissions, err = c.permissionKeys(ids); err != nil {
				return nil, err
			}
		}
		if key != nil {
			v, err := c.orgs().Roles(c.r.Context())
			if err != nil {
				return nil, err
			}
			if have := v.Roles.ByID(id); have != nil && have.Key != *key {
				// Members and invitations name it, in tokens too.
				return nil, fault.New("form_param_value_invalid", "key").Say("The key of a role cannot be changed.")
			}
		}
		return c.orgs().UpdateRole(c.r.Context(), id, p)
	})
}

func deleteRole(c *call) (any, error) {
	id, err := c.id("organization_role_id")
	if err != nil {
		return nil, err
	}
	r, err := c.orgs().DeleteRole(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return wire.NewDeleted("role", r.ID), nil
}

func addRolePermission(c *call) (any, error)  { return c.rolePermission(true) }
func dropRolePermission(c *call) (any, error) { return c.rolePermission(false) }

func (c *call) rolePermission(add bool) (any, error) {
	return c.ofRole(func(id string) (*engine.RolesView, error) {
		pid, err := c.id("permission_id")
		if err != nil {
			return nil, err
		}
		p, err := c.orgs().Permission(c.r.Context(), pid)
		if err != nil {
			return nil, err
		}
		if add {
			return c.orgs().UpdateRole(c.r.Context(), id, engine.UpdateRoleParams{Add: p.Key})
		}
		return c.orgs().UpdateRole(c.r.Context(), id, engine.UpdateRoleParams{Remove: p.Key})
	})
}

func listPermissions(c *call) (any, error) {
	return c.ofRoles(func(q *httpx.Form, v *engine.RolesView) (any, error) {
		var list []frontend.Permission
		for _, p := range v.All() {
			list = append(list, frontend.NewPermission(p))
		}
		return named(q, list, func(p frontend.Permission) (string, string, int64) { return p.Name, p.Key, p.CreatedAt })
	})
}

func permission(p *organization.Permission, err error) (any, error) {
	return shown(frontend.NewPermission)(p, err)
}

func createPermission(c *call) (any, error) {
	f, err := c.body("name", "key", "description")
	if err != nil {
		return nil, err
	}
	name, key := f.Require("name"), f.Require("key")
	description, _ := f.String("description")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return permission(c.orgs().CreatePermission(c.r.Context(), key, name, description))
}

func getPermission(c *call) (any, error) {
	id, err := c.id("permission_id")
	if err != nil {
		return nil, err
	}
	return permission(c.orgs().Permission(c.r.Context(), id))
}

func updatePermission(c *call) (any, error) {
	id, err := c.id("permission_id")
	if err != nil {
		return nil, err
	}
	f, err := c.body("name", "key", "description")
	if err != nil {
		return nil, err
	}
	name, key, description := given(f, "name"), given(f, "key"), given(f, "description")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return permission(c.orgs().UpdatePermission(c.r.Context(), id, key, name, description))
}

func deletePermission(c *call) (any, error) {
	id, err := c.id("permission_id")
	if err != nil {
		return nil, err
	}
	p, err := c.orgs().DeletePermission(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return wire.NewDeleted("permission", p.ID), nil
}

func listRoleSets(c *call) (any, error) {
	return c.ofRoles(func(q *httpx.Form, v *engine.RolesView) (any, error) {
		return named(q, []backend.RoleSet{backend.NewRoleSet(v)}, func(s backend.RoleSet) (string, string, int64) { return s.Name, s.Key, s.CreatedAt })
	})
}

// theRoleSet is the only set of roles, if the path names it.
func (c *call) theRoleSet() (set backend.RoleSet, err error) {
	id, err := c.id("role_set_key_or_id")
	if err != nil {
		return set, err
	}
	v, err := c.orgs().Roles(c.r.Context())
	if err != nil {
		return set, err
	}
	if set = backend.NewRoleSet(v); id != set.ID && id != set.Key {
		err = store.ErrNotFound
	}
	return set, err
}

func getRoleSet(c *call) (any, error) {
	set, err := c.theRoleSet()
	if err != nil {
		return nil, err
	}
	return set, nil
}

// updateRoleSet chooses the roles that founders and new members get.
func updateRoleSet(c *call) (any, error) {
	if _, err := c.theRoleSet(); err != nil {
		return nil, err
	}
	f, err := c.body("default_role_key", "creator_role_key")
	if err != nil {
		return nil, err
	}
	member, _ := f.String("default_role_key")
	creator, _ := f.String("creator_role_key")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return shown(backend.NewRoleSet)(c.orgs().SetDefaultRoles(c.r.Context(), creator, member))
}

func getOrgSettings(c *call) (any, error) {
	v, err := c.orgs().Roles(c.r.Context())
	if err != nil {
		return nil, err
	}
	o := c.engine.Settings(c.r.Context()).Organizations
	return backend.OrganizationSettings{Object: "organization_settings", Enabled: o.Enabled, MaxAllowedMemberships: o.MaxMemberships,
		MaxAllowedRoles: organization.MaxRoles, MaxRoleSetsAllowed: 1, MaxAllowedDomains: organization.MaxDomains, MaxAllowedPermissions: organization.MaxPermissions,
		CreatorRole: v.Roles.Creator(), AdminDeleteEnabled: o.AdminDelete, DomainsEnabled: o.Domains, SlugDisabled: !o.Slugs,
		DomainsEnrollmentModes: append([]string{organization.ManualInvitation}, o.EnrollmentModes...), DomainsDefaultRole: v.Roles.Default(),
		InitialRoleSetKey: backend.NewRoleSet(v).Key}, nil
}

func updateOrgSettings(c *call) (any, error) {
	f, err := c.body("enabled", "max_allowed_memberships", "admin_delete_enabled", "domains_enabled", "slug_disabled", "domains_enrollment_modes",
		"creator_role_id", "domains_default_role_id")
	if err != nil {
		return nil, err
	}
	enabled, adminDelete, domains, slugsOff := optional(f, "enabled"), optional(f, "admin_delete_enabled"), optional(f, "domains_enabled"), optional(f, "slug_disabled")
	max := readCount(f, "max_allowed_memberships")
	modes, modesGiven := f.Strings("domains_enrollment_modes")
	creator, _ := f.String("creator_role_id")
	member, _ := f.String("domains_default_role_id")
	for _, m := range modes {
		if !slices.Contains(organization.EnrollmentModes, m) {
			f.Fail("form_param_value_invalid", "domains_enrollment_modes", "is no enrollment mode")
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	automatic := slices.DeleteFunc(modes, func(m string) bool { return m == organization.ManualInvitation })
	if creator != "" || member != "" {
		if _, err := c.orgs().SetDefaultRoles(c.r.Context(), creator, member); err != nil {
			return nil, err
		}
	}
	err = c.engine.UpdateSettings(c.r.Context(), func(s *settings.Settings) error {
		o := &s.Organizations
		set(&o.Enabled, enabled)
		set(&o.AdminDelete, adminDelete)
		set(&o.Domains, domains)
		if slugsOff != nil {
			o.Slugs = !*slugsOff
		}
		if max != nil {
			o.MaxMemberships = *max
		}
		if modesGiven && !f.Null("domains_enrollment_modes") {
			o.EnrollmentModes = automatic
		}
		if !o.Enabled { // what else is on goes off with it
			o.ForceSelection, o.Domains, o.Teams = false, false, false
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return getOrgSettings(c)
}

func set(field *bool, v *bool) {
	if v != nil {
		*field = *v
	}
}
