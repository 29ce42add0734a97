package httpx

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
)

type traceKey struct{}

// NewTraceID returns 128 random bits in hex. It names one request in logs and
// in error answers; it is never taken from the client.
func NewTraceID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// TraceID returns the trace ID of a request that came through [Recover], or
// an empty string.
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

const (
	maxLogged = 1 << 10  // bytes of one value in a log line
	maxStack  = 16 << 10 // bytes of a stack in a log line
)

// Recover gives every request a trace ID and contains panics. A panic is
// logged with the trace ID, the path (never the query) and the stack. If
// nothing was written yet, the headers that next had set are dropped, cookies
// included, and render answers; else the connection is cut, so that the client
// cannot take a torn answer for a whole one. render must tell nothing but the
// trace ID. A nil log is silent.
func Recover(next http.Handler, log *slog.Logger, render func(w http.ResponseWriter, r *http.Request, traceID string)) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := TraceID(r.Context())
		if id == "" {
			id = NewTraceID()
			r = r.WithContext(context.WithValue(r.Context(), traceKey{}, id))
		}
		before := w.Header().Clone()
		tw := &tracked{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			log.ErrorContext(r.Context(), "panic in handler", "trace_id", id,
				"method", Clean(r.Method, 16), "path", Clean(r.URL.Path, maxLogged),
				"panic", Clean(panicText(v), maxLogged), "stack", cut(string(debug.Stack()), maxStack))
			if tw.wrote {
				panic(http.ErrAbortHandler)
			}
			clear(w.Header())
			maps.Copy(w.Header(), before)
			lastResort(tw, r, id, render)
		}()
		next.ServeHTTP(tw, r)
	})
}

// lastResort calls render, and answers plainly should that panic as well.
func lastResort(tw *tracked, r *http.Request, id string, render func(http.ResponseWriter, *http.Request, string)) {
	defer func() {
		if recover() == nil {
			return
		}
		if tw.wrote {
			panic(http.ErrAbortHandler)
		}
		http.Error(tw, "internal error, trace "+id, http.StatusInternalServerError)
	}()
	render(tw, r, id)
}

// panicText prints a panic's value; a value whose own printing panics is
// caught by fmt.
func panicText(v any) string { return fmt.Sprint(v) }

func cut(s string, max int) string {
	if len(s) > max {
		return s[:max]
	}
	return s
}

// tracked knows whether the answer has begun. Flushing, hijacking and
// deadlines reach the real writer through Unwrap.
type tracked struct {
	http.ResponseWriter
	wrote bool
}

func (t *tracked) WriteHeader(status int) {
	t.wrote = t.wrote || status >= 200
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(b []byte) (int, error) {
	t.wrote = true
	return t.ResponseWriter.Write(b)
}

// FlushError begins the answer, too.
func (t *tracked) FlushError() error {
	t.wrote = true
	return http.NewResponseController(t.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }
