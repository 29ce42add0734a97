package wire

import (
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// Errors is the envelope of every refusal.
type Errors struct {
	Errors  []Error `json:"errors"`
	TraceID string  `json:"clerk_trace_id"`
	// Meta is more that came of the request; it is left out if there is nothing.
	Meta map[string]any `json:"meta,omitempty"`
}

// Error is one refusal. Message is short, LongMessage is for showing to a
// person.
type Error struct {
	Code        string         `json:"code"`
	Message     string         `json:"message"`
	LongMessage string         `json:"long_message"`
	Meta        map[string]any `json:"meta,omitempty"`
}

// Refusal returns what a person is told of err and the HTTP status. The cause
// is not in it.
func Refusal(err error, traceID string) (status int, body Errors) {
	body = Errors{Errors: []Error{}, TraceID: traceID}
	for i, f := range fault.List(err) {
		if i == 0 {
			status = f.Status()
		}
		body.Errors = append(body.Errors, refusal(f))
	}
	return status, body
}

func refusal(f *fault.Error) Error {
	meta := map[string]any{}
	for k, v := range f.Meta {
		meta[k] = v
	}
	if f.Param != "" {
		meta["param_name"] = f.Param
	}
	return Error{Code: f.Code, Message: f.Message, LongMessage: f.LongMessage, Meta: meta}
}

// WriteError answers r with the envelope of err, with Retry-After where it is
// known when to try again, and logs what only the operator is to know. add, if
// not nil, may add to the envelope.
func WriteError(w http.ResponseWriter, r *http.Request, err error, log *slog.Logger, add func(*Errors)) {
	trace := httpx.TraceID(r.Context())
	if trace == "" { // outside of httpx.Recover
		trace = httpx.NewTraceID()
	}
	status, body := Refusal(err, trace)
	if add != nil {
		add(&body)
	}
	httpx.NoStore(w.Header())
	if seconds := retryAfter(err, status); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	if code := body.Errors[0].Code; httpx.IsForeign(code) {
		httpx.LogForeign(log, r, code)
	}
	if status >= 500 && r.Context().Err() == nil {
		log.ErrorContext(r.Context(), "request failed", "trace_id", trace, "method", httpx.Clean(r.Method, 16),
			"path", httpx.Clean(r.URL.Path, 1024), "code", body.Errors[0].Code, "err", httpx.Clean(err.Error(), 1024))
	}
	if err := httpx.WriteJSON(w, status, body); err != nil { // it is made of texts only
		panic(err)
	}
}

// retryAfter is the longest wait that err asks for, in seconds. Whoever is
// told 503 comes back in a second at the earliest.
func retryAfter(err error, status int) int {
	var wait time.Duration
	for _, f := range fault.List(err) {
		wait = max(wait, f.RetryAfter)
	}
	if wait <= 0 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) {
		wait = time.Second
	}
	return int(math.Ceil(wait.Seconds()))
}
