package oauth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
)

// fake is a provider that runs, and a client for it over real connections.
func fake(t *testing.T) (*oauthtest.Server, *oauth.Client) {
	t.Helper()
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	f, err := oauthtest.New(srv.URL + "/fake")
	if err != nil {
		t.Fatal(err)
	}
	h = f
	c, err := oauth.NewClient(f.Provider(), oauth.Options{Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

const localCallback = "http://localhost:8080/callback"

// run goes through a flow as p; nil denies.
func run(t *testing.T, f *oauthtest.Server, c *oauth.Client, p *oauthtest.Person) (*oauth.Identity, error) {
	t.Helper()
	pending, target, err := c.Begin(t.Context(), oauth.Request{CallbackURL: localCallback})
	if err != nil {
		t.Fatal(err)
	}
	back, err := f.Answer(target, p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Exchange(t.Context(), pending, answerOf(t, back))
}

func answerOf(t *testing.T, back string) oauth.Answer {
	t.Helper()
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	return oauth.Answer{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss"), Error: q.Get("error")}
}

func TestFlow(t *testing.T) {
	f, c := fake(t)
	id, err := run(t, f, c, &oauthtest.Person{EmailAddress: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace"})
	if err != nil {
		t.Fatal(err)
	}
	if id.EmailAddress != "ada@example.com" || !id.EmailVerified || id.FirstName != "Ada" || id.LastName != "Lovelace" ||
		!slices.Equal(id.Scopes, []string{"openid", "profile", "email"}) || id.Tokens.Refresh == "" {
		t.Errorf("%+v", id)
	}
	again, err := run(t, f, c, &oauthtest.Person{EmailAddress: "ADA@example.com"})
	if err != nil || again.Subject != id.Subject || again.EmailVerified {
		t.Errorf("%+v %v", again, err)
	}
	if _, err = run(t, f, c, nil); code(err) != "answer access_denied" {
		t.Error(err)
	}
}

// A flow is bound to its own state and secrets.
func TestAttack_O01_AnswersOfOtherFlows(t *testing.T) {
	f, c := fake(t)
	ada := &oauthtest.Person{EmailAddress: "ada@example.com"}
	one, target, err := c.Begin(t.Context(), oauth.Request{CallbackURL: localCallback})
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := c.Begin(t.Context(), oauth.Request{CallbackURL: localCallback})
	if err != nil {
		t.Fatal(err)
	}
	back, err := f.Answer(target, ada)
	if err != nil {
		t.Fatal(err)
	}
	a := answerOf(t, back)
	for name, c2 := range map[string]struct {
		f oauth.Pending
		a oauth.Answer
	}{
		"state of another flow": {two, a},
		"no state":              {one, oauth.Answer{Code: a.Code, Iss: a.Iss}},
		"no flow":               {oauth.Pending{}, oauth.Answer{Code: a.Code, Iss: a.Iss}},
		"no code":               {one, oauth.Answer{State: a.State, Iss: a.Iss}},
		"endless code":          {one, oauth.Answer{State: a.State, Iss: a.Iss, Code: strings.Repeat("c", 10<<10)}},
	} {
		if _, err := c.Exchange(t.Context(), c2.f, c2.a); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// A code that was slipped into another flow fails at the provider: PKCE.
	injected := a
	injected.State = two.State
	if _, err := c.Exchange(t.Context(), two, injected); code(err) != "exchange invalid_grant" {
		t.Error(err)
	}
}

func TestRefreshAndRevoke(t *testing.T) {
	f, c := fake(t)
	id, err := run(t, f, c, &oauthtest.Person{EmailAddress: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := c.Refresh(t.Context(), id.Tokens)
	if err != nil || fresh.Access == id.Tokens.Access || fresh.Access == "" || !fresh.Fresh(time.Now()) {
		t.Errorf("%v %v", fresh.Access, err)
	}
	if _, err := c.Refresh(t.Context(), id.Tokens); code(err) != "refresh invalid_grant" {
		t.Errorf("a refresh token was good twice: %v", err)
	}
	if _, err := c.Refresh(t.Context(), oauth.Tokens{Access: "x"}); !errors.Is(err, oauth.ErrNoRefreshToken) {
		t.Error(err)
	}
	if err := c.Revoke(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	if _, err := c.Refresh(t.Context(), fresh); err == nil {
		t.Error("a revoked token was good")
	}
}

func TestFresh(t *testing.T) {
	for name, c := range map[string]struct {
		t    oauth.Tokens
		want bool
	}{
		"none": {oauth.Tokens{}, false}, "for ever": {oauth.Tokens{Access: "a"}, true},
		"an hour": {oauth.Tokens{Access: "a", ExpiresAt: now.Add(time.Hour)}, true},
		"a blink": {oauth.Tokens{Access: "a", ExpiresAt: now.Add(time.Second)}, false},
	} {
		if c.t.Fresh(now) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

func TestPromptsAndHints(t *testing.T) {
	n := oktaNet(t)
	c := client(t, okta(), n)
	_, q, _ := begin(t, c, oauth.Request{Prompt: "login consent", LoginHint: "ada@example.com", Scopes: []string{"groups", "email"}})
	if q.Get("prompt") != "login consent" || q.Get("login_hint") != "ada@example.com" || q.Get("scope") != "openid profile email groups" {
		t.Errorf("%v", q)
	}
	if _, _, err := c.Begin(t.Context(), oauth.Request{Prompt: "login&x=1"}); !errors.Is(err, oauth.ErrPrompt) {
		t.Error(err)
	}
}

// A provider that is away is no end: what was found is good for a day, and it
// is asked again.
func TestFault_R22_DiscoveryIsAway(t *testing.T) {
	at := now
	n := oktaNet(t)
	good := n.answers[issuer+"/.well-known/openid-configuration"]
	c, err := oauth.NewClient(okta(), oauth.Options{Transport: n, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	try := func() error {
		_, _, err := c.Begin(t.Context(), oauth.Request{CallbackURL: callback})
		return err
	}
	delete(n.answers, issuer+"/.well-known/openid-configuration")
	if err := try(); code(err) != "discovery unavailable" {
		t.Error(err)
	}
	for _, garbage := range []string{"", "<html>", `{"issuer":7}`, `[]`, "400 {}"} {
		n.answers[issuer+"/.well-known/openid-configuration"] = garbage
		if err := try(); code(err) != "discovery unavailable" {
			t.Errorf("%q: %v", garbage, err)
		}
	}
	n.answers[issuer+"/.well-known/openid-configuration"] = good
	if err := try(); err != nil {
		t.Error(err)
	}
	asked := len(n.asked)
	if err := try(); err != nil || len(n.asked) != asked {
		t.Errorf("asked again at once: %v", err)
	}
	delete(n.answers, issuer+"/.well-known/openid-configuration")
	at = now.Add(2 * time.Hour)
	if err := try(); err != nil || len(n.asked) == asked {
		t.Errorf("after two hours: %v", err)
	}
	at = now.Add(25 * time.Hour)
	if err := try(); err == nil {
		t.Error("believed for ever")
	}
}

// The browser can play the person too: the form and the click work.
func TestFakeProviderForm(t *testing.T) {
	f, c := fake(t)
	pending, target, err := c.Begin(t.Context(), oauth.Request{CallbackURL: localCallback})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(target)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	u, _ := url.Parse(target)
	q := u.Query()
	form := url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "verified": {"1"}, "decision": {"allow"}}
	for _, k := range []string{"redirect_uri", "state", "scope", "nonce", "code_challenge"} {
		form.Set(k, q.Get(k))
	}
	h := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err = h.PostForm(f.Provider().Issuer+"/authorize", form)
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatal(res, err)
	}
	res.Body.Close()
	id, err := c.Exchange(t.Context(), pending, answerOf(t, res.Header.Get("Location")))
	if err != nil || !id.EmailVerified {
		t.Errorf("%+v %v", id, err)
	}
	for _, bad := range []string{"https://evil.example.com/", "javascript:alert(1)", "http://localhost.evil.example.com/"} {
		form.Set("redirect_uri", bad)
		res, err := h.PostForm(f.Provider().Issuer+"/authorize", form)
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v %v", bad, res, err)
		}
		res.Body.Close()
	}
	if _, err := oauthtest.New("https://id.example.com"); err == nil {
		t.Error("the fake provider is not for the internet")
	}
}

// Any provider of OpenID Connect is a value with an issuer; one of plain OAuth
// 2 says where its endpoints and fields are.
func ExampleOIDC() {
	okta := oauth.OIDC("okta", "https://example.okta.com", "client-id", "client-secret")
	okta.Name = "Example staff"
	plain := oauth.Provider{Key: "custom_forge", Name: "Forge", ClientID: "client-id", ClientSecret: "client-secret",
		AuthURL: "https://forge.example.com/authorize", TokenURL: "https://forge.example.com/token",
		UserInfoURL: "https://forge.example.com/api/me",
		Fields:      oauth.Fields{Subject: "id", EmailAddress: "mail", Name: "display_name"},
		Verified:    oauth.EmailRule{Reason: "Forge says nothing of whether an address was verified"}}
	for _, p := range []oauth.Provider{okta, plain} {
		fmt.Println(p.Strategy(), p.Validate(false))
	}
	// Output:
	// oauth_custom_okta <nil>
	// oauth_custom_forge <nil>
}

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// GitHub has no RFC 7009: what the person has granted is deleted.
func TestRevokeAtGitHub(t *testing.T) {
	for status, want := range map[int]string{204: "", 404: "revoke refused", 503: "revoke unavailable"} {
		var got *http.Request
		var body []byte
		c, err := oauth.NewClient(oauth.GitHub("an id", "secret"), oauth.Options{Transport: answers(func(r *http.Request) (*http.Response, error) {
			got = r
			body, _ = io.ReadAll(r.Body)
			return &http.Response{StatusCode: status, Body: http.NoBody}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Revoke(t.Context(), oauth.Tokens{Access: "gho_x"}); want == "" && err != nil || want != "" && code(err) != want {
			t.Errorf("%d: %v", status, err)
		}
		id, secret, _ := got.BasicAuth()
		if got.Method != "DELETE" || got.URL.String() != "https://api.github.com/applications/an%20id/grant" || id != "an id" || secret != "secret" || string(body) != `{"access_token":"gho_x"}` {
			t.Errorf("%s %s as %s: %s", got.Method, got.URL, id, body)
		}
	}
}

// A picture is fetched from public addresses alone, whatever else the provider
// may be asked.
func TestPictureStaysOutside(t *testing.T) {
	p := oauth.OIDC("intranet", "https://id.example.com", "id", "secret")
	p.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c, err := oauth.NewClient(p, oauth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"https://127.0.0.1/x.png", "http://example.com/x.png", "https://[::1]/x.png", "file:///etc/passwd", "::"} {
		if _, err := c.Picture(t.Context(), url); code(err) != "picture refused" {
			t.Errorf("%s: %v", url, err)
		}
	}
}
