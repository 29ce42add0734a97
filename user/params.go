package user

import (
	"encoding/json"
	"time"
)

// CreateParams make a user without a sign-up.
type CreateParams struct {
	EmailAddresses []string // verified, as the host vouches for them; the first is primary
	// PhoneNumbers are likewise; ones without + are of the default country.
	PhoneNumbers []string
	// Unverified makes addresses and numbers reserved instead: good for signing in,
	// claimed, and still to be proved.
	Unverified                                bool
	Username, FirstName, LastName, ExternalID string
	Password                                  string
	// PasswordDigest is a hash instead of a password, as another system kept it.
	// PasswordHasher names its format, such as pbkdf2_sha256_django: see package
	// password. Without a name it is argon2id or bcrypt.
	PasswordDigest, PasswordHasher              string
	SkipPasswordChecks, SkipPasswordRequirement bool
	// TOTPSecret is the secret of the user's authenticator app, as another
	// system kept it: base32. It is asked for from the first sign-in on.
	TOTPSecret string
	// BackupCodes are codes that stand in for it, as another system made them:
	// plain, or their bcrypt digests. See package backupcode.
	BackupCodes                                     []string
	PublicMetadata, PrivateMetadata, UnsafeMetadata json.RawMessage
	Locale                                          string
	CreatedAt, LegalAcceptedAt                      time.Time
	DeleteSelfDisabled, BypassClientTrust           bool
	CreateOrganizationDisabled                      bool
	CreateOrganizationsLimit                        int
}

// UpdateParams change a user; nil leaves a field as it is.
type UpdateParams struct {
	Username, FirstName, LastName, ExternalID       *string
	PrimaryEmailAddressID, PrimaryPhoneNumberID     *string
	NotifyPrimaryEmailAddressChanged                bool
	Password                                        *string
	PasswordDigest, PasswordHasher                  string // as in CreateParams
	SkipPasswordChecks                              bool
	SignOutOfOtherSessions                          *bool    // nil: yes, with a new password
	TOTPSecret                                      string   // as in CreateParams, in place of the former one
	BackupCodes                                     []string // likewise
	PublicMetadata, PrivateMetadata, UnsafeMetadata json.RawMessage
	DeleteSelfEnabled, CreateOrganizationEnabled    *bool
	BypassClientTrust                               *bool
	CreateOrganizationsLimit                        *int
	Locale                                          *string
	LegalAcceptedAt                                 *time.Time
}
