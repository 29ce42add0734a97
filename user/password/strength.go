package password

import "time"

// A Suggestion is a hint for the person who chooses, with a code for
// translation as zxcvbn's front ends know it, such as anotherWord. The zero
// Suggestion is none.
type Suggestion struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// A Strength is an estimate of how hard a password is to guess.
type Strength struct {
	// Score from 0 (fewer than 10^3 guesses) over 10^6, 10^8 and 10^10 to 4.
	Score int
	// Guesses that find it, as a power of ten.
	Log10 float64
	// Warning says what is wrong with it, if its score is 2 or less.
	Warning Suggestion
	// Suggestions say what would be better, if its score is 2 or less.
	Suggestions []Suggestion
}

// Strength estimates plain by the method of zxcvbn (Wheeler, USENIX Security
// 2016), whatever the policy says. words are guessed before all others. Only
// the first 100 characters count, so that its time is bounded.
func (c *Checker) Strength(plain string, words []string) Strength {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if len(plain) > MaxBytes {
		plain = plain[:MaxBytes]
	}
	e := c.words.Estimate(plain, personal(words), now().Year())
	s := Strength{Score: e.Score, Log10: e.Log10, Warning: Suggestion{string(e.Warning), e.Warning.Warning()}}
	for _, h := range e.Suggestions {
		s.Suggestions = append(s.Suggestions, Suggestion{string(h), h.Suggestion()})
	}
	return s
}
