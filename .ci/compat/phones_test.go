package compat

import (
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

const adasPhone = "+14155552671"

// phones switches phone numbers and usernames on.
func phones(s *settings.Settings) {
	s.PhoneNumber = settings.PhoneCodes()
	s.Phones.SecondFactor, s.Username.Enabled = true, true
	s.EmailAddress.Required = false
	s.Reverification.Enabled = false // has tests of its own
}

// phonePerson makes a user with a number, a username and a password.
func (h *host) phonePerson(t *testing.T) *user.User {
	t.Helper()
	u, err := h.Users().Create(t.Context(), user.CreateParams{PhoneNumbers: []string{adasPhone}, Username: "ada_l", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// number types a phone number, which the field spaces as it is usual.
func (b *browser) number(text string) {
	b.t.Helper()
	b.typeInto("input[type=tel]", text)
	b.until("the number is there", find("input[type=tel]")+`?.value.replace(/\D/g, "").endsWith("4155552671")`)
}

// <SignUp/> with a phone number in place of an address: the code comes by text
// message.
func TestSignUpByPhone(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	b := open(t, h)
	b.expect("response 422")
	b.visit("/sign-up")
	b.click("a|Use phone")
	b.number("4155552671")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see("input[data-input-otp]")
	code := h.Mail.Code(t, adasPhone, 1)
	b.enterCode(other(code))
	b.see(".cl-otpCodeFieldErrorText, .cl-formFieldErrorText")
	b.enterCode(code)
	b.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), adasPhone)
	if err != nil {
		t.Fatal(err)
	}
	b.isSignedIn(u.ID)
	b.visit("/")
	b.until("the number is verified", `Clerk.user?.primaryPhoneNumber?.verification?.status === "verified"`)
}

// <SignUp/> that asks for a username beside the address.
func TestSignUpWithUsername(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones), set(func(s *settings.Settings) {
		s.EmailAddress.Required, s.Username.Required = true, true
		s.PhoneNumber = settings.Attribute{}
		s.Phones.SecondFactor = false
	}))
	b := open(t, h)
	b.expect("response 422")
	b.visit("/sign-up")
	b.fill("input[name=username]", "root")
	b.fill("input[name=emailAddress]", "ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see(".cl-formFieldErrorText|taken")
	b.fill("input[name=username]", "ada_l")
	b.click(primary)
	b.code("ada@example.com", 1)
	b.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), "ADA_L")
	if err != nil {
		t.Fatal(err)
	}
	b.isSignedIn(u.ID)
}

// <SignIn/> by phone number with a code, and by username with a password.
func TestSignInByPhone(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	u := h.phonePerson(t)
	b := open(t, h)
	b.visit("/sign-in")
	b.click("a|Use phone")
	b.number("4155552671")
	b.click(primary)
	b.click("a|Use another method")
	b.click("button|Send SMS code")
	b.code(adasPhone, 1)
	b.at("/")
	b.isSignedIn(u.ID)
}

func TestSignInByUsername(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	u := h.phonePerson(t)
	b := open(t, h)
	b.signIn("Ada_L", password)
	b.at("/")
	b.isSignedIn(u.ID)
}

// <SignIn/> with a number as the second factor, and what <UserProfile/> shows
// and does: another number, the second factor off, the username.
func TestSecondFactorByPhone(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	u := h.phonePerson(t)
	if _, err := h.Users().SetSecondFactor(t.Context(), u.ID, u.PhoneNumbers[0].ID, true); err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.expect("response 422")
	b.signIn("ada_l", password)
	b.see("input[data-input-otp]")
	code := h.Mail.Code(t, adasPhone, 1)
	b.enterCode(other(code))
	b.see(".cl-otpCodeFieldErrorText, .cl-formFieldErrorText")
	b.enterCode(code)
	b.at("/")
	b.isSignedIn(u.ID)
}

// <UserProfile/>: a number is added, verified and made a second factor, and the
// username is changed.
func TestPhonesInTheProfile(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user")
	b.click(".cl-profileSectionPrimaryButton__username")
	b.fill("input[name=username]", "ada_l")
	b.click(primary + "|Save")
	b.see(".cl-profileSection__username|ada_l")
	b.click(".cl-profileSectionPrimaryButton__phoneNumbers")
	b.number("4155552671")
	b.click(primary + "|Add")
	b.code(adasPhone, 1)
	b.see(".cl-profileSection__phoneNumbers|555")
	b.until("it is verified", `Clerk.user.phoneNumbers[0]?.verification.status === "verified"`)
	b.text(`Clerk.user.phoneNumbers[0].setReservedForSecondFactor({reserved: true}).then(p => p.backupCodes.length > 0 ? 0 : Promise.reject("no backup codes"))`)
	b.until("there is a second factor", `Clerk.user.twoFactorEnabled && Clerk.user.phoneNumbers[0].defaultSecondFactor`)
	if by, err := h.Users().ByIdentifier(t.Context(), adasPhone); err != nil || by.ID != u.ID || by.Username != "ada_l" || !by.PhoneNumbers[0].SecondFactor {
		b.fail("the number is %+v's, %v", by, err)
	}
	b.visit("/user#/security")
	b.see(".cl-profileSection__mfa|SMS")
}

// <UserProfile/>: a number that is there becomes a second factor by clicks, a new
// one too, which becomes the default and is taken away again.
func TestSecondFactorBySMSInTheProfile(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(phones))
	u := h.person(t, "ada@example.com")
	if _, err := h.Users().AddPhoneNumber(t.Context(), u.ID, adasPhone, true, false); err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.click("button|Add two-step verification")
	b.click("[role=menuitem]|SMS")
	b.click("button|555")
	b.until("it is a second factor", `Clerk.user.twoFactorEnabled && Clerk.user.phoneNumbers[0].reservedForSecondFactor && Clerk.user.backupCodeEnabled`)
	b.see("p|Save these backup codes")
	b.click(primary + "|Finish")
	b.gone(primary)
	b.see(".cl-profileSection__mfa|SMS")

	b.click("button|Add two-step verification")
	b.click("[role=menuitem]|SMS")
	b.click("button|Add phone number")
	b.typeInto("input[type=tel]", "4155552672")
	b.click(primary + "|Add")
	b.code("+14155552672", 1)
	b.until("the new one is a second factor too", `Clerk.user.phoneNumbers.filter(p => p.reservedForSecondFactor).length === 2`)
	b.click(primary + "|Finish")
	b.gone(primary)

	// The second number becomes the default, which is shown first; the other one is
	// taken away.
	menu := func(item string) {
		t.Helper()
		b.click(".cl-profileSection__mfa .cl-profileSectionItem__mfa:nth-child(2) .cl-menuButtonEllipsis")
		b.click("[role=menuitem]|" + item)
	}
	menu("Set as default")
	b.until("it is the default", `Clerk.user.phoneNumbers.find(p => p.phoneNumber.endsWith("2672")).defaultSecondFactor`)
	menu("Remove")
	b.click(primary + "|Remove")
	b.until("one is left", `Clerk.user.phoneNumbers.filter(p => p.reservedForSecondFactor).length === 1`)
	got, err := h.Users().Get(t.Context(), u.ID)
	if err != nil || len(got.PhoneNumbers) != 2 || got.PhoneNumbers[0].SecondFactor || !got.PhoneNumbers[1].DefaultSecond || !got.TwoFactorEnabled() {
		b.fail("%+v %v", got, err)
	}
}
