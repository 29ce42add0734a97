// Package memory is a store in the memory of one process: for tests, for
// trying things out and for programs that may forget everything when they end.
//
//	s := memory.New()
//	defer s.Close()
//
// Readers never wait: a View sees the state at its start, for as long as it
// likes, and nobody waits for it. Updates run one after the other, so they
// never meet a conflict that a fresh read would not have avoided. A commit
// costs as much as was changed, whatever the size of the store.
//
// Unlike a database it enforces rule 5 of the contract: after a failed call
// the transaction answers every further one with the same error and cannot
// commit, so tests against it find callers that go on.
//
// # What it refuses
//
// No files, no limits on its size, no sharing between processes.
package memory

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/store"
)

// errClosed is what a closed store answers.
var errClosed = fmt.Errorf("%w: store is closed", store.ErrUnavailable)

// A Store keeps records in memory. Make it with [New].
type Store struct {
	root   atomic.Pointer[state]
	writer chan struct{} // holds one token: the right to write
	closed atomic.Bool
}

// A state is one version of everything in the store. It never changes.
type state struct {
	entries *tree           // by key, see there
	kinds   map[string]bool // names of all kinds ever put
}

// New returns an empty store.
func New() *Store {
	s := &Store{writer: make(chan struct{}, 1)}
	s.root.Store(&state{})
	return s
}

// View runs fn on the state of this moment.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	t := &tx{state: *s.root.Load(), readOnly: true}
	defer t.done.Store(true)
	return fn(t)
}

// Update runs fn when no other Update runs. It waits no longer than ctx lives.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// All that fn writes is in t alone until it is stored as the new root, so
	// an error, a panic or runtime.Goexit leaves nothing behind.
	t := &tx{state: *s.root.Load()}
	defer t.done.Store(true)
	if err := fn(t); err != nil {
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.root.Store(&t.state)
	return nil
}

func (s *Store) ready(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	return ctx.Err()
}

// purgeStep is how many records one transaction of Purge deletes.
const purgeStep = 100

// Purge deletes expired records, in transactions of a hundred.
func (s *Store) Purge(ctx context.Context, before time.Time) (int, error) {
	var expired []*store.Record
	root := s.root.Load()
	for kind := range root.kinds {
		from, to := bounds(kind, "")
		for r := range root.entries.between(from, to, false) {
			if isExpired(r, before) {
				expired = append(expired, r)
			}
		}
	}
	total := 0
	for len(expired) > 0 {
		n, step := 0, expired[:min(purgeStep, len(expired))]
		err := s.Update(ctx, func(stx store.Tx) error {
			t := stx.(*tx)
			for _, old := range step {
				// It may have changed since.
				if r := t.entries.get(recordKey(old.Kind, old.ID)); r == old {
					t.unlink(r)
					n++
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total, expired = total+n, expired[len(step):]
	}
	return total, s.ready(ctx)
}

func isExpired(r *store.Record, before time.Time) bool {
	return !r.Expires.IsZero() && r.Expires.Before(before)
}

// Close forgets everything. It may be called again.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.root.Store(&state{})
	return nil
}
