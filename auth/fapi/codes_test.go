package fapi_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

// A failure is one that Clerk's documents name for sign-ins or sign-ups.
type failure struct {
	// status is that of the answer. 200: the code is told in the attempt.
	status int
	// by provokes it and returns the answer.
	by func(t *testing.T) *answer
	// none is why there is no such failure here; then by is nil.
	none string
}

const (
	byEnterprise = "there is no enterprise SSO"
	byDirectory  = "there are no directories that deactivate"
)

// open is a sign-in of ada, who has a password, and its path.
func open(t *testing.T, changes ...func(*setup)) (*rig, *browser, string) {
	t.Helper()
	r := newRig(t, changes...)
	r.userOf(ada)
	b := r.browser()
	return r, b, signInPath(b.post("/v1/client/sign_ins", "identifier", ada).ok())
}

// coming is a sign-up of bob, and its path.
func coming(t *testing.T, changes ...func(*setup)) (*rig, *browser, string) {
	t.Helper()
	r := newRig(t, changes...)
	b := r.browser()
	return r, b, signUpPath(b.post("/v1/client/sign_ups", "email_address", bob, "password", good).ok())
}

// signsUp is the beginning of a sign-up with some fields.
func signsUp(change func(*setup), pairs ...string) func(t *testing.T) *answer {
	return func(t *testing.T) *answer {
		if change == nil {
			change = func(*setup) {}
		}
		return newRig(t, change).browser().post("/v1/client/sign_ups", pairs...)
	}
}

// chooses is a sign-up with a password that breaks a rule.
func chooses(password string, rule func(*settings.Password)) func(t *testing.T) *answer {
	return signsUp(func(c *setup) { rule(&c.settings.Password) }, "email_address", bob, "password", password)
}

// calls is a sign-up with a username.
func calls(name string) func(t *testing.T) *answer { return signsUp(phones, "username", name) }

// codes are ways to try a code that has been sent for a sign-in.
func tries(before func(r *rig, try func(code string) *answer, right string) *answer) func(t *testing.T) *answer {
	return func(t *testing.T) *answer {
		r, b, p := open(t)
		b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
		try := func(code string) *answer {
			return b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code)
		}
		return before(r, try, r.lastCode())
	}
}

// brings is the use of a ticket of some kind, after something has happened to it.
func brings(path string, ticket func(r *rig) (id, wire string), then func(r *rig, id, wire string)) func(t *testing.T) *answer {
	return func(t *testing.T) *answer {
		r := newRig(t)
		id, wire := ticket(r)
		then(r, id, wire)
		return r.browser().post("/v1/client/"+path, "strategy", "ticket", "ticket", wire, "password", good)
	}
}

func nothing(*rig, string, string) {}

func usedUp(path string) func(r *rig, id, wire string) {
	return func(r *rig, _, wire string) {
		r.browser().post("/v1/client/"+path, "strategy", "ticket", "ticket", wire, "password", good).ok()
	}
}

func tokenOf(r *rig) (string, string)  { return r.signInToken(r.userOf(ada)) }
func actorOf(r *rig) (string, string)  { return r.actorToken(r.userOf(ada)) }
func inviteOf(r *rig) (string, string) { i := r.invite(bob); return i.ID, i.Token }

// joins is the use of a ticket to an organization.
func joins(then func(r *rig, a *browser, org, id, wire string) (used string)) func(t *testing.T) *answer {
	return func(t *testing.T) *answer {
		r := newRig(t, withOrganizations)
		a := r.signed(ada)
		org := a.found("Acme")
		id, wire := r.asked(a, org, bob)
		return r.browser().ticketUp(then(r, a, org, id, wire))
	}
}

// returns is a browser that is back from a provider.
func returns(path string, back func(s *socialRig, b *browser, to string)) func(t *testing.T) *answer {
	return func(t *testing.T) *answer {
		s := newSocial(t)
		s.userOf(ada)
		b := s.browser()
		back(s, b, b.leave("/v1/client/"+path, fake))
		return b.client()
	}
}

