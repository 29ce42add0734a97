package sqlkit

import (
	"encoding/json"

	"github.com/usherauth/usher/store"
)

// A position is where the record of Query.After stands in the order.
type position struct {
	id    string
	value *string // nil: no entry in the order index
}

// A find is a query on its way to a statement.
type find struct {
	l *layout
	q store.Query
	// after is set if q.After is.
	after *position
	// exact compares whole values where they may be stored in a form.
	exact bool
	// nulls chooses among the records behind after: those with an entry in the
	// order index only, those without only, or both.
	nulls nullChoice
}

type nullChoice uint8

const (
	bothNulls nullChoice = iota
	withoutNulls
	onlyNulls
)

// column writes the column of an index without Many, or its whole value.
func (l *layout) column(index string, exact bool) string {
	if index == "" {
		return "t.id"
	}
	c := "t." + quote(Column(index))
	if exact && l.d.Long {
		return "(COALESCE(t.long ->> " + literal(index) + ", " + c + `) COLLATE "C")`
	}
	return c
}

// selectRecords writes the statement that finds records.
func (f *find) selectRecords() *builder {
	if keys, rest := f.l.driven(f.q.Where); keys != nil && f.q.Order == "" {
		return f.selectDriven(keys, rest)
	}
	b := &builder{d: f.l.d}
	b.add("SELECT ", f.l.columns, " FROM ")
	late := f.q.Offset > 0 // the index knows the IDs: what is skipped is not read
	if late {
		b.add("(SELECT t.id FROM ")
	}
	b.add(f.l.table, " t")
	f.l.where(b, f.q.Where)
	if f.after != nil {
		if len(f.q.Where) == 0 {
			b.add(" WHERE ")
		} else {
			b.add(" AND ")
		}
		f.behind(b)
	}
	f.order(b)
	f.page(b)
	if late {
		b.add(") p CROSS JOIN ", f.l.table, " t WHERE t.id = p.id")
		f.order(b)
	}
	return b
}

func (f *find) order(b *builder) {
	dir, nulls := "", f.l.d.NullsFirst
	if f.q.Desc {
		dir, nulls = " DESC", f.l.d.NullsLast
	}
	b.add(" ORDER BY ")
	if f.q.Order != "" {
		b.add(f.l.column(f.q.Order, f.exact), dir, nulls, ", ")
	}
	b.add("t.id", dir)
}

func (f *find) page(b *builder) {
	switch {
	case f.q.Limit > 0:
		b.add(" LIMIT ")
		b.arg(int64(f.q.Limit))
	case f.q.Offset > 0:
		b.add(" LIMIT ")
		b.arg(int64(1) << 62)
	}
	if f.q.Offset > 0 {
		b.add(" OFFSET ")
		b.arg(int64(f.q.Offset))
	}
}

// behind writes the condition of coming after f.after, NULL being the smallest
// value.
func (f *find) behind(b *builder) {
	op := " > "
	if f.q.Desc {
		op = " < "
	}
	if f.q.Order == "" {
		b.add("t.id", op)
		b.arg(f.after.id)
		return
	}
	col := f.l.column(f.q.Order, f.exact)
	switch {
	case f.nulls == onlyNulls:
		b.add(col, " IS NULL")
	case f.after.value != nil:
		b.add("((", col, ", t.id)", op, "(")
		b.arg(*f.after.value)
		b.add(", ")
		b.arg(f.after.id)
		b.add(")")
		if f.q.Desc && f.nulls == bothNulls {
			b.add(" OR ", col, " IS NULL")
		}
		b.add(")")
	default:
		b.add("(", col, " IS NULL AND t.id", op)
		b.arg(f.after.id)
		if !f.q.Desc {
			b.add(" OR ", col, " IS NOT NULL")
		}
		b.add(")")
	}
}

