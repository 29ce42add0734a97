package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/store"
)

const (
	racers = 16 // goroutines in every race
	rounds = 8  // a race is run so often, since it may be won by luck
)

var raceCases = []testCase{
	{name: "races/consume once", rule: "3. of many that Delete one record at the version read, one succeeds", run: consumeOnce},
	{name: "races/lost update", rule: "3. of many that read, add one and Put, none is lost", run: lostUpdate},
	{name: "races/one insert", rule: "3. of many that Put one ID at version 0, one succeeds", run: oneInsert},
	{name: "races/one unique winner", rule: ruleUnique, run: uniqueWinner},
	{name: "races/guard record", rule: "a rule over several records holds if all who touch them Put one guard record", run: guardRecord},
	{name: "races/snapshot", rule: ruleSnapshot + ", also while others write", run: transfers},
	{name: "races/first use of a kind", rule: "a kind needs no preparation, whoever uses it first", run: firstUse},
	{name: "races/purge", rule: "Purge may run beside everything else, also beside itself", run: purgeRace},
}

// race runs fn in many goroutines at once and returns their errors.
func (r *run) race(fn func(i int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// A meeting makes two transactions overlap, where the store lets them: the
// first to come waits for a second one, but not for long.
type meeting struct {
	arrived atomic.Int32
	second  chan struct{}
}

func newMeeting() *meeting { return &meeting{second: make(chan struct{})} }

// patience is how long a transaction waits for another one, which the store
// may keep waiting for it.
const patience = 20 * time.Millisecond

func (m *meeting) wait() {
	switch m.arrived.Add(1) {
	case 1:
		select {
		case <-m.second:
		case <-time.After(patience):
		}
	case 2:
		close(m.second)
	}
}

// update is Update that tries again for as long as there are conflicts.
func (r *run) update(fn func(tx store.Tx) error) error {
	for {
		err := r.s.Update(r.ctx, fn)
		if !errors.Is(err, store.ErrConflict) || r.ctx.Err() != nil {
			return err
		}
	}
}

// wantWinners ends the case unless so many succeeded and the others lost.
func (r *run) wantWinners(errs []error, want int, lost func(error) bool) {
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !lost(err):
			r.failf("a loser of the race got: %v", err)
		}
	}
	if won != want {
		r.failf("%d of %d succeeded, want %d", won, len(errs), want)
	}
}

func isLost(err error) bool {
	return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound)
}

func consumeOnce(r *run) {
	for round := range rounds {
		id, m := fmt.Sprint("code ", round), newMeeting()
		r.put(rec(id))
		r.wantWinners(r.race(func(int) error {
			return r.s.Update(r.ctx, func(tx store.Tx) error {
				rc, err := tx.Get(r.ctx, item, id)
				if err != nil {
					return err
				}
				m.wait()
				return tx.Delete(r.ctx, item, id, rc.Version)
			})
		}), 1, isLost)
		r.missing(id)
	}
}

// addTo adds n to the number that a record's document is.
func (r *run) addTo(ctx context.Context, tx store.Tx, id string, n int) error {
	rc, err := tx.Get(ctx, item, id)
	if err != nil {
		return err
	}
	old, err := strconv.Atoi(string(rc.Data))
	if err != nil {
		return err
	}
	rc.Data = strconv.AppendInt(nil, int64(old+n), 10)
	_, err = tx.Put(ctx, rc)
	return err
}

func number(id string, n int) store.Record {
	rc := rec(id)
	rc.Data = strconv.AppendInt(nil, int64(n), 10)
	return rc
}

func lostUpdate(r *run) {
	r.put(number("n", 0))
	m := newMeeting()
	errs := r.race(func(int) error {
		for range rounds {
			if err := r.update(func(tx store.Tx) error {
				if _, err := tx.Get(r.ctx, item, "n"); err != nil {
					return err
				}
				m.wait()
				return r.addTo(r.ctx, tx, "n", 1)
			}); err != nil {
				return err
			}
		}
		return nil
	})
	r.ok("Update", errors.Join(errs...))
	got := r.get(item, "n")
	if string(got.Data) != strconv.Itoa(racers*rounds) || got.Version != racers*rounds+1 {
		r.failf("counter is %s at version %d after %d additions", got.Data, got.Version, racers*rounds)
	}
}

// lookAndMeet reads, so that the transaction has its snapshot, and then meets
// another one.
func (r *run) lookAndMeet(tx store.Tx, q store.Query, m *meeting) error {
	_, err := tx.Count(r.ctx, q)
	m.wait()
	return err
}

func oneInsert(r *run) {
	for round := range rounds {
		id, m := fmt.Sprint("id ", round), newMeeting()
		r.wantWinners(r.race(func(i int) error {
			return r.s.Update(r.ctx, func(tx store.Tx) error {
				if err := r.lookAndMeet(tx, where(match("", store.In, id)), m); err != nil {
					return err
				}
				_, err := tx.Put(r.ctx, number(id, i))
				return err
			})
		}), 1, isLost)
		if v := r.get(item, id).Version; v != 1 {
			r.failf("Version is %d, want 1", v)
		}
	}
}

func uniqueWinner(r *run) {
	for round := range rounds {
		email, alias, m := fmt.Sprint("email=", round), fmt.Sprint("alias=", round), newMeeting()
		r.wantWinners(r.race(func(i int) error {
			id := fmt.Sprint(round, " ", i)
			return r.update(func(tx store.Tx) error {
				if err := r.lookAndMeet(tx, where(match("email", store.In, strconv.Itoa(round))), m); err != nil {
					return err
				}
				_, err := tx.Put(r.ctx, rec(id, email, alias))
				return err
			})
		}), 1, func(err error) bool {
			_, ok := errors.AsType[*store.DuplicateError](err)
			return ok
		})
		for _, index := range []string{"email", "alias"} {
			r.wantCount(where(match(index, store.In, strconv.Itoa(round))), 1)
		}
	}
	r.wantCount(where(), rounds)
}

