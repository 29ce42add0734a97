package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usherauth/usher/store"
)

const (
	ruleAtomic   = "1. all of fn's writes are kept, or none: after an error, a panic or a cancelled context nothing remains"
	ruleSnapshot = "2. inside fn, reads see one state, plus fn's own writes"
	ruleDone     = "7. a tx is dead when fn returns: ErrTxDone"
)

var txCases = []testCase{
	{name: "tx/own writes", rule: ruleSnapshot, run: ownWrites},
	{name: "tx/rollback on error", rule: ruleAtomic, run: rollbackOnError},
	{name: "tx/rollback on panic", rule: ruleAtomic + "; the panic goes on", run: rollbackOnPanic},
	{name: "tx/rollback on failed write", rule: ruleAtomic, run: rollbackOnFailedWrite},
	{name: "tx/rollback on cancel", rule: ruleAtomic, run: rollbackOnCancel},
	{name: "tx/cancelled before", rule: "a store refuses work on a cancelled context with the error of the context", run: cancelledBefore},
	{name: "tx/error of fn", rule: "View and Update return the error of fn, as errors.Is sees it", run: errorOfFn},
	{name: "tx/snapshot in view", rule: ruleSnapshot, run: snapshotInView},
	{name: "tx/snapshot in update", rule: ruleSnapshot, run: snapshotInUpdate},
	{name: "tx/read only", rule: "Put and Delete in View fail with ErrReadOnly", run: readOnly},
	{name: "tx/done", rule: ruleDone, run: txDone},
	{name: "tx/re-run", rule: "3. a store may call fn again; what earlier runs wrote is gone", run: reRun},
	{name: "tx/conflict ends", rule: "3. a store calls fn again a few times, not for ever, and returns ErrConflict", run: conflictEnds},
	{name: "tx/closed", rule: "nothing works after Close", run: closed, closes: true},
}

// sees ends the case if the transaction does not see exactly these records
// through Find, Count and Get. They are separated by spaces.
func (r *run) sees(tx store.Tx, q store.Query, want string) error {
	recs, err := tx.Find(r.ctx, q)
	if err != nil {
		return err
	}
	if got := idsOf(recs); got != want {
		r.failf("in the transaction Find %s = [%s], want [%s]", show(q), got, want)
	}
	n, err := tx.Count(r.ctx, q)
	if err == nil && n != len(recs) {
		r.failf("in the transaction Count %s = %d, want %d", show(q), n, len(recs))
	}
	return err
}

func ownWrites(r *run) {
	r.put(rec("a", "tag=old", "email=x"), rec("b", "tag=old"))
	r.ok("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
		v, err := tx.Put(r.ctx, at(rec("a", "tag=new", "rank=1"), 1))
		if err != nil {
			return err
		}
		got, err := tx.Get(r.ctx, item, "a")
		if err != nil {
			return err
		}
		r.wantRecord("Get after Put in one transaction", got, at(rec("a", "tag=new", "rank=1"), v))
		if err := tx.Delete(r.ctx, item, "b", 1); err != nil {
			return err
		}
		_, err = tx.Get(r.ctx, item, "b")
		r.is("Get after Delete in one transaction", err, store.ErrNotFound)
		if _, err := tx.Put(r.ctx, rec("c", "tag=new", "email=x")); err != nil {
			return err
		}
		if _, err := tx.Put(r.ctx, at(rec("a", "tag=new", "rank=2"), v)); err != nil {
			return err
		}
		return errors.Join(
			r.sees(tx, where(), "a c"),
			r.sees(tx, where(match("tag", store.In, "old")), ""),
			r.sees(tx, where(match("tag", store.In, "new")), "a c"),
			r.sees(tx, where(match("rank", store.In, "1")), ""),
			r.sees(tx, ordered("rank", true), "a c"),
		)
	}))
	r.wantIDs(where(), "a c")
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=new", "rank=2"), 3))
}

// scratch writes in every way there is, to be rolled back.
func (r *run) scratch(ctx context.Context, tx store.Tx) error {
	if _, err := tx.Put(ctx, at(rec("a", "email=changed", "tag=changed"), 1)); err != nil {
		return err
	}
	if err := tx.Delete(ctx, item, "b", 1); err != nil {
		return err
	}
	_, err := tx.Put(ctx, rec("c", "email=new", "alias=new"))
	return err
}

// unscratched ends the case if anything that scratch wrote is there.
func (r *run) unscratched() {
	r.wantIDs(where(), "a b")
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "email=x"), 1))
	r.wantRecord("Get", r.get(item, "b"), at(rec("b", "email=y", "tag=t"), 1))
	r.wantIDs(where(match("tag", store.In, "changed")), "")
	r.wantIDs(where(match("tag", store.In, "t")), "b")
	r.put(rec("d", "email=new", "alias=new"), rec("e", "email=changed"))
}

func beforeScratch(r *run) { r.put(rec("a", "email=x"), rec("b", "email=y", "tag=t")) }

