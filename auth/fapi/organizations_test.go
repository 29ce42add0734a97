package fapi_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

const (
	carl = "carl@example.com"
	eve  = "eve@other.example"
)

// withOrganizations switches on all that there is of organizations.
func withOrganizations(s *setup) {
	o := &s.settings.Organizations
	o.Enabled, o.Slugs, o.Domains, o.Teams, o.MaxMemberships = true, true, true, true, 0
	o.EnrollmentModes = []string{organization.AutomaticInvitation, organization.AutomaticSuggestion}
	s.catalogue = organization.Catalogue{
		Permissions: []organization.PermissionDefinition{{Key: "org:reports:edit"}, {Key: "org:reports:read"}},
		Roles: []organization.RoleDefinition{{Key: "org:editor", Name: "Editor", Permissions: []string{"org:reports:edit"}},
			{Key: "org:lead", Permissions: []string{organization.ReadMemberships, organization.ManageMemberships}}}}
}

// signed is a browser in which somebody has signed up.
func (r *rig) signed(email string) *browser {
	b := r.browser()
	b.signUp(email, good)
	return b
}

// found makes an organization and returns its ID.
func (b *browser) found(name string) string {
	b.t.Helper()
	return b.post("/v1/organizations", "name", name).ok().str("response.id")
}

// token asks for a token as a tab does.
func (b *browser) token(pairs ...string) *answer {
	b.t.Helper()
	return b.post("/v1/client/sessions/"+b.session+"/tokens", pairs...)
}

// inviteLink is the link in the last mail.
func (r *rig) inviteLink() (link, ticket string) {
	r.t.Helper()
	link = r.lastMail().Data.ActionURL
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("ticket") == "" {
		r.t.Fatalf("no ticket in %q", link)
	}
	return link, u.Query().Get("ticket")
}

func (b *browser) uploadTo(method, path string) *answer {
	b.t.Helper()
	var body, pic bytes.Buffer
	if err := png.Encode(&pic, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		b.t.Fatal(err)
	}
	m := multipart.NewWriter(&body)
	part, _ := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a.png"`}, "Content-Type": {"image/png"}})
	part.Write(pic.Bytes())
	m.Close()
	return b.send("POST", path+"?_method="+method+"&_clerk_session_id="+b.session, http.Header{"Origin": {b.server.URL}, "Content-Type": {m.FormDataContentType()}}, body.Bytes(), false)
}

