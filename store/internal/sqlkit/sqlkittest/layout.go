package sqlkittest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/usherauth/usher/store"
)

// clashingNames: every name that a kind or an index may have works, also those
// of our own tables and columns, and those that mean something in SQL.
func clashingNames(t *testing.T, x *Target) {
	s := x.open(t)
	kinds := []string{"schema", "schema_", "user", "user_key", "user_key_", "_key", "select", "a", "a_b", strings.Repeat("x", 40)}
	indexes := []string{"keys", "keys_", "long", "sum", "xmin", "ctid", "rowid", "oid", "select", "ix", "value", "b_c", "c", strings.Repeat("y", 40), strings.Repeat("y", 39) + "z"}
	var made []*store.Kind
	for _, name := range kinds {
		k := &store.Kind{Name: name}
		for i, ix := range indexes {
			k.Indexes = append(k.Indexes, store.Index{Name: ix, Unique: i%2 == 0}, store.Index{Name: "m" + ix[1:], Many: true, Unique: i%2 == 0})
		}
		made = append(made, k)
	}
	for _, k := range made {
		must(t, put(s, full(k, "one")))
	}
	for _, k := range made {
		err := put(s, record(k, "two", "keys", "one keys"))
		if d, ok := errors.AsType[*store.DuplicateError](err); !ok || d.Kind != k.Name || d.Index != "keys" {
			t.Fatalf("kind %s: %v", k.Name, err)
		}
		for _, ix := range k.Indexes {
			if got := find(t, s, in(k, ix.Name, "one "+ix.Name)); !slices.Equal(got, []string{"one"}) {
				t.Fatalf("kind %s, index %s: %v", k.Name, ix.Name, got)
			}
		}
	}
}

// full makes a record with an entry in every index.
func full(k *store.Kind, id string) store.Record {
	r := record(k, id)
	for _, ix := range k.Indexes {
		r.Entries = append(r.Entries, store.Entry{Index: ix.Name, Value: id + " " + ix.Name})
	}
	return r
}

// noise returns n characters that do not compress.
func noise(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteByte(byte('!' + rand.N(90)))
	}
	return b.String()
}

// longValues: values of 4 KiB that begin alike are told apart, ordered and
// searched, also where the database bounds what it indexes.
func longValues(t *testing.T, x *Target) {
	s := x.open(t)
	k := &store.Kind{Name: "long", Indexes: []store.Index{{Name: "u", Unique: true}, {Name: "o"}, {Name: "m", Many: true}, {Name: "mu", Many: true, Unique: true}}}
	base := noise(3000)
	values := []string{base[:900], base[:1010], base[:1024], base[:1025], base, base + "a", base + noise(1000) + "z", base + "é", "~~~" + noise(4000)}
	slices.Sort(values)
	for _, i := range rand.Perm(len(values)) {
		v := values[i]
		must(t, put(s, record(k, string(rune('a'+i)), "u", v, "o", v, "m", v, "m", "x", "mu", v)))
	}
	err := put(s, record(k, "dup", "u", base+"a"))
	if d, ok := errors.AsType[*store.DuplicateError](err); !ok || d.Index != "u" || d.Value != base+"a" {
		t.Fatal(err)
	}
	err = put(s, record(k, "dup", "mu", "new", "mu", base+"a"))
	if d, ok := errors.AsType[*store.DuplicateError](err); !ok || d.Index != "mu" || d.Value != base+"a" {
		t.Fatal(err)
	}
	all := strings.Split("abcdefghi", "")
	for i, v := range values {
		id := all[i]
		for _, ix := range []string{"u", "o", "m", "mu"} {
			if got := find(t, s, in(k, ix, v)); !slices.Equal(got, []string{id}) {
				t.Errorf("%s = value %d: %v", ix, i, got)
			}
			q := store.Query{Kind: k, Where: []store.Match{{Index: ix, Op: store.NotIn, Values: []string{v}}}}
			if got := find(t, s, q); !slices.Equal(got, slices.Concat(all[:i], all[i+1:])) {
				t.Errorf("%s not value %d: %v", ix, i, got)
			}
			q.Where[0].Op = store.Less
			if got := find(t, s, q); ix != "m" && !slices.Equal(got, all[:i]) {
				t.Errorf("%s < value %d: %v", ix, i, got)
			}
			q.Where[0].Op, q.Where[0].Values = store.Contains, []string{v[len(v)-20:]}
			if got := find(t, s, q); !slices.Contains(got, id) {
				t.Errorf("%s contains the end of value %d: %v", ix, i, got)
			}
		}
		if got := find(t, s, store.Query{Kind: k, Order: "o", After: id}); !slices.Equal(got, all[i+1:]) {
			t.Errorf("after %d: %v", i, got)
		}
		if got := find(t, s, store.Query{Kind: k, Order: "o", Offset: i, Limit: 2}); !slices.Equal(got, all[i:min(i+2, 9)]) {
			t.Errorf("page at %d: %v", i, got)
		}
		r := get(t, s, k, id)
		if n := len(r.Entries); n != 5 || !slices.Contains(r.Entries, store.Entry{Index: "mu", Value: v}) || !slices.Contains(r.Entries, store.Entry{Index: "o", Value: v}) {
			t.Errorf("%d: %d entries", i, n)
		}
	}
	for _, id := range all {
		r := get(t, s, k, id)
		r.Entries = nil
		must(t, put(s, r))
	}
	if got := find(t, s, store.Query{Kind: k, Where: []store.Match{{Index: "m", Op: store.Contains, Values: []string{""}}}}); got != nil {
		t.Error("entries are left:", got)
	}
}

// foreignKey: a host refers to a kind's records.
func foreignKey(t *testing.T, x *Target) {
	s := x.open(t)
	k := &store.Kind{Name: "user", Indexes: []store.Index{{Name: "name"}}}
	must(t, s.Prepare(t.Context(), k))
	must(t, put(s, record(k, "u1", "name", "Ada"), record(k, "u2")))
	must(t, x.Exec(`CREATE TABLE invoice (id TEXT PRIMARY KEY, usr TEXT NOT NULL REFERENCES usher_user(id))`))
	must(t, x.Exec(`INSERT INTO invoice SELECT 'i1', id FROM usher_user WHERE "name" = 'Ada' AND version = 1 AND expires IS NULL`))
	ctx := t.Context()
	drop := func(id string) error {
		return s.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, k, id, 1) })
	}
	if err := drop("u1"); err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) {
		t.Fatalf("Delete of a user with invoices: %v", err)
	}
	must(t, drop("u2"))
	must(t, x.Exec(`DELETE FROM invoice`))
	must(t, drop("u1"))
}
