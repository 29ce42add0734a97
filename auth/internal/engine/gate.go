package engine

import (
	"context"
	"sync"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
)

// gates let few tries on one account be under way at once: right ones give
// their slots back before the next are taken, so that people are not locked out
// by being many at once. What counts is in the store; this only orders.
type gates struct {
	mu sync.Mutex
	m  map[string]*gate
}

type gate struct {
	pass  chan struct{}
	users int
}

const (
	gateWidth = 2
	gateQueue = 64 // tries that wait, and hold up a request each
	gateWait  = 2 * time.Second
)

// enter waits for the gate of an account and returns how to leave it.
func (g *gates) enter(ctx context.Context, id string) (leave func(), err error) {
	g.mu.Lock()
	if g.m == nil {
		g.m = map[string]*gate{}
	}
	one := g.m[id]
	if one == nil {
		one = &gate{pass: make(chan struct{}, gateWidth)}
		g.m[id] = one
	}
	full := one.users >= gateQueue
	if !full {
		one.users++
	}
	g.mu.Unlock()
	busy := fault.New("service_unavailable", "").After(time.Second)
	if full {
		return nil, busy
	}
	gone := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(g.m, id)
		}
	}
	late := time.NewTimer(gateWait)
	defer late.Stop()
	select {
	case one.pass <- struct{}{}:
		return func() { <-one.pass; gone() }, nil
	case <-late.C:
		gone()
		return nil, busy
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}
