package fapi_test

import (
	"encoding/base32"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user/totp"
)

// app is an authenticator app with one secret.
type app struct {
	r      *rig
	secret []byte
}

// code is what the app shows, so many steps from now.
func (a *app) code(steps int64) string {
	a.r.t.Helper()
	c, err := totp.Code(a.secret, totp.Step(a.r.Now())+steps)
	if err != nil {
		a.r.t.Fatal(err)
	}
	return c
}

// setUpTOTP sets up an app, and returns it with the backup codes that came
// along. The clock moves on, so that the app has another code.
func (b *browser) setUpTOTP() (*app, []string) {
	b.t.Helper()
	made := b.post("/v1/me/totp").ok().is("response.object", "totp").is("response.verified", false).is("response.backup_codes", nil)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(made.str("response.secret"))
	if err != nil || len(secret) != 20 {
		b.t.Fatalf("secret %q", made.str("response.secret"))
	}
	if uri := made.str("response.uri"); !strings.HasPrefix(uri, "otpauth://totp/") || !strings.Contains(uri, made.str("response.secret")) {
		b.t.Errorf("uri %q", uri)
	}
	a := &app{b.rig, secret}
	done := b.post("/v1/me/totp/attempt_verification", "code", a.code(0)).ok().is("response.verified", true).
		is("response.secret", nil).is("response.uri", nil).is("response.id", made.str("response.id"))
	var codes []string
	if done.at("response.backup_codes") != nil {
		for _, c := range done.list("response.backup_codes") {
			codes = append(codes, c.(string))
		}
	}
	b.rig.advance(totp.Period)
	return a, codes
}

// toSecond shows the first factor and returns the path of the sign-in.
func (b *browser) toSecond() string {
	b.t.Helper()
	a := b.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().is("response.status", "needs_second_factor").
		is("response.created_session_id", nil)
	return "/v1/client/sign_ins/" + a.str("response.id")
}

func TestTOTP(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	b.post("/v1/me/totp/attempt_verification", "code", "123456").refused(400, "verification_missing")
	b.post("/v1/me/backup_codes").refused(400, "backup_codes_not_available")
	b.delete("/v1/me/totp").refused(404, "resource_not_found")
	b.post("/v1/me/totp").ok()
	b.post("/v1/me/totp/attempt_verification", "code", "12345").refused(422, "form_code_incorrect", "code")
	b.post("/v1/me/totp/attempt_verification").refused(422, "form_param_missing", "code")
	b.get("/v1/me").ok().is("response.totp_enabled", false).is("response.two_factor_enabled", false).is("response.mfa_enabled_at", nil)
	mails := r.countMails()
	enabled := r.Now()
	a, codes := b.setUpTOTP()
	if len(codes) != 10 {
		t.Fatalf("codes %v", codes)
	}
	if r.countMails() != mails+1 || r.lastMail().Slug != notify.FactorAdded {
		t.Errorf("%d mails", r.countMails()-mails)
	}
	b.get("/v1/me").ok().is("response.totp_enabled", true).is("response.two_factor_enabled", true).is("response.backup_code_enabled", true).
		is("response.mfa_enabled_at", enabled.UnixMilli()).is("response.mfa_disabled_at", nil)
	b.post("/v1/me/totp").refused(400, "totp_already_enabled")
	b.post("/v1/me/totp/attempt_verification", "code", a.code(0)).refused(400, "totp_already_enabled")

	c := r.browser()
	p := c.toSecond()
	c.get(p).ok().is("response.supported_second_factors", []any{map[string]any{"strategy": "totp"}, map[string]any{"strategy": "backup_code"}})
	c.get("/v1/me").refused(401, "authentication_invalid")
	c.post(p+"/prepare_second_factor", "strategy", "totp").refused(400, "verification_strategy_invalid")
	c.post(p+"/attempt_second_factor", "strategy", "totp").refused(422, "form_param_nil", "code")
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(3)).refused(422, "form_code_incorrect", "code")
	c.get(p).ok().is("response.second_factor_verification.object", "verification_totp").is("response.second_factor_verification.attempts", 1).
		is("response.second_factor_verification.status", "unverified")
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete").
		is("client.sessions.0.user.totp_enabled", true)
	fva := r.claims(c.post("/v1/client/sessions/" + c.get("/v1/client").str("response.sessions.0.id") + "/tokens").ok().str("jwt")).FactorAge
	if fva == nil || fva.First != 0 || fva.Second != 0 {
		t.Errorf("factor ages %v", fva)
	}

	r.advance(totp.Period)
	b.delete("/v1/me/totp").ok().is("response.object", "totp").is("response.deleted", true)
	b.get("/v1/me").ok().is("response.totp_enabled", false).is("response.backup_code_enabled", false).is("response.mfa_disabled_at", r.Now().UnixMilli())
	c.get("/v1/me").refused(401, "authentication_invalid") // whoever had the app is out
	if r.lastMail().Slug != notify.FactorRemoved {
		t.Errorf("mail %s", r.lastMail().Slug)
	}
	r.browser().signIn(ada, good)
}

