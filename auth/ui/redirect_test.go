package ui_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// redirects are values of redirect_url and where they lead; empty: nowhere.
var redirects = map[string]string{
	"/private":              "/private",
	"/a?b=c#d":              "/a?b=c#d",
	"https://app.test/x":    "https://app.test/x",
	"HTTPS://APP.test":      "https://app.test/",
	"https://app.test:8443": "",
	"http://app.test/":      "",
	"https://evil.test/":    "", "//evil.test": "", "///evil.test": "", "/\\evil.test": "", "\\\\evil.test": "", "/%5cevil.test": "",
	"/%2fevil.test": "", "/\t/evil.test": "", "/\r\nLocation: https://evil.test": "", "/%0d%0aSet-Cookie:a=b": "", " /private": "",
	"https:evil.test": "", "https:/evil.test": "", "https:///evil.test": "", "https://app.test@evil.test": "", "https://app.test\\@evil.test": "",
	"https://app.test.evil.test": "", "https://evilapp.test": "", "https://app.test.": "", "https://user@app.test": "",
	"https://\u0430pp.test": "", "javascript:alert(1)": "", "JaVaScRiPt://app.test/%0aalert(1)": "", "data:text/html,<script>": "",
	"vbscript:x": "", "file:///etc/passwd": "", "blob:https://app.test/1": "", "myapp://callback": "", "/..//evil.test": "", "/\u202egpj": "",
	"/\u2028x": "", "/%00": "", "": "", "private": "", "?a": "", "../x": "", "https://2130706433/": "", "https://[::1]/": "",
	"/" + strings.Repeat("a", 5000): "",
}

func TestAttack_L08_ForeignRedirect(t *testing.T) {
	w := newWorld(t, setup{https: true, origins: []string{"https://app.test"}})
	w.person(ada)
	in, out := w.signedIn(t, ada), w.visitor(t)
	for raw, want := range redirects {
		q := "?redirect_url=" + url.QueryEscape(raw)
		for path, v := range map[string]*visitor{"/auth/sign-in": out, "/auth/sign-up": out, "/auth/sign-out": in, "/auth/user": in,
			"/auth/user/delete": in, "/auth/sign-in?signed=in": in} {
			v.get(strings.Replace(path, "?signed=in", "", 1) + q)
			carried := false
			for _, link := range links(v.doc) {
				u, err := url.Parse(link)
				if err != nil || u.Scheme != "" && link != want || strings.HasPrefix(link, "//") {
					t.Errorf("%q through %s: link %q", raw, path, link)
					continue
				}
				if got := u.Query().Get("redirect_url"); got != "" {
					carried = true
					if got != want {
						t.Errorf("%q through %s: carried as %q", raw, path, got)
					}
				}
				carried = carried || link == want
			}
			if carried != (want != "") {
				t.Errorf("%q through %s: carried %v", raw, path, carried)
			}
		}
		// And where it ends.
		v := w.visitor(t)
		v.get("/auth/sign-in" + q)
		v.submit("Continue", "identifier", ada)
		v.submit("Continue", "password", secret)
		end := want
		if end == "" {
			end = "/"
		}
		if last := v.trail[len(v.trail)-1]; last != end {
			t.Errorf("%q: a sign-in ends at %q, want %q", raw, last, end)
		}
		if v.url.Host == strings.TrimPrefix(w.srv.URL, "https://") {
			v.get("/auth/sign-out" + q)
			v.submit("Sign out")
			if last := v.trail[len(v.trail)-1]; last != end {
				t.Errorf("%q: a sign-out ends at %q, want %q", raw, last, end)
			}
		}
	}
	// Two of them are none.
	out.get("/auth/sign-in?redirect_url=/a&redirect_url=/b")
	if strings.Contains(out.body, "redirect_url") {
		t.Error("one of two was taken")
	}
	// A browser holds redirects of forms to the policy: the origin is in it.
	if csp := out.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+w.srv.URL+" https://app.test;") {
		t.Errorf("policy %q", csp)
	}
}

// links are all the URLs of a page that a person can get to.
func links(doc *html.Node) (list []string) {
	find(doc, func(n *html.Node) bool {
		for _, key := range []string{"href", "action", "src", "formaction"} {
			if has(n, key) {
				list = append(list, attr(n, key))
			}
		}
		return false
	})
	return list
}
