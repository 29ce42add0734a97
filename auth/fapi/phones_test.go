package fapi_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

const (
	adasPhone = "+14155552671"
	bobsPhone = "+14155552672"
)

// phones switches phone numbers and usernames on.
func phones(c *setup) {
	s := &c.settings
	s.PhoneNumber = settings.PhoneCodes()
	s.Phones.SecondFactor, s.Phones.Countries = true, []string{"US", "CA", "DE"}
	s.Username.Enabled = true
	s.EmailAddress.Required, s.Password.Required = false, false
	s.Reverification.Enabled = false // has tests of its own
}

// newPhoneUser makes somebody with a number, a username and a password.
func (r *rig) newPhoneUser(number, username string) *user.User {
	r.t.Helper()
	u, err := r.e.Users().Create(r.t.Context(), user.CreateParams{PhoneNumbers: []string{number}, Username: username, Password: good})
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

func TestSignUpByPhoneAndUsername(t *testing.T) {
	r := newRig(t, phones)
	b := r.browser()
	a := b.post("/v1/client/sign_ups", "phone_number", "(415) 555-2671", "username", "Ada_L", "password", good).ok()
	a.is("response.phone_number", adasPhone).is("response.username", "Ada_L").is("response.status", "missing_requirements").
		is("response.unverified_fields.0", "phone_number").is("response.verifications.phone_number.next_action", "needs_prepare").
		is("response.verifications.phone_number.supported_strategies.0", "phone_code").is("response.required_fields.0", "email_address_or_phone_number")
	p := "/v1/client/sign_ups/" + a.str("response.id")
	b.post(p+"/prepare_verification", "strategy", "email_code").refused(422, "form_param_nil", "email_address")
	b.post(p+"/prepare_verification", "strategy", "phone_code").ok().is("response.verifications.phone_number.next_action", "needs_attempt")
	m := r.lastMail()
	if m.To != adasPhone || !strings.HasSuffix(m.Text, " #"+m.Data.OTPCode) {
		t.Errorf("to %s: %q", m.To, m.Text)
	}
	b.post(p+"/prepare_verification", "strategy", "phone_code").refused(429, "verification_code_too_many_requests")
	b.post(p+"/attempt_verification", "strategy", "phone_code", "code", "000000x").refused(422, "form_code_incorrect", "code")
	b.post(p+"/attempt_verification", "strategy", "phone_code", "code", m.Data.OTPCode).ok().is("response.status", "complete")
	me := b.get("/v1/me").ok()
	me.is("response.username", "Ada_L").is("response.phone_numbers.0.phone_number", adasPhone).is("response.phone_numbers.0.verification.status", "verified").
		is("response.phone_numbers.0.verification.strategy", "phone_code").is("response.phone_numbers.0.reserved_for_second_factor", false)
	if me.str("response.primary_phone_number_id") != me.str("response.phone_numbers.0.id") {
		t.Error("the number is not primary")
	}
}

func TestSignUpPhoneRefusals(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(bobsPhone, "bob_b")
	for _, c := range []struct {
		field, value string
		status       int
		code, param  string
	}{
		{"phone_number", bobsPhone, 422, "form_identifier_exists", "phone_number"}, {"phone_number", "415-555-2672", 422, "form_identifier_exists", "phone_number"},
		{"phone_number", "12", 422, "form_param_format_invalid", "phone_number"}, {"phone_number", "+1 800 FLOWERS", 422, "form_param_format_invalid", "phone_number"},
		{"phone_number", "+442079460958", 403, "unsupported_country_code", "phone_number"},
		{"email_address_or_phone_number", bobsPhone, 422, "form_identifier_exists", "phone_number"},
		{"username", "BOB_B", 422, "form_identifier_exists", "username"}, {"username", "Admin", 422, "form_identifier_exists", "username"},
		{"username", "ab", 422, "form_username_invalid_length", "username"}, {"username", "a b c", 422, "form_username_invalid_character", "username"},
		{"username", "123456", 422, "form_username_needs_non_number_char", "username"}, {"username", "4155552671", 422, "form_username_cannot_be_phone_number", "username"},
	} {
		r.browser().post("/v1/client/sign_ups", c.field, c.value).refused(c.status, c.code, c.param)
	}
	for either, field := range map[string]string{"ada@example.com": "email_address", "415 555 2671": "phone_number"} {
		r.browser().post("/v1/client/sign_ups", "email_address_or_phone_number", either).ok().is("response.missing_fields", []any{}).is("response.unverified_fields.0", field)
	}
	// Where they are off nothing is asked or told.
	off := newRig(t)
	for _, field := range []string{"phone_number", "username", "email_address_or_phone_number"} {
		param := strings.TrimPrefix(field, "email_address_or_")
		off.browser().post("/v1/client/sign_ups", field, "adalovelace").refused(422, "form_param_unknown", param)
	}
	off.browser().post("/v1/client/sign_ins", "identifier", adasPhone, "password", good).refused(422, "form_identifier_not_found", "identifier")
}

func TestSignInByPhoneAndUsername(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(adasPhone, "ada_l")
	for _, identifier := range []string{adasPhone, "+1 (415) 555-2671", "415-555-2671", "4155552671", "ada_l", "ADA_L"} {
		r.browser().post("/v1/client/sign_ins", "identifier", identifier, "password", good).ok().is("response.status", "complete")
		r.browser().post("/v1/client/sign_ins", "identifier", identifier, "password", better).refused(422, "form_password_incorrect", "password")
	}
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", "ada_l").ok()
	a.is("response.supported_identifiers", []any{"email_address", "phone_number", "username"}).
		is("response.supported_first_factors.1.strategy", "phone_code").is("response.supported_first_factors.1.safe_identifier", "*****71").
		is("response.supported_first_factors.2.strategy", "reset_password_phone_code")
	idn := a.str("response.supported_first_factors.1.phone_number_id")
	p := "/v1/client/sign_ins/" + a.str("response.id")
	b.post(p+"/prepare_first_factor", "strategy", "phone_code", "phone_number_id", "idn_none").refused(422, "form_resource_not_found", "phone_number_id")
	b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", "123456").refused(400, "verification_missing")
	b.post(p+"/prepare_first_factor", "strategy", "phone_code", "phone_number_id", idn).ok().is("response.first_factor_verification.strategy", "phone_code")
	code := r.lastCode()
	b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", wrongCode(code)).refused(422, "form_code_incorrect", "code")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "verification_strategy_invalid")
	b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", code).ok().is("response.status", "complete")
	b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", code).refused(400, "client_state_invalid")
}

// A code is good for ten minutes and five tries, and a newer one replaces it.
func TestAttack_L01_PhoneCodes(t *testing.T) {
	r := newRig(t, phones, unlocked)
	r.newPhoneUser(adasPhone, "ada_l")
	begin := func(b *browser) (path, code string) {
		p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", adasPhone, "strategy", "phone_code").ok().str("response.id") + "/attempt_first_factor"
		return p, r.lastCode()
	}
	b := r.browser()
	p, code := begin(b)
	r.advance(10 * time.Minute)
	b.post(p, "strategy", "phone_code", "code", code).refused(400, "verification_expired")
	p, code = begin(b)
	for range 5 {
		b.post(p, "strategy", "phone_code", "code", wrongCode(code)).refused(422, "form_code_incorrect")
	}
	b.post(p, "strategy", "phone_code", "code", code).refused(400, "verification_failed")
	r.advance(time.Minute)
	p, old := begin(b)
	r.advance(time.Minute)
	b.post(strings.TrimSuffix(p, "attempt_first_factor")+"prepare_first_factor", "strategy", "phone_code").ok()
	if code = r.lastCode(); code != old {
		b.post(p, "strategy", "phone_code", "code", old).refused(422, "form_code_incorrect")
	}
	b.post(p, "strategy", "phone_code", "code", code).ok().is("response.status", "complete")
}

// Two requests with one right code: one session.
func TestAttack_L02_PhoneCodeRace(t *testing.T) {
	r := newRig(t, phones, unlocked)
	u := r.newPhoneUser(adasPhone, "ada_l")
	b := r.browser()
	p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", adasPhone, "strategy", "phone_code").ok().str("response.id") + "/attempt_first_factor"
	code := r.lastCode()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { b.post(p, "strategy", "phone_code", "code", code) })
	}
	wg.Wait()
	ss, total, err := r.e.Sessions().List(t.Context(), session.Filter{UserID: u.ID}, 0, 0)
	if err != nil || total != 1 {
		t.Errorf("%d sessions, %v, %v", total, ss, err)
	}
}

