package broken

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

// An evaluator answers queries by looking at all records. Its zero value is
// right; every field replaces one step by a wrong one.
type evaluator struct {
	match   func(r store.Record, m store.Match) bool
	all     func(r store.Record, q store.Query, match func(store.Record, store.Match) bool) bool
	compare func(q store.Query, a, b store.Record) int
	page    func(q store.Query, recs []store.Record) []store.Record
}

func (e evaluator) find(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
	recs, err := e.matching(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	compare, page := e.compare, e.page
	if compare == nil {
		compare = rightCompare
	}
	if page == nil {
		page = rightPage
	}
	from, found, err := resume(ctx, tx, q)
	if err != nil || !found {
		return []store.Record{}, err
	}
	slices.SortFunc(recs, func(a, b store.Record) int { return compare(q, a, b) })
	if from != nil && e.page == nil {
		recs = slices.DeleteFunc(recs, func(r store.Record) bool { return compare(q, r, *from) <= 0 })
	}
	return page(q, recs), nil
}

func (e evaluator) count(ctx context.Context, tx store.Tx, q store.Query) (int, error) {
	recs, err := e.matching(ctx, tx, q)
	return len(recs), err
}

func (e evaluator) matching(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	recs, err := tx.Find(ctx, store.Query{Kind: q.Kind})
	if err != nil {
		return nil, err
	}
	match, all := e.match, e.all
	if match == nil {
		match = rightMatch
	}
	if all == nil {
		all = rightAll
	}
	return slices.DeleteFunc(recs, func(r store.Record) bool { return !all(r, q, match) }), nil
}

// resume returns the record of After, if there is one, and whether the query
// can have answers.
func resume(ctx context.Context, tx store.Tx, q store.Query) (*store.Record, bool, error) {
	if q.After == "" {
		return nil, true, nil
	}
	r, err := get(ctx, tx, q.Kind, q.After)
	return r, r != nil, err
}

// get is Get without ErrNotFound: nil is no record.
func get(ctx context.Context, tx store.Tx, k *store.Kind, id string) (*store.Record, error) {
	recs, err := tx.Find(ctx, store.Query{Kind: k, Where: []store.Match{{Values: []string{id}}}})
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	return &recs[0], nil
}

func rightAll(r store.Record, q store.Query, match func(store.Record, store.Match) bool) bool {
	for _, m := range q.Where {
		if !match(r, m) {
			return false
		}
	}
	return true
}

// values returns what a record has in an index.
func values(r store.Record, index string) []string {
	if index == "" {
		return []string{r.ID}
	}
	var vs []string
	for _, e := range r.Entries {
		if e.Index == index {
			vs = append(vs, e.Value)
		}
	}
	return vs
}

func rightMatch(r store.Record, m store.Match) bool {
	return slices.ContainsFunc(values(r, m.Index), func(v string) bool {
		switch m.Op {
		case store.Less:
			return v < m.Values[0]
		case store.Greater:
			return v > m.Values[0]
		case store.Contains:
			return strings.Contains(v, m.Values[0])
		}
		return slices.Contains(m.Values, v)
	}) != (m.Op == store.NotIn)
}

func rightCompare(q store.Query, a, b store.Record) int {
	if q.Desc {
		a, b = b, a
	}
	return cmp.Or(slices.Compare(values(a, q.Order), values(b, q.Order)), strings.Compare(a.ID, b.ID))
}

func rightPage(q store.Query, recs []store.Record) []store.Record {
	recs = recs[min(q.Offset, len(recs)):]
	if q.Limit > 0 {
		recs = recs[:min(q.Limit, len(recs))]
	}
	return recs
}

// behind returns what follows the record with an ID, or nothing.
func behind(id string, recs []store.Record) []store.Record {
	i := slices.IndexFunc(recs, func(r store.Record) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return recs[i+1:]
}
