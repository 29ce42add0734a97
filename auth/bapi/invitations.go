package bapi

import (
	"strings"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/backend"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/ticket"
)

// maxInvitations is how many invitations one request can make.
const maxInvitations = 10

// readInvitation reads whom to invite. What is wrong is noted in f.
func (c *call) readInvitation(f *httpx.Form) engine.InvitationParams {
	f.Only("email_address", "public_metadata", "redirect_url", "notify", "ignore_existing", "expires_in_days", "template_slug")
	p := engine.InvitationParams{EmailAddress: f.Require("email_address"), Origin: c.origin()}
	p.PublicMetadata, _ = f.JSONObject("public_metadata")
	if notify, ok := f.Bool("notify"); ok && !f.Null("notify") {
		p.Quiet = !notify
	}
	p.IgnoreExisting, _ = f.Bool("ignore_existing")
	if days, ok := f.Int("expires_in_days"); ok && !f.Null("expires_in_days") {
		if days < 1 || days > 365 {
			f.Fail("form_param_value_invalid", "expires_in_days", "must be between 1 and 365")
		}
		p.Lifetime = time.Duration(min(max(days, 1), 365)) * 24 * time.Hour
	}
	switch slug, _ := f.String("template_slug"); slug {
	case "", notify.Invitation, notify.WaitlistInvitation:
		p.Slug = slug
	default:
		f.Fail("form_param_value_invalid", "template_slug", "must be invitation or waitlist_invitation")
	}
	if raw, _ := f.String("redirect_url"); raw != "" {
		checked, err := c.site.Redirects.Check(c.r, "redirect_url", raw)
		if e := fault.From(err); err != nil {
			f.Fail(e.Code, "redirect_url", e.LongMessage)
		}
		p.RedirectURL = checked
	}
	return p
}

func createInvitation(c *call) (any, error) {
	f, err := httpx.ParseJSON(c.w, c.r)
	if err != nil {
		return nil, err
	}
	p := c.readInvitation(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	made, err := c.engine.Invitations().Create(c.r.Context(), p)
	if err != nil {
		return nil, err
	}
	return c.encoder().Invitation(made[0].Invitation, made[0].URL), nil
}

func createInvitations(c *call) (any, error) {
	list, err := c.bulk(maxInvitations)
	if err != nil {
		return nil, err
	}
	var ps []engine.InvitationParams
	for _, f := range list {
		ps = append(ps, c.readInvitation(f))
		if err := f.Err(); err != nil {
			return nil, err
		}
	}
	made, err := c.engine.Invitations().Create(c.r.Context(), ps...)
	if err != nil {
		return nil, err
	}
	enc, out := c.encoder(), make([]backend.Invitation, len(made))
	for i, m := range made {
		out[i] = enc.Invitation(m.Invitation, m.URL)
	}
	return out, nil
}

// bulk reads a list of 1 to most objects.
func (c *call) bulk(most int) ([]*httpx.Form, error) {
	list, err := httpx.ParseJSONList(c.w, c.r)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fault.New("form_param_nil", "")
	case len(list) > most:
		return nil, fault.New("bulk_size_exceeded", "")
	}
	return list, nil
}

func listInvitations(c *call) (any, error) {
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	var f ticket.Filter
	status, _ := q.StringMax("status", 32)
	switch f.Status = ticket.Status(status); f.Status {
	case "", ticket.Pending, ticket.Accepted, ticket.Revoked, ticket.Expired:
	default:
		q.Fail(httpx.CodeQueryValue, "status", "is no status of an invitation")
	}
	f.Query, _ = q.StringMax("query", 256)
	f.Oldest = oldestFirst(q)
	offset, limit := page(q)
	q.Bool("paginated")
	if err := q.Err(); err != nil {
		return nil, err
	}
	list, total, err := c.engine.Invitations().List(c.r.Context(), f, offset, limit)
	if err != nil {
		return nil, err
	}
	return listed(q, c.encoder().Invitations(list), total), nil
}

// oldestFirst reads order_by: by the time of birth, one way or the other.
func oldestFirst(q *httpx.Form) bool {
	order, _ := q.StringMax("order_by", 32)
	order = strings.TrimSpace(order) // a plus in a query is a space
	switch order {
	case "created_at", "+created_at":
		return true
	case "", "-created_at":
	default:
		q.Fail(httpx.CodeQueryValue, "order_by", "must be created_at with + or - before it")
	}
	return false
}

func revokeInvitation(c *call) (any, error) {
	id, err := c.id("invitation_id")
	if err != nil {
		return nil, err
	}
	i, err := c.engine.Invitations().Revoke(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return c.encoder().Invitation(i, ""), nil
}
