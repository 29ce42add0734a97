package bapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/bapi"
)

func patterns() []string { return bapi.Patterns() }

// unknown names things that do not exist.
var unknown = map[string]string{"user_id": "user_none", "email_address_id": "idn_none", "phone_number_id": "idn_none", "session_id": "sess_none",
	"client_id": "client_none", "template": "none", "provider": "oauth_google", "sign_in_token_id": "sit_none", "actor_token_id": "act_none",
	"invitation_id": "inv_none", "waitlist_entry_id": "wle_none", "identifier_id": "alid_none", "passkey_identification_id": "idn_none",
	"external_account_id": "eac_none"}

// TestAttack_M10_key: nothing answers without the secret key, and nobody learns
// which paths there are.
func TestAttack_M10_key(t *testing.T) {
	r := newRig(t, rigConfig{})
	uid := r.newUser("ada@example.com", nil)
	_, jwt := r.newSession(uid)
	for _, c := range []struct {
		name   string
		header http.Header
		code   string
	}{
		{"none", http.Header{}, "authentication_invalid"},
		{"cookie", http.Header{"Cookie": {"__session=" + secretKey + "; __client=" + secretKey}}, "authentication_invalid"},
		{"other header", http.Header{"X-Api-Key": {secretKey}, "Proxy-Authorization": {"Bearer " + secretKey}}, "authentication_invalid"},
		{"empty", http.Header{"Authorization": {""}}, "authorization_header_format_invalid"},
		{"no scheme", http.Header{"Authorization": {secretKey}}, "authorization_header_format_invalid"},
		{"basic", http.Header{"Authorization": {"Basic " + secretKey}}, "authorization_header_format_invalid"},
		{"empty key", http.Header{"Authorization": {"Bearer "}}, "authorization_header_format_invalid"},
		{"two", http.Header{"Authorization": {"Bearer " + secretKey, "Bearer " + secretKey}}, "authorization_header_format_invalid"},
		{"very long", http.Header{"Authorization": {"Bearer " + strings.Repeat("k", 4096)}}, "authorization_header_format_invalid"},
		{"of another instance", http.Header{"Authorization": {"Bearer sk_live_Aq0mZc7tLr2xYb5nKw8dJf3hGs6pTa9e"}}, "clerk_key_invalid"},
		{"beginning of the key", http.Header{"Authorization": {"Bearer " + secretKey[:20]}}, "clerk_key_invalid"},
		{"key and more", http.Header{"Authorization": {"Bearer " + secretKey + "x"}}, "clerk_key_invalid"},
		{"key twice", http.Header{"Authorization": {"Bearer " + secretKey + ", Bearer " + secretKey}}, "clerk_key_invalid"},
		{"other case", http.Header{"Authorization": {"Bearer " + strings.ToUpper(secretKey)}}, "clerk_key_invalid"},
		{"publishable", http.Header{"Authorization": {"Bearer " + r.site.PublishableKey}}, "clerk_key_invalid"},
		{"session token", http.Header{"Authorization": {"Bearer " + jwt}}, "clerk_key_invalid"},
	} {
		for _, path := range []string{"/v1/users", "/v1/users?api_key=" + secretKey + "&authorization=Bearer%20" + secretKey, "/v1/nothing", "/v1/jwks"} {
			a := r.send("GET", path, c.header.Clone(), nil)
			if a.status != http.StatusUnauthorized || a.code() != c.code {
				t.Errorf("%s %s: %d %s, want 401 %s", c.name, path, a.status, a.code(), c.code)
			}
		}
	}
	for _, p := range patterns() {
		method, path := fill(p, unknown)
		if a := r.send(method, path, http.Header{}, nil); a.status != http.StatusUnauthorized || a.code() != "authentication_invalid" {
			t.Errorf("%s without a key: %d %s", p, a.status, a.code())
		}
		body := []byte(`{"secret_key":"` + secretKey + `"}`)
		if method != "GET" {
			if a := r.send(method, path, http.Header{"Content-Type": {"application/json"}}, body); a.status != http.StatusUnauthorized {
				t.Errorf("%s with the key in the body: %d", p, a.status)
			}
		}
	}
	if us, n, err := r.engine.Sessions().List(context.Background(), sessionFilter(uid), 0, 0); err != nil || n != 1 || us[0].UserID != uid {
		t.Errorf("something has changed: %d sessions, %v", n, err)
	}
}

