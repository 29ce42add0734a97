package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// busyStep is how long SQLite itself waits for another process that writes.
const busyStep = 50 * time.Millisecond

// A lane is a few connections of one sort. Whoever waits for one waits in line.
type lane struct {
	db      *sql.DB
	pragmas []string
	busy    time.Duration // the writer's patience with other processes
	wait    time.Duration // how long to stand in line
	slots   chan *conn    // nil: not opened yet
	closed  chan struct{}
	once    sync.Once
}

func newLane(db *sql.DB, n int, pragmas []string, busy, wait time.Duration) *lane {
	l := &lane{db: db, pragmas: pragmas, busy: busy, wait: wait, slots: make(chan *conn, n), closed: make(chan struct{})}
	for range n {
		l.slots <- nil
	}
	return l
}

var errClosed = fmt.Errorf("store/sqlite: %w: store is closed", store.ErrUnavailable)

// take lends a connection; give takes it back.
func (l *lane) take(ctx context.Context) (*conn, error) {
	var c *conn
	select {
	case <-l.closed:
		return nil, errClosed
	default:
	}
	select {
	case c = <-l.slots:
	default:
		var err error
		if c, err = l.queue(ctx); err != nil {
			return nil, err
		}
	}
	if c != nil {
		return c, nil
	}
	c, err := l.open(ctx)
	if err != nil {
		l.slots <- nil
		return nil, mapError(ctx, err)
	}
	return c, nil
}

var errBusy = fmt.Errorf("store/sqlite: %w: no connection became free in time", store.ErrUnavailable)

// queue waits for a connection, and not for ever: when those who have one are
// stuck, a request is better refused than kept with all that it holds.
func (l *lane) queue(ctx context.Context) (*conn, error) {
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case c := <-l.slots:
		return c, nil
	case <-timer.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, errClosed
	}
}

func (l *lane) give(c *conn) {
	if c.broken {
		c.close()
		c = nil
	}
	l.slots <- c
}

func (l *lane) open(ctx context.Context) (*conn, error) {
	sc, err := l.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{c: sc, stmts: map[string]*sql.Stmt{}, busy: l.busy}
	for _, p := range l.pragmas {
		// journal_mode = WAL does not wait for others that set it, either.
		if err := c.patiently(ctx, func() error { _, err := sc.ExecContext(ctx, p); return err }); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// close waits for the connections that are in use.
func (l *lane) close() {
	l.once.Do(func() {
		close(l.closed)
		for range cap(l.slots) {
			if c := <-l.slots; c != nil {
				c.close()
			}
		}
	})
}

// Exec and Query make a lane a Conn whose statements stand alone.
func (l *lane) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	c, err := l.take(ctx)
	if err != nil {
		return 0, err
	}
	defer l.give(c)
	return c.Exec(ctx, query, args...)
}

func (l *lane) Query(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	c, err := l.take(ctx)
	if err != nil {
		return err
	}
	defer l.give(c)
	return c.Query(ctx, query, args, row)
}

func (l *lane) Get(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	c, err := l.take(ctx)
	if err != nil {
		return err
	}
	defer l.give(c)
	return c.Get(ctx, query, args, row)
}

// maxStmts bounds the prepared statements of a connection.
const maxStmts = 256

// A conn is a connection with its prepared statements.
type conn struct {
	c      *sql.Conn
	stmts  map[string]*sql.Stmt
	busy   time.Duration
	broken bool
}

func (c *conn) close() {
	c.forget()
	// The connection may go back to a host that writes through it.
	c.c.ExecContext(context.Background(), "PRAGMA query_only = OFF")
	c.c.Close()
}

func (c *conn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

func (c *conn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStmts {
		c.forget()
	}
	s, err := c.c.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.mapError(ctx, err)
	}
	c.stmts[query] = s
	return s, nil
}

// Exec does not stop half-way when ctx ends, so that it is always known
// whether the statement was executed; only waiting for another process ends.
func (c *conn) Exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s, err := c.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	whole := context.WithoutCancel(ctx)
	err = c.patiently(ctx, func() error {
		res, err := s.ExecContext(whole, args...)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	return n, c.mapError(ctx, err)
}

// patiently calls fn again while another process has the database locked.
func (c *conn) patiently(ctx context.Context, fn func() error) error {
	var deadline time.Time
	for {
		err := fn()
		if err == nil || !isBusy(err) || c.busy == 0 {
			return err
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		now := time.Now()
		if deadline.IsZero() {
			deadline = now.Add(c.busy - busyStep)
		}
		if now.After(deadline) {
			return err
		}
		if c.busy < busyStep {
			return err
		}
	}
}

func (c *conn) Query(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return c.mapError(ctx, err)
	}
	return scanRows(ctx, rows, row)
}

// Get hides the end of ctx from the driver, which would need two goroutines to
// wait for it.
func (c *conn) Get(ctx context.Context, query string, args []any, row func(sqlkit.ScanFunc) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.Query(context.WithoutCancel(ctx), query, args, row)
}

func scanRows(ctx context.Context, rows *sql.Rows, row func(sqlkit.ScanFunc) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return mapError(ctx, rows.Err())
}

func (c *conn) mapError(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrConnDone) {
		c.broken = true
	}
	return mapError(ctx, err)
}
