package compat

import (
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// TestBreachedPassword: <SignIn/> leads somebody whose right password is known
// to others to a new one.
func TestBreachedPassword(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(func(s *settings.Settings) { s.Password.EnforceBreachesOnSignIn = true }))
	u := must[*user.User](t)(h.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{"ada@example.com"},
		PasswordDigest: "482c811da5d5b4bc6d497ffa98491e38", PasswordHasher: "md5"}))
	b := open(t, h)
	b.expect("response 422")
	b.signIn("ada@example.com", "password123")
	b.click("button|Reset your password")
	b.code("ada@example.com", 1)
	b.fill("input[name=password]", "another horse battery")
	b.fill("input[name=confirmPassword]", "another horse battery")
	b.click(primary)
	b.at("/")
	b.isSignedIn(u.ID)
}
