// Package passkey runs the two ceremonies of WebAuthn: a device makes a key
// pair for a user, and later proves that it has it.
//
//	rp := passkey.RelyingParty{ID: "example.com", Name: "Example", Origins: []string{"https://example.com"}}
//	c, options, err := rp.Register(person, now)      // options go to the browser
//	key, err := rp.Registered(c, answer, now)        // what the browser sent back
//
//	c, options, err := rp.Assert(who, now)
//	a, err := passkey.Parse(answer)                  // names the key, proves nothing
//	seen, err := rp.Verify(c, a, key, now)
//
// A [Ceremony] is a plain struct: the caller keeps it beside what it is for,
// takes it out before it is used, and so uses it once. Nothing here keeps state.
//
// Attestation is not asked for, so that nobody learns which device a person
// has, and none is demanded.
package passkey

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usherauth/usher/user"
)

const (
	// MaxAnswer is the most bytes of an answer of a browser.
	MaxAnswer = 64 << 10
	// MaxCredentialID is the most bytes of a credential ID.
	MaxCredentialID = 1023
	// Lifetime is how long a ceremony is good for.
	Lifetime = 10 * time.Minute

	challengeSize = 32
	timeout       = 5 * time.Minute // what the browser is told
)

var (
	// ErrMalformed: the answer is too large or is none.
	ErrMalformed = errors.New("passkey: malformed answer")
	// ErrRefused: the answer is well-formed and wrong. What is wrong is in the
	// text, for the log.
	ErrRefused = errors.New("passkey: refused")
	// ErrCounter: the signature is right, and its counter is not above the one
	// seen before: there may be a second copy of the key. It is ErrRefused too.
	ErrCounter = fmt.Errorf("%w: counter went back", ErrRefused)
)

// A RelyingParty is the site that passkeys are for.
type RelyingParty struct {
	// ID is a domain: keys are good for it and the domains below it.
	ID string
	// Name is shown to people by their device.
	Name string
	// Origins are the origins whose pages may run a ceremony.
	Origins []string
	// RequireVerification demands that the device makes sure who is there, by
	// PIN or finger. Otherwise it is asked to, where it can.
	RequireVerification bool
	// IgnoreCounter accepts a counter that went back.
	IgnoreCounter bool
}

// Kinds of ceremony.
const (
	registering = "registration"
	asserting   = "assertion"
)

// A Ceremony is one exchange with a device, from the options to the answer.
type Ceremony struct {
	Kind      string `json:"kind"`
	RPID      string `json:"rp_id"`
	Challenge []byte `json:"challenge"`
	// UserHandle is whose passkey it is about; empty: whoever answers.
	UserHandle string `json:"user_handle,omitempty"`
	// Allowed are the only credentials that may answer; empty: any.
	Allowed [][]byte `json:"allowed,omitempty"`
	// Verification demands that the device made sure who was there.
	Verification bool      `json:"verification,omitempty"`
	ExpireAt     time.Time `json:"expire_at"`
}

// A Person is whom a passkey is made for.
type Person struct {
	// Handle is stored on the device and comes back with every answer: the
	// user's ID. It is at most 64 bytes.
	Handle string
	// Name and DisplayName tell one account from another on the device.
	Name, DisplayName string
	// Have are the passkeys that the person has: a device makes no second one.
	Have []user.Passkey
}

type (
	entity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName,omitempty"`
	}
	descriptor struct {
		Type       string   `json:"type"`
		ID         string   `json:"id"`
		Transports []string `json:"transports,omitempty"`
	}
	parameter struct {
		Type string `json:"type"`
		Alg  int    `json:"alg"`
	}
	selection struct {
		ResidentKey        string `json:"residentKey"`
		RequireResidentKey bool   `json:"requireResidentKey"`
		UserVerification   string `json:"userVerification"`
	}
	creationOptions struct {
		RP                     entity         `json:"rp"`
		User                   entity         `json:"user"`
		Challenge              string         `json:"challenge"`
		PubKeyCredParams       []parameter    `json:"pubKeyCredParams"`
		Timeout                int64          `json:"timeout"`
		ExcludeCredentials     []descriptor   `json:"excludeCredentials"`
		AuthenticatorSelection selection      `json:"authenticatorSelection"`
		Attestation            string         `json:"attestation"`
		Extensions             map[string]any `json:"extensions"`
	}
	requestOptions struct {
		Challenge        string       `json:"challenge"`
		Timeout          int64        `json:"timeout"`
		RPID             string       `json:"rpId"`
		AllowCredentials []descriptor `json:"allowCredentials"`
		UserVerification string       `json:"userVerification"`
	}
)

var b64 = base64.RawURLEncoding

// Register begins a registration. The options are JSON as
// PublicKeyCredential.parseCreationOptionsFromJSON reads it.
func (rp RelyingParty) Register(p Person, now time.Time) (Ceremony, []byte, error) {
	c := rp.ceremony(registering, now)
	c.UserHandle = p.Handle
	o := creationOptions{RP: entity{ID: rp.ID, Name: rp.Name}, Challenge: b64.EncodeToString(c.Challenge),
		User: entity{ID: b64.EncodeToString([]byte(p.Handle)), Name: p.Name, DisplayName: p.DisplayName},
		// In order of preference.
		PubKeyCredParams: []parameter{{"public-key", algES256}, {"public-key", algEdDSA}, {"public-key", algRS256}},
		Timeout:          timeout.Milliseconds(), ExcludeCredentials: descriptors(p.Have),
		AuthenticatorSelection: selection{ResidentKey: "required", RequireResidentKey: true, UserVerification: rp.verification()},
		Attestation:            "none", Extensions: map[string]any{}}
	if o.User.DisplayName == "" {
		o.User.DisplayName = p.Name
	}
	options, err := json.Marshal(o)
	return c, options, err
}

// Assert begins an assertion: by one of the passkeys in have, which are the
// user's with the given handle, or, if handle is empty, by whoever has one. The
// options are JSON as PublicKeyCredential.parseRequestOptionsFromJSON reads it.
func (rp RelyingParty) Assert(handle string, have []user.Passkey, now time.Time) (Ceremony, []byte, error) {
	c := rp.ceremony(asserting, now)
	c.UserHandle = handle
	for _, k := range have {
		c.Allowed = append(c.Allowed, k.CredentialID)
	}
	options, err := json.Marshal(requestOptions{Challenge: b64.EncodeToString(c.Challenge), Timeout: timeout.Milliseconds(),
		RPID: rp.ID, AllowCredentials: descriptors(have), UserVerification: rp.verification()})
	return c, options, err
}

func (rp RelyingParty) ceremony(kind string, now time.Time) Ceremony {
	c := Ceremony{Kind: kind, RPID: rp.ID, Challenge: make([]byte, challengeSize), Verification: rp.RequireVerification,
		ExpireAt: now.Add(Lifetime)}
	rand.Read(c.Challenge)
	return c
}

func (rp RelyingParty) verification() string {
	if rp.RequireVerification {
		return "required"
	}
	return "preferred"
}

func descriptors(keys []user.Passkey) []descriptor {
	out := make([]descriptor, 0, len(keys))
	for _, k := range keys {
		out = append(out, descriptor{Type: "public-key", ID: b64.EncodeToString(k.CredentialID), Transports: k.Transports})
	}
	return out
}
