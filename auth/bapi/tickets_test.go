package bapi_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// tokenOf is the ticket in the answer to its making, which is told once.
func tokenOf(t *testing.T, made map[string]any) string {
	t.Helper()
	wire, _ := made["token"].(string)
	link, _ := made["url"].(string)
	u, err := url.Parse(link)
	if err != nil || wire == "" || u.Query().Get("ticket") != wire || !strings.HasSuffix(u.Path, "/__clerk/v1/tickets/accept") || !u.IsAbs() {
		t.Errorf("token %q, url %q", wire, link)
	}
	return wire
}

// deliver sends the mails that are due.
func (r *rig) deliver() {
	r.Helper()
	if _, _, err := r.engine.Deliver(context.Background()); err != nil {
		r.Fatal(err)
	}
}

func TestSignInTokens(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	made := r.must("POST", "/v1/sign_in_tokens", fields{"user_id": ada}).json(t)
	wire := tokenOf(t, made)
	id := made["id"].(string)
	if made["object"] != "sign_in_token" || made["status"] != "pending" || made["user_id"] != ada || !strings.HasPrefix(id, "sit_") || !strings.HasPrefix(wire, id+".") {
		t.Errorf("%v", made)
	}
	gone := r.must("POST", "/v1/sign_in_tokens/"+id+"/revoke", nil).json(t)
	if gone["status"] != "revoked" || gone["token"] != nil || gone["url"] != nil {
		t.Errorf("revoked: %v", gone)
	}
	r.refused("POST", "/v1/sign_in_tokens/"+id+"/revoke", nil, 400, "sign_in_token_cannot_be_revoked_code")
	r.must("POST", "/v1/sign_in_tokens", fields{"user_id": ada, "expires_in_seconds": 60, "org_id": nil})
	for _, c := range []struct {
		body   fields
		status int
		code   string
	}{
		{fields{}, 422, "form_param_missing"}, {fields{"user_id": "user_none"}, 404, "resource_not_found"},
		{fields{"user_id": ada, "expires_in_seconds": 0}, 422, "form_param_value_invalid"}, {fields{"user_id": ada, "expires_in_seconds": -1}, 422, "form_param_value_invalid"},
		{fields{"user_id": ada, "expires_in_seconds": 366 * 24 * 3600}, 422, "form_param_value_invalid"}, {fields{"user_id": ada, "expires_in_seconds": "soon"}, 422, "form_param_type_invalid"},
		{fields{"user_id": ada, "org_id": "org_none"}, 404, "resource_not_found"}, {fields{"user_id": ada, "status": "accepted"}, 422, "form_param_unknown"},
	} {
		r.refused("POST", "/v1/sign_in_tokens", c.body, c.status, c.code)
	}
}

func TestActorTokens(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	made := r.must("POST", "/v1/actor_tokens", fields{"user_id": ada, "actor": fields{"sub": "user_support", "iss": "x"}, "session_max_duration_in_seconds": 60}).json(t)
	wire := tokenOf(t, made)
	id := made["id"].(string)
	if made["object"] != "actor_token" || made["status"] != "pending" || !strings.HasPrefix(wire, "act_") || made["actor"].(map[string]any)["sub"] != "user_support" {
		t.Errorf("%v", made)
	}
	if gone := r.must("POST", "/v1/actor_tokens/"+id+"/revoke", nil).json(t); gone["status"] != "revoked" || gone["token"] != nil {
		t.Errorf("revoked: %v", gone)
	}
	r.refused("POST", "/v1/actor_tokens/"+id+"/revoke", nil, 400, "actor_token_cannot_be_revoked_code")
	actor := fields{"sub": "user_support"}
	for _, c := range []struct {
		body   fields
		status int
		code   string
	}{
		{fields{"actor": actor}, 422, "form_param_missing"}, {fields{"user_id": ada}, 422, "form_param_missing"},
		{fields{"user_id": "user_none", "actor": actor}, 404, "actor_token_subject_not_found"},
		{fields{"user_id": ada, "actor": fields{}}, 422, "form_param_missing"}, {fields{"user_id": ada, "actor": "user_support"}, 422, "form_param_type_invalid"},
		{fields{"user_id": ada, "actor": fields{"sub": strings.Repeat("x", 2000)}}, 422, "form_param_exceeds_allowed_size"},
		{fields{"user_id": ada, "actor": actor, "session_max_duration_in_seconds": 1801}, 422, "form_param_value_invalid"},
	} {
		r.refused("POST", "/v1/actor_tokens", c.body, c.status, c.code)
	}
	tt := r.must("POST", "/v1/testing_tokens", nil).json(t)
	if tt["object"] != "testing_token" || tt["expires_at"] != float64(r.Now().Add(time.Hour).Unix()) || !r.engine.CheckTestingToken(tt["token"].(string)) {
		t.Errorf("%v", tt)
	}
	newRig(t, rigConfig{url: "https://app.example.com"}).refused("POST", "/v1/testing_tokens", nil, 400, "request_invalid_for_environment")
}

