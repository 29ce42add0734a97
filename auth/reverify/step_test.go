package reverify_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/reverify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fake is a strategy that takes the facts of the tests as they are. The locale
// of the user says which of them the user has.
type fake struct {
	name string
	uses factor.Use
}

func (f fake) Traits() factor.Traits { return factor.Traits{Name: f.name, Uses: f.uses} }
func (f fake) Options(s factor.Subject) []factor.Option {
	if f.uses == factor.Second && s.User.Locale != "mfa" {
		return nil
	}
	return []factor.Option{{Strategy: f.name}}
}
func (fake) Prepare(context.Context, factor.Challenge) (factor.Prepared, error) {
	return factor.Prepared{}, fault.New("verification_strategy_invalid", "")
}
func (fake) Confirm(f factor.Fact, _ factor.Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}
func (fake) Verify(context.Context, factor.Challenge, factor.Proof) (factor.Fact, error) {
	panic("the tests make their own facts")
}

var mail = factor.EmailCode{Key: []byte("k")}

type world struct {
	env     reverify.Env
	attempt reverify.Attempt
}

func newWorld(t interface{ Fatal(...any) }, level reverify.Level, mfa bool) *world {
	s := settings.Default()
	s.EmailAddress.Strategies = append(s.EmailAddress.Strategies, "email_link")
	u := user.New(start)
	u.ID, u.PasswordEnabled = "user_ada", true
	if mfa {
		u.Locale = "mfa"
	}
	id, err := user.NewEmailAddress("ada@example.com", start)
	if err != nil {
		t.Fatal(err)
	}
	id.Verified = true
	if err := u.AddEmailAddress(id); err != nil {
		t.Fatal(err)
	}
	w := &world{env: reverify.Env{Now: start, Settings: &s, User: u, Password: &user.Password{Meta: store.Meta{ID: u.ID}, Hash: "judged"},
		Strategies: factor.NewSet(factor.Password{}, mail, factor.EmailLink{Key: []byte("k")}, fake{"ticket", factor.First},
			fake{"totp", factor.Second}, fake{"passkey", factor.First})}}
	w.attempt = reverify.New("sess_1", "client_1", level, w.env)
	return w
}

// step runs one step and checks what holds for every step.
func (w *world) step(t interface{ Fatalf(string, ...any) }, in reverify.Input) ([]reverify.Effect, error) {
	before := w.attempt
	next, do, err := before.Step(in, w.env)
	if next.Status != before.Status && !slices.Contains(reverify.Transitions[before.Status], next.Status) {
		t.Fatalf("%T leads from %s to %s, which is not in the table", in, before.Status, next.Status)
	}
	if before.Status == reverify.Complete && (err == nil || next.Status != before.Status) {
		t.Fatalf("%T changed a complete attempt: %s, %v", in, next.Status, err)
	}
	if err != nil && len(do) > 0 {
		t.Fatalf("%T is refused (%v) and has effects %v", in, err, do)
	}
	if next.Level != before.Level || next.Correlation != before.Correlation {
		t.Fatalf("%T changed what the attempt is for", in)
	}
	w.attempt = next
	return do, err
}

func password(ok bool) reverify.Input {
	return reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "password", OK: ok, UserID: "user_ada", PasswordHash: "judged"}}
}

func totp(ok bool) reverify.Input {
	return reverify.Prove{Use: factor.Second, Fact: factor.Fact{Strategy: "totp", OK: ok}}
}

func code(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Code
	}
	return ""
}

