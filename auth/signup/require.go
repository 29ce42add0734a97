package signup

import (
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
)

// fields lists what a sign-up can ask for, in the order it is asked.
var fields = []struct {
	name string
	rule func(*settings.Settings) (enabled, required bool)
	has  func(*Attempt) bool
}{
	{"email_address", identifierRule("email_address"), func(a *Attempt) bool { return a.EmailAddress != "" }},
	{"phone_number", identifierRule("phone_number"), func(a *Attempt) bool { return a.PhoneNumber != "" }},
	{EitherOr, func(s *settings.Settings) (bool, bool) { return eitherOr(s), true },
		func(a *Attempt) bool { return a.EmailAddress != "" || a.PhoneNumber != "" }},
	{"username", identifierRule("username"), func(a *Attempt) bool { return a.Username != "" }},
	{"first_name", attributeRule("first_name"), func(a *Attempt) bool { return a.FirstName != "" }},
	{"last_name", attributeRule("last_name"), func(a *Attempt) bool { return a.LastName != "" }},
	{"password", func(s *settings.Settings) (bool, bool) { return s.Password.Enabled, s.Password.Required },
		func(a *Attempt) bool { return a.PasswordHash != "" || a.Passkey != nil || a.Proven() != nil }}, // who signs in elsewhere needs none
	{"legal_accepted", func(s *settings.Settings) (bool, bool) { return s.Legal.Consent, true },
		func(a *Attempt) bool { return !a.LegalAccepted.IsZero() }},
}

// EitherOr is the field of sign-ups that ask for an e-mail address or a phone
// number, as people like.
const EitherOr = "email_address_or_phone_number"

// eitherOr: both can be given, and nothing that people sign in with must be.
func eitherOr(s *settings.Settings) bool {
	return s.EmailAddress.Enabled && s.PhoneNumber.Enabled && !s.EmailAddress.Required && !s.PhoneNumber.Required && !s.Username.Required
}

// identifierRule is attributeRule for what people sign in with: where there is
// just one of its kind, nobody is without.
func identifierRule(name string) func(*settings.Settings) (bool, bool) {
	return func(s *settings.Settings) (bool, bool) {
		a := attributeOf(s, name)
		only := ""
		for _, id := range identifiers {
			if other := attributeOf(s, id); other.Required {
				return a.Enabled, a.Required
			} else if other.Enabled && only == "" {
				only = id
			}
		}
		return a.Enabled, name == only && !eitherOr(s)
	}
}

// identifiers are what people sign in with, the first that is on foremost.
var identifiers = []string{"email_address", "phone_number", "username"}

func attributeRule(name string) func(*settings.Settings) (bool, bool) {
	return func(s *settings.Settings) (bool, bool) {
		a := attributeOf(s, name)
		return a.Enabled, a.Required
	}
}

func attributeOf(s *settings.Settings, name string) settings.Attribute {
	switch name {
	case "email_address":
		return s.EmailAddress
	case "phone_number":
		return s.PhoneNumber
	case "username":
		return s.Username
	case "first_name":
		return s.FirstName
	case "last_name":
		return s.LastName
	}
	return settings.Attribute{}
}

// Required lists the fields that nobody signs up without.
func Required(s *settings.Settings) []string { return pick(s, true) }

// Optional lists the fields that may be given.
func Optional(s *settings.Settings) []string { return pick(s, false) }

func pick(s *settings.Settings, required bool) []string {
	out := []string{}
	for _, f := range fields {
		if enabled, must := f.rule(s); enabled && must == required {
			out = append(out, f.name)
		}
	}
	return out
}

// Missing lists the required fields that the attempt lacks. A passkey that is
// wanted is one of them, unless a password is, for which it stands in.
func (a *Attempt) Missing(s *settings.Settings) []string {
	out := []string{}
	for _, f := range fields {
		if enabled, must := f.rule(s); enabled && must && !f.has(a) {
			out = append(out, f.name)
		}
	}
	if a.WantsPasskey && a.Passkey == nil && s.Passkeys.SignUp && !slices.Contains(out, "password") {
		out = append(out, passkey)
	}
	return out
}

// Unverified lists the attributes that the attempt has and that must be
// verified before it completes.
func (a *Attempt) Unverified(s *settings.Settings) []string {
	out := []string{}
	for _, name := range []string{"email_address", "phone_number"} {
		v := a.Verification(name)
		if attributeOf(s, name).VerifyAtSignUp && a.Value(name) != "" &&
			(v == nil || v.Status != factor.Verified || v.Target != a.Value(name)) {
			out = append(out, name)
		}
	}
	return out
}
