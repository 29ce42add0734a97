package postgrestest_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/usherauth/usher/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func TestNewIsEmptyAndAlone(t *testing.T) {
	for range 2 {
		c, err := pgx.Connect(t.Context(), postgrestest.New(t))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		if _, err := c.Exec(t.Context(), "CREATE TABLE only_here ()"); err != nil {
			t.Error(err)
		}
	}
}

func TestWith(t *testing.T) {
	for _, dsn := range []string{"postgres://u@h:1/d?sslmode=disable", "postgresql://u@h:1/d?sslmode=disable&dbname=x", "host=h port=1 user=u dbname=d sslmode=disable"} {
		changed, err := postgrestest.With(dsn, "dbname", `it's`)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := pgx.ParseConfig(changed)
		if err != nil || cfg.Database != `it's` || cfg.Host != "h" || cfg.Port != 1 || cfg.User != "u" {
			t.Errorf("%s: %+v, %v", changed, cfg, err)
		}
	}
}

func TestServerRestarts(t *testing.T) {
	s := postgrestest.Start(t)
	dsn := s.Database(t)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if c, err := pgx.Connect(t.Context(), dsn); err == nil {
		c.Close(t.Context())
		t.Fatal("a killed server answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	c.Close(t.Context())
}
