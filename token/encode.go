package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes the payload of a token, names in byte order. Custom
// claims with a reserved name are [ErrReserved]; anything that the verifier
// would not read back is [ErrClaims].
func (c Claims) MarshalJSON() ([]byte, error) {
	// Two names that differ in letter case are one name to some parsers.
	if n := len(c.Custom); n > 1 {
		folded := make(map[string]struct{}, n)
		for name := range c.Custom {
			folded[foldName(name)] = struct{}{}
		}
		if len(folded) != n {
			return nil, fmt.Errorf("%w: custom claims differ in letter case only", ErrClaims)
		}
	}
	e := encoder{buf: make([]byte, 0, 512)}
	e.open()
	e.raw("act", c.Actor)
	e.string("azp", c.AuthorizedParty)
	e.time("exp", c.Expires)
	e.string("fea", c.Features)
	if c.FactorAge != nil {
		e.name("fva")
		e.buf = fmt.Appendf(e.buf, "[%d,%d]", c.FactorAge.First, c.FactorAge.Second)
	}
	e.time("iat", c.IssuedAt)
	e.string("iss", c.Issuer)
	e.string("jti", c.ID)
	e.time("nbf", c.NotBefore)
	if o := c.Organization; o != nil {
		e.name("o")
		e.open()
		e.string("fpm", o.FeaturePermissions)
		e.string("id", o.ID)
		e.string("per", o.Permissions)
		e.string("rol", strings.TrimPrefix(o.Role, rolePrefix))
		e.string("slg", o.Slug)
		e.close()
	}
	e.string("pla", c.Plan)
	e.string("sid", c.SessionID)
	e.string("sts", string(c.Status))
	e.string("sub", c.Subject)
	if c.Version != 0 {
		e.name("v")
		e.buf = strconv.AppendInt(e.buf, int64(c.Version), 10)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Custom)) {
		if Reserved(name) || ownedByFold(name) {
			return nil, fmt.Errorf("%w: %.64q", ErrReserved, name)
		}
		e.raw(name, c.Custom[name])
	}
	e.close()
	if e.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, e.err)
	}
	return e.buf, nil
}

// encoder appends JSON. Empty values are left out.
type encoder struct {
	buf []byte
	err error
}

func (e *encoder) open()  { e.buf = append(e.buf, '{') }
func (e *encoder) close() { e.buf = append(e.buf, '}') }

func (e *encoder) name(name string) {
	if e.buf[len(e.buf)-1] != '{' {
		e.buf = append(e.buf, ',')
	}
	e.quote(name)
	e.buf = append(e.buf, ':')
}

func (e *encoder) string(name, value string) {
	if value != "" {
		e.name(name)
		e.quote(value)
	}
}

func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	if n := t.Unix(); n < 1 || n > maxTime {
		e.err = fmt.Errorf("%s is out of range", name)
	}
	e.name(name)
	e.buf = strconv.AppendInt(e.buf, t.Unix(), 10)
}

// raw appends a JSON value that somebody else wrote, after a strict look.
func (e *encoder) raw(name string, value json.RawMessage) {
	if value == nil {
		return
	}
	e.name(name)
	if err := checkJSON(string(value), 1); err != nil {
		e.err = fmt.Errorf("%.64q: %w", name, err)
		return
	}
	compact := bytes.NewBuffer(e.buf)
	if err := json.Compact(compact, value); err != nil {
		e.err = err
		return
	}
	e.buf = compact.Bytes()
}

// quote appends a JSON string.
func (e *encoder) quote(s string) {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		e.buf = append(e.buf, '"')
		e.buf = append(e.buf, s...)
		e.buf = append(e.buf, '"')
		return
	}
	if !utf8.ValidString(s) {
		e.err = fmt.Errorf("a string is not valid UTF-8")
		return
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		e.err = err
	}
	e.buf = append(e.buf, quoted...)
}
