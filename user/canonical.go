package user

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxEmail = 254 // RFC 5321, 4.5.3.1
	maxLocal = 64
)

// domains maps a mail domain to its one spelling: UTS 46, to ASCII.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.VerifyDNSLength(true), idna.BidiRule())

// CanonicalEmail returns the one spelling of an e-mail address that usher
// compares: the local part NFKC and case folded (dots and tags are kept), the
// domain as UTS 46 maps it to ASCII. Anything that is no plain address of at
// most 254 bytes is ErrInvalidEmailAddress.
func CanonicalEmail(address string) (string, error) {
	bad := func(why string) (string, error) { return "", fmt.Errorf("%w: %s", ErrInvalidEmailAddress, why) }
	address = strings.TrimSpace(address)
	if len(address) > maxEmail || !utf8.ValidString(address) {
		return bad("too long or not UTF-8")
	}
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return bad("no @")
	}
	local := cases.Fold().String(norm.NFKC.String(address[:at]))
	if local == "" || len(local) > maxLocal || strings.HasPrefix(local, ".") ||
		strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return bad("local part")
	}
	for _, r := range local {
		if !localRune(r) {
			return bad("character in local part")
		}
	}
	domain, err := domains.ToASCII(strings.TrimSuffix(address[at+1:], "."))
	if err != nil || !strings.Contains(domain, ".") || strings.HasPrefix(domain, "[") ||
		strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
		return bad("domain")
	}
	return local + "@" + strings.ToLower(domain), nil
}

// localRune reports whether r may stand in the local part: RFC 5322 atext, the
// dot, and letters, digits and marks of any script (RFC 6531).
func localRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
			strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// canonicalCase is how an address is shown: trimmed and in lower case.
func canonicalCase(address string) string {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	return strings.ToLower(address[:at]) + "@" + strings.ToLower(address[at+1:])
}

// CanonicalUsername returns the one spelling of a username that usher
// compares: NFKC and case folded.
func CanonicalUsername(name string) string {
	if len(name) > 4*maxUsername {
		return ""
	}
	return cases.Fold().String(norm.NFKC.String(strings.TrimSpace(name)))
}

// Classify tells what kind of identifier a text is and returns the index of
// users to look in with the canonical value, which is empty if the text can be
// no identifier at all.
func Classify(identifier string) (index, value string) {
	identifier = strings.TrimSpace(identifier)
	switch {
	case !utf8.ValidString(identifier) || len(identifier) > 4*maxEmail:
		return "username", ""
	case strings.ContainsRune(identifier, '@'):
		value, _ = CanonicalEmail(identifier)
		return "email", value
	case strings.HasPrefix(identifier, "+"):
		return "phone", CanonicalPhone(identifier)
	}
	return "username", CanonicalUsername(identifier)
}

// CanonicalPhone strips what people write between the digits of an
// international number and returns it in E.164 shape, or "" if it has none.
func CanonicalPhone(number string) string {
	var b strings.Builder
	for i, r := range strings.TrimSpace(number) {
		switch {
		case r == '+' && i == 0, '0' <= r && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '(' || r == ')' || r == '.':
		default:
			return ""
		}
	}
	if s := b.String(); len(s) >= 8 && len(s) <= 16 && s[0] == '+' && s[1] != '0' {
		return s
	}
	return ""
}

// maxFold is the length of a folded text, in code points.
const maxFold = 256

// Fold returns s as it is searched: NFKC, case folded, at most 256 code points.
func Fold(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	// Folding can make text longer, so it is cut before and after.
	return cut(cases.Fold().String(norm.NFKC.String(cut(s))))
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxFold {
			return s[:i]
		}
	}
	return s
}
