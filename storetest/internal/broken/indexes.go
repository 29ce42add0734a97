package broken

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/usherauth/usher/store"
)

// notUnique returns a copy of k without the Unique indexes that pick chooses.
func notUnique(k *store.Kind, pick func(store.Index) bool) *store.Kind {
	c := *k
	c.Indexes = slices.Clone(k.Indexes)
	for i, ix := range c.Indexes {
		if pick(ix) {
			c.Indexes[i].Unique = false
		}
	}
	return &c
}

// clashing makes hooks for a Put that finds more duplicates than there are.
func clashing(clash func(old, r store.Record, e store.Entry) bool) hooks {
	return hooks{put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
		olds, err := tx.Find(ctx, store.Query{Kind: r.Kind})
		if err != nil {
			return 0, err
		}
		for _, old := range olds {
			for _, e := range r.Entries {
				if ix, _ := r.Kind.Index(e.Index); ix.Unique && clash(old, r, e) {
					return 0, &store.DuplicateError{Kind: r.Kind.Name, Index: e.Index, Value: e.Value}
				}
			}
		}
		return tx.Put(ctx, r)
	}}
}

func indexFaults() []Fault {
	return slices.Concat(uniqueFaults(), ghostFaults(), []Fault{
		fault("old entries are kept", "indexes/replaced entries", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				old, err := get(ctx, tx, r.Kind, r.ID)
				if err != nil {
					return 0, err
				}
				if old != nil {
					for _, e := range old.Entries {
						if ix, _ := r.Kind.Index(e.Index); ix.Many && !slices.Contains(r.Entries, e) {
							r.Entries = append(slices.Clip(r.Entries), e)
						}
					}
				}
				return tx.Put(ctx, r)
			},
		}),
		fault("a record is found once per value", "indexes/many", hooks{
			find: func(ctx context.Context, tx store.Tx, q store.Query) ([]store.Record, error) {
				recs, err := tx.Find(ctx, q)
				var out []store.Record
				for _, r := range recs {
					for range max(1, hits(r, q)) {
						out = append(out, r)
					}
				}
				return out, err
			},
		}),
		fault("Count counts values", "indexes/many", hooks{
			count: func(ctx context.Context, tx store.Tx, q store.Query) (int, error) {
				recs, err := tx.Find(ctx, store.Query{Kind: q.Kind, Where: q.Where})
				n := 0
				for _, r := range recs {
					n += max(1, hits(r, q))
				}
				return n, err
			},
		}),
		stateful("a kind is what it was at first sight", "indexes/grown kind", func() hooks {
			var first sync.Map // by name
			return putting(func(r *store.Record) {
				k, _ := first.LoadOrStore(r.Kind.Name, r.Kind)
				r.Entries = slices.DeleteFunc(slices.Clone(r.Entries), func(e store.Entry) bool {
					_, known := k.(*store.Kind).Index(e.Index)
					return !known
				})
			})
		}),
		fault("a hundred entries are enough", "indexes/many hundreds", putting(func(r *store.Record) {
			r.Entries = r.Entries[:min(100, len(r.Entries))]
		})),
		fault("order ignores case", "indexes/byte order", ordering(func(a, b string) int {
			return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
		})),
		fault("order is that of UTF-16", "indexes/byte order", ordering(func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})),
		fault("order is that of numbers", "indexes/byte order", ordering(func(a, b string) int {
			if allDigits(a) && allDigits(b) {
				return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
			}
			return strings.Compare(a, b)
		})),
		fault("the empty value is no value", "indexes/values", putting(func(r *store.Record) {
			r.Entries = slices.DeleteFunc(slices.Clone(r.Entries), func(e store.Entry) bool { return e.Value == "" })
		})),
		fault("values are cut", "indexes/values", putting(func(r *store.Record) {
			r.Entries = slices.Clone(r.Entries)
			for i, e := range r.Entries {
				r.Entries[i].Value = e.Value[:min(len(e.Value), 255)]
			}
		})),
	})
}

