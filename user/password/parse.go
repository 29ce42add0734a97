package password

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of foreign digests, so that one of them costs no more than some two
// seconds of a core and 128 MiB. Those of argon2 are the ones of [Params].
const (
	maxBcryptCost = 15      // 2^15 rounds
	maxPBKDF2     = 4 << 20 // iterations times blocks of the key
	maxScryptCost = 1 << 29 // 128·N·r·p, in bytes: 512 MiB
	maxPhpass     = 20      // 2^20 rounds of MD5
	maxSymfony    = 1 << 20 // rounds of SHA-512
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

func tooMuch(what string, n int) error { return fmt.Errorf("%w: %s %d", ErrParams, what, n) }

// number reads a positive number without sign or leading zeros.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, malformed("number")
	}
	return int(n), nil
}

// base64Any reads base64 of either alphabet, with padding or without.
func base64Any(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	if strings.ContainsAny(s, "\r\n") {
		return nil, malformed("base64")
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, malformed("base64")
	}
	return b, nil
}

// hexOf reads hexadecimal digits of so many bytes; 0 is any number of them.
func hexOf(s string, size int) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || size > 0 && len(b) != size {
		return nil, malformed("hexadecimal digits")
	}
	return b, nil
}

// key reads the bytes of a derived key with the given decoder, and bounds them.
func keyOf(decode func(string) ([]byte, error), s string) ([]byte, error) {
	b, err := decode(s)
	if err != nil {
		return nil, err
	}
	if len(b) < minKey || len(b) > 2*maxKey {
		return nil, malformed(fmt.Sprintf("hash of %d bytes", len(b)))
	}
	return b, nil
}

func anyHex(s string) ([]byte, error) { return hexOf(s, 0) }

// fields splits s into exactly n fields.
func fields(s, sep string, n int) ([]string, error) {
	f := strings.Split(s, sep)
	if len(f) != n {
		return nil, malformed(fmt.Sprintf("%d fields, want %d", len(f), n))
	}
	return f, nil
}

// equal compares what was derived with what is kept, in constant time.
func equal(derived, kept []byte) bool { return subtle.ConstantTimeCompare(derived, kept) == 1 }

// derives makes a Digest out of a function that derives the key to compare.
func derives(kept []byte, derive func(plain string) []byte) Digest {
	return Digest{Matches: func(plain string) (bool, error) { return equal(derive(plain), kept), nil }}
}
