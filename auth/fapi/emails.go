package fapi

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/wire"
)

func (c *call) listEmailAddresses() (any, error) {
	return bare{wire.EmailAddresses(c.actor.User, c.e.Now())}, nil
}

// emailAddress shows an address with the challenge under way.
func (c *call) emailAddress(id string) (any, error) {
	have, v, err := c.e.EmailAddress(c.ctx(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return wire.NewEmailAddress(c.actor.User, have, v, c.e.Now()), nil
}

func (c *call) getEmailAddress() (any, error) { return c.emailAddress(c.id("email_id")) }

// addEmailAddress adds an address, which claims nothing before it is verified.
func (c *call) addEmailAddress() (any, error) {
	address := c.form.Require("email_address")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	have, err := c.e.AddEmailAddress(c.ctx(), c.actor, address)
	if err != nil {
		return nil, err
	}
	return c.emailAddress(have.ID)
}

func (c *call) prepareEmailAddress() (any, error) {
	strategy, id := c.form.Require("strategy"), c.id("email_id")
	if err := c.returnTo(); err != nil {
		return nil, err
	}
	if err := c.e.PrepareEmailAddress(c.ctx(), c.actor, id, strategy); err != nil {
		return nil, err
	}
	return c.emailAddress(id)
}

func (c *call) attemptEmailAddress() (any, error) {
	code, id := c.form.Require("code"), c.id("email_id")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.e.AttemptEmailAddress(c.ctx(), c.actor, id, factor.Proof{Code: code}); err != nil {
		return nil, err
	}
	return c.emailAddress(id)
}

func (c *call) deleteEmailAddress() (any, error) {
	id := c.id("email_id")
	if err := c.e.DeleteEmailAddress(c.ctx(), c.actor, id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("email_address", id), nil
}
