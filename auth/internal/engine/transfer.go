package engine

import (
	"context"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// transferFor is how long what somebody has shown to be elsewhere can be taken
// over.
const transferFor = 30 * time.Minute

// handedOver is the challenge of an attempt that takes over what another one
// has proved.
func handedOver(id *oauth.Identity, now time.Time) factor.Verification {
	return factor.Verification{ID: store.NewID("ver", now), Strategy: "oauth_" + id.Provider, Status: factor.Unverified, ExpireAt: now.Add(factor.AwayFor)}
}

// TransferToSignIn begins a sign-in with what the client's sign-up found out:
// that somebody who comes from another service has an account here.
func (e *Engine) TransferToSignIn(ctx context.Context, b *Browser) (*signin.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allow("create_sign_in", b.Addr, s.Limits.CreateSignIn); err != nil {
		return nil, err
	}
	var a signin.Attempt
	err := e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) error {
		from, err := signup.Get(ctx, t, c.SignUpID)
		if missingAs(err, nil) != nil {
			return err
		}
		if err != nil || from.ClientID != c.ID || from.StatusAt(t.now) != signup.MissingRequirements || from.Transfer() == nil ||
			!t.now.Before(from.Verification(factor.ExternalAccount).VerifiedAt.Add(transferFor)) {
			return fault.New("account_transfer_invalid", "")
		}
		id := from.Transfer()
		from.External = nil
		if err := signup.Put(ctx, t, from); err != nil {
			return err
		}
		c.SignUpID = ""
		a = signin.New(c.ID, s.SignIn.AbandonAfter, t.now)
		v := handedOver(id, t.now)
		a.First = &v
		run := signInRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s}
		if a, err = run.arrive(ctx, a, v.ID, id, ""); err != nil {
			return err
		}
		if !a.Final() {
			c.SignInID = a.ID
			c.KeepUntil(a.AbandonAt.Add(day))
		}
		return signin.Put(ctx, t, &a)
	})
	return &a, missingClient(err)
}

// TransferToSignUp begins a sign-up with what the client's sign-in found out:
// that somebody who comes from another service, or has proved an address, has
// no account here. p are further fields.
func (e *Engine) TransferToSignUp(ctx context.Context, b *Browser, p SignUpParams) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allowSignUp(b, s); err != nil {
		return nil, err
	}
	in, err := e.signUpInput(ctx, b, s, p, nil)
	if err != nil {
		return nil, err
	}
	in.More = true
	human := !s.Captcha.SignUp || e.human(b)
	if !human && p.CaptchaToken != "" {
		if err := e.proveHuman(ctx, b, p.CaptchaToken, p.OwnPage); err != nil {
			return nil, err
		}
		human = true
	}
	var a signup.Attempt
	err = e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) error {
		from, err := signin.Get(ctx, t, c.SignInID)
		if missingAs(err, nil) != nil {
			return err
		}
		if err != nil || from.ClientID != c.ID || from.StatusAt(t.now) == signin.Abandoned || from.Transfer() == nil && from.TransferAddress() == nil ||
			!t.now.Before(from.First.VerifiedAt.Add(transferFor)) {
			return fault.New("account_transfer_invalid", "")
		}
		id, address := from.Transfer(), from.TransferAddress()
		if address != nil && !human { // programs have addresses by the thousand, unlike accounts elsewhere
			return fault.New("captcha_missing_token", "")
		}
		from.External, from.First = nil, nil
		if err := signin.Put(ctx, t, from); err != nil {
			return err
		}
		c.SignInID = ""
		in := in
		attribute := ""
		if address != nil {
			st, _ := e.strategies.Get(address.Strategy)
			if attribute = st.Traits().Attribute; attribute == "phone_number" {
				in.PhoneNumber = &address.Target
			} else {
				in.EmailAddress = &address.Target
			}
		}
		run := signUpRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s}
		a = signup.New(c.ID, s.SignUp.AbandonAfter, t.now)
		c.SignUpID = a.ID
		next, refused, err := run.step(ctx, a, in)
		if err != nil || refused != nil {
			return firstError(err, refused)
		}
		if address != nil {
			next.Verifications = map[string]factor.Verification{attribute: {ID: address.ID, Strategy: address.Strategy,
				Status: factor.Verified, Target: next.Value(attribute), VerifiedAt: address.VerifiedAt, ExpireAt: address.ExpireAt}}
			a, refused, err = run.step(ctx, next, signup.Update{})
		} else {
			v := handedOver(id, t.now)
			next.Verifications = map[string]factor.Verification{factor.ExternalAccount: v}
			a, err = run.arrive(ctx, next, v.ID, id, "")
		}
		if err != nil || refused != nil {
			return firstError(err, refused)
		}
		c.KeepUntil(a.AbandonAt.Add(day))
		return signup.Put(ctx, t, &a)
	})
	return &a, missingClient(err)
}

// missingClient is what a browser without a client hears that wants to take
// something over.
func missingClient(err error) error {
	if f := fault.From(err); err != nil && f.Code == "client_not_found" {
		return fault.New("account_transfer_invalid", "")
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// mayOrSignUp refuses a sign-in that cannot become a sign-up: only an address
// or number that is proved by what is sent to it can, and only where anybody may
// sign up.
func (e *Engine) mayOrSignUp(s *settings.Settings, p SignInParams) error {
	if !p.OrSignUp {
		return nil
	}
	if s.SignUp.Mode != settings.Public {
		return fault.New("sign_up_if_missing_not_allowed", "sign_up_if_missing")
	}
	if p.Password != nil || !slices.ContainsFunc(provable(s, p.Identifier), func(name string) bool { return p.Strategy == "" || p.Strategy == name }) {
		return fault.New("sign_up_if_missing_strategy_not_supported", "strategy")
	}
	return nil
}

// provable lists the strategies that prove an identifier by what is sent to it.
func provable(s *settings.Settings, identifier string) []string {
	index, _ := user.Classify(identifier)
	a := map[string]settings.Attribute{"email": s.EmailAddress, "phone": s.PhoneNumber}[index]
	if !a.Enabled {
		return nil
	}
	return a.Strategies
}

// CanOrSignUp reports whether a sign-in with an identifier can become a sign-up
// if nobody has it.
func (e *Engine) CanOrSignUp(s *settings.Settings, identifier string) bool {
	return e.mayOrSignUp(s, SignInParams{Identifier: e.named(identifier, s), OrSignUp: true}) == nil
}

// BeginSignIn begins a sign-in that nobody is named in yet, in place of the
// client's former one: clients do so to forget that one.
func (e *Engine) BeginSignIn(ctx context.Context, b *Browser) (*signin.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allow("create_sign_in", b.Addr, s.Limits.CreateSignIn); err != nil {
		return nil, err
	}
	var a signin.Attempt
	err := e.change(ctx, b, true, func(t *txn, c *session.Client, _ func()) error {
		a = signin.New(c.ID, s.SignIn.AbandonAfter, t.now)
		c.SignInID = a.ID
		c.KeepUntil(a.AbandonAt.Add(day))
		return signin.Put(ctx, t, &a)
	})
	return &a, err
}
