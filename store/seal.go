package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Sealed returns a store that encrypts the Data of kinds with [Kind.Sealed]
// and passes everything else on to s. IDs, versions, Expires and entries stay
// readable: they are what records are found by.
//
// A sealed document is JSON, so any store keeps it:
//
//	{"k":"ID of the key","n":"salt","c":"AES-256-GCM of Data"}
//
// The kind's name, the ID and the version are bound to it as associated data.
// A record that was copied over another one, set back to another version, cut
// or changed does not open: [CorruptError]. So does one that was never sealed.
// Get says so at once; Find leaves the record's Data nil, so that the others of
// the list can be read ([Table.List]). A record whose key is not in the ring is [ErrSchema] and named in the error,
// as after a restore with the wrong key; put the old key back beside the new.
//
// What it cannot see: changed entries or Expires, a row deleted, and a whole
// row, version included, put back as it once was. Keep the database from those
// who would.
//
// The error of Sealed is ErrSchema if ring is empty. Closing the result closes s.
func Sealed(s Store, ring Keyring) (Store, error) {
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("%w: no sealing key", ErrSchema)
	}
	return &sealedStore{s, ring}, nil
}

// sealedDoc is what a sealed record has for Data.
type sealedDoc struct {
	Key    string `json:"k"`
	Salt   []byte `json:"n"`
	Cipher []byte `json:"c"`
}

// saltSize makes a repeated key as unlikely as guessing one.
const saltSize = 32

// seal returns the sealed document of r, to be stored at the given version.
func (ring Keyring) seal(r Record, version int64) ([]byte, error) {
	doc := sealedDoc{Key: ring.keys[0].id, Salt: make([]byte, saltSize)}
	rand.Read(doc.Salt)
	aead, err := ring.keys[0].aead(doc.Salt)
	if err != nil {
		return nil, err
	}
	doc.Cipher = aead.Seal(nil, sealNonce, r.Data, binding(r, version))
	return json.Marshal(doc)
}

// open returns what is in the sealed document of r.
func (ring Keyring) open(r Record) ([]byte, error) {
	var doc sealedDoc
	if err := json.Unmarshal(r.Data, &doc); err != nil {
		return nil, &CorruptError{Kind: r.Kind.Name, ID: r.ID, Err: err}
	}
	if doc.Key == "" || len(doc.Salt) != saltSize {
		return nil, &CorruptError{Kind: r.Kind.Name, ID: r.ID, Err: errNotSealed}
	}
	key, ok := ring.find(doc.Key)
	if !ok {
		return nil, fmt.Errorf("%w: %s %s is sealed with key %.32q, which is not in the %v", ErrSchema, r.Kind.Name, r.ID, doc.Key, ring)
	}
	aead, err := key.aead(doc.Salt)
	if err != nil {
		return nil, err
	}
	data, err := aead.Open(nil, sealNonce, doc.Cipher, binding(r, r.Version))
	if err != nil {
		return nil, &CorruptError{Kind: r.Kind.Name, ID: r.ID, Err: errTampered}
	}
	return data, nil
}

var (
	errNotSealed = errors.New("not sealed")
	errTampered  = errors.New("sealed data was changed or belongs to another record")
)

// binding is the associated data: each part with its length, so that no two
// records share one.
func binding(r Record, version int64) []byte {
	b := make([]byte, 0, len(r.Kind.Name)+len(r.ID)+24)
	for _, part := range []string{r.Kind.Name, r.ID} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(version))
}

// sealedStore seals and opens on the way to and from a Store.
type sealedStore struct {
	Store
	ring Keyring
}

func (s *sealedStore) View(ctx context.Context, fn func(Tx) error) error {
	return s.Store.View(ctx, func(tx Tx) error { return fn(sealedTx{tx, s.ring}) })
}

func (s *sealedStore) Update(ctx context.Context, fn func(Tx) error) error {
	return s.Store.Update(ctx, func(tx Tx) error { return fn(sealedTx{tx, s.ring}) })
}

type sealedTx struct {
	Tx
	ring Keyring
}

// Unwrap returns the transaction below, for statements of the host's own.
func (t sealedTx) Unwrap() Tx { return t.Tx }

func (t sealedTx) Get(ctx context.Context, k *Kind, id string) (Record, error) {
	r, err := t.Tx.Get(ctx, k, id)
	if err != nil || !k.Sealed {
		return r, err
	}
	if r.Data, err = t.ring.open(r); err != nil {
		return Record{}, err
	}
	return r, nil
}

func (t sealedTx) Find(ctx context.Context, q Query) ([]Record, error) {
	rs, err := t.Tx.Find(ctx, q)
	if err != nil || !q.Kind.Sealed {
		return rs, err
	}
	for i, r := range rs {
		rs[i].Data, err = t.ring.open(r)
		if errors.Is(err, ErrCorrupt) {
			rs[i].Data = nil // no JSON: whoever decodes it finds it corrupt
		} else if err != nil {
			return nil, err
		}
	}
	return rs, nil
}

func (t sealedTx) Put(ctx context.Context, r Record) (int64, error) {
	if r.Kind == nil || !r.Kind.Sealed {
		return t.Tx.Put(ctx, r)
	}
	if err := r.Validate(); err != nil {
		return 0, err
	}
	var err error
	if r.Data, err = t.ring.seal(r, r.Version+1); err != nil {
		return 0, err
	}
	version, err := t.Tx.Put(ctx, r)
	if err == nil && version != r.Version+1 {
		return 0, fmt.Errorf("store: %s %s was stored at version %d, which does not open", r.Kind.Name, r.ID, version)
	}
	return version, err
}