// Each level, with and without a second factor, and every way to get it wrong.
func TestSteps(t *testing.T) {
	first, second, both := reverify.FirstFactor, reverify.SecondFactor, reverify.MultiFactor
	passkey := reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "passkey", OK: true, Second: true}}
	for _, c := range []struct {
		name  string
		level reverify.Level
		mfa   bool
		set   func(w *world)
		in    []reverify.Input
		want  string // code of the last step
		then  reverify.Status
	}{
		{"first", first, false, nil, []reverify.Input{password(true)}, "", reverify.Complete},
		{"first, although there is a second", first, true, nil, []reverify.Input{password(true)}, "", reverify.Complete},
		{"second falls back", second, false, nil, []reverify.Input{password(true)}, "", reverify.Complete},
		{"both fall back", both, false, nil, []reverify.Input{password(true)}, "", reverify.Complete},
		{"second", second, true, nil, []reverify.Input{totp(true)}, "", reverify.Complete},
		{"both, half way", both, true, nil, []reverify.Input{password(true)}, "", reverify.NeedsSecondFactor},
		{"both", both, true, nil, []reverify.Input{password(true), totp(true)}, "", reverify.Complete},
		{"a passkey stands for both", both, true, nil, []reverify.Input{passkey}, "", reverify.Complete},
		{"first where the second is due", second, true, nil, []reverify.Input{password(true)}, "invalid_action_for_session_reverification", reverify.NeedsSecondFactor},
		{"second where the first is due", both, true, nil, []reverify.Input{totp(true)}, "invalid_action_for_session_reverification", reverify.NeedsFirstFactor},
		{"wrong", first, false, nil, []reverify.Input{password(false)}, "form_password_incorrect", reverify.NeedsFirstFactor},
		{"wrong second", both, true, nil, []reverify.Input{password(true), totp(false)}, "form_code_incorrect", reverify.NeedsSecondFactor},
		{"done twice", first, false, nil, []reverify.Input{password(true), password(true)}, "invalid_action_for_session_reverification", reverify.Complete},
		{"too late", first, false, func(w *world) { w.env.Now = start.Add(time.Hour) }, []reverify.Input{password(true)}, "session_reverification_missing", reverify.NeedsFirstFactor},
		{"banned", first, false, func(w *world) { w.env.User.Banned = true }, []reverify.Input{password(true)}, "user_banned", reverify.NeedsFirstFactor},
		{"gone", first, false, func(w *world) { w.env.User = nil }, []reverify.Input{password(true)}, "authentication_invalid", reverify.NeedsFirstFactor},
		{"password changed since it was judged", first, false, func(w *world) { w.env.Password.Hash = "x" }, []reverify.Input{password(true)}, "form_password_incorrect", reverify.NeedsFirstFactor},
		{"no password any more", first, false, func(w *world) { w.env.User.PasswordEnabled = false }, []reverify.Input{password(true)}, "strategy_for_user_invalid", reverify.NeedsFirstFactor},
		{"code that was never sent", first, false, nil, []reverify.Input{reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "email_code", OK: true}}}, "verification_missing", reverify.NeedsFirstFactor},
		{"a link", first, false, nil, []reverify.Input{reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "email_link", OK: true}}}, "verification_strategy_invalid", reverify.NeedsFirstFactor},
		{"a ticket", first, false, nil, []reverify.Input{reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "ticket", OK: true}}}, "verification_strategy_invalid", reverify.NeedsFirstFactor},
		{"unknown", first, false, nil, []reverify.Input{reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "x", OK: true}}}, "verification_strategy_invalid", reverify.NeedsFirstFactor},
		{"second as first", first, true, nil, []reverify.Input{reverify.Prove{Use: factor.First, Fact: factor.Fact{Strategy: "totp", OK: true}}}, "verification_strategy_invalid", reverify.NeedsFirstFactor},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.level, c.mfa)
			if c.set != nil {
				c.set(w)
			}
			var err error
			for _, in := range c.in {
				_, err = w.step(t, in)
			}
			if got := code(err); got != c.want || w.attempt.Status != c.then {
				t.Errorf("got %q and %s, want %q and %s", got, w.attempt.Status, c.want, c.then)
			}
		})
	}
}

// What is on offer is what the person really has, and neither links nor
// tickets.
func TestOptions(t *testing.T) {
	names := func(use factor.Use, mfa bool) (out []string) {
		for _, o := range reverify.Options(use, newWorld(t, reverify.FirstFactor, mfa).env) {
			out = append(out, o.Strategy)
		}
		return out
	}
	if got := names(factor.First, false); !slices.Equal(got, []string{"password", "email_code", "passkey"}) {
		t.Errorf("first: %v", got)
	}
	if got := names(factor.Second, false); got != nil {
		t.Errorf("second without one: %v", got)
	}
	if got := names(factor.Second, true); !slices.Equal(got, []string{"totp"}) {
		t.Errorf("second: %v", got)
	}
}

