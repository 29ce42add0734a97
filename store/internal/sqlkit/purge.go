package sqlkit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

// purgeBatch is how many records Purge deletes in one transaction.
const purgeBatch = 250

// Purge is [store.Store.Purge].
func (e *Engine) Purge(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s, err := e.readSchema(ctx, e.DB.Reader())
	if err != nil {
		return 0, err
	}
	limit := before.Add(time.Millisecond - 1).UnixMilli() // expires is kept in whole ones
	total := 0
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		k := &store.Kind{Name: name}
		for index, f := range s.kinds[name] {
			if f == "m" || f == "um" {
				k.Indexes = append(k.Indexes, store.Index{Name: index, Many: true, Unique: f == "um"})
			}
		}
		n, err := e.purgeKind(ctx, newLayout(e.Dialect, k), limit)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (e *Engine) purgeKind(ctx context.Context, l *layout, before int64) (total int, err error) {
	for runs := 1; ; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := e.purgeSome(ctx, l, before)
		if again, ok := errors.AsType[*Rerun](err); ok && again != nil && runs < maxRuns {
			if err := pause(ctx, runs); err != nil {
				return total, err
			}
			runs++
			continue
		}
		if err != nil {
			return total, err
		}
		total, runs = total+n, 1
		if n < purgeBatch {
			return total, nil
		}
	}
}

// purgeSome deletes a batch. It looks first without a lock, as there is nothing
// to delete most of the time.
func (e *Engine) purgeSome(ctx context.Context, l *layout, before int64) (int, error) {
	b := &builder{d: l.d}
	b.add("SELECT t.id, t.keys FROM ", l.table, " t WHERE t.expires < ")
	b.arg(before)
	b.add(" ORDER BY t.expires LIMIT ")
	b.arg(int64(purgeBatch))
	n := 0
	err := e.DB.Reader().Query(ctx, b.String(), b.args, func(ScanFunc) error { n++; return nil })
	if err != nil || n == 0 {
		return 0, err
	}
	conn, err := e.DB.Begin(ctx, true)
	if err != nil {
		return 0, err
	}
	defer conn.Rollback()
	var ids []string
	var keys []victim
	err = conn.Query(ctx, b.String()+l.d.SkipLocked, b.args, func(scan ScanFunc) error {
		var id, text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		ids = append(ids, id)
		gone, _ := decodeKeys(text)
		for _, e := range gone {
			keys = append(keys, victim{id, e})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := l.dropAll(ctx, conn, ids, keys); err != nil {
		return 0, err
	}
	return len(ids), conn.Commit(ctx)
}

// A victim is an entry of a record that is purged.
type victim struct {
	id    string
	entry store.Entry
}

// dropAll deletes records and entries whatever their versions are: the
// transaction keeps others away.
func (l *layout) dropAll(ctx context.Context, c Conn, ids []string, keys []victim) error {
	drop := "DELETE FROM " + l.table + " WHERE id = " + l.d.p(1)
	if !l.d.Arrays {
		for _, v := range keys {
			if _, err := c.Exec(ctx, l.dropKey, v.entry.Index, l.d.form(v.entry.Value), v.id); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if _, err := c.Exec(ctx, drop, id); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	var lists [3][]string
	for _, v := range keys {
		lists[0], lists[1], lists[2] = append(lists[0], v.entry.Index), append(lists[1], l.d.form(v.entry.Value)), append(lists[2], v.id)
	}
	if len(keys) > 0 {
		if _, err := c.Exec(ctx, "DELETE FROM "+l.keys+" k USING unnest(CAST($1 AS text[]), CAST($2 AS text[]), CAST($3 AS text[])) AS u(ix, value, id)"+
			" WHERE k.ix = u.ix AND k.value = u.value AND k.disc IN ('', u.id) AND k.id = u.id", lists[0], lists[1], lists[2]); err != nil {
			return err
		}
	}
	_, err := c.Exec(ctx, "DELETE FROM "+l.table+" WHERE id = ANY(CAST($1 AS text[]))", ids)
	return err
}
