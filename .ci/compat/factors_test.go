package compat

import (
	"context"
	"encoding/base32"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/totp"
)

// byName calls the host localhost: browsers know no passkeys for numbers.
func byName(c *auth.Config) { c.URL = strings.Replace(c.URL, "127.0.0.1", "localhost", 1) }

func passkeys(s *settings.Settings) { s.Passkeys.Enabled = true }

// passkeyHost is a host where people can have passkeys.
func passkeyHost(t *testing.T, changes ...func(*auth.Config)) *host {
	h := newHost(t, append([]func(*auth.Config){byName, set(passkeys)}, changes...)...)
	h.url = strings.Replace(h.url, "127.0.0.1", "localhost", 1)
	return h
}

// device gives the browser a device that makes passkeys, with a person before
// it who shows a finger.
func (b *browser) device() {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, func(ctx context.Context, tab *chromedp.Target) (webauthn.AuthenticatorID, error) {
		// Clerk's clients know no passkeys in browsers that programs drive.
		_, err1 := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `Object.defineProperty(Navigator.prototype, "webdriver", {get: () => false})`})
		_, err2 := cdp.Call(ctx, tab, webauthn.Enable, webauthn.EnableParams{})
		if err := errors.Join(err1, err2); err != nil {
			return "", err
		}
		res, err := cdp.Call(ctx, tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, AutomaticPresenceSimulation: true, IsUserVerified: true}})
		return res.AuthenticatorID, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// listOff takes away the list of passkeys in the field, which the device answers
