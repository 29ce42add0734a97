package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user"
)

// A step is one request of a flow, made ready by before.
type step struct {
	name   string
	before func(r *rig, v *visitor, email string) string // returns an ID for ask
	ask    func(r *rig, v *visitor, email, id string) *answer
}

func signUpPrepared(r *rig, v *visitor, email string) string {
	id := v.post("/client/sign_ups", "email_address", email, "password", good).ok().id()
	v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	return id
}

func withAccount(r *rig, v *visitor, email string) string {
	r.account(email, good)
	return ""
}

func withSession(r *rig, v *visitor, email string) string {
	r.account(email, good)
	return v.signIn(email, good)
}

// steps are the requests that write, each once.
var steps = []step{
	{"start a sign-up", func(*rig, *visitor, string) string { return "" }, func(_ *rig, v *visitor, email, _ string) *answer {
		return v.post("/client/sign_ups", "email_address", email, "password", good)
	}},
	{"ask for a code", func(_ *rig, v *visitor, email string) string {
		return v.post("/client/sign_ups", "email_address", email, "password", good).ok().id()
	}, func(_ *rig, v *visitor, _, id string) *answer {
		return v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
	}},
	{"complete a sign-up", signUpPrepared, func(r *rig, v *visitor, email, id string) *answer {
		return v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", r.Mail.Code(r.t, email, 1))
	}},
	{"sign in", withAccount, func(_ *rig, v *visitor, email, _ string) *answer {
		return v.post("/client/sign_ins", "identifier", email, "password", good)
	}},
	{"change the password", withSession, func(_ *rig, v *visitor, _, _ string) *answer {
		return v.post("/me/change_password", "current_password", good, "new_password", better)
	}},
	{"add an address", withSession, func(_ *rig, v *visitor, email, _ string) *answer {
		return v.post("/me/email_addresses", "email_address", "more."+email)
	}},
	{"sign out", withSession, func(_ *rig, v *visitor, _, id string) *answer { return v.post("/client/sessions/" + id + "/remove") }},
	{"delete the account", withSession, func(_ *rig, v *visitor, _, _ string) *answer { return v.api("DELETE", "/me") }},
	{"a token", withSession, func(_ *rig, v *visitor, _, id string) *answer { return v.post("/client/sessions/" + id + "/tokens") }},
}

// atEveryCall makes each step once for every call that it makes to the store,
// and has strike happen at that call.
func atEveryCall(t *testing.T, st store.Store, change func(*auth.Config), strike func(ctx context.Context) error, check func(r *rig, s step, n int, a *answer)) {
	var armed atomic.Bool
	var at, count atomic.Int64
	plan := storetest.Plan{Before: func(ctx context.Context, _ string) error {
		if armed.Load() && count.Add(1) == at.Load() {
			return strike(ctx)
		}
		return nil
	}}
	r := newRig(t, withStore(&forRequests{st, storetest.Faulty(st, plan)}), change)
	strikes := 0
	for i, s := range steps {
		for n := int64(1); ; n++ {
			email := fmt.Sprintf("s%d.n%d@example.com", i, n)
			v := r.visitor()
			id := s.before(r, v, email)
			count.Store(0)
			at.Store(n)
			armed.Store(true)
			a := s.ask(r, v, email, id)
			armed.Store(false)
			if count.Load() < n { // it makes fewer calls: all were tried
				a.ok()
				break
			}
			strikes++
			check(r, s, int(n), a)
			// Whatever became of it, the next one goes through: nothing is held.
			if next := s.ask(r, v, email, id); next.err != nil || next.status >= 500 {
				t.Errorf("%s after call %d was struck: %d %s %v", s.name, n, next.status, next.raw, next.err)
			}
			if n > 60 {
				t.Fatalf("%s makes more than 60 calls", s.name)
			}
		}
	}
	checkInvariants(t, st)
	if strikes < 40 {
		t.Errorf("struck %d times only", strikes)
	}
	if stats := r.hasher.Pool.Stats(); stats.Running != 0 || stats.Waiting != 0 {
		t.Errorf("the pool of hashes still holds %+v", stats)
	}
	t.Logf("%d calls struck", strikes)
}

