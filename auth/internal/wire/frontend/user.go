package frontend

import (
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/user"
)

// User is a user as the user's own browser sees it.
type User struct {
	Object                        string                   `json:"object"`
	ID                            string                   `json:"id"`
	Username                      *string                  `json:"username"`
	FirstName                     *string                  `json:"first_name"`
	LastName                      *string                  `json:"last_name"`
	ImageURL                      string                   `json:"image_url"`
	ProfileImageURL               string                   `json:"profile_image_url"` // the former name of image_url
	HasImage                      bool                     `json:"has_image"`
	PrimaryEmailAddressID         *string                  `json:"primary_email_address_id"`
	PrimaryPhoneNumberID          *string                  `json:"primary_phone_number_id"`
	PrimaryWeb3WalletID           *string                  `json:"primary_web3_wallet_id"`
	PasswordEnabled               bool                     `json:"password_enabled"`
	TwoFactorEnabled              bool                     `json:"two_factor_enabled"`
	TOTPEnabled                   bool                     `json:"totp_enabled"`
	BackupCodeEnabled             bool                     `json:"backup_code_enabled"`
	EmailAddresses                []wire.EmailAddress      `json:"email_addresses"`
	PhoneNumbers                  []wire.PhoneNumber       `json:"phone_numbers"`
	Web3Wallets                   []struct{}               `json:"web3_wallets"`
	Passkeys                      []wire.Passkey           `json:"passkeys"`
	OrganizationMemberships       []OrganizationMembership `json:"organization_memberships"`
	ExternalAccounts              []wire.ExternalAccount   `json:"external_accounts"`
	SAMLAccounts                  []struct{}               `json:"saml_accounts"`
	EnterpriseAccounts            []struct{}               `json:"enterprise_accounts"`
	PasswordLastUpdatedAt         *int64                   `json:"password_last_updated_at"`
	PublicMetadata                json.RawMessage          `json:"public_metadata"`
	UnsafeMetadata                json.RawMessage          `json:"unsafe_metadata"`
	ExternalID                    *string                  `json:"external_id"`
	LastSignInAt                  *int64                   `json:"last_sign_in_at"`
	Banned                        bool                     `json:"banned"`
	Locked                        bool                     `json:"locked"`
	LockoutExpiresInSeconds       *int64                   `json:"lockout_expires_in_seconds"`
	VerificationAttemptsRemaining *int64                   `json:"verification_attempts_remaining"`
	DeleteSelfEnabled             bool                     `json:"delete_self_enabled"`
	CreateOrganizationEnabled     bool                     `json:"create_organization_enabled"`
	CreateOrganizationsLimit      int                      `json:"create_organizations_limit,omitempty"`
	LastActiveAt                  *int64                   `json:"last_active_at"`
	MFAEnabledAt                  *int64                   `json:"mfa_enabled_at"`
	MFADisabledAt                 *int64                   `json:"mfa_disabled_at"`
	LegalAcceptedAt               *int64                   `json:"legal_accepted_at"`
	CreatedAt                     int64                    `json:"created_at"`
	UpdatedAt                     int64                    `json:"updated_at"`
}

// User is u at the time now.
func (e Encoder) User(u *user.User, now time.Time) *User {
	image := e.Images.User(u)
	none := []struct{}{}
	out := &User{Object: "user", ID: u.ID, Username: wire.TextOrNull(u.Username),
		FirstName: wire.TextOrNull(u.FirstName), LastName: wire.TextOrNull(u.LastName),
		ImageURL: image, ProfileImageURL: image, HasImage: u.ImageID != "",
		PrimaryEmailAddressID: wire.TextOrNull(u.PrimaryEmailAddressID),
		PrimaryPhoneNumberID:  wire.TextOrNull(u.PrimaryPhoneNumberID),
		PasswordEnabled:       u.PasswordEnabled, EmailAddresses: wire.EmailAddresses(u, now),
		PhoneNumbers: wire.PhoneNumbers(u, now), Web3Wallets: none, Passkeys: wire.Passkeys(u), OrganizationMemberships: []OrganizationMembership{},
		ExternalAccounts: wire.ExternalAccounts(u, now), SAMLAccounts: none, EnterpriseAccounts: none,
		PasswordLastUpdatedAt: wire.MillisOrNull(u.PasswordUpdatedAt),
		PublicMetadata:        wire.Object(u.PublicMetadata), UnsafeMetadata: wire.Object(u.UnsafeMetadata),
		ExternalID: wire.TextOrNull(u.ExternalID), LastSignInAt: wire.MillisOrNull(u.LastSignInAt),
		Banned: u.Banned, Locked: u.IsLocked(now),
		DeleteSelfEnabled: !u.DeleteSelfDisabled, CreateOrganizationEnabled: !u.CreateOrganizationDisabled,
		CreateOrganizationsLimit: u.CreateOrganizationsLimit, LastActiveAt: wire.MillisOrNull(u.LastActiveAt),
		TwoFactorEnabled: u.TwoFactorEnabled(), TOTPEnabled: u.TOTPEnabled, BackupCodeEnabled: u.BackupCodeEnabled,
		MFAEnabledAt: wire.MillisOrNull(u.MFAEnabledAt), MFADisabledAt: wire.MillisOrNull(u.MFADisabledAt),
		LegalAcceptedAt: wire.MillisOrNull(u.LegalAcceptedAt),
		CreatedAt:       wire.Millis(u.CreatedAt), UpdatedAt: wire.Millis(u.UpdatedAt)}
	if out.Locked && !u.LockedUntil.IsZero() { // null is for ever
		left := int64(u.LockedUntil.Sub(now) / time.Second)
		out.LockoutExpiresInSeconds = &left
	}
	return out
}

// PublicUserData is what others may see of a user.
type PublicUserData struct {
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	ImageURL        string  `json:"image_url"`
	ProfileImageURL string  `json:"profile_image_url"`
	HasImage        bool    `json:"has_image"`
	Identifier      string  `json:"identifier"`
	UserID          string  `json:"user_id"`
}

// PublicUserData is what others may see of u.
func (e Encoder) PublicUserData(u *user.User) PublicUserData {
	image := e.Images.User(u)
	return PublicUserData{FirstName: wire.TextOrNull(u.FirstName), LastName: wire.TextOrNull(u.LastName),
		ImageURL: image, ProfileImageURL: image, HasImage: u.ImageID != "", Identifier: u.Identifier(), UserID: u.ID}
}
