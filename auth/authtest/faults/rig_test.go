package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/postgres/postgrestest"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

const (
	ada    = "ada@example.com"
	bob    = "bob@example.com"
	good   = "correct horse battery 9"
	better = "purple monkey dishwasher 7"
	agent  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// TestMain runs the tests, or the server that a test has started as a process
// of its own.
func TestMain(m *testing.M) {
	if what := os.Getenv(envChild); what != "" {
		if err := children[what](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(postgrestest.Main(m))
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// rig is a whole usher behind a server, with a log to read.
type rig struct {
	*authtest.Instance
	t      *testing.T
	log    *buffer
	hasher *password.Hasher
}

// requestKey marks the context of a request; its value cancels it.
type requestKey struct{}

// newRig starts an instance and a server with a private route beside it.
func newRig(t *testing.T, changes ...func(*auth.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: &buffer{}}
	r.Instance = authtest.New(t, append([]func(*auth.Config){func(c *auth.Config) {
		c.Log = slog.New(slog.NewTextHandler(r.log, nil))
		c.Settings.Sessions.Multi = true
		c.Passwords.Pool = &password.Pool{}
		r.hasher = c.Passwords
	}}, changes...)...)
	app := r.Wrap(r.Require(http.HandlerFunc(whoami)))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		ctx, cancel := context.WithCancel(q.Context())
		defer cancel()
		app.ServeHTTP(w, q.WithContext(context.WithValue(ctx, requestKey{}, cancel)))
	}))
	t.Cleanup(r.Server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", tail(r.log.String(), 8<<10))
		}
	})
	return r
}

// whoami answers with the ID of who asks.
func whoami(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, auth.From(r.Context()).UserID) }

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// withStore and withSettings change the configuration of a rig.
func withStore(s store.Store) func(*auth.Config) { return func(c *auth.Config) { c.Store = s } }

func withSettings(fn func(*settings.Settings)) func(*auth.Config) {
	return func(c *auth.Config) { fn(c.Settings) }
}

// unlocked takes away what locks accounts, for tests of what else holds.
func unlocked(c *auth.Config) { c.Settings.Protection.Lockout = settings.Lockout{} }

// account makes a user with a verified address and a password.
func (r *rig) account(email, password string) *user.User {
	r.t.Helper()
	u, err := r.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{email}, Password: password})
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// visitor is a browser with cookies of its own on some server.
type visitor struct {
	t      testing.TB
	base   string // URL of the server
	http   *http.Client
	header http.Header
}

func newVisitor(t testing.TB, base string) *visitor {
	return &visitor{t: t, base: base, http: authtest.NewClient(t), header: http.Header{"User-Agent": {agent}}}
}

func (r *rig) visitor() *visitor { return newVisitor(r.t, r.Server.URL) }

// signedIn is a visitor in whose browser u is signed in.
func (r *rig) signedIn(u *user.User) *visitor {
	v := r.visitor()
	v.http = r.SignedIn(r.t, u)
	return v
}

// fork is the same browser at this moment, with cookies that go their own way:
// a thief's copy.
func (v *visitor) fork() *visitor {
	c := newVisitor(v.t, v.base)
	at, _ := url.Parse(v.base)
	c.http.Jar.SetCookies(at, v.http.Jar.Cookies(at))
	return c
}

