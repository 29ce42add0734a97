package factor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
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
	code, send, err := drawCode(c.Subject.Settings, c.Option.Target)
	if err != nil {
		return Prepared{}, err
	}
	v := Verification{ID: store.NewID("ver", c.Now), Strategy: e.Traits().Name, Status: Unverified,
		TargetID: c.Option.TargetID, Target: c.Option.Target,
		SentAt: c.Now, ExpireAt: c.Now.Add(c.Subject.Settings.Codes.Lifetime)}
	v.Secret = e.hash(&v, code)
	if !send {
		return Prepared{Verification: v}, nil
	}
	slug := notify.VerificationCode
	if e.ForReset {
		slug = notify.ResetPasswordCode
	}
	return Prepared{Verification: v, Send: &Send{Slug: slug, To: v.Target, Code: code, ExpireAt: v.ExpireAt}}, nil
}

// Verify compares in constant time.
func (e EmailCode) Verify(_ context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: e.Traits().Name}
	if c.Verification == nil {
		return fact, fault.New("verification_missing", "")
	}
	fact.VerificationID = c.Verification.ID
	if len(p.Code) > 16 {
		p.Code = ""
	}
	fact.OK = subtle.ConstantTimeCompare(e.hash(c.Verification, p.Code), c.Verification.Secret) == 1
	return fact, nil
}

// Confirm has nothing to add to [Settle], which knows the stored challenge.
func (EmailCode) Confirm(f Fact, _ Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}

// hash binds a code to its challenge, purpose and address.
func (e EmailCode) hash(v *Verification, code string) []byte {
	m := hmac.New(sha256.New, e.Key)
	for _, part := range []string{v.ID, v.Strategy, v.TargetID, v.Target, code} {
		fmt.Fprintf(m, "%d:%s", len(part), part)
	}
	return m.Sum(nil)
}
