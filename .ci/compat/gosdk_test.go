package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/client"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	clerkhttp "github.com/clerk/clerk-sdk-go/v2/http"
	"github.com/clerk/clerk-sdk-go/v2/jwks"
	"github.com/clerk/clerk-sdk-go/v2/jwt"
	"github.com/clerk/clerk-sdk-go/v2/session"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/usherauth/usher/auth/authtest"
)

// sdk is the configuration of clerk-sdk-go for a host.
func (h *host) sdk() *clerk.ClientConfig {
	return &clerk.ClientConfig{BackendConfig: clerk.BackendConfig{
		URL: clerk.String(h.url + "/bapi/v1"), Key: clerk.String(h.SecretKey()), HTTPClient: h.Server.Client()}}
}

// refused checks that err is a refusal with a status and a code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	e, ok := errors.AsType[*clerk.APIErrorResponse](err)
	if !ok {
		t.Fatalf("got %v, want an error of the API", err)
	}
	if e.HTTPStatusCode != status || len(e.Errors) == 0 || e.Errors[0].Code != code || e.TraceID == "" {
		t.Errorf("got %d %+v (trace %q), want %d %s", e.HTTPStatusCode, e.Errors, e.TraceID, status, code)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGoSDKMiddleware(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	s, err := h.Sessions().Create(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	good, err := h.Sessions().Token(t.Context(), s.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := clerk.SessionClaimsFromContext(r.Context()); ok {
			_, _ = io.WriteString(w, c.Subject+" "+c.SessionID)
			return
		}
		_, _ = io.WriteString(w, "nobody")
	})
	keys := clerkhttp.JWKSClient(jwks.NewClient(h.sdk()))
	with, require := clerkhttp.WithHeaderAuthorization(keys)(app), clerkhttp.RequireHeaderAuthorization(keys)(app)
	forged := good[:len(good)-8] + map[bool]string{true: "BBBBBBBB", false: "AAAAAAAA"}[strings.HasSuffix(good, "AAAAAAAA")]
	expired := h.Token(t, authtest.TokenParams{UserID: u.ID, SessionID: s.ID, Age: 5 * time.Minute})
	foreign := newHost(t).Token(t, authtest.TokenParams{UserID: u.ID, SessionID: s.ID})
	for _, c := range []struct {
		name, token string
		handler     http.Handler
		status      int
		body        string
	}{
		{"with, good", good, with, 200, u.ID + " " + s.ID},
		{"with, none", "", with, 200, "nobody"},
		{"with, expired", expired, with, 401, ""},
		{"with, forged", forged, with, 401, ""},
		{"with, another instance's", foreign, with, 401, ""},
		{"require, good", good, require, 200, u.ID + " " + s.ID},
		{"require, none", "", require, 403, ""},
		{"require, expired", expired, require, 401, ""},
		{"require, forged", forged, require, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			c.handler.ServeHTTP(w, r)
			if w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, c.status, c.body)
			}
		})
	}
}

