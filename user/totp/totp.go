// Package totp makes and checks the six-digit codes of authenticator apps
// (RFC 6238: SHA-1, 30 seconds), and the QR code that hands an app its secret.
//
//	secret := totp.NewSecret()
//	svg, err := totp.QR(totp.URI(secret, "My Application", "ada@example.com"))
//	step, ok := totp.Verify(secret, "755224", time.Now(), lastStep)
//
// A code is good once: store the step that Verify returns, by compare-and-swap
// in the transaction that acts on it, and give it as lastStep the next time.
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	// SecretSize is the length of a secret in bytes: as much as SHA-1 gives.
	SecretSize = 20
	// Digits is how many digits a code has.
	Digits = 6
	// Period is how long a step lasts.
	Period = 30 * time.Second
	// Skew is how many steps a code may be early or late.
	Skew = 1
)

var b32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret returns a random secret of [SecretSize] bytes.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	rand.Read(secret)
	return secret
}

// Text is a secret as people type it: base32 without padding.
func Text(secret []byte) string { return b32.EncodeToString(secret) }

// Parse reads a secret that people or other systems write: base32, in any case,
// with blanks and padding or without. It has 10 to 64 bytes.
func Parse(text string) (secret []byte, ok bool) {
	if len(text) > 256 {
		return nil, false
	}
	plain := strings.TrimRight(strings.ToUpper(strings.ReplaceAll(text, " ", "")), "=")
	secret, err := b32.DecodeString(plain)
	return secret, err == nil && len(secret) >= 10 && len(secret) <= 64 && !strings.ContainsAny(plain, "\r\n")
}

// URI is a secret as apps read it from a QR code. The app shows issuer and
// account, so that people can tell one entry from another.
func URI(secret []byte, issuer, account string) string {
	issuer = strings.ReplaceAll(issuer, ":", " ") // divides the two in the label
	q := url.Values{"secret": {Text(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"},
		"digits": {strconv.Itoa(Digits)}, "period": {strconv.Itoa(int(Period / time.Second))}}
	label := url.PathEscape(issuer) + ":" + url.PathEscape(account)
	// Some apps show a plus sign as it is.
	return "otpauth://totp/" + label + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// Step is the number of the time step at now.
func Step(now time.Time) int64 { return now.Unix() / int64(Period/time.Second) }

// Code is the code of a step.
func Code(secret []byte, step int64) (string, error) {
	return hotp.GenerateCodeCustom(Text(secret), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// Verify finds the step at the time now, or [Skew] around it, that code belongs
// to. A step is good only if it is later than lastStep, which is 0 if there was
// none. Every step is compared, whichever fits.
func Verify(secret []byte, code string, now time.Time, lastStep int64) (step int64, ok bool) {
	if len(code) != Digits || len(secret) == 0 {
		return 0, false
	}
	for s := Step(now) - Skew; s <= Step(now)+Skew; s++ {
		want, err := Code(secret, s)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > lastStep {
			step, ok = s, true
		}
	}
	return step, ok
}
