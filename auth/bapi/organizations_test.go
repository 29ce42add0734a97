package bapi_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
)

func init() {
	maps.Copy(unknown, map[string]string{"organization_id": "org_none", "domain_id": "orgdmn_none", "organization_role_id": "role_none",
		"permission_id": "perm_none", "role_set_key_or_id": "rset_none", "team_id": "team_none"})
	maps.Copy(minimal, map[string]any{
		"POST /v1/organizations/{organization_id}/memberships":                      fields{"user_id": "user_none", "role": "org:member"},
		"PATCH /v1/organizations/{organization_id}/memberships/{user_id}":           fields{"role": "org:member"},
		"POST /v1/organizations/{organization_id}/invitations":                      fields{"email_address": "x@example.com", "role": "org:member"},
		"POST /v1/organizations/{organization_id}/invitations/bulk":                 []fields{{"email_address": "x@example.com", "role": "org:member"}},
		"POST /v1/organizations/{organization_id}/domains":                          fields{"name": "acme.example"},
		"POST /v1/organizations/{organization_id}/teams":                            fields{"name": "Core"},
		"PATCH /v1/organizations/{organization_id}/teams/{team_id}":                 fields{"name": "Core"},
		"PUT /v1/organizations/{organization_id}/teams/{team_id}/members/{user_id}": fields{},
	})
}

// withOrganizations switches on all that there is of organizations.
func withOrganizations(s *settings.Settings) {
	o := &s.Organizations
	o.Enabled, o.Slugs, o.Domains, o.Teams, o.MaxMemberships = true, true, true, true, 0
	o.EnrollmentModes = []string{organization.AutomaticInvitation, organization.AutomaticSuggestion}
}

// str is the text at a path of names in an answer.
func (a answer) str(t testing.TB, path ...string) string {
	t.Helper()
	var v any = a.json(t)
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %v in %s", path, a.body)
		}
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

// data is the list in a page.
func (a answer) data(t testing.TB) []map[string]any {
	t.Helper()
	var out []map[string]any
	list, _ := a.json(t)["data"].([]any)
	for _, x := range list {
		out = append(out, x.(map[string]any))
	}
	return out
}

func (a answer) total(t testing.TB) int {
	t.Helper()
	n, _ := a.json(t)["total_count"].(float64)
	return int(n)
}

