package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usherauth/usher/token"
)

// vectorGroup is one of Wycheproof's test groups.
type vectorGroup struct {
	Comment string          `json:"comment"`
	Public  json.RawMessage `json:"public"`
	Private json.RawMessage `json:"private"`
	Tests   []struct {
		ID      int    `json:"tcId"`
		Comment string `json:"comment"`
		JWS     string `json:"jws"`
		Result  string `json:"result"`
	} `json:"tests"`
}

func vectors(t *testing.T, file string) []vectorGroup {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "vectors", file))
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("USHER_NO_SKIP") == "1" {
			t.Fatal("shared vectors absent: ../shared/vectors/" + file)
		}
		t.Skip("shared vectors absent: ../shared/vectors/" + file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		NumberOfTests int           `json:"numberOfTests"`
		Groups        []vectorGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range doc.Groups {
		n += len(g.Tests)
	}
	if n == 0 || n != doc.NumberOfTests {
		t.Fatalf("%d vectors, want %d", n, doc.NumberOfTests)
	}
	return doc.Groups
}

// set wraps a single JWK into a set.
func set(jwk json.RawMessage) []byte {
	if len(jwk) == 0 || bytes.Contains(jwk, []byte(`"keys"`)) {
		return jwk
	}
	return []byte(`{"keys":[` + string(jwk) + `]}`)
}

// TestAttack_T09_SignatureVectors checks Wycheproof's JWS vectors: accepted is
// just what is valid under an algorithm that we have.
func TestAttack_T09_SignatureVectors(t *testing.T) {
	accepted, refused := 0, 0
	for _, g := range vectors(t, "json_web_signature_test.json") {
		keys, err := token.ParseKeySet(set(g.Public))
		var source token.KeySource
		if err == nil {
			// Some vectors name no key: each is checked against the group's own.
			if source, err = token.NewPublicKey("", keys.Keys()[0].Crypto()); err != nil {
				t.Fatalf("%s: %v", g.Comment, err)
			}
		} else { // a symmetric key, or another algorithm: all must be refused
			source = rsaKey().Public()
		}
		v := &token.Verifier{Issuer: issuerURL, Keys: source}
		ours := err == nil
		for _, c := range g.Tests {
			err := v.VerifySignature(c.JWS)
			valid := c.Result == "valid"
			if strings.Contains(c.JWS, "..") { // no payload is no claims
				valid = false
			}
			if want := valid && ours; want != (err == nil) {
				t.Errorf("%s %d %s: %v, want %s", g.Comment, c.ID, c.Comment, err, c.Result)
			}
			if err == nil {
				accepted++
			} else {
				refused++
			}
		}
	}
	t.Logf("%d accepted, %d refused", accepted, refused)
	if accepted != 9 {
		t.Errorf("%d vectors were accepted, want 9", accepted)
	}
}

// TestAttack_T09_KeyVectors checks Wycheproof's JWK vectors.
func TestAttack_T09_KeyVectors(t *testing.T) {
	accepted := 0
	for _, g := range vectors(t, "json_web_key_test.json") {
		public := g.Public
		if public == nil {
			public = g.Private
		}
		keys, parseErr := token.ParseKeySet(set(public))
		for _, c := range g.Tests {
			err := parseErr
			if err == nil {
				err = (&token.Verifier{Issuer: issuerURL, Keys: keys}).VerifySignature(c.JWS)
			}
			symmetric := g.Public == nil
			if want := c.Result == "valid" && !symmetric; want != (err == nil) {
				t.Errorf("%s %d %s: %v, want %s", g.Comment, c.ID, c.Comment, err, c.Result)
			}
			if err == nil {
				accepted++
			}
		}
	}
	if accepted != 1 {
		t.Errorf("%d vectors accepted, want 1", accepted)
	}
}

func TestAttack_T09_WeakRSA(t *testing.T) {
	good := rsaKey().Public().Crypto().(*rsa.PublicKey)
	even := new(big.Int).Sub(good.N, big.NewInt(1))
	for name, p := range map[string]*rsa.PublicKey{
		"no modulus": {E: 65537}, "zero": {N: new(big.Int), E: 65537}, "negative": {N: new(big.Int).Neg(good.N), E: 65537},
		"even": {N: even, E: 65537}, "2047 bits": {N: new(big.Int).SetBit(new(big.Int).Rsh(good.N, 1), 0, 1), E: 65537},
		"8193 bits": {N: new(big.Int).SetBit(new(big.Int).Set(good.N), 8192, 1), E: 65537},
		"e = 1":     {N: good.N, E: 1}, "e = 3": {N: good.N, E: 3}, "e even": {N: good.N, E: 65538}, "e = 0": {N: good.N},
		"e negative": {N: good.N, E: -65537}, "e of 33 bits": {N: good.N, E: 1<<32 + 1},
	} {
		if _, err := token.NewPublicKey("k", p); !errors.Is(err, token.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAttack_T09_SmallOrder shows first that the points are what they are said
// to be: a signature of zeros holds under them for some message.
func TestAttack_T09_SmallOrder(t *testing.T) {
	points := []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	}
	for _, p := range points {
		key, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, sign := range []byte{0, 0x80} {
			key := bytes.Clone(key)
			key[31] |= sign
			if !forgeable(key, points) && sign == 0 {
				t.Errorf("%x is no point of small order", key)
			}
			if _, err := token.NewPublicKey("k", ed25519.PublicKey(key)); !errors.Is(err, token.ErrKey) {
				t.Errorf("%x: %v", key, err)
			}
		}
	}
	for _, p := range []string{"edff", "eeff", "ffff"} { // y = p, p+1, 2^255-1
		key, err := hex.DecodeString(p + strings.Repeat("ff", 29) + "7f")
		if err != nil {
			t.Fatal(err)
		}
		for _, sign := range []byte{0, 0x80} {
			key[31] |= sign
			if _, err := token.NewPublicKey("k", ed25519.PublicKey(key)); !errors.Is(err, token.ErrKey) {
				t.Errorf("%x: %v", key, err)
			}
		}
	}
	if _, err := token.NewPublicKey("k", ed25519.PublicKey("short")); !errors.Is(err, token.ErrKey) {
		t.Errorf("short key: %v", err)
	}
}

// forgeable tells whether, without any secret, some message can be signed: R is
// of small order and S is zero.
func forgeable(key ed25519.PublicKey, points []string) bool {
	for message := range byte(64) {
		for _, p := range points {
			r, _ := hex.DecodeString(p)
			for _, sign := range []byte{0, 0x80} {
				sig := make([]byte, 64)
				copy(sig, r)
				sig[31] |= sign
				if ed25519.Verify(key, []byte{message}, sig) {
					return true
				}
			}
		}
	}
	return false
}
