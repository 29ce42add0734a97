package bapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/bapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/phone"
)

const (
	goodPassword = "correct horse battery 9"
	secretKey    = "sk_live_Vq0mZc7tLr2xYb5nKw8dJf3hGs6pTa9e"
)

// rig is a Backend API on a real server, with store, clock, mail and log in the
// test's hands. What it asks and hears is checked against the contract.
type rig struct {
	testing.TB
	engine *engine.Engine
	store  store.Store
	site   *site.Site
	server *httptest.Server

	mu    sync.Mutex
	now   time.Time
	mails []notify.Message
	log   bytes.Buffer
}

func (r *rig) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// Send keeps a mail.
func (r *rig) Send(_ context.Context, m notify.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mails = append(r.mails, m)
	return nil
}

// SendSMS keeps a text message as a mail to its number.
func (r *rig) SendSMS(ctx context.Context, m notify.SMS) error {
	return r.Send(ctx, notify.Message{ID: m.ID, To: m.To, Text: m.Body, Slug: m.Slug, Data: m.Data})
}

// Write keeps a line of the log.
func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

// rigConfig is what a test wants otherwise than usual.
type rigConfig struct {
	store store.Store // nil: a memory store that runs every transaction twice
	url   string      // empty: a local site
}

func newRig(t testing.TB, c rigConfig) *rig {
	t.Helper()
	r := &rig{TB: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if c.store == nil {
		c.store = storetest.Faulty(memory.New(), storetest.Plan{Rerun: true})
	}
	s, err := site.New(site.Config{URL: c.url})
	if err != nil {
		t.Fatal(err)
	}
	set := settings.Default()
	withOrganizations(&set)
	set.Limits = settings.Limits{}
	e, err := engine.New(t.Context(), engine.Config{SMS: r, Phone: phone.Parser{}, Social: social(), SocialTransport: provider{}, Store: c.store, Settings: set, Issuer: s.Issuer, AppURL: s.AppURL(), FrontendURL: s.FrontendURL(), PagesURL: s.PagesURL(), Local: s.Local,
		SecretKeys: []string{secretKey}, Mailer: r, Renderer: &notify.Renderer{AppURL: s.URL}, Now: r.Now, Log: slog.New(slog.NewTextHandler(r, nil)),
		Hasher:   &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}},
		Schedule: token.Schedule{Algorithm: token.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	r.engine, r.store, r.site = e, c.store, s
	r.server = httptest.NewServer(bapi.New(e, s))
	t.Cleanup(r.server.Close)
	return r
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// json decodes the answer into a map.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("answer is no object: %v\n%s", err, a.body)
	}
	return m
}

// list decodes the answer into a list of objects.
func (a answer) list(t testing.TB) []map[string]any {
	t.Helper()
	var l []map[string]any
	if err := json.Unmarshal(a.body, &l); err != nil {
		t.Fatalf("answer is no list: %v\n%s", err, a.body)
	}
	return l
}

// code is the code of the first error of the answer, or empty.
func (a answer) code() string {
	var e struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(a.body, &e) != nil || len(e.Errors) == 0 {
		return ""
	}
	return e.Errors[0].Code
}

// param is the field that the first error of the answer blames.
func (a answer) param() string {
	var e struct {
		Errors []struct {
			Meta struct {
				Param string `json:"param_name"`
			} `json:"meta"`
		} `json:"errors"`
	}
	if json.Unmarshal(a.body, &e) != nil || len(e.Errors) == 0 {
		return ""
	}
	return e.Errors[0].Meta.Param
}

// send asks with headers of the test's own; body may be nil.
func (r *rig) send(method, path string, header http.Header, body []byte) answer {
	r.Helper()
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(body)
	}
	req, err := http.NewRequest(method, r.server.URL+"/bapi"+path, rd)
	if err != nil {
		r.Fatal(err)
	}
	req.Header = header
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: b}
	if method != http.MethodHead {
		checkContract(r, method, path, header, body, a)
		if got := a.header["Content-Type"]; len(got) != 1 || got[0] != "application/json" {
			r.Errorf("%s %s: Content-Type %q, want exactly application/json", method, path, got)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		r.Errorf("%s %s: Cache-Control %q, want no-store", method, path, got)
	}
	return a
}

// authorized is the headers of a client that holds the key.
func authorized(contentType string) http.Header {
	h := http.Header{"Authorization": {"Bearer " + secretKey}}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return h
}

// do asks as a client does. body is text as it is, or is encoded.
func (r *rig) do(method, path string, body any) answer {
	r.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			r.Fatal(err)
		}
	}
	return r.send(method, path, authorized("application/json"), raw)
}

// must asks and wants 200.
func (r *rig) must(method, path string, body any) answer {
	r.Helper()
	a := r.do(method, path, body)
	if a.status != http.StatusOK {
		r.Fatalf("%s %s: status %d, want 200\n%s", method, path, a.status, a.body)
	}
	return a
}

// refused asks and wants a refusal.
func (r *rig) refused(method, path string, body any, status int, code string) answer {
	r.Helper()
	a := r.do(method, path, body)
	if a.status != status || a.code() != code {
		r.Errorf("%s %s: %d %s, want %d %s\n%s", method, path, a.status, a.code(), status, code, a.body)
	}
	return a
}

// fields is a JSON object.
type fields = map[string]any

// newUser makes a user with an address and the good password, unless more says
// otherwise, and returns the ID.
func (r *rig) newUser(email string, more fields) string {
	r.Helper()
	body := fields{"email_address": []string{email}, "password": goodPassword}
	maps.Copy(body, more)
	for k, v := range body {
		if v == nil {
			delete(body, k)
		}
	}
	return r.must("POST", "/v1/users", body).json(r)["id"].(string)
}

// newSession signs a user in and returns the session with a token.
func (r *rig) newSession(userID string) (id, jwt string) {
	r.Helper()
	s, err := r.engine.Sessions().Create(context.Background(), userID)
	if err != nil {
		r.Fatal(err)
	}
	if jwt, err = r.engine.Sessions().Token(context.Background(), s.ID, 0); err != nil {
		r.Fatal(err)
	}
	return s.ID, jwt
}

// user reads a user past the API.
func (r *rig) user(id string) *user.User {
	r.Helper()
	u, err := r.engine.Users().Get(context.Background(), id)
	if err != nil {
		r.Fatal(err)
	}
	return u
}

// verifier checks tokens as the host's middleware does.
func (r *rig) verifier() *token.Verifier {
	return &token.Verifier{Keys: r.engine.TokenIssuer(), Issuer: r.site.Issuer, Now: r.Now,
		Revoked: func(c *token.Claims) bool { return r.engine.Revoked(c.SessionID) }}
}

// ids are the IDs of a list of objects.
func ids(list []map[string]any) []string {
	out := []string{}
	for _, o := range list {
		out = append(out, o["id"].(string))
	}
	return out
}

// fill replaces the parts of a pattern in braces.
func fill(pattern string, parts map[string]string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for name, value := range parts {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return method, path
}
