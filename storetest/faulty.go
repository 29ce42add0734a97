package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/usherauth/usher/store"
)

// A Plan says what goes wrong in a [Faulty] store. Zero fields do nothing.
// Numbers count from 1; calls are those of View, Update, Purge, Get, Find,
// Count, Put and Delete, in the order in which they arrive.
type Plan struct {
	// Conflict makes every n-th Update fail with ErrConflict: fn runs and its
	// writes are rolled back.
	Conflict int
	// Unavailable makes every n-th call fail with ErrUnavailable.
	Unavailable int
	// CommitThenError makes every n-th Update that commits return
	// ErrUnavailable nevertheless, as when a connection is lost in COMMIT.
	CommitThenError int
	// Rerun runs the fn of every View and Update twice and drops what the
	// first run wrote. It finds a fn that has effects outside tx.
	Rerun bool
	// Before is called before every call with its name, such as "Put". Its
	// error, if any, is the result of the call. Use it for delays, for faults
	// at one exact place and to cancel a context there.
	Before func(ctx context.Context, call string) error
}

// Faulty wraps s in a store that fails as planned, for tests of code that uses
// a store. It is safe for many goroutines if Plan.Before is. Combine it with
// [Counting] to see what was called.
func Faulty(s store.Store, plan Plan) store.Store { return &faulty{Store: s, plan: plan} }

type faulty struct {
	store.Store
	plan Plan

	mu                      sync.Mutex
	calls, updates, commits int
}

var (
	errDropped = errors.New("storetest: first run, dropped")
	errLine    = fmt.Errorf("%w: storetest: connection lost", store.ErrUnavailable)
)

// nth counts up and reports whether this is an n-th time.
func (f *faulty) nth(count *int, n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	*count++
	return n > 0 && *count%n == 0
}

// before is the first thing in every call.
func (f *faulty) before(ctx context.Context, call string) error {
	if f.plan.Before != nil {
		if err := f.plan.Before(ctx, call); err != nil {
			return err
		}
	}
	if f.nth(&f.calls, f.plan.Unavailable) {
		return errLine
	}
	return nil
}

// twice runs fn once for nothing. An error of that run is dropped too: the
// second one decides.
func (f *faulty) twice(ctx context.Context, do func(context.Context, func(store.Tx) error) error, fn func(store.Tx) error) {
	if f.plan.Rerun {
		_ = do(ctx, func(tx store.Tx) error {
			if err := fn(faultyTx{tx, f}); err != nil {
				return err
			}
			return errDropped
		})
	}
}

// View runs fn, twice with Rerun.
func (f *faulty) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := f.before(ctx, "View"); err != nil {
		return err
	}
	f.twice(ctx, f.Store.View, fn)
	return f.Store.View(ctx, func(tx store.Tx) error { return fn(faultyTx{tx, f}) })
}

// Update runs fn, twice with Rerun, and lies about the outcome if planned.
func (f *faulty) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := f.before(ctx, "Update"); err != nil {
		return err
	}
	conflict := f.nth(&f.updates, f.plan.Conflict)
	f.twice(ctx, f.Store.Update, fn)
	err := f.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(faultyTx{tx, f}); err != nil {
			return err
		}
		if conflict {
			return store.ErrConflict
		}
		return nil
	})
	if err == nil && f.nth(&f.commits, f.plan.CommitThenError) {
		return errLine
	}
	return err
}

// Prepare passes on and does not fail.
func (f *faulty) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	return store.Prepare(ctx, f.Store, kinds...)
}

// Purge fails as planned.
func (f *faulty) Purge(ctx context.Context, before time.Time) (int, error) {
	if err := f.before(ctx, "Purge"); err != nil {
		return 0, err
	}
	return f.Store.Purge(ctx, before)
}

type faultyTx struct {
	store.Tx
	f *faulty
}

func (t faultyTx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	if err := t.f.before(ctx, "Get"); err != nil {
		return store.Record{}, err
	}
	return t.Tx.Get(ctx, k, id)
}

func (t faultyTx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	if err := t.f.before(ctx, "Find"); err != nil {
		return nil, err
	}
	return t.Tx.Find(ctx, q)
}

func (t faultyTx) Count(ctx context.Context, q store.Query) (int, error) {
	if err := t.f.before(ctx, "Count"); err != nil {
		return 0, err
	}
	return t.Tx.Count(ctx, q)
}

func (t faultyTx) Put(ctx context.Context, r store.Record) (int64, error) {
	if err := t.f.before(ctx, "Put"); err != nil {
		return 0, err
	}
	return t.Tx.Put(ctx, r)
}

func (t faultyTx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	if err := t.f.before(ctx, "Delete"); err != nil {
		return err
	}
	return t.Tx.Delete(ctx, k, id, version)
}
