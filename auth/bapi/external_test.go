package bapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// provider answers for Google: a refresh token that is good gives new tokens.
type provider struct{}

func (provider) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		return answer(200, `{"issuer":"https://accounts.google.com","authorization_endpoint":"https://accounts.google.com/auth","token_endpoint":"https://accounts.google.com/token","jwks_uri":"https://accounts.google.com/keys","revocation_endpoint":"https://accounts.google.com/revoke"}`)
	case r.URL.Path == "/token":
		if err := r.ParseForm(); err != nil || r.PostForm.Get("refresh_token") != "good-refresh" {
			return answer(400, `{"error":"invalid_grant"}`)
		}
		return answer(200, `{"access_token":"new-access","token_type":"Bearer","expires_in":3600}`)
	case r.URL.Path == "/revoke":
		return answer(200, "")
	}
	return nil, errors.New("nothing is there")
}

func social() []oauth.Provider { return []oauth.Provider{oauth.Google("id", "secret")} }

// externalAccount gives a user an account at Google, with tokens that are good
// for an hour.
func (r *rig) externalAccount(userID, subject, refresh string) string {
	r.Helper()
	a := user.ExternalAccount{ID: user.NewExternalAccountID(r.Now()), Provider: "google", Issuer: "https://accounts.google.com", Subject: subject,
		Verified: true, EmailAddress: "ada@gmail.com", Scopes: []string{"openid", "email"}, CreatedAt: r.Now()}
	err := r.store.Update(context.Background(), func(tx store.Tx) error {
		u, err := user.Get(context.Background(), tx, userID)
		if err != nil {
			return err
		}
		if err := u.AddExternalAccount(a); err != nil {
			return err
		}
		t := &user.ExternalTokens{Meta: store.Meta{ID: a.ID}, UserID: userID, Access: "old-access", Refresh: refresh, IDToken: "id-token", ExpiresAt: r.Now().Add(time.Hour)}
		if err := user.PutExternalTokens(context.Background(), tx, t, r.Now()); err != nil {
			return err
		}
		return user.Put(context.Background(), tx, u, r.Now())
	})
	if err != nil {
		r.Fatal(err)
	}
	return a.ID
}

// The host gets tokens that are good now: as they are, renewed, or a refusal
// that says that the user must come again.
func TestProviderTokens(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	acc := r.externalAccount(id, "1", "good-refresh")
	path := "/v1/users/" + id + "/oauth_access_tokens/oauth_google"
	got := r.must("GET", path, nil).list(t)[0]
	if got["token"] != "old-access" || got["external_account_id"] != acc || got["provider"] != "oauth_google" || got["provider_user_id"] != "1" || got["id_token"] != "id-token" {
		t.Errorf("%v", got)
	}
	r.advance(2 * time.Hour)
	if got := r.must("GET", path, nil).list(t)[0]; got["token"] != "new-access" || got["expires_at"] != float64(r.Now().Add(time.Hour).UnixMilli()) {
		t.Errorf("%v", got)
	}
	if got := r.must("GET", strings.Replace(path, "oauth_google", "google", 1)+"?paginated=true", nil).json(t); got["total_count"] != 1.0 {
		t.Errorf("%v", got)
	}
	if body := string(r.must("GET", "/v1/users/"+id, nil).body); !strings.Contains(body, acc) || strings.Contains(body, "-access") || strings.Contains(body, "good-refresh") {
		t.Errorf("%s", body)
	}

	none := r.newUser("bob@example.com", nil)
	r.externalAccount(none, "2", "")
	r.advance(2 * time.Hour)
	r.refused("GET", "/v1/users/"+none+"/oauth_access_tokens/oauth_google", nil, 422, "oauth_missing_refresh_token")
	bad := r.newUser("eve@example.com", nil)
	r.externalAccount(bad, "3", "withdrawn")
	r.advance(2 * time.Hour)
	r.refused("GET", "/v1/users/"+bad+"/oauth_access_tokens/oauth_google", nil, 400, "oauth_token_exchange_error")
	r.refused("GET", "/v1/users/"+id+"/oauth_access_tokens/oauth_github", nil, 400, "oauth_token_provider_not_enabled")
}

// An account that the host takes off a user is gone with its tokens, and so are
// all when the user is deleted.
func TestDeleteExternalAccount(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	acc, other := r.externalAccount(id, "1", "good-refresh"), r.externalAccount(id, "2", "good-refresh")
	path := "/v1/users/" + id + "/external_accounts/"
	r.must("DELETE", path+acc, nil)
	r.refused("DELETE", path+acc, nil, 404, "resource_not_found")
	r.refused("DELETE", "/v1/users/"+r.newUser("bob@example.com", nil)+"/external_accounts/"+other, nil, 404, "resource_not_found")
	if got := r.must("GET", "/v1/users/"+id+"/oauth_access_tokens/google", nil).list(t); len(got) != 1 {
		t.Errorf("%v", got)
	}
	r.must("DELETE", "/v1/users/"+id, nil)
	err := r.store.View(t.Context(), func(tx store.Tx) error {
		for _, a := range []string{acc, other} {
			if _, err := user.GetExternalTokens(t.Context(), tx, a); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the tokens of %s: %v", a, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
