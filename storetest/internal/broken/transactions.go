package broken

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/usherauth/usher/store"
)

// leaky makes hooks for an Update that commits although it returns an error.
func leaky(commits func(err error) bool) hooks {
	return hooks{
		update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
			var failed error
			err := s.Update(ctx, func(tx store.Tx) error {
				if failed = fn(tx); failed != nil && commits(failed) {
					return nil
				}
				return failed
			})
			if err == nil {
				return failed
			}
			return err
		},
		// Looks first, since memory itself dooms a transaction that failed.
		put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
			old, err := get(ctx, tx, r.Kind, r.ID)
			if err != nil {
				return 0, err
			}
			if (old == nil) != (r.Version == 0) || old != nil && old.Version != r.Version {
				return 0, store.ErrConflict
			}
			return tx.Put(ctx, r)
		},
	}
}

func txFaults() []Fault {
	never := errors.New("never")
	return slices.Concat(bufferFaults(), []Fault{
		fault("an error commits", "tx/rollback on error", leaky(func(err error) bool { return !errors.Is(err, store.ErrConflict) })),
		fault("a failed write commits the others", "tx/rollback on failed write", leaky(func(err error) bool { return errors.Is(err, store.ErrConflict) })),
		fault("a panic commits", "tx/rollback on panic", hooks{update: panicCommits}),
		fault("a panic is swallowed", "tx/rollback on panic", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) (err error) {
				defer func() {
					if p := recover(); p != nil {
						err = fmt.Errorf("panic: %v", p)
					}
				}()
				return s.Update(ctx, fn)
			},
		}),
		fault("a cancelled commit is kept", "tx/rollback on cancel", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return errors.Join(s.Update(context.WithoutCancel(ctx), fn), ctx.Err())
			},
		}),
		fault("a cancelled commit succeeds", "tx/rollback on cancel", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				return s.Update(context.WithoutCancel(ctx), fn)
			},
		}),
		fault("contexts are ignored", "tx/cancelled before", hooks{
			get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
				return tx.Get(context.WithoutCancel(ctx), k, id)
			},
			view: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				return s.View(context.WithoutCancel(ctx), fn)
			},
		}),
		fault("errors are flattened", "tx/error of fn", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				if err := s.Update(ctx, fn); err != nil {
					return fmt.Errorf("update: %v", err)
				}
				return nil
			},
		}),
		fault("every read is a View of its own", "tx/snapshot in view", hooks{
			view: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				return fn(looseTx{s, nil})
			},
		}),
		fault("View writes", "tx/read only", hooks{
			view: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error { return s.Update(ctx, fn) },
		}),
		fault("a tx outlives its fn", "tx/done", hooks{
			view: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				return s.View(ctx, func(tx store.Tx) error { return fn(&undeadTx{tx, s}) })
			},
		}),
		fault("both runs are kept", "tx/re-run", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				if err := s.Update(ctx, fn); err != nil {
					return err
				}
				return s.Update(ctx, fn)
			},
		}),
		fault("conflicts are tried for ever", "tx/conflict ends", hooks{
			update: func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				err := never
				for err == never || errors.Is(err, store.ErrConflict) {
					err = s.Update(ctx, fn)
				}
				return err
			},
		}),
		fault("Close does nothing", "tx/closed", hooks{close: func(store.Store) error { return nil }}),
	})
}

// panicCommits keeps what fn wrote before it panicked.
func panicCommits(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
	var p any
	err := s.Update(ctx, func(tx store.Tx) error {
		defer func() { p = recover() }()
		return fn(tx)
	})
	if p != nil {
		panic(p)
	}
	return err
}

// undeadTx opens a transaction of its own when it is dead.
type undeadTx struct {
	store.Tx
	s store.Store
}

func (t *undeadTx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	r, err := t.Tx.Get(ctx, k, id)
	if errors.Is(err, store.ErrTxDone) {
		err = t.s.View(ctx, func(tx store.Tx) error {
			r, err = tx.Get(ctx, k, id)
			return err
		})
	}
	return r, err
}
