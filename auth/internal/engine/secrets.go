package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// A secret is something the instance drew at its first start.
type secret struct {
	store.Meta
	Value     []byte    `json:"value"`
	CreatedAt time.Time `json:"created_at"`
}

var (
	secretKind = &store.Kind{Name: "secret", Sealed: true}
	secretsTab = store.Table[secret, *secret]{Kind: secretKind}
)

func (s *secret) StoreEntries() []store.Entry { return nil }

type secrets struct {
	code       []byte     // keys the hashes of one-time codes
	secretKey  string     // the Backend API's, if the host gave none
	secretHash [][32]byte // of every key that is accepted
}

func (e *Engine) loadSecrets(ctx context.Context) error {
	var err error
	if e.secrets.code, err = e.secret(ctx, "code_key", func() []byte { return random(32) }); err != nil {
		return err
	}
	keys := e.cfg.SecretKeys
	if len(keys) == 0 {
		made, err := e.secret(ctx, "backend_key", func() []byte {
			return []byte("sk_live_" + base64.RawURLEncoding.EncodeToString(random(32)))
		})
		if err != nil {
			return err
		}
		keys = []string{string(made)}
	}
	e.secrets.secretKey = keys[0]
	for _, k := range keys {
		e.secrets.secretHash = append(e.secrets.secretHash, sha256.Sum256([]byte(k)))
	}
	return nil
}

// secret returns the value kept under name and draws it if there is none yet.
// Of several instances that start together, one draws.
func (e *Engine) secret(ctx context.Context, name string, draw func() []byte) ([]byte, error) {
	var value []byte
	load := func(tx store.Tx) error {
		s, err := secretsTab.Get(ctx, tx, name)
		if err == nil {
			value = s.Value
		}
		return err
	}
	err := e.store.View(ctx, load)
	if !errors.Is(err, store.ErrNotFound) {
		return value, err
	}
	drawn := draw()
	err = e.store.Update(ctx, func(tx store.Tx) error {
		if err := load(tx); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		value = drawn
		return secretsTab.Put(ctx, tx, &secret{Meta: store.Meta{ID: name}, Value: drawn, CreatedAt: e.now()})
	})
	if errors.Is(err, store.ErrConflict) { // another instance was faster
		err = e.store.View(ctx, load)
	}
	return value, err
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// SecretKey is the key of the Backend API: the first that the host gave, or
// the one that was made.
func (e *Engine) SecretKey() string { return e.secrets.secretKey }

// CheckSecretKey reports whether key opens the Backend API. It takes the same
// time for every wrong key.
func (e *Engine) CheckSecretKey(key string) bool {
	h := sha256.Sum256([]byte(key))
	ok := 0
	for i := range e.secrets.secretHash {
		ok |= subtle.ConstantTimeCompare(h[:], e.secrets.secretHash[i][:])
	}
	return ok == 1
}
