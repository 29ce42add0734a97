package password

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

const (
	phpassForm     = "$P$<rounds, a character><salt, 8 characters><hash, 22 characters>"
	phpassAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// phpassFormat is the portable form of phpass, as WordPress and phpBB ($H$)
// have it.
var phpassFormat = Format{
	Name:  "phpass",
	Form:  phpassForm,
	Parse: func(digest string) (Digest, error) { return parsePhpass(digest, false) },
}

// md5Phpass is phpass over the hexadecimal MD5 of the password, as systems have
// it that put phpass around the MD5 digests they had (Drupal marks them with a
// U in front). The name could as well mean phpass over MD5, which is phpass
// itself: that is tried too.
var md5Phpass = Format{
	Name: "md5_phpass",
	Form: phpassForm,
	Parse: func(digest string) (Digest, error) {
		return parsePhpass(strings.TrimPrefix(digest, "U"), true)
	},
}

func parsePhpass(digest string, overMD5 bool) (Digest, error) {
	if len(digest) != 34 || digest[:3] != "$P$" && digest[:3] != "$H$" {
		return Digest{}, malformed("want " + phpassForm)
	}
	for _, r := range digest[3:] {
		if !strings.ContainsRune(phpassAlphabet, r) {
			return Digest{}, malformed("character that phpass does not have")
		}
	}
	rounds := strings.IndexByte(phpassAlphabet, digest[3])
	if rounds < 7 {
		return Digest{}, malformed("too few rounds for phpass")
	}
	if rounds > maxPhpass {
		return Digest{}, tooMuch("rounds of two to the power of", rounds)
	}
	salt, kept := digest[4:12], []byte(digest[12:])
	matches := func(plain string) bool { return equal(phpass(plain, salt, rounds), kept) }
	return Digest{Matches: func(plain string) (bool, error) {
		if !overMD5 {
			return matches(plain), nil
		}
		h := md5.Sum([]byte(plain))
		inner, outer := matches(hex.EncodeToString(h[:])), matches(plain)
		return inner || outer, nil
	}}, nil
}

// phpass returns the hash as it is written.
func phpass(plain, salt string, rounds int) []byte {
	buf := []byte(salt + plain)
	h := md5.Sum(buf)
	buf = append(make([]byte, md5.Size, md5.Size+len(plain)), plain...)
	for range 1 << rounds {
		copy(buf, h[:])
		h = md5.Sum(buf)
	}
	return phpassEncode(h[:])
}

// phpassEncode writes three bytes as four characters, the lowest bits first.
func phpassEncode(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		part := b[:min(len(b), 3)]
		b = b[len(part):]
		var v uint32
		for i, c := range part {
			v |= uint32(c) << (8 * i)
		}
		for range len(part) + 1 {
			out = append(out, phpassAlphabet[v&63])
			v >>= 6
		}
	}
	return out
}
