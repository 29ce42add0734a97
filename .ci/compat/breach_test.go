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

// TestCompromisedPassword: <SignIn/> offers another way to somebody whose
// password was marked as known to others, and then asks for a new one.
func TestCompromisedPassword(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	if _, err := h.Users().SetPasswordCompromised(t.Context(), u.ID, true); err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.expect("response 422")
	b.signIn("ada@example.com", password)
	b.click("button|Email code to")
	b.code("ada@example.com", 1)
	b.fill("input[name=newPassword]", "another horse battery")
	b.fill("input[name=confirmPassword]", "another horse battery")
	b.click(primary)
	b.at("/")
	b.isSignedIn(u.ID)
	if ok, err := h.Users().CheckPassword(t.Context(), u.ID, "another horse battery"); err != nil || !ok {
		t.Errorf("the new password is not the user's: %v", err)
	}
}
