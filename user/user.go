package user

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// A User is a person with an account.
type User struct {
	store.Meta

	Username  string `json:"username,omitempty"` // as typed; unique without regard to case
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	// ExternalID is the host's own name for the user; unique if set.
	ExternalID string `json:"external_id,omitempty"`
	// ImageID names the profile image; empty shows the default one.
	ImageID string `json:"image_id,omitempty"`
	Locale  string `json:"locale,omitempty"` // BCP 47

	EmailAddresses        []Identification `json:"email_addresses,omitempty"`
	PhoneNumbers          []Identification `json:"phone_numbers,omitempty"`
	PrimaryEmailAddressID string           `json:"primary_email_address_id,omitempty"`
	PrimaryPhoneNumberID  string           `json:"primary_phone_number_id,omitempty"`
	Passkeys              []Passkey        `json:"passkeys,omitempty"`
	// ExternalAccounts are those at other services, by which the user signs in.
	ExternalAccounts []ExternalAccount `json:"external_accounts,omitempty"`

	// PublicMetadata is read by browsers and written by the host.
	PublicMetadata json.RawMessage `json:"public_metadata,omitempty"`
	// PrivateMetadata is for the host alone.
	PrivateMetadata json.RawMessage `json:"private_metadata,omitempty"`
	// UnsafeMetadata is read and written by browsers: never trust it.
	UnsafeMetadata json.RawMessage `json:"unsafe_metadata,omitempty"`

	// PasswordEnabled mirrors whether a [Password] record exists.
	PasswordEnabled   bool      `json:"password_enabled,omitempty"`
	PasswordUpdatedAt time.Time `json:"password_updated_at,omitzero"`
	// TOTPEnabled and BackupCodeEnabled mirror what [SecondFactors] hold.
	TOTPEnabled       bool `json:"totp_enabled,omitempty"`
	BackupCodeEnabled bool `json:"backup_code_enabled,omitempty"`
	// MFAEnabledAt and MFADisabledAt are when the user last came to have a
	// second factor and last ceased to.
	MFAEnabledAt  time.Time `json:"mfa_enabled_at,omitzero"`
	MFADisabledAt time.Time `json:"mfa_disabled_at,omitzero"`

	// Banned users cannot sign in, and what they hold dies with the ban.
	Banned bool `json:"banned,omitempty"`
	// Locked users cannot sign in until LockedUntil; zero is for ever.
	Locked      bool      `json:"locked,omitempty"`
	LockedUntil time.Time `json:"locked_until,omitzero"`

	// BypassClientTrust spares the user the code that a sign-in with a browser
	// which the account does not know asks for.
	BypassClientTrust bool `json:"bypass_client_trust,omitempty"`

	// DeleteSelfDisabled takes away the right to delete the own account.
	DeleteSelfDisabled bool `json:"delete_self_disabled,omitempty"`
	// CreateOrganizationDisabled takes away the right to found organizations.
	CreateOrganizationDisabled bool `json:"create_organization_disabled,omitempty"`
	// CreateOrganizationsLimit is how many organizations the user may found; 0
	// is no limit.
	CreateOrganizationsLimit int `json:"create_organizations_limit,omitempty"`
	// NextOrganizationID is the organization that the next session begins with:
	// the host has put the user in it, who has chosen none since.
	NextOrganizationID string `json:"next_organization_id,omitempty"`

	LegalAcceptedAt time.Time `json:"legal_accepted_at,omitzero"`
	LastSignInAt    time.Time `json:"last_sign_in_at,omitzero"`
	LastActiveAt    time.Time `json:"last_active_at,omitzero"` // to the day
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
}

// Kind is where users are kept. SQL stores call the table usher_user.
var Kind = &store.Kind{Name: "user", Indexes: []store.Index{
	{Name: "email", Unique: true, Many: true}, // verified and reserved addresses, canonical
	{Name: "phone", Unique: true, Many: true}, // likewise, E.164
	{Name: "username", Unique: true},          // canonical
	{Name: "external_id", Unique: true},       //
	{Name: "address", Many: true},             // every address and number, verified or not
	{Name: "idn", Unique: true, Many: true},   // IDs of addresses and numbers
	{Name: "search", Many: true},              // folded texts that a person looks for
	{Name: "primary_email"}, {Name: "primary_phone"},
	{Name: "first_name"}, {Name: "last_name"},
	{Name: "created_at"}, {Name: "updated_at"},
	{Name: "last_sign_in_at"}, {Name: "last_active_at"},
	{Name: "banned"}, // "1" if banned
	{Name: "passkey", Unique: true, Many: true},  // hashes of credential IDs
	{Name: "external", Unique: true, Many: true}, // see ExternalKey
}}

var users = store.Table[User, *User]{Kind: Kind}

