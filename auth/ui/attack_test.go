package ui_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

// gets and posts are every path of the pages, and some that are not.
var (
	gets = []string{"/auth", "/auth/", "/auth/sign-in", "/auth/sign-in/", "/auth/sign-in/password", "/auth/sign-in/code",
		"/auth/sign-in/new-password", "/auth/sign-up", "/auth/sign-up/verify", "/auth/sign-out", "/auth/user", "/auth/user/picture",
		"/auth/sign-in/link", "/auth/link", "/auth/link/done", "/auth/verify", "/auth/tasks",
		"/auth/user/emails/verify", "/auth/user/delete", "/auth/user.css", "/auth/user%2ecss", "/auth/user/x.css", "/auth/nothing",
		"/auth/assets/ui-0000000000000000.css", "/auth/assets/", "/auth/../auth/user"}
	posts = []string{"/auth/sign-in", "/auth/sign-in/password", "/auth/sign-in/send", "/auth/sign-in/code", "/auth/sign-in/new-password",
		"/auth/sign-in/switch", "/auth/sign-up", "/auth/sign-up/verify", "/auth/sign-up/send", "/auth/sign-out", "/auth/user/profile",
		"/auth/user/password", "/auth/user/picture", "/auth/user/picture/remove", "/auth/user/emails", "/auth/user/emails/send",
		"/auth/user/emails/verify", "/auth/user/emails/primary", "/auth/user/emails/remove", "/auth/user/devices/end",
		"/auth/user/delete", "/auth/user", "/auth/nothing", "/auth/sign-in/link", "/auth/link", "/auth/verify", "/auth/verify/start", "/auth/verify/send", "/auth/tasks/password",
		"/auth/verify/passkey", "/auth/verify/passkey/options", "/auth/user/password/remove"}
)

// each asks for every path, signed out and signed in, following nothing, and
// hands every answer to check.
func each(t *testing.T, w *world, check func(t *testing.T, name string, res *http.Response)) {
	t.Helper()
	w.person(ada)
	in := w.signedIn(t, ada)
	out := w.visitor(t)
	for who, v := range map[string]*visitor{"signed out": out, "signed in": in} {
		c := *v.http
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"} {
			paths := gets
			if method == "POST" {
				paths = slices.Concat(posts, gets)
			}
			for _, path := range paths {
				if who == "signed in" && method == "POST" && (path == "/auth/sign-out" || path == "/auth/user/picture/remove") {
					continue // they need no field to succeed, and are tested by themselves
				}
				r, err := http.NewRequest(method, w.srv.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				res, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode >= 500 {
					t.Errorf("%s %s, %s: %d", method, path, who, res.StatusCode)
				}
				check(t, fmt.Sprintf("%s %s, %s (%d)", method, path, who, res.StatusCode), res)
			}
		}
	}
}

func TestAttack_S09_FrameHeaders(t *testing.T) {
	each(t, newWorld(t, setup{}), func(t *testing.T, name string, res *http.Response) {
		h := res.Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'none'", "style-src 'self'", "frame-ancestors 'none'",
			"base-uri 'none'", "form-action 'self'"} {
			if !slices.Contains(strings.Split(csp, "; "), want) {
				t.Errorf("%s: policy %q lacks %q", name, csp, want)
			}
		}
		for key, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
			if h.Get(key) != want {
				t.Errorf("%s: %s is %q", name, key, h.Get(key))
			}
		}
	})
}

func TestAttack_S10_NoStore(t *testing.T) {
	w := newWorld(t, setup{})
	each(t, w, func(t *testing.T, name string, res *http.Response) {
		if got := res.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		vary := strings.ToLower(strings.Join(res.Header.Values("Vary"), ","))
		if !strings.Contains(vary, "cookie") || !strings.Contains(vary, "origin") {
			t.Errorf("%s: Vary %q", name, vary)
		}
	})
	// The style sheet is the one thing that may be kept, and carries no cookie.
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.get(attr(all(v.doc, "link")[0], "href"))
	h := v.header
	if v.status != 200 || !strings.Contains(h.Get("Cache-Control"), "immutable") || len(h.Values("Set-Cookie")) > 0 ||
		h.Get("Content-Type") != "text/css; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("style sheet: %d %v", v.status, h)
	}
}

