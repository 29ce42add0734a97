package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// Config is what an [Auth] is made of. Only Store is required: without the rest
// it serves whatever loopback address it is called by, makes its keys and
// keeps them in the store, and shows mails on a page instead of sending them.
type Config struct {
	// Store keeps everything. See packages store/sqlite, store/postgres and
	// store/memory.
	Store store.Store
	// Keyring encrypts what is secret in the store: signing keys, hashes of
	// passwords and codes, mails that wait. Without one they are kept as they
	// are, and whoever reads the database can sign tokens.
	Keyring store.Keyring

	// URL is the origin of the application as browsers see it, such as
	// https://app.example.com. It must be https unless it is a loopback one.
	// Empty: any loopback address.
	URL string
	// AllowedOrigins are further origins whose pages may call the Frontend API
	// and be redirected to, exactly as browsers write them.
	AllowedOrigins []string
	// FrontendPath, BackendPath and PagesPath are where usher is mounted.
	// Empty: /__clerk, /bapi and /auth.
	FrontendPath, BackendPath, PagesPath string
	// TrustedProxies are the networks of proxies that may say, in
	// X-Forwarded-For or Forwarded, whom they forward for. Empty: none, and the
	// client is the peer.
	TrustedProxies []netip.Prefix

	// Settings decide what is offered. nil: settings.Default. What is changed at
	// run time wins over it, unless LockSettings.
	Settings *settings.Settings
	// LockSettings pins Settings: nothing can be changed at run time.
	LockSettings bool

	// Social are the services that people can sign in with, such as
	// oauth.Google(id, secret); see package auth/oauth. At each, the callback is
	// URL with FrontendPath and /v1/oauth_callback/ and the provider's Key.
	Social []oauth.Provider

	// Mailer sends mail. nil, on a loopback URL: the development inbox. If it has
	// a method Check() error, as smtp.Mailer, it is asked at the start; so is SMS.
	Mailer notify.Mailer
	// DevInbox shows every mail on the page /dev/mail and in the log, and then
	// hands it to Mailer if there is one. It is refused on a URL that is not a
	// loopback one, since whoever sees the page can sign in as anybody.
	DevInbox bool
	// SMS sends text messages. nil, with the development inbox: they show there;
	// else phone numbers cannot be enabled. See package auth/notify/twilio.
	SMS notify.SMSSender
	// MailFrom is the sender of mails; empty: the mailer's own.
	MailFrom string
	// MailTemplates and PageTemplates stand in for the built-in files of the
	// same names, file by file.
	MailTemplates, PageTemplates fs.FS

	// SecretKeys open the Backend API; several while one replaces another.
	// Empty: one is made at the first start, see [Auth.SecretKey].
	SecretKeys []string
	// KeySchedule says when signing keys change, and by its Algorithm what they
	// are. Zero: RS256, as all of Clerk's clients need, every 90 days.
	KeySchedule token.Schedule
	// Issuer is the iss of tokens. Empty: https://clerk. and the host of URL.
	Issuer string
	// HTTPOnlySession hides session tokens from scripts, for hosts that do not
	// use Clerk's browser libraries.
	HTTPOnlySession bool

	// Passwords hashes and checks passwords. nil: argon2id as OWASP says.
	Passwords *password.Hasher
	// Breaches is asked about new passwords if the settings say so. nil: nobody.
	Breaches password.BreachChecker

	// Captcha tells people from programs where the settings ask for it, see
	// package auth/captcha. nil: a proof of work, which Clerk's components cannot
	// do. usher's own pages always use that, so that no script of a stranger runs
	// on them.
	Captcha captcha.Verifier

	// ClerkJS is a folder laid out as node_modules that holds @clerk/clerk-js
	// and @clerk/ui, see [Folder]. nil: browsers are redirected to a public CDN.
	ClerkJS fs.FS

	// Organizations are the permissions and roles that the program speaks of.
	// They are made, and brought up to date, at the start; new permissions are
	// given to admins. A role with a permission that is not declared is refused.
	// Settings.Organizations switches organizations on.
	Organizations organization.Catalogue
	// Resolver finds the TXT records by which organizations show that they own a
	// domain. nil: the system's.
	Resolver Resolver

	// OnUser runs inside the transaction that creates a user, by whatever way:
	// if it fails, there is no user. It may write with tx, and to the host's own
	// tables with sqlite.Exec or postgres.Exec. It may run again.
	OnUser func(ctx context.Context, tx store.Tx, u *user.User) error

	// Log takes what operators want to know; nothing secret is in it, but for
	// codes with the development inbox. nil: none, and slog.Default with the
	// inbox.
	Log *slog.Logger
	// Now is the clock. nil: time.Now.
	Now func() time.Time
}

// A Resolver finds TXT records; [net.Resolver] is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Folder returns the files below a folder of the system, and nil for an empty
// path.
func Folder(path string) fs.FS {
	if path == "" {
		return nil
	}
	return os.DirFS(path)
}

