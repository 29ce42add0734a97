package notify

import (
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

// Renderer makes messages from templates. The zero value has the built-in
// templates and a nameless application; it is safe for several goroutines and
// must not be copied after first use.
//
// A template named slug.txt defines "subject" and "body", slug.html defines
// "body"; layout.txt and layout.html put the bodies into a frame. They see the
// fields of [Data] as text, already cleaned, and Subject, Device, Place,
// Address and At. They can call no methods.
type Renderer struct {
	// AppName is how the application calls itself.
	AppName string
	// AppURL is its configured URL. Every link in a mail leads to the origin of
	// it, or to one of LinkOrigins; when both are empty, to a loopback host.
	AppURL      string
	LinkOrigins []string
	// From is the sender of every message; empty: the mailer's own.
	From string
	// Overlay has templates that stand in for the built-in ones, file by file,
	// and may have more. Files are read once.
	Overlay fs.FS

	mu       sync.Mutex
	cache    map[string]*mailTemplate
	smsCache map[string]*texttemplate.Template
}

// Render makes a message without receiver. Its errors are [ErrTemplate]; a
// broken template costs one mail and never the process.
func (r *Renderer) Render(slug string, d Data) (m Message, err error) {
	defer func() {
		if v := recover(); v != nil { // an overlay is the host's code
			m, err = Message{}, fmt.Errorf("%w: %w: %T", ErrTemplate, ErrPanic, v)
		}
	}()
	v, err := r.view(d)
	if err != nil {
		return Message{}, err
	}
	if err := needs(slug, v); err != nil {
		return Message{}, err
	}
	t, err := r.template(slug)
	if err != nil {
		return Message{}, err
	}
	subject, err := execute(slug, func(w io.Writer) error { return t.text.ExecuteTemplate(w, subjectName, v) })
	if err != nil {
		return Message{}, err
	}
	if v.Subject = strings.TrimSpace(subject); !oneLine(v.Subject) || v.Subject == "" || len(v.Subject) > maxSubject || strings.Contains(v.Subject, encodedWord) {
		return Message{}, fmt.Errorf("%w: the subject of %s is empty, too long or not one line", ErrTemplate, slug)
	}
	m = Message{From: r.From, Subject: v.Subject, Slug: slug, Data: d}
	if m.Text, err = execute(slug, func(w io.Writer) error { return t.text.ExecuteTemplate(w, layoutText, v) }); err != nil {
		return Message{}, err
	}
	if m.HTML, err = execute(slug, func(w io.Writer) error { return t.html.ExecuteTemplate(w, layoutHTML, v) }); err != nil {
		return Message{}, err
	}
	m.Text = strings.TrimSpace(m.Text) + "\n"
	if err := kept(slug, m, v); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Check parses and renders every built-in mail and text message with made-up data, so that a
// host learns of a broken overlay when it starts. All errors are joined.
func (r *Renderer) Check() error {
	base := r.AppURL
	if base == "" {
		base = "http://localhost"
	}
	d := Data{
		UserName: "Ada", InviterName: "Grace", Email: "ada@example.com", Method: "Authenticator app", OTPCode: "424242", ActionURL: strings.TrimSuffix(base, "/") + "/",
		ExpiresIn: 10 * time.Minute, RequestedFrom: Source{Device: "Firefox on Linux", Place: "Turin", Address: "192.0.2.1", At: time.Unix(0, 0)},
	}
	var errs []error
	if r.From != "" {
		errs = append(errs, CheckFrom(r.From))
	}
	for _, slug := range Slugs() {
		_, err := r.Render(slug, d)
		errs = append(errs, err)
	}
	for _, slug := range smsSlugs {
		_, err := r.RenderSMS(slug, d)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// needs refuses a mail that would be sent without the thing it is for.
func needs(slug string, v view) error {
	for _, n := range []struct {
		need  need
		value string
		what  string
	}{{needsCode, v.OTPCode, "a code"}, {needsLink, v.ActionURL, "a link"}, {needsAddress, v.Email, "an address"}, {needsMethod, v.Method, "a method"}} {
		if needsOf(slug)&n.need != 0 && n.value == "" {
			return fmt.Errorf("%w: %s needs %s", ErrTemplate, slug, n.what)
		}
	}
	return nil
}

// kept refuses a mail whose template left its code or link out.
func kept(slug string, m Message, v view) error {
	shown := html.UnescapeString(m.HTML)
	for _, n := range []struct {
		need  need
		value string
		what  string
	}{{needsCode, v.OTPCode, "code"}, {needsLink, v.ActionURL, "link"}} {
		switch {
		case needsOf(slug)&n.need == 0:
		case !strings.Contains(m.Text, n.value):
			return fmt.Errorf("%w: the text part of %s does not hold the %s", ErrTemplate, slug, n.what)
		case !strings.Contains(shown, n.value):
			return fmt.Errorf("%w: the HTML part of %s does not hold the %s", ErrTemplate, slug, n.what)
		}
	}
	return nil
}
