package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

const adasPhone = "+14155552671"

// phones switches phone numbers and usernames on.
func phones(s *settings.Settings) {
	s.PhoneNumber = settings.PhoneCodes()
	s.Phones.SecondFactor = true
	s.Username.Enabled = true
	s.EmailAddress.Required = false
}

// One field takes an address or a number; the code comes by text message.
func TestSignUpByPhone(t *testing.T) {
	w := newWorld(t, setup{settings: phones})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	for _, bad := range []string{"nonsense", "+1 555", "@"} {
		v.submit("Continue", "email_address_or_phone_number", bad, "password", secret)
		if v.at("/auth/sign-up", 422); v.fieldError("email_address_or_phone_number") == "" {
			t.Errorf("%q: nothing beside the field", bad)
		}
	}
	v.submit("Continue", "email_address_or_phone_number", "+44 20 7946 0958", "password", secret)
	if v.at("/auth/sign-up", 403); !strings.Contains(v.fieldError("email_address_or_phone_number"), "not supported") {
		t.Errorf("beside the field: %q", v.fieldError("email_address_or_phone_number"))
	}
	v.submit("Continue", "email_address_or_phone_number", "(415) 555-2671", "username", "root", "password", secret)
	if v.at("/auth/sign-up", 422); !strings.Contains(v.fieldError("username"), "taken") {
		t.Errorf("beside the field: %q", v.fieldError("username"))
	}
	v.submit("Continue", "email_address_or_phone_number", "(415) 555-2671", "username", "Ada_L", "password", secret)
	v.at("/auth/sign-up/verify", 200)
	if !strings.Contains(text(v.doc), adasPhone) || !strings.Contains(text(v.doc), "Verify your phone number") {
		t.Errorf("the page: %s", text(v.doc))
	}
	v.submit("Continue", "code", "000000x")
	v.at("/auth/sign-up/verify", 422)
	w.code(adasPhone) // the first one arrives
	w.advance(time.Minute)
	v.submit("Send a new code")
	v.submit("Continue", "code", w.code(adasPhone))
	v.at("/private", 200)
	u, err := w.engine.Users().ByIdentifier(t.Context(), "ada_l")
	if err != nil || !u.PhoneNumbers[0].Verified || v.body != "/private "+u.ID {
		t.Errorf("%+v %v %s", u, err, v.body)
	}
}

// Whoever gives both proves both, one after the other.
func TestSignUpByBoth(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { phones(s); s.EmailAddress.Required = true }})
	v := w.visitor(t)
	v.get("/auth/sign-up?redirect_url=/private")
	v.submit("Continue", "email_address", ada, "phone_number", adasPhone, "password", secret)
	v.submit("Continue", "code", w.code(ada))
	v.at("/auth/sign-up/verify", 200)
	v.submit("Continue", "code", w.code(adasPhone))
	v.at("/private", 200)
}

