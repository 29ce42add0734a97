package password

import (
	"strings"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"
)

// scryptCost are the parameters of scrypt (RFC 7914).
type scryptCost struct{ n, r, p int }

// check bounds memory by [MaxMemory] and time by maxScryptCost.
func (c scryptCost) check() error {
	if c.n < 2 || c.n&(c.n-1) != 0 {
		return malformed("N of scrypt must be a power of two")
	}
	const limit = MaxMemory << 10
	if c.n > limit/128 || c.r > limit/128/c.n {
		return tooMuch("N of scrypt", c.n)
	}
	if c.p > maxScryptCost/(128*c.n*c.r) {
		return tooMuch("p of scrypt", c.p)
	}
	return nil
}

func (c scryptCost) memory() int64 { return 128 * int64(c.n) * int64(c.r) }

// key derives size bytes. The parameters have been checked.
func (c scryptCost) key(plain string, salt []byte, size int) ([]byte, error) {
	return scrypt.Key([]byte(plain), salt, c.n, c.r, c.p, size)
}

// digest compares keys derived of what text makes of the password.
func (c scryptCost) digest(salt, kept []byte, text func(string) string) (Digest, error) {
	if err := c.check(); err != nil {
		return Digest{}, err
	}
	return Digest{Memory: c.memory(), Matches: func(plain string) (bool, error) {
		key, err := c.key(text(plain), salt, len(kept))
		return err == nil && equal(key, kept), err
	}}, nil
}

// scryptWerkzeug is what Flask's people have: the salt is used as it is.
var scryptWerkzeug = Format{
	Name: "scrypt_werkzeug",
	Form: "scrypt:<N>:<r>:<p>$<salt>$<hash, hexadecimal>",
	Parse: func(digest string) (Digest, error) {
		f, err := fields(strings.TrimPrefix(digest, "$"), "$", 3)
		if err != nil {
			return Digest{}, err
		}
		args, err := fields(f[0], ":", 4)
		if err != nil || args[0] != "scrypt" {
			return Digest{}, malformed("want scrypt:N:r:p first")
		}
		var c scryptCost
		for i, to := range []*int{&c.n, &c.r, &c.p} {
			if *to, err = number(args[i+1]); err != nil {
				return Digest{}, err
			}
		}
		kept, err := keyOf(anyHex, f[2])
		if err != nil {
			return Digest{}, err
		}
		return c.digest([]byte(f[1]), kept, func(s string) string { return s })
	},
}

// saltColonHash is salt and hash in hexadecimal digits. The digits themselves
// are the salt, and the password is in NFKC.
func saltColonHash(digest string, c scryptCost) (Digest, error) {
	salt, key, ok := strings.Cut(digest, ":")
	if !ok || salt == "" {
		return Digest{}, malformed("want <salt>:<hash>")
	}
	kept, err := hexOf(key, 64)
	if err != nil {
		return Digest{}, err
	}
	return c.digest([]byte(salt), kept, norm.NFKC.String)
}

var (
	luciaCost       = scryptCost{n: 16384, r: 16, p: 1}
	luciaLegacyCost = scryptCost{n: 16384, r: 8, p: 1}

	// scryptBetterAuth is better-auth's, with its parameters.
	scryptBetterAuth = Format{
		Name:  "scrypt_better_auth",
		Form:  "<salt, hexadecimal>:<hash, hexadecimal>",
		Parse: func(digest string) (Digest, error) { return saltColonHash(digest, luciaCost) },
	}
	// scryptLucia is that of Lucia 3 and, behind "s2:", of Lucia 2.
	scryptLucia = Format{
		Name: "scrypt_lucia",
		Form: "[s2:]<salt>:<hash, hexadecimal>",
		Parse: func(digest string) (Digest, error) {
			return saltColonHash(strings.TrimPrefix(digest, "s2:"), luciaCost)
		},
	}
	// scryptLuciaLegacy is Lucia's LegacyScrypt: without "s2:" it is of Lucia 1,
	// which took half the memory and looks like that of Lucia 3.
	scryptLuciaLegacy = Format{
		Name: "scrypt_lucia_legacy",
		Form: "[s2:]<salt>:<hash, hexadecimal>",
		Parse: func(digest string) (Digest, error) {
			if rest, ok := strings.CutPrefix(digest, "s2:"); ok {
				return saltColonHash(rest, luciaCost)
			}
			return saltColonHash(digest, luciaLegacyCost)
		},
	}
)
