package factor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
)

// EmailLink is the strategy of a link in a mail, as a first factor and for
// verifying an address. The link carries 256 random bits of its own, which are
// the only way to prove it: there is no code to guess.
type EmailLink struct {
	// Key makes the hashes of links useless to whoever reads the store.
	Key []byte
}

const emailLink = "email_link"

// Traits names it email_link.
func (EmailLink) Traits() Traits {
	return Traits{Name: emailLink, Uses: First | Verify, Prepare: true, Field: "email_address_id", Attribute: "email_address", Elsewhere: true}
}

// Options offers every address that is the user's.
func (EmailLink) Options(s Subject) []Option {
	if s.User == nil || !contains(s.Settings.EmailAddress.Strategies, emailLink) {
		return nil
	}
	var out []Option
	for _, id := range s.User.EmailAddresses {
		if id.Claims() {
			out = append(out, Option{Strategy: emailLink, TargetID: id.ID, Target: id.Value,
				Primary: id.ID == s.User.PrimaryEmailAddressID})
		}
	}
	return out
}

// Prepare draws a token. Which mail carries it depends on what it is for, which
// the caller knows.
func (e EmailLink) Prepare(_ context.Context, c Challenge) (Prepared, error) {
	if c.Option.Target == "" {
		return Prepared{}, fault.New("form_param_nil", "email_address")
	}
	random := make([]byte, 32)
	rand.Read(random)
	token := base64.RawURLEncoding.EncodeToString(random)
	v := Verification{ID: store.NewID("ver", c.Now), Strategy: emailLink, Status: Unverified,
		TargetID: c.Option.TargetID, Target: c.Option.Target,
		SentAt: c.Now, ExpireAt: c.Now.Add(c.Subject.Settings.Codes.Lifetime)}
	v.Secret = e.hash(&v, token)
	return Prepared{Verification: v, Send: &Send{To: v.Target, Token: token, VerificationID: v.ID, ExpireAt: v.ExpireAt}}, nil
}

// Verify compares in constant time.
func (e EmailLink) Verify(_ context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: emailLink}
	if c.Verification == nil {
		return fact, fault.New("verification_missing", "")
	}
	fact.VerificationID = c.Verification.ID
	fact.OK = len(p.Token) == 43 && subtle.ConstantTimeCompare(e.hash(c.Verification, p.Token), c.Verification.Secret) == 1
	return fact, nil
}

// Confirm has nothing to add to [Settle], which knows the stored challenge.
func (EmailLink) Confirm(f Fact, _ Subject) error {
	if !f.OK {
		return fault.New("verification_link_token_invalid", "")
	}
	return nil
}

// hash binds a token to its challenge, purpose and address.
func (e EmailLink) hash(v *Verification, token string) []byte {
	m := hmac.New(sha256.New, e.Key)
	for _, part := range []string{v.ID, v.Strategy, v.TargetID, v.Target, token} {
		fmt.Fprintf(m, "%d:%s", len(part), part)
	}
	return m.Sum(nil)
}
