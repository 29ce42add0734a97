// Package engine holds usher's use cases: one method, one transaction. The
// HTTP layers decode, call a method of [Engine] and encode what it returns;
// the Go API of package auth calls the same methods.
//
// A method gathers facts, lets a state machine or a rule of package user or
// session decide, and stores the decision with its effects. Slow work (hashes,
// signatures) is done before or after the transaction, mail leaves through the
// outbox. Refusals are *fault.Error.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/internal/picture"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/reverify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/password"
)

// Config is what an engine is made of. Store, Issuer and Mailer are required.
type Config struct {
	Store store.Store
	// Settings hold until they are changed at run time; LockSettings forbids
	// that, and ignores what was changed before.
	Settings     settings.Settings
	LockSettings bool
	// Issuer is the iss of tokens.
	Issuer string
	// AppURL is where mails and pages say the application is.
	AppURL string
	// FrontendURL and PagesURL are where the Frontend API and usher's own pages
	// are, paths alone if that is below the origin of whoever asks; empty: mails
	// link to none.
	FrontendURL, PagesURL string
	// Social are the services that people can sign in with. SocialTransport
	// answers calls to them, for tests; nil: the network.
	Social          []oauth.Provider
	SocialTransport http.RoundTripper
	// Local: the instance is on a loopback address only.
	Local bool

	// PasskeyHost is the domain that passkeys are for, and PasskeyOrigins are
	// whose pages may use them. Empty: the host of the request's origin, and
	// that origin.
	PasskeyHost    string
	PasskeyOrigins []string

	Algorithm token.Algorithm
	Schedule  token.Schedule
	// SecretKeys are the keys of the Backend API; none: one is made and kept.
	SecretKeys []string

	Hasher   *password.Hasher
	Breaches password.BreachChecker // nil: none
	Captcha  captcha.Verifier       // nil: a proof of work
	Mailer   notify.Mailer
	Renderer *notify.Renderer
	// SMS sends text messages and Phone reads numbers; nil: phone numbers cannot
	// be enabled.
	SMS   notify.SMSSender
	Phone user.PhoneParser

	// Catalogue are the roles and permissions that the host defines in code.
	Catalogue organization.Catalogue
	// Resolver finds the TXT records that show who owns a domain; nil: the
	// system's.
	Resolver Resolver

	Log *slog.Logger     // nil: none
	Now func() time.Time // nil: time.Now
	// OnUser runs in the transaction that creates a user, whatever the way: an
	// error undoes it all. It may run again.
	OnUser func(ctx context.Context, tx store.Tx, u *user.User) error
}

// Engine is an instance of usher without its HTTP.
type Engine struct {
	cfg        Config
	store      store.Store
	log        *slog.Logger
	now        func() time.Time
	hasher     *password.Hasher
	codes      *password.Hasher // of backup codes: random, so that a little is enough
	passkeys   factor.Passkey
	checker    password.Checker
	strategies factor.Set
	social     []factor.Social
	work       *captcha.Work
	pictures   picture.Decoder
	limits     *limit.Limiter
	mails      *limit.Limiter
	gates      gates
	decoys     *decoys
	sprayed    sprayed
	secrets    secrets
	settings   settingsCache
	keys       keyring
	revoked    revocations
	orgChanges orgChanges
	wake       chan struct{} // the outbox has something due
	running    atomic.Bool
	// nobodySends is for the warning of it.
	nobodySends sync.Once
}

// Kinds are all the kinds that usher keeps records of.
func Kinds() []*store.Kind {
	return append([]*store.Kind{user.Kind, user.PasswordKind, user.SecondFactorKind, user.ImageKind, session.Kind, session.ClientKind,
		signin.Kind, signup.Kind, reverify.Kind, lockout.Kind, secretKind, settingsKind, keyKind, outboxKind, handshakeKind, verificationKind, linkKind, smsTallyKind, mailTallyKind,
		user.ExternalTokensKind, flowKind,
		ticket.SignInTokens, ticket.ActorTokens, ticket.Invitations,
		access.Allowlist.Kind(), access.Blocklist.Kind(), access.MailboxKind, access.WaitlistKind, workKind}, organizationKinds...)
}

