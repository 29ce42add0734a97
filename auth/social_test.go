package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/store"
)

// A host acts at a provider in a user's name, and takes the account off again.
func TestAccessTokens(t *testing.T) {
	var fake *oauthtest.Server
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fake.ServeHTTP(w, r) }))
	defer srv.Close()
	fake, err := oauthtest.New(srv.URL + "/fake")
	if err != nil {
		t.Fatal(err)
	}
	i := start(t, func(c *auth.Config) { c.Social = []oauth.Provider{fake.Provider()} })
	fake.Now = i.Clock.Now
	c := authtest.NewClient(t)
	_, body := do(t, c, "POST", i.Server.URL+"/__clerk/v1/client/sign_ups", "strategy=oauth_custom_fake&redirect_url=/x&action_complete_redirect_url=/done",
		"Content-Type", "application/x-www-form-urlencoded")
	_, rest, _ := strings.Cut(body, `"external_verification_redirect_url":"`)
	raw, _, _ := strings.Cut(rest, `"`)
	back, err := fake.Answer(strings.ReplaceAll(raw, `\u0026`, "&"), &oauthtest.Person{EmailAddress: "ada@example.com", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	if res, body := do(t, c, "GET", back, ""); res.StatusCode != 303 || res.Header.Get("Location") != "/done" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	u, err := i.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := i.Users().AccessTokens(t.Context(), u.ID, "custom_fake")
	if err != nil || len(tokens) != 1 || tokens[0].Token == "" || tokens[0].Account.EmailAddress != "ada@example.com" {
		t.Fatal(tokens, err)
	}
	i.Clock.Advance(2 * time.Hour)
	again, err := i.Users().AccessTokens(t.Context(), u.ID, "custom_fake")
	if err != nil || again[0].Token == tokens[0].Token || !again[0].ExpiresAt.After(i.Clock.Now()) {
		t.Errorf("not renewed: %v", err)
	}
	var refused *auth.Error
	if _, err := i.Users().AccessTokens(t.Context(), u.ID, "google"); !errors.As(err, &refused) || refused.Code != "oauth_token_provider_not_enabled" {
		t.Error(err)
	}
	if err := i.Users().DeleteExternalAccount(t.Context(), u.ID, "eac_x"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if err := i.Users().DeleteExternalAccount(t.Context(), u.ID, tokens[0].Account.ID); err != nil {
		t.Error(err)
	}
	if left, err := i.Users().AccessTokens(t.Context(), u.ID, "custom_fake"); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// What happens to somebody whose address both sides have verified.
func ExampleLinkingRules() {
	for _, r := range auth.LinkingRules() {
		if c := r.Case; c.Here == "verified" && !c.Session && !c.Password {
			fmt.Printf("verified there: %v, then: %s\n", c.There, r.Outcome)
		}
	}
	// Output:
	// verified there: true, then: linked
	// verified there: false, then: prove it here
}
