package auth_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

const adasPhone = "+14155552671"

// phones switches phone numbers on.
func phones(c *auth.Config) {
	c.Settings.PhoneNumber = settings.PhoneCodes()
	c.Settings.Phones.SecondFactor = true
	c.Settings.EmailAddress.Required = false
}

// smsNeeded shows that text messages go to the sender of the configuration, and
// that without it the instance does not start and says why.
func smsNeeded(t *testing.T) {
	i := start(t, phones)
	if _, body := post(t, i, "/__clerk/v1/client/sign_ups", url.Values{"phone_number": {"(415) 555-2671"}, "password": {goodPassword}, "strategy": {"phone_code"}}.Encode()); !strings.Contains(body, adasPhone) {
		t.Error(body)
	}
	if m := i.Mail.Wait(t, adasPhone, 1); !strings.Contains(m.Text, m.Data.OTPCode) || m.Data.OTPCode == "" {
		t.Errorf("the text message: %q", m.Text)
	}
	c := auth.Config{Store: memory.New(), URL: "https://app.example.com", Settings: authtest.Settings(), Mailer: i.Mail}
	phones(&c)
	_, err := auth.New(t.Context(), c)
	if e, ok := errors.AsType[*settings.FieldError](err); !ok || e.Field != "phone_number.verifications" {
		t.Errorf("without it: %v", err)
	}
	c.URL, c.Mailer = "", nil // the development inbox is a telephone as well
	if _, err := auth.New(t.Context(), c); err != nil {
		t.Errorf("with the inbox: %v", err)
	}
}

// The host makes people with numbers and usernames, and finds them by either.
func TestUsersWithPhonesAndUsernames(t *testing.T) {
	t.Parallel()
	i := start(t, phones, func(c *auth.Config) { c.Settings.Username.Enabled = true })
	ctx, us := t.Context(), i.Users()
	u, err := us.Create(ctx, user.CreateParams{PhoneNumbers: []string{"415 555 2671"}, Username: "Support", Password: goodPassword})
	if err != nil || u.Identifier() != adasPhone || !u.PhoneNumbers[0].Verified {
		t.Fatalf("%+v %v", u, err)
	}
	for _, identifier := range []string{adasPhone, "+1 (415) 555-2671", "SUPPORT"} {
		if got, err := us.ByIdentifier(ctx, identifier); err != nil || got.ID != u.ID {
			t.Errorf("%s: %v", identifier, err)
		}
	}
	second, err := us.AddPhoneNumber(ctx, u.ID, "+1 415 555 2672", true, true)
	if err != nil {
		t.Fatal(err)
	}
	if second, err = us.SetSecondFactor(ctx, u.ID, second.ID, true); err != nil || !second.SecondFactor || !second.DefaultSecond {
		t.Errorf("second factor: %+v %v", second, err)
	}
	name := "ada_l"
	if u, err = us.Update(ctx, u.ID, user.UpdateParams{Username: &name, PrimaryPhoneNumberID: &u.PhoneNumbers[0].ID}); err != nil || u.Username != name || u.PrimaryPhoneNumberID != u.PhoneNumbers[0].ID {
		t.Errorf("update: %+v %v", u, err)
	}
	for what, p := range map[string]user.CreateParams{
		"number taken": {PhoneNumbers: []string{adasPhone}}, "username taken": {Username: "ADA_L"}, "no number": {PhoneNumbers: []string{"12"}}, "no username": {Username: "a b c d"},
	} {
		p.SkipPasswordRequirement = true
		if _, err := us.Create(ctx, p); err == nil {
			t.Errorf("%s: made", what)
		} else if e, ok := errors.AsType[*auth.Error](err); !ok || e.Code == "internal_clerk_error" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := us.DeletePhoneNumber(ctx, u.ID, second.ID); err != nil {
		t.Error(err)
	}
	if u, err = us.Get(ctx, u.ID); err != nil || len(u.PhoneNumbers) != 1 || u.TwoFactorEnabled() {
		t.Errorf("after deletion: %+v %v", u.PhoneNumbers, err)
	}
}
