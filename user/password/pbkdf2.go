package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strconv"
	"strings"
)

// pbkdf2Digest is a key derived by PBKDF2 (RFC 8018) as long as kept.
func pbkdf2Digest(new func() hash.Hash, iterations int, salt, kept []byte) (Digest, error) {
	blocks := (len(kept) + new().Size() - 1) / new().Size()
	if iterations > maxPBKDF2/blocks {
		return Digest{}, tooMuch("iterations", iterations)
	}
	if len(salt) == 0 {
		return Digest{}, malformed("want a salt")
	}
	return Digest{Matches: func(plain string) (bool, error) {
		key, err := pbkdf2.Key(new, plain, salt, iterations, len(kept))
		return err == nil && equal(key, kept), err
	}}, nil
}

// pbkdf2Format is <prefix>$<iterations>$<salt>$<hash>.
func pbkdf2Format(name, prefix, form string, new func() hash.Hash, salt, key func(string) ([]byte, error)) Format {
	return Format{
		Name: name,
		Form: prefix + "$<iterations>$" + form,
		Parse: func(digest string) (Digest, error) {
			f, err := fields(digest, "$", 4)
			if err != nil {
				return Digest{}, err
			}
			n, err := number(f[1])
			if err != nil || f[0] != prefix {
				return Digest{}, malformed("want " + prefix + " and iterations")
			}
			s, err := salt(f[2])
			if err != nil {
				return Digest{}, err
			}
			k, err := keyOf(key, f[3])
			if err != nil {
				return Digest{}, err
			}
			return pbkdf2Digest(new, n, s, k)
		},
	}
}

func asIs(s string) ([]byte, error) { return []byte(s), nil }

var (
	pbkdf2SHA256 = pbkdf2Format("pbkdf2_sha256", "pbkdf2_sha256", "<salt, base64>$<hash, base64>",
		sha256.New, base64Any, base64Any)
	pbkdf2SHA256Django = pbkdf2Format("pbkdf2_sha256_django", "pbkdf2_sha256", "<salt as it is>$<hash, base64>",
		sha256.New, asIs, base64Any)
	pbkdf2SHA512 = pbkdf2Format("pbkdf2_sha512", "pbkdf2_sha512", "<salt as it is>$<hash, hexadecimal>",
		sha512.New, asIs, anyHex)
	pbkdf2SHA512Hex = pbkdf2Format("pbkdf2_sha512_hex", "pbkdf2_sha512_hex", "<salt, hexadecimal>$<hash, hexadecimal>",
		sha512.New, anyHex, anyHex)
)

// pbkdf2SHA1 has a salt that is hexadecimal if it can be read so. The length
// of the key may stand behind the hash, which says it anyway.
var pbkdf2SHA1 = Format{
	Name: "pbkdf2_sha1",
	Form: "pbkdf2_sha1$<iterations>$<salt, hexadecimal or as it is>$<hash, hexadecimal>[$<bytes of the hash>]",
	Parse: func(digest string) (Digest, error) {
		f := strings.Split(digest, "$")
		if len(f) != 4 && len(f) != 5 || f[0] != "pbkdf2_sha1" {
			return Digest{}, malformed("want pbkdf2_sha1 and three or four fields")
		}
		n, err := number(f[1])
		if err != nil {
			return Digest{}, err
		}
		salt, err := anyHex(f[2])
		if err != nil {
			salt = []byte(f[2])
		}
		kept, err := keyOf(anyHex, f[3])
		if err != nil {
			return Digest{}, err
		}
		if len(f) == 5 && f[4] != strconv.Itoa(len(kept)) {
			return Digest{}, malformed("hash is not as long as it says")
		}
		return pbkdf2Digest(sha1.New, n, salt, kept)
	},
}
