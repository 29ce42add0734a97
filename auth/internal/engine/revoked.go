package engine

import (
	"context"
	"sync"
	"time"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
)

// revocations remembers the sessions that have ended while their tokens may
// still be good, so that they are refused at once and without the store.
type revocations struct {
	now  func() time.Time
	sids sync.Map   // session ID → time.Time when its last token is dead; every request looks, without a lock
	mu   sync.Mutex // guards next
	next time.Time  // when to sweep
}

// tokenLeeway is more than any verifier's leeway and any clock's error.
const tokenLeeway = time.Minute

// maxTokenLifetime is the longest that settings allow.
const maxTokenLifetime = 5 * time.Minute

func (r *revocations) add(ss []*session.Session) {
	if len(ss) == 0 {
		return
	}
	now := r.now()
	for _, s := range ss {
		until := now.Add(maxTokenLifetime + tokenLeeway)
		if long := s.TokensUntil.Add(tokenLeeway); long.After(until) {
			until = long
		}
		r.sids.Store(s.ID, until)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.next) {
		r.sids.Range(func(sid, until any) bool {
			if now.After(until.(time.Time)) {
				r.sids.CompareAndDelete(sid, until)
			}
			return true
		})
		r.next = now.Add(tokenLeeway)
	}
}

// has reports whether a session is known to have ended.
func (r *revocations) has(sid string) bool {
	_, ok := r.sids.Load(sid)
	return ok
}

// loadRevocations reads at the start what has ended before its tokens.
func (e *Engine) loadRevocations(ctx context.Context) error {
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) error {
		now := e.now()
		recent, err := session.EndedSince(ctx, tx, now.Add(-maxTokenLifetime))
		if err != nil {
			return err
		}
		long, err := session.EndedBeforeTokens(ctx, tx, now)
		ss = append(recent, long...)
		return err
	})
	e.revoked.add(ss)
	return err
}

// learnRevocations asks the store which sessions other instances have ended since the
// last time, with some overlap for their clocks.
func (e *Engine) learnRevocations(ctx context.Context, since time.Time) error {
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) (err error) {
		ss, err = session.EndedSince(ctx, tx, since.Add(-30*time.Second))
		return err
	})
	e.revoked.add(ss)
	return err
}
