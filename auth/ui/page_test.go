package ui_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/html"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ui"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user/password"
)

// tour shows a visitor every page, also with problems, and stops at each.
func tour(t *testing.T, w *world, stop func(name string, v *visitor)) {
	t.Helper()
	v := w.visitor(t)
	see := func(name string) { t.Helper(); stop(name, v) }
	v.get("/auth/sign-in?redirect_url=/private")
	see("sign-in")
	v.submit("Continue", "identifier", "nobody@example.com")
	see("sign-in refused")
	v.get("/auth/sign-up")
	see("sign-up")
	v.submit("Continue", "email_address", "x")
	see("sign-up refused")
	v.submit("Continue", "email_address", ada, "password", secret, "first_name", "Ada", "last_name", "Lovelace")
	see("sign-up verify")
	v.submit("Continue", "code", "1")
	see("sign-up verify refused")
	v.submit("Continue", "code", w.code(ada))
	v.get("/auth/sign-in")
	see("signed in")
	v.get("/auth/user")
	see("user")
	v.submit("Change password", "new_password", "x")
	see("user password refused")
	v.submit("Add address", "email_address", "ada@work.example")
	see("email verify")
	w.code("ada@work.example")
	v.get("/auth/user?notice=saved")
	see("user with two addresses")
	v.get("/auth/create-organization")
	see("create organization")
	v.submit("Create organization", "organization_name", "<")
	see("create organization refused")
	v.submit("Create organization", "organization_name", "Acme")
	see("organization")
	v.submit("Send invitations", "email_address", "x")
	see("organization refused")
	v.submit("Send invitations", "email_address", "bob@example.com")
	v.get(w.invitation("bob@example.com"))
	see("invitation")
	v.get("/auth/organization/delete")
	see("delete organization")
	v.get("/auth/organizations")
	see("organizations")
	v.get("/auth/user/delete")
	see("delete")
	v.submit("Delete account")
	see("delete refused")
	v.get("/auth/sign-out")
	see("sign-out")
	v.submit("Sign out")
	v.get("/auth/sign-out")
	see("signed out")
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	see("password")
	v.submit("Continue", "password", "x")
	see("password refused")
	v.submit("Use a code instead")
	see("code")
	w.code(ada)
	v.submit("Continue", "code", "1")
	see("code refused")
	v.get("/auth/sign-in/password")
	v.submit("Forgot password?")
	see("reset")
	v.submit("Continue", "code", w.code(ada))
	see("new password")
	v.submit("Save and sign in", "password", "x")
	see("new password refused")
	v.get("/auth/unlock?token=x")
	see("unlock")
	v.submit("Unlock")
	see("unlock refused")
	v.get("/auth/nothing")
	see("not found")
}

func TestPagesAreSound(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Sessions.Multi = false; withOrganizations(s) }})
	seen := map[string]bool{}
	tour(t, w, func(name string, v *visitor) {
		title := text(all(v.doc, "title")[0])
		if !strings.HasSuffix(title, " · Acme") || strings.HasPrefix(title, "Error: ") != (v.alert() != "") {
			t.Errorf("%s: title %q, alert %q", name, title, v.alert())
		}
		seen[title] = true
		for _, problem := range unsound(v) {
			t.Errorf("%s: %s", name, problem)
		}
	})
	if len(seen) < 15 {
		t.Errorf("only %d titles: the pages are not told apart", len(seen))
	}
}

