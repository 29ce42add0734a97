package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// querier is what a connection and a transaction can do.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// conn makes a querier a sqlkit.Conn.
type conn struct{ q querier }

func (c conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := c.q.Exec(ctx, sql, args...)
	return tag.RowsAffected(), mapError(ctx, err)
}

func (c conn) Query(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	rows, err := c.q.Query(ctx, sql, args...)
	return scanRows(ctx, rows, err, row)
}

func (c conn) Get(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	return c.Query(ctx, sql, args, row)
}

// A poolConn runs each statement on any connection of a pool.
type poolConn struct{ pool *pgxpool.Pool }

func (p poolConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	c, err := acquire(ctx, p.pool)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	return conn{c}.Exec(ctx, sql, args...)
}

func (p poolConn) Query(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	c, err := acquire(ctx, p.pool)
	if err != nil {
		return err
	}
	defer c.Release()
	return conn{c}.Query(ctx, sql, args, row)
}

func (p poolConn) Get(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	return p.Query(ctx, sql, args, row)
}

func scanRows(ctx context.Context, rows pgx.Rows, err error, row func(sqlkit.ScanFunc) error) error {
	if err != nil {
		return mapError(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return mapError(ctx, rows.Err())
}

// database is the sqlkit.DB of a Store.
type database struct{ pool *pgxpool.Pool }

func (d database) Reader() sqlkit.Conn { return poolConn(d) }
func (d database) Writer() sqlkit.Conn { return poolConn(d) }

func (d database) Begin(ctx context.Context, write bool) (sqlkit.Txn, error) {
	if write {
		return d.begin(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	}
	return d.begin(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

func (d database) BeginMigration(ctx context.Context) (sqlkit.Txn, error) {
	return d.begin(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED")
}

func (d database) begin(ctx context.Context, begin string) (sqlkit.Txn, error) {
	c, err := acquire(ctx, d.pool)
	if err != nil {
		return nil, err
	}
	return &txn{c: c, begin: begin}, nil
}

// acquireWait is how long to stand in line for a connection. A request whose
// host has them all is better refused than kept with all that it holds.
const acquireWait = 5 * time.Second

// acquire takes a connection from the pool.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, acquireWait)
	defer cancel()
	c, err := pool.Acquire(waiting)
	if err != nil {
		return nil, mapAcquire(ctx, err)
	}
	return c, nil
}

// mapAcquire maps the failure to get a connection. It is never a re-run: the
// pool has tried already.
func mapAcquire(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("store/postgres: %w", ctxErr)
	}
	return fmt.Errorf("store/postgres: %w: %w", store.ErrUnavailable, err)
}

// A txn is a transaction on a connection that it gives back at its end. It is
// begun together with its first statement, in one round trip.
type txn struct {
	c     *pgxpool.Conn
	begin string // empty once it has been sent
}

func (t *txn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if t.begin == "" {
		return conn{t.c}.Exec(ctx, sql, args...)
	}
	var n int64
	err := t.first(ctx, sql, args, func(res pgx.BatchResults) error {
		tag, err := res.Exec()
		n = tag.RowsAffected()
		return err
	})
	return n, mapError(ctx, err)
}

func (t *txn) Query(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	if t.begin == "" {
		return conn{t.c}.Query(ctx, sql, args, row)
	}
	var err error
	batchErr := t.first(ctx, sql, args, func(res pgx.BatchResults) error {
		rows, queryErr := res.Query()
		err = scanRows(ctx, rows, queryErr, row)
		return nil
	})
	if err == nil {
		err = mapError(ctx, batchErr)
	}
	return err
}

func (t *txn) Get(ctx context.Context, sql string, args []any, row func(sqlkit.ScanFunc) error) error {
	return t.Query(ctx, sql, args, row)
}

// first sends BEGIN and the first statement.
func (t *txn) first(ctx context.Context, sql string, args []any, read func(pgx.BatchResults) error) error {
	var b pgx.Batch
	b.Queue(t.begin)
	b.Queue(sql, args...)
	t.begin = ""
	res := t.c.SendBatch(ctx, &b)
	if _, err := res.Exec(); err != nil {
		return errors.Join(err, res.Close())
	}
	if err := read(res); err != nil {
		res.Close()
		return err
	}
	return res.Close()
}

func (t *txn) Commit(ctx context.Context) error {
	if t.begin == "" {
		tag, err := t.c.Exec(ctx, "COMMIT")
		if err != nil {
			return mapError(ctx, err)
		}
		if tag.String() != "COMMIT" {
			return fmt.Errorf("store/postgres: COMMIT answered %s", tag)
		}
	}
	t.c.Release()
	t.c = nil
	return nil
}

// rollbackTimeout bounds ROLLBACK, which is also sent when the context has
// ended. A connection that does not answer is thrown away by the pool.
const rollbackTimeout = 5 * time.Second

func (t *txn) Rollback() {
	if t.c == nil {
		return
	}
	if t.c.Conn().PgConn().TxStatus() != 'I' && !t.c.Conn().IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		t.c.Exec(ctx, "ROLLBACK")
	}
	t.c.Release()
	t.c = nil
}
