package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
)

// keyRecord is a signing key as it is kept. Seq is unique: of two instances
// that make the next key at once, one wins and the other takes its key.
type keyRecord struct {
	store.Meta
	Key token.StoredKey `json:"key"`
	Seq int64           `json:"seq"`
}

var (
	keyKind = &store.Kind{Name: "signing_key", Sealed: true, Indexes: []store.Index{{Name: "seq", Unique: true}}}
	keyTab  = store.Table[keyRecord, *keyRecord]{Kind: keyKind}
)

func (r *keyRecord) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "seq", Value: store.IntKey(r.Seq)}}
}

// keyring holds the instance's keys and mints with them.
type keyring struct {
	issuer  *token.Issuer
	minter  token.Coalescer
	mu      sync.Mutex // one rotation at a time
	readAt  time.Time
	nextDue time.Time // when the plan changes; zero is never
}

// keysFresh is how old the keys may be before [Engine.Run] reads them again. A
// new key is public for much longer before it signs.
const keysFresh = time.Minute

// keysStale reports whether the keys should be read again.
func (e *Engine) keysStale(now time.Time) bool {
	k := &e.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	return now.Sub(k.readAt) >= keysFresh || !k.nextDue.IsZero() && !now.Before(k.nextDue)
}

// rotateKeys reads the keys, makes the next one when it is due, deletes dead
// ones and gives them to the issuer.
func (e *Engine) rotateKeys(ctx context.Context) error {
	k := &e.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.issuer == nil {
		k.issuer = &token.Issuer{URL: e.cfg.Issuer, Schedule: e.schedule(), Now: e.now}
		k.minter.Now = e.now
	}
	for range 5 {
		keys, records, err := e.readKeys(ctx)
		if err != nil {
			return err
		}
		plan := e.schedule().Plan(keys, e.now())
		if plan.Make == nil {
			if err := k.issuer.SetKeys(plan.Publish...); err != nil {
				return err
			}
			k.readAt, k.nextDue = e.now(), plan.Next
			return e.dropKeys(ctx, plan.Dead, records)
		}
		if err := e.makeKey(ctx, *plan.Make); err != nil {
			return err
		}
	}
	return errors.New("engine: no agreement on the next signing key")
}

func (e *Engine) schedule() token.Schedule {
	s := e.cfg.Schedule
	if s.Algorithm == "" {
		s.Algorithm = e.cfg.Algorithm
	}
	return s
}

// makeKey makes and keeps the key of a slot, unless somebody else has.
func (e *Engine) makeKey(ctx context.Context, slot token.Slot) error {
	key, err := token.GenerateKey(slot)
	if err != nil {
		return err
	}
	stored, err := key.Stored()
	if err != nil {
		return err
	}
	err = e.store.Update(ctx, func(tx store.Tx) error {
		return keyTab.Put(ctx, tx, &keyRecord{Meta: store.Meta{ID: key.ID}, Key: stored, Seq: key.Seq})
	})
	if _, lost := errors.AsType[*store.DuplicateError](err); lost {
		return nil
	}
	return err
}

func (e *Engine) readKeys(ctx context.Context) ([]token.Key, map[string]*keyRecord, error) {
	var rs []*keyRecord
	err := e.view(ctx, func(tx store.Tx) (err error) {
		rs, err = keyTab.Find(ctx, tx, store.Query{})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	keys, records := make([]token.Key, 0, len(rs)), map[string]*keyRecord{}
	for _, r := range rs {
		key, err := r.Key.Key()
		if err != nil {
			return nil, nil, fmt.Errorf("signing key %s: %w", r.ID, err)
		}
		keys, records[key.ID] = append(keys, key), r
	}
	return keys, records, nil
}

func (e *Engine) dropKeys(ctx context.Context, dead []token.Key, records map[string]*keyRecord) error {
	for _, k := range dead {
		err := e.store.Update(ctx, func(tx store.Tx) error {
			return keyTab.Delete(ctx, tx, records[k.ID])
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return nil
}

// Issuer of the instance's tokens: the source of keys for verifiers, and the
// handler of the key set.
func (e *Engine) TokenIssuer() *token.Issuer { return e.keys.issuer }
