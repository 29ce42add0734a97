package fapi

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
)

// getClient tells a browser all about itself, with a token of the session last
// active. A stranger gets null and no refusal: clients would sign out.
func (c *call) getClient() (any, error) {
	client, err := c.clientOf(func(v *engine.ClientView) string {
		if s := v.Current(); s != nil {
			return s.ID
		}
		return ""
	})
	if err != nil || client == nil {
		return unwatched{}, err
	}
	return unwatched{response: client}, nil
}

// createClient makes a stranger a client, so that its cookie is there before
// anything is at stake. A client stays what it is.
func (c *call) createClient() (any, error) {
	if err := c.e.CreateClient(c.ctx(), c.b); err != nil {
		return nil, err
	}
	client, err := c.client()
	return unwatched{response: client}, err
}

// deleteClient signs out of everything and forgets the browser.
func (c *call) deleteClient() (any, error) {
	return unwatched{}, c.e.DeleteClient(c.ctx(), c.b)
}

// endSessions signs out of everything and keeps the client.
func (c *call) endSessions() (any, error) {
	if _, err := c.e.EndAllSessions(c.ctx(), c.b); err != nil {
		return nil, err
	}
	client, err := c.client()
	return unwatched{response: client, client: client}, err
}

// token is the answer to a request for one: not in the envelope.
func token(jwt string) bare { return bare{wire.NewToken(jwt)} }
