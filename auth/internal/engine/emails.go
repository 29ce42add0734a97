package engine

import (
	"context"
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A verification of an address in a profile is a record of its own, under the
// address's ID, so that a user who is only read carries no hashes of codes.
type addressVerification struct {
	store.Meta
	UserID       string              `json:"user_id"`
	Verification factor.Verification `json:"verification"`
}

var (
	verificationKind = &store.Kind{Name: "verification", Sealed: true, Indexes: []store.Index{{Name: "user"}}}
	verificationTab  = store.Table[addressVerification, *addressVerification]{Kind: verificationKind}
)

func (v *addressVerification) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "user", Value: v.UserID}}
}

// AddEmailAddress adds an address to the actor's account. It claims nothing
// until it is verified.
func (e *Engine) AddEmailAddress(ctx context.Context, a *Actor, address string) (*user.Identification, error) {
	s := e.Settings(ctx)
	if !s.EmailAddress.Enabled {
		return nil, fault.New("form_param_value_disabled", "email_address")
	}
	// The answer tells whether somebody has the address.
	if err := e.allow("add_address", a.Browser.Addr, s.Limits.AttemptSignUp); err != nil {
		return nil, err
	}
	var id user.Identification
	err := e.act(ctx, a, func(t *txn, u *user.User) (err error) {
		if id, err = user.NewEmailAddress(address, t.now); err != nil {
			return err
		}
		taken, err := takenFrom(ctx, t, id.Canonical, u)
		if err != nil {
			return err
		}
		if taken && !s.Protection.Strict() {
			return fault.New("form_identifier_exists", "email_address")
		}
		return u.AddEmailAddress(id)
	})
	if err != nil {
		return nil, err
	}
	return &id, nil
}

// EmailAddress returns an address of the actor with its verification, which is
// nil if none is under way.
func (e *Engine) EmailAddress(ctx context.Context, a *Actor, id string) (*user.Identification, *factor.Verification, error) {
	return e.withVerification(ctx, a.User.EmailAddress(id))
}

func (e *Engine) withVerification(ctx context.Context, have *user.Identification) (*user.Identification, *factor.Verification, error) {
	if have == nil {
		return nil, nil, fault.New("resource_not_found", "")
	}
	var v *factor.Verification
	err := e.view(ctx, func(tx store.Tx) error {
		r, err := verificationTab.Get(ctx, tx, have.ID)
		if err == nil {
			v = &r.Verification
		}
		return missingAs(err, nil)
	})
	return have, v, err
}

// PrepareEmailAddress sends a code to an address of the actor.
func (e *Engine) PrepareEmailAddress(ctx context.Context, a *Actor, id, strategy string) error {
	return e.prepareIdentification(ctx, a, a.User.EmailAddress(id), "email_address", strategy)
}

// prepareIdentification sends a code to an address or number of the actor.
func (e *Engine) prepareIdentification(ctx context.Context, a *Actor, have *user.Identification, attribute, strategy string) error {
	if have == nil {
		return fault.New("resource_not_found", "")
	}
	s, id := e.Settings(ctx), have.ID
	st, err := e.addressStrategy(attribute, strategy, s)
	if err != nil {
		return err
	}
	if have.Verified {
		return fault.New("verification_already_verified", "")
	}
	if err := e.allowSend(have.Canonical, s, false); err != nil {
		return err
	}
	prepared, err := e.prepare(ctx, a.Browser, st, factor.Challenge{Now: e.now(), Subject: factor.Subject{Settings: s},
		Option: factor.Option{Strategy: strategy, TargetID: id, Target: have.Value}})
	if err != nil {
		return err
	}
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		now := u.Identification(id)
		if now == nil || now.Value != have.Value {
			return fault.New("resource_not_found", "")
		}
		r, err := verificationTab.Get(ctx, t, id)
		if missingAs(err, nil) != nil {
			return err
		}
		if err != nil {
			r = &addressVerification{Meta: store.Meta{ID: id}, UserID: u.ID}
			if err := user.Touch(ctx, t, u); err != nil { // so that it is not made while u is deleted
				return err
			}
		} else if err := factor.CanResend(&r.Verification, prepared.Verification, s.Codes, t.now); err != nil {
			return err
		}
		r.Verification, r.Expires = prepared.Verification, prepared.Verification.ExpireAt.Add(day)
		if err := verificationTab.Put(ctx, t, r); err != nil {
			return err
		}
		if prepared.Send == nil {
			return errUnchanged
		}
		about := link{Purpose: LinkForAddress, Target: id, ClientID: a.Browser.Client.ID, SessionID: a.Session.ID}
		if err := e.sendVerification(ctx, t, *prepared.Send, about, a.Browser.Request, u, s); err != nil {
			return err
		}
		return errUnchanged
	})
}

// AttemptEmailAddress verifies an address of the actor with a code. If
// somebody else has verified it in the meantime, it stays theirs.
func (e *Engine) AttemptEmailAddress(ctx context.Context, a *Actor, id string, proof factor.Proof) error {
	return e.attemptIdentification(ctx, a, a.User.EmailAddress(id), "email_address", proof)
}

