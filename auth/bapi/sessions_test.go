package bapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/token"
)

func TestSessions(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
	s := r.must("POST", "/v1/sessions", fields{"user_id": ada}).json(t)
	first := s["id"].(string)
	if s["status"] != "active" || s["user_id"] != ada || !strings.HasPrefix(s["client_id"].(string), "client_") ||
		s["expire_at"] != float64(r.Now().Add(7*24*time.Hour).UnixMilli()) || s["last_active_organization_id"] != nil {
		t.Errorf("made: %v", s)
	}
	r.advance(time.Second)
	second, _ := r.newSession(ada)
	r.advance(time.Second)
	third, _ := r.newSession(bob)
	if got := r.must("GET", "/v1/sessions/"+first, nil).json(t); !reflect.DeepEqual(got, s) {
		t.Errorf("read: %v, want %v", got, s)
	}
	gone := r.must("POST", "/v1/sessions/"+second+"/revoke", nil).json(t)
	if gone["status"] != "revoked" || !r.engine.Revoked(second) {
		t.Errorf("revoked: %v", gone)
	}
	r.refused("POST", "/v1/sessions/"+second+"/revoke", nil, 400, "invalid_action_for_session")
	client := s["client_id"].(string)
	for query, want := range map[string][]string{
		"user_id=" + ada: {second, first}, "user_id=" + bob: {third}, "": {third, second, first}, "user_id=user_none": {},
		"client_id=" + client: {first}, "client_id=" + client + "&user_id=" + bob: {}, "status=revoked": {second},
		"user_id=" + ada + "&status=active": {first}, "user_id=" + ada + "&status=expired": {}, "limit=1": {third}, "limit=1&offset=1": {second},
		"user_id=" + ada + "&status=revoked&limit=1&offset=1": {},
	} {
		if got := ids(r.must("GET", "/v1/sessions?"+query, nil).list(t)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		page := r.must("GET", "/v1/sessions?paginated=true&"+query, nil).json(t)
		if n := len(page["data"].([]any)); n != len(want) {
			t.Errorf("%s: page of %d, want %d", query, n, len(want))
		}
	}
	page := r.must("GET", "/v1/sessions?paginated=true&limit=1", nil).json(t)
	if page["total_count"] != 3.0 {
		t.Errorf("total_count %v", page["total_count"])
	}
	for _, query := range []string{"status=alive", "paginated=maybe", "user_id=a&user_id=b", "limit=501", "status=" + strings.Repeat("x", 50)} {
		r.refused("GET", "/v1/sessions?"+query, nil, 400, "invalid_query_parameter_value")
	}
	// A session is over by time although nobody has written that down.
	r.advance(7 * 24 * time.Hour)
	if got := r.must("GET", "/v1/sessions/"+first, nil).json(t)["status"]; got != "expired" {
		t.Errorf("after a week: %v", got)
	}
	for status, want := range map[string][]string{"active": {}, "expired": {first}, "revoked": {second}} {
		page := r.must("GET", "/v1/sessions?paginated=true&user_id="+ada+"&status="+status, nil).json(t)
		if page["total_count"] != float64(len(want)) {
			t.Errorf("%s after a week: %v", status, page)
		}
	}
	r.refused("POST", "/v1/sessions/"+first+"/revoke", nil, 400, "invalid_action_for_session")
	r.refused("POST", "/v1/sessions/"+first+"/tokens", nil, 400, "invalid_action_for_session")
}

func TestCreateSession_refused(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	r.refused("POST", "/v1/sessions", nil, 422, "form_param_missing")
	r.refused("POST", "/v1/sessions", fields{"user_id": 1}, 422, "form_param_type_invalid")
	r.refused("POST", "/v1/sessions", fields{"user_id": "user_none"}, 404, "resource_not_found")
	r.refused("POST", "/v1/sessions", fields{"user_id": ada, "active_organization_id": "org_1"}, 404, "resource_not_found")
	r.refused("POST", "/v1/sessions", fields{"user_id": ada, "status": "active"}, 422, "form_param_unknown")
	r.must("POST", "/v1/users/"+ada+"/ban", nil)
	r.refused("POST", "/v1/sessions", fields{"user_id": ada}, 403, "user_banned")
}

// TestAttack_W13: on a public site nobody gets a session without signing in.
func TestAttack_W13_createSession(t *testing.T) {
	r := newRig(t, rigConfig{url: "https://app.example.com"})
	ada := r.newUser("ada@example.com", nil)
	r.refused("POST", "/v1/sessions", fields{"user_id": ada}, 400, "request_invalid_for_environment")
	if _, n, err := r.engine.Sessions().List(context.Background(), session.Filter{}, 0, 0); n != 0 || err != nil {
		t.Errorf("%d sessions, %v", n, err)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	id, _ := r.newSession(ada)
	path := "/v1/sessions/" + id + "/tokens"
	verify := func(a answer) *token.Claims {
		t.Helper()
		c, err := r.verifier().Verify(context.Background(), a.json(t)["jwt"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		body any
		want time.Duration
	}{{nil, time.Minute}, {fields{}, time.Minute}, {fields{"expires_in_seconds": nil}, time.Minute}, {fields{"expires_in_seconds": 30}, 30 * time.Second},
		{fields{"expires_in_seconds": 3600}, time.Hour}, {fields{"expires_in_seconds": 315360000}, 7 * 24 * time.Hour}} { // never longer than the session
		got := verify(r.must("POST", path, c.body))
		if got.Subject != ada || got.SessionID != id || got.Expires.Sub(got.IssuedAt) != c.want || got.AuthorizedParty != "" {
			t.Errorf("%v: %+v", c.body, got)
		}
	}
	for _, n := range []any{29, 0, -1, 315360001, 1e30} {
		if a := r.do("POST", path, fields{"expires_in_seconds": n}); a.status != 422 {
			t.Errorf("%v seconds: %d", n, a.status)
		}
	}
	r.refused("POST", path, fields{"expires_in_seconds": "60"}, 422, "form_param_type_invalid")
	r.refused("POST", path, fields{"expires_in_seconds": 60.5}, 422, "form_param_type_invalid")
	r.refused("POST", path+"/some_template", nil, 404, "jwt_template_not_found")
	r.refused("POST", path+"/some_template", fields{"expires_in_seconds": 1}, 422, "form_param_value_invalid")
}

// TestAttack_T16_refresh: no refresh token was ever given out, so none is
// taken, whatever else is right. Every refusal sends the client to a handshake.
func TestAttack_T16_refresh(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	id, jwt := r.newSession(ada)
	other, foreign := r.newSession(ada)
	elsewhere := newRig(t, rigConfig{})
	_, alien := elsewhere.newSession(elsewhere.newUser("ada@example.com", nil))
	r.advance(2 * time.Minute)
	body := func(expired string) fields {
		return fields{"format": "cookie", "expired_token": expired, "refresh_token": "rt_x", "request_origin": "https://example.com",
			"request_headers": fields{"user-agent": []string{"x"}}, "request_originating_ip": "192.0.2.1"}
	}
	path := "/v1/sessions/" + id + "/refresh?suffixed_cookies=true"
	r.refused("POST", path, body(jwt), 401, "refresh_token_not_found")
	for name, expired := range map[string]string{"of another session": foreign, "of another instance": alien, "no token": "x", "unsigned": unsigned(jwt),
		"cut": jwt[:len(jwt)-9]} {
		a := r.do("POST", path, body(expired))
		if a.status != 401 || a.code() != "expired_session_token_invalid" {
			t.Errorf("%s: %d %s", name, a.status, a.code())
		}
	}
	r.must("POST", "/v1/sessions/"+other+"/revoke", nil)
	r.refused("POST", "/v1/sessions/"+other+"/refresh", body(foreign), 401, "session_refresh_session_not_found")
	r.refused("POST", "/v1/sessions/sess_none/refresh", body(jwt), 401, "session_refresh_session_not_found")
	r.refused("POST", path, fields{"expired_token": jwt}, 422, "form_param_missing")
	bad := body(jwt)
	bad["format"] = "xml"
	r.refused("POST", path, bad, 422, "form_param_value_invalid")
}

// unsigned is a token that says of itself that it needs no signature.
func unsigned(jwt string) string {
	parts := strings.Split(jwt, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
}

func TestClients(t *testing.T) {
	r := newRig(t, rigConfig{})
	ada := r.newUser("ada@example.com", nil)
	first, _ := r.newSession(ada)
	r.advance(time.Second)
	second, _ := r.newSession(ada)
	s := r.must("GET", "/v1/sessions/"+first, nil).json(t)
	id := s["client_id"].(string)
	c := r.must("GET", "/v1/clients/"+id, nil).json(t)
	if c["id"] != id || c["last_active_session_id"] != first || !reflect.DeepEqual(c["session_ids"], []any{first}) ||
		!reflect.DeepEqual(c["sessions"], []any{s}) || c["sign_in_id"] != nil {
		t.Errorf("client: %v", c)
	}
	if strings.Contains(fmt.Sprint(c), "hash") || strings.Contains(fmt.Sprint(c), "secret") {
		t.Errorf("the client tells of its secret: %v", c)
	}
	list := r.must("GET", "/v1/clients?paginated=false", nil).list(t)
	if len(list) != 2 || list[1]["id"] != id {
		t.Errorf("clients: %v", list)
	}
	for _, query := range []string{"?limit=1", "?paginated=true&limit=1"} { // the Go SDK does not say paginated
		page := r.must("GET", "/v1/clients"+query, nil).json(t)
		if page["total_count"] != 2.0 || len(page["data"].([]any)) != 1 {
			t.Errorf("page: %v", page)
		}
	}
	r.refused("GET", "/v1/clients?limit=0", nil, 400, "invalid_query_parameter_value")
	// A session that is over is listed no more as the one last active.
	r.must("POST", "/v1/sessions/"+second+"/revoke", nil)
	if c := r.must("GET", "/v1/clients/"+list[0]["id"].(string), nil).json(t); c["last_active_session_id"] != nil {
		t.Errorf("after the end: %v", c)
	}
}

func TestVerifyClient(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.newUser("ada@example.com", nil)
	cookie, id := r.browser()
	c := r.must("POST", "/v1/clients/verify", fields{"token": cookie}).json(t)
	if c["id"] != id || !strings.HasPrefix(c["sign_in_id"].(string), "sia_") {
		t.Errorf("verified: %v", c)
	}
	if again := r.must("POST", "/v1/clients/verify", fields{"token": cookie}).json(t); !reflect.DeepEqual(again, c) {
		t.Error("a second look differs")
	}
	for name, token := range map[string]string{"cut": cookie[:len(cookie)-1], "longer": cookie + "A", "no secret": id + ".", "other secret": id + "." + strings.Repeat("A", 43),
		"ID alone": id, "JWT": "eyJhbGciOiJub25lIn0.e30.", "long": strings.Repeat("x", 9999)} {
		a := r.do("POST", "/v1/clients/verify", fields{"token": token})
		if a.status != 400 || a.code() != "cookie_invalid" {
			t.Errorf("%s: %d %s", name, a.status, a.code())
		}
	}
	r.refused("POST", "/v1/clients/verify", fields{}, 422, "form_param_missing")
	r.refused("POST", "/v1/clients/verify", fields{"token": ""}, 422, "form_param_nil")
}

// TestAttack_T16_handshake: a nonce is good once, for a minute, here only.
func TestAttack_T16_handshake(t *testing.T) {
	r := newRig(t, rigConfig{})
	ctx := context.Background()
	want := []string{"__session=x; Path=/", "__client_uat=1; Path=/"}
	put := func() string {
		t.Helper()
		nonce, err := r.engine.PutHandshake(ctx, netip.Addr{}, want)
		if err != nil {
			t.Fatal(err)
		}
		return "/v1/clients/handshake_payload?nonce=" + nonce
	}
	path := put()
	var got struct{ Directives []string }
	if err := json.Unmarshal(r.must("GET", path, nil).body, &got); err != nil || !slices.Equal(got.Directives, want) {
		t.Errorf("directives %v, %v", got, err)
	}
	r.refused("GET", path, nil, 404, "resource_not_found")
	late := put()
	r.advance(time.Minute)
	r.refused("GET", late, nil, 404, "resource_not_found")
	elsewhere := newRig(t, rigConfig{})
	elsewhere.refused("GET", put(), nil, 404, "resource_not_found")
	r.refused("GET", "/v1/clients/handshake_payload", nil, 400, "missing_query_parameter")
	r.refused("GET", "/v1/clients/handshake_payload?nonce=", nil, 400, "missing_query_parameter")
	r.refused("GET", put()+"&nonce=x", nil, 400, "invalid_query_parameter_value")
	r.refused("GET", "/v1/clients/handshake_payload?nonce="+strings.Repeat("x", 3000), nil, 404, "resource_not_found")
	// The key is needed, and a request without it does not spend the nonce.
	path = put()
	if a := r.send("GET", path, nil, nil); a.status != 401 {
		t.Errorf("without key: %d", a.status)
	}
	r.must("GET", path, nil)
}

func TestKeysAndInstance(t *testing.T) {
	r := newRig(t, rigConfig{})
	set, err := token.ParseKeySet(r.must("GET", "/v1/jwks", nil).body)
	if err != nil {
		t.Fatal(err)
	}
	_, jwt := r.newSession(r.newUser("ada@example.com", nil))
	if _, err := (&token.Verifier{Keys: set, Issuer: r.site.Issuer, Now: r.Now}).Verify(context.Background(), jwt); err != nil {
		t.Errorf("a token against the published keys: %v", err)
	}
	if in := r.must("GET", "/v1/instance", nil).json(t); in["environment_type"] != "development" || in["allowed_origins"] != nil {
		t.Errorf("local: %v", in)
	}
	public := newRig(t, rigConfig{url: "https://app.example.com"})
	if in := public.must("GET", "/v1/instance", nil).json(t); in["environment_type"] != "production" {
		t.Errorf("public: %v", in)
	}
}

// TestEvents: what the host does to an account ends what hangs on it, at once
// and without the store, and nothing else does.
func TestEvents(t *testing.T) {
	const dies, lives = true, false
	for _, c := range []struct {
		name   string
		method string
		path   string // below the user, or $session
		body   any
		ends   bool
	}{
		{"ban", "POST", "/ban", nil, dies},
		{"ban of many", "POST", "$bulk", nil, dies},
		{"deletion", "DELETE", "", nil, dies},
		{"new password", "PATCH", "", fields{"password": "another password 2"}, dies},
		{"new password, signed out on request", "PATCH", "", fields{"password": "another password 2", "sign_out_of_other_sessions": true}, dies},
		{"new password, not signed out", "PATCH", "", fields{"password": "another password 2", "sign_out_of_other_sessions": false}, lives},
		{"new digest", "PATCH", "", fields{"password_digest": "$2a$04$" + strings.Repeat("a", 53), "password_hasher": "bcrypt"}, dies},
		{"password removed, signed out on request", "POST", "/remove_password", fields{"sign_out_of_other_sessions": true}, dies},
		{"password removed", "POST", "/remove_password", nil, lives},
		{"password compromised, all revoked", "POST", "/password/set_compromised", fields{"revoke_all_sessions": true}, dies},
		{"password compromised", "POST", "/password/set_compromised", fields{"revoke_all_sessions": false}, lives},
		{"session revoked", "POST", "$session", nil, dies},
		{"lock", "POST", "/lock", nil, lives},
		{"unban", "POST", "/unban", nil, lives},
		{"name", "PATCH", "", fields{"first_name": "Augusta"}, lives},
		{"metadata", "PATCH", "/metadata", fields{"public_metadata": fields{"a": 1}}, lives},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, rigConfig{})
			ctx := context.Background()
			ada, bob := r.newUser("ada@example.com", nil), r.newUser("bob@example.com", nil)
			sid, jwt := r.newSession(ada)
			theirs, bobs := r.newSession(bob)
			v := r.verifier()
			for _, tok := range []string{jwt, bobs} { // remembered from now on
				if _, err := v.Verify(ctx, tok); err != nil {
					t.Fatal(err)
				}
			}
			path, body := "/v1/users/"+ada+c.path, c.body
			switch c.path {
			case "$session":
				path = "/v1/sessions/" + sid + "/revoke"
			case "$bulk":
				path, body = "/v1/users/ban", fields{"user_ids": []string{ada}}
			}
			r.must(c.method, path, body)
			_, err := v.Verify(ctx, jwt)
			if errors.Is(err, token.ErrRevoked) != c.ends || r.engine.Revoked(sid) != c.ends {
				t.Errorf("token: %v, revoked %v, want end %v", err, r.engine.Revoked(sid), c.ends)
			}
			status, code := 200, ""
			if c.ends {
				status, code = 400, "invalid_action_for_session"
			}
			if a := r.do("POST", "/v1/sessions/"+sid+"/tokens", nil); a.status != status || a.code() != code {
				t.Errorf("new token: %d %s", a.status, a.code())
			}
			want := "active"
			switch {
			case c.ends:
				want = "revoked"
			case strings.HasSuffix(c.path, "/set_compromised"):
				want = "pending" // until there is another password
			}
			if s := r.must("GET", "/v1/sessions/"+sid, nil).json(t); s["status"] != want {
				t.Errorf("session: %v, want %s", s["status"], want)
			}
			if _, err := v.Verify(ctx, bobs); err != nil || r.engine.Revoked(theirs) {
				t.Errorf("bob is signed out, too: %v", err)
			}
		})
	}
}

// browser is a browser with a sign-in under way: its cookie and client.
func (r *rig) browser() (cookie, clientID string) {
	r.Helper()
	return r.browserOf("ada@example.com")
}

func (r *rig) browserOf(email string) (cookie, clientID string) {
	r.Helper()
	b := &engine.Browser{}
	if _, err := r.engine.CreateSignIn(context.Background(), b, engine.SignInParams{Identifier: email}); err != nil {
		r.Fatal(err)
	}
	return b.Cookie, b.Client.ID
}
