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
	VerificationCode    = "verification_code"             // needs OTPCode
	ResetPasswordCode   = "reset_password_code"           // needs OTPCode
	PasswordChanged     = "password_changed"              //
	PasswordRemoved     = "password_removed"              //
	PrimaryEmailChanged = "primary_email_address_changed" // needs Email, the new one
	NewDeviceSignIn     = "new_device_sign_in"            //
	AccountLocked       = "account_locked"                // ExpiresIn: how long; zero: for ever
	SignUpAttemptExists = "sign_up_attempt_existing"      //
	Invitation          = "invitation"                    // needs ActionURL
)

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
	return []string{VerificationCode, ResetPasswordCode, PasswordChanged, PasswordRemoved, PrimaryEmailChanged,
		NewDeviceSignIn, AccountLocked, SignUpAttemptExists, Invitation}
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
