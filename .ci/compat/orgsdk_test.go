package compat

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkhttp "github.com/clerk/clerk-sdk-go/v2/http"
	"github.com/clerk/clerk-sdk-go/v2/jwks"
	"github.com/clerk/clerk-sdk-go/v2/organization"
	"github.com/clerk/clerk-sdk-go/v2/organizationinvitation"
	"github.com/clerk/clerk-sdk-go/v2/organizationmembership"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/usherauth/usher/auth"
)

// TestGoSDKOrganizations is clerk-sdk-go's half of organizations, whole.
func TestGoSDKOrganizations(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	ctx, u, guest := t.Context(), h.person(t, "ada@example.com"), h.person(t, "guest@example.com")
	orgs, members, invites := organization.NewClient(h.sdk()), organizationmembership.NewClient(h.sdk()), organizationinvitation.NewClient(h.sdk())
	meta := json.RawMessage(`{"plan":"pro"}`)
	o := must[*clerk.Organization](t)(orgs.Create(ctx, &organization.CreateParams{Name: clerk.String("Acme"), Slug: clerk.String("acme-go"), CreatedBy: &u.ID, PublicMetadata: &meta}))
	if got := must[*clerk.Organization](t)(orgs.Get(ctx, "acme-go")); got.ID != o.ID {
		t.Errorf("got %s, want %s", got.ID, o.ID)
	}
	if got := must[*clerk.Organization](t)(orgs.Update(ctx, o.ID, &organization.UpdateParams{Name: clerk.String("Acme Inc"), MaxAllowedMemberships: clerk.Int64(9)})); got.Name != "Acme Inc" || got.MaxAllowedMemberships != 9 {
		t.Errorf("%+v", got)
	}
	must[*clerk.Organization](t)(orgs.UpdateMetadata(ctx, o.ID, &organization.UpdateMetadataParams{PrivateMetadata: &meta}))
	if list := must[*clerk.OrganizationList](t)(orgs.List(ctx, &organization.ListParams{UserIDs: []string{u.ID}, IncludeMembersCount: clerk.Bool(true)})); list.TotalCount != 1 || *list.Organizations[0].MembersCount != 1 {
		t.Errorf("%+v", list)
	}
	m := must[*clerk.OrganizationMembership](t)(members.Create(ctx, &organizationmembership.CreateParams{OrganizationID: o.ID, UserID: &guest.ID, Role: clerk.String("org:member")}))
	if m.Role != "org:member" || m.PublicUserData.UserID != guest.ID {
		t.Errorf("%+v", m)
	}
	must[*clerk.OrganizationMembership](t)(members.Update(ctx, &organizationmembership.UpdateParams{OrganizationID: o.ID, UserID: guest.ID, Role: clerk.String("org:editor")}))
	if list := must[*clerk.OrganizationMembershipList](t)(members.List(ctx, &organizationmembership.ListParams{OrganizationID: o.ID, Roles: []string{"org:editor"}})); list.TotalCount != 1 {
		t.Errorf("%+v", list)
	}
	if list := must[*clerk.OrganizationMembershipList](t)(user.NewClient(h.sdk()).ListOrganizationMemberships(ctx, guest.ID, &user.ListOrganizationMembershipsParams{})); list.TotalCount != 1 {
		t.Errorf("%+v", list)
	}
	i := must[*clerk.OrganizationInvitation](t)(invites.Create(ctx, &organizationinvitation.CreateParams{OrganizationID: o.ID, EmailAddress: clerk.String("new@example.com"), Role: clerk.String("org:member"), InviterUserID: &u.ID}))
	if list := must[*clerk.OrganizationInvitationList](t)(invites.List(ctx, &organizationinvitation.ListParams{OrganizationID: o.ID, Statuses: &[]string{"pending"}})); list.TotalCount != 1 {
		t.Errorf("%+v", list)
	}
	if got := must[*clerk.OrganizationInvitation](t)(invites.Revoke(ctx, &organizationinvitation.RevokeParams{OrganizationID: o.ID, ID: i.ID, RequestingUserID: &u.ID})); got.Status != "revoked" {
		t.Errorf("%+v", got)
	}
	_, err := members.Delete(ctx, &organizationmembership.DeleteParams{OrganizationID: o.ID, UserID: u.ID})
	refused(t, err, 400, "organization_minimum_permissions_needed")

	// What a token says is what the SDK reads of it.
	if _, err := h.Organizations().SetRole(ctx, o.ID, guest.ID, "org:editor"); err != nil {
		t.Fatal(err)
	}
	tok := h.organizationToken(t, guest.ID, o.ID)
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := clerk.SessionClaimsFromContext(r.Context())
		_, _ = io.WriteString(w, c.ActiveOrganizationID+" "+c.ActiveOrganizationSlug+" "+c.ActiveOrganizationRole)
		if c.HasPermission("org:reports:edit") {
			_, _ = io.WriteString(w, " edits")
		}
	})
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+tok)
	clerkhttp.RequireHeaderAuthorization(clerkhttp.JWKSClient(jwks.NewClient(h.sdk())))(app).ServeHTTP(w, r)
	if want := o.ID + " acme-go org:editor edits"; w.Body.String() != want {
		t.Errorf("the SDK reads %q, want %q", w.Body, want)
	}
	if gone := must[*clerk.DeletedResource](t)(orgs.Delete(ctx, o.ID)); !gone.Deleted {
		t.Errorf("%+v", gone)
	}
}

// organizationToken is a session token of a user that speaks of an organization.
func (h *host) organizationToken(t *testing.T, userID, organizationID string) string {
	t.Helper()
	mux := http.NewServeMux()
	tok := ""
	mux.Handle("/o/{org}", h.RequireOrganization("org", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.From(r.Context()).OrganizationID() != organizationID {
			t.Error("another organization")
		}
		for _, line := range w.Header()["Set-Cookie"] {
			if c, err := http.ParseSetCookie(line); err == nil && c.Name == "__session" {
				tok = c.Value
			}
		}
	})))
	r := httptest.NewRequest("GET", h.url+"/o/"+organizationID, nil)
	for _, c := range h.cookies(t, userID, 0, "compat") {
		r.AddCookie(c)
		if c.Name == "__session" { // it may speak of it already
			tok = c.Value
		}
	}
	mux.ServeHTTP(httptest.NewRecorder(), r)
	if tok == "" {
		t.Fatal("no token")
	}
	return tok
}
