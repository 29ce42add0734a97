package auth_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// BenchmarkSignIn is a whole sign-in with a password over HTTP, by one new
// browser after the other, against the bare hash with the same parameters
// (argon2id, 19 MiB, two passes: RFC 9106 as OWASP advises). It looks the user
// up, judges the password, starts a session and answers with the client and the
// new sign-in. The goal is an x-cpu of at most 1.05.
func BenchmarkSignIn(b *testing.B) {
	for _, x := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{{"memory", func(*testing.B) store.Store { return memory.New() }}, {"sqlite", sqliteStore}} {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s, %d at once", x.name, clients), func(b *testing.B) { benchSignIn(b, x.open(b), clients) })
		}
	}
}

func benchSignIn(b *testing.B, s store.Store, clients int) {
	const plain = "correct horse battery staple"
	a := benchInstance(b, s, func(c *auth.Config) {
		c.Passwords, c.KeySchedule = &password.Hasher{}, token.Schedule{Algorithm: token.EdDSA}
	})
	if _, err := a.Users().Create(b.Context(), user.CreateParams{EmailAddresses: []string{"ada@example.com"}, Password: plain}); err != nil {
		b.Fatal(err)
	}
	body := url.Values{"identifier": {"ada@example.com"}, "password": {plain}}.Encode()
	ours := newSide(b, "usher", a.Wrap(http.NotFoundHandler()), clients, func(host string) func(int) []byte {
		r := fmt.Appendf(nil, "POST /__clerk/v1/client/sign_ins?__clerk_api_version=2025-11-10 HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n"+
			"User-Agent: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, host, userAgent, len(body), body)
		return func(int) []byte { return r }
	})
	salt := []byte(rand.Text()[:16])
	const each = 16
	var cpu, wall []float64
	ours.run(b, clients)
	for b.Loop() {
		w1, c1 := ours.run(b, each)
		w2, c2 := hashes(each, min(clients, 2), func() { argon2.IDKey([]byte(plain), salt, 2, 19*1024, 1, 32) })
		cpu, wall = append(cpu, float64(c1)/float64(c2)), append(wall, float64(w1)/float64(w2))
	}
	b.ReportMetric(median(cpu), "x-cpu")
	b.ReportMetric(median(wall), "x-time")
	b.ReportMetric(0, "ns/op")
}

// hashes runs n hashes, so many at once, and returns what they took.
func hashes(n, atOnce int, hash func()) (wall, cpu time.Duration) {
	runtime.GC() // as run does
	start, used := time.Now(), processTime()
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for range n / atOnce {
				hash()
			}
		})
	}
	wg.Wait()
	return time.Since(start), processTime() - used
}
