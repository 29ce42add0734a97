package engine

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Resolver finds TXT records. [net.Resolver] is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// resolveTimeout bounds a look into the DNS.
const resolveTimeout = 5 * time.Second

func (e *Engine) resolver() Resolver {
	if e.cfg.Resolver != nil {
		return e.cfg.Resolver
	}
	return net.DefaultResolver
}

// A DomainView is a domain with all that is shown beside it.
type DomainView struct {
	*organization.Domain
	Organization       *organization.Organization
	Invited, Suggested int
	// TXTValue is the text of the record to be published; only who has just
	// asked for it knows it.
	TXTValue string
	Now      time.Time
}

func (e *Engine) viewDomain(ctx context.Context, tx store.Tx, o *organization.Organization, d *organization.Domain) (*DomainView, error) {
	v := &DomainView{Domain: d, Organization: o, Now: e.now()}
	var err error
	v.Invited, v.Suggested, err = organization.CountPending(ctx, tx, d)
	return v, err
}

// domainsOn refuses what needs domains where there are none.
func (e *Engine) domainsOn(ctx context.Context) error {
	if set := e.Settings(ctx).Organizations; set.Enabled && !set.Domains {
		return fault.New("organization_domains_not_enabled", "")
	}
	return nil
}

// checkMode refuses a way of enrolling that the settings do not offer.
func (e *Engine) checkMode(mode string) error {
	if !slices.Contains(organization.EnrollmentModes, mode) {
		return organization.ErrEnrollmentMode
	}
	if mode != organization.ManualInvitation && !slices.Contains(e.lastSettings().Organizations.EnrollmentModes, mode) {
		return fault.New("organization_domain_enrollment_mode_not_enabled", "enrollment_mode")
	}
	return nil
}

// addDomain stores a domain. If who acts has shown to own an address there, it
// is verified by that.
func (e *Engine) addDomain(ctx context.Context, t *txn, s *scope, name, mode string, vouched bool) (*DomainView, error) {
	canonical, err := organization.CanonicalDomain(name)
	if err != nil {
		return nil, err
	}
	if access.Disposable("x@" + canonical) {
		return nil, organization.ErrDomainBlocked
	}
	d, err := organization.AddDomain(ctx, t, s.org, canonical, t.now)
	if err != nil {
		return nil, err
	}
	strategy, address := organization.StrategyHost, ""
	if s.user != nil {
		strategy, address = organization.StrategyEmailCode, addressAt(s.user, canonical)
		vouched = vouched || address != ""
	}
	if vouched {
		d.AffiliationEmail = address
		d.Affiliation = &organization.Check{Strategy: strategy, Status: "verified", VerifiedAt: t.now}
		if err := d.Claim(ctx, t); err != nil {
			return nil, err
		}
	}
	if mode != "" {
		if err := e.setMode(ctx, t, s, d, mode, false); err != nil {
			return nil, err
		}
	}
	if err := organization.PutDomain(ctx, t, d, t.now); err != nil {
		return nil, err
	}
	return e.viewDomain(ctx, t, s.org, d)
}

func (e *Engine) setMode(ctx context.Context, t *txn, s *scope, d *organization.Domain, mode string, dropPending bool) error {
	if err := e.checkMode(mode); err != nil {
		return err
	}
	if dropPending {
		if err := organization.DropPending(ctx, t, s.org, d, t.now); err != nil {
			return err
		}
	}
	return d.SetMode(mode)
}

