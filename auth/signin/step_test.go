package signin_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// second is a second factor, which this version of usher has none of yet: the
// machine must be right about it already.
type second struct{}

func (second) Traits() factor.Traits {
	return factor.Traits{Name: "totp", Uses: factor.Second}
}
func (second) Options(s factor.Subject) []factor.Option {
	if s.User != nil && s.User.Locale == "mfa" { // any mark on the user will do
		return []factor.Option{{Strategy: "totp"}}
	}
	return nil
}
func (second) Prepare(context.Context, factor.Challenge) (factor.Prepared, error) {
	return factor.Prepared{}, fault.New("verification_strategy_invalid", "")
}
func (second) Confirm(f factor.Fact, _ factor.Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}
func (second) Verify(context.Context, factor.Challenge, factor.Proof) (factor.Fact, error) {
	panic("the tests make their own facts")
}

var codes, reset = factor.EmailCode{Key: []byte("k")}, factor.EmailCode{Key: []byte("k"), ForReset: true}

func set() factor.Set { return factor.NewSet(factor.Password{}, codes, reset, second{}) }

// world is a user and an attempt to sign in as that user.
type world struct {
	env     signin.Env
	attempt signin.Attempt
}

func newWorld(t interface{ Fatal(...any) }) *world {
	s := settings.Default()
	u := user.New(start)
	u.ID = "user_ada"
	id, err := user.NewEmailAddress("ada@example.com", start)
	if err != nil {
		t.Fatal(err)
	}
	id.Verified = true
	if err := u.AddEmailAddress(id); err != nil {
		t.Fatal(err)
	}
	u.PasswordEnabled = true
	w := &world{env: signin.Env{Now: start, Settings: &s, Strategies: set(), User: u,
		Password: &user.Password{Meta: store.Meta{ID: u.ID, Version: 7}, Hash: "judged"}}}
	w.attempt = signin.New("client_1", s.SignIn.AbandonAfter, start)
	return w
}

// step runs one step and checks what holds for every step.
func (w *world) step(t interface{ Fatalf(string, ...any) }, in signin.Input) ([]signin.Effect, error) {
	before := w.attempt
	next, do, err := before.Step(in, w.env)
	if next.Status != before.Status && !slices.Contains(signin.Transitions[before.Status], next.Status) {
		t.Fatalf("%T leads from %s to %s, which is not in the table", in, before.Status, next.Status)
	}
	if before.Final() && (err == nil || next.Status != before.Status) {
		t.Fatalf("%T changed a final attempt: %s, %v", in, next.Status, err)
	}
	if err != nil && len(do) > 0 {
		t.Fatalf("%T is refused (%v) and has effects %v", in, err, do)
	}
	w.attempt = next
	return do, err
}

func started(do []signin.Effect) bool {
	return slices.ContainsFunc(do, func(e signin.Effect) bool { _, ok := e.(signin.StartSession); return ok })
}

// tasks are those that the session is started with.
func tasks(do []signin.Effect) (out []string) {
	for _, e := range do {
		if s, ok := e.(signin.StartSession); ok {
			out = append(out, s.Tasks...)
		}
	}
	return out
}

func (w *world) prepared(t interface{ Fatal(...any) }, st factor.EmailCode) (factor.Prepared, string) {
	o := st.Options(factor.Subject{User: w.env.User, Settings: w.env.Settings})
	if len(o) == 0 {
		t.Fatal("no option")
	}
	p, err := st.Prepare(context.Background(), factor.Challenge{Option: o[0], Now: w.env.Now, Subject: factor.Subject{User: w.env.User, Settings: w.env.Settings}})
	if err != nil {
		t.Fatal(err)
	}
	return p, p.Send.Code
}

