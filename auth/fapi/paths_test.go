package fapi_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth/factor"
)

// begin starts a sign-in by name.
func (b *browser) begin() (signIn string) {
	b.t.Helper()
	return b.post("/v1/client/sign_ins", "identifier", ada).ok().is("response.status", "needs_first_factor").str("response.id")
}

// finish sets the new password that a reset asks for.
func (o *owner) finish(b *browser, signIn string) *answer {
	pw := pick(o.pw == good, better, good)
	a := b.post("/v1/client/sign_ins/"+signIn+"/reset_password", "password", pw)
	if a.status == 200 {
		o.pw = pw
	}
	return a
}

// published are the strategies of a sign-in that Clerk's clients know, without
// those of single providers.
var published = strings.Fields(`ticket password email_code email_link phone_code passkey totp backup_code trusted_device
	reset_password_email_code reset_password_phone_code oauth_custom_mock saml enterprise_sso`)

// strategies are the names of those that the instance has for some use.
func (r *rig) strategies(use factor.Use) (names []string) {
	for _, name := range published {
		if st, ok := r.e.Strategies().Get(name); ok && st.Traits().Uses&use != 0 {
			names = append(names, name)
		}
	}
	return names
}

// TestAttack_P12_EveryFirstFactorAsksForTheSecond: whatever came first, the
// second factor is asked for of who has one, and where the settings demand it;
// a passkey stands for both where the settings say so.
func TestAttack_P12_EveryFirstFactorAsksForTheSecond(t *testing.T) {
	for _, enrolled := range []bool{false, true} {
		for _, satisfies := range []bool{false, true} {
			o := newOwner(t, func(s *setup) { s.settings.Passkeys.SatisfiesSecondFactor = satisfies })
			o.enrol(enrolled)
			for _, first := range o.r.strategies(factor.First | factor.Reset) {
				show, ok := provers[first]
				if !ok {
					t.Errorf("nobody shows %s here", first)
					continue
				}
				seconds := []string{""}
				if enrolled {
					seconds = o.r.strategies(factor.Second)
				}
				for _, second := range seconds {
					name := fmt.Sprintf("%s then %q, enrolled %v, passkeys stand for both %v", first, second, enrolled, satisfies)
					b := o.r.browser()
					signIn := b.begin()
					a := show(o, b, signIn, "first", true)
					if a.status != 200 {
						t.Fatalf("%s: %d %s", name, a.status, a.raw)
					}
					if a.str("response.status") == "needs_new_password" {
						a = o.finish(b, signIn).ok()
					}
					due := enrolled && !(first == "passkey" && satisfies)
					if due {
						a.is("response.status", "needs_second_factor").is("response.created_session_id", nil)
						if n := len(b.get("/v1/client").ok().list("response.sessions")); n != 0 {
							t.Fatalf("%s: %d sessions between the factors", name, n)
						}
						show, ok := provers[second]
						if !ok {
							t.Errorf("nobody shows %s here", second)
							continue
						}
						if second != first {
							b.attempt(signIn, "second", first, "password", o.pw) // the first once more is no second
							b.get("/v1/client/sign_ins/"+signIn).ok().is("response.status", "needs_second_factor")
						}
						if a = show(o, b, signIn, "second", false); a.status == 200 {
							t.Fatalf("%s: a wrong second factor is taken", name)
						}
						a = show(o, b, signIn, "second", true)
					}
					if a.status != 200 || a.str("response.status") != "complete" {
						t.Fatalf("%s: %d %s", name, a.status, a.raw)
					}
				}
			}
		}
	}
}

// A policy is what an instance asks of who signs in: a second factor of
// everybody, none besides a passkey, a code in a browser that the account does
// not know.
type policy struct{ demanded, satisfies, trust bool }

// TestAttack_P10_RandomPaths sends what anybody could, in any order, under any
// policy, and looks at the sessions that come of it.
func TestAttack_P10_RandomPaths(t *testing.T) {
	owners := map[policy]*owner{}
	for _, p := range []policy{{}, {demanded: true}, {satisfies: true}, {trust: true}, {true, true, true}} {
		owners[p] = newOwner(t, func(s *setup) {
			s.settings.SignIn.SecondFactorRequired, s.settings.Passkeys.SatisfiesSecondFactor = p.demanded, p.satisfies
			s.settings.Protection.ClientTrust = p.trust
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := rapid.SampledFrom(slices.SortedFunc(maps.Keys(owners), func(a, b policy) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })).Draw(rt, "policy")
		o := owners[p]
		o.enrol(rapid.Bool().Draw(rt, "enrolled"))
		w := randomWalk{o: o, b: o.r.browser(), policy: p}
		for range rapid.IntRange(3, 12).Draw(rt, "steps") {
			w.step(rt)
		}
	})
}

// randomWalk is one browser, and what has really been shown in its sign-in.
type randomWalk struct {
	o                     *owner
	b                     *browser
	signIn                string
	first, second, stands bool
	reset, password       bool
	password1             bool // the first factor was a password
	policy                policy
	sessions              int
}