func (v *visitor) cookie(name string) string {
	at, _ := url.Parse(v.base)
	for _, c := range v.http.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (v *visitor) setCookie(name, value string) {
	at, _ := url.Parse(v.base)
	v.http.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// answer is what came back; status 0 is a connection that broke.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	raw    []byte
	json   any
	err    error
}

// api calls the Frontend API: pairs are names and values of the form. Methods
// other than GET and POST go as POST with _method, as browsers' clients do.
func (v *visitor) api(method, path string, pairs ...string) *answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	h := http.Header{}
	if method != http.MethodGet {
		if method != http.MethodPost {
			path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "_method=" + method
		}
		method = http.MethodPost
		h.Set("Origin", v.base)
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.do(method, "/__clerk/v1"+path, h, form.Encode())
}

func (v *visitor) post(path string, pairs ...string) *answer {
	v.t.Helper()
	return v.api("POST", path, pairs...)
}

func (v *visitor) get(path string) *answer { v.t.Helper(); return v.api("GET", path) }

// do sends any request.
func (v *visitor) do(method, path string, h http.Header, body string) *answer {
	v.t.Helper()
	return v.doContext(context.Background(), method, path, h, body)
}

func (v *visitor) doContext(ctx context.Context, method, path string, h http.Header, body string) *answer {
	v.t.Helper()
	a := &answer{t: v.t, what: method + " " + path}
	if method == http.MethodGet {
		body = ""
	}
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for _, hs := range []http.Header{v.header, h} {
		for k, vs := range hs {
			req.Header[k] = vs
		}
	}
	res, err := v.http.Do(req)
	if err != nil {
		a.err = err
		return a
	}
	defer res.Body.Close()
	a.status, a.header = res.StatusCode, res.Header
	if a.raw, a.err = io.ReadAll(res.Body); a.err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(a.raw, &a.json); err != nil {
			v.t.Errorf("%s: %v: %q", a.what, err, a.raw)
		}
	}
	return a
}

// at finds a value by the names and numbers on the way to it.
func (a *answer) at(path string) any {
	v := a.json
	for key := range strings.SplitSeq(path, ".") {
		switch have := v.(type) {
		case map[string]any:
			v = have[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(have) {
				return nil
			}
			v = have[i]
		default:
			return nil
		}
	}
	return v
}

func (a *answer) str(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a *answer) id() string   { return a.str("response.id") }
func (a *answer) code() string { return a.str("errors.0.code") }

func (a *answer) ok() *answer {
	a.t.Helper()
	if a.err != nil || a.status != http.StatusOK {
		a.t.Fatalf("%s: %d %s %v", a.what, a.status, a.raw, a.err)
	}
	return a
}

// refused fails the test unless the answer is a refusal with one of codes.
func (a *answer) refused(status int, codes ...string) *answer {
	a.t.Helper()
	for _, code := range codes {
		if a.status == status && a.code() == code {
			return a
		}
	}
	a.t.Errorf("%s: want %d %s, have %d %s %v", a.what, status, codes, a.status, a.raw, a.err)
	return a
}

// unavailable fails the test unless the answer is 503 that says when to come
// again.
func (a *answer) unavailable() *answer {
	a.t.Helper()
	after, _ := strconv.Atoi(a.headerOf("Retry-After"))
	if a.status != http.StatusServiceUnavailable || after < 1 {
		a.t.Errorf("%s: want 503 with Retry-After, have %d (Retry-After %q) %s %v", a.what, a.status, a.headerOf("Retry-After"), a.raw, a.err)
	}
	return a
}

func (a *answer) headerOf(name string) string {
	if a.header == nil {
		return ""
	}
	return a.header.Get(name)
}

// signIn signs in with a password in one call and returns the session's ID.
func (v *visitor) signIn(email, password string) string {
	v.t.Helper()
	return v.post("/client/sign_ins", "identifier", email, "password", password).ok().str("response.created_session_id")
}

// private asks for the host's own page and returns who it says is asking.
func (v *visitor) private() *answer { v.t.Helper(); return v.do("GET", "/private", nil, "") }

// signUp goes through a whole sign-up with the code that code returns.
func (v *visitor) signUp(email, password string, code func() string) *answer {
	v.t.Helper()
	id := v.post("/client/sign_ups", "email_address", email, "password", password).ok().id()
	v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	return v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code()).ok()
}

// mailed returns the code in the n-th mail to an address.
func (r *rig) mailed(email string, n int) func() string {
	return func() string { return r.Mail.Code(r.t, email, n) }
}

// eventually waits for something that happens in the background. It is not a
// sleep: it looks until it is so, and gives up loudly.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		<-tick.C
	}
}

// wrongCode is a code that is not right.
func wrongCode(right string) string {
	if right[0] == '9' {
		return "0" + right[1:]
	}
	return "9" + right[1:]
}
