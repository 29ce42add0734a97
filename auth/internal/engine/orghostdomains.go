package engine

import (
	"context"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

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
			if err := organization.DropPending(ctx, t, s.org, d, t.now); err != nil {
				return err
			}
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
