package sqlkit

import (
	"strings"

	"github.com/usherauth/usher/store"
)

// createKind returns the statements that make the table of a kind.
func (d *Dialect) createKind(k *store.Kind) []string {
	cols := []string{"id " + d.Text + " NOT NULL PRIMARY KEY", "version BIGINT NOT NULL", "expires BIGINT"}
	for _, ix := range k.Indexes {
		if !ix.Many {
			cols = append(cols, quote(Column(ix.Name))+" "+d.Text)
		}
	}
	cols = append(cols, "keys "+d.Text+" NOT NULL DEFAULT ''")
	if d.Long {
		cols = append(cols, "long JSONB")
	}
	cols = append(cols, "sum BIGINT NOT NULL", "data TEXT NOT NULL")
	table := quote(Table(k.Name))
	return []string{
		"CREATE TABLE IF NOT EXISTS " + table + " (" + strings.Join(cols, ", ") + ")" + d.WithTable,
		"CREATE INDEX IF NOT EXISTS " + quote(IndexName(k.Name, "expires", false)) + " ON " + table + " (expires) WHERE expires IS NOT NULL",
	}
}

// createIndex returns the statements that make an index of a kind, or change
// it. column says that it has a column already, many that it has rows in the
// key table.
func (d *Dialect) createIndex(kind string, ix store.Index, column, many bool) []string {
	if ix.Many {
		return d.createMany(kind, ix, many)
	}
	var stmts []string
	t, col := quote(Table(kind)), quote(Column(ix.Name))
	if !column {
		stmts = append(stmts, "ALTER TABLE "+t+" ADD COLUMN "+col+" "+d.Text)
	}
	stmts = append(stmts, "DROP INDEX IF EXISTS "+quote(IndexName(kind, ix.Name, !ix.Unique)))
	if ix.Unique {
		return append(stmts, "CREATE UNIQUE INDEX IF NOT EXISTS "+quote(IndexName(kind, ix.Name, true))+" ON "+t+" ("+col+")")
	}
	return append(stmts, "CREATE INDEX IF NOT EXISTS "+quote(IndexName(kind, ix.Name, false))+" ON "+t+" ("+col+d.NullsFirst+", id)")
}

// createMany returns the statements that make the key table, and those that
// change the rows of an index that was already in it.
func (d *Dialect) createMany(kind string, ix store.Index, had bool) []string {
	t := quote(KeyTable(kind))
	whole := ""
	if d.Long {
		whole = ", whole TEXT"
	}
	stmts := []string{"CREATE TABLE IF NOT EXISTS " + t + " (ix " + d.Text + " NOT NULL, value " + d.Text + " NOT NULL, disc " + d.Text +
		" NOT NULL, id " + d.Text + " NOT NULL" + whole + ", PRIMARY KEY (ix, value, disc))" + d.KeyTable}
	if had {
		what := "id"
		if ix.Unique {
			what = "''"
		}
		stmts = append(stmts, "UPDATE "+t+" SET disc = "+what+" WHERE ix = "+literal(ix.Name))
	}
	return stmts
}
