package memory

import (
	"context"
	"iter"
	"slices"

	"github.com/usherauth/usher/store"
)

// Find answers q from the cheapest source: the entries of an In match, else
// the order's index from where the page begins, else all records, sorted.
func (t *tx) Find(ctx context.Context, q store.Query) ([]store.Record, error) {
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, t.fail(err)
	}
	var after *store.Record
	if q.After != "" {
		if after = t.entries.get(recordKey(q.Kind, q.After)); after == nil {
			return []store.Record{}, nil
		}
	}
	page := []store.Record{}
	skip := q.Offset
	for r := range t.ordered(q, after) {
		if !q.Matches(*r) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		page = append(page, clone(r, q.Kind))
		if len(page) == q.Limit {
			break
		}
	}
	return page, nil
}

// Count answers how many records match.
func (t *tx) Count(ctx context.Context, q store.Query) (int, error) {
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	if err := q.Validate(); err != nil {
		return 0, t.fail(err)
	}
	if len(q.Where) == 0 {
		return t.count(q.Kind.Name, ""), nil
	}
	n := 0
	for r := range t.candidates(q) {
		if q.Matches(*r) {
			n++
		}
	}
	return n, nil
}

// count returns how many entries an index has.
func (t *tx) count(kind, index string) int {
	from, to := bounds(kind, index)
	return t.entries.rank(to) - t.entries.rank(from)
}

// candidates returns all records that may match q, each once.
func (t *tx) candidates(q store.Query) iter.Seq[*store.Record] {
	best, size := -1, t.count(q.Kind.Name, "")
	for i, m := range q.Where {
		if m.Op != store.In {
			continue
		}
		if n := t.countIn(q.Kind, m); n < size {
			best, size = i, n
		}
	}
	if best < 0 {
		from, to := bounds(q.Kind.Name, "")
		return t.entries.between(from, to, false)
	}
	m := q.Where[best]
	if len(m.Values) == 1 {
		return t.withValue(q.Kind, m.Index, m.Values[0])
	}
	return func(yield func(*store.Record) bool) {
		seen := make(map[*store.Record]bool, size)
		for _, v := range m.Values {
			for r := range t.withValue(q.Kind, m.Index, v) {
				if !seen[r] && !yield(r) {
					return
				}
				seen[r] = true
			}
		}
	}
}

// withValue returns the records with one value in an index.
func (t *tx) withValue(k *store.Kind, index, value string) iter.Seq[*store.Record] {
	from, to := valueBounds(k.Name, index, value)
	return t.entries.between(from, to, false)
}

// countIn returns how many entries a match speaks of, a value given twice
// counting twice.
func (t *tx) countIn(k *store.Kind, m store.Match) (n int) {
	for _, v := range m.Values {
		from, to := valueBounds(k.Name, m.Index, v)
		n += t.entries.rank(to) - t.entries.rank(from)
	}
	return n
}

// ordered returns the candidates for q in its order, behind after.
func (t *tx) ordered(q store.Query, after *store.Record) iter.Seq[*store.Record] {
	all := t.count(q.Kind.Name, "")
	narrow := slices.ContainsFunc(q.Where, func(m store.Match) bool { return m.Op == store.In })
	if !narrow && t.count(q.Kind.Name, q.Order) == all {
		from, to := bounds(q.Kind.Name, q.Order)
		if after != nil && q.Desc {
			to = orderKey(after, q)
		} else if after != nil {
			from = orderKey(after, q) + "\x00"
		}
		return t.entries.between(from, to, q.Desc)
	}
	compare := func(a, b *store.Record) int { return q.Compare(*a, *b) }
	rs := slices.SortedFunc(t.candidates(q), compare)
	if after != nil {
		i, found := slices.BinarySearchFunc(rs, after, compare)
		if found {
			i++
		}
		rs = rs[i:]
	}
	return slices.Values(rs)
}

// orderKey is the key of a record in the index that q is ordered by.
func orderKey(r *store.Record, q store.Query) string {
	if q.Order == "" {
		return recordKey(q.Kind, r.ID)
	}
	for _, e := range r.Entries {
		if e.Index == q.Order {
			return key(q.Kind.Name, q.Order, e.Value, r.ID)
		}
	}
	return ""
}
