package signin

import (
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user"
)

// veiled reports whether nothing may tell yet if there is a user.
func (a *Attempt) veiled() bool { return a.Masked && a.FirstAt.IsZero() }

// Veiled reports whether nothing may tell yet if the attempt has a user.
func (a *Attempt) Veiled() bool { return a.veiled() }

// offered is whom the ways to go on are made up for.
func (a *Attempt) offered(env Env) factor.Subject {
	s := env.subject()
	if a.veiled() && env.Mask != nil {
		s.User = env.Mask
	}
	return s
}

// identifyMasked goes on the same way whether there is a user or not. Only who
// is signed in here already hears of it: that browser knows.
func (a *Attempt) identifyMasked(in Identify, env Env) error {
	if env.User != nil {
		for sid, uid := range env.SignedIn {
			if uid == env.User.ID {
				return fault.New("identifier_already_signed_in", "").With("session_id", sid)
			}
		}
		a.UserID = env.User.ID
	} else {
		a.UserID = env.Mask.ID // of nobody, so that the records are alike
	}
	a.Masked, a.OrSignUp, a.Identifier = true, in.OrSignUp, in.Identifier
	a.move(NeedsFirstFactor)
	return nil
}

// unveil says what was held back until the first factor was shown, or, if the
// proof was refused, nothing about what was wrong with it.
func (a *Attempt) unveil(refused error, env Env) error {
	if errors.Is(refused, fault.New("form_password_incorrect", "")) {
		return fault.New("form_password_or_identifier_incorrect", "password")
	}
	if refused != nil {
		return refused
	}
	return a.recognize(env)
}

// target is the identification of the user that a challenge was for. The one
// that was offered behind a mask has another ID.
func (a *Attempt) target(v *factor.Verification, env Env) string {
	if !a.veiled() || env.User == nil {
		return v.TargetID
	}
	_, canonical := user.Classify(v.Target)
	for _, id := range slices.Concat(env.User.EmailAddresses, env.User.PhoneNumbers) {
		if id.Canonical == canonical {
			return id.ID
		}
	}
	return v.TargetID
}
