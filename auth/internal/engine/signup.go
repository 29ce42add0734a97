package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// SignUpParams are the fields of a sign-up; nil leaves one as it is.
type SignUpParams struct {
	EmailAddress, PhoneNumber, Username   *string
	FirstName, LastName, Password, Locale *string
	UnsafeMetadata                        json.RawMessage
	LegalAccepted                         *bool
	// Strategy, if given, is prepared at once for the address given.
	Strategy string
	// Ticket is that of an invitation.
	Ticket string
	// CaptchaToken shows that a person signs up, where the settings ask for it.
	// OwnPage: it was made on a page of usher's own, by a proof of work.
	CaptchaToken string
	OwnPage      bool
	// Passkey: one is to stand in for a password, see PrepareSignUpPasskey. The
	// sign-up waits for it.
	Passkey bool
}

// SetEither takes a text for the e-mail address or the phone number, as people
// like.
func (p *SignUpParams) SetEither(text string) {
	if strings.ContainsRune(text, '@') {
		p.EmailAddress = &text
	} else {
		p.PhoneNumber = &text
	}
}

// CreateSignUp starts a sign-up in place of the client's former one.
func (e *Engine) CreateSignUp(ctx context.Context, b *Browser, p SignUpParams) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	if err := e.allowSignUp(b, s); err != nil {
		return nil, err
	}
	if p.CaptchaToken != "" && !s.Captcha.SignUp {
		return nil, fault.New("captcha_not_enabled", "")
	}
	// A ticket shows more than a token does. So does who comes over from another
	// service, see TransferToSignUp: each account there makes one here.
	if s.Captcha.SignUp && p.Ticket == "" && !e.elsewhere(p.Strategy) && !e.human(b) {
		if err := e.proveHuman(ctx, b, p.CaptchaToken, p.OwnPage); err != nil {
			return nil, err
		}
	}
	in, err := e.signUpInput(ctx, b, s, p, nil)
	if err != nil {
		return nil, err
	}
	var a signup.Attempt
	err = e.change(ctx, b, true, func(t *txn, c *session.Client, rotate func()) error {
		run := signUpRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s}
		a = signup.New(c.ID, s.SignUp.AbandonAfter, t.now)
		c.SignUpID = a.ID
		next, refused, err := run.step(ctx, a, in)
		if p.Ticket != "" && errors.Is(refused, fault.New("form_identifier_exists", "")) {
			refused = fault.Wrap("invitation_account_exists", "", refused)
		}
		if err != nil || refused != nil {
			return errors.Join(err, refused) // nothing to keep of a refused beginning
		}
		a = next
		c.KeepUntil(a.AbandonAt.Add(day)) // the browser is told that it is over
		return signup.Put(ctx, t, &a)
	})
	if err != nil {
		return nil, unwrapOne(err)
	}
	if p.Strategy != "" && p.Ticket == "" && a.Status == signup.MissingRequirements {
		return e.PrepareSignUp(ctx, b, a.ID, p.Strategy)
	}
	return &a, nil
}

// UpdateSignUp sets fields of a sign-up.
func (e *Engine) UpdateSignUp(ctx context.Context, b *Browser, id string, p SignUpParams) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	if p.EmailAddress != nil || p.PhoneNumber != nil || p.Username != nil || p.Password != nil { // some tell who has an account, the last costs a hash
		if err := e.allow("create_sign_up", b.Addr, s.Limits.CreateSignUp); err != nil {
			return nil, err
		}
	}
	return e.stepSignUp(ctx, b, id, func(s *settings.Settings, a *signup.Attempt) (signup.Input, error) {
		return e.signUpInput(ctx, b, s, p, a)
	})
}

// signUpInput does the slow part of setting fields: the password is checked
// and hashed. Problems of all fields are told together. a is what was given
// before; nil is nothing.
func (e *Engine) signUpInput(ctx context.Context, b *Browser, s *settings.Settings, p SignUpParams, a *signup.Attempt) (signup.Update, error) {
	in := signup.Update{EmailAddress: p.EmailAddress, PhoneNumber: p.PhoneNumber, Username: p.Username, FirstName: p.FirstName, LastName: p.LastName,
		UnsafeMetadata: p.UnsafeMetadata, Locale: p.Locale, LegalAccepted: p.LegalAccepted, Passkey: p.Passkey || p.Strategy == byPasskey}
	if st, ok := e.strategies.Get(p.Strategy); ok {
		in.More = st.Traits().Attribute == factor.ExternalAccount // the browser is sent away at once
	}
	if p.EmailAddress != nil || p.PhoneNumber != nil || p.Username != nil {
		if err := e.allowLookup(b, s, false); err != nil {
			return signup.Update{}, err
		}
	}
	if err := e.allowUsername(b, p.Username, s); err != nil {
		return signup.Update{}, err
	}
	invited := ""
	if p.Ticket != "" {
		i, err := e.holdInvitation(ctx, p.Ticket)
		if err != nil {
			return in, err
		}
		in.InvitationID, invited = i.ID, i.EmailAddress
	}
	if p.Password == nil || !s.Password.Enabled {
		if p.Password != nil {
			return in, fault.New("form_param_unknown", "password")
		}
		return in, nil
	}
	if err := e.checkNewPassword(ctx, s, *p.Password, e.draftOf(p, a, invited, s)); err != nil {
		return in, err
	}
	hash, err := e.hasher.Hash(withAddr(ctx, b.Addr), *p.Password)
	in.PasswordHash = &hash
	return in, err
}

