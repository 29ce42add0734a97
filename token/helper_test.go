package token_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

const issuerURL = "https://clerk.example.com"

// noon is when tests begin.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// clock is a fake one.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time          { return noon.Add(time.Duration(c.offset.Load())) }
func (c *clock) Set(t time.Time)         { c.offset.Store(int64(t.Sub(noon))) }
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// testKeys are made once; RSA keys are slow to make.
var testKeys = sync.OnceValue(func() map[token.Algorithm][]token.Key {
	keys := map[token.Algorithm][]token.Key{}
	for _, alg := range []token.Algorithm{token.RS256, token.ES256, token.EdDSA} {
		for range 2 {
			k, err := token.GenerateKey(token.Slot{Algorithm: alg})
			if err != nil {
				panic(err)
			}
			keys[alg] = append(keys[alg], k)
		}
	}
	return keys
})

func rsaKey() token.Key { return testKeys()[token.RS256][0] }

// world is an issuer with a verifier and a clock.
type world struct {
	*clock
	key token.Key
	iss *token.Issuer
	v   *token.Verifier
}

func newWorld(tb testing.TB) *world { return newWorldOf(tb, token.RS256) }

func newWorldOf(tb testing.TB, alg token.Algorithm) *world {
	tb.Helper()
	c := &clock{}
	w := &world{clock: c, key: testKeys()[alg][0]}
	w.iss = &token.Issuer{URL: issuerURL, Now: c.Now}
	if err := w.iss.SetKeys(w.key); err != nil {
		tb.Fatal(err)
	}
	w.v = &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: c.Now}
	return w
}

// claims are those of a usual session with an organization.
func claims(tb testing.TB) token.Claims {
	tb.Helper()
	c := token.Claims{
		Subject:         "user_2pQm3YzP0LhY4n8d7VbR1sT6wXk",
		SessionID:       "sess_2pQm3ZkT8mKj5qLw9RfV0xYc1Na",
		AuthorizedParty: "https://app.example.com",
		FactorAge:       &token.FactorAge{First: 3, Second: -1},
		Plan:            "o:pro",
		Organization:    &token.Organization{ID: "org_2pQm3aBcD4eFgH5iJkL6mNoP7qR", Slug: "acme", Role: "admin"},
	}
	if err := c.Grant(nil, []string{"org:dashboard:read", "org:dashboard:manage", "org:teams:read"}); err != nil {
		tb.Fatal(err)
	}
	return c
}

func (w *world) mint(tb testing.TB) string { tb.Helper(); return w.mintOf(tb, claims(tb)) }

func (w *world) mintOf(tb testing.TB, c token.Claims) string {
	tb.Helper()
	tok, err := w.iss.Mint(context.Background(), c)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// forge signs any header and payload, however bad, with a good key.
func forge(tb testing.TB, k token.Key, header, payload string) string {
	tb.Helper()
	text := b64(header) + "." + b64(payload)
	sig, err := token.SignRaw(k, text)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func unb64(tb testing.TB, s string) string {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// head is a good header for k.
func head(k token.Key) string {
	return fmt.Sprintf(`{"alg":%q,"cat":"cl_B7d4PD111AAA","kid":%q,"typ":"JWT"}`, k.Algorithm, k.ID)
}

// body is a good payload with members replaced, added, or left out if the new
// value is empty.
func body(changes ...string) string {
	names := []string{"sub", "sid", "iss", "iat", "nbf", "exp"}
	values := map[string]string{
		"sub": `"user_1"`, "sid": `"sess_1"`, "iss": `"` + issuerURL + `"`,
		"iat": fmt.Sprint(noon.Unix()), "nbf": fmt.Sprint(noon.Unix() - 5), "exp": fmt.Sprint(noon.Unix() + 60),
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if _, ok := values[changes[i]]; !ok {
			names = append(names, changes[i])
		}
		values[changes[i]] = changes[i+1]
	}
	var members []string
	for _, name := range names {
		if values[name] != "" {
			quoted, _ := json.Marshal(name)
			members = append(members, string(quoted)+":"+values[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// segments cuts a token.
func segments(tok string) (header, payload, signature string) {
	parts := strings.SplitN(tok, ".", 3)
	return parts[0], parts[1], parts[2]
}

func verify(v *token.Verifier, tok string) error {
	_, err := v.Verify(context.Background(), tok)
	return err
}
