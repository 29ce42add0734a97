package sqlite

import (
	"context"

	"github.com/usherauth/usher/store/internal/sqlkit"
)

// Wrap changes the DB that s uses.
func (s *Store) Wrap(wrap func(sqlkit.DB) sqlkit.DB) { s.engine.DB = wrap(s.engine.DB) }

// ExecWriter runs a statement on the connection that writes.
func (s *Store) ExecWriter(ctx context.Context, query string) error {
	_, err := s.write.Exec(ctx, query)
	return err
}

// WriterPragma returns a setting of the connection that writes, or -1.
func (s *Store) WriterPragma(ctx context.Context, name string) int {
	n := -1
	s.write.Query(ctx, "PRAGMA "+name, nil, func(scan sqlkit.ScanFunc) error { return scan(&n) })
	return n
}