// TestRoutes_other: other paths and verbs are refused in the envelope, and no
// spelling of a path is redirected.
func TestRoutes_other(t *testing.T) {
	r := newRig(t, rigConfig{})
	for _, path := range []string{"/", "/v1", "/v1/", "/v2/users", "/v1/nothing", "/v1/users/a/b/c/d", "/v1//users", "/v1/users/../users",
		"/v1/./users", "/v1/users//ban", "/V1/users", "/v1/Users", "/v1/users%2Fcount", "/v1/users/%2e%2e", "/v1/users//", "/v1/users;x=1"} {
		if a := r.do("GET", path, nil); a.status != http.StatusNotFound || a.code() != "resource_not_found" {
			t.Errorf("GET %s: %d %s, want 404", path, a.status, a.code())
		}
	}
	allowed := map[string]map[string]bool{}
	for _, p := range patterns() {
		method, path := fill(p, unknown)
		if allowed[path] == nil {
			allowed[path] = map[string]bool{}
		}
		allowed[path][method] = true
	}
	for path, verbs := range allowed {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} {
			if verbs[method] {
				continue
			}
			a := r.do(method, path, nil)
			if a.status != http.StatusMethodNotAllowed || a.code() != "method_not_allowed" {
				t.Errorf("%s %s: %d %s, want 405", method, path, a.status, a.code())
			}
			for verb := range verbs {
				if !strings.Contains(a.header.Get("Allow"), verb) {
					t.Errorf("%s %s: Allow %q lacks %s", method, path, a.header.Get("Allow"), verb)
				}
			}
		}
	}
	if a := r.do("POST", "/v1/users?_method=GET", `{}`); a.status == http.StatusOK {
		t.Error("_method in the query chose another verb")
	}
	for _, path := range []string{"/v1/users", "/v1/users/", "/v1/users/count/"} {
		r.must("GET", path, nil)
	}
	if a := r.do("HEAD", "/v1/users", nil); a.status != http.StatusOK || len(a.body) != 0 {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
}

// minimal are bodies that are right but for what the path names.
var minimal = map[string]any{
	"POST /v1/users/{user_id}/verify_totp":                fields{"code": "123456"},
	"POST /v1/users/{user_id}/verify_password":            fields{"password": goodPassword},
	"PUT /v1/users/{user_id}/email_address":               fields{"email_address": "new@example.com"},
	"POST /v1/sessions/{session_id}/refresh":              fields{"expired_token": "x", "refresh_token": "y", "request_origin": "https://example.com"},
	"POST /v1/sign_in_tokens":                             fields{"user_id": "user_none"},
	"POST /v1/actor_tokens":                               fields{"user_id": "user_none", "actor": fields{"sub": "user_x"}},
	"POST /v1/users/ban":                                  fields{"user_ids": []string{"user_none"}},
	"POST /v1/users/unban":                                fields{"user_ids": []string{"user_none"}},
	"POST /v1/email_addresses":                            fields{"user_id": "user_none", "email_address": "new@example.com"},
	"POST /v1/sessions":                                   fields{"user_id": "user_none"},
	"GET /v1/clients/handshake_payload":                   nil,
	"POST /v1/clients/verify":                             fields{"token": "client_none.AAAA"},
	"POST /v1/sessions/{session_id}/tokens/{template}":    fields{},
	"POST /v1/users/{user_id}/password/set_compromised":   fields{},
	"PATCH /v1/users/{user_id}/metadata":                  fields{},
	"PUT /v1/users/{user_id}/metadata":                    fields{"public_metadata": fields{}},
	"PATCH /v1/users/{user_id}":                           fields{"first_name": "Ada"},
	"PATCH /v1/email_addresses/{email_address_id}":        fields{"verified": true},
	"POST /v1/phone_numbers":                              fields{"user_id": "user_none", "phone_number": "+14155550100"},
	"PATCH /v1/phone_numbers/{phone_number_id}":           fields{"verified": true},
	"POST /v1/users/{user_id}/remove_password":            fields{},
	"POST /v1/sessions/{session_id}/tokens":               fields{},
	"POST /v1/users/{user_id}/password/unset_compromised": nil,
}

