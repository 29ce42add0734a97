package compat

import (
	"encoding/base32"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

func noPassword(email string) user.CreateParams {
	return user.CreateParams{EmailAddresses: []string{email}, SkipPasswordRequirement: true}
}

// useReverification: the host's rule refuses, Clerk's modal asks, the request
// is sent again.
func TestUseReverification(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	h.react(t)
	b := open(t, h)
	b.expect("response 403")
	b.arrive(u.ID, time.Hour)
	b.goTo("/react")
	b.click("#ask")
	b.see(".cl-modalContent")
	b.fill("input[name=password]", password)
	b.click(primary)
	if got := b.see("#secret"); got != "for "+u.ID {
		b.fail("the secret is %q", got)
	}
}

// <UserProfile/> asks before it adds an address, an hour after the sign-in.
func TestProfileStepUp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 403")
	b.arrive(u.ID, time.Hour)
	b.visit("/user")
	b.click("button|Add email address")
	b.fill("input[name=emailAddress]", "second@example.com")
	b.click(primary + "|Add")
	b.fill("input[name=password]", password)
	b.click(".cl-modalContent " + primary + "|Continue")
	b.code("second@example.com", 1)
	b.until("the address is verified", `Clerk.user?.emailAddresses?.some(e => e.emailAddress === "second@example.com" && e.verification.status === "verified")`)
}

// With step-ups, <UserProfile/> asks for no current password, but who it is.
func TestChangePasswordStepUp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 403")
	b.arrive(u.ID, time.Hour)
	b.visit("/user#/security")
	b.click(".cl-profileSectionPrimaryButton__password")
	b.fill("input[name=newPassword]", "another horse battery")
	b.fill("input[name=confirmPassword]", "another horse battery")
	b.click(primary + "|Save")
	b.fill("input[name=password]", password)
	b.click(".cl-modalContent " + primary + "|Continue")
	b.gone("input[name=newPassword]")
	if ok, err := h.Users().CheckPassword(t.Context(), u.ID, "another horse battery"); err != nil || !ok {
		b.fail("the new password is not the user's: %v", err)
	}
}

// <TaskSetupMFA/>: where a second factor is demanded, <SignIn/> goes on to set
// one up, and the session is active then.
func TestTaskSetupMFA(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(func(s *settings.Settings) { s.SignIn.SecondFactorRequired = true }))
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.signIn("ada@example.com", password)
	b.until("the session is pending", `Clerk.client?.sessions?.[0]?.status === "pending" && Clerk.client.sessions[0].currentTask?.key === "setup-mfa"`)
	b.click("button|scan QR code")
	b.until("the secret is shown", `[...document.querySelectorAll("input")].some(i => /^[A-Z2-7]{32}$/.test(i.value))`)
	secret, err := base32.StdEncoding.DecodeString(b.text(`[...document.querySelectorAll("input")].find(i => /^[A-Z2-7]{32}$/.test(i.value)).value`))
	if err != nil {
		t.Fatal(err)
	}
	b.click(primary + "|Continue")
	code, _ := b.appCode(secret, 0)
	b.enterCode(code)
	b.until("the session is active", `Clerk.client?.sessions?.[0]?.status === "active"`)
	b.goTo("/private")
	if got := b.see("#private"); got != u.ID {
		b.fail("the private page sees %q", got)
	}
}

// <TaskResetPassword/>: a password that others know is replaced after a sign-in
// by other means.
func TestTaskResetPassword(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(func(s *settings.Settings) { s.SignIn.PreferredStrategy = "otp" }))
	u := h.person(t, "ada@example.com")
	if _, err := h.Users().SetPasswordCompromised(t.Context(), u.ID, true); err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.visit("/sign-in")
	b.identify("ada@example.com")
	b.code("ada@example.com", 1)
	b.until("the session is pending", `Clerk.client?.sessions?.[0]?.currentTask?.key === "reset-password"`)
	b.fill("input[name=newPassword]", "another good passphrase")
	b.fill("input[name=confirmPassword]", "another good passphrase")
	b.click(primary)
	b.until("the session is active", `Clerk.client?.sessions?.[0]?.status === "active"`)
	b.isSignedIn(u.ID)
}
