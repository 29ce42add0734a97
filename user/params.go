package user

import (
	"encoding/json"
	"time"
)

// CreateParams make a user without a sign-up.
type CreateParams struct {
	EmailAddresses []string // verified, as the host vouches for them; the first is primary
	// Unverified makes the addresses reserved instead: good for signing in,
	// claimed, and still to be proved.
	Unverified                                      bool
	Username, FirstName, LastName, ExternalID       string
	Password                                        string
	PasswordDigest                                  string // a hash instead of a password
	SkipPasswordChecks, SkipPasswordRequirement     bool
	PublicMetadata, PrivateMetadata, UnsafeMetadata json.RawMessage
	Locale                                          string
	CreatedAt, LegalAcceptedAt                      time.Time
	DeleteSelfDisabled                              bool
	CreateOrganizationDisabled                      bool
	CreateOrganizationsLimit                        int
}

// UpdateParams change a user; nil leaves a field as it is.
type UpdateParams struct {
	Username, FirstName, LastName, ExternalID       *string
	PrimaryEmailAddressID                           *string
	NotifyPrimaryEmailAddressChanged                bool
	Password                                        *string
	SkipPasswordChecks                              bool
	SignOutOfOtherSessions                          *bool // nil: yes, with a new password
	PublicMetadata, PrivateMetadata, UnsafeMetadata json.RawMessage
	DeleteSelfEnabled, CreateOrganizationEnabled    *bool
	CreateOrganizationsLimit                        *int
	Locale                                          *string
	LegalAcceptedAt                                 *time.Time
}