func TestFault_R24_CancelledAtEveryCall(t *testing.T) {
	for name, st := range map[string]store.Store{"memory": memory.New(), "sqlite": func() store.Store { s, _ := onFile(t, "", sqlite.Options{}); return s }()} {
		t.Run(name, func(t *testing.T) {
			atEveryCall(t, st, func(*auth.Config) {}, func(ctx context.Context) error {
				ctx.Value(requestKey{}).(context.CancelFunc)()
				return nil // the store finds out by itself
			}, func(r *rig, s step, n int, a *answer) {
				if a.err != nil || a.status != 200 && a.status != 503 {
					t.Errorf("%s, cancelled at call %d: %d %s %v", s.name, n, a.status, a.raw, a.err)
				}
			})
		})
	}
}

// leaks are words that only the inside knows.
var leaks = []string{"boom-inside", "SELECT", "usher_user", "sqlite", "store:", "goroutine", ".go:", "/auth/internal", "panic"}

func (a *answer) tellsNothing() {
	a.t.Helper()
	for _, w := range leaks {
		if strings.Contains(string(a.raw), w) {
			a.t.Errorf("%s: the answer tells %q: %s", a.what, w, a.raw)
		}
	}
}

func TestFault_R30_StorePanicsAtEveryCall(t *testing.T) {
	atEveryCall(t, memory.New(), func(*auth.Config) {}, func(context.Context) error { panic("boom-inside usher_user") },
		func(r *rig, s step, n int, a *answer) {
			if a.status != 500 || a.code() != "internal_clerk_error" || a.str("clerk_trace_id") == "" {
				t.Errorf("%s, panic at call %d: %d %s %v", s.name, n, a.status, a.raw, a.err)
			}
			a.tellsNothing()
			if !strings.Contains(r.log.String(), a.str("clerk_trace_id")) {
				t.Errorf("%s, panic at call %d: the log does not have the trace ID", s.name, n)
			}
		})
}

// TestAttack_W20_InsideFacts: an error of the inside, wherever, is an error
// with a trace ID.
func TestAttack_W20_InsideFacts(t *testing.T) {
	inside := errors.New(`boom-inside: SELECT data FROM usher_user WHERE id = $1 (/auth/internal/engine/engine.go:12)`)
	for name, err := range map[string]error{"unknown": inside, "corrupt": &store.CorruptError{Kind: "usher_user", ID: "boom-inside", Err: inside},
		"invalid": fmt.Errorf("%w: %w", store.ErrInvalid, inside), "schema": fmt.Errorf("%w: %w", store.ErrSchema, inside)} {
		t.Run(name, func(t *testing.T) {
			atEveryCall(t, memory.New(), func(*auth.Config) {}, func(context.Context) error { return err },
				func(r *rig, s step, n int, a *answer) {
					if a.status != 500 && a.status != 503 && a.status != 200 { // best effort may go on
						t.Errorf("%s, error at call %d: %d %s %v", s.name, n, a.status, a.raw, a.err)
					}
					a.tellsNothing()
				})
		})
	}
	// The pages, too.
	f := &switchable{}
	r := newRig(t, withStore(storetest.Faulty(memory.New(), storetest.Plan{Before: f.before})))
	in := r.signedIn(r.account(ada, good))
	f.set(func(context.Context, string) error { return inside })
	for _, path := range []string{"/auth/sign-in", "/auth/user", "/auth/sign-out", "/private", "/__clerk/v1/client", "/__clerk/v1/me", "/bapi/v1/users", "/__clerk/v1/health"} {
		a := in.do("GET", path, http.Header{"Accept": {"text/html"}}, "")
		a.tellsNothing()
	}
}

// hostile is a host's code that panics.
type hostile struct{}

