package fapi_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
)

// asked invites an address to the organization and returns the ticket that was
// mailed.
func (r *rig) asked(by *browser, org, address string) (id, wire string) {
	r.t.Helper()
	id = by.post("/v1/organizations/"+org+"/invitations", "email_address", address, "role", "org:editor").ok().str("response.id")
	r.lastMail()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.mails {
		if _, text, ok := strings.Cut(m.Data.ActionURL, "?ticket="); ok && m.To == address {
			wire = text // the newest one
		}
	}
	return id, wire
}

func (b *browser) ticketIn(wire string) *answer {
	return b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire)
}

func (b *browser) ticketUp(wire string) *answer {
	return b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", wire, "password", good)
}

// joined wants the session to be of a member, with the organization active.
func (b *browser) joined(a *answer, org, role string) {
	b.t.Helper()
	a.ok().is("response.status", "complete")
	b.session = a.str("response.created_session_id")
	b.get("/v1/client/sessions/"+b.session).ok().is("response.last_active_organization_id", org)
	c := b.claims(b.token().ok().str("jwt"))
	if c.Organization == nil || c.Organization.ID != org || !c.HasRole(role) {
		b.t.Errorf("claims %+v", c.Organization)
	}
}

// TestOrganizationTickets: the link of an invitation to an organization leads
// to where its ticket is used; who has an account signs in with it, who has none
// signs up, and both are members then, with what the invitation says.
func TestOrganizationTickets(t *testing.T) {
	r := newRig(t, withOrganizations)
	a := r.signed(ada)
	org := a.found("Acme")
	r.userOf(bob)
	leads := func(b *browser, wire, path, status string) {
		t.Helper()
		for range 2 { // looking uses nothing
			x := b.send("GET", "/v1/tickets/accept?ticket="+url.QueryEscape(wire), b.header, nil, true)
			to, err := url.Parse(x.header.Get("Location"))
			if x.status != 303 || err != nil || to.Path != path || to.Query().Get("__clerk_ticket") != wire || to.Query().Get("__clerk_status") != status {
				t.Errorf("%d %s", x.status, x.header.Get("Location"))
			}
		}
	}
	const own = "/auth/organization/invitation"

	_, wire := r.asked(a, org, bob)
	b := r.browser()
	leads(b, wire, own, "sign_in")
	b.ticketUp(wire).refused(400, "invitation_account_exists")
	b.joined(b.ticketIn(wire), org, "org:editor")
	leads(b, wire, own, "complete")

	_, wire = r.asked(a, org, carl)
	c := r.browser()
	leads(c, wire, own, "sign_up")
	c.ticketIn(wire).refused(400, "invitation_account_not_exists")
	up := c.ticketUp(wire).is("response.email_address", carl).is("response.verifications.email_address.strategy", "ticket").
		is("response.verifications.email_address.status", "verified")
	c.joined(up, org, "org:editor")
	c.get("/v1/me").ok().is("response.email_addresses.0.verification.status", "verified")

	// Metadata goes to the membership, and the link where the host says.
	list, err := r.e.Organizations().Invite(t.Context(), org, "", []engine.InviteParams{{EmailAddress: "dora@example.com", Role: "org:member",
		RedirectURL: "/welcome?a=b", PublicMetadata: []byte(`{"plan":"pro"}`), Silent: true}})
	if err != nil {
		t.Fatal(err)
	}
	_, wire, _ = strings.Cut(list[0].URL, "?ticket=")
	d := r.browser()
	leads(d, wire, "/welcome", "sign_up")
	d.joined(d.ticketUp(wire), org, "org:member")
	d.get("/v1/me/organization_memberships?paginated=true").ok().is("response.data.0.public_metadata.plan", "pro")
	d.get("/v1/me").ok().is("response.public_metadata", map[string]any{})
	leads(d, wire, own, "complete")
	a.get("/v1/organizations/"+org).ok().is("response.members_count", 4).is("response.pending_invitations_count", 0)
}

// TestAttack_L13_OrganizationTickets: a ticket that was used, taken back or has
// run out lets nobody in, and only who holds it is told why.
func TestAttack_L13_OrganizationTickets(t *testing.T) {
	for name, c := range map[string]struct {
		before func(r *rig, a *browser, org, id, wire string)
		status int
		code   string
	}{
		"accepted": {func(r *rig, _ *browser, _, _, wire string) { r.browser().ticketUp(wire).ok() }, 400, "organization_invitation_already_accepted"},
		"revoked": {func(_ *rig, a *browser, org, id, _ string) {
			a.post("/v1/organizations/" + org + "/invitations/" + id + "/revoke").ok()
		}, 400, "organization_invitation_revoked_code"},
		"expired": {func(r *rig, _ *browser, _, _, _ string) { r.advance(31 * 24 * time.Hour) }, 400, "ticket_expired_code"},
		"switched off": {func(r *rig, _ *browser, _, _, _ string) {
			r.change(func(s *settings.Settings) { s.Organizations = settings.Default().Organizations })
		}, 404, "organization_invitation_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withOrganizations)
			a := r.signed(ada)
			org := a.found("Acme")
			id, wire := r.asked(a, org, bob)
			c.before(r, a, org, id, wire)
			for _, use := range []func(*browser, string) *answer{(*browser).ticketIn, (*browser).ticketUp} {
				b := r.browser()
				use(b, wire).refused(c.status, c.code)
				if b.cookie("__client") != "" {
					t.Error("a refused ticket made a client")
				}
				_, text, _ := strings.Cut(wire, ".")
				flipped := "A" + text[1:]
				if text[0] == 'A' {
					flipped = "B" + text[1:]
				}
				for _, forged := range []string{id + "." + flipped, "orginv_x." + text} {
					use(b, forged).refused(404, "organization_invitation_not_found")
				}
				use(b, id+".x").refused(400, "ticket_invalid_code")
				use(b, "inv_"+id[len("orginv_"):]+"."+text).refused(400, "ticket_invalid_code")
			}
		})
	}
}