func (w *world) codeFact(t interface{ Fatal(...any) }, st factor.EmailCode, code string) factor.Fact {
	f, err := st.Verify(context.Background(), factor.Challenge{Verification: w.attempt.First, Now: w.env.Now}, factor.Proof{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func passwordFact(ok bool) factor.Fact {
	return factor.Fact{Strategy: "password", OK: ok, UserID: "user_ada", PasswordHash: "judged"}
}

func code(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Code
	}
	return ""
}

func TestStepRefusals(t *testing.T) {
	identify := signin.Identify{Identifier: "ada@example.com"}
	prove := func(f factor.Fact) signin.Input { return signin.Prove{Use: factor.First, Fact: f} }
	for _, c := range []struct {
		name string
		set  func(w *world)
		in   []any
		want string // code of the last step
		then signin.Status
	}{
		{"nobody has the identifier", func(w *world) { w.env.User = nil }, []any{identify}, "form_identifier_not_found", signin.NeedsIdentifier},
		{"banned", func(w *world) { w.env.User.Banned = true }, []any{identify}, "user_banned", signin.NeedsIdentifier},
		{"locked", func(w *world) { w.env.User.Locked = true }, []any{identify}, "user_locked", signin.NeedsIdentifier},
		{"somebody is signed in", func(w *world) { w.env.SignedIn = map[string]string{"sess_1": "user_x"} }, []any{identify}, "session_exists", signin.NeedsIdentifier},
		{"signed in already", func(w *world) {
			w.env.Settings.Sessions.Multi = true
			w.env.SignedIn = map[string]string{"sess_1": w.env.User.ID}
		}, []any{identify}, "identifier_already_signed_in", signin.NeedsIdentifier},
		{"proof before identifier", nil, []any{prove(passwordFact(true))}, "client_state_invalid", signin.NeedsIdentifier},
		{"identified twice", nil, []any{identify, identify}, "client_state_invalid", signin.NeedsFirstFactor},
		{"wrong password", nil, []any{identify, prove(passwordFact(false))}, "form_password_incorrect", signin.NeedsFirstFactor},
		{"password changed since it was judged", func(w *world) { w.env.Password.Hash = "another" }, []any{identify, prove(passwordFact(true))}, "form_password_incorrect", signin.NeedsFirstFactor},
		{"password of another user", func(w *world) { w.env.User.ID = "user_bob" }, []any{identify, prove(passwordFact(true))}, "form_password_incorrect", signin.NeedsFirstFactor},
		{"compromised password", func(w *world) { w.env.Password.Compromised = true }, []any{identify, prove(passwordFact(true))}, "form_password_compromised", signin.NeedsFirstFactor},
		{"no password", func(w *world) { w.env.User.PasswordEnabled = false }, []any{identify, prove(passwordFact(true))}, "strategy_for_user_invalid", signin.NeedsFirstFactor},
		{"code that was never sent", nil, []any{identify, prove(factor.Fact{Strategy: "email_code", OK: true})}, "verification_missing", signin.NeedsFirstFactor},
		{"second factor as first", nil, []any{identify, prove(factor.Fact{Strategy: "totp", OK: true})}, "verification_strategy_invalid", signin.NeedsFirstFactor},
		{"second factor before the first", nil, []any{identify, signin.Prove{Use: factor.Second, Fact: factor.Fact{Strategy: "totp", OK: true}}}, "client_state_invalid", signin.NeedsFirstFactor},
		{"new password without a reset", nil, []any{identify, signin.NewPassword{Hash: "h"}}, "client_state_invalid", signin.NeedsFirstFactor},
		{"unknown strategy", nil, []any{identify, prove(factor.Fact{Strategy: "x", OK: true})}, "verification_strategy_invalid", signin.NeedsFirstFactor},
		{"user deleted meanwhile", nil, []any{identify, gone{}, prove(passwordFact(true))}, "sign_in_identification_or_user_deleted", signin.NeedsFirstFactor},
		{"too late", nil, []any{identify, later(25 * time.Hour), prove(passwordFact(true))}, "client_state_invalid", signin.NeedsFirstFactor},
		{"right password", nil, []any{identify, prove(passwordFact(true))}, "", signin.Complete},
		{"right password, then again", nil, []any{identify, prove(passwordFact(true)), prove(passwordFact(true))}, "client_state_invalid", signin.Complete},
		{"right password with a second factor", func(w *world) { w.env.User.Locale = "mfa" }, []any{identify, prove(passwordFact(true))}, "", signin.NeedsSecondFactor},
		{"second factor demanded and none there", func(w *world) { w.env.Settings.SignIn.SecondFactorRequired = true }, []any{identify, prove(passwordFact(true))}, "", signin.Complete},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.set != nil {
				c.set(w)
			}
			var err error
			for _, in := range c.in {
				switch in := in.(type) {
				case later:
					w.env.Now = w.env.Now.Add(time.Duration(in))
				case gone:
					w.env.User = nil
				case signin.Input:
					_, err = w.step(t, in)
				}
			}
			if got := code(err); got != c.want || w.attempt.Status != c.then {
				t.Errorf("got %q and %s, want %q and %s", got, w.attempt.Status, c.want, c.then)
			}
		})
	}
}

