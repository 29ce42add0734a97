package oauth

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/internal/outbound"
)

// An Identity is who somebody is at a provider. Issuer and Subject name the
// account for ever; everything else may change hands there.
type Identity struct {
	Provider string `json:"provider"` // the provider's key
	Issuer   string `json:"issuer"`   // for plain OAuth 2 the key once more
	Subject  string `json:"subject"`

	EmailAddress  string `json:"email_address,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"` // by the provider's [EmailRule]

	FirstName  string `json:"first_name,omitempty"`
	LastName   string `json:"last_name,omitempty"`
	Username   string `json:"username,omitempty"`
	PictureURL string `json:"picture_url,omitempty"`

	// Scopes are those granted.
	Scopes []string `json:"scopes,omitempty"`
	Tokens Tokens   `json:"tokens"`
}

// Tokens are what an account at a provider can be used with. They are secrets.
type Tokens struct {
	Access    string    `json:"access"`
	Refresh   string    `json:"refresh,omitempty"`
	ID        string    `json:"id,omitempty"`
	Type      string    `json:"type,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: not known
}

// String hides the tokens.
func (Tokens) String() string { return "oauth.Tokens{…}" }

// GoString hides the tokens.
func (Tokens) GoString() string { return "oauth.Tokens{…}" }

// at finds what path names in v; nil if there is no such thing.
func at(v any, path string) any {
	if path == "" {
		return v
	}
	for name := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(here) {
				return nil
			}
			v = here[i]
		default:
			return nil
		}
	}
	return v
}

// text finds a text, or a number as it was written. Subjects are numbers at
// some providers.
func text(v any, path string) string {
	if path == "" {
		return ""
	}
	switch t := at(v, path).(type) {
	case string:
		return t
	case json.Number:
		return t.String()
	}
	return ""
}

// read fills an identity from a profile.
func (c *Client) read(profile map[string]any) (*Identity, error) {
	p := &c.p
	f := p.fields()
	id := &Identity{Provider: p.Key, Issuer: p.issuerName(), Subject: text(profile, f.Subject),
		EmailAddress: strings.TrimSpace(text(profile, f.EmailAddress)),
		FirstName:    text(profile, f.FirstName), LastName: text(profile, f.LastName),
		Username: text(profile, f.Username), PictureURL: text(profile, f.Picture)}
	if id.FirstName == "" && id.LastName == "" {
		id.FirstName, id.LastName = splitName(text(profile, f.Name))
	}
	id.EmailVerified = id.EmailAddress != "" && p.Verified.holds(profile)
	if p.Adjust != nil {
		if err := p.Adjust(profile, id); err != nil {
			return nil, err
		}
	}
	return id, id.check(c.loopback)
}

// issuerName is what subjects of p are subjects of. Endpoints of plain OAuth
// change with versions of an API, so there it is the key.
func (p *Provider) issuerName() string {
	if p.Issuer != "" {
		return p.Issuer
	}
	return p.Key
}

func (r EmailRule) holds(profile map[string]any) bool {
	if r.Always {
		return true
	}
	if r.Field == "" {
		return false
	}
	switch v := at(profile, r.Field).(type) {
	case bool:
		return v
	case string:
		return r.AlsoText && (v == "true" || v == "1")
	}
	return false
}

// The longest of what is taken over from a profile, in bytes. Names and the
// like are cut, what identifies is refused.
const (
	maxSubject = 255
	maxEmail   = 254
	maxName    = 100
	maxURL     = 2048
)

// check refuses an identity that identifies nobody, and cuts and cleans what
// people will see. On an instance that is itself on a loopback address, loopback
// may be set: pictures may be there too.
func (id *Identity) check(loopback bool) error {
	switch {
	case id.Subject == "":
		return fail(StageProfile, "no_subject", fmt.Errorf("the profile has no subject"))
	case len(id.Subject) > maxSubject || !utf8.ValidString(id.Subject) || strings.ContainsFunc(id.Subject, unicode.IsControl):
		return fail(StageProfile, "bad_subject", fmt.Errorf("the subject is longer than %d bytes or no text", maxSubject))
	}
	if len(id.EmailAddress) > maxEmail || !utf8.ValidString(id.EmailAddress) || strings.ContainsFunc(id.EmailAddress, unicode.IsControl) {
		id.EmailAddress, id.EmailVerified = "", false
	}
	id.FirstName, id.LastName, id.Username = clean(id.FirstName), clean(id.LastName), clean(id.Username)
	if u, err := url.Parse(id.PictureURL); err != nil || len(id.PictureURL) > maxURL || (outbound.Policy{Loopback: loopback}).CheckURL(u) != nil {
		id.PictureURL = ""
	} else {
		id.PictureURL = u.String()
	}
	return nil
}

// clean makes one line of s, without what turns text around, and cuts it.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// splitName takes the last word for the family's.
func splitName(name string) (first, last string) {
	words := strings.Fields(clean(name))
	if len(words) < 2 {
		return strings.Join(words, " "), ""
	}
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}
