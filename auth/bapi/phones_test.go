package bapi_test

import (
	"testing"

	"github.com/usherauth/usher/auth/settings"
)

const (
	number = "+14155552671"
	other  = "+14155552672"
)

// The host gives users numbers, of any country, verified or reserved, makes them
// primary or a second factor, and takes them away.
func TestPhoneNumbers(t *testing.T) {
	r := newRig(t, rigConfig{})
	id := r.newUser("ada@example.com", nil)
	create := func(body fields) map[string]any {
		body["user_id"] = id
		return r.must("POST", "/v1/phone_numbers", body).json(t)
	}
	plain := create(fields{"phone_number": "+1 (415) 555-2671"})
	if plain["phone_number"] != number || plain["reserved"] != true || plain["verification"] != nil || plain["object"] != "phone_number" {
		t.Errorf("reserved: %v", plain)
	}
	path := "/v1/phone_numbers/" + plain["id"].(string)
	r.refused("PATCH", path, fields{"reserved_for_second_factor": true}, 400, "identification_update_second_factor_unverified")
	r.refused("PATCH", path, fields{"primary": true}, 422, "form_verification_needed")
	if got := r.must("PATCH", path, fields{"verified": true, "primary": true}).json(t); got["verification"].(map[string]any)["strategy"] != "admin" {
		t.Errorf("verified: %v", got)
	}
	sure := create(fields{"phone_number": "+4930901820", "verified": true, "reserved_for_second_factor": true})
	if sure["reserved_for_second_factor"] != true || sure["default_second_factor"] != true {
		t.Errorf("second factor: %v", sure)
	}
	u := r.must("GET", "/v1/users/"+id, nil).json(t)
	if u["two_factor_enabled"] != true || u["primary_phone_number_id"] != plain["id"] || len(u["phone_numbers"].([]any)) != 2 {
		t.Errorf("user: %v", u["phone_numbers"])
	}
	r.refused("PATCH", "/v1/phone_numbers/"+sure["id"].(string), fields{"verified": false}, 422, "form_verification_needed")
	for _, c := range []struct {
		body   fields
		status int
		code   string
	}{
		{fields{"user_id": id, "phone_number": number}, 400, "identification_exists"}, {fields{"user_id": id, "phone_number": "12"}, 422, "form_param_format_invalid"},
		{fields{"user_id": id, "phone_number": other, "reserved_for_second_factor": true}, 400, "identification_update_second_factor_unverified"},
		{fields{"user_id": "user_none", "phone_number": other}, 404, "resource_not_found"}, {fields{"user_id": id}, 422, "form_param_missing"},
		{fields{"user_id": r.newUser("bob@example.com", nil), "phone_number": number}, 422, "form_identifier_exists"},
	} {
		r.refused("POST", "/v1/phone_numbers", c.body, c.status, c.code)
	}
	r.refused("GET", "/v1/phone_numbers/"+u["primary_email_address_id"].(string), nil, 404, "resource_not_found")
	r.must("DELETE", "/v1/phone_numbers/"+sure["id"].(string), nil)
	r.refused("GET", "/v1/phone_numbers/"+sure["id"].(string), nil, 404, "resource_not_found")
	if u := r.must("GET", "/v1/users/"+id, nil).json(t); u["two_factor_enabled"] != false {
		t.Error("the second factor is still there")
	}
}

// Users are made and found by numbers and usernames.
func TestUsersByPhoneAndUsername(t *testing.T) {
	r := newRig(t, rigConfig{})
	u := r.must("POST", "/v1/users", fields{"phone_number": []string{number, other}, "phone_number_identification_status": []string{"verified", "reserved"},
		"username": "Ada_L", "password": goodPassword}).json(t)
	numbers := u["phone_numbers"].([]any)
	if len(numbers) != 2 || numbers[1].(map[string]any)["reserved"] != true || u["primary_phone_number_id"] != numbers[0].(map[string]any)["id"] || u["username"] != "Ada_L" {
		t.Fatalf("made: %v", u)
	}
	r.newUser("bob@example.com", nil)
	for query, want := range map[string]int{"phone_number=%2B14155552671": 1, "phone_number=+14155552672": 1, "phone_number=%2B14155550100": 0, "username=ada_l": 1, "username=nobody": 0,
		"phone_number_query=5552671": 1, "phone_number_query=999": 0, "username_query=DA_": 1, "order_by=phone_number": 2, "query=4155552672": 1} {
		if got := len(r.must("GET", "/v1/users?"+query, nil).list(t)); got != want {
			t.Errorf("%s: %d users, want %d", query, got, want)
		}
	}
	path := "/v1/users/" + u["id"].(string)
	r.refused("PATCH", path, fields{"primary_phone_number_id": numbers[1].(map[string]any)["id"]}, 422, "form_verification_needed")
	r.refused("PATCH", path, fields{"username": "a"}, 422, "form_username_invalid_length")
	if got := r.must("PATCH", path, fields{"username": "root"}).json(t); got["username"] != "root" { // the host may
		t.Errorf("username: %v", got["username"])
	}
	if err := r.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.Usernames.MinLength = 6; return nil }); err != nil {
		t.Fatal(err)
	}
	r.refused("PATCH", path, fields{"username": "ada_l"}, 422, "form_username_invalid_length")
}