// later and gone are things that happen between inputs.
type (
	later time.Duration
	gone  struct{}
)

func TestCodes(t *testing.T) {
	w := newWorld(t)
	if _, err := w.step(t, signin.Identify{Identifier: "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	p, right := w.prepared(t, codes)
	if do, err := w.step(t, signin.Prepare{Use: factor.First, Prepared: p}); err != nil || len(do) != 1 {
		t.Fatalf("prepare: %v %v", do, err)
	}
	again, _ := w.prepared(t, codes)
	if _, err := w.step(t, signin.Prepare{Use: factor.First, Prepared: again}); code(err) != "verification_code_too_many_requests" {
		t.Fatalf("a second code at once: %v", err)
	}
	first := w.codeFact(t, codes, right)

	t.Run("L03 only the newest code", func(t *testing.T) {
		w := *w
		w.env.Now = w.env.Now.Add(31 * time.Second)
		newer, code2 := w.prepared(t, codes)
		if _, err := w.step(t, signin.Prepare{Use: factor.First, Prepared: newer}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: first}); code(err) != "form_code_incorrect" {
			t.Fatalf("the older code: %v", err)
		}
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: w.codeFact(t, codes, code2)}); err != nil || w.attempt.Status != signin.Complete {
			t.Fatalf("the newer code: %v %s", err, w.attempt.Status)
		}
	})
	t.Run("L01 five tries", func(t *testing.T) {
		w := *w
		for i := range 5 {
			if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: w.codeFact(t, codes, "no")}); code(err) != "form_code_incorrect" {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: first}); code(err) != "verification_failed" {
			t.Fatalf("the right code after five wrong ones: %v", err)
		}
		if w.attempt.First.Attempts != 5 || w.attempt.First.Secret != nil {
			t.Fatalf("left: %+v", w.attempt.First)
		}
	})
	t.Run("too late", func(t *testing.T) {
		w := *w
		w.env.Now = w.env.Now.Add(10 * time.Minute)
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: first}); code(err) != "verification_expired" {
			t.Fatal(err)
		}
	})
	t.Run("L04 a code of another purpose", func(t *testing.T) {
		w := *w
		f := first
		f.Strategy = "reset_password_email_code"
		if _, err := w.step(t, signin.Prove{Use: factor.First, Fact: f}); code(err) != "verification_strategy_invalid" {
			t.Fatal(err)
		}
	})
	t.Run("right", func(t *testing.T) {
		w := *w
		do, err := w.step(t, signin.Prove{Use: factor.First, Fact: first})
		if err != nil || !started(do) || w.attempt.Status != signin.Complete {
			t.Fatalf("%v %v %s", do, err, w.attempt.Status)
		}
	})
}

// TestAttack_P10_NoPathSkipsAFactor drives the machine at random under random
// policies and checks what must hold of every attempt that completes.
func TestAttack_P10_NoPathSkipsAFactor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.env.Settings.SignIn.SecondFactorRequired = rapid.Bool().Draw(t, "second factor required")
		w.env.Settings.Sessions.Multi = rapid.Bool().Draw(t, "multi")
		w.env.Settings.Protection.ClientTrust = rapid.Bool().Draw(t, "client trust")
		w.env.Familiar = rapid.Bool().Draw(t, "the browser is known")
		if rapid.Bool().Draw(t, "user has a second factor") {
			w.env.User.Locale = "mfa"
		}
		h := history{}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			h.do(t, w)
		}
	})
}

// history remembers what was really shown.
type history struct {
	first, second, trust, reset, password, sessions int
	lastCode, trustCode                             string
	lastStrategy                                    factor.EmailCode
}

