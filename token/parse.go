package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// maxToken is the size of the largest token, in bytes.
	maxToken = 16 << 10
	// maxKid is the length of the longest key name, in bytes.
	maxKid = 128
	// maxTime is the last second of the year 9999.
	maxTime = 253402300799
)

// encoding is canonical: bits that do not count must be zero. It skips line
// breaks, which split refuses.
var encoding = base64.RawURLEncoding.Strict()

// split cuts a compact JWS (RFC 7515 section 7.1) into its three segments.
func split(tok string) (header, payload, signature string, err error) {
	if len(tok) > maxToken {
		return "", "", "", fmt.Errorf("%w: larger than %d bytes", ErrMalformed, maxToken)
	}
	header, rest, ok := strings.Cut(tok, ".")
	payload, signature, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || strings.IndexByte(signature, '.') >= 0 || header == "" || payload == "" || signature == "" {
		return "", "", "", fmt.Errorf("%w: not three segments", ErrMalformed)
	}
	if strings.IndexByte(tok, '\n') >= 0 || strings.IndexByte(tok, '\r') >= 0 {
		return "", "", "", fmt.Errorf("%w: line break", ErrMalformed)
	}
	return header, payload, signature, nil
}

// A header is what counts of a JOSE header.
type header struct {
	segment  string // the header as it stands in the token
	alg, kid string
	kind     Kind
}

// parseHeader reads the JOSE header (RFC 7515 section 4). Keys and addresses
// of keys in it are not even looked at.
func parseHeader(segment string) (*header, error) {
	text, err := encoding.DecodeString(segment)
	if err != nil {
		return nil, malformed("header", errEncoding)
	}
	p, err := newScanner(string(text))
	if err != nil {
		return nil, malformed("header", err)
	}
	h := &header{segment: segment}
	if err := p.object(true, func(name string) error { return h.member(&p, name) }); err != nil {
		return nil, malformed("header", err)
	}
	if err := p.end(); err != nil {
		return nil, malformed("header", err)
	}
	if h.alg == "" {
		return nil, malformed("header", errors.New("no alg"))
	}
	return h, nil
}

var errEncoding = errors.New("not canonical base64url")

func (h *header) member(p *scanner, name string) (err error) {
	switch name {
	case "alg":
		h.alg, err = p.string()
	case "kid":
		if h.kid, err = p.string(); len(h.kid) > maxKid {
			return fmt.Errorf("kid is longer than %d bytes", maxKid)
		}
	case "cat":
		var s string
		if s, err = p.string(); err == nil && s == "" {
			return errors.New("empty cat")
		}
		h.kind = Kind(s)
	case "typ":
		var s string
		if s, err = p.string(); err == nil && s != "JWT" {
			return errors.New("typ is not JWT")
		}
	case "crit", "zip", "enc", "cty": // extensions, compression, encryption, nesting
		return errors.New(name + " is not supported")
	case "b64": // RFC 7797
		var s string
		if s, err = p.raw(); err == nil && s != "true" {
			return errors.New("b64 is not true")
		}
	default:
		for _, known := range headerNames {
			if strings.EqualFold(name, known) {
				return errors.New("letter case of " + known)
			}
		}
		return p.skip()
	}
	return err
}

// headerNames are the names that parseHeader obeys.
var headerNames = []string{"alg", "kid", "cat", "typ", "crit", "zip", "enc", "cty", "b64"}

// parsed is Claims with what they point to, in one piece of memory.
type parsed struct {
	Claims
	org Organization
	age FactorAge
}

// parseClaims reads a payload. It checks types and names; what is required is
// the verifier's business. Strings of the result are parts of one copy of
// text, and Custom and Actor are parts of text itself.
func parseClaims(text []byte) (*Claims, error) {
	p, err := newScanner(string(text))
	if err != nil {
		return nil, malformed("claims", err)
	}
	m := &claimsParser{scanner: p, text: text, out: new(parsed)}
	if err := m.object(true, m.claim); err != nil {
		return nil, malformed("claims", err)
	}
	if err := m.end(); err != nil {
		return nil, malformed("claims", err)
	}
	return &m.out.Claims, nil
}

type claimsParser struct {
	scanner
	text []byte
	out  *parsed
}

func (p *claimsParser) claim(name string) (err error) {
	c := &p.out.Claims
	switch name {
	case "sub":
		c.Subject, err = p.string()
	case "sid":
		c.SessionID, err = p.string()
	case "iss":
		c.Issuer, err = p.string()
	case "azp":
		c.AuthorizedParty, err = p.string()
	case "iat":
		c.IssuedAt, err = p.time()
	case "nbf":
		c.NotBefore, err = p.time()
	case "exp":
		c.Expires, err = p.time()
	case "jti":
		c.ID, err = p.string()
	case "v":
		var n int64
		n, err = p.integer(1, 1<<31-1)
		c.Version = int(n)
	case "fva":
		c.FactorAge = &p.out.age
		err = p.factorAge()
	case "sts":
		var s string
		s, err = p.string()
		c.Status = Status(s)
	case "act":
		c.Actor, err = p.actor()
	case "pla":
		c.Plan, err = p.string()
	case "fea":
		c.Features, err = p.string()
	case "o":
		c.Organization = &p.out.org
		err = p.organization()
	default:
		return p.custom(name)
	}
	return err
}

func (p *claimsParser) time() (time.Time, error) {
	n, err := p.integer(1, maxTime)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(n, 0).UTC(), nil
}

func (p *claimsParser) factorAge() error {
	n := 0
	err := p.list(func() error {
		v, err := p.integer(-1, 1<<31-1)
		switch n++; n {
		case 1:
			p.out.age.First = int(v)
		case 2:
			p.out.age.Second = int(v)
		}
		return err
	})
	if err == nil && n != 2 {
		err = errors.New("fva has not two entries")
	}
	return err
}

func (p *claimsParser) actor() (json.RawMessage, error) {
	if p.peek() != '{' {
		return nil, errors.New("act is not an object")
	}
	return p.rawBytes()
}

func (p *claimsParser) organization() error {
	o := &p.out.org
	err := p.object(true, func(name string) (err error) {
		switch name {
		case "id":
			o.ID, err = p.string()
		case "slg":
			o.Slug, err = p.string()
		case "rol":
			o.Role, err = p.string()
		case "per":
			o.Permissions, err = p.string()
		case "fpm":
			o.FeaturePermissions, err = p.string()
		default:
			err = p.skip()
		}
		return err
	})
	if err == nil && o.ID == "" {
		err = errors.New("o without id")
	}
	return err
}

func (p *claimsParser) custom(name string) error {
	if ownedByFold(name) {
		return errors.New("letter case of a known name")
	}
	raw, err := p.rawBytes()
	if err != nil {
		return err
	}
	if p.out.Custom == nil {
		p.out.Custom = make(map[string]json.RawMessage)
	}
	p.out.Custom[name] = raw
	return nil
}

// rawBytes reads any value and returns its bytes.
func (p *claimsParser) rawBytes() (json.RawMessage, error) {
	p.space()
	start := p.i
	if err := p.skip(); err != nil {
		return nil, err
	}
	return json.RawMessage(p.text[start:p.i:p.i]), nil
}

// UnmarshalJSON reads the payload of a token as strictly as the verifier
// does, without requiring any claim. Errors are [ErrMalformed].
func (c *Claims) UnmarshalJSON(data []byte) error {
	text := append([]byte(nil), data...) // encoding/json will reuse data
	parsed, err := parseClaims(text)
	if err != nil {
		return err
	}
	parsed.Kind = c.Kind
	*c = *parsed
	return nil
}
