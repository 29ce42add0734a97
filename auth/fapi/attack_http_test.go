package fapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user/password"
)

func readAll(res *http.Response) string {
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

const formType = "application/x-www-form-urlencoded"

// raw posts a body as it is.
func (b *browser) raw(path, contentType string, body []byte) *answer {
	b.t.Helper()
	h := b.header.Clone()
	h.Set("Origin", b.server.URL)
	h.Set("Content-Type", contentType)
	if b.session != "" && !strings.Contains(path, "/v1/client") {
		path += sep(path) + "_clerk_session_id=" + b.session
	}
	return b.send("POST", path, h, body, false)
}

func TestAttack_S08_CORS(t *testing.T) {
	r := newRig(t, func(s *setup) {
		s.site.URL, s.site.AllowedOrigins = "https://app.example.com", []string{"https://other.example.org:8443"}
	})
	b := r.browser()
	for _, c := range []struct {
		origin string
		ok     bool
	}{
		{"https://app.example.com", true}, {"https://other.example.org:8443", true},
		{"https://evil.test", false}, {"null", false}, {"", false}, {"*", false}, {"https://app.example.com.evil.test", false}, {"https://evil-app.example.com", false},
		{"https://evilapp.example.com", false}, {"https://x.app.example.com", false}, {"https://example.com", false}, {"http://app.example.com", false},
		{"https://app.example.com:443", false}, {"https://app.example.com:8443", false}, {"https://app.example.com.", false}, {"https://app.example.com/", false},
		{"https://APP.example.com", false}, {"HTTPS://app.example.com", false}, {" https://app.example.com", false}, {"https://app.example.com ", false},
		{"https://app.example.com, https://evil.test", false}, {"https://evil.test https://app.example.com", false}, {"https://user@app.example.com", false},
		{"https://other.example.org", false}, {"https://other.example.org:8444", false}, {"file://", false}, {"chrome-extension://abc", false}, {"https://app%2eexample.com", false},
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			h := http.Header{"Origin": {c.origin}, "Content-Type": {formType}}
			if method == "OPTIONS" {
				h.Set("Access-Control-Request-Method", "POST")
			}
			// Go's client trims header values; what reaches the server is what counts.
			origin := strings.TrimSpace(c.origin)
			ok := c.ok || origin == "https://app.example.com"
			a := b.send(method, "/v1/client", h, nil, false)
			if !strings.Contains(strings.Join(a.header["Vary"], ","), "Origin") {
				t.Errorf("%s from %q: Vary %v", method, c.origin, a.header["Vary"])
			}
			allowed := a.header.Get("Access-Control-Allow-Origin")
			if ok && (allowed != origin || a.header.Get("Access-Control-Allow-Credentials") != "true" || a.status >= 300) {
				t.Errorf("%s from %q: %d %v", method, c.origin, a.status, a.header)
			}
			if !ok && (allowed != "" || a.status != 400 || len(a.header["Set-Cookie"]) > 0) {
				t.Errorf("%s from %q: %d, allows %q", method, c.origin, a.status, allowed)
			}
		}
	}
	h := http.Header{"Origin": {"https://app.example.com", "https://evil.test"}}
	b.send("GET", "/v1/client", h, nil, false).refused(400, "multiple_origin_header_values_forbidden")
}

// TestAttack_S10_Caches: nothing that knows somebody may be kept, and what may
// be kept sets no cookie.
func TestAttack_S10_Caches(t *testing.T) {
	r := newRig(t)
	in := r.browser()
	in.signUp(ada, good)
	for _, rt := range r.api.Routes() {
		for who, b := range map[string]*browser{"stranger": r.browser(), "signed in": in.fork()} {
			a := b.do(rt.Method, concrete(rt.Path), nil)
			cache := a.header.Get("Cache-Control")
			if rt.Access != "open" || strings.HasPrefix(rt.Path, "/v1/") {
				if cache != "no-store" {
					t.Errorf("%s %s, %s: Cache-Control %q", rt.Method, rt.Path, who, cache)
				}
				vary := strings.Join(a.header["Vary"], ",")
				for _, name := range []string{"Cookie", "Authorization", "Origin"} {
					if !strings.Contains(vary, name) {
						t.Errorf("%s %s, %s: Vary %q", rt.Method, rt.Path, who, vary)
					}
				}
			}
			if cache != "no-store" && len(a.header["Set-Cookie"]) > 0 {
				t.Errorf("%s %s, %s: a public answer sets a cookie", rt.Method, rt.Path, who)
			}
			if a.header.Get("X-Content-Type-Options") != "nosniff" && a.status != 307 && !strings.Contains(rt.Path, "clear-site-data") && !strings.Contains(rt.Path, "jwks") {
				t.Errorf("%s %s, %s: may be sniffed", rt.Method, rt.Path, who)
			}
		}
	}
	in = r.browser() // the routes above have signed the former one out
	in.signUp(bob, good)
	// A private route under a name that caches take for a file.
	for _, path := range []string{"/v1/me/x.css", "/v1/client/x.css", "/v1/me%2ex.css", "/v1/me;x.css", "/v1/client/sessions/x.css"} {
		if a := in.send("GET", path, http.Header{}, nil, false); a.status != 404 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q", path, a.status, a.header.Get("Cache-Control"))
		}
	}
}

