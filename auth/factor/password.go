package factor

import (
	"context"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user/password"
)

// Password is the strategy of a password that the user knows.
type Password struct {
	// Hasher judges passwords in its bounded pool.
	Hasher *password.Hasher
	// Breached reports whether a right password is known to others. It is asked
	// where the settings say so; nil never.
	Breached func(ctx context.Context, plain string) bool
}

// Traits names it password.
func (Password) Traits() Traits { return Traits{Name: "password", Uses: First, Proof: "password"} }

// Options offers it to everybody who has a password.
func (Password) Options(s Subject) []Option {
	if s.User == nil || !s.User.PasswordEnabled || !s.Settings.Password.Enabled {
		return nil
	}
	return []Option{{Strategy: "password"}}
}

// Prepare is refused: there is nothing to prepare.
func (Password) Prepare(context.Context, Challenge) (Prepared, error) {
	return Prepared{}, fault.New("verification_strategy_invalid", "strategy")
}

// Verify compares. A person without a password, or nobody at all, costs the
// same work.
func (p Password) Verify(ctx context.Context, c Challenge, proof Proof) (Fact, error) {
	fact := Fact{Strategy: "password"}
	if c.Subject.Password == nil {
		return fact, p.Hasher.Dummy(ctx, proof.Account, proof.Password)
	}
	fact.UserID, fact.PasswordHash = c.Subject.User.ID, c.Subject.Password.Hash
	res, err := p.Hasher.Verify(ctx, c.Subject.Password.Hash, proof.Password)
	if err != nil {
		return fact, err
	}
	fact.OK = res.OK
	if !res.OK {
		return fact, nil
	}
	if p.Breached != nil && c.Subject.Settings.Password.EnforceBreachesOnSignIn {
		fact.Breached = p.Breached(ctx, proof.Password)
	}
	if res.Rehash && !fact.Breached {
		// What cannot be hashed anew, as it was set where more is allowed or as
		// too many are waiting, stays as it is until another time.
		fact.Rehash, _ = p.Hasher.Hash(ctx, proof.Password)
	}
	return fact, ctx.Err()
}

// Confirm demands the very password that was judged, of the very user: either
// may have changed hands since. Hashes are salted, so an equal one is the same
// password.
func (Password) Confirm(f Fact, s Subject) error {
	switch {
	case !f.OK || s.User == nil || s.User.ID != f.UserID || s.Password == nil || s.Password.Hash != f.PasswordHash:
		return fault.New("form_password_incorrect", "password")
	case s.Password.Compromised:
		return fault.New("form_password_compromised", "password")
	case f.Breached:
		return fault.New("form_password_pwned", "password").
			Say("Your password has been found in a data breach and cannot be used any more. Please reset it.")
	}
	return nil
}
