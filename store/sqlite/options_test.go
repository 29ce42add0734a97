package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

func TestOpenRefuses(t *testing.T) {
	for _, path := range []string{"", ":memory:", "file:x.db", "file::memory:?cache=shared"} {
		if s, err := sqlite.Open(path); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Open(%q) = %v, %v", path, s, err)
		}
	}
	notADatabase := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(notADatabase, []byte("a file that is of another sort, and long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(notADatabase); err == nil {
		t.Error("a file that is no database was opened")
	}
}

func TestOpenOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "100%.db", "what?.db", "#1.db", "é.db", "a&_pragma=x.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path, sqlite.Options{})
		if err := put(t.Context(), s, user("a")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestPragmas(t *testing.T) {
	for relaxed, want := range map[bool]int{false: 2, true: 1} {
		path := filepath.Join(t.TempDir(), "usher.db")
		s := openAt(t, path, sqlite.Options{Relaxed: relaxed})
		for pragma, want := range map[string]int{"synchronous": want, "foreign_keys": 1} {
			if got := s.WriterPragma(t.Context(), pragma); got != want {
				t.Errorf("relaxed %v: %s is %d", relaxed, pragma, got)
			}
		}
		var mode string
		if err := host(t, path).QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
			t.Error(mode, err)
		}
	}
}

// A store over the host's databases leaves them open and writable.
func TestNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "usher.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := sqlite.Options{Readers: 1}.New(db, db)
	if err := put(t.Context(), s, user("a"), sess("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 4 { // on any connection
		if _, err := db.Exec("UPDATE usher_user SET version = version"); err != nil {
			t.Error(err)
		}
	}
}

func TestClosed(t *testing.T) {
	s := open(t)
	if err := put(t.Context(), s, user("a")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for put(context.Background(), s, sess(fmt.Sprint(rand.Uint64()))) == nil {
			}
		})
	}
	s.Close()
	wg.Wait()
	if err := put(t.Context(), s, user("b")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Update: %v", err)
	}
	err := s.View(t.Context(), func(tx store.Tx) error { _, err := tx.Get(t.Context(), userKind, "a"); return err })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("View: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
