// Package authtest gives tests a running usher: a store in memory, a clock
// that the test moves, mail that the test reads, and people who are signed in
// with one call.
//
//	func TestPrivatePage(t *testing.T) {
//		u := authtest.New(t)
//		srv := u.Serve(myapp.Handler(u.Auth))
//		res, err := u.SignedIn(t, u.User(t, "ada@example.com")).Get(srv.URL + "/private")
//		…
//	}
//
// Everything runs in the process, in parallel with other tests, without a
// network beyond the loopback one. Rate limits are off and hashing passwords
// is cheap, unless the test configures them.
package authtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// Start is what a new [Clock] shows.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// An Instance is a running usher for one test.
type Instance struct {
	*auth.Auth
	Store store.Store
	Clock *Clock
	Mail  *Mailbox
	// Server is what [Instance.Serve] started; nil before.
	Server *httptest.Server
	t      testing.TB
}

// Settings are those that [New] begins with: the defaults without rate limits,
// and without the mail about a new device, which nearly every sign-in of a test
// would send.
func Settings() *settings.Settings {
	s := settings.Default()
	s.Limits, s.Mails.NewDeviceSignIn = settings.Limits{}, false
	return &s
}

// CheapPasswords returns a hasher that is fast and good for nothing but tests.
func CheapPasswords() *password.Hasher {
	return &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
}

// New returns a running instance that ends with the test. Each change is made
// to the configuration before it starts.
func New(t testing.TB, changes ...func(*auth.Config)) *Instance {
	t.Helper()
	i := &Instance{Clock: NewClock(), Mail: newMailbox(), t: t}
	c := auth.Config{Store: memory.New(), Settings: Settings(), Mailer: i.Mail, SMS: i.Mail, Passwords: CheapPasswords(),
		KeySchedule: token.Schedule{Algorithm: token.ES256}, Now: i.Clock.Now}
	for _, change := range changes {
		change(&c)
	}
	i.Store = c.Store
	a, err := auth.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	i.Auth = a
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("authtest: Run: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return i
}

// Serve starts a server for the host's handler, with usher's own paths beside
// it, until the test ends. A nil handler answers 404.
func (i *Instance) Serve(h http.Handler) *httptest.Server {
	if h == nil {
		h = http.NotFoundHandler()
	}
	i.Server = httptest.NewServer(i.Wrap(h))
	i.t.Cleanup(i.Server.Close)
	return i.Server
}

// User makes a user with a verified e-mail address and no password.
func (i *Instance) User(t testing.TB, email string) *user.User {
	t.Helper()
	u, err := i.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{email}, SkipPasswordRequirement: true})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// SignedIn returns a client in which u is signed in, as in a browser of its
// own. [Instance.Serve] must have been called. It follows no redirects.
func (i *Instance) SignedIn(t testing.TB, u *user.User) *http.Client {
	t.Helper()
	if i.Server == nil {
		t.Fatal("authtest: call Serve before SignedIn")
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", i.Server.URL, nil)
	if err := i.SignIn(w, r, u.ID); err != nil {
		t.Fatal(err)
	}
	c := NewClient(t)
	at, err := url.Parse(i.Server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.Jar.SetCookies(at, w.Result().Cookies())
	return c
}

// NewClient returns a client with cookies of its own, in which nobody is
// signed in. It follows no redirects.
func NewClient(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// TokenParams describe a token that nobody needs to have signed in for.
type TokenParams struct {
	UserID    string
	SessionID string // empty: one that no store knows
	// OrganizationID, with Role such as org:admin and Permissions such as
	// org:invoices:read.
	OrganizationID, Role string
	Permissions          []string
	// Age is how long ago it was minted; it lives for a minute.
	Age time.Duration
	// FactorAge is how long ago the first and second factor were shown, in
	// minutes; nil is just now and never.
	FactorAge *token.FactorAge
}

// Token mints a session token of this instance.
func (i *Instance) Token(t testing.TB, p TokenParams) string {
	t.Helper()
	issuer, ok := i.Verifier().Keys.(*token.Issuer)
	if !ok {
		t.Fatal("authtest: the instance has no issuer of its own")
	}
	now := i.Clock.Now().Add(-p.Age)
	c := token.Claims{Subject: p.UserID, SessionID: p.SessionID, IssuedAt: now, FactorAge: p.FactorAge}
	if c.SessionID == "" {
		c.SessionID = store.NewID("sess", now)
	}
	if c.FactorAge == nil {
		c.FactorAge = &token.FactorAge{First: 0, Second: -1}
	}
	if p.OrganizationID != "" {
		c.Organization = &token.Organization{ID: p.OrganizationID, Role: trimRole(p.Role)}
		if err := c.Grant(nil, p.Permissions); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := issuer.Mint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func trimRole(role string) string {
	if len(role) > 4 && role[:4] == "org:" {
		return role[4:]
	}
	return role
}