func uniqueFaults() []Fault {
	return []Fault{
		fault("Unique is ignored", "indexes/unique", putting(func(r *store.Record) {
			r.Kind = notUnique(r.Kind, func(store.Index) bool { return true })
		})),
		fault("the DuplicateError says nothing", "indexes/unique", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				v, err := tx.Put(ctx, r)
				if _, ok := err.(*store.DuplicateError); ok {
					err = &store.DuplicateError{}
				}
				return v, err
			},
		}),
		fault("a duplicate is a conflict", "indexes/unique", hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				v, err := tx.Put(ctx, r)
				if _, ok := err.(*store.DuplicateError); ok {
					err = store.ErrConflict
				}
				return v, err
			},
		}),
		fault("Unique is ignored with Many", "indexes/unique many", putting(func(r *store.Record) {
			r.Kind = notUnique(r.Kind, func(ix store.Index) bool { return ix.Many })
		})),
		fault("a record clashes with itself", "indexes/unique own value", clashing(func(old, r store.Record, e store.Entry) bool {
			return slices.Contains(old.Entries, e)
		})),
		fault("indexes share their values", "indexes/unique scope", clashing(func(old, r store.Record, e store.Entry) bool {
			return old.ID != r.ID && slices.ContainsFunc(old.Entries, func(o store.Entry) bool { return o.Value == e.Value })
		})),
		fault("Unique ignores case", "indexes/unique bytewise", clashing(func(old, r store.Record, e store.Entry) bool {
			return old.ID != r.ID && slices.ContainsFunc(old.Entries, func(o store.Entry) bool {
				return o.Index == e.Index && strings.EqualFold(o.Value, e.Value)
			})
		})),
		fault("Unique ignores spaces at the end", "indexes/unique bytewise", clashing(func(old, r store.Record, e store.Entry) bool {
			return old.ID != r.ID && slices.ContainsFunc(old.Entries, func(o store.Entry) bool {
				return o.Index == e.Index && strings.TrimRight(o.Value, " ") == strings.TrimRight(e.Value, " ")
			})
		})),
	}
}

// ghosts makes hooks that keep unique values of records that have given them
// up by Put or by Delete.
func ghosts(byPut, byDelete, untilCommit bool) func() hooks {
	return func() hooks {
		taken := map[store.Entry]bool{}
		leave := func(k *store.Kind, es, but []store.Entry) {
			for _, e := range es {
				if ix, _ := k.Index(e.Index); ix.Unique && !slices.Contains(but, e) {
					taken[e] = true
				}
			}
		}
		h := hooks{
			put: func(ctx context.Context, tx store.Tx, r store.Record) (int64, error) {
				old, err := get(ctx, tx, r.Kind, r.ID)
				if err != nil {
					return 0, err
				}
				for _, e := range r.Entries {
					if taken[e] {
						return 0, &store.DuplicateError{Kind: r.Kind.Name, Index: e.Index, Value: e.Value}
					}
				}
				if old != nil && byPut {
					leave(r.Kind, old.Entries, r.Entries)
				}
				return tx.Put(ctx, r)
			},
			delete: func(ctx context.Context, tx store.Tx, k *store.Kind, id string, version int64) error {
				old, err := get(ctx, tx, k, id)
				if err == nil && old != nil && byDelete {
					leave(k, old.Entries, nil)
				}
				return tx.Delete(ctx, k, id, version)
			},
		}
		if untilCommit {
			h.update = func(ctx context.Context, s store.Store, fn func(store.Tx) error) error {
				clear(taken)
				return s.Update(ctx, fn)
			}
		}
		return h
	}
}

func ghostFaults() []Fault {
	return []Fault{
		stateful("Put frees no values", "indexes/unique freed by put", ghosts(true, false, false)),
		stateful("Delete frees no values", "indexes/unique freed by delete", ghosts(false, true, false)),
		stateful("values are free after commit", "indexes/unique moved", ghosts(true, true, true)),
	}
}

// hits returns how many values of a record an In match names.
func hits(r store.Record, q store.Query) int {
	n := 0
	for _, m := range q.Where {
		for _, v := range values(r, m.Index) {
			if m.Op == store.In && slices.Contains(m.Values, v) {
				n++
			}
		}
	}
	return n
}

// ordering makes hooks for another order of values.
func ordering(compare func(a, b string) int) hooks {
	return hooks{find: evaluator{compare: func(q store.Query, a, b store.Record) int {
		if q.Desc {
			a, b = b, a
		}
		return cmp.Or(slices.CompareFunc(values(a, q.Order), values(b, q.Order), compare), strings.Compare(a.ID, b.ID))
	}}.find}
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
