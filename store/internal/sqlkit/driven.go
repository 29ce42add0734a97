package sqlkit

import "github.com/usherauth/usher/store"

// driven splits the conditions of a query into those that the key table can
// answer alone and the others. The rows of one value lie there in order of the
// records' IDs, so a page of them is read without looking at the rest, and what
// an offset skips is an entry and no record. The first of keys has one value.
// keys is nil if it is better to begin with the records: with no such
// condition, or with one that names few of them.
func (l *layout) driven(ms []store.Match) (keys, rest []store.Match) {
	first := -1
	for _, m := range ms {
		ix, _ := l.kind.Index(m.Index)
		switch {
		case m.Op != store.In:
			rest = append(rest, m)
		case !ix.Many || ix.Unique || len(m.Values) == 0:
			return nil, ms
		default:
			if first < 0 && len(m.Values) == 1 {
				first = len(keys)
			}
			keys = append(keys, m)
		}
	}
	if first < 0 {
		return nil, ms
	}
	keys[0], keys[first] = keys[first], keys[0]
	return keys, rest
}

// fromKeys writes the tables and conditions of a query that is driven: k are
// the rows of the key table, t the records if they are looked at. In SQLite a
// CROSS JOIN keeps that order; to PostgreSQL it is any join, but an OFFSET keeps
// it from beginning with another condition, of which a plan for all values does
// not know how many rows it has.
func (l *layout) fromKeys(b *builder, keys, rest []store.Match) {
	b.add(" FROM ", l.keys, " k")
	if len(rest) > 0 {
		b.add(" CROSS JOIN ", l.table, " t")
	}
	b.add(" WHERE k.ix = ", literal(keys[0].Index), " AND ")
	l.compare(b, "k.value", "", store.In, keys[0].Values)
	for _, m := range keys[1:] {
		b.add(" AND EXISTS (SELECT 1 FROM ", l.keys, " e WHERE e.ix = ", literal(m.Index), " AND e.disc = k.disc AND ")
		l.compare(b, "e.value", "", store.In, m.Values)
		b.add(" LIMIT 1 OFFSET 0)")
	}
	if len(rest) > 0 {
		b.add(" AND t.id = k.disc")
	}
	for _, m := range rest {
		b.add(" AND ")
		l.match(b, m)
	}
}

// selectDriven writes the statement that finds records by the key table.
func (f *find) selectDriven(keys, rest []store.Match) *builder {
	dir, op := "", " > "
	if f.q.Desc {
		dir, op = " DESC", " < "
	}
	b := &builder{d: f.l.d}
	b.add("SELECT ", f.l.columns, " FROM (SELECT k.disc")
	f.l.fromKeys(b, keys, rest)
	if f.after != nil {
		b.add(" AND k.disc", op)
		b.arg(f.after.id)
	}
	b.add(" ORDER BY k.disc", dir)
	f.page(b)
	b.add(") p CROSS JOIN ", f.l.table, " t WHERE t.id = p.disc ORDER BY t.id", dir)
	return b
}
