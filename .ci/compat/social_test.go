package compat

import (
	"bufio"
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/oauth"
)

// accounts are who can sign in at the provider, by the name that they type.
const accounts = `{
	"ada": {"email": "ada@example.com", "email_verified": true, "given_name": "Ada", "family_name": "Lovelace"},
	"work": {"email": "countess@work.example", "email_verified": true, "given_name": "Ada", "family_name": "Lovelace"},
	"liar": {"email": "ada@example.com", "email_verified": false, "name": "Mallory"},
	"text": {"email": "ada@example.com", "email_verified": "true", "name": "Mallory"}
}`

// withProvider runs npm's oidc-provider beside the host, which offers it.
func withProvider(t *testing.T) func(*auth.Config) {
	return func(c *auth.Config) {
		t.Helper()
		node := tool(t, "Node.js", "node")
		need(t, "oidc-provider (run .ci/compat/install)", filepath.Join(modules, "oidc-provider"))
		dir, err := filepath.Abs(modules)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "testdata/provider.mjs")
		cmd.Env = append(cmd.Environ(), "MODULES="+dir, "CALLBACK="+c.URL+"/__clerk/v1/oauth_callback/custom_op", "ACCOUNTS="+accounts)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		issuer, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("the provider did not start: %v\n%s", err, complaints.Bytes())
		}
		p := oauth.OIDC("op", strings.TrimSpace(issuer), "usher", "a secret of the tests")
		p.Name = "Provider"
		c.Social = []oauth.Provider{p}
	}
}

const social = ".cl-socialButtonsBlockButton, .cl-socialButtonsIconButton"

// atProvider signs in at the provider and allows what is asked for.
func (b *browser) atProvider(name string) {
	b.t.Helper()
	b.until("the provider asks who it is", `document.getElementById("prompt")?.textContent === "login"`)
	b.fill("#login", name)
	b.click("#go")
	b.until("the provider asks for consent", `document.getElementById("prompt")?.textContent === "consent"`)
	b.click("#go")
}

// Clerk's components and a provider that nobody here has written: sign up, and
// sign in from another browser; a sign-in without an account makes one.
func TestSocialSignUpAndIn(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t))
	for _, c := range []struct{ page, name, email string }{
		{"/sign-up", "ada", "ada@example.com"}, {"/sign-in", "ada", "ada@example.com"}, {"/sign-in", "work", "countess@work.example"},
	} {
		b := open(t, h)
		b.visit(c.page)
		b.click(social)
		b.atProvider(c.name)
		b.at("/")
		u, err := h.Users().ByIdentifier(t.Context(), c.email)
		if err != nil {
			b.fail("%v", err)
		}
		if u.FirstName != "Ada" || u.PasswordEnabled || len(u.ExternalAccounts) != 1 {
			b.fail("the user is %+v", u)
		}
		b.until("clerk-js is ready", `document.body.dataset.ready === "yes"`)
		b.isSignedIn(u.ID)
	}
}

// Who says no is back where they began, and is told.
func TestSocialDenied(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t))
	b := open(t, h)
	b.visit("/sign-in")
	b.click(social)
	b.until("the provider asks who it is", `document.getElementById("prompt")?.textContent === "login"`)
	b.click("#deny")
	b.see(".cl-alertText|access")
	b.isSignedOut()
}

// The owner of an account here is signed in with it and has both ways then; a
// provider's word for an address that it has not verified opens nothing.
func TestSocialLinksByAddress(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t))
	u := h.person(t, "ada@example.com")
	for _, liar := range []string{"liar", "text"} {
		b := open(t, h)
		b.visit("/sign-in")
		b.click(social)
		b.atProvider(liar)
		b.see("input[name=password]") // prove it here
		b.isSignedOut()
	}
	b := open(t, h)
	b.visit("/sign-in")
	b.click(social)
	b.atProvider("ada")
	b.at("/")
	b.until("clerk-js is ready", `document.body.dataset.ready === "yes"`)
	b.isSignedIn(u.ID)
	b = open(t, h)
	b.signIn("ada@example.com", password)
	b.at("/")
	b.isSignedIn(u.ID)
}

// <UserProfile/> connects an account and takes it off again.
func TestSocialConnect(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t))
	u := h.person(t, "ada@example.com")
	b := open(t, h)
	b.arrive(u.ID, 0)
	b.visit("/user")
	b.click(".cl-profileSection__connectedAccounts button|Connect account")
	b.click("[role=menuitem]|Provider")
	b.atProvider("work")
	b.at("/user")
	b.see(".cl-profileSection__connectedAccounts|countess@work.example")
	got, err := h.Users().Get(t.Context(), u.ID)
	if err != nil || got.ExternalAccountOf("custom_op") == nil || got.EmailAddressByValue("countess@work.example") == nil {
		b.fail("the user is %+v, %v", got, err)
	}
	b.text(`Clerk.user.externalAccounts[0].destroy().then(() => 0)`)
	b.until("no account is connected", `Clerk.user.externalAccounts.length === 0`)
}

// What clients ask for is passed on: a prompt, a hint, and at a prompt of none
// the provider's refusal comes back as one.
func TestSocialPrompts(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t))
	b := open(t, h)
	b.visit("/")
	to := b.text(`Clerk.client.signIn.create({strategy: "oauth_custom_op", redirectUrl: location.origin + "/sign-in", actionCompleteRedirectUrl: location.origin + "/", oidcPrompt: "login consent", oidcLoginHint: "ada"})
		.then(s => s.firstFactorVerification.externalVerificationRedirectURL.href)`)
	for _, want := range []string{"prompt=login+consent", "login_hint=ada", "code_challenge_method=S256", "nonce="} {
		if !strings.Contains(to, want) {
			b.fail("%s is not in %s", want, to)
		}
	}
	b.text(`Clerk.client.signIn.create({strategy: "oauth_custom_op", redirectUrl: location.origin + "/", actionCompleteRedirectUrl: location.origin + "/", oidcPrompt: "none"})
		.then(s => { location.href = s.firstFactorVerification.externalVerificationRedirectURL.href; return "" })`)
	b.until("the refusal is told", `document.body.dataset.ready === "yes" && Clerk.client.signIn?.firstFactorVerification?.error?.code === "oauth_fetch_user_error"`)
}

// The host uses the provider in the user's name, with tokens that are renewed.
func TestSocialTokens(t *testing.T) {
	t.Parallel()
	h := newHost(t, withProvider(t), func(c *auth.Config) {
		c.Social[0].Scopes = append(c.Social[0].Scopes, "offline_access")
		c.Social[0].AuthParams = map[string]string{"prompt": "consent"} // or it grants no refresh token
	})
	b := open(t, h)
	b.visit("/sign-up")
	b.click(social)
	b.atProvider("ada")
	b.at("/")
	u, err := h.Users().ByIdentifier(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	before, err := h.Users().AccessTokens(t.Context(), u.ID, "custom_op")
	if err != nil || len(before) != 1 {
		t.Fatal(before, err)
	}
	h.behind.Store(int64(-2 * 60 * 60 * 1e9)) // two hours later
	after, err := h.Users().AccessTokens(t.Context(), u.ID, "custom_op")
	if err != nil || after[0].Token == before[0].Token {
		t.Errorf("not renewed: %v", err)
	}
	if err := h.Users().DeleteExternalAccount(t.Context(), u.ID, after[0].Account.ID); err != nil {
		t.Error(err)
	}
}
