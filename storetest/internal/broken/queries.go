package broken

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

// matching makes hooks that answer one operator wrongly.
func matching(op store.Op, wrong func(r store.Record, m store.Match) bool) hooks {
	e := evaluator{match: func(r store.Record, m store.Match) bool {
		if m.Op == op {
			return wrong(r, m)
		}
		return rightMatch(r, m)
	}}
	return hooks{find: e.find, count: e.count}
}

// valued makes a matcher from a comparison of one value.
func valued(holds func(v, want string) bool) func(r store.Record, m store.Match) bool {
	return func(r store.Record, m store.Match) bool {
		return slices.ContainsFunc(values(r, m.Index), func(v string) bool { return holds(v, m.Values[0]) })
	}
}

// like is LIKE '%pattern%' of SQL, with unescaped wildcards.
func like(v, pattern string) bool {
	re := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)" + re).MatchString(v)
}

func queryFaults() []Fault {
	either := evaluator{all: func(r store.Record, q store.Query, match func(store.Record, store.Match) bool) bool {
		return len(q.Where) == 0 || slices.ContainsFunc(q.Where, func(m store.Match) bool { return match(r, m) })
	}}
	forgetful := evaluator{all: func(r store.Record, q store.Query, match func(store.Record, store.Match) bool) bool {
		q.Where = q.Where[:min(1, len(q.Where))]
		return rightAll(r, q, match)
	}}
	return []Fault{
		fault("Find of nothing is an error", "queries/nothing", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				if err == nil && len(recs) == 0 {
					err = store.ErrNotFound
				}
				return recs, err
			},
		}),
		fault("In nothing is everything", "queries/in", matching(store.In, func(r store.Record, m store.Match) bool {
			return len(m.Values) == 0 || rightMatch(r, m)
		})),
		fault("In takes five hundred values", "queries/in", matching(store.In, func(r store.Record, m store.Match) bool {
			m.Values = m.Values[:min(500, len(m.Values))]
			return rightMatch(r, m)
		})),
		fault("NotIn wants an entry", "queries/not in", matching(store.NotIn, func(r store.Record, m store.Match) bool {
			return len(values(r, m.Index)) > 0 && rightMatch(r, m)
		})),
		fault("NotIn holds if any value is not in", "queries/not in", matching(store.NotIn, func(r store.Record, m store.Match) bool {
			vs := values(r, m.Index)
			return len(vs) == 0 || slices.ContainsFunc(vs, func(v string) bool { return !slices.Contains(m.Values, v) })
		})),
		fault("Less is less or equal", "queries/less", matching(store.Less, valued(func(v, want string) bool { return v <= want }))),
		fault("Less holds without a value", "queries/less", matching(store.Less, func(r store.Record, m store.Match) bool {
			return len(values(r, m.Index)) == 0 || rightMatch(r, m)
		})),
		fault("Greater is greater or equal", "queries/greater", matching(store.Greater, valued(func(v, want string) bool { return v >= want }))),
		fault("Contains is a prefix test", "queries/contains", matching(store.Contains, valued(strings.HasPrefix))),
		fault("Contains nothing is nothing", "queries/contains", matching(store.Contains, valued(func(v, want string) bool {
			return want != "" && strings.Contains(v, want)
		}))),
		fault("Contains ignores case", "queries/contains case", matching(store.Contains, valued(func(v, want string) bool {
			return strings.Contains(strings.ToLower(v), strings.ToLower(want))
		}))),
		fault("Contains has wildcards", "queries/contains wildcards", matching(store.Contains, valued(like))),
		fault("an empty Index is no index", "queries/id", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				q.Where = slices.DeleteFunc(slices.Clone(q.Where), func(m store.Match) bool { return m.Index == "" })
				return tx.Find(ctx, q)
			},
		}),
		fault("one match is enough", "queries/and", hooks{find: either.find, count: either.count}),
		fault("Count ignores the second match", "queries/count", hooks{count: forgetful.count}),
		fault("Count counts the page", "queries/count", hooks{
			count: func(ctx context.Context, tx store.Tx, q store.Query) (int, error) {
				recs, err := tx.Find(ctx, q)
				return len(recs), err
			},
		}),
		fault("a mistake that only the model finds", "model", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				if len(q.Where) == 2 && q.Desc && len(recs) > 1 {
					recs = recs[1:]
				}
				return recs, err
			},
		}),
	}
}

func comparing(compare func(q store.Query, a, b store.Record) int) hooks {
	return hooks{find: evaluator{compare: compare}.find}
}

func paging(page func(q store.Query, recs []store.Record) []store.Record) hooks {
	return hooks{find: evaluator{page: page}.find}
}

