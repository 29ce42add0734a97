package auth_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/token"
)

// A shifted clock goes as the real one does, and forward at once when told to.
type shifted struct{ by atomic.Int64 }

func (c *shifted) Now() time.Time          { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *shifted) forward(d time.Duration) { c.by.Add(int64(d)) }

// refreshers is how many sessions there are. Each is refreshed once in a turn,
// so that every refresh costs a signature of its own.
const refreshers = 400

// paces are how much time passes between turns: as browsers ask, when a use is
// written down in one turn of five, and so that every refresh writes.
var paces = []struct {
	name string
	gap  time.Duration
}{{"usual", time.Minute}, {"written", session.TouchEvery}}

// betweenTurns makes every refresh write.
const betweenTurns = session.TouchEvery

// refreshing is an instance with people who refresh their tokens.
func refreshing(b *testing.B, s store.Store, clock *shifted, algorithm token.Algorithm) (*auth.Auth, []person) {
	b.Helper()
	a := benchInstance(b, s, func(c *auth.Config) {
		c.Now, c.KeySchedule = clock.Now, token.Schedule{Algorithm: algorithm}
	})
	return a, signIn(b, a, refreshers)
}

// refresh is a browser's request for a token.
func refresh(host string, p person) []byte {
	const body = "organization_id="
	return fmt.Appendf(nil, "POST /__clerk/v1/client/sessions/%s/tokens?__clerk_api_version=2025-11-10&_clerk_js_version=5.100.0 HTTP/1.1\r\n"+
		"Host: %s\r\nOrigin: http://%s\r\nUser-Agent: %s\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nCookie: %s\r\n\r\n%s",
		p.sessionID, host, host, userAgent, len(body), p.cookies, body)
}

func refreshOf(people []person) func(host string) func(int) []byte {
	return func(host string) func(int) []byte {
		made := make([][]byte, len(people))
		for i, p := range people {
			made[i] = refresh(host, p)
		}
		return func(i int) []byte { return made[i%len(made)] }
	}
}

// durable is the setting of the SQLite files of both sides: what is committed
// survives a power cut, or with USHER_BENCH_RELAXED only the process.
func durable() bool { return os.Getenv("USHER_BENCH_RELAXED") == "" }

func sqliteStore(b *testing.B) store.Store {
	b.Helper()
	s, err := sqlite.Options{Relaxed: !durable()}.Open(filepath.Join(b.TempDir(), "usher.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// bareSigner answers with a token that golang-jwt has made, and that is all.
func bareSigner(b *testing.B, algorithm token.Algorithm) http.Handler {
	b.Helper()
	var method jwt.SigningMethod = jwt.SigningMethodEdDSA
	var key any
	var err error
	if algorithm == token.RS256 {
		method = jwt.SigningMethodRS256
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		b.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		t := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "user_2abcdefghijklmnopqrstuvwxyz1", "sid": r.URL.Path, "iss": "https://clerk.localhost",
			"azp": "http://" + r.Host, "iat": now, "nbf": now - 5, "exp": now + 60, "jti": rand.Text(), "v": 2, "sts": "active", "fva": []int{0, -1}})
		t.Header["kid"] = "ins_2abcdefghijklmnopqrstuvwxyz1"
		signed, err := t.SignedString(key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"object": "token", "jwt": signed})
	})
}

// bareRefresh is what a refresh cannot do without: it reads the session, stores
// it by compare-and-swap, and signs.
func bareRefresh(b *testing.B, algorithm token.Algorithm, people []person) http.Handler {
	b.Helper()
	get, put := bareTable(b, people)
	sign := bareSigner(b, algorithm)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/__clerk/v1/client/sessions/"), "/")
		var version int64
		var data string
		err := get.QueryRow(id).Scan(&version, &data)
		if err == nil {
			_, err = put.Exec(version+1, data, id, version)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sign.ServeHTTP(w, r)
	})
}

// bareTable is a table of sessions in a file of its own, with the settings of
// store/sqlite, one connection that writes and two that read.
func bareTable(b *testing.B, people []person) (get, put *sql.Stmt) {
	b.Helper()
	dsn := "file://" + filepath.Join(b.TempDir(), "bare.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	if durable() {
		dsn = strings.Replace(dsn, "NORMAL", "FULL", 1)
	}
	open := func(conns int) *sql.DB {
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return db
	}
	write, read := open(1), open(2)
	if _, err := write.Exec("CREATE TABLE session (id TEXT PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	for _, p := range people {
		data := fmt.Sprintf(`{"user_id":%q,"status":"active","last_active_at":"2026-01-02T03:04:05.678Z","note":%q}`, p.userID, strings.Repeat("x", 400))
		if _, err := write.Exec("INSERT INTO session VALUES (?, 1, ?)", p.sessionID, data); err != nil {
			b.Fatal(err)
		}
	}
	prepare := func(db *sql.DB, query string) *sql.Stmt {
		s, err := db.Prepare(query)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	}
	return prepare(read, "SELECT version, data FROM session WHERE id = ?"),
		prepare(write, "UPDATE session SET version = ?, data = ? WHERE id = ? AND version = ?")
}

