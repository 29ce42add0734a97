package organization

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// MemberOrders is what the members of an organization can be ordered by. Who
// has no such text comes first, or last if the order is descending.
var MemberOrders = []string{"created_at", "phone_number", "email_address", "first_name", "last_name", "username"}

// MaxCounted is how far the members that a query finds are counted, at least.
// Where there are more, the total may be MaxCounted, or one more than what the page ends with if
// that is behind it: who goes on while there are more comes to the end. Without
// a query totals are exact.
const MaxCounted = 10_000

// A MemberFilter narrows a list of an organization's members; every field that
// is set must hold.
type MemberFilter struct {
	Roles   []string // alternatives
	UserIDs []string // alternatives
	// Query are words, each of which a word of the name, the username, an
	// address or a number begins with, or a user's ID.
	Query                       string
	CreatedBefore, CreatedAfter time.Time
}

// Members returns the members of o that f asks for and how many there are in
// all, see [MaxCounted].
//
// A page costs the same however many members there are and however many words
// of a query find, in order of time; so does a page of all members in any
// order. What an offset skips is read in the index alone. Any other order of a
// filter sorts what it finds, and two words that find many members each, but
// hardly any both, are compared in the index.
func Members(ctx context.Context, tx store.Tx, o *Organization, f MemberFilter, p Page) ([]*Membership, int, error) {
	field, desc, err := p.order(MemberOrders...)
	if err != nil {
		return nil, 0, err
	}
	l := memberList{o: o, f: f, field: field, desc: desc}
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
		return l.of(ctx, tx, role, p)
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
		ms, n, err := l.of(ctx, tx, role, first)
		if err != nil {
			return nil, 0, err
		}
		all, total = append(all, ms...), total+n
	}
	slices.SortFunc(all, l.compare)
	all = all[min(p.Offset, len(all)):]
	if p.Limit > 0 {
		all = all[:min(p.Limit, len(all))]
	}
	return all, total, nil
}

// A memberList is what to list and in which order.
type memberList struct {
	o     *Organization
	f     MemberFilter
	field string
	desc  bool
}

func (l *memberList) compare(a, b *Membership) int {
	if l.desc {
		a, b = b, a
	}
	if l.field == "created_at" {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	}
	return cmp.Or(strings.Compare(a.Keys[l.field], b.Keys[l.field]), strings.Compare(a.ID, b.ID))
}

// of lists the members with one role, or with any if it is empty.
func (l *memberList) of(ctx context.Context, tx store.Tx, role string, p Page) ([]*Membership, int, error) {
	byTime, prefix, total := "by_org", l.o.ID, l.o.MembersCount
	if role != "" {
		byTime, prefix, total = "by_role", l.o.ID+"/"+role, l.o.RoleCounts[role]
	}
	q := store.Query{Order: byTime, Desc: l.desc, Offset: p.Offset, Limit: p.Limit}
	words := searched(l.o.ID, l.f.Query)
	switch {
	case len(words) > 0 && role != "":
		words = append(words, store.Match{Index: "search", Values: []string{roleWord(l.o.ID, role)}})
		if total <= MaxCounted { // the others are looked for among these
			slices.Reverse(words)
		}
		fallthrough
	case len(words) > 0:
		q.Where, q.Order = words, "" // IDs are in order of time
	default:
		q.Where = within(byTime, prefix)
	}
	if l.field != "created_at" {
		if q.Order = "by_" + l.field; len(words) == 0 && role == "" {
			q.Where = within(q.Order, l.o.ID)
		}
	}
	counted := len(words) == 0 // the organization knows how many
	if len(l.f.UserIDs) > 0 {
		var pairs []string
		for _, id := range l.f.UserIDs {
			pairs = append(pairs, pair(l.o.ID, id))
		}
		q.Where = append(q.Where, store.Match{Index: "pair", Values: pairs})
		counted = false
	}
	for _, c := range []struct {
		op store.Op
		at time.Time
	}{{store.Less, l.f.CreatedBefore}, {store.Greater, l.f.CreatedAfter}} {
		if !c.at.IsZero() {
			q.Where = append(q.Where, store.Match{Index: byTime, Op: c.op, Values: []string{timed(prefix, c.at)}})
			counted = false
		}
	}
	ms, err := memberships.Find(ctx, tx, q)
	switch {
	case err != nil || counted:
	case len(words) > 0:
		total, err = countFound(ctx, tx, q, len(ms))
	default:
		total, err = memberships.Count(ctx, tx, q)
	}
	return ms, total, err
}

// countFound counts what q finds, at least up to [MaxCounted]. n is the length of q's
// page, which often tells.
func countFound(ctx context.Context, tx store.Tx, q store.Query, n int) (int, error) {
	seen := q.Offset + n
	if (n > 0 || q.Offset == 0) && (q.Limit == 0 || n < q.Limit) {
		return seen, nil
	}
	// Of several conditions the first may say that there are not too many to
	// look at, so that they are gone through once.
	at := store.Query{Where: q.Where[:1], Offset: 2 * MaxCounted, Limit: 1}
	if len(q.Where) > 1 {
		if many, err := memberships.Find(ctx, tx, at); err != nil {
			return 0, err
		} else if len(many) == 0 {
			return memberships.Count(ctx, tx, q)
		}
	}
	at.Where, at.Offset = q.Where, max(MaxCounted, seen)
	more, err := memberships.Find(ctx, tx, at)
	switch {
	case err != nil:
		return 0, err
	case len(more) > 0:
		return max(MaxCounted, seen+1), nil
	}
	return memberships.Count(ctx, tx, q)
}
