package ui_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
)

// open opens the link of a ticket.
func (v *visitor) open(link string) {
	v.t.Helper()
	v.get(strings.TrimPrefix(link, v.base))
}

func (w *world) invite(t *testing.T, address string) engine.Invited {
	t.Helper()
	made, err := w.engine.Invitations().Create(t.Context(), engine.InvitationParams{EmailAddress: address, Quiet: true, Origin: w.srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return made[0]
}

// A sign-in link asks for one click; used once, it says so.
func TestSignInTicketPage(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	_, wire, err := w.engine.SignInTokens().Create(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	link := w.engine.TicketURL(w.srv.URL, wire)
	v := w.visitor(t)
	for range 2 { // looking at it uses nothing
		v.open(link)
		v.at("/auth/sign-in", 200)
		if !strings.Contains(text(v.doc), ada) || v.cookie("__client") != "" {
			t.Errorf("the page says %q", text(v.doc))
		}
	}
	v.submit("Continue")
	v.at("/", 200)
	if v.body != "/ "+id {
		t.Errorf("the host sees %q", v.body)
	}
	other := w.visitor(t)
	other.open(link)
	other.at("/auth/sign-in", 400)
	if !strings.Contains(other.alert(), "already been used") {
		t.Errorf("used: %q", other.alert())
	}
	other.get("/auth/sign-in?__clerk_ticket=" + url.QueryEscape(wire[:len(wire)-4]+"AAAA"))
	if other.at("/auth/sign-in", 400); !strings.Contains(other.alert(), "not valid") {
		t.Errorf("forged: %q", other.alert())
	}
}

// Who acts as somebody sees it on every page, and stops with one click. What
// only the user may do is refused.
func TestAttack_S16_Banner(t *testing.T) {
	w := newWorld(t, setup{})
	id := w.person(ada)
	_, wire, err := w.engine.ActorTokens().Create(t.Context(), id, json.RawMessage(`{"sub":"user_support"}`), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := w.visitor(t)
	v.open(w.engine.TicketURL(w.srv.URL, wire))
	if !strings.Contains(text(v.doc), "Act as Ada Lovelace?") {
		t.Errorf("the page says %q", text(v.doc))
	}
	v.submit("Continue")
	if v.body != "/ "+id {
		t.Fatalf("the host sees %q", v.body)
	}
	for _, page := range []string{"/auth/user", "/auth/sign-in", "/auth/sign-up", "/auth/sign-out", "/auth/waitlist/done"} {
		if v.get(page); !strings.Contains(text(v.doc), "You are acting as Ada Lovelace") {
			t.Errorf("%s does not say who acts: %q", page, text(v.doc))
		}
	}
	v.get("/auth/user")
	v.post("/auth/user/password", url.Values{"current_password": {secret}, "new_password": {fresh}})
	if v.status != 403 || !strings.Contains(v.alert()+text(v.doc), "while you act as another user") {
		t.Errorf("a new password: %d %q", v.status, text(v.doc))
	}
	v.get("/auth/user")
	v.submit("Stop")
	v.at("/", 200)
	if v.body != "/ nobody" {
		t.Errorf("after the stop: %q", v.body)
	}
	if v.get("/auth/sign-in"); strings.Contains(text(v.doc), "acting") {
		t.Error("the banner is still there")
	}
	plain := w.signedIn(t, ada)
	if plain.get("/auth/user"); strings.Contains(text(plain.doc), "acting") {
		t.Error("the user acts as the user")
	}
}

// An invitation opens a closed sign-up, for the address that was invited.
func TestInvitationPage(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.SignUp.Mode = settings.Restricted }})
	v := w.visitor(t)
	if v.get("/auth/sign-up"); !strings.Contains(text(v.doc), "Sign-up is closed") {
		t.Errorf("%q", text(v.doc))
	}
	inv := w.invite(t, "guest@example.com")
	v.open(inv.URL)
	v.at("/auth/sign-up", 200)
	v.submit("Continue", "password", "short")
	v.at("/auth/sign-up", 422)
	v.submit("Continue", "password", secret)
	v.at("/", 200)
	u, err := w.engine.Users().ByIdentifier(t.Context(), "guest@example.com")
	if err != nil || v.body != "/ "+u.ID || !u.EmailAddresses[0].Verified {
		t.Errorf("%v, the host sees %q", err, v.body)
	}
	// Another address in the form is not the one that was invited.
	inv = w.invite(t, "other@example.com")
	x := w.visitor(t)
	x.post("/auth/sign-up", url.Values{"ticket": {inv.Token}, "email_address": {"mallory@example.com"}, "password": {secret}})
	if _, err := w.engine.Users().ByIdentifier(t.Context(), "mallory@example.com"); err == nil {
		t.Error("mallory is in")
	}
	// Used and withdrawn ones say so.
	y := w.visitor(t)
	y.open(inv.URL)
	if !strings.Contains(y.alert()+text(y.doc), "already been accepted") {
		t.Errorf("used: %q", text(y.doc))
	}
	// In an open instance, one that is too old leads to the ordinary form.
	if err := w.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.SignUp.Mode = settings.Public; return nil }); err != nil {
		t.Fatal(err)
	}
	late := w.invite(t, "late@example.com")
	w.advance(31 * 24 * time.Hour)
	z := w.visitor(t)
	z.open(late.URL)
	if z.at("/auth/sign-up", 400); !strings.Contains(z.alert(), "expired") {
		t.Errorf("late: %q", z.alert())
	}
	z.submit("Continue", "email_address", "late@example.com", "password", secret)
	z.at("/auth/sign-up/verify", 200)
}

