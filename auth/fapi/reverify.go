package fapi

import (
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/reverify"
)

// startReverification begins a step-up of a session.
func (c *call) startReverification() (any, error) {
	level := reverify.Level(c.form.Require("level"))
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(reverify.Levels, level) {
		return nil, fault.New("form_param_value_invalid", "level")
	}
	return c.reverification(c.e.StartReverification(c.ctx(), c.b, c.id("session_id"), level))
}

func (c *call) reverification(v *engine.ReverificationView, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	c.acts = v.Session.ID
	return c.enc.Reverification(v), nil
}

func (c *call) prepareReverifyFirst() (any, error)  { return c.prepareReverify(factor.First) }
func (c *call) prepareReverifySecond() (any, error) { return c.prepareReverify(factor.Second) }
func (c *call) attemptReverifyFirst() (any, error)  { return c.attemptReverify(factor.First) }
func (c *call) attemptReverifySecond() (any, error) { return c.attemptReverify(factor.Second) }

func (c *call) prepareReverify(use factor.Use) (any, error) {
	strategy := c.form.Require("strategy")
	target := c.target(strategy)
	if err := c.returnTo(); err != nil {
		return nil, err
	}
	return c.reverification(c.e.PrepareReverification(c.ctx(), c.b, c.id("session_id"), use, strategy, target))
}

func (c *call) attemptReverify(use factor.Use) (any, error) {
	strategy := c.form.Require("strategy")
	proof := c.proof()
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.proved(strategy, proof); err != nil {
		return nil, err
	}
	return c.reverification(c.e.AttemptReverification(c.ctx(), c.b, c.id("session_id"), use, strategy, proof))
}
