package engine

import (
	"context"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

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
	if err := e.allowMail(canonical, set, false); err != nil {
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