func (hostile) Breached(context.Context, string) (bool, error) { panic("boom-inside: breach list") }
func (hostile) Send(context.Context, notify.Message) error     { panic("boom-inside: mailer") }

func onUserPanics(context.Context, store.Tx, *user.User) error  { panic("boom-inside: hook") }
func onUserRefuses(context.Context, store.Tx, *user.User) error { return errors.New("boom-inside: no") }

func TestFault_R30_HostsCodePanics(t *testing.T) {
	t.Run("OnUser", func(t *testing.T) {
		for name, hook := range map[string]func(context.Context, store.Tx, *user.User) error{"panics": onUserPanics, "refuses": onUserRefuses} {
			r := newRig(t, func(c *auth.Config) { c.OnUser = hook })
			v := r.visitor()
			id := signUpPrepared(r, v, ada)
			a := v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", r.Mail.Code(t, ada, 1)).refused(500, "internal_clerk_error")
			a.tellsNothing()
			if all := checkInvariants(t, r.Store); len(all["user"])+len(all["session"]) != 0 {
				t.Errorf("%s: %d users, %d sessions although the host's hook failed", name, len(all["user"]), len(all["session"]))
			}
			// The code was not consumed by a transaction that did not happen.
			if a := v.get("/client/sign_ups/" + id).ok(); a.str("response.status") != "missing_requirements" {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
	})
	t.Run("breach checker", func(t *testing.T) {
		r := newRig(t, func(c *auth.Config) { c.Breaches, c.Settings.Password.CheckBreaches = hostile{}, true })
		r.visitor().post("/client/sign_ups", "email_address", ada, "password", good).refused(500, "internal_clerk_error").tellsNothing()
		r.visitor().post("/client/sign_ups", "email_address", ada).ok()
		if s := r.hasher.Pool.Stats(); s.Running+s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("mailer", func(t *testing.T) {
		r := newRig(t, func(c *auth.Config) { c.Mailer = hostile{} })
		v := r.visitor()
		signUpPrepared(r, v, ada)
		eventually(t, "the mail to be tried", func() bool { return strings.Contains(r.log.String(), "will try again") })
		r.account(bob, good)
		r.visitor().signIn(bob, good)
	})
	t.Run("page template", func(t *testing.T) {
		// A template that asks for what is not there fails half-way through a page.
		over := fstest.MapFS{"sign_in.html": {Data: []byte(`{{define "main"}}half a page{{.No.Such.Field}}{{index .Fields 99}}{{end}}`)}}
		r := newRigOrNil(t, func(c *auth.Config) { c.PageTemplates = over })
		if r == nil {
			return // refused at the start, which is as good
		}
		a := r.visitor().do("GET", "/auth/sign-in", nil, "")
		a.tellsNothing()
		if a.status == 200 {
			t.Errorf("half a page was sent as a whole one: %s", a.raw)
		}
		r.account(ada, good)
		r.visitor().signIn(ada, good)
	})
}

// newRigOrNil is nil if the configuration is refused.
func newRigOrNil(t *testing.T, change func(*auth.Config)) *rig {
	c := auth.Config{Store: memory.New()}
	change(&c)
	if _, err := auth.New(t.Context(), c); err != nil {
		t.Logf("refused at the start: %v", err)
		return nil
	}
	return newRig(t, change)
}

// In the background, too, a panic ends one try and not the process.
func TestFault_R30_BackgroundSurvives(t *testing.T) {
	f := &switchable{}
	st := memory.New()
	r := newRig(t, withStore(storetest.Faulty(st, storetest.Plan{Before: f.before})))
	var panics atomic.Int64
	f.set(func(ctx context.Context, call string) error {
		if ctx.Value(requestKey{}) == nil && call == "Put" && panics.Add(1) < 4 {
			panic("boom-inside: store")
		}
		return nil
	})
	signUpPrepared(r, r.visitor(), ada)
	r.Mail.Code(t, ada, 1)
	if panics.Load() < 4 {
		t.Error("nothing panicked")
	}
}
