package fapi_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
)

// The five known ways to make an account for somebody who has none yet, and to
// wait in it until they come. Each is tried on an instance that verifies no
// address at sign-up, where an account can be founded on any address, unless
// the way needs no such instance.

// unverifying lets sign-ups complete without proof of the address.
func unverifying(c *setup) {
	c.settings.EmailAddress.VerifyAtSignUp = false
	c.settings.Protection.Lockout = settings.Lockout{}
}

// founded is a thief's browser, signed in to an account on ada's address.
func (s *socialRig) founded() (*browser, string) {
	s.t.Helper()
	thief := s.browser()
	a := thief.post("/v1/client/sign_ups", "email_address", ada, "password", good).ok().is("response.status", "complete")
	thief.session = a.str("response.created_session_id")
	return thief, a.str("response.created_user_id")
}

// owner comes by a provider that has verified the address, and is in the
// account alone.
func (s *socialRig) owner(uid string) *browser {
	s.t.Helper()
	owner := s.browser()
	owner.back(s.fake, owner.leave("/v1/client/sign_ins", fake), person(ada, true)).lands("/done")
	if got := owner.signedInAs(); got != uid {
		s.t.Fatalf("the owner is %q, not %q", got, uid)
	}
	owner.session = owner.client().str("response.last_active_session_id")
	return owner
}

// locked out: the thief has no session, and no way back in.
func (s *socialRig) lockedOut(thief *browser) {
	s.t.Helper()
	if got := thief.signedInAs(); got != "" {
		s.t.Errorf("the thief is signed in as %s", got)
	}
	thief.do("GET", "/v1/me", nil).refused(401, "authentication_invalid")
	a := s.browser().post("/v1/client/sign_ins", "identifier", ada, "password", good)
	if a.status == 200 && a.at("response.status") == "complete" {
		s.t.Error("the thief's password is good")
	}
}