// TestOrganizations is what a person does: create, rename, show a face, invite,
// change roles, remove, leave, delete.
func TestOrganizations(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, b := r.signed(ada), r.signed(bob)
	a.get("/v1/environment").ok().is("organization_settings.enabled", true).is("organization_settings.creator_role", "org:admin").
		is("organization_settings.slug.disabled", false).is("organization_settings.domains.enabled", true)

	x := a.post("/v1/organizations", "name", " Acme ", "slug", "acme").ok().is("response.name", "Acme").is("response.slug", "acme").is("response.members_count", 1).
		is("client.sessions.0.user.organization_memberships.0.role", "org:admin")
	org := x.str("response.id")
	at := "/v1/organizations/" + org
	a.post("/v1/organizations", "name", "Other", "slug", "acme").refused(422, "form_identifier_exists", "slug")
	a.post("/v1/organizations", "name", "<b>Other</b>").refused(422, "form_param_format_invalid", "name")
	a.post("/v1/organizations").refused(422, "form_param_missing", "name")
	a.patch(at, "name", "Acme Inc", "slug", "acme-inc").ok().is("response.slug", "acme-inc")
	a.uploadTo("PUT", at+"/logo").ok().is("response.has_image", true)
	a.delete(at+"/logo").ok().is("response.deleted", true)
	a.delete(at+"/logo").refused(404, "resource_not_found")

	// The active organization is the session's, and each tab's.
	s := a.post("/v1/client/sessions/"+a.session+"/touch", "active_organization_id", "acme-inc", "intent", "select_org").ok().
		is("response.last_active_organization_id", org)
	c := r.claims(s.str("response.last_active_token.jwt"))
	if c.Organization == nil || c.Organization.ID != org || !c.HasRole("org:admin") || c.Organization.Slug != "acme-inc" || !c.HasPermission("org:reports:edit") {
		t.Errorf("claims %+v", c)
	}
	if strings.Contains(c.Features+c.Organization.Permissions, "sys_") {
		t.Error("system permissions are in the token")
	}
	if c := r.claims(a.token().ok().str("jwt")); c.Organization == nil {
		t.Error("no organization: the session has one")
	}
	if c := r.claims(a.token("organization_id", "").ok().str("jwt")); c.Organization != nil {
		t.Error("a tab without an organization gets one")
	}
	other := a.found("Second")
	if c := r.claims(a.token("organization_id", other).ok().str("jwt")); c.Organization.ID != other {
		t.Error("a tab does not get its own organization")
	}
	a.token("organization_id", "org_nothing").refused(404, "resource_not_found")

	// Invitations: one, in bulk, revoked, accepted.
	inv := at + "/invitations"
	a.post(inv, "email_address", "nobody@example.com", "role", "org:king").refused(422, "form_param_value_invalid", "role")
	one := a.post(inv, "email_address", "BOB@example.com", "role", "org:editor").ok().is("response.status", "pending").is("response.url", nil).is("response.role_name", "Editor").str("response.id")
	if link, _ := r.inviteLink(); !strings.HasPrefix(link, r.server.URL+"/__clerk/v1/tickets/accept?ticket=orginv_") {
		t.Errorf("link %q", link)
	}
	a.post(inv, "email_address", bob, "role", "org:member").refused(400, "organization_invitation_not_unique", "email_address")
	a.post(inv, "email_address", ada, "role", "org:member").refused(400, "already_a_member_in_organization")
	bulk := a.do("POST", inv+"/bulk", url.Values{"email_address": {"x@example.com", "y@example.com"}, "role": {"org:member"}}).ok()
	a.do("POST", inv+"/bulk", url.Values{"email_address": {"z@example.com", "x@example.com"}, "role": {"org:member"}}).refused(400, "organization_invitation_not_unique")
	a.get(inv+"?status=pending").ok().is("response.total_count", 3)
	a.post(inv+"/"+bulk.str("response.0.id")+"/revoke").ok().is("response.status", "revoked")
	a.post(inv+"/"+bulk.str("response.0.id")+"/revoke").refused(400, "organization_invitation_revoked_code")
	a.get(at).ok().is("response.pending_invitations_count", 2)

	mine := b.get("/v1/me/organization_invitations?status=pending").ok().is("response.total_count", 1).is("response.data.0.public_organization_data.name", "Acme Inc")
	mine.is("response.data.0.id", one)
	b.post("/v1/me/organization_invitations/"+one+"/accept").ok().is("response.status", "accepted").is("client.sessions.0.user.organization_memberships.0.role", "org:editor")
	b.post("/v1/me/organization_invitations/"+one+"/accept").refused(400, "organization_invitation_already_accepted")
	b.get("/v1/me/organization_memberships?paginated=true").ok().is("response.total_count", 1).is("response.data.0.organization.members_count", 2)
	b.get("/v1/me").ok().is("response.organization_memberships.0.organization.id", org)

	// Editors read, and manage nothing.
	bobID := b.get("/v1/me").ok().str("response.id")
	b.get(at+"/roles").ok().is("response.total_count", 4)
	b.get(at+"/memberships").refused(403, "missing_organization_permission")
	b.patch(at, "name", "Mine").refused(403, "missing_organization_permission")
	b.post(inv, "email_address", carl, "role", "org:member").refused(403, "missing_organization_permission")
	b.delete(at).refused(403, "missing_organization_permission")
	a.get(at+"/memberships?paginated=true&query=bo").ok().is("response.total_count", 1).is("response.data.0.public_user_data.identifier", bob)
	a.get(at+"/memberships?role=org:admin").ok().is("response.total_count", 1)

	adaID := a.get("/v1/me").ok().str("response.id")
	a.delete("/v1/me/organization_memberships/"+org).refused(400, "organization_minimum_permissions_needed")
	a.patch(at+"/memberships/"+adaID, "role", "org:member").refused(400, "organization_minimum_permissions_needed")
	a.patch(at+"/memberships/"+bobID, "role", "org:admin").ok().is("response.role", "org:admin").is("response.role_name", "Admin")
	a.delete("/v1/me/organization_memberships/"+org).ok().is("response.deleted", true)
	a.get(at).refused(404, "resource_not_found")
	a.get("/v1/client").ok().is("response.sessions.0.last_active_organization_id", nil)
	if c := r.claims(a.token().ok().str("jwt")); c.Organization != nil {
		t.Error("who has left gets a token for it")
	}
	b.post(at+"/memberships", "user_id", adaID, "role", "org:member").ok()
	b.delete(at+"/memberships/"+adaID).ok().is("response.public_user_data.user_id", adaID)
	b.delete(at).ok().is("response.slug", "acme-inc")
	b.get(at).refused(404, "resource_not_found")
}

func TestOrganizationsAreOff(t *testing.T) {
	r := newRig(t)
	a := r.signed(ada)
	a.post("/v1/organizations", "name", "Acme").refused(403, "organization_not_enabled_in_instance")
	a.get("/v1/organizations/org_x").refused(403, "organization_not_enabled_in_instance")
	a.get("/v1/me/organization_memberships?paginated=true").ok().is("response.total_count", 0)
	a.get("/v1/me/organization_invitations").ok().is("response.total_count", 0)
	a.token("organization_id", "org_x").refused(404, "resource_not_found")
	a.token("organization_id", "").ok()
}

