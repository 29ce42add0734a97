package fapi_test

import (
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

// One form for both: a code goes to the address whether or not somebody has it.
// The right one signs in who has an account, and lets everybody else sign up.
func TestSignInOrUp(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Password.Required = false })
	_, uid := r.browser().signUp(ada, good)
	begin := func(b *browser, email string) (id string, a *answer) {
		a = b.post("/v1/client/sign_ins", "identifier", email, "sign_up_if_missing", "true").ok().is("response.status", "needs_first_factor")
		id = a.str("response.id")
		return id, b.post("/v1/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_code", "email_address_id", a.str("response.supported_first_factors.0.email_address_id")).ok()
	}
	b := r.browser()
	id, known := begin(b, ada)
	b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "complete")
	if b.signedInAs() != uid {
		t.Error("signed in as somebody else")
	}

	c := r.browser()
	id, unknown := begin(c, bob)
	// Before the code nothing tells the two apart.
	for _, path := range []string{"response.supported_first_factors.0.strategy", "response.supported_first_factors.1", "response.first_factor_verification.status", "response.user_data.first_name"} {
		if known.at(path) != unknown.at(path) {
			t.Errorf("%s: %v for somebody, %v for nobody", path, known.at(path), unknown.at(path))
		}
	}
	p := "/v1/client/sign_ins/" + id + "/attempt_first_factor"
	code := r.lastCode()
	c.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
	c.post(p, "strategy", "email_code", "code", wrongCode(code)).refused(422, "form_code_incorrect")
	c.post(p, "strategy", "password", "password", good).refused(400, "strategy_for_user_invalid")
	c.post(p, "strategy", "email_code", "code", code).refused(404, "sign_up_if_missing_transfer")
	c.post(p, "strategy", "email_code", "code", code).refused(400, "verification_already_verified")
	c.client().is("response.sign_in.first_factor_verification.status", "verified")
	c.post("/v1/client/sign_ups", "transfer", "true").ok().is("response.status", "complete").is("response.email_address", bob)
	if u, err := r.e.Users().ByIdentifier(t.Context(), bob); err != nil || !u.EmailAddressByValue(bob).Verified || c.signedInAs() != u.ID {
		t.Errorf("%v %v", u, err)
	}
	c.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")

	// In another browser there is nothing to take over, and later neither.
	d := r.browser()
	id, _ = begin(d, "carl@example.com")
	d.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).refused(404, "sign_up_if_missing_transfer")
	r.browser().post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
	r.advance(31 * time.Minute)
	d.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
}

// What is missing beside the address is asked for.
func TestSignInOrUpStops(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada, "sign_up_if_missing", "true", "strategy", "email_code").ok().str("response.id")
	b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).refused(404, "sign_up_if_missing_transfer")
	id = b.post("/v1/client/sign_ups", "transfer", "true").ok().is("response.status", "missing_requirements").
		is("response.missing_fields.0", "password").is("response.verifications.email_address.status", "verified").str("response.id")
	b.patch("/v1/client/sign_ups/"+id, "password", good).ok().is("response.status", "complete")
}

// Not where sign-ups are closed, and not with what proves no address.
func TestSignInOrUpRefused(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.post("/v1/client/sign_ins", "identifier", ada, "sign_up_if_missing", "true", "password", good).refused(422, "sign_up_if_missing_strategy_not_supported")
	b.post("/v1/client/sign_ins", "identifier", ada, "sign_up_if_missing", "true", "strategy", "password").refused(422, "sign_up_if_missing_strategy_not_supported")
	b.post("/v1/client/sign_ins", "identifier", "ada", "sign_up_if_missing", "true").refused(422, "sign_up_if_missing_strategy_not_supported")
	for _, mode := range []string{settings.Restricted, settings.Waitlist} {
		closed := newRig(t, func(c *setup) { c.settings.SignUp.Mode = mode })
		closed.browser().post("/v1/client/sign_ins", "identifier", ada, "sign_up_if_missing", "true").refused(422, "sign_up_if_missing_not_allowed")
	}
}

