package token_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

// countingSource counts how often a key is asked for and can change it.
type countingSource struct {
	key  atomic.Pointer[token.PublicKey]
	fail atomic.Pointer[error]
	n    atomic.Int32
}

func (s *countingSource) Key(_ context.Context, kid string) (*token.PublicKey, error) {
	s.n.Add(1)
	if err := s.fail.Load(); err != nil {
		return nil, *err
	}
	if k := s.key.Load(); k != nil && k.ID() == kid {
		return k, nil
	}
	return nil, token.ErrUnknownKey
}

// TestAttack_T14_Remembered: what ends a token ends it in the cache, too.
func TestAttack_T14_Remembered(t *testing.T) {
	type state struct {
		*world
		src     *countingSource
		revoked *atomic.Bool
	}
	for name, c := range map[string]struct {
		change func(s state)
		want   error
		undo   func(s state)
	}{
		"nothing":       {func(state) {}, nil, nil},
		"last moment":   {func(s state) { s.Advance(65*time.Second - 1) }, nil, nil},
		"expiry":        {func(s state) { s.Advance(65 * time.Second) }, token.ErrExpired, func(s state) { s.Set(noon) }},
		"clock back":    {func(s state) { s.Advance(-6 * time.Second) }, token.ErrNotYetValid, func(s state) { s.Set(noon) }},
		"revocation":    {func(s state) { s.revoked.Store(true) }, token.ErrRevoked, func(s state) { s.revoked.Store(false) }},
		"key withdrawn": {func(s state) { s.src.key.Store(nil) }, token.ErrUnknownKey, func(s state) { s.src.key.Store(s.key.Public()) }},
		"key replaced under its name": {func(s state) {
			k, err := token.NewPublicKey(s.key.ID, testKeys()[token.RS256][1].Public().Crypto())
			if err != nil {
				panic(err)
			}
			s.src.key.Store(k)
		}, token.ErrSignature, func(s state) { s.src.key.Store(s.key.Public()) }},
		"same key, loaded anew": {func(s state) {
			k, err := token.NewPublicKey(s.key.ID, s.key.Public().Crypto())
			if err != nil {
				panic(err)
			}
			s.src.key.Store(k)
		}, nil, nil},
		"keys unavailable": {func(s state) { err := token.ErrUnavailable; s.src.fail.Store(&err) }, token.ErrUnavailable,
			func(s state) { s.src.fail.Store(nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := state{newWorld(t), &countingSource{}, &atomic.Bool{}}
			s.src.key.Store(s.key.Public())
			s.v.Keys = s.src
			s.v.Revoked = func(*token.Claims) bool { return s.revoked.Load() }
			tok := s.mint(t)
			first, err := s.v.Verify(context.Background(), tok)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := s.v.Verify(context.Background(), tok); err != nil || again != first {
				t.Fatalf("it was not remembered: %v", err)
			}
			c.change(s)
			for range 2 {
				if err := verify(s.v, tok); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
			}
			if c.undo != nil {
				c.undo(s)
				if err := verify(s.v, tok); err != nil {
					t.Errorf("after undoing: %v", err)
				}
			}
		})
	}
}

// TestAttack_T14_NoConfusion: tokens that share the bytes that are hashed are
// told apart.
func TestAttack_T14_NoConfusion(t *testing.T) {
	w := newWorld(t)
	good := w.mint(t)
	if err := verify(w.v, good); err != nil {
		t.Fatal(err)
	}
	h, p, s := segments(good)
	for name, tok := range map[string]string{
		"payload":           h + "." + b64(strings.Replace(unb64(t, p), "user_2", "user_3", 1)) + "." + s,
		"header":            b64(unb64(t, h)+" ") + "." + p + "." + s,
		"signature's start": h + "." + p + "." + "AAAA" + s[4:],
		"the end alone":     good[len(good)-32:],
	} {
		if tok == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if err := verify(w.v, tok); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := verify(w.v, good); err != nil {
		t.Error(err)
	}
}

// TestAttack_T14_Bounded: the cache keeps no more than it is told, keeps what
// is in use, and gives room to live tokens instead of dead ones.
func TestAttack_T14_Bounded(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	mint := func(i int) string {
		return w.mintOf(t, token.Claims{Subject: "u", SessionID: fmt.Sprint("s", i)})
	}
	for _, size := range []int{-1, 1, 63, 64, 100, 1000} {
		v := &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: w.Now, CacheSize: size}
		for i := range 1500 {
			tok := mint(i)
			for range 2 {
				if err := verify(v, tok); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := v.Len(); n > max(size, 0) {
			t.Errorf("size %d holds %d", size, n)
		}
	}
	// Dead tokens make room, so the cache is about as large as what is live.
	v := newCacheVerifier(w, 0)
	for round := range 20 {
		for i := range 200 {
			if err := verify(v, mint(round*1000+i)); err != nil {
				t.Fatal(err)
			}
		}
		w.Advance(2 * time.Minute)
	}
	if n := v.Len(); n > 800 {
		t.Errorf("%d tokens are kept for 200 live ones", n)
	}
	// A token in steady use outlives a flood of others.
	v = newCacheVerifier(w, 64*8)
	hot := mint(1 << 20)
	kept, asked := 0, 0
	var last *token.Claims
	for i := range 4000 {
		if err := verify(v, mint(1<<21+i)); err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(context.Background(), hot)
		if err != nil {
			t.Fatal(err)
		}
		if asked++; c == last {
			kept++
		}
		last = c
	}
	if kept < asked*9/10 {
		t.Errorf("the hot token was found %d times of %d", kept, asked)
	}
}

func newCacheVerifier(w *world, size int) *token.Verifier {
	return &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: w.Now, CacheSize: size}
}

// TestAttack_T14_Race verifies, revokes and withdraws at once.
func TestAttack_T14_Race(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	src := &countingSource{}
	src.key.Store(w.key.Public())
	var revoked atomic.Bool
	v := &token.Verifier{
		Issuer: issuerURL, Keys: src, Now: w.Now, CacheSize: 100,
		Revoked: func(*token.Claims) bool { return revoked.Load() },
	}
	tokens := make([]string, 300)
	for i := range tokens {
		tokens[i] = w.mintOf(t, token.Claims{Subject: "u", SessionID: fmt.Sprint("s", i)})
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 400 {
				i := rand.IntN(len(tokens))
				c, err := v.Verify(context.Background(), tokens[i])
				if err == nil && c.SessionID != fmt.Sprint("s", i) {
					t.Errorf("got %s for %d", c.SessionID, i)
				}
				if err != nil && !errors.Is(err, token.ErrRevoked) && !errors.Is(err, token.ErrUnknownKey) {
					t.Error(err)
				}
			}
		})
	}
	for i := range 100 {
		revoked.Store(i%3 == 0)
		if i%5 == 0 {
			src.key.Store(nil)
		} else {
			src.key.Store(w.key.Public())
		}
	}
	wg.Wait()
	if n := v.Len(); n > 100 {
		t.Errorf("%d tokens are kept", n)
	}
	// Once it is revoked, no call that begins later lets it pass.
	revoked.Store(true)
	for _, tok := range tokens {
		if err := verify(v, tok); err == nil {
			t.Fatal("a revoked token passed")
		}
	}
}

// TestRepeatAllocates shows that a token that was seen costs nothing to the
// collector.
func TestRepeatAllocates(t *testing.T) {
	w := newWorld(t)
	tok := w.mint(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = w.v.Verify(ctx, tok) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	w.v = newCacheVerifier(w, -1)
	if n := testing.AllocsPerRun(100, func() { _, _ = w.v.Verify(ctx, tok) }); n > 40 {
		t.Errorf("first sight: %v allocations", n)
	}
}
