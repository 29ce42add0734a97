package organization

import (
	"context"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

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
