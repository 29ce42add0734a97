package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/totp"
)

// secure is act for what decides who can get in: every way by which users add
// and remove factors goes through it.
func (e *Engine) secure(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	return e.act(ctx, a, fn)
}

// secureSecond is secure with the user's second factors, which are stored too.
func (e *Engine) secureSecond(ctx context.Context, a *Actor, fn func(t *txn, u *user.User, f *user.SecondFactors) error) error {
	return e.secure(ctx, a, func(t *txn, u *user.User) error {
		f, err := user.SecondFactorsOf(ctx, t, u.ID)
		if err != nil {
			return err
		}
		outcome := fn(t, u, f)
		if outcome != nil && !errors.Is(outcome, errUnchanged) {
			return outcome
		}
		if err := user.PutSecondFactors(ctx, t, u, f, t.now); err != nil {
			return err
		}
		return outcome
	})
}

// CreateTOTP draws the secret of an authenticator app for the actor. It counts
// once a code of it has been seen, in this very session.
func (e *Engine) CreateTOTP(ctx context.Context, a *Actor) (app *user.TOTP, uri string, err error) {
	s := e.Settings(ctx)
	if !s.SecondFactors.TOTP {
		return nil, "", fault.New("form_param_value_disabled", "totp")
	}
	secret := totp.NewSecret()
	err = e.secureSecond(ctx, a, func(t *txn, u *user.User, f *user.SecondFactors) error {
		if f.TOTP != nil {
			return fault.New("totp_already_enabled", "")
		}
		app = &user.TOTP{ID: store.NewID("totp", t.now), Secret: secret, SessionID: a.Session.ID, CreatedAt: t.now}
		f.Pending = app
		return errUnchanged
	})
	return app, totp.URI(secret, s.AppName, a.User.Identifier()), err
}

// AttemptTOTP takes an authenticator app into use by a code of it. The first
// one brings backup codes along, if there are none yet.
func (e *Engine) AttemptTOTP(ctx context.Context, a *Actor, code string) (app *user.TOTP, codes []string, err error) {
	s := e.Settings(ctx)
	if !s.SecondFactors.TOTP {
		return nil, nil, fault.New("form_param_value_disabled", "totp")
	}
	if err := e.allowOwn(a, s); err != nil {
		return nil, nil, err
	}
	var stored []user.BackupCode
	if s.SecondFactors.BackupCodes && !a.User.BackupCodeEnabled {
		codes = backupcode.Draw()
		if stored, err = backupcode.Hash(withAddr(ctx, a.Browser.Addr), e.codes, codes); err != nil {
			return nil, nil, err
		}
	}
	fresh := codes
	err = e.secureSecond(ctx, a, func(t *txn, u *user.User, f *user.SecondFactors) error {
		codes = fresh
		if f.TOTP != nil {
			return fault.New("totp_already_enabled", "")
		}
		// A secret that another session was shown is not this person's to confirm.
		if f.Pending == nil || f.Pending.SessionID != a.Session.ID {
			return fault.New("verification_missing", "")
		}
		step, ok := totp.Verify(f.Pending.Secret, code, t.now, 0)
		if !ok {
			return fault.New("form_code_incorrect", "code")
		}
		app, f.TOTP, f.Pending = f.Pending, f.Pending, nil
		app.LastStep, app.VerifiedAt, app.SessionID = step, t.now, ""
		if len(stored) > 0 && len(f.BackupCodes) == 0 {
			f.BackupCodes, f.BackupID, f.BackupCreatedAt = stored, store.NewID("bkc", t.now), t.now
		} else {
			codes = nil
		}
		if err := e.showedSecond(ctx, t, a, u); err != nil {
			return err
		}
		return e.factorAdded(ctx, t, u, "Authenticator app", a.Browser.Request)
	})
	if err != nil {
		return nil, nil, err
	}
	return app, codes, nil
}

