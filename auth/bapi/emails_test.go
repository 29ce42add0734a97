package bapi_test

import (
	"context"
	"reflect"
	"testing"
)

func TestEmailAddresses(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	first := r.user(id).PrimaryEmailAddressID
	add := func(body fields) fields {
		t.Helper()
		body["user_id"] = id
		return r.must("POST", "/v1/email_addresses", body).json(t)
	}
	plain := add(fields{"email_address": "second@example.com"})
	if plain["verification"] != nil || plain["reserved"] != true || plain["object"] != "email_address" {
		t.Errorf("not verified: %v", plain)
	}
	sure := add(fields{"email_address": "third@example.com", "verified": true, "primary": true, "notify_primary_email_address_changed": true})
	if sure["verification"].(fields)["status"] != "verified" || r.user(id).PrimaryEmailAddressID != sure["id"] {
		t.Errorf("verified and primary: %v", sure)
	}
	if _, _, err := r.engine.Deliver(context.Background()); err != nil {
		t.Fatal(err)
	}
	told := false
	for _, m := range r.mails {
		told = told || m.To == "ada@example.com"
	}
	if !told {
		t.Errorf("the former primary address was not told: %v", r.mails)
	}
	path := "/v1/email_addresses/" + plain["id"].(string)
	if got := r.must("GET", path, nil).json(t); !reflect.DeepEqual(got, plain) {
		t.Errorf("read: %v, want %v", got, plain)
	}
	r.refused("PATCH", path, fields{"primary": true}, 422, "form_verification_needed")
	if got := r.must("PATCH", path, fields{"verified": true, "primary": true}).json(t); got["reserved"] != false || r.user(id).PrimaryEmailAddressID != plain["id"] {
		t.Errorf("verified later: %v", got)
	}
	r.refused("PATCH", path, fields{"verified": false}, 422, "form_verification_needed")
	if got := r.must("PATCH", "/v1/email_addresses/"+first, fields{"verified": false}).json(t); got["verification"] != nil || got["reserved"] != true {
		t.Errorf("taken back: %v", got)
	}
	r.must("PATCH", path, fields{})
	if got := r.must("DELETE", path, nil).json(t); !reflect.DeepEqual(got, fields{"object": "email_address", "id": plain["id"], "deleted": true}) {
		t.Errorf("deleted: %v", got)
	}
	r.refused("GET", path, nil, 404, "resource_not_found")
	r.must("DELETE", "/v1/email_addresses/"+first, nil)
	r.refused("DELETE", "/v1/email_addresses/"+sure["id"].(string), nil, 400, "identification_deletion_failed")

	bob := r.newUser("bob@example.com", nil)
	for _, c := range []struct {
		body   fields
		status int
		code   string
	}{
		{fields{"user_id": id}, 422, "form_param_missing"},
		{fields{"email_address": "x@example.com"}, 422, "form_param_missing"},
		{fields{"user_id": "", "email_address": "x@example.com"}, 422, "form_param_nil"},
		{fields{"user_id": "user_none", "email_address": "x@example.com"}, 404, "resource_not_found"},
		{fields{"user_id": bob, "email_address": "third@example.com", "verified": true}, 422, "form_identifier_exists"},
		{fields{"user_id": bob, "email_address": "THIRD@example.com"}, 422, "form_identifier_exists"},
		{fields{"user_id": bob, "email_address": "bob@example.com"}, 400, "identification_exists"},
		{fields{"user_id": bob, "email_address": "no address"}, 422, "form_param_format_invalid"},
		{fields{"user_id": bob, "email_address": "x@example.com", "primary": true}, 422, "form_verification_needed"},
		{fields{"user_id": bob, "email_address": "x@example.com", "verified": "yes"}, 422, "form_param_type_invalid"},
		{fields{"user_id": bob, "email_address": "x@example.com", "id": "idn_1"}, 422, "form_param_unknown"},
	} {
		r.refused("POST", "/v1/email_addresses", c.body, c.status, c.code)
	}
	if n := len(r.user(bob).EmailAddresses); n != 1 {
		t.Errorf("refused requests left %d addresses", n)
	}
}

func TestReplaceEmailAddress(t *testing.T) {
	r := newRig(t, rigConfig{})
	id, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
	r.must("POST", "/v1/email_addresses", fields{"user_id": id, "email_address": "second@example.com", "verified": true})
	path := "/v1/users/" + id + "/email_address"
	for _, c := range []struct {
		address, status    string
		verified, reserved bool
	}{{"new@example.com", "", true, false}, {"new@example.com", "reserved", false, true}, {"loose@example.com", "unverified", false, false},
		{"last@example.com", "verified", true, false}} {
		before := r.user(id).EmailAddressByValue(c.address)
		body := fields{"email_address": c.address, "notify_primary_email_address_changed": true}
		if c.status != "" {
			body["identification_status"] = c.status
		}
		got := r.must("PUT", path, body).json(t)
		u := r.user(id)
		if len(u.EmailAddresses) != 1 || u.PrimaryEmailAddressID != got["id"] || u.EmailAddresses[0].Verified != c.verified ||
			u.EmailAddresses[0].Reserved != c.reserved || got["reserved"] != c.reserved || (got["verification"] != nil) != c.verified {
			t.Errorf("%s %s: %v", c.address, c.status, got)
		}
		if before != nil && before.ID != got["id"] {
			t.Errorf("%s: the same address got another ID", c.address)
		}
	}
	r.refused("PUT", path, fields{"email_address": "bob@example.com"}, 422, "form_identifier_exists")
	r.refused("PUT", path, fields{"email_address": "x"}, 422, "form_param_format_invalid")
	r.refused("PUT", path, fields{"email_address": "x@example.com", "identification_status": "sure"}, 422, "form_param_value_invalid")
	r.refused("PUT", path, fields{}, 422, "form_param_missing")
	if u := r.user(bob); len(u.EmailAddresses) != 1 {
		t.Errorf("bob has %d addresses", len(u.EmailAddresses))
	}
	// An unverified address is nobody's: both may have it until one proves it.
	r.must("PUT", path, fields{"email_address": "bob@example.com", "identification_status": "unverified"})
}
