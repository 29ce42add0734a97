package strength_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user/password/internal/strength"
)

// The examples that zxcvbn is demonstrated with, and what it says of them
// within one point: its word lists are others.
func TestScores(t *testing.T) {
	var d strength.Dictionary
	for _, c := range []struct {
		password string
		score    int
		warning  strength.Hint
	}{
		{"", 0, ""},
		{"password", 0, "topTen"},
		{"P@ssw0rd", 0, "similarToCommon"},
		{"password1", 0, "common"},
		{"drowssap", 0, "similarToCommon"},
		{"zxcvbn", 0, "common"},
		{"qwER43@!", 2, "keyPattern"},
		{"Tr0ub4dour&3", 2, ""},
		{"correcthorsebatterystaple", 4, ""},
		{"coRrecth0rseba++ery9.23.2007staple$", 4, ""},
		{"D0g..................", 1, "simpleRepeat"},
		{"abcdefghijk987654321", 1, "sequences"},
		{"temppass22", 1, "similarToCommon"},
		{"briansmith", 1, "commonNames"},
		{"ScoRpi0ns", 1, ""},
		{"defghi6789", 1, "sequences"},
		{"R0$38uD99", 2, ""},
		{"eheuczkqyq", 3, ""},
		{"rWibMFACxAUGZmxhVncy", 4, ""},
		{"abcabcabcabc", 0, "extendedRepeat"},
		{"ada.lovelace", 0, "userInputs"},
		{"1815-12-10", 1, "dates"},
	} {
		e := d.Estimate(c.password, []string{"ada.lovelace", "ada"}, 2026)
		if e.Score != c.score || e.Warning != c.warning {
			t.Errorf("%q: score %d (10^%.2f), %q; want %d, %q", c.password, e.Score, e.Log10, e.Warning, c.score, c.warning)
		}
		if e.Warning != "" && e.Warning.Warning() == "" {
			t.Errorf("warning %q has no text", e.Warning)
		}
		for _, h := range e.Suggestions {
			if h.Suggestion() == "" {
				t.Errorf("suggestion %q has no text", h)
			}
		}
	}
}

func TestSuggestions(t *testing.T) {
	var d strength.Dictionary
	for password, want := range map[string][]strength.Hint{
		"":            {"useWords", "noNeed"},
		"Rosebud":     {"anotherWord", "capitalization"},
		"ROSEBUD":     {"anotherWord", "allUppercase"},
		"ros3bud":     {"anotherWord", "l33t"},
		"dubesor":     {"anotherWord", "reverseWords"},
		"asdfghjkl;'": {"anotherWord", "longerKeyboardPattern"},
		"zzzzzzz":     {"anotherWord", "repeated"},
	} {
		if e := d.Estimate(password, nil, 2026); !slices.Equal(e.Suggestions, want) {
			t.Errorf("%q: %v, want %v", password, e.Suggestions, want)
		}
	}
}

// More of the same is never weaker, and a hint of the owner never makes it stronger.
func TestMonotonous(t *testing.T) {
	var d strength.Dictionary
	last := -1.0
	for n := range 80 {
		e := d.Estimate("x9#Kq"[:min(n, 5)]+strings.Repeat("z", max(n-5, 0)), nil, 2026)
		if e.Log10 < last-0.5 {
			t.Errorf("length %d: 10^%.2f after 10^%.2f", n, e.Log10, last)
		}
		last = e.Log10
	}
	for _, p := range []string{"lovelace1815", "correcthorsebatterystaple", "xkjhdfzzq"} {
		if own, other := d.Estimate(p, []string{"lovelace", "correct", "xkjhdf"}, 2026), d.Estimate(p, nil, 2026); own.Log10 > other.Log10 {
			t.Errorf("%q: 10^%.2f with the owner's words, 10^%.2f without", p, own.Log10, other.Log10)
		}
	}
}

func TestDictionary(t *testing.T) {
	var d strength.Dictionary
	if n := d.Len(); n < 50_000 {
		t.Errorf("%d words", n)
	}
	for _, w := range []string{"password", "123456", "qwerty", "monkey", "butterfly"} {
		if !d.Leaked(w) {
			t.Errorf("%q is not known as leaked", w)
		}
	}
	for _, w := range []string{"dictionary", "katherine", "rodriguez"} {
		if _, ok := d.Word(w); !ok {
			t.Errorf("%q is not known", w)
		}
	}
	for _, w := range []string{"", "x9#Kq", "correcthorse", strings.Repeat("a", 1000)} {
		if _, ok := d.Word(w); ok {
			t.Errorf("%q is known", w)
		}
	}
}

// W19: 50 ms; ten times that, since the machine may be busy.
func TestAttack_W19_EstimateIsBounded(t *testing.T) {
	var d strength.Dictionary
	d.Len() // the lists are unpacked once and not by an attacker's choice
	for _, unit := range []string{
		"a", "1l7|!i@4$5", "abc123", "password", "p4ssw0rd!", "1234567890", "qwertyuiop", "13/3/1997", "é", "\U0001f511", "\xff", "Aa1!", "aB",
	} {
		in := strings.Repeat(unit, 1<<20/len(unit))
		best := time.Hour
		for range 5 { // the machine may be busy
			start := time.Now()
			d.Estimate(in, []string{"ada", strings.Repeat("a", 320)}, 2026)
			best = min(best, time.Since(start))
		}
		if best > 500*time.Millisecond {
			t.Errorf("%q over and over: %v", unit, best)
		}
	}
}

func FuzzEstimate(f *testing.F) {
	for _, s := range []string{"Tr0ub4dour&3", "13/3/1997", "aaaa", "qwER43@!", "\xff\x00é\U0001f511"} {
		f.Add(s, "ada")
	}
	var d strength.Dictionary
	f.Fuzz(func(t *testing.T, password, word string) {
		e := d.Estimate(password, []string{word}, 2026)
		if e.Score < 0 || e.Score > 4 || e.Log10 < 0 || e.Log10 > 301 {
			t.Fatalf("%+v", e)
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	var d strength.Dictionary
	d.Len()
	for b.Loop() {
		d.Estimate("correcthorsebatterystaple", nil, 2026)
	}
}

func ExampleDictionary_Estimate() {
	var d strength.Dictionary
	fmt.Println(d.Estimate("P@ssw0rd", nil, 2026).Score, d.Estimate("correcthorsebatterystaple", nil, 2026).Score)
	// Output: 0 4
}
