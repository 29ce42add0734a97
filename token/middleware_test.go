package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

func TestMiddleware(t *testing.T) {
	w := newWorld(t)
	w.v.Cookies = []string{"__session_abc", "__session"}
	good := w.mint(t)
	pending := claims(t)
	pending.Status = token.StatusPending
	waiting := w.mintOf(t, pending)
	odd := claims(t)
	odd.Status = "revoked"
	strange := w.mintOf(t, odd)
	expired := forge(t, w.key, head(w.key), body("iat", "1000", "nbf", "1000", "exp", "1060"))
	for _, c := range []struct {
		name    string
		headers []string // name, value, …
		want    error
		status  int
		code    string
	}{
		{"bearer", []string{"Authorization", "Bearer " + good}, nil, 200, ""},
		{"bearer in small letters", []string{"Authorization", "bearer   " + good}, nil, 200, ""},
		{"cookie", []string{"Cookie", "__session=" + good}, nil, 200, ""},
		{"first cookie name wins", []string{"Cookie", "__session=junk; __session_abc=" + good}, nil, 200, ""},
		{"second cookie name", []string{"Cookie", "__session_abc=junk; __session=" + good}, nil, 200, ""},
		{"duplicate cookies", []string{"Cookie", "__session=junk; __session=" + expired + "; __session=" + good}, nil, 200, ""},
		{"cookies in two headers", []string{"Cookie", "__session=junk", "Cookie", "__session=" + good}, nil, 200, ""},
		{"other scheme and cookie", []string{"Authorization", "Basic eDp5", "Cookie", "__session=" + good}, nil, 200, ""},
		{"nothing", nil, token.ErrNoToken, 401, "authentication_invalid"},
		{"empty cookie", []string{"Cookie", "__session="}, token.ErrNoToken, 401, "authentication_invalid"},
		{"other cookie", []string{"Cookie", "session=" + good}, token.ErrNoToken, 401, "authentication_invalid"},
		{"bad bearer, good cookie", []string{"Authorization", "Bearer x", "Cookie", "__session=" + good}, token.ErrMalformed, 401, "authentication_invalid"},
		{"empty bearer", []string{"Authorization", "Bearer", "Cookie", "__session=" + good}, token.ErrMalformed, 401, "authentication_invalid"},
		{"two headers", []string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good}, token.ErrMalformed, 401, "authentication_invalid"},
		{"no scheme", []string{"Authorization", good}, token.ErrNoToken, 401, "authentication_invalid"},
		{"expired", []string{"Authorization", "Bearer " + expired}, token.ErrExpired, 401, "token_expired"},
		{"expired among junk", []string{"Cookie", "__session=junk; __session=" + expired + "; __session=junk"}, token.ErrExpired, 401, "token_expired"},
		{"too many cookies", []string{"Cookie", strings.Repeat("__session=junk; ", 4) + "__session=" + good}, token.ErrMalformed, 401, "authentication_invalid"},
		{"pending", []string{"Authorization", "Bearer " + waiting}, token.ErrPending, 401, "session_pending"},
		{"unknown status", []string{"Authorization", "Bearer " + strange}, token.ErrPending, 401, "session_pending"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest("GET", "/", nil)
			for i := 0; i < len(c.headers); i += 2 {
				req.Header.Add(c.headers[i], c.headers[i+1])
			}
			seen := 0
			next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				seen++
				cl, ok := token.FromContext(r.Context())
				err := token.ErrorFromContext(r.Context())
				if ok != (c.want == nil) || ok && cl.SessionID == "" || !errors.Is(err, c.want) {
					t.Errorf("in the handler: %v, %v", cl, err)
				}
			})
			w.v.Middleware(next).ServeHTTP(httptest.NewRecorder(), req)
			if seen != 1 {
				t.Fatal("Middleware kept a request back")
			}
			rec := httptest.NewRecorder()
			w.v.Middleware(w.v.Require(next)).ServeHTTP(rec, req)
			if rec.Code != c.status || (seen == 2) != (c.status == 200) {
				t.Fatalf("Require: %d, handler called %d times", rec.Code, seen)
			}
			if c.status == 200 {
				return
			}
			var answer struct {
				Errors []struct{ Code, Message string }
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || len(answer.Errors) != 1 || answer.Errors[0].Code != c.code {
				t.Errorf("body %s", rec.Body)
			}
			h := rec.Header()
			if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("headers %v", h)
			}
			if strings.Contains(rec.Body.String(), "eyJ") {
				t.Error("the answer holds a token")
			}
		})
	}
}

func TestMiddlewarePending(t *testing.T) {
	w := newWorld(t)
	c := claims(t)
	c.Status = token.StatusPending
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Authorization", "Bearer "+w.mintOf(t, c))
	if got, err := w.v.FromRequest(req); !errors.Is(err, token.ErrPending) || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
	allow := &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: w.Now, AllowPending: true}
	if got, err := allow.FromRequest(req); err != nil || got.Active() {
		t.Errorf("AllowPending: %v, %v", got, err)
	}
	c.Status = "ended"
	req.Header.Set("Authorization", "Bearer "+w.mintOf(t, c))
	if _, err := allow.FromRequest(req); !errors.Is(err, token.ErrPending) {
		t.Errorf("AllowPending lets another status pass: %v", err)
	}
}

func TestRequireUnavailable(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	url := down.URL
	down.Close()
	v := &token.Verifier{Issuer: issuerURL, Keys: &token.Remote{URL: url, Timeout: time.Second}}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Authorization", "Bearer "+newWorld(t).mint(t))
	rec := httptest.NewRecorder()
	v.Require(http.NotFoundHandler()).ServeHTTP(rec, req)
	if rec.Code != 503 || rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), "keys_unavailable") {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if strings.Contains(rec.Body.String(), "127.0.0.1") {
		t.Error("the answer tells of the network")
	}
}

func TestFromContextOutside(t *testing.T) {
	if c, ok := token.FromContext(context.Background()); ok || c != nil || token.ErrorFromContext(context.Background()) != nil {
		t.Error("claims out of nothing")
	}
}

// TestMiddlewareOfTwoVerifiers: what one verifier found says nothing to another.
func TestMiddlewareOfTwoVerifiers(t *testing.T) {
	w := newWorld(t)
	other := &token.Verifier{Issuer: "https://other.example", Keys: w.iss, Now: w.Now}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Authorization", "Bearer "+w.mint(t))
	rec := httptest.NewRecorder()
	w.v.Middleware(other.Require(http.NotFoundHandler())).ServeHTTP(rec, req)
	if rec.Code != 401 {
		t.Errorf("status %d", rec.Code)
	}
}