// asking makes hooks that change queries.
func asking(change func(q *store.Query)) hooks {
	return hooks{find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
		if q.Validate() == nil {
			change(&q)
		}
		return tx.Find(ctx, q)
	}}
}

func pagingFaults() []Fault {
	return []Fault{
		fault("Desc needs an Order", "paging/order by id", asking(func(q *store.Query) { q.Desc = q.Desc && q.Order != "" })),
		fault("Order is ignored", "paging/order", asking(func(q *store.Query) { q.Order = "" })),
		fault("ties are ordered upwards", "paging/order ties", comparing(func(q store.Query, a, b store.Record) int {
			byID := strings.Compare(a.ID, b.ID)
			if q.Order == "" {
				return rightCompare(q, a, b)
			}
			if q.Desc {
				a, b = b, a
			}
			return cmp.Or(slices.Compare(values(a, q.Order), values(b, q.Order)), byID)
		})),
		fault("records without an entry are first also with Desc", "paging/order missing", comparing(missingAlways(-1))),
		fault("records without an entry are last", "paging/order missing", comparing(func(q store.Query, a, b store.Record) int {
			if missing := missingAlways(1)(q, a, b); !q.Desc {
				return missing
			}
			return missingAlways(-1)(q, a, b)
		})),
		fault("records without an entry are left out", "paging/order missing", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				return slices.DeleteFunc(recs, func(r store.Record) bool { return len(values(r, q.Order)) == 0 }), err
			},
		}),
		fault("limit 0 is nothing", "paging/limit", paging(func(q store.Query, recs []store.Record) []store.Record {
			return recs[:min(q.Limit, len(recs))]
		})),
		fault("limit 0 is four", "paging/limit", asking(func(q *store.Query) { q.Limit = cmp.Or(q.Limit, 4) })),
		fault("a thousand are enough", "paging/thousands", paging(func(q store.Query, recs []store.Record) []store.Record {
			return recs[:min(len(recs), 1000)]
		})),
		fault("Count ends at a thousand", "paging/thousands", hooks{
			count: func(ctx context.Context, tx store.Tx, q store.Query) (int, error) {
				n, err := tx.Count(ctx, q)
				return min(n, 1000), err
			},
		}),
		fault("Offset stops before the end", "paging/offset", paging(func(q store.Query, recs []store.Record) []store.Record {
			q.Offset = max(0, min(q.Offset, len(recs)-1))
			return rightPage(q, recs)
		})),
		fault("After is ignored", "paging/after", asking(func(q *store.Query) { q.After = "" })),
		fault("After includes its record", "paging/after", paging(func(q store.Query, recs []store.Record) []store.Record {
			i := slices.IndexFunc(recs, func(r store.Record) bool { return r.ID == q.After })
			return rightPage(q, recs[max(0, i):])
		})),
		fault("After is ignored with Desc", "paging/after desc", asking(func(q *store.Query) {
			if q.Desc {
				q.After = ""
			}
		})),
		fault("After must match", "paging/after not matching", paging(func(q store.Query, recs []store.Record) []store.Record {
			if q.After != "" {
				recs = behind(q.After, recs)
			}
			return rightPage(q, recs)
		})),
		fault("After a deleted record is ignored", "paging/after a deleted record", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				if _, found, err := resume(ctx, tx, q); err == nil && !found {
					q.After = ""
				}
				return tx.Find(ctx, q)
			},
		}),
		fault("Offset before After", "paging/offset behind after", paging(func(q store.Query, recs []store.Record) []store.Record {
			if q.After != "" && q.Offset > 0 {
				rest := recs[min(q.Offset, len(recs)):]
				if recs, q.Offset = behind(q.After, rest), 0; recs == nil {
					recs = rest
				}
			} else if q.After != "" {
				recs = behind(q.After, recs)
			}
			return rightPage(q, recs)
		})),
		fault("backwards only the first condition holds", "paging/one value", asking(func(q *store.Query) {
			if q.Desc && q.Order == "" && len(q.Where) > 1 {
				q.Where = q.Where[:1]
			}
		})),
		fault("After skips ties", "paging/walk", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				if from, _, _ := resume(ctx, tx, q); from != nil && q.Order != "" {
					tie := values(*from, q.Order)
					recs = slices.DeleteFunc(recs, func(r store.Record) bool { return slices.Equal(values(r, q.Order), tie) })
				}
				return recs, err
			},
		}),
	}
}

// missingAlways puts records without an entry to one end, whatever Desc says.
func missingAlways(end int) func(q store.Query, a, b store.Record) int {
	return func(q store.Query, a, b store.Record) int {
		hasA, hasB := len(values(a, q.Order)) > 0, len(values(b, q.Order)) > 0
		switch {
		case hasA == hasB:
			return rightCompare(q, a, b)
		case hasB:
			return end
		}
		return -end
	}
}