func TestResetPasswordByPhone(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(adasPhone, "ada_l")
	b := r.browser()
	p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", "ada_l", "strategy", "reset_password_phone_code").ok().str("response.id")
	m := r.lastMail()
	if m.Slug != "reset_password_code" || m.To != adasPhone {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	b.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", m.Data.OTPCode).refused(400, "verification_strategy_invalid")
	b.post(p+"/attempt_first_factor", "strategy", "reset_password_phone_code", "code", m.Data.OTPCode).ok().is("response.status", "needs_new_password")
	b.post(p+"/reset_password", "password", better).ok().is("response.status", "complete")
	r.browser().post("/v1/client/sign_ins", "identifier", adasPhone, "password", better).ok().is("response.status", "complete")
}

func TestPhoneNumbersOfMine(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(bobsPhone, "bob_b")
	b := r.browser()
	b.signUp(ada, good)
	const path = "/v1/me/phone_numbers"
	b.post(path, "phone_number", bobsPhone).refused(422, "form_identifier_exists", "phone_number")
	b.post(path, "phone_number", "+442079460958").refused(403, "unsupported_country_code", "phone_number")
	b.post(path, "phone_number", "x").refused(422, "form_param_format_invalid", "phone_number")
	one := b.post(path, "phone_number", "415 555 2671").ok().is("response.object", "phone_number").is("response.verification", nil).is("response.phone_number", adasPhone).str("response.id")
	b.post(path, "phone_number", adasPhone).refused(400, "identification_exists")
	p := path + "/" + one
	b.patch("/v1/me", "primary_phone_number_id", one).refused(422, "form_verification_needed")
	b.patch(p, "reserved_for_second_factor", "true").refused(400, "identification_update_second_factor_unverified")
	b.post(p+"/attempt_verification", "code", "123456").refused(400, "verification_missing")
	b.post(p+"/prepare_verification", "strategy", "email_code").refused(400, "verification_strategy_invalid")
	b.post(p+"/prepare_verification", "strategy", "phone_code").ok().is("response.verification.status", "unverified")
	code := r.lastCode()
	b.post(p+"/attempt_verification", "code", wrongCode(code)).refused(422, "form_code_incorrect", "code")
	b.post(p+"/attempt_verification", "code", code).ok().is("response.verification.status", "verified")
	b.post(p+"/attempt_verification", "code", code).refused(400, "verification_already_verified")
	b.post(p+"/prepare_verification", "strategy", "phone_code").refused(400, "verification_already_verified")
	b.get(path).ok().is("0.id", one)
	b.get(p).ok().is("response.phone_number", adasPhone)
	b.get("/v1/me").ok().is("response.primary_phone_number_id", one)
	b.get("/v1/me/email_addresses/"+one).refused(404, "resource_not_found")

	if codes := b.patch(p, "reserved_for_second_factor", "true").ok().is("response.reserved_for_second_factor", true).is("response.default_second_factor", true).list("response.backup_codes"); len(codes) == 0 {
		t.Error("no backup codes with the first second factor")
	}
	b.get(p).ok().is("response.backup_codes", nil)
	b.get("/v1/me").ok().is("response.backup_code_enabled", true)
	b.get("/v1/me").ok().is("response.two_factor_enabled", true)
	if m := r.lastMail(); m.To != ada || m.Slug != "factor_added" {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	b.patch(p, "default_second_factor", "false").refused(422, "form_disable_default_second_factor_not_allowed", "default_second_factor")
	two := b.post(path, "phone_number", "+14155552673", "reserved_for_second_factor", "true").ok().is("response.reserved_for_second_factor", false).str("response.id")
	b.post(path+"/"+two+"/prepare_verification", "strategy", "phone_code").ok()
	b.post(path+"/"+two+"/attempt_verification", "code", r.lastCode()).ok().is("response.reserved_for_second_factor", true).is("response.default_second_factor", false)
	b.patch(path+"/"+two, "default_second_factor", "true").ok().is("response.default_second_factor", true)
	b.get(p).ok().is("response.default_second_factor", false)
	b.delete(path+"/"+two).ok().is("response.deleted", true)
	b.get(p).ok().is("response.default_second_factor", true)
	b.patch(p, "reserved_for_second_factor", "false").ok().is("response.reserved_for_second_factor", false)
	b.get("/v1/me").ok().is("response.two_factor_enabled", false).is("response.backup_code_enabled", false)
	b.delete(p).ok()
	b.get(p).refused(404, "resource_not_found")
	b.get("/v1/me").ok().is("response.phone_numbers", []any{}).is("response.primary_phone_number_id", nil)
}

// A number that is reserved shows the second factor and no first one.
func TestSecondFactorByPhone(t *testing.T) {
	r := newRig(t, phones, unlocked)
	u := r.newPhoneUser(adasPhone, "ada_l")
	if _, _, err := r.e.Users().UpdatePhoneNumber(t.Context(), u.ID, u.PhoneNumbers[0].ID, engine.HostPhoneParams{SecondFactor: new(true)}); err != nil {
		t.Fatal(err)
	}
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", adasPhone).ok()
	for _, f := range a.list("response.supported_first_factors") {
		if s := f.(map[string]any)["strategy"]; s != "password" {
			t.Errorf("first factor %v", s)
		}
	}
	a = b.post("/v1/client/sign_ins", "identifier", adasPhone, "password", good).ok().is("response.status", "needs_second_factor").
		is("response.supported_second_factors.0.strategy", "phone_code").is("response.supported_second_factors.0.safe_identifier", adasPhone).
		is("response.supported_second_factors.0.default", true)
	p := "/v1/client/sign_ins/" + a.str("response.id")
	b.post(p+"/prepare_first_factor", "strategy", "phone_code").refused(400, "strategy_for_user_invalid")
	b.post(p+"/attempt_second_factor", "strategy", "phone_code", "code", "123456").refused(400, "verification_missing")
	b.post(p+"/prepare_second_factor", "strategy", "phone_code").ok().is("response.second_factor_verification.strategy", "phone_code")
	code := r.lastCode()
	b.get("/v1/me").refused(401, "authentication_invalid")
	b.post(p+"/attempt_second_factor", "strategy", "phone_code", "code", wrongCode(code)).refused(422, "form_code_incorrect")
	b.post(p+"/attempt_second_factor", "strategy", "phone_code", "code", code).ok().is("response.status", "complete")
	b.get("/v1/me").ok().is("response.id", u.ID)
}

func TestUsernameOfMine(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(bobsPhone, "bob_b")
	b := r.browser()
	b.signUp(ada, good)
	for name, code := range map[string]string{"BOB_B": "form_identifier_exists", "root": "form_identifier_exists", "ab": "form_username_invalid_length",
		"é t é": "form_username_invalid_character", "12345": "form_username_needs_non_number_char", "+14155552671": "form_username_invalid_character", "415-555-2671": "form_username_cannot_be_phone_number"} {
		b.patch("/v1/me", "username", name).refused(422, code, "username")
	}
	b.patch("/v1/me", "username", "ada_l").ok().is("response.username", "ada_l")
	b.patch("/v1/me", "username", "Ada_L").ok().is("response.username", "Ada_L")
	b.patch("/v1/me", "username", "").ok().is("response.username", nil)
}
