package auth_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
)

// Every benchmark of this package runs usher and its limit in turns, in one
// process and over the loopback with the same client, and reports the median
// of the ratios of each turn: the machine may be as noisy as it likes. Ratios
// of CPU are the process's own, client included.

// A side is one of the two that are compared.
type side struct {
	name    string
	conns   []*conn
	request func(i int) []byte // the i-th request of the side
	sent    atomic.Int64
}

// A conn is a kept-alive connection with a client that costs next to nothing.
type conn struct {
	net.Conn
	in *bufio.Reader
}

// newSide serves h and connects clients to it.
func newSide(b *testing.B, name string, h http.Handler, clients int, request func(host string) func(i int) []byte) *side {
	b.Helper()
	srv := httptest.NewServer(h)
	b.Cleanup(srv.Close)
	addr := srv.Listener.Addr().String()
	s := &side{name: name, request: request(addr)}
	for range clients {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		s.conns = append(s.conns, &conn{c, bufio.NewReaderSize(c, 16<<10)})
	}
	return s
}

// one sends a request and reads the answer, which must be 200. The body is good
// until the next one.
func (c *conn) one(request []byte) (body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			rest, _ := c.in.Peek(c.in.Buffered())
			return nil, fmt.Errorf("%s%s", line, rest)
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return nil, err
			}
		}
		if len(line) <= 2 {
			break
		}
	}
	if length < 0 {
		return nil, errors.New("an answer without Content-Length")
	}
	if body, err = c.in.Peek(length); err == nil {
		_, err = c.in.Discard(length)
	}
	return body, err
}

