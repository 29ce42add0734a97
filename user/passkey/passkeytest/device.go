// Package passkeytest is a device that makes passkeys, in software: what a
// phone and its browser do together, so that tests can register and sign in.
//
//	d := passkeytest.New("https://example.com")
//	answer, err := d.Create(options)
//	answer, err = d.Get(options)
//
// To see that something wrong is refused, set [Device.Spoil], which has the last
// word before anything is signed.
package passkeytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// Algorithms of keys, by their COSE numbers.
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
)

// Flags of what a device says.
const (
	UserPresent    = 1 << 0
	UserVerified   = 1 << 2
	BackupEligible = 1 << 3
	BackedUp       = 1 << 4
	hasKey         = 1 << 6
)

// A Device holds keys. Its fields are changed between calls.
type Device struct {
	// Origin is the page that asks.
	Origin string
	// Algorithm of new keys; 0 takes the first one that is asked for.
	Algorithm int
	// Flags are what the device says of the person: UserPresent, UserVerified.
	Flags byte
	// Counts makes the device count signatures; most do not.
	Counts bool
	// Spoil changes an answer before it is signed.
	Spoil func(*Answer)

	keys []*key
}

// An Answer is what a device is about to say.
type Answer struct {
	ClientData   map[string]any
	RPID         string
	Flags        byte
	Counter      uint32
	CredentialID []byte
	UserHandle   []byte
	PublicKey    []byte // COSE, of a registration
	// Attestation is the format and the statement, as CBOR.
	Format    string
	Statement []byte
	// Signed changes what is already signed.
	Signed func(authData, clientData, signature []byte) (a, c, s []byte)
}

type key struct {
	id, handle []byte
	rpID       string
	private    crypto.Signer
	counter    uint32
	flags      byte
}

// New returns a device with a person before it who shows a finger.
func New(origin string) *Device { return &Device{Origin: origin, Flags: UserPresent | UserVerified} }

// ErrNoKey: the device has no key that is asked for.
var ErrNoKey = errors.New("passkeytest: no key")

var b64 = base64.RawURLEncoding

type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID string }
	Params    []struct{ Alg int }   `json:"pubKeyCredParams"`
	Allow     []struct{ ID string } `json:"allowCredentials"`
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
}

// Create makes a key, and the answer to a registration: the JSON text of a
// PublicKeyCredential.
func (d *Device) Create(request []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(request, &o); err != nil {
		return nil, err
	}
	for _, x := range o.Exclude {
		if d.find(o.RP.ID, x.ID) != nil {
			return nil, errors.New("passkeytest: has a key already")
		}
	}
	handle, err := b64.DecodeString(o.User.ID)
	if err != nil {
		return nil, err
	}
	alg := d.Algorithm
	if alg == 0 {
		alg = o.Params[0].Alg
	}
	k := &key{id: make([]byte, 32), handle: handle, rpID: o.RP.ID, flags: d.Flags & (BackupEligible | BackedUp)}
	rand.Read(k.id)
	var cose []byte
	if k.private, cose, err = generate(alg); err != nil {
		return nil, err
	}
	a := d.answer("webauthn.create", o.Challenge, k)
	a.Flags, a.PublicKey, a.Format, a.Statement = a.Flags|hasKey, cose, "none", []byte{0xa0}
	if d.Spoil != nil {
		d.Spoil(a)
	}
	authData := append(a.authData(), make([]byte, 16)...) // the AAGUID of nobody
	authData = binary.BigEndian.AppendUint16(authData, uint16(len(a.CredentialID)))
	authData = append(append(authData, a.CredentialID...), a.PublicKey...)
	clientData, err := json.Marshal(a.ClientData)
	if err != nil {
		return nil, err
	}
	if a.Signed != nil {
		authData, clientData, _ = a.Signed(authData, clientData, nil)
	}
	object := slices.Concat([]byte{0xa3}, text("fmt"), text(a.Format), text("attStmt"), a.Statement, text("authData"), bytesOf(authData))
	d.keys = append(d.keys, k)
	return credential(a.CredentialID, map[string]any{"clientDataJSON": b64.EncodeToString(clientData),
		"attestationObject": b64.EncodeToString(object), "transports": []string{"internal", "hybrid"}})
}

