package passkey

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/usherauth/usher/user"
)

// Algorithms that keys may have, by their COSE numbers.
const (
	algEdDSA = -8
	algES256 = -7
	algRS256 = -257
)

// maxTransports is how many ways to reach a device are kept, of those that have
// a name in the standard.
const maxTransports = 8

var transports = []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}

// Registered judges the answer to a registration, and returns the passkey that
// it makes: with ID and CreatedAt, and without a name. Errors: [ErrMalformed],
// [ErrRefused].
func (rp RelyingParty) Registered(c Ceremony, answer []byte, now time.Time) (user.Passkey, error) {
	if err := rp.usable(c, registering, now); err != nil {
		return user.Passkey{}, err
	}
	if len(answer) > MaxAnswer {
		return user.Passkey{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(answer))
	}
	p, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return user.Passkey{}, malformed(err)
	}
	att := p.Response.AttestationObject.AuthData
	id := att.AttData.CredentialID
	switch {
	case !att.Flags.HasAttestedCredentialData():
		return user.Passkey{}, fmt.Errorf("%w: no key", ErrMalformed)
	case len(id) == 0 || len(id) > MaxCredentialID:
		return user.Passkey{}, fmt.Errorf("%w: credential ID of %d bytes", ErrMalformed, len(id))
	}
	err = p.Response.CollectedClientData.Verify(b64.EncodeToString(c.Challenge), protocol.CreateCeremony, rp.Origins, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false)
	if err != nil {
		return user.Passkey{}, refused(err)
	}
	site := sha256.Sum256([]byte(c.RPID))
	if err := att.Verify(site[:], nil, c.Verification, true); err != nil {
		return user.Passkey{}, refused(err)
	}
	if !bytes.Equal(p.RawID, id) {
		return user.Passkey{}, fmt.Errorf("%w: another credential", ErrRefused)
	}
	if err := checkFlags(att.Flags); err != nil {
		return user.Passkey{}, err
	}
	// No statement of a maker was asked for, so none is looked at, and nothing
	// has used the key yet: a point off its curve would be found only when
	// somebody wants to sign in.
	if err := checkKey(att.AttData.CredentialPublicKey); err != nil {
		return user.Passkey{}, err
	}
	k := user.Passkey{ID: user.NewPasskeyID(now), CredentialID: bytes.Clone(id), PublicKey: att.AttData.CredentialPublicKey,
		SignCount: att.Counter, UserVerified: att.Flags.HasUserVerified(), BackupEligible: att.Flags.HasBackupEligible(),
		BackedUp: att.Flags.HasBackupState(), AAGUID: bytes.Clone(att.AttData.AAGUID), CreatedAt: now, UpdatedAt: now}
	for _, t := range p.Response.Transports {
		if name := string(t); slices.Contains(transports, name) && !slices.Contains(k.Transports, name) && len(k.Transports) < maxTransports {
			k.Transports = append(k.Transports, name)
		}
	}
	return k, nil
}

// An Assertion is an answer that is not judged yet.
type Assertion struct {
	parsed *protocol.ParsedCredentialAssertionData
}

// Parse reads an answer. What it says is not proved before
// [RelyingParty.Verify]. The error is [ErrMalformed].
func Parse(answer []byte) (*Assertion, error) {
	if len(answer) > MaxAnswer {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(answer))
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, malformed(err)
	}
	if n := len(p.RawID); n == 0 || n > MaxCredentialID {
		return nil, fmt.Errorf("%w: credential ID of %d bytes", ErrMalformed, n)
	}
	return &Assertion{p}, nil
}

// CredentialID says which passkey is meant.
func (a *Assertion) CredentialID() []byte { return a.parsed.RawID }

// UserHandle says whose passkey it is, as the device has it; it may be empty.
func (a *Assertion) UserHandle() string { return string(a.parsed.Response.UserHandle) }

// Seen is what a right answer tells of the device.
type Seen struct {
	SignCount uint32
	// Verified: the device made sure who was there. Without it a passkey is one
	// factor, not two.
	Verified bool
	// BackedUp: the key is on more than one device.
	BackedUp bool
}

