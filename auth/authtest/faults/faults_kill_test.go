package faults_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/user"
)

// A promise is a sign-up that was acknowledged, with the browser it was made in.
type promise struct {
	email, sessionID, userID string
	browser                  *visitor
}

// burst signs people up through a server, 16 at a time, until it is gone.
type burst struct {
	mu    sync.Mutex
	kept  []promise
	acked chan struct{} // one for each
}

func (b *burst) writer(t testing.TB, base string, round, n int) {
	for i := 0; ; i++ {
		v := newVisitor(t, base)
		email := fmt.Sprintf("r%d.w%d.n%d@example.com", round, n, i)
		id := v.post("/client/sign_ups", "email_address", email, "password", good).id()
		if id == "" || v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").status != 200 {
			return
		}
		code := ""
		for code == "" { // the mail is sent in the background
			a := v.do("GET", "/dev/mail/code?email="+email, nil, "")
			if a.err != nil {
				return
			}
			if a.status == http.StatusOK {
				code = string(a.raw[:6])
			}
		}
		a := v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code)
		if a.str("response.status") != "complete" {
			return
		}
		b.mu.Lock()
		b.kept = append(b.kept, promise{email, a.str("response.created_session_id"), a.str("response.created_user_id"), v})
		b.mu.Unlock()
		b.acked <- struct{}{}
	}
}

// TestFault_R01_KilledInABurstOfSignUps: everything acknowledged is there,
// nothing is half, and the process starts again by itself. USHER_KILLS asks
// for more rounds.
func TestFault_R01_KilledInABurstOfSignUps(t *testing.T) {
	rounds := 10
	if n, err := strconv.Atoi(os.Getenv("USHER_KILLS")); err == nil {
		rounds = n
	} else if testing.Short() {
		rounds = 2
	}
	db := filepath.Join(t.TempDir(), "usher.db")
	b := &burst{acked: make(chan struct{}, 1<<16)}
	for round := range rounds {
		s := serve(t, db)
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() { b.writer(t, s.url, round, n) })
		}
		for range 1 + rand.IntN(40) {
			<-b.acked
		}
		s.kill()
		wg.Wait()
		checkKept(t, db, b.kept)
	}
	s := serve(t, db)
	for i, p := range b.kept {
		if a := p.browser; i%7 == 0 { // its own browser is signed in still
			a.base = s.url
			c := newVisitor(t, s.url)
			c.setCookie("__client", p.browser.cookie("__client"))
			if got := c.get("/client").ok().str("response.last_active_session_id"); got != p.sessionID {
				t.Errorf("%s: the browser's session is %q, not %s", p.email, got, p.sessionID)
			}
			newVisitor(t, s.url).signIn(p.email, good)
		}
	}
	t.Logf("%d kills, %d acknowledged sign-ups", rounds, len(b.kept))
}

// checkKept looks into the file that a killed process left.
func checkKept(t *testing.T, db string, kept []promise) {
	t.Helper()
	st, err := sqlite.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	checkInvariants(t, st)
	ctx := context.Background()
	err = st.View(ctx, func(tx store.Tx) error {
		for _, p := range kept {
			u, err := user.ByIdentifier(ctx, tx, p.email)
			if err != nil || u.ID != p.userID || !u.PasswordEnabled {
				t.Errorf("%s was acknowledged and is not there: %v", p.email, err)
				continue
			}
			if s, err := session.Get(ctx, tx, p.sessionID); err != nil || s.UserID != u.ID {
				t.Errorf("%s: the acknowledged session is not there: %v", p.email, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFault_R02_TornLog: whatever of the log is lost, the file opens, nothing
// in it is half, and a server works on it.
func TestFault_R02_TornLog(t *testing.T) {
	db := filepath.Join(t.TempDir(), "usher.db")
	b := &burst{acked: make(chan struct{}, 1<<16)}
	s := serve(t, db)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() { b.writer(t, s.url, 0, n) })
	}
	for range 12 {
		<-b.acked
	}
	s.kill()
	wg.Wait()
	main, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(db + "-wal")
	if err != nil || len(wal) < 64<<10 {
		t.Fatalf("a log of %d bytes is no test: %v", len(wal), err)
	}
	// After a checkpoint the log begins anew, and what lies behind its end is
	// old: cutting that off loses nothing.
	wal = liveLog(wal)
	step := 4099 // not a divisor of the size of a page: cuts fall anywhere
	if testing.Short() {
		step *= 4
	}
	// users opens the database with its log cut and returns how many are there.
	users := func(cut int) (path string, n int) {
		path = filepath.Join(t.TempDir(), "torn.db")
		if err := os.WriteFile(path, main, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+"-wal", wal[:len(wal)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		st, err := sqlite.Open(path)
		if err != nil {
			t.Fatalf("cut by %d: %v", cut, err)
		}
		defer st.Close()
		n = len(checkInvariants(t, st)["user"])
		if t.Failed() {
			t.Fatalf("cut by %d", cut)
		}
		return path, n
	}
	path, all := users(0)
	if all < len(b.kept)+1 { // and the one that was there before
		t.Errorf("%d users of %d are missing although nothing was torn", len(b.kept)+1-all, len(b.kept)+1)
	}
	left := all
	for cut := step; cut <= min(64<<10, len(wal)); cut += step {
		path, left = users(cut)
	}
	newVisitor(t, serve(t, path).url).signIn(ada, good)
	for cut := 128 << 10; left == all && cut < len(wal); cut *= 2 { // the last commits may be no sign-ups
		_, left = users(cut)
	}
	if left == all && len(wal) > 1<<20 {
		t.Errorf("a log of %d bytes was cut in all places and nothing is missing", len(wal))
	}
}

// liveLog returns the part of an SQLite log that belongs to its present run:
// the frames with the salts of its header.
func liveLog(wal []byte) []byte {
	const header, frame = 32, 24
	page := int(binary.BigEndian.Uint32(wal[8:12]))
	end := header
	for end+frame+page <= len(wal) && bytes.Equal(wal[end+8:end+16], wal[16:24]) {
		end += frame + page
	}
	return wal[:end]
}