func TestGoSDKVerify(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	s, err := h.Sessions().Create(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	tok := must[*clerk.SessionToken](t)(session.NewClient(h.sdk()).CreateToken(t.Context(), &session.CreateTokenParams{ID: s.ID})).JWT
	set := must[*clerk.JSONWebKeySet](t)(jwks.NewClient(h.sdk()).Get(t.Context(), &jwks.GetParams{}))
	if len(set.Keys) == 0 {
		t.Fatal("no keys")
	}
	claims, err := jwt.Verify(t.Context(), &jwt.VerifyParams{Token: tok, JWKSClient: jwks.NewClient(h.sdk())})
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != u.ID || claims.SessionID != s.ID || claims.Issuer != h.Issuer() {
		t.Errorf("claims are %+v", claims)
	}
	decoded, err := jwt.Decode(t.Context(), &jwt.DecodeParams{Token: tok})
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwt.GetJSONWebKey(t.Context(), &jwt.GetJSONWebKeyParams{KeyID: decoded.KeyID, JWKSClient: jwks.NewClient(h.sdk())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Verify(t.Context(), &jwt.VerifyParams{Token: tok, JWK: key}); err != nil {
		t.Errorf("with a key at hand: %v", err)
	}
	// An active organization arrives as the SDK reads it.
	org := h.Token(t, authtest.TokenParams{UserID: u.ID, SessionID: s.ID, OrganizationID: "org_1", Role: "org:admin", Permissions: []string{"org:docs:read"}})
	claims, err = jwt.Verify(t.Context(), &jwt.VerifyParams{Token: org, JWK: key})
	if err != nil {
		t.Fatal(err)
	}
	if claims.ActiveOrganizationID != "org_1" || !claims.HasRole("org:admin") || !claims.HasPermission("org:docs:read") || claims.HasPermission("org:docs:write") {
		t.Errorf("the organization is %+v", claims)
	}
}

func TestGoSDKUsers(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, ctx, ok := user.NewClient(h.sdk()), t.Context(), must[*clerk.User](t)
	raw := func(s string) *json.RawMessage { m := json.RawMessage(s); return &m }

	u := ok(c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"ada@example.com"}, Password: clerk.String(password),
		FirstName: clerk.String("Ada"), ExternalID: clerk.String("ext-1"), PublicMetadata: raw(`{"plan":"gold","nested":{"keep":1,"drop":2}}`)}))
	if !strings.HasPrefix(u.ID, "user_") || *u.FirstName != "Ada" || len(u.EmailAddresses) != 1 || !u.PasswordEnabled {
		t.Errorf("created %+v", u)
	}
	_, err := c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"ada@example.com"}, Password: clerk.String(password)})
	refused(t, err, 422, "form_identifier_exists")
	if got := ok(c.Get(ctx, u.ID)); got.ID != u.ID || *got.ExternalID != "ext-1" {
		t.Errorf("got %+v", got)
	}
	_, err = c.Get(ctx, "user_nobody")
	refused(t, err, 404, "resource_not_found")

	if got := ok(c.Update(ctx, u.ID, &user.UpdateParams{LastName: clerk.String("Lovelace")})); *got.LastName != "Lovelace" || *got.FirstName != "Ada" {
		t.Errorf("updated to %+v", got)
	}
	got := ok(c.UpdateMetadata(ctx, u.ID, &user.UpdateMetadataParams{PublicMetadata: raw(`{"nested":{"drop":null}}`)}))
	var meta any
	if err := json.Unmarshal(got.PublicMetadata, &meta); err != nil {
		t.Fatal(err)
	}
	if b, _ := json.Marshal(meta); string(b) != `{"nested":{"keep":1},"plan":"gold"}` {
		t.Errorf("the metadata is %s", b)
	}

	ok(c.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{"bob@example.com"}, Password: clerk.String(password)}))
	list, err := c.List(ctx, &user.ListParams{EmailAddresses: []string{"ada@example.com"}, ListParams: clerk.ListParams{Limit: clerk.Int64(10)}})
	if err != nil || list.TotalCount != 1 || len(list.Users) != 1 || list.Users[0].ID != u.ID {
		t.Errorf("listed %+v, %v", list, err)
	}
	count, err := c.Count(ctx, &user.ListParams{})
	if err != nil || count.TotalCount != 2 {
		t.Errorf("counted %+v, %v", count, err)
	}

	yes, err := c.VerifyPassword(ctx, &user.VerifyPasswordParams{UserID: u.ID, Password: password})
	if err != nil || !yes.Verified {
		t.Errorf("the password is not verified: %+v, %v", yes, err)
	}
	_, err = c.VerifyPassword(ctx, &user.VerifyPasswordParams{UserID: u.ID, Password: "wrong horse battery"})
	refused(t, err, 422, "incorrect_password")

	if !ok(c.Ban(ctx, u.ID)).Banned || ok(c.Unban(ctx, u.ID)).Banned {
		t.Error("a ban does not come and go")
	}
	if !ok(c.Lock(ctx, u.ID)).Locked || ok(c.Unlock(ctx, u.ID)).Locked {
		t.Error("a lock does not come and go")
	}
	orgs, err := c.ListOrganizationMemberships(ctx, u.ID, &user.ListOrganizationMembershipsParams{})
	if err != nil || orgs.TotalCount != 0 {
		t.Errorf("organizations %+v, %v", orgs, err)
	}
	gone, err := c.Delete(ctx, u.ID)
	if err != nil || !gone.Deleted || gone.ID != u.ID {
		t.Errorf("deleted %+v, %v", gone, err)
	}
	_, err = c.Get(ctx, u.ID)
	refused(t, err, 404, "resource_not_found")
}

