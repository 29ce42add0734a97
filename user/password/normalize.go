package password

import (
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

const (
	// MaxBytes is the most bytes of a password as typed: 4 KiB. It is checked
	// before anything else looks at the text.
	MaxBytes = 4 << 10
	// DefaultMaxLength is the most code points of a password unless configured.
	DefaultMaxLength = 256
)

// Normalize returns plain in the OpaqueString profile of RFC 8265 (spaces to
// U+0020, NFC, case kept, not trimmed). Bounds come first: [ErrTooLarge] past
// [MaxBytes], [ErrTooLong] past maxLength code points (0 is
// [DefaultMaxLength]), then [ErrInvalidText].
func Normalize(plain string, maxLength int) (string, error) {
	if err := checkSize(plain, maxLength); err != nil {
		return "", err
	}
	if !utf8.ValidString(plain) {
		return "", ErrInvalidText
	}
	if simpleASCII(plain) {
		return plain, nil // its own OpaqueString
	}
	// The error of precis is dropped: it would quote from the password.
	s, err := precis.OpaqueString.String(plain)
	if err != nil {
		return "", ErrInvalidText
	}
	return s, nil
}

func checkSize(plain string, maxLength int) error {
	if len(plain) > MaxBytes {
		return fmt.Errorf("%w: %d, at most %d", ErrTooLarge, len(plain), MaxBytes)
	}
	if maxLength <= 0 {
		maxLength = DefaultMaxLength
	}
	if n := utf8.RuneCountInString(plain); n > maxLength {
		return fmt.Errorf("%w: %d, at most %d", ErrTooLong, n, maxLength)
	}
	return nil
}

// simpleASCII reports whether s is not empty and all printable ASCII.
func simpleASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s != ""
}
