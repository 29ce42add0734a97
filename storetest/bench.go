package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
)

// BenchRecords is how many records a store holds while [Bench] times it.
const BenchRecords = 10_000

// benchKind has the indexes that a collection of users has.
var benchKind = &store.Kind{Name: "storetest_bench", Indexes: []store.Index{
	{Name: "email", Unique: true, Many: true},
	{Name: "name", Unique: true},
	{Name: "org", Many: true},
	{Name: "created"},
	{Name: "seen"},
}}

// Bench times the usual operations on [BenchRecords] records of about half a
// kilobyte. open is called once and must return an empty store; Bench closes
// it. The names of the sub-benchmarks stay, so that results can be compared;
// those that end in "/parallel" run on all processors at once.
func Bench(b *testing.B, open func(b *testing.B) store.Store) {
	s := open(b)
	defer s.Close()
	ctx := b.Context()
	fill(ctx, b, s)
	var born atomic.Int64
	born.Store(BenchRecords)
	for _, op := range []struct {
		name string
		run  func() error
	}{
		{"get", func() error { return view(ctx, s, benchGet) }},
		{"by unique", func() error { return view(ctx, s, benchUnique) }},
		{"find by many", func() error { return view(ctx, s, benchMany) }},
		{"page of 20", func() error { return view(ctx, s, benchPage) }},
		{"count", func() error { return view(ctx, s, benchCount) }},
		{"insert", func() error { return insert(ctx, s, int(born.Add(1))) }},
		{"touch", func() error { return touch(ctx, s) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				if err := op.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(op.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := op.run(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func benchID(i int) string { return fmt.Sprintf("user_%08d", i) }

func anyID() int { return rand.IntN(BenchRecords) }

func benchRecord(i int) store.Record {
	created := time.UnixMilli(1_700_000_000_000 + int64(i)*1000)
	return store.Record{
		Kind: benchKind, ID: benchID(i),
		Data: fmt.Appendf(nil, `{"first_name":"Ada","last_name":"Lovelace","number":%d,"note":"%0400d"}`, i, i),
		Entries: []store.Entry{
			{Index: "email", Value: fmt.Sprintf("user%d@example.com", i)},
			{Index: "email", Value: fmt.Sprintf("other%d@example.com", i)},
			{Index: "name", Value: fmt.Sprintf("user%d", i)},
			{Index: "org", Value: fmt.Sprintf("org_%d", i%500)},
			{Index: "created", Value: store.TimeKey(created)},
			{Index: "seen", Value: store.TimeKey(created.Add(time.Hour))},
		},
	}
}

func fill(ctx context.Context, b *testing.B, s store.Store) {
	const step = 500
	for first := 0; first < BenchRecords; first += step {
		if err := s.Update(ctx, func(tx store.Tx) error {
			for i := first; i < first+step; i++ {
				if _, err := tx.Put(ctx, benchRecord(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func view(ctx context.Context, s store.Store, fn func(context.Context, store.Tx) error) error {
	return s.View(ctx, func(tx store.Tx) error { return fn(ctx, tx) })
}

func benchGet(ctx context.Context, tx store.Tx) error {
	_, err := tx.Get(ctx, benchKind, benchID(anyID()))
	return err
}

// expect runs a query that must have so many answers.
func expect(ctx context.Context, tx store.Tx, q store.Query, want int) error {
	recs, err := tx.Find(ctx, q)
	if err == nil && len(recs) != want {
		return fmt.Errorf("%d records, want %d", len(recs), want)
	}
	return err
}

func benchUnique(ctx context.Context, tx store.Tx) error {
	q := store.Query{Kind: benchKind, Limit: 1}
	q.Where = []store.Match{match("email", store.In, fmt.Sprintf("user%d@example.com", anyID()))}
	return expect(ctx, tx, q, 1)
}

func benchMany(ctx context.Context, tx store.Tx) error {
	q := store.Query{Kind: benchKind, Order: "created", Desc: true, Limit: 10}
	q.Where = []store.Match{match("org", store.In, fmt.Sprintf("org_%d", rand.IntN(500)))}
	return expect(ctx, tx, q, 10)
}

func benchPage(ctx context.Context, tx store.Tx) error {
	after := benchID(20 + rand.IntN(BenchRecords-20))
	return expect(ctx, tx, store.Query{Kind: benchKind, Order: "created", Desc: true, After: after, Limit: 20}, 20)
}

func benchCount(ctx context.Context, tx store.Tx) error {
	_, err := tx.Count(ctx, store.Query{Kind: benchKind})
	return err
}

// insert stores a new record.
func insert(ctx context.Context, s store.Store, i int) error {
	return s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, benchRecord(i))
		return err
	})
}

// touch reads a record and puts it at the version read, with one entry
// changed. A conflict with another toucher is tried again.
func touch(ctx context.Context, s store.Store) error {
	id, now := benchID(anyID()), store.TimeKey(time.Now())
	for {
		err := s.Update(ctx, func(tx store.Tx) error {
			rc, err := tx.Get(ctx, benchKind, id)
			if err != nil {
				return err
			}
			for i := range rc.Entries {
				if rc.Entries[i].Index == "seen" {
					rc.Entries[i].Value = now
				}
			}
			_, err = tx.Put(ctx, rc)
			return err
		})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
