package ui_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ui"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/phone"
)

// A world is a running instance with pages, a fake clock and captured mail.
type world struct {
	t      testing.TB
	engine *engine.Engine
	site   *site.Site
	srv    *httptest.Server
	pages  http.Handler
	// frontend is where links in mails lead.
	frontend http.Handler
	fake     *oauthtest.Server
	log      *lines

	verifier *token.Verifier

	mu    sync.Mutex
	now   time.Time
	mails []notify.Message
}

// A setup changes how a world is made.
type setup struct {
	settings func(*settings.Settings)
	options  ui.Options
	store    store.Store // nil: in memory
	hasher   *password.Hasher
	https    bool
	origins  []string
	social   bool // there is a provider that believes everybody
}

func newWorld(t testing.TB, c setup) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: &lines{}}
	set := settings.Default()
	set.AppName = "Acme"
	set.Limits = settings.Limits{Mail: settings.Rate{Count: 100, Per: time.Hour}}
	set.Mails.NewDeviceSignIn = false // tests look for the newest mail; its own switches it on
	if c.settings != nil {
		c.settings(&set)
	}
	if c.store == nil {
		c.store = memory.New()
	}
	if c.hasher == nil {
		c.hasher = &password.Hasher{Params: password.Params{Memory: 64, Time: 1}}
	}
	front := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeHTTP(rw, r) })
	where := site.Config{}
	if c.https {
		w.srv = httptest.NewTLSServer(front)
		where = site.Config{URL: w.srv.URL, AllowedOrigins: c.origins}
	} else {
		w.srv = httptest.NewServer(front)
	}
	t.Cleanup(w.srv.Close)
	var err error
	if w.site, err = site.New(where); err != nil {
		t.Fatal(err)
	}
	var providers []oauth.Provider
	if c.social {
		if w.fake, err = oauthtest.New(w.srv.URL + "/fake"); err != nil {
			t.Fatal(err)
		}
		w.fake.Now, providers = w.clock, []oauth.Provider{w.fake.Provider()}
	}
	w.engine, err = engine.New(t.Context(), engine.Config{SMS: w, Phone: phone.Parser{}, Store: c.store, Social: providers, Local: w.site.Local, Settings: set, Issuer: w.site.Issuer,
		AppURL: w.site.AppURL(), FrontendURL: w.site.FrontendURL(), PagesURL: w.site.PagesURL(), Hasher: c.hasher, Algorithm: token.EdDSA, Mailer: w, Renderer: &notify.Renderer{AppURL: w.site.URL}, Now: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	w.verifier = &token.Verifier{Keys: w.engine.TokenIssuer(), Issuer: w.site.Issuer, Now: w.clock}
	if w.pages, err = ui.New(w.engine, w.site, c.options); err != nil {
		t.Fatal(err)
	}
	w.frontend = fapi.New(w.engine, w.site, fapi.Options{})
	return w
}

// ServeHTTP is the host's application: the pages, and one of its own that
// tells whom the session token speaks of, as a middleware would.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/auth") {
		w.pages.ServeHTTP(rw, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/fake/") {
		w.fake.ServeHTTP(rw, r)
		return
	}
	who := "nobody"
	for _, name := range w.site.SessionCookies() {
		c, err := r.Cookie(name)
		if err != nil {
			continue
		}
		claims, err := w.verifier.Verify(r.Context(), c.Value)
		if err == nil && !w.engine.Revoked(claims.SessionID) {
			who = claims.Subject
		}
	}
	if strings.HasPrefix(r.URL.Path, "/__clerk") {
		w.frontend.ServeHTTP(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	rw.Write([]byte(r.URL.Path + " " + who))
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// SendSMS keeps a text message as a mail to its number.
func (w *world) SendSMS(ctx context.Context, m notify.SMS) error {
	return w.Send(ctx, notify.Message{ID: m.ID, To: m.To, Text: m.Body, Slug: m.Slug, Data: m.Data})
}

// Send keeps a mail.
func (w *world) Send(_ context.Context, m notify.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails = append(w.mails, m)
	return nil
}

// code delivers what waits in the outbox and returns the code of the newest
// mail, which must be to the address. Call it after each code: mails that wait
// together go out in any order.
func (w *world) code(to string) string {
	w.t.Helper()
	if _, _, err := w.engine.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.mails) - 1; i >= 0; i-- {
		if m := w.mails[i]; m.Data.OTPCode != "" {
			if m.To != to {
				w.t.Fatalf("the newest code went to %s, not to %s", m.To, to)
			}
			return m.Data.OTPCode
		}
	}
	w.t.Fatal("no code was sent")
	return ""
}

const (
	ada    = "ada@example.com"
	secret = "correct horse battery"
	fresh  = "purple wagon seven keys"
)

// person makes a user with a password.
func (w *world) person(address string) string {
	w.t.Helper()
	u, err := w.engine.Users().Create(w.t.Context(), engine.CreateUserParams{EmailAddresses: []string{address}, Password: secret,
		FirstName: "Ada", LastName: "Lovelace"})
	if err != nil {
		w.t.Fatal(err)
	}
	return u.ID
}

// signedIn is a visitor who has signed in with the password.
func (w *world) signedIn(t testing.TB, address string) *visitor {
	t.Helper()
	v := w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", address)
	v.at("/auth/sign-in/password", 200)
	v.submit("Continue", "password", secret)
	v.at("/", 200)
	return v
}

// lines is a log that can be read.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
