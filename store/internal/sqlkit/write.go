package sqlkit

import (
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/store"
)

// A write is a Put or a Delete.
type write struct {
	l    *layout
	new  *row          // nil: delete
	many []store.Entry // the Many entries of new, sorted
	id   string
	// version is the one that must be stored.
	version int64
	// old is the stored row as this transaction knows it, or nil. unsure says
	// that it was read before the transaction began.
	old    *row
	unsure bool
}

// run executes w. Unless inTx, it is one statement, or errNeedsTx.
func (w *write) run(ctx context.Context, c Conn, inTx bool) error {
	switch {
	case w.new == nil:
		return w.delete(ctx, c, inTx)
	case w.version == 0:
		return w.written(w.insert(ctx, c, inTx))
	case w.old != nil:
		return w.written(w.updateKnown(ctx, c, inTx))
	}
	return w.written(w.update(ctx, c, inTx))
}

// written turns the error of a Put into the error of the contract.
func (w *write) written(err error) error {
	v, ok := errors.AsType[*Violation](err)
	if !ok {
		return err
	}
	entries := slices.Clone(w.many)
	for i, value := range w.new.cols {
		if value != nil {
			entries = append(entries, store.Entry{Index: w.l.cols[i].Name, Value: *value})
		}
	}
	return w.l.duplicate(v, entries)
}

// errNoRow: the record is not stored at the version that it must have. It is
// ErrConflict itself, told by identity from one that the database reports.
var errNoRow = store.ErrConflict

// one executes a statement that writes one record or none.
func one(ctx context.Context, c Conn, sql string, args ...any) error {
	n, err := c.Exec(ctx, sql, args...)
	if err == nil && n == 0 {
		return errNoRow
	}
	return err
}

// oneWithKeys executes a statement of withKeys.
func (w *write) oneWithKeys(ctx context.Context, c Conn, sql string, args []any, gone, added []store.Entry) error {
	d := w.l.d
	index, value, discs, whole := make([]string, len(added)), make([]string, len(added)), make([]string, len(added)), make([]*string, len(added))
	for i, e := range added {
		ix, _ := w.l.kind.Index(e.Index)
		index[i], value[i], discs[i] = e.Index, d.form(e.Value), disc(ix, w.id)
		if d.isLong(e.Value) {
			whole[i] = &e.Value
		}
	}
	args = append(args, index, value, discs, whole)
	if w.version > 0 {
		index, value = make([]string, len(gone)), make([]string, len(gone))
		for i, e := range gone {
			index[i], value[i] = e.Index, d.form(e.Value)
		}
		args = append(args, index, value)
	}
	n := 0
	err := c.Query(ctx, sql, args, func(scan ScanFunc) error { return scan(&n) })
	if err == nil && n == 0 {
		return errNoRow
	}
	return err
}

func (w *write) insert(ctx context.Context, c Conn, inTx bool) error {
	args := w.l.args(w.new)
	switch {
	case len(w.many) == 0:
		return one(ctx, c, w.l.insert, args...)
	case w.l.d.Arrays:
		return w.oneWithKeys(ctx, c, w.l.insertWithKeys, args, nil, w.many)
	case !inTx:
		return errNeedsTx
	}
	if err := one(ctx, c, w.l.insert, args...); err != nil {
		return err
	}
	return w.writeKeys(ctx, c, nil, w.many)
}

// skipQuick is how many updates of a kind do not try quick after it failed.
const skipQuick = 16

// update stores a record of which nothing is known but its version. Nearly
// always all its entries stay what they are: then quick leaves every index
// alone. Where they change all the time it is hardly tried.
func (w *write) update(ctx context.Context, c Conn, inTx bool) error {
	l := w.l
	quick := l.skip.Add(-1) < 0
	if quick {
		l.skip.Store(0)
		if err := one(ctx, c, l.quick, w.id, w.new.version, w.new.data, l.sum(w.new)); err != errNoRow {
			return err
		}
	}
	args := l.args(w.new)
	if err := one(ctx, c, l.fullKeys, args...); err != errNoRow {
		if err == nil && quick {
			l.skip.Store(skipQuick)
		}
		return err
	}
	if !inTx {
		return errNeedsTx
	}
	old, err := w.oldKeys(ctx, c)
	if err != nil {
		return err
	}
	return w.replace(ctx, c, old, l.full, l.fullWithKeys, args)
}

// oldKeys reads the Many entries at the version that must be stored.
func (w *write) oldKeys(ctx context.Context, c Conn) (keys string, err error) {
	found := false
	err = c.Get(ctx, w.l.getKeys, []any{w.id, w.version}, func(scan ScanFunc) error {
		found = true
		return scan(&keys)
	})
	if err == nil && !found {
		err = errNoRow
	}
	return keys, err
}

