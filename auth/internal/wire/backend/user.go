package backend

import (
	"encoding/json"
	"math"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/user"
)

// User is a user as the host sees it. What usher has none of, such as wallets,
// is an empty list: clients iterate over them.
type User struct {
	Object          string  `json:"object"`
	ID              string  `json:"id"`
	ExternalID      *string `json:"external_id"`
	Username        *string `json:"username"`
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	Locale          *string `json:"locale"`
	ImageURL        string  `json:"image_url"`
	ProfileImageURL string  `json:"profile_image_url"` // the former name of image_url
	HasImage        bool    `json:"has_image"`

	PrimaryEmailAddressID *string                `json:"primary_email_address_id"`
	PrimaryPhoneNumberID  *string                `json:"primary_phone_number_id"`
	PrimaryWeb3WalletID   *string                `json:"primary_web3_wallet_id"`
	EmailAddresses        []wire.EmailAddress    `json:"email_addresses"`
	PhoneNumbers          []wire.PhoneNumber     `json:"phone_numbers"`
	Web3Wallets           []struct{}             `json:"web3_wallets"`
	Passkeys              []Passkey              `json:"passkeys"`
	ExternalAccounts      []wire.ExternalAccount `json:"external_accounts"`
	SAMLAccounts          []struct{}             `json:"saml_accounts"`
	EnterpriseAccounts    []struct{}             `json:"enterprise_accounts"`

	PublicMetadata  json.RawMessage `json:"public_metadata"`
	PrivateMetadata json.RawMessage `json:"private_metadata"`
	UnsafeMetadata  json.RawMessage `json:"unsafe_metadata"`

	PasswordEnabled       bool   `json:"password_enabled"`
	PasswordLastUpdatedAt *int64 `json:"password_last_updated_at"`
	TwoFactorEnabled      bool   `json:"two_factor_enabled"`
	TOTPEnabled           bool   `json:"totp_enabled"`
	BackupCodeEnabled     bool   `json:"backup_code_enabled"`
	MFAEnabledAt          *int64 `json:"mfa_enabled_at"`
	MFADisabledAt         *int64 `json:"mfa_disabled_at"`

	Banned bool `json:"banned"`
	Locked bool `json:"locked"`
	// LockoutExpiresInSeconds is null for somebody who is not locked, and for
	// a lock that never ends.
	LockoutExpiresInSeconds *int64 `json:"lockout_expires_in_seconds"`
	// VerificationAttemptsRemaining is how many wrong tries are left to
	// strangers; null where they lock nothing.
	VerificationAttemptsRemaining *int64 `json:"verification_attempts_remaining"`
	Deprovisioned                 bool   `json:"deprovisioned"`
	BypassClientTrust             bool   `json:"bypass_client_trust"`

	DeleteSelfEnabled         bool `json:"delete_self_enabled"`
	CreateOrganizationEnabled bool `json:"create_organization_enabled"`
	CreateOrganizationsLimit  *int `json:"create_organizations_limit"` // null is no limit

	LegalAcceptedAt *int64 `json:"legal_accepted_at"`
	LastSignInAt    *int64 `json:"last_sign_in_at"`
	LastActiveAt    *int64 `json:"last_active_at"`
	CreatedAt       int64  `json:"created_at"`
	UpdatedAt       int64  `json:"updated_at"`
}

