package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

var modelCases = []testCase{
	{name: "model", rule: "the store answers random operations as store/memory does", run: model},
}

// model runs the same random transactions against the store and store/memory.
// It finds what no other case has thought of.
func model(r *run) {
	log := &logTB{}
	done := make(chan struct{})
	go func() { // rapid ends the goroutine of a failed check
		defer close(done)
		rapid.Check(log, func(t *rapid.T) { m := newModel(r, t); m.steps(t); m.ref.Close() })
	}()
	<-done
	if log.failed {
		r.failf("%s", strings.Join(log.lines, "\n"))
	}
}

// A modelRun is one check: a store that was emptied and an empty memory.
type modelRun struct {
	r        *run
	ref      *memory.Store
	versions map[string]int64 // of stored records, by ID
}

func newModel(r *run, t *rapid.T) *modelRun {
	m := &modelRun{r: r, ref: memory.New(), versions: map[string]int64{}}
	err := r.s.Update(r.ctx, func(tx store.Tx) error {
		recs, err := tx.Find(r.ctx, where())
		if err != nil {
			return err
		}
		for _, rc := range recs {
			if err := tx.Delete(r.ctx, item, rc.ID, rc.Version); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("empty the store: %v", err)
	}
	return m
}

func (m *modelRun) steps(t *rapid.T) {
	for range rapid.IntRange(6, 16).Draw(t, "transactions") {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			m.purge(t)
		default:
			m.update(t)
		}
		m.compare(t, where())
		m.view(t)
	}
}

// The small sets that values are drawn from make collisions likely.
var (
	someIDs     = rapid.SampledFrom([]string{"a", "B", "b", "c%", "é", "z_"})
	someValues  = rapid.SampledFrom([]string{"", "1", "10", "2", "A", "a", "ab", "%", "é", "～", "😀"})
	someIndexes = rapid.SampledFrom([]string{"", "email", "alias", "tag", "rank", "name"})
	someOps     = rapid.SampledFrom([]store.Op{store.In, store.NotIn, store.Less, store.Greater, store.Contains})
	someOrders  = rapid.SampledFrom([]string{"", "email", "rank", "name"})
	someExpires = rapid.SampledFrom([]time.Time{{}, noon.Add(-time.Hour), noon, noon.Add(time.Hour)})
)

func drawRecord(t *rapid.T, versions map[string]int64) store.Record {
	rc := rec(someIDs.Draw(t, "id"))
	rc.Version = versions[rc.ID]
	if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
		rc.Version += rapid.Int64Range(0, 1).Draw(t, "version")
	}
	rc.Expires = someExpires.Draw(t, "expires")
	rc.Data = fmt.Appendf(nil, `{"n": %d}`, rapid.IntRange(0, 999).Draw(t, "data"))
	for _, ix := range item.Indexes {
		limit := 1
		if ix.Many {
			limit = 3
		}
		for _, v := range rapid.SliceOfNDistinct(someValues, 0, limit, rapid.ID).Draw(t, ix.Name) {
			rc.Entries = append(rc.Entries, store.Entry{Index: ix.Name, Value: v})
		}
	}
	return rc
}

func drawQuery(t *rapid.T) store.Query {
	q := store.Query{Kind: item, Order: someOrders.Draw(t, "order"), Desc: rapid.Bool().Draw(t, "desc")}
	for range rapid.SampledFrom([]int{0, 1, 1, 2, 2}).Draw(t, "matches") {
		m := store.Match{Index: someIndexes.Draw(t, "index"), Op: someOps.Draw(t, "operator")}
		values := someValues
		if m.Index == "" {
			values = someIDs
		}
		least, most := 0, 3
		if m.Op >= store.Less {
			least, most = 1, 1
		}
		m.Values = rapid.SliceOfN(values, least, most).Draw(t, "values")
		q.Where = append(q.Where, m)
	}
	if rapid.IntRange(0, 2).Draw(t, "paged") == 0 {
		q.After = someIDs.Draw(t, "after")
	}
	q.Offset, q.Limit = rapid.IntRange(0, 2).Draw(t, "offset"), rapid.IntRange(0, 4).Draw(t, "limit")
	return q
}

// An op is one call in a transaction. It returns what it has read, as text.
type op func(tx store.Tx) (string, error)