func TestAttack_S15_ForwardedAddresses(t *testing.T) {
	one := func(s *setup) { s.settings.Limits.CreateSignIn = settings.Rate{Count: 1, Per: time.Hour} }
	spoofs := []http.Header{
		{"X-Forwarded-For": {"203.0.113.1"}}, {"X-Forwarded-For": {"203.0.113.2, 203.0.113.3"}}, {"X-Forwarded-For": {"203.0.113.4", "203.0.113.5"}},
		{"Forwarded": {"for=203.0.113.6"}}, {"Forwarded": {`for="[2001:db8::1]:4711"`}}, {"X-Real-Ip": {"203.0.113.7"}}, {"True-Client-Ip": {"203.0.113.8"}},
		{"Cf-Connecting-Ip": {"203.0.113.9"}}, {"X-Client-Ip": {"203.0.113.10"}}, {"X-Forwarded-Host": {"evil.test"}}, {"X-Forwarded-For": {"127.0.0.1"}},
		{"X-Cluster-Client-Ip": {"203.0.113.11"}}, {"Fastly-Client-Ip": {"203.0.113.12"}}, {"X-Forwarded-For": {""}}, {"X-Forwarded-For": {"::ffff:203.0.113.13"}},
	}
	// From nobody in particular they say nothing.
	r := newRig(t, one)
	r.browser().post("/v1/client/sign_ins", "identifier", ada)
	for _, h := range spoofs {
		b := r.browser()
		for k, v := range h {
			b.header[k] = v
		}
		b.post("/v1/client/sign_ins", "identifier", ada).refused(429, "too_many_requests")
	}
	// From a trusted proxy the right-most hop counts, which it wrote itself.
	r = newRig(t, one, func(s *setup) { s.site.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for i, left := range []string{"", "198.51.100.1, ", "10.0.0.1, 127.0.0.1, ", "rubbish, "} {
		b := r.browser()
		b.header["X-Forwarded-For"] = []string{left + "203.0.113.50"}
		a := b.post("/v1/client/sign_ins", "identifier", ada)
		if (i == 0) != (a.status == 422) || i > 0 && a.status != 429 {
			t.Errorf("%q: %d", left, a.status)
		}
	}
}

func TestAttack_W04_Bodies(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	const path = "/v1/me?_method=PATCH"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("first_name=Zip"))
	z.Close()
	deep := "unsafe_metadata=" + url.QueryEscape(strings.Repeat(`{"a":`, 40)+"1"+strings.Repeat("}", 40))
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"too large", formType, "first_name=" + strings.Repeat("x", 300<<10), 413},
		{"10 MB", formType, strings.Repeat("a=b&", 10<<20/4), 413},
		{"100,000 keys", formType, strings.Repeat("k=1&", 60_000), 400},
		{"1,001 keys", formType, strings.Repeat("k=1&", 1001), 400},
		{"deep", formType, deep, 422},
		{"json", "application/json", `{"first_name":"x"}`, 415},
		{"text", "text/plain", "first_name=x", 415},
		{"no type", "", "first_name=x", 415},
		{"latin1", formType + "; charset=latin1", "first_name=x", 415},
		{"broken escape", formType, "first_name=%zz", 400},
		{"cut escape", formType, "first_name=%4", 400},
		{"semicolons", formType, "first_name=x;last_name=y", 400},
		{"long key", formType, strings.Repeat("k", 300) + "=1", 400},
		{"multipart without boundary", "multipart/form-data", "x", 400},
		{"multipart cut off", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"first_name\"\r\n\r\nx", 400},
		{"multipart of 1,500 parts", "multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n", 1500) + "--b--", 400},
		{"a file for a text", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"first_name\"; filename=\"x\"\r\n\r\ny\r\n--b--", 422},
		{"metadata that is no object", formType, "unsafe_metadata=7", 422},
		{"metadata with a key twice", formType, "unsafe_metadata=" + url.QueryEscape(`{"a":1,"a":2}`), 422},
	} {
		a := b.raw(path, c.contentType, []byte(c.body))
		if a.status != c.status || a.str("errors.0.code") == "" {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
	}
	h := http.Header{"Origin": {r.server.URL}, "Content-Type": {formType}, "Content-Encoding": {"gzip"}}
	b.send("POST", path, h, zipped.Bytes(), false).refused(415, "unsupported_content_type")
	b.upload("/v1/me/profile_image", "x.png", bytes.Repeat([]byte("x"), 11<<20)).refused(413, "request_body_too_large")
	b.get("/v1/me").ok().is("response.first_name", nil)
}

