package password

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// A Verifier knows the stored hashes of one foreign format, so that imported
// accounts can sign in. It is data: a new format is a new value in
// [Hasher.Verifiers].
type Verifier struct {
	// Name of the format, for logs.
	Name string
	// Matches reports whether hash is of the format, by its shape alone.
	Matches func(hash string) bool
	// Memory that one check of hash allocates, in bytes. nil: next to nothing.
	Memory func(hash string) int64
	// Verify compares. It runs in a slot of the pool and must bound its work
	// by the parameters it reads from hash: [ErrParams]. A hash it cannot
	// read is [ErrMalformed]; a password that the format cannot tell from
	// others is [ErrTooLongForHash].
	Verify func(ctx context.Context, hash, plain string) (bool, error)
}

// verifyForeign tries the password as it was typed, as the system that made
// the hash saw it, and then normalised. The result always asks for a rehash.
func (h *Hasher) verifyForeign(ctx context.Context, hash, plain string) (Result, error) {
	v, err := h.verifier(hash)
	if err != nil {
		return Result{}, err
	}
	try := []string{plain}
	if text, err := Normalize(plain, h.MaxLength); err == nil && text != plain {
		try = append(try, text)
	}
	var memory int64
	if v.Memory != nil {
		memory = v.Memory(hash)
	}
	res := Result{Rehash: true}
	err = h.pool().Do(ctx, memory, func() error {
		for _, text := range try {
			ok, err := v.Verify(ctx, hash, text)
			if err != nil || ok {
				res.OK = ok && err == nil
				return err
			}
		}
		return nil
	})
	return res, err
}

func (h *Hasher) verifier(hash string) (Verifier, error) {
	if len(hash) > maxHash {
		return Verifier{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(hash))
	}
	h.once.Do(func() {
		if h.made = h.Verifiers; h.made == nil {
			h.made = []Verifier{Bcrypt()}
		}
	})
	for _, v := range h.made {
		if v.Matches(hash) {
			return v, nil
		}
	}
	return Verifier{}, ErrUnknownFormat
}

const (
	bcryptMaxBytes = 72
	bcryptMaxCost  = 15 // two seconds of a core
)

// Bcrypt verifies "$2a$", "$2b$" and "$2y$" hashes up to cost 15. Passwords of
// more than 72 bytes are [ErrTooLongForHash] before any work: bcrypt would
// ignore the rest. Passwords with NUL never match: bcrypt repeats the password
// with a NUL behind it, so "ab" and "ab\x00ab" would be one.
func Bcrypt() Verifier {
	shape := regexp.MustCompile(`^\$2[aby]\$[0-3][0-9]\$[./A-Za-z0-9]{53}$`)
	return Verifier{
		Name:    "bcrypt",
		Matches: func(hash string) bool { return shape.MatchString(hash) },
		Verify: func(_ context.Context, hash, plain string) (bool, error) {
			if len(plain) > bcryptMaxBytes {
				return false, ErrTooLongForHash
			}
			cost, err := bcrypt.Cost([]byte(hash))
			if err != nil {
				return false, fmt.Errorf("%w: %w", ErrMalformed, err)
			}
			if cost > bcryptMaxCost {
				return false, fmt.Errorf("%w: bcrypt cost %d", ErrParams, cost)
			}
			if strings.IndexByte(plain, 0) >= 0 {
				plain = strings.Repeat("\xff", bcryptMaxBytes+1) // the same work, and then no
			}
			err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(plain))
			if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
				return false, nil
			}
			return err == nil && len(plain) <= bcryptMaxBytes, err
		},
	}
}
