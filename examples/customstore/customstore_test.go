package customstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/usherauth/usher/examples/customstore"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/storetest"
)

// 10. Run the suite on it, with -race, and mend until it is silent.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "db")) })
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b, filepath.Join(b.TempDir(), "db")) })
}

func open(tb testing.TB, path string) store.Store {
	tb.Helper()
	s, err := customstore.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

var note = &store.Kind{Name: "note", Indexes: []store.Index{{Name: "tag", Many: true}}}

// TestReopen: what was committed is there after the file is opened again.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	ctx, s := t.Context(), open(t, path)
	err := s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, store.Record{Kind: note, ID: "a", Data: []byte(`1`), Entries: []store.Entry{{Index: "tag", Value: "t"}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := customstore.Open(path); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("second Open: %v, want ErrUnavailable", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	err = s.View(ctx, func(tx store.Tx) error {
		recs, err := tx.Find(ctx, store.Query{Kind: note, Where: []store.Match{{Index: "tag", Values: []string{"t"}}}})
		if len(recs) != 1 || string(recs[0].Data) != `1` || recs[0].Version != 1 {
			t.Errorf("after reopening Find = %v", recs)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLength keeps the tutorial one that can be read in one sitting.
func TestLength(t *testing.T) {
	text, err := os.ReadFile("customstore.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, c := range text {
		if c == '\n' {
			lines++
		}
	}
	if lines > 450 {
		t.Errorf("customstore.go has %d lines, want at most 450", lines)
	}
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "customstore")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := customstore.Open(filepath.Join(dir, "auth.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx := context.Background()
	err = s.Update(ctx, func(tx store.Tx) error {
		version, err := tx.Put(ctx, store.Record{Kind: note, ID: "first", Data: []byte(`"hello"`)})
		fmt.Println("version", version)
		return err
	})
	fmt.Println(err)
	// Output:
	// version 1
	// <nil>
}
