package engine

import (
	"context"

	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

// takeOver gives the account to whoever has proved its address, on which a
// sign-up had founded it without proof: whoever signed up may have been a
// stranger who waits for the owner. All that was set before goes: password,
// sessions, other addresses and numbers, external accounts, passkeys, second
// factors, codes under way. What the host has set stays.
func (r *signInRun) takeOver(ctx context.Context, keepAttempt, addressID, strategy string) error {
	t, u := r.t, r.facts.user
	if err := r.e.verifyIdentification(ctx, t, u, addressID, strategy, r.settings); err != nil {
		return err
	}
	if err := dropVerifications(ctx, t, u.ID); err != nil {
		return err
	}
	for _, a := range u.ExternalAccounts {
		if err := r.e.dropTokens(ctx, t, &a); err != nil {
			return err
		}
	}
	if err := user.DropFactors(ctx, t, u, t.now); err != nil {
		return err
	}
	r.facts.second = nil
	u.StripTo(addressID)
	if u.PasswordEnabled {
		return r.e.setPassword(ctx, t, u, passwordChange{signOut: true, keepAttempt: keepAttempt, by: r.b.Request})
	}
	if err := voidAttempts(ctx, t, u.ID, keepAttempt); err != nil {
		return err
	}
	if err := r.e.endUser(ctx, t, u.ID, "", session.Revoked); err != nil {
		return err
	}
	return user.Put(ctx, t, u, t.now)
}

// proveAddress marks an address or number as the user's own.
func (r *signInRun) proveAddress(ctx context.Context, a *signin.Attempt, do signin.ProveAddress) error {
	u := r.facts.user
	id := u.Identification(do.TargetID)
	if id == nil {
		return nil
	}
	if id.Verified {
		if u.PhoneNumber(id.ID) == nil {
			return nil
		}
		return r.e.usedSMS(ctx, r.t, id.Value, r.settings)
	}
	if u.FoundedOn(do.TargetID) {
		return r.takeOver(ctx, a.ID, do.TargetID, do.Strategy)
	}
	if err := r.e.verifyIdentification(ctx, r.t, u, do.TargetID, do.Strategy, r.settings); err != nil {
		return err
	}
	return user.Put(ctx, r.t, u, r.t.now)
}
