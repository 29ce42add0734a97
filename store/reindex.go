package store

import (
	"context"
	"errors"
	"fmt"
)

const (
	reindexPage  = 100 // records in one transaction
	reindexTries = 10  // for one page, while others write to it
)

// Reindex puts every record of a kind again, with the entries that the given
// function makes of it, and returns how many. Run it after a release that adds
// or changes an index of the kind, and on the result of [Sealed] after its
// first key has changed, to seal everything with the new one. entries may
// return r.Entries to keep them; it must have no effect outside, since it may
// run again.
//
// It works in transactions of a hundred records, beside everything else that
// goes on: records that others create meanwhile they index themselves. If it
// stops, with an error that names what it came to, what is done is done and
// may be done again.
func Reindex(ctx context.Context, s Store, kind *Kind, entries func(r Record) ([]Entry, error)) (int, error) {
	total, last := 0, ""
	for tries := 0; ; {
		n, next, err := reindexOnce(ctx, s, kind, last, entries)
		switch {
		case errors.Is(err, ErrConflict) && tries < reindexTries:
			tries++
			continue
		case err != nil:
			return total, fmt.Errorf("reindex %s after %q: %w", kind.Name, last, err)
		case n == 0:
			return total, nil
		}
		total, last, tries = total+n, next, 0
	}
}

// reindexOnce does one page, of IDs above last, and returns the page's last.
func reindexOnce(ctx context.Context, s Store, kind *Kind, last string, entries func(Record) ([]Entry, error)) (n int, next string, err error) {
	q := Query{Kind: kind, Limit: reindexPage}
	if last != "" {
		// Not After: the record may be deleted before the next page is read.
		q.Where = []Match{{Op: Greater, Values: []string{last}}}
	}
	err = s.Update(ctx, func(tx Tx) error {
		rs, err := tx.Find(ctx, q)
		if err != nil {
			return err
		}
		n, next = len(rs), ""
		for _, r := range rs {
			if r.Entries, err = entries(r); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
			if _, err := tx.Put(ctx, r); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
			next = r.ID
		}
		return nil
	})
	return n, next, err
}

// Reindex calls [Reindex] with the entries that t's type has now. The
// documents stay as they are, byte for byte.
func (t Table[T, P]) Reindex(ctx context.Context, s Store) (int, error) {
	return Reindex(ctx, s, t.Kind, func(r Record) ([]Entry, error) {
		v, err := t.decode(r)
		if err != nil {
			return nil, err
		}
		return uniqueEntries(v.StoreEntries()), nil
	})
}

// uniqueEntries returns es with every entry once: types may list the same
// search word twice, records may not.
func uniqueEntries(es []Entry) []Entry {
	seen := make(map[Entry]bool, len(es))
	out := make([]Entry, 0, len(es))
	for _, e := range es {
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}
