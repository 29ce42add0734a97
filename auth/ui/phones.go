package ui

import (
	"errors"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
)

// phones shows the phone numbers of an account.
func (x *exchange) phones(p *Profile, a *engine.Actor) {
	p.PhonesOn = x.settings.PhoneNumber.Enabled || len(a.User.PhoneNumbers) > 0
	p.CanVerifyPhone, p.SecondByPhone = x.verification("phone_number") != "", x.settings.Phones.SecondFactor
	for _, id := range a.User.PhoneNumbers {
		p.Phones = append(p.Phones, PhoneNumber{SecondFactor: id.SecondFactor, Default: id.DefaultSecond,
			Address: Address{ID: id.ID, Value: id.Value, Primary: id.ID == a.User.PrimaryPhoneNumberID, Verified: id.Verified}})
	}
}

// postPhone adds a number and sends a code to it.
func postPhone(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	number, _ := f.StringMax("phone_number", 64)
	number = strings.TrimSpace(number)
	if err = f.Err(); err == nil && number == "" {
		err = empty("phone_number")
	}
	id := ""
	if err == nil {
		id, err = x.addPhone(a, number)
	}
	if err != nil {
		return x.refuseUser(a, "phones", map[string]string{"phone_number": number}, err, "phone_number")
	}
	if x.verification("phone_number") == "" {
		return x.redirect("/user", "phone-added")
	}
	return x.sendPhone(a, id, "")
}

func (x *exchange) addPhone(a *engine.Actor, number string) (string, error) {
	added, err := x.p.engine.AddPhoneNumber(x.ctx(), a, number, false)
	if err != nil {
		return "", err
	}
	return added.ID, nil
}

// sendPhone sends a code to a number and leads to where it is typed in.
func (x *exchange) sendPhone(a *engine.Actor, id, notice string) error {
	err := x.p.engine.PreparePhoneNumber(x.ctx(), a, id, x.verification("phone_number"))
	switch {
	case err == nil:
		return x.redirect("/user/phones/verify", notice, "id", id)
	case errors.Is(err, fault.New("verification_code_too_many_requests", "")):
		pg, _, err2 := x.phonePage(a, id)
		if err2 != nil {
			return err2
		}
		return x.refuse("user_email_verify", pg, err)
	}
	return x.refuseUser(a, "phones", nil, err)
}

// changePhone is a handler that does something to a number and says so.
func changePhone(notice string, do func(x *exchange, a *engine.Actor, id string) error) handler {
	return withID(func(x *exchange, a *engine.Actor, id string) error {
		if err := do(x, a, id); err != nil {
			return x.refuseUser(a, "phones", nil, err)
		}
		return x.redirect("/user", notice)
	})
}

func postPhoneSend(x *exchange) error {
	return withID(func(x *exchange, a *engine.Actor, id string) error { return x.sendPhone(a, id, "sent") })(x)
}

func makePhonePrimary(x *exchange, a *engine.Actor, id string) error {
	return x.p.engine.UpdateProfile(x.ctx(), a, engine.ProfileParams{PrimaryPhoneNumberID: &id})
}

func removePhone(x *exchange, a *engine.Actor, id string) error {
	return x.p.engine.DeletePhoneNumber(x.ctx(), a, id)
}

func releasePhone(x *exchange, a *engine.Actor, id string) error {
	off := false
	_, err := x.p.engine.UpdatePhoneNumber(x.ctx(), a, id, engine.PhoneParams{SecondFactor: &off})
	return err
}

func makePhoneDefault(x *exchange, a *engine.Actor, id string) error {
	on := true
	_, err := x.p.engine.UpdatePhoneNumber(x.ctx(), a, id, engine.PhoneParams{Default: &on})
	return err
}

// postPhoneSecond makes a number a second factor. Backup codes that come with
// it are shown at once: nobody sees them again.
func postPhoneSecond(x *exchange) error {
	return withID(func(x *exchange, a *engine.Actor, id string) error {
		on := true
		codes, err := x.p.engine.UpdatePhoneNumber(x.ctx(), a, id, engine.PhoneParams{SecondFactor: &on})
		switch {
		case err != nil:
			return x.refuseUser(a, "phones", nil, err)
		case len(codes) == 0:
			return x.redirect("/user", "phone-second")
		}
		return x.showCodes(a, codes, "phone-second")
	})(x)
}

// phonePage asks for the code that was sent to a number.
func (x *exchange) phonePage(a *engine.Actor, id string) (*Page, *factor.Verification, error) {
	have, v, err := x.p.engine.PhoneNumber(x.ctx(), a, id)
	if err != nil {
		return nil, nil, err
	}
	pg := x.page()
	pg.Account = &Account{SessionID: a.Session.ID, Name: a.User.Name(), Identifier: a.User.Identifier(), Current: true}
	pg.Code = &Code{To: have.Value, ID: id, SMS: true}
	if v != nil {
		pg.Code.Wait = max(0, seconds(v.SentAt.Add(x.settings.Codes.ResendAfter).Sub(x.p.engine.Now())))
	}
	return pg, v, nil
}

func getPhoneVerify(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	id := x.r.URL.Query().Get("id")
	have := a.User.PhoneNumber(id)
	if have == nil || have.Verified {
		return x.redirect("/user", "")
	}
	pg, v, err := x.phonePage(a, id)
	if err != nil {
		return err
	}
	if v == nil {
		return x.redirect("/user", "")
	}
	pg.Problems = dead(v.StatusAt(x.p.engine.Now()))
	return x.render(200, "user_email_verify", pg)
}

func postPhoneVerify(x *exchange) error {
	a, err := x.actor()
	if err != nil {
		return err
	}
	f, err := x.form()
	if err != nil {
		return err
	}
	id, _ := f.String("id")
	code, _ := f.String("code")
	code = digits(code)
	if err = f.Err(); err == nil && code == "" {
		err = empty("code")
	}
	if err == nil {
		err = x.p.engine.AttemptPhoneNumber(x.ctx(), a, id, factor.Proof{Code: code})
	}
	switch {
	case err == nil, errors.Is(err, fault.New("verification_already_verified", "")):
		return x.redirect("/user", "phone")
	case errors.Is(err, fault.New("identification_claimed", "")), over(err):
		return x.refuseUser(a, "phones", nil, err)
	}
	pg, _, err2 := x.phonePage(a, id)
	if err2 != nil {
		return err2
	}
	return x.refuse("user_email_verify", pg, err, "code")
}
