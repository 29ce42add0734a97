package organization

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
)

// A Change tells every process of an instance that tokens which were made
// before do not hold any more: those of one member, those of an organization,
// or, if it names none, all that name one.
type Change struct {
	store.Meta
	OrganizationID string `json:"organization_id,omitempty"`
	UserID         string `json:"user_id,omitempty"`
	// Version is the least version of the organization that a token may speak
	// of, or of the role set if no organization is named. 0: none may, since the
	// organization is gone.
	Version int64     `json:"version,omitempty"`
	At      time.Time `json:"at"`
	// TokensUntil is how long tokens live that it concerns; zero: as long as
	// tokens usually do.
	TokensUntil time.Time `json:"tokens_until,omitzero"`
}

// ChangeKind is where changes are kept while tokens live that they concern.
var ChangeKind = &store.Kind{Name: "organization_change", Indexes: []store.Index{{Name: "at"}, {Name: "tokens_until"}}}

var changes = store.Table[Change, *Change]{Kind: ChangeKind}

// StoreEntries lists what a change is found by.
func (c *Change) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "at", Value: store.TimeKey(c.At)}}
	if !c.TokensUntil.IsZero() {
		es = append(es, store.Entry{Index: "tokens_until", Value: store.TimeKey(c.TokensUntil)})
	}
	return es
}

// keepChanges is longer than any token lives that was not asked to live longer.
const keepChanges = time.Hour

// PutChange stores a change.
func PutChange(ctx context.Context, tx store.Tx, c *Change, now time.Time) error {
	c.ID, c.At = store.NewID("orgchg", now), now
	if c.Expires = now.Add(keepChanges); c.TokensUntil.After(c.Expires) {
		c.Expires = c.TokensUntil
	}
	return changes.Put(ctx, tx, c)
}

// ChangesSince returns the changes at or after a time.
func ChangesSince(ctx context.Context, tx store.Tx, t time.Time) ([]*Change, error) {
	cs, _, err := changes.List(ctx, tx, store.Query{Where: []store.Match{{Index: "at", Op: store.Greater, Values: []string{store.TimeKey(t.Add(-time.Millisecond))}}}})
	return cs, err
}

// LongChanges returns the changes that concern tokens which live longer than
// usual, and may live at the time now.
func LongChanges(ctx context.Context, tx store.Tx, now time.Time) ([]*Change, error) {
	cs, _, err := changes.List(ctx, tx, store.Query{Where: []store.Match{{Index: "tokens_until", Op: store.Greater, Values: []string{store.TimeKey(now)}}}})
	return cs, err
}

// NoteTokens writes down until when a token lives that names o, if that is
// longer than usual: changes of o and of the roles are remembered as long.
func NoteTokens(ctx context.Context, tx store.Tx, o *Organization, r *Roles, until time.Time) error {
	if until.After(o.TokensUntil) {
		o.TokensUntil = until
		if err := guard(ctx, tx, o); err != nil {
			return err
		}
	}
	if !until.After(r.Set.TokensUntil) {
		return nil
	}
	r.Set.TokensUntil = until
	return roleSets.Put(ctx, tx, r.Set)
}
