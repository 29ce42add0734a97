package bapi

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/user"
)

// profileFields are what both creating and updating a user can set.
var profileFields = []string{"external_id", "first_name", "last_name", "locale", "username", "password", "password_digest",
	"password_hasher", "skip_password_checks", "totp_secret", "backup_codes", "public_metadata", "private_metadata",
	"unsafe_metadata", "delete_self_enabled", "create_organization_enabled", "create_organizations_limit",
	"legal_accepted_at", "skip_legal_checks", "created_at", "bypass_client_trust"}

var createFields = append([]string{"email_address", "email_address_identification_status", "phone_number",
	"phone_number_identification_status", "web3_wallet", "skip_password_requirement",
	"skip_user_requirement", "banned", "locked"}, profileFields...)

// Metadata is not of the newest contract here, but clients of earlier versions
// send it.
var updateFields = append([]string{"primary_email_address_id", "notify_primary_email_address_changed",
	"primary_phone_number_id", "primary_web3_wallet_id", "profile_image_id", "sign_out_of_other_sessions"}, profileFields...)

// maxSecret is more than the secret of an authenticator app has, in bytes.
const maxSecret = 256

// readCreate reads a new user. What is wrong is noted in f.
func readCreate(f *httpx.Form, now time.Time) (user.CreateParams, engine.Imported) {
	var (
		p user.CreateParams
		x engine.Imported
	)
	p.EmailAddresses, x.Reserved = readAddresses(f, "email_address")
	p.PhoneNumbers, x.ReservedPhones = readAddresses(f, "phone_number")
	p.Username, _ = f.String("username")
	p.FirstName, _ = f.String("first_name")
	p.LastName, _ = f.String("last_name")
	p.ExternalID, _ = f.String("external_id")
	p.Locale, _ = f.StringMax("locale", maxLocale)
	p.Password, p.PasswordDigest, p.PasswordHasher = readPassword(f)
	p.SkipPasswordChecks, _ = f.Bool("skip_password_checks")
	p.SkipPasswordRequirement, _ = f.Bool("skip_password_requirement")
	p.PublicMetadata, p.PrivateMetadata, p.UnsafeMetadata = readMetadata(f)
	p.CreatedAt = readCreatedAt(f, now)
	p.LegalAcceptedAt, _ = f.Time("legal_accepted_at")
	p.BypassClientTrust, _ = f.Bool("bypass_client_trust")
	if on := optional(f, "delete_self_enabled"); on != nil {
		p.DeleteSelfDisabled = !*on
	}
	if on := optional(f, "create_organization_enabled"); on != nil {
		p.CreateOrganizationDisabled = !*on
	}
	if n := readLimit(f); n != nil {
		p.CreateOrganizationsLimit = *n
	}
	p.TOTPSecret, _ = f.StringMax("totp_secret", maxSecret)
	p.BackupCodes, _ = f.Strings("backup_codes")
	x.Banned, _ = f.Bool("banned")
	x.Locked, _ = f.Bool("locked")
	f.Bool("skip_user_requirement") // an identifier of any sort is enough
	absent(f)
	return p, x
}

// readUpdate reads a change of a user. A null empties a text and leaves
// everything else as it is.
func readUpdate(f *httpx.Form, now time.Time) (p user.UpdateParams, createdAt time.Time) {
	for name, to := range map[string]**string{"username": &p.Username, "first_name": &p.FirstName, "last_name": &p.LastName,
		"external_id": &p.ExternalID} {
		if v, ok := f.String(name); ok {
			*to = &v
		}
	}
	if v, ok := f.StringMax("locale", maxLocale); ok {
		p.Locale = &v
	}
	if id, _ := f.String("primary_email_address_id"); id != "" {
		p.PrimaryEmailAddressID = &id
	}
	if id, _ := f.String("primary_phone_number_id"); id != "" {
		p.PrimaryPhoneNumberID = &id
	}
	p.NotifyPrimaryEmailAddressChanged, _ = f.Bool("notify_primary_email_address_changed")
	var password string
	if password, p.PasswordDigest, p.PasswordHasher = readPassword(f); password != "" {
		p.Password = &password
	}
	p.SkipPasswordChecks, _ = f.Bool("skip_password_checks")
	p.TOTPSecret, _ = f.StringMax("totp_secret", maxSecret)
	p.BackupCodes, _ = f.Strings("backup_codes")
	p.SignOutOfOtherSessions = optional(f, "sign_out_of_other_sessions")
	if out := p.SignOutOfOtherSessions; out != nil && *out && password == "" && p.PasswordDigest == "" {
		f.Fail("form_conditional_param_missing", "password", "must be given with sign_out_of_other_sessions")
	}
	p.PublicMetadata, p.PrivateMetadata, p.UnsafeMetadata = readMetadata(f)
	p.DeleteSelfEnabled = optional(f, "delete_self_enabled")
	p.BypassClientTrust = optional(f, "bypass_client_trust")
	p.CreateOrganizationEnabled = optional(f, "create_organization_enabled")
	p.CreateOrganizationsLimit = readLimit(f)
	createdAt = readCreatedAt(f, now)
	if at, _ := f.Time("legal_accepted_at"); !at.IsZero() {
		p.LegalAcceptedAt = &at
	}
	absent(f)
	return p, createdAt
}

