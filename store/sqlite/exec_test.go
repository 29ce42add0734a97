package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/store/sqlite"
)

// A statement of the host's stands or falls with what usher keeps, whatever
// wraps the store.
func TestExecTogether(t *testing.T) {
	s, db := joinable(t)
	ring, err := store.KeyringFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := store.Sealed(s, ring)
	if err != nil {
		t.Fatal(err)
	}
	ctx, fail := t.Context(), errors.New("changed my mind")
	const insert = `INSERT INTO customer VALUES (?, ?)`
	for _, st := range []store.Store{s, sealed} {
		for name, x := range map[string]struct {
			refers  string
			end     error
			swallow bool
			kept    bool
		}{
			"kept": {refers: "u", kept: true}, "fn fails": {refers: "u", end: fail},
			"the statement fails": {refers: "nobody"}, "its error is overlooked": {refers: "nobody", swallow: true},
		} {
			err := st.Update(ctx, func(tx store.Tx) error {
				if _, err := tx.Put(ctx, user("u")); err != nil {
					return err
				}
				n, err := sqlite.Exec(ctx, tx, insert, "c", x.refers)
				if (err == nil) != (x.refers == "u") || err == nil && n != 1 {
					t.Errorf("%s: wrote %d, %v", name, n, err)
				}
				if x.swallow {
					err = nil
				}
				return errors.Join(err, x.end)
			})
			var customers int
			if err := db.QueryRow(`SELECT count(*) FROM customer`).Scan(&customers); err != nil {
				t.Fatal(err)
			}
			if (err == nil) != x.kept || has(t, s, userKind, "u") != x.kept || (customers == 1) != x.kept {
				t.Errorf("%s: %v, user: %v, customers: %d", name, err, has(t, s, userKind, "u"), customers)
			}
			if x.kept {
				if _, err := db.Exec(`DELETE FROM customer`); err != nil {
					t.Fatal(err)
				}
				if err := s.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, userKind, "u", 1) }); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := put(ctx, s, user("u")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the row is there
		err = s.Update(ctx, func(tx store.Tx) error { _, err := sqlite.Exec(ctx, tx, insert, "c", "u"); return err })
	}
	if _, own := errors.AsType[*store.DuplicateError](err); err == nil || own {
		t.Errorf("a duplicate of the host's: %v", err)
	}
	var over store.Tx
	if err := s.View(ctx, func(tx store.Tx) error {
		over = tx
		_, err := sqlite.Exec(ctx, tx, insert, "d", "u")
		return err
	}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("in a View: %v", err)
	}
	if _, err := sqlite.Exec(ctx, over, insert, "d", "u"); !errors.Is(err, store.ErrTxDone) {
		t.Errorf("after the end: %v", err)
	}
	if err := memory.New().Update(ctx, func(tx store.Tx) error { _, err := sqlite.Exec(ctx, tx, insert, "d", "u"); return err }); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("in another store: %v", err)
	}
	tx := begin(t, db)
	if err := sqlite.Join(tx).Update(context.Background(), func(jtx store.Tx) error { _, err := sqlite.Exec(ctx, jtx, insert, "d", "u"); return err }); err != nil {
		t.Errorf("in a joined transaction: %v", err)
	}
}