func TestTOTPIsOff(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.SecondFactors = settings.SecondFactors{} })
	b := r.browser()
	b.signUp(ada, good)
	b.post("/v1/me/totp").refused(400, "form_param_value_disabled", "totp")
	b.post("/v1/me/totp/attempt_verification", "code", "123456").refused(400, "form_param_value_disabled", "totp")
	b.post("/v1/me/backup_codes").refused(400, "backup_codes_not_available")
	b.get("/v1/environment").ok().is("user_settings.attributes.authenticator_app.enabled", false).is("user_settings.attributes.backup_code.enabled", false)
	on := newRig(t).browser()
	on.get("/v1/environment").ok().is("user_settings.attributes.authenticator_app.second_factors", []string{"totp"}).
		is("user_settings.attributes.authenticator_app.used_for_second_factor", true).is("user_settings.attributes.backup_code.second_factors", []string{"backup_code"}).
		is("auth_config.second_factors", []string{"totp", "backup_code"})
}

// A code is good once: again, in another attempt, or an earlier one after it.
func TestAttack_P06_CodeIsUsedOnce(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	a, _ := b.setUpTOTP()
	enrolled := a.code(-1)
	c := r.browser()
	p := c.toSecond()
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", enrolled).refused(422, "form_code_incorrect") // it took the app into use
	used := a.code(1)
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", used).ok().is("response.status", "complete")
	d := r.browser()
	p = d.toSecond()
	d.post(p+"/attempt_second_factor", "strategy", "totp", "code", used).refused(422, "form_code_incorrect")
	d.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).refused(422, "form_code_incorrect")
	r.advance(2 * totp.Period)
	d.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
}

// race sends one request from each browser at the same moment and returns how
// many were let in.
func race(bs []*browser, path []string, pairs ...string) (won int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, b := range bs {
		wg.Go(func() {
			<-start
			a := b.post(path[i], pairs...)
			mu.Lock()
			defer mu.Unlock()
			if a.status == 200 {
				won++
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}

// Of many sign-ins with one code at once, one gets in.
func TestAttack_P06_Race(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Protection.Lockout.Enabled = false }) // fifteen are wrong
	b := r.browser()
	b.signUp(ada, good)
	a, codes := b.setUpTOTP()
	for strategy, code := range map[string]string{"totp": a.code(0), "backup_code": codes[3]} {
		bs, paths := make([]*browser, 16), make([]string, 16)
		for i := range bs {
			bs[i] = r.browser()
			paths[i] = bs[i].toSecond() + "/attempt_second_factor"
		}
		if won := race(bs, paths, "strategy", strategy, "code", code); won != 1 {
			t.Errorf("%s: %d got in", strategy, won)
		}
		signedIn := 0
		for _, c := range bs {
			if c.get("/v1/me").status == 200 {
				signedIn++
			}
		}
		if signedIn != 1 {
			t.Errorf("%s: %d are signed in", strategy, signedIn)
		}
	}
}

// Tries of codes are counted for the account, whatever the attempt and client.
func TestAttack_P07_TriesAreCounted(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Limits.AttemptCode = settings.Rate{Count: 5, Per: 24 * time.Hour} })
	b := r.browser()
	b.signUp(ada, good) // one try, of the code that was mailed
	a, _ := b.setUpTOTP()
	tried := 0
	for range 20 {
		c := r.browser()
		res := c.post(c.toSecond()+"/attempt_second_factor", "strategy", []string{"totp", "backup_code"}[tried%2], "code", "000000")
		if res.status == 429 {
			break
		}
		res.refused(422, "form_code_incorrect")
		tried++
	}
	if tried == 0 || tried > 5 {
		t.Errorf("%d tries", tried)
	}
	c := r.browser()
	c.post(c.toSecond()+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).refused(429, "too_many_requests")
}

