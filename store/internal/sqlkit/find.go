package sqlkit

import (
	"context"

	"github.com/usherauth/usher/store"
)

// find answers q with rows; none if the record of q.After is gone.
func (l *layout) find(ctx context.Context, c Conn, q store.Query) ([]*row, error) {
	f := &find{l: l, q: q}
	rows, long, err := f.run(ctx, c)
	if err == nil && long {
		// A form is not enough to order by: begin again with whole values.
		f = &find{l: l, q: q, exact: true}
		rows, _, err = f.run(ctx, c)
	}
	return rows, err
}

// run reports besides whether a value in the order index is so long that the
// order may not be exact.
func (f *find) run(ctx context.Context, c Conn) (rows []*row, long bool, err error) {
	if f.q.After != "" {
		if f.after, err = f.position(ctx, c); err != nil || f.after == nil {
			return nil, false, err
		}
		if f.mayBeLong(f.after.value) {
			return nil, true, nil
		}
	}
	// Behind a value, descending, come other values and then no value. In one
	// statement that is an OR, which no index answers.
	split := f.q.Order != "" && f.q.Desc && f.after != nil && f.after.value != nil && f.q.Limit > 0 && f.q.Offset == 0
	if split {
		f.nulls = withoutNulls
	}
	if rows, err = f.rows(ctx, c); err != nil {
		return nil, false, err
	}
	if split && len(rows) < f.q.Limit {
		f.nulls = onlyNulls
		f.q.Limit -= len(rows)
		more, err := f.rows(ctx, c)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, more...)
	}
	if col := f.orderColumn(); col >= 0 {
		for _, r := range rows {
			long = long || f.mayBeLong(r.cols[col])
		}
	}
	return rows, long, nil
}

func (f *find) mayBeLong(v *string) bool {
	return f.l.d.Long && !f.exact && v != nil && len(*v) >= exactBelow
}

// orderColumn returns the number of the column to order by, or -1 for the ID.
func (f *find) orderColumn() int {
	for i, ix := range f.l.cols {
		if ix.Name == f.q.Order {
			return i
		}
	}
	return -1
}

// position looks the record of q.After up; nil if it is gone.
func (f *find) position(ctx context.Context, c Conn) (p *position, err error) {
	sql := "SELECT " + f.l.column(f.q.Order, f.exact) + " FROM " + f.l.table + " t WHERE t.id = " + f.l.d.p(1)
	err = c.Query(ctx, sql, []any{f.q.After}, func(scan ScanFunc) error {
		p = &position{id: f.q.After}
		return scan(&p.value)
	})
	return p, err
}

func (f *find) rows(ctx context.Context, c Conn) ([]*row, error) {
	b := f.selectRecords()
	return f.l.readRows(ctx, c, b.String(), b.args)
}

func (l *layout) readRows(ctx context.Context, c Conn, sql string, args []any) (rows []*row, err error) {
	d := l.newDest()
	err = c.Query(ctx, sql, args, func(scan ScanFunc) error {
		if err := scan(d.dest...); err != nil {
			return err
		}
		r, err := d.row()
		rows = append(rows, r)
		return err
	})
	return rows, err
}

func (l *layout) count(ctx context.Context, c Conn, q store.Query) (n int, err error) {
	b := &builder{d: l.d}
	b.add("SELECT count(*)")
	if keys, rest := l.driven(q.Where); keys != nil {
		l.fromKeys(b, keys, rest)
	} else {
		b.add(" FROM ", l.table, " t")
		l.where(b, q.Where)
	}
	err = c.Query(ctx, b.String(), b.args, func(scan ScanFunc) error { return scan(&n) })
	return n, err
}

// records makes records of rows.
func (l *layout) records(rows []*row) ([]store.Record, error) {
	recs := make([]store.Record, 0, len(rows))
	for _, r := range rows {
		rec, err := l.record(r)
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}
