package sqlkit

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/usherauth/usher/store"
)

// A layout is a kind with the statements that work on it.
type layout struct {
	d       *Dialect
	kind    *store.Kind
	table   string        // quoted
	keys    string        // the table of Many entries, quoted
	cols    []store.Index // indexes without Many: one column each
	quoted  []string      // the names of their columns
	many    bool          // the kind has Many indexes
	columns string        // what a SELECT of a record from t names
	// constraints maps what a violation names to the index it is about.
	constraints map[string]string
	// skip counts the updates that had better not try quick, see update.
	skip atomic.Int32

	get, getKeys            string
	insert, insertWithKeys  string
	quick, full, fullKeys   string
	fullWithKeys            string
	fullDataWithKeys        string
	drop, dropData, version string
	dropKey, insertKey      string
}

func newLayout(d *Dialect, k *store.Kind) *layout {
	l := &layout{d: d, kind: k, table: quote(Table(k.Name)), keys: quote(KeyTable(k.Name)), constraints: map[string]string{}}
	l.columns = "t.id, t.version, t.expires, t.keys, t.data"
	for _, ix := range k.Indexes {
		if ix.Many {
			l.many = true
			continue
		}
		name := Column(ix.Name)
		l.cols = append(l.cols, ix)
		l.quoted = append(l.quoted, quote(name))
		l.columns += ", t." + quote(name)
		l.constraints[IndexName(k.Name, ix.Name, true)] = ix.Name
		l.constraints[Table(k.Name)+"."+name] = ix.Name
	}
	if d.Long {
		l.columns += ", t.long"
	}
	l.compileReads()
	l.compileInserts()
	l.compileUpdates()
	l.compileDeletes()
	return l
}

// p writes the n-th parameter.
func (d *Dialect) p(n int) string { return d.Mark + strconv.Itoa(n) }

func (l *layout) compileReads() {
	d := l.d
	l.get = "SELECT " + l.columns + " FROM " + l.table + " t WHERE t.id = " + d.p(1)
	l.getKeys = "SELECT t.keys FROM " + l.table + " t WHERE t.id = " + d.p(1) + " AND t.version = " + d.p(2)
	l.version = "SELECT t.version FROM " + l.table + " t WHERE t.id = " + d.p(1)
}

// names returns the columns that every write fills, in the order of the
// parameters that args makes.
func (l *layout) names() []string {
	names := append([]string{"id", "version", "expires", "keys", "data", "sum"}, l.quoted...)
	if l.d.Long {
		names = append(names, "long")
	}
	return names
}

// param writes the parameter that fills a column.
func (l *layout) param(i int, name string) string {
	if name == "long" {
		return "CAST(" + l.d.p(i+1) + " AS jsonb)"
	}
	return l.d.p(i + 1)
}

func (l *layout) compileInserts() {
	var marks []string
	names := l.names()
	for i, n := range names {
		marks = append(marks, l.param(i, n))
	}
	l.insert = "INSERT INTO " + l.table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") +
		") ON CONFLICT (id) DO NOTHING"
	l.insertWithKeys = l.withKeys(l.insert, len(names), false)
	l.insertKey = "INSERT INTO " + l.keys + " (ix, value, disc, id) VALUES (" + l.marks(1, 4) + ")"
	l.dropKey = "DELETE FROM " + l.keys + " WHERE ix = " + l.d.p(1) + " AND value = " + l.d.p(2) +
		" AND disc IN ('', " + l.d.p(3) + ") AND id = " + l.d.p(3)
}

func (l *layout) marks(from, to int) string {
	var s []string
	for i := from; i <= to; i++ {
		s = append(s, l.d.p(i))
	}
	return strings.Join(s, ", ")
}

// compileUpdates writes the ways to store a record at the version before.
func (l *layout) compileUpdates() {
	d, names := l.d, l.names()
	n := len(names)
	var set []string
	for i, name := range names {
		if name == "id" {
			continue
		}
		set = append(set, name+" = "+l.param(i, name))
	}
	where := " WHERE id = " + d.p(1) + " AND version + 1 = " + d.p(2)
	all := "UPDATE " + l.table + " SET " + strings.Join(set, ", ") + where
	l.full = all
	l.fullKeys = all + " AND keys = " + d.p(4)
	l.quick = "UPDATE " + l.table + " SET version = " + d.p(2) + ", data = " + d.p(3) + where + " AND sum = " + d.p(4)
	l.fullWithKeys = l.withKeys(l.full, n, true)
	l.fullDataWithKeys = l.withKeys(all+" AND data = "+d.p(n+1)+" AND keys = "+d.p(n+2), n+2, true)
}

func (l *layout) compileDeletes() {
	l.drop = "DELETE FROM " + l.table + " WHERE id = " + l.d.p(1) + " AND version = " + l.d.p(2) + " AND keys = ''"
	l.dropData = l.drop + " AND data = " + l.d.p(3)
	l.drop = strings.Replace(l.drop, "keys = ''", "keys = "+l.d.p(3), 1)
}

// withKeys makes a write also change rows of the key table, in one statement
// that answers with how many records were written. The parameters after the
// n-th are lists: index, form, disc and whole value of the entries to add, and,
// with gone, index and form of those to remove. Those are looked up one by one,
// since a plan made for a join while the table was small is bad later.
func (l *layout) withKeys(write string, n int, gone bool) string {
	if !l.d.Arrays {
		return ""
	}
	list := func(i int) string { return "CAST(" + l.d.p(n+i) + " AS text[])" }
	remove := ""
	if gone {
		remove = ", r AS (DELETE FROM " + l.keys + " k WHERE EXISTS (SELECT 1 FROM w) AND k.ctid = ANY (ARRAY(" +
			"SELECT (SELECT o.ctid FROM " + l.keys + " o WHERE o.ix = u.ix AND o.value = u.value" +
			" AND o.disc IN ('', " + l.d.p(1) + ") AND o.id = " + l.d.p(1) + ")" +
			" FROM unnest(" + list(5) + ", " + list(6) + ") AS u(ix, value))))"
	}
	return "WITH w AS (" + write + " RETURNING 1)" + remove +
		", a AS (INSERT INTO " + l.keys + " (ix, value, disc, id, whole) SELECT u.ix, u.value, u.disc, " + l.d.p(1) + ", u.whole" +
		" FROM unnest(" + list(1) + ", " + list(2) + ", " + list(3) + ", " + list(4) + ") AS u(ix, value, disc, whole)" +
		" WHERE EXISTS (SELECT 1 FROM w))" +
		" SELECT count(*) FROM w"
}