// TestRoutes_missing: what does not exist is not found, by every route that
// names something.
func TestRoutes_missing(t *testing.T) {
	r := newRig(t, rigConfig{})
	want := map[string]string{ // all else: 404 resource_not_found
		"POST /v1/sessions/{session_id}/refresh": "session_refresh_session_not_found",
		"POST /v1/clients/verify":                "cookie_invalid",
		"POST /v1/actor_tokens":                  "actor_token_subject_not_found",
	}
	found := map[string]bool{ // they name nothing
		"GET /v1/organizations": true, "POST /v1/organizations": true, "GET /v1/organization_memberships": true, "GET /v1/organization_invitations": true,
		"GET /v1/organization_domains": true, "GET /v1/organization_roles": true, "POST /v1/organization_roles": true, "GET /v1/organization_permissions": true,
		"POST /v1/organization_permissions": true, "GET /v1/role_sets": true, "GET /v1/instance/organization_settings": true, "PATCH /v1/instance/organization_settings": true,
		"GET /v1/users": true, "POST /v1/users": true, "GET /v1/users/count": true, "GET /v1/sessions": true, "GET /v1/clients": true,
		"GET /v1/jwks": true, "GET /v1/instance": true, "PATCH /v1/instance/restrictions": true, "POST /v1/testing_tokens": true,
		"GET /v1/invitations": true, "POST /v1/invitations": true, "POST /v1/invitations/bulk": true,
		"GET /v1/waitlist_entries": true, "POST /v1/waitlist_entries": true, "POST /v1/waitlist_entries/bulk": true,
		"GET /v1/allowlist_identifiers": true, "POST /v1/allowlist_identifiers": true,
		"GET /v1/blocklist_identifiers": true, "POST /v1/blocklist_identifiers": true,
	}
	for _, p := range patterns() {
		if found[p] {
			continue
		}
		code := want[p]
		if code == "" {
			code = "resource_not_found"
		}
		for _, id := range []string{"none", strings.Repeat("x", 100), strings.Repeat("x", 5000), "%00", "%ff", "..%2f..", "%e2%80%ae", "a%20b"} {
			ids := map[string]string{}
			for name, u := range unknown {
				ids[name] = strings.TrimSuffix(u, "none") + id
			}
			ids["provider"], ids["template"] = "oauth_google", "none"
			method, path := fill(p, ids)
			if strings.HasSuffix(path, "handshake_payload") {
				path += "?nonce=nosuchnonce"
			}
			a := r.send(method, path, bodyHeader(p), bodyOf(p))
			if a.code() != code && !(a.code() == "resource_not_found" && a.status == 404) {
				t.Errorf("%s with %s: %d %s, want %s", p, id[:min(len(id), 12)], a.status, a.code(), code)
			}
		}
	}
}

func bodyOf(pattern string) []byte {
	if isUpload(pattern) {
		return pictureBody
	}
	b := minimal[pattern]
	if b == nil {
		return nil
	}
	return encode(b)
}

func bodyHeader(pattern string) http.Header {
	if isUpload(pattern) {
		return authorized(pictureType)
	}
	return authorized("application/json")
}

// isUpload reports whether the body of a route is a file.
func isUpload(pattern string) bool {
	return strings.HasPrefix(pattern, "POST") && strings.HasSuffix(pattern, "/profile_image") || strings.HasPrefix(pattern, "PUT") && strings.HasSuffix(pattern, "/logo")
}