// file is what UpdateProfileImage takes.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func TestGoSDKProfileImage(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	c := user.NewClient(h.sdk())
	got, err := c.UpdateProfileImage(t.Context(), u.ID, &user.UpdateProfileImageParams{File: file{bytes.NewReader(png(t))}})
	if err != nil || !got.HasImage || got.ImageURL == nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	got, err = c.DeleteProfileImage(t.Context(), u.ID)
	if err != nil || got.HasImage {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestGoSDKSessionsAndClients(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	var cookie string
	for _, c := range h.cookies(t, u.ID, 0, "compat") {
		if c.Name == "__client" {
			cookie = c.Value
		}
	}
	sessions, clients, ctx := session.NewClient(h.sdk()), client.NewClient(h.sdk()), t.Context()
	list, err := sessions.List(ctx, &session.ListParams{UserID: clerk.String(u.ID), Status: clerk.String("active")})
	if err != nil || list.TotalCount != 1 || len(list.Sessions) != 1 {
		t.Fatalf("listed %+v, %v", list, err)
	}
	s := must[*clerk.Session](t)(sessions.Get(ctx, list.Sessions[0].ID))
	if s.UserID != u.ID || s.Status != "active" {
		t.Errorf("got %+v", s)
	}
	on := must[*clerk.Client](t)(clients.Get(ctx, s.ClientID))
	if len(on.SessionIDs) != 1 || on.SessionIDs[0] != s.ID {
		t.Errorf("the client is %+v", on)
	}
	proved := must[*clerk.Client](t)(clients.Verify(ctx, &client.VerifyParams{Token: clerk.String(cookie)}))
	if proved.ID != on.ID {
		t.Errorf("the cookie proves %s, want %s", proved.ID, on.ID)
	}
	all, err := clients.List(ctx, &client.ListParams{})
	if err != nil || len(all.Clients) != 1 {
		t.Errorf("clients %+v, %v", all, err)
	}
	tok := must[*clerk.SessionToken](t)(sessions.CreateToken(ctx, &session.CreateTokenParams{ID: s.ID, ExpiresInSeconds: clerk.Int64(600)}))
	claims, err := jwt.Verify(ctx, &jwt.VerifyParams{Token: tok.JWT, JWKSClient: jwks.NewClient(h.sdk())})
	if err != nil || *claims.Expiry-*claims.IssuedAt != 600 {
		t.Errorf("a token of ten minutes is %+v, %v", claims, err)
	}
	over := must[*clerk.Session](t)(sessions.Revoke(ctx, &session.RevokeParams{ID: s.ID}))
	if over.Status != "revoked" {
		t.Errorf("revoked to %+v", over)
	}
	_, err = sessions.Get(ctx, "sess_none")
	refused(t, err, 404, "resource_not_found")
	fresh := must[*clerk.Session](t)(sessions.Create(ctx, &session.CreateParams{UserID: u.ID}))
	if fresh.UserID != u.ID || fresh.Status != "active" {
		t.Errorf("created %+v", fresh)
	}
}

func TestGoSDKEmailAddresses(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	c, ctx, ok := emailaddress.NewClient(h.sdk()), t.Context(), must[*clerk.EmailAddress](t)
	e := ok(c.Create(ctx, &emailaddress.CreateParams{UserID: clerk.String(u.ID), EmailAddress: clerk.String("countess@example.com"), Verified: clerk.Bool(false)}))
	if e.EmailAddress != "countess@example.com" {
		t.Errorf("created %+v", e)
	}
	if got := ok(c.Update(ctx, e.ID, &emailaddress.UpdateParams{Verified: clerk.Bool(true), Primary: clerk.Bool(true)})); got.Verification == nil || got.Verification.Status != "verified" {
		t.Errorf("verified to %+v", got)
	}
	if got := ok(c.Get(ctx, e.ID)); got.ID != e.ID {
		t.Errorf("got %+v", got)
	}
	h.person(t, "bob@example.com")
	_, err := c.Create(ctx, &emailaddress.CreateParams{UserID: clerk.String(u.ID), EmailAddress: clerk.String("bob@example.com")})
	refused(t, err, 422, "form_identifier_exists")
	if gone, err := c.Delete(ctx, e.ID); err != nil || !gone.Deleted {
		t.Errorf("deleted %+v, %v", gone, err)
	}
	_, err = c.Get(ctx, e.ID)
	refused(t, err, 404, "resource_not_found")
}

func TestGoSDKWrongKey(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	config := h.sdk()
	config.Key = clerk.String("sk_live_" + strings.Repeat("x", 40))
	_, err := user.NewClient(config).Get(t.Context(), "user_1")
	refused(t, err, 401, "clerk_key_invalid")
	_, err = jwks.NewClient(config).Get(t.Context(), &jwks.GetParams{})
	refused(t, err, 401, "clerk_key_invalid")
}
