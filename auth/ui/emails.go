package ui

import (
	"errors"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
)

// postEmail adds an address and sends a code to it.
func postEmail(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	address, _ := f.StringMax("email_address", 320)
	address = strings.TrimSpace(address)
	if err = f.Err(); err == nil && address == "" {
		err = empty("email_address")
	}
	id := ""
	if err == nil {
		id, err = x.addEmail(a, address)
	}
	if err != nil {
		return x.refuseUser(a, "emails", map[string]string{"email_address": address}, err, "email_address")
	}
	if x.verification("email_address") == "" {
		return x.redirect("/user", "email-added")
	}
	return x.sendEmail(a, id, "")
}

func (x *exchange) addEmail(a *engine.Actor, address string) (string, error) {
	added, err := x.p.engine.AddEmailAddress(x.ctx(), a, address)
	if err != nil {
		return "", err
	}
	return added.ID, nil
}

// sendEmail sends a code to an address and leads to where it is typed in.
func (x *exchange) sendEmail(a *engine.Actor, id, notice string) error {
	x.b.ReturnTo = x.url("/link/done")
	err := x.p.engine.PrepareEmailAddress(x.ctx(), a, id, x.verification("email_address"))
	switch {
	case err == nil:
		return x.redirect("/user/emails/verify", notice, "id", id)
	case errors.Is(err, fault.New("verification_code_too_many_requests", "")):
		pg, _, err2 := x.emailPage(a, id)
		if err2 != nil {
			return err2
		}
		return x.refuse("user_email_verify", pg, err)
	}
	return x.refuseUser(a, "emails", nil, err)
}

// withID runs fn with the address that a form names.
func withID(fn func(x *exchange, a *engine.Actor, id string) error) handler {
	return func(x *exchange) error {
		a, err := x.actor()
		if err != nil {
			return err
		}
		f, err := x.form()
		if err != nil {
			return err
		}
		id, _ := f.String("id")
		if err := f.Err(); err != nil {
			return err
		}
		return fn(x, a, id)
	}
}

func postEmailSend(x *exchange) error {
	return withID(func(x *exchange, a *engine.Actor, id string) error { return x.sendEmail(a, id, "sent") })(x)
}

func postEmailPrimary(x *exchange) error {
	return withID(func(x *exchange, a *engine.Actor, id string) error {
		if err := x.p.engine.UpdateProfile(x.ctx(), a, engine.ProfileParams{PrimaryEmailAddressID: &id}); err != nil {
			return x.refuseUser(a, "emails", nil, err)
		}
		return x.redirect("/user", "email-primary")
	})(x)
}

func postEmailRemove(x *exchange) error {
	return withID(func(x *exchange, a *engine.Actor, id string) error {
		if err := x.p.engine.DeleteEmailAddress(x.ctx(), a, id); err != nil {
			return x.refuseUser(a, "emails", nil, err)
		}
		return x.redirect("/user", "email-removed")
	})(x)
}

// emailPage asks for the code that was sent to an address.
func (x *exchange) emailPage(a *engine.Actor, id string) (*Page, *factor.Verification, error) {
	have, v, err := x.p.engine.EmailAddress(x.ctx(), a, id)
	if err != nil {
		return nil, nil, err
	}
	pg := x.page()
	pg.Account = &Account{SessionID: a.Session.ID, Name: a.User.Name(), Identifier: a.User.Identifier(), Current: true}
	pg.Code = &Code{To: have.Value, ID: id}
	if v != nil {
		pg.Code.Link = v.Strategy == byLink
		pg.Code.Wait = max(0, seconds(v.SentAt.Add(x.settings.Codes.ResendAfter).Sub(x.p.engine.Now())))
	}
	return pg, v, nil
}

func getEmailVerify(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	id := x.r.URL.Query().Get("id")
	have := a.User.EmailAddress(id)
	if have == nil || have.Verified {
		return x.redirect("/user", "")
	}
	pg, v, err := x.emailPage(a, id)
	if err != nil {
		return err
	}
	if v == nil {
		return x.redirect("/user", "")
	}
	pg.Problems = dead(v.StatusAt(x.p.engine.Now()))
	return x.render(200, "user_email_verify", pg)
}

func postEmailVerify(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("id")
	pg, v, err := x.emailPage(a, id)
	if err != nil {
		return err
	}
	if have := a.User.EmailAddress(id); have != nil && have.Verified {
		return x.redirect("/user", "email")
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
		err = x.p.engine.AttemptEmailAddress(x.ctx(), a, id, factor.Proof{Code: code})
	}
	switch {
	case err == nil, errors.Is(err, fault.New("verification_already_verified", "")):
		return x.redirect("/user", "email")
	case errors.Is(err, fault.New("identification_claimed", "")), over(err):
		return x.refuseUser(a, "emails", nil, err)
	}
	pg, _, err2 := x.emailPage(a, id)
	if err2 != nil {
		return err2
	}
	return x.refuse("user_email_verify", pg, err, "code")
}
