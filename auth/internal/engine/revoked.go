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
	// learned is until when the store was asked, overlooked when it was last
	// asked for all that still matters. New sets them, then Run's jobs alone.
	learned, overlooked time.Time
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

const (
	// learnOverlap is how much of what was asked before is asked again, for
	// clocks that differ and transactions that took a while.
	learnOverlap = 30 * time.Second
	// overlookEvery is how often all is asked again that still matters. A
	// session that the host ended in a transaction of its own has ended when
	// that began, and is seen when it commits: nobody knows how much later.
	overlookEvery = 30 * time.Second
)

// loadRevocations reads all that has ended before its tokens.
func (e *Engine) loadRevocations(ctx context.Context) error {
	now := e.now()
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) error {
		recent, err := session.EndedSince(ctx, tx, now.Add(-maxTokenLifetime-tokenLeeway))
		if err != nil {
			return err
		}
		long, err := session.EndedBeforeTokens(ctx, tx, now)
		ss = append(recent, long...)
		return err
	})
	if err != nil {
		return err
	}
	e.revoked.add(ss)
	if err := e.loadOrgChanges(ctx, now); err != nil {
		return err
	}
	e.revoked.learned, e.revoked.overlooked = now, now
	return nil
}

// learnRevocations asks the store which sessions others have ended since the
// last time.
func (e *Engine) learnRevocations(ctx context.Context) error {
	now := e.now()
	if now.Sub(e.revoked.overlooked) >= overlookEvery {
		return e.loadRevocations(ctx)
	}
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) (err error) {
		ss, err = session.EndedSince(ctx, tx, e.revoked.learned.Add(-learnOverlap))
		return err
	})
	if err != nil {
		return err
	}
	e.revoked.add(ss)
	if err := e.learnOrgChanges(ctx, e.revoked.learned.Add(-learnOverlap)); err != nil {
		return err
	}
	e.revoked.learned = now
	return nil
}