// DeleteTOTP takes the actor's authenticator app out of use, and the backup
// codes with the last second factor.
func (e *Engine) DeleteTOTP(ctx context.Context, a *Actor) (id string, err error) {
	s := e.Settings(ctx)
	err = e.secureSecond(ctx, a, func(t *txn, u *user.User, f *user.SecondFactors) error {
		if f.TOTP == nil && f.Pending == nil {
			return fault.New("resource_not_found", "")
		}
		if f.TOTP == nil { // nobody has used it
			id, f.Pending = f.Pending.ID, nil
			return errUnchanged
		}
		id = f.TOTP.ID
		return e.dropTOTP(ctx, t, u, f, s, factorChange{keepSession: a.Session.ID, signOut: true, by: a.Browser.Request})
	})
	return id, err
}

// dropTOTP removes the app of u; the caller stores both. The host may do so
// also where people may not.
func (e *Engine) dropTOTP(ctx context.Context, t *txn, u *user.User, f *user.SecondFactors, s *settings.Settings, c factorChange) error {
	before := u.TwoFactorEnabled()
	f.TOTP, f.Pending, u.TOTPEnabled = nil, nil, false
	if !u.TwoFactorEnabled() {
		if s.SignIn.SecondFactorRequired && c.keepSession != "" {
			return fault.New("second_factor_deletion_not_allowed", "")
		}
		f.BackupCodes, f.BackupID = nil, "" // there is nothing for them to stand in for
	}
	u.MarkTwoFactor(before, t.now)
	c.slug, c.method = notify.FactorRemoved, "Authenticator app"
	return e.factorRemoved(ctx, t, u, c)
}

// CreateBackupCodes makes new backup codes for the actor in place of the former
// ones. They are not told again.
func (e *Engine) CreateBackupCodes(ctx context.Context, a *Actor) (f *user.SecondFactors, codes []string, err error) {
	s := e.Settings(ctx)
	if !s.SecondFactors.BackupCodes || !a.User.TwoFactorEnabled() {
		return nil, nil, fault.New("backup_codes_not_available", "")
	}
	if err := e.allowOwn(a, s); err != nil {
		return nil, nil, err
	}
	codes = backupcode.Draw()
	stored, err := backupcode.Hash(withAddr(ctx, a.Browser.Addr), e.codes, codes)
	if err != nil {
		return nil, nil, err
	}
	err = e.secureSecond(ctx, a, func(t *txn, u *user.User, have *user.SecondFactors) error {
		if !u.TwoFactorEnabled() {
			return fault.New("backup_codes_not_available", "")
		}
		f = have
		f.BackupCodes, f.BackupID, f.BackupCreatedAt = stored, store.NewID("bkc", t.now), t.now
		return e.factorAdded(ctx, t, u, "Backup codes", a.Browser.Request)
	})
	return f, codes, err
}

// factorAdded tells the user that there is another way to show who it is.
func (e *Engine) factorAdded(ctx context.Context, t *txn, u *user.User, method string, by Request) error {
	return e.notifyOf(ctx, t, u, notify.FactorAdded, by, notify.Data{Method: method})
}

// factorChange is the removal of a factor and what goes with it.
type factorChange struct {
	slug, method string
	signOut      bool   // end the user's other sessions
	keepSession  string // this one stays; empty: the host acts
	by           Request
}

// factorRemoved ends what hung on a factor: sign-ins under way, in which it may
// have been shown, and the sessions of whoever holds it. The user is told.
func (e *Engine) factorRemoved(ctx context.Context, t *txn, u *user.User, c factorChange) error {
	if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
		return err
	}
	if c.signOut {
		if err := e.endUser(ctx, t, u.ID, c.keepSession, session.Revoked); err != nil {
			return err
		}
	}
	return e.notifyOf(ctx, t, u, c.slug, c.by, notify.Data{Method: c.method})
}

// opens reports whether a user has any way to sign in.
func (e *Engine) opens(u *user.User, s *settings.Settings) bool {
	return len(e.strategies.Options(factor.First|factor.Reset, factor.Subject{User: u, Settings: s})) > 0
}
