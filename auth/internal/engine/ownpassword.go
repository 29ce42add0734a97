package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// ChangePassword sets the actor's password. A user who has one gives it.
func (e *Engine) ChangePassword(ctx context.Context, a *Actor, current, plain string, signOut bool) error {
	s := e.Settings(ctx)
	switch {
	case a.Impersonates():
		return ErrImpersonator()
	case !s.Password.Enabled:
		return fault.New("form_param_value_disabled", "new_password")
	}
	ctx = withAddr(ctx, a.Browser.Addr)
	confirmed, sl, err := e.confirmOrReset(ctx, a, current, plain, s)
	if err != nil {
		return err
	}
	hash, err := e.newPassword(ctx, s, plain, current, confirmed != "", a.User)
	if err != nil {
		e.giveBack(ctx, sl)
		return err
	}
	defer sl.done()
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		if err := samePassword(ctx, t, u.ID, confirmed); err != nil {
			return err
		}
		if err := e.closeSlot(ctx, t, sl, u, true, true, a.Browser.Request); err != nil {
			return err
		}
		return e.setPassword(ctx, t, u, passwordChange{hash: hash, signOut: signOut, keepSession: a.Session.ID, by: a.Browser.Request})
	})
}

// confirmOrReset is confirmPassword, but for a session whose task is to set
// another password in place of a known one, and for a person who gives no
// current password and has shown lately who they are: where that is asked for,
// clients ask for nothing else.
func (e *Engine) confirmOrReset(ctx context.Context, a *Actor, current, plain string, s *settings.Settings) (string, *slot, error) {
	known, err := e.resetting(ctx, a)
	if err == nil && known == nil && current == "" {
		known, err = e.steppedUp(ctx, a, s)
	}
	if err != nil {
		return "", nil, err
	}
	if known == nil {
		return e.confirmPassword(ctx, a, current, s)
	}
	if err := e.allowOwn(a, s); err != nil {
		return "", nil, err
	}
	res, err := e.hasher.Verify(ctx, known.Hash, plain)
	if err == nil && res.OK {
		err = fault.New("form_new_password_matches_current", "new_password")
	}
	return known.Hash, nil, err
}

// steppedUp returns the password of an actor who has shown lately who they are;
// nil if that is not asked for, or not so.
func (e *Engine) steppedUp(ctx context.Context, a *Actor, s *settings.Settings) (p *user.Password, err error) {
	if !s.Reverification.Enabled || !a.User.PasswordEnabled {
		return nil, nil
	}
	if err := e.RequireFresh(ctx, a); errors.Is(err, fault.New("session_reverification_required", "")) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	err = e.view(ctx, func(tx store.Tx) (err error) {
		p, err = user.GetPassword(ctx, tx, a.User.ID)
		return missingAs(err, nil)
	})
	return p, err
}

// newPassword checks and hashes what is to take the place of the current
// password.
func (e *Engine) newPassword(ctx context.Context, s *settings.Settings, plain, current string, had bool, u *user.User) (hash string, err error) {
	if err := e.checkNewPassword(ctx, s, plain, u); err != nil {
		return "", renamed(err, "new_password")
	}
	if had && plain == current {
		return "", fault.New("form_new_password_matches_current", "new_password")
	}
	return e.hasher.Hash(ctx, plain)
}

// RemovePassword takes the actor's password away, if the settings let people
// be without. Who has shown lately who they are need not type it; where nobody
// is asked for that, everybody must.
func (e *Engine) RemovePassword(ctx context.Context, a *Actor, current string) error {
	s := e.Settings(ctx)
	switch {
	case a.Impersonates():
		return ErrImpersonator()
	case s.Password.Required:
		return fault.New("password_required", "")
	}
	if !a.User.PasswordEnabled {
		return user.ErrNoPassword
	}
	remove := func(t *txn, u *user.User) error {
		return e.setPassword(ctx, t, u, passwordChange{signOut: true, keepSession: a.Session.ID, by: a.Browser.Request})
	}
	if current == "" && s.Reverification.Enabled {
		if err := e.RequireFresh(ctx, a); err != nil {
			return err
		}
		return e.act(ctx, a, func(t *txn, u *user.User) error {
			if !u.PasswordEnabled {
				return user.ErrNoPassword
			}
			return remove(t, u)
		})
	}
	confirmed, sl, err := e.confirmPassword(withAddr(ctx, a.Browser.Addr), a, current, s)
	if err != nil {
		return err
	}
	if confirmed == "" {
		return user.ErrNoPassword
	}
	defer sl.done()
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		if err := samePassword(ctx, t, u.ID, confirmed); err != nil {
			return err
		}
		if err := e.closeSlot(ctx, t, sl, u, true, true, a.Browser.Request); err != nil {
			return err
		}
		return remove(t, u)
	})
}

// confirmPassword checks the actor's current password and returns the hash
// that it was checked with, empty if there is none, and the slot of the try.
func (e *Engine) confirmPassword(ctx context.Context, a *Actor, current string, s *settings.Settings) (string, *slot, error) {
	if err := e.allowOwn(a, s); err != nil {
		return "", nil, err
	}
	var f signInFacts
	err := e.view(ctx, func(tx store.Tx) (err error) {
		f, err = withSecrets(ctx, tx, a.User)
		return err
	})
	if err != nil || f.password == nil {
		return "", nil, err
	}
	if current == "" {
		return "", nil, fault.New("form_param_missing", "current_password")
	}
	t := lockout.Try{Known: true, Password: true} // the browser is one that the account knows
	sl, err := e.take(ctx, a.User.ID, true, t, lockoutPolicy(s))
	if err != nil {
		return "", nil, err
	}
	res, err := e.hasher.Verify(ctx, f.password.Hash, current)
	if err != nil {
		e.giveBack(ctx, sl)
		return "", nil, err
	}
	if !res.OK {
		sl.done()
		return "", nil, sl.warned(fault.New("form_password_validation_failed", "current_password"))
	}
	return f.password.Hash, sl, nil
}

// samePassword refuses a change if the password is not the one that was
// confirmed any more.
func samePassword(ctx context.Context, tx store.Tx, userID, confirmed string) error {
	p, err := user.GetPassword(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		p = &user.Password{}
	} else if err != nil {
		return err
	}
	if p.Hash != confirmed {
		return fault.New("conflict", "")
	}
	return nil
}

// renamed gives the refusals in err another field.
func renamed(err error, param string) error {
	var out []error
	for _, f := range fault.List(err) {
		c := *f
		if c.Param == "password" {
			c.Param = param
		}
		out = append(out, &c)
	}
	return errors.Join(out...)
}
