package signin

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
)

// welcome settles the proof of an identifier that nobody has, in an attempt
// that may become a sign-up. Until then nothing has told whether somebody has
// it: now whoever owns it is told that nobody does.
func (a *Attempt) welcome(slot **factor.Verification, uses factor.Use, f factor.Fact, env Env) error {
	if *slot == nil {
		return fault.New("verification_missing", "")
	}
	v := **slot // the former Attempt keeps its own
	*slot = &v
	if _, ok := a.option(uses, v.Strategy, v.TargetID, env); !ok || v.TargetID == "" {
		return fault.New("strategy_for_user_invalid", "strategy")
	}
	if err := factor.Settle(&v, f, env.Settings.Codes, env.Now); err != nil {
		return err
	}
	v.Status = factor.Transferable
	return fault.New("sign_up_if_missing_transfer", "")
}

// TransferAddress returns the challenge of an address that nobody has, and that
// a sign-up can take over; nil: there is nothing to take.
func (a *Attempt) TransferAddress() *factor.Verification {
	if !a.OrSignUp || a.First == nil || a.First.Status != factor.Transferable {
		return nil
	}
	return a.First
}
