package password

import (
	"crypto/aes"
	"crypto/cipher"
	"strings"
)

// firebaseKey are the parameters that all accounts of a Firebase project share.
type firebaseKey struct {
	signer, separator []byte
	rounds, memCost   int
}

// digest compares the signer key encrypted under a key derived by scrypt.
func (k firebaseKey) digest(salt, kept []byte) (Digest, error) {
	if k.memCost > 30 {
		return Digest{}, tooMuch("memory cost", k.memCost)
	}
	if len(k.signer) == 0 || len(kept) != len(k.signer) {
		return Digest{}, malformed("hash and signer key must be of one length")
	}
	c := scryptCost{n: 1 << k.memCost, r: k.rounds, p: 1}
	if err := c.check(); err != nil {
		return Digest{}, err
	}
	salt = append(salt[:len(salt):len(salt)], k.separator...)
	return Digest{Memory: c.memory(), Matches: func(plain string) (bool, error) {
		key, err := c.key(plain, salt, 32)
		if err != nil {
			return false, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return false, err
		}
		out := make([]byte, len(k.signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, k.signer)
		return equal(out, kept), nil
	}}, nil
}

// scryptFirebase is Firebase's changed scrypt. Hash and salt are of the
// account, the other fields of the project.
var scryptFirebase = Format{
	Name: "scrypt_firebase",
	Form: "<hash>$<salt>$<signer key>$<salt separator>$<rounds>$<memory cost>, the first four in base64",
	Parse: func(digest string) (Digest, error) {
		f, err := fields(digest, "$", 6)
		if err != nil {
			return Digest{}, err
		}
		var b [4][]byte
		for i := range b {
			if b[i], err = base64Any(f[i]); err != nil {
				return Digest{}, err
			}
		}
		k := firebaseKey{signer: b[2], separator: b[3]}
		if k.rounds, err = number(f[4]); err != nil {
			return Digest{}, err
		}
		if k.memCost, err = number(f[5]); err != nil {
			return Digest{}, err
		}
		return k.digest(b[1], b[0])
	},
}

// gotrue is what Supabase's auth server keeps: bcrypt, argon2, or Firebase's
// scrypt in a form of its own.
var gotrue = Format{
	Name: "gotrue",
	Form: "a hash that begins with $2a$, $argon2id$, $argon2i$ or $fbscrypt$v=1,",
	Parse: func(digest string) (Digest, error) {
		for _, f := range []Format{argon2Format("argon2id"), argon2Format("argon2i")} {
			if strings.HasPrefix(digest, "$"+f.Name+"$") {
				return f.Parse(digest)
			}
		}
		if rest, ok := strings.CutPrefix(digest, "$fbscrypt$v=1,"); ok {
			return parseFBScrypt(rest)
		}
		return bcryptFormat.Parse(digest)
	},
}

func parseFBScrypt(s string) (Digest, error) {
	f, err := fields(s, "$", 3)
	if err != nil {
		return Digest{}, err
	}
	var v [5]string
	args, err := fields(f[0], ",", len(v))
	if err != nil {
		return Digest{}, err
	}
	for i, name := range []string{"n=", "r=", "p=", "ss=", "sk="} {
		var ok bool
		if v[i], ok = strings.CutPrefix(args[i], name); !ok {
			return Digest{}, malformed("want " + name)
		}
	}
	if v[2] != "1" {
		return Digest{}, malformed("p is 1 in this format")
	}
	return scryptFirebase.Parse(strings.Join([]string{f[2], f[1], v[4], v[3], v[1], v[0]}, "$"))
}
