package store

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// knownFields caches, by struct type, the folded JSON names of its fields;
// encoding/json matches names without regard to case.
var knownFields sync.Map // reflect.Type -> map[string]bool

// unknownFields returns the top-level members of the JSON object in data that
// the struct v points to has no field for, or nil.
func unknownFields(data []byte, v any) (map[string]json.RawMessage, error) {
	known := fieldsOf(reflect.TypeOf(v).Elem())
	// Most documents hold nothing unknown: look at the names alone first.
	if !hasUnknown(data, known) {
		return nil, nil
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for name := range all {
		if known[foldName(name)] {
			delete(all, name)
		}
	}
	return all, nil
}

// hasUnknown scans the top-level names of a JSON object that is known to be
// well formed, without building anything.
func hasUnknown(data []byte, known map[string]bool) bool {
	depth, inName := 0, false
	var buf [64]byte
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '{', '[':
			depth++
			inName = depth == 1 && c == '{'
		case '}', ']':
			depth--
		case ',':
			inName = depth == 1
		case ':':
			inName = false
		case '"':
			start := i + 1
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if !inName {
				continue
			}
			name := data[start:i]
			if len(name) > len(buf) {
				return true // let the real decoder look
			}
			folded := buf[:0]
			for _, b := range name {
				switch {
				case b == '\\', b >= utf8.RuneSelf:
					return true // the same
				case 'a' <= b && b <= 'z':
					b -= 'a' - 'A'
				}
				folded = append(folded, b)
			}
			if !known[string(folded)] {
				return true
			}
		}
	}
	return false
}

func fieldsOf(t reflect.Type) map[string]bool {
	if m, ok := knownFields.Load(t); ok {
		return m.(map[string]bool)
	}
	m := map[string]bool{}
	addFieldsOf(t, m)
	knownFields.Store(t, m)
	return m
}

func addFieldsOf(t reflect.Type, m map[string]bool) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			addFieldsOf(inner, m)
		case !f.IsExported():
		case name != "":
			m[foldName(name)] = true
		default:
			m[foldName(f.Name)] = true
		}
	}
}

// foldName returns one spelling for all names that encoding/json takes for
// the same: of each letter and its variants the one that comes first in
// Unicode, which for ASCII is the capital.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}
