package user

import (
	"context"
	"errors"
	"time"

	"github.com/usherauth/usher/store"
)

// A Password is the hash of a user's password, apart from the [User] so that
// reading users never carries it along. Its ID is the user's.
type Password struct {
	store.Meta
	Hash      string    `json:"hash"` // PHC string, or a foreign format until the next sign-in
	UpdatedAt time.Time `json:"updated_at"`
	// Compromised forces a reset at the next sign-in.
	Compromised bool `json:"compromised,omitempty"`
	// CompromisedAt is when that was said.
	CompromisedAt time.Time `json:"compromised_at,omitzero"`
}

// PasswordKind is where password hashes are kept, sealed.
var PasswordKind = &store.Kind{Name: "password", Sealed: true}

var passwords = store.Table[Password, *Password]{Kind: PasswordKind}

// StoreEntries is empty: passwords are found by the user's ID.
func (p *Password) StoreEntries() []store.Entry { return nil }

// GetPassword returns the password of a user, or store.ErrNotFound.
func GetPassword(ctx context.Context, tx store.Tx, userID string) (*Password, error) {
	return passwords.Get(ctx, tx, userID)
}

// SetPassword stores hash as u's password and marks u, which the caller Puts
// in the same transaction: that write is the guard against a sign-in with the
// old password at the same moment.
func SetPassword(ctx context.Context, tx store.Tx, u *User, hash string, now time.Time) error {
	p, err := passwords.Get(ctx, tx, u.ID)
	if errors.Is(err, store.ErrNotFound) {
		p = &Password{Meta: store.Meta{ID: u.ID}}
	} else if err != nil {
		return err
	}
	p.Hash, p.UpdatedAt, p.Compromised, p.CompromisedAt = hash, now, false, time.Time{}
	u.PasswordEnabled, u.PasswordUpdatedAt = true, now
	return passwords.Put(ctx, tx, p)
}

// Rehash replaces the hash judged by a better one of the same password, and
// does nothing if the password has changed since: the new one stands.
func Rehash(ctx context.Context, tx store.Tx, userID, judged, hash string) error {
	p, err := passwords.Get(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || p.Hash != judged {
		return err
	}
	p.Hash = hash
	return passwords.Put(ctx, tx, p)
}

// SetCompromised marks u's password as known to others, or takes that back.
func SetCompromised(ctx context.Context, tx store.Tx, userID string, compromised bool, now time.Time) error {
	p, err := passwords.Get(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoPassword
	}
	if err != nil {
		return err
	}
	p.Compromised, p.CompromisedAt = compromised, time.Time{}
	if compromised {
		p.CompromisedAt = now
	}
	return passwords.Put(ctx, tx, p)
}

// RemovePassword deletes u's password and marks u, which the caller Puts.
func RemovePassword(ctx context.Context, tx store.Tx, u *User) error {
	p, err := passwords.Get(ctx, tx, u.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoPassword
	}
	if err != nil {
		return err
	}
	u.PasswordEnabled, u.PasswordUpdatedAt = false, time.Time{}
	return passwords.Delete(ctx, tx, p)
}
