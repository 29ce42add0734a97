package engine

import (
	"fmt"
	"testing"
)

// Some account stands in for nobody, for one nobody the same each time, and
// none that is gone.
func TestDecoys(t *testing.T) {
	d := newDecoys()
	if d.pick("nobody") != "nobody" {
		t.Error("an account where none is known")
	}
	for i := range 3 * maxDecoys {
		d.add(fmt.Sprint("user ", i))
		d.add(fmt.Sprint("user ", i))
	}
	if len(d.ids) != maxDecoys || len(d.at) != maxDecoys {
		t.Errorf("%d accounts at %d places", len(d.ids), len(d.at))
	}
	different := map[string]bool{}
	for i := range 100 {
		nobody := fmt.Sprint("nobody ", i)
		first := d.pick(nobody)
		different[first] = true
		if d.pick(nobody) != first {
			t.Error("not the same each time")
		}
	}
	if len(different) < 50 {
		t.Errorf("%d accounts stand in for 100", len(different))
	}
	for len(d.ids) > 0 {
		id := d.pick("nobody")
		if d.ids[d.at[id]] != id {
			t.Fatalf("%s is not where it is said to be", id)
		}
		d.drop(id)
		d.drop(id)
	}
	if len(d.at) != 0 {
		t.Errorf("%d places left", len(d.at))
	}
}
