package httpx_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
)

func TestAttack_S03_CookieTossing(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("__client=v%d", i)
	}
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"one", []string{"__client=good"}, []string{"good"}},
		{"none", []string{"__session=x"}, nil},
		{"empty header", []string{""}, nil},
		{"parent domain first", []string{"__client=evil; __client=good"}, []string{"evil", "good"}},
		{"parent domain last", []string{"__client=good; a=b; __client=evil"}, []string{"good", "evil"}},
		{"two headers", []string{"__client=good", "__client=evil"}, []string{"good", "evil"}},
		{"the same twice", []string{"__client=good; __client=good"}, []string{"good"}},
		{"nameless", []string{"=__client=evil; __client=good"}, []string{"good"}},
		{"without equals sign", []string{"__client; __client=good"}, []string{"good"}},
		{"quoted", []string{`__client="evil"; __client=good`}, []string{"good"}},
		{"half a quote", []string{`__client="evil; __client=good"`}, nil},
		{"quote that swallows", []string{`a="x; __client=good; b="`}, []string{"good"}},
		{"$Version", []string{`$Version=1; __client=good; $Path=/; $Domain=.evil.test`}, []string{"good"}},
		{"$ before the name", []string{`$__client=evil; __client=good`}, []string{"good"}},
		{"other letters", []string{"__CLIENT=evil; __Client=evil"}, nil},
		{"longer and shorter names", []string{"__client2=evil; __clien=evil; x__client=evil; __Host-__client=evil"}, nil},
		{"comma as a separator", []string{"a=b,__client=evil"}, nil},
		{"comma in the value", []string{"__client=good,__client=evil"}, nil},
		{"space in the name", []string{"__client =evil"}, nil},
		{"space in the value", []string{"__client=ev il"}, nil},
		{"control characters", []string{"__client=ev\x00il; __client=ev\til; __client=ev\x7fil"}, nil},
		{"backslash", []string{`__client=ev\il`}, nil},
		{"not ASCII", []string{"__client=evïl"}, nil},
		{"empty", []string{"__client=; __client=good"}, []string{"good"}},
		{"equals sign in the value", []string{"__client=a=b=="}, []string{"a=b=="}},
		{"spaces around", []string{"  __client=good \t;\t__client=two"}, []string{"good", "two"}},
		{"too long", []string{"__client=" + strings.Repeat("x", 5000)}, nil},
		{"flood", []string{strings.Join(many, "; ")}, nil}, // see below
		{"flood of others", []string{strings.Repeat("a=b;", 600) + "__client=late"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Cookie"] = tt.lines
			got := httpx.All(r, "__client")
			if tt.name == "flood" {
				if len(got) != 32 || got[0] != "v0" {
					t.Errorf("got %d values", len(got))
				}
				return
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCookieHeader(t *testing.T) {
	tests := []struct {
		cookie httpx.Cookie
		want   string
	}{
		{httpx.Cookie{Name: "__client", Value: "v"}, "__client=v; Path=/; HttpOnly; SameSite=Lax"},
		{httpx.Cookie{Name: "__Host-__client", Value: "v", Secure: true, MaxAge: time.Hour}, "__Host-__client=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		{httpx.Cookie{Name: "__client_uat", Value: "0", Readable: true, Domain: "app.test", MaxAge: 1000 * 24 * time.Hour}, "__client_uat=0; Path=/; Domain=app.test; Max-Age=34560000; SameSite=Lax"},
		{httpx.Cookie{Name: "a", MaxAge: -1}, "a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
		{httpx.Cookie{Name: "a", Value: "v", MaxAge: time.Millisecond}, "a=v; Path=/; Max-Age=1; HttpOnly; SameSite=Lax"},
		{httpx.Cookie{Name: "a", Value: "v", Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true}, "a=v; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{httpx.Cookie{Name: "a", Value: "v", SameSite: http.SameSiteStrictMode}, "a=v; Path=/; HttpOnly; SameSite=Strict"},
	}
	for _, tt := range tests {
		h := http.Header{}
		if err := tt.cookie.Set(h); err != nil || h.Get("Set-Cookie") != tt.want {
			t.Errorf("got %q, %v\nwant %q", h.Get("Set-Cookie"), err, tt.want)
		}
		if h.Get("Cache-Control") != "no-store" { // S10
			t.Error("an answer with a cookie may be cached")
		}
	}
	for name, c := range map[string]httpx.Cookie{
		"no name":              {Value: "v"},
		"no value":             {Name: "a"},
		"injected attribute":   {Name: "a", Value: "v; Domain=evil.test"},
		"injected header":      {Name: "a", Value: "v\r\nSet-Cookie: b=c"},
		"name with a space":    {Name: "a b", Value: "v"},
		"bad domain":           {Name: "a", Value: "v", Domain: "a;b"},
		"host prefix on http":  {Name: "__Host-a", Value: "v"},
		"host prefix, domain":  {Name: "__Host-a", Value: "v", Secure: true, Domain: "app.test"},
		"secure prefix, http":  {Name: "__Secure-a", Value: "v"},
		"SameSite=None, http":  {Name: "a", Value: "v", SameSite: http.SameSiteNoneMode},
		"partitioned, http":    {Name: "a", Value: "v", Partitioned: true},
		"larger than browsers": {Name: "a", Value: strings.Repeat("v", 4090)},
	} {
		h := http.Header{}
		if err := c.Set(h); !errors.Is(err, httpx.ErrCookie) || len(h) != 0 {
			t.Errorf("%s: got %v, %v", name, err, h)
		}
	}
}

func FuzzCookies(f *testing.F) {
	f.Add(`$Version=1; __client="x"; =__client=y; __client=z`, "__client=q")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := &http.Request{Header: http.Header{"Cookie": {a, b}}}
		got := httpx.All(r, "__client")
		// Whatever is accepted, net/http reads as well, and it can be set again.
		var std []string
		for _, c := range r.CookiesNamed("__client") {
			std = append(std, c.Value)
		}
		if len(got) > 32 {
			t.Fatalf("%d values", len(got))
		}
		for i, v := range got {
			if !slices.Contains(std, v) || slices.Contains(got[:i], v) {
				t.Fatalf("%q of %q %q", v, a, b)
			}
			if _, err := (httpx.Cookie{Name: "a", Value: v}).Header(); err != nil && len(v) < 3000 {
				t.Fatal(err)
			}
		}
	})
}