// drawOps draws calls and keeps versions as they will be if all succeed.
func (m *modelRun) drawOps(t *rapid.T, versions map[string]int64) []op {
	var ops []op
	for range rapid.IntRange(1, 6).Draw(t, "ops") {
		switch rapid.IntRange(0, 5).Draw(t, "op") {
		case 0, 1, 2:
			rc := drawRecord(t, versions)
			versions[rc.ID] = rc.Version + 1
			ops = append(ops, func(tx store.Tx) (string, error) { _, err := tx.Put(m.r.ctx, rc); return "", err })
		case 3:
			id := someIDs.Draw(t, "id")
			v := versions[id]
			if v == 0 && rapid.IntRange(0, 3).Draw(t, "missing") > 0 {
				continue
			}
			delete(versions, id)
			ops = append(ops, func(tx store.Tx) (string, error) { return "", tx.Delete(m.r.ctx, item, id, v) })
		default:
			q := drawQuery(t)
			ops = append(ops, func(tx store.Tx) (string, error) { return m.read(tx, q) })
		}
	}
	return ops
}

// read asks in all three ways and writes the answers down.
func (m *modelRun) read(tx store.Tx, q store.Query) (string, error) {
	recs, err := tx.Find(m.r.ctx, q)
	if err != nil {
		return "", err
	}
	n, err := tx.Count(m.r.ctx, q)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: count %d\n", show(q), n)
	for _, rc := range recs {
		got, err := tx.Get(m.r.ctx, item, rc.ID)
		if err != nil {
			return "", fmt.Errorf("Get of the found %s: %w", rc.ID, err)
		}
		if d := diff(got, rc); d != "" {
			fmt.Fprintf(&b, "Get and Find differ: %s\n", d)
		}
		fmt.Fprintf(&b, "%s version %d expires %d %q %s\n", rc.ID, rc.Version, rc.Expires.UnixMilli(), sorted(rc.Entries), rc.Data)
	}
	return b.String(), nil
}

// update runs one transaction on memory and then on the store, and compares
// what they read and whether and why they failed. On the store it ends where
// memory's failed, since the store may report the failure at its end.
func (m *modelRun) update(t *rapid.T) {
	versions := maps.Clone(m.versions)
	ops := m.drawOps(t, versions)
	if rapid.IntRange(0, 9).Draw(t, "give up") == 0 {
		ops = append(ops, func(store.Tx) (string, error) { return "", errGaveUp })
	}
	want, wantErr := runOps(m.ref.Update, m, ops)
	if wantErr != nil {
		ops = ops[:len(want)+1]
	}
	got, gotErr := runOps(m.r.s.Update, m, ops)
	if class(gotErr) != class(wantErr) {
		t.Fatalf("Update returned %v, want %v", gotErr, wantErr)
	}
	for i := range want {
		if i >= len(got) {
			t.Fatalf("call %d in Update failed with %v, want %v from call %d", i+1, gotErr, wantErr, len(want)+1)
		}
		if got[i] != want[i] {
			t.Fatalf("in Update: got %s\nwant %s", got[i], want[i])
		}
	}
	if wantErr == nil {
		m.versions = versions
	}
}

// errGaveUp is what fn returns to roll back.
var errGaveUp = errors.New("gave up")

func runOps(do func(context.Context, func(store.Tx) error) error, m *modelRun, ops []op) (answers []string, err error) {
	err = do(m.r.ctx, func(tx store.Tx) error {
		answers = answers[:0]
		for _, op := range ops {
			answer, err := op(tx)
			if err != nil {
				return err
			}
			answers = append(answers, answer)
		}
		return nil
	})
	return answers, err
}

func (m *modelRun) view(t *rapid.T) {
	for range 3 {
		m.compare(t, drawQuery(t))
	}
}

// compare asks both the same.
func (m *modelRun) compare(t *rapid.T, q store.Query) {
	ask := []op{func(tx store.Tx) (string, error) { return m.read(tx, q) }}
	want, _ := runOps(m.ref.View, m, ask)
	got, err := runOps(m.r.s.View, m, ask)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	if got[0] != want[0] {
		t.Fatalf("in View: got %s\nwant %s", got[0], want[0])
	}
}

func (m *modelRun) purge(t *rapid.T) {
	before := noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "before")))
	want, _ := m.ref.Purge(m.r.ctx, before)
	got, err := m.r.s.Purge(m.r.ctx, before)
	if err != nil || got != want {
		t.Fatalf("Purge = %d, %v; want %d", got, err, want)
	}
	for id := range m.versions {
		if err := m.ref.View(m.r.ctx, func(tx store.Tx) error { _, err := tx.Get(m.r.ctx, item, id); return err }); err != nil {
			delete(m.versions, id)
		}
	}
}

// class tells apart what the model compares. A Put may be both late and a
// duplicate: which of them is reported is up to the store.
func class(err error) string {
	_, duplicate := errors.AsType[*store.DuplicateError](err)
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, store.ErrNotFound):
		return "not found"
	case errors.Is(err, store.ErrConflict), duplicate:
		return "lost"
	case errors.Is(err, errGaveUp):
		return "gave up"
	}
	return err.Error()
}
