package ui

import (
	"github.com/usherauth/usher/auth/internal/engine"
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
func postPhoneSecond(x *exchange, a *engine.Actor, id string) error {
	on := true
	codes, err := x.p.engine.UpdatePhoneNumber(x.ctx(), a, id, engine.PhoneParams{SecondFactor: &on})
	switch {
	case err != nil:
		return x.refuseUser(a, "phones", nil, err)
	case len(codes) == 0:
		return x.redirect("/user", "phone-second")
	}
	return x.showCodes(a, codes, "phone-second")
}
