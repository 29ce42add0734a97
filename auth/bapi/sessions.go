package bapi

import (
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
)

// statuses are what sessions can be filtered by.
var statuses = map[session.Status]bool{session.Active: true, session.Pending: true, session.Ended: true, session.Removed: true,
	session.Replaced: true, session.Revoked: true, session.Expired: true, session.Abandoned: true}

func listSessions(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	var f session.Filter
	f.UserID, _ = q.StringMax("user_id", 128)
	f.ClientID, _ = q.StringMax("client_id", 128)
	if s, _ := q.StringMax("status", 32); s != "" {
		if f.Status = session.Status(s); !statuses[f.Status] {
			q.Fail(httpx.CodeQueryValue, "status", "is no status of a session")
		}
	}
	offset, limit := page(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, err
	}
	ss, total, err := c.engine.Sessions().List(c.r.Context(), f, offset, limit)
	if err != nil {
		return nil, err
	}
	return listed(q, c.encoder().Sessions(ss), total), nil
}

func getSession(c *call) (any, error) {
	id, err := c.id("session_id")
	if err != nil {
		return nil, err
	}
	s, err := c.engine.Sessions().Get(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return c.encoder().Session(s), nil
}

// createSession makes a session that nobody signed in for. That is for tests,
// so it is only there on a site that is on this machine.
func createSession(c *call) (any, error) {
	if !c.site.Local {
		return nil, fault.New("request_invalid_for_environment", "")
	}
	f, err := c.body("user_id", "active_organization_id")
	if err != nil {
		return nil, err
	}
	userID := f.Require("user_id")
	org, _ := f.String("active_organization_id")
	if err := f.Err(); err != nil {
		return nil, err
	}
	s, err := c.engine.Sessions().CreateIn(c.r.Context(), userID, org)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New("resource_not_found", "user_id")
	}
	if err != nil {
		return nil, err
	}
	return c.encoder().Session(s), nil
}

func revokeSession(c *call) (any, error) {
	id, err := c.id("session_id")
	if err != nil {
		return nil, err
	}
	s, err := c.engine.Sessions().Revoke(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return c.encoder().Session(s), nil
}

// The lifetimes that a token can be asked for with, in seconds. None outlives
// its session.
const (
	minToken = 30
	maxToken = 315360000
)

// lifetime reads how long a token is to be good for; 0 is the usual time.
func (c *call) lifetime() (time.Duration, error) {
	f, err := c.body("expires_in_seconds")
	if err != nil {
		return 0, err
	}
	n, ok := f.Int("expires_in_seconds")
	if ok && !f.Null("expires_in_seconds") && (n < minToken || n > maxToken) {
		f.Fail("form_param_value_invalid", "expires_in_seconds", "must be between 30 and 315360000")
	}
	return time.Duration(n) * time.Second, f.Err()
}

func createToken(c *call) (any, error) {
	id, err := c.id("session_id")
	if err != nil {
		return nil, err
	}
	d, err := c.lifetime()
	if err != nil {
		return nil, err
	}
	jwt, err := c.engine.Sessions().Token(c.r.Context(), id, d)
	if err != nil {
		return nil, err
	}
	return wire.NewToken(jwt), nil
}

// createTemplateToken finds no template: this version has none.
func createTemplateToken(c *call) (any, error) {
	id, err := c.id("session_id")
	if err != nil {
		return nil, err
	}
	if _, err := c.lifetime(); err != nil {
		return nil, err
	}
	if _, err := c.engine.Sessions().Get(c.r.Context(), id); err != nil {
		return nil, err
	}
	return nil, fault.New("jwt_template_not_found", "")
}
