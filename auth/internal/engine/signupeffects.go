package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// signUpRun is one transaction in which a sign-up steps.
type signUpRun struct {
	e        *Engine
	b        *Browser
	t        *txn
	client   *session.Client
	rotate   func()
	settings *settings.Settings
}

func (r *signUpRun) step(ctx context.Context, a signup.Attempt, in signup.Input) (next signup.Attempt, refused, err error) {
	live, err := liveOnClient(ctx, r.t, r.client.ID)
	if err != nil {
		return a, nil, err
	}
	var lookup error
	invitation, err := r.invitation(ctx, a, in)
	if err != nil {
		return a, nil, err
	}
	env := signup.Env{Now: r.t.now, Settings: r.settings, Strategies: r.e.strategies, SignedIn: len(live),
		Phone:         func(number string) (user.Phone, error) { return r.e.phone(number, r.settings) },
		Invitation:    invitation,
		Impersonating: slices.ContainsFunc(live, func(s *session.Session) bool { return len(s.Actor) > 0 }),
		Admitted: func(a *signup.Attempt, end bool) bool {
			rules := signUpRules(r.settings)
			if r.settings.Protection.Strict() && !end {
				rules.BlockSubaddresses = false // it tells who has an account: whoever proves the address may know
			}
			var ids identifiers
			if a.EmailAddress != "" {
				ids.emails = append(ids.emails, a.EmailAddress)
			}
			if a.PhoneNumber != "" {
				ids.phones = append(ids.phones, a.PhoneNumber)
			}
			ok, err := r.e.admits(ctx, r.t, rules, ids)
			if err != nil {
				lookup = err
			}
			return ok
		},
		Veiled: r.settings.Protection.Strict(),
		Taken: func(_, value string) bool {
			_, err := user.ByIdentifier(ctx, r.t, value)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				lookup = err
			}
			return err == nil
		}}
	next, do, refused := a.Step(in, env)
	if lookup != nil {
		return a, nil, lookup
	}
	if errors.Is(refused, fault.New("form_identifier_exists", "")) {
		_ = r.e.allowLookup(r.b, r.settings, true)
	}
	if refused != nil {
		return next, refused, nil
	}
	if v := next.Verification("phone_number"); v != nil {
		if p, ok := in.(signup.Prove); ok && p.Fact.VerificationID == v.ID {
			if err := r.e.usedCode(ctx, r.t, v, r.settings); err != nil {
				return next, nil, err
			}
		}
	}
	for _, effect := range do {
		switch do := effect.(type) {
		case signup.SendCode:
			about := link{Purpose: LinkForSignUp, Target: next.ID, ClientID: r.client.ID}
			err = r.e.sendVerification(ctx, r.t, do.Send, about, r.b.Request, &user.User{}, r.settings)
		case signup.CreateUser:
			err = r.createUser(ctx, &next, live, invitation)
		}
		if err != nil {
			return next, nil, err
		}
	}
	return next, nil, nil
}

// invitation reads the invitation that an attempt goes on, or is about to; nil:
// none.
func (r *signUpRun) invitation(ctx context.Context, a signup.Attempt, in signup.Input) (*ticket.Pass, error) {
	id := a.InvitationID
	if u, ok := in.(signup.Update); ok && u.InvitationID != "" {
		id = u.InvitationID
	}
	if id == "" {
		return nil, nil
	}
	i, err := r.e.pass(ctx, r.t, id)
	return i, missingAs(err, nil)
}

