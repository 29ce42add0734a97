package bapi

import (
	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
)

// maxWaitlist is how many entries one request can make.
const maxWaitlist = 50

func readWaiting(f *httpx.Form) engine.WaitlistParams {
	f.Only("email_address", "notify")
	p := engine.WaitlistParams{EmailAddress: f.Require("email_address")}
	if notify, ok := f.Bool("notify"); ok && !f.Null("notify") {
		p.Quiet = !notify
	}
	return p
}

func createWaitlistEntry(c *call) (any, error) {
	f, err := httpx.ParseJSON(c.w, c.r)
	if err != nil {
		return nil, err
	}
	p := readWaiting(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	made, err := c.engine.Waitlist().Create(c.r.Context(), p)
	if err != nil {
		return nil, err
	}
	return c.encoder().WaitlistEntry(made[0]), nil
}

func createWaitlistEntries(c *call) (any, error) {
	list, err := c.bulk(maxWaitlist)
	if err != nil {
		return nil, err
	}
	var ps []engine.WaitlistParams
	for _, f := range list {
		ps = append(ps, readWaiting(f))
		if err := f.Err(); err != nil {
			return nil, err
		}
	}
	made, err := c.engine.Waitlist().Create(c.r.Context(), ps...)
	if err != nil {
		return nil, err
	}
	return c.encoder().WaitlistEntries(made), nil
}

func listWaitlist(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	var f access.WaitlistFilter
	status, _ := q.StringMax("status", 32)
	switch f.Status = access.WaitStatus(status); f.Status {
	case "", access.WaitPending, access.WaitInvited, access.WaitCompleted, access.WaitRejected:
	default:
		q.Fail(httpx.CodeQueryValue, "status", "is no status of an entry of the waitlist")
	}
	f.Query, _ = q.StringMax("query", 256)
	f.Oldest = oldestFirst(q)
	offset, limit := page(q)
	if err := q.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.engine.Waitlist().List(c.r.Context(), f, offset, limit)
	if err != nil {
		return nil, err
	}
	return wire.NewList(c.encoder().WaitlistEntries(list), total), nil
}

// waiting runs do with the entry that the path names.
func (c *call) waiting(do func(id string) (engine.WaitlistView, error)) (any, error) {
	id, err := c.id("waitlist_entry_id")
	if err != nil {
		return nil, err
	}
	w, err := do(id)
	if err != nil {
		return nil, err
	}
	return c.encoder().WaitlistEntry(w), nil
}

func inviteWaitlistEntry(c *call) (any, error) {
	f, err := c.body("ignore_existing")
	if err != nil {
		return nil, err
	}
	ignore, _ := f.Bool("ignore_existing")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return c.waiting(func(id string) (engine.WaitlistView, error) {
		return c.engine.Waitlist().Invite(c.r.Context(), id, ignore, c.origin())
	})
}

func rejectWaitlistEntry(c *call) (any, error) {
	return c.waiting(func(id string) (engine.WaitlistView, error) {
		return c.engine.Waitlist().Reject(c.r.Context(), id)
	})
}

func deleteWaitlistEntry(c *call) (any, error) {
	id, err := c.id("waitlist_entry_id")
	if err != nil {
		return nil, err
	}
	if err := c.engine.Waitlist().Delete(c.r.Context(), id); err != nil {
		return nil, err
	}
	return wire.NewDeleted("waitlist_entry", id), nil
}
