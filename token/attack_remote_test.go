package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

func TestAttack_T10_UnknownKidFlood(t *testing.T) {
	c, k := &clock{}, rsaKey()
	srv := newJWKSServer(t, k)
	r := srv.remote(c)
	ctx := context.Background()
	flood := func(n int) {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range n / 8 {
					_, err := r.Key(ctx, fmt.Sprintf("kid_%d_%d_%d", c.Now().Unix(), g, i))
					if !errors.Is(err, token.ErrUnknownKey) {
						t.Errorf("got %v", err)
					}
				}
			})
		}
		wg.Wait()
	}
	if _, err := r.Key(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	flood(800)
	if n := srv.fetches.Load(); n != 1 {
		t.Fatalf("%d fetches within the floor", n)
	}
	for i := range 6 { // 3 minutes: less than the set's life
		c.Advance(30 * time.Second)
		flood(800)
		if n := srv.fetches.Load(); n != int32(i+2) {
			t.Fatalf("%d fetches in %d floors", n, i+2)
		}
	}
	if n := r.Unknown(); n > 256 {
		t.Errorf("%d unknown kids are remembered", n)
	}
	if _, err := r.Key(ctx, k.ID); err != nil {
		t.Errorf("the good key: %v", err)
	}
}

func TestAttack_T10_SameUnknownKidAsksOnce(t *testing.T) {
	c, k := &clock{}, rsaKey()
	srv := newJWKSServer(t, k)
	r := srv.remote(c)
	ctx := context.Background()
	if err := r.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		c.Advance(time.Minute)
		if _, err := r.Key(ctx, "old"); !errors.Is(err, token.ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	if n := srv.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	for _, kid := range []string{"", strings.Repeat("k", 129)} {
		if _, err := r.Key(ctx, kid); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("kid of %d bytes: %v", len(kid), err)
		}
	}
	if n := srv.fetches.Load(); n != 2 {
		t.Errorf("a hopeless kid was asked for")
	}
}

func TestAttack_T10_SingleFlight(t *testing.T) {
	k := rsaKey()
	srv := newJWKSServer(t, k)
	srv.hold = make(chan struct{})
	r := srv.remote(&clock{})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := r.Key(context.Background(), k.ID); err != nil {
				t.Error(err)
			}
		})
	}
	// One that does not want to wait does not, and does not spoil the fetch.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Key(ctx, k.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(srv.hold)
	wg.Wait()
	if n := srv.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestAttack_T11_Redirect(t *testing.T) {
	evil := newJWKSServer(t, testKeys()[token.RS256][1])
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := newJWKSServer(t, rsaKey())
		srv.serveHandler(http.RedirectHandler(evil.URL, status))
		r := srv.remote(&clock{})
		r.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		if _, err := r.Key(context.Background(), testKeys()[token.RS256][1].ID); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := evil.fetches.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// TestAttack_T11_Poison offers bad sets in place of a good one, which stays.
func TestAttack_T11_Poison(t *testing.T) {
	c, k := &clock{}, rsaKey()
	srv := newJWKSServer(t, k)
	r := srv.remote(c)
	if err := r.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	jwk, err := k.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	good, secret := string(jwk), strings.TrimSuffix(string(jwk), "}")+`,"d":"AQ"}`
	for name, body := range map[string]string{
		"two of one name":  `{"keys":[` + good + `,` + good + `]}`,
		"a private key":    `{"keys":[` + good + `,` + secret + `]}`,
		"a symmetric key":  `{"keys":[` + good + `,{"kty":"oct","k":"AAAA","kid":"s"}]}`,
		"keys twice":       `{"keys":[],"keys":[` + good + `]}`,
		"kid twice":        `{"keys":[` + strings.Replace(good, `"kid"`, `"kid":"x","kid"`, 1) + `]}`,
		"other case":       `{"KEYS":[` + good + `]}`,
		"no keys":          `{"keys":[]}`,
		"null":             `null`,
		"HTML":             `<html></html>`,
		"trailing":         `{"keys":[` + good + `]}x`,
		"over 1 MiB":       `{"keys":[` + good + `]}` + strings.Repeat(" ", 1<<20),
		"nothing":          ``,
		"deep":             strings.Repeat(`[`, 1<<19),
		"kid of a number":  `{"keys":[{"kty":"RSA","kid":1}]}`,
		"keys of a string": `{"keys":"x"}`,
	} {
		c.Advance(time.Minute)
		srv.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		if err := r.Refresh(context.Background()); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := r.Key(context.Background(), k.ID); err != nil || got.ID() != k.ID {
			t.Errorf("%s: the old set is gone: %v", name, err)
		}
	}
	for _, status := range []int{201, 204, 404, 500} {
		set, err := token.NewKeySet(testKeys()[token.RS256][1].Public())
		if err != nil {
			t.Fatal(err)
		}
		body, _ := set.MarshalJSON()
		srv.serveHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}))
		if err := r.Refresh(context.Background()); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("status %d: %v", status, err)
		}
	}
	settle(r)
}

// TestAttack_T11_SameKidOtherIssuer: what one issuer's verifier learned says
// nothing to another's.
func TestAttack_T11_SameKidOtherIssuer(t *testing.T) {
	c := &clock{}
	ours, theirs := testKeys()[token.RS256][0], testKeys()[token.RS256][1]
	named := func(k token.Key) http.Handler {
		p, err := token.NewPublicKey("same", k.Public().Crypto())
		if err != nil {
			t.Fatal(err)
		}
		set, err := token.NewKeySet(p)
		if err != nil {
			t.Fatal(err)
		}
		return set.Handler()
	}
	a, b := newJWKSServer(t, ours), newJWKSServer(t, theirs)
	a.serveHandler(named(ours))
	b.serveHandler(named(theirs))
	va := &token.Verifier{Issuer: issuerURL, Keys: a.remote(c), Now: c.Now}
	vb := &token.Verifier{Issuer: "https://other.example", Keys: b.remote(c), Now: c.Now}
	h := `{"alg":"RS256","kid":"same"}`
	at, bt := forge(t, ours, h, body()), forge(t, theirs, h, body("iss", `"https://other.example"`))
	for range 2 {
		if err := verify(va, at); err != nil {
			t.Error(err)
		}
		if err := verify(vb, bt); err != nil {
			t.Error(err)
		}
		if err := verify(va, bt); !errors.Is(err, token.ErrSignature) {
			t.Errorf("their token: %v", err)
		}
		if err := verify(va, forge(t, theirs, h, body())); !errors.Is(err, token.ErrSignature) {
			t.Errorf("their key with our issuer: %v", err)
		}
		if err := verify(vb, forge(t, theirs, h, body())); !errors.Is(err, token.ErrIssuer) {
			t.Errorf("our issuer at theirs: %v", err)
		}
	}
}
