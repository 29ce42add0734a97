package engine_test

import (
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
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

// What settings say of organizations holds for sessions that were there before:
// nobody is kept out for a choice that is not asked for any more, or cannot be
// made.
func TestChoiceFollowsTheSettings(t *testing.T) {
	ctx := t.Context()
	r := newRig(t, nil)
	b, _ := r.signUp(ada, good)
	sid := b.Client.LastActiveSessionID
	for _, step := range []struct {
		name          string
		enabled, must bool
		want          string
	}{{"on", true, false, ""}, {"needed", true, true, "authentication_invalid"}, {"not needed", true, false, ""},
		{"needed again", true, true, "authentication_invalid"}, {"off", false, false, ""}} {
		if err := r.UpdateSettings(ctx, func(s *settings.Settings) error {
			s.Organizations.Enabled, s.Organizations.ForceSelection = step.enabled, step.must
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Actor(ctx, b, sid); code(err) != step.want {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
		r.advance(session.TouchEvery) // the use is written down
		if _, err := r.Token(ctx, b, sid, engine.TokenParams{}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Actor(ctx, b, sid); code(err) != step.want {
			t.Errorf("%s, stored: %v, want %q", step.name, err, step.want)
		}
	}
}

// A tab that acts in another organization than the one that goes away goes on,
// and by its next token the session does.
func TestTabInAnotherOrganization(t *testing.T) {
	ctx := t.Context()
	for _, how := range []string{"Token", "Renew"} {
		r := newRig(t, nil, func(c *engine.Config) {
			c.Settings.Organizations.Enabled, c.Settings.Organizations.ForceSelection = true, true
		})
		b, cookie := r.signUp(ada, good)
		u, err := r.Users().ByIdentifier(ctx, ada)
		if err != nil {
			t.Fatal(err)
		}
		var orgs [2]*organization.Organization
		for i := range orgs {
			if orgs[i], err = r.Organizations().Create(ctx, organization.CreateParams{Name: "Acme", CreatedBy: u.ID}); err != nil {
				t.Fatal(err)
			}
		}
		sid := b.Client.LastActiveSessionID
		if _, err := r.TouchSession(ctx, b, sid, engine.TouchParams{Organization: &orgs[0].ID}); err != nil {
			t.Fatal(err)
		}
		b = r.next(b, &cookie)
		if err := deleted(r, orgs[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Actor(ctx, b, sid); code(err) != "authentication_invalid" {
			t.Errorf("before it is chosen: %v", err)
		}
		if _, err := r.Token(ctx, b, sid, engine.TokenParams{Organization: &orgs[0].ID}); code(err) != "resource_not_found" {
			t.Errorf("the one that is gone: %v", err)
		}
		ask := engine.TokenParams{Organization: &orgs[1].ID}
		if how == "Token" {
			_, err = r.Token(ctx, b, sid, ask)
		} else {
			_, _, err = r.Renew(ctx, b, sid, ask)
		}
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if a, err := r.Actor(ctx, b, sid); err != nil || a.Session.LastActiveOrganizationID != orgs[1].ID {
			t.Errorf("%s: the session is not in the other: %v", how, err)
		}
	}
}

// Where everybody must be in an organization, the user is the guard of the last
// one: who leaves two at once collides with oneself.
func TestLeavingWritesTheUser(t *testing.T) {
	ctx := t.Context()
	r := newRig(t, nil, func(c *engine.Config) {
		c.Settings.Organizations.Enabled, c.Settings.Organizations.ForceSelection = true, true
	})
	b, cookie := r.signUp(ada, good)
	u, err := r.Users().ByIdentifier(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for range 2 {
		o, err := r.Organizations().Create(ctx, organization.CreateParams{Name: "Acme"})
		if err == nil {
			_, err = r.Organizations().AddMember(ctx, o.ID, organization.NewMember{UserID: u.ID, Role: organization.Member})
		}
		if err != nil {
			t.Fatal(err)
		}
		last = o.ID
	}
	sid := b.Client.LastActiveSessionID
	if _, err := r.TouchSession(ctx, b, sid, engine.TouchParams{Organization: &last}); err != nil {
		t.Fatal(err)
	}
	a, err := r.Actor(ctx, r.next(b, &cookie), sid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.RemoveMember(ctx, a, last, u.ID); err != nil {
		t.Fatal(err)
	}
	if now, err := r.Users().Get(ctx, u.ID); err != nil || now.Version <= a.User.Version {
		t.Errorf("the user was not written: %v", err)
	}
}

// Whoever becomes a member is written, too: the user is the guard of their own
// deletion, after which there is no membership.
func TestJoiningWritesTheUser(t *testing.T) {
	ctx := t.Context()
	r := newRig(t, nil, func(c *engine.Config) { c.Settings.Organizations.Enabled = true })
	b, cookie := r.signUp(ada, good)
	u, err := r.Users().ByIdentifier(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Actor(ctx, r.next(b, &cookie), b.Client.LastActiveSessionID)
	if err != nil {
		t.Fatal(err)
	}
	for name, join := range map[string]func(id string) error{
		"added": func(id string) error {
			_, err := r.Organizations().AddMember(ctx, id, organization.NewMember{UserID: u.ID, Role: organization.Member})
			return err
		},
		"invited": func(id string) error {
			list, err := r.Organizations().Invite(ctx, id, "", []engine.InviteParams{{EmailAddress: ada, Role: organization.Member, Silent: true}})
			if err == nil {
				_, err = r.AcceptTicket(ctx, a, list[0].Ticket)
			}
			return err
		},
	} {
		o, err := r.Organizations().Create(ctx, organization.CreateParams{Name: "Acme"})
		if err != nil {
			t.Fatal(err)
		}
		before, err := r.Users().Get(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := join(o.ID); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if now, err := r.Users().Get(ctx, u.ID); err != nil || now.Version <= before.Version {
			t.Errorf("%s: the user was not written: %v", name, err)
		}
	}
}

func deleted(r *rig, id string) error {
	_, err := r.Organizations().Delete(r.t.Context(), id)
	return err
}
