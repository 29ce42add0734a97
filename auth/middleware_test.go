package auth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
)

// A handler that says its answer is public does not know that the middleware
// has just added a session token. However it answers, no cache may keep it.
func TestAttack_S10_RenewalIsNeverPublic(t *testing.T) {
	i := authtest.New(t)
	mux := http.NewServeMux()
	for name, answer := range map[string]http.HandlerFunc{
		"write":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") },
		"status":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"nothing":    func(http.ResponseWriter, *http.Request) {},
		"flush":      func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"controller": func(w http.ResponseWriter, _ *http.Request) { http.NewResponseController(w).Flush() },
		"hints": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Cache-Control", "public")
		},
		"file": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("x"))
		},
		"copy": func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, struct{ io.Reader }{strings.NewReader("x")}) },
	} {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=600")
			w.Header().Set("CDN-Cache-Control", "max-age=600")
			answer(w, r)
		})
	}
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		conn.Close()
	})
	i.Serve(mux)
	c := i.SignedIn(t, i.User(t, "ada@example.com"))
	for _, name := range []string{"write", "status", "nothing", "flush", "controller", "hints", "file", "copy"} {
		i.Clock.Advance(2 * time.Minute)
		res, _ := do(t, c, "GET", i.Server.URL+"/"+name, "")
		if got := res.Header.Get("Cache-Control"); len(res.Header["Set-Cookie"]) == 0 || got != "private, no-store" || res.Header.Get("CDN-Cache-Control") != "" {
			t.Errorf("%s: renewed with %v", name, res.Header)
		}
		// Nothing was added to this one: the handler's word counts.
		if res, _ = do(t, c, "GET", i.Server.URL+"/write", ""); len(res.Header["Set-Cookie"]) != 0 || res.Header.Get("Cache-Control") != "public, max-age=600" {
			t.Errorf("not renewed: %v", res.Header)
		}
	}
	i.Clock.Advance(2 * time.Minute)
	if res, _ := do(t, c, "GET", i.Server.URL+"/hijack", ""); res.StatusCode != 204 {
		t.Errorf("hijacked: %d", res.StatusCode)
	}
}

func TestAttack_S10_SignInIsNotStored(t *testing.T) {
	i := authtest.New(t)
	w := httptest.NewRecorder()
	if err := i.SignIn(w, httptest.NewRequest("GET", "http://localhost/", nil), i.User(t, "ada@example.com").ID); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
}

// Whom one instance knows is nobody to another, unless the host says so.
func TestAttack_T06_AnotherInstancesUser(t *testing.T) {
	one, two := authtest.New(t), authtest.New(t, func(c *auth.Config) { c.Issuer = "https://clerk.two.example" })
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.From(r.Context()).UserID) })
	ofOne := one.Token(t, authtest.TokenParams{UserID: "user_1"})
	ofTwo := two.Token(t, authtest.TokenParams{UserID: "user_2"})
	ask := func(h http.Handler, r *http.Request, tok string) string {
		r.Header.Set("Authorization", "Bearer "+tok)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			return fmt.Sprint(w.Code)
		}
		return w.Body.String()
	}
	for name, x := range map[string]struct{ got, want string }{
		"behind the other":  {ask(one.Middleware(two.Require(who)), httptest.NewRequest("GET", "/", nil), ofOne), "401"},
		"its own":           {ask(one.Middleware(two.Require(who)), httptest.NewRequest("GET", "/", nil), ofTwo), "user_2"},
		"same instance":     {ask(one.Middleware(one.Require(who)), httptest.NewRequest("GET", "/", nil), ofOne), "user_1"},
		"behind both":       {ask(one.Middleware(two.Middleware(one.Require(who))), httptest.NewRequest("GET", "/", nil), ofOne), "user_1"},
		"the host's word":   {ask(two.Require(who), httptest.NewRequest("GET", "/", nil).WithContext(auth.NewContext(t.Context(), &auth.Identity{UserID: "user_3"})), ofOne), "user_3"},
		"nil, by a host":    {ask(one.Require(who), httptest.NewRequest("GET", "/", nil).WithContext(auth.NewContext(t.Context(), nil)), ofOne), "401"},
		"nobody, by a host": {ask(one.Require(who), httptest.NewRequest("GET", "/", nil).WithContext(auth.NewContext(t.Context(), &auth.Identity{})), ofOne), "401"},
	} {
		if x.got != x.want {
			t.Errorf("%s: %s, want %s", name, x.got, x.want)
		}
	}
}

// Behind http.StripPrefix people come back to where they were, and not to what
// is left of it.
func TestRequireBehindStripPrefix(t *testing.T) {
	i := authtest.New(t)
	i.Serve(http.StripPrefix("/admin", i.Require(http.NotFoundHandler())))
	res, _ := do(t, authtest.NewClient(t), "GET", i.Server.URL+"/admin/users?page=2", "", "Accept", "text/html")
	if to := res.Header.Get("Location"); to != "/auth/sign-in?redirect_url=%2Fadmin%2Fusers%3Fpage%3D2" {
		t.Errorf("sent to %q", to)
	}
	// What is no path of this site is not handed on.
	for _, uri := range []string{"//evil.example/x", "http://evil.example/x", `/\evil.example`, "*", ""} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.RequestURI = uri
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		i.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		if to := w.Header().Get("Location"); to != "/auth/sign-in?redirect_url=%2Fx" {
			t.Errorf("%q: sent to %q", uri, to)
		}
	}
}

// Every method of the façade refuses with an *Error.
func TestRefusalsAreErrors(t *testing.T) {
	i := authtest.New(t, func(c *auth.Config) { c.LockSettings = true })
	ada := i.User(t, "ada@example.com")
	must(t)(i.Users().Ban(t.Context(), ada.ID))
	r, w := httptest.NewRequest("GET", "http://localhost/", nil), httptest.NewRecorder()
	for name, x := range map[string]struct {
		err  error
		code string
	}{
		"SignIn of a banned user": {i.SignIn(w, r, ada.ID), "user_banned"},
		"SignIn of nobody":        {i.SignIn(w, r, "user_nobody"), "resource_not_found"},
		"UpdateSettings":          {i.UpdateSettings(t.Context(), func(*settings.Settings) error { return nil }), "settings_locked"},
	} {
		if e, ok := errors.AsType[*auth.Error](x.err); !ok || e.Code != x.code {
			t.Errorf("%s: %v", name, x.err)
		}
	}
	open := authtest.New(t)
	oops := errors.New("oops")
	if err := open.UpdateSettings(t.Context(), func(*settings.Settings) error { return oops }); !errors.Is(err, oops) {
		t.Errorf("the host's own error: %v", err)
	}
	err := open.UpdateSettings(t.Context(), func(*settings.Settings) error { return store.ErrUnavailable })
	if e, ok := errors.AsType[*auth.Error](err); !ok || e.Code != "service_unavailable" || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without the store: %v", err)
	}
}
