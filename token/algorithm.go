package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// An Algorithm is a JWS signature algorithm by its registered name. The zero
// value is RS256.
type Algorithm string

const (
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256, here with RSA-2048. It is the
	// only one that all client libraries verify. Signing takes about 1 ms.
	RS256 Algorithm = "RS256"
	// ES256 is ECDSA with P-256 and SHA-256: about 31 times cheaper to sign
	// than RS256 and 2.3 times dearer to verify.
	ES256 Algorithm = "ES256"
	// EdDSA is Ed25519 (RFC 8037): about 41 times cheaper to sign than RS256
	// and 1.7 times dearer to verify.
	EdDSA Algorithm = "EdDSA"
)

// rsaBits is the size of new RSA keys. Some clients read no other.
const rsaBits = 2048

// name is the algorithm with the default filled in.
func (a Algorithm) name() Algorithm {
	if a == "" {
		return RS256
	}
	return a
}

// method returns the implementation of a.
func (a Algorithm) method() (jwt.SigningMethod, error) {
	switch a.name() {
	case RS256:
		return jwt.SigningMethodRS256, nil
	case ES256:
		return jwt.SigningMethodES256, nil
	case EdDSA:
		return jwt.SigningMethodEdDSA, nil
	}
	return nil, fmt.Errorf("%w: algorithm %.16q is not supported", ErrKey, string(a))
}

// generate makes a private key for a.
func (a Algorithm) generate() (crypto.Signer, error) {
	switch a.name() {
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return nil, fmt.Errorf("%w: algorithm %.16q is not supported", ErrKey, string(a))
}
