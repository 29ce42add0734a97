package compat

import (
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/organization"
)

// withOrganizations switches on all that there is of organizations.
func withOrganizations(c *auth.Config) {
	o := &c.Settings.Organizations
	o.Enabled, o.Slugs, o.Domains, o.MaxMemberships = true, true, true, 0
	o.EnrollmentModes = []string{organization.AutomaticInvitation, organization.AutomaticSuggestion}
	c.Organizations = organization.Catalogue{
		Permissions: []organization.PermissionDefinition{{Key: "org:reports:edit", Name: "Edit reports"}},
		Roles:       []organization.RoleDefinition{{Key: "org:editor", Name: "Editor", Permissions: []string{"org:reports:edit", organization.ReadMemberships}}},
	}
}

// TestCreateOrganization: the component makes one, asks whom to invite, and
// makes it the active one.
func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/create-organization")
	b.fill("input[name=name]", "Acme")
	b.fill("input[name=slug]", "acme-inc")
	b.click(primary)
	b.see(".cl-tagInputContainer, .cl-formFieldInput__tagInput, [class*=tagInput]")
	b.until("it is there", `Clerk.user.organizationMemberships.length === 1 && Clerk.user.organizationMemberships[0].organization.slug === "acme-inc"`)
	b.until("it is active", `Clerk.organization?.slug === "acme-inc" && Clerk.session.checkAuthorization({role: "org:admin"}) && Clerk.session.checkAuthorization({permission: "org:reports:edit"})`)
	b.goTo("/")
	b.until("it is active after a reload", `Clerk.organization?.slug === "acme-inc"`)
}

// TestOrganizationSwitcher: create in a dialog, switch to the personal account
// and back.
func TestOrganizationSwitcher(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	u := h.person(t, "ada@example.com")
	if _, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Second", CreatedBy: u.ID}); err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/switcher")
	b.click(".cl-organizationSwitcherTrigger")
	b.click("button|Create organization")
	b.fill("input[name=name]", "Acme")
	b.click(primary + "|Create organization")
	b.until("it is active", `Clerk.organization?.name === "Acme"`)
	b.visit("/switcher")
	b.click(".cl-organizationSwitcherTrigger")
	b.click(".cl-organizationSwitcherPopoverCard button|Second")
	b.until("the other one is active", `Clerk.organization?.name === "Second"`)
	b.visit("/switcher")
	b.click(".cl-organizationSwitcherTrigger")
	b.click(".cl-organizationSwitcherPopoverCard button|Personal account")
	b.until("none is active", `Clerk.organization === null && Clerk.session.lastActiveOrganizationId === null`)
}

