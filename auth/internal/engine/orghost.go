package engine

import (
	"context"
	"encoding/json"
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
		if o, err = os.e.found(ctx, t, u, p); err != nil || u == nil {
			return err
		}
		u.NextOrganizationID = o.ID
		return user.Touch(ctx, t, u)
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