func (e *Engine) attemptIdentification(ctx context.Context, a *Actor, have *user.Identification, attribute string, proof factor.Proof) error {
	s := e.Settings(ctx)
	if err := e.allow("attempt_address", a.Browser.Addr, s.Limits.AttemptSignUp); err != nil {
		return err
	}
	_, v, err := e.withVerification(ctx, have)
	if err != nil {
		return err
	}
	id := have.ID
	if v == nil {
		return fault.New("verification_missing", "")
	}
	st, err := e.addressStrategy(attribute, v.Strategy, s)
	if err != nil {
		return err
	}
	if err := given(st); err != nil {
		return err
	}
	if err := e.countCode(ctx, v.Target, s); err != nil {
		return err
	}
	fact, err := st.Verify(ctx, factor.Challenge{Verification: v, Now: e.now(), Subject: factor.Subject{Settings: s},
		Option: factor.Option{Strategy: v.Strategy, TargetID: id, Target: v.Target}}, proof)
	if err != nil {
		return err
	}
	var refused error
	err = e.act(ctx, a, func(t *txn, u *user.User) error {
		r, err := verificationTab.Get(ctx, t, id)
		if err != nil {
			return missingAs(err, fault.New("verification_missing", ""))
		}
		had := u.TwoFactorEnabled()
		if refused, err = e.settleAddress(ctx, t, u, r, fact, s); err == nil && refused != nil {
			return errUnchanged // the try counts
		}
		if err == nil && !had && u.TwoFactorEnabled() {
			err = e.showedSecond(ctx, t, a, u)
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return err
}

// settleAddress consumes a fact about the challenge r of an address or number of
// u, and verifies it if it is right; the caller stores u then. A refusal
// counts a try.
func (e *Engine) settleAddress(ctx context.Context, t *txn, u *user.User, r *addressVerification, f factor.Fact, s *settings.Settings) (refused, err error) {
	have := u.Identification(r.ID)
	if have == nil || have.Value != r.Verification.Target {
		return nil, fault.New("resource_not_found", "")
	}
	taken, err := takenFrom(ctx, t, have.Canonical, u)
	if err != nil {
		return nil, err
	}
	f.OK = f.OK && !(taken && s.Protection.Strict()) // nothing was sent that could prove it
	refused = factor.Settle(&r.Verification, f, s.Codes, t.now)
	if err := verificationTab.Put(ctx, t, r); err != nil || refused != nil {
		return refused, err
	}
	if taken {
		return nil, fault.New("identification_claimed", "")
	}
	return nil, e.verifyIdentification(ctx, t, u, r.ID, r.Verification.Strategy, s)
}

// takenFrom reports whether an identifier is somebody else's than u's.
func takenFrom(ctx context.Context, tx store.Tx, identifier string, u *user.User) (bool, error) {
	owner, err := user.ByIdentifier(ctx, tx, identifier)
	if err != nil {
		return false, missingAs(err, nil)
	}
	return owner.ID != u.ID, nil
}

// verifyIdentification marks an address or number of u as shown to be u's; the
// caller stores u.
func (e *Engine) verifyIdentification(ctx context.Context, t *txn, u *user.User, id, strategy string, s *settings.Settings) error {
	have := u.PhoneNumber(id)
	if have == nil {
		return u.VerifyEmailAddress(id, strategy, t.now)
	}
	if err := e.usedSMS(ctx, t, have.Value, s); err != nil {
		return err
	}
	return u.VerifyPhoneNumber(id, strategy, t.now)
}

// addressStrategy finds what verifies an attribute, if it is switched on.
func (e *Engine) addressStrategy(attribute, name string, s *settings.Settings) (factor.Strategy, error) {
	on := s.EmailAddress.Verifications
	if attribute == "phone_number" {
		on = s.PhoneNumber.Verifications
	}
	for _, have := range e.strategies.Verifying(attribute, on) {
		if have == name {
			st, _ := e.strategies.Get(name)
			return st, nil
		}
	}
	return nil, fault.New("verification_strategy_invalid", "strategy")
}

// DeleteEmailAddress takes an address off the actor's account, with the codes
// that were sent to it.
func (e *Engine) DeleteEmailAddress(ctx context.Context, a *Actor, id string) error {
	s := e.Settings(ctx)
	return e.act(ctx, a, func(t *txn, u *user.User) error {
		if len(u.LinkedTo(id)) > 0 {
			return fault.New("delete_linked_identification_disallowed", "")
		}
		before := *u
		if err := e.dropEmailAddress(ctx, t, u, id); err != nil {
			return err
		}
		if s.EmailAddress.Required && !claimed(u.EmailAddresses) {
			return fault.New("last_required_identification_deletion_failed", "")
		}
		if before.PrimaryEmailAddressID == u.PrimaryEmailAddressID {
			return nil
		}
		return e.notifyPrimary(ctx, t, &before, u, a.Browser.Request) // at the one that goes, too
	})
}

// claimed reports whether one of a user's addresses or numbers is the user's
// alone.
func claimed(ids []user.Identification) bool {
	return slices.ContainsFunc(ids, func(id user.Identification) bool { return id.Claims() })
}

// dropEmailAddress removes an address of u in t; the caller stores u.
func (e *Engine) dropEmailAddress(ctx context.Context, t *txn, u *user.User, id string) error {
	if err := u.DeleteEmailAddress(id); err != nil {
		return err
	}
	if err := e.dropVerification(ctx, t, id); err != nil {
		return err
	}
	// A code that was mailed to the address for signing in dies with it.
	return voidAttempts(ctx, t, u.ID, "")
}

// dropVerification forgets the code that was sent to an address of a profile.
func (e *Engine) dropVerification(ctx context.Context, t *txn, id string) error {
	r, err := verificationTab.Get(ctx, t, id)
	if err == nil {
		err = verificationTab.Delete(ctx, t, r)
	}
	return missingAs(err, nil)
}

// dropVerifications forgets the codes that were sent to all addresses of a
// user's profile, or for all domains of an organization.
func dropVerifications(ctx context.Context, tx store.Tx, userID string) error {
	rs, err := verificationTab.Find(ctx, tx, store.Query{Where: []store.Match{{Index: "user", Values: []string{userID}}}})
	if err != nil {
		return err
	}
	for _, r := range rs {
		if err := verificationTab.Delete(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}
