package sqlkittest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

var codeKind = &store.Kind{Name: "code", Indexes: []store.Index{{Name: "seen"}}}

// changedBetween: reads of one fn see one state, although each is a statement
// of its own. Two records always hold the same number; while fn reads them,
// another writer changes both.
func changedBetween(t *testing.T, x *Target) {
	s, ctx := x.open(t), t.Context()
	reads := map[string]func(tx store.Tx, id string) (string, error){
		"get": func(tx store.Tx, id string) (string, error) {
			r, err := tx.Get(ctx, youngKind, id)
			return string(r.Data), err
		},
		"by": func(tx store.Tx, id string) (string, error) {
			recs, err := tx.Find(ctx, in(youngKind, "email", id))
			if len(recs) == 0 {
				return "", err
			}
			return string(recs[0].Data), err
		},
		"find": func(tx store.Tx, id string) (string, error) {
			recs, err := tx.Find(ctx, in(youngKind, "", id))
			if len(recs) == 0 {
				return "", err
			}
			return string(recs[0].Data), err
		},
	}
	both := func(n int) error {
		recs := []store.Record{record(youngKind, "a", "email", "a"), record(youngKind, "b", "email", "b")}
		for i := range recs {
			recs[i].Data = fmt.Append(nil, n)
			recs[i].Version = int64(n)
		}
		return put(s, recs...)
	}
	must(t, both(0))
	n := 1
	for first, read1 := range reads {
		for second, read2 := range reads {
			for what, run := range map[string]func(func(store.Tx) error) error{
				"View":   func(fn func(store.Tx) error) error { return s.View(ctx, fn) },
				"Update": func(fn func(store.Tx) error) error { return s.Update(ctx, fn) },
			} {
				if what == "Update" && first == "find" {
					continue // has the writer's lock from its start
				}
				changed, runs := false, 0
				must(t, run(func(tx store.Tx) error {
					runs++
					a, err := read1(tx, "a")
					if err != nil {
						return err
					}
					if !changed {
						changed = true
						must(t, both(n))
						n++
					}
					b, err := read2(tx, "b")
					if err == nil && a != b {
						t.Errorf("%s %s then %s: %s and %s", what, first, second, a, b)
					}
					return err
				}))
				if runs > 2 {
					t.Errorf("%s %s then %s: fn ran %d times", what, first, second, runs)
				}
			}
		}
	}
}

// changedBeforeWrite: a Put or Delete fails, and fn runs again, if the record
// has changed since fn read it.
func changedBeforeWrite(t *testing.T, x *Target) {
	s, ctx := x.open(t), t.Context()
	must(t, put(s, record(codeKind, "c")))
	runs := 0
	must(t, s.Update(ctx, func(tx store.Tx) error {
		runs++
		r, err := tx.Get(ctx, codeKind, "c")
		if err != nil {
			return err
		}
		if runs == 1 {
			must(t, put(s, r))
		}
		_, err = tx.Put(ctx, r)
		return err
	}))
	if v := get(t, s, codeKind, "c").Version; v != 3 || runs != 2 {
		t.Fatalf("version %d after %d runs", v, runs)
	}
	runs = 0
	err := s.Update(ctx, func(tx store.Tx) error {
		runs++
		r, err := tx.Get(ctx, codeKind, "c")
		if err != nil {
			return err
		}
		if runs == 1 {
			must(t, s.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, codeKind, "c", r.Version) }))
		}
		return tx.Delete(ctx, codeKind, "c", r.Version)
	})
	if !errors.Is(err, store.ErrNotFound) || runs != 2 {
		t.Fatalf("the second to consume a code: %v after %d runs", err, runs)
	}
}

