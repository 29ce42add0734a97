package signup

import (
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// UsernameRules are the rules of usernames that the settings say.
func UsernameRules(s *settings.Settings) user.UsernameRules {
	u := s.Usernames
	return user.UsernameRules{MinLength: u.MinLength, MaxLength: u.MaxLength, Extended: u.AllowExtendedSpecialCharacters,
		Numeric: u.AllowNumeric, Reserved: u.Reserved}
}

// setPhoneNumber takes a number. Another number drops the verification of the
// one before.
func (a *Attempt) setPhoneNumber(number string, env Env) error {
	const attribute = "phone_number"
	if !env.Settings.PhoneNumber.Enabled || env.Phone == nil {
		return fault.New("form_param_unknown", attribute)
	}
	if number == "" {
		a.PhoneNumber = ""
		delete(a.Verifications, attribute)
		return nil
	}
	p, err := env.Phone(number)
	switch {
	case err != nil:
		return fault.From(err)
	case !env.Settings.Phones.Sends(p.Country):
		return fault.New("unsupported_country_code", attribute)
	case env.Taken(attribute, p.E164) && !env.Veiled:
		return fault.Taken(attribute)
	}
	if p.E164 != a.PhoneNumber {
		delete(a.Verifications, attribute)
	}
	a.PhoneNumber = p.E164
	return nil
}

// setUsername takes a username.
func (a *Attempt) setUsername(name string, env Env) error {
	const attribute = "username"
	if !env.Settings.Username.Enabled {
		return fault.New("form_param_unknown", attribute)
	}
	if name == "" {
		a.Username = ""
		return nil
	}
	if err := UsernameRules(env.Settings).Check(name); err != nil {
		return fault.From(err)
	}
	if env.Taken(attribute, name) {
		return fault.Taken(attribute)
	}
	a.Username = name
	return nil
}
