package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits that [Kind.Validate], [Record.Validate] and [Query.Validate] hold
// a caller to, in bytes.
const (
	MaxNameLen  = 40   // of a Kind's or an Index's name
	MaxIDLen    = 255  // of a record's ID
	MaxValueLen = 4096 // of an index value
)

// maxExpires is the end of the year 9999: later times do not fit the date
// types of every database.
var maxExpires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// Validate checks k's names. Its error is [ErrInvalid].
func (k *Kind) Validate() error {
	if k == nil {
		return fmt.Errorf("%w: no kind", ErrInvalid)
	}
	if !validName(k.Name) {
		return fmt.Errorf("%w: kind name %q", ErrInvalid, k.Name)
	}
	for i, ix := range k.Indexes {
		switch {
		case !validName(ix.Name), ix.Name == "id", ix.Name == "version", ix.Name == "expires", ix.Name == "data":
			return fmt.Errorf("%w: %s: index name %q", ErrInvalid, k.Name, ix.Name)
		case slices.ContainsFunc(k.Indexes[:i], func(o Index) bool { return o.Name == ix.Name }):
			return fmt.Errorf("%w: %s: two indexes %q", ErrInvalid, k.Name, ix.Name)
		}
	}
	return nil
}

// Validate checks r against its kind and the limits: a usable ID, a version
// that is not negative, Expires zero or after 1970 and before the year 10000,
// entries in indexes of the kind, no entry twice, one at most in an index
// without Many, and Data that is JSON in UTF-8. Its error is [ErrInvalid].
// Every store calls it first in Put.
func (r Record) Validate() error {
	if err := r.Kind.Validate(); err != nil {
		return err
	}
	switch {
	case !ValidID(r.ID):
		return fmt.Errorf("%w: %s: ID %.300q", ErrInvalid, r.Kind.Name, r.ID)
	case r.Version < 0:
		return fmt.Errorf("%w: %s %s: version %d", ErrInvalid, r.Kind.Name, r.ID, r.Version)
	case !r.Expires.IsZero() && (r.Expires.UnixMilli() <= 0 || !r.Expires.Before(maxExpires)):
		return fmt.Errorf("%w: %s %s: expires %s", ErrInvalid, r.Kind.Name, r.ID, r.Expires)
	case !json.Valid(r.Data) || !utf8.Valid(r.Data):
		return fmt.Errorf("%w: %s %s: Data is not JSON", ErrInvalid, r.Kind.Name, r.ID)
	}
	return r.validateEntries()
}

func (r Record) validateEntries() error {
	seen := make(map[Entry]bool, len(r.Entries))
	for _, e := range r.Entries {
		ix, ok := r.Kind.Index(e.Index)
		key := e
		if !ix.Many {
			key.Value = ""
		}
		switch {
		case !ok:
			return fmt.Errorf("%w: %s %s: no index %q", ErrInvalid, r.Kind.Name, r.ID, e.Index)
		case !validValue(e.Value):
			return fmt.Errorf("%w: %s %s: value in index %s", ErrInvalid, r.Kind.Name, r.ID, e.Index)
		case seen[key]:
			return fmt.Errorf("%w: %s %s: too many entries in index %s", ErrInvalid, r.Kind.Name, r.ID, e.Index)
		}
		seen[key] = true
	}
	return nil
}

// Validate checks q against its kind and the limits: matches in indexes of the
// kind, exactly one value for Less, Greater and Contains, values as in an
// [Entry], an order by an index without Many, a usable After, nothing
// negative. Its error is [ErrInvalid]. Every store calls it first in Find and
// Count.
func (q Query) Validate() error {
	if err := q.Kind.Validate(); err != nil {
		return err
	}
	for _, m := range q.Where {
		if err := m.validate(q.Kind); err != nil {
			return err
		}
	}
	ix, ok := q.Kind.Index(q.Order)
	switch {
	case q.Order != "" && (!ok || ix.Many):
		return fmt.Errorf("%w: %s: order by %q", ErrInvalid, q.Kind.Name, q.Order)
	case q.After != "" && !ValidID(q.After):
		return fmt.Errorf("%w: %s: after %.300q", ErrInvalid, q.Kind.Name, q.After)
	case q.Offset < 0 || q.Limit < 0:
		return fmt.Errorf("%w: %s: offset %d, limit %d", ErrInvalid, q.Kind.Name, q.Offset, q.Limit)
	}
	return nil
}

func (m Match) validate(k *Kind) error {
	_, ok := k.Index(m.Index)
	switch {
	case m.Index != "" && !ok:
		return fmt.Errorf("%w: %s: no index %q", ErrInvalid, k.Name, m.Index)
	case m.Op > Contains:
		return fmt.Errorf("%w: %s: op %d", ErrInvalid, k.Name, m.Op)
	case m.Op >= Less && len(m.Values) != 1:
		return fmt.Errorf("%w: %s: %d values for one comparison", ErrInvalid, k.Name, len(m.Values))
	}
	for _, v := range m.Values {
		if !validValue(v) {
			return fmt.Errorf("%w: %s: value for index %q", ErrInvalid, k.Name, m.Index)
		}
	}
	return nil
}

// ValidID reports whether a record can have this ID: 1 to [MaxIDLen] bytes of
// valid UTF-8, without NUL. A store answers Get and Delete of any other ID
// with [ErrNotFound], since IDs come from requests.
func ValidID(id string) bool {
	return id != "" && len(id) <= MaxIDLen && validText(id)
}

func validValue(v string) bool { return len(v) <= MaxValueLen && validText(v) }

func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= MaxNameLen
}
