// Package broken is a collection of stores that each break one rule. They
// prove that storetest finds what it claims to find: every case of the suite
// must fail for the stores that bear its name.
package broken

import (
	"context"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// A Fault is a way to be wrong.
type Fault struct {
	Name string // what the store does
	Case string // the case of storetest that must find it
	// Open returns an empty store that does it.
	Open func() store.Store
}

// Faults returns all of them.
func Faults() []Fault {
	return slices.Concat(recordFaults(), indexFaults(), queryFaults(), pagingFaults(), limitFaults(),
		txFaults(), purgeFaults(), raceFaults())
}

// Sound returns a store that uses everything in this package but is not
// broken: what fails for it is wrong in here.
func Sound() store.Store { return open(hooks{find: evaluator{}.find, count: evaluator{}.count}) }

// hooks replace parts of a sound store. A nil hook leaves the part as it is.
type hooks struct {
	view   func(ctx context.Context, s store.Store, fn func(store.Tx) error) error
	update func(ctx context.Context, s store.Store, fn func(store.Tx) error) error
	purge  func(ctx context.Context, s store.Store, before time.Time) (int, error)
	close  func(s store.Store) error

	get    func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error)
	find   func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error)
	count  func(ctx context.Context, tx store.Tx, q store.Query) (int, error)
	put    func(ctx context.Context, tx store.Tx, r store.Record) (int64, error)
	delete func(ctx context.Context, tx store.Tx, k *store.Kind, id string, version int64) error
}

func open(h hooks) store.Store { return &hooked{memory.New(), h} }

// fault makes a Fault whose hooks have no state.
func fault(name, in string, h hooks) Fault {
	return Fault{name, in, func() store.Store { return open(h) }}
}

// stateful makes a Fault whose hooks have state.
func stateful(name, in string, h func() hooks) Fault {
	return Fault{name, in, func() store.Store { return open(h()) }}
}

// hooked is a store with replaced parts.
type hooked struct {
	store.Store
	h hooks
}

func (s *hooked) View(ctx context.Context, fn func(store.Tx) error) error {
	wrapped := func(tx store.Tx) error { return fn(hookedTx{tx, &s.h}) }
	if s.h.view != nil {
		return s.h.view(ctx, s.Store, wrapped)
	}
	return s.Store.View(ctx, wrapped)
}

func (s *hooked) Update(ctx context.Context, fn func(store.Tx) error) error {
	wrapped := func(tx store.Tx) error { return fn(hookedTx{tx, &s.h}) }
	if s.h.update != nil {
		return s.h.update(ctx, s.Store, wrapped)
	}
	return s.Store.Update(ctx, wrapped)
}

func (s *hooked) Purge(ctx context.Context, before time.Time) (int, error) {
	if s.h.purge != nil {
		return s.h.purge(ctx, s.Store, before)
	}
	return s.Store.Purge(ctx, before)
}

func (s *hooked) Close() error {
	if s.h.close != nil {
		return s.h.close(s.Store)
	}
	return s.Store.Close()
}

type hookedTx struct {
	store.Tx
	h *hooks
}

func (t hookedTx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	if t.h.get != nil {
		return t.h.get(ctx, t.Tx, k, id)
	}
	return t.Tx.Get(ctx, k, id)
}

func (t hookedTx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	if t.h.find != nil {
		return t.h.find(ctx, t.Tx, q)
	}
	return t.Tx.Find(ctx, q)
}

func (t hookedTx) Count(ctx context.Context, q store.Query) (int, error) {
	if t.h.count != nil {
		return t.h.count(ctx, t.Tx, q)
	}
	return t.Tx.Count(ctx, q)
}

func (t hookedTx) Put(ctx context.Context, r store.Record) (int64, error) {
	if t.h.put != nil {
		return t.h.put(ctx, t.Tx, r)
	}
	return t.Tx.Put(ctx, r)
}

func (t hookedTx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	if t.h.delete != nil {
		return t.h.delete(ctx, t.Tx, k, id, version)
	}
	return t.Tx.Delete(ctx, k, id, version)
}
