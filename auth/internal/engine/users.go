package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Users is what a host may do with every user. It checks no rights: whoever
// holds it is the host.
type Users struct {
	e *Engine
	// in is the host's own transaction; nil is none.
	in store.Store
}

// Users returns the host's view of all users.
func (e *Engine) Users() Users { return Users{e: e} }

// In returns the same for a store that works inside a transaction of the
// host's. Until the host commits, nothing is told to anybody: mails that wait
// and sessions that ended are found by Run.
func (us Users) In(st store.Store) Users { return Users{us.e, st} }

func (us Users) view(ctx context.Context, fn func(tx store.Tx) error) error {
	if us.in != nil {
		return us.in.View(ctx, fn)
	}
	return us.e.view(ctx, fn)
}

func (us Users) update(ctx context.Context, fn func(t *txn) error) error {
	if us.in == nil {
		return us.e.update(ctx, fn)
	}
	return us.in.Update(ctx, func(tx store.Tx) error { return fn(&txn{Tx: tx, now: us.e.now()}) })
}

// CreateUserParams make a user without a sign-up.
type CreateUserParams = user.CreateParams

// Create makes a user.
func (us Users) Create(ctx context.Context, p CreateUserParams) (*user.User, error) {
	return us.create(ctx, p, func(*user.User) {})
}

// create makes a user; adjust has the last word on what is stored.
func (us Users) create(ctx context.Context, p CreateUserParams, adjust func(*user.User)) (*user.User, error) {
	e, s := us.e, us.e.Settings(ctx)
	now := e.now()
	draft, err := e.draftUser(p, now, s)
	if err != nil {
		return nil, err
	}
	adjust(draft)
	var hash string
	switch {
	case p.PasswordDigest != "" && p.Password != "":
		return nil, fault.New("form_conditional_param_disallowed", "password_digest")
	case p.PasswordDigest != "":
		if hash, err = e.importDigest(p.PasswordHasher, p.PasswordDigest); err != nil {
			return nil, err
		}
	case p.Password != "":
		if !p.SkipPasswordChecks {
			if err := e.checkNewPassword(ctx, s, p.Password, draft); err != nil {
				return nil, err
			}
		}
		if hash, err = e.hasher.Hash(ctx, p.Password); err != nil {
			return nil, err
		}
	case s.Password.Enabled && s.Password.Required && !p.SkipPasswordRequirement:
		return nil, fault.New("form_data_missing", "password")
	}
	second, err := e.importFactors(ctx, p.TOTPSecret, p.BackupCodes, s)
	if err != nil {
		return nil, err
	}
	var u *user.User
	err = us.update(ctx, func(t *txn) error {
		c := *draft
		u = &c
		if err := second.put(ctx, t, u); err != nil {
			return err
		}
		if hash != "" {
			if err := user.SetPassword(ctx, t, u, hash, t.now); err != nil {
				return err
			}
		}
		if err := user.Touch(ctx, t, u); err != nil {
			return err
		}
		if e.cfg.OnUser != nil {
			return e.cfg.OnUser(ctx, t.Tx, u)
		}
		return nil
	})
	return u, err
}

// Get returns a user, or store.ErrNotFound.
func (us Users) Get(ctx context.Context, id string) (*user.User, error) {
	var u *user.User
	err := us.view(ctx, func(tx store.Tx) (err error) {
		u, err = user.Get(ctx, tx, id)
		return err
	})
	return u, err
}

// ByIdentifier returns the user who owns an e-mail address, phone number or
// username, or store.ErrNotFound.
func (us Users) ByIdentifier(ctx context.Context, identifier string) (*user.User, error) {
	var u *user.User
	err := us.view(ctx, func(tx store.Tx) (err error) {
		u, err = user.ByIdentifier(ctx, tx, identifier)
		return err
	})
	return u, err
}

// List returns the users that f asks for and how many there are in all.
func (us Users) List(ctx context.Context, f user.Filter, p user.Page) (list []*user.User, total int, err error) {
	err = us.view(ctx, func(tx store.Tx) (err error) {
		list, total, err = user.List(ctx, tx, f, p)
		if _, skipped := errors.AsType[*user.SkippedError](err); skipped {
			us.e.log.ErrorContext(ctx, "list of users is not complete", "err", err)
			return nil
		}
		return err
	})
	return list, total, err
}