// unsound lists what a screen reader, a keyboard or a parser would stumble
// over.
func unsound(v *visitor) (out []string) {
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !strings.HasPrefix(v.body, "<!doctype html>") || attr(all(v.doc, "html")[0], "lang") == "" {
		bad("no doctype or language")
	}
	if n := len(all(v.doc, "h1")); n != 1 {
		bad("%d h1", n)
	}
	if n := len(all(v.doc, "main")); n != 1 {
		bad("%d main", n)
	}
	ids, focus, labels := map[string]bool{}, 0, map[string]bool{}
	for _, l := range all(v.doc, "label") {
		if text(l) == "" {
			bad("an empty label")
		}
		labels[attr(l, "for")] = true
	}
	find(v.doc, func(n *html.Node) bool {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				bad("id %s twice", id)
			}
			ids[id] = true
		}
		if has(n, "autofocus") {
			focus++
		}
		return false
	})
	find(v.doc, func(n *html.Node) bool {
		for _, key := range []string{"aria-describedby", "aria-labelledby", "for"} {
			for ref := range strings.FieldsSeq(attr(n, key)) {
				if !ids[ref] {
					bad("%s names %s, which is not there", key, ref)
				}
			}
		}
		if href := attr(n, "href"); strings.HasPrefix(href, "#") && !ids[href[1:]] {
			bad("link to %s, which is not there", href)
		}
		switch n.Data {
		case "input":
			if attr(n, "type") != "hidden" && !has(n, "hidden") && !labels[attr(n, "id")] {
				bad("input %s without label", attr(n, "name"))
			}
			if typ := attr(n, "type"); typ == "password" && (attr(n, "autocomplete") == "" || attr(n, "value") != "") {
				bad("password %s without autocomplete or with a value", attr(n, "name"))
			}
			if attr(n, "name") == "code" && (attr(n, "autocomplete") != "one-time-code" || attr(n, "inputmode") != "numeric") {
				bad("the code has no autocomplete or keyboard")
			}
			if attr(n, "aria-invalid") == "true" && v.fieldError(attr(n, "name")) == "" {
				bad("input %s is invalid without saying why", attr(n, "name"))
			}
		case "form":
			if attr(n, "method") != "post" && attr(n, "role") != "search" || !strings.HasPrefix(attr(n, "action"), "/auth/") {
				bad("form to %s by %s", attr(n, "action"), attr(n, "method"))
			}
		case "button":
			if attr(n, "type") != "submit" || text(n) == "" {
				bad("button %q of type %q", text(n), attr(n, "type"))
			}
		case "img":
			if !has(n, "alt") {
				bad("image without alt")
			}
		}
		return false
	})
	if focus > 1 {
		bad("%d elements want the focus", focus)
	}
	if v.alert() != "" && find(v.doc, func(n *html.Node) bool { return attr(n, "aria-invalid") == "true" && has(n, "autofocus") }) == nil {
		bad("the focus is not on what was refused")
	}
	return out
}

func TestOverlay(t *testing.T) {
	w := newWorld(t, setup{options: ui.Options{Home: "/start", AfterSignIn: "/home", Overlay: fstest.MapFS{
		"theme.css":    {Data: []byte(":root { --accent: #0f766e; }")},
		"sign_in.html": {Data: []byte(`{{define "title"}}Anmelden{{end}}{{define "content"}}<h1>Anmelden</h1>{{template "messages" .}}<form method="post" action="{{.URL "/sign-in"}}">{{template "field" input . "identifier" "E-Mail" "autocomplete" "username" "focus" "yes"}}<button type="submit">Weiter</button></form>{{end}}`)},
	}}})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in")
	if text(all(v.doc, "h1")[0]) != "Anmelden" || attr(all(v.doc, "a")[0], "href") != "/start" {
		t.Errorf("the overlay is not shown: %s", v.body)
	}
	link := attr(all(v.doc, "link")[0], "href")
	v.submit("Weiter", "identifier", ada)
	v.at("/auth/sign-in/password", 200) // not replaced
	v.submit("Continue", "password", secret)
	v.at("/home", 200)
	v.get(link)
	if !strings.HasSuffix(strings.TrimSpace(v.body), "--accent: #0f766e; }") || !strings.Contains(v.body, ".card") {
		t.Error("the theme does not come after the built-in style")
	}
	plain := newWorld(t, setup{}).visitor(t)
	plain.get("/auth/sign-in")
	if attr(all(plain.doc, "link")[0], "href") == link {
		t.Error("another theme has the same path")
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t, setup{})
	for name, tt := range map[string]struct {
		options ui.Options
		says    string
	}{
		"syntax":   {ui.Options{Overlay: fstest.MapFS{"user.html": {Data: []byte("{{if}}")}}}, "user.html"},
		"field":    {ui.Options{Overlay: fstest.MapFS{"user.html": {Data: []byte(`{{define "title"}}{{end}}{{define "content"}}{{.Nothing}}{{end}}`)}}}, "Nothing"},
		"no title": {ui.Options{Overlay: fstest.MapFS{"sign_in.html": {Data: []byte(`{{define "content"}}{{end}}`)}}}, `"title" is not defined`},
		"large":    {ui.Options{Overlay: fstest.MapFS{"theme.css": {Data: make([]byte, 1<<20)}}}, "theme.css"},
		"folder":   {ui.Options{Overlay: fstest.MapFS{"theme.css/x": {}}}, "theme.css"},
		"home":     {ui.Options{Home: "https://evil.test/"}, "Home"},
		"targets":  {ui.Options{AfterSignIn: "javascript:alert(1)", AfterSignOut: "//evil.test"}, "AfterSignOut"},
	} {
		if _, err := ui.New(w.engine, w.site, tt.options); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want one that says %q", name, err, tt.says)
		}
	}
}

