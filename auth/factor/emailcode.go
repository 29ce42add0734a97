package factor

import (
	"context"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
)

// EmailCode is the strategy of a six-digit code in a mail: as a first factor
// and for verifying an address, or, with ForReset, as the way to a new
// password.
type EmailCode struct {
	// Key makes the hashes of codes useless to whoever reads the store.
	Key []byte
	// ForReset makes it reset_password_email_code.
	ForReset bool
}

// Traits names it email_code or reset_password_email_code.
func (e EmailCode) Traits() Traits {
	t := Traits{Name: "email_code", Uses: First | Verify, Prepare: true, Field: "email_address_id", Attribute: "email_address", Proof: "code"}
	if e.ForReset {
		t.Name, t.Uses = "reset_password_email_code", Reset
	}
	return t
}

// Options offers every address that is the user's.
func (e EmailCode) Options(s Subject) []Option {
	if s.User == nil || !e.enabled(s) {
		return nil
	}
	var out []Option
	for _, id := range s.User.EmailAddresses {
		if id.Claims() {
			out = append(out, Option{Strategy: e.Traits().Name, TargetID: id.ID, Target: id.Value,
				Primary: id.ID == s.User.PrimaryEmailAddressID})
		}
	}
	return out
}

func (e EmailCode) enabled(s Subject) bool {
	if e.ForReset {
		return s.Settings.Password.Enabled && s.User.PasswordEnabled
	}
	return contains(s.Settings.EmailAddress.Strategies, "email_code")
}

// Prepare draws a code.
func (e EmailCode) Prepare(_ context.Context, c Challenge) (Prepared, error) {
	if c.Option.Target == "" {
		return Prepared{}, fault.New("form_param_nil", "email_address")
	}
	slug := notify.VerificationCode
	if e.ForReset {
		slug = notify.ResetPasswordCode
	}
	return prepareCode(e.Key, e.Traits().Name, slug, c)
}

// Verify compares in constant time.
func (e EmailCode) Verify(_ context.Context, c Challenge, p Proof) (Fact, error) {
	return verifyCode(e.Key, e.Traits().Name, c, p)
}

// Confirm has nothing to add to [Settle], which knows the stored challenge.
func (EmailCode) Confirm(f Fact, _ Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}