// Count returns how many users f asks for.
func (us Users) Count(ctx context.Context, f user.Filter) (n int, err error) {
	err = us.view(ctx, func(tx store.Tx) (err error) {
		n, err = user.Count(ctx, tx, f)
		return err
	})
	return n, err
}

// UpdateUserParams change a user; nil leaves a field as it is.
type UpdateUserParams = user.UpdateParams

// Update changes a user.
func (us Users) Update(ctx context.Context, id string, p UpdateUserParams) (*user.User, error) {
	return us.patch(ctx, id, p, func(*user.User) {})
}

// patch changes a user; adjust has the last word on what is stored.
func (us Users) patch(ctx context.Context, id string, p UpdateUserParams, adjust func(*user.User)) (*user.User, error) {
	e := us.e
	var hash string
	var err error
	if p.PasswordDigest != "" && p.Password != nil {
		return nil, fault.New("form_conditional_param_disallowed", "password_digest")
	}
	if p.PasswordDigest != "" {
		if hash, err = e.importDigest(p.PasswordHasher, p.PasswordDigest); err != nil {
			return nil, err
		}
	} else if p.Password != nil {
		u, err := us.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if !p.SkipPasswordChecks {
			if err := e.checkNewPassword(ctx, e.Settings(ctx), *p.Password, u); err != nil {
				return nil, err
			}
		}
		if hash, err = e.hasher.Hash(ctx, *p.Password); err != nil {
			return nil, err
		}
	}
	second, err := e.importFactors(ctx, p.TOTPSecret, p.BackupCodes, e.Settings(ctx))
	if err != nil {
		return nil, err
	}
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		if err := applyUpdate(p, u, e.Settings(ctx)); err != nil {
			return err
		}
		if err := second.put(ctx, t, u); err != nil {
			return err
		}
		adjust(u)
		if p.PrimaryPhoneNumberID != nil {
			if err := u.SetPrimaryPhoneNumber(*p.PrimaryPhoneNumberID); err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "primary_phone_number_id"))
			}
		}
		if p.PrimaryEmailAddressID != nil && *p.PrimaryEmailAddressID != u.PrimaryEmailAddressID {
			if err := u.SetPrimaryEmailAddress(*p.PrimaryEmailAddressID); err != nil {
				return missingAs(err, fault.New("form_resource_not_found", "primary_email_address_id"))
			}
			if p.NotifyPrimaryEmailAddressChanged {
				if err := e.notifyPrimary(ctx, t, u, u, Request{}); err != nil {
					return err
				}
			}
		}
		if hash == "" {
			return nil
		}
		signOut := p.SignOutOfOtherSessions == nil || *p.SignOutOfOtherSessions
		return e.setPassword(ctx, t, u, passwordChange{hash: hash, signOut: signOut})
	})
}

// change runs fn with a user in one transaction and stores the user, unless fn
// has.
func (us Users) change(ctx context.Context, id string, fn func(t *txn, u *user.User) error) (*user.User, error) {
	var after *user.User
	err := us.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, id)
		if err != nil {
			return err
		}
		version := u.Version
		after = u
		if err := fn(t, u); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		if u.Version != version {
			return nil
		}
		return user.Put(ctx, t, u, t.now)
	})
	return after, err
}

// MergeMetadata merges patches into a user's metadata; nil leaves one.
func (us Users) MergeMetadata(ctx context.Context, id string, public, private, unsafe json.RawMessage) (*user.User, error) {
	return us.change(ctx, id, func(_ *txn, u *user.User) error {
		for _, m := range []struct {
			patch json.RawMessage
			field *json.RawMessage
			param string
		}{{public, &u.PublicMetadata, "public_metadata"}, {private, &u.PrivateMetadata, "private_metadata"},
			{unsafe, &u.UnsafeMetadata, "unsafe_metadata"}} {
			if m.patch == nil {
				continue
			}
			out, err := user.MergeMetadata(*m.field, m.patch)
			if err != nil {
				return fault.Wrap("form_param_exceeds_allowed_size", m.param, err)
			}
			*m.field = out
		}
		return nil
	})
}

// Delete removes a user with password, picture, attempts and codes under way.
// The sessions end; as records without the user they can be read for 30 days.
func (us Users) Delete(ctx context.Context, id string) (*user.User, error) {
	var gone *user.User
	err := us.update(ctx, func(t *txn) (err error) {
		if gone, err = user.Get(ctx, t, id); err != nil {
			return err
		}
		return us.e.deleteUser(ctx, t, gone, session.Revoked)
	})
	return gone, err
}

