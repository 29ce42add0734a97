package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/totp"
)

// second runs fn with a user and the second factors and stores both.
func (us Users) second(ctx context.Context, id string, fn func(t *txn, u *user.User, f *user.SecondFactors) error) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		f, err := user.SecondFactorsOf(ctx, t, u.ID)
		if err != nil {
			return err
		}
		if err := fn(t, u, f); err != nil {
			return err
		}
		return user.PutSecondFactors(ctx, t, u, f, t.now)
	})
}

// ResetSecondFactors takes every second factor off a user, backup codes too, so
// that the next sign-in asks for none. signOut ends the sessions. A user who has
// none stays as it is.
func (us Users) ResetSecondFactors(ctx context.Context, id string, signOut bool) (*user.User, error) {
	s := us.e.Settings(ctx)
	return us.second(ctx, id, func(t *txn, u *user.User, f *user.SecondFactors) error {
		f.Pending = nil
		if f.TOTP != nil {
			if err := us.e.dropTOTP(ctx, t, u, f, s, factorChange{signOut: signOut}); err != nil {
				return err
			}
		}
		if u.SecondFactorPhones() {
			u.ReleasePhoneNumbers(t.now)
			if err := us.e.factorRemoved(ctx, t, u, factorChange{slug: notify.FactorRemoved, method: smsMethod, signOut: signOut}); err != nil {
				return err
			}
		}
		f.BackupCodes, f.BackupID = nil, ""
		return nil
	})
}

// DeleteTOTP takes the authenticator app of a user out of use. A user without
// one stays as it is.
func (us Users) DeleteTOTP(ctx context.Context, id string, signOut bool) (*user.User, error) {
	s := us.e.Settings(ctx)
	return us.second(ctx, id, func(t *txn, u *user.User, f *user.SecondFactors) error {
		if f.TOTP == nil {
			return errUnchanged
		}
		return us.e.dropTOTP(ctx, t, u, f, s, factorChange{signOut: signOut})
	})
}

// DeleteBackupCodes takes the backup codes of a user out of use. A user without
// them stays as it is.
func (us Users) DeleteBackupCodes(ctx context.Context, id string, signOut bool) (*user.User, error) {
	return us.second(ctx, id, func(t *txn, u *user.User, f *user.SecondFactors) error {
		if len(f.BackupCodes) == 0 {
			return errUnchanged
		}
		f.BackupCodes, f.BackupID = nil, ""
		return us.e.factorRemoved(ctx, t, u, factorChange{slug: notify.FactorRemoved, method: "Backup codes", signOut: signOut})
	})
}

// DeletePasskey takes a passkey off a user, the last one too. One that the user
// has not is store.ErrNotFound.
func (us Users) DeletePasskey(ctx context.Context, userID, id string, signOut bool) (*user.User, error) {
	return us.change(ctx, userID, func(t *txn, u *user.User) error {
		return us.e.dropPasskey(ctx, t, u, id, factorChange{signOut: signOut})
	})
}

// VerifyCode judges a code of a user's authenticator app or a backup code, and
// returns which it was. A right one is used up.
func (us Users) VerifyCode(ctx context.Context, id, code string) (kind string, err error) {
	e, s := us.e, us.e.Settings(ctx)
	var facts signInFacts
	err = us.view(ctx, func(tx store.Tx) error {
		u, err := user.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		facts, err = withSecrets(ctx, tx, u)
		return err
	})
	if err != nil {
		return "", err
	}
	var st factor.Spender = factor.TOTP{}
	switch {
	case len(code) == totp.Digits:
	case backupcode.Normalize(code) != "" || facts.second != nil && backupcode.Imported(facts.second.BackupCodes):
		st = factor.BackupCode{Hasher: e.codes}
	default:
		return "", fault.New("totp_invalid_length", "code")
	}
	if !facts.user.TwoFactorEnabled() {
		return "", fault.New("totp_disabled", "")
	}
	fact, err := st.Verify(ctx, factor.Challenge{Subject: facts.subject(s), Now: e.now()}, factor.Proof{Code: code})
	if err != nil {
		return "", err
	}
	_, err = us.second(ctx, id, func(t *txn, u *user.User, f *user.SecondFactors) error {
		subject := factor.Subject{User: u, Second: f, Settings: s}
		if err := st.Confirm(fact, subject); err != nil {
			return err
		}
		st.Spend(fact, subject, t.now)
		return nil
	})
	if errors.Is(err, fault.New("form_code_incorrect", "")) {
		err = fault.New("totp_incorrect_code", "code")
	}
	return st.Traits().Name, err
}

// importTOTP reads the secret of an authenticator app that moves over from
// another system; none is none.
func importTOTP(text string, s *settings.Settings) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	if !s.SecondFactors.TOTP {
		return nil, fault.New("form_param_value_disabled", "totp_secret")
	}
	secret, ok := totp.Parse(text)
	if !ok {
		return nil, fault.New("invalid_totp_secret_code", "totp_secret")
	}
	return secret, nil
}

// importedFactors are second factors that move over from another system.
type importedFactors struct {
	secret []byte // of an authenticator app; nil: none
	codes  []user.BackupCode
}

// importFactors does the slow part of taking second factors over.
func (e *Engine) importFactors(ctx context.Context, secret string, codes []string, s *settings.Settings) (f importedFactors, err error) {
	if f.secret, err = importTOTP(secret, s); err != nil || len(codes) == 0 {
		return f, err
	}
	if !s.SecondFactors.BackupCodes {
		return f, fault.New("form_param_value_disabled", "backup_codes")
	}
	f.codes, err = backupcode.Import(ctx, e.codes, codes)
	if errors.Is(err, backupcode.ErrImport) {
		err = fault.Wrap("form_param_value_invalid", "backup_codes", err).Say("Backup codes must be up to 10 different codes of 7 to 64 characters, or their bcrypt digests.")
	}
	return f, err
}

// put takes the factors into use in place of former ones of their kind; the
// caller stores u. None changes nothing.
func (f importedFactors) put(ctx context.Context, t *txn, u *user.User) error {
	if f.secret == nil && f.codes == nil {
		return nil
	}
	have, err := user.SecondFactorsOf(ctx, t, u.ID)
	if err != nil {
		return err
	}
	if f.secret != nil {
		have.TOTP, have.Pending = &user.TOTP{ID: store.NewID("totp", t.now), Secret: f.secret, CreatedAt: t.now, VerifiedAt: t.now}, nil
	}
	if f.codes != nil {
		have.BackupCodes, have.BackupID, have.BackupCreatedAt = f.codes, store.NewID("bkc", t.now), t.now
	}
	return user.PutSecondFactors(ctx, t, u, have, t.now)
}
