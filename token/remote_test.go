package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/usherauth/usher/token"
)

// jwksServer serves a set that can be changed, counts and fails at will.
type jwksServer struct {
	*httptest.Server
	fetches atomic.Int32
	handler atomic.Pointer[http.Handler]
	hold    chan struct{} // if not nil, answers wait for it
}

func newJWKSServer(tb testing.TB, keys ...token.Key) *jwksServer {
	tb.Helper()
	s := &jwksServer{}
	s.serve(tb, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		if s.hold != nil {
			<-s.hold
		}
		(*s.handler.Load()).ServeHTTP(w, r)
	}))
	tb.Cleanup(s.Close)
	return s
}

func (s *jwksServer) serve(tb testing.TB, keys ...token.Key) {
	tb.Helper()
	var public []*token.PublicKey
	for _, k := range keys {
		public = append(public, k.Public())
	}
	set, err := token.NewKeySet(public...)
	if err != nil {
		tb.Fatal(err)
	}
	s.serveHandler(set.Handler())
}

func (s *jwksServer) serveHandler(h http.Handler) { s.handler.Store(&h) }

func (s *jwksServer) remote(c *clock) *token.Remote {
	return &token.Remote{URL: s.URL, Client: s.Client(), Now: c.Now}
}

// settle waits for a fetch in the background.
func settle(r *token.Remote) { r.Settle() }

func TestRemoteLife(t *testing.T) {
	c := &clock{}
	old, next := testKeys()[token.ES256][0], testKeys()[token.ES256][1]
	srv := newJWKSServer(t, old)
	r := srv.remote(c)
	ctx := context.Background()
	key := func(k token.Key, want error, fetches int32) {
		t.Helper()
		_, err := r.Key(ctx, k.ID)
		settle(r)
		if !errors.Is(err, want) || srv.fetches.Load() != fetches {
			t.Fatalf("%v after %d fetches, want %v after %d", err, srv.fetches.Load(), want, fetches)
		}
	}
	key(old, nil, 1)
	c.Advance(5*time.Minute - time.Second)
	key(old, nil, 1)
	srv.serve(t, next)
	c.Advance(time.Second)
	key(old, nil, 2)                  // the old set serves while the new one is fetched beside
	key(old, token.ErrUnknownKey, 2)  // withdrawn
	key(next, nil, 2)                 //
	c.Advance(10 * time.Minute)       // twice the life
	srv.serve(t, old)                 //
	key(next, token.ErrUnknownKey, 3) // this one waits for the new set
	key(old, nil, 3)
}

func TestRemoteOutage(t *testing.T) {
	c, k := &clock{}, testKeys()[token.ES256][0]
	srv := newJWKSServer(t, k)
	r := srv.remote(c)
	ctx := context.Background()
	if _, err := r.Key(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	srv.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	for c.Now().Before(noon.Add(24*time.Hour - 10*time.Minute)) {
		c.Advance(10 * time.Minute)
		for range 3 {
			if _, err := r.Key(ctx, k.ID); err != nil {
				t.Fatalf("%v into the outage: %v", c.Now().Sub(noon), err)
			}
			settle(r)
		}
	}
	if n := srv.fetches.Load(); n > 24*6+1 {
		t.Errorf("%d fetches", n)
	}
	c.Advance(time.Hour)
	if _, err := r.Key(ctx, k.ID); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("a day later: %v", err)
	}
	srv.serve(t, k)
	c.Advance(time.Minute)
	if _, err := r.Key(ctx, k.ID); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

// TestRemoteStartsBeforeIssuer: a first failure is not held against the issuer
// for long, and yet not hammered.
func TestRemoteStartsBeforeIssuer(t *testing.T) {
	c, k := &clock{}, testKeys()[token.ES256][0]
	srv := newJWKSServer(t, k)
	srv.serveHandler(http.NotFoundHandler())
	r := srv.remote(c)
	for range 10 {
		if _, err := r.Key(context.Background(), k.ID); !errors.Is(err, token.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if n := srv.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
	srv.serve(t, k)
	c.Advance(time.Second)
	if _, err := r.Key(context.Background(), k.ID); err != nil {
		t.Error(err)
	}
}

func TestRemoteURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"": false, "/jwks": false, "ftp://127.0.0.1/": false, "http://example.invalid/": false, "https://u:p@127.0.0.1:1/": false,
		"http://127.0.0.1:1/": true, "http://[::1]:1/": true, "http://localhost:1/": true, "https://127.0.0.1:1/": true,
	} {
		err := (&token.Remote{URL: url}).Refresh(context.Background())
		if want := token.ErrConfig; ok == errors.Is(err, want) || err == nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	srv := newJWKSServer(t, rsaKey())
	r := &token.Remote{URL: strings.Replace(srv.URL, "127.0.0.1", "localhost.", 1), InsecureHTTP: true}
	if err := r.Refresh(context.Background()); errors.Is(err, token.ErrConfig) {
		t.Errorf("InsecureHTTP: %v", err)
	}
}

func TestRemoteMaxAge(t *testing.T) {
	k := testKeys()[token.ES256][0]
	for header, want := range map[string]time.Duration{
		"":                           5 * time.Minute,
		"max-age=600":                10 * time.Minute,
		`public, Max-Age="600"`:      10 * time.Minute,
		"max-age=1":                  time.Minute,
		"max-age=0":                  time.Minute,
		"no-store":                   time.Minute,
		"max-age=600, no-cache":      time.Minute,
		"max-age=99999999":           time.Hour,
		"max-age=99999999999999":     5 * time.Minute,
		"max-age=-1":                 5 * time.Minute,
		"s-maxage=600, max-age=1200": 20 * time.Minute,
	} {
		c := &clock{}
		srv := newJWKSServer(t, k)
		set, _ := token.NewKeySet(k.Public())
		body, _ := set.MarshalJSON()
		srv.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set("Cache-Control", header)
			}
			_, _ = w.Write(body)
		}))
		r := srv.remote(c)
		for _, step := range []struct {
			at      time.Duration
			fetches int32
		}{{0, 1}, {want - time.Second, 1}, {want, 2}} {
			c.Set(noon.Add(step.at))
			if _, err := r.Key(context.Background(), k.ID); err != nil {
				t.Fatal(err)
			}
			settle(r)
			if n := srv.fetches.Load(); n != step.fetches {
				t.Errorf("%q: %d fetches after %v", header, n, step.at)
			}
		}
	}
}

// TestRemoteEndsItsFetch: a server that never answers leaves no goroutine.
func TestRemoteEndsItsFetch(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	srv := newJWKSServer(t, rsaKey())
	srv.hold = make(chan struct{})
	client := &http.Client{Transport: &http.Transport{}}
	r := &token.Remote{URL: srv.URL, Client: client, Timeout: 20 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := r.Refresh(context.Background()); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	close(srv.hold)
	settle(r)
	client.CloseIdleConnections()
	srv.Close()
}
