package postgres_test

import (
	"errors"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres"
)

// A statement of the host's stands or falls with what usher keeps.
func TestExecTogether(t *testing.T) {
	s, c := joinable(t)
	ctx, fail := t.Context(), errors.New("changed my mind")
	for name, x := range map[string]struct {
		refers  string
		end     error
		swallow bool
		kept    bool
	}{
		"kept": {refers: "u", kept: true}, "fn fails": {refers: "u", end: fail},
		"the statement fails": {refers: "nobody"}, "its error is overlooked": {refers: "nobody", swallow: true},
	} {
		err := s.Update(ctx, func(tx store.Tx) error {
			if _, err := tx.Put(ctx, user("u")); err != nil {
				return err
			}
			n, err := postgres.Exec(ctx, tx, `INSERT INTO customer VALUES ($1, $2)`, "c", x.refers)
			if (err == nil) != (x.refers == "u") || err == nil && n != 1 {
				t.Errorf("%s: wrote %d, %v", name, n, err)
			}
			if x.swallow {
				err = nil
			}
			return errors.Join(err, x.end)
		})
		var customers int
		if err := c.QueryRow(ctx, `SELECT count(*) FROM customer`).Scan(&customers); err != nil {
			t.Fatal(err)
		}
		if _, gone := get(ctx, s, userKind, "u"); (err == nil) != x.kept || (gone == nil) != x.kept || (customers == 1) != x.kept {
			t.Errorf("%s: %v, user: %v, customers: %d", name, err, gone, customers)
		}
		if x.kept {
			if _, err := c.Exec(ctx, `DELETE FROM customer`); err != nil {
				t.Fatal(err)
			}
			if err := s.Update(ctx, func(tx store.Tx) error { return tx.Delete(ctx, userKind, "u", 1) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}
