package broken

import (
	"context"
	"fmt"

	"github.com/usherauth/usher/store"
)

func limitFaults() []Fault {
	return []Fault{
		fault("bad records are dropped", "limits/records", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				if r.Validate() != nil {
					return 1, nil
				}
				return tx.Put(ctx, r)
			},
		}),
		fault("bad queries find nothing", "limits/queries", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				if q.Validate() != nil {
					return nil, nil
				}
				return tx.Find(ctx, q)
			},
		}),
		fault("bad kinds are empty", "limits/kinds", hooks{
			get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
				if k.Validate() != nil {
					return store.Record{}, store.ErrNotFound
				}
				return tx.Get(ctx, k, id)
			},
		}),
		fault("long values are refused", "limits/at the edge", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				for _, e := range r.Entries {
					if len(e.Value) > 2700 {
						return 0, fmt.Errorf("%w: too long for an index", store.ErrUnavailable)
					}
				}
				return tx.Put(ctx, r)
			},
		}),
	}
}
