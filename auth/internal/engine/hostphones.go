package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// HostPhoneParams say what a phone number is to be; nil leaves each.
type HostPhoneParams struct {
	// Verified: the host vouches for it. False is reserved: good for signing in,
	// claimed, and still to be proved.
	Verified, Primary *bool
	// SecondFactor reserves it for showing a second factor.
	SecondFactor *bool
}

// hostPhone is a number that the host gives a user, of whatever country.
func (e *Engine) hostPhone(number string, verified bool, now time.Time, s *settings.Settings) (user.Identification, error) {
	p, err := e.phone(number, s)
	if err != nil {
		return user.Identification{}, err
	}
	id := user.NewPhoneNumber(p, now)
	if verified {
		id.Verified, id.Strategy, id.VerifiedAt = true, "admin", now
	} else {
		id.Reserved = true
	}
	return id, nil
}

// CreatePhoneNumber gives a user a number: reserved, unless p says otherwise.
func (us Users) CreatePhoneNumber(ctx context.Context, userID, number string, p HostPhoneParams) (*user.User, *user.Identification, error) {
	s := us.e.Settings(ctx)
	var id string
	u, err := us.change(ctx, userID, func(t *txn, u *user.User) error {
		have, err := us.e.hostPhone(number, p.Verified != nil && *p.Verified, t.now, s)
		if err != nil {
			return err
		}
		id = have.ID
		if err := u.AddPhoneNumber(have); err != nil {
			return err
		}
		return us.e.settlePhone(u, id, p, t.now, s)
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.PhoneNumber(id), nil
}

// settlePhone makes a number the primary one, or a second factor.
func (e *Engine) settlePhone(u *user.User, id string, p HostPhoneParams, now time.Time, s *settings.Settings) error {
	if p.SecondFactor != nil {
		if err := reserve(u, id, PhoneParams{SecondFactor: p.SecondFactor}, now, s); err != nil {
			return err
		}
	}
	if p.Primary != nil && *p.Primary {
		return u.SetPrimaryPhoneNumber(id)
	}
	return nil
}

// UpdatePhoneNumber verifies a number as the host, takes that back (it stays
// reserved), or makes it the primary one or a second factor.
func (us Users) UpdatePhoneNumber(ctx context.Context, userID, id string, p HostPhoneParams) (*user.User, *user.Identification, error) {
	s := us.e.Settings(ctx)
	u, err := us.change(ctx, userID, func(t *txn, u *user.User) error {
		have := u.PhoneNumber(id)
		switch {
		case have == nil:
			return store.ErrNotFound
		case p.Verified == nil || *p.Verified == have.Verified:
		case *p.Verified:
			if err := u.VerifyPhoneNumber(id, "admin", t.now); err != nil {
				return err
			}
		case id == u.PrimaryPhoneNumberID || have.SecondFactor:
			return fmt.Errorf("primary number or second factor: %w", user.ErrNotVerified)
		default:
			unverify(have, t.now)
			have.Reserved = true
		}
		return us.e.settlePhone(u, id, p, t.now, s)
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.PhoneNumber(id), nil
}

// ByPhoneNumberID returns the user who has the number with the given ID, and
// the number.
func (us Users) ByPhoneNumberID(ctx context.Context, id string) (*user.User, *user.Identification, error) {
	var u *user.User
	err := us.view(ctx, func(tx store.Tx) (err error) {
		u, err = user.ByIdentificationID(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.PhoneNumber(id), nil
}

// DeletePhoneNumber takes a number off a user.
func (us Users) DeletePhoneNumber(ctx context.Context, userID, id string) (*user.User, error) {
	return us.change(ctx, userID, func(t *txn, u *user.User) error { return us.e.dropPhoneNumber(ctx, t, u, id) })
}
