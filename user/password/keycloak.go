package password

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
)

// keycloak is a credential as Keycloak exports it: two JSON texts in a JSON
// object, as they stand in its database.
var keycloak = Format{
	Name:  "keycloak",
	Form:  `{"secretData":"{\"value\":…,\"salt\":…}","credentialData":"{\"hashIterations\":…,\"algorithm\":…}"}`,
	Parse: parseKeycloak,
}

var keycloakHashes = map[string]func() hash.Hash{
	"pbkdf2": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New,
}

func parseKeycloak(digest string) (Digest, error) {
	var credential struct{ SecretData, CredentialData string }
	var secret struct{ Value, Salt string }
	var data struct {
		HashIterations       int
		Algorithm            string
		AdditionalParameters map[string][]string
	}
	for _, part := range []struct {
		text func() string
		into any
	}{{func() string { return digest }, &credential}, {func() string { return credential.SecretData }, &secret},
		{func() string { return credential.CredentialData }, &data}} {
		if err := json.Unmarshal([]byte(part.text()), part.into); err != nil {
			return Digest{}, malformed("JSON")
		}
	}
	salt, err := base64Any(secret.Salt)
	if err != nil {
		return Digest{}, err
	}
	kept, err := keyOf(base64Any, secret.Value)
	if err != nil {
		return Digest{}, err
	}
	if data.HashIterations < 1 {
		return Digest{}, malformed("iterations")
	}
	if data.Algorithm == "argon2" {
		one := func(name string) string {
			if v := data.AdditionalParameters[name]; len(v) == 1 {
				return v[0]
			}
			return ""
		}
		kind := one("type")
		if kind != "id" && kind != "i" || one("version") != "1.3" {
			return Digest{}, malformed("want argon2 of type id or i and version 1.3")
		}
		b64 := base64.RawStdEncoding.EncodeToString
		return argon2Format("argon2" + kind).Parse(fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s",
			kind, one("memory"), data.HashIterations, one("parallelism"), b64(salt), b64(kept)))
	}
	new, ok := keycloakHashes[data.Algorithm]
	if !ok {
		return Digest{}, malformed("algorithm")
	}
	return pbkdf2Digest(new, data.HashIterations, salt, kept)
}
