package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return memory.New() })
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return memory.New() })
}

var note = &store.Kind{Name: "note", Indexes: []store.Index{{Name: "title", Unique: true}, {Name: "tag", Many: true}, {Name: "rank"}}}

func newNote(i int) store.Record {
	return store.Record{Kind: note, ID: fmt.Sprintf("note_%06d", i), Data: []byte(`{}`), Entries: []store.Entry{
		{Index: "title", Value: fmt.Sprint("title ", i)}, {Index: "tag", Value: fmt.Sprint("tag ", i%7)}, {Index: "rank", Value: store.IntKey(int64(i))},
	}}
}

func put(ctx context.Context, s store.Store, recs ...store.Record) error {
	return s.Update(ctx, func(tx store.Tx) error {
		for _, r := range recs {
			if _, err := tx.Put(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestViewDoesNotBlock: writers go on while a View is open, and it goes on
// seeing what it saw. Both in one goroutine: waiting would be a deadlock.
func TestViewDoesNotBlock(t *testing.T) {
	ctx, s := t.Context(), memory.New()
	defer s.Close()
	err := s.View(ctx, func(tx store.Tx) error {
		for i := range 50 {
			if err := put(ctx, s, newNote(i)); err != nil {
				return err
			}
		}
		n, err := tx.Count(ctx, store.Query{Kind: note})
		if n != 0 {
			t.Errorf("an old View sees %d new records", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDoomed: after a failure nothing works and nothing is kept, though fn
// keeps the error to itself.
func TestDoomed(t *testing.T) {
	ctx, s := t.Context(), memory.New()
	defer s.Close()
	err := s.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Put(ctx, newNote(1)); err != nil {
			return err
		}
		bad := newNote(2)
		bad.Version = 7
		if _, err := tx.Put(ctx, bad); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Put: %v, want ErrConflict", err)
		}
		if _, err := tx.Get(ctx, note, "note_000001"); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Get after a failure: %v, want the same error", err)
		}
		return nil
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("Update: %v, want ErrConflict", err)
	}
	if n := count(t, s); n != 0 {
		t.Errorf("%d records are kept", n)
	}
}

func count(t *testing.T, s store.Store) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Count(t.Context(), store.Query{Kind: note})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestGoexit: t.FailNow in fn neither commits nor keeps the lock.
func TestGoexit(t *testing.T) {
	ctx, s := t.Context(), memory.New()
	defer s.Close()
	t.Run("skipped on purpose", func(t *testing.T) {
		_ = s.Update(ctx, func(tx store.Tx) error {
			if _, err := tx.Put(ctx, newNote(1)); err != nil {
				return err
			}
			t.SkipNow()
			return nil
		})
	})
	if err := put(ctx, s, newNote(2)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s); n != 1 {
		t.Errorf("%d records are kept, want 1", n)
	}
}

// TestUpdateWaitsForItsContextOnly: a writer that waits for another one gives
// up when its context ends.
func TestUpdateWaitsForItsContextOnly(t *testing.T) {
	s := memory.New()
	defer s.Close()
	err := s.Update(t.Context(), func(store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := put(ctx, s, newNote(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update beside another: %v, want DeadlineExceeded", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCostOfACommit: it grows with the change, and hardly with the store. A
// store that copied its maps would allocate a hundred times as much.
func TestCostOfACommit(t *testing.T) {
	cost := func(size int) float64 {
		s := memory.New()
		defer s.Close()
		recs := make([]store.Record, size)
		for i := range recs {
			recs[i] = newNote(i)
		}
		if err := put(t.Context(), s, recs...); err != nil {
			t.Fatal(err)
		}
		next := size
		return testing.AllocsPerRun(100, func() {
			if err := put(t.Context(), s, newNote(next)); err != nil {
				t.Error(err)
			}
			next++
		})
	}
	small, large := cost(200), cost(20_000)
	if large > 4*small {
		t.Errorf("a commit allocates %v times with 200 records and %v times with 20,000", small, large)
	}
}

func ExampleNew() {
	s := memory.New()
	defer s.Close()
	ctx := context.Background()
	err := s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, store.Record{Kind: note, ID: "note_1", Data: []byte(`"hello"`)})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.View(ctx, func(tx store.Tx) error {
		r, err := tx.Get(ctx, note, "note_1")
		fmt.Println(string(r.Data), "version", r.Version)
		return err
	})
	fmt.Println(err)
	// Output:
	// "hello" version 1
	// <nil>
}
