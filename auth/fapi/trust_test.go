package fapi_test

import (
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/user"
)

func trusting(c *setup) { c.settings.Protection.ClientTrust = true }

// TestClientTrust: a password alone opens an account where it was opened
// before; elsewhere it takes a code as well, once.
func TestClientTrust(t *testing.T) {
	r := newRig(t, trusting)
	_, userID := r.browser().signUp(ada, good)
	r.advance(time.Minute)
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", ada).ok().is("response.client_trust_state", "new").is("response.status", "needs_first_factor")
	p := "/v1/client/sign_ins/" + a.str("response.id")
	a = b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok().
		is("response.status", "needs_client_trust").is("response.client_trust_state", "new").is("response.created_session_id", nil).
		is("response.supported_second_factors.0.strategy", "email_code").is("response.supported_second_factors.0.primary", true)
	if n := len(a.at("client.sessions").([]any)); n != 0 {
		t.Fatalf("%d sessions before the code", n)
	}
	b.get("/v1/me").refused(401, "authentication_invalid", "")
	b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", "000000").refused(400, "verification_missing", "")
	b.post(p+"/prepare_second_factor", "strategy", "reset_password_email_code").refused(400, "strategy_for_user_invalid", "strategy")
	b.post(p+"/attempt_second_factor", "strategy", "password", "password", good).refused(400, "verification_strategy_invalid", "strategy")
	b.post(p+"/prepare_first_factor", "strategy", "email_code").refused(400, "client_state_invalid", "")
	id := a.str("response.supported_second_factors.0.email_address_id")
	b.post(p+"/prepare_second_factor", "strategy", "email_code", "email_address_id", id).ok().is("response.status", "needs_client_trust")
	b.post(p+"/prepare_second_factor", "strategy", "email_code").refused(429, "verification_code_too_many_requests", "")
	code := b.lastCode()
	b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", wrong(code)).refused(422, "form_code_incorrect", "code")
	r.browser().post(p+"/attempt_second_factor", "strategy", "email_code", "code", code).refused(404, "resource_not_found", "")
	a = b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", code).ok().is("response.status", "complete")
	b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", code).refused(400, "client_state_invalid", "")
	// It is no second factor.
	a.is("client.sessions.0.factor_verification_age.1", float64(-1))

	// The browser is known for as long as its cookie lasts, and for this account.
	b.post("/v1/client/sessions/" + a.str("response.created_session_id") + "/remove").ok()
	r.advance(100 * 24 * time.Hour)
	b.post("/v1/client/sign_ins", "identifier", ada).ok().is("response.client_trust_state", "known")
	b.signIn(ada, good)
	r.browser().signUp("bob@example.com", good)
	b.post("/v1/client/sign_ins", "identifier", "bob@example.com", "password", good).ok().is("response.status", "needs_client_trust")
	// A new password makes strangers of all browsers.
	r.advance(time.Second)
	pw := "another horse battery 9"
	if _, err := r.e.Users().Update(t.Context(), userID, user.UpdateParams{Password: &pw}); err != nil {
		t.Fatal(err)
	}
	b.post("/v1/client/sign_ins", "identifier", ada, "password", pw).ok().is("response.status", "needs_client_trust")
	// Who is spared it, is.
	yes := true
	if _, err := r.e.Users().Update(t.Context(), userID, user.UpdateParams{BypassClientTrust: &yes}); err != nil {
		t.Fatal(err)
	}
	r.browser().signIn(ada, pw)
}

func wrong(code string) string {
	if code == "111111" {
		return "222222"
	}
	return "111111"
}

// A code by mail, or a reset, shows by itself whose the browser is.
func TestClientTrustOnlyAfterAPassword(t *testing.T) {
	r := newRig(t, trusting)
	r.browser().signUp(ada, good)
	for _, strategy := range []string{"email_code", "reset_password_email_code"} {
		r.advance(time.Minute)
		b := r.browser()
		p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", ada, "strategy", strategy).ok().str("response.id")
		a := b.post(p+"/attempt_first_factor", "strategy", strategy, "code", b.lastCode()).ok()
		if strategy != "email_code" {
			a = b.post(p+"/reset_password", "password", "a new password 1").ok()
		}
		a.is("response.status", "complete")
	}
}

// TestAttack_L02_ClientTrustRaced: one code lets one browser in once.
func TestAttack_L02_ClientTrustRaced(t *testing.T) {
	r := newRig(t, trusting)
	r.browser().signUp(ada, good)
	r.advance(time.Minute)
	b := r.browser()
	p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().str("response.id")
	b.post(p+"/prepare_second_factor", "strategy", "email_code").ok()
	code := b.lastCode()
	var wg sync.WaitGroup
	var mu sync.Mutex
	sessions := map[string]bool{}
	for range 8 {
		own := b.fork()
		wg.Go(func() {
			if a := own.post(p+"/attempt_second_factor", "strategy", "email_code", "code", code); a.status == 200 {
				mu.Lock()
				defer mu.Unlock()
				sessions[a.str("response.created_session_id")] = true
			}
		})
	}
	wg.Wait()
	if len(sessions) != 1 {
		t.Errorf("%d sessions", len(sessions))
	}
}

// Guesses of that code count like any other.
func TestAttack_C21_ClientTrustCounts(t *testing.T) {
	r := newRig(t, trusting)
	r.browser().signUp(ada, good)
	judged := 0
	for range 4 {
		r.advance(time.Minute)
		b := r.browser()
		a := b.post("/v1/client/sign_ins", "identifier", ada, "password", good)
		if a.status == 403 {
			break
		}
		p := "/v1/client/sign_ins/" + a.ok().str("response.id")
		b.post(p+"/prepare_second_factor", "strategy", "email_code").ok()
		for range 5 {
			if a := b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", "x00000"); a.status == 422 {
				judged++
			}
		}
	}
	if judged != 10 {
		t.Errorf("%d guesses were judged: a right password between them must not forgive", judged)
	}
}
