package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

// ownPage is a browser on a page of the host's own: one request after another,
// with the cookies of the answers before.
type ownPage struct {
	t    *testing.T
	e    *enrolled
	jar  map[string]*http.Cookie
	from string // Origin
}

func newOwnPage(t *testing.T, e *enrolled) *ownPage {
	return &ownPage{t: t, e: e, jar: map[string]*http.Cookie{}, from: e.Server.URL}
}

func (p *ownPage) request(method string) *http.Request {
	r := httptest.NewRequest(method, p.e.Server.URL+"/own", nil)
	r.Header.Set("Origin", p.from)
	for _, c := range p.jar {
		r.AddCookie(c)
	}
	return r
}

// post runs fn as the handler of a form.
func (p *ownPage) post(fn func(at *auth.Attempts) error) error {
	w := httptest.NewRecorder()
	at, err := p.e.Attempts(w, p.request("POST"))
	if err == nil {
		err = fn(at)
	}
	for _, c := range w.Result().Cookies() {
		p.jar[c.Name] = c
		if c.MaxAge < 0 {
			delete(p.jar, c.Name)
		}
	}
	return err
}

// who asks the middleware who the browser is.
func (p *ownPage) who() (id string) {
	h := p.e.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { id = auth.From(r.Context()).UserID }))
	h.ServeHTTP(httptest.NewRecorder(), p.request("GET"))
	return id
}

// step is one call, and the status that it leads to.
type step struct {
	call func(at *auth.Attempts, s *auth.SignIn) (*auth.SignIn, error)
	then signin.Status
	code string // of the refusal; empty: none
}

// Every way in works by calls, under the same rules as everywhere: a second
// factor is asked for, a wrong proof is refused, and only a complete sign-in
// makes the browser somebody's.
func TestAttemptsSignIn(t *testing.T) {
	first := func(strategy string, proof func(e *enrolled) factor.Proof, then signin.Status, code string) func(*enrolled) step {
		return func(e *enrolled) step {
			return step{func(at *auth.Attempts, s *auth.SignIn) (*auth.SignIn, error) {
				return at.AttemptFirstFactor(s.ID, strategy, proof(e))
			}, then, code}
		}
	}
	second := func(strategy string, proof func(e *enrolled) factor.Proof, code string) func(*enrolled) step {
		return func(e *enrolled) step {
			return step{func(at *auth.Attempts, s *auth.SignIn) (*auth.SignIn, error) {
				return at.AttemptSecondFactor(s.ID, strategy, proof(e))
			}, signin.Complete, code}
		}
	}
	begin := func(p auth.SignInParams, then signin.Status) func(*enrolled) step {
		return func(*enrolled) step {
			return step{func(at *auth.Attempts, _ *auth.SignIn) (*auth.SignIn, error) { return at.CreateSignIn(p) }, then, ""}
		}
	}
	known := begin(auth.SignInParams{Identifier: "ada@example.com"}, signin.NeedsFirstFactor)
	password := func(text string) func(*enrolled) factor.Proof {
		return func(*enrolled) factor.Proof { return factor.Proof{Password: text} }
	}
	app := func(e *enrolled) factor.Proof { return factor.Proof{Code: e.code()} }
	backup := func(e *enrolled) factor.Proof { return factor.Proof{Code: e.codes[0]} }
	for name, ways := range map[string][]func(*enrolled) step{
		"password, app":              {known, first("password", password(adasPassword), signin.NeedsSecondFactor, ""), second("totp", app, "")},
		"password, backup code":      {known, first("password", password(adasPassword), signin.NeedsSecondFactor, ""), second("backup_code", backup, "")},
		"both at once, app":          {begin(auth.SignInParams{Identifier: "ada@example.com", Password: adasPassword}, signin.NeedsSecondFactor), second("totp", app, "")},
		"wrong, then right":          {known, first("password", password("wrong horse battery"), "", "form_password_incorrect"), first("password", password(adasPassword), signin.NeedsSecondFactor, ""), second("totp", app, "")},
		"wrong code, then the right": {begin(auth.SignInParams{Identifier: "ada@example.com", Password: adasPassword}, signin.NeedsSecondFactor), second("totp", func(*enrolled) factor.Proof { return factor.Proof{Code: "000000"} }, "form_code_incorrect"), second("totp", app, "")},
		"code by mail, app": {known, func(*enrolled) step {
			return step{func(at *auth.Attempts, s *auth.SignIn) (*auth.SignIn, error) {
				return at.PrepareFirstFactor(s.ID, "email_code", "", "")
			}, signin.NeedsFirstFactor, ""}
		}, first("email_code", func(e *enrolled) factor.Proof {
			for n := 1; ; n++ { // beside two mails of the factors that were added
				if m := e.Mail.Wait(e.t, "ada@example.com", n); m.Data.OTPCode != "" {
					return factor.Proof{Code: m.Data.OTPCode}
				}
			}
		}, signin.NeedsSecondFactor, ""), second("totp", app, "")},
		"ticket, app": {func(e *enrolled) step {
			_, tok, err := e.SignInTokens().Create(e.t.Context(), e.ada.ID, 0)
			if err != nil {
				e.t.Fatal(err)
			}
			return begin(auth.SignInParams{Strategy: "ticket", Proof: factor.Proof{Ticket: tok.Token}}, signin.NeedsSecondFactor)(e)
		}, second("totp", app, "")},
		"passkey": {begin(auth.SignInParams{Strategy: "passkey"}, signin.NeedsIdentifier), func(e *enrolled) step {
			return step{func(at *auth.Attempts, s *auth.SignIn) (*auth.SignIn, error) {
				answer, err := e.device.Get([]byte(s.First.Nonce))
				if err != nil {
					return nil, err
				}
				return at.AttemptFirstFactor(s.ID, "passkey", factor.Proof{Credential: string(answer)})
			}, signin.Complete, ""}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enroll(t)
			p := newOwnPage(t, e)
			var s *auth.SignIn
			for i, way := range ways {
				st := way(e)
				err := p.post(func(at *auth.Attempts) error {
					next, err := st.call(at, s)
					if err == nil {
						s = next
					}
					return err
				})
				if got := codeOf(err); got != st.code || err == nil && s.Status != st.then {
					t.Fatalf("step %d: %v, want %q; the sign-in: %+v", i, err, st.code, s)
				}
				if who := p.who(); (who == e.ada.ID) != (s.Status == signin.Complete) {
					t.Fatalf("step %d, %s: the browser is %q", i, s.Status, who)
				}
			}
			if s.SessionID == "" || s.First != nil && s.First.Secret != nil {
				t.Errorf("complete: %+v", s)
			}
		})
	}
}

