package bapi_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestCreateUser(t *testing.T) {
	r := newRig(t, rigConfig{})
	u := r.must("POST", "/v1/users", fields{
		"email_address": []string{"Ada@Example.com", "countess@example.com"}, "email_address_identification_status": []string{"verified", "reserved"},
		"username": "ada_l", "first_name": " Ada ", "last_name": "Lovelace", "external_id": "crm-1", "locale": "en-GB",
		"password": goodPassword, "public_metadata": fields{"plan": "pro"}, "private_metadata": fields{"vip": true},
		"unsafe_metadata": fields{"theme": "dark"}, "delete_self_enabled": false, "create_organization_enabled": false,
		"create_organizations_limit": 3, "created_at": "2020-02-03T04:05:06.789Z", "legal_accepted_at": "2021-01-01T00:00:00Z",
		"skip_legal_checks": true, "bypass_client_trust": false, "phone_number": []string{}, "totp_secret": nil,
	}).json(t)
	for field, want := range (fields{"object": "user", "username": "ada_l", "first_name": "Ada", "last_name": "Lovelace", "external_id": "crm-1",
		"locale": "en-GB", "password_enabled": true, "delete_self_enabled": false, "create_organization_enabled": false,
		"create_organizations_limit": 3.0, "created_at": 1580702706789.0, "legal_accepted_at": 1609459200000.0, "banned": false, "locked": false,
		"lockout_expires_in_seconds": nil, "last_sign_in_at": nil, "has_image": false, "public_metadata": fields{"plan": "pro"},
		"private_metadata": fields{"vip": true}, "unsafe_metadata": fields{"theme": "dark"}, "password_last_updated_at": float64(r.Now().UnixMilli())}) {
		if !reflect.DeepEqual(u[field], want) {
			t.Errorf("%s = %v, want %v", field, u[field], want)
		}
	}
	addresses := u["email_addresses"].([]any)
	first, second := addresses[0].(fields), addresses[1].(fields)
	if first["email_address"] != "ada@example.com" || first["id"] != u["primary_email_address_id"] || first["reserved"] != false ||
		first["verification"].(fields)["strategy"] != "admin" || first["verification"].(fields)["status"] != "verified" {
		t.Errorf("first address: %v", first)
	}
	if second["reserved"] != true || second["verification"] != nil {
		t.Errorf("second address: %v", second)
	}
	if url := u["image_url"].(string); !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.Contains(url, "/__clerk/img/default/") {
		t.Errorf("image_url %q", url)
	}
	if got := r.must("GET", "/v1/users/"+u["id"].(string), nil).json(t); !reflect.DeepEqual(got, u) {
		t.Errorf("read again: %v\nmade: %v", got, u)
	}
}

func TestCreateUser_barred(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", fields{"banned": true, "locked": true})
	if u := r.user(id); !u.Banned || !u.IsLocked(r.Now()) || u.LockedUntil.IsZero() {
		t.Errorf("banned %v, locked %v until %v", u.Banned, u.Locked, u.LockedUntil)
	}
	if _, err := r.engine.Sessions().Create(context.Background(), id); err == nil {
		t.Error("a banned user got a session")
	}
}

