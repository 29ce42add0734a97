package settings

import (
	"net/url"
	"strings"
)

// Access is which lists say who may sign up. The lists themselves are kept
// apart from the settings.
type Access struct {
	// Allowlist: only who is on the allowlist may. An empty list keeps everybody
	// out.
	Allowlist bool `json:"allowlist"`
	// Blocklist: nobody may who is on the blocklist.
	Blocklist bool `json:"blocklist"`
	// DisabledOnSignIn: the lists say nothing of who signs in.
	DisabledOnSignIn bool `json:"disabled_on_sign_in"`
	// BlockSubaddresses: one account for each mailbox, whatever tag its
	// addresses have. It counts what signs up from then on.
	BlockSubaddresses bool `json:"block_email_subaddresses"`
	// BlockDisposable: no address at a provider of disposable mail.
	BlockDisposable bool `json:"block_disposable_email_domains"`
}

// Captcha is where people show that they are no programs: to the verifier of
// auth.Config, or, without one, by a proof of work that only usher's own pages
// and clients written for it can do.
type Captcha struct {
	// SignUp: a sign-up begins with a token.
	SignUp bool `json:"sign_up"`
	// SignIn: a sign-in needs a browser that has shown it in the last hour.
	SignIn bool `json:"sign_in"`
}

// Legal is what people accept when they sign up.
type Legal struct {
	// Consent: nobody completes a sign-up without it.
	Consent bool `json:"consent"`
	// TermsURL and PrivacyURL are what is accepted: paths or http and https
	// URLs; empty: none.
	TermsURL   string `json:"terms_url"`
	PrivacyURL string `json:"privacy_url"`
}

// document reports whether a text can be the place of a document.
func document(raw string) bool {
	if raw == "" {
		return true
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || strings.ContainsAny(raw, "\\ \t\r\n") || len(raw) > 1024 {
		return false
	}
	if u.Scheme == "" {
		return strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
