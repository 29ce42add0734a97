package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// is makes a row for a sentinel.
func is(sentinel error, code, param string) func(error) *Error {
	return func(err error) *Error {
		if !errors.Is(err, sentinel) {
			return nil
		}
		return Wrap(code, param, err)
	}
}

// indexParams names the form field behind a unique index of users.
var indexParams = map[string]string{"email": "email_address", "phone": "phone_number",
	"username": "username", "external_id": "external_id"}

// known maps the errors of the packages below to codes, first match first.
var known = slices.Concat(knownOrganizations, knownGeneral)

// knownGeneral are those that are about no organization.
var knownGeneral = []func(error) *Error{
	func(err error) *Error { // somebody else holds a unique value
		d, ok := errors.AsType[*store.DuplicateError](err)
		if !ok || d.Kind != user.Kind.Name {
			return nil
		}
		switch d.Index {
		case "passkey":
			return Wrap("identification_exists", "", err).Say("This passkey belongs to an account already.")
		case "external":
			return Wrap("oauth_identification_claimed", "", err)
		}
		e := Taken(indexParams[d.Index])
		e.Err = err
		return e
	},
	func(err error) *Error {
		b, ok := errors.AsType[*password.BusyError](err)
		if !ok {
			return nil
		}
		return Wrap("service_unavailable", "", err).After(max(b.RetryAfter, time.Second))
	},
	func(err error) *Error {
		p, ok := errors.AsType[*password.PolicyError](err)
		if !ok {
			return nil
		}
		return policyError(p)
	},
	func(err error) *Error {
		_, ok := errors.AsType[*user.LockedError](err)
		if !ok {
			return nil
		}
		return Wrap("user_locked", "", err)
	},
	is(password.ErrTooLarge, "form_password_size_in_bytes_exceeded", "password"),
	is(password.ErrTooLong, "form_password_length_too_long", "password"),
	is(password.ErrInvalidText, "form_password_validation_failed", "password"),
	is(password.ErrTooLongForHash, "password_too_long_needs_reset", "password"),
	is(user.ErrBanned, "user_banned", ""),
	is(user.ErrInvalidEmailAddress, "form_param_format_invalid", "email_address"),
	is(user.ErrInvalidPhoneNumber, "form_param_format_invalid", "phone_number"),
	func(err error) *Error {
		l, ok := errors.AsType[*user.UsernameLengthError](err)
		if !ok {
			return nil
		}
		return Wrap("form_username_invalid_length", "username", err).
			Say(fmt.Sprintf("Usernames must have %d to %d characters.", l.Min, l.Max))
	},
	is(user.ErrUsernameDigits, "form_username_needs_non_number_char", "username"),
	is(user.ErrUsernamePhoneNumber, "form_username_cannot_be_phone_number", "username"),
	func(err error) *Error { // as one that somebody has
		if !errors.Is(err, user.ErrUsernameReserved) {
			return nil
		}
		e := Taken("username")
		e.Err = err
		return e
	},
	is(user.ErrInvalidUsername, "form_username_invalid_character", "username"),
	is(user.ErrAlreadyAdded, "identification_exists", ""),
	is(user.ErrTooManyUnverified, "too_many_unverified_identifications", ""),
	is(user.ErrTooManyPasskeys, "passkey_quota_exceeded", ""),
	is(user.ErrTooManyExternalAccounts, "too_many_unverified_identifications", ""),
	is(user.ErrNotVerified, "form_verification_needed", ""),
	is(user.ErrLastIdentification, "identification_deletion_failed", ""),
	is(user.ErrNoPassword, "no_password_set", ""),
	is(user.ErrMetadata, "form_param_exceeds_allowed_size", "metadata"),
	is(user.ErrName, "form_param_format_invalid", "name"),
	is(user.ErrLocale, "form_param_format_invalid", "locale"),
	is(user.ErrOrder, "form_param_value_invalid", "order_by"),
	is(session.ErrOver, "invalid_action_for_session", ""),
	is(session.ErrClientSecret, "authentication_invalid", ""),
	is(session.ErrClientReused, "authentication_invalid", ""),
	is(store.ErrNotFound, "resource_not_found", ""),
	is(store.ErrConflict, "conflict", ""),
	is(store.ErrUnavailable, "service_unavailable", ""),
	is(context.Canceled, "service_unavailable", ""),
	is(context.DeadlineExceeded, "service_unavailable", ""),
}

// policyError tells what a password lacks, with the numbers of the policy.
func policyError(p *password.PolicyError) *Error {
	e := Wrap(p.Code, "password", p)
	switch p.Code {
	case password.CodeTooShort:
		e = e.Say(fmt.Sprintf("Passwords must be %d characters or more.", p.Limit))
	case password.CodeTooLong:
		e = e.Say(fmt.Sprintf("Passwords must be %d characters or less.", p.Limit))
	case password.CodeNotStrongEnough:
		list := make([]map[string]string, len(p.Suggestions))
		for i, s := range p.Suggestions {
			list[i] = map[string]string{"code": string(s.Code), "message": s.Message}
		}
		e = e.With("zxcvbn", map[string]any{"suggestions": list})
	}
	return e
}
