package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Imported is what the Backend API can say of a new user beside
// [user.CreateParams]: what moves over from another system.
type Imported struct {
	// Reserved says of each e-mail address, by position, that it is reserved
	// instead of verified. Missing ones are verified.
	Reserved []bool
	// ReservedPhones says it of phone numbers.
	ReservedPhones []bool
	Banned         bool
	// Locked locks for as long as [Engine.LockFor] says.
	Locked bool
}

// Import makes a user with what another system knew of it.
func (us Users) Import(ctx context.Context, p user.CreateParams, x Imported) (*user.User, error) {
	return us.create(ctx, p, func(u *user.User) {
		for i := range min(len(x.ReservedPhones), len(u.PhoneNumbers)) {
			if id := &u.PhoneNumbers[i]; x.ReservedPhones[i] {
				id.Verified, id.Reserved, id.Strategy, id.VerifiedAt = false, true, "", time.Time{}
			}
		}
		for i := range min(len(x.Reserved), len(u.EmailAddresses)) {
			if id := &u.EmailAddresses[i]; x.Reserved[i] {
				id.Verified, id.Reserved, id.Strategy, id.VerifiedAt = false, true, "", time.Time{}
			}
		}
		u.Banned = x.Banned
		if x.Locked {
			u.Locked = true
			if d := us.e.LockFor(ctx); d > 0 {
				u.LockedUntil = us.e.now().Add(d)
			}
		}
	})
}

// Patch is [Users.Update] with what only the Backend API can change: when the
// user was created, or zero.
func (us Users) Patch(ctx context.Context, id string, p user.UpdateParams, createdAt time.Time) (*user.User, error) {
	return us.patch(ctx, id, p, func(u *user.User) {
		if !createdAt.IsZero() && createdAt.Before(us.e.now()) {
			u.CreatedAt = createdAt
		}
	})
}

// SetBanned bans several users or takes their bans back, all or none. The
// result is in the order of the IDs; a missing one is store.ErrNotFound.
func (us Users) SetBanned(ctx context.Context, ids []string, banned bool) ([]*user.User, error) {
	var list []*user.User
	err := us.update(ctx, func(t *txn) error {
		list = list[:0]
		for _, id := range ids {
			u, err := user.Get(ctx, t, id)
			if err != nil {
				return err
			}
			u.Banned = banned
			if banned {
				if err := us.e.shutOut(ctx, t, u); err != nil {
					return err
				}
			}
			if err := user.Put(ctx, t, u, t.now); err != nil {
				return err
			}
			list = append(list, u)
		}
		return nil
	})
	return list, err
}

// DropPassword takes a user's password away; signOut ends the sessions too. A
// user without one stays as it is.
func (us Users) DropPassword(ctx context.Context, id string, signOut bool) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		err := us.e.setPassword(ctx, t, u, passwordChange{signOut: signOut})
		if errors.Is(err, user.ErrNoPassword) {
			return errUnchanged
		}
		return err
	})
}

// MarkPasswordCompromised marks a password as known to others, so that it
// opens nothing until it is reset, and voids sign-ins under way; revoke ends
// the sessions too, which otherwise wait for a new password.
func (us Users) MarkPasswordCompromised(ctx context.Context, id string, revoke bool) (*user.User, error) {
	return us.change(ctx, id, func(t *txn, u *user.User) error {
		if err := user.SetCompromised(ctx, t, u.ID, true, t.now); err != nil {
			return err
		}
		if revoke {
			return us.e.shutOut(ctx, t, u)
		}
		if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
			return err
		}
		return us.e.retask(ctx, t, u)
	})
}

// AddressParams say what an e-mail address is to be; nil leaves each.
type AddressParams struct {
	// Verified: the host vouches for it. False is reserved: good for signing
	// in, claimed, and still to be proved.
	Verified, Primary *bool
	// NotifyPrimaryChanged tells the user if the primary address changes.
	NotifyPrimaryChanged bool
}

