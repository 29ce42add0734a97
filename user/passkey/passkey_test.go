package passkey_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

var (
	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rp  = passkey.RelyingParty{ID: "example.com", Name: "Example", Origins: []string{"https://example.com", "https://app.example.com"}}
)

const ada = "user_1o4qfak5AdI2qlXSXENGL05iei6"

func register(t *testing.T, rp passkey.RelyingParty, d *passkeytest.Device) (user.Passkey, error) {
	t.Helper()
	c, options, err := rp.Register(passkey.Person{Handle: ada, Name: "ada@example.com"}, now)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	return rp.Registered(stored(t, c), answer, now)
}

// stored is a ceremony as it comes back from a store.
func stored(t *testing.T, c passkey.Ceremony) (back passkey.Ceremony) {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil || json.Unmarshal(data, &back) != nil {
		t.Fatal(err)
	}
	return back
}

func get(t *testing.T, d *passkeytest.Device, options []byte) *passkey.Assertion {
	t.Helper()
	answer, err := d.Get(options)
	if err != nil {
		t.Fatal(err)
	}
	a, err := passkey.Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every algorithm, found by the device or asked for by name.
func TestCeremonies(t *testing.T) {
	for _, alg := range []int{passkeytest.ES256, passkeytest.EdDSA, passkeytest.RS256} {
		d := passkeytest.New("https://app.example.com")
		d.Algorithm = alg
		k, err := register(t, rp, d)
		if err != nil {
			t.Fatal(alg, err)
		}
		if len(k.CredentialID) != 32 || !strings.HasPrefix(k.ID, "idn_") || !k.UserVerified || k.BackupEligible || fmt.Sprint(k.Transports) != "[internal hybrid]" {
			t.Errorf("%+v", k)
		}
		for _, handle := range []string{"", ada} {
			var have []user.Passkey
			if handle != "" {
				have = []user.Passkey{k}
			}
			c, options, err := rp.Assert(handle, have, now)
			if err != nil {
				t.Fatal(err)
			}
			a := get(t, d, options)
			if string(a.CredentialID()) != string(k.CredentialID) || a.UserHandle() != ada {
				t.Errorf("%x of %q", a.CredentialID(), a.UserHandle())
			}
			if seen, err := rp.Verify(stored(t, c), a, ada, k, now); err != nil || !seen.Verified {
				t.Errorf("algorithm %d, handle %q: %+v %v", alg, handle, seen, err)
			}
		}
	}
}

// What browsers and Clerk's clients read.
func TestOptions(t *testing.T) {
	have := []user.Passkey{{CredentialID: []byte{1, 2, 3}, Transports: []string{"usb"}}}
	strict := rp
	strict.RequireVerification = true
	c, raw, err := strict.Register(passkey.Person{Handle: ada, Name: "ada@example.com", Have: have}, now)
	if err != nil {
		t.Fatal(err)
	}
	challenge := base64.RawURLEncoding.EncodeToString(c.Challenge)
	want := `{"rp":{"id":"example.com","name":"Example"},"user":{"id":"` + base64.RawURLEncoding.EncodeToString([]byte(ada)) +
		`","name":"ada@example.com","displayName":"ada@example.com"},"challenge":"` + challenge +
		`","pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-8},{"type":"public-key","alg":-257}],"timeout":300000,` +
		`"excludeCredentials":[{"type":"public-key","id":"AQID","transports":["usb"]}],"authenticatorSelection":{"residentKey":"required",` +
		`"requireResidentKey":true,"userVerification":"required"},"attestation":"none","extensions":{}}`
	if string(raw) != want || len(c.Challenge) != 32 {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	c, raw, err = rp.Assert("", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	want = `{"challenge":"` + base64.RawURLEncoding.EncodeToString(c.Challenge) + `","timeout":300000,"rpId":"example.com","allowCredentials":[],"userVerification":"preferred"}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
}

// The test vectors of WebAuthn Level 3, section 16. Its keys of other
// algorithms than ours are refused, and so are pages inside other pages. What
// makers state of their devices is not asked for and not looked at.
func TestSpecVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	type fields map[string]string
	var vectors []struct {
		Name                    string
		CredentialID            string `json:"credential_id"`
		Registration, Assertion fields
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) < 14 {
		t.Fatal(err, len(vectors))
	}
	site := passkey.RelyingParty{ID: "example.org", Name: "Example", Origins: []string{"https://example.org"}}
	un := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	url := func(s string) string { return base64.RawURLEncoding.EncodeToString(un(s)) }
	answer := func(id string, names map[string]string, f fields) []byte {
		response := map[string]string{}
		for to, from := range names {
			response[to] = url(f[from])
		}
		b, err := json.Marshal(map[string]any{"type": "public-key", "id": url(id), "rawId": url(id), "response": response})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := 0
	for _, v := range vectors {
		want := true
		for _, part := range []string{"Cross Origin", "- ES256 - Top Origin", "ES384", "ES512"} {
			want = want && (!strings.Contains(v.Name, part) || strings.Contains(v.Name, "Apple"))
		}
		c := passkey.Ceremony{Kind: "registration", RPID: site.ID, Challenge: un(v.Registration["challenge"]), UserHandle: ada, ExpireAt: now.Add(time.Minute)}
		k, err := site.Registered(c, answer(v.CredentialID, map[string]string{"clientDataJSON": "client_data", "attestationObject": "attestation_object"}, v.Registration), now)
		if (err == nil) != want {
			t.Errorf("%s: registration: %v", v.Name, err)
		}
		if err != nil {
			continue
		}
		a, err := passkey.Parse(answer(v.CredentialID, map[string]string{"clientDataJSON": "client_data", "authenticatorData": "authenticator_data", "signature": "signature"}, v.Assertion))
		if err != nil {
			t.Fatal(err)
		}
		c = passkey.Ceremony{Kind: "assertion", RPID: site.ID, Challenge: un(v.Assertion["challenge"]), UserHandle: ada, ExpireAt: now.Add(time.Minute)}
		if _, err := site.Verify(c, a, ada, k, now); err != nil {
			t.Errorf("%s: assertion: %v", v.Name, err)
		}
		c.Challenge[0] ^= 1
		if _, err := site.Verify(c, a, ada, k, now); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: another challenge: %v", v.Name, err)
		}
		good++
	}
	if good != 10 {
		t.Errorf("only %d vectors are good", good)
	}
}

// A user makes a passkey and signs in with it.
func Example() {
	site := passkey.RelyingParty{ID: "example.com", Name: "Example", Origins: []string{"https://example.com"}}
	device := passkeytest.New("https://example.com") // a phone and its browser
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	c, options, _ := site.Register(passkey.Person{Handle: "user_1", Name: "ada@example.com"}, at)
	answer, _ := device.Create(options)
	key, err := site.Registered(c, answer, at)
	fmt.Println(err)

	c, options, _ = site.Assert("", nil, at) // whoever has a passkey
	answer, _ = device.Get(options)
	a, err := passkey.Parse(answer)
	fmt.Println(a.UserHandle(), err)
	_, err = site.Verify(c, a, "user_1", key, at)
	fmt.Println(err)
	// Output:
	// <nil>
	// user_1 <nil>
	// <nil>
}