// StoreEntries lists what a user is found by.
func (u *User) StoreEntries() []store.Entry {
	es := make([]store.Entry, 0, 16)
	add := func(index, value string) {
		if e := (store.Entry{Index: index, Value: value}); value != "" && !slices.Contains(es, e) {
			es = append(es, e)
		}
	}
	for _, list := range []struct {
		claim, primary, primaryID string
		ids                       []Identification
	}{
		{"email", "primary_email", u.PrimaryEmailAddressID, u.EmailAddresses},
		{"phone", "primary_phone", u.PrimaryPhoneNumberID, u.PhoneNumbers},
	} {
		for _, id := range list.ids {
			add("idn", id.ID)
			add("address", id.Canonical)
			add("search", id.Canonical)
			if id.Claims() {
				add(list.claim, id.Canonical)
			}
			if id.ID == list.primaryID {
				add(list.primary, id.Canonical)
			}
		}
	}
	for _, p := range u.Passkeys {
		add("passkey", passkeyKey(p.CredentialID))
	}
	for _, a := range u.ExternalAccounts {
		add("external", a.key())
	}
	add("username", CanonicalUsername(u.Username))
	add("search", Fold(u.Username))
	add("external_id", u.ExternalID)
	add("search", Fold(strings.TrimSpace(u.FirstName+" "+u.LastName)))
	add("first_name", Fold(u.FirstName))
	add("last_name", Fold(u.LastName))
	add("search", Fold(u.ID))
	add("created_at", store.TimeKey(u.CreatedAt))
	add("updated_at", store.TimeKey(u.UpdatedAt))
	if !u.LastSignInAt.IsZero() {
		add("last_sign_in_at", store.TimeKey(u.LastSignInAt))
	}
	if !u.LastActiveAt.IsZero() {
		add("last_active_at", store.TimeKey(u.LastActiveAt))
	}
	if u.Banned {
		add("banned", "1")
	}
	return es
}

// New returns a user who is not stored yet.
func New(now time.Time) *User {
	return &User{Meta: store.Meta{ID: store.NewID("user", now)}, CreatedAt: now, UpdatedAt: now}
}

// Get returns the user with the given ID, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, id string) (*User, error) { return users.Get(ctx, tx, id) }

// Put stores u and sets UpdatedAt. A taken address, username or external ID is
// a *store.DuplicateError.
func Put(ctx context.Context, tx store.Tx, u *User, now time.Time) error {
	u.UpdatedAt = now
	return users.Put(ctx, tx, u)
}

// Touch stores u without the look of a change: UpdatedAt stays. It is the
// guard write of a completed sign-in.
func Touch(ctx context.Context, tx store.Tx, u *User) error { return users.Put(ctx, tx, u) }

// Delete removes u, the password, the second factors, the tokens of providers
// and the picture. Sessions are the caller's.
func Delete(ctx context.Context, tx store.Tx, u *User) error {
	if p, err := GetPassword(ctx, tx, u.ID); err == nil {
		if err := passwords.Delete(ctx, tx, p); err != nil {
			return err
		}
	} else if err != store.ErrNotFound {
		return err
	}
	if f, err := GetSecondFactors(ctx, tx, u.ID); err == nil {
		if err := secondFactors.Delete(ctx, tx, f); err != nil {
			return err
		}
	} else if err != store.ErrNotFound {
		return err
	}
	if err := deleteAllExternalTokens(ctx, tx, u.ID); err != nil {
		return err
	}
	if u.ImageID != "" {
		if err := deleteImage(ctx, tx, u.ImageID); err != nil {
			return err
		}
	}
	return users.Delete(ctx, tx, u)
}

// ByIdentifier returns the user that an e-mail address, phone number or
// username belongs to, or store.ErrNotFound. Unverified addresses belong to
// nobody.
func ByIdentifier(ctx context.Context, tx store.Tx, identifier string) (*User, error) {
	index, value := Classify(identifier)
	if value == "" {
		return nil, store.ErrNotFound
	}
	return users.By(ctx, tx, index, value)
}

// ByIdentificationID returns the user who has the address or number with the
// given ID, or store.ErrNotFound.
func ByIdentificationID(ctx context.Context, tx store.Tx, id string) (*User, error) {
	if id == "" {
		return nil, store.ErrNotFound
	}
	return users.By(ctx, tx, "idn", id)
}

// Name is the user's full name, or empty.
func (u *User) Name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// PrimaryEmailAddress returns the primary address, or nil.
func (u *User) PrimaryEmailAddress() *Identification {
	return u.EmailAddress(u.PrimaryEmailAddressID)
}

// Identifier is the text that stands for the user in public: the primary
// e-mail address, phone number or username.
func (u *User) Identifier() string {
	if id := u.PrimaryEmailAddress(); id != nil {
		return id.Value
	}
	if id := u.PrimaryPhoneNumber(); id != nil {
		return id.Value
	}
	return u.Username
}

// Refused returns why the user may not sign in or act now: ErrBanned,
// a *LockedError, or nil.
func (u *User) Refused(now time.Time) error {
	switch {
	case u.Banned:
		return ErrBanned
	case u.IsLocked(now):
		return &LockedError{Until: u.LockedUntil}
	}
	return nil
}

// IsLocked reports whether u is locked at the time now.
func (u *User) IsLocked(now time.Time) bool {
	return u.Locked && (u.LockedUntil.IsZero() || now.Before(u.LockedUntil))
}
