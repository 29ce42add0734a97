package fapi_test

import (
	"context"
	"sync"
	"testing"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// afterViews is a store in which something happens once, after so many reads.
type afterViews struct {
	store.Store
	mu   sync.Mutex
	left int
	do   func()
}

func (s *afterViews) View(ctx context.Context, fn func(store.Tx) error) error {
	err := s.Store.View(ctx, fn)
	s.mu.Lock()
	s.left--
	do := s.do
	if s.left != 0 {
		do = nil
	}
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return err
}

// A session may end at any moment of a request. A browser that asks about
// itself hears that it is signed out; it is not refused.
func TestSessionEndsAtAnyMoment(t *testing.T) {
	for _, c := range []struct {
		name  string
		ask   func(b *browser, id string) *answer
		codes []string // besides none
	}{
		{"the client", func(b *browser, _ string) *answer { return b.get("/v1/client") }, nil},
		{"a change of another thing", func(b *browser, _ string) *answer { return b.post("/v1/client") }, nil},
		{"a token", func(b *browser, id string) *answer { return b.post("/v1/client/sessions/" + id + "/tokens") }, []string{"authentication_invalid"}},
		{"a touch", func(b *browser, id string) *answer { return b.post("/v1/client/sessions/" + id + "/touch") },
			[]string{"authentication_invalid", "invalid_action_for_session"}},
		{"the profile", func(b *browser, _ string) *answer { return b.patch("/v1/me", "first_name", "Ada") }, []string{"authentication_invalid"}},
		{"a step-up", func(b *browser, id string) *answer {
			return b.post("/v1/client/sessions/"+id+"/verify", "level", "first_factor")
		}, []string{"authentication_invalid", "resource_not_found", "invalid_action_for_session"}},
	} {
		for reads := 1; reads <= 12; reads++ {
			s := &afterViews{Store: memory.New()}
			r := newRig(t, func(c *setup) { c.store = s })
			b := r.browser()
			b.signUp(ada, good)
			id := b.get("/v1/client").str("response.last_active_session_id")
			r.advance(session.TouchEvery)
			happened := false
			s.mu.Lock()
			s.left, s.do = reads, func() {
				happened = true
				if _, err := r.e.Sessions().Revoke(context.Background(), id); err != nil {
					t.Error(err)
				}
			}
			s.mu.Unlock()
			a := c.ask(b, id)
			ok := a.status == 200
			for _, code := range c.codes {
				ok = ok || a.str("errors.0.code") == code
			}
			if !ok {
				t.Errorf("%s, the session ends after %d reads: %d %s", c.name, reads, a.status, a.raw)
			}
			if !happened {
				if reads < 2 {
					t.Errorf("%s: no reads", c.name)
				}
				break
			}
		}
	}
}
