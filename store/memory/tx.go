package memory

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/store"
)

// A tx is a private state that starts as the store's and becomes it.
type tx struct {
	state
	readOnly bool
	failed   error // the first failure; nothing works after it
	done     atomic.Bool
}

// A key in the tree is kind, index, value and ID with a NUL between them,
// which occurs in none of them and sorts before everything that does: byte
// order of keys is the order by value and then by ID. A record itself is
// kept in the index "" under its ID, so that it is one index like any other.
func key(kind, index, value, id string) string {
	return kind + "\x00" + index + "\x00" + value + "\x00" + id
}

func recordKey(k *store.Kind, id string) string { return key(k.Name, "", id, id) }

// bounds returns the first key of an index and the end of it.
func bounds(kind, index string) (from, to string) {
	return kind + "\x00" + index + "\x00", kind + "\x00" + index + "\x01"
}

// valueBounds does so for the entries of one value.
func valueBounds(kind, index, value string) (from, to string) {
	from, _ = bounds(kind, index)
	return from + value + "\x00", from + value + "\x01"
}

// begin is the first thing in every method.
func (t *tx) begin(ctx context.Context) error {
	if t.done.Load() {
		return store.ErrTxDone
	}
	if t.failed != nil {
		return t.failed
	}
	return t.fail(ctx.Err())
}

// fail remembers that the transaction is doomed.
func (t *tx) fail(err error) error {
	t.failed = err
	return err
}

// Get returns a copy of a record.
func (t *tx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	if err := t.begin(ctx); err != nil {
		return store.Record{}, err
	}
	if err := k.Validate(); err != nil {
		return store.Record{}, t.fail(err)
	}
	r := t.entries.get(recordKey(k, id))
	if r == nil {
		return store.Record{}, store.ErrNotFound
	}
	return clone(r, k), nil
}

// Put replaces a record and its entries.
func (t *tx) Put(ctx context.Context, r store.Record) (int64, error) {
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	if t.readOnly {
		return 0, t.fail(store.ErrReadOnly)
	}
	if err := r.Validate(); err != nil {
		return 0, t.fail(err)
	}
	old := t.entries.get(recordKey(r.Kind, r.ID))
	if stored := version(old); stored != r.Version {
		return 0, t.fail(store.ErrConflict)
	}
	for _, e := range r.Entries {
		if ix, _ := r.Kind.Index(e.Index); ix.Unique && t.taken(r, e) {
			return 0, t.fail(&store.DuplicateError{Kind: r.Kind.Name, Index: e.Index, Value: e.Value})
		}
	}
	rec := clone(&r, r.Kind)
	rec.Version++
	if !rec.Expires.IsZero() {
		rec.Expires = time.UnixMilli(rec.Expires.UnixMilli()).UTC()
	}
	t.unlinkBut(old, rec.Entries)
	t.link(&rec)
	return rec.Version, nil
}

// Delete removes a record and its entries.
func (t *tx) Delete(ctx context.Context, k *store.Kind, id string, v int64) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	if t.readOnly {
		return t.fail(store.ErrReadOnly)
	}
	if err := k.Validate(); err != nil {
		return t.fail(err)
	}
	old := t.entries.get(recordKey(k, id))
	if old == nil {
		return store.ErrNotFound
	}
	if old.Version != v {
		return t.fail(store.ErrConflict)
	}
	t.unlink(old)
	return nil
}

// taken reports whether another record than r has entry e.
func (t *tx) taken(r store.Record, e store.Entry) bool {
	for holder := range t.withValue(r.Kind, e.Index, e.Value) {
		if holder.ID != r.ID {
			return true
		}
	}
	return false
}

// link adds the keys of a record, in place of an older version's.
func (t *tx) link(r *store.Record) {
	if !t.kinds[r.Kind.Name] {
		kinds := map[string]bool{r.Kind.Name: true}
		maps.Copy(kinds, t.kinds)
		t.kinds = kinds
	}
	t.entries = t.entries.put(recordKey(r.Kind, r.ID), r)
	for _, e := range r.Entries {
		t.entries = t.entries.put(key(r.Kind.Name, e.Index, e.Value, r.ID), r)
	}
}

// unlink removes the keys of a record.
func (t *tx) unlink(r *store.Record) {
	t.entries = t.entries.del(recordKey(r.Kind, r.ID))
	t.unlinkBut(r, nil)
}

// unlinkBut removes the keys of a record's entries that are not in keep.
func (t *tx) unlinkBut(r *store.Record, keep []store.Entry) {
	if r == nil {
		return
	}
	for _, e := range r.Entries {
		if !slices.Contains(keep, e) {
			t.entries = t.entries.del(key(r.Kind.Name, e.Index, e.Value, r.ID))
		}
	}
}

func version(r *store.Record) int64 {
	if r == nil {
		return 0
	}
	return r.Version
}

// clone copies what a caller could change.
func clone(r *store.Record, k *store.Kind) store.Record {
	c := *r
	c.Kind, c.Entries, c.Data = k, slices.Clone(r.Entries), bytes.Clone(r.Data)
	return c
}
