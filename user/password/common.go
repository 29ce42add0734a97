package password

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Common reports whether plain is one of the passwords that are tried first, on
// the list that is built in. A text that is no password is not.
func (c *Checker) Common(plain string) bool {
	text, err := Normalize(plain, 0)
	return err == nil && c.common(text)
}

// common reports whether text is one of the passwords that are tried first:
// a leaked one, a dictionary word or a name by itself, a leaked one of four and
// more letters with up to four digits or signs at either end, a short piece
// over and over, or characters in a row. Case makes no difference.
func (c *Checker) common(text string) bool {
	low := strings.ToLower(text)
	if _, ok := c.words.Word(low); ok {
		return true
	}
	if core := heart(low); len(core) >= 4 {
		before := strings.Index(low, core)
		after := len(low) - len(core) - before
		if before <= 4 && after <= 4 && c.words.Leaked(core) {
			return true
		}
	}
	r := []rune(low)
	return repeats(r) || inARow(r)
}

// heart is s without digits and signs at both ends.
func heart(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// repeats reports whether r is a piece of at most four characters over and over.
func repeats(r []rune) bool {
	for n := 1; n <= 4 && 2*n <= len(r); n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// inARow reports whether r counts up or down, as 12345678 and hgfedcba do.
func inARow(r []rune) bool {
	if len(r) < 3 {
		return false
	}
	step := r[1] - r[0]
	for i := 2; i < len(r); i++ {
		if r[i]-r[i-1] != step {
			return false
		}
	}
	return step == 1 || step == -1
}

// matchesWord reports whether text is one of words, or has one as its heart
// (Acme2026!). Of an e-mail address the local part counts by itself, of a host
// name its labels. Words of fewer than three characters do not count.
func matchesWord(text string, words []string) bool {
	low := strings.ToLower(text)
	core := heart(low)
	for _, w := range personal(words) {
		if utf8.RuneCountInString(w) >= 3 && (low == w || core == w) {
			return true
		}
	}
	return false
}

// Bounds of what an owner's words may cost.
const (
	maxWords    = 64
	maxWordSize = 320 // bytes: an e-mail address
)

// personal is words in lower case with their parts.
func personal(words []string) []string {
	var all []string
	for _, w := range words[:min(len(words), maxWords)] {
		if len(w) > maxWordSize {
			continue
		}
		text, err := Normalize(w, maxWordSize)
		if err != nil {
			continue
		}
		text = strings.ToLower(strings.TrimSpace(text))
		all = append(all, text)
		if local, _, ok := strings.Cut(text, "@"); ok {
			all = append(all, local)
		}
		all = append(all, strings.FieldsFunc(text, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})...)
	}
	return all
}