// phonePerson makes somebody with a number and a username.
func (w *world) phonePerson() *user.User {
	w.t.Helper()
	u, err := w.engine.Users().Create(w.t.Context(), user.CreateParams{PhoneNumbers: []string{adasPhone}, Username: "ada_l", Password: secret})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func TestSignInByPhone(t *testing.T) {
	w := newWorld(t, setup{settings: phones})
	w.phonePerson()
	for _, identifier := range []string{"(415) 555-2671", "ADA_L"} {
		v := w.visitor(t)
		v.get("/auth/sign-in")
		if !strings.Contains(text(v.doc), "Email address, phone number or username") {
			t.Errorf("the page: %s", text(v.doc))
		}
		v.submit("Continue", "identifier", "nobody_here")
		if v.at("/auth/sign-in", 422); !strings.Contains(v.fieldError("identifier"), "phone number or username") {
			t.Errorf("beside the field: %q", v.fieldError("identifier"))
		}
		v.submit("Continue", "identifier", identifier)
		v.at("/auth/sign-in/password", 200)
		v.submit("Use a text message instead")
		v.at("/auth/sign-in/code", 200)
		if shown := strings.Contains(text(v.doc), adasPhone); shown != (identifier != "ADA_L") {
			t.Errorf("%s: the number is shown: %v", identifier, shown)
		}
		v.submit("Continue", "code", "000000x")
		if v.at("/auth/sign-in/code", 422); !strings.Contains(v.fieldError("code"), "not right") {
			t.Errorf("beside the field: %q", v.fieldError("code"))
		}
		v.submit("Continue", "code", w.code(adasPhone))
		v.at("/", 200)
		w.advance(time.Minute)
	}
	v := w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", "ada_l")
	v.submit("Forgot password?")
	v.submit("Continue", "code", w.code(adasPhone))
	v.at("/auth/sign-in/new-password", 200)
}

// A telephone is added, verified and made a second factor; then a sign-in needs
// a code as well, and a backup code will do.
func TestPhoneOnTheAccountPage(t *testing.T) {
	w := newWorld(t, setup{settings: phones})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.submit("Save name", "username", "ab")
	if v.at("/auth/user/profile", 422); !strings.Contains(v.fieldError("username"), "4 to 64") {
		t.Errorf("beside the field: %q", v.fieldError("username"))
	}
	v.submit("Save name", "username", "ada_l")
	v.at("/auth/user", 200)
	v.submit("Add number", "phone_number", "12")
	if v.at("/auth/user/phones", 422); !strings.Contains(v.fieldError("phone_number"), "country code") {
		t.Errorf("beside the field: %q", v.fieldError("phone_number"))
	}
	v.submit("Add number", "phone_number", "415 555 2671")
	v.at("/auth/user/phones/verify", 200)
	v.submit("Send a new code")
	v.at("/auth/user/phones/send", 429)
	v.submit("Verify", "code", "000000x")
	v.at("/auth/user/phones/verify", 422)
	v.submit("Verify", "code", w.code(adasPhone))
	if v.at("/auth/user", 200); !strings.Contains(v.notice(), "verified") {
		t.Errorf("notice %q", v.notice())
	}
	v.submit("Ask for a code at sign-in: " + adasPhone)
	v.at("/auth/user/phones/second", 200)
	codes := all(v.doc, "code")
	if len(codes) == 0 {
		t.Fatal("no backup codes")
	}

	o := w.visitor(t)
	o.get("/auth/sign-in")
	o.submit("Continue", "identifier", "ada_l")
	o.submit("Continue", "password", secret)
	o.at("/auth/sign-in/sms", 200)
	for _, path := range []string{"/auth/user", "/auth/sign-in/password", "/auth/sign-in/app"} {
		o.get(path)
		if o.url.Path == path {
			t.Errorf("%s is open between the factors", path)
		}
	}
	o.get("/auth/sign-in/sms")
	o.submit("Continue", "code", "000000x")
	o.at("/auth/sign-in/sms", 422)
	o.submit("Send a new code to " + adasPhone)
	o.at("/auth/sign-in/sms/send", 429)
	w.code(adasPhone) // the first one arrives
	w.advance(time.Minute)
	o.submit("Send a new code to " + adasPhone)
	if o.at("/auth/sign-in/sms", 200); o.notice() == "" {
		t.Error("nothing says that another one is on its way")
	}
	o.submit("Continue", "code", w.code(adasPhone))
	o.at("/", 200)

	p := w.visitor(t)
	w.advance(time.Minute)
	p.get("/auth/sign-in")
	p.submit("Continue", "identifier", ada)
	p.submit("Continue", "password", secret)
	p.follow("Use a backup code")
	p.submit("Continue", "code", text(codes[0]))
	p.at("/", 200)

	w.advance(10 * time.Minute)
	v.get("/auth/user")
	v.submit("No code at sign-in: " + adasPhone)
	v.at("/auth/verify", 200) // the second factor has not been shown here lately
	w.advance(time.Minute)
	v.submit("Confirm", "password", secret)
	v.submit("Send a code to my phone")
	v.submit("Confirm with the code", "code", w.code(adasPhone))
	v.at("/auth/user", 200)
	v.submit("No code at sign-in: " + adasPhone)
	v.at("/auth/user", 200)
	v.submit("Remove " + adasPhone)
	if v.at("/auth/user", 200); strings.Contains(text(v.doc), adasPhone) {
		t.Error("the number is still there")
	}
	w.signedIn(t, ada) // with one factor
}
