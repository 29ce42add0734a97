package factor

import (
	"errors"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
)

// CanResend refuses another challenge of the same strategy and target that
// comes too soon after v, which may be nil.
func CanResend(v *Verification, next Verification, codes settings.Codes, now time.Time) error {
	if v == nil || v.SentAt.IsZero() || v.Target != next.Target || v.Strategy != next.Strategy {
		return nil
	}
	if wait := v.SentAt.Add(codes.ResendAfter).Sub(now); wait > 0 {
		return fault.New("verification_code_too_many_requests", "").After(wait)
	}
	return nil
}

// Settle consumes a fact about a prepared challenge: it marks v verified, or
// counts a wrong try and says so. v is the challenge as stored in this
// transaction, which decides: one that is used up, out of date or not the one
// that was judged is refused whatever the fact says.
func Settle(v *Verification, f Fact, codes settings.Codes, now time.Time) error {
	if v == nil {
		return fault.New("verification_missing", "")
	}
	if v.Strategy != f.Strategy {
		return fault.New("verification_strategy_invalid", "strategy")
	}
	if err := usable(v, now); err != nil {
		return err
	}
	if v.ID != f.VerificationID {
		return fault.New("form_code_incorrect", "code") // a newer code is out
	}
	v.Attempts++
	if f.OK {
		v.Status, v.VerifiedAt, v.Secret, v.Nonce, v.ClientID = Verified, now, nil, "", f.ClientID
		return nil
	}
	if v.Attempts >= codes.Tries {
		v.Status, v.Secret, v.Nonce = Failed, nil, ""
	}
	return fault.New("form_code_incorrect", "code")
}

func usable(v *Verification, now time.Time) error {
	switch v.StatusAt(now) {
	case Verified, Transferable:
		return fault.New("verification_already_verified", "")
	case Failed:
		return fault.New("verification_failed", "code")
	case Expired:
		return fault.New("verification_expired", "code")
	}
	return nil
}

// Refused gives the refusal of a wrong proof the words of its strategy; other
// refusals, such as of one that comes too late, stay.
func (f Fact) Refused(err, wrong error) error {
	if !f.OK && errors.Is(err, fault.New("form_code_incorrect", "")) {
		return wrong
	}
	return err
}
