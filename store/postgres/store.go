package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
)

// migrationLock is the key of the advisory lock that a migration holds: the
// bytes of "usher".
const migrationLock = 0x7573686572

// dialect is what PostgreSQL wants to be told.
func dialect() *sqlkit.Dialect {
	return &sqlkit.Dialect{
		Prefix: "store/postgres", Mark: "$", Text: `TEXT COLLATE "C"`, Position: "strpos",
		NullsFirst: " NULLS FIRST", NullsLast: " NULLS LAST", SkipLocked: " FOR UPDATE SKIP LOCKED",
		HasTable: "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace" +
			" WHERE n.nspname = current_schema() AND c.relname = $1",
		// Room in each page keeps the new version of a row beside the old one.
		WithTable: " WITH (fillfactor = 90)",
		Lock:      fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", int64(migrationLock)),
		Arrays:    true, Long: true,
	}
}

// A Store is a [store.Store] in a PostgreSQL database. It is safe for use by
// many goroutines.
type Store struct {
	pool   *pgxpool.Pool
	engine *sqlkit.Engine
	owned  bool
}

var _ store.Store = (*Store)(nil)

// minIdle is how many connections [Open] keeps ready, unless the DSN has
// pool_min_idle_conns or pool_min_conns.
const minIdle = 2

// Open connects to the database that dsn names, a URL or a keyword string with
// the settings of pgx and pgxpool, such as pool_max_conns. Its error is
// store.ErrSchema if a newer version has been there, and store.ErrUnavailable
// if the database does not answer.
func Open(ctx context.Context, dsn string) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("store/postgres: %w: %w", store.ErrInvalid, err)
	}
	if cfg.MinIdleConns == 0 && cfg.MinConns == 0 {
		cfg.MinIdleConns = min(minIdle, cfg.MaxConns)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store/postgres: %w: %w", store.ErrUnavailable, err)
	}
	s := New(pool)
	s.owned = true
	if err := s.check(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// check makes sure that texts are bytes of UTF-8 and that the schema is known.
func (s *Store) check(ctx context.Context) error {
	var encoding string
	if err := s.pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return mapAcquire(ctx, err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("store/postgres: %w: the database's encoding is %s, not UTF8", store.ErrInvalid, encoding)
	}
	return s.Prepare(ctx)
}

// New returns a store over a pool of the host, which stays open when the store
// is closed. The tables are made by the first use, or by [Store.Prepare].
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool, engine: sqlkit.NewEngine(dialect(), database{pool})}
}

// View is the method of [store.Store]. One or a few Gets are one statement
// each; more is a transaction.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.engine.View(ctx, fn)
}

// Update is the method of [store.Store]. A few Gets and one Put or Delete are
// one statement each; more is a transaction of repeatable read. It runs fn
// again after a serialization failure or a deadlock.
//
// If ctx ends or the connection breaks while the last statement or COMMIT is
// under way, it is not known whether fn's writes were kept.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.engine.Update(ctx, fn)
}

// Prepare makes the tables and indexes of kinds, as far as they are missing,
// in one transaction. Any number of processes may do so at once. A kind that
// was not prepared gets its table when it is first used. Records stored before
// an index was added have no value in it until store.Reindex stores them anew.
func (s *Store) Prepare(ctx context.Context, kinds ...*store.Kind) error {
	return s.engine.Prepare(ctx, kinds...)
}

// Purge is the method of [store.Store]. It deletes in transactions of 250
// records, and passes over records that are being written.
func (s *Store) Purge(ctx context.Context, before time.Time) (int, error) {
	return s.engine.Purge(ctx, before)
}

// Close waits for transactions that are under way and closes the pool, if Open
// made it.
func (s *Store) Close() error {
	if s.owned {
		s.pool.Close()
	}
	return nil
}