// failures are the codes of clerk's tables of sign-ins and sign-ups.
var failures = map[string]failure{
	"action_blocked": {none: "there is no service that scores requests"},
	"sign_in_must_use_enterprise_connection_identifier": {none: byEnterprise},
	"form_incorrect_signature":                          {none: "there are no web3 wallets"},
	"user_deactivated":                                  {none: byDirectory},
	"user_quota_exceeded":                               {none: "there are no plans with a number of users"},
	"sign_up_cannot_be_updated":                         {none: "the Backend API has no sign-ups yet"},
	"verification_not_sent":                             {none: "a challenge is stored together with its message"},
	"sign_up_outdated_verification":                     {none: "the contract has no status 410 at sign-ups: a code for an address that was changed is verification_missing"},
	"session_exists": {status: 400, by: func(t *testing.T) *answer {
		b := newRig(t, func(c *setup) { c.settings.Sessions.Multi = false }).browser()
		b.signUp(ada, good)
		return b.post("/v1/client/sign_ins", "identifier", bob)
	}},
	"requires_captcha": {status: 401, by: func(t *testing.T) *answer {
		return newRig(t, func(c *setup) { c.settings.Captcha.SignIn = true }).browser().post("/v1/client/sign_ins", "identifier", ada, "password", good)
	}},
	"form_identifier_not_found": {status: 422, by: func(t *testing.T) *answer {
		return newRig(t).browser().post("/v1/client/sign_ins", "identifier", ada)
	}},
	"form_param_format_invalid":     {status: 422, by: signsUp(nil, "email_address", "no address", "password", good)},
	"invitation_account_not_exists": {status: 400, by: brings("sign_ins", inviteOf, nothing)},
	"identifier_already_signed_in": {status: 400, by: func(t *testing.T) *answer {
		b := newRig(t).browser()
		b.signUp(ada, good)
		return b.post("/v1/client/sign_ins", "identifier", ada)
	}},
	"not_allowed_access": {status: 403, by: func(t *testing.T) *answer {
		r := newRig(t)
		r.change(func(s *settings.Settings) { s.Access.Blocklist = true })
		must(r.e.Blocklist().Add(t.Context(), bob, false, ""))
		return r.browser().post("/v1/client/sign_ups", "email_address", bob, "password", good)
	}},
	"user_locked":             {status: 403, by: func(t *testing.T) *answer { _, a := guesses(t, 11); return a }},
	"account_lockout_warning": {status: 422, by: func(t *testing.T) *answer { _, a := guesses(t, 9); return a }},
	"user_banned": {status: 403, by: func(t *testing.T) *answer {
		r := newRig(t)
		must(r.e.Users().Ban(t.Context(), r.userOf(ada)))
		return r.browser().post("/v1/client/sign_ins", "identifier", ada)
	}},
	"form_password_incorrect": {status: 422, by: func(t *testing.T) *answer { _, a := guesses(t, 1); return a }},
	"form_password_or_identifier_incorrect": {status: 422, by: func(t *testing.T) *answer {
		return newRig(t, func(c *setup) { c.settings.Protection.Enumeration = settings.EnumerationStrict }).browser().
			post("/v1/client/sign_ins", "identifier", ada, "password", good)
	}},
	"strategy_for_user_invalid": {status: 400, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		return b.post(p+"/prepare_first_factor", "strategy", "phone_code")
	}},
	"ticket_invalid_code":               {status: 400, by: brings("sign_ins", func(r *rig) (string, string) { return "", "x.y" }, nothing)},
	"ticket_expired_code":               {status: 400, by: brings("sign_ins", tokenOf, func(r *rig, _, _ string) { r.advance(31 * 24 * time.Hour) })},
	"sign_in_token_already_used_code":   {status: 400, by: brings("sign_ins", tokenOf, usedUp("sign_ins"))},
	"sign_in_token_revoked_code":        {status: 400, by: brings("sign_ins", tokenOf, func(r *rig, id, _ string) { must(r.e.SignInTokens().Revoke(r.t.Context(), id)) })},
	"sign_in_token_cannot_be_used_code": {status: 400, by: brings("sign_ups", tokenOf, nothing)},
	"actor_token_already_used_code":     {status: 400, by: brings("sign_ins", actorOf, usedUp("sign_ins"))},
	"actor_token_revoked_code":          {status: 400, by: brings("sign_ins", actorOf, func(r *rig, id, _ string) { must(r.e.ActorTokens().Revoke(r.t.Context(), id)) })},
	"actor_token_cannot_be_used_code":   {status: 400, by: brings("sign_ups", actorOf, nothing)},
	"revoked_invitation":                {status: 400, by: brings("sign_ups", inviteOf, func(r *rig, id, _ string) { must(r.e.Invitations().Revoke(r.t.Context(), id)) })},
	"invitation_already_accepted":       {status: 400, by: brings("sign_ups", inviteOf, usedUp("sign_ups"))},
	"invitation_account_exists":         {status: 400, by: brings("sign_ups", inviteOf, func(r *rig, _, _ string) { r.userOf(bob) })},
	"organization_invitation_revoked_code": {status: 400, by: joins(func(_ *rig, a *browser, org, id, wire string) string {
		a.post("/v1/organizations/" + org + "/invitations/" + id + "/revoke").ok()
		return wire
	})},
	"organization_invitation_already_accepted": {status: 400, by: joins(func(r *rig, _ *browser, _, _, wire string) string {
		r.browser().ticketUp(wire).ok()
		return wire
	})},
	"organization_invitation_not_found": {status: 404, by: joins(func(_ *rig, _ *browser, _, id, wire string) string {
		return id + "." + strings.Repeat("A", len(wire)-len(id)-1)
	})},
	"account_transfer_invalid": {status: 400, by: func(t *testing.T) *answer {
		return newRig(t).browser().post("/v1/client/sign_ups", "transfer", "true")
	}},
	"form_resource_not_found": {status: 422, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		return b.post(p+"/prepare_first_factor", "strategy", "email_code", "email_address_id", "idn_x")
	}},
	"resource_forbidden": {status: 403, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		b.post("/v1/client/sign_ins", "identifier", ada).ok()
		return b.post(p+"/attempt_first_factor", "strategy", "password", "password", good)
	}},
	"verification_code_too_many_requests": {status: 429, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
		return b.post(p+"/prepare_first_factor", "strategy", "email_code")
	}},
	"sms_send_error": {status: 400, by: func(t *testing.T) *answer {
		r := newRig(t, phones)
		r.newPhoneUser(adasPhone, "ada_l")
		r.refusesSMS = notify.ErrPermanent
		b := r.browser()
		p := signInPath(b.post("/v1/client/sign_ins", "identifier", adasPhone, "strategy", "phone_code").ok())
		r.countMails()
		r.advance(time.Minute)
		return b.post(p+"/prepare_first_factor", "strategy", "phone_code")
	}},
	"form_conditional_param_missing": {status: 422, by: func(t *testing.T) *answer {
		_, b, p := open(t, withLinks)
		return b.post(p+"/prepare_first_factor", "strategy", "email_link")
	}},
	"form_code_incorrect": {status: 422, by: tries(func(_ *rig, try func(string) *answer, right string) *answer { return try(wrongCode(right)) })},
	"verification_expired": {status: 400, by: tries(func(r *rig, try func(string) *answer, right string) *answer {
		r.advance(11 * time.Minute)
		return try(right)
	})},
	"verification_failed": {status: 400, by: tries(func(_ *rig, try func(string) *answer, right string) *answer {
		for range 5 {
			try(wrongCode(right))
		}
		return try(right)
	})},
	"verification_missing": {status: 400, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		return b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "123456")
	}},
	"verification_strategy_invalid": {status: 400, by: func(t *testing.T) *answer {
		_, b, p := coming(t)
		return b.post(p+"/prepare_verification", "strategy", "totp")
	}},
	"verification_already_verified": {status: 400, by: func(t *testing.T) *answer {
		r, b, p := coming(t, func(c *setup) { c.settings.FirstName.Required = true })
		b.post(p+"/prepare_verification", "strategy", "email_code").ok()
		code := r.lastCode()
		b.post(p+"/attempt_verification", "strategy", "email_code", "code", code).ok()
		return b.post(p+"/attempt_verification", "strategy", "email_code", "code", code)
	}},
	"passkey_not_registered": {status: 404, by: func(t *testing.T) *answer {
		return showsPasskey(t, func(a *passkeytest.Answer) { a.UserHandle = []byte("user_x") })
	}},
	"passkey_invalid_verification": {status: 400, by: func(t *testing.T) *answer {
		return showsPasskey(t, func(a *passkeytest.Answer) { a.ClientData["origin"] = "https://evil.example" })
	}},
	"form_password_pwned": {status: 422, by: signsUp(nil, "email_address", bob, "password", "password123")},
	"form_password_compromised": {status: 422, by: func(t *testing.T) *answer {
		r := newRig(t)
		must(r.e.Users().SetPasswordCompromised(t.Context(), r.userOf(ada), true))
		return r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good)
	}},
	"sign_up_if_missing_transfer": {status: 404, by: func(t *testing.T) *answer {
		r := newRig(t)
		b := r.browser()
		p := signInPath(b.post("/v1/client/sign_ins", "identifier", bob, "sign_up_if_missing", "true", "strategy", "email_code").ok())
		return b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode())
	}},
	"external_account_not_found": {status: 200, by: returns("sign_ins", func(s *socialRig, b *browser, to string) { b.back(s.fake, to, person(bob, true)) })},
	"external_account_exists":    {status: 200, by: returns("sign_ups", func(s *socialRig, b *browser, to string) { b.back(s.fake, to, person(ada, true)) })},
	"oauth_access_denied":        {status: 200, by: returns("sign_ins", func(s *socialRig, b *browser, to string) { b.back(s.fake, to, nil) })},
	"oauth_token_exchange_error": {status: 200, by: returns("sign_ins", func(s *socialRig, b *browser, to string) {
		back := must(s.fake.Answer(to, person(ada, true)))
		s.down.Store(true)
		b.opens(back)
	})},
	"oauth_fetch_user_error": {status: 200, by: returns("sign_ins", func(s *socialRig, b *browser, to string) {
		b.opens(b.server.URL + prefix + "/v1/oauth_callback/custom_mock?" + url.Values{"state": {query(s.t, to).Get("state")}, "iss": {s.fake.Provider().Issuer}, "error": {"server_error"}}.Encode())
	})},
	"oauth_callback_invalid": {status: 400, by: func(t *testing.T) *answer {
		b := newSocial(t).browser()
		return b.opens(b.server.URL + prefix + "/v1/oauth_callback/custom_mock?state=made-up&code=x")
	}},
	"no_second_factors": {status: 400, by: func(t *testing.T) *answer {
		r := newRig(t, phones)
		u := r.newPhoneUser(adasPhone, "ada_l")
		on := true
		if _, _, err := r.e.Users().UpdatePhoneNumber(t.Context(), u.ID, u.PhoneNumbers[0].ID, engine.HostPhoneParams{SecondFactor: &on}); err != nil {
			t.Fatal(err)
		}
		b := r.browser()
		p := signInPath(b.post("/v1/client/sign_ins", "identifier", "ada_l", "password", good).ok().is("response.status", "needs_second_factor"))
		r.change(func(s *settings.Settings) { s.Phones.SecondFactor = false })
		return b.post(p+"/prepare_second_factor", "strategy", "phone_code")
	}},
	"client_state_invalid": {status: 400, by: func(t *testing.T) *answer {
		_, b, p := open(t)
		return b.post(p+"/reset_password", "password", better)
	}},
	"resource_not_found": {status: 404, by: func(t *testing.T) *answer {
		r, _, p := open(t)
		return r.browser().get(p)
	}},
	"sign_in_identification_or_user_deleted": {status: 400, by: func(t *testing.T) *answer {
		r, b, p := open(t)
		u := must(r.e.Users().ByIdentifier(t.Context(), ada))
		if _, err := r.e.Users().Delete(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		return b.post(p+"/attempt_first_factor", "strategy", "password", "password", good)
	}},
	"form_identifier_exists": {status: 422, by: func(t *testing.T) *answer {
		r := newRig(t)
		r.userOf(ada)
		return r.browser().post("/v1/client/sign_ups", "email_address", ada, "password", good)
	}},
	"form_param_unknown":          {status: 422, by: signsUp(nil, "phone_number", adasPhone)},
	"sign_up_mode_restricted":     {status: 403, by: signsUp(mode(settings.Restricted), "email_address", bob)},
	"sign_up_restricted_waitlist": {status: 403, by: signsUp(mode(settings.Waitlist), "email_address", bob)},
	"captcha_invalid":             {status: 400, by: signsUp(func(c *setup) { c.settings.Captcha.SignUp = true }, "email_address", bob, "captcha_token", "1.2.3.4.5.6")},
	"captcha_missing_token":       {status: 400, by: signsUp(func(c *setup) { c.settings.Captcha.SignUp = true }, "email_address", bob)},
	"captcha_not_enabled":         {status: 400, by: signsUp(nil, "email_address", bob, "captcha_token", "x")},
	"signup_rate_limit_exceeded": {status: 429, by: func(t *testing.T) *answer {
		b := newRig(t, func(c *setup) { c.settings.Limits.CreateSignUp = settings.Rate{Count: 1, Per: time.Minute} }).browser()
		b.post("/v1/client/sign_ups", "email_address", bob).ok()
		return b.post("/v1/client/sign_ups", "email_address", bob)
	}},
	"legal_not_accepted": {status: 422, by: signsUp(func(c *setup) { c.settings.Legal.Consent = true }, "email_address", bob, "legal_accepted", "false")},
	"form_param_nil": {status: 422, by: func(t *testing.T) *answer {
		_, b, p := coming(t, phones)
		return b.post(p+"/prepare_verification", "strategy", "phone_code")
	}},
	"identification_claimed": {status: 400, by: func(t *testing.T) *answer {
		r, b, p := coming(t)
		b.post(p+"/prepare_verification", "strategy", "email_code").ok()
		code := r.lastCode()
		r.userOf(bob)
		return b.post(p+"/attempt_verification", "strategy", "email_code", "code", code)
	}},
	"form_password_length_too_short":       {status: 422, by: chooses("aA1!", func(*settings.Password) {})},
	"form_password_length_too_long":        {status: 422, by: chooses(strings.Repeat("violet teapot ", 30), func(*settings.Password) {})},
	"form_password_no_uppercase":           {status: 422, by: chooses("violet teapot overture", func(p *settings.Password) { p.RequireUppercase = true })},
	"form_password_no_lowercase":           {status: 422, by: chooses("VIOLET TEAPOT OVERTURE", func(p *settings.Password) { p.RequireLowercase = true })},
	"form_password_no_number":              {status: 422, by: chooses("violet teapot overture", func(p *settings.Password) { p.RequireNumbers = true })},
	"form_password_no_special_char":        {status: 422, by: chooses("violetteapotoverture", func(p *settings.Password) { p.RequireSpecialChar = true })},
	"form_password_not_strong_enough":      {status: 422, by: chooses("teapot12", func(p *settings.Password) { p.MinStrength = 4 })},
	"form_username_invalid_length":         {status: 422, by: calls("ab")},
	"form_username_invalid_character":      {status: 422, by: calls("a b c")},
	"form_username_needs_non_number_char":  {status: 422, by: calls("123456")},
	"form_username_cannot_be_phone_number": {status: 422, by: calls("4155552671")},
}

