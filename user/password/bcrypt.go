package password

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcrypt takes 72 bytes and ignores the rest.
const bcryptMaxBytes = 72

var bcryptShape = regexp.MustCompile(`^\$2[aby]\$[0-3][0-9]\$[./A-Za-z0-9]{53}$`)

const bcryptForm = "$2b$<cost>$<salt and hash, 53 characters>"

// Passwords of more than 72 bytes are [ErrTooLongForHash] before any work:
// bcrypt would ignore the rest. Passwords with NUL never match: bcrypt repeats
// the password with a NUL behind it, so "ab" and "ab\x00ab" would be one.
var bcryptFormat = Format{
	Name: "bcrypt",
	Form: bcryptForm,
	Parse: func(digest string) (Digest, error) {
		return parseBcrypt(digest, func(plain string) ([]byte, error) {
			if len(plain) > bcryptMaxBytes {
				return nil, ErrTooLongForHash
			}
			return []byte(plain), nil
		})
	},
}

// Django hashes the hexadecimal SHA-256 of the password, so that nothing is cut.
var bcryptDjango = Format{
	Name: "bcrypt_sha256_django",
	Form: "bcrypt_sha256$" + bcryptForm,
	Parse: func(digest string) (Digest, error) {
		rest, ok := strings.CutPrefix(digest, "bcrypt_sha256$")
		if !ok {
			return Digest{}, malformed("want bcrypt_sha256$ first")
		}
		return parseBcrypt(rest, func(plain string) ([]byte, error) {
			sum := sha256.Sum256([]byte(plain))
			return []byte(hex.EncodeToString(sum[:])), nil
		})
	},
}

// Devise puts its pepper behind the password. Peppers are long as a rule, and
// bcrypt has always cut them; of the password nothing is.
var bcryptPeppered = Format{
	Name: "bcrypt_peppered",
	Form: bcryptForm + "$<pepper>",
	Parse: func(digest string) (Digest, error) {
		const size = 60
		if len(digest) < size+2 || digest[size] != '$' {
			return Digest{}, malformed("want a pepper behind the hash")
		}
		pepper := digest[size+1:]
		return parseBcrypt(digest[:size], func(plain string) ([]byte, error) {
			if len(plain) > bcryptMaxBytes {
				return nil, ErrTooLongForHash
			}
			text := []byte(plain + pepper)
			return text[:min(len(text), bcryptMaxBytes)], nil
		})
	},
}

// parseBcrypt reads a hash of what input makes of the password.
func parseBcrypt(hash string, input func(plain string) ([]byte, error)) (Digest, error) {
	if !bcryptShape.MatchString(hash) {
		return Digest{}, malformed("want " + bcryptForm)
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost < bcrypt.MinCost {
		return Digest{}, malformed("cost")
	}
	if cost > maxBcryptCost {
		return Digest{}, tooMuch("bcrypt cost", cost)
	}
	return Digest{Matches: func(plain string) (bool, error) {
		text, err := input(plain)
		if err != nil {
			return false, err
		}
		nul := strings.IndexByte(plain, 0) >= 0
		if nul {
			text = []byte(strings.Repeat("\xff", bcryptMaxBytes)) // the same work, and then no
		}
		err = bcrypt.CompareHashAndPassword([]byte(hash), text)
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, nil
		}
		return err == nil && !nul, err
	}}, nil
}
