package fapi_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/settings"
)

func TestReverification(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	p := "/v1/client/sessions/" + sid + "/verify"
	r.advance(time.Hour)
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).refused(400, "session_reverification_missing")
	b.post(p).refused(422, "form_param_missing", "level")
	b.post(p, "level", "x").refused(422, "form_param_value_invalid", "level")
	before := b.cookie("__client")
	b.post(p, "level", "multi_factor").ok().is("response.object", "session_reverification").is("response.status", "needs_first_factor").
		is("response.level", "first_factor").is("response.first_factor_verification", nil).is("response.supported_second_factors", nil).
		is("response.supported_first_factors.0.strategy", "password").is("response.supported_first_factors.1.strategy", "email_code").
		is("response.supported_first_factors.1.safe_identifier", ada).is("response.session.id", sid)
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", "123456").refused(400, "invalid_action_for_session_reverification")
	b.post(p+"/prepare_first_factor", "strategy", "email_link", "redirect_url", "/").refused(400, "strategy_for_user_invalid")
	b.post(p+"/attempt_first_factor", "strategy", "password").refused(422, "form_param_nil", "password")
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", better).refused(422, "form_password_incorrect", "password")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "123456").refused(400, "verification_missing")
	if got := b.claims(b.post("/v1/client/sessions/" + sid + "/tokens").ok().str("jwt")).FactorAge.First; got != 60 {
		t.Errorf("fva before: %d", got)
	}
	if b.cookie("__client") != before {
		t.Error("the client's secret changed before anything was shown")
	}
	old := b.fork()
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "complete").
		is("response.session.factor_verification_age", []int{0, -1}).is("client.sessions.0.factor_verification_age", []int{0, -1})
	if b.cookie("__client") == before {
		t.Error("S01: the client's secret is the one from before the step-up")
	}
	old.post("/v1/client/sessions/"+sid+"/verify", "level", "first_factor").refused(409, "conflict")
	if got := b.claims(b.post("/v1/client/sessions/" + sid + "/tokens").ok().str("jwt")).FactorAge; got.First != 0 || got.Second != -1 {
		t.Errorf("fva after: %v", got)
	}
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).refused(400, "invalid_action_for_session_reverification")
}

func TestReverificationByCode(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	p := "/v1/client/sessions/" + sid + "/verify"
	r.advance(time.Hour)
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok().is("response.first_factor_verification.strategy", "email_code")
	b.post(p+"/prepare_first_factor", "strategy", "email_code").refused(429, "verification_code_too_many_requests")
	old := b.lastCode()
	r.advance(31 * time.Second)
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	code := b.lastCode()
	if old != code {
		b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", old).refused(422, "form_code_incorrect")
	}
	// L04: a code of a step-up is good for nothing else, and no other for it.
	other := r.browser()
	id := other.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
	foreign := r.lastCode()
	if foreign != code {
		b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", foreign).refused(422, "form_code_incorrect")
		other.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(422, "form_code_incorrect")
	}
	// A new start voids what was sent for the former one.
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "verification_missing")
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	code = b.lastCode()
	r.advance(10 * time.Minute)
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "verification_expired")
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete")
}

