// Package customstore is a whole store for usher in one file, over
// go.etcd.io/bbolt: a B+ tree of bytes in one file on disk. Copy it to write a
// store for the database that you have. The numbers in the comments are those
// of "Writing a store" in the comment of package store.
//
//	s, err := customstore.Open("auth.db")
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//
// # What it refuses
//
// Two processes: bbolt locks its file. Speed where no index narrows a query: it
// reads and sorts all records of the kind, which is fine for some thousands.
package customstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/usherauth/usher/store"
)

// 2. Records are kept by kind and ID, entries by kind, index, value and ID. The
// parts of a key end with a NUL, which occurs in none of them. It sorts before
// every other byte, so keys are in the order of their parts, bytewise, as
// rule 6 wants it.
var (
	records = []byte("records") // kind NUL id -> a stored, as JSON
	entries = []byte("entries") // kind NUL index NUL value NUL id -> nothing
)

// key joins parts, each with its NUL. A key made of the first parts of another
// one is a prefix of it.
func key(parts ...string) []byte {
	return []byte(strings.Join(parts, "\x00") + "\x00")
}

// stored is what is kept of a record, beside its key.
type stored struct {
	Version int64
	Expires int64 // milliseconds since 1970, 0: never
	Entries []store.Entry
	Data    []byte // as base64, so that no byte of it changes
}

// A Store is a store.Store in one file. Make it with [Open].
type Store struct {
	db     *bolt.DB
	writer chan struct{} // holds one token: the right to write
}

// Open opens the store in the file at path, or makes it. Only one process may
// have it open: another one gets store.ErrUnavailable after a second.
func Open(path string) (*Store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, unavailable(err)
	}
	err = db.Update(func(btx *bolt.Tx) error {
		_, err1 := btx.CreateBucketIfNotExists(records)
		_, err2 := btx.CreateBucketIfNotExists(entries)
		return errors.Join(err1, err2)
	})
	if err != nil {
		db.Close()
		return nil, unavailable(err)
	}
	return &Store{db: db, writer: make(chan struct{}, 1)}, nil
}

// Close waits for transactions under way and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// unavailable marks an error of the database as one that may pass.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// View runs fn in a read transaction of bbolt, which is a snapshot.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	btx, err := s.db.Begin(false)
	if err != nil {
		return unavailable(err)
	}
	defer btx.Rollback()
	t := newTx(btx)
	defer t.done.Store(true)
	return fn(t)
}

// 3. Update takes the lock, runs fn, commits on nil and rolls back on all else.
// The deferred Rollback also runs when fn panics, and does nothing after
// Commit. Since nobody else writes meanwhile, there are no conflicts to run fn
// again for (8). The channel is a lock that can be waited for with a context.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err // 7.
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		return unavailable(err)
	}
	defer btx.Rollback()
	t := newTx(btx)
	defer t.done.Store(true)
	if err := fn(t); err != nil {
		return err
	}
	if t.failed != nil {
		return t.failed // fn has kept an error to itself, against rule 5
	}
	if err := ctx.Err(); err != nil {
		return err // 7.
	}
	if err := btx.Commit(); err != nil {
		return unavailable(err)
	}
	return nil
}

// A tx is a transaction of bbolt with the methods of store.Tx.
type tx struct {
	records, entries *bolt.Bucket
	writable         bool
	failed           error       // the first failure: rule 5
	done             atomic.Bool // fn has returned: rule 7
}

func newTx(btx *bolt.Tx) *tx {
	return &tx{records: btx.Bucket(records), entries: btx.Bucket(entries), writable: btx.Writable()}
}

// begin is how every method begins, and whether it may go on.
func (t *tx) begin(ctx context.Context, valid error) error {
	switch {
	case t.done.Load():
		return store.ErrTxDone
	case t.failed != nil:
		return t.failed
	case ctx.Err() != nil:
		return t.fail(ctx.Err())
	}
	return t.fail(valid)
}

// beginWrite is the same for Put and Delete.
func (t *tx) beginWrite(ctx context.Context, valid error) error {
	if err := t.begin(ctx, nil); err != nil {
		return err
	}
	if !t.writable {
		return t.fail(store.ErrReadOnly)
	}
	return t.fail(valid)
}

