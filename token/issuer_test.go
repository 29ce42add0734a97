package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/usherauth/usher/token"
)

// TestMintGolden pins the wire form of a session token: version 2 claims.
func TestMintGolden(t *testing.T) {
	w := newWorld(t)
	c := claims(t)
	c.ID = "jti_1"
	c.Actor = json.RawMessage(`{"iss":"https://dashboard.example.com","sid":"sess_2","sub":"user_2"}`)
	c.Custom = map[string]json.RawMessage{"tier": json.RawMessage(`"gold"`), "aud": json.RawMessage(`["us"]`)}
	w.v.Audience = []string{"us"}
	tok := w.mintOf(t, c)
	h, p, _ := segments(tok)
	if got, want := unb64(t, h), head(w.key); got != want {
		t.Errorf("header\n%s\n%s", got, want)
	}
	want := `{"act":{"iss":"https://dashboard.example.com","sid":"sess_2","sub":"user_2"},"azp":"https://app.example.com",` +
		`"exp":1782907260,"fea":"o:dashboard,o:teams","fva":[3,-1],"iat":1782907200,"iss":"https://clerk.example.com","jti":"jti_1",` +
		`"nbf":1782907195,"o":{"fpm":"3,2","id":"org_2pQm3aBcD4eFgH5iJkL6mNoP7qR","per":"read,manage","rol":"admin","slg":"acme"},` +
		`"pla":"o:pro","sid":"sess_2pQm3ZkT8mKj5qLw9RfV0xYc1Na","sts":"active","sub":"user_2pQm3YzP0LhY4n8d7VbR1sT6wXk","v":2,` +
		`"aud":["us"],"tier":"gold"}`
	want = strings.Replace(want, `"fpm":"3,2"`, `"fpm":"3,1"`, 1) // read is bit 0 here
	if got := unb64(t, p); got != want {
		t.Errorf("payload\n%s\n%s", got, want)
	}
	got, err := w.v.Verify(context.Background(), tok)
	if err != nil {
		t.Fatal(err)
	}
	filled := w.iss.Fill(c)
	if diff := cmp.Diff(&filled, got); diff != "" {
		t.Error(diff)
	}
	if got.ActorID() != "user_2" || !got.Active() {
		t.Errorf("actor %q", got.ActorID())
	}
	// Another library reads the same.
	other, err := jwt.Parse(tok, func(*jwt.Token) (any, error) { return w.key.Public().Crypto(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(w.Now), jwt.WithIssuer(issuerURL), jwt.WithExpirationRequired())
	if err != nil {
		t.Fatal(err)
	}
	if sub, _ := other.Claims.GetSubject(); sub != c.Subject {
		t.Errorf("sub %q", sub)
	}
}

func TestMintDefaults(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	a, err := w.v.Verify(context.Background(), w.mintOf(t, token.Claims{Subject: "u", SessionID: "s"}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.v.Verify(context.Background(), w.mintOf(t, token.Claims{Subject: "u", SessionID: "s"}))
	if err != nil {
		t.Fatal(err)
	}
	if a.ID == "" || a.ID == b.ID {
		t.Errorf("jti %q and %q", a.ID, b.ID)
	}
	if !a.IssuedAt.Equal(noon) || !a.NotBefore.Equal(noon.Add(-5*time.Second)) || !a.Expires.Equal(noon.Add(time.Minute)) {
		t.Errorf("dates %v %v %v", a.IssuedAt, a.NotBefore, a.Expires)
	}
	if a.Version != 2 || a.Status != token.StatusActive || a.Kind != token.KindSession || a.Issuer != issuerURL {
		t.Errorf("%+v", a)
	}
}

func TestMintRefuses(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	base := func(change func(c *token.Claims)) token.Claims {
		c := token.Claims{Subject: "u", SessionID: "s"}
		change(&c)
		return c
	}
	custom := func(name, value string) token.Claims {
		return base(func(c *token.Claims) { c.Custom = map[string]json.RawMessage{name: json.RawMessage(value)} })
	}
	deep := strings.Repeat("[", 16) + strings.Repeat("]", 16)
	for _, c := range []struct {
		name   string
		claims token.Claims
		want   error
	}{
		{"reserved sub", custom("sub", `"x"`), token.ErrReserved},
		{"reserved in capitals", custom("SUB", `"x"`), token.ErrReserved},
		{"reserved by long s", custom("\u017fub", `"x"`), token.ErrReserved},
		{"reserved o", custom("o", `{}`), token.ErrReserved},
		{"reserved handshake", custom("handshake", `[]`), token.ErrReserved},
		{"aud in capitals", custom("AUD", `"x"`), token.ErrReserved},
		{"aud of a wrong type", custom("aud", `1`), token.ErrMalformed},
		{"custom no JSON", custom("x", `{`), token.ErrClaims},
		{"custom empty", custom("x", ``), token.ErrClaims},
		{"custom two documents", custom("x", `1 2`), token.ErrClaims},
		{"custom injection", custom("x", `1,"sub":"admin"`), token.ErrClaims},
		{"custom duplicates", custom("x", `{"a":1,"a":2}`), token.ErrClaims},
		{"custom too deep", custom("x", deep), token.ErrClaims},
		{"custom invalid UTF-8", custom("x", "\"\xff\""), token.ErrClaims},
		{"custom name invalid UTF-8", custom("\xff", "1"), token.ErrClaims},
		{"custom too large", custom("x", `"`+strings.Repeat("x", 16<<10)+`"`), token.ErrClaims},
		{"custom in two cases", base(func(c *token.Claims) {
			c.Custom = map[string]json.RawMessage{"x": json.RawMessage("1"), "X": json.RawMessage("1")}
		}), token.ErrClaims},
		{"no subject", base(func(c *token.Claims) { c.Subject = "" }), token.ErrClaims},
		{"no session", base(func(c *token.Claims) { c.SessionID = "" }), token.ErrClaims},
		{"subject invalid UTF-8", base(func(c *token.Claims) { c.Subject = "\xff" }), token.ErrClaims},
		{"expired before issued", base(func(c *token.Claims) { c.Expires = noon.Add(-time.Second) }), token.ErrClaims},
		{"before 1970", base(func(c *token.Claims) { c.NotBefore = time.Unix(-1, 0) }), token.ErrClaims},
		{"actor no object", base(func(c *token.Claims) { c.Actor = json.RawMessage(`"u"`) }), token.ErrClaims},
		{"organization without ID", base(func(c *token.Claims) { c.Organization = &token.Organization{} }), token.ErrClaims},
		{"factor age", base(func(c *token.Claims) { c.FactorAge = &token.FactorAge{First: -2} }), token.ErrClaims},
		{"session claims in a template", base(func(c *token.Claims) { c.Kind = token.KindTemplate }), token.ErrClaims},
		{"plan in a template", token.Claims{Subject: "u", Kind: token.KindTemplate, Plan: "u:free"}, token.ErrClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			if tok, err := w.iss.Mint(context.Background(), c.claims); !errors.Is(err, c.want) || tok != "" {
				t.Errorf("got %q, %v", tok, err)
			}
		})
	}
	good := base(func(*token.Claims) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.iss.Mint(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := (&token.Issuer{URL: issuerURL}).Mint(context.Background(), good); !errors.Is(err, token.ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := (&token.Issuer{}).Mint(context.Background(), good); !errors.Is(err, token.ErrConfig) {
		t.Errorf("no URL: %v", err)
	}
	for _, payload := range []string{"", "1", "[]", "null", `{"a":1,"a":2}`, `{} {}`} {
		if _, err := w.iss.Sign(context.Background(), "x", json.RawMessage(payload)); !errors.Is(err, token.ErrClaims) {
			t.Errorf("Sign %q: %v", payload, err)
		}
	}
}

// TestMintSpeaksAnyText: whatever Mint takes, Verify returns.
func TestMintSpeaksAnyText(t *testing.T) {
	w := newWorldOf(t, token.EdDSA)
	for _, s := range []string{"a\"b\\c", "<script>&", "\u2028\u00e9\U0001f600", "a\x00\x1f\x7f", strings.Repeat("\u00e9", 400), "null", "{}"} {
		c := token.Claims{Subject: s, SessionID: s, AuthorizedParty: s, Custom: map[string]json.RawMessage{"x" + s: json.RawMessage(` { "a" : [ 1.5e3 , true , null ] } `)}}
		got, err := w.v.Verify(context.Background(), w.mintOf(t, c))
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got.Subject != s || got.SessionID != s || string(got.Custom["x"+s]) != `{"a":[1.5e3,true,null]}` {
			t.Errorf("%q: got %+v", s, got)
		}
	}
}

func TestSetKeysRefuses(t *testing.T) {
	w := newWorld(t)
	if err := w.iss.SetKeys(); !errors.Is(err, token.ErrNoKey) {
		t.Errorf("no keys: %v", err)
	}
	if err := w.iss.SetKeys(token.Key{ID: "x"}); !errors.Is(err, token.ErrKey) {
		t.Errorf("an empty key: %v", err)
	}
	if err := w.iss.SetKeys(w.key, w.key); !errors.Is(err, token.ErrKey) {
		t.Errorf("a key twice: %v", err)
	}
	if err := verify(w.v, w.mint(t)); err != nil {
		t.Errorf("the old keys are gone: %v", err)
	}
}

func TestOpen(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	tok, err := w.iss.Sign(ctx, "client", json.RawMessage(`{"id":"client_1"}`))
	if err != nil {
		t.Fatal(err)
	}
	v := &token.Verifier{Issuer: issuerURL, Keys: w.iss, Kind: "client", Now: w.Now}
	if got, err := v.Open(ctx, tok); err != nil || string(got) != `{"id":"client_1"}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := v.Verify(ctx, tok); !errors.Is(err, token.ErrClaims) {
		t.Errorf("Verify: %v", err)
	}
	if _, err := w.v.Open(ctx, tok); !errors.Is(err, token.ErrKind) {
		t.Errorf("another kind: %v", err)
	}
	if _, err := w.v.Open(ctx, forge(t, w.key, head(w.key), "{")); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestVerifyExpired(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	revoked, stale := false, true
	w.v.Revoked = func(*token.Claims) bool { return revoked }
	w.v.Stale = func(*token.Claims) bool { return stale }
	tok := w.mint(t)
	for _, when := range []string{"at first", "remembered"} {
		if c, err := w.v.VerifyExpired(ctx, tok); !errors.Is(err, token.ErrStale) || !errors.Is(err, token.ErrExpired) || c == nil {
			t.Errorf("stale, %s: %v, %v", when, c, err)
		}
		if c, err := w.v.Verify(ctx, tok); !errors.Is(err, token.ErrStale) || c != nil {
			t.Errorf("stale, %s: Verify: %v, %v", when, c, err)
		}
	}
	stale = false
	if c, err := w.v.VerifyExpired(ctx, tok); err != nil || c == nil {
		t.Fatalf("live: %v", err)
	}
	w.Advance(24 * time.Hour)
	c, err := w.v.VerifyExpired(ctx, tok)
	if !errors.Is(err, token.ErrExpired) || c == nil || c.Subject == "" {
		t.Fatalf("expired: %v, %v", c, err)
	}
	if c, err := w.v.Verify(ctx, tok); !errors.Is(err, token.ErrExpired) || c != nil {
		t.Errorf("Verify: %v, %v", c, err)
	}
	revoked = true
	if c, err := w.v.VerifyExpired(ctx, tok); !errors.Is(err, token.ErrRevoked) || c != nil {
		t.Errorf("revoked: %v, %v", c, err)
	}
	revoked = false
	for name, bad := range map[string]string{
		"other issuer": forge(t, w.key, head(w.key), body("iss", `"https://x"`)),
		"other key":    forge(t, testKeys()[token.RS256][1], head(w.key), body()),
		"no session":   forge(t, w.key, head(w.key), body("sid", "")),
	} {
		if c, err := w.v.VerifyExpired(ctx, bad); err == nil || errors.Is(err, token.ErrExpired) || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestVerifierCheck(t *testing.T) {
	err := (&token.Verifier{Leeway: time.Hour, Algorithms: []token.Algorithm{"HS256", ""}}).Check()
	if !errors.Is(err, token.ErrConfig) {
		t.Fatal(err)
	}
	for _, part := range []string{"Keys", "Issuer", "Leeway", "HS256"} { // all problems at once
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not tell of %s", err, part)
		}
	}
	if err := verify(&token.Verifier{}, "x"); !errors.Is(err, token.ErrConfig) {
		t.Errorf("Verify: %v", err)
	}
	if err := newWorld(t).v.Check(); err != nil {
		t.Error(err)
	}
}

func TestClaimsClone(t *testing.T) {
	c := claims(t)
	c.Actor = json.RawMessage(`{"sub":"a"}`)
	c.Custom = map[string]json.RawMessage{"x": json.RawMessage(`[1]`)}
	d := c.Clone()
	if diff := cmp.Diff(&c, d); diff != "" {
		t.Fatal(diff)
	}
	d.FactorAge.First, d.Organization.Role, d.Actor[2], d.Custom["x"][1] = 9, "x", 'X', '2'
	d.Custom["y"] = nil
	if c.FactorAge.First == 9 || c.Organization.Role == "x" || c.Actor[2] == 'X' || c.Custom["x"][1] == '2' || len(c.Custom) != 1 {
		t.Errorf("the clone shares memory: %+v", c)
	}
	if empty := (&token.Claims{}).Clone(); empty.Custom != nil || empty.Actor != nil {
		t.Errorf("%+v", empty)
	}
	for actor, want := range map[string]string{``: "", `1`: "", `{"SUB":"x"}`: "", `{"sub":1}`: "", `{"sub":"x"}`: "x"} {
		if got := (&token.Claims{Actor: json.RawMessage(actor)}).ActorID(); got != want {
			t.Errorf("actor %s: %q", actor, got)
		}
	}
}
