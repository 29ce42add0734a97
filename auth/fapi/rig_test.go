package fapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/phone"
)

const (
	prefix = "/__clerk"
	ada    = "ada@example.com"
	bob    = "bob@example.com"
	good   = "correct horse battery 9"
	better = "purple monkey dishwasher 7"
)

// rig is an API on a real server, with clock, store and mailbox in the test's
// hands.
type rig struct {
	t      testing.TB
	e      *engine.Engine
	site   *site.Site
	api    *fapi.API
	server *httptest.Server
	log    *buffer

	mu    sync.Mutex
	now   time.Time
	mails []notify.Message
	// refusesSMS is what the sender of text messages says; nil: it sends them.
	refusesSMS error
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

func (r *rig) Send(_ context.Context, m notify.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mails = append(r.mails, m)
	return nil
}

// SendSMS keeps a text message as a mail to its number.
func (r *rig) SendSMS(ctx context.Context, m notify.SMS) error {
	if r.refusesSMS != nil {
		return r.refusesSMS
	}
	return r.Send(ctx, notify.Message{ID: m.ID, To: m.To, Text: m.Body, Slug: m.Slug, Data: m.Data})
}

// lastMail delivers what is due and returns the last mail.
func (r *rig) lastMail() notify.Message {
	r.t.Helper()
	if _, _, err := r.e.Deliver(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mails) == 0 {
		r.t.Fatal("no mail")
	}
	return r.mails[len(r.mails)-1]
}

// newest is the newest mail that is as wanted. Mails that wait together are sent
// at once, in any order.
func (r *rig) newest(what string, wanted func(notify.Message) bool) notify.Message {
	r.t.Helper()
	r.countMails() // delivers
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range slices.Backward(r.mails) {
		if wanted(m) {
			return m
		}
	}
	r.t.Fatal("no mail with " + what)
	return notify.Message{}
}

// lastCode is the code that was mailed last.
func (r *rig) lastCode() string {
	r.t.Helper()
	return r.newest("a code", func(m notify.Message) bool { return len(m.Data.OTPCode) == 6 }).Data.OTPCode
}

func (r *rig) countMails() int {
	r.t.Helper()
	if _, _, err := r.e.Deliver(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.mails)
}

// setup is what a test may change of its rig.
type setup struct {
	store    store.Store
	settings settings.Settings
	site     site.Config
	options  fapi.Options
	hasher   *password.Hasher
	// catalogue and resolver are for organizations.
	catalogue organization.Catalogue
	resolver  engine.Resolver
	social    []oauth.Provider
}

// unlocked takes away what locks accounts, for tests of what else holds.
func unlocked(c *setup) { c.settings.Protection.Lockout = settings.Lockout{} }

func newRig(t testing.TB, changes ...func(*setup)) *rig {
	t.Helper()
	c := setup{store: memory.New(), settings: settings.Default(),
		hasher: &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}}
	c.settings.Limits = settings.Limits{} // tests of limits set their own
	c.settings.Sessions.Multi = true
	c.settings.Mails.NewDeviceSignIn = false // tests count mails; its own switches it on
	for _, change := range changes {
		change(&c)
	}
	r := &rig{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), log: &buffer{}}
	var err error
	if r.site, err = site.New(c.site); err != nil {
		t.Fatal(err)
	}
	r.e, err = engine.New(t.Context(), engine.Config{SMS: r, Phone: phone.Parser{}, Catalogue: c.catalogue, Resolver: c.resolver, Store: c.store, Settings: c.settings, Issuer: r.site.Issuer, AppURL: r.site.AppURL(),
		Social: c.social,
		Local:  r.site.Local, FrontendURL: r.site.FrontendURL(), PagesURL: r.site.PagesURL(),
		Mailer: r, Renderer: &notify.Renderer{AppURL: r.site.URL}, Now: r.Now, Hasher: c.hasher, Log: slog.New(slog.NewTextHandler(r.log, nil)), Schedule: token.Schedule{Algorithm: token.ES256}})
	if err != nil {
		t.Fatal(err)
	}
	r.api = fapi.New(r.e, r.site, c.options)
	r.server = httptest.NewServer(r.api)
	t.Cleanup(r.server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the engine:\n%s", r.log.String())
		}
	})
	return r
}

// browser is a browser with cookies of its own.
type browser struct {
	*rig
	http   *http.Client
	header http.Header // sent with each request
	// session is sent as _clerk_session_id, if it is set.
	session string
}