// withDefaults returns c with what follows from the zero values, and the site
// it describes. All problems are joined.
func (c Config) withDefaults() (Config, *site.Site, error) {
	var errs []error
	problem := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %w", field, fmt.Errorf(format, args...)))
	}
	if c.Store == nil {
		problem("Store", "is required; memory.New() is the simplest")
	}
	s, err := site.New(site.Config{URL: c.URL, AllowedOrigins: c.AllowedOrigins, FrontendPath: c.FrontendPath,
		BackendPath: c.BackendPath, PagesPath: c.PagesPath, Issuer: c.Issuer, TrustedProxies: c.TrustedProxies,
		HTTPOnlySession: c.HTTPOnlySession})
	if err != nil {
		errs = append(errs, err)
	}
	if c.Settings == nil {
		def := settings.Default()
		c.Settings = &def
	}
	if reflect.ValueOf(*c.Settings).IsZero() {
		problem("Settings", "are empty: begin with settings.Default")
	} else if err := c.Settings.Validate(); err != nil {
		problem("Settings", "%w", err)
	}
	if c.Mailer == nil && s.Local {
		c.DevInbox = true
	}
	if c.Mailer == nil && !s.Local {
		problem("Mailer", "is required unless URL is a loopback one; see package auth/notify/smtp")
	}
	if c.DevInbox && !s.Local {
		problem("DevInbox", "shows every code to everybody: it needs a loopback URL, not %s", c.URL)
	}
	c.check(s, problem)
	if c.Log == nil && c.DevInbox {
		c.Log = slog.Default() // where developers look for codes
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, s, errors.Join(errs...)
}

// check looks at the fields that need no defaults.
func (c Config) check(s *site.Site, problem func(field, format string, args ...any)) {
	at := map[string]string{jwksPath: "the key set", webauthnPath: "the origins of passkeys"}
	if c.DevInbox {
		at[inboxPath] = "the development inbox"
	}
	for _, p := range [][2]string{{"FrontendPath", s.FrontendPath}, {"BackendPath", s.BackendPath}, {"PagesPath", s.PagesPath}} {
		if other := at[p[1]]; other != "" {
			problem(p[0], "%q is the place of %s", p[1], other)
		}
		at[p[1]] = p[0]
	}
	for i, k := range c.SecretKeys {
		if !strings.HasPrefix(k, "sk_live_") && !strings.HasPrefix(k, "sk_test_") || len(k) < 40 {
			problem("SecretKeys", "number %d must begin with sk_live_ or sk_test_ and have at least 32 characters behind it", i+1)
		}
	}
	if c.Passwords != nil {
		if err := c.Passwords.Validate(); err != nil {
			problem("Passwords", "%w", err)
		}
	}
	if _, err := netip.ParseAddr(s.PasskeyHost()); err == nil && c.Settings.Passkeys.Enabled {
		problem("URL", "browsers know passkeys by a name only: use localhost instead of %s", s.PasskeyHost())
	}
	for field, sender := range map[string]any{"Mailer": c.Mailer, "SMS": c.SMS} {
		if s, ok := sender.(interface{ Check() error }); ok {
			if err := s.Check(); err != nil {
				problem(field, "%w", err)
			}
		}
	}
	if c.MailFrom != "" {
		if err := notify.CheckFrom(c.MailFrom); err != nil {
			problem("MailFrom", "%w", err)
		}
	}
	if c.MailTemplates != nil {
		c.MailFrom = "" // has been looked at
		if err := c.renderer(s).Check(); err != nil {
			problem("MailTemplates", "%w", err)
		}
	}
	checkSchedule(c.KeySchedule, problem)
	if err := c.Organizations.Check(); err != nil {
		problem("Organizations", "%w", err)
	}
	seen := map[string]bool{}
	for i, p := range c.Social {
		if err := p.Validate(s.Local); err != nil {
			problem("Social", "number %d: %w", i+1, err)
		}
		if seen[p.Key] {
			problem("Social", "%q stands there twice", p.Key)
		}
		seen[p.Key] = true
	}
}

func (c Config) renderer(s *site.Site) *notify.Renderer {
	return &notify.Renderer{AppName: c.Settings.AppName, AppURL: s.URL, From: c.MailFrom, Overlay: c.MailTemplates}
}

// longestToken is what settings allow at most, and a minute for clocks apart.
const longestToken = 6 * time.Minute

// checkSchedule refuses what token.Schedule would have to stretch or ignore.
func checkSchedule(k token.Schedule, problem func(field, format string, args ...any)) {
	if !slices.Contains([]token.Algorithm{"", token.RS256, token.ES256, token.EdDSA}, k.Algorithm) {
		problem("KeySchedule", "Algorithm %q is none of RS256, ES256 and EdDSA", k.Algorithm)
	}
	ahead := cmp.Or(k.PublishAhead, 24*time.Hour)
	if ahead < 2*token.JWKSMaxAge {
		problem("KeySchedule", "PublishAhead must be at least %s, is %s", 2*token.JWKSMaxAge, ahead)
	}
	if k.Every > 0 && k.Every < 2*ahead {
		problem("KeySchedule", "Every must be at least twice PublishAhead, %s, is %s", 2*ahead, k.Every)
	}
	if k.KeepAfter < 0 || k.KeepAfter > 0 && k.KeepAfter < longestToken {
		problem("KeySchedule", "KeepAfter must be at least %s, is %s", longestToken, k.KeepAfter)
	}
}
