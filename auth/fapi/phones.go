package fapi

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
)

func (c *call) listPhoneNumbers() (any, error) {
	return bare{wire.PhoneNumbers(c.actor.User, c.e.Now())}, nil
}

// phoneNumber shows a number with the challenge under way.
func (c *call) phoneNumber(id string) (any, error) {
	have, v, err := c.e.PhoneNumber(c.ctx(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return wire.NewPhoneNumber(have, v, c.e.Now()), nil
}

func (c *call) getPhoneNumber() (any, error) { return c.phoneNumber(c.id("phone_number_id")) }

// addPhoneNumber adds a number, which claims nothing before it is verified, and
// until then is no second factor either.
func (c *call) addPhoneNumber() (any, error) {
	number := c.form.Require("phone_number")
	second, _ := c.form.Bool("reserved_for_second_factor")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	have, err := c.e.AddPhoneNumber(c.ctx(), c.actor, number, second)
	if err != nil {
		return nil, err
	}
	return c.phoneNumber(have.ID)
}

// updatePhoneNumber makes a number a second factor, or one no more.
func (c *call) updatePhoneNumber() (any, error) {
	id := c.id("phone_number_id")
	p := engine.PhoneParams{SecondFactor: c.optionalBool("reserved_for_second_factor"), Default: c.optionalBool("default_second_factor")}
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	codes, err := c.e.UpdatePhoneNumber(c.ctx(), c.actor, id, p)
	if err != nil {
		return nil, err
	}
	have, v, err := c.e.PhoneNumber(c.ctx(), c.actor, id)
	if err != nil {
		return nil, err
	}
	out := wire.NewPhoneNumber(have, v, c.e.Now())
	out.BackupCodes = codes
	return out, nil
}

// optionalBool is a switch of the form; nil if it is absent or empty.
func (c *call) optionalBool(name string) *bool {
	if c.optional(name) == nil {
		return nil
	}
	on, ok := c.form.Bool(name)
	if !ok {
		return nil
	}
	return &on
}

func (c *call) preparePhoneNumber() (any, error) {
	strategy, id := c.form.Require("strategy"), c.id("phone_number_id")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.e.PreparePhoneNumber(c.ctx(), c.actor, id, strategy); err != nil {
		return nil, err
	}
	return c.phoneNumber(id)
}

func (c *call) attemptPhoneNumber() (any, error) {
	code, id := c.form.Require("code"), c.id("phone_number_id")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.e.AttemptPhoneNumber(c.ctx(), c.actor, id, factor.Proof{Code: code}); err != nil {
		return nil, err
	}
	return c.phoneNumber(id)
}

func (c *call) deletePhoneNumber() (any, error) {
	id := c.id("phone_number_id")
	if err := c.e.DeletePhoneNumber(c.ctx(), c.actor, id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("phone_number", id), nil
}
