package notify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// SMS is one text message to one telephone.
type SMS struct {
	// ID names the message through all tries of delivering it, as
	// [Message.ID] does.
	ID string `json:"id,omitempty"`
	// To is the number in E.164, such as +14155552671.
	To string `json:"to"`
	// Body is what the telephone shows.
	Body string `json:"body"`
	// Slug names the template that it was made from, Data what it was made of.
	Slug string `json:"slug,omitempty"`
	Data Data   `json:"data,omitzero"`
	// Expires is when it is no longer worth sending; zero: never.
	Expires time.Time `json:"expires,omitzero"`
}

// An SMSSender delivers text messages, as a [Mailer] does mails: it keeps to
// ctx, may be called by several goroutines at once, and an error that is
// [ErrPermanent] means that trying again is of no use. Package notify/twilio
// has one.
type SMSSender interface {
	SendSMS(ctx context.Context, m SMS) error
}

// maxSMS bounds a text, in bytes: some six messages that are joined.
const maxSMS = 900

// DeliverSMS checks the message, sends it, and turns a panic of the sender into
// an error. now decides whether it has expired.
func DeliverSMS(ctx context.Context, sender SMSSender, m SMS, now time.Time) (err error) {
	if err := m.Check(); err != nil {
		return err
	}
	if !m.Expires.IsZero() && !now.Before(m.Expires) {
		return ErrExpired
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w in SMS sender: %T", ErrPanic, v)
		}
	}()
	return sender.SendSMS(ctx, m)
}

// Check says what is wrong with m, as an [ErrMessage] that does not repeat what
// m holds.
func (m SMS) Check() error {
	switch {
	case !e164(m.To):
		return fmt.Errorf("%w: To is not a number in E.164", ErrMessage)
	case m.Body == "" || len(m.Body) > maxSMS:
		return fmt.Errorf("%w: Body is empty or larger than %d bytes", ErrMessage, maxSMS)
	case !utf8.ValidString(m.Body) || !oneLine(strings.ReplaceAll(m.Body, "\n", " ")):
		return fmt.Errorf("%w: Body is not clean text", ErrMessage)
	case !cleanID(m.ID):
		return fmt.Errorf("%w: ID is too long or has other characters", ErrMessage)
	}
	return nil
}

func e164(s string) bool {
	return len(s) >= 8 && len(s) <= 16 && s[0] == '+' && s[1] != '0' && strings.Trim(s[1:], "0123456789") == ""
}

// String names the message without what it says.
func (m SMS) String() string { return fmt.Sprintf("notify.SMS{%s %s}", m.Slug, m.ID) }

// GoString is String: a message holds codes.
func (m SMS) GoString() string { return m.String() }

// LogValue is the template and the ID.
func (m SMS) LogValue() slog.Value {
	return slog.GroupValue(slog.String("slug", m.Slug), slog.String("id", m.ID))
}

// smsSlugs are the templates of text messages: slug.sms.txt.
var smsSlugs = []string{VerificationCode, ResetPasswordCode}

// RenderSMS makes a text message without receiver, from the template
// slug.sms.txt, which is one line. A second line binds the code to the host of
// the application (@app.example.com #424242), so that browsers offer it there
// and nowhere else; see the WHATWG's "Origin-bound one-time codes delivered via
// SMS". Its errors are [ErrTemplate].
func (r *Renderer) RenderSMS(slug string, d Data) (m SMS, err error) {
	defer func() {
		if v := recover(); v != nil { // an overlay is the host's code
			m, err = SMS{}, fmt.Errorf("%w: %w: %T", ErrTemplate, ErrPanic, v)
		}
	}()
	v, err := r.view(d)
	if err != nil {
		return SMS{}, err
	}
	if needsOf(slug)&needsCode != 0 && v.OTPCode == "" {
		return SMS{}, fmt.Errorf("%w: %s needs a code", ErrTemplate, slug)
	}
	t, err := r.smsTemplate(slug)
	if err != nil {
		return SMS{}, err
	}
	body, err := execute(slug, func(w io.Writer) error { return t.Execute(w, v) })
	if err != nil {
		return SMS{}, err
	}
	body = strings.TrimSpace(body)
	switch {
	case !oneLine(body) || body == "":
		return SMS{}, fmt.Errorf("%w: the text of %s is empty or not one line", ErrTemplate, slug)
	case needsOf(slug)&needsCode != 0 && !strings.Contains(body, v.OTPCode):
		return SMS{}, fmt.Errorf("%w: the text of %s does not hold the code", ErrTemplate, slug)
	}
	if host := r.bindingHost(v); host != "" && v.OTPCode != "" {
		body += "\n\n@" + host + " #" + v.OTPCode
	}
	m = SMS{Body: norm.NFC.String(body), Slug: slug, Data: d}
	if len(m.Body) > maxSMS {
		return SMS{}, fmt.Errorf("%w: the text of %s is larger than %d bytes", ErrTemplate, slug, maxSMS)
	}
	return m, nil
}

// bindingHost is the host that a code is for. Browsers want a name of a site,
// without port; codes are good on loopback too.
func (r *Renderer) bindingHost(v view) string {
	u, err := url.Parse(v.AppURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// smsTemplate parses the template of a text message once.
func (r *Renderer) smsTemplate(slug string) (*texttemplate.Template, error) {
	if slug == "" || len(slug) > maxSlug || strings.Trim(slug, slugCharacters) != "" {
		return nil, fmt.Errorf("%w: no such text message", ErrTemplate)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.smsCache[slug]; ok {
		return t, nil
	}
	src, err := r.file(slug + ".sms.txt")
	if err != nil {
		return nil, err
	}
	t, err := texttemplate.New(slug).Parse(src)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	if r.smsCache == nil {
		r.smsCache = map[string]*texttemplate.Template{}
	}
	r.smsCache[slug] = t
	return t, nil
}
