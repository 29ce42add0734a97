package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/sqlite"
	"github.com/usherauth/usher/storetest"
)

func open(t testing.TB) *sqlite.Store {
	s, err := sqlite.Options{Relaxed: true}.Open(filepath.Join(t.TempDir(), "usher.db"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}
