package backend

import (
	"encoding/json"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/wire"
)

// ProviderToken is an access token of a provider.
type ProviderToken struct {
	Object            string          `json:"object"`
	ExternalAccountID string          `json:"external_account_id"`
	ProviderUserID    string          `json:"provider_user_id"`
	Token             string          `json:"token"`
	ExpiresAt         *int64          `json:"expires_at"`
	Provider          string          `json:"provider"`
	PublicMetadata    json.RawMessage `json:"public_metadata"`
	Label             *string         `json:"label"`
	Scopes            []string        `json:"scopes"`
	IDToken           string          `json:"id_token,omitempty"`
}

// NewProviderToken is t.
func NewProviderToken(t engine.AccessToken) ProviderToken {
	return ProviderToken{Object: "oauth_access_token", ExternalAccountID: t.Account.ID, ProviderUserID: t.Account.Subject,
		Token: t.Tokens.Access, ExpiresAt: wire.MillisOrNull(t.Tokens.ExpiresAt), Provider: "oauth_" + t.Account.Provider,
		PublicMetadata: wire.Object(nil), Scopes: append([]string{}, t.Account.Scopes...), IDToken: t.Tokens.ID}
}
