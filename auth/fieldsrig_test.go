package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
)

func public(c *auth.Config) { c.URL = "https://app.example.com" }

func get(t *testing.T, i *authtest.Instance, path string, header ...string) (*http.Response, string) {
	t.Helper()
	return do(t, authtest.NewClient(t), "GET", i.Server.URL+path, "", header...)
}

// post sends a form, unless a header says otherwise.
func post(t *testing.T, i *authtest.Instance, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	if !strings.Contains(strings.Join(header, " "), "Content-Type") {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	return do(t, authtest.NewClient(t), "POST", i.Server.URL+path, body, header...)
}

// mounted shows that a path is served where change puts it, and no longer where
// it is by default.
func mounted(was, is string, change func(*auth.Config)) func(*testing.T) {
	return func(t *testing.T) {
		i := start(t, change)
		auth := []string{"Authorization", "Bearer " + i.SecretKey()}
		if res, _ := get(t, i, is, auth...); res.StatusCode != 200 {
			t.Errorf("%s: %d", is, res.StatusCode)
		}
		if res, _ := get(t, i, was, auth...); res.StatusCode != 404 {
			t.Errorf("%s: %d", was, res.StatusCode)
		}
	}
}

// signUp begins a sign-up with a password.
func signUp(t *testing.T, i *authtest.Instance, pass string) (int, string) {
	t.Helper()
	res, body := post(t, i, "/__clerk/v1/client/sign_ups", url.Values{"email_address": {"ada@example.com"}, "password": {pass}}.Encode())
	return res.StatusCode, body
}

// mailed asks for a code over HTTP and returns the mail.
func mailed(t *testing.T, i *authtest.Instance) notify.Message {
	t.Helper()
	s := &scene{Instance: i, t: t}
	c := authtest.NewClient(t)
	id := s.api(c, "/v1/client/sign_ups", "email_address=ada@example.com&password="+goodPassword).id()
	s.api(c, "/v1/client/sign_ups/"+id+"/prepare_verification", "strategy=email_code")
	return i.Mail.Wait(t, "ada@example.com", 1)
}

// sessionClaims signs somebody in and reads the session cookie as it is.
func sessionClaims(t *testing.T, i *authtest.Instance) map[string]any {
	t.Helper()
	at, _ := url.Parse(i.Server.URL)
	c := i.SignedIn(t, i.User(t, "ada@example.com"))
	parts := strings.Split(cookie(c, at, "__session"), ".")
	if len(parts) != 3 {
		t.Fatal("no session cookie")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if res, body := do(t, c, "GET", at.String()+"/private", ""); res.StatusCode != 200 || body != claims["sub"].(string)+"|" {
		t.Fatalf("the token is not accepted: %d %s", res.StatusCode, body)
	}
	return claims
}

// rawDump is what somebody sees who reads the store itself.
func rawDump(t *testing.T, st store.Store) string {
	t.Helper()
	var b strings.Builder
	err := st.View(t.Context(), func(tx store.Tx) error {
		for _, name := range []string{"signing_key", "secret", "password", "sign_up", "client"} {
			records, err := tx.Find(t.Context(), store.Query{Kind: &store.Kind{Name: name}})
			if err != nil {
				return err
			}
			for _, r := range records {
				b.Write(r.Data)
				b.WriteByte('\n')
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// leaked knows one password.
type leaked string

func (l leaked) Breached(_ context.Context, plain string) (bool, error) {
	return plain == string(l), nil
}

// people is a captcha that knows the token of people.
type people string

func (p people) Verify(_ context.Context, token string, _ netip.Addr) error {
	if token != string(p) {
		return captcha.ErrRefused
	}
	return nil
}

func (people) Public() captcha.Public { return captcha.Public{Provider: "turnstile"} }

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
