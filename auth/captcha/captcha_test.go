package captcha_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/captcha"
)

var addr = netip.MustParseAddr("192.0.2.1")

// The service is asked as the published interface says, and its answer taken
// for what it is.
func TestFault_R23_Turnstile(t *testing.T) {
	var mu sync.Mutex
	var asked http.Header
	var form map[string][]string
	last := func() (http.Header, map[string][]string) { // what was asked since the last call
		mu.Lock()
		defer mu.Unlock()
		defer func() { form = nil }()
		return asked, form
	}
	reply := func(w http.ResponseWriter, r *http.Request) {}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		mu.Lock()
		asked, form = r.Header, r.PostForm
		answer := reply
		mu.Unlock()
		answer(w, r)
	}))
	defer s.Close()
	says := func(status int, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, c := range []struct {
		name  string
		reply func(http.ResponseWriter, *http.Request)
		want  error
	}{
		{"a person", says(200, `{"success":true,"hostname":"app.example.com"}`), nil},
		{"a person elsewhere", says(200, `{"success":true,"hostname":"evil.example"}`), captcha.ErrRefused},
		{"nowhere", says(200, `{"success":true}`), captcha.ErrRefused},
		{"a program", says(200, `{"success":false,"error-codes":["invalid-input-response"]}`), captcha.ErrRefused},
		{"used", says(200, `{"success":false,"error-codes":["timeout-or-duplicate"]}`), captcha.ErrRefused},
		{"our secret is wrong", says(200, `{"success":false,"error-codes":["invalid-input-secret"]}`), captcha.ErrUnavailable},
		{"their fault", says(200, `{"success":false,"error-codes":["internal-error"]}`), captcha.ErrUnavailable},
		{"down", says(502, `{"success":true,"hostname":"app.example.com"}`), captcha.ErrUnavailable},
		{"garbage", says(200, `<html>`), captcha.ErrUnavailable},
		{"endless", says(200, strings.Repeat(" ", 1<<20)), captcha.ErrUnavailable},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, captcha.ErrUnavailable},
		{"hangs", hang, captcha.ErrUnavailable},
	} {
		mu.Lock()
		reply = c.reply
		mu.Unlock()
		for _, open := range []bool{false, true} {
			ts := captcha.Turnstile{SiteKey: "site", Secret: "secret", URL: s.URL, Hostnames: []string{"App.example.com"}, Timeout: 200 * time.Millisecond, FailOpen: open}
			want := c.want
			if open && errors.Is(want, captcha.ErrUnavailable) {
				want = nil
			}
			if err := ts.Verify(t.Context(), "token", addr); !errors.Is(err, want) {
				t.Errorf("%s, open %v: %v, want %v", c.name, open, err, want)
			}
			asked, form := last()
			if fmt.Sprint(form) != "map[remoteip:[192.0.2.1] response:[token] secret:[secret]]" || asked.Get("Content-Type") != "application/x-www-form-urlencoded" {
				t.Errorf("%s: asked with %v", c.name, form)
			}
			for _, bad := range []string{"", strings.Repeat("x", 5000)} {
				if err := ts.Verify(t.Context(), bad, addr); !errors.Is(err, captcha.ErrRefused) {
					t.Errorf("%s: a token of %d bytes: %v", c.name, len(bad), err)
				}
				if _, form := last(); form != nil {
					t.Errorf("%s: a token of %d bytes is asked about", c.name, len(bad))
				}
			}
		}
	}
	if p := (&captcha.Turnstile{SiteKey: "site", Secret: "secret"}).Public(); p != (captcha.Public{Provider: "turnstile", SiteKey: "site", InvisibleSiteKey: "site", WidgetType: "smart"}) {
		t.Errorf("%+v", p)
	}
}

type clock struct{ now time.Time }

// newWork returns a proof of work with a memory of what was spent.
func newWork(key string) (*captcha.Work, *clock) {
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	var mu sync.Mutex
	spent := map[string]bool{}
	return &captcha.Work{Key: []byte(key), Bits: 8, Now: func() time.Time { return c.now },
		Spend: func(_ context.Context, id string, _ time.Time) error {
			mu.Lock()
			defer mu.Unlock()
			if spent[id] {
				return captcha.ErrSpent
			}
			spent[id] = true
			return nil
		}}, c
}

