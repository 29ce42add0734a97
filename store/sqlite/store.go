package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// dialect is what SQLite wants to be told.
func dialect() *sqlkit.Dialect {
	return &sqlkit.Dialect{
		Prefix: "store/sqlite", Mark: "?", Text: "TEXT", Position: "instr",
		HasTable: "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
		KeyTable: " WITHOUT ROWID",
	}
}

// A Store is a [store.Store] in an SQLite file. It is safe for use by many
// goroutines.
type Store struct {
	write, read *lane
	engine      *sqlkit.Engine
	owned       *sql.DB // what Close closes
}

var _ store.Store = (*Store)(nil)

func newStore(write, read *lane) *Store {
	s := &Store{write: write, read: read}
	s.engine = sqlkit.NewEngine(dialect(), database{write, read})
	return s
}

// View is the method of [store.Store]. One or a few Gets are one statement
// each; more is a transaction.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.engine.View(ctx, fn)
}

// Update is the method of [store.Store]. A few Gets and one Put or Delete are
// one statement each; more is a transaction that no other writer enters.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.engine.Update(ctx, fn)
}

// Prepare makes the tables and indexes of kinds, as far as they are missing,
// in one transaction. Any number of processes may do so at once. A kind that
// was not prepared gets its table when it is first used. Records stored before
// an index was added have no value in it until store.Reindex stores them anew.
func (s *Store) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	return s.engine.Prepare(ctx, kinds...)
}

// Purge is the method of [store.Store]. It deletes in transactions of 250
// records.
func (s *Store) Purge(ctx context.Context, before time.Time) (int, error) {
	return s.engine.Purge(ctx, before)
}

// Close waits for transactions that are under way and closes the connections.
func (s *Store) Close() error {
	s.read.close()
	s.write.close()
	if s.owned != nil {
		return s.owned.Close()
	}
	return nil
}

// database is the sqlkit.DB of a Store.
type database struct{ write, read *lane }

func (d database) Reader() sqlkit.Conn { return d.read }
func (d database) Writer() sqlkit.Conn { return d.write }

func (d database) Begin(ctx context.Context, write bool) (sqlkit.Txn, error) {
	l, begin := d.read, "BEGIN"
	if write {
		l, begin = d.write, "BEGIN IMMEDIATE"
	}
	c, err := l.take(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, begin); err != nil {
		l.give(c)
		return nil, err
	}
	return &txn{conn: c, lane: l}, nil
}

func (d database) BeginMigration(ctx context.Context) (sqlkit.Txn, error) { return d.Begin(ctx, true) }

// A txn is a transaction on a connection that it gives back at its end.
type txn struct {
	*conn
	lane *lane
}

func (t *txn) Commit(ctx context.Context) error {
	if _, err := t.conn.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	t.lane.give(t.conn)
	t.conn = nil
	return nil
}

// Rollback may follow an error that has ended the transaction already.
func (t *txn) Rollback() {
	if t.conn == nil {
		return
	}
	t.conn.c.ExecContext(context.Background(), "ROLLBACK")
	t.lane.give(t.conn)
	t.conn = nil
}
