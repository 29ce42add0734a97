package sqlkit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/usherauth/usher/store"
)

// An Engine keeps the contract of package store over a DB. Make it with
// [NewEngine].
type Engine struct {
	Dialect *Dialect
	DB      DB

	kinds sync.Map // *store.Kind -> *layout, of kinds that have a table
	mu    sync.Mutex
	seen  map[string]signature // what the schema table is known to hold
	// turn is held by whoever runs fn for the third time or more, so that
	// those who collide all the time wait for each other.
	turn chan struct{}
}

// NewEngine returns an Engine.
func NewEngine(d *Dialect, db DB) *Engine {
	return &Engine{Dialect: d, DB: db, turn: make(chan struct{}, 1)}
}

// maxRuns is how often fn runs before its failure is final.
const maxRuns = 10

// View is [store.Store.View].
func (e *Engine) View(ctx context.Context, fn func(store.Tx) error) error {
	return e.run(ctx, false, fn)
}

// Update is [store.Store.Update].
func (e *Engine) Update(ctx context.Context, fn func(store.Tx) error) error {
	return e.run(ctx, true, fn)
}

func (e *Engine) run(ctx context.Context, write bool, fn func(store.Tx) error) error {
	strict := false
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := &tx{e: e, write: write, strict: strict}
		err := t.run(ctx, fn)
		if err == nil || !t.mayRunAgain(err) {
			return err
		}
		strict = true
		if t.need != nil { // once for each kind: it does not count
			if err := e.Prepare(ctx, t.need); err != nil {
				return err
			}
			n--
			continue
		}
		if n == maxRuns {
			return err
		}
		if n == 2 {
			select {
			case e.turn <- struct{}{}:
				defer func() { <-e.turn }()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// run runs fn once. A panic ends the transaction on its way up.
func (t *tx) run(ctx context.Context, fn func(store.Tx) error) error {
	defer t.end()
	if err := fn(t); err != nil {
		return err
	}
	return t.finish(ctx)
}

// mayRunAgain reports whether fn might succeed if it ran again: its failure
// was none of its own.
func (t *tx) mayRunAgain(err error) bool {
	if t.err != nil {
		err = t.err
	}
	if _, ok := errors.AsType[*Rerun](err); ok {
		return true
	}
	// What was read before the write may have changed in between. In a
	// transaction it cannot, and then the caller's version is stale.
	return errors.Is(err, store.ErrConflict) && !t.strict && len(t.reads) > 0
}

// pause waits a little longer each time, and never as long as the next one.
func pause(ctx context.Context, n int) error {
	if n == 1 {
		return nil
	}
	limit := min(time.Millisecond<<n, 100*time.Millisecond)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepared returns the layout of a kind whose table is there.
func (e *Engine) prepared(k *store.Kind) (*layout, bool) {
	l, ok := e.kinds.Load(k)
	if !ok {
		return nil, false
	}
	return l.(*layout), true
}

// assume takes the table of a kind to be there.
func (e *Engine) assume(k *store.Kind) *layout {
	l, _ := e.kinds.LoadOrStore(k, newLayout(e.Dialect, k))
	return l.(*layout)
}

// publish says that tables are there, once the transaction that made them has
// been committed.
func (e *Engine) publish(ls []*layout) {
	for _, l := range ls {
		e.kinds.LoadOrStore(l.kind, l)
	}
}

// In runs fn in a transaction of the host. conn's Commit keeps what fn wrote in
// that transaction, its Rollback takes only that back.
func (e *Engine) In(ctx context.Context, conn Txn, write bool, fn func(store.Tx) error) error {
	t := &tx{e: e, write: write, strict: true, joined: true, conn: conn}
	return t.run(ctx, fn)
}
