package oauth

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Apple signs in with Apple. servicesID is the client ID; key is the private
// key with the ID keyID of the team teamID, as the .p8 file holds it.
//
// Apple answers by a POST, gives a name at the first sign-in only, and lets
// people hide their address behind one that it forwards from.
func Apple(servicesID, teamID, keyID, key string) (Provider, error) {
	sign, err := appleKey(key)
	if err != nil {
		return Provider{}, err
	}
	return Provider{Key: "apple", Name: "Apple", ClientID: servicesID,
		Secret: func(now time.Time) (string, error) {
			return appleSecret(sign, servicesID, teamID, keyID, now)
		},
		Issuer: "https://appleid.apple.com", AuthURL: "https://appleid.apple.com/auth/authorize",
		TokenURL: "https://appleid.apple.com/auth/token", KeysURL: "https://appleid.apple.com/auth/keys",
		RevokeURL: "https://appleid.apple.com/auth/revoke", Scopes: []string{"openid", "name", "email"}, FormPost: true, Auth: InBody,
		Fields: Fields{Subject: "sub", EmailAddress: "email", FirstName: "user.name.firstName", LastName: "user.name.lastName"},
		Verified: EmailRule{Field: "email_verified", AlsoText: true,
			Reason: "Apple's documentation lets the claim be a boolean or the text \"true\""}}, nil
}

func appleKey(key string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, errors.New("oauth: the key of Apple is not a PEM block: give what the .p8 file holds")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("oauth: the key of Apple: %w", err)
	}
	ec, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || ec.Curve.Params().BitSize != 256 {
		return nil, errors.New("oauth: the key of Apple is not one on P-256")
	}
	return ec, nil
}

// appleSecret signs the client secret: a token of five minutes, where Apple
// would take one of six months.
func appleSecret(key *ecdsa.PrivateKey, servicesID, teamID, keyID string, now time.Time) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": keyID})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]any{"iss": teamID, "sub": servicesID, "aud": "https://appleid.apple.com",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}