// Get signs with a key that is asked for: the JSON text of a
// PublicKeyCredential.
func (d *Device) Get(request []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(request, &o); err != nil {
		return nil, err
	}
	var k *key
	for _, x := range o.Allow {
		if k == nil {
			k = d.find(o.RPID, x.ID)
		}
	}
	if len(o.Allow) == 0 {
		k = d.find(o.RPID, "")
	}
	if k == nil {
		return nil, ErrNoKey
	}
	if d.Counts {
		k.counter++
	}
	a := d.answer("webauthn.get", o.Challenge, k)
	if d.Spoil != nil {
		d.Spoil(a)
	}
	authData := a.authData()
	clientData, err := json.Marshal(a.ClientData)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(clientData)
	signature, err := sign(k.private, append(slices.Clone(authData), sum[:]...))
	if err != nil {
		return nil, err
	}
	if a.Signed != nil {
		authData, clientData, signature = a.Signed(authData, clientData, signature)
	}
	response := map[string]any{"clientDataJSON": b64.EncodeToString(clientData),
		"authenticatorData": b64.EncodeToString(authData), "signature": b64.EncodeToString(signature), "userHandle": nil}
	if len(a.UserHandle) > 0 {
		response["userHandle"] = b64.EncodeToString(a.UserHandle)
	}
	return credential(a.CredentialID, response)
}

func (d *Device) answer(kind, challenge string, k *key) *Answer {
	return &Answer{ClientData: map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": false},
		RPID: k.rpID, Flags: d.Flags&^(BackupEligible|BackedUp) | k.flags, Counter: k.counter, CredentialID: k.id, UserHandle: k.handle}
}

func (a *Answer) authData() []byte {
	sum := sha256.Sum256([]byte(a.RPID))
	return binary.BigEndian.AppendUint32(append(sum[:], a.Flags), a.Counter)
}

// find returns the newest key of a site, or the one with the given ID.
func (d *Device) find(rpID, id string) *key {
	for _, k := range slices.Backward(d.keys) {
		if k.rpID == rpID && (id == "" || b64.EncodeToString(k.id) == id) {
			return k
		}
	}
	return nil
}

func credential(id []byte, response map[string]any) ([]byte, error) {
	name := b64.EncodeToString(id)
	return json.Marshal(map[string]any{"type": "public-key", "id": name, "rawId": name,
		"authenticatorAttachment": "platform", "response": response})
}

func generate(alg int) (crypto.Signer, []byte, error) {
	switch alg {
	case ES256:
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		point, err := k.PublicKey.Bytes() // 4, x, y
		if err != nil {
			return nil, nil, err
		}
		return k, slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21}, bytesOf(point[1:33]), []byte{0x22}, bytesOf(point[33:])), nil
	case EdDSA:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		return private, slices.Concat([]byte{0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21}, bytesOf(public)), err
	case RS256:
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, nil, err
		}
		return k, slices.Concat([]byte{0xa4, 1, 3, 3, 0x39, 1, 0, 0x20}, bytesOf(k.N.Bytes()), []byte{0x21}, bytesOf([]byte{1, 0, 1})), nil
	}
	return nil, nil, errors.New("passkeytest: unknown algorithm")
}

func sign(k crypto.Signer, data []byte) ([]byte, error) {
	if _, ok := k.(ed25519.PrivateKey); ok {
		return k.Sign(rand.Reader, data, crypto.Hash(0))
	}
	sum := sha256.Sum256(data)
	return k.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// text and bytesOf are CBOR strings.
func text(s string) []byte    { return append(head(0x60, len(s)), s...) }
func bytesOf(b []byte) []byte { return append(head(0x40, len(b)), b...) }

func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
}
