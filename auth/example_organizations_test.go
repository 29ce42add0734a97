package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
)

// Permissions are declared once and asked for by handlers. What somebody holds
// is in the token: no database is asked.
func ExamplePermission() {
	set := settings.Default()
	set.Organizations.Enabled = true
	a, err := auth.New(context.Background(), auth.Config{Store: memory.New(), Settings: &set,
		Organizations: organization.Catalogue{
			Permissions: []organization.PermissionDefinition{{Key: "org:reports:edit", Name: "Edit reports"}},
			Roles:       []organization.RoleDefinition{{Key: "org:editor", Permissions: []string{"org:reports:edit"}}}}})
	if err != nil {
		panic(err)
	}
	edit := a.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("edited in", auth.From(r.Context()).OrganizationID())
	}), auth.Any(auth.Permission("org:reports:edit"), auth.Role("org:admin")))

	// A test says who is asking; a request says it by its token.
	claims := &token.Claims{Subject: "user_1", Organization: &token.Organization{ID: "org_1", Role: "editor"}}
	if err := claims.Grant(nil, []string{"org:reports:edit"}); err != nil {
		panic(err)
	}
	r := httptest.NewRequest("POST", "/reports", nil)
	edit.ServeHTTP(httptest.NewRecorder(), r.WithContext(auth.NewContext(r.Context(), &auth.Identity{UserID: "user_1", Claims: claims})))
	// Output: edited in org_1
}

// A host that has mails of its own invites silently, and mails the link itself.
func ExampleOrganizations_Invite() {
	ctx, set := context.Background(), settings.Default()
	set.Organizations.Enabled = true
	a, err := auth.New(ctx, auth.Config{Store: memory.New(), Settings: &set, URL: "http://localhost:8080"})
	if err != nil {
		panic(err)
	}
	acme, err := a.Organizations().Create(ctx, organization.CreateParams{Name: "Acme"})
	if err != nil {
		panic(err)
	}
	invited, err := a.Organizations().Invite(ctx, acme.ID, auth.OrganizationInvite{EmailAddress: "ada@example.com", Role: organization.Member, Silent: true})
	if err != nil {
		panic(err)
	}
	for _, i := range invited {
		link, _, _ := strings.Cut(i.URL, "?ticket=") // the ticket is a secret
		fmt.Println("mail", i.EmailAddress, link)
	}
	// Output: mail ada@example.com http://localhost:8080/__clerk/v1/tickets/accept
}
