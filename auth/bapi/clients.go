package bapi

import (
	"errors"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/store"
)

// listClients answers a page also where none is asked for: the contract says a
// bare list, but Clerk's Go client asks for nothing and reads data and
// total_count. paginated=false gives the bare list.
func listClients(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	offset, limit := page(q)
	paginated, asked := q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, err
	}
	cs, total, err := c.engine.Sessions().ClientsWithSessions(c.r.Context(), offset, limit)
	if err != nil {
		return nil, err
	}
	enc, out := c.encoder(), make([]backend.Client, len(cs))
	for i, cl := range cs {
		out[i] = enc.Client(cl.Client, cl.Sessions)
	}
	if asked && !paginated {
		return out, nil
	}
	return wire.NewList(out, total), nil
}

func getClient(c *call) (any, error) {
	id, err := c.id("client_id")
	if err != nil {
		return nil, err
	}
	cl, on, err := c.engine.Sessions().Client(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return c.encoder().Client(cl, on), nil
}

// verifyClient tells which client a cookie proves.
func verifyClient(c *call) (any, error) {
	f, err := c.body("token")
	if err != nil {
		return nil, err
	}
	cookie := f.Require("token")
	if err := f.Err(); err != nil {
		return nil, err
	}
	cl, on, err := c.engine.Sessions().VerifyClient(c.r.Context(), cookie)
	if errors.Is(err, store.ErrNotFound) { // it ended just now
		return nil, fault.New("cookie_invalid", "token")
	}
	if err != nil {
		return nil, err
	}
	return c.encoder().Client(cl, on), nil
}

// handshakePayload hands over the cookies behind a nonce, once. It is a GET
// that writes: clients make it so.
func handshakePayload(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	nonce := q.Require("nonce")
	if err := q.Err(); err != nil {
		return nil, err
	}
	directives, err := c.engine.TakeHandshake(c.r.Context(), nonce)
	if err != nil {
		return nil, err
	}
	return backend.Directives{Directives: directives}, nil
}
