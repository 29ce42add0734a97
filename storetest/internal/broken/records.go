package broken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// putting makes hooks that change records before they are stored.
func putting(change func(r *store.Record)) hooks {
	return hooks{put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
		if r.Validate() == nil {
			change(&r)
		}
		return tx.Put(ctx, r)
	}}
}

// overwrite stores r at whatever version is there.
func overwrite(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
	old, err := get(ctx, tx, r.Kind, r.ID)
	if err != nil {
		return 0, err
	}
	if r.Version = 0; old != nil {
		r.Version = old.Version
	}
	return tx.Put(ctx, r)
}

func recordFaults() []Fault {
	return []Fault{
		fault("Find returns no entries", "records/round trip", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				for i := range recs {
					recs[i].Entries = nil
				}
				return recs, err
			},
		}),
		fault("Data is compacted", "records/data", putting(func(r *store.Record) {
			var b bytes.Buffer
			if json.Compact(&b, r.Data) == nil {
				r.Data = b.Bytes()
			}
		})),
		fault("Data is decoded and encoded", "records/data", putting(func(r *store.Record) {
			var v any
			if json.Unmarshal(r.Data, &v) == nil {
				r.Data, _ = json.Marshal(v)
			}
		})),
		fault("Expires has seconds", "records/expires", putting(func(r *store.Record) {
			r.Expires = r.Expires.Truncate(time.Second)
		})),
		fault("zero Expires becomes a date", "records/expires", putting(func(r *store.Record) {
			if r.Expires.IsZero() {
				r.Expires = time.UnixMilli(1)
			}
		})),
		fault("IDs are folded", "records/ids", hooks{
			get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
				return tx.Get(ctx, k, strings.ToLower(id))
			},
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				r.ID = strings.ToLower(r.ID)
				return tx.Put(ctx, r)
			},
		}),
		fault("all kinds are one", "records/kinds apart", putting(func(r *store.Record) {
			if k := *r.Kind; k.Name != "storetest_item" {
				k.Name = "storetest_item"
				r.Kind = &k
			}
		})),
		stateful("keeps the caller's Data", "records/aliasing put", keepsData),
		stateful("hands out its own Data", "records/aliasing get", sharesData),
		fault("versions go up by two", "records/version sequence", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				r.Version /= 2
				v, err := tx.Put(ctx, r)
				return v * 2, err
			},
			get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
				r, err := tx.Get(ctx, k, id)
				r.Version *= 2
				return r, err
			},
		}),
		fault("no compare-and-swap in Put", "records/stale put", hooks{put: overwrite}),
		fault("Put at a version creates", "records/stale put", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				if old, err := get(ctx, tx, r.Kind, r.ID); err == nil && old == nil {
					r.Version = 0
				}
				return tx.Put(ctx, r)
			},
		}),
		fault("no compare-and-swap in Delete", "records/stale delete", hooks{
			delete: func(ctx context.Context, tx store.Tx, k *store.Kind, id string, version int64) error {
				if r, err := tx.Get(ctx, k, id); err == nil {
					version = r.Version
				}
				return tx.Delete(ctx, k, id, version)
			},
		}),
		stateful("versions survive Delete", "records/put after delete", versionsSurvive),
		fault("Delete of nothing is fine", "records/missing", hooks{
			delete: func(ctx context.Context, tx store.Tx, k *store.Kind, id string, version int64) error {
				if err := tx.Delete(ctx, k, id, version); !errors.Is(err, store.ErrNotFound) {
					return err
				}
				return nil
			},
		}),
		fault("Get of nothing is an empty record", "records/missing", hooks{
			get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
				r, err := tx.Get(ctx, k, id)
				if errors.Is(err, store.ErrNotFound) {
					return store.Record{Kind: k, ID: id}, nil
				}
				return r, err
			},
		}),
	}
}

func keepsData() hooks {
	kept := map[string][]byte{}
	return hooks{
		put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
			kept[r.ID] = r.Data
			return tx.Put(ctx, r)
		},
		get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
			r, err := tx.Get(ctx, k, id)
			r.Data = bytes.Clone(kept[id])
			return r, err
		},
	}
}

func sharesData() hooks {
	cache := map[string]store.Record{}
	return hooks{get: func(ctx context.Context, tx store.Tx, k *store.Kind, id string) (store.Record, error) {
		r, err := tx.Get(ctx, k, id)
		if c, ok := cache[id]; ok && c.Version == r.Version {
			return c, err
		}
		cache[id] = r
		return r, err
	}}
}

func versionsSurvive() hooks {
	last := map[string]int64{}
	return hooks{
		delete: func(ctx context.Context, tx store.Tx, k *store.Kind, id string, version int64) error {
			last[id] = version
			return tx.Delete(ctx, k, id, version)
		},
		put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
			v, err := tx.Put(ctx, r)
			for err == nil && v <= last[r.ID] {
				r.Version = v
				v, err = tx.Put(ctx, r)
			}
			return v, err
		},
	}
}
