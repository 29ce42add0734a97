package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
	_ "modernc.org/sqlite" // the driver
)

// Options change how a database is used. The zero value is good.
type Options struct {
	// Relaxed uses synchronous=NORMAL instead of FULL: three times as many
	// writes a second, and a power cut may undo the last of them.
	Relaxed bool
	// BusyTimeout is how long to wait for another process that writes, and how
	// long to stand in line for a connection, before the error is
	// store.ErrUnavailable. 0 is 5 seconds.
	BusyTimeout time.Duration
	// Readers is how many connections read. 0 is one for each core, at least 2
	// and at most 8.
	Readers int
}

// Open is [Options.Open] of the zero Options.
func Open(path string) (*Store, error) { return Options{}.Open(path) }

// Open opens the database in the file at path, and makes it if there is none.
// Its error is store.ErrSchema if a newer version wrote the file, and
// store.ErrUnavailable if it is locked, full or read-only.
func (o Options) Open(path string) (*Store, error) {
	if path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("store/sqlite: %w: %q is not the path of a file; package store/memory needs none", store.ErrInvalid, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store/sqlite: %w", err)
	}
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store/sqlite: %w: %w", store.ErrUnavailable, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("store/sqlite: %w: %w", store.ErrUnavailable, err)
	}
	dsn := "file://" + (&url.URL{Path: filepath.ToSlash(abs)}).EscapedPath()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("store/sqlite: %w", err)
	}
	db.SetMaxIdleConns(o.readers() + 1)
	s := o.New(db, db)
	s.owned = db
	if err := s.Prepare(context.Background()); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// New returns a store over databases that the host has opened with the driver
// of modernc.org/sqlite; they may be the same one. The store takes one
// connection of write and Options.Readers of read for itself until it is
// closed, so that both need room for more if they limit their connections. The
// databases stay open when the store is closed. The tables are made by the
// first use, or by [Store.Prepare].
func (o Options) New(write, read *sql.DB) *Store {
	busy := cmp.Or(o.BusyTimeout, 5*time.Second)
	synchronous := "PRAGMA synchronous = FULL"
	if o.Relaxed {
		synchronous = "PRAGMA synchronous = NORMAL"
	}
	// busy_timeout comes first: the others may have to wait already.
	common := []string{"PRAGMA foreign_keys = ON", synchronous}
	writer := append([]string{busyPragma(busy), "PRAGMA journal_mode = WAL", "PRAGMA cache_size = -16000",
		"PRAGMA journal_size_limit = 67108864"}, common...)
	// The writer waits in small steps, between which it looks at the context.
	writer = append(writer, busyPragma(min(busy, busyStep)))
	reader := append([]string{busyPragma(busy), "PRAGMA cache_size = -4000", "PRAGMA query_only = ON"}, common...)
	return newStore(newLane(write, 1, writer, busy, busy), newLane(read, o.readers(), reader, 0, busy))
}

func (o Options) readers() int {
	return cmp.Or(o.Readers, min(max(runtime.GOMAXPROCS(0), 2), 8))
}

func busyPragma(d time.Duration) string {
	return fmt.Sprintf("PRAGMA busy_timeout = %d", max(d.Milliseconds(), 1))
}
