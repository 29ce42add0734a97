package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

func TestAttack_T05_Numbers(t *testing.T) {
	w := newWorld(t)
	var list []refusal
	for _, claim := range []string{"exp", "nbf", "iat"} {
		list = append(list, refusal{claim + " missing", forge(t, w.key, head(w.key), body(claim, "")), token.ErrClaims})
		at := fmt.Sprint(noon.Unix())
		for _, bad := range []string{
			"null", `"` + at + `"`, at + ".0", at + ".5", "1e9", "1E10", "1e400", "-1", "-" + at, "-0", "0", "9223372036854775807",
			"9223372036854775808", "18446744073709551616", "253402300800", "99999999999999999999999999", "true", "[]", "{}", "[" + at + "]",
			"0" + at, "+" + at, "NaN", "Infinity", "0x7fffffff", "1_000", at + ".", ".5", "",
		} {
			p := body(claim, bad)
			if bad == "" { // no value at all
				p = strings.Replace(body(claim, "1"), `"`+claim+`":1`, `"`+claim+`":`, 1)
			}
			list = append(list, refusal{claim + " " + bad, forge(t, w.key, head(w.key), p), token.ErrMalformed})
		}
	}
	at := func(d int64) string { return fmt.Sprint(noon.Unix() + d) }
	list = append(list,
		refusal{"exp = iat", forge(t, w.key, head(w.key), body("exp", at(0))), token.ErrClaims},
		refusal{"exp < iat", forge(t, w.key, head(w.key), body("exp", at(-1))), token.ErrClaims},
		refusal{"exp = nbf", forge(t, w.key, head(w.key), body("iat", at(-9), "nbf", at(9), "exp", at(9))), token.ErrClaims})
	refuseAll(t, w.v, list)
}

func TestAttack_T05_Edges(t *testing.T) {
	at := func(d int64) string { return fmt.Sprint(noon.Unix() + d) }
	for _, c := range []struct {
		name   string
		leeway time.Duration
		claims []string
		want   error
	}{
		{"exp, within leeway", 0, []string{"iat", at(-64), "nbf", at(-64), "exp", at(-4)}, nil},
		{"exp, leeway over", 0, []string{"iat", at(-65), "nbf", at(-65), "exp", at(-5)}, token.ErrExpired},
		{"exp, one more", 0, []string{"iat", at(-66), "nbf", at(-66), "exp", at(-6)}, token.ErrExpired},
		{"nbf, within leeway", 0, []string{"nbf", at(5)}, nil},
		{"nbf, one more", 0, []string{"nbf", at(6)}, token.ErrNotYetValid},
		{"iat, within leeway", 0, []string{"iat", at(5)}, nil},
		{"iat, one more", 0, []string{"iat", at(6)}, token.ErrNotYetValid},
		{"no leeway, last second", -1, []string{"iat", at(-60), "nbf", at(-60), "exp", at(1)}, nil},
		{"no leeway, exp", -1, []string{"iat", at(-60), "nbf", at(-60), "exp", at(0)}, token.ErrExpired},
		{"no leeway, nbf", -1, []string{"nbf", at(1)}, token.ErrNotYetValid},
		{"a minute, exp", time.Minute, []string{"iat", at(-99), "nbf", at(-99), "exp", at(-59)}, nil},
		{"a minute, over", time.Minute, []string{"iat", at(-99), "nbf", at(-99), "exp", at(-60)}, token.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.v.Leeway = c.leeway
			tok := forge(t, w.key, head(w.key), body(c.claims...))
			for range 2 { // the second time from memory
				if err := verify(w.v, tok); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
			}
		})
	}
}

func TestAttack_T06_IssuerAudienceParty(t *testing.T) {
	w := newWorld(t)
	w.v.AuthorizedParties = []string{"https://app.example.com"}
	signed := func(changes ...string) string { return forge(t, w.key, head(w.key), body(changes...)) }
	refuseAll(t, w.v, []refusal{
		{"other issuer", signed("iss", `"https://clerk.example.org"`), token.ErrIssuer},
		{"issuer with slash", signed("iss", `"https://clerk.example.com/"`), token.ErrIssuer},
		{"issuer in other case", signed("iss", `"https://CLERK.example.com"`), token.ErrIssuer},
		{"no issuer", signed("iss", ""), token.ErrClaims},
		{"empty issuer", signed("iss", `""`), token.ErrClaims},
		{"list of issuers", signed("iss", `["https://clerk.example.com"]`), token.ErrMalformed},
		{"no subject", signed("sub", ""), token.ErrClaims},
		{"empty subject", signed("sub", `""`), token.ErrClaims},
		{"number as subject", signed("sub", `1`), token.ErrMalformed},
		{"other party", signed("azp", `"https://evil.example"`), token.ErrParty},
		{"party in other case", signed("azp", `"https://APP.example.com"`), token.ErrParty},
		{"longer party", signed("azp", `"https://app.example.com.evil.example"`), token.ErrParty},
		{"party null", signed("azp", `null`), token.ErrMalformed},
		{"party as list", signed("azp", `["https://app.example.com"]`), token.ErrMalformed},
		{"audience nobody asked for", signed("aud", `"other"`), token.ErrAudience},
		{"audiences nobody asked for", signed("aud", `["other"]`), token.ErrAudience},
		{"audience of a wrong type", signed("aud", `{"a":1}`), token.ErrMalformed},
		{"audience null", signed("aud", `null`), token.ErrMalformed},
		{"audience with null", signed("aud", `["a",null]`), token.ErrMalformed},
		{"audience in other case", signed("AUD", `"us"`), token.ErrMalformed},
	})
	for change, name := range map[string]string{"iss": "https://clerk.example.org", "azp": "https://evil.example"} { // operators mix these up
		if err := verify(w.v, signed(change, `"`+name+`"`)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v does not say what it was", change, err)
		}
	}
	for _, azp := range []string{"", `""`, `"https://app.example.com"`} {
		if err := verify(w.v, signed("azp", azp)); err != nil {
			t.Errorf("azp %s: %v", azp, err)
		}
	}
	us := &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: w.Now, Audience: []string{"us", "we"}}
	for aud, want := range map[string]error{
		"": token.ErrAudience, `"us"`: nil, `["them","we"]`: nil, `"them"`: token.ErrAudience, `[]`: token.ErrAudience,
		`"US"`: token.ErrAudience, `["us",1]`: token.ErrMalformed,
	} {
		if err := verify(us, signed("aud", aud)); !errors.Is(err, want) {
			t.Errorf("aud %s: got %v, want %v", aud, err, want)
		}
	}
}

