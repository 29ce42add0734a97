package sqlkit

import (
	"context"

	"github.com/usherauth/usher/store"
)

// maxLoose is how many records are read before a transaction is begun.
const maxLoose = 4

// A read is a record that was read without a transaction, or its absence.
type read struct {
	l     *layout
	match store.Match // what was asked for
	row   *row        // nil: there is none
}

// byID is the match of Get.
func byID(id string) store.Match { return store.Match{Values: []string{id}} }

// check writes the condition that the read would answer as it did.
func (r *read) check(b *builder) {
	if r.row == nil {
		b.add("NOT ")
	}
	b.add("EXISTS (SELECT 1 FROM ", r.l.table, " t WHERE ")
	if r.row == nil {
		r.l.match(b, r.match)
		b.add(")")
		return
	}
	// The version alone would not tell a record from one that was deleted and
	// made anew.
	b.add("t.id = ")
	b.arg(r.row.id)
	b.add(" AND t.version = ")
	b.arg(r.row.version)
	b.add(" AND t.data = ")
	b.arg(r.row.data)
	b.add(")")
}

func checks(b *builder, reads []read) {
	for i := range reads {
		if i > 0 {
			b.add(" AND ")
		}
		reads[i].check(b)
	}
}

// readLoose answers m in one statement that also checks the reads before it.
func readLoose(ctx context.Context, c Conn, before []read, l *layout, m store.Match) (*row, error) {
	b := &builder{d: l.d}
	same := true
	var d *rowDest
	switch {
	case len(before) > 0:
		d = l.newDest(&same)
		b.add("SELECT c.same, ", l.columns, " FROM (SELECT (")
		checks(b, before)
		b.add(") AS same) c LEFT JOIN ", l.table, " t ON ")
		l.match(b, m)
	case m.Index == "":
		d = l.newDest()
		b.add(l.get)
		b.args = []any{m.Values[0]}
	default:
		d = l.newDest()
		b.add("SELECT ", l.columns, " FROM ", l.table, " t WHERE ")
		l.match(b, m)
	}
	var r *row
	err := c.Get(ctx, b.String(), b.args, func(scan ScanFunc) error {
		err := scan(d.dest...)
		if err != nil {
			return err
		}
		r, err = d.row()
		return err
	})
	if err == nil && !same {
		err = errChanged
	}
	return r, err
}

// recheck checks reads in a transaction that has just begun.
func recheck(ctx context.Context, c Conn, d *Dialect, reads []read) error {
	if len(reads) == 0 {
		return nil
	}
	b := &builder{d: d}
	b.add("SELECT (")
	checks(b, reads)
	b.add(")")
	same := false
	err := c.Get(ctx, b.String(), b.args, func(scan ScanFunc) error { return scan(&same) })
	if err == nil && !same {
		err = errChanged
	}
	return err
}
