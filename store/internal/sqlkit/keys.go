package sqlkit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/usherauth/usher/store"
)

func compareEntries(a, b store.Entry) int {
	return cmp.Or(strings.Compare(a.Index, b.Index), strings.Compare(a.Value, b.Value))
}

// encodeKeys writes entries as one text that is the same for the same set:
// sorted, each as index:length:value.
func encodeKeys(es []store.Entry) string {
	if len(es) == 0 {
		return ""
	}
	slices.SortFunc(es, compareEntries)
	var b []byte
	for _, e := range es {
		b = append(b, e.Index...)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(len(e.Value)), 10)
		b = append(b, ':')
		b = append(b, e.Value...)
	}
	return string(b)
}

// decodeKeys reads what encodeKeys wrote; ok is false if it did not.
func decodeKeys(s string) (es []store.Entry, ok bool) {
	for s != "" {
		index, rest, found := strings.Cut(s, ":")
		size, rest, found2 := strings.Cut(rest, ":")
		n, err := strconv.Atoi(size)
		if !found || !found2 || err != nil || n < 0 || n > len(rest) {
			return nil, false
		}
		es = append(es, store.Entry{Index: index, Value: rest[:n]})
		s = rest[n:]
	}
	return es, true
}

// diffKeys returns the entries of a, sorted, that are not in b, and the other
// way round.
func diffKeys(a, b []store.Entry) (onlyA, onlyB []store.Entry) {
	for len(a) > 0 && len(b) > 0 {
		switch c := compareEntries(a[0], b[0]); {
		case c < 0:
			onlyA, a = append(onlyA, a[0]), a[1:]
		case c > 0:
			onlyB, b = append(onlyB, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return append(onlyA, a...), append(onlyB, b...)
}
