package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
)

func joinable(t *testing.T) (*postgres.Store, *pgx.Conn) {
	dsn := postgrestest.New(t)
	s, c := openAt(t, dsn), host(t, dsn)
	if err := s.Prepare(t.Context(), userKind, sessKind); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), `CREATE TABLE customer (id TEXT PRIMARY KEY, usr TEXT NOT NULL REFERENCES usher_user(id))`); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func begin(t *testing.T, c *pgx.Conn) pgx.Tx {
	t.Helper()
	tx, err := c.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestJoinTogether(t *testing.T) {
	s, c := joinable(t)
	ctx := t.Context()
	for _, commit := range []bool{false, true} {
		tx := begin(t, c)
		if err := put(ctx, postgres.Join(tx), user("u"), sess("u")); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO customer VALUES ('c', 'u')`); err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := get(ctx, s, userKind, "u"); (err == nil) != commit {
			t.Errorf("commit %v: %v", commit, err)
		}
	}
}

func TestJoinFailureKeepsHostRows(t *testing.T) {
	s, c := joinable(t)
	ctx := t.Context()
	if err := put(ctx, s, user("a")); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, c)
	j := postgres.Join(tx)
	if _, err := tx.Exec(ctx, `INSERT INTO customer VALUES ('c', 'a')`); err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, j, user("b"), user("a")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Put of what is there: %v", err)
	}
	twin := user("b")
	twin.ID = "twin"
	if _, ok := errors.AsType[*store.DuplicateError](put(ctx, j, user("b"), twin)); !ok {
		t.Error("two users share an address")
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
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	var customers int
	if err := c.QueryRow(ctx, `SELECT count(*) FROM customer`).Scan(&customers); err != nil || customers != 1 {
		t.Error(customers, err)
	}
	if _, err := get(ctx, s, userKind, "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what failed was kept: %v", err)
	}
	if _, err := get(ctx, s, userKind, "c"); err != nil {
		t.Errorf("what came after it was not: %v", err)
	}
}

// A conflict in the host's transaction is for the host to run again.
func TestJoinConflict(t *testing.T) {
	s, c := joinable(t)
	ctx := t.Context()
	if err := put(ctx, s, sess("a")); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, c)
	defer tx.Rollback(ctx)
	j := postgres.Join(tx)
	r, err := get(ctx, j, sessKind, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, s, r); err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, j, r); !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
}

// The server to run this on is named by an environment variable here; a
// program has it in its settings.
func ExampleJoin() {
	ctx := context.Background()
	users := &store.Kind{Name: "user"}
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	s := postgres.New(pool)
	if err := s.Prepare(ctx, users); err != nil {
		log.Fatal(err)
	}

	// A user and the customer that belongs to it, both or none.
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		err := postgres.Join(tx).Update(ctx, func(stx store.Tx) error {
			_, err := stx.Put(ctx, store.Record{Kind: users, ID: "user_1", Data: []byte(`{"first_name":"Ada"}`)})
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO customer (name, usr) VALUES ('Lovelace & Co', 'user_1')`)
		return err
	})
	fmt.Println(err)
}
