package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/token"
)

// refusal is a token and why it is refused.
type refusal struct {
	name, tok string
	want      error
}

func refuseAll(t *testing.T, v *token.Verifier, list []refusal) {
	t.Helper()
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // a refused token is not remembered as good
				got, err := v.Verify(context.Background(), c.tok)
				if !errors.Is(err, c.want) || got != nil {
					t.Fatalf("got %v, %v, want %v", got, err, c.want)
				}
			}
		})
	}
	if n := v.Len(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
}

func TestAttack_T01_AlgorithmNone(t *testing.T) {
	w := newWorld(t)
	var list []refusal
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "rs256", "Rs256", "RS256 ", "RS384", "PS256", "ES256", "EdDSA", "HS256"} {
		h := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, w.key.ID)
		want := token.ErrAlgorithm
		if alg == "" {
			want = token.ErrMalformed
		}
		list = append(list,
			refusal{"signed " + alg, forge(t, w.key, h, body()), want},
			refusal{"unsigned " + alg, b64(h) + "." + b64(body()) + ".", token.ErrMalformed},
			refusal{"two segments " + alg, b64(h) + "." + b64(body()), token.ErrMalformed},
			refusal{"one byte " + alg, b64(h) + "." + b64(body()) + ".AA", want})
	}
	noAlg := fmt.Sprintf(`{"kid":%q,"typ":"JWT"}`, w.key.ID)
	nullAlg := fmt.Sprintf(`{"alg":null,"kid":%q,"typ":"JWT"}`, w.key.ID)
	list = append(list,
		refusal{"no alg", forge(t, w.key, noAlg, body()), token.ErrMalformed},
		refusal{"null alg", forge(t, w.key, nullAlg, body()), token.ErrMalformed})
	refuseAll(t, w.v, list)
	if err := verify(w.v, forge(t, w.key, head(w.key), body())); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

func TestAttack_T02_PublicKeyAsSecret(t *testing.T) {
	w := newWorld(t)
	pub := w.key.Public().Crypto().(*rsa.PublicKey)
	pkix, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(pub)
	jwk, err := json.Marshal(w.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"PEM":         w.key.Public().PEM(),
		"PEM trimmed": []byte(strings.TrimSpace(string(w.key.Public().PEM()))),
		"PEM PKCS#1":  pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"DER":         pkix,
		"DER PKCS#1":  pkcs1,
		"modulus":     pub.N.Bytes(),
		"modulus b64": []byte(base64.RawURLEncoding.EncodeToString(pub.N.Bytes())),
		"JWK":         jwk,
		"empty":       nil,
	}
	var list []refusal
	for name, secret := range secrets {
		for _, alg := range []string{"HS256", "RS256"} {
			text := b64(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, w.key.ID)) + "." + b64(body())
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(text))
			want := token.ErrAlgorithm
			if alg == "RS256" {
				want = token.ErrSignature
			}
			list = append(list, refusal{alg + " " + name, text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), want})
		}
	}
	refuseAll(t, w.v, list)
}

