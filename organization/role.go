package organization

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usherauth/usher/store"
)

// The roles that are built in.
const (
	Admin  = "org:admin"
	Member = "org:member"
)

// MaxRoles is how many roles the host may add to those that are built in.
const MaxRoles = 10

// A Role is a set of permissions that members are given under one name. Roles
// are the same in all organizations.
type Role struct {
	store.Meta
	Key         string    `json:"key"` // org:key
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Permissions []string  `json:"permissions,omitempty"` // keys, sorted
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// RoleKind is where roles are kept.
var RoleKind = &store.Kind{Name: "role", Indexes: []store.Index{{Name: "key", Unique: true}}}

var roles = store.Table[Role, *Role]{Kind: RoleKind}

// StoreEntries lists what a role is found by.
func (r *Role) StoreEntries() []store.Entry { return []store.Entry{{Index: "key", Value: r.Key}} }

// System reports whether the role is built in.
func (r *Role) System() bool { return r.Key == Admin || r.Key == Member }

// Manager reports whether the role holds the minimum permissions.
func (r *Role) Manager() bool { return holdsAll(r.Permissions, minimum) }

// A RoleSet is the one record that guards the list of roles and says which of
// them founders and new members get. Its version moves with every change of a
// role or permission.
type RoleSet struct {
	store.Meta
	CreatorRole string    `json:"creator_role"`
	DefaultRole string    `json:"default_role"`
	UpdatedAt   time.Time `json:"updated_at"`
	CreatedAt   time.Time `json:"created_at"`
}

// RoleSetKind is where the role set is kept.
var RoleSetKind = &store.Kind{Name: "role_set"}

var roleSets = store.Table[RoleSet, *RoleSet]{Kind: RoleSetKind}

// roleSetID names the only one.
const roleSetID = "rset_default"

// StoreEntries is empty: there is one.
func (*RoleSet) StoreEntries() []store.Entry { return nil }

// Roles are all roles as they were in one transaction, with the set that guards
// them.
type Roles struct {
	Set   *RoleSet
	list  []*Role
	byKey map[string]*Role
}

// LoadRoles reads all roles. The first call in an instance's life must be
// [EnsureRoles].
func LoadRoles(ctx context.Context, tx store.Tx) (*Roles, error) {
	set, err := roleSets.Get(ctx, tx, roleSetID)
	if err != nil {
		return nil, err
	}
	list, err := roles.Find(ctx, tx, store.Query{})
	if err != nil {
		return nil, err
	}
	r := &Roles{Set: set, list: list}
	r.index()
	return r, nil
}

func (r *Roles) index() {
	slices.SortStableFunc(r.list, func(a, b *Role) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	r.byKey = make(map[string]*Role, len(r.list))
	for _, role := range r.list {
		r.byKey[role.Key] = role
	}
}

// All lists the roles, oldest first.
func (r *Roles) All() []*Role { return slices.Clone(r.list) }

// Role returns the role with a key, or nil. The key org:basic_member, which
// older clients know, is org:member.
func (r *Roles) Role(key string) *Role {
	if key == "org:basic_member" || key == "basic_member" {
		key = Member
	}
	if !strings.HasPrefix(key, "org:") && (key == "admin" || key == "member") {
		key = "org:" + key
	}
	return r.byKey[key]
}

// ByID returns the role with an ID, or nil.
func (r *Roles) ByID(id string) *Role {
	for _, role := range r.list {
		if role.ID == id {
			return role
		}
	}
	return nil
}

// Creator is the key of the role that founders get.
func (r *Roles) Creator() string { return r.Set.CreatorRole }

// Default is the key of the role that people get who join by themselves.
func (r *Roles) Default() string { return r.Set.DefaultRole }

// Permissions are those of a role; none if there is no such role.
func (r *Roles) Permissions(role string) []string {
	if have := r.byKey[role]; have != nil {
		return have.Permissions
	}
	return nil
}

// Manager reports whether a role holds the minimum permissions.
func (r *Roles) Manager(role string) bool {
	have := r.byKey[role]
	return have != nil && have.Manager()
}

// Allow refuses somebody with a role who lacks a permission.
func (r *Roles) Allow(role, permission string) error {
	if !slices.Contains(r.Permissions(role), permission) {
		return fmt.Errorf("%w: %s", ErrMissingPermission, permission)
	}
	return nil
}

// AllowRoles refuses somebody with a role who gives or takes one of others:
// that needs the right to manage memberships, and nobody gives or takes more
// than they have. Empty roles stand for being outside.
func (r *Roles) AllowRoles(role string, others ...string) error {
	if err := r.Allow(role, ManageMemberships); err != nil {
		return err
	}
	for _, other := range others {
		have := r.Role(other)
		if have != nil && !holdsAll(r.Permissions(role), have.Permissions) {
			return fmt.Errorf("%w: %s holds more than %s", ErrMissingPermission, other, role)
		}
	}
	return nil
}

// touch moves the version of the set.
func (r *Roles) touch(ctx context.Context, tx store.Tx, now time.Time) error {
	r.Set.UpdatedAt = now
	return roleSets.Put(ctx, tx, r.Set)
}

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
			if systemPermission(p) == nil && !c.Declares(p) {
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

// Declares reports whether the catalogue has a permission.
func (c Catalogue) Declares(permission string) bool {
	return slices.ContainsFunc(c.Permissions, func(p PermissionDefinition) bool { return p.Key == permission })
}

// CheckRoleKey refuses what is not org:key: ErrRoleKey.
func CheckRoleKey(key string) error {
	rest, ok := strings.CutPrefix(key, "org:")
	if !ok || !word(rest) {
		return fmt.Errorf("%w: %.80q is not org:key", ErrRoleKey, key)
	}
	return nil
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
// brings what it defines up to date. What was made at run time stays.
func EnsureRoles(ctx context.Context, tx store.Tx, c Catalogue, now time.Time) error {
	r, err := LoadRoles(ctx, tx)
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
			return err
		}
	}
	return nil
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
	have.Permissions = want
	if def.Name != "" {
		have.Name = def.Name
	}
	if def.Description != "" {
		have.Description = def.Description
	}
	return r.put(ctx, tx, have, now)
}

func sorted(keys []string) []string {
	out := slices.Clone(keys)
	slices.Sort(out)
	return slices.Compact(out)
}

// NewRole returns a role that is not stored yet.
func NewRole(key, name, description string, permissions []string, now time.Time) *Role {
	return RoleDefinition{Key: key, Name: name, Description: description, Permissions: permissions}.role(now)
}

// Add stores a new role of the host's own.
func (r *Roles) Add(ctx context.Context, tx store.Tx, role *Role, now time.Time) error {
	if err := CheckRoleKey(role.Key); err != nil {
		return err
	}
	custom := 0
	for _, have := range r.list {
		if !have.System() {
			custom++
		}
	}
	if custom >= MaxRoles {
		return ErrTooManyRoles
	}
	if err := r.put(ctx, tx, role, now); err != nil {
		return err
	}
	r.list = append(r.list, role)
	r.index()
	return nil
}

// Change stores role after it was changed. was are its permissions before. The
// key of a role is for ever: members and invitations name it.
func (r *Roles) Change(ctx context.Context, tx store.Tx, role *Role, was []string, now time.Time) error {
	lost := holdsAll(was, minimum) && !role.Manager()
	if lost && (role.Key == Admin || role.Key == r.Set.CreatorRole) {
		return ErrRoleCreator
	}
	if lost { // organizations may have nobody else
		used, err := assigned(ctx, tx, role.Key)
		if err != nil {
			return err
		}
		if used {
			return ErrLastManager
		}
	}
	return r.put(ctx, tx, role, now)
}

func (r *Roles) put(ctx context.Context, tx store.Tx, role *Role, now time.Time) error {
	role.Permissions = sorted(role.Permissions)
	if err := checkText(role.Name, role.Description); err != nil {
		return err
	}
	if err := known(ctx, tx, role.Permissions); err != nil {
		return err
	}
	role.UpdatedAt = now
	if err := roles.Put(ctx, tx, role); err != nil {
		return err
	}
	return r.touch(ctx, tx, now)
}

// Delete removes a role of the host's own that nobody has, nobody is invited
// with, and nobody is to get.
func (r *Roles) Delete(ctx context.Context, tx store.Tx, role *Role, now time.Time) error {
	switch role.Key {
	case r.Set.CreatorRole:
		return ErrRoleCreatorUse
	case r.Set.DefaultRole:
		return ErrRoleDefaultUse
	case Admin, Member:
		return ErrSystemRole
	}
	used, err := assigned(ctx, tx, role.Key)
	if err != nil {
		return err
	}
	if used {
		return ErrRoleAssigned
	}
	if used, err = invited(ctx, tx, role.Key, now); err != nil {
		return err
	}
	if used {
		return ErrRoleInvited
	}
	if err := roles.Delete(ctx, tx, role); err != nil {
		return err
	}
	r.list = slices.DeleteFunc(r.list, func(x *Role) bool { return x.Key == role.Key })
	r.index()
	return r.touch(ctx, tx, now)
}

// SetCreator chooses the role that founders get.
func (r *Roles) SetCreator(ctx context.Context, tx store.Tx, key string, now time.Time) error {
	role := r.Role(key)
	switch {
	case role == nil:
		return ErrUnknownRole
	case !role.Manager():
		return ErrRoleCreator
	}
	r.Set.CreatorRole = role.Key
	return r.touch(ctx, tx, now)
}

// SetDefault chooses the role that people get who join by themselves.
func (r *Roles) SetDefault(ctx context.Context, tx store.Tx, key string, now time.Time) error {
	role := r.Role(key)
	if role == nil {
		return ErrUnknownRole
	}
	r.Set.DefaultRole = role.Key
	return r.touch(ctx, tx, now)
}

// replacePermission gives a permission another key in every role, or none.
func (r *Roles) replacePermission(ctx context.Context, tx store.Tx, old, key string, now time.Time) error {
	for _, role := range r.list {
		i := slices.Index(role.Permissions, old)
		if i < 0 {
			continue
		}
		left := slices.Delete(slices.Clone(role.Permissions), i, i+1)
		if key != "" {
			left = append(left, key)
		}
		role.Permissions, role.UpdatedAt = sorted(left), now
		if err := roles.Put(ctx, tx, role); err != nil {
			return err
		}
	}
	return nil
}

// assign Puts a role of the host's own, so that whoever deletes it meanwhile
// collides. Built-in ones cannot be deleted.
func (r *Roles) assign(ctx context.Context, tx store.Tx, key string) error {
	role := r.byKey[key]
	switch {
	case role == nil:
		return ErrUnknownRole
	case role.System():
		return nil
	}
	return roles.Put(ctx, tx, role)
}

const (
	maxRoleName    = 256
	maxDescription = 1024
)

// checkText refuses names and descriptions that are too long or hold characters
// that change how a line is read.
func checkText(name, description string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > maxRoleName || utf8.RuneCountInString(description) > maxDescription {
		return fmt.Errorf("%w: empty or too long", ErrName)
	}
	for _, r := range name + description {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return fmt.Errorf("%w: character %U", ErrName, r)
		}
	}
	return nil
}