func TestCodes(t *testing.T) {
	w := newWorld(t, reverify.FirstFactor, false)
	prepare := func() (reverify.Prepare, string) {
		s := factor.Subject{User: w.env.User, Settings: w.env.Settings}
		p, err := mail.Prepare(context.Background(), factor.Challenge{Option: mail.Options(s)[0], Subject: s, Now: w.env.Now})
		if err != nil {
			t.Fatal(err)
		}
		return reverify.Prepare{Use: factor.First, Prepared: p}, p.Send.Code
	}
	prove := func(v *factor.Verification, c string) reverify.Prove {
		f, err := mail.Verify(context.Background(), factor.Challenge{Verification: v, Now: w.env.Now}, factor.Proof{Code: c})
		if err != nil {
			t.Fatal(err)
		}
		return reverify.Prove{Use: factor.First, Fact: f}
	}
	in, old := prepare()
	if do, err := w.step(t, in); err != nil || len(do) != 1 {
		t.Fatalf("%v %v", do, err)
	}
	before := w.attempt.First
	again, right := prepare()
	if _, err := w.step(t, again); code(err) != "verification_code_too_many_requests" {
		t.Fatal(err)
	}
	w.env.Now = w.env.Now.Add(31 * time.Second)
	if _, err := w.step(t, again); err != nil {
		t.Fatal(err)
	}
	if _, err := w.step(t, prove(before, old)); code(err) != "form_code_incorrect" {
		t.Fatalf("L03: the older code: %v", err)
	}
	if do, err := w.step(t, prove(w.attempt.First, right)); err != nil || w.attempt.Status != reverify.Complete || len(do) != 1 {
		t.Fatalf("%v %v %s", do, err, w.attempt.Status)
	}
	foreign, _ := prepare()
	foreign.Prepared.Verification.TargetID = "idn_x"
	w = newWorld(t, reverify.FirstFactor, false)
	if _, err := w.step(t, foreign); code(err) != "strategy_for_user_invalid" {
		t.Fatalf("somebody else's address: %v", err)
	}
}

// TestAttack_P10_ReverificationSkipsNothing drives the machine at random: no
// path to complete misses a factor that the level asks for, and only complete
// renews anything.
func TestAttack_P10_ReverificationSkipsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.SampledFrom(reverify.Levels).Draw(t, "level")
		mfa := rapid.Bool().Draw(t, "has a second factor")
		w := newWorld(t, level, mfa)
		if w.attempt.Level != level && mfa {
			t.Fatalf("level %s became %s", level, w.attempt.Level)
		}
		first, second := false, false
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			use := rapid.SampledFrom([]factor.Use{factor.First, factor.Second}).Draw(t, "use")
			name := rapid.SampledFrom([]string{"password", "totp", "passkey", "ticket", "email_code", "email_link"}).Draw(t, "strategy")
			f := factor.Fact{Strategy: name, OK: rapid.Bool().Draw(t, "right"), UserID: "user_ada", PasswordHash: "judged"}
			if rapid.IntRange(0, 5).Draw(t, "loses the second factor") == 0 {
				w.env.User.Locale = ""
			}
			do, err := w.step(t, reverify.Prove{Use: use, Fact: f})
			if err == nil {
				if !f.OK {
					t.Fatalf("a wrong %s was taken", name)
				}
				first, second = first || use == factor.First, second || use == factor.Second
			}
			renewed := slices.ContainsFunc(do, func(e reverify.Effect) bool { _, ok := e.(reverify.Renew); return ok })
			if done := err == nil && w.attempt.Status == reverify.Complete; renewed != done {
				t.Fatalf("renewed %v in status %s", renewed, w.attempt.Status)
			}
			if w.attempt.Status != reverify.Complete {
				continue
			}
			has := w.env.User.Locale == "mfa"
			switch {
			case w.attempt.Level == reverify.FirstFactor && !first,
				w.attempt.Level == reverify.SecondFactor && !second,
				w.attempt.Level == reverify.MultiFactor && (!first || has && !second):
				t.Fatalf("complete at %s with first %v, second %v", w.attempt.Level, first, second)
			}
		}
	})
}

// Every status of the table is reached from a first one, and the final one
// leads nowhere.
func TestTransitionsTable(t *testing.T) {
	reached := map[reverify.Status]bool{reverify.NeedsFirstFactor: true, reverify.NeedsSecondFactor: true}
	for _, tos := range reverify.Transitions {
		for _, to := range tos {
			reached[to] = true
		}
	}
	if !reached[reverify.Complete] || len(reverify.Transitions[reverify.Complete]) != 0 {
		t.Error("complete is not the end")
	}
}
