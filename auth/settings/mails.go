package settings

// Mails says which notices are sent. What carries a code, a link or an
// invitation that somebody waits for is always sent.
type Mails struct {
	PasswordChanged          bool `json:"password_changed"`
	PasswordRemoved          bool `json:"password_removed"`
	PrimaryEmailChanged      bool `json:"primary_email_address_changed"`
	FactorAdded              bool `json:"factor_added"`
	FactorRemoved            bool `json:"factor_removed"`
	PasskeyAdded             bool `json:"passkey_added"`
	PasskeyRemoved           bool `json:"passkey_removed"`
	ExternalAccountConnected bool `json:"external_account_connected"`
	ExternalAccountRemoved   bool `json:"external_account_removed"`
	NewDeviceSignIn          bool `json:"new_device_sign_in"`
	BrowserCopied            bool `json:"browser_copied"`
	AccountLocked            bool `json:"account_locked"`
	SignUpAttemptExisting    bool `json:"sign_up_attempt_existing"`
	SignInAttemptUnknown     bool `json:"sign_in_attempt_unknown"`
	WaitlistConfirmation     bool `json:"waitlist_confirmation"`
}

// AllMails sends every notice.
func AllMails() Mails {
	return Mails{true, true, true, true, true, true, true, true, true, true, true, true, true, true, true}
}

// Sends reports whether the mail with a slug of package auth/notify is sent.
func (m Mails) Sends(slug string) bool {
	on, notice := map[string]bool{
		"password_changed": m.PasswordChanged, "password_removed": m.PasswordRemoved,
		"primary_email_address_changed": m.PrimaryEmailChanged,
		"factor_added":                  m.FactorAdded, "factor_removed": m.FactorRemoved,
		"passkey_added": m.PasskeyAdded, "passkey_removed": m.PasskeyRemoved,
		"external_account_connected": m.ExternalAccountConnected, "external_account_removed": m.ExternalAccountRemoved,
		"new_device_sign_in": m.NewDeviceSignIn, "browser_copied": m.BrowserCopied, "account_locked": m.AccountLocked,
		"sign_up_attempt_existing": m.SignUpAttemptExisting, "sign_in_attempt_unknown": m.SignInAttemptUnknown,
		"waitlist_confirmation": m.WaitlistConfirmation,
	}[slug]
	return on || !notice
}