func (r *rig) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{rig: r, header: http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}},
		http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// fork is the same browser at this moment, with cookies that go their own way.
func (b *browser) fork() *browser {
	c := b.rig.browser()
	u, _ := url.Parse(b.server.URL)
	c.http.Jar.SetCookies(u, b.http.Jar.Cookies(u))
	c.session = b.session
	return c
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.server.URL)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// do sends a request as the clients do: GET and POST only, the form as
// urlencoded text. The answer is held against the contract.
func (b *browser) do(method, path string, form url.Values) *answer {
	b.t.Helper()
	target := path
	if method != "GET" && method != "POST" && method != "HEAD" {
		target += sep(target) + "_method=" + method
		method = "POST"
	}
	if b.session != "" && !strings.HasPrefix(path, "/v1/client") {
		target += sep(target) + "_clerk_session_id=" + b.session
	}
	h := b.header.Clone()
	var body []byte
	if method == "POST" {
		h.Set("Origin", b.server.URL)
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		body = []byte(form.Encode())
	}
	// Proxies send the headers that this one needs; its own test does.
	return b.send(method, target, h, body, path != "/v1/proxy-health")
}

func sep(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// send sends any request. wellFormed says that the request itself is to keep
// to the contract.
func (b *browser) send(method, target string, h http.Header, body []byte, wellFormed bool) *answer {
	b.t.Helper()
	req, err := http.NewRequest(method, b.server.URL+prefix+target, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range h {
		req.Header[k] = v
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := &answer{t: b.t, what: method + " " + target, status: res.StatusCode, header: res.Header, raw: raw}
	if res.Header.Get("Content-Type") == "application/json" && len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.json); err != nil {
			b.t.Fatalf("%s: %v: %q", a.what, err, raw)
		}
	}
	if method != "HEAD" && method != "OPTIONS" {
		validate(b.t, method, req.URL, req.Header, body, res, raw, wellFormed && res.StatusCode < 300)
	}
	return a
}

func (b *browser) get(path string) *answer { b.t.Helper(); return b.do("GET", path, nil) }

// post sends pairs of names and values.
func (b *browser) post(path string, pairs ...string) *answer {
	b.t.Helper()
	return b.do("POST", path, pairsOf(pairs))
}

func (b *browser) patch(path string, pairs ...string) *answer {
	b.t.Helper()
	return b.do("PATCH", path, pairsOf(pairs))
}

func (b *browser) delete(path string) *answer { b.t.Helper(); return b.do("DELETE", path, nil) }

func pairsOf(pairs []string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// signUp signs somebody up and returns the new session's and user's IDs.
func (b *browser) signUp(email, pw string) (sessionID, userID string) {
	b.t.Helper()
	a := b.post("/v1/client/sign_ups", "email_address", email, "password", pw, "locale", "en-GB", "timezone", "Europe/Rome").ok()
	id := a.str("response.id")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	a = b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok()
	a.is("response.status", "complete")
	sessionID, userID = a.str("response.created_session_id"), a.str("response.created_user_id")
	b.post("/v1/client/sessions/"+sessionID+"/touch", "active_organization_id", "", "intent", "select_session").ok()
	b.session = sessionID
	return sessionID, userID
}

// signIn signs somebody in with a password, in one call.
func (b *browser) signIn(email, pw string) (sessionID string) {
	b.t.Helper()
	a := b.post("/v1/client/sign_ins", "identifier", email, "password", pw).ok().is("response.status", "complete")
	b.session = a.str("response.created_session_id")
	return b.session
}

// stepUp shows once more who is signed in, by the password.
func (b *browser) stepUp() {
	b.t.Helper()
	p := "/v1/client/sessions/" + b.session + "/verify"
	b.post(p, "level", "first_factor").ok()
	b.post(p+"/attempt_first_factor", "strategy", "password", "password", good).ok().is("response.status", "complete")
}

// claims of a token, verified with the published keys.
func (r *rig) claims(jwt string) *token.Claims {
	r.t.Helper()
	v := &token.Verifier{Keys: r.e.TokenIssuer(), Issuer: r.site.Issuer, Now: r.Now}
	c, err := v.Verify(context.Background(), jwt)
	if err != nil {
		r.t.Fatalf("token: %v", err)
	}
	return c
}
