package notify

import (
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Data is what a template may speak of. Unused fields stay empty. It is stored
// as JSON, so that a mail can be made when it is sent.
type Data struct {
	// AppName is the Renderer's when empty; AppURL counts only when the Renderer
	// has none, and must then be a loopback one.
	AppName string `json:"app_name,omitempty"`
	AppURL  string `json:"app_url,omitempty"`
	// UserName greets the receiver; InviterName is who invites. Both come from
	// people and are cleaned by [CleanName].
	UserName    string `json:"user_name,omitempty"`
	InviterName string `json:"inviter_name,omitempty"`
	// OrganizationName is the organization that the mail is about. It is cleaned
	// by [CleanName].
	OrganizationName string `json:"organization_name,omitempty"`
	// Email is the address that the mail is about, as the new primary one.
	Email string `json:"email,omitempty"`
	// Method is what was added or removed, as its owner would know it: a second
	// factor, the name of a passkey, a provider. It is cleaned by [CleanName].
	Method string `json:"method,omitempty"`
	// OTPCode is the code to type in.
	OTPCode string `json:"otp_code,omitempty"`
	// ActionURL is where the button leads: an absolute URL of the application.
	ActionURL string `json:"action_url,omitempty"`
	// ExpiresIn is how long code, link or lock last.
	ExpiresIn time.Duration `json:"expires_in,omitempty"`
	// RequestedFrom is where the act came from that the mail tells of.
	RequestedFrom Source `json:"requested_from,omitzero"`
}

// Source is a device as its owner would know it.
type Source struct {
	Device  string    `json:"device,omitempty"`  // "Firefox on Linux"
	Place   string    `json:"place,omitempty"`   // "Turin, Italy"
	Address string    `json:"address,omitempty"` // IP address
	At      time.Time `json:"at,omitzero"`       // shown in UTC
}

// String shows nothing: Data holds codes and links.
func (d Data) String() string { return "notify.Data{…}" }

// GoString is String.
func (d Data) GoString() string { return d.String() }

// LogValue is String.
func (d Data) LogValue() slog.Value { return slog.StringValue(d.String()) }

// encodedWord begins what mail programs decode in a header (RFC 2047), line
// breaks included.
const encodedWord = "=?"

// maxName bounds a name in a mail, in characters.
const maxName = 64

// linkLike matches what mail programs turn into a link: a scheme, www., an
// address, a name with a dot before two letters, four numbers with dots.
var linkLike = regexp.MustCompile(`://|\bwww\.|@|\b(https?|ftp|file|data|mailto|tel|sms|javascript|vbscript):|` +
	`[\p{L}\p{N}\p{M}]\.\p{L}[\p{L}\p{M}]|\d\.\d+\.\d+\.\d`)

// CleanName returns a name that came from a person, fit for a mail to somebody
// else: one line, without control, invisible and bidirectional characters,
// without angle brackets, at most 64 characters. A name that holds anything
// that mail programs make a link of is dropped whole: it is not a name, and the
// mail would carry a stranger's message.
func CleanName(s string) string {
	s = cleanLine(s)
	// Mail programs see through full-width letters and dots; so do we.
	plain := strings.ToLower(norm.NFKC.String(s))
	plain = strings.NewReplacer("。", ".", "․", ".").Replace(plain)
	if linkLike.MatchString(plain) {
		return ""
	}
	return s
}

// cleanLine makes one short line of s.
func cleanLine(s string) string {
	if len(s) > 16*maxName { // before anything that looks at all of it
		s = s[:16*maxName]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case invisible(r), r == '<', r == '>', r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	s = norm.NFC.String(strings.Join(strings.Fields(s), " "))
	s = strings.ReplaceAll(s, encodedWord, "= ?")
	n := 0
	for i := range s {
		if n++; n > maxName {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// cleanAddr keeps an IP address and nothing else.
func cleanAddr(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	return a.Unmap().WithZone("").String()
}
