package lockout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// New is the counter of whom nothing is known.
func New(id string) *Counter { return &Counter{Meta: store.Meta{ID: id}} }

// Load returns the counter with the given ID, or a new one.
func Load(ctx context.Context, tx store.Tx, id string) (*Counter, error) {
	c, err := counters.Get(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return New(id), nil
	}
	return c, err
}

// LoadAll returns the counters of those users that have one, by ID.
func LoadAll(ctx context.Context, tx store.Tx, ids ...string) (map[string]*Counter, error) {
	out := map[string]*Counter{}
	if len(ids) == 0 {
		return out, nil
	}
	cs, err := counters.Find(ctx, tx, store.Query{Where: []store.Match{{Values: ids}}})
	for _, c := range cs {
		out[c.ID] = c
	}
	return out, err
}

// ByUnlock returns the counter that the secret of a link unlocks, or
// store.ErrNotFound.
func ByUnlock(ctx context.Context, tx store.Tx, secret []byte) (*Counter, error) {
	h := sha256.Sum256(secret)
	return counters.By(ctx, tx, "unlock", hex.EncodeToString(h[:]))
}

// Save stores c, or deletes it if there is nothing to remember. known: it is a
// user's. The counter of an identifier that nobody has is forgotten some time
// after the last try, that of a user not before a right one.
func Save(ctx context.Context, tx store.Tx, c *Counter, known bool, now time.Time) error {
	if c.empty(now) {
		if c.Version == 0 {
			return nil
		}
		if err := counters.Delete(ctx, tx, c); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return nil // somebody else has forgotten it
	}
	c.Expires = time.Time{}
	if !known || c.forgettable() {
		c.Expires = now.Add(keepFor)
		if until := c.Strangers.Until; until.After(c.Expires) {
			c.Expires = until
		}
	}
	return counters.Put(ctx, tx, c)
}

// Delete forgets the counter with the given ID.
func Delete(ctx context.Context, tx store.Tx, id string) error {
	c, err := counters.Get(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return counters.Delete(ctx, tx, c)
}
