package signup

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
)

type (
	// PreparePasskey starts the registration of a passkey that is to stand in
	// for a password. UserID is what the device will call the user: the user is
	// made with it.
	PreparePasskey struct {
		UserID       string
		Verification factor.Verification
	}
	// ProvePasskey brings what the device made.
	ProvePasskey struct{ Fact factor.Fact }
)

func (PreparePasskey) input() {}
func (ProvePasskey) input()   {}

const passkey = "passkey"

func (a *Attempt) preparePasskey(in PreparePasskey, env Env) error {
	switch {
	case !env.Settings.Passkeys.SignUp:
		return fault.New("verification_strategy_invalid", "strategy")
	case a.Passkey != nil:
		return fault.New("verification_already_verified", "")
	}
	a.UserID, a.WantsPasskey = in.UserID, true
	a.put(passkey, in.Verification)
	return nil
}

// provePasskey keeps the passkey. It is of a user who does not exist yet: what
// the device calls the owner must be what the attempt told it.
func (a *Attempt) provePasskey(in ProvePasskey, env Env) error {
	if !env.Settings.Passkeys.SignUp {
		return fault.New("verification_strategy_invalid", "strategy")
	}
	v, f := a.Verification(passkey), in.Fact
	f.OK = f.OK && f.UserID == a.UserID && a.UserID != ""
	err := factor.Settle(v, f, env.Settings.Codes, env.Now)
	if v != nil {
		a.put(passkey, *v)
	}
	if err != nil {
		return f.Refused(err, fault.New("passkey_invalid_verification", ""))
	}
	key := f.Passkey
	a.Passkey = &key
	return nil
}
