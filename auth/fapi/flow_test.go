package fapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
)

func TestContractLoads(t *testing.T) { requireContract(t) }

func TestSignUp(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.get("/v1/client").ok().is("response", nil).is("client", nil)

	a := b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "locale", "en-GB", "timezone", "Europe/Rome").ok()
	id := a.str("response.id")
	a.is("response.status", "missing_requirements").is("response.missing_fields", []string{}).
		is("response.unverified_fields", []string{"email_address"}).is("response.has_password", true).is("response.password_enabled", true).
		is("response.verifications.email_address.strategy", nil).is("response.verifications.email_address.next_action", "needs_prepare").
		is("response.verifications.email_address.supported_strategies", []string{"email_code"}).is("client.sign_up.id", id)
	if r.countMails() != 0 {
		t.Error("a mail was sent before prepare")
	}
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", "123456").refused(400, "verification_missing")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification").refused(422, "form_param_missing", "strategy")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "phone_code").refused(400, "verification_strategy_invalid")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification/", "strategy", "email_code").ok().
		is("response.verifications.email_address.strategy", "email_code").
		is("response.verifications.email_address.status", "unverified").is("response.verifications.email_address.next_action", "needs_attempt").
		is("response.verifications.email_address.expire_at", r.Now().Add(10*time.Minute).UnixMilli())
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").refused(429, "verification_code_too_many_requests")
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code").refused(422, "form_param_missing", "code")
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", "nonsense").refused(422, "form_code_incorrect", "code")
	b.get("/v1/client/sign_ups/"+id).ok().is("response.verifications.email_address.attempts", 1).is("client", nil)

	a = b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok()
	sid, uid := a.str("response.created_session_id"), a.str("response.created_user_id")
	a.is("response.status", "complete").is("response.missing_fields", []string{}).is("client.sign_up", nil).
		is("client.sessions.0.id", sid).is("client.sessions.0.user.id", uid).is("client.sessions.0.status", "active").
		is("client.last_active_session_id", sid).is("client.sessions.0.last_active_token", nil).
		is("client.sessions.0.user.email_addresses.0.verification.status", "verified")
	if b.cookie("__client_uat") != "1767323045" || b.cookie("__client_uat_"+r.site.Suffix) != "1767323045" {
		t.Errorf("client_uat %q", b.cookie("__client_uat"))
	}
	b.get("/v1/client/sign_ups/"+id).ok().is("response.status", "complete").is("response.created_session_id", sid)
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).refused(400, "client_state_invalid")
	b.patch("/v1/client/sign_ups/"+id, "first_name", "Ada").refused(400, "client_state_invalid")
	b.get("/v1/client/sign_ups/sua_unknown").refused(404, "resource_not_found")
	r.browser().get("/v1/client/sign_ups/"+id).refused(404, "resource_not_found")
}

func TestSignUpFieldByField(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	a := b.post("/v1/client/sign_ups").ok().is("response.missing_fields", []string{"email_address", "password"}).
		is("response.required_fields", []string{"email_address", "password"}).is("response.optional_fields", []string{"first_name", "last_name"}).
		is("response.verifications.email_address", nil)
	id := a.str("response.id")
	p := "/v1/client/sign_ups/" + id
	b.patch(p, "email_address", "rubbish").refused(422, "form_param_format_invalid", "email_address")
	b.patch(p, "username", "ada").refused(422, "form_param_unknown", "username")
	b.patch(p, "password", "short").refused(422, "form_password_length_too_short", "password")
	b.patch(p, "unsafe_metadata", "[1]").refused(422, "form_param_type_invalid", "unsafe_metadata")
	b.patch(p, "email_address", ada, "first_name", "Ada").ok().is("response.missing_fields", []string{"password"}).is("response.first_name", "Ada")
	b.patch(p, "unsafe_metadata", `{"theme":"dark"}`, "strategy", "email_code").ok().is("response.verifications.email_address.strategy", "email_code")
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "missing_requirements").
		is("response.unverified_fields", []string{}).is("response.verifications.email_address.status", "verified").
		is("response.verifications.email_address.next_action", "")
	// The last field completes it.
	b.patch(p, "password", good).ok().is("response.status", "complete").is("client.sessions.0.user.first_name", "Ada").
		is("client.sessions.0.user.unsafe_metadata.theme", "dark")
}

func TestSignUpTakenAndReplaced(t *testing.T) {
	r := newRig(t)
	r.browser().signUp(ada, good)
	b := r.browser()
	b.post("/v1/client/sign_ups", "email_address", "ADA@EXAMPLE.com", "password", good).refused(422, "form_identifier_exists", "email_address")
	b.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
	b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", "x").refused(400, "ticket_invalid_code")
	old := b.post("/v1/client/sign_ups", "email_address", bob, "password", good).ok().str("response.id")
	now := b.post("/v1/client/sign_ups", "email_address", bob, "password", good, "strategy", "email_code").ok().
		is("response.verifications.email_address.next_action", "needs_attempt").str("response.id")
	b.patch("/v1/client/sign_ups/"+old, "first_name", "Bob").refused(403, "resource_forbidden")

	// Abandoned after a day.
	r.advance(25 * time.Hour)
	b.get("/v1/client/sign_ups/"+now).refused(404, "resource_not_found")
	b.post("/v1/client/sign_ups/"+now+"/attempt_verification", "strategy", "email_code", "code", "123456").refused(400, "client_state_invalid")
	b.get("/v1/client").ok().is("response.sign_up", nil)
}

