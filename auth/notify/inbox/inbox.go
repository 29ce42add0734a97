package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/notify"
)

const (
	maxMails = 200      // mails kept; the oldest goes first
	maxPart  = 64 << 10 // bytes kept of a part
)

// ErrPublic is a URL that is not one of this machine.
var ErrPublic = errors.New("inbox: the development inbox is for loopback URLs only")

// CheckURL refuses a URL whose host is not a loopback one (localhost,
// *.localhost, 127.0.0.0/8, ::1) with [ErrPublic]. A host that switches the
// inbox on calls it with its public URL when it starts. An empty URL is the
// loopback mode of a host that has none, and passes.
func CheckURL(raw string) error {
	if raw == "" {
		return nil
	}
	origin, err := httpx.ParseOrigin(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPublic, err)
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !httpx.IsLoopback(u.Hostname()) {
		return fmt.Errorf("%w: not %s", ErrPublic, origin)
	}
	return nil
}

// Inbox keeps the newest 200 mails and text messages. The zero value is ready for use, by
// several goroutines; it must not be copied after first use.
type Inbox struct {
	// Log receives every mail with its code, which is the point of it; nil: none.
	Log *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	mu    sync.Mutex
	next  int // number of the next mail, counted from 1
	mails []Mail
}

// Mail is one mail of the inbox.
type Mail struct {
	// Number counts the mails since the start, from 1.
	Number   int
	Received time.Time
	notify.Message
	// SMS: it is a text message, and To a telephone number.
	SMS bool
}

var (
	_ notify.Mailer    = (*Inbox)(nil)
	_ notify.SMSSender = (*Inbox)(nil)
)

// Send keeps a mail. Its error is [notify.ErrMessage], or that of ctx.
func (b *Inbox) Send(ctx context.Context, m notify.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	m.Text, m.HTML = cut(m.Text), cut(m.HTML)
	mail := b.keep(m, false)
	if b.Log != nil {
		b.Log.InfoContext(ctx, "mail for development", "number", mail.Number, "to", m.To, "subject", m.Subject,
			"slug", m.Slug, "code", m.Data.OTPCode, "link", m.Data.ActionURL)
	}
	return nil
}

// SendSMS keeps a text message. Its error is [notify.ErrMessage], or that of ctx.
func (b *Inbox) SendSMS(ctx context.Context, m notify.SMS) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	sms := b.keep(notify.Message{ID: m.ID, To: m.To, Subject: "Text message", Text: m.Body, Slug: m.Slug, Data: m.Data, Expires: m.Expires}, true)
	if b.Log != nil {
		b.Log.InfoContext(ctx, "text message for development", "number", sms.Number, "to", m.To, "slug", m.Slug, "code", m.Data.OTPCode)
	}
	return nil
}

func (b *Inbox) keep(m notify.Message, sms bool) Mail {
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	mail := Mail{Number: b.next, Received: now(), Message: m, SMS: sms}
	if len(b.mails) == maxMails {
		b.mails = slices.Delete(b.mails, 0, 1)
	}
	b.mails = append(b.mails, mail)
	return mail
}

// Messages returns the mails to an address, or the text messages to a number in
// E.164, or all of them for an empty one, newest first. Letters count alike,
// large and small.
func (b *Inbox) Messages(to string) []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Mail
	for _, m := range slices.Backward(b.mails) {
		if to == "" || strings.EqualFold(m.To, to) {
			out = append(out, m)
		}
	}
	return out
}

// Code returns the code of the newest mail to an address, or text message to a
// number, that has one.
func (b *Inbox) Code(to string) (code string, ok bool) {
	if to == "" {
		return "", false
	}
	for _, m := range b.Messages(to) {
		if m.Data.OTPCode != "" {
			return m.Data.OTPCode, true
		}
	}
	return "", false
}

// mail finds a mail by its number.
func (b *Inbox) mail(number int) (Mail, bool) {
	for _, m := range b.Messages("") {
		if m.Number == number {
			return m, true
		}
	}
	return Mail{}, false
}

// String hides the mails from %+v.
func (m Mail) String() string { return fmt.Sprintf("inbox.Mail{%d %s}", m.Number, m.Slug) }

func cut(s string) string {
	if len(s) > maxPart {
		return strings.ToValidUTF8(s[:maxPart], "")
	}
	return s
}
