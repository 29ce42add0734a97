package store

import (
	"context"
	"time"
)

// A Kind names a collection of records and declares how they can be found.
// Kinds are package-level values of the packages that own them; two kinds with
// one name are the same collection, and that of a later program may have more
// indexes.
type Kind struct {
	// Name is the name of the collection: lower case ASCII letters, digits and
	// underscores, at most 40 bytes. The SQL stores call the table usher_Name.
	Name string
	// Indexes are all the indexes that records of the kind may have entries in.
	Indexes []Index
	// Sealed says that Data holds secrets: [Sealed] encrypts it.
	Sealed bool
}

// Index returns the index called name and whether the kind has it.
func (k *Kind) Index(name string) (Index, bool) {
	for _, ix := range k.Indexes {
		if ix.Name == name {
			return ix, true
		}
	}
	return Index{}, false
}

// An Index is a way to find records of a kind.
type Index struct {
	// Name is unique in the kind and spelled like [Kind.Name]. The names id,
	// version, expires and data are taken.
	Name string
	// Unique: at most one record of the kind holds a value.
	Unique bool
	// Many: one record may hold several values, such as a user's e-mail
	// addresses. Without it a record holds one value or none.
	Many bool
}

// A Record is what a store keeps.
type Record struct {
	Kind *Kind
	ID   string // at most 255 bytes, never empty
	// Version counts the writes of the record. 0 is a record that is not stored
	// yet. Put and Delete succeed only if it equals the stored version.
	Version int64
	// Expires is a hint for [Store.Purge]; zero is never. A store returns
	// expired records like any other: readers check it themselves. Stores keep
	// it to the millisecond.
	Expires time.Time
	// Entries are the index values, replaced whole by every Put. Records that
	// are read come with them, in no promised order.
	Entries []Entry
	// Data is a JSON document, kept byte for byte.
	Data []byte
}

// An Entry is a value that a record is found by. Values are at most 4 KiB and
// may hold any bytes of valid UTF-8, without NUL.
type Entry struct{ Index, Value string }

// A Query asks for records of one kind.
type Query struct {
	Kind *Kind
	// Where must hold, all of it. Empty matches every record.
	Where []Match
	// Order is the name of an index without Many, or empty to order by ID.
	// Records without an entry in it come first, ties are ordered by ID, in the
	// same direction.
	Order string
	Desc  bool
	// After is the ID of a record to resume after, in this order. If that
	// record is gone, the result is empty.
	After string
	// Offset skips records, after After. Limit 0 is no limit.
	Offset, Limit int
}

// A Match is a condition on the values that a record has in one index. An
// empty Index is the record's ID.
type Match struct {
	Index  string
	Op     Op
	Values []string
}

// An Op compares a record's values in an index with those of a [Match].
type Op uint8

const (
	// In holds if the record has any of Values. With no Values nothing matches.
	In Op = iota
	// NotIn holds if the record has none of Values, also if it has no entry.
	NotIn
	// Less holds if the record has a value below Values[0].
	Less
	// Greater holds if the record has a value above Values[0].
	Greater
	// Contains holds if the record has a value with Values[0] as a substring.
	Contains
)

// A Tx is what fn sees of the store inside [Store.View] and [Store.Update].
type Tx interface {
	// Get returns the record of kind k with the given ID, or ErrNotFound.
	Get(ctx context.Context, k *Kind, id string) (Record, error)
	// Find returns the records that q asks for; none is an empty slice.
	Find(ctx context.Context, q Query) ([]Record, error)
	// Count returns how many records match q.Where; paging is ignored.
	Count(ctx context.Context, q Query) (int, error)
	// Put stores r if the stored version is r.Version (0: if there is none)
	// and returns the new version, one higher. Otherwise ErrConflict. A value
	// that another record holds in a Unique index: *DuplicateError. In View
	// ErrReadOnly.
	Put(ctx context.Context, r Record) (version int64, err error)
	// Delete removes a record at the given version. Missing: ErrNotFound,
	// another version: ErrConflict. In View ErrReadOnly.
	Delete(ctx context.Context, k *Kind, id string, version int64) error
}

// A Store keeps records. It is safe for use by many goroutines.
// The package comment states the rules that an implementation keeps.
type Store interface {
	// View runs fn on one state of the store. fn may run again.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn and keeps what it wrote, all or nothing. fn may run again.
	Update(ctx context.Context, fn func(Tx) error) error
	// Purge deletes records of every kind that the store has seen whose
	// Expires is set and before the given time, and returns how many. It works
	// in small steps and takes no long lock.
	Purge(ctx context.Context, before time.Time) (int, error)
	// Close releases what the store holds. Nothing works after it.
	Close() error
}
