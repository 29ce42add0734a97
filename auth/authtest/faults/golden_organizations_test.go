package faults_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
)

// goldenOffers switches on all that there is of organizations.
func goldenOffers(c *auth.Config) {
	c.Settings.Limits.DailyMails = settings.Default().Limits.DailyMails // counts
	o := &c.Settings.Organizations
	o.Enabled, o.Slugs, o.Domains, o.Teams, o.MaxMemberships = true, true, true, true, 0
	o.EnrollmentModes = []string{organization.AutomaticInvitation, organization.AutomaticSuggestion}
	c.Organizations = organization.Catalogue{
		Permissions: []organization.PermissionDefinition{{Key: "org:reports:read", Name: "Read reports"}},
		Roles:       []organization.RoleDefinition{{Key: "org:editor", Name: "Editor", Permissions: []string{"org:reports:read"}}},
	}
}

// goldenOrganizations leaves a record of each kind that organizations have. v is
// the browser of ada, who founds one.
func goldenOrganizations(t *testing.T, r *rig, v *visitor) {
	ctx, must := t.Context(), func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := v.post("/organizations", "name", "Acme", "slug", "acme").ok().id()
	at := "/organizations/" + id
	v.post(at+"/invitations", "email_address", "guest@example.com", "role", "org:editor").ok()
	d := v.post(at+"/domains", "name", "acme-labs.example").ok().id()
	v.post(at+"/domains/"+d+"/prepare_affiliation_verification", "affiliation_email_address", "ada@acme-labs.example").ok()
	v.post(at + "/domains/" + d + "/prepare_ownership_verification").ok()

	os := r.Organizations()
	frank := r.account("frank@example.com", good)
	_, err := os.AddMember(ctx, id, organization.NewMember{UserID: frank.ID, Role: "org:editor", PublicMetadata: json.RawMessage(`{"desk":4}`)})
	must(err)
	team, err := os.CreateTeam(ctx, id, "Core")
	must(err)
	_, err = os.AddToTeam(ctx, id, team.ID, frank.ID, "lead")
	must(err)
	_, err = os.SetRole(ctx, id, frank.ID, organization.Member) // tokens that say editor hold no more
	must(err)

	// Two with an address at the domain find a suggestion, of whom one asks.
	_, err = os.AddDomain(ctx, id, "acme.example", organization.AutomaticSuggestion)
	must(err)
	for i, address := range []string{"gina@acme.example", "hugo@acme.example"} {
		r.account(address, good)
		w := r.visitor()
		w.signIn(address, good)
		found := w.get("/me/organization_suggestions").ok().str("response.data.0.id")
		if i == 0 {
			w.post("/me/organization_suggestions/" + found + "/accept").ok()
		}
	}
	goldenRemainder(t, r)

	// By use it takes a hundred organizations to make one of these.
	must(r.Store.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Put(ctx, store.Record{Kind: organization.StragglerKind, ID: frank.ID, Data: []byte(`{"after":"orgmem_gone"}`)})
		return err
	}))
}

// goldenRemainder leaves what is left of an organization that was too large to
// be deleted at once.
func goldenRemainder(t *testing.T, r *rig) {
	ctx, now := t.Context(), r.Clock.Now()
	large, err := r.Organizations().Create(ctx, organization.CreateParams{Name: "Large", Slug: "large"})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Store.Update(ctx, func(tx store.Tx) error {
		o, err := organization.Get(ctx, tx, large.ID)
		if err != nil {
			return err
		}
		roles, err := organization.LoadRoles(ctx, tx)
		if err != nil {
			return err
		}
		for i := range 251 { // one more than a step takes away
			m := organization.NewMember{UserID: fmt.Sprintf("user_%d", i), Role: organization.Member}
			if _, err := organization.Add(ctx, tx, o, roles, m, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Organizations().Delete(ctx, large.ID); err != nil {
		t.Fatal(err)
	}
}