// updateKnown stores a record that has been read.
func (w *write) updateKnown(ctx context.Context, c Conn, inTx bool) error {
	if w.old.version != w.version {
		return store.ErrConflict
	}
	l := w.l
	if w.old.keys == w.new.keys {
		b := w.updateChanged()
		return one(ctx, c, b.String(), b.args...)
	}
	if !l.d.Arrays {
		if !inTx {
			return errNeedsTx
		}
		b := w.updateChanged()
		return w.replace(ctx, c, w.old.keys, b.String(), "", b.args)
	}
	args, sql := l.args(w.new), l.fullWithKeys
	if w.unsure {
		args, sql = append(args, w.old.data, w.old.keys), l.fullDataWithKeys
	}
	return w.replace(ctx, c, w.old.keys, "", sql, args)
}

// updateChanged writes an UPDATE that names only the columns that change.
func (w *write) updateChanged() *builder {
	b := &builder{d: w.l.d}
	b.add("UPDATE ", w.l.table, " SET version = ")
	b.arg(w.new.version)
	some := false
	set := func(changed bool, column string, v any) {
		if changed {
			some = true
			b.add(", ", column, " = ")
			b.arg(v)
		}
	}
	set(w.old.keys != w.new.keys, "keys", w.new.keys)
	set(w.old.expires != w.new.expires, "expires", expiry(w.new.expires))
	for i, v := range w.new.cols {
		old := w.old.cols[i]
		set((v == nil) != (old == nil) || v != nil && *v != *old, w.l.quoted[i], w.l.value(v))
	}
	if some && w.l.d.Long {
		b.add(", long = CAST(")
		b.arg(w.l.long(w.new))
		b.add(" AS jsonb)")
	}
	set(some, "sum", w.l.sum(w.new))
	set(true, "data", w.new.data)
	b.add(" WHERE id = ")
	b.arg(w.id)
	b.add(" AND version = ")
	b.arg(w.version)
	if w.unsure {
		b.add(" AND data = ")
		b.arg(w.old.data)
	}
	return b
}

// replace stores a record and changes the rows of its Many entries, with
// withKeys if the database can do so in one statement.
func (w *write) replace(ctx context.Context, c Conn, oldKeys, sql, withKeys string, args []any) error {
	before, ok := decodeKeys(oldKeys)
	if !ok {
		return &store.CorruptError{Kind: w.l.kind.Name, ID: w.id, Err: errors.New("keys")}
	}
	gone, added := diffKeys(before, w.many)
	if w.l.d.Arrays {
		return w.oneWithKeys(ctx, c, withKeys, args, gone, added)
	}
	if err := one(ctx, c, sql, args...); err != nil {
		return err
	}
	return w.writeKeys(ctx, c, gone, added)
}

// writeKeys changes rows of the key table, one by one.
func (w *write) writeKeys(ctx context.Context, c Conn, gone, added []store.Entry) error {
	return w.l.writeKeys(ctx, c, w.id, gone, added)
}

func (l *layout) writeKeys(ctx context.Context, c Conn, id string, gone, added []store.Entry) error {
	for _, e := range gone {
		if _, err := c.Exec(ctx, l.dropKey, e.Index, l.d.form(e.Value), id); err != nil {
			return err
		}
	}
	for _, e := range added {
		ix, _ := l.kind.Index(e.Index)
		if _, err := c.Exec(ctx, l.insertKey, e.Index, l.d.form(e.Value), disc(ix, id), id); err != nil {
			if v, ok := errors.AsType[*Violation](err); ok {
				return l.duplicate(v, []store.Entry{e})
			}
			return err
		}
	}
	return nil
}

func (w *write) delete(ctx context.Context, c Conn, inTx bool) error {
	if w.unsure && w.old != nil {
		if w.old.keys != "" && !inTx {
			return errNeedsTx
		}
		if w.old.keys == "" {
			return one(ctx, c, w.l.dropData, w.id, w.version, w.old.data)
		}
	}
	if !inTx {
		return errNeedsTx
	}
	if !w.l.many {
		if err := one(ctx, c, w.l.drop, w.id, w.version, ""); err != errNoRow {
			return err
		}
	}
	keys, err := w.oldKeys(ctx, c) // the kind may have had Many indexes before
	if err == errNoRow {
		return w.whyNot(ctx, c)
	}
	if err != nil {
		return err
	}
	gone, ok := decodeKeys(keys)
	if !ok {
		return &store.CorruptError{Kind: w.l.kind.Name, ID: w.id, Err: errors.New("keys")}
	}
	if err := w.writeKeys(ctx, c, gone, nil); err != nil {
		return err
	}
	return one(ctx, c, w.l.drop, w.id, w.version, keys)
}

// whyNot tells a record that is missing from one at another version.
func (w *write) whyNot(ctx context.Context, c Conn) error {
	err := store.ErrNotFound
	if queryErr := c.Get(ctx, w.l.version, []any{w.id}, func(scan ScanFunc) error {
		err = store.ErrConflict
		return nil
	}); queryErr != nil {
		return queryErr
	}
	return err
}
