package bapi

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
)

var refreshFields = []string{"expired_token", "refresh_token", "request_origin", "request_headers", "format", "request_originating_ip"}

// refreshSession refuses, with what is wrong first. This instance gives out no
// refresh tokens: in the hands of the application they would be one more secret
// that renews a session for days, and the browser's own client cookie does the
// same by a handshake. So the last word on a request that is right in all else
// is that its refresh token is not one of ours, and like every 401 from here it
// sends clients to the handshake.
func refreshSession(c *call) (any, error) {
	id, err := c.id("session_id")
	if err != nil {
		return nil, err
	}
	f, err := c.body(refreshFields...)
	if err != nil {
		return nil, err
	}
	expired := f.Require("expired_token")
	f.Require("refresh_token")
	f.Require("request_origin")
	f.JSONObject("request_headers")
	f.String("request_originating_ip")
	if format, _ := f.String("format"); format != "" && format != "token" && format != "cookie" {
		f.Fail("form_param_value_invalid", "format", "must be token or cookie")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	s, err := c.engine.Sessions().Get(c.r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fault.New("session_refresh_session_not_found", "")
	case err != nil:
		return nil, err
	case !s.LiveAt(c.engine.Now()):
		return nil, fault.New("session_refresh_session_not_found", "")
	}
	claims, err := c.tokens.VerifyExpired(c.r.Context(), expired)
	if err != nil && !errors.Is(err, token.ErrExpired) || claims.SessionID != id {
		return nil, fault.New("expired_session_token_invalid", "expired_token")
	}
	return nil, fault.New("refresh_token_not_found", "refresh_token")
}
