package engine

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
)

// AddPhoneNumber adds a number to the actor's account. It claims nothing until
// it is verified. If it is to be a second factor, it becomes one then.
func (e *Engine) AddPhoneNumber(ctx context.Context, a *Actor, number string, second bool) (*user.Identification, error) {
	s := e.Settings(ctx)
	if !s.PhoneNumber.Enabled {
		return nil, fault.New("form_param_value_disabled", "phone_number")
	}
	if second && !s.Phones.SecondFactor {
		return nil, fault.New("form_param_value_disabled", "reserved_for_second_factor")
	}
	// The answer tells whether somebody has the number.
	if err := e.allow("add_address", a.Browser.Addr, s.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	p, err := e.phone(number, s)
	if err != nil {
		return nil, err
	}
	if !s.Phones.Sends(p.Country) {
		return nil, fault.New("unsupported_country_code", "phone_number")
	}
	var id user.Identification
	err = e.act(ctx, a, func(t *txn, u *user.User) error {
		id = user.NewPhoneNumber(p, t.now)
		id.SecondWhenVerified = second
		taken, err := takenFrom(ctx, t, id.Canonical, u)
		if err != nil {
			return err
		}
		if taken && !s.Protection.Strict() {
			return fault.Taken("phone_number")
		}
		return u.AddPhoneNumber(id)
	})
	if err != nil {
		return nil, err
	}
	return &id, nil
}

// PhoneNumber returns a number of the actor with its verification, which is nil
// if none is under way.
func (e *Engine) PhoneNumber(ctx context.Context, a *Actor, id string) (*user.Identification, *factor.Verification, error) {
	return e.withVerification(ctx, a.User.PhoneNumber(id))
}

// PreparePhoneNumber sends a code to a number of the actor.
func (e *Engine) PreparePhoneNumber(ctx context.Context, a *Actor, id, strategy string) error {
	return e.prepareIdentification(ctx, a, a.User.PhoneNumber(id), "phone_number", strategy)
}

// AttemptPhoneNumber verifies a number of the actor with a code. If somebody
// else has verified it in the meantime, it stays theirs.
func (e *Engine) AttemptPhoneNumber(ctx context.Context, a *Actor, id string, proof factor.Proof) error {
	return e.attemptIdentification(ctx, a, a.User.PhoneNumber(id), "phone_number", proof)
}

// PhoneParams change a phone number; nil leaves a field as it is.
type PhoneParams struct {
	// SecondFactor reserves it for showing a second factor; Default makes it the
	// one that is offered first.
	SecondFactor, Default *bool
}

// UpdatePhoneNumber makes a number of the actor a second factor, or one no
// more, and tells the actor by mail. The first second factor of an account
// brings backup codes along, which are not told again.
func (e *Engine) UpdatePhoneNumber(ctx context.Context, a *Actor, id string, p PhoneParams) (codes []string, err error) {
	s := e.Settings(ctx)
	on := p.SecondFactor != nil && *p.SecondFactor
	if on && !s.Phones.SecondFactor {
		return nil, fault.New("form_param_value_disabled", "reserved_for_second_factor")
	}
	have := a.User.PhoneNumber(id)
	if have == nil {
		return nil, fault.New("resource_not_found", "")
	}
	var stored []user.BackupCode
	if on && have.Verified && s.SecondFactors.BackupCodes && !a.User.BackupCodeEnabled {
		if codes, stored, err = e.drawBackupCodes(ctx, a); err != nil {
			return nil, err
		}
	}
	fresh := codes
	err = e.secureSecond(ctx, a, func(t *txn, u *user.User, f *user.SecondFactors) error {
		have := u.PhoneNumber(id)
		if have == nil {
			return fault.New("resource_not_found", "")
		}
		before, had := have.SecondFactor, u.TwoFactorEnabled()
		if err := reserve(u, id, p, t.now, s); err != nil {
			return err
		}
		codes = nil
		switch after := u.PhoneNumber(id).SecondFactor; {
		case before == after:
			return nil
		case !after:
			if !u.TwoFactorEnabled() {
				f.BackupCodes, f.BackupID = nil, "" // there is nothing for them to stand in for
			}
			return e.factorRemoved(ctx, t, u, factorChange{slug: notify.FactorRemoved, method: smsMethod, signOut: true,
				keepSession: a.Session.ID, by: a.Browser.Request})
		}
		if !had && len(stored) > 0 && len(f.BackupCodes) == 0 {
			codes = fresh
			f.BackupCodes, f.BackupID, f.BackupCreatedAt = stored, store.NewID("bkc", t.now), t.now
		}
		// What had to be shown until now and what must be from now on differ.
		if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
			return err
		}
		if t.now.Sub(have.VerifiedAt) < freshFor { // who has verified it just now has shown it
			if err := e.showedSecond(ctx, t, a, u); err != nil {
				return err
			}
		}
		return e.factorAdded(ctx, t, u, smsMethod, a.Browser.Request)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// drawBackupCodes draws backup codes and hashes them, which costs.
func (e *Engine) drawBackupCodes(ctx context.Context, a *Actor) (codes []string, stored []user.BackupCode, err error) {
	if err := e.allowOwn(a, e.Settings(ctx)); err != nil {
		return nil, nil, err
	}
	codes = backupcode.Draw()
	stored, err = backupcode.Hash(withAddr(ctx, a.Browser.Addr), e.codes, codes)
	return codes, stored, err
}

// reserve makes a number of u a second factor, or one no more.
func reserve(u *user.User, id string, p PhoneParams, now time.Time, s *settings.Settings) error {
	have := u.PhoneNumber(id)
	if p.Default != nil && !*p.Default && have.DefaultSecond && (p.SecondFactor == nil || *p.SecondFactor) {
		return fault.New("form_disable_default_second_factor_not_allowed", "default_second_factor")
	}
	if p.SecondFactor != nil {
		if err := u.ReservePhoneNumber(id, *p.SecondFactor, now); err != nil {
			return notVerified(err)
		}
		if s.SignIn.SecondFactorRequired && !*p.SecondFactor && !u.TwoFactorEnabled() {
			return fault.New("second_factor_deletion_not_allowed", "")
		}
	}
	if p.Default != nil && *p.Default {
		return notVerified(u.SetDefaultSecondFactor(id, now))
	}
	return nil
}

// smsMethod is how mails call codes by text message.
const smsMethod = "Text messages"

// DeletePhoneNumber takes a number off the actor's account, with the codes that
// were sent to it, and the backup codes with the last second factor.
func (e *Engine) DeletePhoneNumber(ctx context.Context, a *Actor, id string) error {
	s := e.Settings(ctx)
	return e.secureSecond(ctx, a, func(t *txn, u *user.User, f *user.SecondFactors) error {
		have := u.PhoneNumber(id)
		if have == nil {
			return fault.New("resource_not_found", "")
		}
		second := have.SecondFactor
		if err := e.dropPhoneNumber(ctx, t, u, id); err != nil {
			return err
		}
		if s.PhoneNumber.Required && !claimed(u.PhoneNumbers) {
			return fault.New("last_required_identification_deletion_failed", "")
		}
		if !second {
			return nil
		}
		if !u.TwoFactorEnabled() {
			if s.SignIn.SecondFactorRequired {
				return fault.New("second_factor_deletion_not_allowed", "")
			}
			f.BackupCodes, f.BackupID = nil, ""
		}
		return e.factorRemoved(ctx, t, u, factorChange{slug: notify.FactorRemoved, method: smsMethod, signOut: true,
			keepSession: a.Session.ID, by: a.Browser.Request})
	})
}

// dropPhoneNumber removes a number of u in t; the caller stores u.
func (e *Engine) dropPhoneNumber(ctx context.Context, t *txn, u *user.User, id string) error {
	if err := u.DeletePhoneNumber(id, t.now); err != nil {
		return err
	}
	if err := e.dropVerification(ctx, t, id); err != nil {
		return err
	}
	// A code that was sent to the number for signing in dies with it.
	return voidAttempts(ctx, t, u.ID, "")
}

// notVerified gives a refusal to have an unverified number as a second factor
// the code that it has.
func notVerified(err error) error {
	switch {
	case errors.Is(err, user.ErrNotVerified):
		return fault.Wrap("identification_update_second_factor_unverified", "", err)
	case errors.Is(err, store.ErrNotFound):
		return fault.New("resource_not_found", "")
	}
	return err
}
