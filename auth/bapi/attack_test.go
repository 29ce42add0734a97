package bapi_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user"
)

// storedFields are the names of all fields of all stored types that belong to
// somebody.
func storedFields() []string {
	var out []string
	for _, v := range []any{user.User{}, user.Identification{}, user.Password{}, user.Image{}, session.Session{}, session.Client{}} {
		t := reflect.TypeOf(v)
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || name == "" || name == "-" {
				name = strings.ToLower(f.Name)
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return append(out, "ID", "Version", "object", "role", "roles", "permissions", "is_admin", "verification", "password_hash", "two_factor_enabled",
		"totp_enabled", "last_active_organization_id", "organization_memberships", "has_image", "image_url", "deprovisioned", "lockout_expires_in_seconds",
		"verification_attempts_remaining", "mfa_enabled_at", "__proto__", "Banned", "BANNED", "user.banned", "email_addresses[0].verified")
}

// TestAttack_M08: a write takes the fields of its endpoint and no others,
// whatever the stored record has.
func TestAttack_M08_fields(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", fields{"first_name": "Ada"})
	idn := r.user(ada).PrimaryEmailAddressID
	sid, _ := r.newSession(ada)
	settable := []string{"bypass_client_trust", "external_id", "first_name", "last_name", "locale", "username", "public_metadata", "private_metadata", "unsafe_metadata",
		"created_at", "legal_accepted_at", "create_organizations_limit", "password"}
	metadata := []string{"public_metadata", "private_metadata", "unsafe_metadata"}
	for _, c := range []struct {
		method, path string
		body         fields
		takes        []string
	}{
		{"POST", "/v1/users", fields{"email_address": []string{"new@example.com"}, "password": goodPassword}, append([]string{"banned", "locked"}, settable...)},
		{"PATCH", "/v1/users/" + ada, fields{}, append([]string{"primary_email_address_id", "primary_phone_number_id"}, settable...)},
		{"PATCH", "/v1/users/" + ada + "/metadata", fields{}, metadata},
		{"PUT", "/v1/users/" + ada + "/metadata", fields{}, metadata},
		{"POST", "/v1/users/ban", fields{"user_ids": []string{ada}}, nil},
		{"POST", "/v1/users/" + ada + "/verify_password", fields{"password": goodPassword}, []string{"password"}},
		{"POST", "/v1/users/" + ada + "/remove_password", fields{}, nil},
		{"POST", "/v1/users/" + ada + "/password/set_compromised", fields{}, nil},
		{"PUT", "/v1/users/" + ada + "/email_address", fields{"email_address": "new@example.com"}, nil},
		{"POST", "/v1/email_addresses", fields{"user_id": ada, "email_address": "new@example.com"}, []string{"verified", "user_id"}},
		{"PATCH", "/v1/email_addresses/" + idn, fields{}, []string{"verified"}},
		{"POST", "/v1/sessions", fields{"user_id": ada}, []string{"user_id"}},
		{"POST", "/v1/sessions/" + sid + "/tokens", fields{}, nil},
		{"POST", "/v1/sessions/" + sid + "/refresh", fields{"expired_token": "x", "refresh_token": "y", "request_origin": "z"}, nil},
		{"POST", "/v1/clients/verify", fields{"token": "x"}, nil},
	} {
		for _, name := range storedFields() {
			if slices.Contains(c.takes, name) {
				continue
			}
			body := maps.Clone(c.body)
			body[name] = true
			if a := r.do(c.method, c.path, body); a.status != 422 || a.code() != "form_param_unknown" || a.param() != name {
				t.Errorf("%s %s with %s: %d %s (%s)", c.method, c.path, name, a.status, a.code(), a.param())
			}
		}
	}
	u := r.user(ada)
	if u.Banned || u.FirstName != "Ada" || !u.PasswordEnabled || len(u.EmailAddresses) != 1 || u.Version != r.user(ada).Version {
		t.Errorf("a refused request has changed the user: %+v", u)
	}
	// Endpoints without a body do not look at one.
	version := u.Version
	for _, path := range []string{"/lock", "/unlock", "/ban", "/unban"} {
		r.do("POST", "/v1/users/"+ada+path, fields{"first_name": "Eve", "id": "user_x", "external_id": "x"})
	}
	if u := r.user(ada); u.FirstName != "Ada" || u.ExternalID != "" || u.Version != version+4 {
		t.Errorf("a body that nobody asked for was read: %+v", u)
	}
}

// TestAttack_M01: what belongs to somebody else is reached by its own ID only,
// never through another's.
func TestAttack_M01_nested(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
	sid, _ := r.newSession(ada)
	idn := r.user(ada).PrimaryEmailAddressID
	r.refused("PATCH", "/v1/users/"+bob, fields{"primary_email_address_id": idn}, 422, "form_resource_not_found")
	for _, wrong := range []string{ada, sid, "user_none"} { // an ID of another kind
		r.refused("GET", "/v1/email_addresses/"+wrong, nil, 404, "resource_not_found")
		r.refused("DELETE", "/v1/email_addresses/"+wrong, nil, 404, "resource_not_found")
	}
	for _, wrong := range []string{idn, sid} {
		r.refused("GET", "/v1/users/"+wrong, nil, 404, "resource_not_found")
		r.refused("DELETE", "/v1/users/"+wrong, nil, 404, "resource_not_found")
		r.refused("GET", "/v1/clients/"+wrong, nil, 404, "resource_not_found")
	}
	for _, wrong := range []string{idn, ada} {
		r.refused("POST", "/v1/sessions/"+wrong+"/revoke", nil, 404, "resource_not_found")
	}
}

// TestAttack_W04: bodies are bounded and of one type.
func TestAttack_W04_bodies(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	keys := make([]string, 2000)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	ok := authorized("application/json")
	with := func(name, value string) http.Header {
		h := ok.Clone()
		h.Set(name, value)
		return h
	}
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		status int
		code   string
	}{
		{"oversized", ok, `{"first_name":"` + strings.Repeat("x", 300<<10) + `"}`, 413, "request_body_too_large"},
		{"deep", ok, strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000), 400, "request_body_invalid"},
		{"deep list", ok, `{"public_metadata":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 400, "request_body_invalid"},
		{"many keys", ok, "{" + strings.Join(keys, ",") + "}", 400, "request_body_invalid"},
		{"truncated", ok, `{"first_name":"A`, 400, "request_body_invalid"},
		{"trailing", ok, `{"first_name":"A"} x`, 400, "request_body_invalid"},
		{"two documents", ok, `{"first_name":"A"}{"first_name":"B"}`, 400, "request_body_invalid"},
		{"byte order mark", ok, "\ufeff{}", 400, "request_body_invalid"},
		{"list", ok, `[{"first_name":"A"}]`, 400, "request_body_invalid"},
		{"compressed", with("Content-Encoding", "gzip"), "\x1f\x8b\x08\x00", 415, "unsupported_content_type"},
		{"form", with("Content-Type", "application/x-www-form-urlencoded"), "first_name=A", 415, "unsupported_content_type"},
		{"text", with("Content-Type", "text/plain"), `{"first_name":"A"}`, 415, "unsupported_content_type"},
		{"no type", authorized(""), `{"first_name":"A"}`, 415, "unsupported_content_type"},
		{"other charset", with("Content-Type", "application/json; charset=utf-16"), `{"first_name":"A"}`, 415, "unsupported_content_type"},
		{"long name", ok, `{"` + strings.Repeat("k", 300) + `":1}`, 400, "malformed_request_parameters"},
		{"long text", ok, `{"first_name":"` + strings.Repeat("x", 20<<10) + `"}`, 422, "form_param_value_too_large"},
		{"10 MB password", ok, `{"password":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "request_body_too_large"},
	} {
		before := r.user(ada).Version
		a := r.send("PATCH", "/v1/users/"+ada, c.header.Clone(), []byte(c.body))
		if a.status != c.status || a.code() != c.code || r.user(ada).Version != before {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.status, a.code(), c.status, c.code)
		}
		if len(a.body) > 4<<10 {
			t.Errorf("%s: an answer of %d bytes", c.name, len(a.body))
		}
	}
	r.send("PATCH", "/v1/users/"+ada, with("Content-Type", "application/json; charset=UTF-8"), []byte(`{"first_name":"A"}`))
	if r.user(ada).FirstName != "A" {
		t.Error("a charset of UTF-8 was refused")
	}
}

// TestAttack_W05: text is clean, or the field is named.
func TestAttack_W05_text(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	for _, c := range []struct{ method, path, field, format string }{
		{"PATCH", "/v1/users/" + ada, "first_name", `{"first_name":"%s"}`},
		{"PATCH", "/v1/users/" + ada, "last_name", `{"last_name":"%s"}`},
		{"PATCH", "/v1/users/" + ada, "username", `{"username":"%s"}`},
		{"PATCH", "/v1/users/" + ada, "external_id", `{"external_id":"%s"}`},
		{"PATCH", "/v1/users/" + ada, "locale", `{"locale":"%s"}`},
		{"PATCH", "/v1/users/" + ada, "password", `{"password":"%s"}`},
		{"PATCH", "/v1/users/" + ada + "/metadata", "public_metadata.a", `{"public_metadata":{"a":"%s"}}`},
		{"POST", "/v1/users", "email_address", `{"email_address":["%s"]}`},
		{"POST", "/v1/email_addresses", "email_address", `{"user_id":"` + ada + `","email_address":"%s"}`},
		{"PUT", "/v1/users/" + ada + "/email_address", "email_address", `{"email_address":"%s"}`},
		{"POST", "/v1/clients/verify", "token", `{"token":"%s"}`},
		{"POST", "/v1/users/" + ada + "/verify_password", "password", `{"password":"%s"}`},
		{"POST", "/v1/sessions", "user_id", `{"user_id":"%s"}`},
	} {
		for name, text := range map[string]string{"invalid UTF-8": "a\xff", "overlong": "\xc0\x80", "escaped NUL": `a\u0000b`, "half surrogate": `\ud800`,
			"surrogate bytes": "\xed\xa0\x80", "noncharacter": "\uffff", "escaped noncharacter": `\uFDD0`} {
			a := r.send(c.method, c.path, authorized("application/json"), fmt.Appendf(nil, c.format, text))
			if a.status != 422 || a.code() != "form_param_format_invalid" || a.param() != c.field {
				t.Errorf("%s of %s: %d %s (%s)", name, c.field, a.status, a.code(), a.param())
			}
			if strings.Contains(string(a.body), text) {
				t.Errorf("%s of %s: the answer repeats the value", name, c.field)
			}
		}
	}
	for _, name := range []string{"Ada\u202eecila", "Ada\nX", "Ada\x1b[31m"} {
		r.refused("PATCH", "/v1/users/"+ada, fields{"first_name": name}, 422, "form_param_format_invalid")
	}
}

// TestText_wide: text that grows when it is folded is refused or kept, and
// never an internal error.
func TestText_wide(t *testing.T) {
	r := newRig(t, rigConfig{})
	wide := strings.Repeat("\ufdfa", 80) // 18 letters each, once folded
	for _, query := range []string{"query", "name_query", "username_query", "email_address_query", "username", "external_id", "email_address"} {
		if a := r.do("GET", "/v1/users?"+query+"="+wide, nil); a.status >= 500 {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	r.newUser("wide@example.com", fields{"first_name": wide})
}

// TestAttack_W15: nothing is given twice, and nothing where it does not belong.
func TestAttack_W15_pollution(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", fields{"first_name": "Ada"})
	path := "/v1/users/" + ada
	for body, param := range map[string]string{
		`{"first_name":"A","first_name":"B"}`:                                   "first_name",
		`{"first_name":"A","\u0066irst_name":"B"}`:                              "first_name",
		`{"public_metadata":{"a":1,"a":2}}`:                                     "public_metadata.a",
		`{"public_metadata":{"deep":[{"a":1,"b":{"c":1,"c":2}}]}}`:              "public_metadata.deep.b.c",
		`{"password":"` + goodPassword + `","password":"` + goodPassword + `"}`: "password",
	} {
		a := r.refused("PATCH", path, body, 422, "form_param_duplicate")
		if a.param() != param {
			t.Errorf("%s: blames %s", body, a.param())
		}
	}
	r.refused("PATCH", path, `{"First_Name":"A"}`, 422, "form_param_unknown")
	r.refused("PATCH", path, `{"first_name[]":"A"}`, 422, "form_param_unknown")
	r.must("PATCH", path+"?first_name=Eve", fields{})
	if got := r.user(ada).FirstName; got != "Ada" {
		t.Errorf("the query of a write was read: %s", got)
	}
	for _, query := range []string{"limit=1&limit=2", "offset=0&offset=1", "order_by=created_at&order_by=username", "banned=true&banned=false",
		"query=a&query=b", "starting_after=a&starting_after=b", "created_at_before=1&created_at_before=2"} {
		r.refused("GET", "/v1/users?"+query, nil, 400, "invalid_query_parameter_value")
	}
	// A body of a read is not looked at.
	if n := len(r.must("GET", "/v1/users", fields{"user_id": []string{"user_none"}}).list(t)); n != 1 {
		t.Errorf("%d users", n)
	}
}

// TestAttack_S17: the one header counts, whoever else the request claims to be.
func TestAttack_S17_identities(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	_, jwt := r.newSession(ada)
	cookie, _ := r.browser()
	h := authorized("application/json")
	h.Set("Cookie", "__client="+cookie+"; __session="+jwt)
	h.Set("Origin", "https://evil.example")
	a := r.send("GET", "/v1/users/"+ada, h, nil)
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "" || len(a.header["Set-Cookie"]) != 0 {
		t.Errorf("%d, CORS %q, cookies %q", a.status, a.header.Get("Access-Control-Allow-Origin"), a.header["Set-Cookie"])
	}
	h.Set("Authorization", "Bearer "+jwt)
	if a := r.send("GET", "/v1/users/"+ada, h, nil); a.status != 401 || a.code() != "clerk_key_invalid" {
		t.Errorf("a session token: %d %s", a.status, a.code())
	}
}

// TestAttack_W20: whatever fails inside, the answer tells nothing of it, and
// the log does.
func TestAttack_W20_errors(t *testing.T) {
	const inside = `pq: relation "usher_user" at 10.1.2.3:5432 /srv/app/main.go`
	var (
		left   atomic.Int64 // calls before the fault; negative: none
		panics atomic.Bool
	)
	left.Store(-1)
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(context.Context, string) error {
		if left.Load() < 0 || left.Add(-1) >= 0 {
			return nil
		}
		if panics.Load() {
			panic(inside)
		}
		return fmt.Errorf("%s", inside)
	}})
	r := newRig(t, rigConfig{store: st})
	for _, p := range patterns() {
		for n := int64(0); ; n++ {
			left.Store(-1)
			method, path, header, body := r.request(p)
			panics.Store(n%2 == 1)
			left.Store(n)
			r.mu.Lock()
			r.log.Reset()
			r.mu.Unlock()
			a := r.send(method, path, header, body)
			if left.Swap(-1) >= 0 { // the fault was not reached
				if n == 0 && !slices.Contains([]string{"GET /v1/jwks", "GET /v1/instance", "POST /v1/testing_tokens"}, p) {
					t.Errorf("%s asks the store nothing", p)
				}
				break
			}
			if a.status < 500 {
				t.Errorf("%s, fault at call %d: %d %s", p, n, a.status, a.code())
			}
			for _, word := range []string{"pq", "usher_user", "10.1.2.3", "main.go", "goroutine", "panic", "storetest", "github.com"} {
				if strings.Contains(string(a.body)+fmt.Sprint(a.header), word) {
					t.Errorf("%s, fault at call %d: the answer says %q: %s", p, n, word, a.body)
				}
			}
			trace, _ := a.json(t)["clerk_trace_id"].(string)
			r.mu.Lock()
			log := r.log.String()
			r.mu.Unlock()
			if trace == "" || !strings.Contains(log, trace) || !strings.Contains(log, "usher_user") {
				t.Errorf("%s, fault at call %d: trace %q is not in the log: %s", p, n, trace, log)
			}
			if strings.Contains(log, secretKey) || strings.Contains(log, goodPassword) {
				t.Errorf("%s, fault at call %d: the log holds a secret", p, n)
			}
		}
	}
}

// request is a good request for a route, with things of its own to work on.
func (r *rig) request(pattern string) (method, path string, header http.Header, body []byte) {
	r.Helper()
	r.advance(1000)
	serial := r.Now().UnixNano()
	name := func(s string) string { return fmt.Sprintf("%s%d@example.com", s, serial) }
	r.mu.Lock()
	r.now = r.now.Add(1)
	r.mu.Unlock()
	id := r.newUser(name("u"), nil)
	second := r.must("POST", "/v1/email_addresses", fields{"user_id": id, "email_address": name("second"), "verified": true}).json(r)["id"].(string)
	number := fmt.Sprintf("+1415%07d", 2000000+serial/1000%1000000)
	phone := r.must("POST", "/v1/phone_numbers", fields{"user_id": id, "phone_number": number, "verified": true}).json(r)["id"].(string)
	sid, _ := r.newSession(id)
	s := r.must("GET", "/v1/sessions/"+sid, nil).json(r)
	_, codes, passkey := r.withFactors(id)
	parts := map[string]string{"user_id": id, "passkey_identification_id": passkey, "sign_in_token_id": r.made("sign_in_tokens", fields{"user_id": id}),
		"actor_token_id":    r.made("actor_tokens", fields{"user_id": id, "actor": fields{"sub": "user_x"}}),
		"invitation_id":     r.made("invitations", fields{"email_address": name("invited")}),
		"waitlist_entry_id": r.made("waitlist_entries", fields{"email_address": name("waits")}),
		"identifier_id":     r.onList(pattern, name("listed")),
		"email_address_id":  second, "phone_number_id": phone, "session_id": sid, "client_id": s["client_id"].(string),
		"provider": "oauth_google", "template": "none", "external_account_id": r.externalAccount(id, name("subject"), "good-refresh")}
	ofOrg, orgBody := r.orgRequest(pattern, id, fmt.Sprint(serial))
	maps.Copy(parts, ofOrg)
	method, path = fill(pattern, parts)
	if strings.HasSuffix(path, "handshake_payload") {
		nonce, err := r.engine.PutHandshake(context.Background(), netip.Addr{}, []string{"a=b"})
		if err != nil {
			r.Fatal(err)
		}
		path += "?nonce=" + nonce
	}
	header, body = bodyHeader(pattern), bodyOf(pattern)
	if orgBody != nil {
		return method, path, header, orgBody
	}
	switch pattern {
	case "POST /v1/users":
		body = encode(fields{"email_address": []string{name("new")}, "password": goodPassword})
	case "POST /v1/sign_in_tokens":
		body = encode(fields{"user_id": id})
	case "POST /v1/actor_tokens":
		body = encode(fields{"user_id": id, "actor": fields{"sub": "user_x"}})
	case "POST /v1/invitations", "POST /v1/waitlist_entries":
		body = encode(fields{"email_address": name("another")})
	case "POST /v1/invitations/bulk", "POST /v1/waitlist_entries/bulk":
		body = encode([]fields{{"email_address": name("one")}, {"email_address": name("two")}})
	case "POST /v1/allowlist_identifiers", "POST /v1/blocklist_identifiers":
		body = encode(fields{"identifier": name("one")})
	case "POST /v1/users/ban", "POST /v1/users/unban":
		body = encode(fields{"user_ids": []string{id}})
	case "POST /v1/email_addresses":
		body = encode(fields{"user_id": id, "email_address": name("third")})
	case "POST /v1/phone_numbers":
		body = encode(fields{"user_id": id, "phone_number": fmt.Sprintf("+1415%07d", 3000000+serial/1000%1000000)})
	case "PUT /v1/users/{user_id}/email_address":
		body = encode(fields{"email_address": name("only")})
	case "POST /v1/users/{user_id}/verify_totp":
		body = encode(fields{"code": codes[0]})
	case "POST /v1/sessions":
		body = encode(fields{"user_id": id})
	case "POST /v1/clients/verify":
		cookie, _ := r.browserOf(name("u"))
		body = encode(fields{"token": cookie})
	}
	return method, path, header, body
}

// made makes something and returns its ID.
func (r *rig) made(what string, body fields) string {
	r.Helper()
	return r.must("POST", "/v1/"+what, body).json(r)["id"].(string)
}

// onList puts an address on the list that a pattern is of.
func (r *rig) onList(pattern, address string) string {
	if !strings.Contains(pattern, "{identifier_id}") {
		return ""
	}
	_, path, _ := strings.Cut(pattern, "/v1/")
	list, _, _ := strings.Cut(path, "/")
	return r.made(list, fields{"identifier": address})
}

// TestRoutes_work: the good requests of the test above are good.
func TestRoutes_work(t *testing.T) {
	r := newRig(t, rigConfig{})
	want := map[string]int{"POST /v1/sessions/{session_id}/tokens/{template}": 404, "POST /v1/sessions/{session_id}/refresh": 401}
	for _, p := range patterns() {
		method, path, header, body := r.request(p)
		status := want[p]
		if status == 0 {
			status = 200
		}
		if a := r.send(method, path, header, bytes.Clone(body)); a.status != status {
			t.Errorf("%s: %d, want %d\n%s", p, a.status, status, a.body)
		}
	}
}
