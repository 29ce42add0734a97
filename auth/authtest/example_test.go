package authtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
)

// A test of a host's handlers: with somebody who is signed in, with time that
// passes, with a program that brings a token, and with a mail.
func Example() {
	var t *testing.T // that of the test
	u := authtest.New(t, func(c *auth.Config) { c.Settings.SignUp.Mode = settings.Restricted })
	srv := u.Serve(u.Require(http.NotFoundHandler())) // the host's own

	ada := u.User(t, "ada@example.com")
	browser := u.SignedIn(t, ada)
	if res, err := browser.Get(srv.URL + "/private"); err != nil || res.StatusCode == http.StatusUnauthorized {
		t.Error(res, err)
	}
	u.Clock.Advance(8 * 24 * time.Hour) // sessions live for seven days
	if res, err := browser.Get(srv.URL + "/private"); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Error(res, err)
	}

	r, err := http.NewRequest("GET", srv.URL+"/api", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+u.Token(t, authtest.TokenParams{UserID: ada.ID, OrganizationID: "org_1", Role: "org:admin"}))
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode == http.StatusUnauthorized {
		t.Error(res, err)
	}

	if _, _, err := u.Invitations().Create(t.Context(), auth.InvitationParams{EmailAddress: "bob@example.com"}); err != nil {
		t.Fatal(err)
	}
	if m := u.Mail.Wait(t, "bob@example.com", 1); !strings.Contains(m.Text, "invit") {
		t.Error(m.Subject)
	}
}
