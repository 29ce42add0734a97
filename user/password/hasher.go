package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// A Hasher makes and checks password hashes. The zero value is ready: argon2id
// with the default [Params], a pool of its own, and every format of [Formats]
// for what other systems kept.
// It is safe for concurrent use; its fields are not changed after first use.
type Hasher struct {
	// Params of new hashes. A stored hash with others is still good, and
	// [Result.Rehash] says that it should be made anew.
	Params Params
	// MaxLength is the most code points of a password. 0: [DefaultMaxLength].
	MaxLength int
	// Peppers are secrets that stay outside the database. The first is used
	// for new hashes, all of them for stored ones, so a pepper is rotated by
	// putting a new one in front. Empty: none, and Rehash takes them out.
	Peppers []Pepper
	// Pool runs the work. nil: one of its own.
	Pool *Pool
	// Formats are those of other systems that are known. nil: [Formats].
	Formats []Format

	own   Pool
	seen  sample
	once  sync.Once
	known map[string]Format
}

// A Pepper is a secret that is mixed into passwords by HMAC-SHA-256 before
// they are hashed. ID is written into the hash: 1 to 32 bytes, not secret. Key
// has at least 16 random bytes.
type Pepper struct {
	ID  string
	Key []byte
}

// A Result is the outcome of [Hasher.Verify].
type Result struct {
	// OK: the password is the right one.
	OK bool
	// Rehash: the stored hash has other parameters, pepper or format than new
	// ones have. When OK too, hash again, outside any transaction, and store
	// the result only if the hash that was checked is still the stored one.
	Rehash bool
}

// Validate reports whether the configuration is usable: [ErrParams], or
// [ErrTooCostly] when the pool's memory does not hold one hash.
func (h *Hasher) Validate() error {
	if err := h.Params.Validate(); err != nil {
		return err
	}
	if 2*h.Params.withDefaults().memory() > h.pool().memory() {
		return ErrTooCostly
	}
	for i, p := range h.Peppers {
		if p.ID == "" || len(p.ID) > maxPepperID || len(p.Key) < 16 {
			return fmt.Errorf("%w: pepper %d: ID of 1 to %d bytes and key of at least 16", ErrParams, i, maxPepperID)
		}
	}
	return nil
}

// Hash returns the PHC string of plain under the current parameters, with a
// new random salt. Errors: those of [Normalize], [ErrBusy], the context's and
// those of [Hasher.Validate].
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	text, err := Normalize(plain, h.MaxLength)
	if err != nil {
		return "", err
	}
	if err := h.Validate(); err != nil {
		return "", err
	}
	p := PHC{Params: h.Params.withDefaults(), Pepper: h.pepperID()}
	p.Salt = make([]byte, p.Params.SaltLength)
	rand.Read(p.Salt)
	if p.Key, err = h.derive(ctx, p, text); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Verify compares plain with a stored hash. A wrong password is a Result
// without OK and no error. Errors: those of [Normalize], [ErrTooLongForHash],
// [ErrMalformed], [ErrUnknownFormat], [ErrParams], [ErrUnknownPepper],
// [ErrBusy] and the context's.
func (h *Hasher) Verify(ctx context.Context, hash, plain string) (Result, error) {
	res, err := h.verify(ctx, hash, plain, true)
	switch {
	case err != nil: // tells nothing about what live hashes cost
	case res.OK && res.Rehash:
		h.seen.drop(hash)
	default:
		h.seen.add(hash)
	}
	return res, err
}

// verify does the work of a check. live says that the account exists: a right
// password may then be hashed anew.
func (h *Hasher) verify(ctx context.Context, hash, plain string, live bool) (Result, error) {
	if err := checkSize(plain, h.MaxLength); err != nil {
		return Result{}, err
	}
	if !strings.HasPrefix(hash, argonPrefix) {
		return h.verifyForeign(ctx, hash, plain, live)
	}
	text, err := Normalize(plain, h.MaxLength)
	if err != nil {
		return Result{}, err
	}
	p, err := ParsePHC(hash)
	if err != nil {
		return Result{}, err
	}
	key, err := h.derive(ctx, p, text)
	if err != nil {
		return Result{}, err
	}
	return Result{
		OK:     subtle.ConstantTimeCompare(key, p.Key) == 1,
		Rehash: p.Params != h.Params.withDefaults() || p.Pepper != h.pepperID(),
	}, nil
}

// derive runs argon2id in the pool.
func (h *Hasher) derive(ctx context.Context, p PHC, text string) (key []byte, err error) {
	secret, err := h.peppered(p.Pepper, text)
	if err != nil {
		return nil, err
	}
	q := p.Params
	err = h.pool().Do(ctx, q.memory(), func() error {
		key = argon2.IDKey(secret, p.Salt, q.Time, q.Memory, q.Parallelism, q.KeyLength)
		return nil
	})
	return key, err
}

func (h *Hasher) peppered(id, text string) ([]byte, error) {
	if id == "" {
		return []byte(text), nil
	}
	for _, p := range h.Peppers {
		if p.ID == id {
			mac := hmac.New(sha256.New, p.Key)
			mac.Write([]byte(text))
			return mac.Sum(nil), nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownPepper, id)
}

func (h *Hasher) pepperID() string {
	if len(h.Peppers) == 0 {
		return ""
	}
	return h.Peppers[0].ID
}

func (h *Hasher) pool() *Pool {
	if h.Pool != nil {
		return h.Pool
	}
	return &h.own
}
