package compat

import (
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
)

func TestUserButton(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/button")
	b.click(".cl-userButtonTrigger")
	b.see(".cl-userButtonPopoverCard .cl-userPreview|ada@example.com")
	b.click("button|Manage account")
	b.see(".cl-profileSection__emailAddresses|ada@example.com")
	b.visit("/button")
	b.click(".cl-userButtonTrigger")
	b.click("button|Sign out")
	b.at("/")
	b.isSignedOut()
}

func TestUserProfile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user")

	b.click(".cl-profileSectionPrimaryButton__profile")
	b.fill("input[name=firstName]", "Ada")
	b.fill("input[name=lastName]", "Lovelace")
	b.click(primary + "|Save")
	b.see(".cl-profileSection__profile|Ada Lovelace")
	got, err := h.Users().Get(t.Context(), u.ID)
	if err != nil || got.FirstName != "Ada" || got.LastName != "Lovelace" {
		b.fail("the name is %+v, %v", got, err)
	}

	b.click(".cl-profileSectionPrimaryButton__emailAddresses")
	b.fill("input[name=emailAddress]", "countess@example.com")
	b.click(primary + "|Add")
	b.code("countess@example.com", 1)
	b.see(".cl-profileSection__emailAddresses|countess@example.com")
	b.until("it is verified", `Clerk.user.emailAddresses.find(e => e.emailAddress === "countess@example.com")?.verification.status === "verified"`)
	if by, err := h.Users().ByIdentifier(t.Context(), "countess@example.com"); err != nil || by.ID != u.ID {
		b.fail("the new address is %+v's, %v", by, err)
	}

	b.text(`Clerk.user.update({primaryEmailAddressId: Clerk.user.emailAddresses.find(e => e.emailAddress === "countess@example.com").id}).then(() => 0)`)
	b.text(`Clerk.user.emailAddresses.find(e => e.emailAddress === "ada@example.com").destroy().then(() => 0)`)
	b.until("one address is left", `Clerk.user.emailAddresses.length === 1 && Clerk.user.primaryEmailAddress.emailAddress === "countess@example.com"`)
	b.text(`Clerk.user.update({unsafeMetadata: {theme: "dark", deep: {a: [1, null, "x"]}}}).then(() => 0)`)
	b.until("the metadata is there", `JSON.stringify(Clerk.user.unsafeMetadata) === '{"deep":{"a":[1,null,"x"]},"theme":"dark"}' || JSON.stringify(Clerk.user.unsafeMetadata) === '{"theme":"dark","deep":{"a":[1,null,"x"]}}'`)
}

func TestProfileImage(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user")
	before := b.text("Clerk.user.imageUrl")
	b.until("the default picture loads", `fetch(Clerk.user.imageUrl).then(r => r.ok && r.headers.get("content-type").startsWith("image/"))`)
	b.text(`(async () => {
		const c = Object.assign(document.createElement("canvas"), {width: 64, height: 64})
		c.getContext("2d").fillRect(0, 0, 32, 64)
		const blob = await new Promise(r => c.toBlob(r, "image/png"))
		await Clerk.user.setProfileImage({file: new File([blob], "me.png", {type: "image/png"})})
		await Clerk.user.reload()
		return 0
	})()`)
	b.until("the picture is there", "Clerk.user.hasImage && Clerk.user.imageUrl !== "+quote(before))
	b.until("it loads", `fetch(Clerk.user.imageUrl).then(r => r.ok && r.headers.get("content-type").startsWith("image/"))`)
	// The page may show it once more in the moment in which it goes.
	b.expect("response 404 " + h.url + "/__clerk/img/")
	b.text(`Clerk.user.setProfileImage({file: null}).then(() => Clerk.user.reload()).then(() => 0)`)
	b.until("it is gone", "!Clerk.user.hasImage")
}

// Without step-ups, the current password is asked for.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	h := newHost(t, set(func(s *settings.Settings) { s.Reverification.Enabled = false }))
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 422")
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.click(".cl-profileSectionPrimaryButton__password")
	b.fill("input[name=currentPassword]", "wrong horse battery")
	b.fill("input[name=newPassword]", "another horse battery")
	b.fill("input[name=confirmPassword]", "another horse battery")
	b.click(primary + "|Save")
	b.see(".cl-formFieldErrorText|incorrect")
	b.fill("input[name=currentPassword]", password)
	b.click(primary + "|Save")
	b.gone("input[name=currentPassword]")
	if ok, err := h.Users().CheckPassword(t.Context(), u.ID, "another horse battery"); err != nil || !ok {
		b.fail("the new password is not the user's: %v", err)
	}
	b.visit("/")
	b.isSignedIn(u.ID)
}

func TestDevices(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	elsewhere := h.SignedIn(t, u)
	b := open(t, h)
	b.expect("response 401")
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.see(".cl-profileSection__activeDevices")
	b.until("both devices are listed", `document.querySelectorAll(".cl-activeDeviceListItem").length === 2`)
	b.click(".cl-profileSection__activeDevices button.cl-menuButton, .cl-profileSection__activeDevices .cl-menuButtonEllipsis")
	b.click("[role=menuitem]|Sign out of device")
	b.until("it is signed out", `fetch("/__clerk/v1/me/sessions/active").then(r => r.json()).then(l => l.length === 1)`)
	b.goTo("/blank")
	b.visit("/user#/security")
	b.until("one is left", `document.querySelectorAll(".cl-activeDeviceListItem").length === 1`)
	list, _, err := h.Sessions().List(t.Context(), session.Filter{UserID: u.ID, Status: session.Active}, 0, 0)
	if err != nil || len(list) != 1 {
		b.fail("%d sessions are left, %v", len(list), err)
	}
	res, err := elsewhere.Get(h.url + "/api/me")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("the other device is answered %d, want 401", res.StatusCode)
	}
	b.visit("/")
	b.isSignedIn(u.ID)
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user#/security")
	b.click(".cl-profileSectionPrimaryButton__danger")
	b.fill("input[name=deleteConfirmation]", "Delete account")
	b.click(primary + "|Delete account")
	b.at("/")
	b.isSignedOut()
	if _, err := h.Users().Get(t.Context(), u.ID); err == nil {
		t.Error("the account is still there")
	}
}
