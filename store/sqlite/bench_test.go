package sqlite_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b) })
}

var sessionKind = &store.Kind{Name: "bench_session", Indexes: []store.Index{{Name: "user"}, {Name: "client"}}}

func session(i int, n int64) store.Record {
	return store.Record{
		Kind: sessionKind, ID: fmt.Sprintf("sess_%027d", i), Version: n, Expires: time.UnixMilli(1_900_000_000_000 + int64(i)),
		Entries: []store.Entry{{Index: "user", Value: fmt.Sprintf("user_%027d", i/2)}, {Index: "client", Value: fmt.Sprintf("client_%027d", i)}},
		Data:    fmt.Appendf(nil, `{"status":"active","last_active_at":%d,"user_agent":"%0200d"}`, n, i),
	}
}

// benchRows is how many sessions there are: set USHER_BENCH_ROWS to 1000000 to
// see the databases at a size that does not fit their caches.
func benchRows(b *testing.B) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("USHER_BENCH_ROWS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func fillSessions(b *testing.B, s store.Store, rows int) {
	b.Helper()
	for first := 0; first < rows; first += 1000 {
		if err := s.Update(b.Context(), func(tx store.Tx) error {
			for i := first; i < min(first+1000, rows); i++ {
				if _, err := tx.Put(b.Context(), session(i, 0)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTouch stores a session whose version is known, and beside it, in
// turns, does the same with the driver alone: one prepared UPDATE that compares
// and swaps. x-of-bare is the store's rate divided by the driver's.
func BenchmarkTouch(b *testing.B) {
	for _, relaxed := range []bool{true, false} {
		b.Run(fmt.Sprintf("relaxed=%v", relaxed), func(b *testing.B) { benchTouch(b, relaxed) })
	}
}

func benchTouch(b *testing.B, relaxed bool) {
	ctx, rows := b.Context(), benchRows(b)
	path := filepath.Join(b.TempDir(), "usher.db")
	s, err := sqlite.Options{Relaxed: relaxed}.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fillSessions(b, s, rows)
	mode := "FULL"
	if relaxed {
		mode = "NORMAL"
	}
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=busy_timeout(5000)&_pragma=cache_size(-16000)&_pragma=synchronous("+mode+")")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	bare, err := db.Prepare("UPDATE usher_bench_session SET version = version + 1, data = ? WHERE id = ? AND version = ?")
	if err != nil {
		b.Fatal(err)
	}
	versions := make([]int64, rows)
	touchStore := func() time.Duration {
		i := rand.IntN(rows)
		r := session(i, versions[i]+1)
		start := time.Now()
		if err := s.Update(ctx, func(tx store.Tx) error { _, err := tx.Put(ctx, r); return err }); err != nil {
			b.Fatal(err)
		}
		versions[i]++
		return time.Since(start)
	}
	touchBare := func() time.Duration {
		i := rand.IntN(rows)
		r := session(i, versions[i]+1)
		start := time.Now()
		res, err := bare.Exec(string(r.Data), r.ID, r.Version) // no context: that would cost the driver a goroutine
		if err != nil {
			b.Fatal(err)
		}
		if n, err := res.RowsAffected(); n != 1 || err != nil {
			b.Fatal(n, err)
		}
		versions[i]++
		return time.Since(start)
	}
	// A turn is long, because a write of one connection empties the page cache of
	// the other.
	compare(b, 1000, touchStore, touchBare)
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
