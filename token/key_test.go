package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

// TestAttack_T13_SwappedRecord: a record that holds another private key than
// its ID says, or another algorithm, does not load.
func TestAttack_T13_SwappedRecord(t *testing.T) {
	for alg, keys := range testKeys() {
		a, err := keys[0].Stored()
		if err != nil {
			t.Fatal(err)
		}
		b, err := keys[1].Stored()
		if err != nil {
			t.Fatal(err)
		}
		if k, err := a.Key(); err != nil || k.ID != keys[0].ID || k.Algorithm != alg {
			t.Errorf("%s: the record itself: %v", alg, err)
		}
		other := "ES256"
		if alg == token.ES256 {
			other = "RS256"
		}
		for name, change := range map[string]func(s *token.StoredKey){
			"other key":       func(s *token.StoredKey) { s.PKCS8 = b.PKCS8 },
			"other ID":        func(s *token.StoredKey) { s.ID = b.ID },
			"no ID":           func(s *token.StoredKey) { s.ID = "" },
			"other algorithm": func(s *token.StoredKey) { s.Algorithm = token.Algorithm(other) },
			"no algorithm":    func(s *token.StoredKey) { s.Algorithm = "" },
			"cut":             func(s *token.StoredKey) { s.PKCS8 = s.PKCS8[:len(s.PKCS8)-1] },
			"empty":           func(s *token.StoredKey) { s.PKCS8 = nil },
		} {
			s := a
			change(&s)
			if _, err := s.Key(); !errors.Is(err, token.ErrKey) {
				t.Errorf("%s, %s: %v", alg, name, err)
			} else if leaks(err.Error(), keys...) {
				t.Errorf("%s, %s: the error tells the key", alg, name)
			}
		}
	}
}

// leaks tells whether text holds the secret of a key in some spelling.
func leaks(text string, keys ...token.Key) bool {
	for _, k := range keys {
		var secrets [][]byte
		switch s := token.Signer(k).(type) {
		case *rsa.PrivateKey:
			secrets = [][]byte{s.D.Bytes(), s.Primes[0].Bytes()}
			if strings.Contains(text, s.D.String()) || strings.Contains(text, s.Primes[0].String()) {
				return true
			}
		case *ecdsa.PrivateKey:
			raw, err := s.Bytes()
			if err != nil {
				panic(err)
			}
			secrets = [][]byte{raw}
			//lint:ignore SA1019 the number itself must not show
			if strings.Contains(text, s.D.String()) {
				return true
			}
		case ed25519.PrivateKey:
			secrets = [][]byte{s.Seed()}
		}
		for _, b := range secrets {
			for shift := range 3 { // base64 looks different at each offset
				core := base64.StdEncoding.EncodeToString(b[shift:])[:24]
				if strings.Contains(text, core) || strings.Contains(text, strings.NewReplacer("+", "-", "/", "_").Replace(core)) {
					return true
				}
			}
			h := hex.EncodeToString(b)
			if strings.Contains(strings.ToLower(text), h) || strings.Contains(text, string(b)) ||
				strings.Contains(text, strings.Trim(fmt.Sprint(b[:12]), "[]")) {
				return true
			}
		}
	}
	return false
}

func TestAttack_T13_SecretsAreNotShown(t *testing.T) {
	for alg, keys := range testKeys() {
		k := keys[0]
		stored, err := k.Stored()
		if err != nil {
			t.Fatal(err)
		}
		type holder struct {
			Key    token.Key
			Stored token.StoredKey
			hidden token.Key
		}
		values := []any{k, &k, stored, &stored, stored.PKCS8, holder{k, stored, k}, &holder{k, stored, k}, []token.Key{k}, map[string]token.Key{"k": k}}
		var out strings.Builder
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%t"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
				switch v.(type) {
				case holder, *holder, token.Secret: // their JSON is a deliberate act of who made it
				default:
					slog.New(h).Info("x", "v", v)
				}
			}
		}
		asJSON, err := json.Marshal([]any{k, &k, holder{Key: k}.Key, k.Public()})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(asJSON)
		iss := &token.Issuer{URL: issuerURL}
		if err := iss.SetKeys(keys...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%v %+v %#v", iss.KeySet(), iss.KeySet(), iss.KeySet())
		rec := httptest.NewRecorder()
		iss.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		out.WriteString(rec.Body.String())
		out.Write(k.Public().PEM())
		if leaks(out.String(), keys...) {
			t.Errorf("%s: a secret is shown", alg)
		}
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal(rec.Body.Bytes(), &set); err != nil || len(set.Keys) != 2 {
			t.Fatalf("JWKS: %v: %s", err, rec.Body)
		}
		for _, jwk := range set.Keys {
			for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				if _, ok := jwk[name]; ok {
					t.Errorf("%s: the JWKS has %s", alg, name)
				}
			}
		}
		// The search itself works: this is the one way that shows it.
		if deliberate, err := json.Marshal(stored); err != nil || !strings.Contains(string(deliberate), base64.StdEncoding.EncodeToString(stored.PKCS8)) {
			t.Errorf("%s: the stored form holds no key: %v", alg, err)
		}
		if s := token.Signer(k); !leaks(fmt.Sprintf("%d", secretNumber(s)), k) {
			t.Errorf("%s: the search finds nothing", alg)
		}
	}
}

func secretNumber(signer any) any {
	switch s := signer.(type) {
	case *rsa.PrivateKey:
		return s.D
	case *ecdsa.PrivateKey:
		//lint:ignore SA1019 the number itself must not show
		return s.D
	case ed25519.PrivateKey:
		return []byte(s)
	}
	return nil
}

func TestStoredKeyRoundTrip(t *testing.T) {
	for alg, keys := range testKeys() {
		k, err := token.NewKey(token.Signer(keys[0]), token.Slot{Seq: 7, Created: noon, SignFrom: noon.Add(1)})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := k.Stored()
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		var back token.StoredKey
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		got, err := back.Key()
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != k.ID || got.Algorithm != alg || got.Seq != 7 || !got.Created.Equal(noon) || !got.SignFrom.Equal(noon.Add(1)) {
			t.Errorf("got %v %+v", got, back)
		}
		if !regexp.MustCompile(`^ins_[0-9A-Za-z]{27}$`).MatchString(got.ID) {
			t.Errorf("ID %q", got.ID)
		}
		again, err := got.Stored()
		if err != nil || !bytes.Equal(again.PKCS8, stored.PKCS8) {
			t.Errorf("%s: the key changed: %v", alg, err)
		}
	}
	if err := json.Unmarshal([]byte(`{}`), new(token.Key)); !errors.Is(err, token.ErrKey) {
		t.Errorf("a Key from JSON: %v", err)
	}
	if _, err := (token.Key{}).Stored(); !errors.Is(err, token.ErrKey) {
		t.Errorf("the empty Key: %v", err)
	}
}

func TestNewKeyRefuses(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this toolchain makes no small keys: ", err)
	}
	if _, err := token.NewKey(small, token.Slot{}); !errors.Is(err, token.ErrKey) {
		t.Errorf("RSA-1024: %v", err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.NewKey(p384, token.Slot{}); !errors.Is(err, token.ErrKey) {
		t.Errorf("P-384: %v", err)
	}
	if _, err := token.NewKey(nil, token.Slot{}); !errors.Is(err, token.ErrKey) {
		t.Errorf("nil: %v", err)
	}
	if _, err := token.GenerateKey(token.Slot{Algorithm: "HS256"}); !errors.Is(err, token.ErrKey) {
		t.Errorf("HS256: %v", err)
	}
}