// textFields are the text fields of each route that takes any.
var textFields = map[string][]string{
	"POST /v1/client/sign_ins":                                    {"identifier", "strategy", "password", "ticket"},
	"POST /v1/client/sign_ins/{sign_in_id}/prepare_first_factor":  {"strategy", "email_address_id"},
	"POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor":  {"strategy", "code", "password"},
	"POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor": {"strategy"},
	"POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor": {"strategy", "code"},
	"POST /v1/client/sign_ins/{sign_in_id}/reset_password":        {"password"},
	"POST /v1/client/sign_ups":                                    {"email_address", "first_name", "last_name", "password", "locale", "unsafe_metadata", "strategy", "username", "phone_number", "ticket"},
	"PATCH /v1/client/sign_ups/{sign_up_id}":                      {"email_address", "first_name", "last_name", "password", "unsafe_metadata"},
	"POST /v1/client/sign_ups/{sign_up_id}/prepare_verification":  {"strategy"},
	"POST /v1/client/sign_ups/{sign_up_id}/attempt_verification":  {"strategy", "code"},
	"POST /v1/client/sessions/{session_id}/touch":                 {"active_organization_id", "intent"},
	"POST /v1/client/sessions/{session_id}/tokens":                {"organization_id"},
	"PATCH /v1/me":                {"first_name", "last_name", "username", "primary_email_address_id", "unsafe_metadata"},
	"PATCH /v1/me/metadata":       {"unsafe_metadata"},
	"POST /v1/me/change_password": {"current_password", "new_password"},
	"POST /v1/me/remove_password": {"current_password"},
	"POST /v1/me/email_addresses": {"email_address"},
	"POST /v1/me/email_addresses/{email_id}/prepare_verification": {"strategy"},
	"POST /v1/me/email_addresses/{email_id}/attempt_verification": {"code"},
}

// eachTextField calls fn for every text field of every route.
func eachTextField(t *testing.T, fn func(b *browser, name, method, path, field string)) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	for _, rt := range r.api.Routes() {
		name := rt.Method + " " + rt.Path
		for _, field := range textFields[name] {
			path := strings.ReplaceAll(concrete(rt.Path), "/v1/client/sessions/x", "/v1/client/sessions/"+b.session)
			fn(b, name, rt.Method, path, field)
		}
	}
	for name := range textFields {
		found := false
		for _, rt := range r.api.Routes() {
			found = found || rt.Method+" "+rt.Path == name
		}
		if !found {
			t.Errorf("no route %s", name)
		}
	}
}

func TestAttack_W05_UncleanText(t *testing.T) {
	eachTextField(t, func(b *browser, name, method, path, field string) {
		for what, value := range map[string]string{"NUL": "a%00b", "invalid UTF-8": "a%ff%fe", "overlong": "%c0%af", "surrogate": "%ed%a0%80", "non-character": "%ef%bf%bf"} {
			a := b.raw(path+sep(path)+"_method="+method, formType, []byte(field+"="+value))
			if a.status != 422 || !a.blames("form_param_format_invalid", field) {
				t.Errorf("%s, %s in %s: %d %s", name, what, field, a.status, a.raw)
			}
		}
		a := b.raw(path+sep(path)+"_method="+method, formType, []byte(field+"="+strings.Repeat("x", 200<<10)))
		code := "form_param_value_too_large"
		if field == "unsafe_metadata" {
			code = "form_param_format_invalid" // it is not JSON, whatever its size
		}
		if a.status != 422 || !a.blames(code, field) {
			t.Errorf("%s, 200 KiB in %s: %d %s", name, field, a.status, a.raw)
		}
	})
}

