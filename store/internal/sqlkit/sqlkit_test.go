package sqlkit

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/usherauth/usher/store"
	"pgregory.net/rapid"
)

var names = rapid.OneOf(
	rapid.StringMatching(`[a-z0-9_]{1,40}`),
	rapid.StringMatching(`(a|user|_|schema|keys|long|xmin)(_|_key|__)?_{0,2}`),
)

func TestTableNamesDoNotClash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfNDistinct(names, 2, 8, rapid.ID).Draw(t, "kinds")
		seen := map[string]string{SchemaTable: "the schema"}
		for _, k := range kinds {
			for _, table := range []string{Table(k), KeyTable(k)} {
				if other := seen[table]; other != "" {
					t.Fatalf("%s is a table of %s and of %s", table, k, other)
				}
				if seen[table] = k; len(table) > maxName {
					t.Fatalf("%s is too long", table)
				}
			}
		}
	})
}

func TestIndexNamesDoNotClash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := map[string]bool{}
		for _, k := range rapid.SliceOfNDistinct(names, 1, 4, rapid.ID).Draw(t, "kinds") {
			columns := map[string]bool{"keys": true, "long": true, "ctid": true, "xmin": true}
			for _, ix := range rapid.SliceOfNDistinct(names, 1, 4, rapid.ID).Draw(t, "indexes") {
				if columns[Column(ix)] {
					t.Fatalf("two columns %s", Column(ix))
				}
				columns[Column(ix)] = true
				for _, unique := range []bool{false, true} {
					name := IndexName(k, ix, unique)
					if seen[name] || len(name) > maxName {
						t.Fatalf("%s clashes or is too long", name)
					}
					seen[name] = true
				}
			}
		}
	})
}

func TestKeysRoundTrip(t *testing.T) {
	entry := rapid.Custom(func(t *rapid.T) store.Entry {
		return store.Entry{Index: names.Draw(t, "index"), Value: rapid.OneOf(rapid.String(), rapid.StringMatching(`[a:0-9]*`)).Draw(t, "value")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfNDistinct(entry, 0, 6, rapid.ID).Draw(t, "a")
		b := rapid.SliceOfNDistinct(entry, 0, 6, rapid.ID).Draw(t, "b")
		b = slices.DeleteFunc(b, func(e store.Entry) bool { return slices.Contains(a, e) })
		b = append(b, a[:len(a)/2]...)
		text := encodeKeys(slices.Clone(a))
		back, ok := decodeKeys(text)
		slices.SortFunc(a, compareEntries)
		if !ok || !slices.Equal(back, a) {
			t.Fatalf("%q is read as %q", text, back)
		}
		slices.SortFunc(b, compareEntries)
		gone, added := diffKeys(a, b)
		for _, e := range a {
			if slices.Contains(gone, e) == slices.Contains(b, e) {
				t.Fatalf("%q: gone %q", e, gone)
			}
		}
		for _, e := range b {
			if slices.Contains(added, e) == slices.Contains(a, e) {
				t.Fatalf("%q: added %q", e, added)
			}
		}
	})
}

func TestDecodeKeysRefuses(t *testing.T) {
	for _, s := range []string{"x", "x:", "x:1", "x:1:", "x:-1:a", "x:2:a", "x:a:a", "x:1:ay", ":::"} {
		if es, ok := decodeKeys(s); ok {
			t.Errorf("%q is %q", s, es)
		}
	}
}

func TestForms(t *testing.T) {
	d := &Dialect{Long: true}
	rapid.Check(t, func(t *rapid.T) {
		base := strings.Repeat(rapid.StringN(1, 3, -1).Draw(t, "part"), 700)
		v := cutAt(base, rapid.IntRange(900, 1400).Draw(t, "length"))
		w := v + rapid.String().Draw(t, "more")
		f, g := d.form(v), d.form(w)
		if (f == g) != (v == w) {
			t.Fatalf("two values have one form: %q", f)
		}
		if !utf8.ValidString(f) || len(f) > longValue+64 || (f == v) != (len(v) <= longValue) || f == v == d.isLong(v) {
			t.Fatalf("form of %d bytes has %d", len(v), len(f))
		}
		short := cutAt(w, rapid.IntRange(0, exactBelow-1).Draw(t, "short"))
		if strings.Compare(f, short) != strings.Compare(v, short) {
			t.Fatal("a form and a value compare differently with a short value")
		}
	})
}

// cutAt returns at most n bytes of s, in whole runes.
func cutAt(s string, n int) string {
	n = min(n, len(s))
	for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
