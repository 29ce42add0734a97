package engine

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// decoys are the IDs of accounts that people have asked for. Where nothing may
// tell whether there is an account, and there is none, one of them is read in
// its place: reading a record takes longer than finding none, and one that has
// not been read lately takes longer still.
type decoys struct {
	mu   sync.RWMutex
	seed maphash.Seed
	ids  []string
	at   map[string]int // where in ids
}

const maxDecoys = 1024

func newDecoys() *decoys { return &decoys{seed: maphash.MakeSeed(), at: map[string]int{}} }

// fill begins with some of the accounts that there are.
func (d *decoys) fill(ctx context.Context, tx store.Tx) error {
	us, err := tx.Find(ctx, store.Query{Kind: user.Kind, Limit: maxDecoys / 4})
	for _, u := range us {
		d.add(u.ID)
	}
	return err
}

// slot is the place of a text among n, always the same one.
func (d *decoys) slot(text string, n int) int {
	return int(maphash.String(d.seed, text) % uint64(n))
}

// add remembers an account, in place of another if there are many.
func (d *decoys) add(id string) {
	d.mu.RLock()
	_, known := d.at[id]
	d.mu.RUnlock()
	if known {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.at[id]; known {
		return
	}
	i := len(d.ids)
	if i < maxDecoys {
		d.ids = append(d.ids, id)
	} else {
		i = d.slot(id, maxDecoys)
		delete(d.at, d.ids[i])
		d.ids[i] = id
	}
	d.at[id] = i
}

// pick returns the account that stands in for nobody: for one nobody the same
// each time, as somebody is. Where none is known it is nobody.
func (d *decoys) pick(nobody string) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.ids) == 0 {
		return nobody
	}
	return d.ids[d.slot(nobody, len(d.ids))]
}

// drop forgets an account that is gone.
func (d *decoys) drop(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, known := d.at[id]
	if !known {
		return
	}
	last := len(d.ids) - 1
	d.ids[i] = d.ids[last]
	d.at[d.ids[i]] = i
	d.ids = d.ids[:last]
	delete(d.at, id)
}
