package faults_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

// counter is what is counted for a user.
func (r *rig) counter(userID string) (strangers, known, run int, locked bool) {
	r.t.Helper()
	d, ok := dump(r.t, r.Store)["lockout"][userID]
	if !ok {
		return 0, 0, 0, false
	}
	lane := func(name string) (int, bool) {
		l, _ := d.fields[name].(map[string]any)
		n, _ := l["failures"].(float64)
		locked, _ := l["locked"].(bool)
		return int(n), locked
	}
	strangers, locked = lane("strangers")
	known, _ = lane("known")
	n, _ := d.fields["run"].(float64)
	return strangers, known, int(n), locked
}

// TestAttack_C06_Race: a hundred wrong tries at once, spread over three
// instances on one store. Ten are judged, and ten are counted.
func TestAttack_C06_Race(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"sqlite": func(t *testing.T) store.Store {
			st, err := sqlite.Open(filepath.Join(t.TempDir(), "usher.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			return st
		},
		"postgres": func(t *testing.T) store.Store {
			pool, err := pgxpool.New(t.Context(), postgrestest.New(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			return postgres.New(pool)
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			rigs := []*rig{newRig(t, withStore(st)), newRig(t, withStore(st)), newRig(t, withStore(st))}
			u := rigs[0].account(ada, good)
			hashed := func() (n uint64) {
				for _, r := range rigs {
					n += uint64(r.hasher.Pool.Stats().Done)
				}
				return n
			}
			before := hashed()
			var wg sync.WaitGroup
			var mu sync.Mutex
			answers := map[string]int{}
			begin := make(chan struct{})
			for i := range 100 {
				v := rigs[i%3].visitor()
				wg.Go(func() {
					<-begin
					for range 20 { // one who is told that the store is busy comes again
						a := v.post("/client/sign_ins", "identifier", ada, "password", fmt.Sprintf("wrong guess %d", i))
						if a.status == 409 || a.status == 503 {
							continue
						}
						mu.Lock()
						defer mu.Unlock()
						answers[a.code()]++
						return
					}
				})
			}
			close(begin)
			wg.Wait()
			strangers, known, run, locked := rigs[0].counter(u.ID)
			if strangers != 10 || known != 0 || run != 10 || !locked {
				t.Errorf("counted %d and %d, %d in a row, locked: %v", strangers, known, run, locked)
			}
			if n := hashed() - before; n > 10 {
				t.Errorf("%d hashes", n)
			}
			if n := answers["form_password_incorrect"]; n == 0 || n > 10 || n+answers["user_locked"] > 100 {
				t.Errorf("answers: %v", answers)
			}
			// A new instance on the store knows, too, and the right password does not help.
			again := newRig(t, withStore(st))
			again.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
			again.Clock.Advance(time.Hour)
			again.visitor().signIn(ada, good)
			if strangers, _, run, locked := again.counter(u.ID); strangers != 0 || run != 0 || locked {
				t.Errorf("after a sign-in %d, %d in a row, %v", strangers, run, locked)
			}
		})
	}
}

// TestAttack_C06_LocksDoNotEndARun: a hundred wrong tries without a right one
// put the password out of use, however many locks lie between, until it is
// reset: those of strangers for strangers, those in a browser of the owner's
// there.
func TestAttack_C06_LocksDoNotEndARun(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	for range 10 {
		for i := range 11 {
			a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", "wrong guess")
			if locked := a.code() == "user_locked"; locked != (i == 10) {
				t.Fatalf("try %d: %s", i, a.raw)
			}
		}
		r.Clock.Advance(time.Hour)
	}
	if _, _, run, _ := r.counter(u.ID); run != 100 {
		t.Fatalf("%d in a row", run)
	}
	before := r.hasher.Pool.Stats().Done
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_compromised")
	if r.hasher.Pool.Stats().Done != before {
		t.Error("the password was judged nevertheless")
	}
	// Another way still opens the account, and leaves the password out of use.
	v := r.visitor()
	p := "/client/sign_ins/" + v.post("/client/sign_ins", "identifier", ada).ok().id()
	v.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	v.post(p+"/attempt_first_factor", "strategy", "email_code", "code", r.lastOf("verification_code", ada)).ok()
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_compromised")
	// Where the owner has signed in it opens what it opened: nobody has guessed
	// there. A hundred wrong ones there end that, too.
	v.api("DELETE", "/client/sessions").ok()
	v.signIn(ada, good)
	v.api("DELETE", "/client/sessions").ok()
	for range 10 {
		for range 10 {
			v.post("/client/sign_ins", "identifier", ada, "password", "wrong guess").refused(422, "form_password_incorrect", "account_lockout_warning")
		}
		v.post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
		r.Clock.Advance(time.Hour)
	}
	v.post("/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_compromised")
	v = r.visitor()
	p = "/client/sign_ins/" + v.post("/client/sign_ins", "identifier", ada).ok().id()
	v.post(p+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	v.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", r.lastOf("reset_password_code", ada), "password", better).ok()
	r.visitor().signIn(ada, better)
}

// lastOf is the code in the last mail of a kind to an address.
func (r *rig) lastOf(slug, to string) (code string) {
	r.t.Helper()
	eventually(r.t, "a "+slug, func() bool {
		for _, m := range r.Mail.To(to) {
			if m.Slug == slug {
				code = m.Data.OTPCode
			}
		}
		return code != ""
	})
	return code
}

func lockOut(r *rig, email string) {
	r.t.Helper()
	for range 11 {
		r.visitor().post("/client/sign_ins", "identifier", email, "password", "wrong guess")
	}
	r.visitor().post("/client/sign_ins", "identifier", email, "password", good).refused(403, "user_locked")
}

// TestAttack_C07_TheOwnerGetsIn: somebody locks the account from outside. The
// owner signs in where the account was used before, and with the link in the
// mail everywhere.
func TestAttack_C07_TheOwnerGetsIn(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	own := r.visitor()
	own.signIn(ada, good)
	own.api("DELETE", "/client/sessions").ok()
	open := r.signedIn(u)
	lockOut(r, ada)
	if a := open.private(); a.status != 200 {
		t.Error("a session ends with the lock")
	}
	open.api("PATCH", "/me", "first_name", "Ada").ok()
	own.signIn(ada, good)
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
	// That browser has a budget of its own, and it is one.
	own.api("DELETE", "/client/sessions").ok()
	for range 10 {
		own.post("/client/sign_ins", "identifier", ada, "password", "wrong guess").refused(422, "form_password_incorrect", "account_lockout_warning")
	}
	own.post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")

	mails := r.Mail.Wait(t, ada, 1)
	link, err := url.Parse(mails.Data.ActionURL)
	if err != nil || mails.Slug != "account_locked" || link.Query().Get("token") == "" {
		t.Fatalf("%s %q %v", mails.Slug, mails.Data.ActionURL, err)
	}
	v := r.visitor()
	for range 2 { // a mail scanner
		if a := v.do("GET", link.RequestURI(), nil, ""); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		v.do("HEAD", link.RequestURI(), nil, "")
	}
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
	unlock := func() *answer {
		h := map[string][]string{"Origin": {v.base}, "Content-Type": {"application/x-www-form-urlencoded"}}
		return v.do("POST", link.Path, h, url.Values{"token": {link.Query().Get("token")}}.Encode())
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 8 {
		wg.Go(func() {
			a := unlock()
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	wg.Wait()
	if statuses[303]+statuses[200] != 1 {
		t.Errorf("the link was used %v times", statuses)
	}
	r.visitor().signIn(ada, good)
	own.signIn(ada, good)
	if a := unlock(); a.status < 400 {
		t.Errorf("the link works again: %d", a.status)
	}
	// The secret is kept as a hash alone.
	for kind, records := range dump(t, r.Store) {
		for _, d := range records {
			if kind != "outbox" && strings.Contains(string(d.Data), link.Query().Get("token")) {
				t.Errorf("%s holds the secret", kind)
			}
		}
	}
	// An old link dies with a new password.
	lockOut(r, ada)
	if _, err := r.Users().Unlock(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	r.visitor().signIn(ada, good)
}

// TestAttack_C07_OneMailADay: whoever locks an account again and again does not
// fill a mailbox.
func TestAttack_C07_OneMailADay(t *testing.T) {
	r := newRig(t)
	r.account(ada, good)
	for range 3 {
		lockOut(r, ada)
		r.Clock.Advance(time.Hour)
	}
	eventually(t, "an empty outbox", func() bool { return len(dump(t, r.Store)["outbox"]) == 0 })
	if n := len(r.Mail.To(ada)); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// TestAttack_C21_OneBudgetByEveryRoad: the roads to an account share its tries.
// A browser that the account knows has as many again.
func TestAttack_C21_OneBudgetByEveryRoad(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	if _, err := r.Users().AddEmailAddress(t.Context(), u.ID, "other@example.com", true, false); err != nil {
		t.Fatal(err)
	}
	in := r.signedIn(u)
	attempt := func(identifier string) (*visitor, string) {
		v := r.visitor()
		return v, "/client/sign_ins/" + v.post("/client/sign_ins", "identifier", identifier).ok().id()
	}
	kept, keptPath := attempt(ada)
	byCode, codePath := attempt(ada)
	byCode.post(codePath+"/prepare_first_factor", "strategy", "email_code").ok()
	byReset, resetPath := attempt(ada)
	byReset.post(resetPath+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	roads := map[string]func() *answer{
		"in one call": func() *answer {
			return r.visitor().post("/client/sign_ins", "identifier", ada, "password", "wrong guess")
		},
		"another identifier": func() *answer {
			return r.visitor().post("/client/sign_ins", "identifier", "OTHER@example.com", "password", "wrong guess")
		},
		"one attempt": func() *answer {
			return kept.post(keptPath+"/attempt_first_factor", "strategy", "password", "password", "wrong guess")
		},
		"a new attempt": func() *answer {
			v, p := attempt(ada)
			return v.post(p+"/attempt_first_factor", "strategy", "password", "password", "wrong guess")
		},
		"a code": func() *answer {
			return byCode.post(codePath+"/attempt_first_factor", "strategy", "email_code", "code", "000x00")
		},
		"a reset": func() *answer {
			return byReset.post(resetPath+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", "000x00")
		},
		"the profile": func() *answer {
			return in.post("/me/change_password", "current_password", "wrong guess", "new_password", better)
		},
	}
	judged := map[bool]int{}
	for range 12 {
		for name, road := range roads {
			switch a := road(); {
			case a.status == 422, a.status == 400 && a.code() == "verification_failed":
				judged[name == "the profile"]++
			case a.code() != "user_locked":
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
	}
	if judged[false] != 10 || judged[true] != 10 {
		t.Errorf("%d guesses of strangers and %d of the own browser were judged, not 10 and 10", judged[false], judged[true])
	}
	for name, road := range roads {
		if a := road(); a.code() != "user_locked" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

// TestAttack_C06_NobodyIsCountedAlike: an identifier that nobody has is counted
// by what it means, under a name that does not tell it.
func TestAttack_C06_NobodyIsCountedAlike(t *testing.T) {
	r := newRig(t)
	spellings := []string{"nobody@example.com", "NOBODY@example.com", " nobody@EXAMPLE.com ", "ｎobody@example.com", "nobody@example.com."}
	for i := range 11 {
		a := r.visitor().post("/client/sign_ins", "identifier", spellings[i%len(spellings)], "password", good)
		if want := map[bool]string{true: "user_locked", false: "form_identifier_not_found"}[i == 10]; a.code() != want {
			t.Fatalf("try %d: %s", i, a.raw)
		}
	}
	all := dump(t, r.Store)["lockout"]
	if len(all) != 1 {
		t.Errorf("%d counters", len(all))
	}
	for id, d := range all {
		if strings.Contains(id+string(d.Data), "nobody") || d.Expires.IsZero() {
			t.Errorf("%s %s, kept until %v", id, d.Data, d.Expires)
		}
	}
}

// TestAttack_C19_CountedBeforeItIsJudged: whatever happens to the rest of a
// request, its try is counted; one that was not judged is given back.
func TestAttack_C19_CountedBeforeItIsJudged(t *testing.T) {
	st := memory.New()
	f := &switchable{}
	r := newRig(t, withStore(&forRequests{st, storetest.Faulty(st, storetest.Plan{Before: f.before})}))
	u := r.account(ada, good)
	f.set(readOnly)
	before := r.hasher.Pool.Stats().Done
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).unavailable()
	if r.hasher.Pool.Stats().Done != before {
		t.Error("a password was judged that nothing counts")
	}
	f.set(nil)
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", strings.Repeat("a", 5000)).refused(422, "form_password_size_in_bytes_exceeded")
	if n, _, _, _ := r.counter(u.ID); n != 0 {
		t.Errorf("%d tries are counted, none was judged", n)
	}
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", "wrong guess").refused(422, "form_password_incorrect")
	if n, _, _, _ := r.counter(u.ID); n != 1 {
		t.Errorf("%d tries are counted, one was judged", n)
	}
}

// TestLockoutWarns: people are told when two tries are left, and the host how
// many.
func TestLockoutWarns(t *testing.T) {
	r := newRig(t, withSettings(func(s *settings.Settings) {
		s.Protection.Lockout = settings.Lockout{Enabled: true, MaxAttempts: 5}
	}))
	u := r.account(ada, good)
	left := regexp.MustCompile(`"verification_attempts_remaining":(\d+|null)`)
	remaining := func() string {
		a := r.visitor().do("GET", "/bapi/v1/users/"+u.ID, map[string][]string{"Authorization": {"Bearer " + r.SecretKey()}}, "")
		return string(left.FindSubmatch(a.raw)[1])
	}
	if got := remaining(); got != "5" {
		t.Errorf("%s left", got)
	}
	for i := range 5 {
		codes := []string{"form_password_incorrect"}
		if i >= 2 {
			codes = append(codes, "account_lockout_warning")
		}
		a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", "wrong guess")
		if a.status != 422 || strings.Contains(string(a.raw), "account_lockout_warning") != (i >= 2) || a.code() != codes[0] {
			t.Errorf("try %d: %s", i, a.raw)
		}
		if got := remaining(); got != fmt.Sprint(4-i) {
			t.Errorf("after %d tries %s are left", i+1, got)
		}
	}
	a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", good)
	if a.code() != "user_locked" || strings.Contains(string(a.raw), "lockout_expires") {
		t.Errorf("locked for ever: %s", a.raw)
	}
	r.Clock.Advance(1000 * time.Hour)
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(403, "user_locked")
}