func TestInvitations(t *testing.T) {
	r := newRig(t, rigConfig{})
	made := r.must("POST", "/v1/invitations", fields{"email_address": "Guest@Example.com", "public_metadata": fields{"plan": "pro"}, "redirect_url": "/welcome",
		"notify": nil, "expires_in_days": 7}).json(t)
	id := made["id"].(string)
	if made["object"] != "invitation" || made["status"] != "pending" || made["revoked"] != false || made["email_address"] != "guest@example.com" ||
		made["expires_at"] != float64(r.Now().Add(7*24*time.Hour).UnixMilli()) || !strings.Contains(made["url"].(string), "ticket="+id) {
		t.Errorf("%v", made)
	}
	if r.deliver(); len(r.mails) != 1 || r.mails[0].To != "guest@example.com" || r.mails[0].Data.ActionURL != made["url"] {
		t.Errorf("mails %v", r.mails)
	}
	r.refused("POST", "/v1/invitations", fields{"email_address": "guest@example.com"}, 400, "duplicate_record")
	r.must("POST", "/v1/invitations", fields{"email_address": "guest@example.com", "ignore_existing": true, "notify": false})
	r.newUser("ada@example.com", nil)
	r.refused("POST", "/v1/invitations", fields{"email_address": "ada@example.com"}, 422, "form_identifier_exists")
	r.must("POST", "/v1/invitations", fields{"email_address": "ada@example.com", "ignore_existing": true, "notify": false})
	r.advance(time.Second)
	bulk := r.must("POST", "/v1/invitations/bulk", []fields{{"email_address": "one@example.com", "notify": false}, {"email_address": "two@example.com", "notify": false}}).list(t)
	if len(bulk) != 2 || bulk[0]["email_address"] != "one@example.com" || bulk[1]["url"] == "" {
		t.Errorf("%v", bulk)
	}
	// All or none.
	r.refused("POST", "/v1/invitations/bulk", []fields{{"email_address": "three@example.com"}, {"email_address": "two@example.com"}}, 400, "duplicate_record")
	r.refused("POST", "/v1/invitations/bulk", []fields{{"email_address": "three@example.com"}, {"email_address": "three@example.com"}}, 400, "duplicate_record")
	r.refused("POST", "/v1/invitations/bulk", slices.Repeat([]fields{{"email_address": "x@example.com"}}, 11), 400, "bulk_size_exceeded")
	r.refused("POST", "/v1/invitations/bulk", `{"email_address":"x@example.com"}`, 400, "request_body_invalid")
	r.refused("POST", "/v1/invitations/bulk", `[1]`, 400, "request_body_invalid")
	r.refused("POST", "/v1/invitations/bulk", `[]`, 422, "form_param_nil")
	for _, c := range []struct {
		body fields
		code string
	}{
		{fields{}, "form_param_missing"}, {fields{"email_address": "x"}, "form_param_format_invalid"},
		{fields{"email_address": "x@example.com", "expires_in_days": 0}, "form_param_value_invalid"}, {fields{"email_address": "x@example.com", "expires_in_days": 366}, "form_param_value_invalid"},
		{fields{"email_address": "x@example.com", "redirect_url": "https://evil.example/"}, "redirect_url_domain_mismatch"},
		{fields{"email_address": "x@example.com", "redirect_url": "//evil.example/"}, "prohibited_redirect_url"},
		{fields{"email_address": "x@example.com", "redirect_url": "javascript:alert(1)"}, "prohibited_redirect_url"},
		{fields{"email_address": "x@example.com", "public_metadata": []int{1}}, "form_param_type_invalid"},
		{fields{"email_address": "x@example.com", "public_metadata": fields{"x": strings.Repeat("x", 9000)}}, "form_param_exceeds_allowed_size"},
		{fields{"email_address": "x@example.com", "template_slug": "password_changed"}, "form_param_value_invalid"},
		{fields{"email_address": "x@example.com", "revoked": true}, "form_param_unknown"},
	} {
		r.refused("POST", "/v1/invitations", c.body, 422, c.code)
	}
	if gone := r.must("POST", "/v1/invitations/"+id+"/revoke", nil).json(t); gone["status"] != "revoked" || gone["revoked"] != true || gone["url"] != nil {
		t.Errorf("revoked: %v", gone)
	}
	r.refused("POST", "/v1/invitations/"+id+"/revoke", nil, 400, "invitation_already_revoked")
	addresses := func(list []map[string]any) (out []string) {
		for _, i := range list {
			out = append(out, strings.TrimSuffix(i["email_address"].(string), "@example.com"))
		}
		slices.Sort(out)
		return out
	}
	for query, want := range map[string][]string{
		"": {"ada", "guest", "guest", "one", "two"}, "status=pending": {"ada", "guest", "one", "two"}, "status=revoked": {"guest"}, "status=accepted": nil, "status=expired": nil,
		"query=tw": {"two"}, "limit=1&order_by=-created_at&query=one": {"one"}, "order_by=%2Bcreated_at&limit=1&query=guest": {"guest"},
	} {
		if got := addresses(r.must("GET", "/v1/invitations?"+query, nil).list(t)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if page := r.must("GET", "/v1/invitations?paginated=true&limit=2", nil).json(t); page["total_count"] != 5.0 || len(page["data"].([]any)) != 2 {
		t.Errorf("%v", page)
	}
	r.refused("GET", "/v1/invitations?status=lost", nil, 400, "invalid_query_parameter_value")
	r.refused("GET", "/v1/invitations?order_by=email_address", nil, 400, "invalid_query_parameter_value")
	// One that has expired makes room.
	r.advance(31 * 24 * time.Hour)
	if got := addresses(r.must("GET", "/v1/invitations?status=expired", nil).list(t)); len(got) != 4 {
		t.Errorf("expired: %v", got)
	}
	r.must("POST", "/v1/invitations", fields{"email_address": "two@example.com", "notify": false})
}

func TestWaitlistEntries(t *testing.T) {
	r := newRig(t, rigConfig{})
	made := r.must("POST", "/v1/waitlist_entries", fields{"email_address": "one@example.com"}).json(t)
	id := made["id"].(string)
	if made["object"] != "waitlist_entry" || made["status"] != "pending" || made["is_locked"] != false || made["invitation"] != nil || !strings.HasPrefix(id, "wle_") {
		t.Errorf("%v", made)
	}
	if again := r.must("POST", "/v1/waitlist_entries", fields{"email_address": "ONE@example.com"}).json(t); again["id"] != id {
		t.Errorf("twice: %v", again)
	}
	r.advance(time.Second)
	bulk := r.must("POST", "/v1/waitlist_entries/bulk", []fields{{"email_address": "two@example.com", "notify": false}, {"email_address": "three@example.com", "notify": false}}).list(t)
	if r.deliver(); len(bulk) != 2 || len(r.mails) != 1 {
		t.Errorf("%v, %d mails", bulk, len(r.mails))
	}
	r.refused("POST", "/v1/waitlist_entries/bulk", slices.Repeat([]fields{{"email_address": "x@example.com"}}, 51), 400, "bulk_size_exceeded")
	r.refused("POST", "/v1/waitlist_entries", fields{"email_address": "x"}, 422, "form_param_format_invalid")
	r.refused("POST", "/v1/waitlist_entries", fields{"email_address": "x@example.com", "status": "invited"}, 422, "form_param_unknown")
	invited := r.must("POST", "/v1/waitlist_entries/"+id+"/invite", nil).json(t)
	if i, _ := invited["invitation"].(map[string]any); invited["status"] != "invited" || i["email_address"] != "one@example.com" {
		t.Errorf("%v", invited)
	}
	r.refused("POST", "/v1/waitlist_entries/"+id+"/invite", fields{}, 409, "waitlist_entry_already_invited")
	r.must("POST", "/v1/waitlist_entries/"+id+"/invite", fields{"ignore_existing": true})
	r.refused("POST", "/v1/waitlist_entries/"+id+"/reject", nil, 409, "waitlist_entry_already_invited")
	second := bulk[0]["id"].(string)
	if no := r.must("POST", "/v1/waitlist_entries/"+second+"/reject", nil).json(t); no["status"] != "rejected" {
		t.Errorf("%v", no)
	}
	r.refused("POST", "/v1/waitlist_entries/"+second+"/invite", nil, 409, "waitlist_entry_already_rejected")
	r.newUser("three@example.com", nil)
	r.refused("POST", "/v1/waitlist_entries/"+bulk[1]["id"].(string)+"/invite", nil, 422, "form_identifier_exists")
	for query, want := range map[string]int{"": 3, "status=pending": 1, "status=invited": 1, "status=rejected": 1, "query=two": 1, "limit=2": 2} {
		if page := r.must("GET", "/v1/waitlist_entries?"+query, nil).json(t); len(page["data"].([]any)) != want {
			t.Errorf("%s: %v, want %d", query, page, want)
		}
	}
	r.refused("GET", "/v1/waitlist_entries?status=lost", nil, 400, "invalid_query_parameter_value")
	r.must("DELETE", "/v1/waitlist_entries/"+id, nil)
	r.refused("DELETE", "/v1/waitlist_entries/"+id, nil, 404, "resource_not_found")
}

func TestLists(t *testing.T) {
	r := newRig(t, rigConfig{})
	for _, list := range []string{"allowlist", "blocklist"} {
		path := "/v1/" + list + "_identifiers"
		made := r.must("POST", path, fields{"identifier": "*@Example.com"}).json(t)
		id := made["id"].(string)
		if made["object"] != list+"_identifier" || made["identifier"] != "*@example.com" || made["identifier_type"] != "email_address" || !strings.HasPrefix(made["instance_id"].(string), "ins_") {
			t.Errorf("%v", made)
		}
		if phone := r.must("POST", path, fields{"identifier": "+1 (415) 555-0100"}).json(t); phone["identifier_type"] != "phone_number" || phone["identifier"] != "+14155550100" {
			t.Errorf("%v", phone)
		}
		r.refused("POST", path, fields{"identifier": "*@EXAMPLE.com"}, 400, "duplicate_record")
		r.refused("POST", path, fields{"identifier": "ada"}, 422, "form_param_format_invalid")
		r.refused("POST", path, fields{}, 422, "form_param_missing")
		if page := r.must("GET", path+"?paginated=true&limit=1", nil).json(t); page["total_count"] != 2.0 || len(page["data"].([]any)) != 1 {
			t.Errorf("%v", page)
		}
		a := r.must("GET", path+"?limit=10", nil)
		n := 0
		if list == "blocklist" {
			n = len(a.json(t)["data"].([]any))
		} else {
			n = len(a.list(t))
		}
		if n != 2 {
			t.Errorf("%d entries: %s", n, a.body)
		}
		if gone := r.must("DELETE", path+"/"+id, nil).json(t); gone["deleted"] != true || gone["object"] != list+"_identifier" {
			t.Errorf("%v", gone)
		}
		r.refused("DELETE", path+"/"+id, nil, 404, "resource_not_found")
	}
	invited := r.must("POST", "/v1/allowlist_identifiers", fields{"identifier": "guest@example.com", "notify": true}).json(t)
	if r.deliver(); invited["invitation_id"] == nil || len(r.mails) != 1 || r.mails[0].To != "guest@example.com" {
		t.Errorf("%v, mails %v", invited, r.mails)
	}
	if wild := r.must("POST", "/v1/allowlist_identifiers", fields{"identifier": "*@example.org", "notify": true}).json(t); wild["invitation_id"] != nil {
		t.Errorf("%v", wild)
	}
	on := r.must("PATCH", "/v1/instance/restrictions", fields{"allowlist": true, "block_email_subaddresses": true, "blocklist": nil}).json(t)
	want := "map[allowlist:true allowlist_blocklist_disabled_on_sign_in:true block_disposable_email_domains:false block_email_subaddresses:true blocklist:false object:instance_restrictions]"
	if fmt.Sprint(on) != want {
		t.Errorf("%v", on)
	}
	off := r.must("PATCH", "/v1/instance/restrictions", fields{"allowlist": false}).json(t)
	if off["allowlist"] != false || off["block_email_subaddresses"] != true {
		t.Errorf("%v", off)
	}
	r.refused("PATCH", "/v1/instance/restrictions", fields{"allowlist": "on"}, 422, "form_param_type_invalid")
}
