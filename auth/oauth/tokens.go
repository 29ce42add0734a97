package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// tokenHTTP is the client for the token endpoint, with the provider's quirks.
func (c *Client) tokenHTTP(ctx context.Context) context.Context {
	h := *c.http
	h.Transport = quirks{&c.p, c.http.Transport}
	return context.WithValue(ctx, oauth2.HTTPClient, &h)
}

// quirks turns requests to a token endpoint into what the provider wants, and
// its answers into what they should be.
type quirks struct {
	p    *Provider
	next http.RoundTripper
}

func (q quirks) RoundTrip(r *http.Request) (*http.Response, error) {
	if q.p.ClientIDParam != "" || q.p.Auth == InHeaderJSON {
		var err error
		if r, err = q.request(r); err != nil {
			return nil, err
		}
	}
	res, err := q.next.RoundTrip(r)
	if err != nil || q.p.TokenIn == "" {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if v, err := decode(body); err == nil {
		if inner := at(v, q.p.TokenIn); inner != nil {
			if body, err = json.Marshal(inner); err != nil {
				return nil, err
			}
		}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

func (q quirks) request(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if name := q.p.ClientIDParam; name != "" {
		form.Del("client_id")
		form.Set(name, q.p.ClientID)
	}
	kind := "application/x-www-form-urlencoded"
	body = []byte(form.Encode())
	if q.p.Auth == InHeaderJSON {
		flat := map[string]string{}
		for k := range form {
			flat[k] = form.Get(k)
		}
		kind = "application/json"
		if body, err = json.Marshal(flat); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Content-Type", kind)
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	return r, nil
}

// tokens reads an answer of the token endpoint.
func (c *Client) tokens(t *oauth2.Token) Tokens {
	out := Tokens{Access: t.AccessToken, Refresh: t.RefreshToken, Type: t.TokenType}
	out.ID, _ = t.Extra("id_token").(string)
	if t.ExpiresIn > 0 {
		out.ExpiresAt = c.now().Add(time.Duration(t.ExpiresIn) * time.Second)
	}
	return out
}

// granted are the scopes of a token answer; those asked for if it names none.
func granted(t *oauth2.Token, asked []string) []string {
	switch s := t.Extra("scope").(type) {
	case string:
		if out := splitScopes(s); len(out) > 0 {
			return out
		}
	case []any: // Twitch
		var out []string
		for _, x := range s {
			if one, ok := x.(string); ok {
				out = append(out, one)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return asked
}

// splitScopes takes what stands between spaces or commas.
func splitScopes(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}

// exchangeError keeps of a token endpoint's error the code alone.
func exchangeError(stage Stage, err error) error {
	if re, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if re.Response != nil {
			status = re.Response.StatusCode
		}
		return fail(stage, shortCode(re.ErrorCode), fmt.Errorf("the token endpoint answered %d", status))
	}
	return fail(stage, "unavailable", withoutURL(err))
}

// ErrNoRefreshToken says that tokens cannot be renewed.
var ErrNoRefreshToken = errors.New("oauth: there is no refresh token")

// expiresSoon is how long before its end a token is renewed.
const expiresSoon = 30 * time.Second

// Fresh reports whether t is good for a call now.
func (t Tokens) Fresh(now time.Time) bool {
	return t.Access != "" && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt.Add(-expiresSoon)))
}

// Refresh renews t. Without a refresh token that is ErrNoRefreshToken.
func (c *Client) Refresh(ctx context.Context, t Tokens) (Tokens, error) {
	if t.Refresh == "" {
		return t, ErrNoRefreshToken
	}
	m, err := c.metadata(ctx)
	if err != nil {
		return t, err
	}
	cfg, err := c.config(m, "", nil)
	if err != nil {
		return t, err
	}
	fresh, err := cfg.TokenSource(c.tokenHTTP(ctx), &oauth2.Token{RefreshToken: t.Refresh}).Token()
	if err != nil {
		return t, exchangeError(StageRefresh, err)
	}
	out := c.tokens(fresh)
	if out.ID == "" {
		out.ID = t.ID
	}
	return out, nil
}

// Revokes reports whether the provider may be one that revokes tokens.
func (c *Client) Revokes() bool { return c.p.RevokeURL != "" || c.p.isOIDC() }

// Revoke tells the provider that t is not needed any more. Providers that do
// not offer that are left alone.
func (c *Client) Revoke(ctx context.Context, t Tokens) error {
	m, err := c.metadata(ctx)
	if err != nil || m.RevokeURL == "" {
		return err
	}
	cfg, err := c.config(m, "", nil)
	if err != nil {
		return err
	}
	req, err := c.revocation(ctx, m.RevokeURL, cfg, t)
	if err != nil {
		return fail(StageRevoke, Refused, errors.New("the URL is none"))
	}
	h := *c.http
	if !c.p.RevokeGrant {
		h.Transport = quirks{&c.p, c.http.Transport}
	}
	res, err := h.Do(req)
	if err != nil {
		return fail(StageRevoke, Unavailable, withoutURL(err))
	}
	defer res.Body.Close()
	return outcome(StageRevoke, res.StatusCode)
}

// revocation is the request that revokes t.
func (c *Client) revocation(ctx context.Context, target string, cfg *oauth2.Config, t Tokens) (*http.Request, error) {
	if c.p.RevokeGrant {
		body, err := json.Marshal(map[string]string{"access_token": t.Access})
		if err != nil {
			return nil, err
		}
		target = strings.ReplaceAll(target, "{client_id}", url.PathEscape(cfg.ClientID))
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(cfg.ClientID, cfg.ClientSecret)
		return req, nil
	}
	form := url.Values{"token": {t.Access}, "token_type_hint": {"access_token"}}
	if t.Refresh != "" { // it takes its access tokens along
		form = url.Values{"token": {t.Refresh}, "token_type_hint": {"refresh_token"}}
	}
	if cfg.Endpoint.AuthStyle == oauth2.AuthStyleInParams {
		form.Set("client_id", cfg.ClientID)
		form.Set("client_secret", cfg.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cfg.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
		req.SetBasicAuth(url.QueryEscape(cfg.ClientID), url.QueryEscape(cfg.ClientSecret))
	}
	return req, nil
}