// at once: then there is the button alone.
func (b *browser) listOff() {
	b.t.Helper()
	err := b.h.UpdateSettings(b.t.Context(), func(s *settings.Settings) error {
		s.Passkeys.AllowAutofill = false
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// asked reports whether a request is sent before so many pauses are over.
func (b *browser) asked(path string, pauses int) bool {
	for range pauses {
		if b.requested(path) > 0 {
			return true
		}
		b.pause()
	}
	return false
}

// appCode is what an authenticator app with the secret shows, as soon as it is
// another code than the one of the step before.
func (b *browser) appCode(secret []byte, after int64) (string, int64) {
	b.t.Helper()
	step := totp.Step(time.Now())
	if step <= after {
		step = after + 1 // one step early is good
	}
	code, err := totp.Code(secret, step)
	if err != nil {
		b.t.Fatal(err)
	}
	return code, step
}

// An authenticator app and backup codes with <UserProfile/>, and both as the
// second step of <SignIn/>.
func TestAuthenticatorApp(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 422")
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.click("button|Add two-step verification")
	b.click("[role=menuitem]|Authenticator")
	b.click("button|Can’t scan")
	b.until("the secret is shown", `[...document.querySelectorAll("input")].some(i => /^[A-Z2-7]{32}$/.test(i.value))`)
	secret, err := base32.StdEncoding.DecodeString(b.text(`[...document.querySelectorAll("input")].find(i => /^[A-Z2-7]{32}$/.test(i.value)).value`))
	if err != nil {
		t.Fatal(err)
	}
	b.click(primary + "|Continue")
	code, step := b.appCode(secret, 0)
	b.enterCode(code)
	b.see(".cl-profilePage__mfa, .cl-modalContent, .cl-userProfile-root")
	b.until("it is on", "Clerk.user.totpEnabled && Clerk.user.twoFactorEnabled && Clerk.user.backupCodeEnabled")
	b.click(primary + "|Finish")
	b.see(".cl-profileSection__mfa|Authenticator")

	codes := strings.Fields(b.text(`Clerk.user.createBackupCode().then(r => r.codes.join(" "))`))
	if len(codes) != 10 {
		b.fail("backup codes %q", codes)
	}

	c := open(t, h)
	c.expect("response 422")
	c.signIn("ada@example.com", password)
	c.see("input[data-input-otp]")
	code, step = b.appCode(secret, step)
	c.enterCode(other(code))
	c.see(".cl-otpCodeFieldErrorText, .cl-formFieldErrorText")
	c.enterCode(code)
	c.at("/")
	c.isSignedIn(u.ID)

	d := open(t, h)
	d.signIn("ada@example.com", password)
	d.see("input[data-input-otp]")
	d.click("a|Use another method")
	d.click("button|backup code")
	d.fill("input[name=code]", codes[2])
	d.click(primary)
	d.at("/")
	d.isSignedIn(u.ID)

	b.expect("response 401") // taking the app away ends the other sessions
	b.visit("/user#/security")
	b.text(`Clerk.user.disableTOTP().then(() => 0)`)
	b.until("it is off", "!Clerk.user.twoFactorEnabled")
}

// Passkeys with <UserProfile/>, and <SignIn/> by the button and by the list that
// the field of the identifier offers.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	h := passkeyHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.goTo("/blank")
	b.device()
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.click(".cl-profileSectionPrimaryButton__passkeys")
	b.see(".cl-profileSection__passkeys|Chrome")
	b.until("one is there", "Clerk.user.passkeys.length === 1 && Clerk.user.passkeys[0].verification.status === 'verified'")
	b.text(`Clerk.user.passkeys[0].update({name: "My laptop"}).then(() => 0)`)
	b.until("it has its name", `Clerk.user.passkeys[0].name === "My laptop"`)

	b.signOut("", 0)
	b.goTo("/sign-in")
	b.at("/") // the device chooses from the list by itself
	b.isSignedIn(u.ID)

	off := open(t, passkeyHost(t, set(func(s *settings.Settings) { s.Passkeys.AllowAutofill = false })))
	v := off.h.person(t, "bob@example.com")
	off.goTo("/blank")
	off.device()
	off.arrive(v.ID, 0)
	off.visit("/")
	off.until("clerk-js knows the user", "Clerk.user?.id === "+quote(v.ID))
	off.text(`Clerk.user.createPasskey().then(() => 0)`)
	off.signOut("", 0)
	off.visit("/sign-in")
	off.see("input[name=identifier]")
	for range 5 { // a page that is being drawn may not hear the first click
		off.click("a|Use passkey")
		if off.asked("/sign_ins", 40) {
			break
		}
	}
	off.at("/")
	off.isSignedIn(v.ID)
	off.visit("/")
	off.text(`Clerk.user.passkeys[0].delete().then(() => 0)`)
	off.until("it is gone", "Clerk.user.passkeys.length === 0")
}

// withPasskey is a browser in which somebody is signed in and has added a passkey
// on usher's own pages.
func withPasskey(t *testing.T, h *host, userID string) *browser {
	b := open(t, h)
	b.goTo("/blank")
	b.device()
	b.arrive(userID, 0)
	b.goTo("/auth/user")
	b.click("button|Add a passkey")
	b.see("[role=status]|passkey has been added")
	return b
}

// The same on usher's own pages.
func TestPasskeysOnPages(t *testing.T) {
	t.Parallel()
	h := passkeyHost(t)
	u := h.person(t, "ada@example.com")
	b := withPasskey(t, h, u.ID)
	b.see("#h-passkeys ~ ul|Chrome")
	b.click("#h-passkeys ~ ul summary|Rename")
	b.fill("input[name=passkey_name]", "My laptop")
	b.click("#h-passkeys ~ ul button|Save name")
	b.see("#h-passkeys ~ ul|My laptop")

	b.goTo("/auth/sign-out")
	b.click("button|Sign out")
	b.at("/")
	b.goTo("/auth/sign-in")
	b.at("/") // the device chooses from the list by itself
	b.goTo("/private")
	if got := b.see("#private"); got != u.ID {
		b.fail("the private page sees %q", got)
	}

	b.listOff()
	b.goTo("/auth/sign-out")
	b.click("button|Sign out")
	b.at("/")
	b.goTo("/auth/sign-in")
	b.click("button|Sign in with a passkey")
	b.at("/")
	b.goTo("/auth/user")
	b.click("button|Remove My laptop")
	b.see("[role=status]|passkey has been removed")
	b.goTo("/auth/sign-out")
	b.click("button|Sign out")
	b.at("/")
	b.expect("response 404")
	b.goTo("/auth/sign-in")
	b.click("button|Sign in with a passkey")
	b.see("[role=alert]|not registered") // the device still offers it
}

// A step-up on usher's own pages is done with a passkey.
func TestStepUpWithPasskeyOnPages(t *testing.T) {
	t.Parallel()
	h := passkeyHost(t)
	u := h.person(t, "ada@example.com")
	b := withPasskey(t, h, u.ID)
	b.arrive(u.ID, time.Hour)
	b.goTo("/auth/user")
	b.click("summary|Add an email address")
	b.fill("input[name=email_address]", "second@example.com")
	b.click("button|Add address")
	b.at("/auth/verify")
	b.click("button|Confirm with a passkey")
	b.at("/auth/user")
	b.click("summary|Add an email address")
	b.fill("input[name=email_address]", "second@example.com")
	b.click("button|Add address")
	b.at("/auth/user/emails/verify")
}

// An account that never has a password, by usher's own pages.
func TestSignUpWithPasskeyOnPages(t *testing.T) {
	t.Parallel()
	h := passkeyHost(t, set(func(s *settings.Settings) { s.Passkeys.SignUp = true }))
	b := open(t, h)
	b.goTo("/blank")
	b.device()
	b.goTo("/auth/sign-up")
	b.fill("input[name=email_address]", "ada@example.com")
	b.click("button|Use a passkey, no password")
	b.click("button|Create a passkey")
	b.fill("input[name=code]", h.Mail.Code(t, "ada@example.com", 1))
	b.click("button.main")
	b.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil || u.PasswordEnabled || len(u.Passkeys) != 1 {
		b.fail("the user is %+v, %v", u, err)
	}
	b.listOff()
	b.goTo("/auth/sign-out")
	b.click("button|Sign out")
	b.at("/")
	b.goTo("/auth/sign-in")
	b.click("button|Sign in with a passkey")
	b.at("/")
	b.goTo("/private")
	if got := b.see("#private"); got != u.ID {
		b.fail("the private page sees %q", got)
	}
}
