package oauth

import (
	"fmt"
	"net/http"
	"strings"
)

// A Stage is how far a flow got.
type Stage string

// The stages of a flow, in their order.
const (
	StageDiscovery Stage = "discovery" // where the provider's endpoints are
	StageAnswer    Stage = "answer"    // what the browser came back with
	StageExchange  Stage = "exchange"  // the code for tokens
	StageIDToken   Stage = "id_token"
	StageProfile   Stage = "profile"
	StageRefresh   Stage = "refresh"
	StageRevoke    Stage = "revoke"
	StagePicture   Stage = "picture"
)

// The codes of calls that need no second try, and of those that may do.
const (
	Refused     = "refused"
	Unavailable = "unavailable"
)

// An Error says where a flow failed. Its text is for logs: it holds no token,
// no code and nothing that the provider wrote but a short code.
type Error struct {
	Stage Stage
	// Code is the provider's error code, such as access_denied, or usher's own.
	Code string
	Err  error
}

func (e *Error) Error() string {
	cause := fmt.Sprint(e.Err)
	if len(cause) > 200 { // some hold the whole answer
		cause = strings.ToValidUTF8(cause[:200], "") + "…"
	}
	return fmt.Sprintf("oauth: %s: %s: %s", e.Stage, e.Code, cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Denied reports whether the person, or the provider for them, said no.
func (e *Error) Denied() bool {
	switch e.Code {
	case "access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_cancelled_authorization":
		return e.Stage == StageAnswer
	}
	return false
}

// outcome is the failure of a call that nothing hangs on, by the status of the
// answer; nil: it went well.
func outcome(stage Stage, status int) error {
	code := Refused
	switch {
	case status >= 200 && status <= 299:
		return nil
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		code = Unavailable
	}
	return fail(stage, code, fmt.Errorf("the provider answered %d", status))
}

func fail(stage Stage, code string, err error) error {
	return &Error{Stage: stage, Code: code, Err: err}
}

// shortCode is a provider's error code if it looks like one.
func shortCode(s string) string {
	if s == "" || len(s) > 64 {
		return "unknown"
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return "unknown"
		}
	}
	return s
}
