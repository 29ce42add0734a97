package sqlkit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/usherauth/usher/store"
)

// A row is a record as it is stored. It is never changed and never handed out.
type row struct {
	id      string
	version int64
	expires int64 // 0: never
	keys    string
	data    string
	cols    []*string // values in l.cols, nil: no entry
}

// rowDest is where a row is scanned to. All columns may be NULL, because the
// row is the right side of a join at times.
type rowDest struct {
	l       *layout
	id      *string
	version *int64
	expires *int64
	keys    *string
	data    *string
	cols    []*string
	long    *string
	dest    []any
}

// newDest returns destinations for the columns of l, after first ones.
func (l *layout) newDest(first ...any) *rowDest {
	r := &rowDest{l: l, cols: make([]*string, len(l.cols))}
	r.dest = make([]any, 0, len(first)+len(l.cols)+6)
	r.dest = append(r.dest, first...)
	r.dest = append(r.dest, &r.id, &r.version, &r.expires, &r.keys, &r.data)
	for i := range r.cols {
		r.dest = append(r.dest, &r.cols[i])
	}
	if l.d.Long {
		r.dest = append(r.dest, &r.long)
	}
	return r
}

// row returns what was scanned, or nil if there was nothing to join.
func (r *rowDest) row() (*row, error) {
	if r.id == nil {
		return nil, nil
	}
	out := &row{id: *r.id, version: *r.version, keys: *r.keys, data: *r.data, cols: make([]*string, len(r.cols))}
	copy(out.cols, r.cols)
	if r.expires != nil {
		out.expires = *r.expires
	}
	if r.long == nil {
		return out, nil
	}
	var long map[string]string
	if err := json.Unmarshal([]byte(*r.long), &long); err != nil {
		return nil, &store.CorruptError{Kind: r.l.kind.Name, ID: out.id, Err: err}
	}
	for i, ix := range r.l.cols {
		if v, ok := long[ix.Name]; ok && out.cols[i] != nil {
			out.cols[i] = &v
		}
	}
	return out, nil
}

// record makes a record of its own.
func (l *layout) record(r *row) (store.Record, error) {
	rec := store.Record{Kind: l.kind, ID: r.id, Version: r.version, Data: []byte(r.data)}
	if r.expires != 0 {
		rec.Expires = time.UnixMilli(r.expires).UTC()
	}
	for i, v := range r.cols {
		if v != nil {
			rec.Entries = append(rec.Entries, store.Entry{Index: l.cols[i].Name, Value: *v})
		}
	}
	many, ok := decodeKeys(r.keys)
	if !ok {
		return store.Record{}, &store.CorruptError{Kind: l.kind.Name, ID: r.id, Err: fmt.Errorf("keys %.100q", r.keys)}
	}
	for _, e := range many {
		// Indexes of a newer program are not entries of this one's kind.
		if ix, ok := l.kind.Index(e.Index); ok && ix.Many {
			rec.Entries = append(rec.Entries, e)
		}
	}
	return rec, nil
}

// newRow makes the row that a record will be, with its Many entries sorted.
func (l *layout) newRow(rec store.Record) (r *row, many []store.Entry) {
	r = &row{id: rec.ID, version: rec.Version + 1, data: string(rec.Data), cols: make([]*string, len(l.cols))}
	if !rec.Expires.IsZero() {
		r.expires = rec.Expires.UnixMilli()
	}
	for i := range rec.Entries {
		e := rec.Entries[i]
		col := -1
		for c := range l.cols {
			if l.cols[c].Name == e.Index {
				col = c
			}
		}
		if col < 0 {
			many = append(many, e)
		} else {
			r.cols[col] = &e.Value
		}
	}
	r.keys = encodeKeys(many)
	return r, many
}

// args returns the parameters in the order of l.names, with room for more.
func (l *layout) args(r *row) []any {
	args := make([]any, 0, len(r.cols)+14)
	args = append(args, r.id, r.version, expiry(r.expires), r.keys, r.data, l.sum(r))
	for _, v := range r.cols {
		args = append(args, l.value(v))
	}
	if l.d.Long {
		args = append(args, l.long(r))
	}
	return args
}

// value returns what is stored in the column of an index.
func (l *layout) value(v *string) any {
	if v == nil {
		return nil
	}
	return l.d.form(*v)
}

// long returns the long values of columns as a JSON object, or nil.
func (l *layout) long(r *row) any {
	var long map[string]string
	for i, v := range r.cols {
		if v != nil && l.d.isLong(*v) {
			if long == nil {
				long = map[string]string{}
			}
			long[l.cols[i].Name] = *v
		}
	}
	if long == nil {
		return nil
	}
	text, _ := json.Marshal(long) // a map of strings always encodes
	return string(text)
}

// sum returns a hash of everything in a row but version and data. It covers the
// names of the columns, so that programs that know different ones disagree.
func (l *layout) sum(r *row) int64 {
	b := make([]byte, 0, 256)
	for i, v := range r.cols {
		b = append(b, l.cols[i].Name...)
		if v != nil {
			b = append(b, '=')
			b = append(b, *v...)
		}
		b = append(b, 0) // in no name and no value
	}
	b = binary.BigEndian.AppendUint64(append(b, r.keys...), uint64(r.expires))
	hash := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(hash[:]))
}

func expiry(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}