// Wrong codes of every kind count to one lock, and a passkey, which nobody can
// guess, still opens the account.
func TestAttack_P07_WrongCodesLock(t *testing.T) {
	r := newRig(t, passkeysOn)
	b := r.browser()
	b.signUp(ada, good)
	a, codes := b.setUpTOTP()
	d := r.device()
	b.addPasskey(d)
	var paths []string
	c := r.browser()
	for tried := range 10 {
		if tried%3 == 0 { // new attempts change nothing
			c = r.browser()
			paths = append(paths, c.toSecond())
		}
		res := c.post(paths[len(paths)-1]+"/attempt_second_factor", "strategy", []string{"totp", "backup_code"}[tried%2], "code", "000000")
		if res.status != 422 && res.status != 403 {
			t.Fatalf("try %d: %d %s", tried, res.status, res.raw)
		}
	}
	c.post(paths[len(paths)-1]+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).refused(403, "user_locked")
	c.post(paths[len(paths)-1]+"/attempt_second_factor", "strategy", "backup_code", "code", codes[0]).refused(403, "user_locked")
	r.browser().signInByPasskey(d).ok().is("response.status", "complete")
	r.advance(61 * time.Minute)
	e := r.browser()
	e.post(e.toSecond()+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
}

// A secret that is not confirmed yet is for the session that was shown it, is
// told once, and is no second factor; and the last one that everybody must have
// stays.
func TestAttack_P08_Enrolment(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	c := r.browser()
	c.signIn(ada, good)
	made := b.post("/v1/me/totp").ok()
	secret, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(made.str("response.secret"))
	a := &app{r, secret}
	c.post("/v1/me/totp/attempt_verification", "code", a.code(0)).refused(400, "verification_missing")
	r.browser().signIn(ada, good) // still without a second factor
	c.post("/v1/me/totp").ok()    // takes the place of the other
	b.post("/v1/me/totp/attempt_verification", "code", a.code(0)).refused(400, "verification_missing")
	if raw := string(b.get("/v1/me").ok().raw); strings.Contains(raw, made.str("response.secret")) {
		t.Error("the secret is told again")
	}
	b.setUpTOTP()
	if err := r.e.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.SignIn.SecondFactorRequired = true; return nil }); err != nil {
		t.Fatal(err)
	}
	b.delete("/v1/me/totp").refused(400, "second_factor_deletion_not_allowed")
	b.get("/v1/me").ok().is("response.totp_enabled", true)
}

func TestAttack_P09_BackupCodes(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	_, codes := b.setUpTOTP()
	c := r.browser()
	p := c.toSecond()
	wrong := codes[4][:11] + map[bool]string{true: "1", false: "0"}[codes[4][11] == '0']
	c.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", wrong).refused(422, "form_code_incorrect", "code")
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", codes[4]).refused(422, "form_code_incorrect")
	c.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", " "+strings.ToUpper(codes[4])+" ").ok().is("response.status", "complete")
	d := r.browser()
	p = d.toSecond()
	d.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", codes[4]).refused(422, "form_code_incorrect")
	anew := b.post("/v1/me/backup_codes").ok().is("response.object", "backup_code").list("response.codes")
	d.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", codes[5]).refused(422, "form_code_incorrect") // of the former set
	d.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", anew[5].(string)).ok().is("response.status", "complete")
	for _, code := range append(codes, anew[0].(string)) {
		if strings.Contains(r.log.String(), code) {
			t.Error("a code is in the log")
		}
	}
}

// The second factor is asked for whatever the first was, and whatever road
// leads to a session.
func TestAttack_P12_SecondFactorAfterEveryFirst(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	a, _ := b.setUpTOTP()

	c := r.browser()
	id := c.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	p := "/v1/client/sign_ins/" + id
	c.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	c.post(p+"/attempt_first_factor", "strategy", "email_code", "code", c.lastCode()).ok().is("response.status", "needs_second_factor")
	c.get("/v1/client").ok().is("response.sessions", []any{})
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")

	r.advance(totp.Period)
	c = r.browser()
	id = c.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	p = "/v1/client/sign_ins/" + id
	c.post(p+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	c.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", c.lastCode(), "password", better).ok().
		is("response.status", "needs_second_factor")
	c.post(p+"/attempt_first_factor", "strategy", "password", "password", better).refused(400, "client_state_invalid")
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
}

// A second factor that comes or goes between the two steps counts as it is at
// the last one.
func TestAttack_P13_FactorChangesBetweenTheSteps(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	c := r.browser()
	id := c.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	a, codes := b.setUpTOTP() // after the sign-in began
	p := "/v1/client/sign_ins/" + id
	c.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "needs_second_factor")
	old := a.code(0)
	b.delete("/v1/me/totp").ok()
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", old).refused(400, "client_state_invalid") // it is void
	another, _ := b.setUpTOTP()
	c = r.browser()
	p = c.toSecond()
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).refused(422, "form_code_incorrect")
	c.post(p+"/attempt_second_factor", "strategy", "backup_code", "code", codes[0]).refused(422, "form_code_incorrect")
	c.post(p+"/attempt_second_factor", "strategy", "totp", "code", another.code(0)).ok().is("response.status", "complete")
}