func rollbackOnError(r *run) {
	beforeScratch(r)
	mine := errors.New("mine")
	r.is("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
		r.ok("scratch", r.scratch(r.ctx, tx))
		return mine
	}), mine)
	r.unscratched()
}

func rollbackOnPanic(r *run) {
	beforeScratch(r)
	func() {
		defer func() {
			if p := recover(); p != any("boom") {
				r.failf("Update ended with panic %v, want the one of fn", p)
			}
		}()
		err := r.s.Update(r.ctx, func(tx store.Tx) error {
			r.ok("scratch", r.scratch(r.ctx, tx))
			panic("boom")
		})
		r.failf("Update swallowed the panic of fn and returned %v", err)
	}()
	r.unscratched()
}

func rollbackOnFailedWrite(r *run) {
	beforeScratch(r)
	r.is("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
		r.ok("scratch", r.scratch(r.ctx, tx))
		_, err := tx.Put(r.ctx, at(rec("a"), 7))
		return err
	}), store.ErrConflict)
	r.unscratched()
}

func rollbackOnCancel(r *run) {
	beforeScratch(r)
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	err := r.s.Update(ctx, func(tx store.Tx) error {
		err := r.scratch(ctx, tx)
		cancel()
		return err
	})
	if err == nil {
		r.failf("Update committed although its context was cancelled in fn")
	}
	r.is("Update", err, context.Canceled)
	r.unscratched()
}

func cancelledBefore(r *run) {
	r.put(rec("a"))
	cancelled, cancel := context.WithCancel(r.ctx)
	cancel()
	late, cancel := context.WithDeadline(r.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: context.DeadlineExceeded} {
		r.is("View", r.s.View(ctx, func(tx store.Tx) error {
			_, err := tx.Get(ctx, item, "a")
			return err
		}), want)
		r.is("Update", r.s.Update(ctx, func(tx store.Tx) error {
			_, err := tx.Put(ctx, rec("b"))
			return err
		}), want)
	}
	r.wantIDs(where(), "a")
	r.is("View of a call with a cancelled context", r.s.View(r.ctx, func(tx store.Tx) error {
		_, err := tx.Find(cancelled, where())
		return err
	}), context.Canceled)
}

type typedError struct{ n int }

func (e *typedError) Error() string { return fmt.Sprint("typed ", e.n) }

func errorOfFn(r *run) {
	for what, do := range map[string]func(context.Context, func(store.Tx) error) error{"View": r.s.View, "Update": r.s.Update} {
		err := do(r.ctx, func(store.Tx) error { return fmt.Errorf("wrapped: %w", &typedError{7}) })
		if e, ok := errors.AsType[*typedError](err); !ok || e.n != 7 {
			r.failf("%s returned %v, want the error of fn", what, err)
		}
		err = do(r.ctx, func(tx store.Tx) error {
			_, err := tx.Get(r.ctx, item, "none")
			return fmt.Errorf("wrapped: %w", err)
		})
		r.is(what, err, store.ErrNotFound)
	}
}

// meanwhile runs an Update of another goroutine and waits for its end, but
// not for long: a store may make it wait for the transaction under way. The
// result is for after that.
func (r *run) meanwhile(fn func(tx store.Tx) error) <-chan error {
	done, result := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		result <- r.s.Update(r.ctx, fn)
	}()
	select {
	case <-done:
	case <-time.After(200 * time.Millisecond):
	}
	return result
}

// intrude changes everything that look sees.
func (r *run) intrude() <-chan error {
	return r.meanwhile(func(tx store.Tx) error {
		if _, err := tx.Put(r.ctx, at(rec("a", "tag=changed"), 1)); err != nil {
			return err
		}
		if err := tx.Delete(r.ctx, item, "b", 1); err != nil {
			return err
		}
		if _, err := tx.Put(r.ctx, rec("c", "tag=t")); err != nil {
			return err
		}
		stranger := rec("s")
		stranger.Kind = other
		_, err := tx.Put(r.ctx, stranger)
		return err
	})
}

// look ends the case if the transaction sees anything of intrude's.
func (r *run) look(tx store.Tx) error {
	for _, id := range []string{"a", "b"} {
		got, err := tx.Get(r.ctx, item, id)
		if err != nil {
			return fmt.Errorf("Get %s: %w", id, err)
		}
		r.wantRecord("Get", got, at(rec(id, "tag=t"), 1))
	}
	if err := r.sees(tx, where(match("tag", store.In, "t")), "a b"); err != nil {
		return err
	}
	return r.sees(tx, store.Query{Kind: other}, "")
}

func snapshotInView(r *run) {
	r.put(rec("a", "tag=t"), rec("b", "tag=t"))
	var result <-chan error
	r.ok("View", r.s.View(r.ctx, func(tx store.Tx) error {
		if result != nil {
			return nil // run again, which is allowed: nothing more to see
		}
		if _, err := tx.Get(r.ctx, item, "a"); err != nil {
			return err
		}
		result = r.intrude()
		return r.look(tx)
	}))
	r.ok("Update meanwhile", <-result)
	r.wantIDs(where(), "a c")
}