func TestAttack_S06_CrossSitePost(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	shapes := map[string]http.Header{
		"cross-site":             {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.test"}},
		"same-site":              {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.example"}},
		"null origin":            {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		"old browser":            {"Origin": {"https://evil.test"}},
		"old browser, null":      {"Origin": {"null"}},
		"two origins":            {"Origin": {"https://evil.test", w.srv.URL}},
		"another port":           {"Origin": {"http://127.0.0.1:1"}},
		"two fetch sites":        {"Sec-Fetch-Site": {"cross-site", "same-origin"}},
		"override in the query?": {"Sec-Fetch-Site": {"cross-site"}},
	}
	for name, h := range shapes {
		for _, path := range posts {
			body := url.Values{"session": {"x"}, "all": {"true"}, "confirm": {"true"}, "first_name": {"Mallory"}, "email_address": {"m@evil.test"}}
			r, err := http.NewRequest("POST", w.srv.URL+path+"?_method=GET", strings.NewReader(body.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = h.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			v.do(r)
			if v.status != 400 || len(v.header.Values("Set-Cookie")) > 0 || !strings.Contains(v.body, "another site") {
				t.Errorf("%s: POST %s: %d %v", name, path, v.status, v.header.Values("Set-Cookie"))
			}
		}
	}
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || u.FirstName != "Ada" || len(u.EmailAddresses) != 1 {
		t.Errorf("the account was changed: %+v, %v", u, err)
	}
	if v.get("/auth/user"); v.url.Path != "/auth/user" {
		t.Error("the visitor was signed out")
	}
}

func TestAttack_S06_GetWritesNothing(t *testing.T) {
	var refuse atomic.Bool
	errWrite := errors.New("a GET has written")
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(_ context.Context, call string) error {
		if refuse.Load() && (call == "Update" || call == "Put" || call == "Delete" || call == "Purge") {
			return errWrite
		}
		return nil
	}})
	w := newWorld(t, setup{store: st})
	w.person(ada)
	in, step := w.signedIn(t, ada), w.visitor(t)
	step.get("/auth/sign-in")
	step.submit("Continue", "identifier", ada)
	step.submit("Use a code instead")
	refuse.Store(true)
	for _, v := range []*visitor{w.visitor(t), in, step} {
		for _, path := range gets {
			if v.get(path); v.status >= 500 {
				t.Errorf("GET %s: %d", path, v.status)
			}
		}
		for _, path := range posts {
			if v.get(path); v.status >= 500 {
				t.Errorf("GET %s: %d", path, v.status)
			}
		}
	}
	if strings.Contains(w.log.String(), errWrite.Error()) {
		t.Error(w.log.String())
	}
	in.get("/auth/sign-out")
	if in.submit("Sign out"); in.status != 500 {
		t.Errorf("the trap does not work: %d", in.status)
	}
}

func TestAttack_S07_ForcedSignOut(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	v := w.signedIn(t, ada)
	for _, path := range []string{"/auth/sign-out", "/auth/sign-out?all=true", "/auth/sign-out?_method=POST&all=true", "/auth/user/delete?confirm=true"} {
		v.get(path)
		v.at("/auth/"+strings.SplitN(strings.TrimPrefix(path, "/auth/"), "?", 2)[0], 200)
	}
	if v.get("/"); v.body != "/ "+id {
		t.Errorf("a link has signed out: %q", v.body)
	}
	// A sign-out names the session that the person saw, not whoever is on.
	v.post("/auth/sign-out", url.Values{"session": {"sess_of_somebody_else"}})
	if v.get("/"); v.body != "/ "+id {
		t.Errorf("signed out without being meant: %q", v.body)
	}
}

func TestAttack_S07_LoginCSRF(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	attacker := w.visitor(t)
	attacker.get("/auth/sign-in")
	attacker.submit("Continue", "identifier", ada)
	form, _ := attacker.button("Continue")
	id := attr(attacker.input(form, "attempt"), "value")

	// The attempt is the attacker's client's: elsewhere it is nothing.
	victim := w.visitor(t)
	victim.post("/auth/sign-in/password", url.Values{"attempt": {id}, "password": {secret}})
	victim.at("/auth/sign-in", 200)
	victim.get("/auth/sign-in")
	victim.submit("Continue", "identifier", ada)
	victim.post("/auth/sign-in/password", url.Values{"attempt": {id}, "password": {secret}})
	victim.at("/auth/sign-in", 200)
	if victim.get("/"); victim.body != "/ nobody" {
		t.Errorf("signed in by another client's attempt: %q", victim.body)
	}
}

// payloads would run as script if anything let them through.
var payloads = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `" onfocus=alert(1) autofocus="`,
	`' onmouseover='alert(1)`, `</title><script>alert(1)</script>`, `</textarea><svg onload=alert(1)>`, `<iframe srcdoc=x>`,
	`javascript:alert(1)`, `{{.Attempt}}`, `{{template "title"}}`, `${alert(1)}`, `<!--`, `]]><script>alert(1)</script>`,
	`<base href=//evil.test>`, `<form action=//evil.test>`, `<meta http-equiv=refresh content=0>`, `<link rel=stylesheet href=//evil.test>`,
	"\"`'><script>alert(1)</script>", `<style>*{}</style>`, `&lt;script&gt;`, `<math><mtext><script>alert(1)</script>`,
}

func TestAttack_W16_Script(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v, out := w.signedIn(t, ada), w.visitor(t)
	for _, p := range payloads {
		v.get("/auth/user")
		v.submit("Save name", "first_name", p, "last_name", p)
		v.at("/auth/user", 200)
		clean(t, v, p)
		if in := byID(v.doc, "f-first_name"); attr(in, "value") != p || text(all(v.doc, "h1")[0]) != strings.Join(strings.Fields(p+" "+p), " ") {
			t.Errorf("%q is not shown as it is: %q", p, text(all(v.doc, "h1")[0]))
		}
		for _, path := range []string{"/auth/sign-in", "/auth/sign-out", "/auth/user/delete"} {
			v.get(path)
			clean(t, v, p)
		}
		for _, path := range gets {
			out.get(path + "?redirect_url=" + url.QueryEscape(p) + "&notice=" + url.QueryEscape(p) + "&error=" + url.QueryEscape(p) + "&id=" + url.QueryEscape(p))
			clean(t, out, p)
		}
		out.get("/auth/" + url.PathEscape(p))
		clean(t, out, p)
		out.get("/auth/sign-in")
		out.submit("Continue", "identifier", p)
		clean(t, out, p)
		out.get("/auth/sign-up")
		out.submit("Continue", "first_name", p, "email_address", p, "password", p)
		clean(t, out, p)
	}
	// A name from before the rules, set by the host.
	u, err := w.engine.Users().Create(t.Context(), engine.CreateUserParams{EmailAddresses: []string{"e@example.com"}, Password: secret,
		FirstName: payloads[1], LastName: payloads[3]})
	if err != nil {
		t.Fatal(err)
	}
	v = w.signedIn(t, "e@example.com")
	v.get("/auth/user")
	clean(t, v, u.FirstName)
}

// clean fails if a page has anything that no template of ours has put there.
func clean(t *testing.T, v *visitor, payload string) {
	t.Helper()
	if v.doc == nil {
		return
	}
	allowed := []string{"html", "head", "meta", "title", "link", "body", "header", "main", "section", "div", "a", "span", "h1", "h2", "p",
		"strong", "br", "form", "input", "button", "label", "ul", "li", "details", "summary", "img", "code", "time"}
	find(v.doc, func(n *html.Node) bool {
		if !slices.Contains(allowed, n.Data) {
			t.Errorf("%q at %s: element %s", payload, v.url.Path, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || a.Key == "http-equiv" || strings.Contains(a.Key, "<") {
				t.Errorf("%q at %s: attribute %s", payload, v.url.Path, a.Key)
			}
			if v := strings.ToLower(a.Val); (a.Key == "href" || a.Key == "src" || a.Key == "action") &&
				(!strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") || strings.HasPrefix(v, "//")) {
				t.Errorf("%q: %s leads to %q", payload, a.Key, a.Val)
			}
		}
		return false
	})
	if strings.Contains(v.body, "<script") || strings.Contains(v.body, "ZgotmplZ") {
		t.Errorf("%q at %s: script or a hole in the page", payload, v.url.Path)
	}
}

func TestAttack_W17_NoSecretInURL(t *testing.T) {
	w := newWorld(t, setup{})
	v := w.visitor(t)
	v.get("/auth/sign-up")
	v.submit("Continue", "email_address", ada, "password", secret)
	trail := v.trail
	code := w.code(ada)
	v.submit("Continue", "code", code)
	trail = append(trail, v.trail...)
	for _, to := range trail {
		for _, hidden := range []string{code, ada, url.QueryEscape(ada), secret, "sua_", "sia_", "sess_"} {
			if strings.Contains(to, hidden) {
				t.Errorf("redirect to %q holds %q", to, hidden)
			}
		}
	}
}
