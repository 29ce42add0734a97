package fapi_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/settings"
)

// forced demands a second factor of everybody.
func forced(s *setup) { s.settings.SignIn.SecondFactorRequired = true }

func demandSecond(t *testing.T, r *rig) {
	t.Helper()
	if err := r.e.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.SignIn.SecondFactorRequired = true; return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestTaskSetupMFA(t *testing.T) {
	r := newRig(t, forced)
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "strategy", "email_code").ok().str("response.id")
	a := b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok()
	sid := a.str("response.created_session_id")
	a.is("response.status", "complete").is("client.sessions.0.status", "pending").is("client.sessions.0.tasks", []any{map[string]any{"key": "setup-mfa"}})
	b.post("/v1/client/sessions/"+sid+"/touch").ok().is("response.status", "pending")
	if c := r.claims(b.post("/v1/client/sessions/" + sid + "/tokens").ok().str("jwt")); c.Status != "pending" {
		t.Errorf("sts %q", c.Status)
	}
	b.get("/v1/me").refused(401, "authentication_invalid")

	b.session = sid
	_, codes := b.setUpTOTP()
	if len(codes) != 10 {
		t.Errorf("codes %v", codes)
	}
	b.get("/v1/client").ok().is("response.sessions.0.status", "active").is("response.sessions.0.tasks", nil).
		is("response.sessions.0.factor_verification_age", []int{0, 0})
	if c := r.claims(b.post("/v1/client/sessions/" + sid + "/tokens").ok().str("jwt")); c.Status != "active" || c.FactorAge.Second != 0 {
		t.Errorf("sts %q", c.Status)
	}
	b.get("/v1/me").ok()
}

// A sign-in where a second factor is demanded: who has one shows it, who has
// none sets it up, and elsewhere nobody gets in with less.
func TestTaskSetupMFAAtSignIn(t *testing.T) {
	r := newRig(t)
	first := r.browser()
	first.signUp(ada, good)
	demandSecond(t, r)
	b, c := r.browser(), r.browser()
	for _, x := range []*browser{b, c} {
		x.signIn(ada, good)
		x.get("/v1/client").ok().is("response.sessions.0.status", "pending")
	}
	a, _ := b.setUpTOTP()
	b.get("/v1/client").ok().is("response.sessions.0.status", "active")
	c.get("/v1/client").ok().is("response.sessions", []string{}) // it has shown no second factor, and there is one now
	p := c.toSecond()
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete").
		is("client.sessions.0.status", "active")
}

func TestTaskResetPassword(t *testing.T) {
	r := newRig(t)
	b, thief := r.browser(), r.browser()
	sid, uid := b.signUp(ada, good)
	thief.signIn(ada, good)
	thief.get("/v1/me").ok()
	r.advance(time.Second)
	if _, err := r.e.Users().MarkPasswordCompromised(t.Context(), uid, false); err != nil {
		t.Fatal(err)
	}
	b.get("/v1/client").ok().is("response.sessions.0.status", "pending").is("response.sessions.0.tasks", []any{map[string]any{"key": "reset-password"}})
	b.get("/v1/me").refused(401, "authentication_invalid")
	thief.get("/v1/me").refused(401, "authentication_invalid")
	// Whoever has only the password that is known gets no further with it.
	for _, x := range []*browser{b, thief} {
		x.post("/v1/me/change_password", "new_password", better).refused(403, "session_reverification_required")
	}
	p := "/v1/client/sessions/" + thief.session + "/verify"
	thief.post(p, "level", "first_factor").ok()
	thief.post(p+"/attempt_first_factor", "strategy", "password", "password", good).refused(422, "form_password_compromised")

	p = "/v1/client/sessions/" + sid + "/verify"
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete").
		is("response.session.status", "pending")
	b.post("/v1/me/change_password", "new_password", good).refused(422, "form_new_password_matches_current", "new_password")
	b.post("/v1/me/change_password", "new_password", "short").refused(422, "form_password_length_too_short", "new_password")
	b.post("/v1/me/change_password", "new_password", better, "sign_out_of_other_sessions", "false").ok().
		is("client.sessions.0.status", "active").is("client.sessions.0.tasks", nil)
	b.get("/v1/me").ok()
	// The thief's session is over although the others were to live.
	thief.get("/v1/client").ok().is("response.sessions", []string{})
	r.browser().signIn(ada, better)
}

// A sign-in by other means than the known password has it to replace.
func TestTaskResetPasswordAtSignIn(t *testing.T) {
	r := newRig(t)
	_, uid := r.browser().signUp(ada, good)
	if _, err := r.e.Users().SetPasswordCompromised(t.Context(), uid, true); err != nil {
		t.Fatal(err)
	}
	b := r.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
	a := b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", b.lastCode()).ok().
		is("response.status", "complete").is("client.sessions.0.status", "pending").is("client.sessions.0.tasks.0.key", "reset-password")
	b.session = a.str("response.created_session_id")
	b.post("/v1/me/change_password", "new_password", better).ok().is("client.sessions.0.status", "active")

	// A reset sets another one on the way: nothing is left to do.
	if _, err := r.e.Users().SetPasswordCompromised(t.Context(), uid, true); err != nil {
		t.Fatal(err)
	}
	c := r.browser()
	id = c.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	c.post("/v1/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	c.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", c.lastCode()).ok()
	c.post("/v1/client/sign_ins/"+id+"/reset_password", "password", good).ok().is("response.status", "complete").is("client.sessions.0.status", "active")

	// Taken back, nothing is left to do either.
	if _, err := r.e.Users().MarkPasswordCompromised(t.Context(), uid, false); err != nil {
		t.Fatal(err)
	}
	c.get("/v1/client").ok().is("response.sessions.0.status", "pending")
	if _, err := r.e.Users().SetPasswordCompromised(t.Context(), uid, false); err != nil {
		t.Fatal(err)
	}
	c.get("/v1/client").ok().is("response.sessions.0.status", "active")
}

// P11: a pending session is nobody on every route but those of its task.
func TestAttack_P11_PendingSessionsDoTasksOnly(t *testing.T) {
	for _, task := range []string{"setup-mfa", "reset-password"} {
		r := newRig(t)
		b := r.browser()
		_, uid := b.signUp(ada, good)
		if task == "setup-mfa" {
			demandSecond(t, r)
			b = r.browser()
			b.signIn(ada, good)
		} else if _, err := r.e.Users().MarkPasswordCompromised(t.Context(), uid, false); err != nil {
			t.Fatal(err)
		}
		b.get("/v1/client").ok().is("response.sessions.0.tasks.0.key", task)
		allowed := fapi.TaskRoutes(task)
		if len(allowed) == 0 {
			t.Fatal("no route for " + task)
		}
		for _, rt := range r.api.Routes() {
			if rt.Access != fapi.Session {
				continue
			}
			name := rt.Method + " " + rt.Path
			a := b.do(rt.Method, concrete(rt.Path), url.Values{})
			if nobody := a.status == 401; nobody == allowed[name] {
				t.Errorf("%s: %s: %d %s", task, name, a.status, strings.TrimSpace(string(a.raw)))
			}
			delete(allowed, name)
		}
		for name := range allowed {
			t.Errorf("%s is allowed and not there", name)
		}
	}
}