// A number does as well as an address.
func TestSignInOrUpByPhone(t *testing.T) {
	for _, protection := range []string{settings.EnumerationOff, settings.EnumerationStrict} {
		r := newRig(t, phones, func(c *setup) { c.settings.Protection.Enumeration = protection })
		uid := r.newPhoneUser(adasPhone, "ada_l").ID
		begin := func(b *browser, number string) (p string, a *answer) {
			a = b.post("/v1/client/sign_ins", "identifier", number, "sign_up_if_missing", "true").ok().is("response.status", "needs_first_factor")
			p = signInPath(a)
			return p, b.post(p+"/prepare_first_factor", "strategy", "phone_code", "phone_number_id", a.str("response.supported_first_factors.0.phone_number_id")).ok()
		}
		b := r.browser()
		p, known := begin(b, "(415) 555-2671")
		b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", r.lastCode()).ok().is("response.status", "complete")
		if b.signedInAs() != uid {
			t.Error("signed in as somebody else")
		}

		c := r.browser()
		p, unknown := begin(c, bobsPhone)
		for _, path := range []string{"response.supported_first_factors.0.strategy", "response.supported_first_factors.1", "response.first_factor_verification.status", "response.user_data.first_name"} {
			if known.at(path) != unknown.at(path) {
				t.Errorf("%s: %v for somebody, %v for nobody", path, known.at(path), unknown.at(path))
			}
		}
		code := r.lastCode()
		c.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
		c.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", wrongCode(code)).refused(422, "form_code_incorrect")
		c.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", code).refused(404, "sign_up_if_missing_transfer")
		c.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", code).refused(400, "verification_already_verified")
		c.post("/v1/client/sign_ups", "transfer", "true").ok().is("response.status", "complete").is("response.phone_number", bobsPhone)
		u, err := r.e.Users().ByIdentifier(t.Context(), bobsPhone)
		if err != nil || !u.PhoneNumbers[0].Verified || c.signedInAs() != u.ID {
			t.Errorf("%v %v", u, err)
		}
		c.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
	}
	// Only with what proves the number, and only where numbers are signed up with.
	r := newRig(t, phones)
	r.browser().post("/v1/client/sign_ins", "identifier", bobsPhone, "sign_up_if_missing", "true", "strategy", "email_code").refused(422, "sign_up_if_missing_strategy_not_supported")
	newRig(t).browser().post("/v1/client/sign_ins", "identifier", bobsPhone, "sign_up_if_missing", "true").refused(422, "sign_up_if_missing_strategy_not_supported")
}

// A link does as well as a code.
func TestSignInOrUpByLink(t *testing.T) {
	r := newRig(t, withLinks, func(c *setup) { c.settings.Password.Required = false })
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", bob, "sign_up_if_missing", "true").ok()
	b.post("/v1/client/sign_ins/"+a.str("response.id")+"/prepare_first_factor", "strategy", "email_link", "email_address_id", emailFactor(a), "redirect_url", "/app").ok()
	b.follow(r.lastLink()).went("/app", "transferable")
	b.post("/v1/client/sign_ups", "transfer", "true").ok().is("response.status", "complete").is("response.email_address", bob)
	if b.signedInAs() == "" {
		t.Error("nobody is signed in")
	}
}

// It is a sign-up: it costs what those cost.
func TestSignInOrUpCostsWork(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.Captcha.SignUp, c.settings.Password.Required = true, false })
	b := r.browser()
	p := signInPath(b.post("/v1/client/sign_ins", "identifier", bob, "sign_up_if_missing", "true", "strategy", "email_code").ok())
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).refused(404, "sign_up_if_missing_transfer")
	b.post("/v1/client/sign_ups", "transfer", "true").refused(400, "captcha_missing_token")
	b.post("/v1/client/sign_ups", "transfer", "true", "captcha_token", "1.2.3.4.5.6").refused(400, "captcha_invalid")
	b.post("/v1/client/sign_ups", "transfer", "true", "captcha_token", b.work()).ok().is("response.status", "complete")
}