func (t *tx) fail(err error) error {
	t.failed = err
	return err
}

// Get reads one record.
func (t *tx) Get(ctx context.Context, k *store.Kind, id string) (store.Record, error) {
	if err := t.begin(ctx, k.Validate()); err != nil {
		return store.Record{}, err
	}
	r, err := t.load(k, id)
	if err != nil {
		return store.Record{}, t.fail(err)
	}
	if r.Version == 0 {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

// load returns a record, at version 0 if there is none.
func (t *tx) load(k *store.Kind, id string) (store.Record, error) {
	if !store.ValidID(id) {
		return store.Record{}, nil
	}
	data := t.records.Get(key(k.Name, id))
	if data == nil {
		return store.Record{}, nil
	}
	return decode(k, id, data)
}

// decode makes a record of its bytes. 6. It copies them: those of bbolt are
// gone after it.
func decode(k *store.Kind, id string, data []byte) (store.Record, error) {
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return store.Record{}, &store.CorruptError{Kind: k.Name, ID: id, Err: err}
	}
	r := store.Record{Kind: k, ID: id, Version: s.Version, Entries: s.Entries, Data: s.Data}
	if s.Expires != 0 {
		r.Expires = time.UnixMilli(s.Expires).UTC()
	}
	return r, nil
}

// 4. Put compares the version, checks Unique indexes and replaces the record
// and all its entries.
func (t *tx) Put(ctx context.Context, r store.Record) (int64, error) {
	if err := t.beginWrite(ctx, r.Validate()); err != nil {
		return 0, err
	}
	old, err := t.load(r.Kind, r.ID)
	if err == nil && old.Version != r.Version {
		err = store.ErrConflict
	}
	if err == nil {
		err = t.checkUnique(r)
	}
	if err == nil {
		err = t.unlink(r.Kind, old)
	}
	if err != nil {
		return 0, t.fail(err)
	}
	r.Version++
	return r.Version, t.fail(t.link(r))
}

// checkUnique looks for other records with the values of r.
func (t *tx) checkUnique(r store.Record) error {
	for _, e := range r.Entries {
		if ix, _ := r.Kind.Index(e.Index); !ix.Unique {
			continue
		}
		for id := range ids(t.entries, key(r.Kind.Name, e.Index, e.Value)) {
			if id != r.ID {
				return &store.DuplicateError{Kind: r.Kind.Name, Index: e.Index, Value: e.Value}
			}
		}
	}
	return nil
}

// ids walks the keys of a bucket with a prefix and returns their last parts.
func ids(b *bolt.Bucket, prefix []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		c := b.Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			k = k[:len(k)-1]
			if !yield(string(k[bytes.LastIndexByte(k, 0)+1:])) {
				return
			}
		}
	}
}

