package engine_test

import (
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
)

// Where nobody acts without an organization, a session whose own is gone acts
// for nobody, and is what its next use writes down.
func TestSessionWhoseOrganizationIsGone(t *testing.T) {
	ctx := t.Context()
	r := newRig(t, nil, func(c *engine.Config) {
		c.Settings.Organizations.Enabled, c.Settings.Organizations.ForceSelection = true, true
	})
	b, cookie := r.signUp(ada, good)
	u, err := r.Users().ByIdentifier(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.Organizations().Create(ctx, organization.CreateParams{Name: "Acme", CreatedBy: u.ID})
	if err != nil {
		t.Fatal(err)
	}
	sid := b.Client.LastActiveSessionID
	if _, err := r.TouchSession(ctx, b, sid, engine.TouchParams{Organization: &o.ID}); err != nil {
		t.Fatal(err)
	}
	b = r.next(b, &cookie)
	if _, err := r.Actor(ctx, b, sid); err != nil {
		t.Fatalf("with the organization: %v", err)
	}
	before, err := r.Token(ctx, b, sid, engine.TokenParams{})
	if err != nil {
		t.Fatal(err)
	}
	if err := deleted(r, o.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Actor(ctx, b, sid); code(err) != "authentication_invalid" {
		t.Errorf("without it: %v", err)
	}
	if _, err := r.ActorFor(ctx, b, sid, session.TaskChooseOrganization); err != nil {
		t.Errorf("to choose another: %v", err)
	}
	after, err := r.Token(ctx, b, sid, engine.TokenParams{})
	if err != nil || after == before {
		t.Errorf("the same token: %v", err)
	}
	s, _, err := r.Renew(ctx, b, sid, engine.TokenParams{Organization: &o.ID})
	if err != nil || s.Status != session.Pending {
		t.Errorf("a tab that was in it: %+v, %v", s, err)
	}
	pending := func(when string) {
		t.Helper()
		_, n, err := r.Sessions().List(ctx, session.Filter{UserID: u.ID, Status: session.Pending}, 0, 10)
		if err != nil || n != 1 {
			t.Errorf("%s: %d are pending: %v", when, n, err)
		}
	}
	pending("at once")
	r.advance(session.TouchEvery)
	if _, err := r.Token(ctx, b, sid, engine.TokenParams{}); err != nil {
		t.Fatal(err)
	}
	if _, n, err := r.Sessions().List(ctx, session.Filter{Status: session.Pending}, 0, 10); err != nil || n != 1 {
		t.Errorf("%d are stored so: %v", n, err)
	}
	pending("when it is stored")
}

func deleted(r *rig, id string) error {
	_, err := r.Organizations().Delete(r.t.Context(), id)
	return err
}