// TestAttack_T06_Kinds gives a token of each kind to a verifier of each kind.
func TestAttack_T06_Kinds(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	header := func(cat string) string { return fmt.Sprintf(`{"alg":"RS256","kid":%q%s}`, w.key.ID, cat) }
	mint := func(kind token.Kind) string {
		return w.mintOf(t, token.Claims{Subject: "user_1", Kind: kind})
	}
	sign := func(kind token.Kind, payload string) string {
		tok, err := w.iss.Sign(ctx, kind, json.RawMessage(payload))
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	tokens := map[string]string{
		"session":                w.mint(t),
		"session without cat":    forge(t, w.key, header(""), body()),
		"template":               mint(token.KindTemplate),
		"machine":                mint(token.KindMachine),
		"template without cat":   forge(t, w.key, header(""), body("sid", "")),
		"unknown cat":            forge(t, w.key, header(`,"cat":"cl_I7d4PD111III"`), body()),
		"empty cat":              forge(t, w.key, header(`,"cat":""`), body()),
		"null cat":               forge(t, w.key, header(`,"cat":null`), body()),
		"cat in other case":      forge(t, w.key, header(`,"Cat":"cl_B7d4PD111AAA"`), body()),
		"handshake":              sign("", `{"handshake":["__session=x"]}`),
		"session with handshake": forge(t, w.key, header(""), body("handshake", `["__session=x"]`)),
		"client cookie":          sign("client", `{"id":"client_1","rotating_token":"x"}`),
		"access token":           forge(t, w.key, header(`,"typ":"at+jwt"`), body()),
		"logout token":           forge(t, w.key, header(`,"typ":"logout+jwt"`), body()),
		"newer version":          forge(t, w.key, header(""), body("v", "3")),
	}
	good := map[token.Kind][]string{
		token.KindSession:  {"session", "session without cat"},
		token.KindTemplate: {"template"},
		token.KindMachine:  {"machine"},
	}
	for kind, accepted := range good {
		v := &token.Verifier{Issuer: issuerURL, Keys: w.iss, Now: w.Now, Kind: kind}
		for name, tok := range tokens {
			want := false
			for _, a := range accepted {
				want = want || a == name
			}
			c, err := v.Verify(ctx, tok)
			if (err == nil) != want {
				t.Errorf("%s at a verifier of %s: %v", name, kind, err)
			}
			if err == nil && c.Kind != kind {
				t.Errorf("%s: kind %q", name, c.Kind)
			}
		}
	}
	if _, err := w.iss.Sign(ctx, token.KindSession, json.RawMessage(body())); !errors.Is(err, token.ErrKind) {
		t.Errorf("Sign made a session token: %v", err)
	}
	if _, err := w.iss.Sign(ctx, "", json.RawMessage(body())); !errors.Is(err, token.ErrKind) {
		t.Errorf("Sign made a token that passes for a session: %v", err)
	}
}

// TestAttack_T06_OneFaultEach spoils a good token in one place at a time.
func TestAttack_T06_OneFaultEach(t *testing.T) {
	w := newWorld(t)
	tok := w.mint(t)
	h, p, s := segments(tok)
	for i := range tok {
		spoiled := []byte(tok)
		if spoiled[i] = 'A'; tok[i] == 'A' {
			spoiled[i] = 'B'
		}
		if err := verify(w.v, string(spoiled)); err == nil {
			t.Fatalf("byte %d changed, and accepted", i)
		}
	}
	for i := range tok {
		if err := verify(w.v, tok[:i]); err == nil {
			t.Fatalf("cut at %d, and accepted", i)
		}
	}
	for name, bad := range map[string]string{
		"swapped": p + "." + h + "." + s, "no signature": h + "." + p + ".", "doubled": tok + tok, "empty": "", "dots": "..",
		"signature of another": h + "." + p + "." + strings.Repeat("A", len(s)),
	} {
		if err := verify(w.v, bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
