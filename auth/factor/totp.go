package factor

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user/totp"
)

// TOTP is the strategy of a code of an authenticator app, as a second factor.
type TOTP struct{}

// Traits names it totp.
func (TOTP) Traits() Traits { return Traits{Name: "totp", Uses: Second, Proof: "code"} }

// Options offers it to everybody who has set up an app.
func (TOTP) Options(s Subject) []Option {
	if s.User == nil || !s.User.TOTPEnabled || !s.Settings.SecondFactors.TOTP {
		return nil
	}
	return []Option{{Strategy: "totp"}}
}

// Prepare is refused: the app makes codes by itself.
func (TOTP) Prepare(context.Context, Challenge) (Prepared, error) {
	return Prepared{}, fault.New("verification_strategy_invalid", "strategy")
}

// Verify finds the step that the code belongs to.
func (TOTP) Verify(_ context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: "totp"}
	if c.Subject.User == nil || c.Subject.Second == nil || c.Subject.Second.TOTP == nil {
		return fact, nil
	}
	app := c.Subject.Second.TOTP
	fact.UserID, fact.AppID = c.Subject.User.ID, app.ID
	fact.Step, fact.OK = totp.Verify(app.Secret, p.Code, c.Now, app.LastStep)
	return fact, nil
}

// Confirm demands that the app is still the one whose code was judged, and that
// no code of this step or a later one has been used since.
func (TOTP) Confirm(f Fact, s Subject) error {
	if !f.OK || s.User == nil || s.User.ID != f.UserID || s.Second == nil || s.Second.TOTP == nil ||
		s.Second.TOTP.ID != f.AppID || f.Step <= s.Second.TOTP.LastStep {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}

// Spend writes down the step: only later ones are good from now on.
func (TOTP) Spend(f Fact, s Subject, _ time.Time) { s.Second.TOTP.LastStep = f.Step }
