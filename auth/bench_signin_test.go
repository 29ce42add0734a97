package auth_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// BenchmarkSignIn is a whole sign-in with a password over HTTP, by one new
// browser after the other, sixteen people in turn, with everything at its
// default. Its limit is a handler that reads the form and hashes with the same
// parameters (argon2id, 19 MiB, two passes: RFC 9106 as OWASP advises), two at a
// time, with no store at all. What is added is looking the user up, counting the try before it is
// judged, starting a session, and answering with the client; tokens are asked
// for afterwards. The goal is an x-cpu of at most 1.05.
//
// GODEBUG=madvdontneed=0 takes most of the noise away: otherwise the memory of
// hashes goes back to the system and comes again, for either side at random,
// which costs up to a fifth of a hash.
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
	a := benchInstance(b, s, func(c *auth.Config) { c.Passwords = &password.Hasher{} })
	const people = 16
	for i := range people {
		if _, err := a.Users().Create(b.Context(), user.CreateParams{EmailAddresses: []string{fmt.Sprintf("user%d@example.com", i)}, Password: plain}); err != nil {
			b.Fatal(err)
		}
	}
	request := func(host string) func(int) []byte {
		var rs [people][]byte
		for i := range rs {
			body := url.Values{"identifier": {fmt.Sprintf("user%d@example.com", i)}, "password": {plain}}.Encode()
			rs[i] = fmt.Appendf(nil, "POST /__clerk/v1/client/sign_ins?__clerk_api_version=2025-11-10 HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\n"+
				"User-Agent: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, host, userAgent, len(body), body)
		}
		return func(i int) []byte { return rs[i%people] }
	}
	ours := newSide(b, "usher", a.Wrap(http.NotFoundHandler()), clients, request)
	bare := newSide(b, "bare", bareSignIn(b, plain), clients, request)
	race(b, 32, ours, bare, func() {})
}

// bareSignIn is what a sign-in cannot do without: the hash.
func bareSignIn(b *testing.B, plain string) http.Handler {
	b.Helper()
	hash := func(plain string, salt []byte) []byte { return argon2.IDKey([]byte(plain), salt, 2, 19*1024, 1, 32) }
	salt := []byte(rand.Text()[:16])
	want := hash(plain, salt)
	slots := make(chan struct{}, 2)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slots <- struct{}{}
		got := hash(r.PostFormValue("password"), salt)
		<-slots
		if string(got) != string(want) {
			http.Error(w, "wrong", http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"status": "complete"})
	})
}
