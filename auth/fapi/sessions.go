package fapi

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/session"
)

func (c *call) getSession() (any, error) {
	s, err := c.e.Session(c.ctx(), c.b, c.id("session_id"))
	if err != nil {
		return nil, err
	}
	return c.enc.Session(s, c.e.Now()), nil
}

// touch notes that a session is used and makes it the browser's active one.
// The answer carries a token, which saves the call for one.
func (c *call) touch() (any, error) {
	p := engine.TouchParams{Select: true}
	if org, ok := c.form.String("active_organization_id"); ok {
		p.Organization = &org
	}
	c.form.String("intent") // what it was for makes no difference
	if err := c.form.Err(); err != nil {
		return nil, err
	}
	s, err := c.e.TouchSession(c.ctx(), c.b, c.id("session_id"), p)
	if err != nil {
		return nil, err
	}
	jwt, err := c.e.LastToken(c.ctx(), s, c.site.Origin(c.r))
	if err != nil {
		return nil, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	client.SetToken(s.ID, jwt)
	out := c.enc.Session(s, c.e.Now())
	out.LastActiveToken = wire.NewToken(jwt)
	return unwatched{response: out, client: client}, nil
}

func (c *call) endSession() (any, error)    { return c.end(session.Ended) }
func (c *call) removeSession() (any, error) { return c.end(session.Removed) }

func (c *call) end(status session.Status) (any, error) {
	s, err := c.e.EndSession(c.ctx(), c.b, c.id("session_id"), status)
	if err != nil {
		return nil, err
	}
	return c.enc.Session(s, c.e.Now()), nil
}

// createToken answers with a session token. An absent organization is the
// session's last one, an empty one none.
func (c *call) createToken() (any, error) {
	p := engine.TokenParams{Origin: c.site.Origin(c.r)}
	if org, ok := c.form.String("organization_id"); ok {
		p.Organization = &org
	}
	debug, _ := c.query.String("debug")
	p.Fresh = debug == "skip_cache"
	if err := firstOf(c.form.Err(), c.query.Err()); err != nil {
		return nil, err
	}
	jwt, err := c.e.Token(c.ctx(), c.b, c.id("session_id"), p)
	if err != nil {
		return nil, err
	}
	return token(jwt), nil
}

// createTemplateToken finds no template: there are none.
func (c *call) createTemplateToken() (any, error) {
	if _, err := c.e.Session(c.ctx(), c.b, c.id("session_id")); err != nil {
		return nil, err
	}
	return nil, fault.New("jwt_template_not_found", "")
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
