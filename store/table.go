package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Meta is what every stored type embeds. None of it is part of the document.
type Meta struct {
	ID      string    `json:"-"`
	Version int64     `json:"-"` // 0 until stored
	Expires time.Time `json:"-"` // zero: never
	// rest holds the fields of the document that this program does not know,
	// so that an older program in a rolling deploy does not drop a newer one's.
	rest map[string]json.RawMessage
}

// StoreMeta makes an embedding type an [Object].
func (m *Meta) StoreMeta() *Meta { return m }

// An Object is a type that a [Table] stores: a struct that embeds [Meta], with
// its index entries.
type Object interface {
	StoreMeta() *Meta
	StoreEntries() []Entry
}

// A Table stores values of type T as JSON documents in records of one Kind.
// JSON fields that T does not have survive being read and written back.
type Table[T any, P interface {
	*T
	Object
}] struct{ Kind *Kind }

// Get returns the value with the given ID, or ErrNotFound.
func (t Table[T, P]) Get(ctx context.Context, tx Tx, id string) (P, error) {
	if id == "" {
		return nil, ErrNotFound
	}
	r, err := tx.Get(ctx, t.Kind, id)
	if err != nil {
		return nil, err
	}
	return t.decode(r)
}

// By returns the one value that has value in a Unique index, or ErrNotFound,
// also if no record can have it: values come from requests.
func (t Table[T, P]) By(ctx context.Context, tx Tx, index, value string) (P, error) {
	if !validValue(value) {
		return nil, ErrNotFound
	}
	rs, err := tx.Find(ctx, Query{Kind: t.Kind, Where: []Match{{Index: index, Values: []string{value}}}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rs) == 0 {
		return nil, ErrNotFound
	}
	return t.decode(rs[0])
}

// Find returns the values that q asks for; q.Kind is set for you.
func (t Table[T, P]) Find(ctx context.Context, tx Tx, q Query) ([]P, error) {
	q.Kind = t.Kind
	rs, err := tx.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	vs := make([]P, 0, len(rs))
	for _, r := range rs {
		v, err := t.decode(r)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// List is Find for what a person or a worker goes through: records that cannot
// be decoded are left out and named in bad, so that one of them does not hide
// the others.
func (t Table[T, P]) List(ctx context.Context, tx Tx, q Query) (vs []P, bad []*CorruptError, err error) {
	q.Kind = t.Kind
	rs, err := tx.Find(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	vs = make([]P, 0, len(rs))
	for _, r := range rs {
		v, err := t.decode(r)
		if c, ok := errors.AsType[*CorruptError](err); ok {
			bad = append(bad, c)
		} else if err != nil {
			return nil, nil, err
		} else {
			vs = append(vs, v)
		}
	}
	return vs, bad, nil
}

// Count returns how many values match q.Where; q.Kind is set for you.
func (t Table[T, P]) Count(ctx context.Context, tx Tx, q Query) (int, error) {
	q.Kind = t.Kind
	return tx.Count(ctx, q)
}

// Page returns the values that q asks for, and how many there are whatever its
// Offset and Limit.
func (t Table[T, P]) Page(ctx context.Context, tx Tx, q Query) (vs []P, total int, err error) {
	total, err = t.Count(ctx, tx, q)
	if err != nil || total == 0 {
		return nil, 0, err
	}
	vs, err = t.Find(ctx, tx, q)
	return vs, total, err
}

// Put stores v and advances its version. See rule 3 of the package comment for
// the trap in that.
func (t Table[T, P]) Put(ctx context.Context, tx Tx, v P) error {
	r, err := t.encode(v)
	if err != nil {
		return err
	}
	version, err := tx.Put(ctx, r)
	if err != nil {
		return err
	}
	v.StoreMeta().Version = version
	return nil
}

// Delete removes v at the version it was read at.
func (t Table[T, P]) Delete(ctx context.Context, tx Tx, v P) error {
	m := v.StoreMeta()
	return tx.Delete(ctx, t.Kind, m.ID, m.Version)
}

func (t Table[T, P]) decode(r Record) (P, error) {
	v := P(new(T))
	if err := json.Unmarshal(r.Data, v); err != nil {
		return nil, &CorruptError{Kind: t.Kind.Name, ID: r.ID, Err: err}
	}
	if !isObject(r.Data) { // null is JSON, and would be an empty value
		return nil, &CorruptError{Kind: t.Kind.Name, ID: r.ID, Err: errNoObject}
	}
	rest, err := unknownFields(r.Data, v)
	if err != nil {
		return nil, &CorruptError{Kind: t.Kind.Name, ID: r.ID, Err: err}
	}
	*v.StoreMeta() = Meta{ID: r.ID, Version: r.Version, Expires: r.Expires, rest: rest}
	return v, nil
}

func (t Table[T, P]) encode(v P) (Record, error) {
	m := v.StoreMeta()
	data, err := json.Marshal(v)
	if err != nil {
		return Record{}, fmt.Errorf("%w: encode %s %s: %w", ErrInvalid, t.Kind.Name, m.ID, err)
	}
	if data, err = addFields(data, m.rest); err != nil {
		return Record{}, err
	}
	return Record{Kind: t.Kind, ID: m.ID, Version: m.Version, Expires: m.Expires,
		Entries: uniqueEntries(v.StoreEntries()), Data: data}, nil
}

var errNoObject = errors.New("not a JSON object")

func isObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
}

// addFields appends the members of rest to the JSON object in data.
func addFields(data []byte, rest map[string]json.RawMessage) ([]byte, error) {
	if len(rest) == 0 {
		return data, nil
	}
	extra, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(data, []byte("{}")) {
		return extra, nil
	}
	out := make([]byte, 0, len(data)+len(extra))
	out = append(out, data[:len(data)-1]...)
	out = append(out, ',')
	return append(out, extra[1:]...), nil
}
