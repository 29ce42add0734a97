package store

import (
	"cmp"
	"slices"
	"strings"
)

// Matches reports whether all of q.Where holds for r. It is for stores, and
// parts of stores, that have no query language to say it in. q must be valid.
func (q Query) Matches(r Record) bool {
	for _, m := range q.Where {
		if !m.holds(r) {
			return false
		}
	}
	return true
}

// Compare is the order of q, for stores that sort by themselves: negative if a
// comes before b, zero if they are one record. q must be valid.
func (q Query) Compare(a, b Record) int {
	if q.Desc {
		a, b = b, a
	}
	if q.Order != "" {
		va, hasA := a.value(q.Order)
		vb, hasB := b.value(q.Order)
		switch {
		case hasA && !hasB:
			return +1
		case hasB && !hasA:
			return -1
		case va != vb:
			return cmp.Compare(va, vb)
		}
	}
	return cmp.Compare(a.ID, b.ID)
}

// value returns the record's value in an index without Many, if it has one.
func (r Record) value(index string) (string, bool) {
	for _, e := range r.Entries {
		if e.Index == index {
			return e.Value, true
		}
	}
	return "", false
}

// holds reports whether r meets one condition.
func (m Match) holds(r Record) bool {
	if m.Op == NotIn {
		m.Op = In
		return !m.holds(r)
	}
	if m.Index == "" {
		return m.holdsFor(r.ID)
	}
	for _, e := range r.Entries {
		if e.Index == m.Index && m.holdsFor(e.Value) {
			return true
		}
	}
	return false
}

func (m Match) holdsFor(v string) bool {
	switch m.Op {
	case Less:
		return v < m.Values[0]
	case Greater:
		return v > m.Values[0]
	case Contains:
		return strings.Contains(v, m.Values[0])
	default:
		return slices.Contains(m.Values, v)
	}
}
