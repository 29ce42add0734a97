package compat

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/actortoken"
	"github.com/clerk/clerk-sdk-go/v2/allowlistidentifier"
	"github.com/clerk/clerk-sdk-go/v2/blocklistidentifier"
	"github.com/clerk/clerk-sdk-go/v2/instancesettings"
	"github.com/clerk/clerk-sdk-go/v2/invitation"
	"github.com/clerk/clerk-sdk-go/v2/signintoken"
	"github.com/clerk/clerk-sdk-go/v2/testingtoken"
	"github.com/clerk/clerk-sdk-go/v2/waitlistentry"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/settings"
)

// mode puts the host into an access mode.
func mode(mode string) func(*auth.Config) {
	return func(c *auth.Config) { c.Settings.SignUp.Mode = mode }
}

// TestWaitlist: <Waitlist/> puts an address on the list, and <SignUp/> knows
// that there is one.
func TestWaitlist(t *testing.T) {
	t.Parallel()
	h := newHost(t, mode(settings.Waitlist))
	b := open(t, h)
	b.visit("/waitlist")
	b.fill("input[name=emailAddress]", "ada@example.com")
	b.click(primary)
	b.until("the list has the address", `document.body.innerText.includes("Thanks") || document.body.innerText.includes("waitlist")`)
	b.until("the form is gone", `!document.querySelector("input[name=emailAddress]")`)
	list, n, err := h.Waitlist().List(t.Context(), access.WaitlistFilter{}, 0, 0)
	if err != nil || n != 1 || list[0].EmailAddress != "ada@example.com" {
		b.fail("the waitlist has %v, %v", list, err)
	}
	if _, err := h.Waitlist().Invite(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	link := h.Mail.Wait(t, "ada@example.com", 2).Data.ActionURL
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	b.visit("/sign-up?__clerk_ticket=" + url.QueryEscape(u.Query().Get("ticket")))
	b.fill("input[name=password]", password)
	b.click(primary)
	b.at("/")
	ada, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil {
		b.fail("no user: %v", err)
	}
	b.isSignedIn(ada.ID)
}

// TestSignUpWithInvitation: the link of an invitation leads to <SignUp/>, which
// signs up whom it was sent to although nobody else may, and asks for consent.
func TestSignUpWithInvitation(t *testing.T) {
	t.Parallel()
	h := newHost(t, mode(settings.Restricted), func(c *auth.Config) {
		c.Settings.Legal = settings.Legal{Consent: true, TermsURL: "/terms", PrivacyURL: "/privacy"}
	})
	_, issued, err := h.Invitations().Create(t.Context(), auth.InvitationParams{EmailAddress: "guest@example.com", RedirectURL: "/sign-up",
		PublicMetadata: json.RawMessage(`{"plan":"pro"}`), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.expect("response 4")
	b.visit("/sign-up")
	b.until("sign-up is closed", `document.body.innerText.toLowerCase().includes("access restricted") || document.body.innerText.toLowerCase().includes("restricted")`)
	b.visit(strings.TrimPrefix(issued.URL, h.url))
	b.fill("input[name=password]", password)
	b.click("input[name=legalAccepted]")
	b.click(primary)
	b.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), "guest@example.com")
	if err != nil || u.LegalAcceptedAt.IsZero() {
		b.fail("user %v, %v", u, err)
	}
	b.isSignedIn(u.ID)
	b.visit("/")
	b.until("the metadata came along", `Clerk.user?.publicMetadata?.plan === "pro" && Clerk.user.primaryEmailAddress.verification.status === "verified"`)
}

// TestSignInWithToken: <SignIn/> signs in with a ticket in the address bar, and
// says why it does not with one that was used.
func TestSignInWithToken(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	_, issued, err := h.SignInTokens().Create(t.Context(), u.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.goTo("/sign-in?__clerk_ticket=" + url.QueryEscape(issued.Token))
	b.at("/")
	b.isSignedIn(u.ID)
	other := open(t, h)
	other.expect("response 400")
	other.visit("/sign-in?__clerk_ticket=" + url.QueryEscape(issued.Token))
	other.until("the reason is told", `document.body.innerText.includes("already been used")`)
}

// TestImpersonationInBrowser: clerk-js knows who acts, and the pages say so.
func TestImpersonationInBrowser(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	_, issued, err := h.ActorTokens().Create(t.Context(), u.ID, json.RawMessage(`{"sub":"user_support"}`), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, h)
	b.goTo("/auth/sign-in?__clerk_ticket=" + url.QueryEscape(issued.Token))
	b.click("main button")
	b.at("/")
	b.isSignedIn(u.ID)
	b.visit("/")
	b.until("clerk-js knows the actor", `Clerk.session?.actor?.sub === "user_support"`)
	b.goTo("/auth/user")
	b.see(".acting|acting as")
	b.click(".acting button")
	b.at("/")
	b.isSignedOut()
}

// TestWorkInBrowser: the page does the work that is asked for.
func TestWorkInBrowser(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *auth.Config) { c.Settings.Captcha.SignUp = true })
	b := open(t, h)
	b.goTo("/auth/sign-up")
	b.fill("input[name=email_address]", "ada@example.com")
	b.fill("input[name=password]", password)
	b.click("main button")
	b.at("/auth/sign-up/verify")
}