// where writes the conditions of a query.
func (l *layout) where(b *builder, ms []store.Match) {
	for i, m := range ms {
		if i == 0 {
			b.add(" WHERE ")
		} else {
			b.add(" AND ")
		}
		l.match(b, m)
	}
}

func (l *layout) match(b *builder, m store.Match) {
	ix, _ := l.kind.Index(m.Index)
	switch {
	case len(m.Values) == 0 && m.Op == store.In:
		b.add("1 = 0")
	case len(m.Values) == 0:
		b.add("1 = 1")
	case ix.Many && m.Op == store.NotIn:
		b.add("NOT EXISTS (SELECT 1 FROM ", l.keys, " k WHERE k.ix = ", literal(ix.Name), " AND ")
		l.compare(b, "k.value", "", store.In, m.Values)
		if ix.Unique {
			b.add(" AND k.disc = '' AND k.id = t.id)")
		} else {
			b.add(" AND k.disc = t.id)")
		}
	case ix.Many && ix.Unique && m.Op == store.In && len(m.Values) == 1:
		b.add("t.id = (SELECT k.id FROM ", l.keys, " k WHERE k.ix = ", literal(ix.Name), " AND k.disc = '' AND k.value = ")
		b.arg(b.d.form(m.Values[0]))
		b.add(")")
	case ix.Many:
		whole := "k.value"
		if b.d.Long {
			whole = `(COALESCE(k.whole, k.value) COLLATE "C")`
		}
		b.add("t.id IN (SELECT k.id FROM ", l.keys, " k WHERE k.ix = ", literal(ix.Name), " AND ")
		l.compare(b, "k.value", whole, m.Op, m.Values)
		b.add(")")
	case m.Op == store.NotIn && m.Index != "":
		col := l.column(m.Index, false)
		b.add("(", col, " IS NULL OR NOT ")
		l.compare(b, col, col, store.In, m.Values)
		b.add(")")
	case m.Op == store.NotIn:
		b.add("NOT ")
		l.compare(b, "t.id", "t.id", store.In, m.Values)
	default:
		l.compare(b, l.column(m.Index, false), l.column(m.Index, m.Index != ""), m.Op, m.Values)
	}
}

// compare writes a comparison of a column, or of the expression for the whole
// value if the column is not enough.
func (l *layout) compare(b *builder, col, whole string, op store.Op, values []string) {
	switch op {
	case store.In:
		l.in(b, col, values)
	case store.Contains:
		b.add(b.d.Position, "(", whole, ", ")
		b.arg(values[0])
		b.add(") > 0")
	default:
		if b.d.Long && len(values[0]) >= exactBelow {
			col = whole
		}
		if op == store.Less {
			b.add(col, " < ")
		} else {
			b.add(col, " > ")
		}
		b.arg(values[0])
	}
}

// maxMarks is how many values are parameters of their own; more are one list.
const maxMarks = 50

func (l *layout) in(b *builder, col string, values []string) {
	values = b.d.forms(values)
	switch {
	case len(values) == 1:
		b.add("(", col, " = ")
		b.arg(values[0])
	case b.d.Arrays:
		b.add("(", col, " = ANY(CAST(")
		b.arg(values)
		b.add(" AS text[]))")
	case len(values) <= maxMarks:
		b.add("(", col, " IN (")
		for i, v := range values {
			if i > 0 {
				b.add(", ")
			}
			b.arg(v)
		}
		b.add(")")
	default:
		list, _ := json.Marshal(values) // strings always encode
		b.add("(", col, " IN (SELECT value FROM json_each(")
		b.arg(string(list))
		b.add("))")
	}
	b.add(")")
}

// byUnique reports whether q asks for one value of a Unique index, so that one
// record answers it, or none.
func byUnique(q store.Query) bool {
	if len(q.Where) != 1 || q.After != "" || q.Offset != 0 {
		return false
	}
	m := q.Where[0]
	ix, ok := q.Kind.Index(m.Index)
	return ok && ix.Unique && m.Op == store.In && len(m.Values) == 1
}