// Between the factors nothing opens.
func TestAttack_P11_NothingOpensBetweenTheFactors(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	b.setUpTOTP()
	for _, rt := range r.api.Routes() {
		if rt.Access != "session" {
			continue
		}
		c := r.browser()
		c.toSecond()
		if a := c.do(rt.Method, concrete(rt.Path), url.Values{}); a.status != 401 {
			t.Errorf("%s %s: %d", rt.Method, rt.Path, a.status)
		}
		if c.cookie("__session") != "" {
			t.Error("a session cookie")
		}
	}
}

// Whoever signed up with an address that nobody had proved loses what was set
// before, second factors and passkeys too, once the owner proves it.
func TestAttack_C16_FactorsOfAStranger(t *testing.T) {
	r := newRig(t, func(s *setup) {
		s.settings.EmailAddress.VerifyAtSignUp = false
		s.settings.Passkeys.Enabled = true
	})
	b := r.browser()
	a := b.post("/v1/client/sign_ups", "email_address", ada, "password", good).ok().is("response.status", "complete")
	b.session = a.str("response.created_session_id")
	b.setUpTOTP()
	d := r.device()
	b.addPasskey(d)
	owner := r.browser()
	p := "/v1/client/sign_ins/" + owner.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	owner.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	owner.post(p+"/attempt_first_factor", "strategy", "email_code", "code", owner.lastCode()).ok().is("response.status", "complete").
		is("client.sessions.0.user.totp_enabled", false).is("client.sessions.0.user.backup_code_enabled", false).is("client.sessions.0.user.passkeys", []any{}).
		is("client.sessions.0.user.password_enabled", false)
	b.get("/v1/me").refused(401, "authentication_invalid")
	if a := b.signInByPasskey(d); a.status != 404 {
		t.Errorf("the stranger's passkey: %d", a.status)
	}
}

// Each step changes the store in one transaction, beside the one that counts a
// try of a code before it is judged.
func TestOneTransactionAStep(t *testing.T) {
	counter := storetest.Counting(memory.New())
	r := newRig(t, passkeysOn, func(s *setup) { s.store = counter })
	b := r.browser()
	b.signUp(ada, good)
	a, codes := b.setUpTOTP()
	d := r.device()
	b.addPasskey(d)
	step := func(name string, most int64, fn func() *answer) *answer {
		t.Helper()
		counter.Reset()
		got := fn().ok()
		if n := counter.Calls().Update; n > most {
			t.Errorf("%s: %d transactions", name, n)
		}
		return got
	}
	for strategy, code := range map[string]string{"totp": a.code(0), "backup_code": codes[7]} {
		c := r.browser()
		p := c.toSecond()
		step(strategy, 2, func() *answer { return c.post(p+"/attempt_second_factor", "strategy", strategy, "code", code) })
	}
	c := r.browser()
	begun := step("a passkey's beginning", 1, func() *answer { return c.post("/v1/client/sign_ins", "strategy", "passkey") })
	signed := c.answerTo(d, begun.str("response.first_factor_verification.nonce"))
	step("a passkey", 1, func() *answer { return c.showPasskey("/v1/client/sign_ins/"+begun.str("response.id"), signed) })
	step("new backup codes", 1, func() *answer { return b.post("/v1/me/backup_codes") })
	made := step("a new passkey's beginning", 1, func() *answer { return b.post("/v1/me/passkeys") })
	id, nonce := made.str("response.id"), made.str("response.verification.nonce")
	raw, err := r.device().Create([]byte(nonce))
	if err != nil {
		t.Fatal(err)
	}
	step("a new passkey", 1, func() *answer {
		return b.post("/v1/me/passkeys/"+id+"/attempt_verification", "public_key_credential", string(raw))
	})
	step("the end of the app", 1, func() *answer { return b.delete("/v1/me/totp") })
}
