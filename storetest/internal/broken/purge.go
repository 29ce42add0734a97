package broken

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
)

// countExpired counts what Purge would delete of the kinds that storetest uses.
func countExpired(ctx context.Context, s store.Store, before time.Time) (n int, err error) {
	err = s.View(ctx, func(tx store.Tx) error {
		n = 0
		for _, name := range []string{"storetest_item", "storetest_other"} {
			recs, err := tx.Find(ctx, store.Query{Kind: &store.Kind{Name: name}})
			if err != nil {
				return err
			}
			for _, r := range recs {
				if !r.Expires.IsZero() && r.Expires.Before(before) {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// purgeFirst deletes at most limit expired records of one kind.
func purgeFirst(ctx context.Context, s store.Store, before time.Time, limit int) (n int, err error) {
	err = s.Update(ctx, func(tx store.Tx) error {
		n = 0
		k := &store.Kind{Name: "storetest_item", Indexes: []store.Index{
			{Name: "email", Unique: true}, {Name: "alias", Unique: true, Many: true}}}
		recs, err := tx.Find(ctx, store.Query{Kind: k})
		if err != nil {
			return err
		}
		for _, r := range recs {
			if r.Expires.IsZero() || !r.Expires.Before(before) || n == limit {
				continue
			}
			if err := tx.Delete(ctx, k, r.ID, r.Version); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func purgeFaults() []Fault {
	purging := func(purge func(ctx context.Context, s store.Store, before time.Time) (int, error)) hooks {
		return hooks{purge: purge}
	}
	leftovers := ghosts(false, true, false)
	return []Fault{
		fault("Purge knows one kind", "purge/expired", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			return purgeFirst(ctx, s, before, -1)
		})),
		fault("Purge does not count", "purge/expired", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			_, err := s.Purge(ctx, before)
			return 0, err
		})),
		fault("Purge deletes what expires at the very time", "purge/unexpired stay", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			return s.Purge(ctx, before.Add(time.Millisecond))
		})),
		stateful("Purge leaves entries behind", "purge/entries", func() hooks {
			h := leftovers()
			h.purge = func(ctx context.Context, s store.Store, before time.Time) (int, error) {
				return purgeFirst(ctx, &hooked{s, h}, before, -1)
			}
			return h
		}),
		fault("Purge stops after a hundred", "purge/many", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			return purgeFirst(ctx, s, before, 100)
		})),
		fault("Purge of nothing is an error", "purge/nothing", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			n, err := s.Purge(ctx, before)
			if err == nil && n == 0 {
				err = store.ErrNotFound
			}
			return n, err
		})),
		fault("Purge ignores its context", "purge/cancelled", purging(func(ctx context.Context, s store.Store, before time.Time) (int, error) {
			return s.Purge(context.WithoutCancel(ctx), before)
		})),
	}
}
