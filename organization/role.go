package organization

import (
	"context"
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
	TokensUntil time.Time `json:"tokens_until,omitzero"` // see [NoteTokens]
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

// CheckRoleKey refuses what is not org:key: ErrRoleKey.
func CheckRoleKey(key string) error {
	rest, ok := strings.CutPrefix(key, "org:")
	if !ok || !word(rest) {
		return fmt.Errorf("%w: %.80q is not org:key", ErrRoleKey, key)
	}
	return nil
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
