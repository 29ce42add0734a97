package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

const goodPassword = "violet-teapot-overture"

// resolver finds TXT records.
type resolver func(name string) []string

func (r resolver) LookupTXT(_ context.Context, name string) ([]string, error) { return r(name), nil }

// fields show over HTTP, for each field of Config, that it does what it says.
var fields = map[string]func(*testing.T){
	"Store": func(t *testing.T) {
		st := storetest.Counting(memory.New())
		i := start(t, func(c *auth.Config) { c.Store = st })
		before := st.Calls().Put
		get(t, i, "/__clerk/v1/client")
		post(t, i, "/__clerk/v1/client/sign_ins", "identifier=ada@example.com")
		i.User(t, "ada@example.com")
		if st.Calls().Put == before {
			t.Error("nothing was written to it")
		}
	},
	"Keyring": func(t *testing.T) {
		ring, err := store.KeyringFile(filepath.Join(t.TempDir(), "app.key"))
		if err != nil {
			t.Fatal(err)
		}
		for sealed, ring := range map[bool]store.Keyring{false: {}, true: ring} {
			i := start(t, func(c *auth.Config) { c.Keyring = ring })
			_, body := get(t, i, "/.well-known/jwks.json")
			if !strings.Contains(body, `"kid"`) {
				t.Fatal(body)
			}
			dump := rawDump(t, i.Store)
			for what, plain := range map[string]string{"signing key": `"pkcs8":`, "secret key": base64.StdEncoding.EncodeToString([]byte(i.SecretKey()))} {
				if strings.Contains(dump, plain) == sealed {
					t.Errorf("sealed %v, but the %s is plain: %v", sealed, what, !sealed)
				}
			}
		}
	},
	"URL": func(t *testing.T) {
		i := start(t, public)
		res, _ := get(t, i, "/private", "Accept", "text/html")
		if res.StatusCode != 303 || i.Issuer() != "https://clerk.app.example.com" {
			t.Errorf("%d, issuer %s", res.StatusCode, i.Issuer())
		}
		if res, _ := post(t, i, "/__clerk/v1/client/sign_ups", "", "Origin", "https://app.example.com"); res.StatusCode != 200 || !strings.Contains(res.Header.Get("Set-Cookie"), "__Host-__client") {
			t.Errorf("from the URL: %d %v", res.StatusCode, res.Header["Set-Cookie"])
		}
		if res, _ := post(t, i, "/__clerk/v1/client/sign_ups", "", "Origin", i.Server.URL); res.StatusCode != 400 {
			t.Errorf("from elsewhere: %d", res.StatusCode)
		}
	},
	"AllowedOrigins": func(t *testing.T) {
		i := start(t, public, func(c *auth.Config) { c.AllowedOrigins = []string{"https://admin.example.com"} })
		for origin, want := range map[string]int{"https://admin.example.com": 200, "https://evil.example.com": 400} {
			res, _ := post(t, i, "/__clerk/v1/client/sign_ups", "", "Origin", origin)
			if res.StatusCode != want || (res.Header.Get("Access-Control-Allow-Origin") == origin) != (want == 200) {
				t.Errorf("%s: %d %v", origin, res.StatusCode, res.Header)
			}
		}
	},
	"FrontendPath": mounted("/__clerk/v1/environment", "/api/v1/environment", func(c *auth.Config) { c.FrontendPath = "/api" }),
	"BackendPath":  mounted("/bapi/v1/users", "/server/v1/users", func(c *auth.Config) { c.BackendPath = "/server" }),
	"PagesPath":    mounted("/auth/sign-in", "/account/sign-in", func(c *auth.Config) { c.PagesPath = "/account" }),
	"TrustedProxies": func(t *testing.T) {
		for trusted, want := range map[bool]int{true: 200, false: 429} {
			i := start(t, func(c *auth.Config) {
				c.Settings.Limits.CreateSignIn = settings.Rate{Count: 1, Per: time.Hour}
				if trusted {
					c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
				}
			})
			i.User(t, "ada@example.com")
			for n, from := range []string{"192.0.2.1", "192.0.2.2"} {
				res, body := post(t, i, "/__clerk/v1/client/sign_ins", "identifier=ada@example.com", "X-Forwarded-For", from)
				if n == 0 && res.StatusCode != 200 || n == 1 && res.StatusCode != want {
					t.Errorf("trusted %v, sign-in %d from %s: %d %s", trusted, n, from, res.StatusCode, body)
				}
			}
		}
	},
	"Social": func(t *testing.T) {
		i := start(t, func(c *auth.Config) { c.Social = []oauth.Provider{oauth.GitHub("client-id", "secret")} })
		res, body := post(t, i, "/__clerk/v1/client/sign_ins", "strategy=oauth_github&redirect_url=/x")
		if res.StatusCode != 200 || !strings.Contains(body, "github.com/login/oauth/authorize?") || !strings.Contains(body, "client-id") {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		if _, body := get(t, i, "/__clerk/v1/environment"); !strings.Contains(body, `"oauth_github":{"enabled":true`) {
			t.Error("the environment does not offer it")
		}
		bad := oauth.GitHub("", "secret")
		if _, err := auth.New(t.Context(), auth.Config{Store: memory.New(), Social: []oauth.Provider{bad}}); err == nil || !strings.Contains(err.Error(), "Social") {
			t.Errorf("without a client ID: %v", err)
		}
	},
	"Settings": func(t *testing.T) {
		i := start(t, func(c *auth.Config) { c.Settings.AppName = "Tea House" })
		if _, body := get(t, i, "/auth/sign-in"); !strings.Contains(body, "to continue to Tea House") {
			t.Error(body)
		}
	},
	"LockSettings": func(t *testing.T) {
		for locked, want := range map[bool]string{true: "Pinned", false: "Changed"} {
			st := memory.New()
			before := start(t, func(c *auth.Config) { c.Store = st })
			if err := before.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.AppName = "Changed"; return nil }); err != nil {
				t.Fatal(err)
			}
			i := start(t, func(c *auth.Config) { c.Store, c.LockSettings, c.Settings.AppName = st, locked, "Pinned" })
			if _, body := get(t, i, "/auth/sign-in"); !strings.Contains(body, "to continue to "+want) {
				t.Errorf("locked %v: %s", locked, body)
			}
			if err := i.UpdateSettings(t.Context(), func(*settings.Settings) error { return nil }); (err != nil) != locked {
				t.Errorf("locked %v: %v", locked, err)
			}
		}
	},
	"Mailer": func(t *testing.T) { mailed(t, start(t)) },
	"DevInbox": func(t *testing.T) {
		for on, want := range map[bool]int{true: 200, false: 404} {
			i := start(t, func(c *auth.Config) { c.DevInbox, c.Log = on, slog.New(slog.DiscardHandler) })
			m := mailed(t, i) // the mailer has it, too
			res, body := get(t, i, "/dev/mail")
			if res.StatusCode != want || strings.Contains(body, m.Data.OTPCode) != on {
				t.Errorf("on %v: %d %s", on, res.StatusCode, body)
			}
		}
	},
	"SMS": smsNeeded,
	"MailFrom": func(t *testing.T) {
		i := start(t, func(c *auth.Config) { c.MailFrom = "Tea <tea@example.com>" })
		if m := mailed(t, i); m.From != "Tea <tea@example.com>" {
			t.Errorf("from %q", m.From)
		}
	},
	"MailTemplates": func(t *testing.T) {
		i := start(t, func(c *auth.Config) {
			c.MailTemplates = fstest.MapFS{"verification_code.txt": {Data: []byte(`{{define "subject"}}Knock knock{{end}}{{define "body"}}{{.OTPCode}}{{end}}`)}}
		})
		if m := mailed(t, i); m.Subject != "Knock knock" {
			t.Errorf("subject %q", m.Subject)
		}
	},
	"PageTemplates": func(t *testing.T) {
		i := start(t, func(c *auth.Config) {
			c.PageTemplates = fstest.MapFS{"sign_in.html": {Data: []byte(`{{define "title"}}t{{end}}{{define "content"}}open sesame{{end}}`)}}
		})
		if _, body := get(t, i, "/auth/sign-in"); !strings.Contains(body, "open sesame") {
			t.Error(body)
		}
	},
	"SecretKeys": func(t *testing.T) {
		now, next := "sk_live_"+strings.Repeat("a", 32), "sk_test_"+strings.Repeat("b", 32)
		i := start(t, func(c *auth.Config) { c.SecretKeys = []string{now, next} })
		for key, want := range map[string]int{now: 200, next: 200, "sk_live_" + strings.Repeat("c", 32): 401} {
			if res, body := get(t, i, "/bapi/v1/users", "Authorization", "Bearer "+key); res.StatusCode != want {
				t.Errorf("%s: %d %s", key, res.StatusCode, body)
			}
		}
		if i.SecretKey() != now {
			t.Errorf("SecretKey is %s", i.SecretKey())
		}
	},
	"KeySchedule": func(t *testing.T) {
		for algorithm, want := range map[token.Algorithm]string{token.EdDSA: `"alg":"EdDSA"`, token.ES256: `"alg":"ES256"`, "": `"alg":"RS256"`} {
			i := start(t, func(c *auth.Config) { c.KeySchedule = token.Schedule{Algorithm: algorithm} })
			if _, body := get(t, i, "/.well-known/jwks.json"); !strings.Contains(body, want) {
				t.Errorf("%q: %s", algorithm, body)
			}
		}
	},
	"Issuer": func(t *testing.T) {
		i := start(t, func(c *auth.Config) { c.Issuer = "https://clerk.elsewhere.example" })
		claims := sessionClaims(t, i)
		if claims["iss"] != "https://clerk.elsewhere.example" {
			t.Errorf("iss %v", claims["iss"])
		}
	},
	"HTTPOnlySession": func(t *testing.T) {
		for _, hidden := range []bool{true, false} {
			i := start(t, func(c *auth.Config) { c.HTTPOnlySession = hidden })
			c := i.SignedIn(t, i.User(t, "ada@example.com"))
			i.Clock.Advance(2 * time.Minute)
			res, _ := do(t, c, "GET", i.Server.URL+"/open", "") // renews
			seen := false
			for _, k := range res.Cookies() {
				if seen = seen || k.Name == "__session"; k.Name == "__session" && k.HttpOnly != hidden {
					t.Errorf("hidden %v: %s", hidden, k)
				}
			}
			if !seen {
				t.Error("no session cookie")
			}
		}
	},
	"Passwords": func(t *testing.T) {
		i := start(t, func(c *auth.Config) {
			c.Passwords = &password.Hasher{Params: password.Params{Memory: 128, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
		})
		signUp(t, i, goodPassword)
		if dump := rawDump(t, i.Store); !strings.Contains(dump, "m=128,t=1,p=1") {
			t.Errorf("hashed otherwise: %s", dump)
		}
	},
	"Breaches": func(t *testing.T) {
		i := start(t, func(c *auth.Config) { c.Breaches, c.Settings.Password.CheckBreaches = leaked(goodPassword), true })
		if status, body := signUp(t, i, goodPassword); status != 422 || !strings.Contains(body, "form_password_pwned") {
			t.Errorf("a leaked one: %d %s", status, body)
		}
		if status, body := signUp(t, i, goodPassword+"-7"); status != 200 {
			t.Errorf("another: %d %s", status, body)
		}
	},
	"Captcha": func(t *testing.T) {
		for token, want := range map[string]string{"": "captcha_missing_token", "program": "captcha_invalid", "person": "sign_up_attempt"} {
			i := start(t, func(c *auth.Config) { c.Captcha, c.Settings.Captcha.SignUp = people("person"), true })
			_, body := post(t, i, "/__clerk/v1/client/sign_ups", url.Values{"email_address": {"ada@example.com"}, "captcha_token": {token}}.Encode())
			if !strings.Contains(body, want) {
				t.Errorf("%q: %s, want %s", token, body, want)
			}
		}
	},
	"ClerkJS": func(t *testing.T) {
		const script = "/__clerk/npm/@clerk/clerk-js@5/dist/clerk.browser.js"
		i := start(t, func(c *auth.Config) {
			c.ClerkJS = fstest.MapFS{"@clerk/clerk-js/dist/clerk.browser.js": {Data: []byte("/* mine */")}}
		})
		if res, body := get(t, i, script); res.StatusCode != 200 || body != "/* mine */" {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		if res, _ := get(t, start(t), script); res.StatusCode != 307 {
			t.Errorf("without: %d", res.StatusCode)
		}
	},
	"Organizations": func(t *testing.T) {
		i := start(t, func(c *auth.Config) {
			c.Organizations = organization.Catalogue{Permissions: []organization.PermissionDefinition{{Key: "org:reports:edit"}},
				Roles: []organization.RoleDefinition{{Key: "org:editor", Permissions: []string{"org:reports:edit"}}}}
		})
		_, body := get(t, i, "/bapi/v1/organization_roles?query=editor", "Authorization", "Bearer "+i.SecretKey())
		if !strings.Contains(body, `"org:editor"`) || !strings.Contains(body, `"org:reports:edit"`) {
			t.Error(body)
		}
	},
	"Resolver": func(t *testing.T) {
		asked := make(chan string, 1)
		i := start(t, func(c *auth.Config) {
			c.Resolver = resolver(func(name string) []string { asked <- name; return nil })
			c.Settings.Organizations.Enabled, c.Settings.Organizations.Domains = true, true
		})
		s := &scene{Instance: i, t: t}
		c := i.SignedIn(t, i.User(t, "ada@example.com"))
		org := s.api(c, "/v1/organizations", "name=Acme").id()
		d := s.api(c, "/v1/organizations/"+org+"/domains", "name=acme.example").id()
		s.api(c, "/v1/organizations/"+org+"/domains/"+d+"/prepare_ownership_verification", "")
		do(t, c, "POST", i.Server.URL+"/__clerk/v1/organizations/"+org+"/domains/"+d+"/attempt_ownership_verification", "", "Origin", i.Server.URL, "Content-Type", "application/x-www-form-urlencoded")
		if name := <-asked; name != "_usher-challenge.acme.example" {
			t.Errorf("asked for %q", name)
		}
	},
	"OnUser": func(t *testing.T) { // that it can refuse is shown by TestOnUserUndoesEverything
		var born atomic.Pointer[user.User]
		i := start(t, func(c *auth.Config) {
			c.OnUser = func(_ context.Context, tx store.Tx, u *user.User) error {
				if tx == nil {
					return errors.New("no transaction")
				}
				born.Store(u)
				return nil
			}
		})
		res, body := post(t, i, "/bapi/v1/users", `{"email_address":["ada@example.com"],"skip_password_requirement":true}`,
			"Authorization", "Bearer "+i.SecretKey(), "Content-Type", "application/json")
		if u := born.Load(); res.StatusCode != 200 || u == nil || !strings.Contains(body, u.ID) {
			t.Errorf("%d %s, the hook saw %v", res.StatusCode, body, u)
		}
	},
	"Log": func(t *testing.T) {
		var log lockedBuffer
		down := false
		st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(context.Context, string) error {
			if down {
				return errors.New("disk on fire")
			}
			return nil
		}})
		c := auth.Config{Store: st, Mailer: &authtest.Mailbox{}, Log: slog.New(slog.NewTextHandler(&log, nil)), KeySchedule: token.Schedule{Algorithm: token.ES256}}
		a, err := auth.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		down = true
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost/bapi/v1/users", nil)
		r.Header.Set("Authorization", "Bearer "+a.SecretKey())
		a.Handler().ServeHTTP(w, r)
		if w.Code < 500 || !strings.Contains(log.String(), "disk on fire") {
			t.Errorf("%d, log: %s", w.Code, log.String())
		}
	},
	"Now": func(t *testing.T) {
		then := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
		i := start(t, func(c *auth.Config) { c.Now = func() time.Time { return then } })
		if claims := sessionClaims(t, i); claims["iat"] != float64(then.Unix()) {
			t.Errorf("iat %v", claims["iat"])
		}
	},
}

func TestEveryConfigFieldWorks(t *testing.T) {
	typ := reflect.TypeFor[auth.Config]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; fields[name] == nil {
			t.Errorf("nothing shows that %s works", name)
		}
	}
	for name, works := range fields {
		if _, ok := typ.FieldByName(name); !ok {
			t.Errorf("Config has no %s", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			works(t)
		})
	}
}
