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

// The system permissions. They speak of the organization itself, are never in
// a token, and are asked for where the organization is managed.
const (
	ManageProfile     = "org:sys_profile:manage"
	DeleteProfile     = "org:sys_profile:delete"
	ReadMemberships   = "org:sys_memberships:read"
	ManageMemberships = "org:sys_memberships:manage"
	ReadDomains       = "org:sys_domains:read"
	ManageDomains     = "org:sys_domains:manage"
	ReadBilling       = "org:sys_billing:read"
	ManageBilling     = "org:sys_billing:manage"
	ManageConnections = "org:sys_entconns:manage"
)

// systemPermissions are all of them, with what they are called.
var systemPermissions = []Permission{
	{Key: ManageProfile, Name: "Manage organization", Description: "Permission to manage an organization."},
	{Key: DeleteProfile, Name: "Delete organization", Description: "Permission to delete an organization."},
	{Key: ReadMemberships, Name: "Read members", Description: "Permission to see the members of an organization."},
	{Key: ManageMemberships, Name: "Manage members", Description: "Permission to manage the members of an organization."},
	{Key: ReadDomains, Name: "Read domains", Description: "Permission to see the domains of an organization."},
	{Key: ManageDomains, Name: "Manage domains", Description: "Permission to manage the domains of an organization."},
	{Key: ReadBilling, Name: "Read billing", Description: "Permission to see the billing of an organization."},
	{Key: ManageBilling, Name: "Manage billing", Description: "Permission to manage the billing of an organization."},
	{Key: ManageConnections, Name: "Manage enterprise connections", Description: "Permission to manage the enterprise connections of an organization."},
}

// minimum are the permissions that founders get and that somebody in an
// organization keeps.
var minimum = []string{ManageMemberships, ReadMemberships, DeleteProfile}

// MaxPermissions is how many permissions the host may define.
const MaxPermissions = 500

// A Permission is something that a role lets its members do:
// org:feature:permission.
type Permission struct {
	store.Meta
	Key         string    `json:"key"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// PermissionKind is where the host's own permissions are kept.
var PermissionKind = &store.Kind{Name: "permission", Indexes: []store.Index{{Name: "key", Unique: true}}}

var permissions = store.Table[Permission, *Permission]{Kind: PermissionKind}

// StoreEntries lists what a permission is found by.
func (p *Permission) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "key", Value: p.Key}}
}

// System reports whether the permission is built in.
func (p *Permission) System() bool { return IsSystemPermission(p.Key) }

// IsSystemPermission reports whether a key is that of a built-in permission.
func IsSystemPermission(key string) bool { return strings.HasPrefix(key, "org:sys_") }

// systemPermission returns the built-in permission with a key or an ID, or nil.
func systemPermission(keyOrID string) *Permission {
	for i := range systemPermissions {
		p := systemPermissions[i]
		p.ID = "perm_" + strings.ReplaceAll(strings.TrimPrefix(p.Key, "org:"), ":", "_")
		if keyOrID == p.Key || keyOrID == p.ID {
			return &p
		}
	}
	return nil
}

// SystemPermissions are the built-in permissions.
func SystemPermissions() []*Permission {
	out := make([]*Permission, len(systemPermissions))
	for i := range systemPermissions {
		out[i] = systemPermission(systemPermissions[i].Key)
	}
	return out
}

// CheckPermissionKey refuses what is not org:feature:permission, or begins like
// a built-in one: ErrPermissionKey.
func CheckPermissionKey(key string) error {
	parts := strings.Split(key, ":")
	if len(parts) != 3 || parts[0] != "org" || !word(parts[1]) || !word(parts[2]) || IsSystemPermission(key) {
		return fmt.Errorf("%w: %.80q is not org:feature:permission", ErrPermissionKey, key)
	}
	return nil
}

// maxWord is the length of a part of a key, in bytes.
const maxWord = 64

// word reports whether s is made of a-z, 0-9, _ and -.
func word(s string) bool {
	return s != "" && len(s) <= maxWord && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// Permissions returns the host's own permissions, by key.
func Permissions(ctx context.Context, tx store.Tx) ([]*Permission, error) {
	return permissions.Find(ctx, tx, store.Query{Order: "key"})
}

// GetPermission returns the permission with a key or an ID, also a built-in
// one, or store.ErrNotFound.
func GetPermission(ctx context.Context, tx store.Tx, keyOrID string) (*Permission, error) {
	if p := systemPermission(keyOrID); p != nil {
		return p, nil
	}
	if strings.HasPrefix(keyOrID, "org:") {
		return permissions.By(ctx, tx, "key", keyOrID)
	}
	return permissions.Get(ctx, tx, keyOrID)
}

// PutPermission stores a permission of the host's own. The role set is the
// guard of how many there are.
func PutPermission(ctx context.Context, tx store.Tx, r *Roles, p *Permission, now time.Time) error {
	if err := CheckPermissionKey(p.Key); err != nil {
		return err
	}
	if p.Name = strings.TrimSpace(p.Name); p.Name == "" {
		p.Name = p.Key
	}
	if err := checkText(p.Name, p.Description); err != nil {
		return err
	}
	if p.Version == 0 {
		n, err := permissions.Count(ctx, tx, store.Query{})
		if err != nil {
			return err
		}
		if n >= MaxPermissions {
			return ErrTooManyPermissions
		}
		p.ID, p.CreatedAt = store.NewID("perm", now), now
	}
	p.UpdatedAt = now
	if err := permissions.Put(ctx, tx, p); err != nil {
		return err
	}
	return r.touch(ctx, tx, now)
}

// RenamePermission gives the roles that hold a permission, which was stored
// under another key, that one instead.
func RenamePermission(ctx context.Context, tx store.Tx, r *Roles, old, key string, now time.Time) error {
	return r.replacePermission(ctx, tx, old, key, now)
}

// DeletePermission removes a permission of the host's own, and takes it from
// every role.
func DeletePermission(ctx context.Context, tx store.Tx, r *Roles, p *Permission, now time.Time) error {
	if p.System() {
		return ErrSystemPermission
	}
	if err := r.replacePermission(ctx, tx, p.Key, "", now); err != nil {
		return err
	}
	if err := permissions.Delete(ctx, tx, p); err != nil {
		return err
	}
	return r.touch(ctx, tx, now)
}

// known refuses permissions that there are none of.
func known(ctx context.Context, tx store.Tx, keys []string) error {
	for _, key := range keys {
		if _, err := GetPermission(ctx, tx, key); errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%w: %.80q", ErrUnknownPermission, key)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// holdsAll reports whether every one of need is among have.
func holdsAll(have, need []string) bool {
	for _, p := range need {
		if !slices.Contains(have, p) {
			return false
		}
	}
	return true
}
