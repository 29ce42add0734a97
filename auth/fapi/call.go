package fapi

import (
	"context"
	"net/http"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
)

// A call is one request of a browser on its way through a route.
type call struct {
	*API
	w     http.ResponseWriter
	r     *http.Request
	b     *engine.Browser
	actor *engine.Actor // set on routes of the session kind
	acts  string        // the session that acts; empty: none is known
	query *httpx.Form
	form  *httpx.Form // empty on reads
	// signedIn says whether a session is live, if that was looked up.
	signedIn *bool
}

func (c *call) ctx() context.Context { return c.r.Context() }

// id is the part of the path with the given name.
func (c *call) id(name string) string { return c.r.PathValue(name) }

// What a handler returns goes into the envelope, unless it is one of these.
type (
	// bare is answered as it is.
	bare struct{ v any }
	// unwatched is answered in the envelope with a client that is known already.
	unwatched struct {
		response any
		client   *frontend.Client
	}
	// answered says that the handler has written the answer itself.
	answered struct{}
)

// serve runs one route.
func (a *API) serve(w http.ResponseWriter, r *http.Request, rt Route) {
	c := &call{API: a, w: w, r: r}
	if rt.Access != Open {
		httpx.NoStore(w.Header())
	}
	out, err := c.run(rt)
	if err == nil {
		err = c.answer(out)
	}
	if err != nil {
		c.fail(err)
	}
}

// run finds out who asks, decodes and calls the handler.
func (c *call) run(rt Route) (any, error) {
	var err error
	if c.query, err = httpx.ParseQuery(c.r); err != nil {
		return nil, err
	}
	if rt.Access != Open {
		if c.b, err = c.site.Browser(c.e, c.r); err != nil {
			return nil, err
		}
		if err = c.tested(); err != nil {
			return nil, err
		}
	}
	if rt.Access == Session {
		id, _ := c.query.String("_clerk_session_id")
		if err := c.query.Err(); err != nil {
			return nil, err
		}
		if c.actor, err = c.e.ActorFor(c.ctx(), c.b, id, taskRoutes[rt.Method+" "+rt.Path]...); err != nil {
			return nil, err
		}
		c.acts = c.actor.Session.ID
		if !mayImpersonator(rt, c.actor) {
			return nil, engine.ErrImpersonator()
		}
	}
	c.form = &httpx.Form{}
	switch {
	case httpx.Safe(c.r.Method):
	case rt.Upload:
		c.form, err = httpx.ParseUpload(c.w, c.r)
	default:
		c.form, err = httpx.ParseForm(c.w, c.r)
	}
	if err != nil {
		return nil, err
	}
	if err := c.gated(rt); err != nil {
		return nil, err
	}
	return rt.handle(c)
}

// answer writes what a handler returned, with the cookies that changed. After
// a write the envelope holds the client as it is now.
func (c *call) answer(out any) error {
	switch out := out.(type) {
	case answered:
		return nil
	case bare:
		c.cookies()
		return httpx.WriteJSON(c.w, http.StatusOK, out.v)
	case unwatched:
		c.cookies()
		return httpx.WriteJSON(c.w, http.StatusOK, frontend.Envelope{Response: out.response, Client: out.client})
	}
	env := frontend.Envelope{Response: out}
	if !httpx.Safe(c.r.Method) {
		var err error
		if env.Client, err = c.client(); err != nil {
			return err
		}
	}
	c.cookies()
	return httpx.WriteJSON(c.w, http.StatusOK, env)
}

// client is all that the browser is told about itself, with a token of the
// session that acts.
func (c *call) client() (*frontend.Client, error) {
	return c.clientOf(func(*engine.ClientView) string { return c.acts })
}

// clientOf adds a token of the session that acts names, if it is live. Clients
// take a session without one for a state that cannot be, and React's hooks
// throw: so when it ends after it was read, all is read again.
func (c *call) clientOf(acts func(*engine.ClientView) string) (client *frontend.Client, err error) {
	for range 2 {
		client, err = c.readClient(acts)
		if fault.From(err).Code != "authentication_invalid" {
			break
		}
	}
	return client, err
}

func (c *call) readClient(acts func(*engine.ClientView) string) (*frontend.Client, error) {
	if c.b == nil {
		return nil, nil
	}
	v, err := c.e.View(c.ctx(), c.b)
	if err != nil {
		return nil, err
	}
	live := v != nil && len(v.Live()) > 0
	c.signedIn = &live
	client := c.enc.Client(v)
	if client == nil {
		return nil, nil
	}
	client.CaptchaBypass = c.b.Tested
	id := acts(v)
	for _, s := range v.Live() {
		if s.ID != id {
			continue
		}
		jwt, err := c.e.LastToken(c.ctx(), s, c.site.Origin(c.r))
		if err != nil {
			return nil, err
		}
		client.SetToken(s.ID, jwt)
	}
	return client, nil
}

// cookies writes the cookies that changed. After a sign-in or a sign-out the
// engine leaves a last active session on the client exactly if one is live.
func (c *call) cookies() {
	if c.b == nil {
		return
	}
	live := c.b.Client != nil && c.b.Client.LastActiveSessionID != ""
	if c.signedIn != nil {
		live = *c.signedIn
	}
	c.site.WriteClient(c.w.Header(), c.b, live)
}

// fail answers with an error. What was stored before it is stored: cookies go
// out, and a client that changed goes along.
func (c *call) fail(err error) {
	var add func(*wire.Errors)
	if c.b != nil {
		if c.b.Changed || c.b.Cookie != "" {
			if client, verr := c.client(); verr == nil {
				add = func(e *wire.Errors) { e.Meta = map[string]any{"client": client} }
			}
		}
		c.cookies()
	}
	wire.WriteError(c.w, c.r, err, c.e.Log(), add)
}
