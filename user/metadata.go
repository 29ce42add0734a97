package user

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxMetadata is the size of one metadata document, in bytes.
	MaxMetadata = 8 << 10
	// maxDepth is how deep metadata may nest.
	maxDepth = 32
	// maxName is the length of a first or last name, in code points.
	maxName = 256
)

// MergeMetadata returns base with patch merged into it at every depth; a null
// deletes its key (RFC 7396). An empty base is an empty object.
func MergeMetadata(base, patch json.RawMessage) (json.RawMessage, error) {
	b, err := parseMetadata(base)
	if err != nil {
		return nil, err
	}
	p, err := parseMetadata(patch)
	if err != nil {
		return nil, err
	}
	return encodeMetadata(merge(b, p))
}

// CheckMetadata returns m in compact form, or ErrMetadata if it is no JSON
// object, nests deeper than 32 or is larger than MaxMetadata.
func CheckMetadata(m json.RawMessage) (json.RawMessage, error) {
	v, err := parseMetadata(m)
	if err != nil {
		return nil, err
	}
	return encodeMetadata(v)
}

func encodeMetadata(v map[string]any) (json.RawMessage, error) {
	if len(v) == 0 {
		return nil, nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	if len(out) > MaxMetadata {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMetadata, len(out), MaxMetadata)
	}
	return out, nil
}

func parseMetadata(m json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(m)) == 0 {
		return map[string]any{}, nil
	}
	if len(m) > 8*MaxMetadata || !utf8.Valid(m) || depth(m) > maxDepth {
		return nil, fmt.Errorf("%w: too large, too deep or not UTF-8", ErrMetadata)
	}
	d := json.NewDecoder(bytes.NewReader(m))
	d.UseNumber() // keep numbers as they were written
	var v map[string]any
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, fmt.Errorf("%w: not a JSON object", ErrMetadata)
	}
	if v == nil {
		v = map[string]any{}
	}
	return v, nil
}

func merge(base, patch map[string]any) map[string]any {
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(base, k)
		case map[string]any:
			b, _ := base[k].(map[string]any)
			if b == nil {
				b = map[string]any{}
			}
			base[k] = merge(b, v)
		default:
			base[k] = v
		}
	}
	return base
}

// depth counts brackets outside strings.
func depth(m []byte) (deepest int) {
	for d, i := 0, 0; i < len(m); i++ {
		switch m[i] {
		case '{', '[':
			d++
			deepest = max(deepest, d)
		case '}', ']':
			d--
		case '"':
			for i++; i < len(m) && m[i] != '"'; i++ {
				if m[i] == '\\' {
					i++
				}
			}
		}
	}
	return deepest
}

// CheckName returns a first or last name trimmed, or ErrName if it is longer
// than 256 code points or holds control or direction-changing characters.
func CheckName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxName {
		return "", fmt.Errorf("%w: longer than %d characters", ErrName, maxName)
	}
	for _, r := range name {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return "", fmt.Errorf("%w: character %U", ErrName, r)
		}
	}
	return name, nil
}

// maxLocale is the longest language tag that is kept: RFC 5646, 4.4.1.
const maxLocale = 35

// CheckLocale reports whether locale has the shape of a language tag (BCP 47):
// letters, digits and hyphens, at most 35; none at all is fine too. Anything
// else is [ErrLocale].
func CheckLocale(locale string) error {
	if len(locale) > maxLocale {
		return fmt.Errorf("%w: longer than %d characters", ErrLocale, maxLocale)
	}
	for _, r := range locale {
		if r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
			return fmt.Errorf("%w: character %U", ErrLocale, r)
		}
	}
	return nil
}
