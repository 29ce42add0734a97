package strength

import "math"

// A kind is what a match was recognised as.
type kind uint8

const (
	bruteforce kind = iota
	word
	keyboard
	repeat
	sequence
	year
	date
)

// A match is a part of the password, from i to j inclusive, that a cracker
// would try as one.
type match struct {
	kind    kind
	i, j    int
	guesses float64

	// For feedback.
	list     list // of a word
	rank     int
	leet     bool
	reversed bool
	unit     int // characters of what a repeat repeats
	turns    int // of a keyboard walk
}

func (m match) len() int { return m.j - m.i + 1 }

// binomial is n over k.
func binomial(n, k int) float64 {
	if k > n {
		return 0
	}
	r := 1.0
	for d := 1; d <= k; d++ {
		r = r * float64(n) / float64(d)
		n--
	}
	return r
}

// mixtures is how many ways there are to have up to min(a, b) of a+b things
// be the rarer kind: one for which the rarer kind is capital letters, say.
func mixtures(a, b int) float64 {
	sum := 0.0
	for i := 1; i <= min(a, b); i++ {
		sum += binomial(a+b, i)
	}
	return sum
}

// limitInf keeps products below infinity, so that comparisons mean something.
func limitInf(f float64) float64 { return math.Min(f, 1e300) }
