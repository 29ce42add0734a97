package memory

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/store"
)

// TestTree compares a tree with a map, and old trees with what they were.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.StringMatching(`[a-c]{0,3}`)
		var now *tree
		model := map[string]*store.Record{}
		old, oldModel := now, maps.Clone(model)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, r := keys.Draw(t, "key"), &store.Record{}
				now, model[k] = now.put(k, r), r
			},
			"del": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				now = now.del(k)
				delete(model, k)
			},
			"keep": func(*rapid.T) { old, oldModel = now, maps.Clone(model) },
			"": func(t *rapid.T) {
				sameAs(t, now, model)
				sameAs(t, old, oldModel)
				from, to := keys.Draw(t, "from"), keys.Draw(t, "to")
				if from <= to {
					ranges(t, now, model, from, to)
				}
			},
		})
	})
}

func sameAs(t *rapid.T, tr *tree, model map[string]*store.Record) {
	if tr.len() != len(model) {
		t.Fatalf("len is %d, want %d", tr.len(), len(model))
	}
	for k, r := range model {
		if tr.get(k) != r {
			t.Fatalf("get %q finds another record", k)
		}
	}
	if tr.get("d") != nil {
		t.Fatal("get finds what was never put")
	}
}

func ranges(t *rapid.T, tr *tree, model map[string]*store.Record, from, to string) {
	var want []*store.Record
	below := 0
	for _, k := range slices.Sorted(maps.Keys(model)) {
		if k < from {
			below++
		} else if k < to {
			want = append(want, model[k])
		}
	}
	if got := slices.Collect(tr.between(from, to, false)); !slices.Equal(got, want) {
		t.Fatalf("between %q and %q are %d records, want %d", from, to, len(got), len(want))
	}
	slices.Reverse(want)
	if got := slices.Collect(tr.between(from, to, true)); !slices.Equal(got, want) {
		t.Fatalf("between %q and %q downwards are other records", from, to)
	}
	if got := tr.rank(from); got != below {
		t.Fatalf("rank of %q is %d, want %d", from, got, below)
	}
}

// TestTreeDepth: keys that come in order do not make a list.
func TestTreeDepth(t *testing.T) {
	var tr *tree
	const n = 10_000
	for i := range n {
		tr = tr.put(fmt.Sprintf("%06d", i), &store.Record{})
	}
	if d := depth(tr); d > 5*int(math.Log2(n)) {
		t.Errorf("depth of %d keys is %d", n, d)
	}
}

func depth(t *tree) int {
	if t == nil {
		return 0
	}
	return 1 + max(depth(t.left), depth(t.right))
}
