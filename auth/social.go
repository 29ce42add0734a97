package auth

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/linking"
	"github.com/usherauth/usher/user"
)

// An AccessToken is a token with which the host acts at another service in a
// user's name. It is a secret.
type AccessToken struct {
	// Account is the user's account there, with the scopes that were granted.
	Account user.ExternalAccount
	Token   string
	// ExpiresAt is when it is over; zero: not known.
	ExpiresAt time.Time
	// IDToken is what a provider of OpenID Connect gave beside it.
	IDToken string
}

// AccessTokens returns the tokens of a user's accounts at the provider with the
// given key, such as google. Those that are over are renewed first; the refusal
// oauth_missing_refresh_token says that the user must connect the account
// again.
func (u Users) AccessTokens(ctx context.Context, id, provider string) ([]AccessToken, error) {
	tokens, err := u.u.AccessTokens(ctx, id, provider)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]AccessToken, len(tokens))
	for i, t := range tokens {
		out[i] = AccessToken{Account: *t.Account, Token: t.Tokens.Access, ExpiresAt: t.Tokens.ExpiresAt, IDToken: t.Tokens.ID}
	}
	return out, nil
}

// DeleteExternalAccount takes an account at another service off a user. The
// provider is told to revoke its tokens.
func (u Users) DeleteExternalAccount(ctx context.Context, id, accountID string) error {
	return refusal(u.u.DeleteExternalAccount(ctx, id, accountID))
}

// LinkingRules decide whose account somebody gets who comes from another
// service for the first time, by the address that it gave. They are the ones in
// use, not a description of them; see package linking.
func LinkingRules() []linking.Rule { return append([]linking.Rule(nil), linking.Table...) }
