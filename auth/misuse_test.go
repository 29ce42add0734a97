package auth_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
)

// lines is a log that a test reads while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// What can only be a slip of the pen is found when the handler is made, and not
// by the first person who asks for it.
func TestHandlersThatCannotWorkPanic(t *testing.T) {
	a := authtest.New(t, withOrganizations).Auth
	h := http.NotFoundHandler()
	for name, make := range map[string]func(){
		"nil to Wrap": func() { a.Wrap(nil) }, "nil to Middleware": func() { a.Middleware(nil) }, "nil to Require": func() { a.Require(nil) },
		"nil rule": func() { a.Require(h, nil) }, "nil rule inside": func() { a.Require(h, auth.Any(auth.InOrganization(), nil)) }, "nil rule, organization": func() { a.RequireOrganization("org", h, nil) },
		"unknown role": func() { a.Require(h, auth.Role("org:amdin")) }, "not the unknown role": func() { a.Require(h, auth.Not(auth.Role("amdin"))) },
		"no level": func() { auth.Fresh(auth.Freshness{Within: time.Hour}) }, "in no time": func() { auth.Fresh(auth.Freshness{Level: auth.FirstFactor}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
	a.Require(h, auth.Role("org:admin"), auth.Role("editor"), auth.Fresh(auth.Lax))
}

// A handler that is wrapped more than once asks once, and believes the host.
func TestRequestIsAskedOnce(t *testing.T) {
	i := authtest.New(t)
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, auth.From(r.Context()).UserID) })
	twice := i.Wrap(i.Wrap(i.Require(who)))
	i.Serve(twice)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	i.Clock.Advance(2 * time.Minute)
	res, body := do(t, c, "GET", i.Server.URL+"/", "")
	if body != ada.ID || len(res.Header["Set-Cookie"]) != 2 { // one token under two names
		t.Errorf("%q with %q", body, res.Header["Set-Cookie"])
	}
	r := httptest.NewRequest("GET", i.Server.URL, nil)
	w := httptest.NewRecorder()
	twice.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{UserID: "user_of_the_host"})))
	if w.Body.String() != "user_of_the_host" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// A pattern without the wildcard that the handler asks for is not a page that
// does not exist.
func TestRequireOrganizationWithoutWildcard(t *testing.T) {
	var log lines
	i := authtest.New(t, withOrganizations, func(c *auth.Config) { c.Log = log.logger() })
	mux := http.NewServeMux()
	mux.Handle("/orgs/{organization}/", i.RequireOrganization("org", http.HandlerFunc(whoami)))
	i.Serve(mux)
	res, _ := do(t, i.SignedIn(t, i.User(t, "ada@example.com")), "GET", i.Server.URL+"/orgs/acme/", "")
	if res.StatusCode != 500 || !strings.Contains(log.String(), `/orgs/{organization}/`) {
		t.Errorf("%d, logged: %s", res.StatusCode, &log)
	}
}

// Whom the host knows by other means than a token is in no organization.
func TestRequireOrganizationOfTheHostsWord(t *testing.T) {
	i := authtest.New(t, withOrganizations)
	mux := http.NewServeMux()
	mux.Handle("/orgs/{org}/", i.RequireOrganization("org", http.HandlerFunc(whoami)))
	r := httptest.NewRequest("GET", "/orgs/acme/", nil)
	w := httptest.NewRecorder()
	i.Wrap(mux).ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{UserID: "user_1"})))
	if w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestInNoStore(t *testing.T) {
	a := authtest.New(t).Auth
	if _, err := a.UsersIn(nil); err == nil {
		t.Error("users in no store")
	}
	if _, err := a.OrganizationsIn(nil); err == nil {
		t.Error("organizations in no store")
	}
}

