package token

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A KeySource finds the public key that a token names. [*KeySet], [*Issuer],
// [*Remote] and [*PublicKey] are key sources.
//
// Key is called for every token, also for one that was verified before, so
// that a withdrawn key stops at once: the common case must be fast. It returns
// an error that is [ErrUnknownKey] for a kid it does not have, and one that is
// [ErrUnavailable] if it cannot tell. It is safe for concurrent use.
type KeySource interface {
	Key(ctx context.Context, kid string) (*PublicKey, error)
}

// A PublicKey verifies tokens. It is immutable.
type PublicKey struct {
	id     string
	alg    Algorithm
	method jwt.SigningMethod
	key    crypto.PublicKey
	print  [sha256.Size]byte // SHA-256 of the DER form and the algorithm
	until  time.Time
}

// NewPublicKey checks pub, an *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey, and gives it the name kid. An empty kid makes a key that
// verifies tokens whatever key they name. Weak keys are [ErrKey].
func NewPublicKey(kid string, pub crypto.PublicKey) (*PublicKey, error) {
	if len(kid) > maxKid {
		return nil, fmt.Errorf("%w: kid is longer than %d bytes", ErrKey, maxKid)
	}
	alg, err := checkPublic(pub)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	m, err := alg.method()
	if err != nil {
		return nil, err
	}
	return &PublicKey{id: kid, alg: alg, method: m, key: pub, print: sha256.Sum256(der)}, nil
}

// ParsePEM reads a public key in PEM form ("PUBLIC KEY", RFC 5280), such as
// [PublicKey.PEM] writes. Its kid is empty: it verifies tokens whatever key
// they name.
func ParsePEM(data []byte) (*PublicKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%w: not one PEM block of type PUBLIC KEY", ErrKey)
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return NewPublicKey("", pub)
}

// ID is the kid.
func (k *PublicKey) ID() string { return k.id }

// Algorithm is the only algorithm that the key verifies.
func (k *PublicKey) Algorithm() Algorithm { return k.alg }

// Until is the time from which the key verifies nothing any more; zero is
// never.
func (k *PublicKey) Until() time.Time { return k.until }

// Crypto returns the key as the standard library has it. Do not change it.
func (k *PublicKey) Crypto() crypto.PublicKey { return k.key }

// Key makes the key a [KeySource] of its own.
func (k *PublicKey) Key(_ context.Context, kid string) (*PublicKey, error) {
	if k.id != "" && k.id != kid {
		return nil, ErrUnknownKey
	}
	return k, nil
}

// PEM returns the key as a "PUBLIC KEY" block, which is what the jwtKey
// setting of server libraries takes.
func (k *PublicKey) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		panic(err) // NewPublicKey has marshalled the same key
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// retired tells whether the key verifies nothing any more.
func (k *PublicKey) retired(now time.Time) bool {
	return !k.until.IsZero() && !now.Before(k.until)
}

// same tells whether two keys are one, whatever object holds them.
func (k *PublicKey) same(o *PublicKey) bool {
	return k == o || k.id == o.id && k.print == o.print
}

// checkPublic refuses keys that should not verify anything and returns the
// algorithm of the others.
func checkPublic(pub crypto.PublicKey) (Algorithm, error) {
	switch p := pub.(type) {
	case *rsa.PublicKey:
		return RS256, checkRSA(p)
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return "", fmt.Errorf("%w: the curve is not P-256", ErrKey)
		}
		if _, err := p.ECDH(); err != nil { // checks the point
			return "", fmt.Errorf("%w: %w", ErrKey, err)
		}
		return ES256, nil
	case ed25519.PublicKey:
		return EdDSA, checkEd25519(p)
	}
	return "", fmt.Errorf("%w: type %T is not supported", ErrKey, pub)
}

func checkRSA(p *rsa.PublicKey) error {
	switch {
	case p.N == nil || p.N.Sign() <= 0 || p.N.Bit(0) == 0:
		return fmt.Errorf("%w: RSA modulus is not odd and positive", ErrKey)
	case p.N.BitLen() < rsaBits || p.N.BitLen() > 4*rsaBits:
		return fmt.Errorf("%w: RSA modulus of %d bits, want %d to %d", ErrKey, p.N.BitLen(), rsaBits, 4*rsaBits)
	case p.E < 65537 || p.E&1 == 0 || int64(p.E) > 1<<31-1:
		return fmt.Errorf("%w: RSA exponent %d", ErrKey, p.E)
	case isROCA(p.N):
		return fmt.Errorf("%w: RSA key made by a generator that is known broken (CVE-2017-15361)", ErrKey)
	}
	return nil
}

// rocaPrimes: the moduli of the broken generator are powers of 65537 modulo
// each of these.
var rocaPrimes = []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// isROCA finds the fingerprint of CVE-2017-15361 (Nemec and others, "The
// Return of Coppersmith's Attack", 2017). A sound key has it with a
// probability of about 2^-27.
func isROCA(n *big.Int) bool {
	for _, p := range rocaPrimes {
		r := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			found = found || power == r
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}

// smallOrder are the encodings of y, without the sign bit, of the points whose
// order divides eight: under such a key anybody can sign. Encodings of y that
// are not reduced are refused apart.
var smallOrder = [][32]byte{
	{},  // y = 0, order 4
	{1}, // y = 1, the neutral point
	{0xec, 31: 0x7f, 1: 0xff, 2: 0xff, 3: 0xff, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff, 8: 0xff, 9: 0xff, 10: 0xff,
		11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff, 16: 0xff, 17: 0xff, 18: 0xff, 19: 0xff, 20: 0xff, 21: 0xff,
		22: 0xff, 23: 0xff, 24: 0xff, 25: 0xff, 26: 0xff, 27: 0xff, 28: 0xff, 29: 0xff, 30: 0xff}, // y = -1, order 2
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, // order 8
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, // order 8
}

func checkEd25519(p ed25519.PublicKey) error {
	if len(p) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: Ed25519 key of %d bytes", ErrKey, len(p))
	}
	y := [32]byte(p)
	y[31] &= 0x7f
	for _, s := range smallOrder {
		if y == s {
			return fmt.Errorf("%w: Ed25519 point of small order", ErrKey)
		}
	}
	// y must be below 2^255-19; what is not starts at ed ff … ff 7f.
	if y[0] >= 0xed && y[31] == 0x7f && bytes.Equal(y[1:31], bytes.Repeat([]byte{0xff}, 30)) {
		return fmt.Errorf("%w: Ed25519 point is not reduced", ErrKey)
	}
	return nil
}
