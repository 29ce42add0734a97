package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// Join returns a store whose View and Update run in tx, a transaction of the
// host on the same database, so that the host's rows and usher's are kept
// together or not at all. Begin tx as IMMEDIATE (_txlock=immediate in the
// DSN), and make the kinds' tables before, with [Store.Prepare].
//
// An Update that fails takes back its own writes only, and tx goes on. It does
// not run fn again: after store.ErrConflict the host rolls tx back and starts
// anew. Purge is refused, and Close does nothing. Like tx, the store is of no
// use once tx has ended.
func Join(tx *sql.Tx) store.Store {
	return &joined{tx: tx, engine: sqlkit.NewEngine(dialect(), nil)}
}

type joined struct {
	tx     *sql.Tx
	engine *sqlkit.Engine
}

func (j *joined) View(ctx context.Context, fn func(store.Tx) error) error {
	return j.engine.In(ctx, hostTx{j.tx}, false, fn)
}

func (j *joined) Update(ctx context.Context, fn func(store.Tx) error) error {
	if _, err := j.tx.ExecContext(ctx, "SAVEPOINT usher"); err != nil {
		return mapError(ctx, err)
	}
	return j.engine.In(ctx, &savepoint{hostTx: hostTx{j.tx}}, true, fn)
}

func (j *joined) Purge(context.Context, time.Time) (int, error) {
	return 0, fmt.Errorf("store/sqlite: %w: Purge in a joined transaction", store.ErrInvalid)
}

func (j *joined) Close() error { return nil }

// A hostTx runs statements in a transaction that it does not end.
type hostTx struct{ tx *sql.Tx }

func (h hostTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := h.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, mapError(ctx, err)
	}
	n, err := res.RowsAffected()
	return n, mapError(ctx, err)
}

func (h hostTx) Query(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	rows, err := h.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return mapError(ctx, err)
	}
	return scanRows(ctx, rows, row)
}

func (h hostTx) Get(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	return h.Query(ctx, query, args, row)
}

func (hostTx) Commit(context.Context) error { return nil }
func (hostTx) Rollback()                    {}

// A savepoint is the part of a host's transaction that an Update is.
type savepoint struct {
	hostTx
	done bool
}

func (s *savepoint) Commit(ctx context.Context) error {
	if _, err := s.tx.ExecContext(ctx, "RELEASE usher"); err != nil {
		return mapError(ctx, err)
	}
	s.done = true
	return nil
}

// Rollback does not look at a context, which may be the reason for it.
func (s *savepoint) Rollback() {
	if !s.done {
		s.done = true
		s.tx.ExecContext(context.Background(), "ROLLBACK TO usher")
		s.tx.ExecContext(context.Background(), "RELEASE usher")
	}
}