// addressAt is a verified address of u at a domain, or empty.
func addressAt(u *user.User, domain string) string {
	for _, id := range u.EmailAddresses {
		if id.Verified && domainOf(id.Canonical) == domain {
			return id.Canonical
		}
	}
	return ""
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// AddDomain adds a domain to an organization.
func (e *Engine) AddDomain(ctx context.Context, a *Actor, id, name, mode string) (v *DomainView, err error) {
	if err := e.domainsOn(ctx); err != nil {
		return nil, err
	}
	err = e.within(ctx, a, id, organization.ManageDomains, func(t *txn, s *scope) (err error) {
		v, err = e.addDomain(ctx, t, s, name, mode, false)
		return err
	})
	return v, err
}

// OrganizationDomains returns the domains of an organization and how many there
// are in all.
func (e *Engine) OrganizationDomains(ctx context.Context, a *Actor, id string, f organization.DomainFilter, p organization.Page) (list []*DomainView, total int, err error) {
	if err := e.domainsOn(ctx); err != nil {
		return nil, 0, err
	}
	err = e.look(ctx, a, id, organization.ReadDomains, func(tx store.Tx, s *scope) (err error) {
		f.OrganizationID = s.org.ID
		list, total, err = e.listDomains(ctx, tx, f, p)
		return err
	})
	return list, total, err
}

func (e *Engine) listDomains(ctx context.Context, tx store.Tx, f organization.DomainFilter, p organization.Page) ([]*DomainView, int, error) {
	ds, n, err := organization.Domains(ctx, tx, f, p)
	if err != nil {
		return nil, 0, err
	}
	var ids []string
	for _, d := range ds {
		ids = append(ids, d.OrganizationID)
	}
	os, err := organization.GetAll(ctx, tx, compact(ids)...)
	if err != nil {
		return nil, 0, err
	}
	var list []*DomainView
	for _, d := range ds {
		v, err := e.viewDomain(ctx, tx, os[d.OrganizationID], d)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, v)
	}
	return list, n, nil
}

// OrganizationDomain returns a domain of an organization.
func (e *Engine) OrganizationDomain(ctx context.Context, a *Actor, id, domainID string) (v *DomainView, err error) {
	if err := e.domainsOn(ctx); err != nil {
		return nil, err
	}
	err = e.look(ctx, a, id, organization.ReadDomains, func(tx store.Tx, s *scope) error {
		d, err := domainIn(ctx, tx, s, domainID)
		if err != nil {
			return err
		}
		v, err = e.viewDomain(ctx, tx, s.org, d)
		return err
	})
	return v, err
}

func domainIn(ctx context.Context, tx store.Tx, s *scope, id string) (*organization.Domain, error) {
	d, err := organization.GetDomain(ctx, tx, s.org.ID, id)
	return d, missingAs(err, fault.New("resource_not_found", ""))
}

// withDomain runs fn with a domain of an organization, which is stored after.
func (e *Engine) withDomain(ctx context.Context, a *Actor, id, domainID string, fn func(t *txn, s *scope, d *organization.Domain) error) (v *DomainView, err error) {
	if err := e.domainsOn(ctx); err != nil {
		return nil, err
	}
	err = e.within(ctx, a, id, organization.ManageDomains, func(t *txn, s *scope) error {
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
		v, err = e.viewDomain(ctx, t, s.org, d)
		return err
	})
	return v, err
}

// DeleteDomain removes a domain from an organization.
func (e *Engine) DeleteDomain(ctx context.Context, a *Actor, id, domainID string) error {
	if err := e.domainsOn(ctx); err != nil {
		return err
	}
	return e.within(ctx, a, id, organization.ManageDomains, func(t *txn, s *scope) error {
		return e.deleteDomain(ctx, t, s, domainID)
	})
}

func (e *Engine) deleteDomain(ctx context.Context, t *txn, s *scope, id string) error {
	d, err := domainIn(ctx, t, s, id)
	if err != nil {
		return err
	}
	if err := e.dropVerification(ctx, t, d.ID); err != nil {
		return err
	}
	return organization.DeleteDomain(ctx, t, s.org, d, t.now)
}

// SetEnrollmentMode changes how people come in by a domain; dropPending takes
// back what it has offered before.
func (e *Engine) SetEnrollmentMode(ctx context.Context, a *Actor, id, domainID, mode string, dropPending bool) (*DomainView, error) {
	return e.withDomain(ctx, a, id, domainID, func(t *txn, s *scope, d *organization.Domain) error {
		return e.setMode(ctx, t, s, d, mode, dropPending)
	})
}
