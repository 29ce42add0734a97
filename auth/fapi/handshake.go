package fapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// handshake brings a backend, which cannot read the client's cookie, up to
// date: the browser is sent here by it and back to it with a list of cookies
// to set, or a nonce for which the backend gets that list. It is the one read
// that writes.
func (c *call) handshake() (any, error) {
	raw, _ := c.query.String("redirect_url")
	format, _ := c.query.String("format")
	if err := c.query.Err(); err != nil {
		return nil, err
	}
	if raw == "" {
		return nil, fault.New("invalid_handshake", "redirect_url")
	}
	target, err := c.site.Redirects.Check(c.r, "redirect_url", raw)
	if err != nil {
		return nil, err
	}
	directives, err := c.directives(c.originOf(target))
	if err != nil {
		return nil, err
	}
	switch format {
	case "nonce":
		nonce, err := c.e.PutHandshake(c.ctx(), c.b.Addr, directives)
		if err != nil {
			return nil, err
		}
		c.site.SetHandshakeNonce(c.w.Header(), nonce)
	case "", "token":
		if err := c.setHandshakeToken(directives); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New("invalid_query_parameter_value", "format")
	}
	c.cookies()
	httpx.NoStore(c.w.Header())
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	c.w.Header().Set("Location", target)
	c.w.WriteHeader(http.StatusTemporaryRedirect)
	return answered{}, nil
}

// originOf is the origin that a token for the target speaks of.
func (c *call) originOf(target string) string {
	if strings.HasPrefix(target, "/") {
		return c.site.Origin(c.r)
	}
	origin, err := httpx.ParseOrigin(target)
	if err != nil { // it has passed the check
		return ""
	}
	return origin
}

// directives are the cookies of the current session, with a new token, or
// of somebody who is signed out.
func (c *call) directives(origin string) ([]string, error) {
	v, err := c.e.View(c.ctx(), c.b)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return c.site.Directives(c.b, false, ""), nil
	}
	s := v.Current()
	if s == nil {
		return c.site.Directives(c.b, false, ""), nil
	}
	if want, ok := c.query.String("organization_id"); ok && c.query.Err() == nil {
		// A wish that cannot be met leaves what is active, and is no error.
		if _, err := c.e.TouchSession(c.ctx(), c.b, s.ID, engine.TouchParams{Organization: &want}); err != nil && fault.From(err).Code != "resource_not_found" {
			return nil, err
		}
	}
	jwt, err := c.e.Token(c.ctx(), c.b, s.ID, engine.TokenParams{Origin: origin})
	if fault.From(err).Code == "authentication_invalid" { // it has ended meanwhile
		return c.site.Directives(c.b, false, ""), nil
	}
	if err != nil {
		return nil, err
	}
	return c.site.Directives(c.b, true, jwt), nil
}

const handshakeLifetime = time.Minute

// setHandshakeToken hands the browser the signed list itself.
func (c *call) setHandshakeToken(directives []string) error {
	now := c.e.Now()
	payload, err := json.Marshal(map[string]any{"handshake": directives, "iss": c.e.Issuer(),
		"iat": now.Unix(), "exp": now.Add(handshakeLifetime).Unix()})
	if err != nil {
		return err
	}
	jwt, err := c.e.TokenIssuer().Sign(c.ctx(), "", payload)
	if err != nil {
		return err
	}
	return httpx.Cookie{Name: "__clerk_handshake", Value: jwt, MaxAge: handshakeLifetime, Secure: c.site.Secure}.Set(c.w.Header())
}
