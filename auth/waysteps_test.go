package auth_test

import (
	"database/sql"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

// maxStatements is what a request may take in all, BEGIN and COMMIT among them:
// who it is, what the step is decided from, once before the transaction and
// once in it, what it writes, and the client that is answered with.
const maxStatements = 40

// TestStepsAreOneTransaction: a step of any way in is one transaction, beside
// the one that counts a try before it is judged, and a bounded number of
// statements.
func TestStepsAreOneTransaction(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			log := &statementLog{dsn: "file://" + filepath.Join(t.TempDir(), "usher.db")}
			db := sql.OpenDB(log)
			t.Cleanup(func() { db.Close() })
			file := sqlite.Options{}.New(db, db)
			t.Cleanup(func() { file.Close() })
			counter := storetest.Counting(file)
			w := newWalk(t, way, counter, nil)
			for _, s := range way.steps {
				r, rec := w.request(s), httptest.NewRecorder()
				log.take()
				counter.Reset()
				w.h.ServeHTTP(rec, r)
				calls, seen := counter.Calls(), log.take()
				w.take(s, rec)
				if calls.Update != s.updates || calls.Runs != calls.View+calls.Update {
					t.Errorf("%s: %d transactions in %d runs, want %d", s.name, calls.Update, calls.Runs-calls.View, s.updates)
				}
				if len(seen) > maxStatements {
					t.Errorf("%s: %d statements, at most %d:\n%s", s.name, len(seen), maxStatements, strings.Join(seen, "\n"))
				}
				t.Logf("%s: %d statements", s.name, len(seen))
			}
		})
	}
}

// BenchmarkStep is what each request of each way in costs, on a store in memory
// and with hashing set aside.
func BenchmarkStep(b *testing.B) {
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			took := make([]time.Duration, len(way.steps))
			for b.Loop() {
				w := newWalk(b, way, memory.New(), nil)
				for i, s := range way.steps {
					r, rec := w.request(s), httptest.NewRecorder()
					start := time.Now()
					w.h.ServeHTTP(rec, r)
					took[i] += time.Since(start)
					w.take(s, rec)
				}
			}
			for i, s := range way.steps {
				b.ReportMetric(float64(took[i].Nanoseconds())/float64(b.N), "ns/"+s.name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
