package strength

import (
	"math"
	"slices"
	"unicode"
)

// maxRunes of a password are looked at, so that the time is bounded.
const maxRunes = 100

// An Estimate is what [Dictionary.Estimate] finds.
type Estimate struct {
	Score       int     // 0 to 4
	Log10       float64 // of the guesses
	Warning     Hint    // "" if there is none
	Suggestions []Hint
}

// Estimate returns how many guesses password withstands from somebody who
// knows words, the most telling one first. year is the present one.
func (d *Dictionary) Estimate(password string, words []string, year int) Estimate {
	d.once.Do(d.load)
	s := &subject{dict: d, own: map[string]int{}, year: year}
	for r := range runesOf(password) {
		s.runes = append(s.runes, r)
		s.low = append(s.low, unicode.ToLower(r))
	}
	for i, w := range words {
		if _, have := s.own[w]; !have && w != "" {
			s.own[w] = i + 1
		}
	}
	guesses, matches := s.solve(append(s.simple(), s.repeats()...))
	e := Estimate{Score: score(guesses), Log10: math.Log10(guesses)}
	e.Warning, e.Suggestions = s.feedback(e.Score, matches)
	return e
}

func runesOf(s string) func(func(rune) bool) {
	return func(yield func(rune) bool) {
		n := 0
		for _, r := range s {
			if n++; n > maxRunes || !yield(r) {
				return
			}
		}
	}
}

// simple is all matches but repeats, which need the others.
func (s *subject) simple() []match {
	return slices.Concat(s.words(), s.walks(), s.sequences(), s.years(), s.dates())
}

func score(guesses float64) int {
	const delta = 5
	for i, limit := range []float64{1e3, 1e6, 1e8, 1e10} {
		if guesses < limit+delta {
			return i
		}
	}
	return 4
}

const (
	bruteforceCardinality = 10
	minGuessesBeforeGrow  = 10_000 // a cracker tries short sequences of matches first
	minOneCharacter       = 10
	minManyCharacters     = 50
)

// A step is the best way to cover the password up to some place with so many
// matches, which is its index.
type step struct {
	m       match   // the last one
	product float64 // of the guesses of all matches so far
	total   float64 // what a cracker needs, see solve
	used    bool
}

// solve returns the least guesses for the whole, and the matches that take
// them. A cracker who does not know the number l of matches needs
//
//	l! × product of guesses + D^(l-1)
//
// and the minimum is found by dynamic programming over end and l.
func (s *subject) solve(matches []match) (float64, []match) {
	n := len(s.runes)
	if n == 0 {
		return 1, nil
	}
	ending := make([][]match, n)
	for _, m := range matches {
		ending[m.j] = append(ending[m.j], m)
	}
	best := make([][]step, n)
	for k := range n {
		for _, m := range ending[k] {
			s.extend(best, m)
		}
		for i := 0; i <= k; i++ {
			s.extend(best, match{kind: bruteforce, i: i, j: k})
		}
	}
	return unwind(best)
}

// extend adds m behind each way of covering what is before it.
func (s *subject) extend(best [][]step, m match) {
	g := s.atLeast(m)
	if m.i == 0 {
		improve(&best[m.j], 1, m, g)
		return
	}
	for l, before := range best[m.i-1] {
		// Two guessed parts in a row are one longer part, which is cheaper.
		if !before.used || m.kind == bruteforce && before.m.kind == bruteforce {
			continue
		}
		improve(&best[m.j], l+1, m, limitInf(before.product*g))
	}
}

// improve keeps m as the l-th match if no cheaper way of l or fewer is known.
func improve(at *[]step, l int, m match, product float64) {
	total := limitInf(factorial(l)*product + math.Pow(minGuessesBeforeGrow, float64(l-1)))
	for other, s := range *at {
		if other <= l && s.used && s.total <= total {
			return
		}
	}
	for len(*at) <= l {
		*at = append(*at, step{})
	}
	(*at)[l] = step{m, product, total, true}
}

func factorial(n int) float64 {
	f := 1.0
	for i := 2; i <= n; i++ {
		f *= float64(i)
	}
	return f
}

// atLeast is the guesses of m, at least what part of a longer password costs.
func (s *subject) atLeast(m match) float64 {
	g := m.guesses
	if m.kind == bruteforce {
		g = math.Pow(bruteforceCardinality, float64(m.len()))
	}
	least := 1.0
	if m.len() < len(s.runes) {
		least = minManyCharacters
		if m.len() == 1 {
			least = minOneCharacter
		}
	}
	if m.kind == bruteforce {
		least++ // a match of the same length is preferred
	}
	return max(g, least)
}

// unwind follows the cheapest way from the end to the beginning.
func unwind(best [][]step) (float64, []match) {
	l, guesses := 0, math.Inf(1)
	for count, st := range best[len(best)-1] {
		if st.used && st.total < guesses {
			l, guesses = count, st.total
		}
	}
	var out []match
	for k := len(best) - 1; k >= 0; l-- {
		m := best[k][l].m
		out = append(out, m)
		k = m.i - 1
	}
	slices.Reverse(out)
	return guesses, out
}
