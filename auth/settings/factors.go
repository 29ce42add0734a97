package settings

// SecondFactors say what users can have as a second factor that is no phone.
// Who has one is asked for it at every sign-in.
type SecondFactors struct {
	// TOTP lets users set up an authenticator app.
	TOTP bool `json:"totp"`
	// BackupCodes lets users who have a second factor make codes for the day on
	// which they lose it.
	BackupCodes bool `json:"backup_codes"`
}

// Passkeys say how passkeys are offered. They are good for the host of
// auth.Config.URL and the hosts below it. Browsers know them on https and on
// localhost, and not on addresses of numbers alone.
type Passkeys struct {
	// Enabled: users can have passkeys and sign in with them.
	Enabled bool `json:"enabled"`
	// AllowAutofill offers them in the field of the identifier.
	AllowAutofill bool `json:"allow_autofill"`
	// ShowSignInButton offers them by a button on the sign-in page.
	ShowSignInButton bool `json:"show_sign_in_button"`
	// SatisfiesSecondFactor: who signs in with a passkey whose device made sure
	// who was there, by PIN or finger, has shown two factors.
	SatisfiesSecondFactor bool `json:"satisfies_second_factor"`
	// RequireVerification refuses passkeys whose device did not make sure who
	// was there.
	RequireVerification bool `json:"require_verification"`
	// AcceptLowerCounters lets a passkey in whose counter went back, which may
	// mean that there is a second copy of it. It is logged either way.
	AcceptLowerCounters bool `json:"accept_lower_counters"`
	// SignUp lets people sign up with a passkey in place of a password.
	SignUp bool `json:"sign_up"`
}