// C16, classic-federated merge: the thief signs up with the address and a
// password, the owner comes by a provider.
func TestAttack_C16_ClassicFederatedMerge(t *testing.T) {
	s := newSocial(t, unverifying)
	thief, uid := s.founded()
	owner := s.owner(uid)
	s.lockedOut(thief)
	owner.get("/v1/me").ok().is("response.password_enabled", false).is("response.email_addresses.0.verification.status", "verified").
		is("response.email_addresses.0.verification.strategy", "from_"+fake)

	// Where addresses are verified, there is no account to merge with.
	v := newSocial(t)
	thief = v.browser()
	thief.post("/v1/client/sign_ups", "email_address", ada, "password", good).ok().is("response.status", "missing_requirements")
	own := v.browser()
	own.back(v.fake, own.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
}

// C16, unexpired session: the thief's session ends when the owner comes, by a
// provider or by a code.
func TestAttack_C16_UnexpiredSession(t *testing.T) {
	s := newSocial(t, unverifying)
	thief, uid := s.founded()
	s.advance(time.Hour)
	s.owner(uid)
	s.lockedOut(thief)

	c := newSocial(t, unverifying)
	thief, _ = c.founded()
	owner := c.browser()
	id := owner.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
	owner.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", c.lastCode()).ok().is("response.status", "complete")
	c.lockedOut(thief)
}

// C16, trojan identifier: what the thief has added to the account, an address
// or an account at a provider, does not stay. Also with two providers.
func TestAttack_C16_TrojanIdentifier(t *testing.T) {
	s := newSocial(t, unverifying)
	thief, uid := s.founded()
	mallory := person("mallory@example.com", true)
	thief.back(s.other, thief.leave("/v1/me/external_accounts", other), mallory).lands("/done")
	id := thief.post("/v1/me/email_addresses", "email_address", "trojan@example.com").ok().str("response.id")
	thief.post("/v1/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
	thief.post("/v1/me/email_addresses/"+id+"/attempt_verification", "code", s.lastCode()).ok()
	owner := s.owner(uid)
	s.lockedOut(thief)
	me := owner.get("/v1/me").ok()
	if n := len(me.list("response.external_accounts")); n != 1 {
		t.Errorf("%d external accounts: %s", n, me.raw)
	}
	if n := len(me.list("response.email_addresses")); n != 1 {
		t.Errorf("%d addresses: %s", n, me.raw)
	}
	again := s.browser()
	again.back(s.other, again.leave("/v1/client/sign_ins", other), mallory).lands("/sso-callback")
	again.client().is("response.sign_in.first_factor_verification.error.code", "external_account_not_found")
	s.browser().post("/v1/client/sign_ins", "identifier", "trojan@example.com").refused(422, "form_identifier_not_found")
	if tokens, err := s.e.Users().AccessTokens(t.Context(), uid, "mock"); err != nil || len(tokens) != 0 {
		t.Errorf("the thief's tokens: %v %v", tokens, err)
	}

	// And the owner by a code, with the thief's account at a provider in place.
	c := newSocial(t, unverifying)
	thief, _ = c.founded()
	thief.back(c.other, thief.leave("/v1/me/external_accounts", other), mallory).lands("/done")
	o := c.browser()
	id = o.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
	o.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", c.lastCode()).ok().is("response.status", "complete")
	again = c.browser()
	again.back(c.other, again.leave("/v1/client/sign_ins", other), mallory).lands("/sso-callback")
	c.lockedOut(thief)
}

// C16, unexpired e-mail change: the thief begins to add the address to an own
// account and waits. The owner gets an account of their own, and what the thief
// has begun comes to nothing.
func TestAttack_C16_UnexpiredEmailChange(t *testing.T) {
	s := newSocial(t)
	thief := s.browser()
	_, thiefID := thief.signUp(bob, good)
	id := thief.post("/v1/me/email_addresses", "email_address", ada).ok().str("response.id")
	thief.post("/v1/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
	code := s.lastCode() // however the thief came by it later
	owner := s.browser()
	owner.back(s.fake, owner.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
	if got := owner.signedInAs(); got == "" || got == thiefID {
		t.Fatalf("the owner is %q", got)
	}
	thief.post("/v1/me/email_addresses/"+id+"/attempt_verification", "code", code).refused(400, "identification_claimed")
	// The other way round: the provider's word for an address that waits in the
	// account of who is signed in verifies that one, and no other.
	other := s.browser()
	other.back(s.fake, other.leave("/v1/client/sign_ins", fake), person(ada, true)).lands("/done")
	if other.signedInAs() == thiefID {
		t.Error("the owner is in the thief's account")
	}
}

// C16 and O05, non-verifying provider: the thief says at a provider that the
// address is theirs. That founds nothing where addresses are verified, opens
// nothing that exists, and does not stay where it did found something.
func TestAttack_C16_NonVerifyingProvider(t *testing.T) {
	s := newSocial(t)
	liar := &oauthtest.Person{EmailAddress: ada, Subject: "mallory", Name: "Mallory"}
	thief := s.browser()
	thief.back(s.other, thief.leave("/v1/client/sign_ups", other), liar).lands("/sso-callback")
	thief.client().is("response.sign_up.status", "missing_requirements").is("response.sign_up.unverified_fields.0", "email_address")
	owner := s.browser()
	_, uid := owner.signUp(ada, good)
	// Now there is an account: the thief is asked for a factor of it.
	for _, path := range []string{"sign_ins", "sign_ups"} {
		thief = s.browser()
		thief.back(s.other, thief.leave("/v1/client/"+path, other), liar).lands("/sso-callback")
		if path == "sign_ups" {
			thief.post("/v1/client/sign_ins", "transfer", "true").ok()
		}
		thief.client().is("response.sign_in.status", "needs_first_factor")
		if thief.signedInAs() != "" {
			t.Fatal("the thief is signed in")
		}
		id := thief.client().str("response.sign_in.id")
		thief.post("/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", better).refused(422, "form_password_incorrect")
	}
	u, err := s.e.Users().Get(t.Context(), uid)
	if err != nil || len(u.ExternalAccounts) != 0 {
		t.Errorf("the thief's account is linked: %v %v", u.ExternalAccounts, err)
	}

	// Where nothing is verified the lie founds an account, until the owner comes.
	c := newSocial(t, unverifying)
	thief = c.browser()
	thief.back(c.other, thief.leave("/v1/client/sign_ups", other), liar).lands("/done")
	uid = thief.signedInAs()
	c.owner(uid)
	c.lockedOut(thief)
	thief = c.browser()
	thief.back(c.other, thief.leave("/v1/client/sign_ins", other), liar).lands("/sso-callback")
	if thief.signedInAs() != "" {
		t.Error("the liar is in")
	}
}

// O14: an address that was typed at the beginning is not the provider's. It
// gets nothing of what the provider has verified.
func TestAttack_O14_SeededAddress(t *testing.T) {
	for _, change := range []func(*setup){func(*setup) {}, unverifying} {
		for _, path := range []string{"before", "after"} {
			s := newSocial(t, change)
			thief := s.browser()
			mallory := person("mallory@example.com", true)
			if path == "before" {
				thief.back(s.fake, thief.leave("/v1/client/sign_ups", fake, "email_address", ada), mallory).lands("/done")
			} else {
				thief.back(s.fake, thief.leave("/v1/client/sign_ins", fake), mallory).lands("/sso-callback")
				thief.post("/v1/client/sign_ups", "transfer", "true", "email_address", ada).ok()
			}
			uid := thief.signedInAs()
			if u, err := s.e.Users().ByIdentifier(t.Context(), ada); err == nil {
				t.Errorf("%s: the typed address is claimed by %s (the thief is %s)", path, u.ID, uid)
			}
			u, err := s.e.Users().ByIdentifier(t.Context(), "mallory@example.com")
			if err != nil || u.ID != uid || u.EmailAddressByValue(ada) == nil || u.EmailAddressByValue(ada).Verified {
				t.Errorf("%s: %+v %v", path, u, err)
			}
			owner := s.browser()
			owner.back(s.other, owner.leave("/v1/client/sign_ups", other), person(ada, true)).lands("/done")
			if owner.signedInAs() == uid {
				t.Errorf("%s: the owner is in the thief's account", path)
			}
		}
	}
}

// Where both sides have verified the address, the account is opened and linked,
// even past a password, and the password stays. With a second factor due, it
// is linked only once that is shown.
func TestSocialLinks(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	_, uid := b.signUp(ada, good)
	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ins", fake), person("ADA@Example.com", true)).lands("/done")
	if c.signedInAs() != uid {
		t.Fatal("not the account of the address")
	}
	s.browser().signIn(ada, good)
	d := s.browser()
	d.back(s.other, d.leave("/v1/client/sign_ups", other), person(ada, true)).lands("/sso-callback")
	d.client().is("response.sign_up.verifications.external_account.error.code", "external_account_exists")
	d.post("/v1/client/sign_ins", "transfer", "true").ok().is("response.status", "complete")
	if d.signedInAs() != uid {
		t.Error("not the account of the address")
	}
	if u, err := s.e.Users().Get(t.Context(), uid); err != nil || len(u.ExternalAccounts) != 2 {
		t.Errorf("%v %v", u.ExternalAccounts, err)
	}
}

// A banned user is told so where clients look for it, and is not let in.
func TestSocialBanned(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
	uid := b.signedInAs()
	if _, err := s.e.Users().Ban(t.Context(), uid); err != nil {
		t.Fatal(err)
	}
	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ins", fake), person(ada, true)).lands("/sso-callback")
	c.client().is("response.sign_in.first_factor_verification.error.code", "user_banned").is("response.sign_in.first_factor_verification.status", "failed")
	// And who is signed in already is told with which session.
	d := s.browser()
	d.back(s.fake, d.leave("/v1/client/sign_ups", fake), person(bob, true)).lands("/done")
	sid := d.client().str("response.last_active_session_id")
	d.back(s.fake, d.leave("/v1/client/sign_ins", fake), person(bob, true)).lands("/sso-callback")
	d.client().is("response.sign_in.first_factor_verification.error.code", "identifier_already_signed_in").
		is("response.sign_in.first_factor_verification.error.meta.session_id", sid)
	d.back(s.fake, d.leave("/v1/client/sign_ups", fake), person(bob, true)).lands("/sso-callback")
	d.client().is("response.sign_up.verifications.external_account.error.meta.session_id", sid)
}

// C01 and O05: where nobody may find out who has an account, an address that a
// provider does not vouch for tells nothing, on either road.
func TestAttack_C01_UnverifiedAddressTellsNothing(t *testing.T) {
	s := newSocial(t, func(c *setup) { c.settings.Protection.Enumeration = settings.EnumerationStrict })
	s.browser().signUp(ada, good)
	roads := func(email string) (told []string) {
		liar := &oauthtest.Person{EmailAddress: email, Subject: "liar of " + email, Name: "Mallory"}
		for _, path := range []string{"sign_ins", "sign_ups"} {
			b := s.browser()
			b.back(s.other, b.leave("/v1/client/"+path, other), liar).lands("/sso-callback")
			c := b.client()
			for _, at := range []string{"sign_in.status", "sign_in.first_factor_verification.status", "sign_in.first_factor_verification.error.code",
				"sign_up.status", "sign_up.unverified_fields", "sign_up.missing_fields", "sign_up.verifications.external_account.status", "sign_up.verifications.external_account.error.code"} {
				told = append(told, fmt.Sprint(at, " ", c.at("response."+at)))
			}
			if path == "sign_ins" {
				a := b.post("/v1/client/sign_ups", "transfer", "true").ok()
				told = append(told, fmt.Sprint(a.at("response.status"), a.at("response.unverified_fields"), a.at("response.missing_fields")))
			}
		}
		return told
	}
	somebody, nobody := roads(ada), roads(bob)
	if !slices.Equal(somebody, nobody) {
		t.Errorf("an address with an account:\n%q\none without:\n%q", somebody, nobody)
	}
}
