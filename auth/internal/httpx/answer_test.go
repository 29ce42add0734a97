package httpx_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func TestAttack_S09_W16_W17_PageHeaders(t *testing.T) {
	h := http.Header{}
	httpx.Page{}.Set(h)
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'none'; frame-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"X-Frame-Options":              "DENY",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Cookie") {
		t.Error("Vary lacks Cookie")
	}

	n := httpx.NewNonce()
	if other := httpx.NewNonce(); n == other || len(n) < 22 {
		t.Errorf("nonces %q %q", n, other)
	}
	h = http.Header{}
	httpx.Page{
		Nonce: n, SelfScripts: true, SelfConnect: true, Forms: []string{"https://idp.test"}, Ancestors: []string{"https://portal.test"},
		Images:  []string{"https://img.test", "x; script-src *", "https://a.test, https://b.test", "'unsafe-inline'", "a b", "a\r\nX: y"},
		Scripts: []string{"https://cdn.test/npm/"}, TrustedTypes: true, Referrer: "same-origin", Opener: "same-origin-allow-popups",
	}.Set(h)
	want := "default-src 'none'; script-src 'self' 'nonce-" + n + "' https://cdn.test/npm/; style-src 'self' 'nonce-" + n + "'; " +
		"img-src 'self' data: https://img.test; font-src 'self'; connect-src 'self'; frame-src 'none'; " +
		"form-action 'self' https://idp.test; frame-ancestors https://portal.test; base-uri 'none'; require-trusted-types-for 'script'"
	if got := h.Get("Content-Security-Policy"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h.Get("X-Frame-Options") != "" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cross-Origin-Opener-Policy") != "same-origin-allow-popups" {
		t.Errorf("headers %v", h)
	}
	if got := (httpx.Page{Nonce: "x'; script-src *"}).Policy(); strings.Contains(got, "nonce") || strings.Contains(got, "*") {
		t.Errorf("a nonce broke out: %s", got)
	}
}

func TestAttack_S10_NoStore(t *testing.T) {
	h := http.Header{"Vary": {"Accept-Encoding, cookie"}}
	httpx.NoStore(h)
	httpx.NoStore(h)
	if got := strings.Join(h.Values("Vary"), ", "); got != "Accept-Encoding, cookie, Authorization, Origin" {
		t.Errorf("Vary %q", got)
	}
	if h.Get("Cache-Control") != "no-store" {
		t.Error("cacheable")
	}
	h = http.Header{"Vary": {"*"}}
	httpx.AddVary(h, "Origin")
	if len(h["Vary"]) != 1 {
		t.Errorf("Vary %v", h["Vary"])
	}

	// A public answer that sets a cookie is not public.
	w := httptest.NewRecorder()
	w.Header().Set("Set-Cookie", "a=b")
	httpx.WriteCached(w, httptest.NewRequest("GET", "/", nil), "text/css", []byte("x"), time.Hour)
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := httpx.WriteJSON(w, 422, map[string]string{"a": "<é>"}); err != nil {
		t.Fatal(err)
	}
	if ct := w.Header()["Content-Type"]; w.Code != 422 || len(ct) != 1 || ct[0] != "application/json" {
		t.Errorf("%d %q", w.Code, ct)
	}
	if w.Body.String() != "{\"a\":\"\\u003cé\\u003e\"}" || w.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) ||
		w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%q %v", w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	if err := httpx.WriteJSON(w, 200, func() {}); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("got %v, %q", err, w.Body)
	}
}

