// Package sqlkittest checks what the SQL stores promise beyond the contract of
// package store: names, migrations, statements that need no transaction.
//
//	sqlkittest.Run(t, newTarget)
//
// It refuses to be a second storetest: rules of the contract are checked there.
package sqlkittest

import (
	"context"
	"errors"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// A Store is a store whose tables can be prepared.
type Store interface {
	store.Store
	Prepare(ctx context.Context, kinds ...*store.Kind) error
}

// A Target is an empty database of one test.
type Target struct {
	// Open opens the database; it may be open already.
	Open func() (Store, error)
	// Exec runs a statement on it as the host would.
	Exec func(sql string) error
	// Wrap changes the DB that s uses.
	Wrap func(s Store, wrap func(sqlkit.DB) sqlkit.DB)
}

// Run runs all checks.
func Run(t *testing.T, target func(t *testing.T) *Target) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, x *Target)
	}{
		{"clashing names", clashingNames},
		{"long values", longValues},
		{"host foreign key", foreignKey},
		{"kinds that grow", growingKinds},
		{"index changes sort", changingIndex},
		{"older program", olderProgram},
		{"TestFault_R15_SchemaTooNew", schemaTooNew},
		{"TestFault_R15_MigrationKilled", migrationKilled},
		{"changed between reads", changedBetween},
		{"changed before write", changedBeforeWrite},
		{"made anew before write", madeAnew},
		{"statements", statements},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, target(t)) })
	}
}

func (x *Target) open(t *testing.T) Store {
	t.Helper()
	s, err := x.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(s store.Store, recs ...store.Record) error {
	ctx := context.Background()
	return s.Update(ctx, func(tx store.Tx) error {
		for _, r := range recs {
			if _, err := tx.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func get(t *testing.T, s store.Store, k *store.Kind, id string) (r store.Record) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx store.Tx) (err error) {
		r, err = tx.Get(t.Context(), k, id)
		return err
	}))
	return r
}

func find(t *testing.T, s store.Store, q store.Query) (ids []string) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx store.Tx) error {
		recs, err := tx.Find(t.Context(), q)
		ids = nil
		for _, r := range recs {
			ids = append(ids, r.ID)
		}
		return err
	}))
	return ids
}

func in(k *store.Kind, index string, values ...string) store.Query {
	return store.Query{Kind: k, Where: []store.Match{{Index: index, Values: values}}}
}

func record(k *store.Kind, id string, entries ...string) store.Record {
	r := store.Record{Kind: k, ID: id, Data: []byte(`{"id":"` + id + `"}`)}
	for i := 0; i+1 < len(entries); i += 2 {
		r.Entries = append(r.Entries, store.Entry{Index: entries[i], Value: entries[i+1]})
	}
	return r
}

// errInjected is the failure that failing injects.
var errInjected = errors.New("injected")

// A failing DB fails the n-th statement that a transaction executes, and all
// after it, as a killed program does.
type failing struct {
	sqlkit.DB
	left *int
}

func (f failing) Begin(ctx context.Context, write bool) (sqlkit.Txn, error) {
	t, err := f.DB.Begin(ctx, write)
	return failingTxn{t, f.left}, err
}

func (f failing) BeginMigration(ctx context.Context) (sqlkit.Txn, error) {
	t, err := f.DB.BeginMigration(ctx)
	return failingTxn{t, f.left}, err
}

type failingTxn struct {
	sqlkit.Txn
	left *int
}

func (f failingTxn) fails() bool { *f.left--; return *f.left < 0 }

func (f failingTxn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if f.fails() {
		return 0, errInjected
	}
	return f.Txn.Exec(ctx, sql, args...)
}

func (f failingTxn) Commit(ctx context.Context) error {
	if f.fails() {
		return errInjected
	}
	return f.Txn.Commit(ctx)
}

// A counting DB counts statements, BEGIN and COMMIT included.
type counting struct {
	sqlkit.DB
	n *int
}

func (c counting) Reader() sqlkit.Conn { return countingConn{c.DB.Reader(), c.n} }
func (c counting) Writer() sqlkit.Conn { return countingConn{c.DB.Writer(), c.n} }

func (c counting) Begin(ctx context.Context, write bool) (sqlkit.Txn, error) {
	*c.n++
	t, err := c.DB.Begin(ctx, write)
	return countingTxn{t, countingConn{t, c.n}}, err
}

type countingConn struct {
	c sqlkit.Conn
	n *int
}

func (c countingConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	*c.n++
	return c.c.Exec(ctx, sql, args...)
}

func (c countingConn) Query(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	*c.n++
	return c.c.Query(ctx, sql, args, row)
}

func (c countingConn) Get(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	*c.n++
	return c.c.Get(ctx, sql, args, row)
}

type countingTxn struct {
	txn sqlkit.Txn
	countingConn
}

func (c countingTxn) Commit(ctx context.Context) error { *c.n++; return c.txn.Commit(ctx) }
func (c countingTxn) Rollback()                        { c.txn.Rollback() }