// Verify judges an assertion by the passkey that it names, which is the user's
// with the given handle. Errors: [ErrRefused], [ErrCounter].
func (rp RelyingParty) Verify(c Ceremony, a *Assertion, handle string, k user.Passkey, now time.Time) (Seen, error) {
	if err := rp.usable(c, asserting, now); err != nil {
		return Seen{}, err
	}
	p := a.parsed
	switch given := a.UserHandle(); {
	case !bytes.Equal(p.RawID, k.CredentialID):
		return Seen{}, fmt.Errorf("%w: another credential", ErrRefused)
	case handle == "" || c.UserHandle != "" && c.UserHandle != handle:
		return Seen{}, fmt.Errorf("%w: passkey of another user", ErrRefused)
	case given != "" && given != handle:
		return Seen{}, fmt.Errorf("%w: foreign user handle", ErrRefused)
	case given == "" && c.UserHandle == "":
		return Seen{}, fmt.Errorf("%w: no user handle", ErrRefused)
	case len(c.Allowed) > 0 && !slices.ContainsFunc(c.Allowed, func(id []byte) bool { return bytes.Equal(id, p.RawID) }):
		return Seen{}, fmt.Errorf("%w: credential not asked for", ErrRefused)
	}
	if err := checkKey(k.PublicKey); err != nil {
		return Seen{}, err
	}
	err := p.Verify(b64.EncodeToString(c.Challenge), c.RPID, "", rp.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode,
		false, c.Verification, true, k.PublicKey, protocol.SignaturePolicy{})
	if err != nil {
		return Seen{}, refused(err)
	}
	flags := p.Response.AuthenticatorData.Flags
	if err := checkFlags(flags); err != nil {
		return Seen{}, err
	}
	if flags.HasBackupEligible() != k.BackupEligible {
		return Seen{}, fmt.Errorf("%w: backup eligibility changed", ErrRefused)
	}
	seen := Seen{SignCount: p.Response.AuthenticatorData.Counter, Verified: flags.HasUserVerified(), BackedUp: flags.HasBackupState()}
	if !rp.IgnoreCounter && !CounterGrows(k.SignCount, seen.SignCount) {
		return Seen{}, ErrCounter
	}
	return seen, nil
}

// CounterGrows reports whether a counter may follow the one stored. Most
// passkeys do not count: both are 0.
func CounterGrows(stored, next uint32) bool { return stored == 0 && next == 0 || next > stored }

func (rp RelyingParty) usable(c Ceremony, kind string, now time.Time) error {
	switch {
	case c.Kind != kind:
		return fmt.Errorf("%w: no %s", ErrRefused, kind)
	case c.RPID != rp.ID || rp.ID == "":
		return fmt.Errorf("%w: ceremony of another site", ErrRefused)
	case len(c.Challenge) < challengeSize:
		return fmt.Errorf("%w: no challenge", ErrRefused)
	case !now.Before(c.ExpireAt):
		return fmt.Errorf("%w: too late", ErrRefused)
	}
	return nil
}

func checkFlags(f protocol.AuthenticatorFlags) error {
	if f.HasBackupState() && !f.HasBackupEligible() {
		return fmt.Errorf("%w: backed up without being eligible", ErrRefused)
	}
	return nil
}

// checkKey refuses a key that cannot verify anything, or is weak.
func checkKey(cose []byte) error {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return refused(err)
	}
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData:
		if k.Algorithm != algES256 {
			return fmt.Errorf("%w: algorithm %d", ErrRefused, k.Algorithm)
		}
	case webauthncose.OKPPublicKeyData:
		if k.Algorithm != algEdDSA {
			return fmt.Errorf("%w: algorithm %d", ErrRefused, k.Algorithm)
		}
	case webauthncose.RSAPublicKeyData:
		if bits := 8 * len(bytes.TrimLeft(k.Modulus, "\x00")); k.Algorithm != algRS256 || bits < 2048 || bits > 8192 {
			return fmt.Errorf("%w: algorithm %d of %d bits", ErrRefused, k.Algorithm, bits)
		}
		// With an exponent of 1 everything is signed.
		if e := new(big.Int).SetBytes(k.Exponent); e.Bit(0) == 0 || e.Cmp(big.NewInt(3)) < 0 {
			return fmt.Errorf("%w: exponent %s", ErrRefused, e)
		}
	default:
		return fmt.Errorf("%w: key of type %T", ErrRefused, key)
	}
	return nil
}

func malformed(err error) error { return fmt.Errorf("%w: %v", ErrMalformed, reason(err)) }
func refused(err error) error   { return fmt.Errorf("%w: %v", ErrRefused, reason(err)) }

// reason is what the library tells of an error.
func reason(err error) string {
	if e, ok := err.(*protocol.Error); ok {
		return e.Details + ": " + e.DevInfo
	}
	return err.Error()
}
