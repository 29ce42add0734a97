package token

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string and returns what it stands for. Without escapes that
// is a part of the text.
func (p *scanner) string() (string, error) {
	if !p.take('"') {
		return "", errSyntax
	}
	for j := p.i; j < len(p.s); j++ {
		switch c := p.s[j]; {
		case c == '"':
			s := p.s[p.i:j]
			p.i = j + 1
			return s, nil
		case c == '\\':
			return p.escaped(j)
		case c < ' ':
			return "", errSyntax
		}
	}
	return "", errSyntax
}

// escaped goes on with a string whose first backslash is at j.
func (p *scanner) escaped(j int) (string, error) {
	var b strings.Builder
	b.WriteString(p.s[p.i:j])
	for p.i = j; p.i < len(p.s); {
		c := p.s[p.i]
		p.i++
		switch {
		case c == '"':
			return b.String(), nil
		case c < ' ':
			return "", errSyntax
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		r, ok := p.escape()
		if !ok {
			return "", errSyntax
		}
		b.WriteRune(r)
	}
	return "", errSyntax
}

// escape reads what follows a backslash.
func (p *scanner) escape() (rune, bool) {
	if p.i == len(p.s) {
		return 0, false
	}
	c := p.s[p.i]
	p.i++
	if c == 'u' {
		r, ok := p.hex4()
		if !ok || !utf16.IsSurrogate(r) {
			return r, ok
		}
		if !p.accept('\\') || !p.accept('u') {
			return 0, false
		}
		low, ok := p.hex4()
		r = utf16.DecodeRune(r, low)
		return r, ok && r != utf8.RuneError
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := strings.IndexByte(from, c)
	if i < 0 {
		return 0, false
	}
	return rune(to[i]), true
}

func (p *scanner) hex4() (rune, bool) {
	if len(p.s)-p.i < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.s[p.i]
		p.i++
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// foldName maps names that strings.EqualFold calls equal to one name.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}
