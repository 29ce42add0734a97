package httpx

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Codes of the errors that this package makes, as the API spells them.
const (
	CodeMissing         = "form_param_missing"
	CodeNil             = "form_param_nil"
	CodeUnknown         = "form_param_unknown"
	CodeDuplicate       = "form_param_duplicate"
	CodeFormat          = "form_param_format_invalid"
	CodeType            = "form_param_type_invalid"
	CodeTooLarge        = "form_param_value_too_large"
	CodeArraySize       = "form_param_array_size_exceeded"
	CodeTime            = "form_param_invalid_time"
	CodeQueryMissing    = "missing_query_parameter"
	CodeQueryValue      = "invalid_query_parameter_value"
	CodeBodyTooLarge    = "request_body_too_large"
	CodeBodyInvalid     = "request_body_invalid"
	CodeContentType     = "unsupported_content_type"
	CodeMalformed       = "malformed_request_parameters"
	CodeOriginInvalid   = "origin_invalid"
	CodeOriginMultiple  = "multiple_origin_header_values_forbidden"
	CodeOriginConflict  = "origin_authorization_headers_conflict"
	CodeHostInvalid     = "host_invalid"
	CodeRedirectForeign = "redirect_url_domain_mismatch"
	CodeRedirectRefused = "prohibited_redirect_url"
)

const (
	maxParamName   = 64 // bytes of a field's name in an error
	maxFieldErrors = 32 // errors of one form

	unprocessable        = http.StatusUnprocessableEntity
	badRequest           = http.StatusBadRequest
	unsupportedMediaType = http.StatusUnsupportedMediaType
)

// A FieldError is a refused request or field of one. It never holds the value
// that was refused.
type FieldError struct {
	Code    string // one of the codes above, as the API spells it
	Param   string // the field at fault, cleaned and short; empty: the request
	Status  int    // HTTP status
	Message string // plain English, safe to show
}

// Error tells code, field and message.
func (e *FieldError) Error() string {
	if e.Param == "" {
		return e.Code + ": " + e.Message
	}
	return e.Code + " (" + e.Param + "): " + e.Message
}

// FieldErrors is everything that was wrong with one form, in the order in
// which it was asked for. It is never empty when returned as an error.
type FieldErrors []*FieldError

// Error joins the texts with newlines.
func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns each error, for errors.As.
func (e FieldErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, f := range e {
		out[i] = f
	}
	return out
}

// AsFieldErrors finds what is to be shown to the client in err: the errors of
// a form, or the single one of a request. It is nil when there is none.
func AsFieldErrors(err error) FieldErrors {
	if all, ok := errors.AsType[FieldErrors](err); ok {
		return all
	}
	if one, ok := errors.AsType[*FieldError](err); ok {
		return FieldErrors{one}
	}
	return nil
}

// fail makes a FieldError; param comes from the network and is cleaned.
func fail(status int, code, param, message string) *FieldError {
	return &FieldError{Code: code, Param: Clean(param, maxParamName), Status: status, Message: message}
}

// Clean returns s fit for a log line or an error: cut at max bytes on a rune's
// edge, with control characters, bidirectional overrides, other invisible
// format characters and bytes that are not UTF-8 replaced by U+FFFD.
func Clean(s string, max int) string {
	if len(s) > max {
		cut := max
		for cut > 0 && cut > max-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' {
			return utf8.RuneError
		}
		return r
	}, s)
}
