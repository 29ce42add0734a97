package fapi_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

func TestScriptsByRedirect(t *testing.T) {
	b := newRig(t).browser()
	for path, want := range map[string]string{
		"/npm/@clerk/clerk-js@6/dist/clerk.browser.js":                "https://cdn.jsdelivr.net/npm/@clerk/clerk-js@6/dist/clerk.browser.js",
		"/npm/@clerk/ui@1.34.0/dist/signup_ui_1a2b3c.js":              "https://cdn.jsdelivr.net/npm/@clerk/ui@1.34.0/dist/signup_ui_1a2b3c.js",
		"/npm/@clerk/ui@1.34.0-canary.v2/dist/ui.js?x=//evil.test":    "https://cdn.jsdelivr.net/npm/@clerk/ui@1.34.0-canary.v2/dist/ui.js",
		"/npm/@clerk/clerk-js@6/dist/themes/clerk.browser.js?url=//x": "https://cdn.jsdelivr.net/npm/@clerk/clerk-js@6/dist/themes/clerk.browser.js",
	} {
		a := b.send("GET", path, http.Header{}, nil, false)
		if a.status != 307 || a.header.Get("Location") != want || len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d to %q", path, a.status, a.header.Get("Location"))
		}
	}
}

// W08: fixed sets, a version pattern, an fs.FS only.
func TestAttack_W08_ScriptPaths(t *testing.T) {
	files := fstest.MapFS{
		"@clerk/clerk-js/dist/clerk.browser.js": {Data: []byte("let clerk")},
		"@clerk/clerk-js/package.json":          {Data: []byte("{}")},
		"@clerk/secret/dist/x.js":               {Data: []byte("hush")},
		"secret.js":                             {Data: []byte("hush")},
	}
	for name, r := range map[string]*rig{"cdn": newRig(t), "folder": newRig(t, func(s *setup) { s.options.ClerkJS = files })} {
		b := r.browser()
		for _, bad := range []string{"clerk-js@latest/dist/x.js", "clerk-js@6/package.json", "clerk-js@6/dist/../package.json", "clerk-js@6/dist/..%2fpackage.json",
			"clerk-js@6/dist/%2e%2e/%2e%2e/secret.js", "secret@6/dist/x.js", "clerk-js@6/dist/.env.js", "clerk-js@6/dist/x.exe", "clerk-js@6/dist/x", "clerk-js@6.1/dist/x.js",
			"clerk-js@6/dist//x.js", "clerk-js@6/dist/x.js%00.js", "clerk-js@6/dist/x.js%0d%0aSet-Cookie:x=1", "clerk-js@6@evil.test/dist/x.js", "clerk-js@99999/dist/x.js",
			"clerk-js@6/dist/a/b/c/d/e/x.js", "clerk-js@6/dist/\\x.js"} {
			if a := b.send("GET", "/npm/@clerk/"+strings.ReplaceAll(bad, "\\", "%5c"), http.Header{}, nil, false); a.status != 404 {
				t.Errorf("%s: %s: %d %v", name, bad, a.status, a.header)
			}
		}
	}
}

func TestScriptsFromFolder(t *testing.T) {
	r := newRig(t, func(s *setup) {
		s.options.ClerkJS = fstest.MapFS{"@clerk/clerk-js/dist/clerk.browser.js": {Data: []byte("let clerk")}, "@clerk/ui/dist/ui.css": {Data: []byte("a{}")}}
	})
	b := r.browser()
	a := b.send("GET", "/npm/@clerk/clerk-js@6/dist/clerk.browser.js", http.Header{}, nil, false).ok()
	if string(a.raw) != "let clerk" || a.header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
		a.header.Get("Cache-Control") != "public, max-age=3600" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%q %v", a.raw, a.header)
	}
	if a := b.send("GET", "/npm/@clerk/clerk-js@6.40.0/dist/clerk.browser.js", http.Header{"If-None-Match": a.header["Etag"]}, nil, false); a.status != 304 {
		t.Errorf("%d", a.status)
	}
	if a := b.send("HEAD", "/npm/@clerk/ui@1/dist/ui.css", http.Header{}, nil, false); a.status != 200 || a.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%d %v", a.status, a.header)
	}
	b.send("GET", "/npm/@clerk/ui@1/dist/missing.js", http.Header{}, nil, false).refused(404, "resource_not_found")
}
