package storetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

var note = &store.Kind{Name: "note"}

func putNote(ctx context.Context, tx store.Tx, id string) error {
	_, err := tx.Put(ctx, store.Record{Kind: note, ID: id, Data: []byte(`{}`)})
	return err
}

func countNotes(t *testing.T, s store.Store) (n int) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Count(t.Context(), store.Query{Kind: note})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCounting(t *testing.T) {
	ctx := t.Context()
	s := storetest.Counting(storetest.Faulty(memory.New(), storetest.Plan{Rerun: true}))
	defer s.Close()
	err := s.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Get(ctx, note, "a"); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return putNote(ctx, tx, "a")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := storetest.Calls{Update: 1, Runs: 2, Get: 2, Put: 2}
	if got := s.Calls(); got != want || got.Statements() != 4 {
		t.Errorf("Calls = %+v, want %+v", got, want)
	}
	s.Reset()
	if got := s.Calls(); got != (storetest.Calls{}) {
		t.Errorf("Calls after Reset = %+v", got)
	}
}

func TestFaulty(t *testing.T) {
	mine := errors.New("mine")
	for _, tt := range []struct {
		name string
		plan storetest.Plan
		want []error // of three Updates with one Put each
		kept int
		runs int
	}{
		{"nothing", storetest.Plan{}, []error{nil, nil, nil}, 3, 3},
		{"conflict", storetest.Plan{Conflict: 2}, []error{nil, store.ErrConflict, nil}, 2, 3},
		{"unavailable", storetest.Plan{Unavailable: 3}, []error{nil, store.ErrUnavailable, nil}, 2, 2},
		{"unavailable in Put", storetest.Plan{Unavailable: 4}, []error{nil, store.ErrUnavailable, nil}, 2, 3},
		{"commit then error", storetest.Plan{CommitThenError: 2}, []error{nil, store.ErrUnavailable, nil}, 3, 3},
		{"rerun", storetest.Plan{Rerun: true}, []error{nil, nil, nil}, 3, 6},
		{"before", storetest.Plan{Before: func(_ context.Context, call string) error {
			if call == "Put" {
				return mine
			}
			return nil
		}}, []error{mine, mine, mine}, 0, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner, runs := memory.New(), 0
			s := storetest.Faulty(inner, tt.plan)
			for i, want := range tt.want {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					runs++
					return putNote(t.Context(), tx, string(rune('a'+i)))
				})
				if !errors.Is(err, want) {
					t.Errorf("Update %d: %v, want %v", i+1, err, want)
				}
			}
			if n := countNotes(t, inner); n != tt.kept || runs != tt.runs {
				t.Errorf("%d records kept in %d runs, want %d in %d", n, runs, tt.kept, tt.runs)
			}
		})
	}
}

// TestFaultyKeepsTheContract: a store may run every fn twice, and no case of
// the suite minds.
func TestFaultyKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return storetest.Counting(storetest.Faulty(memory.New(), storetest.Plan{Rerun: true}))
	})
}
