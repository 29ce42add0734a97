package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

// onFile opens an SQLite file through a database that the test has, too.
func onFile(t *testing.T, dsnQuery string, o sqlite.Options) (*sqlite.Store, *sql.DB) {
	t.Helper()
	db, err := sql.Open("sqlite", "file://"+filepath.Join(t.TempDir(), "usher.db")+dsnQuery)
	if err != nil {
		t.Fatal(err)
	}
	o.Relaxed = true
	st := o.New(db, db)
	t.Cleanup(func() {
		st.Close()
		db.Close()
	})
	return st, db
}

// sick asks for everything while the store takes no writes: those who are
// signed in stay so, nobody is told that they are not, and what cannot be done
// is refused with 503.
func (r *rig) sick(signedIn *visitor) {
	r.t.Helper()
	if a := signedIn.private(); a.status != 200 || len(a.raw) == 0 {
		r.t.Errorf("a live token is not enough any more: %d %s", a.status, a.raw)
	}
	signedIn.get("/client").ok()
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).unavailable()
	r.visitor().post("/client/sign_ups", "email_address", bob, "password", good).unavailable()
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", "not the password").unavailable()
	if a := r.visitor().private(); a.status != 401 {
		r.t.Errorf("a stranger at the private page: %d", a.status)
	}
	if strings.Contains(r.log.String(), "panic") {
		r.t.Error("something panicked")
	}
}

func TestFault_R03_DiskFull(t *testing.T) {
	st, db := onFile(t, "?_pragma=max_page_count(400)&_pragma=busy_timeout(2000)", sqlite.Options{})
	r := newRig(t, withStore(st))
	u := r.account(ada, good)
	in := r.signedIn(u)
	exec := func(q string) error { _, err := db.Exec(q); return err }
	if err := exec("CREATE TABLE host_rows (x)"); err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; size > 0; { // the host fills its disk to the last page
		if err := exec(fmt.Sprintf("INSERT INTO host_rows VALUES (zeroblob(%d))", size)); err != nil {
			size /= 2
		}
	}
	for r.visitor().post("/client").status == 200 { // what is left in half-full pages
	}
	r.sick(in)
	if err := exec("DELETE FROM host_rows"); err != nil {
		t.Fatal(err)
	}
	r.visitor().signIn(ada, good)
	r.visitor().signUp(bob, good, r.mailed(bob, 1)).ok()
	checkInvariants(t, st)
}

// Read-only, as after a failover or a remount: every write fails.
func TestFault_R03_ReadOnly(t *testing.T) {
	f := &switchable{}
	r := newRig(t, withStore(storetest.Faulty(memory.New(), storetest.Plan{Before: f.before})))
	u := r.account(ada, good)
	in := r.signedIn(u)
	before := dump(t, r.Store)
	f.set(readOnly)
	r.sick(in)
	in.fork().post("/client/sessions/" + in.get("/client").str("response.last_active_session_id") + "/end").unavailable()
	// A token that has run out is renewed by reading alone, until the use of the
	// session is to be written; then it is 503: never 401, and never a redirect
	// to the sign-in page.
	r.Clock.Advance(2 * time.Minute)
	if a := in.private(); a.status != 200 {
		t.Errorf("renewed by reading alone: %d %s", a.status, a.raw)
	}
	r.Clock.Advance(session.TouchEvery)
	in.private().unavailable()
	f.set(nil)
	if a := in.private(); a.status != 200 {
		t.Errorf("after the store is back: %d %s", a.status, a.raw)
	}
	if after := dump(t, r.Store); len(after["user"]) != len(before["user"]) || len(after["client"]) != len(before["client"]) {
		t.Error("something was written while nothing could be")
	}
	r.visitor().signUp(bob, good, r.mailed(bob, 1)).ok()
}

func readOnly(_ context.Context, call string) error {
	if call == "Put" || call == "Delete" || call == "Purge" {
		return fmt.Errorf("%w: read-only", store.ErrUnavailable)
	}
	return nil
}

// switchable is a Plan.Before that a test changes as it goes.
type switchable struct {
	mu sync.Mutex
	fn func(ctx context.Context, call string) error
}

func (s *switchable) set(fn func(ctx context.Context, call string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fn = fn
}

func (s *switchable) before(ctx context.Context, call string) error {
	s.mu.Lock()
	fn := s.fn
	s.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn(ctx, call)
}

func TestFault_R04_LockedByAnotherProcess(t *testing.T) {
	st, db := onFile(t, "", sqlite.Options{BusyTimeout: 300 * time.Millisecond})
	r := newRig(t, withStore(st))
	in := r.signedIn(r.account(ada, good))
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	r.sick(in)
	// Those who wait for the one that waits are answered, too.
	began := time.Now()
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).unavailable() })
	}
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("40 at once waited %v for a lock that each may wait 0.3 s for", took)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	r.visitor().signIn(ada, good)
	checkInvariants(t, st)
}

func TestFault_R09_PoolExhausted(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), withParam(postgrestest.New(t), "pool_max_conns=1"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	r := newRig(t, withStore(postgres.New(pool)))
	in := r.signedIn(r.account(ada, good))
	mine, err := pool.Acquire(t.Context()) // the host has them all
	if err != nil {
		t.Fatal(err)
	}
	if a := in.private(); a.status != 200 {
		t.Errorf("a live token is not enough: %d %s", a.status, a.raw)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, ask := range []func(v *visitor) *answer{
		func(v *visitor) *answer {
			return v.post("/client/sign_ins", "identifier", ada, "password", good)
		},
		func(*visitor) *answer { return in.fork().get("/client") },
		func(v *visitor) *answer { return v.get("/health") }, // honest
		func(v *visitor) *answer { return v.post("/client/sign_ups", "email_address", bob) },
	} {
		wg.Go(func() { ask(r.visitor()).unavailable() })
	}
	wg.Wait()
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("waited %v", took)
	}
	mine.Release()
	r.visitor().signIn(ada, good)
	if n := pool.Stat().AcquiredConns(); n > 1 {
		t.Errorf("%d connections are out", n)
	}
}