func TestCreateUser_refused(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.newUser("taken@example.com", fields{"username": "taken", "external_id": "taken"})
	base := fields{"email_address": []string{"new@example.com"}, "password": goodPassword}
	for _, c := range []struct {
		name   string
		change fields
		status int
		code   string
		param  string
	}{
		{"nobody", fields{"email_address": nil}, 422, "form_data_missing", "email_address"},
		{"no password", fields{"password": nil}, 422, "form_data_missing", "password"},
		{"empty password", fields{"password": ""}, 422, "form_param_nil", "password"},
		{"taken address", fields{"email_address": []string{"TAKEN@Example.com"}}, 422, "form_identifier_exists", "email_address"},
		{"taken username", fields{"username": "Taken"}, 422, "form_identifier_exists", "username"},
		{"taken external ID", fields{"external_id": "taken"}, 422, "form_identifier_exists", "external_id"},
		{"same address twice", fields{"email_address": []string{"new@example.com", "NEW@example.com"}}, 400, "identification_exists", ""},
		{"no address", fields{"email_address": []string{"not an address"}}, 422, "form_param_format_invalid", "email_address"},
		{"address as text", fields{"email_address": "new@example.com"}, 422, "form_param_type_invalid", "email_address"},
		{"too many addresses", fields{"email_address": many(51)}, 422, "form_param_array_size_exceeded", "email_address"},
		{"statuses too few", fields{"email_address": many(2), "email_address_identification_status": []string{"verified"}}, 422, "form_param_value_invalid", "email_address_identification_status"},
		{"status unknown", fields{"email_address_identification_status": []string{"unverified"}}, 422, "form_param_value_invalid", "email_address_identification_status"},
		{"short password", fields{"password": "short"}, 422, "form_password_length_too_short", "password"},
		{"common password", fields{"password": "password123"}, 422, "form_password_pwned", "password"},
		{"username", fields{"username": "ab cd"}, 422, "form_username_invalid_character", "username"},
		{"first name", fields{"first_name": strings.Repeat("x", 300)}, 422, "form_param_format_invalid", "first_name"},
		{"name of a number", fields{"last_name": 7}, 422, "form_param_type_invalid", "last_name"},
		{"locale", fields{"locale": strings.Repeat("é", 20)}, 422, "form_param_value_too_large", "locale"},
		{"external ID", fields{"external_id": strings.Repeat("x", 300)}, 422, "form_param_max_length_exceeded", "external_id"},
		{"metadata no object", fields{"public_metadata": []int{1}}, 422, "form_param_type_invalid", "public_metadata"},
		{"created in the future", fields{"created_at": "2099-01-01T00:00:00Z"}, 422, "form_param_value_invalid", "created_at"},
		{"created no time", fields{"created_at": "yesterday"}, 422, "form_param_invalid_time", "created_at"},
		{"limit below zero", fields{"create_organizations_limit": -1}, 422, "form_param_value_invalid", "create_organizations_limit"},
		{"phone number", fields{"phone_number": []string{"+1555"}}, 422, "form_param_format_invalid", "phone_number"},
		{"phone status", fields{"phone_number": []string{"+15555550100"}, "phone_number_identification_status": []string{"x"}}, 422, "form_param_value_invalid", "phone_number_identification_status"},
		{"wallet", fields{"web3_wallet": []string{"0x0"}}, 400, "form_param_value_disabled", "web3_wallet"},
		{"TOTP", fields{"totp_secret": "abc"}, 422, "invalid_totp_secret_code", "totp_secret"},
		{"backup codes", fields{"backup_codes": []string{"abc"}}, 422, "form_param_value_invalid", "backup_codes"},
		{"banned as text", fields{"banned": "yes"}, 422, "form_param_type_invalid", "banned"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := fields{}
			for _, m := range []fields{base, c.change} {
				for k, v := range m {
					body[k] = v
				}
			}
			for k, v := range body {
				if v == nil {
					delete(body, k)
				}
			}
			a := r.do("POST", "/v1/users", body)
			if a.status != c.status || a.code() != c.code || a.param() != c.param {
				t.Errorf("%d %s (%s), want %d %s (%s)\n%s", a.status, a.code(), a.param(), c.status, c.code, c.param, a.body)
			}
		})
	}
	if n := r.must("GET", "/v1/users/count", nil).json(t)["total_count"]; n != 1.0 {
		t.Errorf("%v users, want the first one only", n)
	}
}

// many are n addresses.
func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("many%d@example.com", i))
	}
	return out
}

