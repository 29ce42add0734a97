package organization

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Page says which part of a list to return. Limit 0 is all.
type Page struct {
	// OrderBy is a field that the list can be ordered by, with an optional
	// leading + or -; empty is -created_at.
	OrderBy       string
	Offset, Limit int
}

// ErrOrder: the list cannot be ordered by that.
var ErrOrder = errors.New("organization: unknown order")

// order reads OrderBy.
func (p Page) order(allowed ...string) (field string, desc bool, err error) {
	if p.OrderBy == "" {
		return "created_at", true, nil
	}
	field = strings.TrimLeft(p.OrderBy, "+- ") // a plus in a query is a space
	if !slices.Contains(allowed, field) {
		return "", false, fmt.Errorf("%w: %.64q", ErrOrder, p.OrderBy)
	}
	return field, p.OrderBy[0] == '-', nil
}

// Orders is what organizations can be ordered by.
var Orders = []string{"name", "created_at", "updated_at", "members_count"}

// A Filter narrows a list of organizations; every field that is set must hold.
type Filter struct {
	Query               string   // part of a name, slug or ID
	IDs, NotIDs         []string // alternatives; excluded
	UserIDs, NotUserIDs []string // organizations that any, or none, of these users is in
}

// maxOfUser bounds how many organizations of a user a filter looks at.
const maxOfUser = 2000

// List returns the organizations that f asks for and how many there are in all.
func List(ctx context.Context, tx store.Tx, f Filter, p Page) ([]*Organization, int, error) {
	field, desc, err := p.order(Orders...)
	if err != nil {
		return nil, 0, err
	}
	q := store.Query{Order: field, Desc: desc, Offset: p.Offset, Limit: p.Limit}
	if t := user.Fold(strings.TrimSpace(f.Query)); t != "" {
		q.Where = append(q.Where, store.Match{Index: "search", Op: store.Contains, Values: []string{t}})
	}
	for _, m := range []struct {
		op         store.Op
		ids, users []string
	}{{store.In, f.IDs, f.UserIDs}, {store.NotIn, f.NotIDs, f.NotUserIDs}} {
		if len(m.ids) > 0 {
			q.Where = append(q.Where, store.Match{Op: m.op, Values: m.ids})
		}
		if len(m.users) == 0 {
			continue
		}
		ids, err := inside(ctx, tx, m.users)
		if err != nil {
			return nil, 0, err
		}
		q.Where = append(q.Where, store.Match{Op: m.op, Values: ids})
	}
	return organizations.Page(ctx, tx, q)
}

// inside are the organizations that any of the users is in.
func inside(ctx context.Context, tx store.Tx, users []string) ([]string, error) {
	var ids []string
	for _, u := range users {
		ms, err := memberships.Find(ctx, tx, store.Query{Where: within("by_user", u), Limit: maxOfUser})
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			ids = append(ids, m.OrganizationID)
		}
	}
	return ids, nil
}

// GetAll returns the organizations with the given IDs, by ID; missing ones are
// left out.
func GetAll(ctx context.Context, tx store.Tx, ids ...string) (map[string]*Organization, error) {
	out := make(map[string]*Organization, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	os, err := organizations.Find(ctx, tx, store.Query{Where: []store.Match{{Values: ids}}})
	for _, o := range os {
		out[o.ID] = o
	}
	return out, err
}

// OfUser returns the memberships of a user, newest first, and how many there
// are in all.
func OfUser(ctx context.Context, tx store.Tx, userID string, p Page) ([]*Membership, int, error) {
	q := store.Query{Order: "by_user", Desc: true, Where: within("by_user", userID), Offset: p.Offset, Limit: p.Limit}
	return memberships.Page(ctx, tx, q)
}

// AllMemberships returns memberships of all organizations and how many there
// are in all.
func AllMemberships(ctx context.Context, tx store.Tx, p Page) ([]*Membership, int, error) {
	_, desc, err := p.order("created_at")
	if err != nil {
		return nil, 0, err
	}
	q := store.Query{Order: "created_at", Desc: desc, Offset: p.Offset, Limit: p.Limit}
	return memberships.Page(ctx, tx, q)
}
