package sqlkit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
)

// SchemaVersion is the version of what all tables have in common. A program
// refuses a database at a higher one.
const SchemaVersion = 1

// migrations[i] are the statements that lead from version i to i+1. They are
// never changed, only added to.
func (d *Dialect) migrations() [][]string {
	return [][]string{
		{"CREATE TABLE IF NOT EXISTS " + SchemaTable + " (kind " + d.Text + " NOT NULL PRIMARY KEY, version BIGINT NOT NULL, indexes TEXT NOT NULL)"},
	}
}

// A signature holds the flags of each index that a kind has or had: u for
// Unique, m for Many. A dot and a name stand for a column of an index that has
// become Many since.
type signature map[string]string

func flags(ix store.Index) string {
	s := ""
	if ix.Unique {
		s += "u"
	}
	if ix.Many {
		s += "m"
	}
	return s
}

func (s signature) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, name+"="+s[name])
	}
	return strings.Join(parts, " ")
}

func parseSignature(text string) signature {
	s := signature{}
	for _, part := range strings.Fields(text) {
		name, f, _ := strings.Cut(part, "=")
		s[name] = f
	}
	return s
}

// covers reports whether all indexes of k are there. A nil signature is a kind
// without a table.
func (s signature) covers(k *store.Kind) bool {
	for _, ix := range k.Indexes {
		if f, ok := s[ix.Name]; !ok || f != flags(ix) {
			return false
		}
	}
	return s != nil
}

// schema is what the schema table holds.
type schema struct {
	version int
	kinds   map[string]signature
}

func (s *schema) missing(kinds []*store.Kind) []*store.Kind {
	var out []*store.Kind
	for _, k := range kinds {
		if !s.kinds[k.Name].covers(k) {
			out = append(out, k)
		}
	}
	return out
}

// readSchema returns version 0 if nothing is there yet, and ErrSchema if the
// database is too new.
func (e *Engine) readSchema(ctx context.Context, c Conn) (*schema, error) {
	s := &schema{kinds: map[string]signature{}}
	n := 0
	err := c.Query(ctx, e.Dialect.HasTable, []any{SchemaTable}, func(scan ScanFunc) error { return scan(&n) })
	if err != nil || n == 0 {
		return s, err
	}
	var kind, indexes string
	var version int
	err = c.Query(ctx, "SELECT kind, version, indexes FROM "+SchemaTable, nil, func(scan ScanFunc) error {
		if err := scan(&kind, &version, &indexes); err != nil {
			return err
		}
		if kind == "" {
			s.version = version
		} else {
			s.kinds[kind] = parseSignature(indexes)
		}
		return nil
	})
	if err == nil && s.version > SchemaVersion {
		err = e.Dialect.errorf("%w: the database has schema %d, this program knows %d", store.ErrSchema, s.version, SchemaVersion)
	}
	return s, err
}

// Prepare makes the schema table and the tables and indexes of kinds, as far
// as they are missing, all in one transaction. It does little else than read
// one small table if they are there.
func (e *Engine) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	for _, k := range kinds {
		if err := k.Validate(); err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		err := e.prepare(ctx, kinds)
		if _, again := errors.AsType[*Rerun](err); !again || n == maxRuns {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

func (e *Engine) prepare(ctx context.Context, kinds []*store.Kind) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen == nil || len((&schema{kinds: e.seen}).missing(kinds)) > 0 {
		s, err := e.readSchema(ctx, e.DB.Reader())
		if err != nil {
			return err
		}
		if s.version < SchemaVersion || len(s.missing(kinds)) > 0 {
			if s, err = e.migrateAlone(ctx, kinds); err != nil {
				return err
			}
		}
		e.seen = s.kinds
	}
	for _, k := range kinds {
		e.assume(k)
	}
	return nil
}

func (e *Engine) migrateAlone(ctx context.Context, kinds []*store.Kind) (*schema, error) {
	conn, err := e.DB.BeginMigration(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Rollback()
	s, err := e.migrate(ctx, conn, kinds...)
	if err != nil {
		return nil, err
	}
	return s, conn.Commit(ctx)
}

// migrate makes what is missing in a transaction.
func (e *Engine) migrate(ctx context.Context, c Conn, kinds ...*store.Kind) (*schema, error) {
	if e.Dialect.Lock != "" {
		if _, err := c.Exec(ctx, e.Dialect.Lock); err != nil {
			return nil, err
		}
	}
	s, err := e.readSchema(ctx, c)
	if err != nil {
		return nil, err
	}
	var stmts []string
	for _, step := range e.Dialect.migrations()[s.version:] {
		stmts = append(stmts, step...)
	}
	for _, sql := range stmts {
		if _, err := c.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	if s.version < SchemaVersion {
		if err := e.note(ctx, c, "", SchemaVersion, ""); err != nil {
			return nil, err
		}
	}
	for _, k := range s.missing(kinds) {
		sig, err := e.makeKind(ctx, c, k, s.kinds[k.Name])
		if err != nil {
			return nil, err
		}
		s.kinds[k.Name] = sig
	}
	return s, nil
}

// note writes a row of the schema table.
func (e *Engine) note(ctx context.Context, c Conn, kind string, version int64, indexes string) error {
	d := e.Dialect
	_, err := c.Exec(ctx, "INSERT INTO "+SchemaTable+" (kind, version, indexes) VALUES ("+d.p(1)+", "+d.p(2)+", "+d.p(3)+
		") ON CONFLICT (kind) DO UPDATE SET version = excluded.version, indexes = excluded.indexes", kind, version, indexes)
	return err
}

// makeKind makes the tables, columns and indexes of k that old does not have.
func (e *Engine) makeKind(ctx context.Context, c Conn, k *store.Kind, old signature) (signature, error) {
	sig := maps.Clone(old)
	var stmts []string
	if sig == nil {
		sig = signature{}
		stmts = e.Dialect.createKind(k)
	}
	for _, ix := range k.Indexes {
		was, had := old[ix.Name]
		if !had || was != flags(ix) {
			_, kept := old["."+ix.Name]
			column := old == nil || kept || had && !strings.Contains(was, "m")
			if column && ix.Many && old != nil {
				sig["."+ix.Name] = ""
			}
			stmts = append(stmts, e.Dialect.createIndex(k.Name, ix, column, had && strings.Contains(was, "m"))...)
		}
		sig[ix.Name] = flags(ix)
	}
	for _, sql := range stmts {
		if _, err := c.Exec(ctx, sql); err != nil {
			return nil, e.Dialect.errorf("table of kind %s: %w", k.Name, err)
		}
	}
	return sig, e.note(ctx, c, k.Name, SchemaVersion, sig.String())
}
