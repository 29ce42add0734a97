package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
)

// KeySize is the length of a sealing key in bytes.
const KeySize = 32

// A Keyring holds the keys of [Sealed]. The first one seals, all of them open,
// so a key is replaced by putting a new one in front, running [Reindex] and
// then taking the old one away. A Keyring prints as the IDs of its keys.
type Keyring struct{ keys []ringKey }

type ringKey struct {
	id string // hex of a hash of the key
	// secret is a func for the sake of package fmt, which calls no methods on
	// unexported fields and would print the bytes: of a func it has the address.
	secret func() [KeySize]byte
}

// NewKeyring returns a ring of keys of [KeySize] random bytes each. They are
// copied. Its error is [ErrInvalid]: no key, a key of another length, of a
// single repeated byte, or given twice.
func NewKeyring(keys ...[]byte) (Keyring, error) {
	var ring Keyring
	if len(keys) == 0 {
		return ring, fmt.Errorf("%w: no sealing key", ErrInvalid)
	}
	for i, k := range keys {
		if len(k) != KeySize || isOneByte(k) {
			return Keyring{}, fmt.Errorf("%w: sealing key %d: want %d random bytes", ErrInvalid, i+1, KeySize)
		}
		id := keyID(k)
		if _, twice := ring.find(id); twice {
			return Keyring{}, fmt.Errorf("%w: sealing key %d is there twice", ErrInvalid, i+1)
		}
		secret := [KeySize]byte(k)
		ring.keys = append(ring.keys, ringKey{id, func() [KeySize]byte { return secret }})
	}
	return ring, nil
}

// IDs returns the names of the keys, the sealing one first. They are hashes
// and no secret; sealed records name their key by them.
func (r Keyring) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// String names the keys and not the secrets.
func (r Keyring) String() string { return fmt.Sprintf("keyring %v", r.IDs()) }

// LogValue is [Keyring.String].
func (r Keyring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Format keeps every verb of package fmt from the secrets.
func (r Keyring) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

func (r Keyring) find(id string) (ringKey, bool) {
	for _, k := range r.keys {
		if k.id == id {
			return k, true
		}
	}
	return ringKey{}, false
}

// keyID names a key by a hash, so that records say which key opens them and
// a key cannot be mistaken for another one.
func keyID(key []byte) string {
	h := sha256.New()
	h.Write([]byte("usher sealing key 1\x00"))
	h.Write(key)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func isOneByte(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

// sealNonce is the nonce of every record: its key is used once.
var sealNonce = make([]byte, 12)

// aead returns AES-256-GCM with a key made from the ring's and a salt, by HKDF
// with SHA-256 (RFC 5869). A fresh salt of 32 random bytes for every write
// gives every write a key of its own, so nothing has to be counted: no limit
// on how much a ring key seals, and no nonce that could repeat.
func (k ringKey) aead(salt []byte) (cipher.AEAD, error) {
	secret := k.secret()
	key, err := hkdf.Key(sha256.New, secret[:], salt, "usher sealed record 1", KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
