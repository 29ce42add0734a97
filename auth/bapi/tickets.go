package bapi

import (
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/backend"
)

// origin is where the links lead that this request has made, if no URL is
// configured.
func (c *call) origin() string { return c.site.Request(c.r).Site }

// maxSeconds bounds a lifetime, so that it is no overflow.
const maxSeconds = 10 * 365 * 24 * 60 * 60

// seconds reads a lifetime; 0 is the usual one.
func seconds(f *httpx.Form, name string) time.Duration {
	n, ok := f.Int(name)
	if ok && !f.Null(name) && (n < 1 || n > maxSeconds) {
		f.Fail("form_param_value_invalid", name, "must be a number of seconds, at least 1")
		return 0
	}
	return time.Duration(n) * time.Second
}

func createSignInToken(c *call) (any, error) {
	f, err := c.body("user_id", "org_id", "expires_in_seconds")
	if err != nil {
		return nil, err
	}
	userID, lifetime := f.Require("user_id"), seconds(f, "expires_in_seconds")
	if org, _ := f.String("org_id"); org != "" { // no organization has anybody
		return nil, fault.New("resource_not_found", "org_id")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	t, wire, err := c.engine.SignInTokens().Create(c.r.Context(), userID, lifetime)
	if err != nil {
		return nil, err
	}
	return backend.NewSignInToken(t, wire, c.engine.TicketURL(c.origin(), wire)), nil
}

func revokeSignInToken(c *call) (any, error) {
	id, err := c.id("sign_in_token_id")
	if err != nil {
		return nil, err
	}
	t, err := c.engine.SignInTokens().Revoke(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return backend.NewSignInToken(t, "", ""), nil
}

func createActorToken(c *call) (any, error) {
	f, err := c.body("user_id", "actor", "expires_in_seconds", "session_max_duration_in_seconds")
	if err != nil {
		return nil, err
	}
	userID := f.Require("user_id")
	actor, _ := f.JSONObject("actor")
	if actor == nil {
		f.Fail(httpx.CodeMissing, "actor", "must be included")
	}
	lifetime, session := seconds(f, "expires_in_seconds"), seconds(f, "session_max_duration_in_seconds")
	if err := f.Err(); err != nil {
		return nil, err
	}
	t, wire, err := c.engine.ActorTokens().Create(c.r.Context(), userID, actor, lifetime, session)
	if err != nil {
		return nil, err
	}
	return backend.NewActorToken(t, wire, c.engine.TicketURL(c.origin(), wire)), nil
}

func revokeActorToken(c *call) (any, error) {
	id, err := c.id("actor_token_id")
	if err != nil {
		return nil, err
	}
	t, err := c.engine.ActorTokens().Revoke(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return backend.NewActorToken(t, "", ""), nil
}

// createTestingToken is there only on a site that is on this machine: a token
// that opens the door to programs is for tests.
func createTestingToken(c *call) (any, error) {
	token, expires, err := c.engine.TestingToken()
	if err != nil {
		return nil, err
	}
	return backend.TestingToken{Object: "testing_token", Token: token, ExpiresAt: expires.Unix()}, nil
}