func (h *history) do(t *rapid.T, w *world) {
	var in signin.Input
	switch rapid.SampledFrom([]string{"identify", "prepare", "reset", "code", "password", "totp", "trust", "trust code", "new password", "wait", "mfa on", "mfa off", "ban"}).Draw(t, "what") {
	case "identify":
		in = signin.Identify{Identifier: "ada@example.com"}
	case "prepare":
		p, c := w.prepared(t, codes)
		h.lastCode, h.lastStrategy, in = c, codes, signin.Prepare{Use: factor.First, Prepared: p}
	case "reset":
		p, c := w.prepared(t, reset)
		h.lastCode, h.lastStrategy, in = c, reset, signin.Prepare{Use: factor.First, Prepared: p}
	case "code":
		if w.attempt.First == nil || !w.attempt.First.VerifiedAt.IsZero() {
			return
		}
		c := h.lastCode
		if rapid.Bool().Draw(t, "wrong") {
			c = "wrong"
		}
		in = signin.Prove{Use: factor.First, Fact: w.codeFact(t, h.lastStrategy, c)}
	case "password":
		in = signin.Prove{Use: rapid.SampledFrom([]factor.Use{factor.First, factor.Second}).Draw(t, "use"), Fact: passwordFact(rapid.Bool().Draw(t, "right"))}
	case "totp":
		in = signin.Prove{Use: rapid.SampledFrom([]factor.Use{factor.First, factor.Second}).Draw(t, "use"),
			Fact: factor.Fact{Strategy: "totp", OK: rapid.Bool().Draw(t, "right")}}
	case "trust":
		p, c := w.prepared(t, codes)
		h.trustCode, in = c, signin.Prepare{Use: factor.Second, Prepared: p}
	case "trust code":
		if w.attempt.Second == nil || w.attempt.Second.Strategy != "email_code" || !w.attempt.Second.VerifiedAt.IsZero() {
			return
		}
		c := h.trustCode
		if rapid.Bool().Draw(t, "wrong") {
			c = "wrong"
		}
		f, err := codes.Verify(context.Background(), factor.Challenge{Verification: w.attempt.Second, Now: w.env.Now}, factor.Proof{Code: c})
		if err != nil {
			t.Fatal(err)
		}
		in = signin.Prove{Use: factor.Second, Fact: f}
	case "new password":
		in = signin.NewPassword{Hash: "h"}
	case "wait":
		w.env.Now = w.env.Now.Add(time.Duration(rapid.IntRange(1, 700).Draw(t, "seconds")) * time.Second)
		return
	case "mfa on":
		w.env.User.Locale = "mfa"
		return
	case "mfa off":
		w.env.User.Locale = ""
		return
	case "ban":
		if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
			w.env.User.Banned = true
		}
		return
	}
	before := w.attempt
	do, err := w.step(t, in)
	if err != nil {
		return
	}
	if p, ok := in.(signin.Prove); ok {
		if !p.Fact.OK {
			t.Fatalf("a wrong proof was taken: %+v", p)
		}
		if before.Status == signin.NeedsClientTrust {
			h.trust++
		} else if p.Use == factor.Second {
			h.second++
		} else {
			h.first++
			if p.Fact.Strategy == "reset_password_email_code" {
				h.reset++
			}
		}
	}
	if _, ok := in.(signin.NewPassword); ok {
		h.password++
	}
	if started(do) {
		h.sessions++
	}
	if w.attempt.Status != signin.Complete || before.Status == signin.Complete {
		return
	}
	switch {
	case h.first != 1:
		t.Fatalf("complete after %d first factors", h.first)
	case h.reset > 0 && h.password == 0:
		t.Fatal("complete after a reset without a new password")
	case signin.SecondFactorDue(w.env) && h.second == 0:
		t.Fatal("complete without the second factor that is due")
	case w.env.Settings.Protection.ClientTrust && !w.env.Familiar && w.attempt.Strategy == "password" && h.second+h.trust == 0:
		t.Fatal("complete with a password alone in a browser that nobody knows")
	case w.env.Settings.SignIn.SecondFactorRequired && h.second == 0 && !slices.Contains(tasks(do), session.TaskSetupMFA):
		t.Fatal("active without the second factor that is demanded")
	case w.env.User.Banned:
		t.Fatal("complete although banned")
	case h.sessions != 1:
		t.Fatalf("complete with %d sessions", h.sessions)
	}
}

// Every status of the table is reached from the first one, and the final ones
// lead nowhere.
func TestTransitionsTable(t *testing.T) {
	reached := map[signin.Status]bool{signin.NeedsIdentifier: true}
	for range signin.Transitions {
		for from, tos := range signin.Transitions {
			if reached[from] {
				for _, to := range tos {
					reached[to] = true
				}
			}
		}
	}
	for _, s := range []signin.Status{signin.NeedsFirstFactor, signin.NeedsSecondFactor, signin.NeedsClientTrust, signin.NeedsNewPassword, signin.Complete, signin.Abandoned} {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
	}
	for _, s := range []signin.Status{signin.Complete, signin.Abandoned} {
		if len(signin.Transitions[s]) != 0 {
			t.Errorf("%s is final and leads to %v", s, signin.Transitions[s])
		}
	}
}