func TestOrganizations(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", fields{"first_name": "Bob"})
	x := r.must("POST", "/v1/organizations", fields{"name": "Acme", "slug": "acme", "created_by": ada, "max_allowed_memberships": 3,
		"public_metadata": fields{"plan": "pro"}, "private_metadata": fields{"crm": 7}})
	org := x.str(t, "id")
	r.refused("POST", "/v1/organizations", fields{"name": "Other", "slug": "acme"}, 422, "form_identifier_exists")
	r.refused("POST", "/v1/organizations", fields{"name": "Other", "created_by": "user_none"}, 422, "form_resource_not_found")
	r.refused("POST", "/v1/organizations", fields{"name": "Other", "color": "red"}, 422, "form_param_unknown")
	for _, max := range []float64{0, 7} { // 0 is no limit, whatever the settings say
		o := r.must("POST", "/v1/organizations", fields{"name": "Other", "max_allowed_memberships": max})
		if got := o.json(t)["max_allowed_memberships"]; got != max {
			t.Errorf("a quota of %v became %v", max, got)
		}
		r.must("DELETE", "/v1/organizations/"+o.str(t, "id"), nil)
	}
	for name, id := range map[string]string{"by ID": org, "by slug": "acme"} {
		s := r.must("POST", "/v1/sessions", fields{"user_id": ada, "active_organization_id": id}).json(t)
		if s["last_active_organization_id"] != org || s["status"] != "active" {
			t.Errorf("%s: a session in it is %v", name, s)
		}
	}
	r.refused("POST", "/v1/sessions", fields{"user_id": bob, "active_organization_id": org}, 404, "resource_not_found")
	r.refused("POST", "/v1/sessions", fields{"user_id": ada, "active_organization_id": "org_none"}, 404, "resource_not_found")
	r.advance(time.Second)
	empty := r.must("POST", "/v1/organizations", fields{"name": "Nobody's"}).str(t, "id")
	if got := r.must("GET", "/v1/organizations/acme", nil); got.str(t, "id") != org {
		t.Error("not found by slug")
	}
	for q, want := range map[string][]string{"query=acme": {org}, "user_id=" + ada: {org}, "user_id=-" + ada: {empty}, "organization_id=" + empty: {empty},
		"organization_id=-" + empty: {org}, "order_by=name": {org, empty}, "order_by=-members_count": {org, empty}, "order_by=%2Bcreated_at&limit=1": {org}} {
		if got := ids(r.must("GET", "/v1/organizations?"+q, nil).data(t)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	r.refused("GET", "/v1/organizations?order_by=color", nil, 422, "form_param_value_invalid")
	missing := r.must("GET", "/v1/organizations?include_missing_member_with_elevated_permissions=true&order_by=name", nil).data(t)
	if missing[0]["missing_member_with_elevated_permissions"] != false || missing[1]["missing_member_with_elevated_permissions"] != true {
		t.Errorf("%v", missing)
	}
	r.must("PATCH", "/v1/organizations/"+org, fields{"name": "Acme Inc", "admin_delete_enabled": false})
	if m := r.must("PATCH", "/v1/organizations/"+org+"/metadata", fields{"public_metadata": fields{"seats": 3}}).json(t)["public_metadata"].(map[string]any); m["plan"] != "pro" || m["seats"] != float64(3) {
		t.Errorf("not merged: %v", m)
	}
	if m := r.must("PUT", "/v1/organizations/"+org+"/metadata", fields{"private_metadata": fields{"a": 1}}).json(t)["private_metadata"].(map[string]any); m["crm"] != nil || m["a"] != float64(1) {
		t.Errorf("not replaced: %v", m)
	}
	if a := r.send("PUT", "/v1/organizations/"+org+"/logo", authorized(pictureType), pictureBody); a.status != 200 || a.json(t)["has_image"] != true {
		t.Errorf("logo: %d %s", a.status, a.body)
	}
	r.must("DELETE", "/v1/organizations/"+org+"/logo", nil)

	// Members.
	at := "/v1/organizations/" + org + "/memberships"
	r.must("POST", at, fields{"user_id": bob, "role": "org:member", "public_metadata": fields{"desk": 4}})
	r.refused("POST", at, fields{"user_id": bob, "role": "org:member"}, 400, "already_a_member_in_organization")
	r.refused("POST", at, fields{"user_id": "user_none", "role": "org:member"}, 422, "form_resource_not_found")
	for q, want := range map[string]int{"": 2, "?role=org:admin": 1, "?query=bo": 1, "?email_address=bob@example.com": 1, "?email_address_query=ada": 1, "?name_query=bob": 1,
		"?user_id=" + bob: 1, "?username=nobody": 0, "?phone_number=%2B15555550100": 0, "?web3_wallet=0x1": 0, "?created_at_after=1": 2, "?created_at_before=1": 0, "?role=org:admin&role=org:member&limit=1": 2} {
		if got := r.must("GET", at+q, nil).total(t); got != want {
			t.Errorf("%s: %d, want %d", q, got, want)
		}
	}
	r.must("PATCH", at+"/"+bob+"/metadata", fields{"private_metadata": fields{"x": 1}})
	r.refused("PATCH", at+"/"+ada, fields{"role": "org:member"}, 400, "organization_minimum_permissions_needed")
	if role := r.must("PATCH", at+"/"+bob, fields{"role": "org:admin"}).str(t, "role"); role != "org:admin" {
		t.Errorf("role %s", role)
	}
	ordered := func(order string, want ...string) {
		t.Helper()
		var got []string
		for _, m := range r.must("GET", at+"?order_by="+order, nil).data(t) {
			got = append(got, m["public_user_data"].(map[string]any)["user_id"].(string))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", order, got, want)
		}
	}
	ordered("email_address", ada, bob)
	ordered("-email_address", bob, ada)
	ordered("%2Bfirst_name", ada, bob) // ada has none
	ordered("last_name", ada, bob)
	r.must("PATCH", "/v1/users/"+ada, fields{"first_name": "Cy", "last_name": ""})
	ordered("first_name", bob, ada)
	r.must("PATCH", "/v1/users/"+ada, fields{"first_name": "", "last_name": "Cy"}) // the whole name is what it was
	ordered("first_name", ada, bob)
	ordered("last_name", bob, ada)
	r.refused("GET", at+"?order_by=color", nil, 422, "form_param_value_invalid")
	if n := r.must("GET", "/v1/users/"+bob+"/organization_memberships", nil).total(t); n != 1 {
		t.Errorf("%d memberships", n)
	}
	if n := r.must("GET", "/v1/organization_memberships?order_by=-created_at", nil).total(t); n != 2 {
		t.Errorf("%d memberships in all", n)
	}
	// Invitations.
	inv := "/v1/organizations/" + org + "/invitations"
	one := r.must("POST", inv, fields{"email_address": "carl@example.com", "role": "org:member", "inviter_user_id": ada, "public_metadata": fields{"a": 1}, "expires_in_days": 3, "notify": false})
	if one.str(t, "url") == "" || one.str(t, "public_inviter_data", "identifier") != "ada@example.com" {
		t.Errorf("%s", one.body)
	}
	r.refused("POST", inv, fields{"email_address": "dora@example.com", "role": "org:member"}, 403, "organization_membership_quota_exceeded")
	r.must("PATCH", "/v1/organizations/"+org, fields{"max_allowed_memberships": 0})
	r.refused("POST", inv, fields{"email_address": "dora@example.com", "role": "org:member", "expires_in_days": 366}, 422, "form_param_value_invalid")
	r.refused("POST", inv, fields{"email_address": "dora@example.com", "role": "org:member", "redirect_url": "https://evil.example/"}, 422, "redirect_url_domain_mismatch")
	if n := r.must("POST", inv+"/bulk", []fields{{"email_address": "dora@example.com", "role": "org:member"}, {"email_address": "erin@example.com", "role": "org:admin"}}).total(t); n != 2 {
		t.Errorf("%d invited", n)
	}
	if n := r.must("GET", inv+"?status=pending&email_address=dora@example.com", nil).total(t); n != 1 {
		t.Errorf("%d pending for dora", n)
	}
	if n := r.must("GET", inv+"/pending", nil).total(t); n != 3 {
		t.Errorf("%d pending", n)
	}
	r.must("GET", inv+"/"+one.str(t, "id"), nil)
	r.must("POST", inv+"/"+one.str(t, "id")+"/revoke", fields{"requesting_user_id": ada})
	r.refused("POST", inv+"/"+one.str(t, "id")+"/revoke", fields{}, 400, "organization_invitation_revoked_code")
	if n := r.must("GET", "/v1/organization_invitations?query=erin", nil).total(t); n != 1 {
		t.Errorf("%d invitations for erin", n)
	}
	dora := r.newUser("dora@example.com", nil)
	if n := r.must("GET", "/v1/users/"+dora+"/organization_invitations?status=pending", nil).total(t); n != 1 {
		t.Errorf("%d invitations of dora's", n)
	}
	if gone := r.must("DELETE", at+"/"+bob, nil); gone.str(t, "public_user_data", "user_id") != bob {
		t.Errorf("%s", gone.body)
	}
	// Deleting the founder leaves the organization whole.
	r.must("DELETE", "/v1/users/"+ada, nil)
	r.must("GET", "/v1/organizations/"+org, nil)
	if d := r.must("DELETE", "/v1/organizations/"+org, nil); d.str(t, "slug") != "acme" {
		t.Errorf("%s", d.body)
	}
	r.refused("GET", at, nil, 404, "resource_not_found")
}

func TestRolesAndPermissions(t *testing.T) {
	r := newRig(t, rigConfig{})
	p := r.must("POST", "/v1/organization_permissions", fields{"name": "Edit reports", "key": "org:reports:edit", "description": "all of them"}).str(t, "id")
	r.refused("POST", "/v1/organization_permissions", fields{"name": "X", "key": "org:reports:edit"}, 400, "duplicate_record")
	r.refused("POST", "/v1/organization_permissions", fields{"name": "X", "key": "org:sys_profile:burn"}, 422, "form_param_format_invalid")
	if n := r.must("GET", "/v1/organization_permissions?limit=100", nil).total(t); n != 10 {
		t.Errorf("%d permissions", n)
	}
	sys := r.must("GET", "/v1/organization_permissions?query=sys_profile:manage", nil).data(t)[0]["id"].(string)
	r.refused("PATCH", "/v1/organization_permissions/"+sys, fields{"name": "X"}, 403, "organization_system_permission_not_modifiable")
	r.must("PATCH", "/v1/organization_permissions/"+p, fields{"key": "org:reports:write"})
	role := r.must("POST", "/v1/organization_roles", fields{"name": "Editor", "key": "org:editor", "permissions": []string{p}}).str(t, "id")
	r.refused("POST", "/v1/organization_roles", fields{"name": "Editor", "key": "org:editor"}, 400, "duplicate_record")
	r.refused("POST", "/v1/organization_roles", fields{"name": "X", "key": "x"}, 422, "form_param_format_invalid")
	r.refused("POST", "/v1/organization_roles", fields{"name": "X", "key": "org:x", "permissions": []string{"perm_none"}}, 422, "form_param_value_invalid")
	r.must("PATCH", "/v1/organization_roles/"+role, fields{"name": "Author", "description": "writes"})
	r.refused("PATCH", "/v1/organization_roles/"+role, fields{"key": "org:author"}, 422, "form_param_value_invalid")
	r.must("POST", "/v1/organization_roles/"+role+"/permissions/"+sys, nil)
	r.refused("POST", "/v1/organization_roles/"+role+"/permissions/"+sys, nil, 409, "organization_role_permission_association_exists")
	if got := r.must("DELETE", "/v1/organization_roles/"+role+"/permissions/"+sys, nil).json(t)["permissions"].([]any); len(got) != 1 {
		t.Errorf("%v", got)
	}
	r.refused("DELETE", "/v1/organization_roles/"+role+"/permissions/"+sys, nil, 404, "resource_not_found")
	admin := r.must("GET", "/v1/organization_roles?query=admin", nil).data(t)[0]["id"].(string)
	r.refused("DELETE", "/v1/organization_roles/"+admin, nil, 422, "organization_role_used_as_creator_role")
	u := r.newUser("ada@example.com", nil)
	org := r.must("POST", "/v1/organizations", fields{"name": "Acme", "created_by": u}).str(t, "id")
	b := r.newUser("bob@example.com", nil)
	r.must("POST", "/v1/organizations/"+org+"/memberships", fields{"user_id": b, "role": "org:editor"})
	r.refused("DELETE", "/v1/organization_roles/"+role, nil, 422, "organization_role_assigned_to_members")
	r.must("PATCH", "/v1/role_sets/role_set:default", fields{"default_role_key": "org:editor"})
	if got := r.must("GET", "/v1/instance/organization_settings", nil).str(t, "domains_default_role"); got != "org:editor" {
		t.Errorf("default role %s", got)
	}
	r.must("GET", "/v1/role_sets", nil)
	r.must("PATCH", "/v1/instance/organization_settings", fields{"max_allowed_memberships": 7, "domains_enrollment_modes": []string{"manual_invitation", "automatic_suggestion"}, "creator_role_id": admin})
	if got := r.must("GET", "/v1/instance/organization_settings", nil).json(t); got["max_allowed_memberships"] != float64(7) || len(got["domains_enrollment_modes"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
	r.refused("PATCH", "/v1/instance/organization_settings", fields{"creator_role_id": role}, 422, "organization_missing_creator_role_permissions")
	r.must("DELETE", "/v1/organization_permissions/"+p, nil)
	if got := r.must("GET", "/v1/organization_roles/"+role, nil).json(t)["permissions"].([]any); len(got) != 0 {
		t.Errorf("a deleted permission is held: %v", got)
	}
}

func TestOrganizationDomains(t *testing.T) {
	r := newRig(t, rigConfig{})
	org := r.must("POST", "/v1/organizations", fields{"name": "Acme"}).str(t, "id")
	other := r.must("POST", "/v1/organizations", fields{"name": "Other"}).str(t, "id")
	at := "/v1/organizations/" + org + "/domains"
	d := r.must("POST", at, fields{"name": "acme.example", "enrollment_mode": "automatic_invitation"})
	if d.str(t, "verification", "status") != "verified" {
		t.Errorf("%s", d.body)
	}
	r.refused("POST", "/v1/organizations/"+other+"/domains", fields{"name": "acme.example"}, 422, "organization_domain_already_exists")
	r.refused("POST", at, fields{"name": "gmail.com"}, 422, "organization_domain_common")
	e := r.must("POST", at, fields{"name": "acme2.example", "verified": false}).str(t, "id")
	r.refused("PATCH", at+"/"+e, fields{"enrollment_mode": "automatic_suggestion"}, 422, "organization_domain_mode_invalid")
	r.must("PATCH", at+"/"+e, fields{"verified": true, "enrollment_mode": "automatic_suggestion"})
	r.must("POST", at+"/"+e+"/verify_ownership", nil)
	for q, want := range map[string]int{"?verified=true": 2, "?enrollment_mode=automatic_invitation": 1} {
		if n := r.must("GET", at+q, nil).total(t); n != want {
			t.Errorf("%s: %d, want %d", q, n, want)
		}
	}
	for q, want := range map[string]int{"?query=acme2": 1, "?domains=acme.example": 1, "?enrollment_mode=-automatic_invitation": 1, "?organization_id=" + org: 2} {
		if n := r.must("GET", "/v1/organization_domains"+q, nil).total(t); n != want {
			t.Errorf("%s: %d, want %d", q, n, want)
		}
	}
	r.refused("DELETE", "/v1/organizations/"+other+"/domains/"+e, nil, 404, "resource_not_found")
	r.must("DELETE", at+"/"+e, nil)
}

func TestTeams(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
	org := r.must("POST", "/v1/organizations", fields{"name": "Acme", "created_by": ada}).str(t, "id")
	at := "/v1/organizations/" + org + "/teams"
	team := r.must("POST", at, fields{"name": "Core"}).str(t, "id")
	r.must("PUT", at+"/"+team+"/members/"+ada, fields{"role": "lead"})
	r.refused("PUT", at+"/"+team+"/members/"+bob, fields{"role": "lead"}, 404, "resource_not_found")
	r.refused("POST", at, fields{"name": " "}, 422, "form_param_format_invalid")
	if n := r.must("GET", at+"/"+team+"/members", nil).total(t); n != 1 {
		t.Errorf("%d members", n)
	}
	r.must("PATCH", at+"/"+team, fields{"name": "Kernel"})
	r.must("DELETE", at+"/"+team+"/members/"+ada, nil)
	if n := r.must("GET", at+"/"+team, nil).json(t)["members_count"]; n != float64(0) {
		t.Errorf("%v members", n)
	}
	r.must("DELETE", at+"/"+team, nil)
	if n := r.must("GET", at, nil).total(t); n != 0 {
		t.Errorf("%d teams", n)
	}
	if err := r.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.Organizations.Teams = false; return nil }); err != nil {
		t.Fatal(err)
	}
	r.refused("POST", at, fields{"name": "Core"}, 403, "organization_teams_not_enabled")
}

// TestAttack_M01_CrossTenant: what is inside one organization is not found
// under another.
func TestAttack_M01_CrossTenant(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	org := r.must("POST", "/v1/organizations", fields{"name": "Acme", "created_by": ada}).str(t, "id")
	parts := map[string]string{"user_id": ada, "organization_id": r.must("POST", "/v1/organizations", fields{"name": "Other"}).str(t, "id"),
		"invitation_id": r.must("POST", "/v1/organizations/"+org+"/invitations", fields{"email_address": "x@example.com", "role": "org:member"}).str(t, "id"),
		"domain_id":     r.must("POST", "/v1/organizations/"+org+"/domains", fields{"name": "acme.example"}).str(t, "id"),
		"team_id":       r.must("POST", "/v1/organizations/"+org+"/teams", fields{"name": "Core"}).str(t, "id")}
	seen := 0
	for _, p := range patterns() {
		if !strings.Contains(p, "/v1/organizations/{organization_id}/") || strings.Count(p, "{") < 2 {
			continue
		}
		seen++
		for _, part := range regexp.MustCompile(`\{\w+\}`).FindAllString(p, -1) {
			if parts[strings.Trim(part, "{}")] == "" {
				t.Errorf("%s has no row: there is no %s of another organization", p, part)
			}
		}
		method, path := fill(p, parts)
		if a := r.send(method, path, bodyHeader(p), bodyOf(p)); a.status != 404 || a.code() != "resource_not_found" {
			t.Errorf("%s: %d %s", p, a.status, a.body)
		}
	}
	if seen < 14 {
		t.Errorf("only %d routes seen", seen)
	}
}

// orgRequest is what a good request for a route of organizations works on: the
// parts of its path, and its body, nil for the usual one.
func (r *rig) orgRequest(pattern, userID, serial string) (parts map[string]string, body []byte) {
	if !strings.Contains(pattern, "organization") && !strings.Contains(pattern, "role_set") {
		return nil, nil
	}
	org := r.must("POST", "/v1/organizations", fields{"name": "Acme", "created_by": userID}).str(r, "id")
	at := "/v1/organizations/" + org
	parts = map[string]string{"organization_id": org, "role_set_key_or_id": "role_set:default"}
	made := func(part, path string, body fields) {
		if strings.Contains(pattern, "{"+part+"}") {
			parts[part] = r.must("POST", path, body).str(r, "id")
		}
	}
	if strings.Contains(pattern, "/organizations/") && strings.Contains(pattern, "{user_id}") {
		parts["user_id"] = r.newUser("m"+serial+"@example.com", nil)
		r.must("POST", at+"/memberships", fields{"user_id": parts["user_id"], "role": "org:member"})
	}
	made("invitation_id", at+"/invitations", fields{"email_address": "i" + serial + "@example.com", "role": "org:member"})
	made("domain_id", at+"/domains", fields{"name": "d" + serial + ".example"})
	if made("team_id", at+"/teams", fields{"name": "Core"}); parts["team_id"] != "" && parts["user_id"] != "" {
		r.must("PUT", at+"/teams/"+parts["team_id"]+"/members/"+parts["user_id"], fields{})
	}
	made("permission_id", "/v1/organization_permissions", fields{"name": "P", "key": "org:f" + serial + ":p"})
	if strings.Contains(pattern, "{organization_role_id}") {
		for _, old := range r.must("GET", "/v1/organization_roles?query=org:r&limit=100", nil).data(r) { // there are ten at most
			r.must("DELETE", "/v1/organization_roles/"+old["id"].(string), nil)
		}
		body := fields{"name": "R", "key": "org:r" + serial}
		if strings.HasPrefix(pattern, "DELETE") && parts["permission_id"] != "" {
			body["permissions"] = []string{parts["permission_id"]}
		}
		made("organization_role_id", "/v1/organization_roles", body)
	}
	switch pattern {
	case "POST /v1/organizations":
		body = encode(fields{"name": "Another"})
	case "POST /v1/organizations/{organization_id}/memberships":
		body = encode(fields{"user_id": r.newUser("n"+serial+"@example.com", nil), "role": "org:member"})
	case "POST /v1/organizations/{organization_id}/invitations":
		body = encode(fields{"email_address": "j" + serial + "@example.com", "role": "org:member"})
	case "POST /v1/organizations/{organization_id}/invitations/bulk":
		body = encode([]fields{{"email_address": "j" + serial + "@example.com", "role": "org:member"}})
	case "POST /v1/organizations/{organization_id}/domains":
		body = encode(fields{"name": "e" + serial + ".example"})
	case "POST /v1/organization_permissions":
		body = encode(fields{"name": "P", "key": "org:g" + serial + ":new"})
	case "POST /v1/organization_roles":
		body = encode(fields{"name": "R", "key": "org:r" + serial + "s"})
	}
	return parts, body
}
