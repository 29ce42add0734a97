package captcha

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Work is a proof of work: the browser is given a challenge and finds a number
// that, hashed with it, gives so many zero bits. It asks nobody and tells
// nobody anything, and costs a browser about a second.
//
//	token = challenge "." number
//	SHA-256(token) begins with difficulty zero bits
//
// A challenge is good for one token, for a few minutes, at the instance that
// holds Key. It is not bound to a client address: people on the move have
// several.
type Work struct {
	// Key signs challenges.
	Key []byte
	// Bits is the difficulty, 1 to 32; 0: 16. Each more doubles the work.
	Bits int
	// Lifetime is how long a challenge is good for; 0: ten minutes.
	Lifetime time.Duration
	// Spend notes that a challenge is used up until it expires, and reports
	// ErrSpent if it was before: of two at once, one. Required.
	Spend func(ctx context.Context, id string, until time.Time) error
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// ErrSpent is what Work.Spend returns for a challenge that is used up.
var ErrSpent = errors.New("captcha: challenge was used")

// WorkProvider is the name of the provider that asks nobody.
const WorkProvider = "proof_of_work"

const (
	defaultBits     = 16
	defaultLifetime = 10 * time.Minute
	version         = "1"
)

// Script is the JavaScript that does the work in a browser: it defines
// usherWork(challenge, bits), which returns a promise of the token.
//
//go:embed work.js
var Script string

// Public says that a challenge must be asked for.
func (w *Work) Public() Public { return Public{Provider: WorkProvider, WidgetType: "invisible"} }

// Difficulty is how many zero bits a token must have.
func (w *Work) Difficulty() int {
	if w.Bits <= 0 {
		return defaultBits
	}
	return min(w.Bits, 32)
}

// Challenge returns a new challenge and when it expires.
func (w *Work) Challenge() (challenge string, expires time.Time) {
	lifetime := w.Lifetime
	if lifetime <= 0 {
		lifetime = defaultLifetime
	}
	expires = w.now().Add(lifetime).Truncate(time.Second)
	nonce := make([]byte, 16)
	rand.Read(nonce)
	body := fmt.Sprintf("%s.%d.%d.%s", version, expires.Unix(), w.Difficulty(), base64.RawURLEncoding.EncodeToString(nonce))
	return body + "." + w.sign(body), expires
}

func (w *Work) sign(body string) string {
	m := hmac.New(sha256.New, w.Key)
	m.Write([]byte("usher proof of work\x00" + body))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Verify checks the signature, the time and the work, and spends the challenge.
// The difficulty is the one that the challenge was given with, so that a new
// setting fails nobody who is at it.
func (w *Work) Verify(ctx context.Context, token string, _ netip.Addr) error {
	if len(token) > 512 {
		return ErrRefused
	}
	parts := strings.Split(token, ".")
	if len(parts) != 6 || parts[0] != version {
		return ErrRefused
	}
	body := strings.Join(parts[:4], ".")
	if !hmac.Equal([]byte(w.sign(body)), []byte(parts[4])) {
		return ErrRefused
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || !w.now().Before(time.Unix(until, 0)) {
		return ErrRefused
	}
	difficulty, err := strconv.Atoi(parts[2])
	if err != nil || !worked(token, difficulty) {
		return ErrRefused
	}
	id := sha256.Sum256([]byte(body))
	switch err := w.Spend(ctx, hex.EncodeToString(id[:]), time.Unix(until, 0)); {
	case errors.Is(err, ErrSpent):
		return ErrRefused
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// worked reports whether the hash of a token has so many leading zero bits.
func worked(token string, difficulty int) bool {
	h := sha256.Sum256([]byte(token))
	return bits.LeadingZeros32(binary.BigEndian.Uint32(h[:4])) >= difficulty
}

// Solve does the work for a challenge, as a browser would: for clients that are
// no browsers, and for tests.
func Solve(ctx context.Context, challenge string) (token string, err error) {
	parts := strings.Split(challenge, ".")
	if len(parts) != 5 {
		return "", ErrRefused
	}
	difficulty, err := strconv.Atoi(parts[2])
	if err != nil || difficulty < 1 || difficulty > 32 {
		return "", ErrRefused
	}
	for n := uint64(0); ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		if token = challenge + "." + strconv.FormatUint(n, 36); worked(token, difficulty) {
			return token, nil
		}
	}
}

func (w *Work) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}
