package fapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/user"
)

var (
	userFilter user.Filter
	userPage   user.Page
)

// Who is signed in connects an account, gets more scopes for it, and takes it
// off again. The owner hears of it.
func TestConnectAccount(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.signUp(ada, good)
	b.back(s.fake, b.leave("/v1/me/external_accounts", fake), person("work@example.com", true)).lands("/done")
	me := b.get("/v1/me").ok()
	id := me.str("response.external_accounts.0.id")
	me.is("response.external_accounts.0.verification.status", "verified").is("response.email_addresses.1.email_address", "work@example.com").
		is("response.email_addresses.1.verification.status", "verified")
	if m := s.lastMail(); m.Data.Method != "Fake social" {
		t.Errorf("the mail says %q", m.Data.Method)
	}
	// Twice is told, and leaves one.
	b.back(s.fake, b.leave("/v1/me/external_accounts", fake), person("work@example.com", true)).lands("/sso-callback")
	b.get("/v1/me").ok().is("response.external_accounts.1.verification.error.code", "oauth_account_already_connected").
		is("response.external_accounts.1.verification.status", "failed")
	b.back(s.fake, b.leave("/v1/me/external_accounts", fake), nil).lands("/sso-callback")
	me = b.get("/v1/me").ok().is("response.external_accounts.1.verification.error.code", "oauth_access_denied")
	if n := len(me.list("response.external_accounts")); n != 2 {
		t.Errorf("%d accounts", n)
	}
	b.delete("/v1/me/external_accounts/" + me.str("response.external_accounts.1.id")).ok()

	a := b.patch("/v1/me/external_accounts/"+id+"/reauthorize", "redirect_url", "/sso-callback", "action_complete_redirect_url", "/done", "additional_scope", "calendar").ok()
	to := a.str("response.verification.external_verification_redirect_url")
	if got := query(t, to).Get("scope"); got != "openid profile email calendar" {
		t.Errorf("scopes %q", got)
	}
	b.back(s.fake, to, &oauthtest.Person{EmailAddress: "somebody@example.com"}).lands("/sso-callback")
	b.get("/v1/me").ok().is("response.external_accounts.0.verification.error.code", "external_account_mismatch")
	a = b.patch("/v1/me/external_accounts/"+id+"/reauthorize", "redirect_url", "/sso-callback", "additional_scope", "calendar").ok()
	b.back(s.fake, a.str("response.verification.external_verification_redirect_url"), person("work@example.com", true)).lands("/sso-callback")
	b.get("/v1/me").ok().is("response.external_accounts.0.approved_scopes", "openid profile email calendar").is("response.external_accounts.0.id", id)

	b.delete("/v1/me/external_accounts/"+id+"/tokens").ok().is("response.external_accounts.0.approved_scopes", "")
	email := b.get("/v1/me").ok().str("response.email_addresses.1.id")
	b.delete("/v1/me/email_addresses/"+email).refused(400, "delete_linked_identification_disallowed")
	b.delete("/v1/me/external_accounts/"+id).ok().is("response.deleted", true)
	b.delete("/v1/me/external_accounts/"+id).refused(404, "resource_not_found")
	b.delete("/v1/me/email_addresses/" + email).ok()
	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ins", fake), person("work@example.com", true)).lands("/sso-callback")
	c.client().is("response.sign_in.first_factor_verification.error.code", "external_account_not_found")
}

