package factor

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/store"
)

// ExternalAccount is what a sign-up proves by an account at another service.
const ExternalAccount = "external_account"

// Social is the strategy of an account at another service. The browser is sent
// there, and comes back with who it is.
type Social struct {
	// Client runs the provider's flow.
	Client *oauth.Client
}

// AwayFor is how long a browser may be away.
const AwayFor = 10 * time.Minute

// Away is what is kept of a browser that was sent to another service.
type Away struct {
	Provider string
	Pending  oauth.Pending
}

// Provider is the provider's value.
func (s Social) Provider() *oauth.Provider { return s.Client.Provider() }

// Traits names it by the provider, such as oauth_google.
func (s Social) Traits() Traits {
	return Traits{Name: s.Provider().Strategy(), Uses: First, Prepare: true, Attribute: ExternalAccount, Elsewhere: true, Identifies: true}
}

// Options offers it to whoever has not said who they are, and to users who have
// an account there, or are about to be given one.
func (s Social) Options(sub Subject) []Option {
	key := s.Provider().Key
	switch {
	case !sub.Settings.Social.Offers(key):
	case sub.User == nil, sub.Arriving == key, sub.User.ExternalAccountOf(key) != nil:
		return []Option{{Strategy: s.Traits().Name}}
	}
	return nil
}

// Prepare draws the secrets of a flow and finds out where to send the browser.
func (s Social) Prepare(ctx context.Context, c Challenge) (Prepared, error) {
	if !c.Subject.Settings.Social.Offers(s.Provider().Key) {
		return Prepared{}, fault.New("strategy_not_allowed", "strategy")
	}
	if oauth.CheckPrompt(c.Away.Prompt) != nil {
		return Prepared{}, fault.New("form_param_value_invalid", "oidc_prompt")
	}
	pending, target, err := s.Client.Begin(ctx, c.Away)
	if err != nil {
		return Prepared{}, fault.Wrap("oauth_fetch_user_error", "", err)
	}
	v := Verification{ID: store.NewID("ver", c.Now), Strategy: s.Traits().Name, Status: Unverified,
		RedirectURL: target, ExpireAt: c.Now.Add(AwayFor)}
	return Prepared{Verification: v, Send: &Send{VerificationID: v.ID, ExpireAt: v.ExpireAt,
		Away: &Away{Provider: s.Provider().Key, Pending: pending}}}, nil
}

// Verify is refused: who somebody is there comes in no form.
func (s Social) Verify(context.Context, Challenge, Proof) (Fact, error) {
	return Fact{Strategy: s.Traits().Name}, fault.New("verification_strategy_invalid", "strategy")
}

// Confirm demands that the account is this user's.
func (s Social) Confirm(f Fact, sub Subject) error {
	if !f.OK || sub.User == nil || sub.User.ID != f.UserID {
		return fault.New("external_account_not_found", "")
	}
	return nil
}