func withParam(dsn, param string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + param
	}
	return dsn + "?" + param
}

// everyFlow goes through all that a person does, each step again while it is
// answered 409 or 503, as a client would. It returns how many codes were asked
// for and got.
func (r *rig) everyFlow(email string) {
	t := r.t
	again := func(step func() *answer) *answer {
		t.Helper()
		for range 40 {
			a := step()
			if a.status != 409 && a.status != 503 {
				return a.ok()
			}
		}
		t.Fatal("forty times in vain")
		return nil
	}
	v := r.visitor()
	id := again(func() *answer { return v.post("/client/sign_ups", "email_address", email, "password", good) }).id()
	again(func() *answer {
		return v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
	})
	code := r.Mail.Code(t, email, 1)
	a := again(func() *answer {
		return v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code)
	})
	first := a.str("response.created_session_id")

	w := r.visitor()
	a = again(func() *answer { return w.post("/client/sign_ins", "identifier", email) })
	id = a.id()
	again(func() *answer {
		return w.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_code")
	})
	code = r.Mail.Code(t, email, 2)
	a = again(func() *answer {
		return w.post("/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", code)
	})
	if a.str("response.status") != "complete" {
		t.Fatalf("sign-in by code: %s", a.raw)
	}
	second := "extra." + email
	eid := again(func() *answer { return w.post("/me/email_addresses", "email_address", second) }).id()
	again(func() *answer {
		return w.post("/me/email_addresses/"+eid+"/prepare_verification", "strategy", "email_code")
	})
	again(func() *answer {
		return w.post("/me/email_addresses/"+eid+"/attempt_verification", "code", r.Mail.Code(t, second, 1))
	})
	again(func() *answer {
		return w.post("/me/change_password", "current_password", good, "new_password", better, "sign_out_of_other_sessions", "true")
	})
	r.Mail.Wait(t, email, 3) // the notice goes to both addresses
	r.Mail.Wait(t, second, 2)
	if s, err := r.Sessions().Get(context.Background(), first); err == nil && s.LiveAt(r.Clock.Now()) {
		t.Error("the other session outlives the new password")
	}

	x := r.visitor()
	id = again(func() *answer { return x.post("/client/sign_ins", "identifier", second) }).id()
	again(func() *answer {
		return x.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "reset_password_email_code")
	})
	eventually(t, "the code for a reset", func() bool { return r.lastCode(email, second) != "" })
	again(func() *answer {
		return x.post("/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", r.lastCode(email, second))
	})
	again(func() *answer { return x.post("/client/sign_ins/"+id+"/reset_password", "password", good+good) })
	again(func() *answer { return x.api("DELETE", "/client/sessions") })
}

// lastCode is that of the last reset mail to one of addresses, or empty.
func (r *rig) lastCode(addresses ...string) (code string) {
	for _, to := range addresses {
		for _, m := range r.Mail.To(to) {
			if m.Slug == "reset_password_code" {
				code = m.Data.OTPCode
			}
		}
	}
	return code
}

// happenedOnce fails the test unless exactly what everyFlow asked for has happened.
func (r *rig) happenedOnce(email string) {
	r.t.Helper()
	all := checkInvariants(r.t, r.Store)
	if n := len(all["user"]); n != 1 {
		r.t.Errorf("%d users", n)
	}
	eventually(r.t, "an empty outbox", func() bool { return len(dump(r.t, r.Store)["outbox"]) == 0 })
	bySlug := map[string]int{}
	ids := map[string]bool{}
	for _, to := range []string{email, "extra." + email} {
		for _, m := range r.Mail.To(to) {
			bySlug[m.Slug]++
			if ids[m.ID] {
				r.t.Errorf("mail %s was sent twice", m.ID)
			}
			ids[m.ID] = true
		}
	}
	want := map[string]int{"verification_code": 3, "reset_password_code": 1, "password_changed": 4}
	if fmt.Sprint(bySlug) != fmt.Sprint(want) {
		r.t.Errorf("mails: %v, want %v", bySlug, want)
	}
}

func TestFault_R10_EffectsOnce(t *testing.T) {
	for name, plan := range map[string]storetest.Plan{
		"nothing":         {},
		"everything runs": {Rerun: true},
		"conflicts":       {Conflict: 3},
		"both":            {Rerun: true, Conflict: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			r := newRig(t, withStore(&forRequests{st, storetest.Faulty(st, plan)}))
			r.everyFlow(ada)
			r.happenedOnce(ada)
		})
	}
}

// forRequests is a store with faults that only requests meet; the start and
// what runs in the background have tests of their own.
type forRequests struct {
	store.Store
	faulty store.Store
}

func (s *forRequests) of(ctx context.Context) store.Store {
	if ctx.Value(requestKey{}) != nil {
		return s.faulty
	}
	return s.Store
}

func (s *forRequests) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.of(ctx).View(ctx, fn)
}

func (s *forRequests) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.of(ctx).Update(ctx, fn)
}

func (s *forRequests) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	return store.Prepare(ctx, s.Store, kinds...)
}
