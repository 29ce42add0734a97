package token_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/usherauth/usher/token"
)

// loose is how a parser that ignores letter case reads claims.
type loose struct {
	Sub, Sid, Iss, Azp string
	Iat, Nbf, Exp      int64
	O                  *struct{ ID, Rol string }
}

// agree fails if two other parsers do not accept what we accepted, or read
// something else in it.
func agree(t *testing.T, k token.Key, tok string, c *token.Claims, now func() time.Time) {
	t.Helper()
	other, err := jwt.Parse(tok, func(*jwt.Token) (any, error) { return k.Public().Crypto(), nil },
		jwt.WithValidMethods([]string{string(k.Algorithm)}), jwt.WithTimeFunc(now), jwt.WithIssuer(issuerURL),
		jwt.WithExpirationRequired(), jwt.WithLeeway(token.DefaultSkew), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	if err != nil {
		t.Fatalf("we accept %s, and golang-jwt does not: %v", tok, err)
	}
	m := other.Claims.(jwt.MapClaims)
	for name, ours := range map[string]string{"sub": c.Subject, "sid": c.SessionID, "iss": c.Issuer} {
		if theirs, _ := m[name].(string); theirs != ours {
			t.Fatalf("%s is %q here and %q there", name, ours, theirs)
		}
	}
	if exp, err := m.GetExpirationTime(); err != nil || !exp.Equal(c.Expires) {
		t.Fatalf("exp is %v here and %v there", c.Expires, exp)
	}
	_, payload, _ := segments(tok)
	var l loose
	if err := json.Unmarshal([]byte(unb64(t, payload)), &l); err != nil {
		t.Fatalf("we accept %s, and encoding/json does not: %v", payload, err)
	}
	if l.Sub != c.Subject || l.Sid != c.SessionID || l.Iss != c.Issuer || l.Azp != c.AuthorizedParty || l.Exp != c.Expires.Unix() ||
		l.Iat != c.IssuedAt.Unix() || l.Nbf != c.NotBefore.Unix() {
		t.Fatalf("encoding/json reads %+v, we %+v", l, c)
	}
	if o := c.Organization; o != nil && (l.O == nil || l.O.ID != o.ID || l.O.Rol != o.Role) {
		t.Fatalf("encoding/json reads organization %+v, we %+v", l.O, o)
	}
}

// FuzzVerify gives whole tokens to the verifier: it never panics, and what it
// accepts others accept and read alike.
func FuzzVerify(f *testing.F) {
	w := newWorldOf(f, token.EdDSA)
	good := w.mint(f)
	h, p, s := segments(good)
	for _, seed := range []string{good, "", ".", "..", h + "." + p + ".", h + "." + p + "." + s + ".", h + "=." + p + "." + s, good + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tok string) {
		c, err := w.v.Verify(context.Background(), tok)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err == nil {
			agree(t, w.key, tok, c, w.Now)
		}
	})
}

// FuzzParse signs any header and payload, so that the parsers behind the
// signature are reached.
func FuzzParse(f *testing.F) {
	w := newWorldOf(f, token.EdDSA)
	full := claims(f)
	filled := w.iss.Fill(full)
	payload, err := json.Marshal(filled)
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range []string{
		string(payload), body(), body("x", `{"a":[1,2.5e3,true,null,"\u00e9\ud83d\ude00"]}`), body("o", `{"id":"a","rol":"admin","ROL":"x"}`),
		body("act", `{"sub":"x"}`), body("\u017fub", `"x"`), body("aud", `["a"]`), `{}`, `[]`, `{"sub":"a","\u0073ub":"b"}`, body() + " ",
	} {
		f.Add(head(w.key), p)
	}
	f.Add(fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"crit":["x"]}`, w.key.ID), body())
	f.Add(fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"Alg":"none"}`, w.key.ID), body())
	f.Fuzz(func(t *testing.T, header, payload string) {
		if len(header)+len(payload) > 10000 {
			return
		}
		tok := forge(t, w.key, header, payload)
		c, err := w.v.Verify(context.Background(), tok)
		if err != nil {
			return
		}
		agree(t, w.key, tok, c, w.Now)
		c.Permissions()
		// What was read can be written, and reads the same.
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("cannot write %+v: %v", c, err)
		}
		var back token.Claims
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("cannot read %s: %v", data, err)
		}
		if back.Subject != c.Subject || back.SessionID != c.SessionID || !back.Expires.Equal(c.Expires) || len(back.Custom) != len(c.Custom) {
			t.Fatalf("%+v became %+v", c, back)
		}
	})
}

// FuzzKeySet: what parses can be written and parses again to the same.
func FuzzKeySet(f *testing.F) {
	set, err := allKeys(f).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(set))
	f.Add(`{"keys":[{"kty":"oct","k":"AA"}]}`)
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := token.ParseKeySet([]byte(text))
		if err != nil {
			return
		}
		data, err := s.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := token.ParseKeySet(data)
		if err != nil {
			t.Fatalf("%s became %s: %v", text, data, err)
		}
		if len(back.Keys()) != len(s.Keys()) {
			t.Fatalf("%s became %s", text, data)
		}
	})
}

// FuzzPermissions: no text in the claims panics, and HasPermission agrees with
// Permissions.
func FuzzPermissions(f *testing.F) {
	f.Add("o:dashboard,o:teams", "manage,read", "3,2")
	f.Add("u:a,uo:b", "x", "1")
	f.Add(",:,", ",", ",")
	f.Fuzz(func(t *testing.T, fea, per, fpm string) {
		if len(fea)+len(per)+len(fpm) > 2000 {
			return
		}
		c := token.Claims{Features: fea, Organization: &token.Organization{ID: "o", Permissions: per, FeaturePermissions: fpm}}
		for _, p := range c.Permissions() {
			if _, rest, _ := strings.Cut(p, ":"); !strings.Contains(strings.SplitN(rest, ":", 2)[1], ":") && !c.HasPermission(p) {
				t.Fatalf("%q is listed and not held", p)
			}
		}
	})
}
