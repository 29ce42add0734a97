package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
)

// spoilt are what disks and people leave of a document.
var spoilt = []string{
	`substr(data, 1, length(data) / 2)`,
	`'null'`,
	`''`,
	`'{"id":7,"status":[],"user_id":{},"hash":{},"key":"x","value":7,"settings":3,"verifications":3,"to":{},"email_addresses":"x","secret_hash":{}}'`,
}

// spoil overwrites the data of the records of a kind that which picks and
// returns their IDs.
func spoil(t *testing.T, st store.Store, db *sql.DB, kind, how string, which func(document) bool) (ids []string) {
	t.Helper()
	table := kind
	if strings.HasSuffix(kind, "_key") { // such names end in an underscore
		table += "_"
	}
	for _, d := range dump(t, st)[kind] {
		if which(d) {
			ids = append(ids, d.ID)
			if _, err := db.ExecContext(t.Context(), "UPDATE usher_"+table+" SET data = "+how+" WHERE id = ?", d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(ids) == 0 {
		t.Fatalf("no %s to spoil", kind)
	}
	return ids
}

// TestFault_R26_CorruptedRecords: what hangs on the record fails and the log
// names it; everybody else is as well as before.
func TestFault_R26_CorruptedRecords(t *testing.T) {
	of := func(field, id string) func(document) bool {
		return func(d document) bool { return d.str(field) == id || field == "" && d.ID == id }
	}
	for _, c := range []struct {
		kind string
		pick func(adaID, clientID, signUp string) func(document) bool
		// ask is what must fail with 500 and the record's ID in the log; nil: the
		// kind is read in the background only.
		ask func(r *rig, in, half *visitor, signUp string) *answer
	}{
		{"user", func(a, _, _ string) func(document) bool { return of("", a) },
			func(r *rig, in, _ *visitor, _ string) *answer { return in.get("/me") }},
		{"password", func(a, _, _ string) func(document) bool { return of("", a) },
			func(r *rig, _, _ *visitor, _ string) *answer {
				return r.visitor().post("/client/sign_ins", "identifier", ada, "password", good)
			}},
		{"session", func(a, _, _ string) func(document) bool { return of("user_id", a) },
			func(r *rig, in, _ *visitor, _ string) *answer { return in.get("/me") }},
		{"client", func(_, c, _ string) func(document) bool { return of("", c) },
			func(r *rig, in, _ *visitor, _ string) *answer { return in.get("/client") }},
		{"sign_up", func(_, _, s string) func(document) bool { return of("", s) },
			func(r *rig, _, half *visitor, s string) *answer { return half.get("/client/sign_ups/" + s) }},
		{"outbox", func(_, _, _ string) func(document) bool { return of("to", "dead@example.com") }, nil},
		{"settings", func(_, _, _ string) func(document) bool { return func(document) bool { return true } }, nil},
		{"signing_key", func(_, _, _ string) func(document) bool { return func(document) bool { return true } }, nil},
		{"secret", func(_, _, _ string) func(document) bool { return func(document) bool { return true } }, nil},
	} {
		t.Run(c.kind, func(t *testing.T) {
			for _, how := range spoilt {
				st, db := onFile(t, "", sqlite.Options{})
				p := &post{}
				r := newRig(t, withStore(st), withMailer(p))
				u := r.account(ada, good)
				r.account(bob, good)
				in, other, half := r.signedIn(u), r.visitor(), r.visitor()
				other.signIn(bob, good)
				signUp := half.post("/client/sign_ups", "email_address", "half@example.com", "password", good).ok().id()
				if err := r.UpdateSettings(t.Context(), renamed); err != nil {
					t.Fatal(err)
				}
				if c.kind == "outbox" {
					p.set(func(_ context.Context, m mail) error { return errors.New("down") })
					signUpPrepared(r, r.visitor(), "dead@example.com")
					eventually(t, "a try", func() bool { _, asks := p.state(); return asks == 1 })
					eventually(t, "a mark", func() bool { return strings.Contains(r.log.String(), "will try again") })
					p.set(nil)
				}
				clientID := in.get("/client").ok().id()
				ids := spoil(t, st, db, c.kind, how, c.pick(u.ID, clientID, signUp))
				r.Clock.Advance(2 * time.Second) // past what is cached

				if c.ask != nil {
					a := c.ask(r, in, half, signUp)
					a.refused(500, "internal_clerk_error").tellsNothing()
					if !strings.Contains(r.log.String(), ids[0]) {
						t.Errorf("%s: the log does not name %s", how, ids[0])
					}
				}
				// The others.
				if a := other.get("/me").ok(); a.str("response.id") == "" {
					t.Error("somebody else is nobody")
				}
				other.post("/client/sessions/" + other.get("/client").str("response.last_active_session_id") + "/tokens").ok()
				r.visitor().signIn(bob, good)
				next := r.visitor()
				id := signUpPrepared(r, next, "next@example.com")
				eventually(t, "mail for somebody else", func() bool { return len(p.to("next@example.com")) == 1 })
				next.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", p.to("next@example.com")[0].Data.OTPCode).ok()
				// Lists go on and say so.
				h := http.Header{"Authorization": {"Bearer " + r.SecretKey()}}
				if a := r.visitor().do("GET", "/bapi/v1/users?limit=10", h, ""); a.status != 200 && a.status != 500 ||
					a.status == 500 && !strings.Contains(r.log.String(), ids[0]) {
					t.Errorf("%s: list of users: %d %s", how, a.status, a.raw)
				}
				// What is needed at the start is refused by name at the next one.
				c2 := auth.Config{Store: st, Settings: authtest.Settings(), KeySchedule: token.Schedule{Algorithm: token.ES256}, Now: r.Clock.Now}
				_, err := auth.New(t.Context(), c2)
				switch c.kind {
				case "signing_key", "secret", "settings":
					if err == nil || !strings.Contains(err.Error(), c.kind) {
						t.Errorf("%s: starts on a corrupt %s: %v", how, c.kind, err)
					}
				default:
					if err != nil {
						t.Errorf("%s: one corrupt %s keeps the instance from starting: %v", how, c.kind, err)
					}
				}
			}
		})
	}
}

// childOffline goes through sign-up and sign-in with everything that could
// call out replaced by a recorder, and prints what was called.
func childOffline() error {
	if os.Getenv(envAlone) != "" {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	log := &buffer{}
	http.DefaultTransport = refusing{log, http.DefaultTransport}
	http.DefaultClient.Transport = http.DefaultTransport
	refuseResolver(log)
	t := &offlineTB{}
	box := &post{}
	a, err := auth.New(context.Background(), auth.Config{Store: memory.New(), Settings: authtest.Settings(), Mailer: box,
		Passwords: authtest.CheapPasswords(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	go a.Run(context.Background())
	srv := offlineServer(a.Wrap(a.Require(http.HandlerFunc(whoami))))
	v := newVisitor(t, srv.URL)
	v.http.Transport = &http.Transport{}
	v.signUp(ada, good, func() string {
		eventually(t, "the code", func() bool { return len(box.to(ada)) == 1 })
		return box.to(ada)[0].Data.OTPCode
	})
	w := newVisitor(t, srv.URL)
	w.http.Transport = v.http.Transport
	w.signIn(ada, good)
	for _, path := range []string{"/", "/auth/sign-in", "/auth/user", "/__clerk/v1/environment", "/__clerk/v1/client", "/.well-known/jwks.json"} {
		if x := w.do("GET", path, nil, ""); x.err != nil || x.status >= 500 {
			return fmt.Errorf("%s: %d %v", path, x.status, x.err)
		}
	}
	if t.failed != "" {
		return errors.New(t.failed)
	}
	fmt.Println("done", log.String())
	return nil
}

func TestNothingLeavesTheProcess(t *testing.T) {
	cmd := child(t, "offline", "")
	log := &buffer{}
	cmd.Stderr = log
	alone := cutOff(cmd)
	out, err := cmd.Output()
	if err != nil && alone { // where new namespaces are not allowed
		t.Logf("without a network of its own: %v", err)
		cmd, log = child(t, "offline", ""), &buffer{}
		cmd.Stderr, alone = log, false
		out, err = cmd.Output()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got := strings.TrimSpace(string(out)); got != "done" {
		t.Errorf("something was called: %s", got)
	}
	t.Logf("in a network namespace with nothing but a loopback: %t", alone)
}