func TestSignUpExpiredAndExhaustedCode(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "strategy", "email_code").ok().str("response.id")
	p := "/v1/client/sign_ups/" + id
	code := b.lastCode()
	r.advance(11 * time.Minute)
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", code).refused(400, "verification_expired")
	b.get(p).ok().is("response.verifications.email_address.status", "expired").is("response.verifications.email_address.next_action", "needs_prepare")
	b.post(p+"/prepare_verification", "strategy", "email_code").ok()
	code = b.lastCode()
	for range 5 {
		b.post(p+"/attempt_verification", "strategy", "email_code", "code", "000x00").refused(422, "form_code_incorrect")
	}
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", code).refused(400, "verification_failed")
	r.advance(time.Minute)
	b.post(p+"/prepare_verification", "strategy", "email_code").ok()
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete")
}

func TestSignUpRestricted(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.SignUp.Mode = settings.Restricted })
	b := r.browser()
	b.post("/v1/client/sign_ups", "email_address", ada, "password", good).refused(403, "sign_up_mode_restricted")
	b.get("/v1/environment").ok().is("user_settings.sign_up.mode", "restricted")
}

func TestSignInByPassword(t *testing.T) {
	r := newRig(t)
	_, uid := r.browser().signUp(ada, good)
	b := r.browser()
	b.post("/v1/client/sign_ins", "identifier", "").refused(422, "form_param_nil", "identifier")
	b.post("/v1/client/sign_ins").ok().is("response.status", "needs_identifier").is("client.sign_in.identifier", nil)
	b.post("/v1/client/sign_ins", "identifier", "nobody@example.com").refused(422, "form_identifier_not_found", "identifier")
	b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "oauth_nothing").refused(422, "form_param_value_invalid", "strategy")
	a := b.post("/v1/client/sign_ins", "identifier", ada, "locale", "en", "timezone", "UTC").ok()
	id := a.str("response.id")
	a.is("response.status", "needs_first_factor").is("response.first_factor_verification", nil).is("response.supported_second_factors", nil).
		is("response.supported_identifiers", []string{"email_address"}).is("client.sign_in.id", id).is("response.identifier", ada)
	if n := len(a.list("response.supported_first_factors")); n != 3 {
		t.Errorf("%d first factors", n)
	}
	a.is("response.supported_first_factors.0", map[string]any{"strategy": "password"}).
		is("response.supported_first_factors.1.strategy", "email_code").is("response.supported_first_factors.1.safe_identifier", ada).
		is("response.supported_first_factors.1.primary", true).is("response.supported_first_factors.2.strategy", "reset_password_email_code")
	p := "/v1/client/sign_ins/" + id
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", "wrong").refused(422, "form_password_incorrect", "password")
	b.post(p+"/attempt_first_factor", "strategy", "password").refused(422, "form_param_nil", "password")
	b.post(p+"/attempt_first_factor", "strategy", "carrier_pigeon").refused(400, "verification_strategy_invalid")
	b.get(p).ok().is("response.first_factor_verification.attempts", 1).is("response.first_factor_verification.object", "verification_password")
	b.post(p+"/prepare_second_factor", "strategy", "phone_code").refused(400, "strategy_for_user_invalid")
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", "123456").refused(400, "client_state_invalid")
	b.post(p+"/prepare_first_factor", "strategy", "password").refused(400, "verification_strategy_invalid")
	b.post(p+"/reset_password", "password", better).refused(400, "client_state_invalid")

	a = b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok()
	sid := a.str("response.created_session_id")
	a.is("response.status", "complete").is("client.sign_in", nil).is("client.sessions.0.id", sid).is("client.sessions.0.user.id", uid).
		is("client.last_authentication_strategy", "password").is("client.sessions.0.factor_verification_age", []int{0, -1})
	b.get(p).ok().is("response.status", "complete").is("response.created_session_id", sid)
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).refused(400, "client_state_invalid")
	b.get("/v1/client/sign_ins/sia_unknown").refused(404, "resource_not_found")
	r.browser().get(p).refused(404, "resource_not_found")
	b.post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(400, "identifier_already_signed_in").is("errors.0.meta.session_id", sid)
}

func TestSignInInOneCallAndSingleSession(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Sessions.Multi = false })
	r.browser().signUp(ada, good)
	b := r.browser()
	b.post("/v1/client/sign_ins", "identifier", ada, "password", "wrong").refused(422, "form_password_incorrect", "password")
	sid := b.signIn(ada, good)
	b.post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(400, "session_exists")
	b.get("/v1/environment").ok().is("auth_config.single_session_mode", true)
	b.get("/v1/client").ok().is("response.last_active_session_id", sid)
}