func TestAttack_T02_KeyDecidesAlgorithm(t *testing.T) {
	// A key of each type, and tokens that claim each algorithm for it.
	for have, keys := range testKeys() {
		k := keys[0]
		set, err := token.NewKeySet(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		v := &token.Verifier{Issuer: issuerURL, Keys: set, Now: (&clock{}).Now}
		for claim := range testKeys() {
			h := fmt.Sprintf(`{"alg":%q,"kid":%q}`, claim, k.ID)
			err := verify(v, forge(t, k, h, body()))
			if claim == have && err != nil || claim != have && !errors.Is(err, token.ErrAlgorithm) {
				t.Errorf("%s key, alg %s: %v", have, claim, err)
			}
		}
		pinned := &token.Verifier{Issuer: issuerURL, Keys: set, Now: (&clock{}).Now, Algorithms: []token.Algorithm{token.RS256}}
		err = verify(pinned, forge(t, k, head(k), body()))
		if have == token.RS256 && err != nil || have != token.RS256 && !errors.Is(err, token.ErrAlgorithm) {
			t.Errorf("%s key, RS256 pinned: %v", have, err)
		}
	}
}

func TestAttack_T03_KeyID(t *testing.T) {
	w := newWorld(t)
	var list []refusal
	for name, kid := range map[string]string{
		"path": "../../../../dev/null", "sql": "' OR '1'='1", "command": "|id", "empty": "", "nul": "a\x00b",
		"url": "https://evil.example/key", "unknown": "ins_000000000000000000000000000", "128 bytes": strings.Repeat("k", 128),
		"case": strings.ToUpper(w.key.ID), "space": w.key.ID + " ", "long s": "in\u017f_" + w.key.ID[4:],
	} {
		h, _ := json.Marshal(map[string]string{"alg": "RS256", "kid": kid})
		list = append(list, refusal{name, forge(t, w.key, string(h), body()), token.ErrUnknownKey})
	}
	list = append(list,
		refusal{"none", forge(t, w.key, `{"alg":"RS256"}`, body()), token.ErrUnknownKey},
		refusal{"null", forge(t, w.key, `{"alg":"RS256","kid":null}`, body()), token.ErrMalformed},
		refusal{"number", forge(t, w.key, `{"alg":"RS256","kid":1}`, body()), token.ErrMalformed},
		refusal{"129 bytes", forge(t, w.key, `{"alg":"RS256","kid":"`+strings.Repeat("k", 129)+`"}`, body()), token.ErrMalformed},
		refusal{"very long", forge(t, w.key, `{"alg":"RS256","kid":"`+strings.Repeat("k", 9000)+`"}`, body()), token.ErrMalformed},
		refusal{"of another key", forge(t, testKeys()[token.RS256][1], head(w.key), body()), token.ErrSignature},
	)
	refuseAll(t, w.v, list)
}

func TestAttack_T03_RetiredKey(t *testing.T) {
	c := &clock{}
	old, next := testKeys()[token.ES256][0], testKeys()[token.ES256][1]
	old.SignFrom, next.SignFrom = noon.Add(-time.Hour), noon.Add(time.Hour)
	iss := &token.Issuer{URL: issuerURL, Lifetime: 10 * time.Hour, Schedule: token.Schedule{KeepAfter: time.Hour}, Now: c.Now}
	if err := iss.SetKeys(next, old); err != nil {
		t.Fatal(err)
	}
	tok, err := iss.Mint(context.Background(), claims(t))
	if err != nil {
		t.Fatal(err)
	}
	v := &token.Verifier{Issuer: issuerURL, Keys: iss, Now: c.Now}
	for _, step := range []struct {
		after time.Duration
		want  error
	}{
		{0, nil}, {2*time.Hour - time.Second, nil}, {2 * time.Hour, token.ErrUnknownKey}, {3 * time.Hour, token.ErrUnknownKey},
	} {
		c.Set(noon.Add(step.after))
		if err := verify(v, tok); !errors.Is(err, step.want) {
			t.Errorf("after %v: %v, want %v", step.after, err, step.want)
		}
	}
	if err := iss.SetKeys(next, old); err != nil {
		t.Fatal(err)
	}
	if got := iss.KeySet().Keys(); len(got) != 1 || got[0].ID() != next.ID {
		t.Errorf("the retired key is still published: %v", got)
	}
}

func TestAttack_T04_EmbeddedKeys(t *testing.T) {
	var seen atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer srv.Close()
	w := newWorld(t)
	evil := testKeys()[token.RS256][1]
	jwk, err := json.Marshal(evil.Public())
	if err != nil {
		t.Fatal(err)
	}
	with := func(member string) string {
		return strings.TrimSuffix(head(w.key), "}") + "," + member + "}"
	}
	ignored := map[string]string{
		"jwk": `"jwk":` + string(jwk), "jku": `"jku":"` + srv.URL + `"`, "x5u": `"x5u":"` + srv.URL + `"`,
		"x5c": `"x5c":["` + base64.StdEncoding.EncodeToString(evil.Public().PEM()) + `"]`,
		"x5t": `"x5t":"AA"`, "b64 true": `"b64":true`, "unknown": `"oiat":12345`,
	}
	var list []refusal
	for name, member := range ignored {
		list = append(list, refusal{name, forge(t, evil, with(member), body()), token.ErrSignature})
	}
	for name, member := range map[string]string{
		"crit": `"crit":["exp"]`, "crit empty": `"crit":[]`, "crit b64": `"crit":["b64"],"b64":false`, "b64": `"b64":false`,
		"b64 null": `"b64":null`, "zip": `"zip":"DEF"`, "nested": `"cty":"JWT"`, "encrypted": `"enc":"A256GCM"`,
		"crit folded": `"CRIT":["exp"]`, "typ": `"TYP":"JWE"`,
	} {
		list = append(list, refusal{name, forge(t, w.key, with(member), body()), token.ErrMalformed})
	}
	refuseAll(t, w.v, list)
	for name, member := range ignored {
		if err := verify(w.v, forge(t, w.key, with(member), body())); err != nil {
			t.Errorf("%s beside a good signature: %v", name, err)
		}
	}
	if n := seen.Load(); n != 0 {
		t.Errorf("%d requests went out", n)
	}
}
