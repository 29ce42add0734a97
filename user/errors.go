package user

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInvalidEmailAddress: the text is no e-mail address.
	ErrInvalidEmailAddress = errors.New("user: not an e-mail address")
	// ErrInvalidPhoneNumber: the text is no telephone number.
	ErrInvalidPhoneNumber = errors.New("user: not a phone number")
	// ErrInvalidUsername: the text is no username under the given rules. The
	// next four are kinds of it, and so is a *UsernameLengthError.
	ErrInvalidUsername = errors.New("user: not a valid username")
	// ErrUsernameCharacter: it has a character that usernames do not have.
	ErrUsernameCharacter = fmt.Errorf("%w: character not allowed", ErrInvalidUsername)
	// ErrUsernameDigits: it has nothing but digits.
	ErrUsernameDigits = fmt.Errorf("%w: only digits", ErrInvalidUsername)
	// ErrUsernamePhoneNumber: it looks like a phone number.
	ErrUsernamePhoneNumber = fmt.Errorf("%w: looks like a phone number", ErrInvalidUsername)
	// ErrUsernameReserved: nobody may call themselves that.
	ErrUsernameReserved = fmt.Errorf("%w: reserved", ErrInvalidUsername)
	// ErrAlreadyAdded: the user has this identifier already.
	ErrAlreadyAdded = errors.New("user: identifier added already")
	// ErrTooManyUnverified: verify or delete some addresses first.
	ErrTooManyUnverified = errors.New("user: too many unverified identifiers")
	// ErrTooManyPasskeys: the user has [MaxPasskeys].
	ErrTooManyPasskeys = errors.New("user: too many passkeys")
	// ErrTooManyExternalAccounts: the user has [MaxExternalAccounts].
	ErrTooManyExternalAccounts = errors.New("user: too many external accounts")
	// ErrNotVerified: only a verified identifier can do that.
	ErrNotVerified = errors.New("user: identifier not verified")
	// ErrLastIdentification: a user keeps at least one identifier.
	ErrLastIdentification = errors.New("user: last identifier cannot be deleted")
	// ErrBanned: the account is banned.
	ErrBanned = errors.New("user: banned")
	// ErrLocked is what a *LockedError is.
	ErrLocked = errors.New("user: locked")
	// ErrNoPassword: the user has no password.
	ErrNoPassword = errors.New("user: no password set")
	// ErrMetadata: metadata is no JSON object, too deep or over MaxMetadata.
	ErrMetadata = errors.New("user: metadata not acceptable")
	// ErrName: a name is too long or has characters that no name has.
	ErrName = errors.New("user: name not acceptable")
	// ErrLocale: a text has not the shape of a language tag.
	ErrLocale = errors.New("user: locale not acceptable")
)

// A LockedError says until when an account is locked. It is [ErrLocked].
type LockedError struct{ Until time.Time } // zero: until somebody unlocks it

func (e *LockedError) Error() string {
	if e.Until.IsZero() {
		return "user: locked"
	}
	return fmt.Sprintf("user: locked until %s", e.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) hold.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }
