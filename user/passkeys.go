package user

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

// A Passkey is a key pair on a device of the user's; this is the public half.
type Passkey struct {
	ID   string `json:"id"`
	Name string `json:"name"` // the user's own word for it
	// CredentialID is the device's name for the key pair, at most 1023 bytes.
	CredentialID []byte `json:"credential_id"`
	// PublicKey is a COSE key.
	PublicKey []byte `json:"public_key"`
	// SignCount is the highest signature counter seen; 0 is none.
	SignCount uint32 `json:"sign_count,omitempty"`
	// UserVerified: the device made sure who was there when it made the key.
	UserVerified bool `json:"user_verified,omitempty"`
	// BackupEligible and BackedUp say whether the key can be, and was when last
	// used, copied to other devices.
	BackupEligible bool      `json:"backup_eligible,omitempty"`
	BackedUp       bool      `json:"backed_up,omitempty"`
	Transports     []string  `json:"transports,omitempty"`
	AAGUID         []byte    `json:"aaguid,omitempty"` // the make of the device
	LastUsedAt     time.Time `json:"last_used_at,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

// MaxPasskeys is how many passkeys a user may have.
const MaxPasskeys = 10

// NewPasskeyID returns an ID for a passkey.
func NewPasskeyID(now time.Time) string { return store.NewID("idn", now) }

// Passkey returns the passkey with the given ID, or nil.
func (u *User) Passkey(id string) *Passkey {
	for i := range u.Passkeys {
		if u.Passkeys[i].ID == id {
			return &u.Passkeys[i]
		}
	}
	return nil
}

// PasskeyByCredential returns the passkey that a device names, or nil.
func (u *User) PasskeyByCredential(credentialID []byte) *Passkey {
	for i := range u.Passkeys {
		if slices.Equal(u.Passkeys[i].CredentialID, credentialID) {
			return &u.Passkeys[i]
		}
	}
	return nil
}

// AddPasskey appends p. More than [MaxPasskeys] are ErrTooManyPasskeys, one
// that the user has already is ErrAlreadyAdded. That nobody else has it, the
// store decides at Put.
func (u *User) AddPasskey(p Passkey) error {
	switch {
	case u.PasskeyByCredential(p.CredentialID) != nil:
		return ErrAlreadyAdded
	case len(u.Passkeys) >= MaxPasskeys:
		return ErrTooManyPasskeys
	}
	u.Passkeys = append(u.Passkeys, p)
	return nil
}

// DeletePasskey removes a passkey, or returns store.ErrNotFound.
func (u *User) DeletePasskey(id string) error {
	i := slices.IndexFunc(u.Passkeys, func(p Passkey) bool { return p.ID == id })
	if i < 0 {
		return store.ErrNotFound
	}
	u.Passkeys = slices.Delete(slices.Clone(u.Passkeys), i, i+1)
	return nil
}

// ByPasskey returns the user who has the passkey that a device names, or
// store.ErrNotFound.
func ByPasskey(ctx context.Context, tx store.Tx, credentialID []byte) (*User, error) {
	if len(credentialID) == 0 {
		return nil, store.ErrNotFound
	}
	return users.By(ctx, tx, "passkey", passkeyKey(credentialID))
}

// passkeyKey is short whatever the device chose.
func passkeyKey(credentialID []byte) string {
	h := sha256.Sum256(credentialID)
	return base64.RawURLEncoding.EncodeToString(h[:])
}