// New returns an engine on a store that has its tables, keys and secrets.
// Nothing runs in the background before [Engine.Run].
func New(ctx context.Context, cfg Config) (*Engine, error) {
	e := &Engine{cfg: cfg, store: cfg.Store, log: cfg.Log, now: cfg.Now, hasher: cfg.Hasher, wake: make(chan struct{}, 1)}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.hasher == nil {
		e.hasher = &password.Hasher{}
	}
	e.codes = &password.Hasher{Params: backupcode.Params(), Peppers: e.hasher.Peppers, Pool: e.hasher.Pool}
	e.passkeys = factor.Passkey{Site: e.passkeySite, Log: e.log}
	if e.cfg.Renderer == nil {
		e.cfg.Renderer = &notify.Renderer{AppURL: cfg.AppURL}
	}
	e.limits = &limit.Limiter{Now: e.now}
	e.mails = &limit.Limiter{Now: e.now}
	e.checker.Now = e.now
	e.revoked.now, e.orgChanges.now = e.now, e.now
	e.decoys = newDecoys()
	var err error
	if err := store.Prepare(ctx, cfg.Store, Kinds()...); err != nil {
		return nil, fmt.Errorf("prepare the store: %w", err)
	}
	if err := e.loadSecrets(ctx); err != nil {
		return nil, fmt.Errorf("load secrets: %w", err)
	}
	if e.social, err = newSocial(cfg); err != nil {
		return nil, err
	}
	e.work = e.newWork()
	strategies := []factor.Strategy{
		factor.Password{Hasher: e.hasher, Breached: e.breached},
		factor.EmailCode{Key: e.secrets.code},
		factor.EmailLink{Key: e.secrets.code},
		factor.PhoneCode{Key: e.secrets.code},
		factor.EmailCode{Key: e.secrets.code, ForReset: true},
		factor.PhoneCode{Key: e.secrets.code, ForReset: true},
		e.passkeys,
		factor.TOTP{},
		factor.BackupCode{Hasher: e.codes},
		factor.Ticket{Find: e.findPass},
	}
	for _, st := range e.social {
		strategies = append(strategies, st)
	}
	e.strategies = factor.NewSet(strategies...)
	if err := e.loadSettings(ctx); err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	if e.lastSettings().Protection.Strict() {
		if err := e.view(ctx, func(tx store.Tx) error { return e.decoys.fill(ctx, tx) }); err != nil {
			return nil, fmt.Errorf("read accounts: %w", err)
		}
	}
	if err := e.rotateKeys(ctx); err != nil {
		return nil, fmt.Errorf("load signing keys: %w", err)
	}
	if err := e.ensureRoles(ctx); err != nil {
		return nil, fmt.Errorf("roles of organizations: %w", err)
	}
	if err := e.loadRevocations(ctx); err != nil {
		return nil, fmt.Errorf("load revocations: %w", err)
	}
	return e, nil
}

// ensureRoles makes the roles that there are to be. Of several instances that
// start together one makes them, and the others find them.
func (e *Engine) ensureRoles(ctx context.Context) (err error) {
	for range 5 {
		err = e.store.Update(ctx, func(tx store.Tx) error { return organization.EnsureRoles(ctx, tx, e.cfg.Catalogue, e.now()) })
		_, duplicate := errors.AsType[*store.DuplicateError](err)
		if !duplicate && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

// Strategies are the ways in that the instance has.
func (e *Engine) Strategies() factor.Set { return e.strategies }

// Now is the engine's clock.
func (e *Engine) Now() time.Time { return e.now() }

// Log is the engine's logger.
func (e *Engine) Log() *slog.Logger { return e.log }

// Issuer is the iss of the instance's tokens.
func (e *Engine) Issuer() string { return e.cfg.Issuer }

// AppURL is where the application is.
func (e *Engine) AppURL() string { return e.cfg.AppURL }

// Ping reports whether the store answers.
func (e *Engine) Ping(ctx context.Context) error {
	return e.view(ctx, func(tx store.Tx) error {
		_, err := settingsTab.Get(ctx, tx, settingsID)
		return missingAs(err, nil)
	})
}

// txn is a transaction with what is to happen once it is committed. It is made
// anew each time the transaction's function runs.
type txn struct {
	store.Tx
	now   time.Time
	ended []*session.Session
	mail  bool
	// orgChanges are what tokens are to be refused for.
	orgChanges []*organization.Change
	// users are the records of users as they were read or stored last, see Put.
	users []store.Record
	// started is the session that has begun on a client that is not stored yet:
	// its only one.
	started *SessionView
	// guessed: something that fn stores was not read in this run.
	guessed bool
}

// update runs fn in one transaction, and after the commit tells this process
// what has ended and what is to be sent.
func (e *Engine) update(ctx context.Context, fn func(t *txn) error) error {
	var t *txn
	run := func(tx store.Tx) error {
		t = &txn{Tx: tx, now: e.now()}
		return fn(t)
	}
	err := e.store.Update(ctx, run)
	if errors.Is(err, store.ErrConflict) && t.guessed {
		err = e.store.Update(ctx, run)
	}
	if err != nil {
		return err
	}
	e.revoked.add(t.ended)
	e.orgChanges.add(t.orgChanges)
	if t.mail {
		e.wakeOutbox()
	}
	return nil
}

func (e *Engine) view(ctx context.Context, fn func(tx store.Tx) error) error {
	return e.store.View(ctx, fn)
}

// end gives live sessions a final status in t.
func (t *txn) end(ctx context.Context, status session.Status, ss ...*session.Session) error {
	live := ss[:0:0]
	for _, s := range ss {
		if s.LiveAt(t.now) {
			live = append(live, s)
		}
	}
	if err := session.EndAll(ctx, t, live, status, t.now); err != nil {
		return err
	}
	t.ended = append(t.ended, live...)
	return nil
}

// missingAs turns a missing record into another error.
func missingAs(err, as error) error {
	if errors.Is(err, store.ErrNotFound) {
		return as
	}
	return err
}