// An account is connected to the session that began it, in the browser that
// began it, and to no other.
func TestAttack_O07_LinkingIsBound(t *testing.T) {
	s := newSocial(t)
	victim, thief := s.browser(), s.browser()
	victim.signUp(ada, good)
	thief.signUp(bob, good)
	mallory := &oauthtest.Person{EmailAddress: "mallory@example.com", EmailVerified: true}

	// The thief's answer in the victim's browser.
	to, err := s.fake.Answer(thief.leave("/v1/me/external_accounts", fake), mallory)
	if err != nil {
		t.Fatal(err)
	}
	victim.opens(to).refused(400, "oauth_callback_invalid")
	// The session is over, or another one's user is there now.
	to, err = s.fake.Answer(victim.leave("/v1/me/external_accounts", fake), mallory)
	if err != nil {
		t.Fatal(err)
	}
	victim.post("/v1/client/sessions/" + victim.session + "/end").ok()
	victim.session = ""
	victim.opens(to).refused(400, "oauth_callback_invalid")
	for _, email := range []string{ada, bob} {
		u, err := s.e.Users().ByIdentifier(t.Context(), email)
		if err != nil || u.ExternalAccountOf("custom_mock") != nil {
			t.Errorf("%s: %v %v", email, u, err)
		}
	}
	// An account that somebody has is nobody else's.
	thief.back(s.fake, thief.leave("/v1/me/external_accounts", fake), mallory).lands("/done")
	victim.signIn(ada, good)
	victim.back(s.fake, victim.leave("/v1/me/external_accounts", fake), mallory).lands("/sso-callback")
	victim.get("/v1/me").ok().is("response.external_accounts.0.verification.error.code", "oauth_identification_claimed")
	// Nor is one with the verified address of somebody else.
	victim.back(s.other, victim.leave("/v1/me/external_accounts", other), person(bob, true)).lands("/sso-callback")
	if !strings.Contains(string(victim.get("/v1/me").ok().raw), "oauth_identification_claimed") {
		t.Error("the address of somebody else came along")
	}
	for _, path := range []string{"/v1/me/external_accounts/eac_x", "/v1/me/external_accounts/eac_x/tokens"} {
		victim.delete(path).refused(404, "resource_not_found")
	}
	// An answer that comes late connects nothing.
	late, err := s.fake.Answer(victim.leave("/v1/me/external_accounts", fake), person("late@example.com", true))
	if err != nil {
		t.Fatal(err)
	}
	s.advance(10 * time.Minute)
	victim.opens(late).refused(400, "oauth_callback_invalid")
}

// The provider gives an address to another person: they do not get the account
// of the one before.
func TestAttack_O06_ReassignedAddress(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	first := &oauthtest.Person{EmailAddress: ada, EmailVerified: true, Subject: "one"}
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), first).lands("/done")
	uid := b.signedInAs()
	// The same subject with another address is the same person.
	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ins", fake), &oauthtest.Person{EmailAddress: "new@example.com", EmailVerified: true, Subject: "one"}).lands("/done")
	if c.signedInAs() != uid {
		t.Error("another address made another person")
	}
	// The same subject elsewhere is somebody else.
	d := s.browser()
	d.back(s.other, d.leave("/v1/client/sign_ins", other), &oauthtest.Person{EmailAddress: "else@example.com", EmailVerified: true, Subject: "one"}).lands("/sso-callback")
	d.client().is("response.sign_in.first_factor_verification.error.code", "external_account_not_found")
}

// Tokens of providers are in no answer of this API, in no log, and sealed in
// the store. See also package bapi.
func TestAttack_O11_TokensStayHere(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
	tokens, err := s.e.Users().AccessTokens(t.Context(), b.signedInAs(), "custom_mock")
	if err != nil || len(tokens) != 1 {
		t.Fatal(tokens, err)
	}
	b.session = b.client().str("response.last_active_session_id")
	all := string(b.client().raw) + string(b.get("/v1/me").ok().raw) + s.log.String()
	for _, secret := range []string{tokens[0].Tokens.Access, tokens[0].Tokens.Refresh, tokens[0].Tokens.ID} {
		if secret == "" || strings.Contains(all, secret) {
			t.Errorf("a token is seen, or there is none: %q", secret)
		}
	}
	if !user.ExternalTokensKind.Sealed {
		t.Error("tokens are not sealed")
	}
	// On demand they are renewed.
	s.advance(2 * time.Hour)
	again, err := s.e.Users().AccessTokens(t.Context(), b.signedInAs(), "custom_mock")
	if err != nil || again[0].Tokens.Access == tokens[0].Tokens.Access {
		t.Errorf("not renewed: %v", err)
	}
}
