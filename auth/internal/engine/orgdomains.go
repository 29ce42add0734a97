package engine

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
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

// PrepareAffiliation sends a code to an address at a domain.
func (e *Engine) PrepareAffiliation(ctx context.Context, a *Actor, id, domainID, address string) (*DomainView, error) {
	v, err := e.OrganizationDomain(ctx, a, id, domainID)
	if err != nil {
		return nil, err
	}
	canonical, err := user.CanonicalEmail(address)
	if err != nil {
		return nil, renamed(fault.From(err), "affiliation_email_address")
	}
	if domainOf(canonical) != v.Name {
		return nil, organization.ErrAffiliation
	}
	set := e.Settings(ctx)
	if err := e.allowMail(canonical, set); err != nil {
		return nil, err
	}
	st := factor.EmailCode{Key: e.secrets.code}
	prepared, err := st.Prepare(ctx, factor.Challenge{Now: e.now(), Subject: factor.Subject{Settings: set},
		Option: factor.Option{Strategy: st.Traits().Name, TargetID: domainID, Target: canonical}})
	if err != nil {
		return nil, err
	}
	return e.withDomain(ctx, a, id, domainID, func(t *txn, s *scope, d *organization.Domain) error {
		if d.Affiliation != nil && d.Affiliation.Status == "verified" {
			return fault.New("verification_already_verified", "")
		}
		r, err := verificationTab.Get(ctx, t, d.ID)
		if missingAs(err, nil) != nil {
			return err
		}
		if err != nil {
			r = &addressVerification{Meta: store.Meta{ID: d.ID}, UserID: s.org.ID}
		} else if err := factor.CanResend(&r.Verification, prepared.Verification, set.Codes, t.now); err != nil {
			return err
		}
		r.Verification, r.Expires = prepared.Verification, prepared.Verification.ExpireAt.Add(day)
		if err := verificationTab.Put(ctx, t, r); err != nil {
			return err
		}
		d.AffiliationEmail = canonical
		d.Affiliation = &organization.Check{Strategy: organization.StrategyEmailCode, Status: "unverified", ExpireAt: r.Verification.ExpireAt}
		if err := e.countMail(ctx, t, canonical, a.Browser.Request); err != nil {
			return err
		}
		m := codeMail(*prepared.Send, a.Browser.Request, t.now)
		m.Slug, m.Data.OrganizationName = notify.AffiliationCode, s.org.Name
		return e.enqueue(ctx, t, m)
	})
}

