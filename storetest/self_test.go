package storetest

import (
	"context"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/usherauth/usher/storetest/internal/broken"
)

// TestMain keeps rapid from writing files about the failures that are wanted
// here.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "1s"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestBrokenStores proves the suite: every broken store fails the case that
// names its fault.
func TestBrokenStores(t *testing.T) {
	for _, f := range broken.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			i := slices.IndexFunc(cases(), func(c testCase) bool { return c.name == f.Case })
			if i < 0 {
				t.Fatalf("there is no case %q", f.Case)
			}
			s := f.Open()
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := cases()[i].check(ctx, s)
			if err == nil {
				t.Fatalf("case %q found nothing", f.Case)
			}
			t.Logf("%.300v", err)
		})
	}
}

// TestSoundStore shows that the broken stores are broken by their fault alone.
func TestSoundStore(t *testing.T) {
	for _, c := range cases() {
		s := broken.Sound()
		if err := c.check(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		s.Close()
	}
}

// TestEveryCase keeps a case from joining the suite without a broken store
// that shows what it is for.
func TestEveryCase(t *testing.T) {
	named := map[string]bool{}
	for _, f := range broken.Faults() {
		named[f.Case] = true
	}
	seen := map[string]bool{}
	for _, c := range cases() {
		if !named[c.name] {
			t.Errorf("no broken store fails %q", c.name)
		}
		if seen[c.name] || c.rule == "" {
			t.Errorf("case %q is named twice or states no rule", c.name)
		}
		seen[c.name] = true
	}
}