// madeAnew: a record that was deleted and made anew is another one, although
// it has the same ID and version.
func madeAnew(t *testing.T, x *Target) {
	s, ctx := x.open(t), t.Context()
	for _, write := range []string{"put", "delete"} {
		must(t, put(s, record(codeKind, write)))
		runs := 0
		must(t, s.Update(ctx, func(tx store.Tx) error {
			runs++
			r, err := tx.Get(ctx, codeKind, write)
			if err != nil {
				return err
			}
			if runs == 1 {
				must(t, s.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, codeKind, write, 1) }))
				other := record(codeKind, write)
				other.Data = []byte(`"another"`)
				must(t, put(s, other))
			}
			if write == "delete" {
				return tx.Delete(ctx, codeKind, write, r.Version)
			}
			_, err = tx.Put(ctx, r)
			return err
		}))
		if runs != 2 {
			t.Errorf("%s: fn ran %d times", write, runs)
		}
	}
}

// statements: how many statements the usual transactions are.
func statements(t *testing.T, x *Target) {
	s, ctx := x.open(t), t.Context()
	must(t, s.Prepare(ctx, youngKind, codeKind))
	must(t, put(s, record(youngKind, "u", "email", "a", "email", "b", "name", "n"), record(codeKind, "s"), record(codeKind, "c"), record(codeKind, "d")))
	n := 0
	x.Wrap(s, func(db sqlkit.DB) sqlkit.DB { return counting{db, &n} })
	getOf := func(tx store.Tx, k *store.Kind, id string) (store.Record, error) { return tx.Get(ctx, k, id) }
	rewrite := func(tx store.Tx, r store.Record) error {
		r.Data = fmt.Appendf(nil, `{"n":%d}`, r.Version)
		_, err := tx.Put(ctx, r)
		return err
	}
	user := get(t, s, youngKind, "u")
	for _, c := range []struct {
		what string
		want int
		view bool
		fn   func(tx store.Tx) error
	}{
		{"nothing", 0, false, func(store.Tx) error { return nil }},
		{"get", 1, true, func(tx store.Tx) error { _, err := getOf(tx, codeKind, "s"); return err }},
		{"the same twice", 1, true, func(tx store.Tx) error {
			_, err := getOf(tx, codeKind, "s")
			_, err2 := getOf(tx, codeKind, "s")
			return errors.Join(err, err2)
		}},
		{"by", 1, true, func(tx store.Tx) error { _, err := tx.Find(ctx, in(youngKind, "email", "a")); return err }},
		{"by and get", 2, true, func(tx store.Tx) error {
			_, err := tx.Find(ctx, in(youngKind, "email", "nobody"))
			_, err2 := getOf(tx, codeKind, "s")
			return errors.Join(err, err2)
		}},
		{"touch", 1, false, func(tx store.Tx) error { return rewrite(tx, store.Record{Kind: codeKind, ID: "s", Version: 1}) }},
		{"new", 1, false, func(tx store.Tx) error { return rewrite(tx, store.Record{Kind: codeKind, ID: "new"}) }},
		{"user unseen", 1, false, func(tx store.Tx) error { return rewrite(tx, user) }},
		{"get and put", 2, false, func(tx store.Tx) error {
			r, err := getOf(tx, codeKind, "s")
			return errors.Join(err, rewrite(tx, r))
		}},
		{"get and put of a user", 2, false, func(tx store.Tx) error {
			r, err := getOf(tx, youngKind, "u")
			return errors.Join(err, rewrite(tx, r))
		}},
		{"token refresh", 3, false, func(tx store.Tx) error {
			_, err := getOf(tx, youngKind, "u")
			r, err2 := getOf(tx, codeKind, "s")
			return errors.Join(err, err2, rewrite(tx, r))
		}},
		{"consume", 2, false, func(tx store.Tx) error {
			r, err := getOf(tx, codeKind, "c")
			return errors.Join(err, tx.Delete(ctx, codeKind, "c", r.Version))
		}},
	} {
		n = 0
		run := s.Update
		if c.view {
			run = s.View
		}
		if err := run(ctx, c.fn); err != nil || n != c.want {
			t.Errorf("%s: %d statements, want %d (%v)", c.what, n, c.want, err)
		}
	}
	if got := find(t, s, in(youngKind, "email", "b")); len(got) != 1 {
		t.Errorf("the user has lost an address: %v", got)
	}
}