func TestOrganizationLimits(t *testing.T) {
	r := newRig(t, withOrganizations, func(s *setup) {
		s.settings.Organizations.MaxMemberships, s.settings.Organizations.CreateLimit, s.settings.Organizations.Slugs = 2, 2, false
		s.settings.Organizations.AdminDelete = false
	})
	a := r.signed(ada)
	org := a.found("One")
	a.found("Two")
	a.post("/v1/organizations", "name", "Three").refused(403, "org_creation_limit_exceeded")
	a.patch("/v1/organizations/"+org, "slug", "one").refused(403, "organization_slugs_disabled")
	a.delete("/v1/organizations/"+org).refused(403, "organization_admin_delete_not_enabled")
	a.post("/v1/organizations/"+org+"/invitations", "email_address", bob, "role", "org:member").ok()
	a.post("/v1/organizations/"+org+"/invitations", "email_address", carl, "role", "org:member").refused(403, "organization_membership_quota_exceeded")
	r.advance(31 * 24 * time.Hour)
	a = r.browser()
	a.signIn(ada, good)
	a.post("/v1/organizations/"+org+"/invitations", "email_address", carl, "role", "org:member").ok()
	off := false
	x, err := r.e.Users().ByIdentifier(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.Users().Update(t.Context(), x.ID, user.UpdateParams{CreateOrganizationEnabled: &off}); err != nil {
		t.Fatal(err)
	}
	a.post("/v1/organizations", "name", "Three").refused(403, "organization_creation_not_allowed")
}

// TestOrganizationDeletedWithCodes: what was sent for a domain goes with the
// organization.
func TestOrganizationDeletedWithCodes(t *testing.T) {
	st := memory.New()
	r := newRig(t, withOrganizations, func(s *setup) { s.store = st })
	a := r.signed("ada@acme.example")
	org := a.found("Acme")
	at := "/v1/organizations/" + org
	d := a.post(at+"/domains", "name", "acme-labs.example").ok().str("response.id")
	a.post(at+"/domains/"+d+"/prepare_affiliation_verification", "affiliation_email_address", "ada@acme-labs.example").ok()
	if !strings.Contains(dumpOf(t, st, "verification"), d) {
		t.Fatal("no code was kept")
	}
	a.delete(at).ok()
	if left := dumpOf(t, st, "verification"); strings.Contains(left, d) {
		t.Errorf("left behind: %s", left)
	}
}

// TestOrganizationDomains: shown to be one's own by a code or by a record, and
// what people with an address there find.
func TestOrganizationDomains(t *testing.T) {
	txt := &records{}
	r := newRig(t, withOrganizations, func(s *setup) { s.resolver = txt })
	a := r.signed("ada@acme.example")
	org := a.found("Acme")
	at := "/v1/organizations/" + org + "/domains"
	for name, code := range map[string]string{"gmail.com": "organization_domain_common", "co.uk": "form_param_format_invalid", "mailinator.com": "organization_domain_blocked", "": "form_param_nil"} {
		a.post(at, "name", name).refused(422, code, "name")
	}
	// The own verified address is proof enough.
	own := a.post(at, "name", "ACME.example").ok().is("response.name", "acme.example").is("response.verification.status", "verified").str("response.id")
	a.post(at, "name", "acme.example").refused(422, "organization_domain_already_exists", "name")
	d := a.post(at, "name", "acme-labs.example").ok().is("response.verification", nil).str("response.id")
	a.post(at+"/"+d+"/update_enrollment_mode", "enrollment_mode", organization.AutomaticInvitation).refused(422, "organization_domain_mode_invalid")
	a.post(at+"/"+d+"/prepare_affiliation_verification", "affiliation_email_address", "ada@evil.example").refused(422, "form_param_value_invalid", "affiliation_email_address")
	a.post(at+"/"+d+"/attempt_affiliation_verification", "code", "123456").refused(400, "verification_missing")
	a.post(at+"/"+d+"/prepare_affiliation_verification", "affiliation_email_address", "ada@acme-labs.example").ok().is("response.affiliation_verification.status", "unverified")
	a.post(at+"/"+d+"/attempt_affiliation_verification", "code", wrongCode(r.lastCode())).refused(422, "form_code_incorrect")
	a.post(at+"/"+d+"/attempt_affiliation_verification", "code", r.lastCode()).ok().is("response.verification.status", "verified")
	a.post(at+"/"+d+"/attempt_affiliation_verification", "code", r.lastCode()).refused(400, "verification_already_verified")

	o := a.post(at, "name", "acme-dns.example").ok().str("response.id")
	p := a.post(at+"/"+o+"/prepare_ownership_verification").ok().is("response.ownership_verification.txt_record_name", "_usher-challenge.acme-dns.example")
	a.get(at+"/"+o).ok().is("response.ownership_verification.txt_record_value", nil)
	a.post(at+"/"+o+"/attempt_ownership_verification").refused(422, "organization_domain_ownership_not_verified")
	txt.set(p.str("response.ownership_verification.txt_record_value"))
	a.post(at+"/"+o+"/attempt_ownership_verification").ok().is("response.ownership_verification.status", "verified")
	if txt.asked != "_usher-challenge.acme-dns.example" {
		t.Errorf("asked for %q", txt.asked)
	}
	a.get(at+"?verified=true").ok().is("response.total_count", 3)

	// An invitation that waits for who has an address there.
	a.post(at+"/"+own+"/update_enrollment_mode", "enrollment_mode", organization.AutomaticInvitation).ok()
	b := r.signed("bob@acme.example")
	id := b.get("/v1/me/organization_invitations?status=pending").ok().is("response.total_count", 1).str("response.data.0.id")
	a.get(at+"/"+own).ok().is("response.total_pending_invitations", 1)
	b.post("/v1/me/organization_invitations/"+id+"/accept").ok().is("response.role", "org:member")

	// A suggestion, a request, and its decision.
	a.post(at+"/"+d+"/update_enrollment_mode", "enrollment_mode", organization.AutomaticSuggestion).ok()
	c, e := r.signed("carl@acme-labs.example"), r.signed("erin@acme-labs.example")
	sug := "/v1/me/organization_suggestions"
	reqs := "/v1/organizations/" + org + "/membership_requests"
	for i, who := range []*browser{c, e} {
		id := who.get(sug+"?status=pending&status=accepted").ok().is("response.total_count", 1).is("response.data.0.public_organization_data.id", org).str("response.data.0.id")
		who.post(sug+"/"+id+"/accept").ok().is("response.status", "accepted")
		who.post(sug+"/"+id+"/accept").refused(400, "organization_suggestion_already_accepted")
		a.get(reqs+"?status=pending").ok().is("response.total_count", 1)
		b.get(reqs).refused(403, "missing_organization_permission")
		req := a.get(reqs + "?status=pending").str("response.data.0.id")
		decide := []string{"accept", "reject"}[i]
		a.post(reqs+"/"+req+"/"+decide).ok().is("response.status", []string{"accepted", "rejected"}[i])
		a.post(reqs+"/"+req+"/accept").refused(404, "resource_not_found")
	}
	c.get("/v1/organizations/"+org).ok().is("response.members_count", 3)
	e.get("/v1/organizations/"+org).refused(404, "resource_not_found")

	// What was suggested is no more when the address, or the domain, is not.
	f, g := r.signed("finn@acme-labs.example"), r.signed("gina@acme-labs.example")
	id = f.get(sug).ok().is("response.total_count", 1).str("response.data.0.id")
	r.moves("finn@acme-labs.example", "finn@elsewhere.example")
	f.post(sug+"/"+id+"/accept").refused(404, "resource_not_found")
	g.get(sug).ok().is("response.total_count", 1)
	if _, err := r.e.Organizations().UpdateDomain(t.Context(), org, d, nil, new(false)); err != nil {
		t.Fatal(err)
	}
	g.get(sug).ok().is("response.total_count", 0)
	a.delete(at+"/"+d).ok().is("response.deleted", true)
	a.get(at+"/"+d).refused(404, "resource_not_found")
}

// moves gives somebody another address in place of the only one.
func (r *rig) moves(from, to string) {
	r.t.Helper()
	u, err := r.e.Users().ByIdentifier(r.t.Context(), from)
	if err == nil {
		_, _, err = r.e.Users().AddEmailAddress(r.t.Context(), u.ID, to, true, true)
	}
	if err == nil {
		_, err = r.e.Users().DeleteEmailAddress(r.t.Context(), u.ID, u.PrimaryEmailAddressID)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func wrongCode(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// records are TXT records in the test's hands.
type records struct {
	mu    sync.Mutex
	list  []string
	asked string
}

func (r *records) set(list ...string) { r.mu.Lock(); r.list = list; r.mu.Unlock() }

func (r *records) LookupTXT(_ context.Context, name string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = name
	return r.list, nil
}

// TestAttack_M01_CrossTenant: every route of organizations, asked with the IDs
// of an organization that the session's user is not in, and with IDs of another
// organization inside the own one, answers as if they did not exist. A route
// without a row fails.
func TestAttack_M01_CrossTenant(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, e, b := r.signed("ada@acme.example"), r.signed(eve), r.signed(bob)
	tenant := func(who *browser, domain string) map[string]string {
		org := who.found("Tenant")
		at := "/v1/organizations/" + org
		ids := map[string]string{"organization_id": org, "user_id": who.get("/v1/me").str("response.id")}
		ids["invitation_id"] = who.post(at+"/invitations", "email_address", "guest@"+domain, "role", "org:member").ok().str("response.id")
		ids["domain_id"] = who.post(at+"/domains", "name", "x-"+domain).ok().str("response.id")
		return ids
	}
	theirs, own := tenant(a, "acme.example"), tenant(e, "other.example")
	r.countMails() // the invitations are out
	// A suggestion and a request of somebody else's.
	dom := a.post("/v1/organizations/"+theirs["organization_id"]+"/domains", "name", "acme.example").ok().str("response.id")
	a.post("/v1/organizations/"+theirs["organization_id"]+"/domains/"+dom+"/update_enrollment_mode", "enrollment_mode", organization.AutomaticSuggestion).ok()
	c := r.signed("carl@acme.example")
	theirs["suggestion_id"] = c.get("/v1/me/organization_suggestions").ok().str("response.data.0.id")
	d := r.signed("dora@acme.example")
	d.post("/v1/me/organization_suggestions/" + d.get("/v1/me/organization_suggestions").ok().str("response.data.0.id") + "/accept").ok()
	theirs["request_id"] = a.get("/v1/organizations/" + theirs["organization_id"] + "/membership_requests").ok().str("response.data.0.id")

	full := url.Values{"name": {"Mine"}, "slug": {"mine"}, "user_id": {b.get("/v1/me").str("response.id")}, "role": {"org:member"}, "email_address": {"q@example.com"},
		"enrollment_mode": {"manual_invitation"}, "affiliation_email_address": {"q@x-acme.example"}, "code": {"123456"}}
	seen := 0
	for _, rt := range r.api.Routes() {
		if !strings.Contains(rt.Path, "organization") {
			continue
		}
		if !strings.Contains(rt.Path, "{") { // lists of one's own, and a new one
			if !slices.Contains([]string{"GET /v1/me/organization_memberships", "GET /v1/me/organization_invitations", "GET /v1/me/organization_suggestions", "POST /v1/organizations"}, rt.Method+" "+rt.Path) {
				t.Errorf("%s %s names nothing and has no row", rt.Method, rt.Path)
			}
			continue
		}
		seen++
		for _, part := range wildcard.FindAllString(rt.Path, -1) {
			if theirs[strings.Trim(part, "{}")] == "" {
				t.Errorf("%s %s has no row: nothing of theirs is a %s", rt.Method, rt.Path, part)
			}
		}
		for name, ids := range map[string]map[string]string{"theirs": theirs, "nothing": {}, "own organization, their part": mix(own, theirs)} {
			if name == "own organization, their part" && strings.Count(rt.Path, "{") == 1 && !strings.HasPrefix(rt.Path, "/v1/me/organization_invitations") && !strings.HasPrefix(rt.Path, "/v1/me/organization_suggestions") {
				continue // the own organization is the own
			}
			path := wildcard.ReplaceAllStringFunc(rt.Path, func(w string) string {
				if id := ids[strings.Trim(w, "{}")]; id != "" {
					return id
				}
				return "org_nothing"
			})
			var got *answer
			if rt.Upload {
				got = e.uploadTo(rt.Method, path)
			} else {
				got = e.do(rt.Method, path, full)
			}
			if got.status != 404 || got.str("errors.0.code") != "resource_not_found" {
				t.Errorf("%s %s with %s: %d %s", rt.Method, rt.Path, name, got.status, got.raw)
			}
			if strings.Contains(string(got.raw), "acme") {
				t.Errorf("%s %s tells: %s", rt.Method, rt.Path, got.raw)
			}
		}
	}
	if seen < 28 {
		t.Errorf("only %d routes seen", seen)
	}
	a.get("/v1/organizations/"+theirs["organization_id"]).ok().is("response.name", "Tenant").is("response.members_count", 1).is("response.pending_invitations_count", 1)
}

// mix is own, with the parts of theirs that are inside an organization.
func mix(own, theirs map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range theirs {
		out[k] = v
	}
	out["organization_id"] = own["organization_id"]
	return out
}

// TestAttack_M04_InvitationOfAnother: an invitation is for who owns the address,
// and for nobody who has the link, or says so.
func TestAttack_M04_InvitationOfAnother(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, b, e := r.signed(ada), r.signed(bob), r.signed(eve)
	org := a.found("Acme")
	id := a.post("/v1/organizations/"+org+"/invitations", "email_address", bob, "role", "org:admin").ok().str("response.id")
	_, ticket := r.inviteLink()
	e.get("/v1/me/organization_invitations").ok().is("response.total_count", 0)
	e.post("/v1/me/organization_invitations/"+id+"/accept").refused(404, "resource_not_found")
	// An address that is added and not verified is nobody's.
	e.post("/v1/me/email_addresses", "email_address", "bob2@example.com").ok()
	second := a.post("/v1/organizations/"+org+"/invitations", "email_address", "bob2@example.com", "role", "org:member").ok().str("response.id")
	e.post("/v1/me/organization_invitations/"+second+"/accept").refused(404, "resource_not_found")
	x, err := r.actor(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.AcceptTicket(t.Context(), x, ticket); code(err) != "organization_invitation_identification_not_exist" {
		t.Errorf("another's ticket: %v", err)
	}
	if _, err := r.e.AcceptTicket(t.Context(), x, ticket[:len(ticket)-2]+"AA"); code(err) != "resource_not_found" {
		t.Errorf("a made-up ticket: %v", err)
	}
	y, err := r.actor(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.AcceptTicket(t.Context(), y, ticket); err != nil {
		t.Errorf("the own ticket: %v", err)
	}
}

// Who is a member already accepts an invitation to another address of theirs: it
// is used up, and they stay what they are.
func TestAcceptedByMember(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, b := r.signed(ada), r.signed(bob)
	org := a.found("Acme")
	at := "/v1/organizations/" + org
	bobID := b.get("/v1/me").str("response.id")
	a.post(at+"/memberships", "user_id", bobID, "role", "org:editor").ok()
	const second, third = "bob2@example.com", "bob3@example.com"
	var invited, tickets []string
	for _, address := range []string{second, third} {
		inv, wire := r.asked(a, org, address)
		invited, tickets = append(invited, inv), append(tickets, wire)
		id := b.post("/v1/me/email_addresses", "email_address", address).ok().str("response.id")
		b.post("/v1/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
		b.post("/v1/me/email_addresses/"+id+"/attempt_verification", "code", r.lastCode()).ok()
	}
	b.get("/v1/me/organization_invitations?status=pending").ok().is("response.total_count", 2)
	a.patch(at+"/memberships/"+bobID, "role", "org:admin").ok()
	b.post("/v1/me/organization_invitations/"+invited[0]+"/accept").ok().is("response.status", "accepted")
	a.get(at+"/memberships?paginated=true&query=bob").ok().is("response.total_count", 1).is("response.data.0.role", "org:admin")
	a.get(at).ok().is("response.members_count", 2).is("response.pending_invitations_count", 1)
	b.post("/v1/me/organization_invitations/"+invited[0]+"/accept").refused(400, "organization_invitation_already_accepted")
	// The other one by its link, in a new browser.
	c := r.browser()
	c.joined(c.ticketIn(tickets[1]), org, "org:admin")
	a.get(at).ok().is("response.members_count", 2).is("response.pending_invitations_count", 0)
}

// TestAttack_M02_NobodyGivesOrTakesMore: whoever manages members gives, offers
// and takes no role that holds more than the own.
func TestAttack_M02_NobodyGivesOrTakesMore(t *testing.T) {
	r := newRig(t, withOrganizations)
	a := r.signed("ada@acme.example")
	org := a.found("Acme")
	at := "/v1/organizations/" + org
	join := func(email, role string) (b *browser, id string) {
		b = r.signed(email)
		id = b.get("/v1/me").ok().str("response.id")
		if role != "" {
			a.post(at+"/memberships", "user_id", id, "role", role).ok()
		}
		return b, id
	}
	lead, leadID := join(bob, "org:lead")
	_, adminID := join(carl, organization.Admin)
	_, peerID := join("dan@example.com", "org:lead")
	_, strangerID := join(eve, "")
	const no = "missing_organization_permission"
	lead.post(at+"/memberships", "user_id", strangerID, "role", organization.Admin).refused(403, no)
	lead.patch(at+"/memberships/"+leadID, "role", organization.Admin).refused(403, no)
	lead.patch(at+"/memberships/"+peerID, "role", organization.Admin).refused(403, no)
	lead.patch(at+"/memberships/"+adminID, "role", "org:lead").refused(403, no)
	lead.delete(at+"/memberships/"+adminID).refused(403, no)
	lead.post(at+"/invitations", "email_address", "fay@example.com", "role", organization.Admin).refused(403, no)
	lead.post(at+"/invitations/bulk", "email_address", "fay@example.com", "role", organization.Admin).refused(403, no)

	// Who asks to join gets the default role, which holds more than lead does.
	d := a.post(at+"/domains", "name", "acme.example", "enrollment_mode", organization.AutomaticSuggestion).ok().str("response.id")
	asks := r.signed("gus@acme.example")
	asks.post("/v1/client/sessions/" + asks.session + "/touch").ok()
	s := asks.get("/v1/me/organization_suggestions").ok().str("response.data.0.id")
	asks.post("/v1/me/organization_suggestions/" + s + "/accept").ok()
	q := lead.get(at + "/membership_requests").ok().str("response.data.0.id")
	lead.post(at+"/membership_requests/"+q+"/accept").refused(403, no)
	lead.post(at+"/domains/"+d+"/update_enrollment_mode", "enrollment_mode", organization.AutomaticInvitation).refused(403, no)

	a.post(at + "/membership_requests/" + q + "/accept").ok()
	lead.post(at+"/memberships", "user_id", strangerID, "role", "org:lead").ok()
	lead.delete(at + "/memberships/" + peerID).ok()
	lead.post(at+"/invitations", "email_address", "fay@example.com", "role", "org:lead").ok()
}

// TestAttack_M07_StaleRole: the API asks the store, whatever the token says, and
// the next token says the truth.
func TestAttack_M07_StaleRole(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, b := r.signed(ada), r.signed(bob)
	org := a.found("Acme")
	bobID := b.get("/v1/me").str("response.id")
	a.post("/v1/organizations/"+org+"/memberships", "user_id", bobID, "role", "org:admin").ok()
	old := b.token("organization_id", org).ok().str("jwt")
	if c := r.claims(old); !c.HasRole("org:admin") || r.e.StaleOrganization(c) {
		t.Fatal("not an admin, or stale at birth")
	}
	a.patch("/v1/organizations/"+org+"/memberships/"+bobID, "role", "org:member").ok()
	b.get("/v1/organizations/"+org+"/invitations").refused(403, "missing_organization_permission")
	if !r.e.StaleOrganization(r.claims(old)) {
		t.Error("the old token still holds")
	}
	now := b.token("organization_id", org).ok().str("jwt") // within the second in which equal ones share
	if c := r.claims(now); !c.HasRole("org:member") || r.e.StaleOrganization(c) {
		t.Error("the new token says what was")
	}
	if c := r.claims(a.token("organization_id", org).ok().str("jwt")); r.e.StaleOrganization(c) {
		t.Error("somebody else's token is stale")
	}
	a.delete("/v1/organizations/" + org + "/memberships/" + bobID).ok()
	if !r.e.StaleOrganization(r.claims(now)) {
		t.Error("who was removed has a token")
	}
	mine := a.token("organization_id", org).ok().str("jwt")
	a.delete("/v1/organizations/" + org).ok()
	if !r.e.StaleOrganization(r.claims(mine)) {
		t.Error("a deleted organization has tokens")
	}
}

// TestAttack_M13_RecreatedUser: whoever comes after somebody who was deleted
// inherits nothing.
func TestAttack_M13_RecreatedUser(t *testing.T) {
	r := newRig(t, withOrganizations)
	a, b := r.signed(ada), r.signed(bob)
	org := a.found("Acme")
	bobID := b.get("/v1/me").str("response.id")
	a.post("/v1/organizations/"+org+"/memberships", "user_id", bobID, "role", "org:admin").ok()

	// What waits for somebody goes along.
	d, err := r.e.Organizations().AddDomain(t.Context(), org, "acme.example", organization.AutomaticSuggestion, true)
	if err != nil {
		t.Fatal(err)
	}
	at := "/v1/organizations/" + org
	for _, address := range []string{"carl@acme.example", "dan@acme.example"} {
		c := r.signed(address)
		id := c.get("/v1/me/organization_suggestions").ok().str("response.data.0.id")
		if address == "carl@acme.example" {
			c.post("/v1/me/organization_suggestions/" + id + "/accept").ok()
			a.get(at+"/membership_requests").ok().is("response.total_count", 1)
		}
		c.delete("/v1/me").ok()
		a.get(at+"/membership_requests").ok().is("response.total_count", 0)
		a.get(at+"/domains/"+d.Domain.ID).ok().is("response.total_pending_suggestions", 0)
	}

	a.delete("/v1/me").ok()
	b.get("/v1/organizations/"+org).ok().is("response.members_count", 1) // it does not hang on its founder
	again := r.signed(ada)
	again.get("/v1/me").ok().is("response.organization_memberships", []any{})
	again.get("/v1/organizations/"+org).refused(404, "resource_not_found")
	// The last manager cannot go while others are there.
	b.post("/v1/organizations/"+org+"/memberships", "user_id", again.get("/v1/me").str("response.id"), "role", "org:member").ok()
	b.delete("/v1/me").refused(400, "organization_minimum_permissions_needed")
	if _, err := r.e.Users().Delete(t.Context(), bobID); err != nil {
		t.Errorf("the host may: %v", err)
	}
	again.get("/v1/organizations/"+org).ok().is("response.members_count", 1)
	o, err := r.e.Organizations().Get(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	if managed, err := r.e.Organizations().Managed(t.Context(), o); err != nil || managed[org] {
		t.Errorf("nobody manages it, and the host is not told: %v %v", managed, err)
	}
}

// TestAttack_M15_ActorIsTheSession: nothing in path, query or body says who
// acts.
func TestAttack_M15_ActorIsTheSession(t *testing.T) {
	r := newRig(t, withOrganizations)
	a := r.signed(ada)
	org, adaID := a.found("Acme"), a.get("/v1/me").str("response.id")
	stranger := r.browser()
	for _, rt := range r.api.Routes() {
		if !strings.Contains(rt.Path, "organization") {
			continue
		}
		path := strings.ReplaceAll(strings.ReplaceAll(rt.Path, "{organization_id}", org), "{user_id}", adaID)
		path = wildcard.ReplaceAllString(path, "x")
		got := stranger.do(rt.Method, path+"?_clerk_session_id="+a.session+"&user_id="+adaID, url.Values{"user_id": {adaID}, "session_id": {a.session}, "name": {"x"}, "created_by": {adaID}})
		if got.status != 401 || got.str("errors.0.code") != "authentication_invalid" {
			t.Errorf("%s %s by a stranger: %d %s", rt.Method, rt.Path, got.status, got.raw)
		}
	}
}

// TestAttack_M08_OrganizationFields: what a form may not set is not set.
func TestAttack_M08_OrganizationFields(t *testing.T) {
	r := newRig(t, withOrganizations)
	a := r.signed(ada)
	more := []string{"max_allowed_memberships", "9", "admin_delete_enabled", "false", "created_by", "user_x", "id", "org_x", "members_count", "7",
		"public_metadata", `{"a":1}`, "private_metadata", `{"b":1}`, "created_at", "1", "role_set_key", "x"}
	send := func(method, path string, pairs ...string) *answer {
		return a.send("POST", path+"?_method="+method+"&_clerk_session_id="+a.session, http.Header{"Origin": {r.server.URL}, "Content-Type": {"application/x-www-form-urlencoded"}},
			[]byte(pairsOf(append(pairs, more...)).Encode()), false)
	}
	org := send("POST", "/v1/organizations", "name", "Acme").ok().str("response.id")
	send("PATCH", "/v1/organizations/"+org, "name", "Acme 2").ok()
	send("POST", "/v1/organizations/"+org+"/invitations", "email_address", bob, "role", "org:member").ok().is("response.public_metadata", map[string]any{})
	o, err := r.e.Organizations().Get(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	if o.MaxMemberships != 0 || !o.AdminDeleteEnabled || o.MembersCount != 1 || len(o.PublicMetadata)+len(o.PrivateMetadata) > 0 || o.ID == "org_x" || o.CreatedBy == "user_x" {
		t.Errorf("%+v", o)
	}
	if fmt.Sprint(o.CreatedAt.UnixMilli()) == "1" {
		t.Error("the time of birth was set")
	}
}

// actor is who acts in a browser, as the engine sees it.
func (r *rig) actor(b *browser) (*engine.Actor, error) {
	r.t.Helper()
	x, err := r.e.Browser(context.Background(), []string{b.cookie("__client")}, engine.Request{})
	if err != nil {
		return nil, err
	}
	return r.e.Actor(context.Background(), x, b.session)
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.From(err).Code
}

// Where nobody acts without an organization, somebody new chooses one first,
// and the last one is not left.
func TestChooseOrganization(t *testing.T) {
	r := newRig(t, withOrganizations, func(s *setup) { s.settings.Organizations.ForceSelection = true })
	a := r.browser()
	a.get("/v1/environment").ok().is("organization_settings.force_organization_selection", true)
	sid, _ := a.signUp(ada, good)
	a.get("/v1/client").ok().is("response.sessions.0.status", "pending").is("response.sessions.0.tasks", []any{map[string]any{"key": "choose-organization"}})
	if c := r.claims(a.token().ok().str("jwt")); c.Active() {
		t.Error("the token is active")
	}
	a.patch("/v1/me", "first_name", "Ada").refused(401, "authentication_invalid")
	a.get("/v1/me/organization_memberships?paginated=true").ok().is("response.total_count", 0)
	org := a.found("Acme")
	a.post("/v1/client/sessions/"+sid+"/touch", "active_organization_id", "", "intent", "select_org").ok().is("response.status", "pending")
	a.post("/v1/client/sessions/"+sid+"/touch", "active_organization_id", org, "intent", "select_org").ok().is("response.status", "active").is("response.tasks", nil)
	if c := r.claims(a.token().ok().str("jwt")); !c.Active() || c.Organization == nil {
		t.Error("the token is not active, or without the organization")
	}
	// No personal account: empty means the last one.
	if c := r.claims(a.token("organization_id", "").ok().str("jwt")); c.Organization == nil {
		t.Error("a token without an organization")
	}
	b := r.browser()
	b.signUp(bob, good)
	a.post("/v1/organizations/"+org+"/invitations", "email_address", bob, "role", "org:admin").ok()
	inv := b.get("/v1/me/organization_invitations?status=pending").ok().str("response.data.0.id")
	b.post("/v1/me/organization_invitations/" + inv + "/accept").ok()
	b.delete("/v1/me/organization_memberships/"+org).refused(401, "authentication_invalid")
	b.post("/v1/client/sessions/"+b.session+"/touch", "active_organization_id", org).ok().is("response.status", "active")
	b.delete("/v1/me/organization_memberships/"+org).refused(422, "personal_accounts_not_allowed")
	// Who is in one only need not choose.
	again := r.browser()
	again.signIn(bob, good)
	again.get("/v1/client").ok().is("response.sessions.0.status", "active").is("response.sessions.0.last_active_organization_id", org)
}

// Whose organization goes away later chooses once more, whatever became of it.
func TestChooseOrganizationAgain(t *testing.T) {
	r := newRig(t, withOrganizations, func(s *setup) { s.settings.Organizations.ForceSelection = true })
	a := r.browser()
	a.signUp(ada, good)
	org := a.found("Acme")
	touch := func(who *browser, id string) {
		t.Helper()
		who.post("/v1/client/sessions/"+who.session+"/touch", "active_organization_id", id).ok().is("response.status", "active")
	}
	touch(a, org)
	b := r.browser()
	b.signUp(bob, good)
	bobID := b.get("/v1/me").ok().str("response.id")
	join := func() {
		t.Helper()
		a.post("/v1/organizations/"+org+"/memberships", "user_id", bobID, "role", "org:admin").ok()
		touch(b, org)
		b.patch("/v1/me", "first_name", "Bob").ok()
	}
	choosesAgain := func(when string, who *browser) {
		t.Helper()
		who.patch("/v1/me", "first_name", "Bob").refused(401, "authentication_invalid")
		who.get("/v1/me/organization_memberships").ok() // part of the task
		if c := r.claims(who.token().ok().str("jwt")); c.Active() || c.Organization != nil {
			t.Errorf("%s: the token is active, or names it: %+v", when, c)
		}
		who.get("/v1/client").ok().is("response.sessions.0.status", "pending").is("response.sessions.0.last_active_organization_id", nil).
			is("response.sessions.0.tasks", []any{map[string]any{"key": "choose-organization"}})
		s, err := r.e.Sessions().Get(t.Context(), who.session)
		if err != nil || s.Status != session.Pending {
			t.Errorf("%s: the host sees %v, %v", when, s, err)
		}
	}
	join()
	a.delete("/v1/organizations/" + org + "/memberships/" + bobID).ok()
	choosesAgain("removed", b)

	second := b.found("Second")
	touch(b, second)
	b.patch("/v1/me", "first_name", "Bob").ok()
	join()
	b.delete("/v1/me/organization_memberships/"+org).ok().is("client.sessions.0.status", "pending")
	choosesAgain("left", b)

	join()
	a.delete("/v1/organizations/"+org).ok().is("client.sessions.0.status", "pending")
	choosesAgain("deleted", b)
	choosesAgain("deleted by oneself", a)
	touch(b, second)
	b.patch("/v1/me", "first_name", "Bob").ok()
	r.advance(10 * time.Minute) // the use is written down
	b.token().ok()
	b.get("/v1/client").ok().is("response.sessions.0.status", "active")
}
