package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
)

func joinable(t *testing.T) (*sqlite.Store, *sql.DB) {
	path := filepath.Join(t.TempDir(), "usher.db")
	s, db := openAt(t, path, sqlite.Options{Relaxed: true}), host(t, path)
	if err := s.Prepare(t.Context(), userKind, sessKind); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE customer (id TEXT PRIMARY KEY, usr TEXT NOT NULL REFERENCES usher_user(id))`); err != nil {
		t.Fatal(err)
	}
	return s, db
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

func TestJoinTogether(t *testing.T) {
	s, db := joinable(t)
	for _, commit := range []bool{false, true} {
		tx := begin(t, db)
		if err := put(t.Context(), sqlite.Join(tx), user("u"), sess("u")); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(`INSERT INTO customer VALUES ('c', 'u')`); err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got := has(t, s, userKind, "u"); got != commit {
			t.Errorf("commit %v: user is there: %v", commit, got)
		}
	}
}

func TestJoinFailureKeepsHostRows(t *testing.T) {
	s, db := joinable(t)
	ctx := t.Context()
	if err := put(ctx, s, user("a")); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, db)
	j := sqlite.Join(tx)
	if _, err := tx.Exec(`INSERT INTO customer VALUES ('c', 'a')`); err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, j, user("b"), user("a")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Put of what is there: %v", err)
	}
	twin := user("b")
	twin.ID = "twin"
	if err := put(ctx, j, user("b"), twin); err == nil {
		t.Error("two users share an address")
	} else if _, ok := errors.AsType[*store.DuplicateError](err); !ok {
		t.Error(err)
	}
	func() {
		defer func() { recover() }()
		j.Update(ctx, func(jtx store.Tx) error { jtx.Put(ctx, user("b")); panic("fn") })
	}()
	if err := j.View(ctx, func(jtx store.Tx) error { _, err := jtx.Put(ctx, user("b")); return err }); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Put in View: %v", err)
	}
	if _, err := j.Purge(ctx, time.Now()); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("Purge: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if err := put(ctx, j, user("c")); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var customers int
	if err := db.QueryRow(`SELECT count(*) FROM customer`).Scan(&customers); err != nil || customers != 1 {
		t.Error(customers, err)
	}
	if has(t, s, userKind, "b") || !has(t, s, userKind, "c") {
		t.Error("what failed was kept, or what came after it was not")
	}
}

func ExampleJoin() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "usher")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "app.db")
	users := &store.Kind{Name: "user"}

	s, err := sqlite.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(ctx, users); err != nil {
		log.Fatal(err)
	}

	// The host has its own connections to the same file.
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE customer (name TEXT, usr TEXT REFERENCES usher_user(id))`); err != nil {
		log.Fatal(err)
	}

	// A user and the customer that belongs to it, both or none.
	tx, err := db.Begin()
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	err = sqlite.Join(tx).Update(ctx, func(stx store.Tx) error {
		_, err := stx.Put(ctx, store.Record{Kind: users, ID: "user_1", Data: []byte(`{"first_name":"Ada"}`)})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.Exec(`INSERT INTO customer VALUES ('Lovelace & Co', 'user_1')`); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}

	var name, first string
	err = db.QueryRow(`SELECT c.name, u.data ->> '$.first_name' FROM customer c JOIN usher_user u ON u.id = c.usr`).Scan(&name, &first)
	fmt.Println(name, first, err)
	// Output: Lovelace & Co Ada <nil>
}
