package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// MarshalJSON writes the key as a JWK (RFC 7517) with kty, use, alg, kid and
// its numbers.
func (k *PublicKey) MarshalJSON() ([]byte, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := map[string]string{"use": "sig", "alg": string(k.alg)}
	if k.id != "" {
		jwk["kid"] = k.id
	}
	switch p := k.key.(type) {
	case *rsa.PublicKey:
		jwk["kty"] = "RSA"
		jwk["n"] = b64(p.N.Bytes())
		jwk["e"] = b64(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		jwk["kty"], jwk["crv"] = "EC", "P-256"
		jwk["x"], jwk["y"] = b64(point[1:33]), b64(point[33:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", b64(p)
	}
	return json.Marshal(jwk)
}

// A jwk is one entry of a JWK set, its names case-exact.
type jwk map[string]json.RawMessage

// secretMembers betray a private or symmetric key.
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// key returns the key, nil if it is not one for signatures that this package
// knows (RFC 7517 section 5 wants such ones ignored), or an error if it is
// broken or should not be public.
func (j jwk) key() (*PublicKey, error) {
	for _, name := range secretMembers {
		if _, ok := j[name]; ok {
			return nil, fmt.Errorf("%w: the set holds a secret key", ErrKey)
		}
	}
	var kty, kid, use, alg string
	for name, to := range map[string]*string{"kty": &kty, "kid": &kid, "use": &use, "alg": &alg} {
		if err := j.text(name, to); err != nil {
			return nil, err
		}
	}
	usable, err := j.forVerifying(use)
	if err != nil || !usable {
		return nil, err
	}
	pub, err := j.public(kty)
	if err != nil || pub == nil {
		return nil, err
	}
	k, err := NewPublicKey(kid, pub)
	if err != nil {
		return nil, err
	}
	if alg != "" && alg != string(k.alg) {
		// RS512 or PS256, say, is a good key for somebody else.
		return nil, nil
	}
	return k, nil
}

// forVerifying looks at use and key_ops.
func (j jwk) forVerifying(use string) (bool, error) {
	if use != "" && use != "sig" {
		return false, nil
	}
	raw, ok := j["key_ops"]
	if !ok {
		return true, nil
	}
	var ops []string
	if err := json.Unmarshal(raw, &ops); err != nil {
		return false, fmt.Errorf("%w: key_ops of a JWK", ErrKey)
	}
	return slices.Contains(ops, "verify"), nil
}

// public returns the numbers as a key, or nil if the type is not known.
func (j jwk) public(kty string) (crypto.PublicKey, error) {
	var crv string
	if err := j.text("crv", &crv); err != nil {
		return nil, err
	}
	switch {
	case kty == "RSA":
		n, err := j.bytes("n", 0)
		if err != nil {
			return nil, err
		}
		e, err := j.bytes("e", 0)
		if err != nil {
			return nil, err
		}
		exp := new(big.Int).SetBytes(e)
		if exp.BitLen() > 31 {
			return nil, fmt.Errorf("%w: RSA exponent of %d bits", ErrKey, exp.BitLen())
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exp.Int64())}, nil
	case kty == "EC" && crv == "P-256":
		x, err := j.bytes("x", 32)
		if err != nil {
			return nil, err
		}
		y, err := j.bytes("y", 32)
		if err != nil {
			return nil, err
		}
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return pub, nil
	case kty == "OKP" && crv == "Ed25519":
		x, err := j.bytes("x", ed25519.PublicKeySize)
		if err != nil {
			return nil, err
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, nil
}

// text reads an optional string.
func (j jwk) text(name string, to *string) error {
	raw, ok := j[name]
	if !ok {
		return nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return fmt.Errorf("%w: %s of a JWK is not a string", ErrKey, name)
	}
	*to = *s
	return nil
}

// bytes reads a required number of the given size; 0 is any.
func (j jwk) bytes(name string, size int) ([]byte, error) {
	var s string
	if err := j.text(name, &s); err != nil {
		return nil, err
	}
	b, err := encoding.DecodeString(s)
	if err != nil || len(b) == 0 || size != 0 && len(b) != size {
		return nil, fmt.Errorf("%w: %s of a JWK", ErrKey, name)
	}
	return b, nil
}
