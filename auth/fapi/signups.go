package fapi

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signup"
)

// notOffered are fields of a sign-up that name what the instance does not have.
var notOffered = []string{"web3_wallet"}

// signUpParams reads the fields of a sign-up; absent ones stay as they are.
func (c *call) signUpParams() (engine.SignUpParams, error) {
	f := c.form
	p := engine.SignUpParams{EmailAddress: c.given("email_address"), PhoneNumber: c.given("phone_number"), Username: c.given("username"), FirstName: c.given("first_name"), LastName: c.given("last_name"),
		Password: c.optional("password"), Locale: c.optional("locale")}
	p.UnsafeMetadata, _ = f.JSONObject("unsafe_metadata")
	if accepted, ok := f.Bool("legal_accepted"); ok {
		p.LegalAccepted = &accepted
	}
	p.Strategy, _ = f.String("strategy")
	if either := c.optional(signup.EitherOr); either != nil {
		p.SetEither(*either)
	}
	p.Ticket, _ = f.StringMax("ticket", maxTicket)
	if p.Strategy == "ticket" {
		if p.Strategy = ""; p.Ticket == "" {
			f.Fail("form_conditional_param_missing", "ticket", "is needed with this strategy")
		}
	}
	p.CaptchaToken, _ = f.StringMax("captcha_token", maxCaptcha)
	for _, name := range notOffered {
		if c.optional(name) != nil {
			f.Fail("form_param_unknown", name, "is not enabled for this application")
		}
	}
	return p, c.away()
}

// createSignUp begins a sign-up in place of the former one.
func (c *call) createSignUp() (any, error) {
	transfer, _ := c.form.Bool("transfer")
	p, err := c.signUpParams()
	if err != nil {
		return nil, err
	}
	if transfer {
		return c.signUp(c.e.TransferToSignUp(c.ctx(), c.b, p))
	}
	if p.Strategy == "passkey" {
		return c.signUpPasskey(c.e.CreateSignUp(c.ctx(), c.b, p))
	}
	return c.signUp(c.e.CreateSignUp(c.ctx(), c.b, p))
}

// updateSignUp sets fields; it completes a sign-up that lacks nothing more.
func (c *call) updateSignUp() (any, error) {
	p, err := c.signUpParams()
	if err != nil {
		return nil, err
	}
	id := c.id("sign_up_id")
	a, err := c.e.UpdateSignUp(c.ctx(), c.b, id, p)
	if err == nil && p.Strategy != "" && a.Status == signup.MissingRequirements {
		a, err = c.e.PrepareSignUp(c.ctx(), c.b, id, p.Strategy)
	}
	return c.signUp(a, err)
}

func (c *call) signUp(a *signup.Attempt, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return c.enc.SignUp(c.e.ViewSignUp(c.ctx(), a)), nil
}

// getSignUp shows a sign-up, also one that is complete. An abandoned one is
// not found.
func (c *call) getSignUp() (any, error) {
	a, err := c.e.SignUp(c.ctx(), c.b, c.id("sign_up_id"))
	if err == nil && a.StatusAt(c.e.Now()) == signup.Abandoned {
		err = fault.New("resource_not_found", "")
	}
	return c.signUp(a, err)
}

func (c *call) prepareSignUp() (any, error) {
	strategy := c.form.Require("strategy")
	if err := c.away(); err != nil {
		return nil, err
	}
	return c.signUp(c.e.PrepareSignUp(c.ctx(), c.b, c.id("sign_up_id"), strategy))
}

func (c *call) attemptSignUp() (any, error) {
	strategy, code := c.form.Require("strategy"), c.form.Require("code")
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	return c.signUp(c.e.AttemptSignUp(c.ctx(), c.b, c.id("sign_up_id"), strategy, factor.Proof{Code: code}))
}
