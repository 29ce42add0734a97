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
}

// ChangeKind is where changes are kept while tokens live that they concern.
var ChangeKind = &store.Kind{Name: "organization_change", Indexes: []store.Index{{Name: "at"}}}

var changes = store.Table[Change, *Change]{Kind: ChangeKind}

// StoreEntries lists what a change is found by.
func (c *Change) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "at", Value: store.TimeKey(c.At)}}
}

// keepChanges is longer than any token lives that names an organization.
const keepChanges = time.Hour

// PutChange stores a change.
func PutChange(ctx context.Context, tx store.Tx, c *Change, now time.Time) error {
	c.ID, c.At = store.NewID("orgchg", now), now
	c.Expires = now.Add(keepChanges)
	return changes.Put(ctx, tx, c)
}

// ChangesSince returns the changes at or after a time.
func ChangesSince(ctx context.Context, tx store.Tx, t time.Time) ([]*Change, error) {
	cs, _, err := changes.List(ctx, tx, store.Query{Where: []store.Match{{Index: "at", Op: store.Greater, Values: []string{store.TimeKey(t.Add(-time.Millisecond))}}}})
	return cs, err
}
