package storetest

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
)

const rulePurge = "Purge deletes records of every kind whose Expires is set and before the given time, and returns how many"

var purgeCases = []testCase{
	{name: "purge/expired", rule: rulePurge, run: purgeExpired},
	{name: "purge/unexpired stay", rule: rulePurge, run: purgeUnexpired},
	{name: "purge/entries", rule: "Purge removes the entries of what it deletes", run: purgeEntries},
	{name: "purge/many", rule: rulePurge, run: purgeMany},
	{name: "purge/nothing", rule: "Purge of an empty store is no error", run: purgeNothing},
	{name: "purge/cancelled", rule: "Purge does nothing with a cancelled context", run: purgeCancelled},
}

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// until returns rc with Expires so far from noon.
func until(rc store.Record, d time.Duration) store.Record {
	rc.Expires = noon.Add(d)
	return rc
}

func (r *run) purge(want int) {
	n, err := r.s.Purge(r.ctx, noon)
	r.ok("Purge", err)
	if n != want {
		r.failf("Purge returned %d, want %d", n, want)
	}
}

func purgeExpired(r *run) {
	stranger := until(rec("a"), -time.Hour)
	stranger.Kind = other
	r.put(until(rec("a"), -time.Hour), until(rec("b"), -time.Millisecond), until(rec("c"), time.Hour), stranger)
	r.purge(3)
	r.wantIDs(where(), "c")
	r.wantIDs(store.Query{Kind: other}, "")
	r.purge(0)
	r.put(rec("a"))
}

func purgeUnexpired(r *run) {
	r.put(until(rec("a"), 0), until(rec("b"), time.Millisecond), rec("c"))
	r.put(until(rec("d"), -time.Hour))
	r.put(at(until(rec("d"), time.Hour), 1)) // prolonged
	r.put(until(rec("e"), -time.Hour))
	r.put(at(rec("e"), 1)) // made to stay
	r.purge(0)
	r.wantIDs(where(), "a b c d e")
}

func purgeEntries(r *run) {
	r.put(until(rec("a", "email=x", "alias=x", "tag=t", "rank=1"), -time.Hour))
	r.purge(1)
	r.wantIDs(where(match("tag", store.In, "t")), "")
	r.wantCount(where(match("tag", store.In, "t")), 0)
	r.put(rec("b", "email=x", "alias=x"))
}

func purgeMany(r *run) {
	const n = 350
	recs := []store.Record{rec("stays")}
	for i := range n {
		recs = append(recs, until(rec(store.IntKey(int64(i)), "tag=t", "email="+store.IntKey(int64(i))), -time.Hour))
	}
	r.put(recs...)
	r.purge(n)
	r.wantIDs(where(), "stays")
}

func purgeNothing(r *run) {
	r.purge(0)
	r.put(rec("a"))
	r.purge(0)
}

func purgeCancelled(r *run) {
	r.put(until(rec("a"), -time.Hour))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	if n, err := r.s.Purge(ctx, noon); err == nil || n != 0 {
		r.failf("Purge = %d, %v; want 0 and an error", n, err)
	}
	r.get(item, "a")
}