// Ban forbids a user to sign in and ends what the user holds.
func (us Users) Ban(ctx context.Context, id string) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		u.Banned = true
		return us.e.shutOut(ctx, t, u)
	})
}

// Unban takes a ban back. Sessions stay ended.
func (us Users) Unban(ctx context.Context, id string) (*user.User, error) {
	return us.change(ctx, id, func(_ *txn, u *user.User) error {
		u.Banned = false
		return nil
	})
}

// Lock forbids a user to sign in for a time, 0 for ever, and voids sign-ins
// under way. Sessions go on: a lock is against guessing.
func (us Users) Lock(ctx context.Context, id string, d time.Duration) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		u.Locked, u.LockedUntil = true, time.Time{}
		if d > 0 {
			u.LockedUntil = t.now.Add(d)
		}
		if err := ticket.RevokeOf(ctx, t, u.ID, t.now); err != nil {
			return err
		}
		return voidAttempts(ctx, t, u.ID, "")
	})
}

// Unlock takes a lock back, whoever or whatever locked, and forgets the wrong
// tries.
func (us Users) Unlock(ctx context.Context, id string) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		u.Locked, u.LockedUntil = false, time.Time{}
		return clearTries(ctx, t, u.ID)
	})
}

// shutOut ends every session and sign-in of u.
func (e *Engine) shutOut(ctx context.Context, t *txn, u *user.User) error {
	if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
		return err
	}
	if err := ticket.RevokeOf(ctx, t, u.ID, t.now); err != nil {
		return err
	}
	return e.endUser(ctx, t, u.ID, "", session.Revoked)
}

// RemovePassword takes a user's password away and ends the sessions.
func (us Users) RemovePassword(ctx context.Context, id string) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		return us.e.setPassword(ctx, t, u, passwordChange{signOut: true})
	})
}

// SetPasswordCompromised marks a password as known to others, so that it opens
// nothing until it is reset, or takes that back.
func (us Users) SetPasswordCompromised(ctx context.Context, id string, compromised bool) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		if err := user.SetCompromised(ctx, t, u.ID, compromised, t.now); err != nil {
			return err
		}
		if !compromised {
			return us.e.retask(ctx, t, u)
		}
		return us.e.shutOut(ctx, t, u)
	})
}

// SetProfileImage stores a picture that was decoded and encoded anew; none
// removes the former one.
func (us Users) SetProfileImage(ctx context.Context, id, contentType string, data []byte) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		return user.SetImage(ctx, t, u, contentType, data, t.now)
	})
}

// EmailAddress finds an address by its ID and the user whose it is.
func (us Users) EmailAddress(ctx context.Context, userID, id string) (*user.User, *user.Identification, error) {
	u, err := us.Get(ctx, userID)
	if err != nil {
		return nil, nil, err
	}
	if have := u.EmailAddress(id); have != nil {
		return u, have, nil
	}
	return nil, nil, store.ErrNotFound
}

// ByEmailAddressID returns the user who has the address with the given ID, and
// the address.
func (us Users) ByEmailAddressID(ctx context.Context, id string) (*user.User, *user.Identification, error) {
	var u *user.User
	err := us.view(ctx, func(tx store.Tx) (err error) {
		u, err = user.ByIdentificationID(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.EmailAddress(id), nil
}

// AddEmailAddress gives a user an address that the host vouches for, or, not
// verified, reserves.
func (us Users) AddEmailAddress(ctx context.Context, userID, address string, verified, primary bool) (*user.User, *user.Identification, error) {
	return us.CreateEmailAddress(ctx, userID, address, AddressParams{Verified: &verified, Primary: &primary})
}

// DeleteEmailAddress takes an address off a user.
func (us Users) DeleteEmailAddress(ctx context.Context, userID, id string) (*user.User, error) {
	return us.change(ctx, userID, func(t *txn, u *user.User) error { return us.e.dropEmailAddress(ctx, t, u, id) })
}

// CheckPassword reports whether plain is the user's password.
func (us Users) CheckPassword(ctx context.Context, id, plain string) (bool, error) {
	return us.e.CheckPassword(ctx, id, plain)
}
