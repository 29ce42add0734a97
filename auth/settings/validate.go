package settings

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// A FieldError says what is wrong with one field, named as in JSON.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return "settings: " + e.Field + ": " + e.Problem }

// Strategies that an address can be used with.
var strategies = map[string][]string{
	"email_address": {"email_code", "email_link"},
	"phone_number":  {"phone_code"},
}

// Validate checks s as a whole and returns every problem, joined.
func (s *Settings) Validate() error {
	var errs []error
	check := func(ok bool, field, problem string, args ...any) {
		if !ok {
			errs = append(errs, &FieldError{Field: field, Problem: fmt.Sprintf(problem, args...)})
		}
	}
	between := func(d, lo, hi time.Duration, field string) {
		check(d >= lo && d <= hi, field, "must be between %s and %s, is %s", lo, hi, d)
	}
	check(s.AppName != "" && utf8.RuneCountInString(s.AppName) <= 64, "app_name", "must have 1 to 64 characters")

	for name, a := range map[string]Attribute{"email_address": s.EmailAddress, "phone_number": s.PhoneNumber,
		"username": s.Username, "first_name": s.FirstName, "last_name": s.LastName} {
		check(a.Enabled || !a.Required && len(a.Strategies) == 0, name, "is used but not enabled")
		for _, st := range append(slices.Clone(a.Strategies), a.Verifications...) {
			check(slices.Contains(strategies[name], st), name, "strategy %q is not available", st)
		}
		check(!a.VerifyAtSignUp || len(a.Verifications) > 0, name+".verify_at_sign_up", "needs a verification")
	}
	check(s.Password.Enabled && (s.EmailAddress.Enabled || s.PhoneNumber.Enabled || s.Username.Enabled) ||
		len(s.EmailAddress.Strategies)+len(s.PhoneNumber.Strategies) > 0,
		"email_address", "there must be a way to sign in: an identifier with a password or a code")
	s.Phones.validate(s, check)
	s.Usernames.validate(check)

	p := s.Password
	check(p.Enabled || !p.Required, "password.required", "passwords are not enabled")
	check(p.MinLength >= 8 && p.MinLength <= 64, "password.min_length", "must be 8 to 64")
	check(p.MaxLength >= 64 && p.MaxLength <= 256, "password.max_length", "must be 64 to 256")
	check(p.MinStrength >= 0 && p.MinStrength <= 4, "password.min_strength", "must be 0 to 4")

	check(slices.Contains([]string{Public, Restricted, Waitlist}, s.SignUp.Mode), "sign_up.mode", "%q is unknown", s.SignUp.Mode)
	check(document(s.Legal.TermsURL), "legal.terms_url", "must be a path or an http or https URL")
	check(document(s.Legal.PrivacyURL), "legal.privacy_url", "must be a path or an http or https URL")
	between(s.SignUp.AbandonAfter, 10*time.Minute, 30*24*time.Hour, "sign_up.abandon_after")
	check(slices.Contains([]string{"password", "otp"}, s.SignIn.PreferredStrategy), "sign_in.preferred_strategy", "must be password or otp")
	check(!s.SignIn.SecondFactorRequired || s.SecondFactors.TOTP || s.Phones.SecondFactor, "sign_in.second_factor_required", "there is no second factor that people could have")
	check(!s.Passkeys.SignUp || s.Passkeys.Enabled, "passkeys.sign_up", "passkeys are not enabled")
	between(s.SignIn.AbandonAfter, 10*time.Minute, 7*24*time.Hour, "sign_in.abandon_after")

	check(s.Sessions.MaxLifetime > 0 || s.Sessions.IdleTimeout > 0, "sessions", "need a max_lifetime or an idle_timeout")
	if s.Sessions.MaxLifetime != 0 {
		between(s.Sessions.MaxLifetime, 5*time.Minute, 3650*24*time.Hour, "sessions.max_lifetime")
	}
	if s.Sessions.IdleTimeout != 0 {
		between(s.Sessions.IdleTimeout, 5*time.Minute, 365*24*time.Hour, "sessions.idle_timeout")
	}
	between(s.Sessions.TokenLifetime, 30*time.Second, 5*time.Minute, "sessions.token_lifetime")

	between(s.Codes.Lifetime, time.Minute, 10*time.Minute, "codes.lifetime")
	check(s.Codes.Tries >= 1 && s.Codes.Tries <= 10, "codes.tries", "must be 1 to 10")
	between(s.Codes.ResendAfter, 0, s.Codes.Lifetime, "codes.resend_after")
	s.Organizations.validate(check)

	s.Protection.validate(check)
	check(!s.Protection.Strict() || s.EmailAddress.VerifyAtSignUp, "protection.enumeration",
		"strict needs addresses that are verified at sign-up")
	check(s.Limits.AttemptCode.Count <= 200, "limits.attempt_code", "must be at most 200: each is kept")
	s.Limits.DailyMails.validate(check)
	for name, r := range map[string]Rate{"create_sign_in": s.Limits.CreateSignIn, "create_sign_up": s.Limits.CreateSignUp,
		"attempt_sign_in": s.Limits.AttemptSignIn, "attempt_sign_up": s.Limits.AttemptSignUp,
		"create_client": s.Limits.CreateClient, "attempt_account": s.Limits.AttemptAccount, "attempt_code": s.Limits.AttemptCode, "mail": s.Limits.Mail,
		"network_failures": s.Limits.NetworkFailures, "network_lookups": s.Limits.NetworkLookups, "password_failures": s.Limits.PasswordFailures, "instance_failures": s.Limits.InstanceFailures} {
		check(r == Rate{} || r.Count > 0 && r.Per > 0, "limits."+name, "needs a count and a time, or neither")
	}
	return errors.Join(errs...)
}