func solve(t *testing.T, challenge string) string {
	t.Helper()
	token, err := captcha.Solve(t.Context(), challenge)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func zeros(token string) int {
	h := sha256.Sum256([]byte(token))
	return bits.LeadingZeros32(binary.BigEndian.Uint32(h[:4]))
}

// lazy is a token of a challenge for which no work was done.
func lazy(challenge string) string {
	for n := 0; ; n++ {
		if token := fmt.Sprintf("%s.%d", challenge, n); zeros(token) < 8 {
			return token
		}
	}
}

func TestWork(t *testing.T) {
	for _, c := range []struct {
		name  string
		token func(w *captcha.Work, c *clock, challenge string) string
		want  error
	}{
		{"right", func(_ *captcha.Work, _ *clock, ch string) string { return solve(t, ch) }, nil},
		{"just in time", func(_ *captcha.Work, c *clock, ch string) string {
			c.now = c.now.Add(10*time.Minute - time.Second)
			return solve(t, ch)
		}, nil},
		{"expired", func(_ *captcha.Work, c *clock, ch string) string {
			c.now = c.now.Add(10 * time.Minute)
			return solve(t, ch)
		}, captcha.ErrRefused},
		{"no work", func(_ *captcha.Work, _ *clock, ch string) string { return lazy(ch) }, captcha.ErrRefused},
		{"no number", func(_ *captcha.Work, _ *clock, ch string) string { return ch }, captcha.ErrRefused},
		{"empty", func(*captcha.Work, *clock, string) string { return "" }, captcha.ErrRefused},
		{"used before", func(w *captcha.Work, _ *clock, ch string) string {
			token := solve(t, ch)
			if err := w.Verify(t.Context(), token, addr); err != nil {
				t.Fatal(err)
			}
			return token
		}, captcha.ErrRefused},
		{"another number of a challenge that was used", func(w *captcha.Work, _ *clock, ch string) string {
			token := solve(t, ch)
			if err := w.Verify(t.Context(), token, addr); err != nil {
				t.Fatal(err)
			}
			for n := 1_000_000; ; n++ {
				if other := fmt.Sprintf("%s.%d", ch, n); zeros(other) >= 8 {
					return other
				}
			}
		}, captcha.ErrRefused},
		{"another instance's", func(*captcha.Work, *clock, string) string {
			other, _ := newWork("other")
			ch, _ := other.Challenge()
			return solve(t, ch)
		}, captcha.ErrRefused},
		{"easier than asked", func(_ *captcha.Work, _ *clock, ch string) string {
			parts := strings.Split(ch, ".")
			parts[2] = "1"
			return solve(t, strings.Join(parts, "."))
		}, captcha.ErrRefused},
		{"longer than given", func(_ *captcha.Work, _ *clock, ch string) string {
			parts := strings.Split(ch, ".")
			parts[1] = "99999999999"
			return solve(t, strings.Join(parts, "."))
		}, captcha.ErrRefused},
		{"long", func(_ *captcha.Work, _ *clock, ch string) string { return ch + "." + strings.Repeat("x", 1000) }, captcha.ErrRefused},
		{"more parts", func(_ *captcha.Work, _ *clock, ch string) string { return solve(t, ch) + ".x" }, captcha.ErrRefused},
	} {
		w, clock := newWork("key")
		challenge, expires := w.Challenge()
		if !expires.Equal(clock.now.Add(10 * time.Minute)) {
			t.Errorf("expires at %s", expires)
		}
		if err := w.Verify(t.Context(), c.token(w, clock, challenge), addr); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	broken := &captcha.Work{Key: []byte("key"), Bits: 1, Spend: func(context.Context, string, time.Time) error { return io.ErrUnexpectedEOF }}
	ch, _ := broken.Challenge()
	if err := broken.Verify(t.Context(), solve(t, ch), addr); !errors.Is(err, captcha.ErrUnavailable) {
		t.Errorf("with a broken store: %v", err)
	}
}

// Of many who bring one token at once, one passes.
func TestWorkRace(t *testing.T) {
	w, _ := newWork("key")
	ch, _ := w.Challenge()
	token := solve(t, ch)
	var wg sync.WaitGroup
	passed := make(chan bool, 32)
	for range cap(passed) {
		wg.Go(func() {
			if w.Verify(t.Context(), token, addr) == nil {
				passed <- true
			}
		})
	}
	wg.Wait()
	if len(passed) != 1 {
		t.Errorf("%d passed", len(passed))
	}
}

func ExampleSolve() {
	w := &captcha.Work{Key: []byte("a secret of the instance"), Bits: 8,
		Spend: func(context.Context, string, time.Time) error { return nil }}
	challenge, _ := w.Challenge()
	token, err := captcha.Solve(context.Background(), challenge)
	fmt.Println(err, w.Verify(context.Background(), token, netip.Addr{}))
	// Output: <nil> <nil>
}