// User is u with all that the host may know.
func (e Encoder) User(u *user.User, l engine.Lockout) User {
	image := e.Images.User(u)
	out := User{
		Object: "user", ID: u.ID, ExternalID: wire.TextOrNull(u.ExternalID), Username: wire.TextOrNull(u.Username),
		FirstName: wire.TextOrNull(u.FirstName), LastName: wire.TextOrNull(u.LastName), Locale: wire.TextOrNull(u.Locale),
		ImageURL: image, ProfileImageURL: image, HasImage: u.ImageID != "",
		PrimaryEmailAddressID: wire.TextOrNull(u.PrimaryEmailAddressID), PrimaryPhoneNumberID: wire.TextOrNull(u.PrimaryPhoneNumberID),
		EmailAddresses: wire.EmailAddresses(u, e.Now), PhoneNumbers: wire.PhoneNumbers(u, e.Now),
		Web3Wallets: []struct{}{}, Passkeys: passkeys(u), ExternalAccounts: wire.ExternalAccounts(u, e.Now),
		SAMLAccounts: []struct{}{}, EnterpriseAccounts: []struct{}{},
		PublicMetadata: wire.Object(u.PublicMetadata), PrivateMetadata: wire.Object(u.PrivateMetadata),
		UnsafeMetadata:  wire.Object(u.UnsafeMetadata),
		PasswordEnabled: u.PasswordEnabled, PasswordLastUpdatedAt: wire.MillisOrNull(u.PasswordUpdatedAt),
		TwoFactorEnabled: u.TwoFactorEnabled(), TOTPEnabled: u.TOTPEnabled, BackupCodeEnabled: u.BackupCodeEnabled,
		MFAEnabledAt: wire.MillisOrNull(u.MFAEnabledAt), MFADisabledAt: wire.MillisOrNull(u.MFADisabledAt),
		Banned: u.Banned, Locked: l.Locked, LockoutExpiresInSeconds: e.lockout(l), VerificationAttemptsRemaining: attempts(l),
		BypassClientTrust: u.BypassClientTrust, DeleteSelfEnabled: !u.DeleteSelfDisabled, CreateOrganizationEnabled: !u.CreateOrganizationDisabled,
		LegalAcceptedAt: wire.MillisOrNull(u.LegalAcceptedAt), LastSignInAt: wire.MillisOrNull(u.LastSignInAt),
		LastActiveAt: wire.MillisOrNull(u.LastActiveAt), CreatedAt: wire.Millis(u.CreatedAt), UpdatedAt: wire.Millis(u.UpdatedAt),
	}
	if limit := u.CreateOrganizationsLimit; limit > 0 {
		out.CreateOrganizationsLimit = &limit
	}
	return out
}

// lockout is how many seconds are left of a lock.
func (e Encoder) lockout(l engine.Lockout) *int64 {
	if !l.Locked || l.Until.IsZero() {
		return nil
	}
	left := int64(math.Ceil(float64(l.Until.Sub(e.Now)) / float64(time.Second)))
	return &left
}

func attempts(l engine.Lockout) *int64 {
	if l.Left == nil {
		return nil
	}
	n := int64(*l.Left)
	return &n
}

// EmailAddress is an address of u.
func (e Encoder) EmailAddress(u *user.User, id *user.Identification) wire.EmailAddress {
	return wire.NewEmailAddress(u, id, nil, e.Now)
}

// PhoneNumber is a number of a user.
func (e Encoder) PhoneNumber(id *user.Identification) wire.PhoneNumber {
	return wire.NewPhoneNumber(id, nil, e.Now)
}

// Passkey is a passkey of a user. LastUsedAt is 0 for one never used.
type Passkey struct {
	Object       string             `json:"object"`
	ID           string             `json:"id"`
	Name         string             `json:"name"`
	LastUsedAt   int64              `json:"last_used_at"`
	Verification *wire.Verification `json:"verification"`
}

func passkeys(u *user.User) []Passkey {
	out := make([]Passkey, 0, len(u.Passkeys))
	for i := range u.Passkeys {
		k := wire.NewPasskey(&u.Passkeys[i])
		p := Passkey{Object: k.Object, ID: k.ID, Name: k.Name, Verification: k.Verification}
		if k.LastUsedAt != nil {
			p.LastUsedAt = *k.LastUsedAt
		}
		out = append(out, p)
	}
	return out
}

// DeletedUser says that a user is no more.
type DeletedUser struct {
	wire.Deleted
	ExternalID string `json:"external_id,omitempty"`
}

// DeletedUser says that u is no more.
func (e Encoder) DeletedUser(u *user.User) DeletedUser {
	return DeletedUser{Deleted: wire.NewDeleted("user", u.ID), ExternalID: u.ExternalID}
}
