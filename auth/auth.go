package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/usherauth/usher/auth/bapi"
	"github.com/usherauth/usher/auth/fapi"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/notify/inbox"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ui"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user/phone"
)

// Auth is an instance of usher. It is safe for use by many goroutines.
type Auth struct {
	engine   *engine.Engine
	site     *site.Site
	verifier *token.Verifier
	sessions []string      // names of cookies, best first
	keyring  store.Keyring // empty: nothing is sealed
	inbox    *inbox.Inbox  // nil: none
	handler  http.Handler
	prefixes []string
	declared named // what rules can speak of: what there is at the start
}

// New makes an instance: it validates c, prepares the store, and makes keys and
// secrets if this is the first start. The error names every problem at once.
// Nothing runs in the background before [Auth.Run].
func New(ctx context.Context, c Config) (*Auth, error) {
	c, s, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	a := &Auth{site: s, keyring: c.Keyring, sessions: s.SessionCookies()}
	if c.DevInbox {
		a.inbox = &inbox.Inbox{Log: c.Log, Now: c.Now}
		c.Mailer, c.SMS = both(a.inbox, c.Mailer), bothSMS(a.inbox, c.SMS)
	}
	st := c.Store
	if len(c.Keyring.IDs()) > 0 {
		if st, err = store.Sealed(st, c.Keyring); err != nil {
			return nil, fmt.Errorf("auth: Keyring: %w", err)
		}
	}
	a.engine, err = engine.New(ctx, engine.Config{
		Store: st, Settings: *c.Settings, LockSettings: c.LockSettings, Issuer: s.Issuer, AppURL: s.AppURL(),
		Social:      c.Social,
		FrontendURL: s.FrontendURL(), PagesURL: s.PagesURL(),
		Schedule: c.KeySchedule, SecretKeys: c.SecretKeys, Hasher: c.Passwords, Breaches: c.Breaches,
		PasskeyHost: s.PasskeyHost(), PasskeyOrigins: s.PasskeyOrigins(),
		Local: s.Local, Captcha: c.Captcha,
		Mailer: c.Mailer, SMS: c.SMS, Phone: phone.Parser{}, Renderer: c.renderer(s), Log: c.Log, Now: c.Now, OnUser: c.OnUser, Catalogue: c.Organizations, Resolver: c.Resolver,
	})
	if errors.Is(err, token.ErrKey) && len(c.Keyring.IDs()) == 0 {
		err = fmt.Errorf("no Keyring, and what is stored seems to be sealed with one: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	a.verifier = &token.Verifier{Keys: a.engine.TokenIssuer(), Issuer: s.Issuer, AuthorizedParties: s.Origins.List(),
		Revoked: func(c *token.Claims) bool { return a.engine.Revoked(c.SessionID) }, Stale: a.engine.StaleOrganization, Now: c.Now}
	if err := a.verifier.Check(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	roles, err := a.engine.Organizations().Roles(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	for _, p := range roles.All() {
		if !p.System() {
			a.declared.permissions = append(a.declared.permissions, p.Key)
		}
	}
	for _, r := range roles.Roles.All() {
		a.declared.roles = append(a.declared.roles, r.Key)
	}
	return a, a.mount(c)
}

// What is always at the same place.
const (
	jwksPath     = "/.well-known/jwks.json"
	webauthnPath = "/.well-known/webauthn"
	inboxPath    = "/dev/mail"
)

// mount builds the handler of all of usher's paths.
func (a *Auth) mount(c Config) error {
	pages, err := ui.New(a.engine, a.site, ui.Options{Overlay: c.PageTemplates})
	if err != nil {
		return fmt.Errorf("auth: PageTemplates: %w", err)
	}
	mux := http.NewServeMux()
	handle := func(prefix string, h http.Handler) {
		mux.Handle(prefix+"/", h)
		mux.Handle(prefix, h)
		a.prefixes = append(a.prefixes, prefix)
	}
	front := fapi.New(a.engine, a.site, fapi.Options{ClerkJS: c.ClerkJS})
	handle(a.site.FrontendPath, front)
	handle(a.site.BackendPath, bapi.New(a.engine, a.site))
	handle(a.site.PagesPath, pages)
	handle(webauthnPath, front.RelatedOrigins())
	handle(jwksPath, a.engine.TokenIssuer().Handler())
	if a.inbox != nil {
		handle(inboxPath, a.inbox.Handler())
	}
	a.handler = a.watch(mux)
	return nil
}

// Handler serves all of usher's paths: the Frontend API, the Backend API, the
// pages, the key set and, if it is on, the development inbox. Mount it at the
// root of the site, or use [Auth.Wrap].
func (a *Auth) Handler() http.Handler { return a.handler }

// Wrap returns a handler that serves usher's own paths and gives everything
// else to next, through [Auth.Middleware]. It belongs at the root of the site,
// around everything else and outside of any http.StripPrefix: pages, cookies
// and redirects speak of the paths that browsers see. An application below
// /app has Config.PagesPath /app/auth, and so on.
func (a *Auth) Wrap(next http.Handler) http.Handler {
	app := a.Middleware(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.owns(r.URL.Path) {
			a.handler.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})
}

// owns reports whether a path is one of usher's.
func (a *Auth) owns(path string) bool {
	for _, p := range a.prefixes {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Run does what must be done in the background until ctx ends: it sends mail,
// learns what other processes have ended, rotates signing keys and purges what
// has expired. Without it no mail leaves. It returns ctx's error, or at once
// [ErrRunning].
func (a *Auth) Run(ctx context.Context) error { return a.engine.Run(ctx) }

// ErrRunning: Run was called while it runs already.
var ErrRunning = engine.ErrRunning

// PublishableKey names this instance to Clerk's client libraries. It is no
// secret.
func (a *Auth) PublishableKey() string { return a.site.PublishableKey }

// SecretKey opens the Backend API: the first of Config.SecretKeys, or the one
// that was made at the first start.
func (a *Auth) SecretKey() string { return a.engine.SecretKey() }

// Issuer is the iss of this instance's tokens.
func (a *Auth) Issuer() string { return a.site.Issuer }

// Verifier checks this instance's session tokens as [Auth.Middleware] does. It
// knows which sessions have ended, and which tokens say of an organization what
// does not hold any more, token.ErrStale: at once what this process has changed,
// and what others have within a second, while [Auth.Run] runs. Verifiers in
// other programs, made with the instance's public keys, know neither.
func (a *Auth) Verifier() *token.Verifier { return a.verifier }

// Settings returns a copy of the settings in force, at most a second old.
func (a *Auth) Settings(ctx context.Context) settings.Settings { return *a.engine.Settings(ctx) }

// UpdateSettings changes the settings: fn changes a copy of those in force,
// which is validated whole and stored. Every instance sees it within a second.
// With Config.LockSettings it is refused with the code settings_locked.
func (a *Auth) UpdateSettings(ctx context.Context, fn func(*settings.Settings) error) error {
	return refusal(a.engine.UpdateSettings(ctx, fn))
}

// SignInURL is the path of the sign-in page.
func (a *Auth) SignInURL() string { return a.site.PagesPath + "/sign-in" }

// SignUpURL is the path of the sign-up page.
func (a *Auth) SignUpURL() string { return a.site.PagesPath + "/sign-up" }

// UserURL is the path of the page on which people manage their account.
func (a *Auth) UserURL() string { return a.site.PagesPath + "/user" }

// SignOutURL is the path of the page that signs out.
func (a *Auth) SignOutURL() string { return a.site.PagesPath + "/sign-out" }

// both sends to the inbox and then, if there is one, to next.
func both(box *inbox.Inbox, next notify.Mailer) notify.Mailer {
	if next == nil {
		return box
	}
	return mailers{box, next}
}

// bothSMS is both for text messages.
func bothSMS(box *inbox.Inbox, next notify.SMSSender) notify.SMSSender {
	if next == nil {
		return box
	}
	return senders{box, next}
}

type senders []notify.SMSSender

func (ss senders) SendSMS(ctx context.Context, m notify.SMS) error {
	var errs []error
	for _, to := range ss {
		errs = append(errs, to.SendSMS(ctx, m))
	}
	return errors.Join(errs...)
}

type mailers []notify.Mailer

func (ms mailers) Send(ctx context.Context, m notify.Message) error {
	var errs []error
	for _, to := range ms {
		errs = append(errs, to.Send(ctx, m))
	}
	return errors.Join(errs...)
}
