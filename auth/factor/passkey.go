package factor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey"
)

// Passkey is the strategy of a key pair on a device of the user's, as a first
// factor. The device says who it is.
type Passkey struct {
	// Site is whom passkeys are for, in a request.
	Site func(context.Context, *settings.Settings) passkey.RelyingParty
	Log  *slog.Logger
}

// Traits names it passkey.
func (Passkey) Traits() Traits {
	return Traits{Name: "passkey", Uses: First, Prepare: true, Field: "passkey_id", Proof: "public_key_credential", Identifies: true}
}

// Options offers it to everybody who has a passkey, and while nobody is named,
// to whoever has one.
func (Passkey) Options(s Subject) []Option {
	if !s.Settings.Passkeys.Enabled || s.User != nil && len(s.User.Passkeys) == 0 {
		return nil
	}
	return []Option{{Strategy: "passkey"}}
}

// Prepare draws a challenge. Any passkey of the user's may answer, or, while
// nobody is named, any at all.
func (k Passkey) Prepare(ctx context.Context, c Challenge) (Prepared, error) {
	var handle string
	var have []user.Passkey
	if u := c.Subject.User; u != nil {
		handle, have = u.ID, u.Passkeys
	}
	ceremony, options, err := k.Site(ctx, c.Subject.Settings).Assert(handle, have, c.Now)
	if err != nil {
		return Prepared{}, err
	}
	v, err := ceremonyVerification(ceremony, options, c.Now)
	return Prepared{Verification: v}, err
}

// PrepareRegistration draws the challenge for a new passkey of a person. The
// verification's ID is its own.
func (k Passkey) PrepareRegistration(ctx context.Context, p passkey.Person, s *settings.Settings, now time.Time) (Verification, error) {
	ceremony, options, err := k.Site(ctx, s).Register(p, now)
	if err != nil {
		return Verification{}, err
	}
	return ceremonyVerification(ceremony, options, now)
}

func ceremonyVerification(c passkey.Ceremony, options []byte, now time.Time) (Verification, error) {
	secret, err := json.Marshal(c)
	return Verification{ID: store.NewID("ver", now), Strategy: "passkey", Status: Unverified, Secret: secret, Nonce: string(options),
		ExpireAt: c.ExpireAt}, err
}

// Registered judges the answer to [Passkey.PrepareRegistration]: the fact has
// the new passkey.
func (k Passkey) Registered(ctx context.Context, v *Verification, p Proof, s *settings.Settings, now time.Time) (Fact, error) {
	fact := Fact{Strategy: "passkey", VerificationID: v.ID}
	var ceremony passkey.Ceremony
	if json.Unmarshal(v.Secret, &ceremony) != nil {
		return fact, nil // it is used up
	}
	made, err := k.Site(ctx, s).Registered(ceremony, []byte(p.Credential), now)
	if err != nil {
		k.Log.InfoContext(ctx, "passkey not registered", "err", err)
		return fact, nil
	}
	fact.OK, fact.UserID, fact.Passkey = true, ceremony.UserHandle, made
	return fact, nil
}

// Claims reads the user handle of an answer.
func (Passkey) Claims(p Proof) string {
	a, err := passkey.Parse([]byte(p.Credential))
	if err != nil || !store.ValidID(a.UserHandle()) {
		return ""
	}
	return a.UserHandle()
}

// Verify judges an answer by the passkey that it names. Who has no such passkey
// is told so.
func (k Passkey) Verify(ctx context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: "passkey"}
	if c.Verification == nil {
		return fact, fault.New("verification_missing", "")
	}
	fact.VerificationID = c.Verification.ID
	a, err := passkey.Parse([]byte(p.Credential))
	var ceremony passkey.Ceremony
	if err != nil || json.Unmarshal(c.Verification.Secret, &ceremony) != nil {
		return fact, nil
	}
	u := c.Subject.User
	if u == nil || u.PasskeyByCredential(a.CredentialID()) == nil {
		return fact, fault.New("passkey_not_registered", "")
	}
	fact.UserID, fact.Passkey = u.ID, *u.PasskeyByCredential(a.CredentialID())
	site := k.Site(ctx, c.Subject.Settings)
	fact.Seen, err = site.Verify(ceremony, a, u.ID, fact.Passkey, c.Now)
	switch {
	case errors.Is(err, passkey.ErrCounter):
		k.Log.WarnContext(ctx, "the counter of a passkey went back: there may be a copy of it; refused", "user", u.ID, "passkey", fact.Passkey.ID)
	case err != nil:
		k.Log.InfoContext(ctx, "passkey refused", "user", u.ID, "err", err)
	case !passkey.CounterGrows(fact.Passkey.SignCount, fact.Seen.SignCount):
		k.Log.WarnContext(ctx, "the counter of a passkey went back: there may be a copy of it; let in", "user", u.ID, "passkey", fact.Passkey.ID)
	}
	fact.OK = err == nil
	fact.Second = fact.OK && fact.Seen.Verified && c.Subject.Settings.Passkeys.SatisfiesSecondFactor
	return fact, nil
}

// Confirm demands that the user still has the passkey, and that its counter has
// not been used since.
func (Passkey) Confirm(f Fact, s Subject) error {
	if f.OK && s.User != nil && s.User.ID == f.UserID {
		have := s.User.PasskeyByCredential(f.Passkey.CredentialID)
		if have != nil && bytes.Equal(have.PublicKey, f.Passkey.PublicKey) &&
			(have.SignCount == f.Passkey.SignCount || passkey.CounterGrows(have.SignCount, f.Seen.SignCount)) {
			return nil
		}
	}
	return fault.New("passkey_invalid_verification", "")
}

// Spend writes down the counter and when the passkey was used.
func (Passkey) Spend(f Fact, s Subject, now time.Time) {
	have := s.User.PasskeyByCredential(f.Passkey.CredentialID)
	have.SignCount, have.BackedUp, have.LastUsedAt = f.Seen.SignCount, f.Seen.BackedUp, now
}
