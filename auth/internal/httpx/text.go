package httpx

import (
	"unicode/utf8"
)

// CheckText says whether s is text that usher keeps: valid UTF-8 without NUL
// and without code points that Unicode promises never to assign. The reason is
// plain English, empty when s is good.
func CheckText(s string) (reason string) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c == 0 {
				return "contains a NUL character"
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return "is not valid UTF-8"
		}
		if noncharacter(r) {
			return "contains a code point that is not a character"
		}
		i += n
	}
	return ""
}

// noncharacter reports the 66 code points of Unicode 23.7.
func noncharacter(r rune) bool {
	return r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}
