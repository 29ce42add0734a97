package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func origins(t testing.TB, urls ...string) *httpx.Origins {
	t.Helper()
	o, err := httpx.NewOrigins(urls...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// refuse answers as the API layers will.
func refuse(w http.ResponseWriter, _ *http.Request, err error) {
	e := httpx.AsFieldErrors(err)[0]
	httpx.WriteJSON(w, e.Status, map[string]string{"code": e.Code})
}

func TestParseOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"https://app.test":            "https://app.test",
		"HTTPS://App.Test:443/path?q": "https://app.test",
		"http://app.test:80":          "http://app.test",
		"http://app.test:443":         "http://app.test:443",
		"https://app.test:8443/":      "https://app.test:8443",
		"https://app.test:":           "https://app.test",
		"http://127.0.0.1:4010":       "http://127.0.0.1:4010",
		"http://[::1]:4010":           "http://[::1]:4010",
		"http://[0:0::1]":             "http://[::1]",
		"chrome-extension://abcdef":   "chrome-extension://abcdef",
		"https://xn--bcher-kva.test":  "https://xn--bcher-kva.test",
	} {
		if got, err := httpx.ParseOrigin(raw); got != want || err != nil {
			t.Errorf("%s: got %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "null", "app.test", "/path", "//app.test", "https:", "https://", "https:app.test", "https:///x",
		"https://user@app.test", "https://u:p@app.test", "https://app.test.", "https://.app.test", "https://a..b",
		"https://bücher.test", "https://app.test:0", "https://app.test:65536", "https://app.test:0443",
		"https://app_test/\n", "file:///etc", "javascript://app.test/%0aalert(1)", "data:text/html,x", "blob:https://app.test/1",
		"http://127.1", "http://0x7f.1", "http://2130706433", "http://[fe80::1%25eth0]", "https://*.app.test",
		"https://app.test\\evil.test", "https://app test", "https://" + strings.Repeat("a.", 130) + "test",
	} {
		if got, err := httpx.ParseOrigin(raw); err == nil {
			t.Errorf("%q: accepted as %q", raw, got)
		}
	}
	if _, err := httpx.NewOrigins("https://app.test", "nope", "also nope"); err == nil ||
		!strings.Contains(err.Error(), `"nope"`) || !strings.Contains(err.Error(), `"also nope"`) {
		t.Errorf("got %v", err)
	}
}

func TestIsLoopback(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"} {
		if !httpx.IsLoopback(host) {
			t.Errorf("%s is loopback", host)
		}
	}
	for _, host := range []string{"", "0.0.0.0", "::", "localhost.", "localhost.evil.test", "notlocalhost", ".localhost", "10.0.0.1",
		"128.0.0.1", "127.0.0.1.nip.io", "127.1", "2130706433", "fe80::1", "::1%lo", "localhost:80", "example.com"} {
		if httpx.IsLoopback(host) {
			t.Errorf("%q is not loopback", host)
		}
	}
}

func TestAttack_S08_CORS(t *testing.T) {
	o := origins(t, "https://app.test", "https://admin.app.test:8443", "http://127.0.0.1:3000", "chrome-extension://abcdef")
	allowed := []string{"https://app.test", "https://admin.app.test:8443", "http://127.0.0.1:3000", "chrome-extension://abcdef"}
	foreign := []string{
		"https://evil.test", "null", "", "*", "https://app.test.evil.test", "https://evilapp.test", "https://evil-app.test",
		"https://sub.app.test", "https://app.test.", "https://app.test:443", "https://app.test:8443", "https://admin.app.test",
		"http://app.test", "https://APP.test", "HTTPS://app.test", "https://app.test/", "https://app.test/path", "https://app.test?x",
		"https://user@app.test", "https://app.test@evil.test", "https://app.test#@evil.test", "https://app.test%00.evil.test",
		"https://app.test\t", " https://app.test", "https://app.test https://evil.test", "https://app.test,https://evil.test",
		"https://app_test", "https://xn--app-test", "file://", "http://localhost:3000", "http://127.0.0.1", "http://127.0.0.1:3001",
		"https://127.0.0.1:3000", "http://[::1]:3000", "chrome-extension://abcdeg", "https://аpp.test",
	}
	called := false
	h := o.CORS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { called = true }), refuse)
	send := func(method, origin string) *http.Response {
		called = false
		r := httptest.NewRequest(method, "https://app.test/v1/client", nil)
		r.Header["Origin"] = []string{origin}
		if method == "OPTIONS" {
			r.Header.Set("Access-Control-Request-Method", "POST")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for _, method := range []string{"GET", "POST", "OPTIONS", "DELETE"} {
		for _, origin := range allowed {
			res := send(method, origin)
			if got := res.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != origin {
				t.Errorf("%s %s: allowed origin %q", method, origin, got)
			}
			if res.Header.Get("Access-Control-Allow-Credentials") != "true" || !varies(res, "Origin") ||
				res.Header.Get("Access-Control-Expose-Headers") != "Authorization, X-Country, Clerk-Db-Jwt" {
				t.Errorf("%s %s: headers %v", method, origin, res.Header)
			}
			if method == "OPTIONS" && (res.StatusCode != 204 || called || res.Header.Get("Access-Control-Allow-Methods") == "") {
				t.Errorf("preflight: %d %v", res.StatusCode, res.Header)
			}
			if method != "OPTIONS" && !called {
				t.Errorf("%s %s: not handled", method, origin)
			}
		}
		for _, origin := range foreign {
			res := send(method, origin)
			if res.StatusCode != 400 || called || !varies(res, "Origin") {
				t.Errorf("%s %q: %d, handled %v, %v", method, origin, res.StatusCode, called, res.Header)
			}
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %q: %s on a refusal", method, origin, name)
				}
			}
		}
	}
}