// run sends n requests over all connections and returns what they took.
func (s *side) run(b *testing.B, n int) (wall, cpu time.Duration) {
	b.Helper()
	runtime.GC() // nobody pays for the other's garbage
	var wg sync.WaitGroup
	end := s.sent.Load() + int64(n)
	start, used := time.Now(), processTime()
	for _, c := range s.conns {
		wg.Go(func() {
			for {
				i := s.sent.Add(1)
				if i > end {
					return
				}
				if _, err := c.one(s.request(int(i - 1))); err != nil {
					b.Errorf("%s, request %d: %v", s.name, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	wall, cpu = time.Since(start), processTime()-used
	s.sent.Store(end)
	if b.Failed() {
		b.FailNow()
	}
	return wall, cpu
}

// race lets ours and bare take turns of n requests each and reports the medians
// of both and of their ratios: x-rate is ours divided by bare (more is better),
// x-cpu the CPU that a request costs (less is better). before is called ahead
// of each pair of turns.
func race(b *testing.B, n int, ours, bare *side, before func()) {
	b.Helper()
	var rate, cpu, ourCPU, bareCPU, ourRate []float64
	ours.run(b, min(n, 500)) // warm up
	bare.run(b, min(n, 500))
	for turn := 0; b.Loop(); turn++ {
		before()
		first, second := ours, bare
		if turn%2 == 1 {
			first, second = bare, ours
		}
		w1, c1 := first.run(b, n)
		w2, c2 := second.run(b, n)
		if first == bare {
			w1, c1, w2, c2 = w2, c2, w1, c1
		}
		rate, cpu = append(rate, float64(w2)/float64(w1)), append(cpu, float64(c1)/float64(c2))
		ourCPU, bareCPU = append(ourCPU, float64(c1.Microseconds())/float64(n)), append(bareCPU, float64(c2.Microseconds())/float64(n))
		ourRate = append(ourRate, float64(n)/w1.Seconds())
	}
	b.ReportMetric(median(rate), "x-rate")
	b.ReportMetric(median(cpu), "x-cpu")
	b.ReportMetric(median(ourRate), "req/s")
	b.ReportMetric(median(ourCPU), "cpu-µs/req")
	b.ReportMetric(median(bareCPU), "bare-cpu-µs/req")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// benchInstance is an instance as a host has it, with what change says. Its
// tokens live for five minutes, so that they outlast a benchmark.
func benchInstance(b *testing.B, s store.Store, change func(*auth.Config)) *auth.Auth {
	b.Helper()
	set := authtest.Settings()
	set.Sessions.TokenLifetime = 5 * time.Minute
	c := auth.Config{Store: s, Settings: set, Passwords: authtest.CheapPasswords()}
	if change != nil {
		change(&c)
	}
	a, err := auth.New(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// A person is somebody who is signed in, by their cookies.
type person struct{ userID, sessionID, cookies string }

// signIn makes n people who are signed in, each in a browser of their own.
func signIn(b *testing.B, a *auth.Auth, n int) []person {
	b.Helper()
	people := make([]person, n)
	var wg sync.WaitGroup
	for part := range 2 {
		wg.Go(func() {
			for i := part; i < n; i += 2 {
				u, err := a.Users().Create(b.Context(), user.CreateParams{EmailAddresses: []string{fmt.Sprintf("user%d@example.com", i)}, SkipPasswordRequirement: true})
				if err != nil {
					b.Error(err)
					return
				}
				people[i] = browser(b, a, u.ID)
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return people
}

// browser signs a user in and returns what a browser would send from then on.
func browser(b testing.TB, a *auth.Auth, userID string) person {
	b.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://127.0.0.1/", nil)
	if err := a.SignIn(w, r, userID); err != nil {
		b.Error(err)
		return person{}
	}
	p := person{userID: userID}
	for _, c := range w.Result().Cookies() {
		if p.cookies != "" {
			p.cookies += "; "
		}
		p.cookies += c.Name + "=" + c.Value
		if c.Name == "__session" {
			claims, err := a.Verifier().Verify(b.Context(), c.Value)
			if err != nil {
				b.Error(err)
				return p
			}
			p.sessionID = claims.SessionID
		}
	}
	return p
}

const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// page is a request for a page as a browser makes it.
func page(host, path, cookies string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"+
		"Accept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"+
		"Sec-Fetch-Site: same-origin\r\nCookie: theme=dark; _ga=GA1.1.1234567890.1700000000; %s\r\n\r\n", path, host, userAgent, cookies)
}

// BenchmarkMiddleware is a live token in the cookies of a page request, in
// front of a handler that says hello, against that handler alone. The goal is
// an x-rate of at least 0.95. The bearers are 1,000 people, or one.
func BenchmarkMiddleware(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "hello")
	})
	known := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !auth.From(r.Context()).SignedIn() {
			http.Error(w, "nobody", http.StatusForbidden)
			return
		}
		hello(w, r)
	})
	a := benchInstance(b, memory.New(), func(c *auth.Config) { c.KeySchedule = token.Schedule{Algorithm: token.EdDSA} })
	people := signIn(b, a, 1000)
	for _, x := range []struct {
		name string
		h    http.Handler
		n    int
	}{{"wrap", a.Wrap(known), 1}, {"wrap 1000 people", a.Wrap(known), 1000}, {"require", a.Require(known), 1}} {
		b.Run(x.name, func(b *testing.B) {
			requests := func(host string) func(int) []byte {
				made := make([][]byte, x.n)
				for i := range made {
					made[i] = page(host, "/", people[i].cookies)
				}
				return func(i int) []byte { return made[i%len(made)] }
			}
			race(b, 4000, newSide(b, "usher", x.h, 16, requests), newSide(b, "bare", hello, 16, requests), func() {})
		})
	}
}

// BenchmarkMiddlewareCalls is the same without a network: what the middleware
// and a guarded handler cost themselves.
func BenchmarkMiddlewareCalls(b *testing.B) {
	a := benchInstance(b, memory.New(), func(c *auth.Config) { c.KeySchedule = token.Schedule{Algorithm: token.EdDSA} })
	p := signIn(b, a, 1)[0]
	known := 0
	count := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if auth.From(r.Context()).SignedIn() {
			known++
		}
	})
	for _, x := range []struct {
		name string
		h    http.Handler
	}{{"wrap", a.Wrap(count)}, {"require", a.Require(count)}} {
		b.Run(x.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "theme=dark; _ga=GA1.1.1234567890.1700000000; "+p.cookies)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			n := 0
			known = 0
			for b.Loop() {
				clear(w.Header()) // an answer of its own
				x.h.ServeHTTP(w, r)
				n++
			}
			if known != n {
				b.Fatalf("%d of %d requests were known", known, n)
			}
		})
	}
}
