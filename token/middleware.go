package token

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// contextKey is the key of the answer in a request's context.
type contextKey struct{}

// answer is what the middleware found out.
type answer struct {
	claims *Claims
	err    error
	by     *Verifier
}

// FromContext returns the claims that [Verifier.Middleware] or
// [Verifier.Require] found. They are shared: do not change them.
func FromContext(ctx context.Context) (*Claims, bool) {
	a, ok := ctx.Value(contextKey{}).(*answer)
	if !ok || a.claims == nil {
		return nil, false
	}
	return a.claims, true
}

// ErrorFromContext returns why [FromContext] has no claims: [ErrNoToken] if
// the request had none, and nil if it has claims or met no middleware.
func ErrorFromContext(ctx context.Context) error {
	if a, ok := ctx.Value(contextKey{}).(*answer); ok {
		return a.err
	}
	return nil
}

// Middleware finds out who is asking: from "Authorization: Bearer", else from
// the cookies named in Cookies. A request without a good token goes on
// without claims; see [FromContext].
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, v.identify(r))
	})
}

// Require is [Verifier.Middleware] that lets nobody in without a good token.
// Others get 401, or 503 if the keys cannot be had, with a JSON body
// {"errors":[{"code":…,"message":…}]}.
func (v *Verifier) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = v.identify(r)
		if _, ok := FromContext(r.Context()); !ok {
			refuse(w, ErrorFromContext(r.Context()))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identify puts an answer into the request's context, once.
func (v *Verifier) identify(r *http.Request) *http.Request {
	if a, ok := r.Context().Value(contextKey{}).(*answer); ok && a.by == v {
		return r
	}
	a := &answer{by: v}
	a.claims, a.err = v.FromRequest(r)
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, a))
}

// maxCookies is how many cookies of one name are tried: pages on parent
// domains can set more of them, and one bad one must not sign anybody out.
const maxCookies = 4

// FromRequest verifies the token of a request as the middleware does. A bad
// bearer token is not made good by a cookie. Errors are [ErrNoToken],
// [ErrPending] for a session with open tasks, and those of [Verifier.Verify].
func (v *Verifier) FromRequest(r *http.Request) (*Claims, error) {
	if h := r.Header["Authorization"]; len(h) > 0 {
		if tok, ok := bearer(h[0]); ok {
			if len(h) > 1 {
				return nil, ErrMalformed
			}
			return v.usable(r.Context(), tok)
		}
	}
	err := error(ErrNoToken)
	for _, name := range v.Cookies {
		for i, c := range r.CookiesNamed(name) {
			if i == maxCookies {
				break
			}
			if c.Value == "" {
				continue
			}
			claims, bad := v.usable(r.Context(), c.Value)
			if bad == nil {
				return claims, nil
			}
			if errors.Is(err, ErrNoToken) || errors.Is(bad, ErrExpired) {
				err = bad // the most telling one
			}
		}
	}
	return nil, err
}

// usable verifies a token and turns pending sessions away.
func (v *Verifier) usable(ctx context.Context, tok string) (*Claims, error) {
	c, err := v.Verify(ctx, tok)
	if err != nil {
		return nil, err
	}
	if !c.Active() && !(v.AllowPending && c.Status == StatusPending) {
		return nil, ErrPending
	}
	return c, nil
}

// bearer cuts the scheme off (RFC 6750 section 2.1, RFC 9110 section 11.1).
func bearer(header string) (string, bool) {
	scheme, tok, _ := strings.Cut(header, " ")
	return strings.Trim(tok, " "), strings.EqualFold(scheme, "Bearer")
}

// refuse answers a request that cannot go on.
func refuse(w http.ResponseWriter, err error) {
	status, code, message := http.StatusUnauthorized, "authentication_invalid", "Sign in to continue."
	challenge := `Bearer error="invalid_token"`
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrConfig):
		status, code, message = http.StatusServiceUnavailable, "keys_unavailable", "Try again later."
		challenge = ""
	case errors.Is(err, ErrNoToken):
		challenge = "Bearer" // RFC 6750 3.1: no error code when there was no token
	case errors.Is(err, ErrExpired):
		code, message = "token_expired", "The session token has expired."
	case errors.Is(err, ErrPending):
		code, message = "session_pending", "The session has open tasks."
	}
	body, _ := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if challenge != "" {
		h.Set("WWW-Authenticate", challenge)
	} else {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
