package strength

import (
	"math"
	"unicode"
)

// walks finds runs of three and more neighbouring keys.
func (s *subject) walks() []match {
	var out []match
	for _, g := range s.dict.graphs {
		for i := 0; i < len(s.runes)-1; {
			j, turns, last, shifted := i, 0, -1, 0
			if g.shifts && secondLayer(s.runes[i]) {
				shifted++
			}
			for j+1 < len(s.runes) {
				dir, shift, ok := g.step(s.runes[j], s.runes[j+1])
				if !ok {
					break
				}
				if shift {
					shifted++
				}
				if dir != last {
					turns, last = turns+1, dir
				}
				j++
			}
			if j-i >= 2 {
				m := match{kind: keyboard, i: i, j: j, turns: turns}
				m.guesses = g.guesses(m.len(), turns, shifted)
				out = append(out, m)
			}
			i = max(j, i+1)
		}
	}
	return out
}

func (g graph) guesses(length, turns, shifted int) float64 {
	sum := 0.0
	for i := 2; i <= length; i++ {
		for j := 1; j <= min(turns, i-1); j++ {
			sum += binomial(i-1, j-1) * g.keys * math.Pow(g.degree, float64(j))
		}
	}
	switch {
	case shifted == 0:
	case shifted == length:
		sum *= 2
	default:
		sum *= mixtures(shifted, length-shifted)
	}
	return limitInf(sum)
}

// repeats finds pieces that follow each other twice and more. What is repeated
// is estimated by itself, once a piece, and that not for repeats again.
func (s *subject) repeats() []match {
	var out []match
	for i := 0; i < len(s.runes)-1; {
		unit, end := s.longestRepeat(i)
		if unit == 0 {
			i++
			continue
		}
		base := *s
		base.runes, base.low = s.runes[i:i+unit], s.low[i:i+unit]
		guesses, _ := base.solve(base.simple())
		out = append(out, match{kind: repeat, i: i, j: end - 1, unit: unit, guesses: limitInf(guesses * float64((end-i)/unit))})
		i = end
	}
	return out
}

// longestRepeat returns the piece at i whose repetitions reach furthest, and
// of those the shortest; 0 if there is none.
func (s *subject) longestRepeat(i int) (unit, end int) {
	for n := 1; i+2*n <= len(s.runes); n++ {
		j := i + n
		for j < len(s.runes) && s.runes[j] == s.runes[j-n] {
			j++
		}
		j -= (j - i) % n
		if j-i >= 2*n && j > end {
			unit, end = n, j
		}
	}
	return unit, end
}

const maxStep = 5 // between characters of a sequence

// sequences finds characters with an even step between them: abc, 97531.
func (s *subject) sequences() []match {
	var out []match
	for i := 0; i+1 < len(s.runes); {
		step := s.runes[i+1] - s.runes[i]
		j := i + 1
		for j+1 < len(s.runes) && s.runes[j+1]-s.runes[j] == step {
			j++
		}
		even := step != 0 && step >= -maxStep && step <= maxStep
		if even && (j-i > 1 || step == 1 || step == -1) {
			m := match{kind: sequence, i: i, j: j}
			m.guesses = sequenceStart(s.runes[i]) * float64(m.len())
			if step < 0 {
				m.guesses *= 2
			}
			out = append(out, m)
		}
		i = j
	}
	return out
}

func sequenceStart(r rune) float64 {
	switch {
	case r == 'a' || r == 'A' || r == 'z' || r == 'Z' || r == '0' || r == '1' || r == '9':
		return 4
	case unicode.IsDigit(r):
		return 10
	}
	return 26
}