func TestGoSDKTickets(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	u := h.person(t, "ada@example.com")
	ctx := t.Context()
	sits := signintoken.NewClient(h.sdk())
	sit := must[*clerk.SignInToken](t)(sits.Create(ctx, &signintoken.CreateParams{UserID: clerk.String(u.ID), ExpiresInSeconds: clerk.Int64(60)}))
	if sit.Status != "pending" || sit.UserID != u.ID || sit.Token == "" {
		t.Errorf("%+v", sit)
	}
	if gone := must[*clerk.SignInToken](t)(sits.Revoke(ctx, sit.ID)); gone.Status != "revoked" {
		t.Errorf("%+v", gone)
	}
	_, err := sits.Revoke(ctx, sit.ID)
	refused(t, err, 400, "sign_in_token_cannot_be_revoked_code")
	acts := actortoken.NewClient(h.sdk())
	act := must[*clerk.ActorToken](t)(acts.Create(ctx, &actortoken.CreateParams{UserID: clerk.String(u.ID), Actor: json.RawMessage(`{"sub":"user_support"}`)}))
	if act.Status != "pending" || !strings.Contains(string(act.Actor), "user_support") {
		t.Errorf("%+v", act)
	}
	if gone := must[*clerk.ActorToken](t)(acts.Revoke(ctx, act.ID)); gone.Status != "revoked" {
		t.Errorf("%+v", gone)
	}
	invs := invitation.NewClient(h.sdk())
	inv := must[*clerk.Invitation](t)(invs.Create(ctx, &invitation.CreateParams{EmailAddress: "guest@example.com", Notify: clerk.Bool(false), ExpiresInDays: clerk.Int64(7)}))
	if inv.Status != "pending" || inv.EmailAddress != "guest@example.com" {
		t.Errorf("%+v", inv)
	}
	bulk := must[*clerk.Invitations](t)(invs.BulkCreate(ctx, &invitation.BulkCreateParams{Invitations: []*invitation.CreateParams{{EmailAddress: "a@example.com"}, {EmailAddress: "b@example.com"}}}))
	if len(bulk.Invitations) != 2 {
		t.Errorf("%+v", bulk)
	}
	if list := must[*clerk.InvitationList](t)(invs.List(ctx, &invitation.ListParams{Statuses: []string{"pending"}})); list.TotalCount != 3 || len(list.Invitations) != 3 {
		t.Errorf("%+v", list)
	}
	if gone := must[*clerk.Invitation](t)(invs.Revoke(ctx, inv.ID)); gone.Status != "revoked" || !gone.Revoked {
		t.Errorf("%+v", gone)
	}
	if tt, err := testingtoken.NewClient(h.sdk()).Create(ctx); err != nil || tt.Token == "" || tt.ExpiresAt < time.Now().Unix() {
		t.Errorf("%+v, %v", tt, err)
	}
}

func TestGoSDKAccess(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	ctx := t.Context()
	waits := waitlistentry.NewClient(h.sdk())
	w := must[*clerk.WaitlistEntry](t)(waits.Create(ctx, &waitlistentry.CreateParams{EmailAddress: "ada@example.com"}))
	if w.Status != "pending" {
		t.Errorf("%+v", w)
	}
	if list, err := waits.List(ctx, &waitlistentry.ListParams{}); err != nil || list.TotalCount != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	allow := allowlistidentifier.NewClient(h.sdk())
	a := must[*clerk.AllowlistIdentifier](t)(allow.Create(ctx, &allowlistidentifier.CreateParams{Identifier: clerk.String("*@example.com"), Notify: clerk.Bool(false)}))
	if list, err := allow.List(ctx, &allowlistidentifier.ListParams{}); err != nil || list.TotalCount != 1 || list.AllowlistIdentifiers[0].ID != a.ID {
		t.Errorf("%+v, %v", list, err)
	}
	if gone, err := allow.Delete(ctx, a.ID); err != nil || !gone.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
	block := blocklistidentifier.NewClient(h.sdk())
	k := must[*clerk.BlocklistIdentifier](t)(block.Create(ctx, &blocklistidentifier.CreateParams{Identifier: clerk.String("eve@example.com")}))
	if list, err := block.List(ctx, &blocklistidentifier.ListParams{}); err != nil || list.TotalCount != 1 || list.BlocklistIdentifiers[0].Identifier != "eve@example.com" {
		t.Errorf("%+v, %v", list, err)
	}
	if gone, err := block.Delete(ctx, k.ID); err != nil || !gone.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
	if r, err := instancesettings.NewClient(h.sdk()).UpdateRestrictions(ctx, &instancesettings.UpdateRestrictionsParams{Blocklist: clerk.Bool(true)}); err != nil || !r.Blocklist || r.Allowlist {
		t.Errorf("%+v, %v", r, err)
	}
}

// people is a captcha that knows the token of people, as Turnstile would.
type people struct{}

func (people) Verify(_ context.Context, token string, _ netip.Addr) error {
	if token != "person" {
		return captcha.ErrRefused
	}
	return nil
}

func (people) Public() captcha.Public {
	return captcha.Public{Provider: "turnstile", SiteKey: "0x4", InvisibleSiteKey: "0x4", WidgetType: "smart"}
}

// widget stands in for the script of Turnstile, which is not on this machine.
const widget = `window.turnstile = {
	render(where, o) { setTimeout(() => o.callback("person"), 10); return "widget" },
	reset() {}, remove() {}, execute() {}, getResponse() { return "person" },
}; 0`

// TestCaptchaInBrowser: clerk-js brings the token of a captcha when it signs
// up, and shows one before it signs in where the host asks for that.
func TestCaptchaInBrowser(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *auth.Config) {
		c.Captcha = people{}
		c.Settings.Captcha = settings.Captcha{SignUp: true, SignIn: true}
	})
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.expect("response 401")
	b.visit("/sign-up")
	b.text(widget)
	b.fill("input[name=emailAddress]", "bob@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.see("input[data-input-otp]")
	b.visit("/sign-in")
	b.text(widget)
	b.identify("ada@example.com")
	b.fill("input[name=password]", password)
	b.click(primary)
	b.at("/")
	b.isSignedIn(u.ID)
}