// The same code twice at once: one step-up.
func TestAttack_L02_ReverificationRace(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	p := "/v1/client/sessions/" + sid + "/verify"
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	code := b.lastCode()
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	start := make(chan struct{})
	for range 8 {
		c := b.fork()
		wg.Go(func() {
			<-start
			if a := c.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code); a.status == 200 {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	if won != 1 {
		t.Errorf("%d step-ups", won)
	}
}

// L15: what happens to the account meanwhile voids a code of a step-up.
func TestAttack_L15_ReverificationCodes(t *testing.T) {
	for what, change := range map[string]func(*rig, string) error{
		"ban":      func(r *rig, id string) error { _, err := r.e.Users().Ban(t.Context(), id); return err },
		"revoke":   func(r *rig, id string) error { _, err := r.e.Sessions().RevokeUser(t.Context(), id); return err },
		"delete":   func(r *rig, id string) error { _, err := r.e.Users().Delete(t.Context(), id); return err },
		"password": func(r *rig, id string) error { _, err := r.e.Users().RemovePassword(t.Context(), id); return err },
		"lock":     func(r *rig, id string) error { _, err := r.e.Users().Lock(t.Context(), id, 0); return err },
	} {
		r := newRig(t)
		b := r.browser()
		sid, uid := b.signUp(ada, good)
		p := "/v1/client/sessions/" + sid + "/verify"
		b.post(p, "level", "first_factor").ok()
		b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
		code := b.lastCode()
		if err := change(r, uid); err != nil {
			t.Fatal(what, err)
		}
		if a := b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code); a.status == 200 {
			t.Errorf("%s: stepped up", what)
		}
	}
}

// sensitive is what asks for a step-up, with a form that would otherwise do
// something.
func sensitive(b *browser) map[string]url.Values {
	address := b.get("/v1/me").ok().str("response.email_addresses.0.id")
	return map[string]url.Values{
		"PATCH /v1/me":                                  {"primary_email_address_id": {address}},
		"DELETE /v1/me":                                 {},
		"POST /v1/me/change_password":                   {"current_password": {good}, "new_password": {better}},
		"POST /v1/me/remove_password":                   {"current_password": {good}},
		"POST /v1/me/email_addresses":                   {"email_address": {bob}},
		"DELETE /v1/me/email_addresses/" + address:      {},
		"POST /v1/me/external_accounts":                 {"strategy": {fake}, "redirect_url": {"/"}},
		"DELETE /v1/me/external_accounts/eac_x":         {},
		"POST /v1/me/sessions/" + b.session + "/revoke": {},
	}
}

// P08, S18: what an account hangs on is changed only by who has shown within
// ten minutes who they are.
func TestAttack_P08_StepUpFirst(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	cut := func(name string) (method, path string) {
		for i := range name {
			if name[i] == ' ' {
				return name[:i], name[i+1:]
			}
		}
		panic(name)
	}
	acts := sensitive(b)
	for _, minutes := range []time.Duration{10, 60} {
		r.advance(minutes * time.Minute)
		for name, form := range acts {
			method, path := cut(name)
			b.do(method, path, form).refused(403, "session_reverification_required")
		}
	}
	b.patch("/v1/me", "first_name", "Ada").ok()
	b.post("/v1/me/email_addresses/x/attempt_verification", "code", "1").refused(404, "resource_not_found")
	p := "/v1/client/sessions/" + sid + "/verify"
	b.post(p, "level", "multi_factor").ok()
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok()
	r.advance(9*time.Minute + 59*time.Second)
	b.post("/v1/me/email_addresses", "email_address", bob).ok()
	r.advance(time.Second)
	b.post("/v1/me/email_addresses", "email_address", "carl@example.com").refused(403, "session_reverification_required")

	off := newRig(t, func(s *setup) { s.settings.Reverification = settings.Reverification{} })
	b = off.browser()
	b.signUp(ada, good)
	off.advance(time.Hour)
	b.post("/v1/me/email_addresses", "email_address", bob).ok()
	b.get("/v1/environment").ok().is("auth_config.reverification", false)
}

// Every route that changes an account has been judged: a new one without an
// entry in the table fails here.
func TestEveryWriteIsJudged(t *testing.T) {
	judged := fapi.Gates()
	for _, rt := range newRig(t).api.Routes() {
		name := rt.Method + " " + rt.Path
		if rt.Access == fapi.Session && rt.Method != "GET" && !judged[name] {
			t.Errorf("%s: say in the table of gates whether it needs a step-up", name)
		}
		delete(judged, name)
	}
	for name := range judged {
		t.Errorf("%s is judged and not there", name)
	}
}

// With a second factor, the strongest is asked for, one code does not do twice,
// and setting it up was showing it.
func TestReverificationWithSecondFactor(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	a, codes := b.setUpTOTP()
	b.post("/v1/me/email_addresses", "email_address", bob).ok() // fresh: the code was just shown
	r.advance(time.Hour)
	p := "/v1/client/sessions/" + sid + "/verify"
	b.stepUp()
	b.post("/v1/me/email_addresses", "email_address", "x@example.com").refused(403, "session_reverification_required")
	b.post(p, "level", "second_factor").ok().is("response.level", "second_factor").is("response.status", "needs_second_factor").
		is("response.supported_second_factors.0.strategy", "totp")
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).refused(400, "invalid_action_for_session_reverification")
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", "000x00").refused(422, "form_code_incorrect")
	code := a.code(0)
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", code).ok().is("response.status", "complete").
		is("response.session.factor_verification_age", []int{0, 0})
	b.post("/v1/me/email_addresses", "email_address", "x@example.com").ok()
	b.post(p, "level", "second_factor").ok()
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", code).refused(422, "form_code_incorrect") // P06
	b.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", codes[0]).ok().is("response.status", "complete")
	b.post(p, "level", "second_factor").ok()
	b.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", codes[0]).refused(422, "form_code_incorrect") // P09

	r.advance(time.Hour)
	b.post(p, "level", "multi_factor").ok().is("response.status", "needs_first_factor").is("response.level", "multi_factor")
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "needs_second_factor").
		is("response.session.factor_verification_age.0", 60)
	b.post("/v1/me/email_addresses", "email_address", "y@example.com").refused(403, "session_reverification_required")
	b.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
	b.post("/v1/me/email_addresses", "email_address", "y@example.com").ok()
}

// C13: the current password or a step-up. Where step-ups are asked for, clients
// give no current password; whoever has shown lately who they are needs none.
func TestAttack_C13_CurrentPasswordOrStepUp(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	p := "/v1/me/change_password"
	r.advance(10 * time.Minute)
	b.post(p, "new_password", better).refused(403, "session_reverification_required")
	b.post(p, "current_password", good, "new_password", better).refused(403, "session_reverification_required")
	b.stepUp()
	b.post(p, "current_password", "wrong", "new_password", better).refused(422, "form_password_validation_failed", "current_password")
	b.post(p, "new_password", good).refused(422, "form_new_password_matches_current", "new_password")
	b.post(p, "new_password", better).ok()
	r.browser().signIn(ada, better)
}

// Clients take a session without a token for a state that cannot be: every
// answer to a write carries one of the session that acts.
func TestWritesCarryAToken(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	a := b.patch("/v1/me", "first_name", "Ada").ok()
	if c := r.claims(a.str("client.sessions.0.last_active_token.jwt")); c.SessionID != sid {
		t.Errorf("a token of %q", c.SessionID)
	}
	p := "/v1/client/sessions/" + sid + "/verify"
	a = b.post(p, "level", "first_factor").ok()
	r.claims(a.str("client.sessions.0.last_active_token.jwt"))
	r.advance(time.Hour)
	b.post(p, "level", "first_factor").ok()
	a = b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok()
	if c := r.claims(a.str("client.sessions.0.last_active_token.jwt")); c.FactorAge.First != 0 {
		t.Errorf("an old token: %v", c.FactorAge)
	}
}
