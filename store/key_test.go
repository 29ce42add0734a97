package store_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/store"
)

func TestTimeKey(t *testing.T) {
	day := func(year int) time.Time { return time.Date(year, 5, 6, 7, 8, 9, 10e6, time.UTC) }
	keys := []string{
		store.TimeKey(time.Time{}), store.TimeKey(day(2)), store.TimeKey(day(1969)), store.TimeKey(time.Unix(0, 0)),
		store.TimeKey(day(2026)), store.TimeKey(day(2026).Add(time.Millisecond)), store.TimeKey(day(9999)),
	}
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("keys are not in order: %q", keys)
	}
	if before := store.TimeKey(day(-5)); before != keys[0] {
		t.Errorf("a time before the year 1 is %s, want that of zero, %s", before, keys[0])
	}
	paris := time.FixedZone("", 7200)
	if a, b := store.TimeKey(day(2026)), store.TimeKey(day(2026).In(paris).Add(time.Microsecond)); a != b {
		t.Errorf("one millisecond has the keys %s and %s", a, b)
	}
}

func TestIntKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if (a < b) != (store.IntKey(a) < store.IntKey(b)) {
			t.Fatalf("%d and %d are %s and %s", a, b, store.IntKey(a), store.IntKey(b))
		}
	})
	if lowest, highest := store.IntKey(math.MinInt64), store.IntKey(math.MaxInt64); lowest != strings.Repeat("0", 16) || highest != strings.Repeat("f", 16) {
		t.Errorf("the ends are %s and %s", lowest, highest)
	}
}

func TestNewID(t *testing.T) {
	now, seen := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), map[string]bool{}
	last := ""
	for range 1000 {
		id := store.NewID("user", now)
		if len(id) != 32 || !strings.HasPrefix(id, "user_") || !store.ValidID(id) || seen[id] {
			t.Fatalf("ID %q", id)
		}
		if id <= last {
			t.Fatalf("%q was born after %q", id, last)
		}
		seen[id], last = true, id
		now = now.Add(time.Second)
	}
	if id := store.NewID("x", time.Time{}); len(id) != 29 {
		t.Errorf("without a time it is %q", id)
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "é\n": true, strings.Repeat("x", store.MaxIDLen): true,
		"": false, "a\x00": false, "\xff": false, strings.Repeat("x", store.MaxIDLen+1): false,
	} {
		if store.ValidID(id) != want {
			t.Errorf("ValidID(%q) = %v", id, !want)
		}
	}
}
