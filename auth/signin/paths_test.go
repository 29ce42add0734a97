package signin_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
)

// A kind is a strategy of some sort, by its traits alone: what holds for all
// kinds holds for whatever strategy there is or will be.
type kind struct {
	factor.Traits
	// stands: its proofs stand for a second factor as well.
	stands bool
	// has says whether somebody can use it; nil is everybody.
	has func(factor.Subject) bool
}

// A strategy of a kind. Its facts are made by the test.
type ofKind struct{ kind }

func (s ofKind) Traits() factor.Traits { return s.kind.Traits }
func (s ofKind) Options(sub factor.Subject) []factor.Option {
	if sub.User == nil && !s.kind.Identifies || s.kind.has != nil && !s.kind.has(sub) {
		return nil
	}
	return []factor.Option{{Strategy: s.kind.Name, Primary: true}}
}
func (s ofKind) Prepare(context.Context, factor.Challenge) (factor.Prepared, error) {
	panic("the tests prepare themselves")
}
func (s ofKind) Verify(context.Context, factor.Challenge, factor.Proof) (factor.Fact, error) {
	panic("the tests make their own facts")
}
func (s ofKind) Confirm(f factor.Fact, sub factor.Subject) error {
	if !f.OK || sub.User == nil || f.UserID != sub.User.ID {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}

func enrolled(s factor.Subject) bool { return s.User != nil && s.User.TOTPEnabled }

// kinds are all sorts of strategies: secrets that are known, challenges that
// are answered, proofs that say whose they are, ones that stand for two, ones
// that lead to a new password, and those of the second step.
var kinds = []kind{
	{Traits: factor.Traits{Name: "password", Uses: factor.First}},
	{Traits: factor.Traits{Name: "email_code", Uses: factor.First | factor.Verify, Prepare: true, Attribute: "email_address"}},
	{Traits: factor.Traits{Name: "naming", Uses: factor.First, Identifies: true}},
	{Traits: factor.Traits{Name: "naming_challenge", Uses: factor.First, Prepare: true, Identifies: true}, stands: true},
	{Traits: factor.Traits{Name: "reset", Uses: factor.Reset, Prepare: true}},
	{Traits: factor.Traits{Name: "reset_known", Uses: factor.Reset}},
	{Traits: factor.Traits{Name: "second_secret", Uses: factor.Second}, has: enrolled},
	{Traits: factor.Traits{Name: "both_challenge", Uses: factor.First | factor.Second, Prepare: true}, has: enrolled},
}

// shown is what somebody on a path has really shown, and what the test knows of
// the user: the machine's own notes are not looked at.
type shown struct {
	first, second, reset, password bool
	strategy                       string // of the first factor
	trust                          bool   // a code that shows whose browser it is
	stands                         bool   // a proof that stands for two
}

// A place is a state that a path has led to.
type place struct {
	attempt signin.Attempt
	shown   shown
	path    []string
	// enrolled: the user has a second factor now. It changes along the way.
	enrolled bool
}

// key tells places apart, as far as the machine can.
func (p place) key() string {
	slot := func(v *factor.Verification) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(v.Strategy, v.Status, min(v.Attempts, 2))
	}
	a := p.attempt
	return fmt.Sprint(a.Status, a.UserID, a.FirstAt.IsZero(), a.SecondAt.IsZero(), a.ResetAsked, a.PasswordSet,
		slot(a.First), slot(a.Second), p.shown, p.enrolled)
}

// TestAttack_P10_P12_P13_EveryPath walks every path of the machine under every policy,
// with strategies of every kind, and a second factor that comes and goes on the
// way (P12, P13). A sign-in that completes has shown a first factor, the second
// that is due at that moment, and set the password that a reset asks for.
func TestAttack_P10_P12_P13_EveryPath(t *testing.T) {
	var list []factor.Strategy
	for _, k := range kinds {
		list = append(list, ofKind{k})
	}
	set := factor.NewSet(list...)
	for bits := range 16 {
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		demanded, enrolled, trust, familiar := on(0), on(1), on(2), on(3)
		if familiar && !trust {
			continue // makes no difference
		}
		t.Run(fmt.Sprintf("demanded %v, enrolled %v, client trust %v, familiar %v", demanded, enrolled, trust, familiar), func(t *testing.T) {
			w := newWorld(t)
			w.env.Settings.Protection.ClientTrust, w.env.Familiar = trust, familiar
			w.env.Strategies, w.env.Settings.SignIn.SecondFactorRequired = set, demanded
			w.env.Settings.Codes = settings.Codes{Lifetime: time.Hour, Tries: 2}
			places, complete := walkAll(t, w.env, place{attempt: w.attempt, enrolled: enrolled})
			if places < 100 || complete < 5 {
				t.Fatalf("only %d places, %d of them complete", places, complete)
			}
		})
	}
}