func TestPasswordDigest(t *testing.T) {
	r := newRig(t, rigConfig{})
	hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	const argon = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	id := r.newUser("ada@example.com", fields{"password": nil, "password_digest": string(hash), "password_hasher": "bcrypt"})
	if v := r.must("POST", "/v1/users/"+id+"/verify_password", fields{"password": goodPassword}).json(t); v["verified"] != true {
		t.Errorf("verified %v", v)
	}
	r.newUser("bob@example.com", fields{"password": nil, "password_digest": argon, "password_hasher": "argon2id"})
	for _, c := range []struct {
		name   string
		change fields
		code   string
	}{
		{"no hasher", fields{"password_digest": string(hash)}, "form_conditional_param_missing"},
		{"unknown hasher", fields{"password_digest": "5f4dcc3b5aa765d61d8327deb882cf99", "password_hasher": "md6"}, "form_password_digest_invalid_code"},
		{"of another hasher", fields{"password_digest": string(hash), "password_hasher": "argon2id"}, "form_password_digest_invalid_code"},
		{"cut", fields{"password_digest": string(hash[:40]), "password_hasher": "bcrypt"}, "form_password_digest_invalid_code"},
		{"too costly", fields{"password_digest": strings.Replace(argon, "m=64", "m=4000000", 1), "password_hasher": "argon2id"}, "form_password_digest_invalid_code"},
		{"beside a password", fields{"password_digest": string(hash), "password_hasher": "bcrypt", "password": goodPassword}, "form_conditional_param_disallowed"},
		{"too long", fields{"password_digest": "$2a$10$" + strings.Repeat("x", 2000), "password_hasher": "bcrypt"}, "form_param_value_too_large"},
	} {
		body := fields{"email_address": []string{"new@example.com"}}
		for k, v := range c.change {
			body[k] = v
		}
		r.refused("POST", "/v1/users", body, 422, c.code)
		r.refused("PATCH", "/v1/users/"+id, c.change, 422, c.code)
	}
	other, err := bcrypt.GenerateFromPassword([]byte("another password 1"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	r.must("PATCH", "/v1/users/"+id, fields{"password_digest": string(other), "password_hasher": "bcrypt"})
	r.refused("POST", "/v1/users/"+id+"/verify_password", fields{"password": goodPassword}, 422, "incorrect_password")
	r.must("POST", "/v1/users/"+id+"/verify_password", fields{"password": "another password 1"})
}

func TestUpdateUser(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", fields{"username": "ada_l", "first_name": "Ada", "external_id": "crm-1", "locale": "en"})
	second := r.must("POST", "/v1/email_addresses", fields{"user_id": id, "email_address": "ada@other.example", "verified": true}).json(t)["id"]
	r.advance(time.Minute)
	u := r.must("PATCH", "/v1/users/"+id, fields{"first_name": "Augusta", "last_name": "King", "username": "", "external_id": nil,
		"primary_email_address_id": second, "notify_primary_email_address_changed": true, "delete_self_enabled": false,
		"create_organization_enabled": nil, "create_organizations_limit": 0, "created_at": "2019-01-01T00:00:00Z",
		"legal_accepted_at": "2021-01-01T00:00:00Z"}).json(t)
	for field, want := range (fields{"first_name": "Augusta", "last_name": "King", "username": nil, "external_id": nil, "locale": "en",
		"primary_email_address_id": second, "delete_self_enabled": false, "create_organization_enabled": true, "create_organizations_limit": nil,
		"created_at": 1546300800000.0, "updated_at": float64(r.Now().UnixMilli()), "password_enabled": true}) {
		if !reflect.DeepEqual(u[field], want) {
			t.Errorf("%s = %v, want %v", field, u[field], want)
		}
	}
	if _, _, err := r.engine.Deliver(context.Background()); err != nil || len(r.mails) == 0 {
		t.Errorf("%d mails, %v: want a notice of the new primary address", len(r.mails), err)
	}
	// Clients of earlier versions send metadata here. It replaces.
	u = r.must("PATCH", "/v1/users/"+id, fields{"public_metadata": fields{"a": 1}}).json(t)
	if want := (fields{"a": 1.0}); !reflect.DeepEqual(u["public_metadata"], want) {
		t.Errorf("public_metadata %v", u["public_metadata"])
	}
	r.must("PATCH", "/v1/users/"+id, fields{})
	r.must("PATCH", "/v1/users/"+id, nil)

	other := r.newUser("bob@example.com", nil)
	theirs := r.user(other).PrimaryEmailAddressID
	for _, c := range []struct {
		body   any
		status int
		code   string
	}{
		{fields{"primary_email_address_id": theirs}, 422, "form_resource_not_found"},
		{fields{"primary_email_address_id": "idn_none"}, 422, "form_resource_not_found"},
		{fields{"sign_out_of_other_sessions": true}, 422, "form_conditional_param_missing"},
		{fields{"password": "short"}, 422, "form_password_length_too_short"},
		{fields{"first_name": 1}, 422, "form_param_type_invalid"},
		{fields{"profile_image_id": "img_1"}, 400, "form_param_value_disabled"},
		{fields{"email_address": []string{"x@example.com"}}, 422, "form_param_unknown"},
		{"[]", 400, "request_body_invalid"}, {`"x"`, 400, "request_body_invalid"}, {"{", 400, "request_body_invalid"},
		{"null", 400, "request_body_invalid"}, {"{}{}", 400, "request_body_invalid"},
	} {
		r.refused("PATCH", "/v1/users/"+id, c.body, c.status, c.code)
	}
	r.must("PATCH", "/v1/users/"+id, fields{"password": "short pw", "skip_password_checks": true})
	r.must("POST", "/v1/users/"+id+"/verify_password", fields{"password": "short pw"})
}

func TestDeleteUser(t *testing.T) {
	r := newRig(t, rigConfig{})
	id, other := r.newUser("ada@example.com", fields{"external_id": "crm-1"}), r.newUser("bob@example.com", nil)
	d := r.must("DELETE", "/v1/users/"+id, nil).json(t)
	if want := (fields{"object": "user", "id": id, "deleted": true, "external_id": "crm-1"}); !reflect.DeepEqual(d, want) {
		t.Errorf("deleted: %v", d)
	}
	r.refused("DELETE", "/v1/users/"+id, nil, 404, "resource_not_found")
	r.refused("GET", "/v1/users/"+id, nil, 404, "resource_not_found")
	r.must("GET", "/v1/users/"+other, nil)
	if again := r.newUser("ada@example.com", fields{"external_id": "crm-1"}); again == id {
		t.Error("an ID was used again")
	}
}

func TestMetadata(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", fields{"public_metadata": fields{"a": fields{"x": 1, "y": 2}, "keep": true}, "private_metadata": fields{"p": 1}})
	path := "/v1/users/" + id + "/metadata"
	u := r.must("PATCH", path, fields{"public_metadata": fields{"a": fields{"x": nil, "z": 3}}, "unsafe_metadata": fields{"u": 1}}).json(t)
	if want := (fields{"a": fields{"y": 2.0, "z": 3.0}, "keep": true}); !reflect.DeepEqual(u["public_metadata"], want) {
		t.Errorf("merged: %v, want %v", u["public_metadata"], want)
	}
	u = r.must("PUT", path, fields{"public_metadata": fields{"only": 1}}).json(t)
	if want := (fields{"only": 1.0}); !reflect.DeepEqual(u["public_metadata"], want) {
		t.Errorf("replaced: %v", u["public_metadata"])
	}
	if want := (fields{"p": 1.0}); !reflect.DeepEqual(u["private_metadata"], want) {
		t.Errorf("private after PUT of public: %v", u["private_metadata"])
	}
	u = r.must("PUT", path, fields{"public_metadata": fields{}}).json(t)
	if want := (fields{}); !reflect.DeepEqual(u["public_metadata"], want) {
		t.Errorf("emptied: %v", u["public_metadata"])
	}
	r.refused("PATCH", path, fields{"public_metadata": "x"}, 422, "form_param_type_invalid")
	r.refused("PATCH", path, fields{"first_name": "x"}, 422, "form_param_unknown")
}

// TestAttack_M14: metadata is bounded in size and depth, and opaque.
func TestAttack_M14_metadata(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	path := "/v1/users/" + id + "/metadata"
	odd := `{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":null,"":"empty","a.b":1,"$ref":"#","n":12345678901234567890}`
	kept := `{"":"empty","$ref":"#","__proto__":{"admin":true},"a.b":1,"constructor":{"prototype":1},"n":12345678901234567890}`
	a := r.must("PATCH", path, `{"unsafe_metadata":`+odd+`}`)
	if !strings.Contains(string(a.body), `"unsafe_metadata":`+kept) {
		t.Errorf("odd keys: %s", a.body)
	}
	for _, verb := range []string{"PATCH", "PUT"} {
		for _, kind := range []string{"public_metadata", "private_metadata", "unsafe_metadata"} {
			big := r.do(verb, path, fields{kind: fields{"big": strings.Repeat("x", 8<<10)}})
			if big.status != 422 || big.code() != "form_param_exceeds_allowed_size" || big.param() != kind {
				t.Errorf("%s of 8 KiB of %s: %d %s (%s)", verb, kind, big.status, big.code(), big.param())
			}
			r.refused(verb, path, fmt.Sprintf(`{%q:%s1%s}`, kind, strings.Repeat(`{"a":`, 40), strings.Repeat("}", 40)), 400, "request_body_invalid")
		}
	}
	for i := range 40 { // many small merges do not add up to more
		a = r.do("PATCH", path, fields{"private_metadata": fields{fmt.Sprint("k", i): strings.Repeat("x", 500)}})
	}
	if a.status != 422 || len(r.user(id).PrivateMetadata) > 8<<10 {
		t.Errorf("merged up to %d bytes, last answer %d", len(r.user(id).PrivateMetadata), a.status)
	}
}

func TestListsOfNothing(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	for _, path := range []string{"/organization_memberships", "/organization_memberships?limit=10&offset=0", "/organization_invitations?status=pending",
		"/oauth_access_tokens/oauth_google?paginated=true"} {
		if got := r.must("GET", "/v1/users/"+id+path, nil).json(t); !reflect.DeepEqual(got, fields{"data": []any{}, "total_count": 0.0}) {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := r.must("GET", "/v1/users/"+id+"/oauth_access_tokens/oauth_google", nil).list(t); len(got) != 0 {
		t.Errorf("tokens: %v", got)
	}
	r.refused("GET", "/v1/users/"+id+"/organization_memberships?limit=0", nil, http.StatusBadRequest, "invalid_query_parameter_value")
}
