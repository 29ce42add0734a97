package sqlkit

import (
	"context"
	"fmt"
	"strconv"
)

// A Dialect says how a database differs from the other one.
type Dialect struct {
	// Prefix begins every error text, such as "store/sqlite".
	Prefix string
	// Mark begins a parameter; its number follows.
	Mark string
	// Text is the type of columns that are compared bytewise.
	Text string
	// Position is the function that finds a substring.
	Position string
	// NullsFirst and NullsLast end an ORDER BY term that would not sort NULL
	// as the smallest value.
	NullsFirst, NullsLast string
	// SkipLocked ends a SELECT of rows to delete.
	SkipLocked string
	// HasTable counts the tables called by its parameter.
	HasTable string
	// WithTable ends a CREATE TABLE of a kind, KeyTable one of its entries.
	WithTable, KeyTable string
	// Lock is the statement that lets one migration run at a time, or empty.
	Lock string
	// Arrays: lists are passed as one parameter, and one statement can write to
	// two tables.
	Arrays bool
	// Long: index entries are bounded in size, so long values are stored in a
	// shortened form, and whole beside it.
	Long bool
}

func (d *Dialect) errorf(format string, args ...any) error {
	return fmt.Errorf(d.Prefix+": "+format, args...)
}

// A Conn runs statements. Errors of the database come as [*Violation],
// [*Rerun], an error of package store or of the context, or as they are.
type Conn interface {
	// Exec returns the number of rows that were written.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Query calls row for each row of the answer.
	Query(ctx context.Context, sql string, args []any, row func(scan ScanFunc) error) error
	// Get is Query for an answer of a row or none that is found at once, so
	// that it need not be stopped when ctx ends.
	Get(ctx context.Context, sql string, args []any, row func(scan ScanFunc) error) error
}

// A ScanFunc copies the columns of a row.
type ScanFunc func(dest ...any) error

// A Txn is a transaction.
type Txn interface {
	Conn
	Commit(ctx context.Context) error
	Rollback()
}

// A DB is where connections come from.
type DB interface {
	// Reader and Writer run each statement in a transaction of its own.
	Reader() Conn
	Writer() Conn
	// Begin starts a transaction whose reads see one state.
	Begin(ctx context.Context, write bool) (Txn, error)
	// BeginMigration starts a transaction that sees what others have committed
	// once it holds the lock of migrations.
	BeginMigration(ctx context.Context) (Txn, error)
}

// A builder puts a statement and its parameters together.
type builder struct {
	d    *Dialect
	sql  []byte
	args []any
}

func (b *builder) add(parts ...string) {
	for _, p := range parts {
		b.sql = append(b.sql, p...)
	}
}

// arg adds a parameter to the statement.
func (b *builder) arg(v any) {
	b.args = append(b.args, v)
	b.sql = append(b.sql, b.d.Mark...)
	b.sql = strconv.AppendInt(b.sql, int64(len(b.args)), 10)
}

func (b *builder) String() string { return string(b.sql) }
