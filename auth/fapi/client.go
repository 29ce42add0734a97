package fapi

import (
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

// getClient tells a browser all about itself, with a token of the session last
// active. A stranger gets null and no refusal: clients would sign out.
func (c *call) getClient() (any, error) {
	client, err := c.client()
	if err != nil || client == nil {
		return unwatched{}, err
	}
	if id := client.LastActiveSessionID; id != nil {
		if err := c.addToken(client, *id); err != nil {
			return nil, err
		}
	}
	return unwatched{response: client}, nil
}

// addToken mints a token of a session into the client. It costs a signature,
// so it is done only where a browser would ask for one next.
func (c *call) addToken(client *frontend.Client, sessionID string) error {
	s, err := c.e.Session(c.ctx(), c.b, sessionID)
	if err != nil {
		return err
	}
	jwt, err := c.e.LastToken(c.ctx(), s, c.site.Origin(c.r))
	if err != nil {
		return err
	}
	client.SetToken(sessionID, jwt)
	return nil
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
