package wire

import (
	"strings"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user"
)

// Verification is a challenge as clients see it.
type Verification struct {
	Object   string `json:"object"`
	Status   string `json:"status"`
	Strategy string `json:"strategy"`
	Attempts *int   `json:"attempts"`
	ExpireAt *int64 `json:"expire_at"`
	// What only some strategies have.
	Nonce            string `json:"nonce,omitempty"`
	RedirectURL      string `json:"external_verification_redirect_url,omitempty"`
	VerifiedAtClient string `json:"verified_at_client,omitempty"`
	Error            *Error `json:"error,omitempty"`
}

// objects names a verification by its strategy.
var objects = map[string]string{
	"password":    "verification_password",
	"admin":       "verification_admin",
	"passkey":     "verification_passkey",
	"totp":        "verification_totp",
	"backup_code": "verification_backup_code",
	"email_link":  "verification_email_link",
	"ticket":      "verification_ticket",
}

// NewVerification is v at the time now; nil is null.
func NewVerification(v *factor.Verification, now time.Time) *Verification {
	if v == nil {
		return nil
	}
	attempts := v.Attempts
	out := &Verification{Object: object(v.Strategy), Strategy: v.Strategy, Status: string(v.StatusAt(now)),
		Attempts: &attempts, ExpireAt: MillisOrNull(v.ExpireAt),
		Nonce: v.Nonce, RedirectURL: v.RedirectURL, VerifiedAtClient: v.ClientID}
	if out.Object == "verification_otp" && v.Status == factor.Transferable { // the contract knows it of others only
		out.Status = string(factor.Verified)
	}
	if v.Error != "" {
		f := fault.New(v.Error, "")
		if v.ErrorSessionID != "" {
			f = f.With("session_id", v.ErrorSessionID)
		}
		e := refusal(f)
		out.Error = &e
	}
	return out
}

func object(strategy string) string {
	if o, ok := objects[strategy]; ok {
		return o
	}
	switch {
	case strings.HasPrefix(strategy, "oauth_"):
		return "verification_oauth"
	case strings.HasPrefix(strategy, "from_oauth_"):
		return "verification_from_oauth"
	}
	return "verification_otp"
}

// codeLifetime is the longest that a code is good for. A verified address does
// not remember when its code ran out, and clients want a number.
const codeLifetime = 10 * time.Minute

// AddressVerification tells how far the verification of an address is: by id,
// once it is verified, else by the challenge under way, which may be nil.
func AddressVerification(id *user.Identification, v *factor.Verification, now time.Time) *Verification {
	if !id.Verified {
		return NewVerification(v, now)
	}
	out := &Verification{Object: object(id.Strategy), Status: string(factor.Verified), Strategy: id.Strategy}
	if out.Object == "verification_otp" || out.Object == "verification_email_link" {
		one := 1
		out.Attempts, out.ExpireAt = &one, MillisOrNull(id.VerifiedAt.Add(codeLifetime))
	}
	return out
}

// EmailAddress is an address of a user.
type EmailAddress struct {
	Object               string        `json:"object"`
	ID                   string        `json:"id"`
	EmailAddress         string        `json:"email_address"`
	Reserved             bool          `json:"reserved"`
	Verification         *Verification `json:"verification"`
	LinkedTo             []LinkedTo    `json:"linked_to"`
	MatchesSSOConnection bool          `json:"matches_sso_connection"`
	CreatedAt            int64         `json:"created_at"`
	UpdatedAt            int64         `json:"updated_at"`
}

// NewEmailAddress is an address of u with the challenge under way, if there is
// one.
func NewEmailAddress(u *user.User, id *user.Identification, v *factor.Verification, now time.Time) EmailAddress {
	return EmailAddress{Object: "email_address", ID: id.ID, EmailAddress: id.Value, Reserved: id.Reserved,
		Verification: AddressVerification(id, v, now), LinkedTo: linkedTo(u, id.ID),
		CreatedAt: Millis(id.CreatedAt), UpdatedAt: Millis(id.UpdatedAt)}
}

// EmailAddresses are all addresses of a user.
func EmailAddresses(u *user.User, now time.Time) []EmailAddress {
	out := make([]EmailAddress, 0, len(u.EmailAddresses))
	for i := range u.EmailAddresses {
		out = append(out, NewEmailAddress(u, &u.EmailAddresses[i], nil, now))
	}
	return out
}
