package postgres

import "github.com/usherauth/usher/store/internal/sqlkit"

// Wrap changes the DB that s uses.
func (s *Store) Wrap(wrap func(sqlkit.DB) sqlkit.DB) { s.engine.DB = wrap(s.engine.DB) }
