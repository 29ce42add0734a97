package token_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

func allKeys(tb testing.TB) *token.KeySet {
	tb.Helper()
	keys := testKeys()
	set, err := token.NewKeySet(keys[token.RS256][0].Public(), keys[token.ES256][0].Public(), keys[token.EdDSA][0].Public())
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func TestKeySetRoundTrip(t *testing.T) {
	set := allKeys(t)
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	back, err := token.ParseKeySet(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("%v\n%s\n%s", err, data, again)
	}
	for _, keys := range testKeys() {
		k, err := back.Key(context.Background(), keys[0].ID)
		if err != nil || k.Algorithm() != keys[0].Algorithm {
			t.Errorf("%s: %v", keys[0].Algorithm, err)
		}
		v := &token.Verifier{Issuer: issuerURL, Keys: back, Now: (&clock{}).Now}
		if err := verify(v, forge(t, keys[0], head(keys[0]), body())); err != nil {
			t.Errorf("%s: %v", keys[0].Algorithm, err)
		}
	}
	if _, err := back.Key(context.Background(), "x"); !errors.Is(err, token.ErrUnknownKey) {
		t.Error(err)
	}
	if empty, err := token.NewKeySet(); err != nil {
		t.Error(err)
	} else if data, _ := json.Marshal(empty); string(data) != `{"keys":[]}` {
		t.Errorf("the empty set is %s", data)
	}
}

// TestJWKMembers pins what client libraries need.
func TestJWKMembers(t *testing.T) {
	for alg, want := range map[token.Algorithm]string{
		token.RS256: "alg e kid kty n use", token.ES256: "alg crv kid kty use x y", token.EdDSA: "alg crv kid kty use x",
	} {
		data, err := json.Marshal(testKeys()[alg][0].Public())
		if err != nil {
			t.Fatal(err)
		}
		var jwk map[string]string
		if err := json.Unmarshal(data, &jwk); err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(want) {
			if jwk[name] == "" {
				t.Errorf("%s lacks %s", alg, name)
			}
		}
		if len(jwk) != len(strings.Fields(want)) || jwk["use"] != "sig" || jwk["alg"] != string(alg) {
			t.Errorf("%s: %v", alg, jwk)
		}
		if alg == token.RS256 && jwk["e"] != "AQAB" {
			t.Errorf("e is %s", jwk["e"])
		}
	}
}

// TestParseKeySetIgnores: keys for other purposes do not spoil the set.
func TestParseKeySetIgnores(t *testing.T) {
	good, err := json.Marshal(testKeys()[token.RS256][0].Public())
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	for name, jwk := range map[string]string{
		"encryption":    change(`"sig"`, `"enc"`),
		"other alg":     change(`"RS256"`, `"PS256"`),
		"other type":    `{"kty":"XYZ","kid":"x"}`,
		"other curve":   `{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}`,
		"X25519":        `{"kty":"OKP","crv":"X25519","x":"AA"}`,
		"other key_ops": change(`"use"`, `"key_ops":["sign"],"use"`),
		"no type":       `{}`,
	} {
		set, err := token.ParseKeySet([]byte(`{"keys":[` + jwk + `,` + string(good) + `],"more":1}`))
		if err != nil || len(set.Keys()) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := token.ParseKeySet([]byte(`{"keys":[` + jwk + `]}`)); !errors.Is(err, token.ErrKey) {
			t.Errorf("%s alone: %v", name, err)
		}
	}
	if _, err := token.ParseKeySet([]byte(`{"keys":[` + change(`"use"`, `"key_ops":["verify"],"x5c":["AA"],"use"`) + `]}`)); err != nil {
		t.Errorf("key_ops: %v", err)
	}
	for name, jwk := range map[string]string{
		"even modulus":   change(`"n":"`, `"n":"AA`),
		"no exponent":    change(`"e":"AQAB",`, ``),
		"e = 3":          change(`"AQAB"`, `"Aw"`),
		"huge e":         change(`"AQAB"`, `"AQABAQABAQAB"`),
		"padded":         change(`"AQAB"`, `"AQAB===="`),
		"key_ops string": change(`"use"`, `"key_ops":"verify","use"`),
		"null kid":       change(`"kid":"`, `"kid":null,"x":"`),
		"long kid":       change(`"kid":"`, `"kid":"`+strings.Repeat("k", 128)),
		"EC no point":    `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		"EC off curve":   `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"Ed25519 short":  `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
		"Ed25519 small":  `{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}`,
	} {
		if name == "even modulus" { // a leading zero byte is none: make it even at the other end
			jwk = strings.Replace(jwk, `"n":"AA`, `"n":"`, 1)
			i := strings.Index(jwk, `"n":"`) + 5
			j := i + strings.IndexByte(jwk[i:], '"')
			jwk = jwk[:j-2] + "AA" + jwk[j:]
		}
		if _, err := token.ParseKeySet([]byte(`{"keys":[` + jwk + `]}`)); !errors.Is(err, token.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeySetHandler(t *testing.T) {
	set := allKeys(t)
	ask := func(h http.Handler, method, match string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
		if match != "" {
			req.Header.Set("If-None-Match", match)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec
	}
	h := set.Handler()
	get := ask(h, "GET", "")
	want, _ := set.MarshalJSON()
	if get.Code != 200 || get.Body.String() != string(want) || get.Header().Get("Cache-Control") != "public, max-age=300" ||
		get.Header().Get("Content-Type") != "application/json" || get.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("GET: %d %v %s", get.Code, get.Header(), get.Body)
	}
	etag := get.Header().Get("ETag")
	if head := ask(h, "HEAD", ""); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != etag || etag == "" {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	for match, code := range map[string]int{
		etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, `"x"`: 200, strings.Trim(etag, `"`): 200,
	} {
		if got := ask(h, "GET", match); got.Code != code || (code == 304) != (got.Body.Len() == 0) {
			t.Errorf("If-None-Match %s: %d", match, got.Code)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if got := ask(h, method, ""); got.Code != 405 || got.Header().Get("Allow") == "" {
			t.Errorf("%s: %d", method, got.Code)
		}
	}
	// The issuer's follows its keys.
	iss := &token.Issuer{URL: issuerURL}
	if got := ask(iss.Handler(), "GET", ""); got.Code != 503 {
		t.Errorf("before keys: %d", got.Code)
	}
	if _, err := iss.Key(context.Background(), "x"); !errors.Is(err, token.ErrUnavailable) {
		t.Error(err)
	}
	tags := map[string]bool{}
	for _, k := range testKeys()[token.ES256] {
		if err := iss.SetKeys(k); err != nil {
			t.Fatal(err)
		}
		got := ask(iss.Handler(), "GET", "")
		if !strings.Contains(got.Body.String(), k.ID) {
			t.Errorf("%s is missing in %s", k.ID, got.Body)
		}
		tags[got.Header().Get("ETag")] = true
	}
	if len(tags) != 2 {
		t.Error("the ETag did not change with the keys")
	}
}

func TestPEM(t *testing.T) {
	for alg, keys := range testKeys() {
		k, err := token.ParsePEM(keys[0].Public().PEM())
		if err != nil || k.ID() != "" || k.Algorithm() != alg {
			t.Fatalf("%s: %v", alg, err)
		}
		// A key without a name verifies whatever name the token has.
		v := &token.Verifier{Issuer: issuerURL, Keys: k, Now: (&clock{}).Now}
		for _, h := range []string{head(keys[0]), `{"alg":"` + string(alg) + `"}`} {
			if err := verify(v, forge(t, keys[0], h, body())); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			if err := verify(v, forge(t, keys[1], h, body())); !errors.Is(err, token.ErrSignature) {
				t.Errorf("%s, another key: %v", alg, err)
			}
		}
		named := &token.Verifier{Issuer: issuerURL, Keys: keys[0].Public(), Now: (&clock{}).Now}
		if err := verify(named, forge(t, keys[0], `{"alg":"`+string(alg)+`","kid":"x"}`, body())); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("%s, another name: %v", alg, err)
		}
	}
	good := string(rsaKey().Public().PEM())
	for name, text := range map[string]string{
		"empty": "", "junk": "x", "two": good + good, "trailing": good + "x", "certificate": strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE"),
		"cut": good[:100] + good[len(good)-30:],
	} {
		if _, err := token.ParsePEM([]byte(text)); !errors.Is(err, token.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := token.NewPublicKey("x", elliptic.P256()); !errors.Is(err, token.ErrKey) {
		t.Errorf("no key at all: %v", err)
	}
	if _, err := token.NewKeySet(nil); !errors.Is(err, token.ErrKey) {
		t.Errorf("nil: %v", err)
	}
}