func TestTooManyTries(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		s.Limits.AttemptSignIn = settings.Rate{Count: 3, Per: 10 * time.Second}
	}})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	for range 3 {
		v.submit("Continue", "password", "x")
		v.at("/auth/sign-in/password", 422)
	}
	v.submit("Continue", "password", secret)
	if v.at("/auth/sign-in/password", 429); v.header.Get("Retry-After") == "" || !strings.Contains(text(v.doc), "Please wait") {
		t.Errorf("Retry-After %q: %s", v.header.Get("Retry-After"), text(v.doc))
	}
	w.advance(11 * time.Second)
	v.follow("Try again")
	v.at("/auth/sign-in/password", 200)
	v.submit("Continue", "password", secret)
	v.at("/private", 200)
}

func TestBusy(t *testing.T) {
	pool := &password.Pool{Slots: 1, Queue: 1}
	w := newWorld(t, setup{hasher: &password.Hasher{Params: password.Params{Memory: 64, Time: 1}, Pool: pool}})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 2 { // one works, one waits: the pool is full
		wait.Go(func() { _ = pool.Do(ctx, 1, func() error { <-ctx.Done(); return nil }) })
	}
	for s := pool.Stats(); s.Running != 1 || s.Waiting != 1; s = pool.Stats() {
		runtime.Gosched()
	}
	v.submit("Continue", "password", secret)
	if v.at("/auth/sign-in/password", 503); v.header.Get("Retry-After") == "" || !strings.Contains(text(v.doc), "very busy") {
		t.Errorf("Retry-After %q: %s", v.header.Get("Retry-After"), text(v.doc))
	}
	cancel()
	wait.Wait()
	v.follow("Try again")
	v.submit("Continue", "password", secret)
	v.at("/", 200)
}

func TestAttack_W20_ErrorsTellNothing(t *testing.T) {
	var fail atomic.Pointer[error]
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(context.Context, string) error {
		if err := fail.Load(); err != nil {
			return *err
		}
		return nil
	}})
	w := newWorld(t, setup{store: st})
	w.person(ada)
	v := w.signedIn(t, ada)
	inside := fmt.Errorf("pq: relation \"usher_user\" at /srv/app/store.go:42")
	busy := fmt.Errorf("%w: dial 10.0.0.1", store.ErrUnavailable)
	for _, tt := range []struct {
		err    error
		status int
	}{{inside, 500}, {busy, 503}} {
		fail.Store(&tt.err)
		for _, path := range gets {
			if v.get(path); v.status != tt.status && v.status != 404 {
				t.Errorf("GET %s: %d, want %d", path, v.status, tt.status)
			}
			for _, told := range []string{"pq:", "usher_user", "store.go", "10.0.0.1"} {
				if strings.Contains(v.body, told) {
					t.Errorf("GET %s tells %q", path, told)
				}
			}
			if v.status == 500 && !strings.Contains(v.body, "this number") {
				t.Errorf("GET %s: no number to tell", path)
			}
		}
	}
	fail.Store(nil)
	if !strings.Contains(w.log.String(), "usher_user") || !strings.Contains(w.log.String(), "trace_id=") {
		t.Error("the log does not say what happened")
	}
	v.get("/auth/user")
	v.at("/auth/user", 200)
}

func TestMalformedForms(t *testing.T) {
	w := newWorld(t, setup{})
	v := w.visitor(t)
	for name, tt := range map[string]struct{ kind, body string }{
		"json": {"application/json", `{"identifier":"x"}`}, "no type": {"", "identifier=x"},
		"twice": {"application/x-www-form-urlencoded", "identifier=a&identifier=b"}, "nul": {"application/x-www-form-urlencoded", "identifier=%00"},
		"escape": {"application/x-www-form-urlencoded", "identifier=%zz"}, "utf-8": {"application/x-www-form-urlencoded", "identifier=%ff"},
		"10 MB": {"application/x-www-form-urlencoded", "identifier=" + strings.Repeat("a", 10<<20)},
		"long":  {"application/x-www-form-urlencoded", "identifier=" + strings.Repeat("a", 1000)},
	} {
		for _, path := range []string{"/auth/sign-in", "/auth/sign-up", "/auth/sign-out"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(tt.body))
			r.Host = "127.0.0.1"
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			if tt.kind != "" {
				r.Header.Set("Content-Type", tt.kind)
			}
			rec := httptest.NewRecorder()
			w.pages.ServeHTTP(rec, r)
			if rec.Code >= 500 || rec.Code < 300 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") && rec.Code >= 400 {
				t.Errorf("%s to %s: %d %s", name, path, rec.Code, rec.Header().Get("Content-Type"))
			}
		}
	}
	v.get("/auth/sign-in")
	v.at("/auth/sign-in", 200)
}
