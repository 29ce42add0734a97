package auth

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
)

// An Error is a refusal that a person may be told of: a stable Code, texts, and
// the form field to blame. Errors of all methods of this package that
// speak of a person's doing can be looked at as one:
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

// refusal makes an *Error of what a person may be told, with err as its cause,
// and leaves anything else as it is.
func refusal(err error) error {
	list := fault.List(err)
	switch {
	case len(list) == 0:
		return nil
	case len(list) == 1 && list[0].Code == fault.Internal:
		return err
	case len(list) == 1:
		return list[0]
	}
	all := make([]error, len(list))
	for i, e := range list {
		all[i] = e
	}
	return errors.Join(all...)
}

// told is refusal for calls that return something.
func told[T any](v T, err error) (T, error) { return v, refusal(err) }
