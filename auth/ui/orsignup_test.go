package ui_test

import (
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/settings"
)

func orSignUp(s *settings.Settings) {
	phones(s)
	s.Username.Enabled = false
	s.SignIn.OrSignUp, s.Password.Required = true, false
	s.EmailAddress.Strategies = []string{"email_code", "email_link"}
}

// One page for both. Until the code is typed in, it is the same for somebody and
// for nobody, whether or not accounts are hidden otherwise.
func TestSignInOrUp(t *testing.T) {
	for _, protection := range []string{settings.EnumerationOff, settings.EnumerationStrict} {
		for known, unknown := range map[string]string{ada: "eve@example.com", adasPhone: "+14155552672"} {
			w := newWorld(t, setup{settings: func(s *settings.Settings) { orSignUp(s); s.Protection.Enumeration = protection }})
			w.person(ada)
			w.phonePerson()
			asked := map[string]string{}
			for _, who := range []string{known, unknown} {
				v := w.visitor(t)
				v.get("/auth/sign-in?redirect_url=/private")
				v.submit("Continue", "identifier", who)
				v.at("/auth/sign-in/code", 200)
				asked[who] = strings.ReplaceAll(text(v.doc), who, "")
				v.submit("Continue", "code", "000000x")
				v.at("/auth/sign-in/code", 422)
				v.submit("Continue", "code", w.code(who))
				if who == known {
					v.at("/private", 200)
					continue
				}
				v.at("/auth/sign-in/new", 200)
				if !strings.Contains(text(v.doc), who) {
					t.Errorf("the page: %s", text(v.doc))
				}
				v.get("/auth/sign-in/code?redirect_url=/private") // there is no way back
				v.at("/auth/sign-in/new", 200)
				v.submit("Create an account")
				v.at("/private", 200)
				if u, err := w.engine.Users().ByIdentifier(t.Context(), who); err != nil || v.body != "/private "+u.ID {
					t.Errorf("%v %v %s", u, err, v.body)
				}
			}
			if asked[known] != asked[unknown] {
				t.Errorf("the page for somebody:\n%s\nfor nobody:\n%s", asked[known], asked[unknown])
			}
		}
	}
}

// Who has a password says so, and signs in with it.
func TestSignInOrUpWithPassword(t *testing.T) {
	w := newWorld(t, setup{settings: orSignUp})
	w.person(ada)
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.at("/auth/sign-in/code", 200)
	v.submit("Use a password")
	v.at("/auth/sign-in/password", 200)
	v.submit("Continue", "password", secret)
	v.at("/private", 200)
}

// A link does as well as a code; and what is missing beside the address is asked
// for, without it being proved again.
func TestSignInOrUpByLinkAsksForMore(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		orSignUp(s)
		s.Password.Required = true
		s.EmailAddress.Strategies = []string{"email_link"}
	}})
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.at("/auth/sign-in/link", 200)
	v.submit("I have opened it")
	v.at("/auth/sign-in/link", 400)
	v.get(w.link(ada))
	v.at("/auth/sign-in/new", 200)
	v.submit("Create an account")
	v.at("/auth/sign-up/continue", 200)
	v.submit("Continue", "password", secret)
	v.at("/private", 200)
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || !u.EmailAddresses[0].Verified || !u.PasswordEnabled {
		t.Errorf("%+v %v", u, err)
	}
}

// Where sign-ups are closed, the page is for signing in alone.
func TestSignInOrUpClosed(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { orSignUp(s); s.SignUp.Mode = settings.Restricted }})
	v := w.visitor(t)
	v.get("/auth/sign-in")
	v.submit("Continue", "identifier", ada)
	v.at("/auth/sign-in", 422)
}

// Who signs up this way shows to be a person where sign-ups ask for that.
func TestSignInOrUpCostsWork(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { orSignUp(s); s.Captcha.SignUp = true }})
	v := w.visitor(t)
	v.get("/auth/sign-in?redirect_url=/private")
	v.submit("Continue", "identifier", ada)
	v.submit("Continue", "code", w.code(ada))
	v.at("/auth/sign-in/new", 200)
	v.submit("Create an account")
	v.at("/auth/sign-up/social/transfer", 400)
	token, err := captcha.Solve(t.Context(), attribute(t, v.body, "data-work"))
	if err != nil {
		t.Fatal(err)
	}
	v.submit("Create an account", "captcha_token", token)
	v.at("/private", 200)
}
