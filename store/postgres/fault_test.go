package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
)

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

func get(ctx context.Context, s store.Store, k *store.Kind, id string) (r store.Record, err error) {
	err = s.View(ctx, func(tx store.Tx) (err error) {
		r, err = tx.Get(ctx, k, id)
		return err
	})
	return r, err
}

func count(t *testing.T, s store.Store, k *store.Kind) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Count(t.Context(), store.Query{Kind: k})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFault_R03_PostgresReadOnly(t *testing.T) {
	dsn, ctx := postgrestest.New(t), t.Context()
	s := openAt(t, dsn)
	if err := put(ctx, s, user("a"), sess("a")); err != nil {
		t.Fatal(err)
	}
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ro := postgres.New(pool)
	for what, recs := range map[string][]store.Record{"one statement": {sess("b")}, "a transaction": {user("b"), sess("b")}} {
		if err := put(ctx, ro, recs...); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := get(ctx, ro, userKind, "a"); err != nil {
		t.Errorf("Get: %v", err)
	}
	if count(t, s, sessKind) != 1 {
		t.Error("a session was kept")
	}
}

// Two transactions that write the same records, read in opposite order, end
// as if one came after the other: no write is lost, none is done twice.
func TestFault_R10_PostgresRunsAgain(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := put(ctx, s, sess("x"), sess("y"), sess("z")); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	var met sync.WaitGroup
	met.Add(2)
	add := func(first, second string) error {
		waited := false
		return s.Update(ctx, func(tx store.Tx) error {
			runs.Add(1)
			for _, id := range []string{first, second} {
				r, err := tx.Get(ctx, sessKind, id)
				if err != nil {
					return err
				}
				r.Data = append(r.Data[:len(r.Data)-1:len(r.Data)-1], fmt.Sprintf(`%s"%s%s":1}`, map[bool]string{true: ",", false: ""}[len(r.Data) > 2], first, second)...)
				if _, err := tx.Put(ctx, r); err != nil {
					return err
				}
				// Not of use but to execute the Put that is held back.
				if _, err := tx.Count(ctx, store.Query{Kind: sessKind}); err != nil {
					return err
				}
				if !waited { // both hold a row that the other wants: a deadlock
					waited = true
					met.Done()
					met.Wait()
				}
			}
			return nil
		})
	}
	var wg sync.WaitGroup
	for _, ids := range [][2]string{{"x", "y"}, {"y", "x"}} {
		wg.Go(func() {
			if err := add(ids[0], ids[1]); err != nil {
				t.Errorf("%v: %v", ids, err)
			}
		})
	}
	wg.Wait()
	for _, id := range []string{"x", "y"} {
		r, err := get(ctx, s, sessKind, id)
		if err != nil || r.Version != 3 || strings.Count(string(r.Data), `":1`) != 2 {
			t.Errorf("%s: version %d, %s, %v", id, r.Version, r.Data, err)
		}
	}
	if n := runs.Load(); n < 3 {
		t.Errorf("fn ran %d times, so nothing was tested", n)
	}
}

// A hundred increments of one record by many writers, in transactions and in
// single statements.
func TestFault_R10_PostgresCounter(t *testing.T) {
	for _, what := range []string{"statements", "transactions"} {
		t.Run(what, func(t *testing.T) {
			s, ctx := open(t), t.Context()
			if err := put(ctx, s, sess("n")); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for w := range 10 {
				wg.Go(func() {
					for i := range 10 {
						err := s.Update(ctx, func(tx store.Tx) error {
							if what == "transactions" {
								if _, err := tx.Put(ctx, sess(fmt.Sprint("other", w, i))); err != nil {
									return err
								}
							}
							r, err := tx.Get(ctx, sessKind, "n")
							if err == nil {
								_, err = tx.Put(ctx, r)
							}
							return err
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if r, err := get(ctx, s, sessKind, "n"); err != nil || r.Version != 101 {
				t.Errorf("version %d, want 101 (%v)", r.Version, err)
			}
		})
	}
}

// A record that has changed since the transaction began, and was not read in
// it, is a conflict and nothing else.
func TestFault_R10_PostgresStaleWrite(t *testing.T) {
	s, ctx := open(t), t.Context()
	for what, write := range map[string]func(tx store.Tx, r store.Record) error{
		"Put":    func(tx store.Tx, r store.Record) error { _, err := tx.Put(ctx, r); return err },
		"Delete": func(tx store.Tx, r store.Record) error { return tx.Delete(ctx, r.Kind, r.ID, r.Version) },
	} {
		for _, r := range []store.Record{sess("s" + what), user("u" + what)} {
			if err := put(ctx, s, r); err != nil {
				t.Fatal(err)
			}
			r.Version = 1
			runs := 0
			err := s.Update(ctx, func(tx store.Tx) error {
				runs++
				if _, err := tx.Count(ctx, store.Query{Kind: r.Kind}); err != nil {
					return err
				}
				if runs == 1 {
					if err := put(ctx, s, r); err != nil {
						return err
					}
				}
				return write(tx, r)
			})
			if !errors.Is(err, store.ErrConflict) || runs != 2 {
				t.Errorf("%s of %s: %v after %d runs", what, r.ID, err, runs)
			}
		}
	}
}

// The loser of a race for a unique value is told so, and not that it may try
// again.
func TestFault_R10_PostgresUniqueRace(t *testing.T) {
	s, ctx := open(t), t.Context()
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			err := s.Update(ctx, func(tx store.Tx) error {
				q := store.Query{Kind: userKind, Where: []store.Match{{Index: "email", Values: []string{"ada@example.com"}}}}
				if _, err := tx.Count(ctx, q); err != nil {
					return err
				}
				r := user(fmt.Sprint(i))
				r.Entries[1].Value = "ada@example.com"
				_, err := tx.Put(ctx, r)
				return err
			})
			if d, ok := errors.AsType[*store.DuplicateError](err); err == nil {
				won.Add(1)
			} else if !ok || d.Value != "ada@example.com" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || count(t, s, userKind) != 1 {
		t.Errorf("%d won, %d users", won.Load(), count(t, s, userKind))
	}
}

func TestFault_R05_PostgresRestarts(t *testing.T) {
	server := postgrestest.Start(t)
	dsn := server.Database(t)
	s, ctx := openAt(t, dsn), t.Context()
	if err := put(ctx, s, sess("a")); err != nil {
		t.Fatal(err)
	}
	for n, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := server.Signal(sig); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"View":  func() error { _, err := get(ctx, s, sessKind, "a"); return err }(),
			"one":   put(ctx, s, sess("b")),
			"more":  put(ctx, s, sess("b"), sess("c")),
			"Open":  func() error { _, err := postgres.Open(ctx, dsn); return err }(),
			"Purge": func() error { _, err := s.Purge(ctx, time.Now()); return err }(),
		} {
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				t.Errorf("%s without a server: %v", what, err)
			}
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := get(ctx, s, sessKind, "a"); err != nil {
			t.Errorf("View after the restart: %v", err)
		}
		if err := put(ctx, s, sess(fmt.Sprint("d", n))); err != nil {
			t.Errorf("Update after the restart: %v", err)
		}
	}
	if n := count(t, s, sessKind); n != 3 {
		t.Errorf("%d sessions", n)
	}
}
