package httpx

import (
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of arrays and objects.
const maxJSONDepth = 32

// scanJSON checks a JSON text beyond its syntax: depth, number of keys, keys
// given twice, and that every string is text that usher keeps. encoding/json
// lets the last duplicate win and turns half a surrogate pair into U+FFFD.
// root names the value in errors; empty for a whole body.
func scanJSON(b []byte, root string) *FieldError {
	s := jsonScan{b: b, root: root}
	if !json.Valid(b) {
		return s.broken("is not valid JSON")
	}
	return s.value(0)
}

// jsonScan walks a text that json.Valid has accepted, so it need not look for
// syntax errors and can stay small.
type jsonScan struct {
	b    []byte
	i    int
	keys int
	path []string
	root string
}

func (s *jsonScan) param() string {
	path := strings.Join(s.path, ".")
	switch {
	case s.root == "":
		return path
	case path == "":
		return s.root
	}
	return s.root + "." + path
}

// broken is a fault of the whole text: of the field that it stands in, or of
// the request.
func (s *jsonScan) broken(reason string) *FieldError {
	if s.root != "" {
		return fail(unprocessable, CodeFormat, s.root, reason)
	}
	return fail(badRequest, CodeBodyInvalid, "", "The request body "+reason+".")
}

func (s *jsonScan) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r') {
		s.i++
	}
}

func (s *jsonScan) value(depth int) *FieldError {
	s.space()
	if c := s.b[s.i]; depth >= maxJSONDepth && (c == '{' || c == '[') {
		return s.broken("is nested too deeply")
	}
	switch s.b[s.i] {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		_, err := s.text()
		return err
	}
	for s.i < len(s.b) && strings.IndexByte(",]} \t\r\n", s.b[s.i]) < 0 {
		s.i++ // a number or a word
	}
	return nil
}

func (s *jsonScan) object(depth int) *FieldError {
	seen := map[string]struct{}{}
	for s.i++; ; s.i++ {
		if s.space(); s.b[s.i] == '}' {
			s.i++
			return nil
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		s.path = append(s.path, key)
		if _, twice := seen[key]; twice {
			return fail(unprocessable, CodeDuplicate, s.param(), "is given more than once")
		}
		seen[key] = struct{}{}
		if s.keys++; s.keys > maxKeys {
			return s.broken("has too many keys")
		}
		s.space()
		s.i++ // the colon
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
		if s.space(); s.b[s.i] == '}' {
			s.i++
			return nil
		}
	}
}

func (s *jsonScan) array(depth int) *FieldError {
	for s.i++; ; s.i++ {
		if s.space(); s.b[s.i] == ']' {
			s.i++
			return nil
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if s.space(); s.b[s.i] == ']' {
			s.i++
			return nil
		}
	}
}

// text reads the string literal at s.i and returns it decoded.
func (s *jsonScan) text() (string, *FieldError) {
	start := s.i
	s.i++
	escaped := false
	for s.b[s.i] != '"' {
		if s.b[s.i] == '\\' {
			escaped = true
			s.i++
		}
		s.i++
	}
	s.i++
	raw := s.b[start+1 : s.i-1]
	if escaped {
		if halfSurrogate(raw) {
			return "", fail(unprocessable, CodeFormat, s.param(), "contains half of a surrogate pair")
		}
	}
	text := string(raw)
	if reason := CheckText(text); reason != "" { // before decoding, which would mend it
		return "", fail(unprocessable, CodeFormat, s.param(), reason)
	}
	if !escaped {
		return text, nil
	}
	if err := json.Unmarshal(s.b[start:s.i], &text); err != nil {
		return "", s.broken("is not valid JSON")
	}
	if reason := CheckText(text); reason != "" {
		return "", fail(unprocessable, CodeFormat, s.param(), reason)
	}
	return text, nil
}

// halfSurrogate reports a \u escape of a surrogate without its partner.
func halfSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			i++
			continue
		}
		if raw[i+1] != 'u' {
			i += 2
			continue
		}
		r := hex4(raw[i+2:])
		i += 6
		if !utf16.IsSurrogate(r) {
			continue
		}
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return true
		}
		if utf16.DecodeRune(r, hex4(raw[i+2:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		default:
			r |= rune(c|0x20-'a') + 10
		}
	}
	return r
}
