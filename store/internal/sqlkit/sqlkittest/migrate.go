package sqlkittest

import (
	"errors"
	"slices"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

var (
	youngKind = &store.Kind{Name: "user", Indexes: []store.Index{{Name: "email", Unique: true, Many: true}, {Name: "name"}}}
	grownKind = &store.Kind{Name: "user", Indexes: []store.Index{{Name: "email", Unique: true, Many: true}, {Name: "name"},
		{Name: "login", Unique: true}, {Name: "seen"}, {Name: "phone", Many: true, Unique: true}, {Name: "org", Many: true}}}
)

// grow stores the records of a kind with the entries that a newer program
// gives them, as store.Reindex does with its tables.
func grow(t *testing.T, s store.Store, id string, entries ...string) {
	t.Helper()
	ctx := t.Context()
	must(t, s.Update(ctx, func(tx store.Tx) error {
		r, err := tx.Get(ctx, grownKind, id)
		if err != nil {
			return err
		}
		r.Entries = append(r.Entries, record(grownKind, id, entries...).Entries...)
		_, err = tx.Put(ctx, r)
		return err
	}))
}

func growingKinds(t *testing.T, x *Target) {
	s := x.open(t)
	must(t, s.Prepare(t.Context(), youngKind))
	must(t, put(s, record(youngKind, "u1", "email", "a", "name", "n")))
	s.Close()

	s = x.open(t)
	must(t, s.Prepare(t.Context(), grownKind))
	if got := find(t, s, in(grownKind, "email", "a")); !slices.Equal(got, []string{"u1"}) {
		t.Fatal(got)
	}
	grow(t, s, "u1", "login", "l", "seen", "2", "phone", "1", "org", "o")
	for _, ix := range []string{"login", "seen", "phone", "org"} {
		if got := find(t, s, in(grownKind, ix, "l", "2", "1", "o")); !slices.Equal(got, []string{"u1"}) {
			t.Errorf("%s: %v", ix, got)
		}
	}
	for _, ix := range []string{"login", "phone"} {
		err := put(s, record(grownKind, "u2", ix, map[string]string{"login": "l", "phone": "1"}[ix]))
		if d, ok := errors.AsType[*store.DuplicateError](err); !ok || d.Index != ix {
			t.Errorf("%s: %v", ix, err)
		}
	}
}

// changingIndex: an index becomes another sort of index and back.
func changingIndex(t *testing.T, x *Target) {
	sorts := []store.Index{{Name: "a"}, {Name: "a", Unique: true}, {Name: "a", Many: true}, {Name: "a", Many: true, Unique: true},
		{Name: "a", Many: true}, {Name: "a"}, {Name: "a", Many: true, Unique: true}, {Name: "a", Unique: true}, {Name: "a"}}
	for i, ix := range sorts {
		k := &store.Kind{Name: "user", Indexes: []store.Index{ix}}
		s := x.open(t)
		must(t, s.Prepare(t.Context(), k))
		r := record(k, "u1", "a", "v")
		if i > 0 {
			r.Version = get(t, s, k, "u1").Version
		}
		must(t, put(s, r))
		if got := find(t, s, in(k, "a", "v")); !slices.Equal(got, []string{"u1"}) {
			t.Fatalf("%d, %+v: %v", i, ix, got)
		}
		err := put(s, record(k, "u2", "a", "v"))
		if _, dup := errors.AsType[*store.DuplicateError](err); dup != ix.Unique || !dup && err != nil {
			t.Fatalf("%d, %+v: second holder: %v", i, ix, err)
		}
		if !ix.Unique {
			must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(t.Context(), k, "u2", 1) }))
		}
		s.Close()
	}
}

// olderProgram: one that does not know the new indexes reads, writes and
// deletes beside one that does, and leaves nothing behind.
func olderProgram(t *testing.T, x *Target) {
	older, newer := x.open(t), x.open(t)
	plain := &store.Kind{Name: "user"}
	must(t, older.Prepare(t.Context(), plain))
	must(t, newer.Prepare(t.Context(), grownKind))
	must(t, put(newer, record(grownKind, "u1", "email", "a", "name", "n", "phone", "1"), record(grownKind, "u2", "email", "b")))
	r := get(t, older, plain, "u1")
	if len(r.Entries) != 0 {
		t.Fatal(r.Entries)
	}
	must(t, put(older, r))
	ctx := t.Context()
	must(t, older.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, plain, "u2", 1) }))
	must(t, put(newer, record(grownKind, "u3", "email", "a", "email", "b", "phone", "1")))
}

func schemaTooNew(t *testing.T, x *Target) {
	s := x.open(t)
	must(t, s.Prepare(t.Context(), youngKind))
	s.Close()
	must(t, x.Exec(`UPDATE usher_schema SET version = version + 1 WHERE kind = ''`))
	if s, err := x.Open(); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Open: %v, %v", s, err)
	}
	must(t, x.Exec(`UPDATE usher_schema SET version = version - 1 WHERE kind = ''`))
	x.open(t)
}

// migrationKilled: a program that is killed at any statement of a migration
// leaves nothing that the next one cannot go on from.
func migrationKilled(t *testing.T, x *Target) {
	for _, k := range []*store.Kind{youngKind, grownKind} {
		for n := 0; ; n++ {
			s := x.open(t)
			left := n
			x.Wrap(s, func(db sqlkit.DB) sqlkit.DB { return failing{db, &left} })
			err := s.Prepare(t.Context(), k)
			s.Close()
			if err == nil && n < 3 {
				t.Fatalf("nothing failed at statement %d", n)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, errInjected) {
				t.Fatalf("killed at statement %d: %v", n, err)
			}
		}
		s := x.open(t)
		must(t, s.Prepare(t.Context(), k)) // run twice
		must(t, put(s, full(k, k.Indexes[len(k.Indexes)-1].Name)))
		for _, ix := range k.Indexes {
			if got := find(t, s, store.Query{Kind: k, Where: []store.Match{{Index: ix.Name, Op: store.Contains, Values: []string{" "}}}}); len(got) == 0 {
				t.Errorf("index %s: nothing", ix.Name)
			}
		}
	}
}
