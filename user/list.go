package user

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// A Filter narrows a list of users. Every field that is set must hold; the
// values of one field are alternatives.
type Filter struct {
	IDs, NotIDs           []string
	EmailAddresses        []string // any spelling; verified or not
	PhoneNumbers          []string
	Usernames             []string
	ExternalIDs           []string
	Query                 string // part of a name, address, username or ID
	EmailQuery, NameQuery string // part of an address, of a name
	UsernameQuery         string
	PhoneQuery            string // part of a number
	Banned                *bool
	CreatedBefore         time.Time
	CreatedAfter          time.Time
	LastActiveBefore      time.Time
	LastActiveAfter       time.Time
	LastSignInBefore      time.Time
	LastSignInAfter       time.Time
}

// A Page says which part of a list to return.
type Page struct {
	// OrderBy is one of the names in [Orders] with an optional leading + or -.
	// Empty is -created_at.
	OrderBy string
	After   string // resume after this user ID
	Offset  int
	Limit   int // 0: all
}

// Orders maps what lists can be ordered by to the index that does it.
var Orders = map[string]string{
	"created_at": "created_at", "updated_at": "updated_at",
	"email_address": "primary_email", "phone_number": "primary_phone",
	"first_name": "first_name", "last_name": "last_name", "username": "username",
	"last_active_at": "last_active_at", "last_sign_in_at": "last_sign_in_at",
}

// ErrOrder: the list cannot be ordered by that.
var ErrOrder = errors.New("user: unknown order")

// List returns the users that f asks for and how many there are in all. With a
// *SkippedError it returns those that can be read.
func List(ctx context.Context, tx store.Tx, f Filter, p Page) ([]*User, int, error) {
	q, err := p.query()
	if err != nil {
		return nil, 0, err
	}
	q.Where = f.where()
	total, err := users.Count(ctx, tx, q)
	if err != nil {
		return nil, 0, err
	}
	us, bad, err := users.List(ctx, tx, q)
	if err == nil && len(bad) > 0 {
		err = &SkippedError{Bad: bad}
	}
	return us, total, err
}

// A SkippedError names the records that a list leaves out since they cannot be
// decoded; the rest of the list comes with it. It is store.ErrCorrupt.
type SkippedError struct{ Bad []*store.CorruptError }

func (e *SkippedError) Error() string {
	return fmt.Sprintf("user: %d records left out of a list, the first: %v", len(e.Bad), e.Bad[0])
}

// Unwrap returns store.ErrCorrupt.
func (e *SkippedError) Unwrap() error { return store.ErrCorrupt }

// Count returns how many users f asks for.
func Count(ctx context.Context, tx store.Tx, f Filter) (int, error) {
	return users.Count(ctx, tx, store.Query{Where: f.where()})
}

// GetAll returns the users with the given IDs, in no promised order; missing
// ones are left out.
func GetAll(ctx context.Context, tx store.Tx, ids ...string) ([]*User, error) {
	switch len(ids) {
	case 0:
		return nil, nil
	case 1:
		u, err := users.Get(ctx, tx, ids[0])
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return []*User{u}, nil
	}
	return users.Find(ctx, tx, store.Query{Where: []store.Match{{Values: ids}}})
}

func (p Page) query() (store.Query, error) {
	order, desc := p.OrderBy, false
	if order == "" {
		order = "-created_at"
	}
	if order[0] == '-' || order[0] == '+' {
		desc, order = order[0] == '-', order[1:]
	}
	index, ok := Orders[order]
	if !ok {
		return store.Query{}, fmt.Errorf("%w: %q", ErrOrder, order)
	}
	return store.Query{Order: index, Desc: desc, After: p.After, Offset: p.Offset, Limit: p.Limit}, nil
}

func (f Filter) where() []store.Match {
	var ms []store.Match
	in := func(index string, op store.Op, values []string) {
		if len(values) > 0 {
			ms = append(ms, store.Match{Index: index, Op: op, Values: values})
		}
	}
	in("", store.In, f.IDs)
	in("", store.NotIn, f.NotIDs)
	in("address", store.In, mapAll(f.EmailAddresses, func(s string) string { c, _ := CanonicalEmail(s); return c }))
	in("address", store.In, mapAll(f.PhoneNumbers, CanonicalPhone))
	in("username", store.In, mapAll(f.Usernames, CanonicalUsername))
	in("external_id", store.In, f.ExternalIDs)
	for _, c := range []struct{ index, text string }{
		{"search", f.Query}, {"address", f.EmailQuery}, {"search", f.NameQuery}, {"username", f.UsernameQuery}, {"address", f.PhoneQuery},
	} {
		if t := Fold(strings.TrimSpace(c.text)); t != "" {
			in(c.index, store.Contains, []string{t})
		}
	}
	if f.Banned != nil {
		op := store.NotIn
		if *f.Banned {
			op = store.In
		}
		in("banned", op, []string{"1"})
	}
	for _, r := range []struct {
		index         string
		before, after time.Time
	}{
		{"created_at", f.CreatedBefore, f.CreatedAfter},
		{"last_active_at", f.LastActiveBefore, f.LastActiveAfter},
		{"last_sign_in_at", f.LastSignInBefore, f.LastSignInAfter},
	} {
		if !r.before.IsZero() {
			in(r.index, store.Less, []string{store.TimeKey(r.before)})
		}
		if !r.after.IsZero() {
			in(r.index, store.Greater, []string{store.TimeKey(r.after)})
		}
	}
	return ms
}

// mapAll maps values and keeps empty results as values that nothing has, so
// that a filter by a bad address finds nobody instead of everybody.
func mapAll(values []string, f func(string) string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = f(v); out[i] == "" {
			out[i] = "\x01"
		}
	}
	return out
}
