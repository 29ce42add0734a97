package fapi_test

import (
	"strings"
	"testing"

	"github.com/usherauth/usher/user"
)

// reset leads a browser at needs_first_factor through a reset by code.
func (b *browser) reset(signIn, pw string) *answer {
	b.t.Helper()
	at := "/v1/client/sign_ins/" + signIn
	b.post(at+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	b.post(at+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", b.lastCode()).ok().is("response.status", "needs_new_password")
	return b.post(at+"/reset_password", "password", pw, "sign_out_of_other_sessions", "true")
}

// What is known to others, or marked as that, or would be cut by bcrypt opens
// nothing, also in one call; a reset by code is the way out of each.
func TestAttack_C14_UnusablePasswordsAreReset(t *testing.T) {
	long := strings.Repeat("a long passphrase ", 5)
	for name, c := range map[string]struct {
		typed string
		spoil func(t *testing.T, r *rig, id string)
		code  string
	}{
		"common": {"password123", func(t *testing.T, r *rig, id string) {
			digest := "482c811da5d5b4bc6d497ffa98491e38" // MD5
			_, err := r.e.Users().Update(t.Context(), id, user.UpdateParams{PasswordDigest: digest, PasswordHasher: "md5"})
			if err != nil {
				t.Fatal(err)
			}
		}, "form_password_pwned"},
		"compromised": {good, func(t *testing.T, r *rig, id string) {
			if _, err := r.e.Users().SetPasswordCompromised(t.Context(), id, true); err != nil {
				t.Fatal(err)
			}
		}, "form_password_compromised"},
		"too long": {long, func(t *testing.T, r *rig, id string) {
			digest := "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"
			_, err := r.e.Users().Update(t.Context(), id, user.UpdateParams{PasswordDigest: digest, PasswordHasher: "bcrypt"})
			if err != nil {
				t.Fatal(err)
			}
		}, "password_too_long_needs_reset"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(s *setup) { s.settings.Password.EnforceBreachesOnSignIn = true })
			_, id := r.browser().signUp(ada, good)
			c.spoil(t, r, id)
			if _, _, err := r.e.Deliver(t.Context()); err != nil { // the notice of the change
				t.Fatal(err)
			}
			b := r.browser()
			b.post("/v1/client/sign_ins", "identifier", ada, "password", c.typed).refused(422, c.code)
			signIn := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
			b.post("/v1/client/sign_ins/"+signIn+"/attempt_first_factor", "strategy", "password", "password", c.typed).refused(422, c.code)
			b.get("/v1/client/sign_ins/"+signIn).ok().is("response.status", "needs_first_factor")
			b.reset(signIn, "password123").refused(422, "form_password_pwned")
			b.post("/v1/client/sign_ins/"+signIn+"/reset_password", "password", long+"!").ok().is("response.status", "complete")
			r.browser().signIn(ada, long+"!")
		})
	}
}

func TestEnvironmentEnforcesBreaches(t *testing.T) {
	for _, on := range []bool{false, true} {
		r := newRig(t, func(s *setup) { s.settings.Password.EnforceBreachesOnSignIn = on })
		r.browser().get("/v1/environment").ok().is("user_settings.password_settings.enforce_hibp_on_sign_in", on)
	}
}
