package compat

import (
	"net/url"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/organization"
)

// TestOrganizationInvitationLinks: the mailed link of an invitation to an
// organization leads to <SignUp/> who has no account and to <SignIn/> who has
// one; both are members then, and the organization is the active one.
func TestOrganizationInvitationLinks(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	ada, bob := h.person(t, "ada@example.com"), h.person(t, "bob@example.com")
	o, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Acme", CreatedBy: ada.ID})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(b *browser, email, page string) {
		t.Helper()
		_, err := h.Organizations().Invite(t.Context(), o.ID, auth.OrganizationInvite{EmailAddress: email, Role: "org:editor", InviterID: ada.ID, RedirectURL: page})
		if err != nil {
			t.Fatal(err)
		}
		link, err := url.Parse(h.Mail.Wait(t, email, 1).Data.ActionURL)
		if err != nil {
			t.Fatal(err)
		}
		b.goTo(link.RequestURI())
	}
	joined := func(b *browser) {
		t.Helper()
		b.at("/")
		b.visit("/")
		b.until("the organization is the active one", `Clerk.organization?.id === `+quote(o.ID)+` && Clerk.session.checkAuthorization({role: "org:editor"})`)
	}

	b := open(t, h)
	follow(b, "guest@example.com", "/sign-up")
	b.fill("input[name=password]", password)
	b.click(primary)
	joined(b)
	guest, err := h.Users().ByIdentifier(t.Context(), "guest@example.com")
	if err != nil {
		b.fail("no user: %v", err)
	}
	b.isSignedIn(guest.ID)

	c := open(t, h)
	follow(c, "bob@example.com", "/sign-in")
	joined(c)
	c.isSignedIn(bob.ID)
}
