package password

import (
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Format is argon2id or argon2i with any parameters within bounds.
func argon2Format(name string) Format {
	derive := argon2.IDKey
	if name == "argon2i" {
		derive = argon2.Key
	}
	return Format{
		Name: name,
		Form: "$" + name + "$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt, base64>$<hash, base64>",
		Parse: func(digest string) (Digest, error) {
			rest, ok := strings.CutPrefix(digest, "$"+name+"$")
			if !ok {
				return Digest{}, malformed("want $" + name + "$ first")
			}
			p, err := ParsePHC(argonPrefix + rest)
			if err != nil {
				return Digest{}, err
			}
			if p.Pepper != "" {
				return Digest{}, ErrUnknownPepper
			}
			d := derives(p.Key, func(plain string) []byte {
				return derive([]byte(plain), p.Salt, p.Params.Time, p.Params.Memory, p.Params.Parallelism, p.Params.KeyLength)
			})
			d.Memory = p.Params.memory()
			if name == "argon2id" {
				d.Keep = func(own Params) bool { return !p.Params.weaker(own) }
			}
			return d, nil
		},
	}
}

// weaker reports whether p is less than other in anything that counts.
func (p Params) weaker(other Params) bool {
	return p.Memory < other.Memory || uint64(p.Memory)*uint64(p.Time) < uint64(other.Memory)*uint64(other.Time) ||
		p.SaltLength < other.SaltLength || p.KeyLength < other.KeyLength
}

// waste does the work of one hash.
func (p Params) waste(plain string) {
	argon2.IDKey([]byte(plain), make([]byte, p.SaltLength), p.Time, p.Memory, p.Parallelism, p.KeyLength)
}
