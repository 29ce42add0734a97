// Package fault is the one table of what a person may be told when something
// is refused: code, HTTP status and texts. Any error that is not in it is
// shown as an internal one and logged.
//
//	return fault.New("form_param_missing", "email_address")
//
// Codes and statuses are those that Clerk's clients know.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

// An Error is what a person may see of a refusal. Two errors are the same to
// errors.Is if their codes are.
type Error struct {
	// Code is stable and meant for programs, such as form_password_incorrect.
	Code string
	// Message is short, LongMessage is for showing to a person.
	Message, LongMessage string
	// Param is the form field that is to blame, if one is.
	Param string
	// Meta is more data for programs.
	Meta map[string]any
	// RetryAfter is when to try again; 0 is not said.
	RetryAfter time.Duration
	// Err is the cause. It is logged and never shown.
	Err error
}

// New returns the error with the given code of the table and the field it
// speaks of, which may be empty. A code that the table lacks is an internal
// error.
func New(code, param string) *Error {
	e, ok := table[code]
	if !ok {
		return &Error{Code: Internal, Message: table[Internal].message, LongMessage: table[Internal].message,
			Err: fmt.Errorf("fault: no code %q", code)}
	}
	return &Error{Code: code, Message: e.message, LongMessage: e.longMessage(), Param: param}
}

// Wrap is New with a cause.
func Wrap(code, param string, cause error) *Error {
	e := New(code, param)
	e.Err = cause
	return e
}

// taken says what somebody else has, by the field that it came in.
var taken = map[string]string{
	"phone_number": "That phone number is taken. Please try another.",
	"username":     "That username is taken. Please try another.",
}

// Taken is the refusal of an identifier that somebody else has, in words that
// fit its field.
func Taken(param string) *Error {
	e := New("form_identifier_exists", param)
	if say, ok := taken[param]; ok {
		e = e.Say(say)
	}
	return e
}

// With returns e with one more piece of data for programs.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Meta = maps.Clone(e.Meta)
	if c.Meta == nil {
		c.Meta = map[string]any{}
	}
	c.Meta[key] = value
	return &c
}

// Say returns e with another text for people.
func (e *Error) Say(long string) *Error {
	c := *e
	c.LongMessage = long
	return &c
}

// After returns e with a time after which to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

func (e *Error) Error() string {
	s := e.Code
	if e.Param != "" {
		s += " (" + e.Param + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Status is the HTTP status of e.
func (e *Error) Status() int {
	if t, ok := table[e.Code]; ok {
		return t.status
	}
	return http.StatusInternalServerError
}

// List returns every refusal in err: one for most errors, several for joined
// ones, and the internal one for what the table does not know.
func List(err error) []*Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		return []*Error{e}
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*Error
		for _, sub := range j.Unwrap() {
			for _, e := range List(sub) {
				// A cause beside its refusal says nothing new.
				if e.Code != Internal || len(j.Unwrap()) == 1 {
					out = append(out, e)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return []*Error{From(err)}
}

// From returns what a person may see of err.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if fields := httpx.AsFieldErrors(err); len(fields) > 0 {
		return fromField(fields[0])
	}
	for _, m := range known {
		if e := m(err); e != nil {
			return e
		}
	}
	return Wrap(Internal, "", err)
}

// fromField takes over a refusal of the HTTP layer with its own words.
func fromField(f *httpx.FieldError) *Error {
	e := New(f.Code, f.Param)
	if e.Code == f.Code {
		e.LongMessage = f.Message
	}
	return e
}

// Codes returns every code of the table, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(table)) }
