package engine

import (
	"context"
	"errors"
	"time"
)

// ErrRunning: Run was called while it runs already.
var ErrRunning = errors.New("usher: Run is running already")

const (
	purgeEvery = time.Hour
	learnEvery = time.Second
	sweepEvery = 10 * time.Second
	// Mails that could not be sent at commit, or by an instance that died, are
	// found by looking.
	outboxEvery = 10 * time.Second
)

// Run sends mail, learns what other instances have ended, rotates keys and
// purges expired records until ctx ends. Nothing else runs in the background.
// A job that fails is logged and tried again. The error is ctx's, or
// ErrRunning.
func (e *Engine) Run(ctx context.Context) error {
	if !e.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer e.running.Store(false)
	done := make(chan struct{})
	go func() { // a slow mail server does not hold up the rest
		defer close(done)
		e.runOutbox(ctx)
	}()
	e.runJobs(ctx)
	<-done
	return ctx.Err()
}

func (e *Engine) runJobs(ctx context.Context) {
	tick := time.NewTicker(learnEvery)
	defer tick.Stop()
	purged, swept := time.Time{}, time.Time{}
	for ctx.Err() == nil {
		now := e.now()
		e.job(ctx, "learn revocations", e.learnRevocations)
		if e.keysStale(now) {
			e.job(ctx, "rotate keys", e.rotateKeys)
		}
		if now.Sub(swept) >= sweepEvery {
			swept = now
			e.job(ctx, "sweep organizations", func(ctx context.Context) error {
				more, err := e.sweepOrganizations(ctx)
				if more && err == nil { // at the next tick
					swept = time.Time{}
				}
				return err
			})
		}
		if now.Sub(purged) >= purgeEvery {
			if e.job(ctx, "purge", func(ctx context.Context) error { _, err := e.store.Purge(ctx, now); return err }) {
				purged = now
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// job runs fn and reports whether it went well. A panic, of a host's store
// perhaps, is logged like an error.
func (e *Engine) job(ctx context.Context, name string, fn func(context.Context) error) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			e.log.ErrorContext(ctx, "background job panicked", "job", name, "panic", p)
			ok = false
		}
	}()
	if err := fn(ctx); err != nil {
		if ctx.Err() == nil {
			e.log.WarnContext(ctx, "background job failed, will try again", "job", name, "err", err)
		}
		return false
	}
	return true
}

func (e *Engine) runOutbox(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		}
		wait := outboxEvery
		e.job(ctx, "deliver mail", func(ctx context.Context) error {
			_, next, err := e.Deliver(ctx)
			if !next.IsZero() {
				wait = min(wait, max(next.Sub(e.now()), 100*time.Millisecond))
			}
			return err
		})
		timer.Reset(wait)
	}
}