// A sign-up takes its fields in any order, and completes by itself.
func TestAttemptsSignUp(t *testing.T) {
	e := enroll(t)
	p := newOwnPage(t, e)
	text := func(s string) *string { return &s }
	var s *auth.SignUp
	for i, st := range []struct {
		call func(at *auth.Attempts) (*auth.SignUp, error)
		then signup.Status
		code string
	}{
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.CreateSignUp(auth.SignUpParams{EmailAddress: text("ada@example.com")})
		}, "", "form_identifier_exists"},
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.CreateSignUp(auth.SignUpParams{EmailAddress: text("bob@example.com")})
		}, signup.MissingRequirements, ""},
		{func(at *auth.Attempts) (*auth.SignUp, error) { return at.PrepareVerification(s.ID, "email_code", "") }, signup.MissingRequirements, ""},
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.AttemptVerification(s.ID, "email_code", factor.Proof{Code: "no"})
		}, "", "form_code_incorrect"},
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.UpdateSignUp(s.ID, auth.SignUpParams{Password: text("password")})
		}, "", "form_password_pwned"},
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.UpdateSignUp(s.ID, auth.SignUpParams{Password: text(adasPassword)})
		}, signup.MissingRequirements, ""},
		{func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.AttemptVerification(s.ID, "email_code", factor.Proof{Code: e.Mail.Code(t, "bob@example.com", 1)})
		}, signup.Complete, ""},
	} {
		err := p.post(func(at *auth.Attempts) error {
			next, err := st.call(at)
			if err == nil {
				s = next
			}
			return err
		})
		if got := codeOf(err); got != st.code || err == nil && s.Status != st.then {
			t.Fatalf("step %d: %v, want %q; the sign-up: %+v", i, err, st.code, s)
		}
		if s != nil && s.Status != signup.Complete && p.who() != "" {
			t.Fatalf("step %d: the browser is somebody's", i)
		}
	}
	if s.UserID == "" || p.who() != s.UserID {
		t.Errorf("complete: %+v, the browser is %q", s, p.who())
	}
}

// A form of another site begins nothing.
func TestAttack_S06_AttemptsFromElsewhere(t *testing.T) {
	e := enroll(t)
	p := newOwnPage(t, e)
	p.from = "https://evil.example"
	err := p.post(func(at *auth.Attempts) error { t.Error("let in"); return nil })
	if codeOf(err) != "csrf_token_invalid" || len(p.jar) > 0 {
		t.Errorf("%v, cookies %v", err, p.jar)
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// A passkey stands in for a password: the sign-up waits for it.
func TestAttemptsSignUpByPasskey(t *testing.T) {
	e := enroll(t)
	err := e.UpdateSettings(t.Context(), func(s *settings.Settings) error {
		s.Passkeys.SignUp, s.Password.Required, s.EmailAddress.VerifyAtSignUp = true, false, false
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p, address := newOwnPage(t, e), "bob@example.com"
	var s *auth.SignUp
	for i, call := range []func(at *auth.Attempts) (*auth.SignUp, error){
		func(at *auth.Attempts) (*auth.SignUp, error) {
			return at.CreateSignUp(auth.SignUpParams{EmailAddress: &address, Strategy: "passkey"})
		},
		func(at *auth.Attempts) (*auth.SignUp, error) {
			answer, err := passkeytest.New(e.Server.URL).Create([]byte(s.Verifications["passkey"].Nonce))
			if err != nil {
				return nil, err
			}
			return at.AttemptVerification(s.ID, "passkey", factor.Proof{Credential: string(answer)})
		},
	} {
		err := p.post(func(at *auth.Attempts) (err error) {
			s, err = call(at)
			return err
		})
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if want := []signup.Status{signup.MissingRequirements, signup.Complete}[i]; s.Status != want || p.who() != s.UserID {
			t.Fatalf("%d: %+v", i, s)
		}
	}
	if u, err := e.Users().Get(t.Context(), s.UserID); err != nil || len(u.Passkeys) != 1 || u.PasswordEnabled {
		t.Errorf("%+v %v", u, err)
	}
}
