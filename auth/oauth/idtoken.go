package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// idToken checks an ID token (signature, algorithm, issuer, audience, times,
// nonce, authorized party, hash of the access token) and returns its claims and
// issuer.
func (c *Client) idToken(ctx context.Context, m *metadata, f Pending, t Tokens) (map[string]any, string, error) {
	refuse := func(code string, err error) (map[string]any, string, error) {
		return nil, "", fail(StageIDToken, code, err)
	}
	if t.ID == "" {
		return refuse("missing", errors.New("there is no ID token"))
	}
	if m.keys == nil {
		return refuse("keys", errors.New("the provider publishes no keys"))
	}
	v := oidc.NewVerifier(c.p.Issuer, m.keys, &oidc.Config{ClientID: c.p.ClientID, SupportedSigningAlgs: m.Algorithms,
		SkipIssuerCheck: c.p.TokenIssuer != "", Now: c.now})
	tok, err := v.Verify(ctx, t.ID)
	if err != nil {
		return refuse("invalid", err)
	}
	payload, err := payloadOf(t.ID)
	if err != nil {
		return refuse("invalid", err)
	}
	decoded, err := decode(payload)
	if err != nil {
		return refuse("invalid", err)
	}
	claims, ok := decoded.(map[string]any)
	if !ok {
		return refuse("invalid", errors.New("the claims are no object"))
	}
	issuer := c.p.Issuer
	if c.p.TokenIssuer != "" {
		tid := text(claims, "tid")
		if len(tid) != 36 || strings.Trim(tid, "0123456789abcdef-") != "" {
			return refuse("issuer", errors.New("the tenant is none"))
		}
		if issuer = strings.ReplaceAll(c.p.TokenIssuer, "{tid}", tid); tok.Issuer != issuer {
			return refuse("issuer", errors.New("the ID token is of another issuer"))
		}
	}
	switch azp := text(claims, "azp"); {
	case claims["azp"] != nil && azp != c.p.ClientID, len(tok.Audience) > 1 && azp == "":
		return refuse("azp", errors.New("the ID token is for another client"))
	case c.p.WithoutNonce == "" && subtle.ConstantTimeCompare([]byte(tok.Nonce), []byte(f.Nonce)) != 1:
		return refuse("nonce", errors.New("the ID token is of another flow"))
	}
	if tok.AccessTokenHash != "" {
		if err := tok.VerifyAccessToken(t.Access); err != nil {
			return refuse("at_hash", err)
		}
	}
	return claims, issuer, nil
}

// payloadOf decodes the claims of a token that was verified before.
func payloadOf(jwt string) ([]byte, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, errors.New("the ID token is none")
	}
	return base64.RawURLEncoding.DecodeString(parts[1])
}

// sharedKey verifies tokens that are signed with the client secret.
type sharedKey string

// VerifySignature checks the HMAC; the algorithm was looked at before.
func (k sharedKey) VerifySignature(_ context.Context, jwt string) ([]byte, error) {
	dot := strings.LastIndexByte(jwt, '.')
	if dot < 0 {
		return nil, errors.New("the ID token is none")
	}
	sig, err := base64.RawURLEncoding.DecodeString(jwt[dot+1:])
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte(jwt[:dot]))
	if !hmac.Equal(mac.Sum(nil), sig) {
		return nil, errors.New("the signature is wrong")
	}
	return payloadOf(jwt)
}