// AttemptAffiliation verifies a domain with the code that was sent to an
// address there. A wrong one counts.
func (e *Engine) AttemptAffiliation(ctx context.Context, a *Actor, id, domainID, code string) (*DomainView, error) {
	set := e.Settings(ctx)
	if err := e.allow("attempt_domain", a.Browser.Addr, set.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	v, err := e.OrganizationDomain(ctx, a, id, domainID)
	if err != nil {
		return nil, err
	}
	var r *addressVerification
	err = e.view(ctx, func(tx store.Tx) (err error) {
		r, err = verificationTab.Get(ctx, tx, v.Domain.ID)
		return missingAs(err, fault.New("verification_missing", ""))
	})
	if err != nil {
		return nil, err
	}
	if err := e.countCode(ctx, r.Verification.Target, set); err != nil {
		return nil, err
	}
	st := factor.EmailCode{Key: e.secrets.code}
	fact, err := st.Verify(ctx, factor.Challenge{Verification: &r.Verification, Now: e.now(), Subject: factor.Subject{Settings: set}}, factor.Proof{Code: code})
	if err != nil {
		return nil, err
	}
	var refused error
	v, err = e.withDomain(ctx, a, id, domainID, func(t *txn, s *scope, d *organization.Domain) error {
		r, err := verificationTab.Get(ctx, t, d.ID)
		if err != nil {
			return missingAs(err, fault.New("verification_missing", ""))
		}
		refused = factor.Settle(&r.Verification, fact, set.Codes, t.now)
		if err := verificationTab.Put(ctx, t, r); err != nil {
			return err
		}
		c := d.Affiliation
		if c == nil {
			c = &organization.Check{Strategy: organization.StrategyEmailCode}
			d.Affiliation = c
		}
		c.Attempts, c.Status, c.ExpireAt = r.Verification.Attempts, string(r.Verification.Status), r.Verification.ExpireAt
		if refused != nil {
			return nil // the try counts
		}
		c.Status, c.VerifiedAt = "verified", t.now
		return d.Claim(ctx, t)
	})
	if err == nil {
		err = refused
	}
	return v, err
}

// PrepareOwnership begins to show that an organization runs a domain: a TXT
// record is to be published.
func (e *Engine) PrepareOwnership(ctx context.Context, a *Actor, id, domainID string) (*DomainView, error) {
	value := ""
	v, err := e.withDomain(ctx, a, id, domainID, func(t *txn, _ *scope, d *organization.Domain) error {
		if d.Ownership != nil && d.Ownership.Status == "verified" {
			return fault.New("verification_already_verified", "")
		}
		value = d.PrepareTXT(t.now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.TXTValue = value
	return v, nil
}

// AttemptOwnership looks for the record.
func (e *Engine) AttemptOwnership(ctx context.Context, a *Actor, id, domainID string) (*DomainView, error) {
	v, err := e.OrganizationDomain(ctx, a, id, domainID)
	if err != nil {
		return nil, err
	}
	if err := e.allow("resolve", a.Browser.Addr, e.Settings(ctx).Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	records := e.lookUp(ctx, v.Name)
	var refused error
	v, err = e.withDomain(ctx, a, id, domainID, func(t *txn, _ *scope, d *organization.Domain) error {
		if d.Ownership == nil {
			return fault.New("verification_missing", "")
		}
		if refused = nil; !d.CheckTXT(records, t.now) {
			refused = fault.New("organization_domain_ownership_not_verified", "")
			return nil // the try counts
		}
		return d.Claim(ctx, t)
	})
	if err == nil {
		err = refused
	}
	return v, err
}

// lookUp asks the DNS, outside of any transaction.
func (e *Engine) lookUp(ctx context.Context, domain string) []string {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	records, err := e.resolver().LookupTXT(ctx, organization.TXTName+"."+domain)
	if err != nil {
		e.log.DebugContext(ctx, "domain not resolved", "domain", domain, "err", err)
	}
	return records
}

// enroll offers a user, in t, what the verified domains of the user's addresses
// offer: at each sign-in, and when a session is used.
func (e *Engine) enroll(ctx context.Context, t *txn, u *user.User) error {
	return e.offers(ctx, t, u, func(d *organization.Domain, address string) error {
		o, err := organization.Get(ctx, t, d.OrganizationID)
		if err != nil {
			return missingAs(err, nil)
		}
		roles, err := organization.LoadRoles(ctx, t)
		if err != nil {
			return err
		}
		return organization.Enroll(ctx, t, o, roles, d, u, address, t.now)
	})
}

// offers calls fn with each domain that has something new for u.
func (e *Engine) offers(ctx context.Context, tx store.Tx, u *user.User, fn func(d *organization.Domain, address string) error) error {
	set := e.lastSettings().Organizations
	if !set.Enabled || !set.Domains || len(set.EnrollmentModes) == 0 {
		return nil
	}
	for _, address := range verifiedCanonical(u) {
		d, err := organization.VerifiedDomain(ctx, tx, domainOf(address))
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if !slices.Contains(set.EnrollmentModes, d.EnrollmentMode) {
			continue
		}
		due, err := organization.Due(ctx, tx, d, u, address)
		if err != nil {
			return err
		}
		if due {
			if err := fn(d, address); err != nil {
				return err
			}
		}
	}
	return nil
}

// enrollUser is enroll in a transaction of its own, which there is none of if
// there is nothing new.
func (e *Engine) enrollUser(ctx context.Context, userID string) error {
	due := false
	err := e.view(ctx, func(tx store.Tx) error {
		if set := e.lastSettings().Organizations; !set.Enabled || !set.Domains || len(set.EnrollmentModes) == 0 {
			return nil
		}
		u, err := user.Get(ctx, tx, userID)
		if err != nil {
			return missingAs(err, nil)
		}
		return e.offers(ctx, tx, u, func(*organization.Domain, string) error {
			due = true
			return nil
		})
	})
	if err != nil || !due {
		return err
	}
	return e.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return missingAs(err, nil)
		}
		return e.enroll(ctx, t, u)
	})
}

// A SuggestionView is a suggestion with the organization.
type SuggestionView struct {
	*organization.Suggestion
	Organization *organization.Organization
}

// MySuggestions returns which organizations are suggested to the actor, newest
// first, and how many there are in all.
func (e *Engine) MySuggestions(ctx context.Context, a *Actor, statuses []organization.Status, p organization.Page) (list []*SuggestionView, total int, err error) {
	if !e.Settings(ctx).Organizations.Enabled {
		return nil, 0, nil
	}
	err = e.view(ctx, func(tx store.Tx) error {
		ss, n, err := organization.Suggestions(ctx, tx, a.User.ID, statuses, p)
		if err != nil {
			return err
		}
		var ids []string
		for _, s := range ss {
			ids = append(ids, s.OrganizationID)
		}
		os, err := organization.GetAll(ctx, tx, ids...)
		list, total = nil, n
		for _, s := range ss {
			if o := os[s.OrganizationID]; o != nil {
				list = append(list, &SuggestionView{Suggestion: s, Organization: o})
			}
		}
		return err
	})
	return list, total, err
}

// AcceptSuggestion asks for membership of an organization that is suggested to
// the actor.
func (e *Engine) AcceptSuggestion(ctx context.Context, a *Actor, id string) (v *SuggestionView, err error) {
	err = e.asActor(ctx, a, func(t *txn, u *user.User) error {
		unknown := fault.New("resource_not_found", "")
		s, err := organization.GetSuggestion(ctx, t, id)
		if err != nil {
			return missingAs(err, unknown)
		}
		if s.UserID != u.ID {
			return unknown
		}
		o, err := organization.Get(ctx, t, s.OrganizationID)
		if err != nil {
			return missingAs(err, unknown)
		}
		v = &SuggestionView{Suggestion: s, Organization: o}
		_, err = organization.AcceptSuggestion(ctx, t, o, s, t.now)
		return err
	})
	return v, err
}

// A RequestView is a membership request with who asks.
type RequestView struct {
	*organization.Request
	User *user.User // nil: gone
}

// MembershipRequests returns the requests to join an organization and how many
// there are in all.
func (e *Engine) MembershipRequests(ctx context.Context, a *Actor, id string, status organization.Status, p organization.Page) (list []*RequestView, total int, err error) {
	err = e.look(ctx, a, id, organization.ManageMemberships, func(tx store.Tx, s *scope) error {
		rs, n, err := organization.Requests(ctx, tx, s.org.ID, status, p)
		if err != nil {
			return err
		}
		var ids []string
		for _, r := range rs {
			ids = append(ids, r.UserID)
		}
		us, err := usersByID(ctx, tx, ids)
		list, total = nil, n
		for _, r := range rs {
			list = append(list, &RequestView{Request: r, User: us[r.UserID]})
		}
		return err
	})
	return list, total, err
}

// DecideRequest accepts or rejects a membership request.
func (e *Engine) DecideRequest(ctx context.Context, a *Actor, id, requestID string, accept bool) (v *RequestView, err error) {
	err = e.within(ctx, a, id, organization.ManageMemberships, func(t *txn, s *scope) error {
		unknown := fault.New("resource_not_found", "")
		r, err := organization.GetRequest(ctx, t, requestID)
		if err != nil {
			return missingAs(err, unknown)
		}
		if r.OrganizationID != s.org.ID {
			return unknown
		}
		u, err := user.Get(ctx, t, r.UserID)
		if err != nil {
			return missingAs(err, unknown)
		}
		v = &RequestView{Request: r, User: u}
		if !accept {
			return organization.RejectRequest(ctx, t, r, t.now)
		}
		if err := s.allowRoles(s.roles.Default()); err != nil {
			return err
		}
		if _, err := organization.AcceptRequest(ctx, t, s.org, s.roles, r, u, t.now); err != nil {
			return err
		}
		return user.Touch(ctx, t, u)
	})
	return v, err
}
