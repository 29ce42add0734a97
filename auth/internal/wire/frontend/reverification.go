package frontend

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/signin"
)

// Reverification is a step-up of a session.
type Reverification struct {
	Object                   string             `json:"object"`
	Level                    string             `json:"level"`
	Status                   string             `json:"status"`
	SupportedFirstFactors    []Factor           `json:"supported_first_factors"`
	SupportedSecondFactors   []Factor           `json:"supported_second_factors"`
	FirstFactorVerification  *wire.Verification `json:"first_factor_verification"`
	SecondFactorVerification *wire.Verification `json:"second_factor_verification"`
	Session                  *Session           `json:"session"`
}

// Reverification is v.
func (e Encoder) Reverification(v *engine.ReverificationView) *Reverification {
	return &Reverification{Object: "session_reverification", Level: string(v.Level), Status: string(v.Status),
		SupportedFirstFactors: ownFactors(v, v.First), SupportedSecondFactors: ownFactors(v, v.Second),
		FirstFactorVerification:  wire.NewVerification(v.Attempt.First, v.Now),
		SecondFactorVerification: wire.NewVerification(v.Attempt.Second, v.Now),
		Session:                  e.Session(v.Session, v.Now)}
}

// ownFactors are factors of somebody who is signed in, and is told whole.
func ownFactors(v *engine.ReverificationView, options []factor.Option) []Factor {
	known := &signin.Attempt{FirstAt: v.Session.CreatedAt}
	return factors(&engine.SignInView{Attempt: known, User: v.Session.User, Settings: v.Settings, Now: v.Now}, options)
}
