package password

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// The formats of this file cost next to nothing to guess at, which is why
// their first right password is hashed anew.

var (
	md5Format    = plainDigest("md5", md5.New)
	sha256Format = plainDigest("sha256", sha256.New)
	md5Salted    = saltedDigest("md5_salted", md5.New)
	sha256Salted = saltedDigest("sha256_salted", sha256.New)
)

func sum(new func() hash.Hash, parts ...string) []byte {
	h := new()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

func plainDigest(name string, new func() hash.Hash) Format {
	return Format{
		Name: name,
		Form: "<hash, hexadecimal>",
		Parse: func(digest string) (Digest, error) {
			kept, err := hexOf(digest, new().Size())
			return derives(kept, func(plain string) []byte { return sum(new, plain) }), err
		},
	}
}

// saltedDigest is of salt and password in either order: the format does not
// say which, and both are in use.
func saltedDigest(name string, new func() hash.Hash) Format {
	return Format{
		Name: name,
		Form: "<salt>$<hash, hexadecimal>",
		Parse: func(digest string) (Digest, error) {
			cut := strings.LastIndexByte(digest, '$')
			if cut < 1 {
				return Digest{}, malformed("want a salt")
			}
			salt := digest[:cut]
			kept, err := hexOf(digest[cut+1:], new().Size())
			return Digest{Matches: func(plain string) (bool, error) {
				before, behind := equal(sum(new, salt, plain), kept), equal(sum(new, plain, salt), kept)
				return before || behind, nil
			}}, err
		},
	}
}

// sha512Symfony is Symfony's MessageDigestPasswordHasher with SHA-512: of the
// password with its salt in braces, over and over.
var sha512Symfony = Format{
	Name: "sha512_symfony",
	Form: "sha512_symfony$<iterations>$<salt>$<hash, base64>",
	Parse: func(digest string) (Digest, error) {
		f, err := fields(digest, "$", 4)
		if err != nil {
			return Digest{}, err
		}
		n, err := number(f[1])
		if err != nil || f[0] != "sha512_symfony" || strings.ContainsAny(f[2], "{}") {
			return Digest{}, malformed("want sha512_symfony, iterations and a salt without braces")
		}
		if n > maxSymfony {
			return Digest{}, tooMuch("iterations", n)
		}
		kept, err := base64Any(f[3])
		if err != nil || len(kept) != sha512.Size {
			return Digest{}, malformed("hash")
		}
		return derives(kept, func(plain string) []byte {
			text := plain
			if f[2] != "" {
				text += "{" + f[2] + "}"
			}
			key := sum(sha512.New, text)
			for range n - 1 {
				key = sum(sha512.New, string(key), text)
			}
			return key
		}), nil
	},
}

// ldapSSHA is RFC 2307's salted SHA-1: the salt is behind the hash.
var ldapSSHA = Format{
	Name: "ldap_ssha",
	Form: "{SSHA}<hash and salt, base64>",
	Parse: func(digest string) (Digest, error) {
		rest, ok := strings.CutPrefix(digest, "{SSHA}")
		if !ok {
			return Digest{}, malformed("want {SSHA} first")
		}
		b, err := base64Any(rest)
		if err != nil || len(b) <= sha1.Size {
			return Digest{}, malformed("want a hash with a salt behind it")
		}
		salt := string(b[sha1.Size:])
		return derives(b[:sha1.Size], func(plain string) []byte { return sum(sha1.New, plain, salt) }), nil
	},
}
