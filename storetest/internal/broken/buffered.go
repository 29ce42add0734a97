package broken

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/store"
)

// A write is a Put or a Delete, done later.
type write func(ctx context.Context, tx store.Tx) error

// looseTx reads the newest state with every call and collects writes.
type looseTx struct {
	s      store.Store
	writes *[]write
}

func (t looseTx) Get(ctx context.Context, k *store.Kind, id string) (r store.Record, err error) {
	time.Sleep(10 * time.Microsecond) // somebody else may write
	err = t.s.View(ctx, func(tx store.Tx) error { r, err = tx.Get(ctx, k, id); return err })
	return r, err
}

func (t looseTx) Find(ctx context.Context, q store.Query) (recs []store.Record, err error) {
	err = t.s.View(ctx, func(tx store.Tx) error { recs, err = tx.Find(ctx, q); return err })
	return recs, err
}

func (t looseTx) Count(ctx context.Context, q store.Query) (n int, err error) {
	err = t.s.View(ctx, func(tx store.Tx) error { n, err = tx.Count(ctx, q); return err })
	return n, err
}

func (t looseTx) Put(ctx context.Context, r store.Record) (int64, error) {
	if t.writes == nil {
		return 0, store.ErrReadOnly
	}
	*t.writes = append(*t.writes, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Put(ctx, r)
		return err
	})
	return r.Version + 1, nil
}

func (t looseTx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	if t.writes == nil {
		return store.ErrReadOnly
	}
	*t.writes = append(*t.writes, func(ctx context.Context, tx store.Tx) error {
		return tx.Delete(ctx, k, id, version)
	})
	return nil
}

// snapshotTx reads one state and collects writes.
type snapshotTx struct {
	store.Tx
	loose looseTx
}

func (t snapshotTx) Put(ctx context.Context, r store.Record) (int64, error) {
	return t.loose.Put(ctx, r)
}

func (t snapshotTx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	return t.loose.Delete(ctx, k, id, version)
}

// buffered makes an Update that runs fn beside others on one state and then
// does its writes, through a hook each. Sound checks in the hooks would make
// it a sound store that lacks nothing but own writes.
func buffered(h hooks) hooks {
	h.update = func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
		var writes []write
		if err := s.View(ctx, func(tx store.Tx) error {
			return fn(snapshotTx{tx, looseTx{s, &writes}})
		}); err != nil {
			return err
		}
		time.Sleep(10 * time.Microsecond) // somebody else may read
		return apply(ctx, s, h, writes)
	}
	return hooks{update: h.update}
}

func apply(ctx context.Context, s store.Store, h hooks, writes []write) error {
	return s.Update(ctx, func(tx store.Tx) error {
		for _, w := range writes {
			if err := w(ctx, hookedTx{tx, &h}); err != nil {
				return err
			}
		}
		return nil
	})
}

// unchecked deletes whatever version is there, or nothing.
func unchecked(ctx context.Context, tx store.Tx, k *store.Kind, id string, _ int64) error {
	r, err := get(ctx, tx, k, id)
	if err != nil || r == nil {
		return err
	}
	return tx.Delete(ctx, k, id, r.Version)
}

func bufferFaults() []Fault {
	return []Fault{
		fault("own writes are not seen", "tx/own writes", buffered(hooks{})),
		fault("reads in Update see the newest state", "tx/snapshot in update", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				var writes []write
				if err := fn(looseTx{s, &writes}); err != nil {
					return err
				}
				return apply(ctx, s, hooks{}, writes)
			},
		}),
	}
}

func raceFaults() []Fault {
	return []Fault{
		fault("Delete does not check at commit", "races/consume once", buffered(hooks{delete: unchecked})),
		fault("Put does not check at commit", "races/lost update", buffered(hooks{put: overwrite})),
		fault("insert overwrites at commit", "races/one insert", buffered(hooks{put: overwrite})),
		fault("Unique is checked before the lock", "races/one unique winner", uniqueBefore()),
		fault("the guard is not checked at commit", "races/guard record", buffered(hooks{put: overwrite})),
		fault("Views tear under load", "races/snapshot", hooks{
			view: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error { return fn(looseTx{s, nil}) },
		}),
		stateful("two cannot create a kind", "races/first use of a kind", createsKinds),
		fault("Purge counts what others deleted", "races/purge", hooks{
			purge: func(ctx context.Context, s store.Store, before time.Time) (int, error) {
				n, err := countExpired(ctx, s, before)
				if err != nil || n == 0 {
					return 0, err
				}
				time.Sleep(20 * time.Millisecond)
				_, err = s.Purge(ctx, before)
				return n, err
			},
		}),
	}
}

// uniqueBefore looks for duplicates in the state that fn sees and not again
// when it commits.
func uniqueBefore() hooks {
	h := buffered(hooks{put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
		r.Kind = notUnique(r.Kind, func(store.Index) bool { return true })
		return tx.Put(ctx, r)
	}})
	h.put = clashing(func(old, r store.Record, e store.Entry) bool {
		return old.ID != r.ID && slices.Contains(old.Entries, e)
	}).put
	return h
}

// createsKinds fails if two use a new kind at once.
func createsKinds() hooks {
	var creating atomic.Int32
	var created atomic.Bool
	h := buffered(hooks{})
	h.put = func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
		if !created.Load() {
			defer creating.Add(-1)
			if creating.Add(1) > 1 {
				return 0, store.ErrUnavailable
			}
			time.Sleep(20 * time.Millisecond)
			created.Store(true)
		}
		return tx.Put(ctx, r)
	}
	return h
}
