package factor

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
)

// maxCode is more than any code has, in bytes.
const maxCode = 16

// prepareCode draws a code for the target of c.
func prepareCode(key []byte, strategy, slug string, c Challenge) (Prepared, error) {
	code, send, err := drawCode(c.Subject.Settings, c.Option.Target)
	if err != nil {
		return Prepared{}, err
	}
	v := Verification{ID: store.NewID("ver", c.Now), Strategy: strategy, Status: Unverified,
		TargetID: c.Option.TargetID, Target: c.Option.Target,
		SentAt: c.Now, ExpireAt: c.Now.Add(c.Subject.Settings.Codes.Lifetime)}
	v.Secret = hashCode(key, &v, code)
	out := Prepared{Verification: v}
	if send {
		out.Send = &Send{Slug: slug, To: v.Target, Code: code, ExpireAt: v.ExpireAt}
	}
	return out, nil
}

// verifyCode compares a code with the challenge of c in constant time.
func verifyCode(key []byte, strategy string, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: strategy}
	if c.Verification == nil {
		return fact, fault.New("verification_missing", "")
	}
	fact.VerificationID = c.Verification.ID
	if len(p.Code) > maxCode {
		p.Code = ""
	}
	fact.OK = subtle.ConstantTimeCompare(hashCode(key, c.Verification, p.Code), c.Verification.Secret) == 1
	return fact, nil
}

// hashCode binds a code to its challenge, purpose and target.
func hashCode(key []byte, v *Verification, code string) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range []string{v.ID, v.Strategy, v.TargetID, v.Target, code} {
		fmt.Fprintf(m, "%d:%s", len(part), part)
	}
	return m.Sum(nil)
}
