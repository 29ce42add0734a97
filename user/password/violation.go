package password

import (
	"errors"
	"fmt"
)

// Codes of a [PolicyError], as Clerk's clients know them.
const (
	CodeTooShort          = "form_password_length_too_short"
	CodeTooLong           = "form_password_length_too_long"
	CodeTooLarge          = "form_password_size_in_bytes_exceeded"
	CodeNoUpper           = "form_password_no_uppercase"
	CodeNoLower           = "form_password_no_lowercase"
	CodeNoNumber          = "form_password_no_number"
	CodeNoSpecial         = "form_password_no_special_char"
	CodeMatchesIdentifier = "form_password_matches_identifier"
	CodePwned             = "form_password_pwned"
	CodeNotStrongEnough   = "form_password_not_strong_enough"
	CodeInvalidText       = "form_password_validation_failed"
)

// ErrPolicy: a policy that no password can keep, or a password that breaks
// one; then it is a [*PolicyError].
var ErrPolicy = errors.New("password: against the policy")

func policyProblem(what string) error { return fmt.Errorf("%w: %s", ErrPolicy, what) }

// A PolicyError is one violation of a [Policy]. It is [ErrPolicy], and holds
// nothing of the password.
type PolicyError struct {
	// Code is one of the Code constants.
	Code string
	// Limit that was broken: characters, bytes or strength; 0 where there is none.
	Limit int
	// Warning and Suggestions say what makes the password weak and what would
	// help, with CodeNotStrongEnough.
	Warning     Suggestion
	Suggestions []Suggestion
}

// Error is the code.
func (e *PolicyError) Error() string { return "password: " + e.Code }

// Unwrap returns ErrPolicy.
func (e *PolicyError) Unwrap() error { return ErrPolicy }

// Violations lists all that is wrong in an error of [Checker.Check].
func Violations(err error) []*PolicyError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*PolicyError
		for _, e := range joined.Unwrap() {
			all = append(all, Violations(e)...)
		}
		return all
	}
	if p, ok := errors.AsType[*PolicyError](err); ok {
		return []*PolicyError{p}
	}
	return nil
}
