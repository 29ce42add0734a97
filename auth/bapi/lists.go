package bapi

import (
	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/auth/settings"
)

const (
	allowed = "allowlist_identifier"
	blocked = "blocklist_identifier"
)

// instanceID names the instance to clients.
func (c *call) instanceID() string { return "ins_" + c.site.Suffix }

func (c *call) identifiers(object string, es []*access.Entry) []backend.ListIdentifier {
	out := make([]backend.ListIdentifier, 0, len(es))
	for _, e := range es {
		out = append(out, backend.NewListIdentifier(object, e, c.instanceID()))
	}
	return out
}

// entries reads a page of a list.
func (c *call) entries(l engine.Lists) (q *httpx.Form, es []*access.Entry, total int, err error) {
	if q, err = httpx.ParseQuery(c.r); err != nil {
		return nil, nil, 0, err
	}
	offset, limit := page(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, nil, 0, err
	}
	es, total, err = l.All(c.r.Context(), offset, limit)
	return q, es, total, err
}

func listAllowed(c *call) (any, error) {
	q, es, total, err := c.entries(c.engine.Allowlist())
	if err != nil {
		return nil, err
	}
	return listed(q, c.identifiers(allowed, es), total), nil
}

// listBlocked answers a page whether or not one is asked for.
func listBlocked(c *call) (any, error) {
	_, es, total, err := c.entries(c.engine.Blocklist())
	if err != nil {
		return nil, err
	}
	return wire.NewList(c.identifiers(blocked, es), total), nil
}

func createAllowed(c *call) (any, error) {
	f, err := c.body("identifier", "notify")
	if err != nil {
		return nil, err
	}
	identifier := f.Require("identifier")
	notify, _ := f.Bool("notify")
	if err := f.Err(); err != nil {
		return nil, err
	}
	e, err := c.engine.Allowlist().Add(c.r.Context(), identifier, notify, c.origin())
	if err != nil {
		return nil, err
	}
	return backend.NewListIdentifier(allowed, e, c.instanceID()), nil
}

func createBlocked(c *call) (any, error) {
	f, err := c.body("identifier")
	if err != nil {
		return nil, err
	}
	identifier := f.Require("identifier")
	if err := f.Err(); err != nil {
		return nil, err
	}
	e, err := c.engine.Blocklist().Add(c.r.Context(), identifier, false, "")
	if err != nil {
		return nil, err
	}
	return backend.NewListIdentifier(blocked, e, c.instanceID()), nil
}

func deleteAllowed(c *call) (any, error) { return c.removeFrom(c.engine.Allowlist(), allowed) }
func deleteBlocked(c *call) (any, error) { return c.removeFrom(c.engine.Blocklist(), blocked) }

func (c *call) removeFrom(l engine.Lists, object string) (any, error) {
	id, err := c.id("identifier_id")
	if err != nil {
		return nil, err
	}
	if _, err := l.Remove(c.r.Context(), id); err != nil {
		return nil, err
	}
	return wire.NewDeleted(object, id), nil
}

// updateRestrictions says which lists are asked. What is absent or null stays.
func updateRestrictions(c *call) (any, error) {
	f, err := c.body("allowlist", "blocklist", "allowlist_blocklist_disabled_on_sign_in", "block_email_subaddresses", "block_disposable_email_domains")
	if err != nil {
		return nil, err
	}
	on := map[string]bool{}
	for _, name := range f.Names() {
		if v, ok := f.Bool(name); ok && !f.Null(name) {
			on[name] = v
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	var after settings.Access
	err = c.engine.UpdateSettings(c.r.Context(), func(s *settings.Settings) error {
		for name, to := range map[string]*bool{"allowlist": &s.Access.Allowlist, "blocklist": &s.Access.Blocklist,
			"allowlist_blocklist_disabled_on_sign_in": &s.Access.DisabledOnSignIn, "block_email_subaddresses": &s.Access.BlockSubaddresses,
			"block_disposable_email_domains": &s.Access.BlockDisposable} {
			if v, ok := on[name]; ok {
				*to = v
			}
		}
		after = s.Access
		return nil
	})
	if err != nil {
		return nil, err
	}
	return backend.NewRestrictions(after), nil
}