// guardRecord lets both administrators of many organizations leave at once; in
// each one of them must stay.
func guardRecord(r *run) {
	const orgs = racers / 2
	errLast := errors.New("the last one stays")
	var meetings [orgs]*meeting
	admins := func(org int) store.Query { return where(match("tag", store.In, fmt.Sprint("admin of ", org))) }
	for org := range orgs {
		meetings[org] = newMeeting()
		tag := fmt.Sprint("tag=admin of ", org)
		r.put(number(fmt.Sprint("guard ", org), 0), rec(fmt.Sprint("admin ", org), tag), rec(fmt.Sprint("admin ", org+orgs), tag))
	}
	errs := r.race(func(i int) error {
		return r.update(func(tx store.Tx) error {
			n, err := tx.Count(r.ctx, admins(i%orgs))
			if err != nil {
				return err
			}
			meetings[i%orgs].wait()
			if n == 1 {
				return errLast
			}
			if err := tx.Delete(r.ctx, item, fmt.Sprint("admin ", i), 1); err != nil {
				return err
			}
			return r.addTo(r.ctx, tx, fmt.Sprint("guard ", i%orgs), 1)
		})
	})
	r.wantWinners(errs, orgs, func(err error) bool { return errors.Is(err, errLast) })
	for org := range orgs {
		r.wantCount(admins(org), 1)
	}
}

// transfers moves amounts between accounts for as long as others add them up.
func transfers(r *run) {
	const accounts, each, readers = 4, 100, racers / 2
	for i := range accounts {
		r.put(number(fmt.Sprint("account ", i), each))
	}
	var reading atomic.Int32
	reading.Store(readers)
	moved := make(chan struct{}) // told of moves that anybody waits for
	move := func(i, n int) error {
		from, to := fmt.Sprint("account ", (i+n)%accounts), fmt.Sprint("account ", (i+n+1)%accounts)
		return r.update(func(tx store.Tx) error {
			if err := r.addTo(r.ctx, tx, from, -n); err != nil {
				return err
			}
			return r.addTo(r.ctx, tx, to, n)
		})
	}
	errs := r.race(func(i int) error {
		if i < readers {
			defer reading.Add(-1)
			for range rounds {
				if err := r.s.View(r.ctx, func(tx store.Tx) error { return r.sum(tx, accounts, accounts*each, moved) }); err != nil {
					return err
				}
			}
			return nil
		}
		for n := 1; n == 1 || reading.Load() > 0; n++ {
			if err := move(i, n); err != nil {
				return err
			}
			select {
			case moved <- struct{}{}:
			default:
			}
		}
		return nil
	})
	r.ok("race", errors.Join(errs...))
}

// sum adds accounts up, in two ways. In the midst of it it waits for somebody
// to move something, but not for long.
func (r *run) sum(tx store.Tx, accounts, want int, moved <-chan struct{}) error {
	one, all := 0, 0
	for i := range accounts {
		rc, err := tx.Get(r.ctx, item, fmt.Sprint("account ", i))
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rc.Data))
		if err != nil {
			return err
		}
		one += n
		if i == 0 {
			select {
			case <-moved:
			case <-time.After(patience):
			}
		}
	}
	recs, err := tx.Find(r.ctx, where())
	if err != nil {
		return err
	}
	for _, rc := range recs {
		n, err := strconv.Atoi(string(rc.Data))
		if err != nil {
			return err
		}
		all += n
	}
	if one != want || all != want {
		return fmt.Errorf("accounts add up to %d by Get and %d by Find in one View, want %d", one, all, want)
	}
	return nil
}

func firstUse(r *run) {
	k := &store.Kind{Name: "storetest_first", Indexes: []store.Index{{Name: "tag", Many: true}, {Name: "email", Unique: true}}}
	m := newMeeting()
	errs := r.race(func(i int) error {
		rc := store.Record{Kind: k, ID: fmt.Sprint(i), Data: []byte(`0`), Entries: []store.Entry{{Index: "tag", Value: "t"}}}
		if err := r.update(func(tx store.Tx) error {
			if err := r.lookAndMeet(tx, store.Query{Kind: k}, m); err != nil {
				return err
			}
			_, err := tx.Put(r.ctx, rc)
			return err
		}); err != nil {
			return err
		}
		_, err := r.tryFind(store.Query{Kind: k})
		return err
	})
	r.ok("race", errors.Join(errs...))
	r.wantCount(store.Query{Kind: k, Where: []store.Match{match("tag", store.In, "t")}}, racers)
}

func (r *run) tryFind(q store.Query) (recs []store.Record, err error) {
	err = r.s.View(r.ctx, func(tx store.Tx) error {
		recs, err = tx.Find(r.ctx, q)
		return err
	})
	return recs, err
}

func purgeRace(r *run) {
	const each = 40
	for i := range each {
		r.put(until(rec(fmt.Sprint("old ", i)), -1e9), rec(fmt.Sprint("new ", i)))
	}
	var purged atomic.Int64
	errs := r.race(func(i int) error {
		if i%4 == 0 {
			n, err := r.s.Purge(r.ctx, noon)
			purged.Add(int64(n))
			return err
		}
		return r.update(func(tx store.Tx) error {
			_, err := tx.Put(r.ctx, rec(fmt.Sprint("racer ", i)))
			return err
		})
	})
	r.ok("race", errors.Join(errs...))
	if n := purged.Load(); n != each {
		r.failf("concurrent Purges deleted %d records together, want %d", n, each)
	}
	r.wantCount(where(), each+racers-racers/4)
}
