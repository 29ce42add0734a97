package ui

import (
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
)

// getInvitation is where the link of an invitation leads: what it offers, and
// how to take it, with an account or without.
func getInvitation(x *exchange) error {
	wire := x.ticket()
	pg, err := x.invitationPage(wire)
	if err != nil {
		return err
	}
	x.w.Header().Set("Referrer-Policy", "no-referrer")
	return x.render(200, "organization_invitation", pg)
}

func (x *exchange) invitationPage(wire string) (*Page, error) {
	if !x.settings.Organizations.Enabled {
		return nil, fault.New("resource_not_found", "")
	}
	v, err := x.p.engine.InvitationByTicket(x.ctx(), wire)
	if err != nil {
		return nil, err
	}
	pg := x.page()
	pg.Attempt = wire
	pg.Joining = &OrganizationInvitation{ID: v.Invitation.ID, Address: v.EmailAddress, RoleName: roleName(v.Role, v.Invitation.Role), Organization: v.Organization.Name}
	if err := v.Usable(v.Now); err != nil {
		pg.Problems = append(pg.Problems, Problem{Text: fault.From(err).LongMessage})
		pg.Joining.ID = "" // nothing is to be accepted
	}
	current, _, err := x.accounts()
	if current != nil && current.User != nil {
		pg.Account = &Account{SessionID: current.ID, Name: current.User.Name(), Identifier: current.User.Identifier(), Current: true}
	}
	if err != nil {
		return nil, err
	}
	// Another account is found at the page of signing in, which leads back here;
	// who signs in or up with the ticket has joined and goes on.
	pg.Continue = x.p.site.PagesPath + "/organization/invitation?" + ticketParam + "=" + wire
	joined := *x
	joined.next = x.afterJoining(v)
	pg.Joining.SignIn, pg.Joining.SignUp = joined.url("/sign-in", ticketParam, wire), joined.url("/sign-up", ticketParam, wire)
	seen, err := x.p.engine.Ticket(x.ctx(), wire)
	pg.Joining.HasAccount = err == nil && seen.User != nil
	return pg, err
}

// afterJoining is where who has accepted an invitation goes on.
func (x *exchange) afterJoining(v *engine.InvitationView) string {
	if v.RedirectURL != "" {
		if checked, err := x.p.site.Redirects.Check(x.r, "redirect_url", v.RedirectURL); err == nil {
			return checked
		}
	}
	return x.p.site.PagesPath + "/organization"
}

// To is a page of ours that leads back here when it is done.
func (pg *Page) To(path string) string {
	x := *pg.x
	x.next = pg.Continue
	return x.url(path)
}

func postInvitation(x *exchange, a *engine.Actor, f *httpx.Form) error {
	wire, _ := f.StringMax("ticket", 512)
	if err := f.Err(); err != nil {
		return err
	}
	v, err := x.p.engine.AcceptTicket(x.ctx(), a, wire)
	if err != nil {
		pg, err2 := x.invitationPage(wire)
		if err2 != nil {
			return err
		}
		pg.Problems = nil
		return x.refuse("organization_invitation", pg, err)
	}
	if err := x.choose(a, v.OrganizationID); err != nil {
		return err
	}
	if v.RedirectURL != "" {
		return x.leave(x.afterJoining(v))
	}
	return x.redirect("/organization", "org-joined")
}
