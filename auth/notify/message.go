package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxAddress = 320       // bytes of an address: 64 + 1 + 255
	maxSubject = 250       // bytes of a subject
	maxPart    = 256 << 10 // bytes of a text or HTML part
	maxID      = 128       // bytes of a message ID
)

// Message is one mail to one person.
type Message struct {
	// ID names the message through all tries of delivering it, so that a
	// receiver can tell a repetition; letters, digits, "_", "-" and ".". Empty:
	// the mailer makes one.
	ID string `json:"id,omitempty"`
	// To is one bare address: ada@example.com.
	To string `json:"to"`
	// From is an address with or without a name; empty: the mailer's own.
	From    string `json:"from,omitempty"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"` // optional
	// Slug names the template that it was made from, Data what it was made of.
	// Mailers that hand mail to a service with templates of its own use them.
	Slug string `json:"slug,omitempty"`
	Data Data   `json:"data,omitzero"`
	// Expires is when it is no longer worth sending, as that of the code in it;
	// zero: never.
	Expires time.Time `json:"expires,omitzero"`
}

// A Mailer delivers messages. Send returns when the message is accepted or has
// failed; it keeps to ctx, and may be called by several goroutines at once. An
// error that is [ErrPermanent] means that trying again is of no use.
// Deliveries happen at least once: the same [Message.ID] may come again after a
// lost answer.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// Deliver checks the message, sends it, and turns a panic of the mailer into
// an error. now decides whether it has expired.
func Deliver(ctx context.Context, mailer Mailer, m Message, now time.Time) (err error) {
	if err := m.Check(); err != nil {
		return err
	}
	if m.Expired(now) {
		return ErrExpired
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w in mailer: %T", ErrPanic, v)
		}
	}()
	return mailer.Send(ctx, m)
}

// Expired reports whether it is too late to send m.
func (m Message) Expired(now time.Time) bool {
	return !m.Expires.IsZero() && !now.Before(m.Expires)
}

// Check says what is wrong with m, as an [ErrMessage] that does not repeat what
// m holds. Every mailer that is given a checked message can write its headers
// without folding or escaping surprises.
func (m Message) Check() error {
	switch {
	case !bareAddress(m.To):
		return fmt.Errorf("%w: To is not one bare address", ErrMessage)
	case m.From != "" && !fromAddress(m.From):
		return fmt.Errorf("%w: From is not an address", ErrMessage)
	case m.Subject == "" || len(m.Subject) > maxSubject || !oneLine(m.Subject) || strings.Contains(m.Subject, encodedWord):
		return fmt.Errorf("%w: Subject is empty, too long, encoded or not one line", ErrMessage)
	case m.Text == "" || len(m.Text) > maxPart || len(m.HTML) > maxPart:
		return fmt.Errorf("%w: a part is empty or larger than %d bytes", ErrMessage, maxPart)
	case !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) || strings.ContainsRune(m.Text+m.HTML, 0):
		return fmt.Errorf("%w: a part is not clean UTF-8", ErrMessage)
	case !cleanID(m.ID):
		return fmt.Errorf("%w: ID is too long or has other characters", ErrMessage)
	}
	return nil
}

func cleanID(id string) bool {
	return len(id) <= maxID && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// CheckFrom says whether s can be the From of a message.
func CheckFrom(s string) error {
	if !fromAddress(s) {
		return fmt.Errorf("%w: From is not an address", ErrMessage)
	}
	return nil
}

func bareAddress(s string) bool {
	if len(s) > maxAddress || !oneLine(s) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

func fromAddress(s string) bool {
	if len(s) > 2*maxAddress || !oneLine(s) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && oneLine(a.Name) && bareAddress(a.Address)
}

// oneLine reports text without control or other invisible characters.
func oneLine(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, invisible) < 0
}

// invisible is what has no place in a line of text: controls, format
// characters (bidirectional overrides among them), private use, line and
// paragraph separators.
func invisible(r rune) bool {
	return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029'
}

// String names the message without what it says.
func (m Message) String() string { return fmt.Sprintf("notify.Message{%s %s}", m.Slug, m.ID) }

// GoString is String: a message holds codes.
func (m Message) GoString() string { return m.String() }

// LogValue is the template and the ID.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("slug", m.Slug), slog.String("id", m.ID))
}
