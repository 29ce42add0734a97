package store

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound: there is no such record. The only error after which fn may
	// go on.
	ErrNotFound = errors.New("store: record not found")
	// ErrConflict: the record has changed since it was read, or a new one
	// exists already. Load it again and decide anew.
	ErrConflict = errors.New("store: record changed meanwhile")
	// ErrReadOnly: a write inside View.
	ErrReadOnly = errors.New("store: write in a read-only transaction")
	// ErrInvalid: a record, query or kind that breaks the limits stated at its
	// type. It is a programming error, found before anything is written.
	ErrInvalid = errors.New("store: invalid record or query")
	// ErrUnavailable: the database did not answer, is full, locked or
	// read-only. Trying again later may help.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrTxDone: a Tx was used after its fn had returned.
	ErrTxDone = errors.New("store: transaction has ended")
	// ErrCorrupt: a record cannot be decoded. The error names it, see
	// [CorruptError].
	ErrCorrupt = errors.New("store: record is corrupt")
	// ErrSchema: the database was written by a newer version of usher, or the
	// sealing key is missing. Nothing is done with it.
	ErrSchema = errors.New("store: schema not understood")
)

// A DuplicateError says that another record holds a value of a Unique index.
type DuplicateError struct{ Kind, Index, Value string }

// Error names the kind and index, and not the value, which may be personal.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("store: another %s has this %s", e.Kind, e.Index)
}

// A CorruptError names a record that cannot be decoded. It is [ErrCorrupt].
type CorruptError struct {
	Kind, ID string
	Err      error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: %s %s is corrupt: %v", e.Kind, e.ID, e.Err)
}

// Unwrap returns ErrCorrupt and the cause.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }
