package httpx_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/httpx"
)

var redirectTable = []struct{ raw, want, code string }{
	{"/", "/", ""},
	{"/private", "/private", ""},
	{"/private?a=1&b=%20#top", "/private?a=1&b=%20#top", ""},
	{"/sign-in#/factor-one?redirect_url=https%3A%2F%2Fapp.test", "/sign-in#/factor-one?redirect_url=https%3A%2F%2Fapp.test", ""},
	{"/a//b", "/a//b", ""},
	{"/caf\u00e9?q=\u00e9", "/caf%C3%A9?q=%C3%A9", ""},
	{"/a%2Fb", "/a%2Fb", ""},
	{"/?next=//evil.test", "/?next=//evil.test", ""},
	{"/a:b@c", "/a:b@c", ""},
	{"https://app.test", "https://app.test/", ""},
	{"https://app.test/x?y#z", "https://app.test/x?y#z", ""},
	{"https://app.test:443/x", "https://app.test/x", ""},
	{"HTTPS://APP.test/X", "https://app.test/X", ""},
	{"https://app.test:/x", "https://app.test/x", ""},
	{"https://app.test?x=1", "https://app.test/?x=1", ""},
	{"https://app.test/?<script>\"'", "https://app.test/?%3Cscript%3E%22%27", ""},
	{"http://127.0.0.1:3000/cb", "http://127.0.0.1:3000/cb", ""},

	{"https://evil.test", "", httpx.CodeRedirectForeign},
	{"https://app.test.evil.test", "", httpx.CodeRedirectForeign},
	{"https://evilapp.test", "", httpx.CodeRedirectForeign},
	{"https://sub.app.test", "", httpx.CodeRedirectForeign},
	{"http://app.test", "", httpx.CodeRedirectForeign},
	{"https://app.test:8443", "", httpx.CodeRedirectForeign},
	{"http://127.0.0.1:3001/", "", httpx.CodeRedirectForeign},
	{"http://localhost:3000/", "", httpx.CodeRedirectForeign},
	{"https://[::1]/", "", httpx.CodeRedirectForeign},

	{"", "", httpx.CodeRedirectRefused},
	{"private", "", httpx.CodeRedirectRefused},
	{"?a=1", "", httpx.CodeRedirectRefused},
	{"#a", "", httpx.CodeRedirectRefused},
	{".", "", httpx.CodeRedirectRefused},
	{"../x", "", httpx.CodeRedirectRefused},
	{"//evil.test", "", httpx.CodeRedirectRefused},
	{"//app.test", "", httpx.CodeRedirectRefused},
	{"///evil.test", "", httpx.CodeRedirectRefused},
	{"////evil.test", "", httpx.CodeRedirectRefused},
	{"/\\evil.test", "", httpx.CodeRedirectRefused},
	{"\\\\evil.test", "", httpx.CodeRedirectRefused},
	{"\\/evil.test", "", httpx.CodeRedirectRefused},
	{"/%5cevil.test", "", httpx.CodeRedirectRefused},
	{"/%5Cevil.test", "", httpx.CodeRedirectRefused},
	{"/%2fevil.test", "", httpx.CodeRedirectRefused},
	{"/%2Fevil.test", "", httpx.CodeRedirectRefused},
	{"/a\\b", "", httpx.CodeRedirectRefused},
	{"/\t/evil.test", "", httpx.CodeRedirectRefused},
	{"/\n/evil.test", "", httpx.CodeRedirectRefused},
	{"/\r\nLocation: https://evil.test", "", httpx.CodeRedirectRefused},
	{"/%0d%0aLocation:%20https://evil.test", "", httpx.CodeRedirectRefused},
	{"/%00", "", httpx.CodeRedirectRefused},
	{"/%09/evil.test", "", httpx.CodeRedirectRefused},
	{" /private", "", httpx.CodeRedirectRefused},
	{"/private ", "", httpx.CodeRedirectRefused},
	{"\x00/private", "", httpx.CodeRedirectRefused},
	{"\t//evil.test", "", httpx.CodeRedirectRefused},
	{"ht\ntps://app.test", "", httpx.CodeRedirectRefused},
	{"https:evil.test", "", httpx.CodeRedirectRefused},
	{"https:/evil.test", "", httpx.CodeRedirectRefused},
	{"https:///evil.test", "", httpx.CodeRedirectRefused},
	{"https:\\\\evil.test", "", httpx.CodeRedirectRefused},
	{"https://app.test\\@evil.test", "", httpx.CodeRedirectRefused},
	{"https://app.test@evil.test", "", httpx.CodeRedirectRefused},
	{"https://app.test:pw@evil.test", "", httpx.CodeRedirectRefused},
	{"https://user@app.test", "", httpx.CodeRedirectRefused},
	{"https://@app.test", "", httpx.CodeRedirectRefused},
	{"https://app.test%2eevil.test", "", httpx.CodeRedirectRefused},
	{"https://app.test%00.evil.test", "", httpx.CodeRedirectRefused},
	{"https://app.test.", "", httpx.CodeRedirectRefused},
	{"https://app.test:0443", "", httpx.CodeRedirectRefused},
	{"https://app.test:99999", "", httpx.CodeRedirectRefused},
	{"https://\u0430pp.test", "", httpx.CodeRedirectRefused},
	{"https://app\u3002test", "", httpx.CodeRedirectRefused},
	{"https://app.test\uff0fevil.test", "", httpx.CodeRedirectRefused},
	{"https://2130706433/", "", httpx.CodeRedirectRefused},
	{"https://app.test/../..//evil.test", "", httpx.CodeRedirectRefused},
	{"/..//evil.test", "", httpx.CodeRedirectRefused},
	{"/%2e%2e//evil.test", "", httpx.CodeRedirectRefused},
	{"/.//evil.test", "", httpx.CodeRedirectRefused},
	{"javascript:alert(1)", "", httpx.CodeRedirectRefused},
	{"JaVaScRiPt://app.test/%0aalert(1)", "", httpx.CodeRedirectRefused},
	{"data:text/html,<script>", "", httpx.CodeRedirectRefused},
	{"vbscript:x", "", httpx.CodeRedirectRefused},
	{"file:///etc/passwd", "", httpx.CodeRedirectRefused},
	{"ftp://app.test/", "", httpx.CodeRedirectRefused},
	{"blob:https://app.test/1", "", httpx.CodeRedirectRefused},
	{"myapp://callback", "", httpx.CodeRedirectRefused},
	{"/\u202egpj.exe", "", httpx.CodeRedirectRefused},
	{"/\u2028x", "", httpx.CodeRedirectRefused},
	{"/\xff", "", httpx.CodeRedirectRefused},
	{"/%ff", "", httpx.CodeRedirectRefused},
	{"/%zz", "", httpx.CodeRedirectRefused},
	{"/" + strings.Repeat("a", 4096), "", httpx.CodeRedirectRefused},
}

func TestAttack_L08_ForeignRedirect(t *testing.T) {
	c := httpx.Redirects{Origins: origins(t, "https://app.test", "http://127.0.0.1:3000", "chrome-extension://abcdef")}
	for _, tt := range redirectTable {
		got, err := c.Check(nil, "redirect_url", tt.raw)
		if tt.code != "" {
			if err == nil {
				t.Errorf("%q: accepted as %q", tt.raw, got)
				continue
			}
			wantErr(t, err, tt.code, 422, "redirect_url")
			if got != "" {
				t.Errorf("%q: refused but returned %q", tt.raw, got)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.raw, got, err, tt.want)
		}
	}
	if _, err := c.Check(nil, "redirect_url", "chrome-extension://abcdef/x"); err == nil {
		t.Error("redirected to an extension")
	}
}

func TestAttack_L08_LoopbackMode(t *testing.T) {
	r := httptest.NewRequest("GET", "http://localhost:4010/", nil)
	for raw, ok := range map[string]bool{
		"/private": true, "http://localhost:4010/private": true,
		"http://localhost:4011/": false, "http://127.0.0.1:4010/": false, "https://evil.test/": false,
	} {
		if _, err := (httpx.Redirects{}).Check(r, "redirect_url", raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := (httpx.Redirects{}).Check(nil, "redirect_url", "http://localhost:4010/private"); err == nil {
		t.Error("an absolute URL without a request to compare with")
	}
}

// FuzzRedirect: what is accepted stays on a listed origin, for net/url and for
// a reader that follows browsers, and checking it again changes nothing.
func FuzzRedirect(f *testing.F) {
	for _, tt := range redirectTable {
		f.Add(tt.raw)
	}
	c := httpx.Redirects{Origins: origins(f, "https://app.test", "http://127.0.0.1:3000")}
	base, _ := url.Parse("https://app.test/auth/sign-in")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := c.Check(nil, "redirect_url", raw)
		if err != nil {
			if len(httpx.AsFieldErrors(err)) != 1 {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		u, err := base.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if o := u.Scheme + "://" + u.Host; o != "https://app.test" && o != "http://127.0.0.1:3000" || u.User != nil {
			t.Fatalf("%q became %q, which net/url reads as %s", raw, got, o)
		}
		if o := browserOrigin("https", "app.test", got); o != "https://app.test" && o != "http://127.0.0.1:3000" {
			t.Fatalf("%q became %q, which a browser reads as %s", raw, got, o)
		}
		for i := range len(got) {
			if got[i] <= ' ' || got[i] >= 0x7F || strings.IndexByte("\\\"<>'", got[i]) >= 0 && i > strings.IndexAny(got+"?", "?#") {
				t.Fatalf("%q became %q", raw, got)
			}
		}
		if again, err := c.Check(nil, "redirect_url", got); err != nil || again != got {
			t.Fatalf("%q, then %q, %v", got, again, err)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("GET", base.String(), nil), got, http.StatusSeeOther)
		if o := browserOrigin("https", "app.test", w.Header().Get("Location")); o != "https://app.test" && o != "http://127.0.0.1:3000" {
			t.Fatalf("%q was sent as %q", got, w.Header().Get("Location"))
		}
	})
}

// browserOrigin reads a URL as the WHATWG URL standard does for special
// schemes, relative to a base: white space and controls off the ends, tabs and
// newlines out everywhere, backslash as slash, any number of slashes after the
// scheme, user information up to the last @ of the authority.
func browserOrigin(scheme, host, s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(s)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	rest := s
	if i := strings.IndexByte(s, ':'); i > 0 && !strings.Contains(s[:i], "/") {
		named := strings.ToLower(s[:i])
		if named != "http" && named != "https" {
			return named + ":"
		}
		if rest = s[i+1:]; named == scheme && !strings.HasPrefix(rest, "/") {
			return scheme + "://" + host
		}
		scheme = named
		rest = "//" + strings.TrimLeft(rest, "/")
	}
	if !strings.HasPrefix(rest, "//") {
		return scheme + "://" + host
	}
	authority, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if plain, err := url.PathUnescape(authority); err == nil {
		authority = plain
	}
	authority = strings.ToLower(authority)
	if ap, err := netip.ParseAddrPort(authority); err == nil {
		authority = ap.String()
	}
	return scheme + "://" + authority
}

func ExampleRedirects_Check() {
	origins, _ := httpx.NewOrigins("https://app.example.com")
	c := httpx.Redirects{Origins: origins}
	for _, raw := range []string{"/private", "https://APP.example.com:443/a", "//evil.example"} {
		target, err := c.Check(nil, "redirect_url", raw)
		fmt.Println(target, err != nil)
	}
	// Output:
	// /private false
	// https://app.example.com/a false
	//  true
}
