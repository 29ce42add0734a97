package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
	"github.com/usherauth/usher/store/internal/sqlkit/sqlkittest"
	"github.com/usherauth/usher/store/postgres"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/storetest"
)

func open(t testing.TB) *postgres.Store {
	t.Helper()
	return openAt(t, postgrestest.New(t))
}

func openAt(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func with(t testing.TB, dsn, key, value string) string {
	t.Helper()
	dsn, err := postgrestest.With(dsn, key, value)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// host connects as a host would.
func host(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(t.Context()) })
	return c
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}

// Without prepared statements, as behind an old PgBouncer.
func TestContractExecMode(t *testing.T) {
	if testing.Short() {
		t.Skip("the contract once more")
	}
	storetest.Run(t, func(t *testing.T) store.Store {
		return openAt(t, with(t, postgrestest.New(t), "default_query_exec_mode", "exec"))
	})
}

func TestBeyondContract(t *testing.T) {
	sqlkittest.Run(t, func(t *testing.T) *sqlkittest.Target {
		dsn := postgrestest.New(t)
		return &sqlkittest.Target{
			Open: func() (sqlkittest.Store, error) { return postgres.Open(t.Context(), dsn) },
			Exec: func(sql string) error { _, err := host(t, dsn).Exec(t.Context(), sql); return err },
			Wrap: func(s sqlkittest.Store, wrap func(sqlkit.DB) sqlkit.DB) { s.(*postgres.Store).Wrap(wrap) },
		}
	})
}
