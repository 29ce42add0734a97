package signin

import (
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// trustDue reports whether env's user must show, with a code, that a browser
// which the account does not know is the user's: after a password alone, which
// may have been stolen. Where there is no address that a code could go to, a
// password is enough: nobody could get in otherwise.
func (a *Attempt) trustDue(env Env) bool {
	return env.Settings.Protection.ClientTrust && a.Strategy == "password" && a.SecondAt.IsZero() && a.TrustAt.IsZero() &&
		!a.PasswordSet && !env.Familiar && !env.User.BypassClientTrust && len(TrustOptions(env)) > 0
}

// TrustOptions lists the codes that show that a browser is the user's: to each
// address or number that the user has proved.
func TrustOptions(env Env) []factor.Option {
	if env.User == nil {
		return nil
	}
	var out []factor.Option
	for _, of := range []struct {
		attribute, primary string
		on                 settings.Attribute
		ids                []user.Identification
	}{
		{"email_address", env.User.PrimaryEmailAddressID, env.Settings.EmailAddress, env.User.EmailAddresses},
		{"phone_number", env.User.PrimaryPhoneNumberID, env.Settings.PhoneNumber, env.User.PhoneNumbers},
	} {
		for _, name := range env.Strategies.Verifying(of.attribute, slices.Concat(of.on.Verifications, of.on.Strategies)) {
			if st, ok := env.Strategies.Get(name); !ok || st.Traits().Elsewhere {
				continue // the link would have to find its way back here
			}
			for _, id := range of.ids {
				if id.Verified {
					out = append(out, factor.Option{Strategy: name, TargetID: id.ID, Target: id.Value, Primary: id.ID == of.primary})
				}
			}
		}
	}
	return out
}