// Somebody who has typed one address learns the letters of that one only.
func TestMaskedIdentifiers(t *testing.T) {
	for _, masked := range []bool{true, false} {
		r := newRig(t, func(s *setup) { s.settings.Protection.MaskIdentifiers = masked })
		_, uid := r.browser().signUp(ada, good)
		if _, _, err := r.e.Users().AddEmailAddress(t.Context(), uid, "countess@lovelace.example", true, false); err != nil {
			t.Fatal(err)
		}
		name := "Ada"
		if _, err := r.e.Users().Update(t.Context(), uid, engine.UpdateUserParams{FirstName: &name}); err != nil {
			t.Fatal(err)
		}
		b := r.browser()
		a := b.post("/v1/client/sign_ins", "identifier", "ADA@example.com").ok().is("response.supported_first_factors.1.safe_identifier", ada)
		want, first := "countess@lovelace.example", any("Ada")
		if masked {
			want, first = "c*****@lovelace.example", nil
		}
		a.is("response.supported_first_factors.2.safe_identifier", want).is("response.user_data.first_name", first).
			is("client.sign_in.supported_first_factors.2.safe_identifier", want)
		if strings.Contains(string(a.raw), uid) == masked {
			t.Errorf("masked %v: %s", masked, a.raw)
		}
		b.get("/v1/environment").ok().is("user_settings.attack_protection.pii.enabled", masked)
	}
}

// In single-session mode a sign-in that began earlier replaces the session of
// a sign-up that was faster.
func TestReplacedSession(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Sessions.Multi = false })
	r.browser().signUp(ada, good)
	b := r.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	first, _ := b.signUp(bob, good)
	r.advance(time.Second)
	a := b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "complete").
		is("client.sessions.0.id", first).is("client.sessions.0.status", "replaced").is("client.sessions.1.status", "active")
	if a.str("client.last_active_session_id") != a.str("response.created_session_id") {
		t.Error("the new session is not the active one")
	}
	b.post("/v1/client/sessions/"+first+"/tokens").refused(401, "authentication_invalid")
}

func TestSignInByCode(t *testing.T) {
	r := newRig(t)
	r.browser().signUp(ada, good)
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", ada).ok()
	p := "/v1/client/sign_ins/" + a.str("response.id")
	email := a.str("response.supported_first_factors.1.email_address_id")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "123456").refused(400, "verification_missing")
	b.post(p+"/prepare_first_factor", "strategy", "email_code", "email_address_id", "idn_unknown").refused(422, "form_resource_not_found", "email_address_id")
	r.advance(time.Minute)
	b.post(p+"/prepare_first_factor", "strategy", "email_code", "email_address_id", email).ok().
		is("response.first_factor_verification.strategy", "email_code").is("response.first_factor_verification.status", "unverified")
	b.post(p+"/prepare_first_factor", "strategy", "email_code", "email_address_id", email).refused(429, "verification_code_too_many_requests")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "").refused(422, "form_param_nil", "code")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "12345x").refused(422, "form_code_incorrect", "code")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete").is("client.sign_in", nil)

	// In place of the former one, with the code sent at once.
	b = r.browser()
	old := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	r.advance(time.Minute)
	a = b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().is("response.first_factor_verification.strategy", "email_code")
	b.post("/v1/client/sign_ins/"+old+"/attempt_first_factor", "strategy", "password", "password", good).refused(403, "resource_forbidden")
	r.advance(25 * time.Hour)
	b.get("/v1/client/sign_ins/"+a.str("response.id")).refused(404, "resource_not_found")
	b.get("/v1/client").ok().is("response.sign_in", nil)
}

func TestResetPassword(t *testing.T) {
	r := newRig(t)
	other := r.browser()
	other.signUp(ada, good)
	b := r.browser()
	r.advance(time.Minute)
	a := b.post("/v1/client/sign_ins", "identifier", ada).ok()
	p := "/v1/client/sign_ins/" + a.str("response.id")
	email := a.str("response.supported_first_factors.2.email_address_id")
	b.post(p+"/prepare_first_factor", "strategy", "reset_password_email_code", "email_address_id", email).ok()
	b.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", b.lastCode()).ok().
		is("response.status", "needs_new_password").is("client.sign_in.status", "needs_new_password")
	b.post(p+"/reset_password", "password", "short").refused(422, "form_password_length_too_short", "password")
	b.post(p+"/reset_password", "password", good).refused(422, "form_new_password_matches_current", "password")
	b.post(p+"/reset_password", "password", better, "sign_out_of_other_sessions", "true").ok().is("response.status", "complete").is("client.sign_in", nil)
	other.get("/v1/me").refused(401, "authentication_invalid")
	r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_incorrect")
	r.browser().signIn(ada, better)
	if m := r.lastMail(); m.Slug != "password_changed" {
		t.Errorf("last mail is %q", m.Slug)
	}

	// Code and password in one attempt.
	b = r.browser()
	r.advance(time.Minute)
	p = "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "reset_password_email_code").ok().str("response.id")
	b.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", b.lastCode(), "password", good).ok().is("response.status", "complete")
	r.browser().signIn(ada, good)
}
