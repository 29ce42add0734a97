package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/internal/sqlkit"
	"github.com/usherauth/usher/store/internal/sqlkit/sqlkittest"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

func open(t testing.TB) *sqlite.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "usher.db"), sqlite.Options{Relaxed: true})
}

func openAt(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := o.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// host opens the file as a host would.
func host(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}

func TestBeyondContract(t *testing.T) {
	sqlkittest.Run(t, func(t *testing.T) *sqlkittest.Target {
		path := filepath.Join(t.TempDir(), "usher.db")
		return &sqlkittest.Target{
			Open: func() (sqlkittest.Store, error) { return sqlite.Options{Relaxed: true}.Open(path) },
			Exec: func(query string) error { _, err := host(t, path).Exec(query); return err },
			Wrap: func(s sqlkittest.Store, wrap func(sqlkit.DB) sqlkit.DB) { s.(*sqlite.Store).Wrap(wrap) },
		}
	})
}
