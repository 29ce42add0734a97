package ui

import (
	"context"
	"errors"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/user"
)

// A contact is a kind of what people are reached by: how the profile adds one,
// sends a code to it, and takes the code.
type contact struct {
	field   string // of the form, of errors, and of the settings
	section string // of the profile, and of the paths
	notice  string // what notices begin with
	max     int    // bytes
	sms     bool

	of      func(u *user.User, id string) *user.Identification
	add     func(e *engine.Engine, ctx context.Context, a *engine.Actor, value string) (*user.Identification, error)
	get     func(e *engine.Engine, ctx context.Context, a *engine.Actor, id string) (*user.Identification, *factor.Verification, error)
	prepare func(e *engine.Engine, ctx context.Context, a *engine.Actor, id, strategy string) error
	attempt func(e *engine.Engine, ctx context.Context, a *engine.Actor, id string, proof factor.Proof) error
	remove  func(e *engine.Engine, ctx context.Context, a *engine.Actor, id string) error
	primary func(id string) engine.ProfileParams
}

var emails = &contact{
	field: "email_address", section: "emails", notice: "email", max: 320,
	of: (*user.User).EmailAddress, add: (*engine.Engine).AddEmailAddress, get: (*engine.Engine).EmailAddress,
	prepare: (*engine.Engine).PrepareEmailAddress, attempt: (*engine.Engine).AttemptEmailAddress, remove: (*engine.Engine).DeleteEmailAddress,
	primary: func(id string) engine.ProfileParams { return engine.ProfileParams{PrimaryEmailAddressID: &id} },
}

var phones = &contact{
	field: "phone_number", section: "phones", notice: "phone", max: 64, sms: true,
	of: (*user.User).PhoneNumber, get: (*engine.Engine).PhoneNumber,
	add: func(e *engine.Engine, ctx context.Context, a *engine.Actor, number string) (*user.Identification, error) {
		return e.AddPhoneNumber(ctx, a, number, false)
	},
	prepare: (*engine.Engine).PreparePhoneNumber, attempt: (*engine.Engine).AttemptPhoneNumber, remove: (*engine.Engine).DeletePhoneNumber,
	primary: func(id string) engine.ProfileParams { return engine.ProfileParams{PrimaryPhoneNumberID: &id} },
}

// change is a handler that does something to a contact and says so.
func (c *contact) change(notice string, do func(x *exchange, a *engine.Actor, id string) error) handler {
	return withID(func(x *exchange, a *engine.Actor, id string) error {
		if err := do(x, a, id); err != nil {
			return x.refuseUser(a, c.section, nil, err)
		}
		return x.redirect("/user", notice)
	})
}

func (c *contact) postRemove() handler {
	return c.change(c.notice+"-removed", func(x *exchange, a *engine.Actor, id string) error {
		return c.remove(x.p.engine, x.ctx(), a, id)
	})
}

func (c *contact) postPrimary() handler {
	return c.change(c.notice+"-primary", func(x *exchange, a *engine.Actor, id string) error {
		return x.p.engine.UpdateProfile(x.ctx(), a, c.primary(id))
	})
}

// postAdd adds a contact and sends a code to it.
func (c *contact) postAdd(x *exchange, a *engine.Actor, f *httpx.Form) error {
	value, _ := f.StringMax(c.field, c.max)
	value = strings.TrimSpace(value)
	err := f.Err()
	if err == nil && value == "" {
		err = empty(c.field)
	}
	var added *user.Identification
	if err == nil {
		added, err = c.add(x.p.engine, x.ctx(), a, value)
	}
	if err != nil {
		return x.refuseUser(a, c.section, map[string]string{c.field: value}, err, c.field)
	}
	if x.verification(c.field) == "" {
		return x.redirect("/user", c.notice+"-added")
	}
	return c.send(x, a, added.ID, "")
}

func (c *contact) postSend() handler {
	return withID(func(x *exchange, a *engine.Actor, id string) error { return c.send(x, a, id, "sent") })
}

// send sends a code and leads to where it is typed in.
func (c *contact) send(x *exchange, a *engine.Actor, id, notice string) error {
	x.b.ReturnTo = x.url("/link/done")
	err := c.prepare(x.p.engine, x.ctx(), a, id, x.verification(c.field))
	switch {
	case err == nil:
		return x.redirect("/user/"+c.section+"/verify", notice, "id", id)
	case errors.Is(err, fault.New("verification_code_too_many_requests", "")):
		pg, _, err2 := c.page(x, a, id)
		if err2 != nil {
			return err2
		}
		return x.refuse("user_email_verify", pg, err)
	}
	return x.refuseUser(a, c.section, nil, err)
}

// page asks for the code that was sent.
func (c *contact) page(x *exchange, a *engine.Actor, id string) (*Page, *factor.Verification, error) {
	have, v, err := c.get(x.p.engine, x.ctx(), a, id)
	if err != nil {
		return nil, nil, err
	}
	pg := x.page()
	pg.Account = &Account{SessionID: a.Session.ID, Name: a.User.Name(), Identifier: a.User.Identifier(), Current: true}
	pg.Code = &Code{To: have.Value, ID: id, SMS: c.sms}
	if v != nil {
		pg.Code.Link = v.Strategy == byLink
		pg.Code.Wait = max(0, seconds(v.SentAt.Add(x.settings.Codes.ResendAfter).Sub(x.p.engine.Now())))
	}
	return pg, v, nil
}

func (c *contact) getVerify(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	id := x.r.URL.Query().Get("id")
	have := c.of(a.User, id)
	if have == nil || have.Verified {
		return x.redirect("/user", "")
	}
	pg, v, err := c.page(x, a, id)
	if err != nil {
		return err
	}
	if v == nil {
		return x.redirect("/user", "")
	}
	pg.Problems = dead(v.StatusAt(x.p.engine.Now()))
	return x.render(200, "user_email_verify", pg)
}

func (c *contact) postVerify(x *exchange, a *engine.Actor, f *httpx.Form) error {
	id, _ := f.String("id")
	pg, v, err := c.page(x, a, id)
	if err != nil {
		return err
	}
	if have := c.of(a.User, id); have != nil && have.Verified {
		return x.redirect("/user", c.notice)
	}
	if v != nil && pg.Code.Link {
		return x.refuse("user_email_verify", pg, errNotOpened)
	}
	code, _ := f.String("code")
	code = digits(code)
	if err = f.Err(); err == nil && code == "" {
		err = empty("code")
	}
	if err == nil {
		err = c.attempt(x.p.engine, x.ctx(), a, id, factor.Proof{Code: code})
	}
	switch {
	case err == nil, errors.Is(err, fault.New("verification_already_verified", "")):
		return x.redirect("/user", c.notice)
	case errors.Is(err, fault.New("identification_claimed", "")), over(err):
		return x.refuseUser(a, c.section, nil, err)
	}
	pg, _, err2 := c.page(x, a, id)
	if err2 != nil {
		return err2
	}
	return x.refuse("user_email_verify", pg, err, "code")
}
