package engine

import (
	"cmp"
	"context"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user/passkey"
)

const byPasskey = "passkey"

// PrepareSignUpPasskey draws the challenge for a passkey that is to stand in
// for a password. It is in the sign-up's verification of passkey.
func (e *Engine) PrepareSignUpPasskey(ctx context.Context, b *Browser, id string) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allow("attempt_sign_up", b.Addr, s.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	ctx = withOrigin(ctx, b.Origin)
	return e.stepSignUp(ctx, b, id, func(s *settings.Settings, a *signup.Attempt) (signup.Input, error) {
		in := signup.PreparePasskey{UserID: store.NewID("user", e.now())}
		name := cmp.Or(a.EmailAddress, s.AppName)
		var err error
		in.Verification, err = e.passkeys.PrepareRegistration(ctx, passkey.Person{Handle: in.UserID, Name: name}, s, e.now())
		return in, err
	})
}

// AttemptSignUpPasskey takes the passkey that a device made; it may complete
// the sign-up.
func (e *Engine) AttemptSignUpPasskey(ctx context.Context, b *Browser, id string, p factor.Proof) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allow("attempt_sign_up", b.Addr, s.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	ctx = withOrigin(ctx, b.Origin)
	return e.stepSignUp(ctx, b, id, func(s *settings.Settings, a *signup.Attempt) (signup.Input, error) {
		v := a.Verification(byPasskey)
		if v == nil {
			return nil, fault.New("verification_missing", "")
		}
		f, err := e.passkeys.Registered(ctx, v, p, s, e.now())
		f.Passkey.Name = deviceName(b.Request)
		return signup.ProvePasskey{Fact: f}, err
	})
}
