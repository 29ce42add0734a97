package fapi_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// directives follows a handshake with the nonce and returns its cookies.
func (b *browser) directives(target string) map[string]string {
	b.t.Helper()
	a := b.get("/v1/client/handshake?format=nonce&suffixed_cookies=true&__clerk_hs_reason=session-token-expired&redirect_url=" + url.QueryEscape(target))
	if a.status != 307 || a.header.Get("Location") != target || a.header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("%d to %q: %s", a.status, a.header.Get("Location"), a.raw)
	}
	nonce := b.cookie("__clerk_handshake_nonce")
	lines, err := b.e.TakeHandshake(b.t.Context(), nonce)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.e.TakeHandshake(b.t.Context(), nonce); err == nil {
		b.t.Error("a nonce was good twice")
	}
	return cookiesOf(b.t, lines)
}

func cookiesOf(t testing.TB, lines []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out[c.Name] = c.Value
		if c.MaxAge < 0 {
			out[c.Name] = "deleted"
		}
	}
	return out
}

func TestHandshake(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	target := r.server.URL + "/private?x=1"
	cookies := b.directives(target)
	c := r.claims(cookies["__session"])
	if c.SessionID != sid || c.AuthorizedParty != r.server.URL || cookies["__session_"+r.site.Suffix] != cookies["__session"] {
		t.Errorf("%v", cookies)
	}
	if cookies["__client_uat"] == "0" || cookies["__client_uat"] != cookies["__client_uat_"+r.site.Suffix] || cookies["__clerk_handshake_nonce"] != "deleted" {
		t.Errorf("%v", cookies)
	}

	// The signed list itself.
	a := b.get("/v1/client/handshake?format=token&redirect_url=" + url.QueryEscape("/private"))
	if a.status != 307 || a.header.Get("Location") != "/private" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	parts := strings.Split(b.cookie("__clerk_handshake"), ".")
	if len(parts) != 3 {
		t.Fatal("no signed handshake")
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var payload struct{ Handshake []string }
	if err := json.Unmarshal(raw, &payload); err != nil || cookiesOf(t, payload.Handshake)["__session"] == "" {
		t.Errorf("%s %v", raw, err)
	}
	if head, _ := base64.RawURLEncoding.DecodeString(parts[0]); strings.Contains(string(head), "cat") {
		t.Errorf("the handshake passes for a token: %s", head)
	}

	// Signed out, and a stranger: told so, or the backend would ask for ever.
	b.delete("/v1/client/sessions").ok()
	for _, who := range []*browser{b, r.browser()} {
		if cookies := who.directives(target); cookies["__session"] != "deleted" || cookies["__client_uat"] != "0" {
			t.Errorf("signed out: %v", cookies)
		}
	}
	b.get("/v1/client/handshake").refused(400, "invalid_handshake")
	b.send("GET", "/v1/client/handshake?format=carrier&redirect_url=/", b.header, nil, false).refused(400, "invalid_query_parameter_value")
}

// A second session takes over when the one last active ends behind the
// client's back.
func TestHandshakeOtherSession(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	one, _ := b.signUp(ada, good)
	two, _ := b.signUp(bob, good)
	if _, err := r.e.Sessions().Revoke(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	if c := r.claims(b.directives(r.server.URL + "/")["__session"]); c.SessionID != one {
		t.Errorf("session %s, want %s", c.SessionID, one)
	}
}
