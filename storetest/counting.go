package storetest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/store"
)

// Calls says how often each method of a store was called. Views and updates
// that the store ran again count once per run of fn in Runs.
type Calls struct {
	View, Update, Purge, Runs     int64
	Get, Find, Count, Put, Delete int64
}

// Statements returns how many calls went to a Tx, which is about how many
// statements an SQL store executes.
func (c Calls) Statements() int64 { return c.Get + c.Find + c.Count + c.Put + c.Delete }

// A Counter is a store that counts the calls to another. Make it with
// [Counting].
type Counter struct {
	store.Store
	view, update, purge, runs     atomic.Int64
	get, find, count, put, delete atomic.Int64
}

// Counting wraps s, for tests that bound what a request may ask of a store.
func Counting(s store.Store) *Counter { return &Counter{Store: s} }

// Calls returns the counts since the start or the last Reset.
func (c *Counter) Calls() Calls {
	return Calls{
		View: c.view.Load(), Update: c.update.Load(), Purge: c.purge.Load(), Runs: c.runs.Load(),
		Get: c.get.Load(), Find: c.find.Load(), Count: c.count.Load(), Put: c.put.Load(), Delete: c.delete.Load(),
	}
}

// Reset sets all counts to zero.
func (c *Counter) Reset() {
	for _, n := range []*atomic.Int64{&c.view, &c.update, &c.purge, &c.runs, &c.get, &c.find, &c.count, &c.put, &c.delete} {
		n.Store(0)
	}
}

// View counts and passes on.
func (c *Counter) View(ctx context.Context, fn func(store.Tx) error) error {
	c.view.Add(1)
	return c.Store.View(ctx, c.counted(fn))
}

// Update counts and passes on.
func (c *Counter) Update(ctx context.Context, fn func(store.Tx) error) error {
	c.update.Add(1)
	return c.Store.Update(ctx, c.counted(fn))
}

// Purge counts and passes on.
func (c *Counter) Purge(ctx context.Context, before time.Time) (int, error) {
	c.purge.Add(1)
	return c.Store.Purge(ctx, before)
}

// Prepare passes on and counts nothing.
func (c *Counter) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	return store.Prepare(ctx, c.Store, kinds...)
}

func (c *Counter) counted(fn func(store.Tx) error) func(store.Tx) error {
	return func(tx store.Tx) error {
		c.runs.Add(1)
		return fn(countingTx{tx, c})
	}
}

type countingTx struct {
	store.Tx
	c *Counter
}

func (t countingTx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	t.c.get.Add(1)
	return t.Tx.Get(ctx, k, id)
}

func (t countingTx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	t.c.find.Add(1)
	return t.Tx.Find(ctx, q)
}

func (t countingTx) Count(ctx context.Context, q store.Query) (int, error) {
	t.c.count.Add(1)
	return t.Tx.Count(ctx, q)
}

func (t countingTx) Put(ctx context.Context, r store.Record) (int64, error) {
	t.c.put.Add(1)
	return t.Tx.Put(ctx, r)
}

func (t countingTx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	t.c.delete.Add(1)
	return t.Tx.Delete(ctx, k, id, version)
}
