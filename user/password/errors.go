package password

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrBusy: the pool's queue is full. See [BusyError] for when to come back.
	ErrBusy = errors.New("password: too many passwords are being checked")
	// ErrTooLarge: the password has more than [MaxBytes] bytes as typed.
	ErrTooLarge = errors.New("password: too many bytes")
	// ErrTooLong: the password has more code points than allowed.
	ErrTooLong = errors.New("password: too many characters")
	// ErrInvalidText: not UTF-8, or a control or unassigned character, or
	// empty (RFC 8265, OpaqueString).
	ErrInvalidText = errors.New("password: characters that a password cannot have")
	// ErrTooLongForHash: the stored hash cannot tell passwords of this length
	// apart (bcrypt: over 72 bytes). The account needs a password reset.
	ErrTooLongForHash = errors.New("password: too long for the stored hash")
	// ErrMalformed: a stored hash, or a digest to import, is not of its format.
	ErrMalformed = errors.New("password: stored hash is malformed")
	// ErrUnknownFormat: there is no [Format] of that name, or for the stored hash.
	ErrUnknownFormat = errors.New("password: stored hash is of an unknown format")
	// ErrUnknownPepper: the stored hash names a pepper that is not configured.
	ErrUnknownPepper = errors.New("password: stored hash names an unknown pepper")
	// ErrParams: parameters outside the bounds stated at [Params], in a stored
	// hash or in the configuration.
	ErrParams = errors.New("password: parameters out of bounds")
	// ErrTooCostly: one hash asks for more memory than the pool's budget.
	ErrTooCostly = errors.New("password: hash asks for more memory than the pool has")
)

// A BusyError says that a hash was not started because too many wait already.
// It is [ErrBusy]; over HTTP it is 503 with Retry-After.
type BusyError struct {
	// RetryAfter is how long the queue needs at its present pace, in whole
	// seconds from 1 to 30.
	RetryAfter time.Duration
}

// Error names the wait.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%v, try again in %v", ErrBusy, e.RetryAfter)
}

// Unwrap returns ErrBusy.
func (e *BusyError) Unwrap() error { return ErrBusy }
