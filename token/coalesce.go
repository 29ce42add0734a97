package token

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Coalescer lets equal requests share one token: all that ask with one key
// within Window of each other get what the first of them made. N tabs that
// renew at once cost one signature. The zero value is ready, and it must not
// be copied.
type Coalescer struct {
	// Window is how long a token is shared. 0 is one second.
	Window time.Duration
	// Size is how many keys are kept at most. 0 is 4,096. Beyond, requests are
	// served without sharing.
	Size int
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	flights map[string]*flight
	swept   time.Time
}

// A flight is one call of mint and its answer.
type flight struct {
	born  time.Time
	done  chan struct{} // closed once token and err are set
	token string
	err   error
}

// errAbandoned is the answer of a mint that panicked.
var errAbandoned = errors.New("token: mint did not return")

// Do returns mint's token, or that of an equal request. Everything that
// decides what the token says must be in key: session, organization, the
// version of the user. Mint runs in the goroutine of the first caller, with
// its ctx; the others wait for it or for their own ctx. Errors are shared with
// those who wait already and not kept, and a caller whose first one gave up
// (its ctx ended) mints itself.
func (c *Coalescer) Do(ctx context.Context, key string, mint func(context.Context) (string, error)) (string, error) {
	for {
		f, first := c.join(key)
		switch {
		case f == nil:
			return mint(ctx)
		case first:
			return c.lead(ctx, key, f, mint)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		gaveUp := errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded)
		if !gaveUp {
			return f.token, f.err
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
}

// lead runs mint for all who wait.
func (c *Coalescer) lead(ctx context.Context, key string, f *flight, mint func(context.Context) (string, error)) (string, error) {
	f.err = errAbandoned
	defer func() {
		if f.err != nil {
			c.mu.Lock()
			if c.flights[key] == f {
				delete(c.flights, key)
			}
			c.mu.Unlock()
		}
		close(f.done)
	}()
	f.token, f.err = mint(ctx)
	return f.token, f.err
}

// join returns the flight for key and whether the caller is its first, or nil
// if there is no room.
func (c *Coalescer) join(key string) (f *flight, first bool) {
	now, window, size := time.Now(), c.Window, c.Size
	if c.Now != nil {
		now = c.Now()
	}
	if window <= 0 {
		window = time.Second
	}
	if size <= 0 {
		size = 4096
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock that went back makes a flight look younger than none: not shared.
	if f := c.flights[key]; f != nil {
		if age := now.Sub(f.born); age < window && age > -window {
			return f, false
		}
	}
	if c.flights == nil {
		c.flights = make(map[string]*flight)
	}
	if age := now.Sub(c.swept); age >= window || age < 0 {
		for k, f := range c.flights {
			if old := now.Sub(f.born); old >= window || old <= -window {
				delete(c.flights, k)
			}
		}
		c.swept = now
	}
	if len(c.flights) >= size && c.flights[key] == nil {
		return nil, false
	}
	f = &flight{born: now, done: make(chan struct{})}
	c.flights[key] = f
	return f, true
}

// MintShared is [Issuer.Mint] through a coalescer: requests with the same key
// and the same claims, but for times and jti, share one token. So a change of
// the claims is seen at once, even within the window.
func (i *Issuer) MintShared(ctx context.Context, co *Coalescer, key string, c Claims) (string, error) {
	same := c
	same.IssuedAt, same.NotBefore, same.Expires, same.ID = time.Time{}, time.Time{}, time.Time{}, ""
	body, err := same.MarshalJSON()
	if err != nil {
		return "", err
	}
	life := c.Expires.Sub(c.IssuedAt).String() // another lifetime is another token
	return co.Do(ctx, key+"\x00"+string(c.Kind)+"\x00"+life+"\x00"+string(body), func(ctx context.Context) (string, error) {
		return i.Mint(ctx, c)
	})
}
