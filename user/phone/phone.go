// Package phone reads telephone numbers as people write them, by the rules and
// the numbering plans of libphonenumber. The plans are some 40 KiB of a binary,
// in place of the four megabytes of a whole port of that library, which the
// tests hold this package against: what one reads, and takes for a number, the
// other does.
//
//	n, err := phone.Parser{}.ParsePhone("(415) 555-2671", "US")
//	// n.E164 == "+14155552671", n.Country == "US", n.Prefix == "+1415555"
//
// # What it refuses
//
// Everything that is more than a number: letters in place of digits,
// extensions, tel: URIs, texts of more than 64 characters. Numbers that are in
// nobody's numbering plan, but for the fictitious ones of North America, see
// [Fictitious].
package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/usherauth/usher/user"
)

// maxNumber bounds what is looked at, in characters before and after folding.
const maxNumber = 64

// Parser is the [user.PhoneParser] over libphonenumber's metadata.
type Parser struct{}

var _ user.PhoneParser = Parser{}

// ParsePhone reads a number. One that does not begin with + is a national
// number of country, an ISO 3166 code of two letters; without country it is
// refused. Errors are [user.ErrInvalidPhoneNumber].
func (Parser) ParsePhone(number, country string) (user.Phone, error) {
	plain, ok := clean(number)
	if !ok {
		return user.Phone{}, user.ErrInvalidPhoneNumber
	}
	digits, plus := strings.CutPrefix(plain, "+")
	code, national, ok := parse(digits, plus, country)
	if !ok {
		return user.Phone{}, user.ErrInvalidPhoneNumber
	}
	e164 := "+" + code + national
	region, valid := regionOf(code, national)
	out := user.Phone{E164: e164, Country: region, Prefix: prefix(e164)}
	switch {
	case Fictitious(e164):
		out.Country = "US"
	case !valid || user.CanonicalPhone(e164) != e164:
		return user.Phone{}, user.ErrInvalidPhoneNumber
	case region == noCountry: // satellites and freephone
		out.Country = ""
	}
	return out, nil
}

// clean leaves the digits of a number and its +, in ASCII, and reports whether
// there was nothing else but what people put between digits.
func clean(number string) (string, bool) {
	if len(number) > 4*maxNumber || !utf8.ValidString(number) {
		return "", false
	}
	number = norm.NFKC.String(number)
	if utf8.RuneCountInString(number) > maxNumber {
		return "", false
	}
	var b strings.Builder
	for _, r := range number {
		switch {
		case '0' <= r && r <= '9', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case unicode.IsDigit(r):
			b.WriteByte(asciiDigit(r))
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), strings.ContainsRune("()./", r):
		case unicode.Is(unicode.Cf, r): // directions that come along when a number is pasted
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// asciiDigit is the value of a decimal digit of any script. Each script has its
// ten in a row, and every row of them begins behind something else or behind
// another ten.
func asciiDigit(r rune) byte {
	first := r
	for unicode.IsDigit(first - 1) {
		first--
	}
	return '0' + byte((r-first)%10)
}

// lineDigits are those at the end of a number that tell the lines of one block
// apart: blocks of ten thousand is how operators are given numbers.
const lineDigits = 4

// prefix is the block that a number is in. Whoever earns with messages to
// numbers of their own has many of one block.
func prefix(e164 string) string { return e164[:max(2, len(e164)-lineDigits)] }

// Fictitious reports a number that is kept for films and tests and will never
// be anybody's: +1 NXX 555 0100 to 0199.
func Fictitious(e164 string) bool {
	return len(e164) == 12 && strings.HasPrefix(e164, "+1") && e164[2] >= '2' &&
		e164[5:10] == "55501"
}