func TestWaitlistPage(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.SignUp.Mode = settings.Waitlist }})
	v := w.visitor(t)
	v.get("/auth/sign-up")
	v.at("/auth/waitlist", 200)
	v.submit("Join the waitlist", "email_address", "ada")
	v.at("/auth/waitlist", 422)
	for range 2 {
		v.get("/auth/waitlist")
		v.submit("Join the waitlist", "email_address", ada)
		v.at("/auth/waitlist/done", 200)
	}
	list, n, err := w.engine.Waitlist().List(t.Context(), access.WaitlistFilter{}, 0, 0)
	if err != nil || n != 1 || list[0].EmailAddress != ada {
		t.Errorf("%v %d %v", list, n, err)
	}
	open := newWorld(t, setup{}).visitor(t)
	open.get("/auth/waitlist")
	open.at("/auth/sign-up", 200)
}

func TestLegalPage(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Legal = settings.Legal{Consent: true, TermsURL: "/terms"} }})
	v := w.visitor(t)
	v.get("/auth/sign-up")
	if !strings.Contains(v.body, `href="/terms"`) {
		t.Error("no link to the terms")
	}
	v.submit("Continue", "email_address", ada, "password", secret)
	if v.at("/auth/sign-up", 422); !strings.Contains(v.alert()+text(v.doc), "Tick the box") {
		t.Errorf("%q", text(v.doc))
	}
	v.submit("Continue", "email_address", ada, "password", secret, "legal_accepted", "true")
	v.at("/auth/sign-up/verify", 200)
	v.submit("Continue", "code", w.code(ada))
	u, err := w.engine.Users().ByIdentifier(t.Context(), ada)
	if err != nil || u.LegalAcceptedAt.IsZero() {
		t.Errorf("%v", err)
	}
}

// attribute is the value of an attribute in the page's text.
func attribute(t *testing.T, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, name+`="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		t.Fatalf("no %s on the page", name)
	}
	return value
}

// Where people show that they are no programs, the page brings the task and
// the script, and takes the answer once.
func TestWorkPage(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) { s.Captcha.SignUp, s.Captcha.SignIn = true, true }})
	v := w.visitor(t)
	v.get("/auth/sign-up")
	if csp := v.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'nonce-") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	v.submit("Continue", "email_address", ada, "password", secret)
	if v.at("/auth/sign-up", 400); !strings.Contains(v.alert(), "no program") {
		t.Errorf("%q", v.alert())
	}
	token, err := captcha.Solve(t.Context(), attribute(t, v.body, "data-work"))
	if err != nil {
		t.Fatal(err)
	}
	v.submit("Continue", "email_address", ada, "password", secret, "captcha_token", token)
	v.at("/auth/sign-up/verify", 200)
	x := w.visitor(t)
	x.get("/auth/sign-up")
	x.submit("Continue", "email_address", "eve@example.com", "password", secret, "captcha_token", token)
	x.at("/auth/sign-up", 400)
	x.get("/auth/sign-in")
	w.person("bob@example.com")
	x.submit("Continue", "identifier", "bob@example.com")
	x.at("/auth/sign-in", 400)
	if token, err = captcha.Solve(t.Context(), attribute(t, x.body, "data-work")); err != nil {
		t.Fatal(err)
	}
	x.submit("Continue", "identifier", "bob@example.com", "captcha_token", token)
	x.at("/auth/sign-in/password", 200)
	x.get("/auth/sign-in")
	if strings.Contains(x.body, "data-work") {
		t.Error("asked again")
	}
}

// An invitation's address is enough where an address or a number is.
func TestInvitationWithEitherOr(t *testing.T) {
	w := newWorld(t, setup{settings: func(s *settings.Settings) {
		s.SignUp.Mode = settings.Restricted
		s.EmailAddress.Required = false
		s.PhoneNumber = settings.Attribute{Enabled: true, Strategies: []string{"phone_code"}, Verifications: []string{"phone_code"}, VerifyAtSignUp: true}
	}})
	v := w.visitor(t)
	v.open(w.invite(t, "guest@example.com").URL)
	v.at("/auth/sign-up", 200)
	v.submit("Continue", "password", secret)
	v.at("/", 200)
}
