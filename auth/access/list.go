package access

import (
	"context"
	"time"

	"github.com/usherauth/usher/store"
)

// An Entry is one entry of a list, as it is stored.
type Entry struct {
	store.Meta

	Type       Type   `json:"type"`
	Identifier string `json:"identifier"`
	Key        string `json:"key"`
	// InvitationID is the invitation that was sent along, if one was.
	InvitationID string    `json:"invitation_id,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// StoreEntries finds an entry by what it matches.
func (e *Entry) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "key", Value: e.Key}, {Index: "created_at", Value: store.TimeKey(e.CreatedAt)}}
}

// A List is a list of identifiers: [Allowlist] or [Blocklist].
type List struct {
	kind   *store.Kind
	table  store.Table[Entry, *Entry]
	prefix string
}

func newList(name, prefix string) List {
	k := &store.Kind{Name: name, Indexes: []store.Index{{Name: "key", Unique: true}, {Name: "created_at"}}}
	return List{kind: k, table: store.Table[Entry, *Entry]{Kind: k}, prefix: prefix}
}

// The lists that there are.
var (
	Allowlist = newList("allowlist_identifier", "alid")
	Blocklist = newList("blocklist_identifier", "blid")
)

// Kind is where the entries of the list are kept.
func (l List) Kind() *store.Kind { return l.kind }

// Add stores a new entry. One that is on the list already is a
// *store.DuplicateError.
func (l List) Add(ctx context.Context, tx store.Tx, p ParsedEntry, invitationID string, now time.Time) (*Entry, error) {
	e := &Entry{Meta: store.Meta{ID: store.NewID(l.prefix, now)}, Type: p.Type, Identifier: p.Identifier, Key: p.Key,
		InvitationID: invitationID, CreatedAt: now, UpdatedAt: now}
	return e, l.table.Put(ctx, tx, e)
}

// Remove takes an entry off the list, or returns store.ErrNotFound.
func (l List) Remove(ctx context.Context, tx store.Tx, id string) (*Entry, error) {
	e, err := l.table.Get(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return e, l.table.Delete(ctx, tx, e)
}

// Has reports whether the list has an entry that an identifier matches.
func (l List) Has(ctx context.Context, tx store.Tx, t Type, identifier string) (bool, error) {
	keys := ListKeys(t, identifier)
	if len(keys) == 0 {
		return false, nil
	}
	n, err := l.table.Count(ctx, tx, store.Query{Where: []store.Match{{Index: "key", Values: keys}}})
	return n > 0, err
}

// All returns entries, newest first, and how many there are. limit 0 is all.
func (l List) All(ctx context.Context, tx store.Tx, offset, limit int) ([]*Entry, int, error) {
	q := store.Query{Order: "created_at", Desc: true, Offset: offset, Limit: limit}
	return l.table.Page(ctx, tx, q)
}