// TestOrganizationProfile: rename, logo, invite, accept in a second browser,
// change a role, remove, leave and delete.
func TestOrganizationProfile(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	ada, bob := h.person(t, "ada@example.com"), h.person(t, "bob@example.com")
	o, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Acme", Slug: "acme", CreatedBy: ada.ID})
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, h)
	a.arrive(ada.ID, 0)
	a.visit("/")
	a.text(`Clerk.setActive({organization: ` + quote(o.ID) + `}).then(() => 0)`)
	a.visit("/organization")
	a.click(".cl-profileSectionPrimaryButton__organizationProfile")
	a.fill("input[name=name]", "Acme & Sons")
	a.click(primary + "|Save")
	a.see(".cl-profileSection__organizationProfile|Acme & Sons")
	a.gone("input[name=name]")
	a.click(".cl-profileSectionPrimaryButton__organizationProfile")
	a.see(".cl-avatarImageActions")
	a.text(`(async () => { // as somebody who has chosen a file
		const c = Object.assign(document.createElement("canvas"), {width: 64, height: 64})
		c.getContext("2d").fillRect(0, 0, 32, 64)
		const blob = await new Promise(r => c.toBlob(r, "image/png")), chosen = new DataTransfer()
		chosen.items.add(new File([blob], "logo.png", {type: "image/png"}))
		const field = document.querySelector("input[type=file]")
		field.files = chosen.files
		field.dispatchEvent(new Event("change", {bubbles: true}))
		return 0
	})()`)
	a.until("the logo is there", "Clerk.organization.hasImage")
	a.gone("input[name=name]")
	a.until("it loads", `fetch(Clerk.organization.imageUrl).then(r => r.ok && r.headers.get("content-type").startsWith("image/"))`)
	a.click(".cl-profileSectionPrimaryButton__organizationProfile")
	a.click(".cl-avatarImageActionsRemove")
	a.until("the logo is gone", "!Clerk.organization.hasImage")

	// Invite by the component.
	a.visit("/organization#/organization-members")
	a.click("button|Invite")
	a.typeInto("[class*=tagInput] input, input[name=emailAddress]", "bob@example.com")
	a.text(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true})), 0`)

	a.click(primary + "|Send invitations")
	a.until("the invitation is out", `Clerk.organization.getInvitations({status: ["pending"]}).then(l => l.total_count === 1)`)
	if m := h.Mail.Wait(t, "bob@example.com", 1); m.Data.ActionURL == "" {
		t.Error("the mail has no link")
	}

	// Accept in a second browser, by the switcher.
	b := open(t, h)
	b.arrive(bob.ID, 0)
	b.visit("/switcher")
	b.click(".cl-organizationSwitcherTrigger")
	b.click(".cl-organizationSwitcherPopoverCard button|Join")
	b.until("he is in", `fetch("/__clerk/v1/me/organization_memberships?paginated=true").then(r => r.json()).then(l => l.response.total_count === 1)`)
	b.visit("/")
	b.text(`Clerk.setActive({organization: ` + quote(o.ID) + `}).then(() => 0)`)
	b.until("he may edit nothing", `!Clerk.session.checkAuthorization({permission: "org:reports:edit"}) && Clerk.session.checkAuthorization({role: "org:member"})`)

	// A role changed there is known here at the next token.
	a.goTo("/blank")
	a.visit("/organization#/organization-members")
	a.clickIn("tr|bob@example.com", ".cl-selectButton__role")
	a.click(".cl-selectOption|Editor")
	a.until("the role is changed", `Clerk.organization.getMemberships().then(l => l.data.some(m => m.role === "org:editor"))`)
	b.visit("/")
	b.text(`Clerk.session.getToken({skipCache: true}).then(() => 0)`)
	b.until("he may edit", `fetch("/__clerk/v1/me").then(r => r.json()).then(u => u.response.organization_memberships[0].role === "org:editor")`)
	a.clickIn("tr|bob@example.com", ".cl-menuButton")
	a.click("[role=menuitem]|Remove member")
	a.until("he is removed", `Clerk.organization.getMemberships().then(l => l.total_count === 1)`)
	b.visit("/")
	b.until("he is out", "Clerk.organization === null && Clerk.user.organizationMemberships.length === 0")

	// Whoever leaves does so by the component.
	if _, err := h.Organizations().AddMember(t.Context(), o.ID, organization.NewMember{UserID: bob.ID, Role: "org:member"}); err != nil {
		t.Fatal(err)
	}
	b.text(`Clerk.setActive({organization: ` + quote(o.ID) + `}).then(() => 0)`)
	b.visit("/organization")
	b.click("button|Leave organization")
	b.fill("input[name=deleteOrganizationConfirmation]", "Acme & Sons")
	b.click(primary + "|Leave organization")
	b.until("he has left", `fetch("/__clerk/v1/me/organization_memberships?paginated=true").then(r => r.json()).then(l => l.response.total_count === 0)`)

	// Delete by the component.
	a.goTo("/blank")
	a.visit("/organization")
	a.click("button|Delete organization")
	a.fill("input[name=deleteOrganizationConfirmation]", "Acme & Sons")
	a.click(primary + "|Delete organization")
	a.until("it is gone", `fetch("/__clerk/v1/me/organization_memberships?paginated=true").then(r => r.json()).then(l => l.response.total_count === 0)`)
}

// TestOrganizationList: what one is in, is invited to, and could join.
func TestOrganizationList(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	ada, bob, carl := h.person(t, "ada@acme.example"), h.person(t, "bob@acme.example"), h.person(t, "carl@acme.example")
	o, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Acme", CreatedBy: ada.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Organizations().AddDomain(t.Context(), o.ID, "acme.example", organization.AutomaticSuggestion); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{bob.ID, carl.ID} {
		b := open(t, h)
		b.arrive(id, 0)
		b.visit("/organizations")
		b.text(`Clerk.session.touch().then(() => 0)`)
		b.visit("/organizations")
		b.click("button|Request to join")
		b.until("he has asked", `fetch("/__clerk/v1/me/organization_suggestions?status=accepted").then(r => r.json()).then(l => l.response.total_count === 1)`)
	}
	a := open(t, h)
	a.arrive(ada.ID, 0)
	a.visit("/organizations")
	a.click(".cl-organizationListPreviewButton|Acme")
	a.at("/organization")
	a.until("it is active", `Clerk.organization?.name === "Acme"`)
	a.visit("/organization#/organization-members")
	a.click("button|Requests")
	a.clickIn("tr|bob@acme.example", "button|Approve")
	a.until("he is let in", `Clerk.organization.getMemberships().then(l => l.total_count === 2)`)
	a.clickIn("tr|carl@acme.example", "button|Reject")
	a.until("he is turned down", `Clerk.organization.getMembershipRequests({status: "rejected"}).then(l => l.total_count === 1)`)
	a.until("and no member", `Clerk.organization.getMemberships().then(l => l.total_count === 2)`)
}

// TestOrganizationDomains: a domain is added, verified by a code, and set to
// invite by itself.
func TestOrganizationDomains(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations)
	ada := h.person(t, "ada@example.com")
	o, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Acme", CreatedBy: ada.ID})
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, h)
	a.arrive(ada.ID, 0)
	a.visit("/")
	a.text(`Clerk.setActive({organization: ` + quote(o.ID) + `}).then(() => 0)`)
	a.visit("/organization")
	a.click("button|Add domain")
	a.fill("input[name=name]", "acme.example")
	a.click(primary + "|Save")
	a.fill("input[name=affiliationEmailAddress], input[name=affiliationEmail]", "ada")
	a.click(primary)
	m := h.Mail.Wait(t, "ada@acme.example", 1)
	a.enterCode(m.Data.OTPCode)
	a.until("it is verified", `Clerk.organization.getDomains().then(l => l.total_count === 1 && l.data[0].verification?.status === "verified")`)
	a.visit("/organization")
	a.clickIn(".cl-profileSectionItem__organizationDomains|acme.example", ".cl-menuButton")
	a.click("[role=menuitem]|Manage")
	a.click("label|Automatic invitations")
	a.click(primary + "|Save")
	a.until("it invites", `Clerk.organization.getDomains().then(l => l.data[0].enrollmentMode === "automatic_invitation")`)
}

// TestTaskChooseOrganization: where nobody acts without an organization, the
// component makes one, and the session becomes active.
func TestTaskChooseOrganization(t *testing.T) {
	t.Parallel()
	h := newHost(t, withOrganizations, func(c *auth.Config) { c.Settings.Organizations.ForceSelection = true })
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/tasks")
	b.until("the task is there", `Clerk.client.sessions[0].currentTask?.key === "choose-organization"`)
	b.fill("input[name=name]", "Acme")
	b.click(primary)
	b.until("the session is active", `Clerk.session?.status === "active" && Clerk.organization?.name === "Acme"`)

	// Whoever loses it chooses again.
	list, _, err := h.Organizations().OfUser(t.Context(), u.ID, organization.Page{})
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	if err := h.Organizations().Delete(t.Context(), list[0].OrganizationID); err != nil {
		t.Fatal(err)
	}
	b.goTo("/blank")
	b.visit("/tasks")
	b.until("the task is there again", `Clerk.client.sessions[0].currentTask?.key === "choose-organization"`)
	b.fill("input[name=name]", "Second")
	b.click(primary)
	b.until("the session is active again", `Clerk.session?.status === "active" && Clerk.organization?.name === "Second"`)
}
