package oauth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

const callback = "https://app.example.com/__clerk/v1/oauth_callback/x"

// internet answers by URL without its query; {…} in answers is left as it is.
type internet struct {
	t       *testing.T
	answers map[string]string
	asked   []*http.Request
	bodies  []string
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	n.asked, n.bodies = append(n.asked, r), append(n.bodies, body)
	u := *r.URL
	u.RawQuery = ""
	answer, ok := n.answers[u.String()]
	if !ok {
		n.t.Logf("nothing at %s", u.String())
		return &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: r}, nil
	}
	status := 200
	if rest, bad := strings.CutPrefix(answer, "400 "); bad {
		status, answer = 400, rest
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(answer)), Request: r}, nil
}

// to finds the request that went to a URL.
func (n *internet) to(target string) (*http.Request, string) {
	n.t.Helper()
	for i, r := range n.asked {
		u := *r.URL
		u.RawQuery = ""
		if u.String() == target {
			return r, n.bodies[i]
		}
	}
	n.t.Fatalf("nobody asked %s", target)
	return nil, ""
}

// document is a discovery document, and keys the set that goes with key().
func document(issuer, base string) string {
	return fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":"%s/authorize","token_endpoint":"%s/token","userinfo_endpoint":"%s/userinfo",
		"jwks_uri":"%s/keys","id_token_signing_alg_values_supported":["RS256","HS256","none"],"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]}`,
		issuer, base, base, base, base)
}

func keys() string {
	b := base64.RawURLEncoding
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":%q,"e":"AQAB"}]}`, b.EncodeToString(key().N.Bytes()))
}

// claims are those of an ID token for the client "id", with changes; a nil
// value removes one.
func claims(issuer, nonce string, change map[string]any) map[string]any {
	c := map[string]any{"iss": issuer, "aud": "id", "sub": "sub-1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": nonce}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func signed(t *testing.T, c map[string]any) string {
	t.Helper()
	s, err := oauthtest.SignRS256(key(), "k1", c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signedHS256(t *testing.T, secret string, c map[string]any) string {
	t.Helper()
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	b := base64.RawURLEncoding
	s := b.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b.EncodeToString(body)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(s))
	return s + "." + b.EncodeToString(m.Sum(nil))
}

func client(t *testing.T, p oauth.Provider, n *internet) *oauth.Client {
	t.Helper()
	c, err := oauth.NewClient(p, oauth.Options{Transport: n, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func begin(t *testing.T, c *oauth.Client, r oauth.Request) (oauth.Pending, url.Values, string) {
	t.Helper()
	if r.CallbackURL == "" {
		r.CallbackURL = callback
	}
	f, target, err := c.Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	u.RawQuery = ""
	return f, q, u.String()
}
