package authtest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/token"
)

func handler(a *auth.Auth) http.Handler {
	return a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := auth.From(r.Context())
		first, second := id.FactorAge()
		fmt.Fprintf(w, "%s %v %s %s", id.UserID, id.Claims.HasRole("org:admin"), first, second)
	}))
}

func get(t *testing.T, c *http.Client, url, bearer string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// Seven days pass in no time.
func TestSessionEndsWithTheClock(t *testing.T) {
	t.Parallel()
	i := authtest.New(t)
	srv := i.Serve(handler(i.Auth))
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	if status, body := get(t, c, srv.URL, ""); status != 200 || body != ada.ID+" false 0s -1m0s" {
		t.Fatalf("%d %s", status, body)
	}
	i.Clock.Advance(7*24*time.Hour - time.Minute)
	if status, _ := get(t, c, srv.URL, ""); status != 200 {
		t.Errorf("a minute before the end: %d", status)
	}
	i.Clock.Advance(2 * time.Minute)
	if status, _ := get(t, c, srv.URL, ""); status != 401 {
		t.Errorf("after the end: %d", status)
	}
}

// Two people are two browsers.
func TestTwoPeople(t *testing.T) {
	t.Parallel()
	i := authtest.New(t)
	srv := i.Serve(handler(i.Auth))
	ada, bob := i.User(t, "ada@example.com"), i.User(t, "bob@example.com")
	ca, cb := i.SignedIn(t, ada), i.SignedIn(t, bob)
	for u, c := range map[string]*http.Client{ada.ID: ca, bob.ID: cb} {
		if _, body := get(t, c, srv.URL, ""); body != u+" false 0s -1m0s" {
			t.Errorf("%s: %s", u, body)
		}
	}
	if status, _ := get(t, authtest.NewClient(t), srv.URL, ""); status != 401 {
		t.Errorf("nobody: %d", status)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	i := authtest.New(t)
	srv := i.Serve(handler(i.Auth))
	for name, c := range map[string]struct {
		p      authtest.TokenParams
		status int
		body   string
	}{
		"plain":   {authtest.TokenParams{UserID: "user_1"}, 200, "user_1 false 0s -1m0s"},
		"role":    {authtest.TokenParams{UserID: "user_1", OrganizationID: "org_1", Role: "org:admin"}, 200, "user_1 true 0s -1m0s"},
		"factors": {authtest.TokenParams{UserID: "user_1", FactorAge: &token.FactorAge{First: 5, Second: 2}}, 200, "user_1 false 5m0s 2m0s"},
		"old":     {authtest.TokenParams{UserID: "user_1", Age: 30 * time.Second}, 200, "user_1 false 0s -1m0s"},
		"too old": {authtest.TokenParams{UserID: "user_1", Age: 2 * time.Minute}, 401, ""},
	} {
		status, body := get(t, authtest.NewClient(t), srv.URL, i.Token(t, c.p))
		if status != c.status || c.body != "" && body != c.body {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	i := authtest.New(t)
	i.Serve(nil)
	c := authtest.NewClient(t)
	res, err := c.Post(i.Server.URL+"/__clerk/v1/client/sign_ups", "application/x-www-form-urlencoded", nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res.StatusCode, err)
	}
	res.Body.Close()
	if got := i.Mail.To("ada@example.com"); len(got) != 0 {
		t.Errorf("mail before any was asked for: %v", got)
	}
}