// CreateEmailAddress gives a user an address: reserved, unless p says
// otherwise.
func (us Users) CreateEmailAddress(ctx context.Context, userID, address string, p AddressParams) (*user.User, *user.Identification, error) {
	var id string
	u, err := us.changeAddress(ctx, userID, p.NotifyPrimaryChanged, func(t *txn, u *user.User) error {
		have, err := hostAddress(address, p.Verified != nil && *p.Verified, t.now)
		if err != nil {
			return err
		}
		id = have.ID
		if err := u.AddEmailAddress(have); err != nil {
			return err
		}
		if p.Primary != nil && *p.Primary {
			return u.SetPrimaryEmailAddress(id)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.EmailAddress(id), nil
}

// UpdateEmailAddress verifies an address as the host, takes that back (it
// stays reserved), or makes it the primary one.
func (us Users) UpdateEmailAddress(ctx context.Context, userID, id string, p AddressParams) (*user.User, *user.Identification, error) {
	u, err := us.changeAddress(ctx, userID, p.NotifyPrimaryChanged, func(t *txn, u *user.User) error {
		have := u.EmailAddress(id)
		switch {
		case have == nil:
			return store.ErrNotFound
		case p.Verified == nil || *p.Verified == have.Verified:
		case *p.Verified:
			if err := u.VerifyEmailAddress(id, "admin", t.now); err != nil {
				return err
			}
		default:
			if id == u.PrimaryEmailAddressID {
				return fmt.Errorf("primary address: %w", user.ErrNotVerified)
			}
			unverify(have, t.now)
			have.Reserved = true
		}
		if p.Primary != nil && *p.Primary {
			return u.SetPrimaryEmailAddress(id)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.EmailAddress(id), nil
}

// An AddressStatus is what the host says of an address.
type AddressStatus string

// The statuses of an address. An unverified one is nobody's.
const (
	AddressVerified   AddressStatus = "verified"
	AddressReserved   AddressStatus = "reserved"
	AddressUnverified AddressStatus = "unverified"
)

// ReplaceEmailAddresses makes address the only one of a user, and the primary
// one. Codes under way die with the former addresses.
func (us Users) ReplaceEmailAddresses(ctx context.Context, userID, address string, status AddressStatus, notice bool) (*user.User, *user.Identification, error) {
	u, err := us.changeAddress(ctx, userID, notice, func(t *txn, u *user.User) error {
		only, err := hostAddress(address, status == AddressVerified, t.now)
		if err != nil {
			return err
		}
		if have := u.EmailAddressByValue(address); have != nil { // it keeps its ID
			only.ID, only.CreatedAt = have.ID, have.CreatedAt
		}
		only.Reserved = status == AddressReserved
		for _, old := range u.EmailAddresses {
			if err := us.e.dropVerification(ctx, t, old.ID); err != nil {
				return err
			}
		}
		u.EmailAddresses, u.PrimaryEmailAddressID = []user.Identification{only}, only.ID
		return voidAttempts(ctx, t, u.ID, "")
	})
	if err != nil {
		return nil, nil, err
	}
	return u, u.PrimaryEmailAddress(), nil
}

// unverify takes back that an address was shown to be the user's.
func unverify(id *user.Identification, now time.Time) {
	id.Verified, id.Strategy, id.VerifiedAt, id.UpdatedAt = false, "", time.Time{}, now
}

// changeAddress is change, and if notice is set, tells the former primary
// address and the user's others when another one took its place.
func (us Users) changeAddress(ctx context.Context, userID string, notice bool, fn func(t *txn, u *user.User) error) (*user.User, error) {
	return us.change(ctx, userID, func(t *txn, u *user.User) error {
		before := *u
		before.EmailAddresses = slices.Clone(u.EmailAddresses)
		if err := fn(t, u); err != nil {
			return err
		}
		if !notice || before.PrimaryEmailAddressID == "" || before.PrimaryEmailAddressID == u.PrimaryEmailAddressID {
			return nil
		}
		return us.e.notifyPrimary(ctx, t, &before, u, Request{})
	})
}

// A ClientSessions is a client with the sessions listed on it.
type ClientSessions struct {
	*session.Client
	Sessions []*session.Session
}

// ClientsWithSessions returns clients with their sessions, newest first, and
// how many clients there are in all.
func (ss Sessions) ClientsWithSessions(ctx context.Context, offset, limit int) (list []ClientSessions, total int, err error) {
	err = ss.e.view(ctx, func(tx store.Tx) error {
		cs, n, err := session.ListClients(ctx, tx, offset, limit)
		if err != nil {
			return err
		}
		list, total = make([]ClientSessions, len(cs)), n
		for i, c := range cs {
			list[i].Client = c
			if list[i].Sessions, err = session.OfClient(ctx, tx, c.ID); err != nil {
				return err
			}
			if err := ss.e.settleSessions(ctx, tx, list[i].Sessions...); err != nil {
				return err
			}
		}
		return nil
	})
	return list, total, err
}