// BenchmarkRefresh is a refresh of the token over HTTP on SQLite, another
// session each time, against the same signature, read and compare-and-swap in
// a bare handler (the goal is an x-cpu of at most 1.10), and against the bare
// signature over HTTP (an x-rate of at least 0.85 for RS256).
func BenchmarkRefresh(b *testing.B) {
	for _, algorithm := range []token.Algorithm{token.RS256, token.EdDSA} {
		var clock shifted
		a, people := refreshing(b, sqliteStore(b), &clock, algorithm)
		for _, x := range []struct {
			against string
			bare    func(b *testing.B) http.Handler
		}{
			{"sign+get+cas", func(b *testing.B) http.Handler { return bareRefresh(b, algorithm, people) }},
			{"sign", func(b *testing.B) http.Handler { return bareSigner(b, algorithm) }},
		} {
			for _, pace := range paces {
				b.Run(string(algorithm)+" against "+x.against+", "+pace.name, func(b *testing.B) {
					requests := refreshOf(people)
					clock.forward(pace.gap)
					race(b, refreshers, newSide(b, "usher", a.Wrap(http.NotFoundHandler()), 16, requests),
						newSide(b, "bare", x.bare(b), 16, requests), func() { clock.forward(pace.gap) })
				})
			}
		}
	}
}

// BenchmarkRefreshEdDSA is a refresh with EdDSA against one with RS256. The
// goal is an x-rate of at least 8.
func BenchmarkRefreshEdDSA(b *testing.B) {
	for _, x := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{{"memory", func(*testing.B) store.Store { return memory.New() }}, {"sqlite", sqliteStore}} {
		b.Run(x.name, func(b *testing.B) {
			var clock shifted
			host := func(algorithm token.Algorithm) *side {
				a, people := refreshing(b, x.open(b), &clock, algorithm)
				return newSide(b, string(algorithm), a.Wrap(http.NotFoundHandler()), 16, refreshOf(people))
			}
			ed, rs := host(token.EdDSA), host(token.RS256)
			for _, pace := range paces {
				b.Run(pace.name, func(b *testing.B) {
					race(b, refreshers, ed, rs, func() { clock.forward(pace.gap) })
				})
			}
		})
	}
}

// BenchmarkRefreshTogether is one session that 64 requests refresh at once,
// from 16 connections: signatures counts the tokens of a turn, and the goal is
// one. x-rate is against a signature for each.
func BenchmarkRefreshTogether(b *testing.B) {
	var clock shifted
	a, people := refreshing(b, sqliteStore(b), &clock, token.RS256)
	tabs := newSide(b, "usher", a.Wrap(http.NotFoundHandler()), 16, refreshOf(people[:1]))
	bare := newSide(b, "bare", bareSigner(b, token.RS256), 16, refreshOf(people[:1]))
	var signatures, rate []float64
	for b.Loop() {
		clock.forward(betweenTurns)
		start := time.Now()
		signatures = append(signatures, float64(together(b, tabs, 64)))
		ours := time.Since(start)
		wall, _ := bare.run(b, 64)
		rate = append(rate, float64(wall)/float64(ours))
	}
	b.ReportMetric(median(signatures), "signatures")
	b.ReportMetric(median(rate), "x-rate")
	b.ReportMetric(0, "ns/op")
}

// together sends n equal requests and returns how many different answers came.
func together(b *testing.B, s *side, n int) int {
	b.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[string]bool{}
	for _, c := range s.conns {
		wg.Go(func() {
			for range n / len(s.conns) {
				body, err := c.one(s.request(0))
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				answers[string(body)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return len(answers)
}

// BenchmarkRefreshCalls is a refresh without a network and with EdDSA, one at a
// time: what usher itself costs, and what the store.
func BenchmarkRefreshCalls(b *testing.B) {
	for _, x := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{{"memory", func(*testing.B) store.Store { return memory.New() }}, {"sqlite", sqliteStore}} {
		b.Run(x.name, func(b *testing.B) { refreshCalls(b, x.open(b)) })
	}
}

func refreshCalls(b *testing.B, s store.Store) {
	var clock shifted
	a, people := refreshing(b, s, &clock, token.EdDSA)
	h := a.Wrap(http.NotFoundHandler())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := people[i%len(people)]
		if i%len(people) == 0 {
			clock.forward(betweenTurns)
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(refresh("127.0.0.1:4010", p))))
		if err != nil {
			b.Fatal(err)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
