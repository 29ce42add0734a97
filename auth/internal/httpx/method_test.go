package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func TestMethod(t *testing.T) {
	tests := []struct {
		method, query, want, code string
	}{
		{"POST", "", "POST", ""},
		{"POST", "_method=PATCH", "PATCH", ""},
		{"POST", "a=1&_method=PUT", "PUT", ""},
		{"POST", "_method=DELETE&_clerk_session_id=sess_1", "DELETE", ""},
		{"POST", "_%6dethod=DELETE", "DELETE", ""},
		{"POST", "_method=POST", "POST", ""},
		{"PATCH", "_method=DELETE", "PATCH", ""},
		{"GET", "_method=DELETE", "GET", ""},
		{"HEAD", "_method=POST", "HEAD", ""},
		{"OPTIONS", "_method=DELETE", "OPTIONS", ""},
		{"POST", "method=DELETE", "POST", ""},
		{"POST", "_method=GET", "", httpx.CodeQueryValue},
		{"POST", "_method=delete", "", httpx.CodeQueryValue},
		{"POST", "_method=", "", httpx.CodeQueryValue},
		{"POST", "_method=TRACE", "", httpx.CodeQueryValue},
		{"POST", "_method=DELETE%0d%0a", "", httpx.CodeQueryValue},
		{"POST", "_method=PATCH&_method=DELETE", "", httpx.CodeQueryValue},
		{"POST", "_method=DELETE;x=1", "", httpx.CodeMalformed},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "/v1/me?"+tt.query, strings.NewReader("_method=DELETE"))
		r.Header.Set("Content-Type", urlencoded)
		r.Header.Set("X-HTTP-Method-Override", "DELETE")
		got, err := httpx.Method(r)
		if tt.code != "" {
			if all := httpx.AsFieldErrors(err); len(all) != 1 || all[0].Code != tt.code || all[0].Status != 400 {
				t.Errorf("%s ?%s: got %v", tt.method, tt.query, err)
			}
			continue
		}
		if got != tt.want || err != nil {
			t.Errorf("%s ?%s: got %s, %v", tt.method, tt.query, got, err)
		}
	}
}

func TestOverride(t *testing.T) {
	var method, path, raw string
	h := httpx.Override(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, path, raw = r.Method, r.URL.Path, r.URL.RawPath
	}), func(w http.ResponseWriter, r *http.Request, err error) { w.WriteHeader(400) })
	tests := []struct{ target, method, path, raw string }{
		{"/v1/me", "POST", "/v1/me", ""},
		{"/v1/me/email_addresses/", "POST", "/v1/me/email_addresses", ""},
		{"/v1/me/?_method=PATCH", "PATCH", "/v1/me", ""},
		{"/", "POST", "/", ""},
		{"/v1/me//", "POST", "/v1/me//", ""},
		{"/v1/a%2Fb/", "POST", "/v1/a/b", "/v1/a%2Fb"},
		{"/v1/a%2F", "POST", "/v1/a/", "/v1/a%2F"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("POST", tt.target, nil)
		url := r.URL.String()
		h.ServeHTTP(httptest.NewRecorder(), r)
		if method != tt.method || path != tt.path || raw != tt.raw {
			t.Errorf("%s: got %s %s (%s)", tt.target, method, path, raw)
		}
		if r.Method != "POST" || r.URL.String() != url {
			t.Errorf("%s: the caller's request was changed", tt.target)
		}
	}
	method = ""
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/me?_method=CONNECT", nil))
	if w.Code != 400 || method != "" {
		t.Errorf("got %d, next saw %q", w.Code, method)
	}
}
