package engine

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// policy is the password policy of the settings.
func policy(s *settings.Settings) password.Policy {
	p := s.Password
	return password.Policy{MinLength: p.MinLength, MaxLength: p.MaxLength, RequireUpper: p.RequireUppercase,
		RequireLower: p.RequireLowercase, RequireNumber: p.RequireNumbers, RequireSpecial: p.RequireSpecialChar,
		MinStrength: p.MinStrength}
}

// checkNewPassword checks a password that somebody wants to have against the
// policy and, if that is switched on, against known breaches.
func (e *Engine) checkNewPassword(ctx context.Context, s *settings.Settings, plain string, u *user.User) error {
	words := []string{u.Username, u.FirstName, u.LastName, s.AppName}
	identifiers := []string{u.Username}
	for _, id := range u.EmailAddresses {
		words, identifiers = append(words, id.Canonical), append(identifiers, id.Canonical)
	}
	if err := e.checker.Check(policy(s), plain, words); err != nil {
		return err
	}
	for _, id := range u.PhoneNumbers {
		if e.named(plain, s) == id.Canonical { // however it is written
			identifiers = append(identifiers, plain)
		}
	}
	for _, id := range identifiers {
		if id != "" && user.Fold(plain) == user.Fold(id) {
			return fault.New("form_password_matches_identifier", "password")
		}
	}
	if s.Password.CheckBreaches && e.leaked(ctx, plain) {
		return fault.New("form_password_pwned", "password")
	}
	return nil
}

// breached reports whether a password is among the common ones or leaked.
func (e *Engine) breached(ctx context.Context, plain string) bool {
	return e.checker.Common(plain) || e.leaked(ctx, plain)
}

// leaked asks the breach checker. One that does not answer keeps nobody out.
func (e *Engine) leaked(ctx context.Context, plain string) bool {
	if e.cfg.Breaches == nil {
		return false
	}
	breached, err := e.cfg.Breaches.Breached(ctx, plain)
	if err != nil {
		e.log.WarnContext(ctx, "breach check did not answer; the password is let through", "err", err)
	}
	return breached && err == nil
}

// importDigest returns what is to be stored of a digest of another system.
func (e *Engine) importDigest(hasher, digest string) (string, error) {
	stored, err := e.hasher.Import(hasher, digest)
	switch {
	case err == nil:
		return stored, nil
	case errors.Is(err, password.ErrUnknownFormat):
		return "", fault.Wrap("form_password_digest_invalid_code", "password_hasher", err).Say("There is no such hasher.")
	case errors.Is(err, password.ErrMalformed):
		return "", fault.Wrap("form_password_digest_invalid_code", "password_digest", err).
			Say("The password digest does not fit the given hasher, whose digests look like this: " + e.hasher.Form(hasher))
	}
	return "", fault.Wrap("form_password_digest_invalid_code", "password_digest", err).
		Say("Checking this password digest would take more than a password may cost, or a secret that is not known here.")
}

// passwordChange is a new password and what goes with it.
type passwordChange struct {
	hash        string // empty: the password is removed
	signOut     bool   // end the user's other sessions
	keepSession string // this one stays
	keepAttempt string // this sign-in goes on
	by          Request
}

// setPassword stores or removes a password in t, ends what hung on the old
// one, and tells the user by mail.
func (e *Engine) setPassword(ctx context.Context, t *txn, u *user.User, c passwordChange) error {
	slug, err := notify.PasswordChanged, error(nil)
	if c.hash == "" {
		slug, err = notify.PasswordRemoved, user.RemovePassword(ctx, t, u)
	} else {
		err = user.SetPassword(ctx, t, u, c.hash, t.now)
	}
	if err != nil {
		return err
	}
	if err := user.Put(ctx, t, u, t.now); err != nil {
		return err
	}
	if err := voidAttempts(ctx, t, u.ID, c.keepAttempt); err != nil {
		return err
	}
	if err := ticket.RevokeOf(ctx, t, u.ID, t.now); err != nil {
		return err
	}
	if err := clearTries(ctx, t, u.ID); err != nil { // they were tries of another password
		return err
	}
	if c.signOut {
		if err := e.endUser(ctx, t, u.ID, c.keepSession, session.Revoked); err != nil {
			return err
		}
	}
	if c.keepSession != "" {
		if err := keepFamiliar(ctx, t, u, c.keepSession); err != nil {
			return err
		}
	}
	if c.keepSession != "" || !c.signOut {
		if err := e.fulfil(ctx, t, u, c.keepSession, session.TaskResetPassword); err != nil {
			return err
		}
	}
	return e.notifyUser(ctx, t, u, slug, c.by)
}

// keepFamiliar has the browser in which u set a password stay one that the
// account knows: u is a stranger to all others from now on.
func keepFamiliar(ctx context.Context, t *txn, u *user.User, sessionID string) error {
	s, err := session.Get(ctx, t, sessionID)
	if err != nil {
		return err
	}
	c, err := session.GetClient(ctx, t, s.ClientID)
	if err != nil {
		return err
	}
	if !c.Knows(u.ID, time.Time{}) { // the account has never signed in here
		return nil
	}
	c.Recognize(u.ID, t.now)
	return session.PutClient(ctx, t, c)
}

// endUser ends every live session of a user but one. Their clients still name
// them as last active: see currentOf.
func (e *Engine) endUser(ctx context.Context, t *txn, userID, keep string, status session.Status) error {
	ss, err := session.Live(ctx, t, userID, t.now)
	if err != nil {
		return err
	}
	out := ss[:0:0]
	for _, s := range ss {
		if s.ID != keep {
			out = append(out, s)
		}
	}
	return t.end(ctx, status, out...)
}

// CheckPassword reports whether plain is the user's password, for the Backend
// API. A user without one is user.ErrNoPassword.
func (e *Engine) CheckPassword(ctx context.Context, userID, plain string) (bool, error) {
	var f signInFacts
	err := e.view(ctx, func(tx store.Tx) error {
		u, err := user.Get(ctx, tx, userID)
		if err != nil {
			return err
		}
		f, err = withSecrets(ctx, tx, u)
		return err
	})
	if err != nil {
		return false, err
	}
	if f.password == nil {
		return false, user.ErrNoPassword
	}
	res, err := e.hasher.Verify(ctx, f.password.Hash, plain)
	return res.OK, err
}