// guesses is the answer to the last of n wrong passwords of a stranger.
func guesses(t *testing.T, n int) (r *rig, a *answer) {
	t.Helper()
	r = newRig(t)
	r.userOf(ada)
	for range n {
		a = r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", "wrong guess")
	}
	return r, a
}

// showsPasskey signs in with a passkey whose answer is spoilt.
func showsPasskey(t *testing.T, spoil func(*passkeytest.Answer)) *answer {
	t.Helper()
	r := newRig(t, passkeysOn)
	b, d := r.browser(), r.device()
	b.signUp(ada, good)
	b.addPasskey(d)
	d.Spoil = spoil
	return r.browser().signInByPasskey(d)
}

// Every failure of a sign-in or sign-up that clerk's documents name (2.1 and
// 2.2) has its code and status here, or a reason why it cannot happen.
func TestCodesOfAttempts(t *testing.T) {
	for code, f := range failures {
		t.Run(code, func(t *testing.T) {
			if f.by == nil {
				if f.none == "" {
					t.Error("no reason")
				}
				return
			}
			t.Parallel()
			a := f.by(t)
			if a.status != f.status || !strings.Contains(string(a.raw), `"code":"`+code+`"`) {
				t.Errorf("want %d: %d %s", f.status, a.status, a.raw)
			}
		})
	}
}