func snapshotInUpdate(r *run) {
	r.put(rec("a", "tag=t"), rec("b", "tag=t"))
	var result <-chan error
	err := r.s.Update(r.ctx, func(tx store.Tx) error {
		if result != nil {
			return nil
		}
		if _, err := tx.Get(r.ctx, item, "a"); err != nil {
			return err
		}
		result = r.intrude()
		if err := r.look(tx); err != nil {
			return err
		}
		_, err := tx.Put(r.ctx, rec("mine"))
		return err
	})
	if !errors.Is(err, store.ErrConflict) {
		r.ok("Update", err)
	}
	r.ok("Update meanwhile", <-result)
	r.get(item, "c")
}

func readOnly(r *run) {
	r.put(rec("a"))
	r.is("View that puts", r.s.View(r.ctx, func(tx store.Tx) error {
		_, err := tx.Put(r.ctx, rec("b"))
		return err
	}), store.ErrReadOnly)
	r.is("View that deletes", r.s.View(r.ctx, func(tx store.Tx) error {
		return tx.Delete(r.ctx, item, "a", 1)
	}), store.ErrReadOnly)
	r.wantIDs(where(), "a")
}

func txDone(r *run) {
	r.put(rec("a"))
	var txs []store.Tx
	keep := func(tx store.Tx) error { txs = append(txs, tx); return nil }
	r.ok("View", r.s.View(r.ctx, keep))
	r.ok("Update", r.s.Update(r.ctx, keep))
	mine := errors.New("mine")
	r.is("Update", r.s.Update(r.ctx, func(tx store.Tx) error { return errors.Join(keep(tx), mine) }), mine)
	for _, tx := range txs {
		_, err := tx.Get(r.ctx, item, "a")
		r.is("Get after fn", err, store.ErrTxDone)
		_, err = tx.Find(r.ctx, where())
		r.is("Find after fn", err, store.ErrTxDone)
		_, err = tx.Count(r.ctx, where())
		r.is("Count after fn", err, store.ErrTxDone)
		_, err = tx.Put(r.ctx, rec("b"))
		r.is("Put after fn", err, store.ErrTxDone)
		r.is("Delete after fn", tx.Delete(r.ctx, item, "a", 1), store.ErrTxDone)
	}
	r.wantIDs(where(), "a")
}

func reRun(r *run) {
	r.put(rec("a"))
	add := func(tx store.Tx, entry string) error {
		a, err := tx.Get(r.ctx, item, "a")
		if err != nil {
			return err
		}
		a.Entries = append(a.Entries, store.Entry{Index: "tag", Value: entry})
		_, err = tx.Put(r.ctx, a)
		return err
	}
	runs := 0
	var result <-chan error
	err := r.s.Update(r.ctx, func(tx store.Tx) error {
		runs++
		if _, err := tx.Put(r.ctx, rec(fmt.Sprint("run ", runs), "email=run")); err != nil {
			return err
		}
		if _, err := tx.Get(r.ctx, item, "a"); err != nil {
			return err
		}
		if result == nil {
			result = r.meanwhile(func(tx store.Tx) error { return add(tx, "theirs") })
		}
		return add(tx, "mine")
	})
	r.ok("Update meanwhile", <-result)
	if errors.Is(err, store.ErrConflict) {
		r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=theirs"), 2))
		r.wantIDs(where(), "a")
		return
	}
	r.ok("Update", err)
	r.wantRecord("Get", r.get(item, "a"), at(rec("a", "tag=theirs", "tag=mine"), 3))
	r.wantIDs(where(match("email", store.In, "run")), fmt.Sprint("run ", runs))
	r.wantCount(where(), 2)
}

func conflictEnds(r *run) {
	r.put(rec("a"))
	runs := 0
	r.is("Update", r.s.Update(r.ctx, func(tx store.Tx) error {
		if runs++; runs > 100 {
			r.failf("Update called fn more than 100 times")
		}
		if _, err := tx.Put(r.ctx, rec("b")); err != nil {
			return err
		}
		_, err := tx.Put(r.ctx, at(rec("a"), 9))
		return err
	}), store.ErrConflict)
	r.wantIDs(where(), "a")
}

func closed(r *run) {
	r.put(rec("a"))
	r.ok("Close", r.s.Close())
	never := func(tx store.Tx) error {
		_, err := tx.Get(r.ctx, item, "a")
		return err
	}
	_, purgeErr := r.s.Purge(r.ctx, noon)
	for what, err := range map[string]error{"View": r.s.View(r.ctx, never), "Update": r.s.Update(r.ctx, never), "Purge": purgeErr} {
		if err == nil || errors.Is(err, store.ErrNotFound) {
			r.failf("%s of a closed store: %v", what, err)
		}
	}
}