func varies(res *http.Response, name string) bool {
	return strings.Contains(strings.Join(res.Header.Values("Vary"), ","), name)
}

func TestAttack_S06_CSRF(t *testing.T) {
	o := origins(t, "https://app.test")
	type hdr map[string][]string
	tests := []struct {
		name, method string
		header       hdr
		code         string // "" passes
	}{
		{"own form", "POST", hdr{"Origin": {"https://app.test"}, "Sec-Fetch-Site": {"same-origin"}}, ""},
		{"same site, listed", "POST", hdr{"Origin": {"https://app.test"}, "Sec-Fetch-Site": {"same-site"}}, ""},
		{"foreign form", "POST", hdr{"Origin": {"https://evil.test"}, "Sec-Fetch-Site": {"cross-site"}}, httpx.CodeOriginInvalid},
		{"foreign form, old browser", "POST", hdr{"Origin": {"https://evil.test"}}, httpx.CodeOriginInvalid},
		{"foreign fetch with real verb", "DELETE", hdr{"Origin": {"https://evil.test"}}, httpx.CodeOriginInvalid},
		{"PATCH", "PATCH", hdr{"Origin": {"https://evil.test"}}, httpx.CodeOriginInvalid},
		{"PUT", "PUT", hdr{"Origin": {"https://evil.test"}}, httpx.CodeOriginInvalid},
		{"unheard-of verb", "FROB", hdr{"Sec-Fetch-Site": {"cross-site"}}, httpx.CodeOriginInvalid},
		{"sandboxed frame", "POST", hdr{"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}, httpx.CodeOriginInvalid},
		{"null alone", "POST", hdr{"Origin": {"null"}}, httpx.CodeOriginInvalid},
		{"null that says same-origin", "POST", hdr{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}, httpx.CodeOriginInvalid},
		{"empty Origin", "POST", hdr{"Origin": {""}}, httpx.CodeOriginInvalid},
		{"two Origins", "POST", hdr{"Origin": {"https://app.test", "https://evil.test"}}, httpx.CodeOriginMultiple},
		{"two good Origins", "POST", hdr{"Origin": {"https://app.test", "https://app.test"}}, httpx.CodeOriginMultiple},
		{"subdomain", "POST", hdr{"Origin": {"https://evil.app.test"}, "Sec-Fetch-Site": {"same-site"}}, httpx.CodeOriginInvalid},
		{"http of the same host", "POST", hdr{"Origin": {"http://app.test"}}, httpx.CodeOriginInvalid},
		{"another port", "POST", hdr{"Origin": {"https://app.test:444"}}, httpx.CodeOriginInvalid},
		{"no Origin, cross-site", "POST", hdr{"Sec-Fetch-Site": {"cross-site"}}, httpx.CodeOriginInvalid},
		{"no Origin, same-site", "POST", hdr{"Sec-Fetch-Site": {"same-site"}}, httpx.CodeOriginInvalid},
		{"no Origin, same-origin", "POST", hdr{"Sec-Fetch-Site": {"same-origin"}}, ""},
		{"no Origin, typed in", "POST", hdr{"Sec-Fetch-Site": {"none"}}, ""},
		{"no Origin, nonsense site", "POST", hdr{"Sec-Fetch-Site": {"Same-Origin"}}, httpx.CodeOriginInvalid},
		{"no Origin, two sites", "POST", hdr{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, httpx.CodeOriginInvalid},
		{"old browser, own page", "POST", hdr{"Referer": {"https://app.test/page?x=1"}}, ""},
		{"old browser, foreign page", "POST", hdr{"Referer": {"https://evil.test/app.test"}}, httpx.CodeOriginInvalid},
		{"old browser, look-alike page", "POST", hdr{"Referer": {"https://app.test.evil.test/"}}, httpx.CodeOriginInvalid},
		{"old browser, data page", "POST", hdr{"Referer": {"data:text/html,x"}}, httpx.CodeOriginInvalid},
		{"no browser", "POST", nil, ""},
		{"simple content type", "POST", hdr{"Origin": {"https://evil.test"}, "Content-Type": {"text/plain"}}, httpx.CodeOriginInvalid},
		{"beacon", "POST", hdr{"Origin": {"https://evil.test"}, "Content-Type": {"application/json"}, "Sec-Fetch-Mode": {"no-cors"}}, httpx.CodeOriginInvalid},
		{"forwarded host does not count", "POST", hdr{"Origin": {"https://evil.test"}, "X-Forwarded-Host": {"evil.test"}}, httpx.CodeOriginInvalid},
		{"method override header", "GET", hdr{"X-Http-Method-Override": {"DELETE"}}, ""}, // stays a GET
		{"top-level GET", "GET", hdr{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}, ""},
		{"foreign fetch by GET", "GET", hdr{"Origin": {"https://evil.test"}}, httpx.CodeOriginInvalid},
		{"HEAD", "HEAD", hdr{"Referer": {"https://evil.test"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "https://app.test/v1/client?_method=DELETE", nil)
			for k, v := range tt.header {
				r.Header[k] = v
			}
			err := o.Check(r)
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantErr(t, err, tt.code, 400, "")
		})
	}
	t.Run("override makes no GET unsafe and hides no POST", func(t *testing.T) {
		seen := ""
		h := o.CORS(httpx.Override(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Method }), refuse), refuse)
		for method, want := range map[string]string{"GET": "GET", "POST": ""} {
			seen = ""
			r := httptest.NewRequest(method, "/v1/me?_method=DELETE", nil)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			h.ServeHTTP(httptest.NewRecorder(), r)
			if seen != want {
				t.Errorf("%s became %q", method, seen)
			}
		}
	})
}

// Loopback mode: no URL configured.
func TestAttack_S06_LoopbackMode(t *testing.T) {
	for _, o := range []*httpx.Origins{nil, {}, origins(t)} {
		tests := []struct {
			host, origin, code string
		}{
			{"127.0.0.1:4010", "http://127.0.0.1:4010", ""},
			{"localhost:4010", "http://localhost:4010", ""},
			{"app.localhost:4010", "https://app.localhost:4010", ""},
			{"[::1]:4010", "http://[::1]:4010", ""},
			{"localhost", "http://localhost", ""},
			{"localhost:80", "http://localhost", ""},
			{"127.0.0.1:4010", "http://127.0.0.1:5173", httpx.CodeOriginInvalid},
			{"127.0.0.1:4010", "http://localhost:4010", httpx.CodeOriginInvalid},
			{"127.0.0.1:4010", "https://evil.test", httpx.CodeOriginInvalid},
			{"127.0.0.1:4010", "null", httpx.CodeOriginInvalid},
			{"127.0.0.1:4010", "chrome-extension://127.0.0.1:4010", httpx.CodeOriginInvalid},
			{"127.0.0.1:4010", "http://127.0.0.1:4010/", httpx.CodeOriginInvalid},
			{"evil.test:4010", "http://evil.test:4010", httpx.CodeHostInvalid}, // DNS rebinding
			{"192.168.1.5:4010", "http://192.168.1.5:4010", httpx.CodeHostInvalid},
			{"127.0.0.1.evil.test", "http://127.0.0.1.evil.test", httpx.CodeHostInvalid},
			{"evil.test@127.0.0.1", "http://127.0.0.1", httpx.CodeHostInvalid},
			{"127.0.0.1/evil.test", "http://127.0.0.1", httpx.CodeHostInvalid},
		}
		for _, tt := range tests {
			r := httptest.NewRequest("POST", "/v1/client", nil)
			r.Host = tt.host
			r.Header.Set("Origin", tt.origin)
			err := o.Check(r)
			if tt.code == "" && err != nil {
				t.Errorf("%s at %s: %v", tt.origin, tt.host, err)
			}
			if tt.code != "" {
				wantErr(t, err, tt.code, 400, "")
			}
			if o.Allowed(tt.origin) {
				t.Error("Allowed without a request")
			}
		}
	}
}

func TestAttack_S06_Pages(t *testing.T) {
	tests := []struct {
		name   string
		o      *httpx.Origins
		host   string
		header map[string]string
		ok     bool
	}{
		{"own form", origins(t, "https://app.test"), "app.test", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://app.test"}, true},
		{"own form without referrer", origins(t, "https://app.test"), "app.test", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, true},
		{"own form behind a proxy that renames the host", origins(t, "https://app.test"), "10.0.0.5:80", map[string]string{"Origin": "https://app.test"}, true},
		{"foreign form", origins(t, "https://app.test"), "app.test", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, false},
		{"sandboxed frame", origins(t, "https://app.test"), "app.test", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, false},
		{"null in an old browser", origins(t, "https://app.test"), "app.test", map[string]string{"Origin": "null"}, false},
		{"sibling", origins(t, "https://app.test"), "app.test", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.app.test"}, false},
		{"loopback", nil, "127.0.0.1:4010", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"loopback after rebinding", nil, "evil.test", map[string]string{"Sec-Fetch-Site": "same-origin"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			h := tt.o.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }), refuse)
			r := httptest.NewRequest("POST", "/auth/sign-in", nil)
			r.Host = tt.host
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if called != tt.ok || !tt.ok && w.Code != 400 {
				t.Errorf("handled %v, status %d", called, w.Code)
			}
		})
	}
}

func TestAttack_L11_Host(t *testing.T) {
	o := origins(t, "https://app.test", "http://other.test:8080")
	for _, host := range []string{"app.test", "APP.test", "app.test:443", "other.test:8080"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if err := o.CheckHost(r); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"", "evil.test", "app.test.evil.test", "app.test:8443", "evil.test@app.test", "app.test.", "app.test/evil",
		"app.test#", "localhost", "127.0.0.1", "app.test\r\nX: y", "other.test", "sub.app.test"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "app.test")
		wantErr(t, o.CheckHost(r), httpx.CodeHostInvalid, 400, "")
	}
}

func TestAttack_S17_OriginWithAuthorization(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Authorization", "Bearer x")
	if err := httpx.CheckAuthorization(r); err != nil {
		t.Error(err)
	}
	r.Header.Set("Origin", "https://app.test")
	wantErr(t, httpx.CheckAuthorization(r), httpx.CodeOriginConflict, 400, "")
	r.Header.Del("Authorization")
	if err := httpx.CheckAuthorization(r); err != nil {
		t.Error(err)
	}
}
