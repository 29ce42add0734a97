package user

import (
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

// NewPhoneNumber returns an unverified identification for a number that was
// read.
func NewPhoneNumber(p Phone, now time.Time) Identification {
	return Identification{ID: store.NewID("idn", now), Value: p.E164, Canonical: p.E164, CreatedAt: now, UpdatedAt: now}
}

// PhoneNumber returns the phone number with the given ID, or nil.
func (u *User) PhoneNumber(id string) *Identification { return find(u.PhoneNumbers, id) }

// Identification returns the e-mail address or phone number with the given ID,
// or nil.
func (u *User) Identification(id string) *Identification {
	if have := u.EmailAddress(id); have != nil {
		return have
	}
	return u.PhoneNumber(id)
}

// PrimaryPhoneNumber returns the primary number, or nil.
func (u *User) PrimaryPhoneNumber() *Identification { return u.PhoneNumber(u.PrimaryPhoneNumberID) }

// AddPhoneNumber appends id, as [User.AddEmailAddress] does.
func (u *User) AddPhoneNumber(id Identification) error {
	unverified := 0
	for _, have := range u.PhoneNumbers {
		if have.Canonical == id.Canonical {
			return ErrAlreadyAdded
		}
		if !have.Claims() {
			unverified++
		}
	}
	if !id.Claims() && unverified >= MaxUnverified || len(u.PhoneNumbers) >= MaxIdentifications {
		return ErrTooManyUnverified
	}
	u.PhoneNumbers = append(u.PhoneNumbers, id)
	if id.Claims() && u.PrimaryPhoneNumberID == "" {
		u.PrimaryPhoneNumberID = id.ID
	}
	return nil
}

// VerifyPhoneNumber marks the number as the user's own and claims it. The store
// decides at Put whether somebody else was faster.
func (u *User) VerifyPhoneNumber(id, strategy string, now time.Time) error {
	have := u.PhoneNumber(id)
	if have == nil {
		return store.ErrNotFound
	}
	second := have.SecondWhenVerified
	have.Verified, have.Reserved, have.Strategy, have.VerifiedAt, have.UpdatedAt = true, false, strategy, now, now
	have.SecondWhenVerified = false
	if u.PrimaryPhoneNumberID == "" {
		u.PrimaryPhoneNumberID = id
	}
	if second {
		return u.ReservePhoneNumber(id, true, now)
	}
	return nil
}

// SetPrimaryPhoneNumber makes a number the primary one. Only a verified one may
// be: ErrNotVerified.
func (u *User) SetPrimaryPhoneNumber(id string) error {
	have := u.PhoneNumber(id)
	switch {
	case have == nil:
		return store.ErrNotFound
	case !have.Verified:
		return ErrNotVerified
	}
	u.PrimaryPhoneNumberID = id
	return nil
}

// DeletePhoneNumber removes a number. The last identifier stays:
// ErrLastIdentification. If the primary one goes, the oldest verified number
// takes its place, and likewise with the default second factor.
func (u *User) DeletePhoneNumber(id string, now time.Time) error {
	i := slices.IndexFunc(u.PhoneNumbers, func(x Identification) bool { return x.ID == id })
	if i < 0 {
		return store.ErrNotFound
	}
	gone := u.PhoneNumbers[i]
	if gone.Claims() && !slices.ContainsFunc(u.EmailAddresses, claims) && !u.phoneIdentifies(id) && u.Username == "" {
		return ErrLastIdentification
	}
	before := u.TwoFactorEnabled()
	u.PhoneNumbers = slices.Delete(slices.Clone(u.PhoneNumbers), i, i+1)
	if u.PrimaryPhoneNumberID == id {
		u.PrimaryPhoneNumberID = ""
		for _, x := range u.PhoneNumbers {
			if x.Verified {
				u.PrimaryPhoneNumberID = x.ID
				break
			}
		}
	}
	u.settleDefault()
	u.MarkTwoFactor(before, now)
	return nil
}

// phoneIdentifies reports whether some number but the one with the ID except is
// the user's alone.
func (u *User) phoneIdentifies(except string) bool {
	return slices.ContainsFunc(u.PhoneNumbers, func(x Identification) bool { return x.ID != except && x.Claims() })
}

// ReservePhoneNumber reserves a number for showing a second factor, or takes
// that back. Only a verified one may be: ErrNotVerified.
func (u *User) ReservePhoneNumber(id string, reserve bool, now time.Time) error {
	have := u.PhoneNumber(id)
	switch {
	case have == nil:
		return store.ErrNotFound
	case reserve && !have.Verified:
		return ErrNotVerified
	case have.SecondFactor == reserve:
		return nil
	}
	before := u.TwoFactorEnabled()
	have.SecondFactor, have.UpdatedAt = reserve, now
	u.settleDefault()
	u.MarkTwoFactor(before, now)
	return nil
}

// SetDefaultSecondFactor makes a number that is reserved the one that is
// offered first. One that is not is ErrNotVerified.
func (u *User) SetDefaultSecondFactor(id string, now time.Time) error {
	have := u.PhoneNumber(id)
	switch {
	case have == nil:
		return store.ErrNotFound
	case !have.SecondFactor:
		return ErrNotVerified
	}
	for i := range u.PhoneNumbers {
		u.PhoneNumbers[i].DefaultSecond = u.PhoneNumbers[i].ID == id
	}
	have.UpdatedAt = now
	return nil
}

// SecondFactorPhones reports whether some number of u is a second factor.
func (u *User) SecondFactorPhones() bool { return slices.ContainsFunc(u.PhoneNumbers, isSecondFactor) }

// ReleasePhoneNumbers takes back that numbers of u are second factors.
func (u *User) ReleasePhoneNumbers(now time.Time) {
	before := u.TwoFactorEnabled()
	u.releasePhones()
	u.MarkTwoFactor(before, now)
}

func (u *User) releasePhones() {
	u.PhoneNumbers = slices.Clone(u.PhoneNumbers)
	for i := range u.PhoneNumbers {
		u.PhoneNumbers[i].SecondFactor, u.PhoneNumbers[i].DefaultSecond = false, false
	}
}

// settleDefault sees to it that just one of the numbers that are reserved is
// the default: the one that was, or the oldest.
func (u *User) settleDefault() {
	var first, chosen *Identification
	for i := range u.PhoneNumbers {
		id := &u.PhoneNumbers[i]
		if id.DefaultSecond && id.SecondFactor {
			chosen = id
		}
		if id.SecondFactor && first == nil {
			first = id
		}
		id.DefaultSecond = false
	}
	if chosen == nil {
		chosen = first
	}
	if chosen != nil {
		chosen.DefaultSecond = true
	}
}

func isSecondFactor(i Identification) bool { return i.SecondFactor }
