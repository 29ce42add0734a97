package fapi_test

import "testing"

// TestAttack_C14_PasswordIsNoIdentifier: a password that is what one is called
// by is refused, however it is written and in whatever order things are given,
// at a sign-up and where it is changed.
func TestAttack_C14_PasswordIsNoIdentifier(t *testing.T) {
	r := newRig(t, phones)
	fields := []struct{ name, value, like string }{
		{"email_address", "ada.lovelace@example.com", "Ada.Lovelace@Example.com"},
		{"username", "adalovelace1815", "AdaLovelace1815"},
		{"phone_number", adasPhone, "(415) 555-2671"},
	}
	for _, f := range fields {
		r.browser().post("/v1/client/sign_ups", f.name, f.value, "password", f.like).refused(422, "form_password_matches_identifier", "password")
		b := r.browser()
		p := signUpPath(b.post("/v1/client/sign_ups", f.name, f.value).ok())
		b.patch(p, "password", f.like).refused(422, "form_password_matches_identifier", "password")
		b.patch(p, "password", good).ok()
	}
	b := r.browser()
	a := b.post("/v1/client/sign_ups", fields[0].name, fields[0].value, fields[1].name, fields[1].value, fields[2].name, fields[2].value, "password", good).ok()
	for _, strategy := range []string{"email_code", "phone_code"} {
		b.post(signUpPath(a)+"/prepare_verification", "strategy", strategy).ok()
		b.post(signUpPath(a)+"/attempt_verification", "strategy", strategy, "code", r.lastCode()).ok()
	}
	for _, f := range fields {
		b.post("/v1/me/change_password", "current_password", good, "new_password", f.like).refused(422, "form_password_matches_identifier", "new_password")
	}
}
