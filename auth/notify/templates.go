package notify

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"strings"
	texttemplate "text/template"
)

// The slugs of the mails that usher sends.
const (
	VerificationCode  = "verification_code"       // needs OTPCode
	ResetPasswordCode = "reset_password_code"     // needs OTPCode
	LinkSignIn        = "magic_link_sign_in"      // needs ActionURL
	LinkSignUp        = "magic_link_sign_up"      // needs ActionURL
	LinkProfile       = "magic_link_user_profile" // needs ActionURL

	PasswordChanged        = "password_changed"              //
	PasswordRemoved        = "password_removed"              //
	PrimaryEmailChanged    = "primary_email_address_changed" // needs Email, the new one
	FactorAdded            = "factor_added"                  // needs Method
	FactorRemoved          = "factor_removed"                // needs Method
	PasskeyAdded           = "passkey_added"                 // Method: its name
	PasskeyRemoved         = "passkey_removed"               // Method: its name
	ExternalAccountAdded   = "external_account_connected"    // needs Method, the provider
	ExternalAccountRemoved = "external_account_removed"      // needs Method, the provider
	NewDeviceSignIn        = "new_device_sign_in"            // ActionURL: where that device is signed out
	BrowserCopied          = "browser_copied"                // an old cookie came back: the browser is signed out
	AccountLocked          = "account_locked"                // ExpiresIn: how long; zero: for ever
	SignUpAttemptExists    = "sign_up_attempt_existing"      //
	SignInAttemptUnknown   = "sign_in_attempt_unknown"       //
	WaitlistConfirmation   = "waitlist_confirmation"         //
	WaitlistInvitation     = "waitlist_invitation"           // needs ActionURL
	Invitation             = "invitation"                    // needs ActionURL
	OrganizationInvitation = "organization_invitation"       // needs ActionURL; OrganizationName, InviterName
	AffiliationCode        = "affiliation_code"              // needs OTPCode; OrganizationName
)

// A need is something without which a mail is not sent.
type need uint8

const (
	needsCode need = 1 << iota
	needsLink
	needsAddress
	needsMethod
)

// mails are all mails with what they are for, in the order of [Slugs].
var mails = []struct {
	slug  string
	needs need
}{
	{VerificationCode, needsCode}, {ResetPasswordCode, needsCode},
	{LinkSignIn, needsLink}, {LinkSignUp, needsLink}, {LinkProfile, needsLink},
	{PasswordChanged, 0}, {PasswordRemoved, 0}, {PrimaryEmailChanged, needsAddress},
	{FactorAdded, needsMethod}, {FactorRemoved, needsMethod}, {PasskeyAdded, 0}, {PasskeyRemoved, 0},
	{ExternalAccountAdded, needsMethod}, {ExternalAccountRemoved, needsMethod},
	{NewDeviceSignIn, 0}, {BrowserCopied, 0}, {AccountLocked, 0},
	{SignUpAttemptExists, 0}, {SignInAttemptUnknown, 0},
	{WaitlistConfirmation, 0}, {WaitlistInvitation, needsLink}, {Invitation, needsLink},
	{OrganizationInvitation, needsLink}, {AffiliationCode, needsCode},
}

func needsOf(slug string) need {
	for _, m := range mails {
		if m.slug == slug {
			return m.needs
		}
	}
	return 0 // a mail of the host's own
}

const (
	maxTemplate    = 64 << 10 // bytes of one template file
	maxSlug        = 64
	slugCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	layoutText     = "layout.txt"
	layoutHTML     = "layout.html"
	subjectName    = "subject"
)

// Slugs returns the slugs of all mails that usher sends.
func Slugs() []string {
	out := make([]string, len(mails))
	for i, m := range mails {
		out[i] = m.slug
	}
	return out
}

//go:embed templates
var embedded embed.FS

type mailTemplate struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// template parses the files of a slug once.
func (r *Renderer) template(slug string) (*mailTemplate, error) {
	if slug == "" || len(slug) > maxSlug || strings.Trim(slug, slugCharacters) != "" {
		return nil, fmt.Errorf("%w: no such mail", ErrTemplate)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.cache[slug]; ok {
		return t, nil
	}
	t := &mailTemplate{text: texttemplate.New(""), html: htmltemplate.New("")}
	for _, name := range []string{layoutText, slug + ".txt"} {
		src, err := r.file(name)
		if err != nil {
			return nil, err
		}
		if _, err := t.text.New(name).Parse(src); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
		}
	}
	for _, name := range []string{layoutHTML, slug + ".html"} {
		src, err := r.file(name)
		if err != nil {
			return nil, err
		}
		if _, err := t.html.New(name).Parse(src); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
		}
	}
	if r.cache == nil {
		r.cache = map[string]*mailTemplate{}
	}
	r.cache[slug] = t
	return t, nil
}

// file reads a template from the overlay, else from the built-in ones.
func (r *Renderer) file(name string) (string, error) {
	if r.Overlay != nil {
		src, err := readFile(r.Overlay, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return src, err
		}
	}
	return readFile(embedded, "templates/"+name)
}

func readFile(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	if len(b) > maxTemplate {
		return "", fmt.Errorf("%w: %s is larger than %d bytes", ErrTemplate, name, maxTemplate)
	}
	return string(b), nil
}

// execute runs a template into at most maxPart bytes.
func execute(slug string, run func(io.Writer) error) (string, error) {
	var w bounded
	if err := run(&w); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrTemplate, slug, err)
	}
	return w.b.String(), nil
}

// bounded is a writer with an end, for templates with loops.
type bounded struct{ b strings.Builder }

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > maxPart {
		return 0, fmt.Errorf("larger than %d bytes", maxPart)
	}
	return w.b.Write(p)
}