// walkAll visits every place that can be reached.
func walkAll(t *testing.T, env signin.Env, from place) (places, complete int) {
	seen := map[string]bool{from.key(): true}
	for queue := []place{from}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		places++
		if p.attempt.Status == signin.Complete {
			complete++
			continue
		}
		next := []place{{attempt: p.attempt, shown: p.shown, enrolled: !p.enrolled, path: extended(p.path, "enrol or not")}}
		for name, in := range inputs(env.User.EmailAddresses[0].ID) {
			next = append(next, p.after(t, env, name, in)...)
		}
		for _, n := range next {
			if k := n.key(); !seen[k] {
				seen[k] = true
				queue = append(queue, n)
			}
		}
	}
	return places, complete
}

// inputs are all that anybody could send: right and wrong, at the right time or
// not.
func inputs(addressID string) map[string]signin.Input {
	all := map[string]signin.Input{"identify": signin.Identify{Identifier: "ada@example.com"}, "new password": signin.NewPassword{Hash: "h"},
		"prepare trust": signin.Prepare{Use: factor.Second, Prepared: factor.Prepared{Verification: factor.Verification{ID: "ver_trust",
			Strategy: "email_code", Status: factor.Unverified, TargetID: addressID, Target: "ada@example.com", ExpireAt: start.Add(time.Hour)}}},
		"prove trust true":  signin.Prove{Use: factor.Second, Fact: factor.Fact{Strategy: "email_code", OK: true, VerificationID: "ver_trust", UserID: "user_ada"}},
		"prove trust false": signin.Prove{Use: factor.Second, Fact: factor.Fact{Strategy: "email_code", VerificationID: "ver_trust", UserID: "user_ada"}},
	}
	for _, k := range kinds {
		for use, name := range map[factor.Use]string{factor.First: "first", factor.Second: "second"} {
			id := "ver_" + k.Name
			if k.Prepare {
				all["prepare "+k.Name+" "+name] = signin.Prepare{Use: use, Prepared: factor.Prepared{Verification: factor.Verification{
					ID: id, Strategy: k.Name, Status: factor.Unverified, ExpireAt: start.Add(time.Hour)}}}
			}
			for _, ok := range []bool{true, false} {
				all[fmt.Sprint("prove ", k.Name, " ", name, " ", ok)] = signin.Prove{Use: use, Fact: factor.Fact{Strategy: k.Name, OK: ok,
					VerificationID: id, UserID: "user_ada", Second: k.stands && ok}}
			}
			all["prove "+k.Name+" "+name+" of another"] = signin.Prove{Use: use, Fact: factor.Fact{Strategy: k.Name, OK: true,
				VerificationID: "ver_other", UserID: "user_bob", Second: k.stands}}
		}
	}
	return all
}

func extended(path []string, step string) []string { return append(path[:len(path):len(path)], step) }

// after takes a step and judges it.
func (p place) after(t *testing.T, env signin.Env, name string, in signin.Input) []place {
	u := *env.User
	u.TOTPEnabled = p.enrolled
	env.User = &u
	w := &world{env: env, attempt: p.attempt}
	do, err := w.step(t, in)
	n := place{attempt: w.attempt, shown: p.shown, enrolled: p.enrolled, path: extended(p.path, name)}
	if prove, ok := in.(signin.Prove); ok && err == nil {
		if strings.HasSuffix(name, "false") || strings.HasSuffix(name, "another") {
			t.Fatalf("%v: a wrong proof was taken", n.path)
		}
		if p.attempt.Status == signin.NeedsClientTrust {
			n.shown.trust = true
		} else if prove.Use == factor.Second {
			n.shown.second = true
		} else {
			n.shown.first, n.shown.stands = true, prove.Fact.Second
			n.shown.strategy = prove.Fact.Strategy
			n.shown.reset = strings.HasPrefix(prove.Fact.Strategy, "reset")
		}
	}
	if _, ok := in.(signin.NewPassword); ok && err == nil {
		n.shown.password = true
	}
	if started(do) != (n.attempt.Status == signin.Complete) {
		t.Fatalf("%v: %s, and a session: %v", n.path, n.attempt.Status, started(do))
	}
	if n.attempt.Status == signin.Complete {
		due := enrolled(factor.Subject{User: &u})
		setUp := env.Settings.SignIn.SecondFactorRequired && !due && !n.shown.stands && !n.shown.second
		switch {
		case !n.shown.first:
			t.Fatalf("%v: complete without a first factor", n.path)
		case n.shown.reset && !n.shown.password:
			t.Fatalf("%v: complete after a reset without a new password", n.path)
		case due && !n.shown.second && !n.shown.stands:
			t.Fatalf("%v: complete without the second factor that is due", n.path)
		case slices.Contains(tasks(do), session.TaskSetupMFA) != setUp:
			t.Fatalf("%v: the session has the tasks %v", n.path, tasks(do))
		case env.Settings.Protection.ClientTrust && !env.Familiar && n.shown.strategy == "password" && !n.shown.second && !n.shown.trust:
			t.Fatalf("%v: complete by a password in a browser that nobody knows", n.path)
		case n.attempt.UserID != u.ID:
			t.Fatalf("%v: complete for %q", n.path, n.attempt.UserID)
		}
	}
	return []place{n}
}
