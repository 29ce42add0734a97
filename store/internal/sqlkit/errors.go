package sqlkit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/usherauth/usher/store"
)

// A Violation is a write that would have made two rows share a unique value.
type Violation struct {
	// Name is the database index, or with SQLite the column as table.column.
	Name string
	// Detail may hold the value, as PostgreSQL writes it.
	Detail string
	Err    error
}

func (v *Violation) Error() string { return v.Err.Error() }

// Unwrap returns the error of the driver.
func (v *Violation) Unwrap() error { return v.Err }

// A Rerun is a failure that goes away when the transaction runs again. As is
// what it means to the caller if it does not.
type Rerun struct{ As, Err error }

func (r *Rerun) Error() string { return r.As.Error() + ": " + r.Err.Error() }

// Unwrap returns both errors.
func (r *Rerun) Unwrap() []error { return []error{r.As, r.Err} }

// errChanged: what was read before the transaction has changed meanwhile.
var errChanged = &Rerun{As: store.ErrConflict, Err: errors.New("read again")}

// errMissingTable: a View met a kind that has no table yet; it is made, then fn
// runs again.
var errMissingTable = &Rerun{As: store.ErrConflict, Err: errors.New("kind not prepared")}

// errNeedsTx: the write takes more than one statement.
var errNeedsTx = errors.New("needs a transaction")

// duplicate turns a violation into the error of the contract. entries are
// those that may have caused it.
func (l *layout) duplicate(v *Violation, entries []store.Entry) error {
	index, ok := l.constraints[v.Name]
	for _, e := range entries {
		ix, _ := l.kind.Index(e.Index)
		switch {
		case !ix.Unique:
		case ok && !ix.Many && ix.Name == index:
			return &store.DuplicateError{Kind: l.kind.Name, Index: e.Index, Value: e.Value}
		case !ok && ix.Many && strings.Contains(v.Detail, "=("+e.Index+", "+l.d.form(e.Value)+", )"):
			return &store.DuplicateError{Kind: l.kind.Name, Index: e.Index, Value: e.Value}
		}
	}
	if !ok { // no detail to be had: name the first that it can have been
		for _, e := range entries {
			if ix, _ := l.kind.Index(e.Index); ix.Unique && ix.Many {
				return &store.DuplicateError{Kind: l.kind.Name, Index: e.Index, Value: e.Value}
			}
		}
	}
	return fmt.Errorf("%s: %w", l.d.Prefix, v.Err) // an index that the host added
}
