package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

// envChild makes the test program a child that works on the file envPath.
const (
	envChild = "USHER_TEST_CHILD"
	envPath  = "USHER_TEST_PATH"
)

func TestMain(m *testing.M) {
	child := map[string]func(path string) error{"write": childWrites, "open": childOpens}[os.Getenv(envChild)]
	if child == nil {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(envPath)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func childProcess(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), envChild+"="+what, envPath+"="+path)
	return cmd
}

var (
	userKind = &store.Kind{Name: "user", Indexes: []store.Index{{Name: "email", Unique: true, Many: true}, {Name: "name"}}}
	sessKind = &store.Kind{Name: "session", Indexes: []store.Index{{Name: "user"}}}
)

func user(id string) store.Record {
	return store.Record{Kind: userKind, ID: id, Data: []byte(`{"id":"` + id + `"}`), Entries: []store.Entry{
		{Index: "email", Value: id + "@example.com"}, {Index: "email", Value: "also" + id + "@example.com"}, {Index: "name", Value: id}}}
}

func sess(id string) store.Record {
	return store.Record{Kind: sessKind, ID: id, Data: []byte(`{}`), Entries: []store.Entry{{Index: "user", Value: id}}}
}

func put(ctx context.Context, s store.Store, recs ...store.Record) error {
	return s.Update(ctx, func(tx store.Tx) error {
		for _, r := range recs {
			if _, err := tx.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func has(t *testing.T, s store.Store, k *store.Kind, id string) bool {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error { _, err := tx.Get(t.Context(), k, id); return err })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func count(t *testing.T, s store.Store, k *store.Kind, ms ...store.Match) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Count(t.Context(), store.Query{Kind: k, Where: ms})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// childWrites signs users up for ever, 16 at a time, and prints the ID of each
// that was acknowledged.
func childWrites(path string) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for range 16 {
		go func() {
			for {
				id := fmt.Sprintf("%016x", rand.Uint64())
				if err := put(context.Background(), s, user(id), sess(id)); err != nil {
					errs <- err
				}
				fmt.Println(id)
			}
		}()
	}
	return <-errs
}

func TestFault_R01_SQLiteKilledWhileWriting(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 3
	}
	path := filepath.Join(t.TempDir(), "usher.db")
	var ledger []string
	for range kills {
		cmd := childProcess(t, "write", path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := rand.IntN(400); n >= 0 && lines.Scan(); n-- {
			ledger = append(ledger, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if len(lines.Text()) == 16 { // the last line may be cut
				ledger = append(ledger, lines.Text())
			}
		}
		cmd.Wait()
	}
	s := openAt(t, path, sqlite.Options{})
	for _, id := range ledger {
		if !has(t, s, userKind, id) || !has(t, s, sessKind, id) {
			t.Errorf("%s was acknowledged and is not there", id)
		}
	}
	users, emails := count(t, s, userKind), 0
	if err := host(t, path).QueryRow("SELECT count(*) FROM usher_user_key k JOIN usher_user u ON u.id = k.id").Scan(&emails); err != nil {
		t.Fatal(err)
	}
	if sessions := count(t, s, sessKind); users != sessions || emails != 2*users || users < len(ledger) || users == 0 {
		t.Errorf("%d users, %d sessions, %d addresses, %d acknowledged", users, sessions, emails, len(ledger))
	}
	integrity(t, path)
}

func integrity(t *testing.T, path string) {
	t.Helper()
	var answer string
	if err := host(t, path).QueryRow("PRAGMA integrity_check").Scan(&answer); err != nil || answer != "ok" {
		t.Errorf("integrity_check: %s, %v", answer, err)
	}
}

// A power cut that tears the last pages of the log loses the newest
// transactions only, and none by half.
func TestFault_R02_SQLiteLogTorn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "usher.db")
	s := openAt(t, path, sqlite.Options{Relaxed: true})
	const n = 100
	for i := range n {
		id := fmt.Sprintf("%03d", i)
		if err := put(t.Context(), s, user(id), sess(id)); err != nil {
			t.Fatal(err)
		}
	}
	db, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	last := n + 1
	for cut := 0; cut <= 64<<10; cut += 3001 {
		torn := filepath.Join(dir, strconv.Itoa(cut)+".db")
		if err := errors.Join(os.WriteFile(torn, db, 0o600), os.WriteFile(torn+"-wal", wal[:len(wal)-cut], 0o600)); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, torn, sqlite.Options{})
		users := count(t, s, userKind)
		if sessions := count(t, s, sessKind); users != sessions || users > last || cut == 0 && users != n {
			t.Errorf("%d bytes cut: %d users, %d sessions, and %d users with less cut", cut, users, sessions, last)
		}
		if below := count(t, s, userKind, store.Match{Op: store.Less, Values: []string{fmt.Sprintf("%03d", users)}}); below != users {
			t.Errorf("%d bytes cut: an older user is missing", cut)
		}
		last = users
		integrity(t, torn)
	}
}

func TestFault_R03_SQLiteFull(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := put(ctx, s, user("first"), sess("first")); err != nil {
		t.Fatal(err)
	}
	limit := func(pragma string) {
		t.Helper()
		if err := s.ExecWriter(ctx, pragma); err != nil {
			t.Fatal(err)
		}
	}
	for on, off := range map[string]string{
		"PRAGMA max_page_count = 1": "PRAGMA max_page_count = 1000000", // is the size that it has
		"PRAGMA query_only = ON":    "PRAGMA query_only = OFF",
	} {
		limit(on)
		var err error
		kept := 0
		for i := 0; err == nil && i < 10_000; i++ {
			id := fmt.Sprint(len(on), i)
			if err = put(ctx, s, user(id), sess(id)); err == nil {
				kept++
			}
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", on, err)
		}
		if !has(t, s, userKind, "first") || count(t, s, userKind) != count(t, s, sessKind) {
			t.Errorf("%s: reads go wrong", on)
		}
		limit(off)
		if err := put(ctx, s, user(on), sess(on)); err != nil {
			t.Errorf("after %s: %v", off, err)
		}
	}
}

func TestFault_R03_SQLiteFileNotWritable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no such folder", "usher.db")
	if _, err := sqlite.Open(path); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}

func TestFault_R04_SQLiteLocked(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "usher.db"), t.Context()
	s := openAt(t, path, sqlite.Options{BusyTimeout: 200 * time.Millisecond})
	if err := put(ctx, s, user("a")); err != nil {
		t.Fatal(err)
	}
	other, err := host(t, path).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lock := func(query string) {
		if _, err := other.ExecContext(ctx, query); err != nil {
			t.Error(err)
		}
	}
	lock("BEGIN EXCLUSIVE")
	for what, recs := range map[string][]store.Record{"one statement": {sess("a")}, "a transaction": {user("b"), sess("b")}} {
		start := time.Now()
		err := put(ctx, s, recs...)
		if waited := time.Since(start); !errors.Is(err, store.ErrUnavailable) || waited < 200*time.Millisecond || waited > 5*time.Second {
			t.Errorf("%s: %v after %v", what, err, waited)
		}
	}
	if !has(t, s, userKind, "a") {
		t.Error("reads are locked out too")
	}
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := put(soon, s, user("b")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
	patient := openAt(t, path, sqlite.Options{BusyTimeout: time.Minute})
	time.AfterFunc(300*time.Millisecond, func() { lock("ROLLBACK") })
	if err := put(ctx, patient, user("b"), sess("b")); err != nil {
		t.Errorf("with patience: %v", err)
	}
	if err := put(ctx, s, user("c")); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
	integrity(t, path)
}

// childOpens is one of many programs that start at once on an empty file.
func childOpens(path string) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	if err := s.Prepare(ctx, userKind); err != nil {
		return err
	}
	// One of them wins the settings; sessions are prepared by the first use.
	err = put(ctx, s, user("settings"))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return put(ctx, s, sess(strconv.Itoa(os.Getpid())))
}

func TestFault_R13_SQLiteStartTogether(t *testing.T) {
	const processes = 8
	for range 4 {
		path := filepath.Join(t.TempDir(), "usher.db")
		var wg sync.WaitGroup
		for range processes {
			cmd := childProcess(t, "open", path)
			wg.Go(func() {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, strings.TrimSpace(string(out)))
				}
			})
		}
		wg.Wait()
		s := openAt(t, path, sqlite.Options{})
		if n, m := count(t, s, sessKind), count(t, s, userKind); n != processes || m != 1 {
			t.Errorf("%d sessions, %d settings", n, m)
		}
	}
}
