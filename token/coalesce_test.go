package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usherauth/usher/token"
)

// TestCoalesceOneSignature: any number of equal requests at once cost one.
func TestCoalesceOneSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var co token.Coalescer
		var mints atomic.Int32
		mint := func(context.Context) (string, error) {
			time.Sleep(10 * time.Millisecond) // fake time
			return fmt.Sprint("tok", mints.Add(1)), nil
		}
		ask := func() string {
			tok, err := co.Do(t.Context(), "sess_1", mint)
			if err != nil {
				t.Error(err)
			}
			return tok
		}
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				if got := ask(); got != "tok1" {
					t.Errorf("got %s", got)
				}
			})
		}
		wg.Wait()
		time.Sleep(980 * time.Millisecond)
		if got := ask(); got != "tok1" {
			t.Errorf("within the second: %s", got)
		}
		time.Sleep(10 * time.Millisecond)
		if got := ask(); got != "tok2" {
			t.Errorf("a second later: %s", got)
		}
		if got, _ := co.Do(t.Context(), "sess_2", mint); got != "tok3" {
			t.Errorf("another session: %s", got)
		}
	})
}

func TestCoalesceErrorsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var co token.Coalescer
		boom := errors.New("boom")
		started := make(chan struct{})
		go func() {
			_, err := co.Do(t.Context(), "k", func(context.Context) (string, error) {
				close(started)
				time.Sleep(time.Millisecond)
				return "", boom
			})
			if !errors.Is(err, boom) {
				t.Errorf("first: %v", err)
			}
		}()
		<-started
		if _, err := co.Do(t.Context(), "k", nil); !errors.Is(err, boom) {
			t.Errorf("one who waited: %v", err)
		}
		if tok, err := co.Do(t.Context(), "k", func(context.Context) (string, error) { return "ok", nil }); err != nil || tok != "ok" {
			t.Errorf("one who came later: %q, %v", tok, err)
		}
	})
}

// TestCoalesceContexts: who waits can leave, and the first one's leaving takes
// nobody along.
func TestCoalesceContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var co token.Coalescer
		first, cancelFirst := context.WithCancel(t.Context())
		var mints atomic.Int32
		mint := func(ctx context.Context) (string, error) {
			mints.Add(1)
			select {
			case <-time.After(time.Minute):
				return "tok", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := co.Do(first, "k", mint); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		short, cancelShort := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancelShort()
		if _, err := co.Do(short, "k", mint); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a hasty one: %v", err)
		}
		for range 5 {
			wg.Go(func() {
				if tok, err := co.Do(t.Context(), "k", mint); err != nil || tok != "tok" {
					t.Errorf("a patient one: %q, %v", tok, err)
				}
			})
		}
		synctest.Wait()
		cancelFirst()
		wg.Wait()
		if n := mints.Load(); n != 2 {
			t.Errorf("%d mints, want 2", n)
		}
	})
}

func TestCoalescePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var co token.Coalescer
		go func() {
			defer func() { _ = recover() }()
			_, _ = co.Do(t.Context(), "k", func(context.Context) (string, error) {
				time.Sleep(time.Millisecond)
				panic("boom")
			})
		}()
		synctest.Wait()
		if _, err := co.Do(t.Context(), "k", nil); err == nil {
			t.Error("no error for one who waited")
		}
		if tok, err := co.Do(t.Context(), "k", func(context.Context) (string, error) { return "ok", nil }); tok != "ok" {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestCoalesceIsBounded(t *testing.T) {
	c := &clock{}
	co := token.Coalescer{Size: 10, Now: c.Now}
	mints := 0
	mint := func(context.Context) (string, error) { mints++; return "t", nil }
	ask := func(i int) {
		if _, err := co.Do(context.Background(), fmt.Sprint(i), mint); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for i := range 20 {
			ask(i)
		}
	}
	if mints != 30 { // ten of them are shared, ten are not
		t.Errorf("%d mints", mints)
	}
	if n := co.Len(); n != 10 {
		t.Errorf("%d keys are kept", n)
	}
	c.Advance(time.Second) // the next one makes room
	ask(99)
	if n := co.Len(); n != 1 {
		t.Errorf("%d keys are kept a second later", n)
	}
	c.Advance(-time.Hour)
	before := mints
	ask(99)
	if mints != before+1 {
		t.Error("a token from the future is shared")
	}
}

// TestMintShared: what differs in any claim is not shared, whatever the key.
func TestMintShared(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	co := &token.Coalescer{Now: w.Now}
	mint := func(key string, change func(c *token.Claims)) string {
		c := claims(t)
		change(&c)
		tok, err := w.iss.MintShared(context.Background(), co, key, c)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	same := func(*token.Claims) {}
	first := mint("s", same)
	if mint("s", same) != first {
		t.Error("equal requests got two tokens")
	}
	for name, change := range map[string]func(c *token.Claims){
		"role":    func(c *token.Claims) { c.Organization.Role = "member" },
		"status":  func(c *token.Claims) { c.Status = token.StatusPending },
		"party":   func(c *token.Claims) { c.AuthorizedParty = "https://other.example" },
		"subject": func(c *token.Claims) { c.Subject = "user_x" },
		"life":    func(c *token.Claims) { c.IssuedAt, c.Expires = noon, noon.Add(time.Hour) },
		"custom":  func(c *token.Claims) { c.Custom = map[string]json.RawMessage{"x": json.RawMessage("1")} },
	} {
		if mint("s", change) == first {
			t.Errorf("another %s got the same token", name)
		}
	}
	if mint("other", same) == first {
		t.Error("another key got the same token")
	}
	w.Advance(time.Second)
	if mint("s", same) == first {
		t.Error("a second later it is the same token")
	}
	if _, err := w.iss.MintShared(context.Background(), co, "s", token.Claims{}); !errors.Is(err, token.ErrClaims) {
		t.Errorf("bad claims: %v", err)
	}
}