// link writes a record and its entries.
func (t *tx) link(r store.Record) error {
	s := stored{Version: r.Version, Entries: r.Entries, Data: r.Data}
	if !r.Expires.IsZero() {
		s.Expires = r.Expires.UnixMilli()
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	for _, e := range r.Entries {
		if err := t.entries.Put(key(r.Kind.Name, e.Index, e.Value, r.ID), nil); err != nil {
			return err
		}
	}
	return t.records.Put(key(r.Kind.Name, r.ID), data)
}

// unlink deletes a record and its entries. Deleting nothing is no error.
func (t *tx) unlink(k *store.Kind, r store.Record) error {
	for _, e := range r.Entries {
		if err := t.entries.Delete(key(k.Name, e.Index, e.Value, r.ID)); err != nil {
			return err
		}
	}
	return t.records.Delete(key(k.Name, r.ID))
}

// Delete compares the version and deletes the record and its entries.
func (t *tx) Delete(ctx context.Context, k *store.Kind, id string, version int64) error {
	if err := t.beginWrite(ctx, k.Validate()); err != nil {
		return err
	}
	old, err := t.load(k, id)
	switch {
	case err != nil:
		return t.fail(err)
	case old.Version == 0:
		return store.ErrNotFound // fn may go on after this
	case old.Version != version:
		return t.fail(store.ErrConflict)
	}
	return t.fail(t.unlink(k, old))
}

// 5. Find collects what matches, sorts it and cuts out the page. An empty slice
// is an answer, not an error.
func (t *tx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	recs, err := t.matching(ctx, q)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(recs, q.Compare)
	if q.After != "" {
		after, err := t.load(q.Kind, q.After)
		if err != nil {
			return nil, t.fail(err)
		}
		if after.Version == 0 {
			return []store.Record{}, nil // its place in the order is not known
		}
		// It need not match, so look for its place and not for itself.
		recs = slices.DeleteFunc(recs, func(r store.Record) bool { return q.Compare(r, after) <= 0 })
	}
	recs = recs[min(q.Offset, len(recs)):]
	if q.Limit > 0 {
		recs = recs[:min(q.Limit, len(recs))]
	}
	return recs, nil
}

// Count returns how many records match, without paging.
func (t *tx) Count(ctx context.Context, q store.Query) (int, error) {
	recs, err := t.matching(ctx, q)
	return len(recs), err
}

// matching returns all records that q.Where holds for, in no order.
func (t *tx) matching(ctx context.Context, q store.Query) ([]store.Record, error) {
	if err := t.begin(ctx, q.Validate()); err != nil {
		return nil, err
	}
	recs, err := t.candidates(ctx, q)
	if err != nil {
		return nil, t.fail(err)
	}
	return slices.DeleteFunc(recs, func(r store.Record) bool { return !q.Matches(r) }), nil
}

// candidates returns the records that the first In match names by the index,
// or all of the kind if there is no such match.
func (t *tx) candidates(ctx context.Context, q store.Query) (recs []store.Record, err error) {
	found := map[string]bool{} // IDs: each once, whatever it has of the values
	i := slices.IndexFunc(q.Where, func(m store.Match) bool { return m.Op == store.In })
	switch {
	case i < 0:
		for id := range ids(t.records, key(q.Kind.Name)) {
			found[id] = true
		}
	case q.Where[i].Index == "":
		for _, v := range q.Where[i].Values {
			found[v] = true
		}
	default:
		for _, v := range q.Where[i].Values {
			for id := range ids(t.entries, key(q.Kind.Name, q.Where[i].Index, v)) {
				found[id] = true
			}
		}
	}
	for id := range found {
		r, err := t.load(q.Kind, id)
		if err != nil {
			return nil, err
		}
		if r.Version != 0 {
			recs = append(recs, r)
		}
	}
	return recs, ctx.Err()
}

// 9. Purge looks for expired records and then deletes them, a hundred at a time,
// so that others may write in between. What they changed is looked at again.
func (s *Store) Purge(ctx context.Context, before time.Time) (total int, err error) {
	var keys [][]byte
	if err := s.View(ctx, func(stx store.Tx) error {
		return stx.(*tx).records.ForEach(func(k, data []byte) error {
			if expired(data, before) {
				keys = append(keys, bytes.Clone(k))
			}
			return ctx.Err()
		})
	}); err != nil {
		return 0, err
	}
	for step := range slices.Chunk(keys, 100) {
		n := 0
		if err := s.Update(ctx, func(stx store.Tx) (err error) {
			n, err = stx.(*tx).purge(step, before)
			return err
		}); err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func (t *tx) purge(keys [][]byte, before time.Time) (n int, err error) {
	for _, k := range keys {
		data := t.records.Get(k)
		if !expired(data, before) {
			continue
		}
		name, id, _ := strings.Cut(string(k[:len(k)-1]), "\x00")
		kind := &store.Kind{Name: name}
		r, err := decode(kind, id, data)
		if err != nil {
			return 0, err
		}
		if err := t.unlink(kind, r); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// expired reports whether a record may be purged. One that cannot be decoded
// stays, for somebody to look at.
func expired(data []byte, before time.Time) bool {
	var s struct{ Expires int64 }
	err := json.Unmarshal(data, &s)
	return err == nil && s.Expires != 0 && time.UnixMilli(s.Expires).Before(before)
}
