package factor

import (
	"context"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
)

// PhoneCode is the strategy of a six-digit code in a text message: as a first
// factor, as a second one of numbers that are reserved for it, and for
// verifying a number; or, with ForReset, as the way to a new password.
type PhoneCode struct {
	// Key makes the hashes of codes useless to whoever reads the store.
	Key []byte
	// ForReset makes it reset_password_phone_code.
	ForReset bool
}

// Traits names it phone_code or reset_password_phone_code.
func (p PhoneCode) Traits() Traits {
	t := Traits{Name: "phone_code", Uses: First | Second | Verify, Prepare: true, Field: "phone_number_id", Attribute: "phone_number", Proof: "code"}
	if p.ForReset {
		t.Name, t.Uses = "reset_password_phone_code", Reset
	}
	return t
}

// Options offers every number that is the user's. One that is reserved for a
// second factor is good for that alone: else one message would show both.
func (p PhoneCode) Options(s Subject) []Option {
	if s.User == nil || !s.Settings.PhoneNumber.Enabled {
		return nil
	}
	var out []Option
	for _, id := range s.User.PhoneNumbers {
		o := Option{Strategy: p.Traits().Name, TargetID: id.ID, Target: id.Value}
		switch {
		case id.SecondFactor:
			o.Uses, o.Default, o.Primary = Second, id.DefaultSecond, id.DefaultSecond
			if p.ForReset || !id.Verified || !s.Settings.Phones.SecondFactor {
				continue
			}
		case !id.Claims() || !p.first(s):
			continue
		default:
			o.Uses, o.Primary = First|Reset, id.ID == s.User.PrimaryPhoneNumberID
		}
		out = append(out, o)
	}
	return out
}

// first reports whether the strategy is on as a first factor.
func (p PhoneCode) first(s Subject) bool {
	if p.ForReset {
		return s.Settings.Password.Enabled && s.User.PasswordEnabled && len(s.Settings.PhoneNumber.Verifications) > 0
	}
	return contains(s.Settings.PhoneNumber.Strategies, "phone_code")
}

// Prepare draws a code.
func (p PhoneCode) Prepare(_ context.Context, c Challenge) (Prepared, error) {
	if c.Option.Target == "" {
		return Prepared{}, fault.New("form_param_nil", "phone_number")
	}
	slug := notify.VerificationCode
	if p.ForReset {
		slug = notify.ResetPasswordCode
	}
	out, err := prepareCode(p.Key, p.Traits().Name, slug, c)
	if out.Send != nil {
		out.Send.SMS = true
	}
	return out, err
}

// Verify compares in constant time.
func (p PhoneCode) Verify(_ context.Context, c Challenge, proof Proof) (Fact, error) {
	return verifyCode(p.Key, p.Traits().Name, c, proof)
}

// Confirm has nothing to add to [Settle], which knows the stored challenge.
func (PhoneCode) Confirm(f Fact, _ Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}