// absent refuses what users cannot have in this version, unless it is empty,
// and checks the type of switches for checks that there are none of.
func absent(f *httpx.Form) {
	for _, name := range []string{"primary_web3_wallet_id", "profile_image_id"} {
		if v, _ := f.String(name); v != "" {
			f.Fail("form_param_value_disabled", name, "is not enabled for this instance")
		}
	}
	if v, _ := f.Strings("web3_wallet"); len(v) > 0 {
		f.Fail("form_param_value_disabled", "web3_wallet", "is not enabled for this instance")
	}
	f.Bool("skip_legal_checks")
}

// readAddresses reads e-mail addresses or phone numbers and which of them are
// reserved only.
func readAddresses(f *httpx.Form, field string) (addresses []string, reserved []bool) {
	name := field + "_identification_status"
	addresses, _ = f.Strings(field)
	if len(addresses) > user.MaxIdentifications {
		f.Fail(httpx.CodeArraySize, field, fmt.Sprintf("must have at most %d entries", user.MaxIdentifications))
		return nil, nil
	}
	statuses, _ := f.Strings(name)
	if len(statuses) > 0 && len(statuses) != len(addresses) {
		f.Fail("form_param_value_invalid", name, "must have one entry for each of them")
	}
	for _, s := range statuses {
		if s != string(engine.AddressVerified) && s != string(engine.AddressReserved) {
			f.Fail("form_param_value_invalid", name, "must be verified or reserved")
		}
		reserved = append(reserved, s == string(engine.AddressReserved))
	}
	return addresses, reserved
}

// maxLocale is the longest language tag that is kept (RFC 5646, 4.4.1), in
// bytes.
const maxLocale = 35

// maxPassword is more than any password, in bytes: the policy says how long one
// may be.
const maxPassword = 4 << 10

// readPassword reads a password, or a digest and the name of what made it.
func readPassword(f *httpx.Form) (password, digest, hasher string) {
	password, _ = f.StringMax("password", maxPassword)
	digest, _ = f.StringMax("password_digest", 1<<10)
	hasher, _ = f.StringMax("password_hasher", 64)
	switch {
	case password == "" && f.Has("password") && !f.Null("password") && f.Err() == nil:
		f.Fail(httpx.CodeNil, "password", "must not be empty")
	case digest == "":
		hasher = ""
	case password != "":
		f.Fail("form_conditional_param_disallowed", "password_digest", "cannot be given with a password")
	case hasher == "":
		f.Fail("form_conditional_param_missing", "password_hasher", "must be given with a password_digest")
	}
	return password, digest, hasher
}

// readCreatedAt reads when a user was created; zero is not said.
func readCreatedAt(f *httpx.Form, now time.Time) time.Time {
	at, _ := f.Time("created_at")
	if at.After(now) {
		f.Fail("form_param_value_invalid", "created_at", "must not be in the future")
	}
	return at
}

func readMetadata(f *httpx.Form) (public, private, unsafe json.RawMessage) {
	public, _ = f.JSONObject("public_metadata")
	private, _ = f.JSONObject("private_metadata")
	unsafe, _ = f.JSONObject("unsafe_metadata")
	return public, private, unsafe
}

// optional reads a switch; null and absent are nil.
func optional(f *httpx.Form, name string) *bool {
	v, ok := f.Bool(name)
	if !ok || f.Null(name) {
		return nil
	}
	return &v
}

func readLimit(f *httpx.Form) *int {
	n, ok := f.Int("create_organizations_limit")
	if !ok || f.Null("create_organizations_limit") {
		return nil
	}
	if n < 0 || n > 1<<30 {
		f.Fail("form_param_value_invalid", "create_organizations_limit", "must be 0 or more")
		return nil
	}
	limit := int(n)
	return &limit
}