// Mail that nobody will send is said to wait, once.
func TestMailWithoutRun(t *testing.T) {
	var log lines
	s := settings.Default()
	a, err := auth.New(t.Context(), auth.Config{Store: memory.New(), Settings: &s, Passwords: authtest.CheapPasswords(), Log: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"ada@example.com", "bob@example.com"} {
		if _, _, err := a.Invitations().Create(t.Context(), auth.InvitationParams{EmailAddress: address}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "Auth.Run"); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
}

// Whoever serves a name that is not configured is told what to look at.
func TestForeignRequestsAreLogged(t *testing.T) {
	var log lines
	i := authtest.New(t, func(c *auth.Config) { c.Log = log.logger() })
	srv := i.Serve(http.NotFoundHandler())
	c := i.SignedIn(t, i.User(t, "ada@example.com"))
	for name, x := range map[string]struct{ method, path, host, origin, code, body string }{
		"page by another name": {"GET", "/auth/sign-in", "app.example.com", "", "host_invalid", "no URL configured"},
		"page, another origin": {"POST", "/auth/sign-in", "", "http://localhost:5173", "origin_invalid", "came from another site"},
		"API, another origin":  {"GET", "/__clerk/v1/client", "", "http://localhost:5174", "origin_invalid", "origin_invalid"},
		"host's own form":      {"POST", "/", "", "http://localhost:5175", "csrf_token_invalid", "csrf_token_invalid"},
	} {
		r, err := http.NewRequest(x.method, srv.URL+x.path, strings.NewReader(url.Values{}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if x.origin != "" {
			r.Header.Set("Origin", x.origin)
		}
		r.Host = x.host
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode/100 != 4 || !strings.Contains(string(body), x.body) {
			t.Errorf("%s: %d %s, %v", name, res.StatusCode, body, err)
		}
		if !slices.ContainsFunc(strings.Split(log.String(), "\n"), func(line string) bool {
			return strings.Contains(line, "code="+x.code) && strings.Contains(line, "host="+x.host) && strings.Contains(line, "origin="+x.origin)
		}) {
			t.Errorf("%s: not in the log: %s", name, &log)
		}
	}
}

// Between two pages of the host's own nothing is carried.
func TestAttemptsUnderWay(t *testing.T) {
	e := enroll(t)
	p := newOwnPage(t, e)
	if err := p.post(func(at *auth.Attempts) error { _, err := at.SignIn(""); return err }); codeOf(err) != "resource_not_found" {
		t.Errorf("a browser that has begun nothing: %v", err)
	}
	address, secret := "bob@example.com", adasPassword
	for step, call := range []func(at *auth.Attempts) error{
		func(at *auth.Attempts) error {
			_, err := at.CreateSignUp(auth.SignUpParams{EmailAddress: &address, Password: &secret})
			return err
		},
		func(at *auth.Attempts) error {
			s, err := at.SignUp("")
			if err != nil {
				return err
			}
			_, err = at.PrepareVerification(s.ID, "email_code", "")
			return err
		},
		func(at *auth.Attempts) error {
			s, err := at.SignUp("")
			if err != nil {
				return err
			}
			if !slices.Equal(s.UnverifiedFields, []string{"email_address"}) {
				t.Errorf("unverified: %v", s.UnverifiedFields)
			}
			s, err = at.AttemptVerification(s.ID, "email_code", factor.Proof{Code: e.Mail.Code(t, address, 1)})
			if err == nil && (s.Status != "complete" || len(s.MissingFields)+len(s.UnverifiedFields) > 0) {
				t.Errorf("complete: %+v", s)
			}
			return err
		},
	} {
		if err := p.post(call); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
	}
	q := newOwnPage(t, e)
	if err := q.post(func(at *auth.Attempts) error {
		_, err := at.CreateSignIn(auth.SignInParams{Identifier: "ada@example.com"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := q.post(func(at *auth.Attempts) error {
		s, err := at.SignIn("")
		if err == nil && s.Identifier != "ada@example.com" {
			t.Errorf("under way: %+v", s)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// What only requests can show of the host's configuration is warned of once.
func TestSlipsThatRequestsShow(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*auth.Config)
		mount  func(http.Handler) http.Handler
		path   string
		want   string // in the log; empty: nothing is
	}{
		"no proxy": {change: func(c *auth.Config) { c.URL = "https://app.example.com" }, path: "/auth/sign-in"},
		"named proxy": {change: func(c *auth.Config) {
			c.URL, c.TrustedProxies = "https://app.example.com", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}, path: "/auth/sign-in"},
		"on a loopback":      {change: func(c *auth.Config) {}, path: "/auth/sign-in"},
		"unknown proxy":      {change: func(c *auth.Config) { c.URL = "https://app.example.com" }, path: "/auth/sign-in", want: "TrustedProxies"},
		"stripped":           {mount: func(h http.Handler) http.Handler { return http.StripPrefix("/app", h) }, path: "/app/auth/sign-in", want: "PagesPath"},
		"below, and told so": {change: func(c *auth.Config) { c.PagesPath = "/app/auth" }, path: "/app/auth/sign-in"},
	} {
		var log lines
		i := authtest.New(t, func(c *auth.Config) {
			c.Log = log.logger()
			if x.change != nil {
				x.change(c)
			}
		})
		h := i.Wrap(http.NotFoundHandler())
		if x.mount != nil {
			h = x.mount(h)
		}
		for range 2 {
			r := httptest.NewRequest("GET", x.path, nil)
			r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1234"
			if name != "no proxy" {
				r.Header.Set("X-Forwarded-For", "203.0.113.7")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if n := strings.Count(log.String(), "level=WARN"); (n == 1) != (x.want != "") || !strings.Contains(log.String(), x.want) {
			t.Errorf("%s: logged %d times: %s", name, n, &log)
		}
	}
}