func TestAttack_W15_Pollution(t *testing.T) {
	eachTextField(t, func(b *browser, name, method, path, field string) {
		a := b.raw(path+sep(path)+"_method="+method, formType, []byte(field+"=a&"+field+"=b"))
		if a.status != 422 || !a.blames("form_param_duplicate", field) {
			t.Errorf("%s, %s twice: %d %s", name, field, a.status, a.raw)
		}
	})
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	two, _ := b.signUp(bob, good)
	// The query holds no fields, the body no steering.
	b.session = sid
	b.raw("/v1/me?_method=PATCH&first_name=Query", formType, []byte("last_name=Body")).ok().is("response.first_name", nil).is("response.last_name", "Body")
	b.raw("/v1/me?_method=PATCH", formType, []byte("first_name[]=a&first_name%5b0%5d=b")).ok().is("response.first_name", nil)
	b.raw("/v1/me?_method=PATCH", formType, []byte("_clerk_session_id="+two+"&first_name=Mine")).ok().is("response.email_addresses.0.email_address", ada)
	b.raw("/v1/me?_method=PATCH&_clerk_session_id="+two, formType, []byte("first_name=x")).refused(400, "invalid_query_parameter_value")
	b.raw("/v1/me?_method=PATCH&_method=DELETE", formType, nil).refused(400, "invalid_query_parameter_value")
	b.raw("/v1/me", formType, []byte("_method=DELETE")).refused(405, "method_not_allowed")
	b.get("/v1/me").ok().is("response.first_name", "Mine")
}

// TestAttack_C08_LongSecrets: what is too long costs no hash.
func TestAttack_C08_LongSecrets(t *testing.T) {
	pool := &password.Pool{}
	r := newRig(t, func(s *setup) { s.hasher.Pool = pool })
	r.browser().signUp(ada, good)
	b := r.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	before := pool.Stats().Done
	for name, plain := range map[string]string{"257 letters": strings.Repeat("x", 257), "5 KiB": strings.Repeat("x", 5<<10), "100 KiB": strings.Repeat("x", 100<<10)} {
		a := b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", plain)
		if a.status != 422 {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if a = b.post("/v1/client/sign_ups", "email_address", bob, "password", plain); a.status != 422 || a.str("errors.0.meta.param_name") != "password" {
			t.Errorf("%s at sign-up: %d %s", name, a.status, a.raw)
		}
	}
	b.raw("/v1/client/sign_ins", formType, []byte("identifier=a&password="+strings.Repeat("x", 10<<20))).refused(413, "request_body_too_large")
	b.post("/v1/client/sign_ins", "identifier", strings.Repeat("x", 2000), "password", good).refused(422, "form_param_value_too_large", "identifier")
	if done := pool.Stats().Done; done != before {
		t.Errorf("%d hashes", done-before)
	}
}

// TestAttack_W20_InsideFacts: each call of the store fails once, on each route,
// and no answer says why.
func TestAttack_W20_InsideFacts(t *testing.T) {
	var failAt, calls atomic.Int64
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(_ context.Context, call string) error {
		if n := calls.Add(1); n == failAt.Load() {
			return errors.New("pq: SELECT body FROM usher_user at 10.1.2.3:5432 in /srv/app/store.go")
		}
		return nil
	}})
	r := newRig(t, func(s *setup) { s.store = st })
	in := r.browser()
	in.signUp(ada, good)
	id := in.post("/v1/client/sign_ups", "email_address", bob, "password", good).ok().str("response.id")
	failed := 0
	for _, rt := range r.api.Routes() {
		path := strings.ReplaceAll(concrete(rt.Path), "/sign_ups/x", "/sign_ups/"+id)
		path = strings.ReplaceAll(path, "/v1/client/sessions/x", "/v1/client/sessions/"+in.session)
		if rt.Method == "DELETE" || strings.HasSuffix(path, "/remove") || strings.HasSuffix(path, "/end") {
			continue // the next route still needs what it would take away
		}
		for n := int64(1); n <= 12; n++ {
			r.advance(time.Minute)
			calls.Store(0)
			failAt.Store(n)
			a := in.do(rt.Method, path, url.Values{"strategy": {"email_code"}, "identifier": {ada}, "first_name": {"A"}, "email_address": {fmt.Sprintf("n%d@example.com", n)},
				"current_password": {good}, "new_password": {better}})
			reached := calls.Load() >= n
			failAt.Store(0)
			if !reached {
				break
			}
			text := string(a.raw)
			for _, secret := range []string{"pq:", "SELECT", "usher_", "10.1.2.3", "/srv", ".go", "storetest", "goroutine"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s %s tells %q: %s", rt.Method, rt.Path, secret, text)
				}
			}
			if a.status == 500 {
				failed++
				a.refused(500, "internal_clerk_error")
				if trace := a.str("clerk_trace_id"); !strings.Contains(r.log.String(), trace) {
					t.Errorf("%s %s: trace %s is in no log line", rt.Method, rt.Path, trace)
				}
			}
		}
	}
	if failed < 40 {
		t.Errorf("only %d requests failed", failed)
	}
	if strings.Contains(r.log.String(), good) || strings.Contains(r.log.String(), better) {
		t.Error("a password was logged")
	}
}
