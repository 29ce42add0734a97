package postgres_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b) })
}

var benchKind = &store.Kind{Name: "bench_session", Indexes: []store.Index{{Name: "user"}, {Name: "client"}}}

func benchSession(i int, n int64) store.Record {
	return store.Record{
		Kind: benchKind, ID: fmt.Sprintf("sess_%027d", i), Version: n, Expires: time.UnixMilli(1_900_000_000_000 + int64(i)),
		Entries: []store.Entry{{Index: "user", Value: fmt.Sprintf("user_%027d", i/2)}, {Index: "client", Value: fmt.Sprintf("client_%027d", i)}},
		Data:    fmt.Appendf(nil, `{"status":"active","last_active_at":%d,"user_agent":"%0200d"}`, n, i),
	}
}

// BenchmarkTouch stores a session whose version is known, and beside it, in
// turns, does the same with the driver alone: one prepared UPDATE that compares
// and swaps. x-of-bare is the store's rate divided by the driver's. There are
// USHER_BENCH_ROWS sessions, or 100000. The server of the tests does not
// fsync, so that the store has nothing to hide behind.
func BenchmarkTouch(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("USHER_BENCH_ROWS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	dsn, ctx := postgrestest.New(b), b.Context()
	s := openAt(b, dsn)
	for first := 0; first < rows; first += 1000 {
		if err := s.Update(ctx, func(tx store.Tx) error {
			for i := first; i < min(first+1000, rows); i++ {
				if _, err := tx.Put(ctx, benchSession(i, 0)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "VACUUM ANALYZE usher_bench_session"); err != nil {
		b.Fatal(err)
	}
	versions := make([]int64, rows)
	ours := func() time.Duration {
		i := rand.IntN(rows)
		r := benchSession(i, versions[i]+1)
		start := time.Now()
		if err := s.Update(ctx, func(tx store.Tx) error { _, err := tx.Put(ctx, r); return err }); err != nil {
			b.Fatal(err)
		}
		versions[i]++
		return time.Since(start)
	}
	bare := func() time.Duration {
		i := rand.IntN(rows)
		r := benchSession(i, versions[i]+1)
		start := time.Now()
		tag, err := pool.Exec(ctx, "UPDATE usher_bench_session SET version = version + 1, data = $1 WHERE id = $2 AND version = $3",
			string(r.Data), r.ID, r.Version)
		if err != nil || tag.RowsAffected() != 1 {
			b.Fatal(tag, err)
		}
		versions[i]++
		return time.Since(start)
	}
	compare(b, 200, ours, bare)
}

// compare runs two functions in turns and reports the rate of ours divided by
// that of bare, and the same of the medians, which other programs on the
// machine disturb less.
func compare(b *testing.B, turn int, ours, bare func() time.Duration) {
	var a, z []time.Duration
	for b.Loop() {
		for range turn {
			a = append(a, ours())
		}
		for range turn {
			z = append(z, bare())
		}
	}
	sum := func(ds []time.Duration) (s float64) {
		for _, d := range ds {
			s += float64(d)
		}
		return s
	}
	b.ReportMetric(sum(a)/float64(len(a)), "ns/store-op")
	b.ReportMetric(sum(z)/float64(len(z)), "ns/bare-op")
	b.ReportMetric(sum(z)/sum(a), "x-of-bare")
	slices.Sort(a)
	slices.Sort(z)
	b.ReportMetric(float64(z[len(z)/2])/float64(a[len(a)/2]), "x-of-bare-p50")
	b.ReportMetric(0, "ns/op")
}
