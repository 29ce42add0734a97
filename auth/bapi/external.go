package bapi

import (
	"strings"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/internal/wire/backend"
)

// listProviderTokens is what lets the host act at a provider in a user's name.
// Tokens that are over are renewed first. The path names the provider with or
// without oauth_ in front.
func listProviderTokens(c *call) (any, error) {
	if err := c.ofUser(); err != nil {
		return nil, err
	}
	q, err := httpx.ParseQuery(c.r)
	if err != nil {
		return nil, err
	}
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	offset, limit := page(q)
	all, err := c.engine.Users().AccessTokens(c.r.Context(), id, strings.TrimPrefix(c.r.PathValue("provider"), "oauth_"))
	if err != nil {
		return nil, err
	}
	some := all[min(offset, len(all)):]
	return listed(q, providerTokens(some[:min(limit, len(some))]), len(all)), nil
}

func providerTokens(tokens []engine.AccessToken) []backend.ProviderToken {
	out := make([]backend.ProviderToken, 0, len(tokens))
	for _, t := range tokens {
		out = append(out, backend.NewProviderToken(t))
	}
	return out
}

// deleteExternalAccount takes an account at another service off a user.
func deleteExternalAccount(c *call) (any, error) {
	id, err := c.id("user_id")
	if err != nil {
		return nil, err
	}
	account, err := c.id("external_account_id")
	if err != nil {
		return nil, err
	}
	if err := c.engine.Users().DeleteExternalAccount(c.r.Context(), id, account); err != nil {
		return nil, err
	}
	return wire.NewDeleted("external_account", account), nil
}
