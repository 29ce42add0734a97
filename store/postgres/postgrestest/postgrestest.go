package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The environment variables that the package looks at.
const (
	// EnvDSN names a server to use instead of starting one.
	EnvDSN = "USHER_TEST_POSTGRES"
	// EnvNoSkip is 1 where a missing server is a failure, such as in CI.
	EnvNoSkip = "USHER_NO_SKIP"
)

// errNone: there is no server to be had.
var errNone = errors.New("no PostgreSQL: initdb and postgres not found, and " + EnvDSN + " not set")

// shared is the one server of the test process.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	number atomic.Int64
}

// Main runs the tests and then stops the server, if one was started. It
// returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if s := shared.server; s != nil {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "postgrestest:", err)
			code = max(code, 1)
		}
	}
	return code
}

// New returns the DSN of a new, empty database, which is dropped at the end of
// the test. Without a server the test is skipped, see the package comment.
func New(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	switch {
	case errors.Is(shared.err, errNone) && os.Getenv(EnvNoSkip) != "1":
		t.Skip(shared.err)
	case shared.err != nil:
		t.Fatal(shared.err)
	}
	return shared.server.Database(t)
}

// Start starts a server for tests that stop or change it. It is stopped at the
// end of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := findBin()
	if err != nil {
		if os.Getenv(EnvNoSkip) != "1" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	s, err := startServer(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start() (*Server, error) {
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		return &Server{dsn: dsn}, nil
	}
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	return startServer(bin)
}

// Database makes an empty database and returns its DSN. It is dropped at the
// end of the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("usher_test_%d_%d", os.Getpid(), shared.number.Add(1))
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil && !s.stopped() {
			t.Error(err)
		}
	})
	dsn, err := With(s.dsn, "dbname", name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// exec runs one statement on the server's own database.
func (s *Server) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return fmt.Errorf("postgrestest: %w", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		return fmt.Errorf("postgrestest: %s: %w", sql, err)
	}
	return nil
}

// With returns a DSN, which is a URL or keywords and values, with one setting
// changed.
func With(dsn, key, value string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
		return dsn + " " + key + "='" + quoted + "'", nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("postgrestest: %w", err)
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
