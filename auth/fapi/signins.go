package fapi

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
)

// maxIdentifier is more than any identifier has, in bytes.
const maxIdentifier = 1 << 10

// createSignIn begins a sign-in in place of the former one; with a password it
// may end it as well.
func (c *call) createSignIn() (any, error) {
	f := c.form
	var p engine.SignInParams
	p.Identifier, _ = f.StringMax("identifier", maxIdentifier)
	p.Strategy, _ = f.String("strategy")
	p.Password = c.optional("password")
	p.Proof = c.proof()
	transfer, _ := f.Bool("transfer")
	p.OrSignUp, _ = f.Bool("sign_up_if_missing")
	if p.Proof.Ticket != "" && p.Strategy == "" {
		p.Strategy = "ticket"
	}
	if p.Strategy == "ticket" { // it says itself who it is
		p.Identifier, p.Password = "", nil
	}
	if err := c.away(); err != nil {
		return nil, err
	}
	if transfer {
		return c.signIn(c.e.TransferToSignIn(c.ctx(), c.b))
	}
	if p.Strategy == "" && p.Password == nil && !f.Has("identifier") {
		return c.signIn(c.e.BeginSignIn(c.ctx(), c.b))
	}
	return c.signIn(c.e.CreateSignIn(c.ctx(), c.b, p))
}

// optional is a text of the form; nil if it is absent or empty.
func (c *call) optional(name string) *string {
	if s, ok := c.form.String(name); ok && s != "" {
		return &s
	}
	return nil
}

// given is a text of the form, empty or not; nil if it is absent.
func (c *call) given(name string) *string {
	if s, ok := c.form.String(name); ok {
		return &s
	}
	return nil
}

func (c *call) signIn(a *signin.Attempt, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	v, err := c.e.ViewSignIn(c.ctx(), a)
	if err != nil {
		return nil, err
	}
	return c.enc.SignIn(v), nil
}

// getSignIn shows a sign-in, also one that is complete. An abandoned one is
// not found.
func (c *call) getSignIn() (any, error) {
	a, err := c.e.SignIn(c.ctx(), c.b, c.id("sign_in_id"))
	if err == nil && a.StatusAt(c.e.Now()) == signin.Abandoned {
		err = fault.New("resource_not_found", "")
	}
	return c.signIn(a, err)
}

func (c *call) prepareFirstFactor() (any, error)  { return c.prepareFactor(factor.First) }
func (c *call) prepareSecondFactor() (any, error) { return c.prepareFactor(factor.Second) }
func (c *call) attemptFirstFactor() (any, error)  { return c.attemptFactor(factor.First) }
func (c *call) attemptSecondFactor() (any, error) { return c.attemptFactor(factor.Second) }

func (c *call) prepareFactor(use factor.Use) (any, error) {
	strategy := c.form.Require("strategy")
	target := c.target(strategy)
	if err := c.away(); err != nil {
		return nil, err
	}
	return c.signIn(c.e.PrepareSignIn(c.ctx(), c.b, c.id("sign_in_id"), use, strategy, target))
}

// target reads which of the person's identifications a strategy is to use.
func (c *call) target(strategy string) (target string) {
	st, _ := c.e.Strategies().Get(strategy)
	for _, field := range c.e.Strategies().Fields() { // all are read, so that an unclean one is refused whatever is asked
		if v, _ := c.form.String(field); st != nil && st.Traits().Field == field {
			target = v
		}
	}
	return target
}

// proved refuses an attempt without a proof.
func (c *call) proved(strategy string, proof factor.Proof) error {
	if st, ok := c.e.Strategies().Get(strategy); ok && !st.Traits().Elsewhere && proof.Get(st.Traits().Proof) == "" {
		return fault.New("form_param_nil", st.Traits().Proof)
	}
	return nil
}

// attemptFactor judges a proof. The way to a new password may bring it along.
func (c *call) attemptFactor(use factor.Use) (any, error) {
	strategy := c.form.Require("strategy")
	proof := c.proof()
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	if err := c.proved(strategy, proof); err != nil {
		return nil, err
	}
	id := c.id("sign_in_id")
	a, err := c.e.AttemptSignIn(c.ctx(), c.b, id, use, strategy, proof)
	if err == nil && a.Status == signin.NeedsNewPassword && proof.Password != "" {
		a, err = c.e.ResetSignInPassword(c.ctx(), c.b, id, proof.Password, true)
	}
	return c.signIn(a, err)
}

// proof reads what a person can give, whatever the strategy.
func (c *call) proof() (p factor.Proof) {
	p.Code, _ = c.form.String("code")
	p.Password, _ = c.form.String("password")
	p.Credential, _ = c.form.String("public_key_credential")
	p.Ticket, _ = c.form.String("ticket")
	return p
}

// resetPassword sets the password that a reset asks for. Other sessions end
// unless the form says otherwise.
func (c *call) resetPassword() (any, error) {
	plain := c.form.Require("password")
	signOut, ok := c.form.Bool("sign_out_of_other_sessions")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.signIn(c.e.ResetSignInPassword(c.ctx(), c.b, c.id("sign_in_id"), plain, signOut || !ok))
}
