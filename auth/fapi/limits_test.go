package fapi_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/password"
)

func TestRateLimitsAndBusyPool(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Limits = settings.Default().Limits })
	b := r.browser()
	for range 5 {
		b.post("/v1/client/sign_ins", "identifier", ada).refused(422, "form_identifier_not_found")
	}
	a := b.post("/v1/client/sign_ins", "identifier", ada).refused(429, "too_many_requests")
	if s := a.header.Get("Retry-After"); s == "" || s == "0" {
		t.Errorf("Retry-After %q", s)
	}
	r.advance(11 * time.Second)
	b.post("/v1/client/sign_ins", "identifier", ada).refused(422, "form_identifier_not_found")

	// A full queue of hashes.
	pool := &password.Pool{Slots: 1, Queue: 1}
	r = newRig(t, func(s *setup) { s.hasher.Pool = pool })
	r.browser().signUp(ada, good)
	hold := make(chan struct{})
	started := make(chan struct{})
	go pool.Do(context.Background(), 1, func() error { close(started); <-hold; return nil })
	<-started
	waiting := password.WithFairness(context.Background(), "somebody")
	done := make(chan error, 1)
	go func() { done <- pool.Do(waiting, 1, func() error { return nil }) }()
	for pool.Stats().Waiting == 0 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	// One of the two is turned away, whoever has more waiting.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	form := url.Values{"identifier": {ada}, "password": {good}}.Encode()
	var busy *http.Response
	for range 2 {
		req, _ := http.NewRequestWithContext(ctx, "POST", r.server.URL+prefix+"/v1/client/sign_ins", strings.NewReader(form))
		req.Header.Set("Content-Type", formType)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			break
		}
		if res.StatusCode == 503 {
			busy = res
			break
		}
		readAll(res)
	}
	close(hold)
	if busy == nil {
		t.Fatal("nobody was turned away")
	}
	if busy.Header.Get("Retry-After") == "" || !strings.Contains(readAll(busy), "service_unavailable") {
		t.Errorf("%v", busy.Header)
	}
	<-done
}

// TestFault_R31_BusyIsNoWrongTry: a right password that nobody had time to judge
// is no wrong one, however often it comes.
func TestFault_R31_BusyIsNoWrongTry(t *testing.T) {
	pool := &password.Pool{Slots: 1, Queue: 1}
	r := newRig(t, func(s *setup) { s.hasher.Pool = pool })
	r.browser().signUp(ada, good)
	hold, started := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { _ = pool.Do(context.Background(), 1, func() error { close(started); <-hold; return nil }) })
	<-started
	own := password.WithFairness(context.Background(), limit.AddrKey(netip.MustParseAddr("127.0.0.1")))
	wg.Go(func() { _ = pool.Do(own, 1, func() error { return nil }) }) // whose line is the longest
	for pool.Stats().Waiting == 0 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	for range r.e.Settings(t.Context()).Protection.Lockout.MaxAttempts + 2 {
		r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good).refused(503, "service_unavailable")
	}
	close(hold)
	wg.Wait()
	r.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().is("response.status", "complete")
}

// What a stranger can do without end would fill the store.
func TestStrangersAreCounted(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Limits.CreateClient = settings.Rate{Count: 2, Per: time.Minute} })
	handshake := "/v1/client/handshake?format=nonce&redirect_url=" + url.QueryEscape(r.server.URL+"/private")
	for range 2 {
		r.browser().post("/v1/client").ok()
		if a := r.browser().get(handshake); a.status != 307 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	for _, a := range []*answer{r.browser().post("/v1/client"), r.browser().get(handshake)} {
		if a.refused(429, "too_many_requests"); a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	r.advance(time.Minute)
	r.browser().post("/v1/client").ok()
}
