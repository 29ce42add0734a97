package organization

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Profile is what a member is looked for by, and ordered by among the
// members. It follows the user, see [Follow].
type Profile struct {
	Texts []string          `json:"texts,omitempty"`
	Keys  map[string]string `json:"keys,omitempty"` // by the names in [MemberOrders]
}

// ProfileOf returns the profile of a user.
func ProfileOf(u *user.User) Profile {
	p := Profile{Keys: map[string]string{}}
	add := func(s string) {
		if s = user.Fold(strings.TrimSpace(s)); s != "" && !slices.Contains(p.Texts, s) {
			p.Texts = append(p.Texts, strings.ReplaceAll(s, "\n", " "))
		}
	}
	add(u.Name())
	add(u.Username)
	for _, list := range [][]user.Identification{u.EmailAddresses, u.PhoneNumbers} {
		for _, id := range list {
			add(id.Canonical)
		}
	}
	key := func(field, s string) {
		if s != "" {
			p.Keys[field] = s
		}
	}
	key("first_name", user.Fold(strings.TrimSpace(u.FirstName)))
	key("last_name", user.Fold(strings.TrimSpace(u.LastName)))
	key("username", user.Fold(u.Username))
	if id := u.PrimaryEmailAddress(); id != nil {
		key("email_address", id.Canonical)
	}
	if id := u.PrimaryPhoneNumber(); id != nil {
		key("phone_number", id.Canonical)
	}
	return p
}

func (p Profile) equal(q Profile) bool {
	return slices.Equal(p.Texts, q.Texts) && maps.Equal(p.Keys, q.Keys)
}

// ordered is a value of an index that members are ordered by. The space keeps
// those without a key inside the range.
func ordered(organizationID, key string) string { return organizationID + "/ " + key }

// followStep is how many memberships one transaction brings up to date.
const followStep = 100

// A straggler is a user whose memberships have not all got the profile yet.
type straggler struct {
	store.Meta
	After string `json:"after"` // the last membership that has
}

// StragglerKind is where stragglers are kept; the ID is the user's.
var StragglerKind = &store.Kind{Name: "membership_straggler"}

var stragglers = store.Table[straggler, *straggler]{Kind: StragglerKind}

// StoreEntries is empty: they are gone through.
func (*straggler) StoreEntries() []store.Entry { return nil }

// Follow gives the memberships of a user the profile that the user has now. Of
// somebody in more than a hundred organizations the rest follows in steps, by
// [Sweep].
func Follow(ctx context.Context, tx store.Tx, u *user.User) error {
	s, err := stragglers.Get(ctx, tx, u.ID)
	if missing(err) {
		s = &straggler{Meta: store.Meta{ID: u.ID}}
	} else if err != nil {
		return err
	}
	s.After = ""
	return s.step(ctx, tx, u)
}

// step does one step, and keeps or drops the straggler.
func (s *straggler) step(ctx context.Context, tx store.Tx, u *user.User) error {
	if _, err := memberships.Get(ctx, tx, s.After); missing(err) {
		s.After = "" // it is gone: from the beginning, which costs little where all is done
	} else if err != nil {
		return err
	}
	ms, err := memberships.Find(ctx, tx, store.Query{Where: within("by_user", u.ID), Order: "by_user", After: s.After, Limit: followStep})
	if err != nil {
		return err
	}
	p := ProfileOf(u)
	for _, m := range ms {
		s.After = m.ID
		if m.Profile.equal(p) {
			continue
		}
		m.Profile = p
		if err := memberships.Put(ctx, tx, m); err != nil {
			return err
		}
	}
	switch {
	case len(ms) == followStep:
		return stragglers.Put(ctx, tx, s)
	case s.Version > 0:
		return stragglers.Delete(ctx, tx, s)
	}
	return nil
}

// catchUp does a step of one straggler.
func catchUp(ctx context.Context, tx store.Tx) (more bool, err error) {
	ss, err := stragglers.Find(ctx, tx, store.Query{Limit: 1})
	if err != nil || len(ss) == 0 {
		return false, err
	}
	u, err := user.Get(ctx, tx, ss[0].ID)
	if missing(err) {
		return true, stragglers.Delete(ctx, tx, ss[0])
	} else if err != nil {
		return false, err
	}
	return true, ss[0].step(ctx, tx, u)
}

// reindex gives memberships of an older program the entries that they have now.
// They come first in an index that they are not in.
func reindex(ctx context.Context, tx store.Tx) (more bool, err error) {
	q := store.Query{Kind: MembershipKind, Order: "by_username", Limit: 1}
	rs, err := tx.Find(ctx, q)
	if err != nil || len(rs) == 0 || indexed(rs[0]) {
		return false, err
	}
	q.Limit = followStep
	if rs, err = tx.Find(ctx, q); err != nil {
		return false, err
	}
	for _, r := range rs {
		if indexed(r) {
			return false, nil
		}
		m, err := memberships.Get(ctx, tx, r.ID)
		if err != nil {
			return false, err
		}
		u, err := user.Get(ctx, tx, m.UserID)
		if err == nil {
			m.Profile = ProfileOf(u)
		} else if !missing(err) {
			return false, err
		}
		if err := memberships.Put(ctx, tx, m); err != nil {
			return false, err
		}
	}
	return true, nil
}

func indexed(r store.Record) bool {
	return slices.ContainsFunc(r.Entries, func(e store.Entry) bool { return e.Index == "by_username" })
}
