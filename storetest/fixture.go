package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

// item and other are the kinds that the cases use. other shares names of
// indexes with item, to find stores that mix kinds up.
var (
	item = &store.Kind{Name: "storetest_item", Indexes: []store.Index{
		{Name: "email", Unique: true},
		{Name: "alias", Unique: true, Many: true},
		{Name: "tag", Many: true},
		{Name: "rank"},
		{Name: "name"},
	}}
	other = &store.Kind{Name: "storetest_other", Indexes: []store.Index{
		{Name: "email", Unique: true},
		{Name: "tag", Many: true},
		{Name: "rank"},
	}}
)

// rec makes a record of kind item that is not stored yet. Entries are written
// "index=value".
func rec(id string, entries ...string) store.Record {
	r := store.Record{Kind: item, ID: id, Data: []byte(`{}`)}
	for _, e := range entries {
		index, value, _ := strings.Cut(e, "=")
		r.Entries = append(r.Entries, store.Entry{Index: index, Value: value})
	}
	return r
}

// at returns a copy of a record at another version.
func at(rc store.Record, version int64) store.Record {
	rc.Version = version
	return rc
}

// where makes a query for records of kind item.
func where(ms ...store.Match) store.Query { return store.Query{Kind: item, Where: ms} }

func match(index string, op store.Op, values ...string) store.Match {
	return store.Match{Index: index, Op: op, Values: values}
}

// put stores records, in one transaction.
func (r *run) put(recs ...store.Record) {
	r.ok("Update that puts "+idsOf(recs), r.tryPut(recs...))
}

func (r *run) tryPut(recs ...store.Record) error {
	return r.s.Update(r.ctx, func(tx store.Tx) error {
		for _, rc := range recs {
			if _, err := tx.Put(r.ctx, rc); err != nil {
				return err
			}
		}
		return nil
	})
}

// delete removes a record of kind item.
func (r *run) delete(id string, version int64) {
	r.ok("Update that deletes "+id, r.tryDelete(id, version))
}

func (r *run) tryDelete(id string, version int64) error {
	return r.s.Update(r.ctx, func(tx store.Tx) error { return tx.Delete(r.ctx, item, id, version) })
}

// get returns a record that must be there.
func (r *run) get(k *store.Kind, id string) store.Record {
	rc, err := r.tryGet(k, id)
	r.ok("Get "+id, err)
	return rc
}

func (r *run) tryGet(k *store.Kind, id string) (rc store.Record, err error) {
	err = r.s.View(r.ctx, func(tx store.Tx) error {
		rc, err = tx.Get(r.ctx, k, id)
		return err
	})
	return rc, err
}

// missing ends the case if there is a record.
func (r *run) missing(id string) {
	_, err := r.tryGet(item, id)
	r.is("Get "+id, err, store.ErrNotFound)
}

// find returns the answer to a query.
func (r *run) find(q store.Query) (recs []store.Record) {
	r.ok("Find", r.s.View(r.ctx, func(tx store.Tx) (err error) {
		recs, err = tx.Find(r.ctx, q)
		return err
	}))
	return recs
}

// wantIDs ends the case if a query does not answer with these IDs, in this
// order. They are separated by spaces.
func (r *run) wantIDs(q store.Query, want string) {
	if got := idsOf(r.find(q)); got != want {
		r.failf("Find %s = [%s], want [%s]", show(q), got, want)
	}
}

// wantCount ends the case if Count answers differently.
func (r *run) wantCount(q store.Query, want int) {
	r.ok("Count", r.s.View(r.ctx, func(tx store.Tx) error {
		n, err := tx.Count(r.ctx, q)
		if err == nil && n != want {
			r.failf("Count %s = %d, want %d", show(q), n, want)
		}
		return err
	}))
}

// wantRecord ends the case if a record is not the wanted one.
func (r *run) wantRecord(what string, got, want store.Record) {
	if d := diff(got, want); d != "" {
		r.failf("%s: %s", what, d)
	}
}

// diff says how two records differ, or nothing.
func diff(got, want store.Record) string {
	switch {
	case got.Kind == nil || got.Kind.Name != want.Kind.Name:
		return fmt.Sprintf("Kind is %v, want %s", got.Kind, want.Kind.Name)
	case got.ID != want.ID:
		return fmt.Sprintf("ID is %q, want %q", got.ID, want.ID)
	case got.Version != want.Version:
		return fmt.Sprintf("%s: Version is %d, want %d", want.ID, got.Version, want.Version)
	case got.Expires.IsZero() != want.Expires.IsZero(), got.Expires.UnixMilli() != want.Expires.UnixMilli():
		return fmt.Sprintf("%s: Expires is %v, want %v", want.ID, got.Expires, want.Expires)
	case string(got.Data) != string(want.Data):
		return fmt.Sprintf("%s: Data is %.200q, want %.200q", want.ID, got.Data, want.Data)
	case !slices.Equal(sorted(got.Entries), sorted(want.Entries)):
		return fmt.Sprintf("%s: Entries are %.300q, want %.300q", want.ID, sorted(got.Entries), sorted(want.Entries))
	}
	return ""
}

func sorted(es []store.Entry) []store.Entry {
	return slices.SortedFunc(slices.Values(es), func(a, b store.Entry) int {
		if c := strings.Compare(a.Index, b.Index); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
}

func idsOf(recs []store.Record) string {
	ids := make([]string, len(recs))
	for i, rc := range recs {
		ids[i] = rc.ID
	}
	return strings.Join(ids, " ")
}

// show writes a query for a message.
func show(q store.Query) string {
	ops := [...]string{"In", "NotIn", "Less", "Greater", "Contains"}
	var b strings.Builder
	for _, m := range q.Where {
		fmt.Fprintf(&b, "{%s %s %.80q}", m.Index, ops[m.Op], m.Values)
	}
	fmt.Fprintf(&b, " order %q desc %v after %q offset %d limit %d", q.Order, q.Desc, q.After, q.Offset, q.Limit)
	return b.String()
}
