package user

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// SecondFactors are the secrets with which a user shows a second factor: an
// authenticator app and backup codes. They are apart from the [User] so that
// reading users never carries them along. The ID is the user's.
type SecondFactors struct {
	store.Meta
	// TOTP is the authenticator app in use; nil is none.
	TOTP *TOTP `json:"totp,omitempty"`
	// Pending is an authenticator app that is being set up: its secret was
	// shown and no code of it has been seen yet. It counts for nothing.
	Pending *TOTP `json:"pending,omitempty"`
	// BackupCodes are those that are not used up, one to a slot.
	BackupCodes []BackupCode `json:"backup_codes,omitempty"`
	// BackupID names the set of backup codes; empty is none.
	BackupID        string    `json:"backup_id,omitempty"`
	BackupCreatedAt time.Time `json:"backup_created_at,omitzero"`
	UpdatedAt       time.Time `json:"updated_at"`
}

// A TOTP is the secret that an authenticator app shares with the instance.
type TOTP struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
	// LastStep is the time step of the last code that was accepted: only a
	// later one is good.
	LastStep int64 `json:"last_step,omitempty"`
	// SessionID is the session that a pending secret was shown to.
	SessionID  string    `json:"session_id,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// A BackupCode is the hash of a code that is good once.
type BackupCode struct {
	// Slot is the first character of the code. It tells which hash to compare
	// with, so that a try costs one of them.
	Slot string `json:"slot"`
	Hash string `json:"hash"`
}

// SecondFactorKind is where second factors are kept, sealed.
var SecondFactorKind = &store.Kind{Name: "second_factor", Sealed: true}

var secondFactors = store.Table[SecondFactors, *SecondFactors]{Kind: SecondFactorKind}

// StoreEntries is empty: second factors are found by the user's ID.
func (s *SecondFactors) StoreEntries() []store.Entry { return nil }

// GetSecondFactors returns the second factors of a user, or store.ErrNotFound.
func GetSecondFactors(ctx context.Context, tx store.Tx, userID string) (*SecondFactors, error) {
	return secondFactors.Get(ctx, tx, userID)
}

// SecondFactorsOf is [GetSecondFactors] that returns an empty set, which is not
// stored yet, for a user who has none.
func SecondFactorsOf(ctx context.Context, tx store.Tx, userID string) (*SecondFactors, error) {
	s, err := secondFactors.Get(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return &SecondFactors{Meta: store.Meta{ID: userID}}, nil
	}
	return s, err
}

// PutSecondFactors stores s, or deletes it when nothing is left, and sets on u,
// which the caller Puts in the same transaction, what the user's record tells
// of it: that write is the guard against a sign-in at the same moment.
func PutSecondFactors(ctx context.Context, tx store.Tx, u *User, s *SecondFactors, now time.Time) error {
	before := u.TwoFactorEnabled()
	u.TOTPEnabled, u.BackupCodeEnabled = s.TOTP != nil, len(s.BackupCodes) > 0
	u.MarkTwoFactor(before, now)
	s.UpdatedAt = now
	if s.TOTP == nil && s.Pending == nil && len(s.BackupCodes) == 0 {
		if s.Version == 0 {
			return nil // was never stored
		}
		return secondFactors.Delete(ctx, tx, s)
	}
	return secondFactors.Put(ctx, tx, s)
}

// BackupCode returns the unused code of a slot, or nil.
func (s *SecondFactors) BackupCode(slot string) *BackupCode {
	for i := range s.BackupCodes {
		if s.BackupCodes[i].Slot == slot {
			return &s.BackupCodes[i]
		}
	}
	return nil
}

// SpendBackupCode takes out the code of a slot if its hash is still the one
// that was judged, and reports whether it was.
func (s *SecondFactors) SpendBackupCode(slot, judged string) bool {
	for i, c := range s.BackupCodes {
		if c.Slot == slot && c.Hash == judged {
			s.BackupCodes = append(s.BackupCodes[:i:i], s.BackupCodes[i+1:]...)
			return true
		}
	}
	return false
}

// TwoFactorEnabled reports whether the user has a second factor that stands on
// its own: backup codes do not.
func (u *User) TwoFactorEnabled() bool {
	return u.TOTPEnabled || u.SecondFactorPhones()
}

// MarkTwoFactor notes when the user came to have a second factor, or ceased to.
// before is whether there was one before the change.
func (u *User) MarkTwoFactor(before bool, now time.Time) {
	switch after := u.TwoFactorEnabled(); {
	case after && !before:
		u.MFAEnabledAt = now
	case before && !after:
		u.MFADisabledAt = now
	}
}

// WithoutFactors is a copy of u without passkeys and second factors. What is
// stored of them beside the user is [DropFactors]' business.
func (u *User) WithoutFactors() *User {
	c := *u
	c.Passkeys, c.TOTPEnabled, c.BackupCodeEnabled = nil, false, false
	c.releasePhones()
	return &c
}

// DropFactors takes every passkey and second factor off u, which the caller
// Puts.
func DropFactors(ctx context.Context, tx store.Tx, u *User, now time.Time) error {
	before := u.TwoFactorEnabled()
	u.Passkeys, u.TOTPEnabled, u.BackupCodeEnabled = nil, false, false
	u.releasePhones()
	u.MarkTwoFactor(before, now)
	f, err := secondFactors.Get(ctx, tx, u.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return secondFactors.Delete(ctx, tx, f)
}
