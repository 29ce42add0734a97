package compat

import (
	"testing"
)

const primary = ".cl-formButtonPrimary"

// signIn signs in with <SignIn/> by password.
func (b *browser) signIn(email, password string) {
	b.t.Helper()
	b.visit("/sign-in")
	b.identify(email)
	b.fill("input[name=password]", password)
	b.click(primary)
}

// identify fills the first screen of <SignIn/>.
func (b *browser) identify(email string) {
	b.t.Helper()
	b.fill("input[name=identifier]", email)
	b.click(primary)
}

// code types a code from a mail.
func (b *browser) code(email string, n int) {
	b.t.Helper()
	b.see("input[data-input-otp]")
	b.enterCode(b.h.Mail.Code(b.t, email, n))
}

// isSignedIn waits until clerk-js and the host agree on who is signed in.
func (b *browser) isSignedIn(userID string) {
	b.t.Helper()
	b.until("clerk-js says who is signed in", "Clerk.user?.id === "+quote(userID))
	b.goTo("/private")
	if got := b.see("#private"); got != userID {
		b.fail("the private page sees %q, want %q", got, userID)
	}
}

// isSignedOut checks that neither clerk-js nor the host know anybody.
func (b *browser) isSignedOut() {
	b.t.Helper()
	b.visit("/")
	b.until("nobody is signed in", "Clerk.user === null && Clerk.session === null")
	if got := b.text("document.getElementById('server').textContent"); got != "" {
		b.fail("the host still sees %q", got)
	}
	b.goTo("/private")
	b.until("the sign-in page", `location.pathname === "/auth/sign-in"`)
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		host func(*testing.T) *host
	}{
		{"memory", func(t *testing.T) *host { return newHost(t) }},
		{"sqlite", func(t *testing.T) *host { return newHost(t, onSQLite(t)) }},
		{"without a URL", func(t *testing.T) *host { return newHost(t, anywhere) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.host(t)
			b := open(t, h)
			b.visit("/sign-up")
			b.fill("input[name=emailAddress]", "ada@example.com")
			b.fill("input[name=password]", password)
			b.click(primary)
			b.code("ada@example.com", 1)
			b.at("/")
			u, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
			if err != nil {
				t.Fatal(err)
			}
			b.isSignedIn(u.ID)
		})
	}
}

func TestSignUpTaken(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 422")
	b.visit("/sign-up")
	b.fill("input[name=emailAddress]", "ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see(".cl-formFieldErrorText|taken")
}

func TestSignUpWrongCode(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	b := open(t, h)
	b.expect("response 422")
	b.visit("/sign-up")
	b.fill("input[name=emailAddress]", "ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see("input[data-input-otp]")
	right := h.Mail.Code(t, "ada@example.com", 1)
	b.enterCode(other(right))
	b.see(".cl-otpCodeFieldErrorText, .cl-formFieldErrorText")
	b.enterCode(right)
	b.at("/")
	b.until("somebody is signed in", "Clerk.user?.primaryEmailAddress?.verification?.status === 'verified'")
}

func TestSignInPassword(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 422")
	b.signIn("ada@example.com", "wrong horse battery")
	b.see(".cl-formFieldErrorText|incorrect")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.at("/")
	b.isSignedIn(u.ID)
}

func TestSignInUnknown(t *testing.T) {
	t.Parallel()
	b := open(t, newHost(t))
	b.expect("response 422")
	b.visit("/sign-in")
	b.identify("nobody@example.com")
	b.see(".cl-formFieldErrorText")
}

func TestSignInCode(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.visit("/sign-in")
	b.identify("ada@example.com")
	b.see("input[name=password]")
	b.click("a|Use another method")
	b.click(".cl-alternativeMethodsBlockButton")
	b.code("ada@example.com", 1)
	b.at("/")
	b.isSignedIn(u.ID)
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.visit("/sign-in")
	b.identify("ada@example.com")
	b.see("input[name=password]")
	b.click(".cl-formFieldAction")
	b.click("button|Reset your password")
	b.code("ada@example.com", 1)
	b.fill("input[name=password]", "another horse battery")
	b.fill("input[name=confirmPassword]", "another horse battery")
	b.click(primary)
	b.at("/")
	b.isSignedIn(u.ID)
	if ok, err := h.Users().CheckPassword(t.Context(), u.ID, "another horse battery"); err != nil || !ok {
		t.Errorf("the new password is not the user's: %v", err)
	}
}
