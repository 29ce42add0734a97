package wire

import (
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/user"
)

// Passkey is a passkey of a user, or one that waits for its device.
type Passkey struct {
	Object       string        `json:"object"`
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	LastUsedAt   *int64        `json:"last_used_at"`
	Verification *Verification `json:"verification"`
	CreatedAt    int64         `json:"created_at"`
	UpdatedAt    int64         `json:"updated_at"`
}

// NewPasskey is k. Clients want a time in its verification.
func NewPasskey(k *user.Passkey) Passkey {
	one := 1
	return Passkey{Object: "passkey", ID: k.ID, Name: k.Name, LastUsedAt: MillisOrNull(k.LastUsedAt),
		Verification: &Verification{Object: "verification_passkey", Status: string(factor.Verified), Strategy: "passkey",
			Attempts: &one, ExpireAt: MillisOrNull(k.CreatedAt.Add(codeLifetime))},
		CreatedAt: Millis(k.CreatedAt), UpdatedAt: Millis(k.UpdatedAt)}
}

// NewPendingPasskey is a passkey that waits for its device.
func NewPendingPasskey(id string, v *factor.Verification, now time.Time) Passkey {
	return Passkey{Object: "passkey", ID: id, Verification: NewVerification(v, now), CreatedAt: Millis(now), UpdatedAt: Millis(now)}
}

// Passkeys are all passkeys of a user.
func Passkeys(u *user.User) []Passkey {
	out := make([]Passkey, 0, len(u.Passkeys))
	for i := range u.Passkeys {
		out = append(out, NewPasskey(&u.Passkeys[i]))
	}
	return out
}

// TOTP is an authenticator app. The secret is told while it is set up.
type TOTP struct {
	Object      string   `json:"object"`
	ID          string   `json:"id"`
	Secret      *string  `json:"secret"`
	URI         *string  `json:"uri"`
	Verified    bool     `json:"verified"`
	BackupCodes []string `json:"backup_codes"`
	CreatedAt   int64    `json:"created_at"`
	UpdatedAt   int64    `json:"updated_at"`
}

// BackupCodes are new backup codes. They are told once.
type BackupCodes struct {
	Object    string   `json:"object"`
	ID        string   `json:"id"`
	Codes     []string `json:"codes"`
	CreatedAt int64    `json:"created_at"`
	UpdatedAt int64    `json:"updated_at"`
}