// draftOf is who signs up as far as a password must not be like them: by what
// is given now, was given before, or is said by an invitation.
func (e *Engine) draftOf(p SignUpParams, a *signup.Attempt, invited string, s *settings.Settings) *user.User {
	if a == nil {
		a = &signup.Attempt{}
	}
	said := func(now *string, before string) string {
		if now != nil {
			return *now
		}
		return before
	}
	u := &user.User{Username: said(p.Username, a.Username), FirstName: said(p.FirstName, a.FirstName), LastName: said(p.LastName, a.LastName)}
	if id, err := user.NewEmailAddress(said(p.EmailAddress, cmp.Or(invited, a.EmailAddress)), e.now()); err == nil {
		u.EmailAddresses = []user.Identification{id}
	}
	if number, err := e.phone(said(p.PhoneNumber, a.PhoneNumber), s); err == nil {
		u.PhoneNumbers = []user.Identification{user.NewPhoneNumber(number, e.now())}
	}
	return u
}

// SignUp returns a sign-up of the browser's client.
func (e *Engine) SignUp(ctx context.Context, b *Browser, id string) (*signup.Attempt, error) {
	var a *signup.Attempt
	err := e.view(ctx, func(tx store.Tx) (err error) {
		a, err = ownSignUp(ctx, tx, b.Client, id)
		return err
	})
	return a, err
}

// PrepareSignUp starts the verification of an attribute, or a passkey.
func (e *Engine) PrepareSignUp(ctx context.Context, b *Browser, id, strategy string) (*signup.Attempt, error) {
	if strategy == byPasskey {
		return e.PrepareSignUpPasskey(ctx, b, id)
	}
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	return e.stepSignUp(ctx, b, id, func(s *settings.Settings, a *signup.Attempt) (signup.Input, error) {
		o := factor.Option{Strategy: strategy, Target: a.Value(st.Traits().Attribute)}
		if o.Target == "" && st.Traits().Field != "" { // the machine says what is wrong
			return signup.Prepare{Prepared: factor.Prepared{Verification: factor.Verification{Strategy: strategy}}}, nil
		}
		if err := e.allowSend(o.Target, s, false); err != nil {
			return nil, err
		}
		prepared, err := e.prepare(ctx, b, st, factor.Challenge{Option: o, Subject: factor.Subject{Settings: s}, Now: e.now()})
		return signup.Prepare{Prepared: prepared}, err
	})
}

// AttemptSignUp judges a proof; a right one may complete the sign-up.
func (e *Engine) AttemptSignUp(ctx context.Context, b *Browser, id, strategy string, proof factor.Proof) (*signup.Attempt, error) {
	if strategy == byPasskey {
		return e.AttemptSignUpPasskey(ctx, b, id, proof)
	}
	s := e.Settings(ctx)
	if err := e.allow("attempt_sign_up", b.Addr, s.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	if err := given(st); err != nil {
		return nil, err
	}
	return e.stepSignUp(ctx, b, id, func(s *settings.Settings, a *signup.Attempt) (signup.Input, error) {
		v := a.Verification(st.Traits().Attribute)
		o := factor.Option{Strategy: strategy}
		if v != nil {
			o.Target = v.Target
			if err := e.countCode(ctx, v.Target, s); err != nil {
				return nil, err
			}
		}
		f, err := st.Verify(withAddr(ctx, b.Addr), factor.Challenge{Option: o, Subject: factor.Subject{Settings: s}, Verification: v, Now: e.now()}, proof)
		return signup.Prove{Fact: f}, err
	})
}

func (e *Engine) stepSignUp(ctx context.Context, b *Browser, id string,
	input func(*settings.Settings, *signup.Attempt) (signup.Input, error)) (*signup.Attempt, error) {
	s := e.Settings(ctx)
	a, err := e.SignUp(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if b.Client.SignUpID != id {
		return nil, forbiddenOrOver(a.StatusAt(e.now()) == signup.Complete)
	}
	in, err := input(s, a)
	if err != nil {
		return nil, err
	}
	var next signup.Attempt
	var refused error
	err = e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) error {
		if c.SignUpID != id {
			return forbiddenOrOver(false)
		}
		a, err := ownSignUp(ctx, t, c, id)
		if err != nil {
			return err
		}
		run := signUpRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s}
		if next, refused, err = run.step(ctx, *a, in); err != nil {
			return err
		}
		c.KeepUntil(next.AbandonAt.Add(day))
		return signup.Put(ctx, t, &next)
	})
	if d, ok := errors.AsType[*store.DuplicateError](err); ok && (d.Index == "email" || d.Index == "phone") {
		err = fault.Wrap("identification_claimed", "", err) // somebody else was faster
	}
	if err == nil {
		err = refused
	}
	return &next, err
}

func ownSignUp(ctx context.Context, tx store.Tx, c *session.Client, id string) (*signup.Attempt, error) {
	if c == nil {
		return nil, fault.New("resource_not_found", "")
	}
	a, err := signup.Get(ctx, tx, id)
	if err != nil {
		return nil, missingAs(err, fault.New("resource_not_found", ""))
	}
	if a.ClientID != c.ID {
		return nil, fault.New("resource_not_found", "")
	}
	return a, nil
}
