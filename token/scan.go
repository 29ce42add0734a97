package token

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errSyntax is any fault of the JSON. It tells no more: who sends a broken
// token knows what is broken, and nobody else is helped.
var errSyntax = errors.New("not strict JSON")

// maxDepth is how deep objects and lists may nest.
const maxDepth = 16

// scanner reads one JSON document (RFC 8259) in one pass, more strictly than
// encoding/json: valid UTF-8 without lone surrogates, no name twice in an
// object, depth limited, nothing behind the end.
type scanner struct {
	s     string
	i     int
	depth int
}

// newScanner starts at the beginning of text.
func newScanner(text string) (scanner, error) {
	if !utf8.ValidString(text) {
		return scanner{}, errSyntax
	}
	return scanner{s: text}, nil
}

// checkJSON tells whether text is one strict JSON document, to be put inside
// of another at the given depth.
func checkJSON(text string, depth int) error {
	p, err := newScanner(text)
	if err != nil {
		return err
	}
	p.depth = depth
	if err := p.skip(); err != nil {
		return err
	}
	return p.end()
}

func (p *scanner) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is not space, or 0 at the end.
func (p *scanner) peek() byte {
	p.space()
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

// take consumes c if it comes next.
func (p *scanner) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.i++
	return true
}

// end fails if anything is left.
func (p *scanner) end() error {
	if p.peek() != 0 || p.i != len(p.s) {
		return errSyntax
	}
	return nil
}

// object calls member with each name of an object; member consumes the value.
// With fold, names must differ in more than letter case.
func (p *scanner) object(fold bool, member func(name string) error) error {
	if !p.take('{') {
		return errSyntax
	}
	if p.depth++; p.depth > maxDepth {
		return errSyntax
	}
	if !p.take('}') {
		var buf [24]string
		seen := names{list: buf[:0], fold: fold}
		for {
			name, err := p.string()
			if err != nil {
				return err
			}
			if !p.take(':') || !seen.add(name) {
				return errSyntax
			}
			if err := member(name); err != nil {
				return err
			}
			if p.take('}') {
				break
			}
			if !p.take(',') {
				return errSyntax
			}
		}
	}
	p.depth--
	return nil
}

// list calls item for each value of a list; item consumes it.
func (p *scanner) list(item func() error) error {
	if !p.take('[') {
		return errSyntax
	}
	if p.depth++; p.depth > maxDepth {
		return errSyntax
	}
	if !p.take(']') {
		for {
			if err := item(); err != nil {
				return err
			}
			if p.take(']') {
				break
			}
			if !p.take(',') {
				return errSyntax
			}
		}
	}
	p.depth--
	return nil
}

// skip reads any value and checks it.
func (p *scanner) skip() error {
	switch c := p.peek(); {
	case c == '{':
		return p.object(false, func(string) error { return p.skip() })
	case c == '[':
		return p.list(p.skip)
	case c == '"':
		_, err := p.string()
		return err
	case c == '-' || '0' <= c && c <= '9':
		_, err := p.number()
		return err
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.i:], word) {
			p.i += len(word)
			return nil
		}
	}
	return errSyntax
}

// raw reads any value, checks it and returns its text.
func (p *scanner) raw() (string, error) {
	p.space()
	start := p.i
	err := p.skip()
	return p.s[start:p.i], err
}

// number reads a number and returns its text.
func (p *scanner) number() (string, error) {
	p.space()
	start := p.i
	p.accept('-')
	if !p.accept('0') && p.digits() == 0 {
		return "", errSyntax
	}
	if p.accept('.') && p.digits() == 0 {
		return "", errSyntax
	}
	if p.accept('e') || p.accept('E') {
		if !p.accept('+') {
			p.accept('-')
		}
		if p.digits() == 0 {
			return "", errSyntax
		}
	}
	return p.s[start:p.i], nil
}

// accept consumes c without skipping space.
func (p *scanner) accept(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *scanner) digits() int {
	start := p.i
	for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

// integer reads a whole number from least to most, in plain notation: neither
// a string nor a float, and no exponent.
func (p *scanner) integer(least, most int64) (int64, error) {
	text, err := p.number()
	if err != nil {
		return 0, err
	}
	digits, negative := strings.CutPrefix(text, "-")
	if len(digits) > 15 {
		return 0, errRange
	}
	var n int64
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, errRange
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		if n == 0 {
			return 0, errRange
		}
		n = -n
	}
	if n < least || n > most {
		return 0, errRange
	}
	return n, nil
}

var errRange = errors.New("number is not an integer in range")

// names finds repeated names of one object.
type names struct {
	list []string
	set  map[string]struct{} // takes over when there are many
	fold bool
}

// add remembers name and tells whether it is new.
func (n *names) add(name string) bool {
	if n.set == nil && len(n.list) < cap(n.list) {
		for _, old := range n.list {
			if old == name || n.fold && strings.EqualFold(old, name) {
				return false
			}
		}
		n.list = append(n.list, name)
		return true
	}
	if n.set == nil {
		n.set = make(map[string]struct{}, 4*len(n.list))
		for _, old := range n.list {
			n.set[n.key(old)] = struct{}{}
		}
	}
	key := n.key(name)
	if _, old := n.set[key]; old {
		return false
	}
	n.set[key] = struct{}{}
	return true
}

func (n *names) key(name string) string {
	if n.fold {
		return foldName(name)
	}
	return name
}

// malformed says which part of a token is broken, and how.
func malformed(part string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrMalformed, part, err)
}