// createUser makes the user and the first session of a completed sign-up. The
// invitation, if it goes on one, is used up: of two sign-ups, or of one and who
// takes the invitation back at that moment, one wins.
func (r *signUpRun) createUser(ctx context.Context, a *signup.Attempt, live []*session.Session, i *ticket.Pass) error {
	t := r.t
	u := user.New(t.now)
	if a.Passkey != nil { // its device calls the user so
		u.ID = a.UserID
		if err := u.AddPasskey(*a.Passkey); err != nil {
			return err
		}
	}
	var organizationInvitation string
	switch {
	case a.InvitationID == "":
	case i.Organization != nil:
		organizationInvitation = i.ID
	default:
		if err := i.Ticket.Accept(i.Kind(), t.now); err != nil {
			return err
		}
		i.UserID, u.PublicMetadata = u.ID, i.PublicMetadata
		if err := i.Put(ctx, t, t.now); err != nil {
			return err
		}
	}
	u.FirstName, u.LastName, u.UnsafeMetadata = a.FirstName, a.LastName, a.UnsafeMetadata
	u.Locale, u.LegalAcceptedAt = a.Locale, a.LegalAccepted
	u.Username = a.Username
	if err := r.addIdentifications(u, a); err != nil {
		return err
	}
	if a.EmailAddress != "" {
		if r.settings.Access.BlockSubaddresses {
			if err := access.TakeMailbox(ctx, t, a.EmailAddress, u.ID); err != nil {
				return err
			}
		}
		if err := completeWaitlist(ctx, t, a.EmailAddress); err != nil {
			return err
		}
	}
	if err := r.external(ctx, u, a); err != nil {
		return err
	}
	if a.PasswordHash != "" {
		if err := user.SetPassword(ctx, t, u, a.PasswordHash, t.now); err != nil {
			return err
		}
		a.PasswordHash = ""
	}
	joined, err := r.e.acceptByTicket(ctx, t, organizationInvitation, u)
	if err != nil {
		return err
	}
	s, err := r.e.startSession(ctx, t, r.client, u, live, r.b.Request, r.settings)
	if err != nil {
		return err
	}
	s.LastActiveOrganizationID = cmp.Or(joined, s.LastActiveOrganizationID)
	s.SetTasks(r.e.chooseTask(s, signin.Tasks(signin.Env{User: u, Settings: r.settings, Strategies: r.e.strategies}, s.SecondFactorAt)), t.now)
	if err := session.Put(ctx, t, s); err != nil {
		return err
	}
	if r.e.cfg.OnUser != nil {
		if err := r.e.cfg.OnUser(ctx, t.Tx, u); err != nil {
			return err
		}
	}
	a.CreatedUserID, a.CreatedSessionID = u.ID, s.ID
	r.client.SignUpID = ""
	for _, attribute := range []string{"phone_number", "email_address"} {
		if v := a.Verification(attribute); v != nil && v.Status == factor.Verified {
			r.client.LastStrategy = v.Strategy
		}
	}
	if v := a.Verification(factor.ExternalAccount); v != nil && v.Status == factor.Verified {
		r.client.LastStrategy = v.Strategy
	}
	r.rotate()
	return nil
}

// addIdentifications gives a new user what the sign-up has shown to be the
// person's own. What was not shown, since verifying is switched off, still is
// one person's if there is nothing better to sign in with; else it claims
// nothing: who does own it would sign in to a stranger's account.
func (r *signUpRun) addIdentifications(u *user.User, a *signup.Attempt) error {
	var email, phone *user.Identification
	if a.EmailAddress != "" {
		id, err := user.NewEmailAddress(a.EmailAddress, r.t.now)
		if err != nil {
			return err
		}
		email = &id
	}
	if a.PhoneNumber != "" {
		id := user.NewPhoneNumber(user.Phone{E164: a.PhoneNumber}, r.t.now)
		phone = &id
	}
	shown := r.shown(a, "email_address", email)
	shown = r.shown(a, "phone_number", phone) || shown
	for _, one := range []struct {
		id  *user.Identification
		add func(user.Identification) error
	}{{email, u.AddEmailAddress}, {phone, u.AddPhoneNumber}} {
		if one.id == nil {
			continue
		}
		if !one.id.Verified && !shown {
			one.id.Reserved, one.id.Strategy = true, user.StrategySignUp
		}
		if err := one.add(*one.id); err != nil {
			return err
		}
	}
	return nil
}

// shown marks id verified if the sign-up has shown that it is the person's own.
func (r *signUpRun) shown(a *signup.Attempt, attribute string, id *user.Identification) bool {
	v := a.Verification(attribute)
	if id == nil || v == nil || v.Status != factor.Verified || v.Target != a.Value(attribute) {
		return false
	}
	id.Verified, id.Strategy, id.VerifiedAt = true, v.Strategy, r.t.now
	return true
}

// external gives the new user the account at another service that the sign-up
// came with. What was typed beside the service's address is nobody's yet.
func (r *signUpRun) external(ctx context.Context, u *user.User, a *signup.Attempt) error {
	id := a.Proven()
	a.External = nil
	if id == nil {
		return nil
	}
	if err := r.e.linkExternal(ctx, r.t, u, id, "", true, r.b.Request); err != nil {
		return err
	}
	if err := r.e.takePictureLater(ctx, r.t, u, id); err != nil {
		return err
	}
	if a.TypedEmailAddress == "" {
		return nil
	}
	typed, err := user.NewEmailAddress(a.TypedEmailAddress, r.t.now)
	if err == nil {
		err = u.AddEmailAddress(typed)
	}
	if errors.Is(err, user.ErrAlreadyAdded) || errors.Is(err, user.ErrInvalidEmailAddress) {
		return nil
	}
	return err
}

// unwrapOne undoes errors.Join of a single error.
func unwrapOne(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok && len(j.Unwrap()) == 1 {
		return j.Unwrap()[0]
	}
	return err
}
