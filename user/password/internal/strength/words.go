package strength

import (
	"slices"
	"strings"
	"unicode"
)

// A subject is the password in the forms that the matchers look at.
type subject struct {
	runes []rune
	low   []rune
	dict  *Dictionary
	own   map[string]int // the owner's words, with rank
	year  int
}

// leetTables are the readings of characters that stand for letters. Those that
// stand for two letters make a table each, so the work is fixed.
func leetTables() [4]map[rune]rune {
	var all [4]map[rune]rune
	for n := range all {
		t := map[rune]rune{
			'4': 'a', '@': 'a', '8': 'b', '(': 'c', '{': 'c', '[': 'c', '<': 'c', '3': 'e', '€': 'e',
			'6': 'g', '9': 'g', '0': 'o', '$': 's', '5': 's', '+': 't', '%': 'x', '2': 'z',
			'1': 'l', '!': 'i', '|': 'l', '7': 't',
		}
		if n&1 != 0 {
			t['1'], t['!'], t['|'] = 'i', 'i', 'i'
		}
		if n&2 != 0 {
			t['7'] = 'l'
		}
		all[n] = t
	}
	return all
}

func (s *subject) lookup(low string) (Word, bool) {
	if rank, ok := s.own[low]; ok {
		return Word{personal, rank}, true
	}
	return s.dict.Word(low)
}

// words finds dictionary words: as they are, reversed, and in leet.
func (s *subject) words() []match {
	out := s.wordsIn(s.low, func(m *match) bool { return true })
	back := make([]rune, len(s.low))
	for i, r := range s.low {
		back[len(back)-1-i] = r
	}
	for _, m := range s.wordsIn(back, func(m *match) bool { return m.len() > 1 }) {
		m.i, m.j = len(back)-1-m.j, len(back)-1-m.i
		m.reversed = true
		m.guesses = s.wordGuesses(m, s.low[m.i:m.j+1]) * 2
		out = append(out, m)
	}
	return append(out, s.leetWords()...)
}

func (s *subject) leetWords() []match {
	var out []match
	var done []string
	for _, table := range leetTables() {
		plain := make([]rune, len(s.low))
		changed := false
		for i, r := range s.low {
			plain[i] = r
			if to, ok := table[r]; ok {
				plain[i], changed = to, true
			}
		}
		if !changed || slices.Contains(done, string(plain)) {
			continue
		}
		done = append(done, string(plain))
		out = append(out, s.wordsIn(plain, func(m *match) bool {
			m.leet = string(plain[m.i:m.j+1]) != string(s.low[m.i:m.j+1])
			return m.leet && m.len() > 1
		})...)
	}
	return out
}

// wordsIn finds the words of text that keep accepts; guesses are of the
// password's own characters at that place.
func (s *subject) wordsIn(text []rune, keep func(*match) bool) []match {
	longest := s.dict.longest
	for w := range s.own {
		longest = max(longest, len([]rune(w)))
	}
	var out []match
	for i := range text {
		for j := i; j < len(text) && j-i < longest; j++ {
			w, ok := s.lookup(string(text[i : j+1]))
			if !ok {
				continue
			}
			m := match{kind: word, i: i, j: j, list: w.list, rank: w.rank}
			if keep(&m) {
				m.guesses = s.wordGuesses(m, text[i:j+1])
				out = append(out, m)
			}
		}
	}
	return out
}

// wordGuesses is the rank of the word times the ways to write it.
func (s *subject) wordGuesses(m match, plain []rune) float64 {
	own := s.runes[m.i : m.j+1]
	g := float64(m.rank) * capitals(own)
	if m.leet {
		g *= leetWays(s.low[m.i:m.j+1], plain)
	}
	return g
}

// capitals is how many ways of capitalising come before that of token.
func capitals(token []rune) float64 {
	upper, lower := 0, 0
	for _, r := range token {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	first := unicode.IsUpper(token[0])
	last := unicode.IsUpper(token[len(token)-1])
	switch {
	case upper == 0:
		return 1
	case upper == 1 && (first || last), lower == 0:
		return 2
	}
	return mixtures(upper, lower)
}

// leetWays is how many ways of substituting come before that of token.
func leetWays(token, plain []rune) float64 {
	ways := 1.0
	var done strings.Builder
	for i, r := range token {
		if r == plain[i] || strings.ContainsRune(done.String(), r) {
			continue
		}
		done.WriteRune(r)
		subbed, left := 0, 0
		for _, c := range token {
			switch c {
			case r:
				subbed++
			case plain[i]:
				left++
			}
		}
		if left == 0 {
			ways *= 2
		} else {
			ways *= mixtures(subbed, left)
		}
	}
	return ways
}
