package organization

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	n, err := organizations.Count(ctx, tx, q)
	if err != nil || n == 0 {
		return nil, n, err
	}
	os, err := organizations.Find(ctx, tx, q)
	return os, n, err
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

// A MemberFilter narrows a list of an organization's members; every field that
// is set must hold.
type MemberFilter struct {
	Roles   []string // alternatives
	UserIDs []string // alternatives
	// Query are words that names or addresses begin with, the last one perhaps
	// unfinished, or a user's ID.
	Query                       string
	CreatedBefore, CreatedAfter time.Time
}

// Members returns the members of o that f asks for and how many there are in
// all.
func Members(ctx context.Context, tx store.Tx, o *Organization, f MemberFilter, p Page) ([]*Membership, int, error) {
	_, desc, err := p.order("created_at")
	if err != nil {
		return nil, 0, err
	}
	for i, role := range f.Roles {
		if role == "org:basic_member" {
			f.Roles[i] = Member
		}
	}
	if len(f.Roles) < 2 {
		role := ""
		if len(f.Roles) == 1 {
			role = f.Roles[0]
		}
		return members(ctx, tx, o, f, role, desc, p)
	}
	// One list per role, merged: a page of the whole is in the first pages of
	// each.
	var all []*Membership
	total := 0
	first := Page{}
	if p.Limit > 0 {
		first.Limit = p.Offset + p.Limit
	}
	for _, role := range slices.Compact(slices.Sorted(slices.Values(f.Roles))) {
		ms, n, err := members(ctx, tx, o, f, role, desc, first)
		if err != nil {
			return nil, 0, err
		}
		all, total = append(all, ms...), total+n
	}
	slices.SortFunc(all, func(a, b *Membership) int {
		c := cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
		if desc {
			c = -c
		}
		return c
	})
	all = all[min(p.Offset, len(all)):]
	if p.Limit > 0 {
		all = all[:min(p.Limit, len(all))]
	}
	return all, total, nil
}

// members lists the members with one role, or with any if it is empty.
func members(ctx context.Context, tx store.Tx, o *Organization, f MemberFilter, role string, desc bool, p Page) ([]*Membership, int, error) {
	q := store.Query{Order: "by_org", Where: within("by_org", o.ID), Desc: desc, Offset: p.Offset, Limit: p.Limit}
	prefix := o.ID
	if role != "" {
		prefix += "/" + role
		q.Order, q.Where = "by_role", within("by_role", prefix)
	}
	counted := true // the organization knows how many
	if len(f.UserIDs) > 0 {
		var pairs []string
		for _, id := range f.UserIDs {
			pairs = append(pairs, pair(o.ID, id))
		}
		q.Where = append(q.Where, store.Match{Index: "pair", Values: pairs})
		counted = false
	}
	if m := searched(o.ID, f.Query); len(m) > 0 {
		q.Where = append(q.Where, m...)
		counted = false
	}
	for _, c := range []struct {
		op store.Op
		at time.Time
	}{{store.Less, f.CreatedBefore}, {store.Greater, f.CreatedAfter}} {
		if !c.at.IsZero() {
			q.Where = append(q.Where, store.Match{Index: q.Order, Op: c.op, Values: []string{timed(prefix, c.at)}})
			counted = false
		}
	}
	total := o.MembersCount
	if role != "" {
		total = o.RoleCounts[role]
	}
	if !counted {
		var err error
		if total, err = memberships.Count(ctx, tx, q); err != nil {
			return nil, 0, err
		}
	}
	ms, err := memberships.Find(ctx, tx, q)
	return ms, total, err
}

// prefixLens are the lengths of the beginnings of words that are indexed.
var prefixLens = []int{1, 2, 4, 6}

// maxPrefixes bounds the entries of one membership.
const maxPrefixes = 64

// words cuts a text where people do.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" .,;:@+-_'\"()\n\t", r) })
}

// prefixes are the beginnings of the words of texts.
func prefixes(texts []string) []string {
	var out []string
	for _, t := range texts {
		for _, w := range words(t) {
			runes := []rune(w)
			for _, n := range prefixLens {
				if n > len(runes) {
					break
				}
				if p := string(runes[:n]); !slices.Contains(out, p) && len(out) < maxPrefixes {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// searched are the conditions of a query: the beginning of its longest word
// narrows it down, then the whole of it is looked for.
func searched(organizationID, query string) []store.Match {
	if query = strings.TrimSpace(query); strings.HasPrefix(query, "user_") { // IDs keep their case
		return []store.Match{{Index: "pair", Values: []string{pair(organizationID, query)}}}
	}
	if query = user.Fold(query); query == "" {
		return nil
	}
	var ms []store.Match
	ws := words(query)
	slices.SortStableFunc(ws, func(a, b string) int { return len(b) - len(a) })
	if len(ws) > 0 {
		runes, best := []rune(ws[0]), ""
		for _, n := range prefixLens {
			if n <= len(runes) {
				best = string(runes[:n])
			}
		}
		ms = append(ms, store.Match{Index: "search", Values: []string{organizationID + "/" + best}})
	}
	return append(ms, store.Match{Index: "text", Op: store.Contains, Values: []string{query}})
}

// OfUser returns the memberships of a user, newest first, and how many there
// are in all.
func OfUser(ctx context.Context, tx store.Tx, userID string, p Page) ([]*Membership, int, error) {
	q := store.Query{Order: "by_user", Desc: true, Where: within("by_user", userID), Offset: p.Offset, Limit: p.Limit}
	n, err := memberships.Count(ctx, tx, q)
	if err != nil || n == 0 {
		return nil, n, err
	}
	ms, err := memberships.Find(ctx, tx, q)
	return ms, n, err
}

// AllMemberships returns memberships of all organizations and how many there
// are in all.
func AllMemberships(ctx context.Context, tx store.Tx, p Page) ([]*Membership, int, error) {
	_, desc, err := p.order("created_at")
	if err != nil {
		return nil, 0, err
	}
	q := store.Query{Order: "created_at", Desc: desc, Offset: p.Offset, Limit: p.Limit}
	n, err := memberships.Count(ctx, tx, q)
	if err != nil {
		return nil, 0, err
	}
	ms, err := memberships.Find(ctx, tx, q)
	return ms, n, err
}
