package signin

import (
	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
)

type (
	// Returned ends a challenge that the person answered at another service, and
	// not with a proof.
	Returned struct {
		VerificationID string
		// Code is why, and SessionID goes along with identifier_already_signed_in.
		Code, SessionID string
		// Transfer is who they are there, if a sign-up can take that over.
		Transfer *oauth.Identity
	}
	// Arrived says that the person is at another service, whose word does not
	// count here, the owner of the address of the user in Env. They prove that
	// here, and then the account there is linked.
	Arrived struct {
		VerificationID string
		Identity       *oauth.Identity
	}
)

func (Returned) input() {}
func (Arrived) input()  {}

// LinkExternal adds an external account to the user, or brings it up to date.
type LinkExternal struct{ Identity *oauth.Identity }

func (LinkExternal) effect() {}

// returned marks the challenge failed, or as one to take over. It can be told
// whatever else has changed, so that the browser learns how it went.
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
	return nil
}

// arrived names the user whose address it is, and asks for a factor.
func (a *Attempt) arrived(in Arrived, env Env) error {
	if a.Status != NeedsIdentifier || env.User == nil {
		return fault.New("client_state_invalid", "")
	}
	if _, err := a.away(in.VerificationID, env); err != nil {
		return err
	}
	if err := a.recognize(env); err != nil {
		return err
	}
	a.First, a.Identifier, a.External = nil, in.Identity.EmailAddress, in.Identity
	a.move(NeedsFirstFactor)
	return nil
}

// away returns a copy of the challenge that is answered at another service, if
// it still waits.
func (a *Attempt) away(id string, env Env) (*factor.Verification, error) {
	if a.First == nil || a.First.ID != id || a.First.StatusAt(env.Now) != factor.Unverified {
		return nil, fault.New("oauth_callback_invalid", "")
	}
	v := *a.First
	v.Attempts++
	v.RedirectURL = ""
	a.First = &v
	return &v, nil
}

// Transfer returns who somebody is elsewhere whom a sign-up can take over; nil:
// there is nothing to take.
func (a *Attempt) Transfer() *oauth.Identity {
	if a.First == nil || a.First.Status != factor.Transferable {
		return nil
	}
	return a.External
}
