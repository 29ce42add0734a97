package signup

import (
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/user"
)

type (
	// External brings who the person is at another service, where nobody here is
	// that yet.
	External struct {
		VerificationID string
		Identity       *oauth.Identity
	}
	// Returned ends a challenge that the person answered at another service, and
	// not with somebody new.
	Returned struct {
		VerificationID string
		// Code is why, and SessionID goes along with identifier_already_signed_in.
		Code, SessionID string
		// Transfer is who they are there, if a sign-in can take that over.
		Transfer *oauth.Identity
	}
)

func (External) input() {}
func (Returned) input() {}

// FromExternal is how an address was verified that came with an account at a
// provider.
func FromExternal(provider string) string { return "from_oauth_" + provider }

// external takes over who the person is. The address is the one that the
// service gave, verified if it was there; one that was typed is another one,
// and verified by nobody.
func (a *Attempt) external(in External, env Env) error {
	v, err := a.away(in.VerificationID, env)
	if err != nil {
		return err
	}
	v.Status, v.VerifiedAt = factor.Verified, env.Now
	a.put(factor.ExternalAccount, v)
	a.External = in.Identity
	id := in.Identity
	for _, n := range []struct {
		on    bool
		field *string
		name  string
	}{{env.Settings.FirstName.Enabled, &a.FirstName, id.FirstName}, {env.Settings.LastName.Enabled, &a.LastName, id.LastName}} {
		if name, err := user.CheckName(n.name); err == nil && n.on && *n.field == "" {
			*n.field = name
		}
	}
	if id.EmailAddress == "" || !env.Settings.EmailAddress.Enabled || a.InvitationID != "" { // who is invited has an address
		return nil
	}
	typed := a.EmailAddress
	if err := a.setEmailAddress(id.EmailAddress, env); err != nil {
		// Of no use here: the person gives another one, or signs in.
		return nil
	}
	if typed != "" && typed != a.EmailAddress {
		a.TypedEmailAddress = typed
	}
	if id.EmailVerified {
		a.put("email_address", factor.Verification{ID: v.ID, Strategy: FromExternal(id.Provider), Status: factor.Verified,
			Target: a.EmailAddress, VerifiedAt: env.Now, ExpireAt: v.ExpireAt})
	}
	return nil
}

func (a *Attempt) returned(in Returned, env Env) error {
	v, err := a.away(in.VerificationID, env)
	if err != nil {
		return err
	}
	v.Status, v.Error, v.ErrorSessionID = factor.Failed, in.Code, in.SessionID
	if in.Transfer != nil {
		v.Status, v.VerifiedAt = factor.Transferable, env.Now
		a.External = in.Transfer
	}
	a.put(factor.ExternalAccount, v)
	return nil
}

// away returns the challenge that is answered at another service, if it still
// waits.
func (a *Attempt) away(id string, env Env) (factor.Verification, error) {
	v := a.Verification(factor.ExternalAccount)
	if v == nil || v.ID != id || v.StatusAt(env.Now) != factor.Unverified {
		return factor.Verification{}, fault.New("oauth_callback_invalid", "")
	}
	v.Attempts++
	v.RedirectURL = ""
	return *v, nil
}

// Transfer returns who somebody is elsewhere whom a sign-in can take over; nil:
// there is nothing to take.
func (a *Attempt) Transfer() *oauth.Identity {
	if v := a.Verification(factor.ExternalAccount); v == nil || v.Status != factor.Transferable {
		return nil
	}
	return a.External
}

// Proven returns who the person has shown to be at another service, or nil.
func (a *Attempt) Proven() *oauth.Identity {
	if v := a.Verification(factor.ExternalAccount); v == nil || v.Status != factor.Verified {
		return nil
	}
	return a.External
}

// Shown reports whether the sign-up has something that the person has shown to
// be theirs, so that it is to be gone on with rather than begun anew.
func (a *Attempt) Shown() bool {
	return a.Proven() != nil || slices.ContainsFunc([]string{"email_address", "phone_number"}, func(name string) bool {
		v := a.Verification(name)
		return v != nil && v.Status == factor.Verified && v.Target == a.Value(name)
	})
}
