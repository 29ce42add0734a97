package auth

import "github.com/usherauth/usher/auth/internal/fault"

// An Error is a refusal that a person may be told of: a stable Code, texts, and
// the form field to blame. Errors of all methods of this package can be looked
// at as one:
//
//	if e, ok := errors.AsType[*auth.Error](err); ok && e.Code == "form_password_pwned" {
//		…
//	}
//
// Two are the same to errors.Is if their codes are. The field Err is the cause,
// for logs.
type Error = fault.Error

// NewError returns the refusal with one of the codes of [ErrorCodes], for rules
// and handlers of the host. param may be empty.
func NewError(code, param string) *Error { return fault.New(code, param) }

// ErrorCodes lists every code that an [Error] can have, sorted.
func ErrorCodes() []string { return fault.Codes() }

var errSignedOut = fault.New("authentication_invalid", "")
