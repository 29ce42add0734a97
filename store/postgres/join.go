package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// Join returns a store whose View and Update run in tx, a transaction of the
// host on the same database, so that the host's rows and usher's are kept
// together or not at all. Begin tx with pgx.RepeatableRead, which the contract
// asks for, and make the kinds' tables before, with [Store.Prepare].
//
// An Update is a savepoint in tx: if it fails it takes back its own writes
// only, and tx goes on. It does not run fn again: after store.ErrConflict the
// host rolls tx back and starts anew. Purge is refused, and Close does nothing.
// Like tx, the store serves one goroutine and is of no use once tx has ended.
func Join(tx pgx.Tx) store.Store {
	return &joined{tx: tx, engine: sqlkit.NewEngine(dialect(), nil)}
}

type joined struct {
	tx     pgx.Tx
	engine *sqlkit.Engine
}

func (j *joined) View(ctx context.Context, fn func(store.Tx) error) error {
	return j.inSavepoint(ctx, false, fn)
}

func (j *joined) Update(ctx context.Context, fn func(store.Tx) error) error {
	return j.inSavepoint(ctx, true, fn)
}

// inSavepoint is also for View: any error ends a transaction of PostgreSQL, up
// to its last savepoint.
func (j *joined) inSavepoint(ctx context.Context, write bool, fn func(store.Tx) error) error {
	sub, err := j.tx.Begin(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	return j.engine.In(ctx, &savepoint{conn: conn{sub}, tx: sub}, write, fn)
}

func (j *joined) Purge(context.Context, time.Time) (int, error) {
	return 0, fmt.Errorf("store/postgres: %w: Purge in a joined transaction", store.ErrInvalid)
}

func (j *joined) Close() error { return nil }

// A savepoint is the part of a host's transaction that an Update is.
type savepoint struct {
	conn
	tx   pgx.Tx
	done bool
}

var _ sqlkit.Txn = (*savepoint)(nil)

func (s *savepoint) Commit(ctx context.Context) error {
	if err := s.tx.Commit(ctx); err != nil {
		return mapError(ctx, err)
	}
	s.done = true
	return nil
}

func (s *savepoint) Rollback() {
	if !s.done {
		s.done = true
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		s.tx.Rollback(ctx)
	}
}
