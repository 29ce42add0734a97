package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/notify"
)

// ErrConfig is a [Mailer] that cannot work as it is set up.
var ErrConfig = errors.New("smtp: bad configuration")

// TLS is how the connection is protected.
type TLS int

const (
	// STARTTLS begins in plain text and insists on TLS before anything else
	// (RFC 3207). The default; port 587.
	STARTTLS TLS = iota
	// ImplicitTLS speaks TLS from the first byte (RFC 8314); port 465.
	ImplicitTLS
	// InsecureAllowPlain sends in plain text, and only to a server on a loopback
	// address of this machine; port 25. For development.
	InsecureAllowPlain
)

// DefaultTimeout is how long one delivery may take when [Mailer.Timeout] is 0.
const DefaultTimeout = 30 * time.Second

const (
	maxReplies = 1 << 20 // bytes that a server may send in one delivery
	maxDetail  = 300     // bytes of a server's words in an error
	quitTime   = 2 * time.Second
)

// Mailer sends through one SMTP server. Its fields must not change while it is
// used. Printing it does not show the password.
type Mailer struct {
	// Addr is host:port, or a host with the port of TLS.
	Addr string
	// Username and Password; empty: no authentication.
	Username, Password string
	// From is the sender of messages that name none: "Acme <a@acme.example>".
	From string
	// TLS is how the connection is protected; STARTTLS by default.
	TLS TLS
	// TLSConfig adds to the defaults, as a private CA. It cannot turn
	// verification off.
	TLSConfig *tls.Config
	// Timeout bounds one delivery from dialling to the server's last word; 0 is
	// [DefaultTimeout].
	Timeout time.Duration
	// Hello is the name that the client gives itself; empty: the host's name.
	Hello string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

var _ notify.Mailer = (*Mailer)(nil)

// Check says what is wrong with the settings, all of it, as [ErrConfig]. It
// does not connect.
func (m *Mailer) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	host, _, err := m.address()
	if err != nil {
		bad("Addr: %w", err)
	}
	if notify.CheckFrom(m.From) != nil {
		bad("From is not an address")
	}
	if (m.Username == "") != (m.Password == "") {
		bad("Username and Password go together")
	}
	if m.Timeout < 0 {
		bad("Timeout is negative")
	}
	if m.TLSConfig != nil && m.TLSConfig.InsecureSkipVerify {
		bad("TLSConfig must not turn verification off")
	}
	switch m.TLS {
	case STARTTLS, ImplicitTLS:
	case InsecureAllowPlain:
		if err == nil && !httpx.IsLoopback(host) {
			bad("InsecureAllowPlain is for a server on this machine, not %q", host)
		}
	default:
		bad("TLS is none of the policies")
	}
	return errors.Join(errs...)
}

// Send delivers one message. An error is [notify.ErrPermanent] when the server
// refused the message for good (5xx to sender, receiver or content) or when
// the message itself is bad; everything else, the settings included, is
// temporary, since somebody may mend it while the outbox still tries.
func (m *Mailer) Send(ctx context.Context, msg notify.Message) error {
	if err := m.Check(); err != nil {
		return err
	}
	if msg.Expired(m.now()) {
		return notify.ErrExpired
	}
	mime, err := m.compose(msg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(m.Timeout, DefaultTimeout))
	defer cancel()
	var conn *guarded
	client, err := m.client(ctx, &conn)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	// go-mail leaves the connection open when greeting, TLS or authentication
	// fail, and heeds ctx only while it dials.
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return m.failed(ctx, "connect", msg, err)
	}
	if err := client.SendWithSMTPClient(session, mime); err != nil && !mime.IsDelivered() {
		return m.failed(ctx, "send", msg, err)
	}
	quit(client, session, conn)
	return nil
}

// WriteMessage writes the message as it would be sent (RFC 5322), for hosts
// that hand mail to something else.
func (m *Mailer) WriteMessage(w io.Writer, msg notify.Message) error {
	mime, err := m.compose(msg)
	if err != nil {
		return err
	}
	if _, err := mime.WriteTo(w); err != nil {
		return fmt.Errorf("smtp: write message: %w", err)
	}
	return nil
}

// compose builds the MIME message.
func (m *Mailer) compose(msg notify.Message) (*gomail.Msg, error) {
	if err := msg.Check(); err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(cmp.Or(msg.From, m.From))
	if err != nil {
		return nil, fmt.Errorf("%w: no From", notify.ErrMessage)
	}
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	out.FromMailAddress(from)
	out.ToMailAddress(&mail.Address{Address: msg.To})
	out.Subject(msg.Subject)
	out.SetDateWithValue(m.now())
	out.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notes back
	if _, domain, ok := strings.Cut(from.Address, "@"); ok && msg.ID != "" {
		out.SetMessageIDWithValue(msg.ID + "@" + domain)
	} else {
		out.SetMessageID()
	}
	out.SetBodyString(gomail.TypeTextPlain, msg.Text)
	if msg.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, msg.HTML)
	}
	return out, nil
}

// failed classifies an error and takes names and secrets out of its text.
func (m *Mailer) failed(ctx context.Context, act string, msg notify.Message, err error) error {
	text := err.Error()
	for _, secret := range []string{msg.To, m.Password} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	text = httpx.Clean(text, maxDetail)
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: %s: %w: %s", act, ctx.Err(), text)
	}
	refused, ok := errors.AsType[*gomail.SendError](err)
	if ok && permanent(refused.ErrorCode()) {
		return fmt.Errorf("smtp: %s: %w: %s", act, notify.ErrPermanent, text)
	}
	return fmt.Errorf("smtp: %s: %s", act, text)
}

// permanent reports reply codes that say no to this message. Those about
// authentication and encryption (RFC 4954 6) say no to the client.
func permanent(code int) bool {
	switch code {
	case 530, 534, 535, 538:
		return false
	}
	return code >= 500 && code < 600
}

// quit says goodbye. The mail is accepted, so nothing that goes wrong now may
// turn it into an error and have it sent again.
func quit(client *gomail.Client, session *gosmtp.Client, conn *guarded) {
	if conn.Conn.SetDeadline(time.Now().Add(quitTime)) == nil {
		client.CloseWithSMTPClient(session)
	}
}

func (m *Mailer) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// address splits Addr.
func (m *Mailer) address() (host, port string, err error) {
	if m.Addr == "" || strings.ContainsAny(m.Addr, "/@ \t\r\n") {
		return "", "", errors.New("not host:port")
	}
	if host, port, err = net.SplitHostPort(m.Addr); err == nil {
		if host == "" || port == "" {
			return "", "", errors.New("not host:port")
		}
		return host, port, nil
	}
	ports := map[TLS]string{STARTTLS: "587", ImplicitTLS: "465", InsecureAllowPlain: "25"}
	host = strings.Trim(m.Addr, "[]")
	if strings.Contains(host, ":") && !strings.Contains(m.Addr, "[") {
		return "", "", errors.New("not host:port")
	}
	return host, ports[m.TLS], nil
}

// String names the server and not the password.
func (m Mailer) String() string { return fmt.Sprintf("smtp.Mailer{%s}", m.Addr) }

// GoString is String.
func (m Mailer) GoString() string { return m.String() }

// LogValue is String.
func (m Mailer) LogValue() slog.Value { return slog.StringValue(m.String()) }