func (w *randomWalk) step(rt *rapid.T) {
	names := w.o.r.strategies(factor.First | factor.Second | factor.Reset)
	names = slices.DeleteFunc(names, func(n string) bool { return provers[n] == nil })
	what := rapid.SampledFrom(append(names, names...)).Draw(rt, "strategy")
	step := rapid.SampledFrom([]string{"first", "second"}).Draw(rt, "step")
	right := rapid.IntRange(0, 3).Draw(rt, "right") > 0
	switch do := rapid.IntRange(0, 9).Draw(rt, "do"); {
	case w.signIn == "" || do == 0:
		a := w.b.post("/v1/client/sign_ins", "identifier", ada)
		if a.status != 200 {
			return // signed in already
		}
		*w = randomWalk{o: w.o, b: w.b, policy: w.policy, sessions: w.sessions, signIn: a.str("response.id")}
	case do == 1:
		w.o.enrol(!w.o.enrolled())
	case do == 2:
		if a := w.o.finish(w.b, w.signIn); a.status == 200 {
			w.password = true
		}
	default:
		a := provers[what](w.o, w.b, w.signIn, step, right)
		if a.status != 200 {
			break
		}
		if !right {
			rt.Fatalf("a wrong %s is taken", what)
		}
		if step == "second" {
			w.second = true
		} else {
			w.first, w.reset, w.stands = true, strings.HasPrefix(what, "reset_"), what == "passkey" && w.policy.satisfies
			w.password1 = what == "password"
		}
	}
	w.judge(rt)
}

// judge holds a session that is new against what was shown for it.
func (w *randomWalk) judge(rt *rapid.T) {
	sessions := 0
	for _, s := range w.b.get("/v1/client").ok().list("response.sessions") {
		if s.(map[string]any)["status"] == "active" {
			sessions++
		}
	}
	if sessions <= w.sessions {
		w.sessions = sessions
		return
	}
	w.sessions = sessions
	due := w.policy.demanded || w.o.enrolled()
	switch {
	case !w.first:
		rt.Fatalf("a session without a first factor")
	case w.reset && !w.password:
		rt.Fatalf("a session after a reset without a new password")
	case due && !w.second && !w.stands:
		rt.Fatalf("a session without the second factor that is due")
	case w.policy.trust && w.password1 && !w.second:
		rt.Fatalf("a session by a password in a browser that nobody knows")
	}
}

// TestAttack_P12_PasswordsAloneAreTrustedWhereTheyAreKnown: in a browser that the
// account does not know, a password alone needs a code besides, and nothing else
// does. The code is good for that browser, and for no second factor.
func TestAttack_P12_PasswordsAloneAreTrustedWhereTheyAreKnown(t *testing.T) {
	o := newOwner(t, func(s *setup) { s.settings.Protection.ClientTrust = true })
	for _, first := range o.r.strategies(factor.First | factor.Reset) {
		if provers[first] == nil {
			continue
		}
		b := o.r.browser()
		signIn := b.begin()
		a := provers[first](o, b, signIn, "first", true).ok()
		if a.str("response.status") == "needs_new_password" {
			a = o.finish(b, signIn).ok()
		}
		if first == "password" {
			a.is("response.status", "needs_client_trust").is("client.sessions", []any{})
			provers["email_code"](o, b, signIn, "second", false).refused(422, "form_code_incorrect")
			a = provers["email_code"](o, b, signIn, "second", true)
		}
		if a.status != 200 || a.str("response.status") != "complete" {
			t.Errorf("%s: %d %s", first, a.status, a.str("response.status"))
		}
	}
	// Who has a second factor shows that, wherever.
	o.enrol(true)
	b := o.r.browser()
	signIn := b.begin()
	provers["password"](o, b, signIn, "first", true).ok().is("response.status", "needs_second_factor")
	b.prepare(signIn, "second", "email_code").refused(400, "strategy_for_user_invalid")
}

// TestAttack_P11_NoStatusButCompleteOpens: at every status on the way, no route
// that is for who is signed in answers, and there is no session and no cookie
// of one.
func TestAttack_P11_NoStatusButCompleteOpens(t *testing.T) {
	o := newOwner(t, func(s *setup) { s.settings.Protection.ClientTrust = true })
	for status, lead := range map[string]func(b *browser){
		"needs_identifier":   func(b *browser) { b.post("/v1/client/sign_ins", "strategy", "passkey").ok() },
		"needs_first_factor": func(b *browser) { b.prepare(b.begin(), "first", "email_code").ok() },
		"needs_new_password": func(b *browser) { byMail("reset_password_email_code")(o, b, b.begin(), "first", true).ok() },
		"needs_client_trust": func(b *browser) { provers["password"](o, b, b.begin(), "first", true).ok() },
		"needs_second_factor": func(b *browser) {
			o.enrol(true)
			provers["password"](o, b, b.begin(), "first", true).ok()
		},
	} {
		o.enrol(false)
		b := o.r.browser()
		lead(b)
		o.r.countMails() // sends what waits, so that the next code is alone
		b.get("/v1/client").ok().is("response.sign_in.status", status).is("response.sessions", []any{}).is("response.last_active_session_id", nil)
		for _, rt := range o.r.api.Routes() {
			if rt.Access != "session" {
				continue
			}
			if a := b.do(rt.Method, concrete(rt.Path), url.Values{}); a.status != 401 {
				t.Errorf("%s, %s %s: %d", status, rt.Method, rt.Path, a.status)
			}
		}
		if b.cookie("__session") != "" {
			t.Errorf("%s: a session cookie", status)
		}
	}
}
