package frontend

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
)

// Client is all that a browser is told about itself.
type Client struct {
	Object                     string     `json:"object"`
	ID                         string     `json:"id"`
	Sessions                   []*Session `json:"sessions"`
	SignIn                     *SignIn    `json:"sign_in"`
	SignUp                     *SignUp    `json:"sign_up"`
	LastActiveSessionID        *string    `json:"last_active_session_id"`
	LastAuthenticationStrategy *string    `json:"last_authentication_strategy"`
	CookieExpiresAt            *int64     `json:"cookie_expires_at"`
	CaptchaBypass              bool       `json:"captcha_bypass"`
	CreatedAt                  int64      `json:"created_at"`
	UpdatedAt                  int64      `json:"updated_at"`
}

// maxEnded is how many sessions that are over are listed beside the live ones.
const maxEnded = 5

// Client is v; nil is a stranger, and null.
func (e Encoder) Client(v *engine.ClientView) *Client {
	if v == nil || v.Client == nil {
		return nil
	}
	c := v.Client
	out := &Client{Object: "client", ID: c.ID, Sessions: []*Session{}, LastAuthenticationStrategy: wire.TextOrNull(c.LastStrategy),
		CookieExpiresAt: wire.MillisOrNull(c.Expires), CreatedAt: wire.Millis(c.CreatedAt), UpdatedAt: wire.Millis(c.UpdatedAt)}
	ended := 0
	for _, s := range v.Sessions {
		if !s.LiveAt(v.Now) {
			ended++
		}
	}
	for _, s := range v.Sessions { // oldest first
		if !s.LiveAt(v.Now) {
			if ended--; ended >= maxEnded {
				continue
			}
		}
		out.Sessions = append(out.Sessions, e.Session(s, v.Now))
	}
	if s := v.Current(); s != nil {
		out.LastActiveSessionID = &s.ID
	}
	if v.SignIn != nil {
		out.SignIn = e.SignIn(v.SignIn)
	}
	if v.SignUp != nil {
		out.SignUp = e.SignUp(v.SignUp)
	}
	return out
}

// SetToken puts a token into the session with the given ID.
func (c *Client) SetToken(sessionID, jwt string) {
	if c == nil {
		return
	}
	for _, s := range c.Sessions {
		if s.ID == sessionID {
			s.LastActiveToken = wire.NewToken(jwt)
		}
	}
}