func TestWriteCached(t *testing.T) {
	get := func(method, match string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		if match != "" {
			r.Header.Set("If-None-Match", match)
		}
		w := httptest.NewRecorder()
		httpx.WriteCached(w, r, "application/json", []byte(`{"keys":[]}`), time.Minute)
		return w
	}
	w := get("GET", "")
	tag := w.Header().Get("ETag")
	if w.Code != 200 || tag == "" || w.Header().Get("Cache-Control") != "public, max-age=60" || w.Body.String() != `{"keys":[]}` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if w := get("GET", match); w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q", match, w.Code, w.Body)
		}
	}
	if w := get("GET", `"x"`); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
	if w := get("HEAD", ""); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "11" {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestFault_R30_PanicInHandler(t *testing.T) {
	var log bytes.Buffer
	render := func(w http.ResponseWriter, r *http.Request, id string) {
		if id != httpx.TraceID(r.Context()) {
			t.Error("two trace IDs")
		}
		httpx.WriteJSON(w, 500, map[string]string{"clerk_trace_id": id})
	}
	serve := func(t *testing.T, next http.HandlerFunc, render func(http.ResponseWriter, *http.Request, string)) *httptest.Server {
		log.Reset()
		s := httptest.NewUnstartedServer(httpx.Recover(next, slog.New(slog.NewJSONHandler(&log, nil)), render))
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		s.Start()
		t.Cleanup(s.Close)
		return s
	}
	t.Run("before the answer", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "__client=half-done")
			w.Header().Set("Content-Length", "99999")
			panic(fmt.Errorf("select * from usher_user: \x1b[31m%s", strings.Repeat("x", 5000)))
		}, render)
		res, err := http.Get(s.URL + "/v1/client?ticket=secret-ticket")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		body.ReadFrom(res.Body)
		s.Close()
		if res.StatusCode != 500 || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
		id := regexp.MustCompile(`^\{"clerk_trace_id":"([0-9a-f]{32})"\}$`).FindStringSubmatch(body.String())
		if id == nil || !strings.Contains(log.String(), id[1]) { // W20: the answer tells nothing else
			t.Errorf("answered %s", body.String())
		}
		if out := log.String(); !strings.Contains(out, "usher_user") || strings.Contains(out, "secret-ticket") ||
			strings.Contains(out, "\\u001b") || strings.Contains(out, strings.Repeat("x", 1100)) || !strings.Contains(out, "answer_test.go") {
			t.Errorf("logged %s", out)
		}
	})
	t.Run("in the middle of the answer", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`{"half":`))
			http.NewResponseController(w).Flush()
			panic("late")
		}, render)
		res, err := http.Get(s.URL)
		if err == nil {
			var body bytes.Buffer
			_, err = body.ReadFrom(res.Body)
			res.Body.Close()
		}
		if err == nil {
			t.Error("a torn answer looks whole")
		}
	})
	t.Run("in the renderer", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) { panic("first") },
			func(http.ResponseWriter, *http.Request, string) { panic("second") })
		res, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 500 {
			t.Errorf("got %d", res.StatusCode)
		}
	})
	t.Run("abort is passed on", func(t *testing.T) {
		s := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, render)
		if res, err := http.Get(s.URL); err == nil {
			res.Body.Close()
			t.Errorf("got %d", res.StatusCode)
		}
		s.Close()
		if log.Len() != 0 {
			t.Errorf("logged %s", log.String())
		}
	})
	t.Run("no panic", func(t *testing.T) {
		var id string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { id = httpx.TraceID(r.Context()); w.WriteHeader(204) }, render)
		r, _ := http.NewRequest("GET", s.URL, nil)
		r.Header.Set("X-Request-Id", "forged")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		s.Close()
		if res.StatusCode != 204 || len(id) != 32 || log.Len() != 0 {
			t.Errorf("%d %q %s", res.StatusCode, id, log.String())
		}
	})
}

func TestAttack_W09_Clean(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 😀":          "plain é 😀",
		"a\r\nINFO forged":   "a\uFFFD\uFFFDINFO forged",
		"\x1b[2J\x07":        "\uFFFD[2J\uFFFD",
		"a\u202eb\u200bc":    "a\uFFFDb\uFFFDc",
		"a\u2028b":           "a\uFFFDb",
		"\xff\xfe":           "\uFFFD",
		"0123456789abcdefgh": "0123456789abcdef",
		"012345678901234é":   "012345678901234",
		"01234567890123é":    "01234567890123é",
	} {
		if got := httpx.Clean(in, 16); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := httpx.Clean(strings.Repeat("\xbf", 100), 16); !utf8.ValidString(got) || len(got) > 48 {
		t.Errorf("got %q", got)
	}
}
