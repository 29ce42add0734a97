package wire

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/user"
)

// ExternalAccount is an account of a user's at another service.
type ExternalAccount struct {
	Object               string          `json:"object"`
	ID                   string          `json:"id"`
	Provider             string          `json:"provider"`
	IdentificationID     string          `json:"identification_id"`
	ProviderUserID       string          `json:"provider_user_id"`
	ApprovedScopes       string          `json:"approved_scopes"`
	EmailAddress         string          `json:"email_address"`
	EmailAddressVerified *bool           `json:"email_address_verified"`
	FirstName            string          `json:"first_name"`
	LastName             string          `json:"last_name"`
	AvatarURL            string          `json:"avatar_url"` // the former name of image_url
	ImageURL             *string         `json:"image_url"`
	Username             *string         `json:"username"`
	PhoneNumber          *string         `json:"phone_number"`
	PublicMetadata       json.RawMessage `json:"public_metadata"`
	Label                *string         `json:"label"`
	CreatedAt            int64           `json:"created_at"`
	UpdatedAt            int64           `json:"updated_at"`
	Verification         *Verification   `json:"verification"`
}

// NewExternalAccount is a with the challenge under way; nil: none is.
func NewExternalAccount(a *user.ExternalAccount, v *factor.Verification, now time.Time) ExternalAccount {
	if v == nil {
		v = &factor.Verification{Strategy: "oauth_" + a.Provider, Status: factor.Unverified, Error: a.Error,
			ExpireAt: a.CreatedAt.Add(factor.AwayFor)}
		switch {
		case a.Verified:
			v.Status = factor.Verified
		case a.Error != "":
			v.Status = factor.Failed
		}
	}
	out := ExternalAccount{Object: "external_account", ID: a.ID, Provider: "oauth_" + a.Provider, IdentificationID: a.ID,
		ProviderUserID: a.Subject, ApprovedScopes: strings.Join(a.Scopes, " "), EmailAddress: a.EmailAddress,
		FirstName: a.FirstName, LastName: a.LastName, AvatarURL: a.PictureURL, ImageURL: TextOrNull(a.PictureURL),
		Username: TextOrNull(a.Username), Label: TextOrNull(a.Label()), PublicMetadata: Object(nil), CreatedAt: Millis(a.CreatedAt), UpdatedAt: Millis(a.UpdatedAt),
		Verification: NewVerification(v, now)}
	if a.EmailAddress != "" {
		out.EmailAddressVerified = &a.EmailVerified
	}
	return out
}

// ExternalAccounts are all of a user's.
func ExternalAccounts(u *user.User, now time.Time) []ExternalAccount {
	out := make([]ExternalAccount, 0, len(u.ExternalAccounts))
	for i := range u.ExternalAccounts {
		out = append(out, NewExternalAccount(&u.ExternalAccounts[i], nil, now))
	}
	return out
}

// LinkedTo names an external account that an address came with.
type LinkedTo struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func linkedTo(u *user.User, id string) []LinkedTo {
	out := []LinkedTo{}
	if u == nil {
		return out
	}
	for _, a := range u.LinkedTo(id) {
		out = append(out, LinkedTo{Type: "oauth_" + a.Provider, ID: a.ID})
	}
	return out
}
