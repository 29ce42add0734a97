package fapi

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/organization"
)

func (c *call) domain(v *engine.DomainView, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return c.enc.OrganizationDomain(v), nil
}

func (c *call) listDomains() (any, error) {
	p := c.page()
	var f organization.DomainFilter
	if v, ok := c.query.Bool("verified"); ok && !c.query.Null("verified") {
		f.Verified = &v
	}
	f.Modes, _ = c.query.Strings("enrollment_mode")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.e.OrganizationDomains(c.ctx(), c.actor, c.org(), f, p)
	if err != nil {
		return nil, err
	}
	return paged(list, total, c.enc.OrganizationDomain), nil
}

func (c *call) createDomain() (any, error) {
	name := c.form.Require("name")
	mode, _ := c.form.String("enrollment_mode")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.domain(c.e.AddDomain(c.ctx(), c.actor, c.org(), name, mode))
}

func (c *call) getDomain() (any, error) {
	return c.domain(c.e.OrganizationDomain(c.ctx(), c.actor, c.org(), c.id("domain_id")))
}

func (c *call) deleteDomain() (any, error) {
	id := c.id("domain_id")
	if err := c.e.DeleteDomain(c.ctx(), c.actor, c.org(), id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("organization_domain", id), nil
}

func (c *call) updateEnrollmentMode() (any, error) {
	mode := c.form.Require("enrollment_mode")
	drop, _ := c.form.Bool("delete_pending")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.domain(c.e.SetEnrollmentMode(c.ctx(), c.actor, c.org(), c.id("domain_id"), mode, drop))
}

func (c *call) prepareAffiliation() (any, error) {
	address := c.form.Require("affiliation_email_address")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.domain(c.e.PrepareAffiliation(c.ctx(), c.actor, c.org(), c.id("domain_id"), address))
}

func (c *call) attemptAffiliation() (any, error) {
	code := c.form.Require("code")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.domain(c.e.AttemptAffiliation(c.ctx(), c.actor, c.org(), c.id("domain_id"), code))
}

func (c *call) prepareOwnership() (any, error) {
	return c.domain(c.e.PrepareOwnership(c.ctx(), c.actor, c.org(), c.id("domain_id")))
}

func (c *call) attemptOwnership() (any, error) {
	return c.domain(c.e.AttemptOwnership(c.ctx(), c.actor, c.org(), c.id("domain_id")))
}
