package token

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"time"
)

// A Key signs tokens. Make one with [GenerateKey] or load one with
// [StoredKey.Key]. Its secret part is in no way printed, logged or marshalled
// but by [Key.Stored].
type Key struct {
	// ID is the kid: "ins_" and 27 base62 characters made from the public key,
	// so that a key filed under another's name is found out.
	ID        string
	Algorithm Algorithm
	// Seq numbers the keys of an issuer. It is the guard against two instances
	// making the next key at once: store keys so that Seq is unique.
	Seq     int64
	Created time.Time
	// SignFrom is when the key starts to sign, if no later one does.
	SignFrom time.Time

	// secret is behind two pointers, so that printing a struct that holds a
	// Key shows an address, even with a verb that makes no sense.
	secret *secretKey
	public *PublicKey
}

type secretKey struct{ signer *crypto.Signer }

// A Slot is a place for a new key, as [Schedule.Plan] asks for it. The zero
// value is a key that signs at once.
type Slot struct {
	Algorithm         Algorithm // zero is RS256
	Seq               int64
	Created, SignFrom time.Time
}

// GenerateKey makes a key: RSA with 2048 bits (60 ms or so), P-256 or Ed25519.
func GenerateKey(slot Slot) (Key, error) {
	signer, err := slot.Algorithm.generate()
	if err != nil {
		return Key{}, err
	}
	return NewKey(signer, slot)
}

// NewKey makes a key of a private key that exists already: *rsa.PrivateKey,
// *ecdsa.PrivateKey or ed25519.PrivateKey. Its type decides the algorithm.
func NewKey(signer crypto.Signer, slot Slot) (Key, error) {
	if signer == nil {
		return Key{}, fmt.Errorf("%w: no private key", ErrKey)
	}
	pub := signer.Public()
	if _, err := checkPublic(pub); err != nil {
		return Key{}, err
	}
	id, err := keyID(pub)
	if err != nil {
		return Key{}, err
	}
	p, err := NewPublicKey(id, pub)
	if err != nil {
		return Key{}, err
	}
	return Key{
		ID: id, Algorithm: p.alg, Seq: slot.Seq, Created: slot.Created, SignFrom: slot.SignFrom,
		secret: &secretKey{&signer}, public: p,
	}, nil
}

// Public returns the public part, nil for the zero Key.
func (k Key) Public() *PublicKey { return k.public }

// String shows the ID and nothing secret.
func (k Key) String() string { return "token.Key(" + k.ID + ")" }

// Format prints [Key.String], whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue shows the ID and nothing secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON shows what is public of the key. To keep a key, marshal
// [Key.Stored].
func (k Key) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        string    `json:"id"`
		Algorithm Algorithm `json:"algorithm"`
		Seq       int64     `json:"seq"`
		Created   time.Time `json:"created"`
		SignFrom  time.Time `json:"sign_from"`
	}{k.ID, k.Algorithm, k.Seq, k.Created, k.SignFrom})
}

// UnmarshalJSON fails: a Key holds a secret that its JSON lacks. Unmarshal a
// [StoredKey].
func (k *Key) UnmarshalJSON([]byte) error {
	return fmt.Errorf("%w: unmarshal a StoredKey instead", ErrKey)
}

// A StoredKey is a [Key] in the form in which it is kept: its JSON holds the
// private key, so seal what holds it. Printing and logging show the ID only.
type StoredKey struct {
	ID        string    `json:"id"`
	Algorithm Algorithm `json:"algorithm"`
	Seq       int64     `json:"seq"`
	Created   time.Time `json:"created"`
	SignFrom  time.Time `json:"sign_from"`
	PKCS8     Secret    `json:"pkcs8"`
}

// Stored returns the key with its secret, to be kept.
func (k Key) Stored() (StoredKey, error) {
	if k.secret == nil {
		return StoredKey{}, fmt.Errorf("%w: the key is empty", ErrKey)
	}
	der, err := x509.MarshalPKCS8PrivateKey(*k.secret.signer)
	if err != nil {
		return StoredKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return StoredKey{k.ID, k.Algorithm, k.Seq, k.Created, k.SignFrom, der}, nil
}

// Key loads the key. It fails with [ErrKey] if the private key is damaged or
// is not the one that ID names.
func (s StoredKey) Key() (Key, error) {
	any, err := x509.ParsePKCS8PrivateKey(s.PKCS8)
	if err != nil {
		// The cause may quote the key, so it stays here.
		return Key{}, fmt.Errorf("%w: %s cannot be read", ErrKey, s)
	}
	signer, ok := any.(crypto.Signer)
	if !ok {
		return Key{}, fmt.Errorf("%w: %s cannot sign", ErrKey, s)
	}
	k, err := NewKey(signer, Slot{s.Algorithm, s.Seq, s.Created, s.SignFrom})
	if err != nil {
		return Key{}, err
	}
	if subtle.ConstantTimeCompare([]byte(k.ID), []byte(s.ID)) != 1 || k.Algorithm != s.Algorithm {
		return Key{}, fmt.Errorf("%w: %s holds another key", ErrKey, s)
	}
	return k, nil
}

// String shows the ID and nothing secret.
func (s StoredKey) String() string { return fmt.Sprintf("token.StoredKey(%.64q)", s.ID) }

// Format prints [StoredKey.String], whatever the verb.
func (s StoredKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue shows the ID and nothing secret.
func (s StoredKey) LogValue() slog.Value { return slog.StringValue(s.String()) }

// A Secret is bytes that are not printed or logged. Its JSON is base64, as of
// any bytes: marshalling a secret is a deliberate act.
type Secret []byte

// String is a constant.
func (Secret) String() string { return "[secret]" }

// Format prints a constant, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }

// LogValue is a constant.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON writes the bytes in base64.
func (s Secret) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.StdEncoding.EncodeToString(s))
}

// keyID derives the kid from the public key.
func keyID(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	sum := sha256.Sum256(der)
	return "ins_" + base62(sum[:20], 27), nil
}

// base62 writes b as a number of n digits, which must be enough.
func base62(b []byte, n int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var num, rem, base big.Int
	num.SetBytes(b)
	base.SetInt64(62)
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		num.DivMod(&num, &base, &rem)
		out[i] = digits[rem.Int64()]
	}
	return string(out)
}

// sign signs text and returns the raw signature.
func (k *Key) sign(text string) ([]byte, error) {
	return k.public.method.Sign(text, *k.secret.signer)
}
