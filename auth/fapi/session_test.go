package fapi_test

import (
	"strings"
	"testing"
	"time"
)

func TestSessions(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	one, _ := b.signUp(ada, good)
	r.advance(time.Second)
	two, _ := b.signUp(bob, good)
	p := "/v1/client/sessions/"

	a := b.get("/v1/client").ok().is("response.last_active_session_id", two).is("response.sessions.0.last_active_token", nil).is("client", nil)
	if c := r.claims(a.str("response.sessions.1.last_active_token.jwt")); c.SessionID != two || c.AuthorizedParty != b.server.URL {
		t.Errorf("token of the client: %+v", c)
	}
	b.get(p+one).ok().is("response.id", one).is("response.user.email_addresses.0.email_address", ada).is("response.public_user_data.identifier", ada)
	b.get(p+"sess_unknown").refused(404, "resource_not_found")

	// Touch selects, and saves the call for a token.
	uat := b.cookie("__client_uat")
	r.advance(5 * time.Second)
	a = b.post(p+one+"/touch", "active_organization_id", "", "intent", "select_session").ok().is("client.last_active_session_id", one).
		is("response.last_active_organization_id", nil)
	if c := r.claims(a.str("response.last_active_token.jwt")); c.SessionID != one || a.str("client.sessions.0.last_active_token.jwt") == "" {
		t.Errorf("token of touch: %+v", c)
	}
	if b.cookie("__client_uat") != uat {
		t.Error("touch moved client_uat: tokens would look too old")
	}
	b.post(p+one+"/touch", "active_organization_id", "org_unknown", "intent", "select_org").refused(404, "resource_not_found")
	b.post(p+"sess_unknown/touch").refused(404, "resource_not_found")

	// end keeps a session in the list, remove does not.
	b.post(p+one+"/end").ok().is("response.status", "ended").is("client.sessions.0.status", "ended").is("client.last_active_session_id", two)
	b.post(p+one+"/tokens").refused(401, "authentication_invalid")
	b.post(p+one+"/touch").refused(400, "invalid_action_for_session")
	b.post(p+two+"/remove").ok().is("response.status", "removed").is("client.last_active_session_id", nil)
	if b.cookie("__client_uat") != "0" {
		t.Errorf("client_uat %q", b.cookie("__client_uat"))
	}
	b.get(p+two).refused(404, "resource_not_found")
	b.post(p+two+"/remove").refused(404, "resource_not_found")
	b.get("/v1/client").ok().is("response.last_active_session_id", nil)
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, uid := b.signUp(ada, good)
	p := "/v1/client/sessions/" + sid + "/tokens"
	a := b.post(p, "organization_id", "", "tab_state", "focused").ok().is("object", "token").is("response", nil)
	c := r.claims(a.str("jwt"))
	if c.Subject != uid || c.SessionID != sid || c.AuthorizedParty != b.server.URL || c.Expires.Sub(c.IssuedAt) != time.Minute || c.Version != 2 {
		t.Errorf("claims %+v", c)
	}
	if again := b.post(p).ok().str("jwt"); again != a.str("jwt") {
		t.Error("two tokens within a second cost two signatures")
	}
	if fresh := b.post(p + "?debug=skip_cache").ok().str("jwt"); fresh == a.str("jwt") {
		t.Error("skip_cache gave the same token")
	}
	b.post(p, "organization_id", "org_unknown").refused(404, "resource_not_found")
	b.post(p+"/supabase").refused(404, "jwt_template_not_found")
	r.browser().post(p).refused(401, "authentication_invalid")
	other := r.browser()
	other.signUp(bob, good)
	other.post(p).refused(404, "resource_not_found")
	r.advance(8 * 24 * time.Hour)
	b.post(p).refused(401, "authentication_invalid")
	b.get("/v1/client").ok().is("response.sessions.0.status", "expired").is("response.last_active_session_id", nil)
}

func TestClient(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.do("PUT", "/v1/client", nil).ok().is("response.object", "client").is("response.sessions", []any{}).is("client", nil)
	id := b.post("/v1/client").ok().str("response.id")
	b.get("/v1/client").ok().is("response.id", id)
	if !strings.HasPrefix(b.cookie("__client"), id+".") {
		t.Errorf("cookie %q", b.cookie("__client"))
	}
	one, _ := b.signUp(ada, good)
	two, _ := b.signUp(bob, good)
	a := b.delete("/v1/client/sessions").ok().is("response.id", id).is("response.sessions", []any{}).is("client.sessions", []any{})
	if b.cookie("__client") == "" || b.cookie("__client_uat") != "0" {
		t.Errorf("after sign-out of all: %v", a.header["Set-Cookie"])
	}
	for _, sid := range []string{one, two} {
		b.post("/v1/client/sessions/"+sid+"/tokens").refused(404, "resource_not_found")
	}
	b.signIn(ada, good)
	b.delete("/v1/client").ok().is("response", nil).is("client", nil)
	if b.cookie("__client") != "" || b.cookie("__client_uat") != "0" {
		t.Error("the client's cookie outlived it")
	}
	b.get("/v1/client").ok().is("response", nil)
	b.delete("/v1/client").ok()
	b.delete("/v1/client/sessions").ok().is("response", nil)
}

// When the session last active ends behind the client's back, another account
// of the browser takes over, unless a request names the one that is over.
func TestOtherAccountGoesOn(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	one, adas := b.signUp(ada, good)
	two, bobs := b.signUp(bob, good)
	if _, err := r.e.Users().Ban(t.Context(), bobs); err != nil {
		t.Fatal(err)
	}
	a := b.get("/v1/client").ok().is("response.last_active_session_id", one)
	if c := r.claims(a.str("response.sessions.0.last_active_token.jwt")); c.SessionID != one {
		t.Errorf("token of the client: %+v", c)
	}
	b.session = ""
	b.get("/v1/me").ok().is("response.id", adas)
	b.session = two
	b.get("/v1/me").refused(401, "authentication_invalid")
}

// Signing out of all clears up, also if the only session is over by itself.
func TestSignOutOfWhatIsOver(t *testing.T) {
	for name, over := range map[string]func(r *rig, b *browser){
		"run out": func(r *rig, b *browser) {
			b.signUp(ada, good)
			r.advance(8 * 24 * time.Hour)
		},
		"replaced": func(r *rig, b *browser) {
			r.browser().signUp(ada, good)
			id := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
			b.signUp(bob, good)
			r.advance(time.Second)
			sid := b.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", good).ok().
				is("client.sessions.0.status", "replaced").str("response.created_session_id")
			if _, err := r.e.Sessions().Revoke(t.Context(), sid); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(s *setup) { s.settings.Sessions.Multi = false })
			b := r.browser()
			over(r, b)
			b.delete("/v1/client/sessions").ok().is("response.last_active_session_id", nil)
			if got := b.cookie("__client_uat"); got != "0" {
				t.Errorf("client_uat %q", got)
			}
		})
	}
}

// A browser that signs out often is told of the last few sessions only.
func TestEndedSessionsDoNotPileUp(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	var last string
	for range 8 {
		b.post("/v1/client/sessions/" + b.session + "/end").ok()
		r.advance(time.Second)
		last = b.signIn(ada, good)
	}
	ss := b.get("/v1/client").ok().list("response.sessions")
	if len(ss) != 6 || ss[5].(map[string]any)["id"] != last {
		t.Errorf("%d sessions are listed", len(ss))
	}
}
