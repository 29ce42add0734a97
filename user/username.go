package user

import (
	"fmt"
	"slices"
	"strings"
)

// UsernameRules say what usernames are like. The zero value are the rules of
// an instance that says nothing else: 4 to 64 Latin letters, digits,
// underscores and hyphens, not digits alone, no name that is reserved.
type UsernameRules struct {
	// MinLength and MaxLength count characters; 0 is 4 and 64.
	MinLength, MaxLength int
	// Extended allows the characters of [UsernameSpecial] as well.
	Extended bool
	// Numeric allows names of digits alone.
	Numeric bool
	// Reserved are names that nobody may have, besides [ReservedUsernames].
	Reserved []string
	// ByHost: the host gives the name, and reserved ones are its to give.
	ByHost bool
}

const (
	minUsername = 4
	maxUsername = 64
	// UsernameSpecial are the characters that [UsernameRules.Extended] allows.
	UsernameSpecial = "^$!.`#+~"
)

// ReservedUsernames are names that people would take for the application's own
// voice, or that stand for something on the wire or in paths. They are compared
// without case and without what stands between letters.
var ReservedUsernames = []string{
	"abuse", "account", "accounts", "admin", "administration", "administrator", "anonymous", "api", "auth", "billing",
	"contact", "daemon", "everyone", "guest", "help", "helpdesk", "hostmaster", "login", "logout", "mailerdaemon", "moderator", "nobody",
	"noreply", "null", "official", "operator", "owner", "postmaster", "register", "root", "security", "service",
	"settings", "signin", "signout", "signup", "staff", "superuser", "support", "sysadmin", "system", "team", "undefined", "usher",
	"verified", "webmaster",
}

// A UsernameLengthError says how long usernames are. It is
// [ErrInvalidUsername].
type UsernameLengthError struct{ Min, Max int }

func (e *UsernameLengthError) Error() string {
	return fmt.Sprintf("user: a username has %d to %d characters", e.Min, e.Max)
}

// Is makes errors.Is(err, ErrInvalidUsername) hold.
func (e *UsernameLengthError) Is(target error) bool { return target == ErrInvalidUsername }

// Check returns an error that is ErrInvalidUsername unless name keeps to r.
// Names are ASCII, so that no two look alike that are not the same.
func (r UsernameRules) Check(name string) error {
	low, high := r.MinLength, r.MaxLength
	if low <= 0 {
		low = minUsername
	}
	if high <= 0 || high > maxUsername {
		high = maxUsername
	}
	if len(name) < low || len(name) > high {
		return &UsernameLengthError{Min: low, Max: high}
	}
	digits := 0
	for i, c := range name {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-':
		case r.Extended && strings.ContainsRune(UsernameSpecial, c) && (c != '+' || i > 0): // a + in front begins a phone number
		default:
			return ErrUsernameCharacter
		}
	}
	switch {
	case looksLikePhone(name):
		return ErrUsernamePhoneNumber
	case digits == len(name) && !r.Numeric:
		return ErrUsernameDigits
	case !r.ByHost && r.reserved(name):
		return ErrUsernameReserved
	}
	return nil
}

func (r UsernameRules) reserved(name string) bool {
	name = bare(name)
	return slices.Contains(ReservedUsernames, name) ||
		slices.ContainsFunc(r.Reserved, func(own string) bool { return bare(own) == name })
}

// bare is a name without case and without what stands between letters, so that
// ad_min is no way around.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-"+UsernameSpecial, r) {
			return -1
		}
		return r
	}, CanonicalUsername(name))
}

// phoneDigits is how many digits a text must have at least to be taken for a
// phone number that somebody signs in with.
const phoneDigits = 7

// looksLikePhone reports a text that has the digits of a phone number and
// nothing but what stands between them.
func looksLikePhone(s string) bool {
	digits := 0
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c != '-' && c != '.' && c != '+':
			return false
		}
	}
	return digits >= phoneDigits
}