// TestAttack_M04_OrganizationTicketOfAnother: the ticket is for who owns the
// address: in the browser of another account it is not that account's, and an
// address that nobody has shown to own is nobody's.
func TestAttack_M04_OrganizationTicketOfAnother(t *testing.T) {
	r := newRig(t, withOrganizations, func(s *setup) { s.settings.Sessions.Multi = false })
	a, e := r.signed(ada), r.signed(eve)
	org := a.found("Acme")
	r.userOf(bob)
	_, wire := r.asked(a, org, bob)
	e.ticketIn(wire).refused(400, "session_exists")
	e.ticketUp(wire).refused(400, "session_exists")
	// Adding the address without showing it changes nothing.
	_, other := r.asked(a, org, carl)
	e.post("/v1/me/email_addresses", "email_address", carl).ok()
	e.get("/v1/me/organization_memberships?paginated=true").ok().is("response.total_count", 0)
	r.browser().ticketIn(other).refused(400, "invitation_account_not_exists")
	// Another address than the invited one comes without the invitation.
	up := r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", other, "email_address", "zoe@example.com", "password", good).ok()
	up.is("response.status", "missing_requirements").is("response.unverified_fields.0", "email_address")
	b := r.browser()
	b.joined(b.ticketIn(wire), org, "org:editor")

	// The second factor is asked for first, and what has changed meanwhile counts.
	first := r.signed("frank@example.com")
	app, _ := first.setUpTOTP()
	id, wire := r.asked(a, org, "frank@example.com")
	f := r.browser()
	in := f.ticketIn(wire).ok().is("response.status", "needs_second_factor")
	a.get("/v1/organizations/"+org).ok().is("response.members_count", 2)
	again := r.browser()
	late := again.ticketIn(wire).ok().is("response.status", "needs_second_factor")
	f.joined(f.post("/v1/client/sign_ins/"+in.str("response.id")+"/attempt_second_factor", "strategy", "totp", "code", app.code(0)), org, "org:editor")
	r.advance(time.Minute)
	again.post("/v1/client/sign_ins/"+late.str("response.id")+"/attempt_second_factor", "strategy", "totp", "code", app.code(0)).
		refused(400, "organization_invitation_already_accepted")
	a.post("/v1/organizations/"+org+"/invitations/"+id+"/revoke").refused(400, "organization_invitation_already_accepted")
}

// An invitation opens the door where nobody else may sign up, but the lists of
// the host stand above what a member says.
func TestOrganizationTicketsAndAccess(t *testing.T) {
	r := newRig(t, withOrganizations, func(s *setup) { s.settings.SignUp.Mode = settings.Restricted })
	r.userOf(ada)
	a := r.browser()
	a.session = a.post("/v1/client/sign_ins", "identifier", ada, "password", good).ok().str("response.created_session_id")
	org := a.found("Acme")
	_, wire := r.asked(a, org, bob)
	r.browser().post("/v1/client/sign_ups", "email_address", bob, "password", good).refused(403, "sign_up_mode_restricted")
	b := r.browser()
	b.joined(b.ticketUp(wire), org, "org:editor")
	r.change(func(s *settings.Settings) { s.Access.Blocklist = true })
	must(r.e.Blocklist().Add(t.Context(), carl, false, ""))
	_, wire = r.asked(a, org, carl)
	r.browser().ticketUp(wire).refused(403, "not_allowed_access", "email_address")
}

// TestAttack_L14_OrganizationTicketRace: of many who use one ticket at once,
// and one who takes the invitation back, one wins.
func TestAttack_L14_OrganizationTicketRace(t *testing.T) {
	for name, use := range map[string]func(*browser, string) *answer{"sign in": (*browser).ticketIn, "sign up": (*browser).ticketUp} {
		for _, revoked := range []bool{false, true} {
			r := newRig(t, withOrganizations)
			a := r.signed(ada)
			org := a.found("Acme")
			if name == "sign in" {
				r.userOf(bob)
			}
			id, wire := r.asked(a, org, bob)
			answers := make(chan *answer, 5)
			var wg sync.WaitGroup
			for range 4 {
				b := r.browser()
				wg.Go(func() { answers <- use(b, wire) })
			}
			if revoked {
				wg.Go(func() { answers <- a.post("/v1/organizations/" + org + "/invitations/" + id + "/revoke") })
			}
			wg.Wait()
			close(answers)
			won := 0
			for x := range answers {
				if x.status == 200 {
					won++
				}
			}
			n := a.get("/v1/organizations/"+org).ok().is("response.pending_invitations_count", 0).at("response.members_count").(float64)
			status := a.get("/v1/organizations/" + org + "/invitations").ok().str("response.data.0.status")
			if won != 1 || (status == "accepted") != (n == 2) {
				t.Errorf("%s, revoked %v: %d won, %s, %v members", name, revoked, won, status, n)
			}
		}
	}
}
