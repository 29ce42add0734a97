// Package signup is the state machine of a sign-up. Like package signin it is
// pure: an [Attempt], an [Input] and an [Env] of facts give the next Attempt
// and a list of [Effect]s.
//
//	next, effects, err := attempt.Step(signup.Update{EmailAddress: &address}, env)
//
// Fields come in any order and in any number of steps. What is missing and
// what is unverified is computed from the settings at each step, and the
// attempt completes by itself as soon as nothing is.
package signup

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Status says how far a sign-up is.
type Status string

// The statuses of a sign-up. Complete and Abandoned are final.
const (
	MissingRequirements Status = "missing_requirements"
	Complete            Status = "complete"
	Abandoned           Status = "abandoned"
)

// Transitions is the table of all changes of status.
var Transitions = map[Status][]Status{
	MissingRequirements: {MissingRequirements, Complete, Abandoned},
}

// An Attempt is one sign-up under way on one client.
type Attempt struct {
	store.Meta

	ClientID string `json:"client_id"`
	Status   Status `json:"status"`

	EmailAddress   string          `json:"email_address,omitempty"`
	PhoneNumber    string          `json:"phone_number,omitempty"` // E.164
	Username       string          `json:"username,omitempty"`
	FirstName      string          `json:"first_name,omitempty"`
	LastName       string          `json:"last_name,omitempty"`
	PasswordHash   string          `json:"password_hash,omitempty"`
	UnsafeMetadata json.RawMessage `json:"unsafe_metadata,omitempty"`
	// UserID is the ID that the user is to have, drawn when a passkey is to be
	// made; Passkey is that passkey. It stands in for a password.
	UserID  string        `json:"user_id,omitempty"`
	Passkey *user.Passkey `json:"passkey,omitempty"`
	// WantsPasskey: there is to be one, whether or not a password must be.
	WantsPasskey  bool      `json:"wants_passkey,omitempty"`
	Locale        string    `json:"locale,omitempty"`
	LegalAccepted time.Time `json:"legal_accepted,omitzero"`
	// InvitationID is the invitation, by the host or to an organization, that the
	// attempt goes on, as long as its
	// address is the one that was invited.
	InvitationID string `json:"invitation_id,omitempty"`
	// PublicMetadata is what the invitation gives the user.
	PublicMetadata json.RawMessage `json:"public_metadata,omitempty"`

	// External is who the person is at another service: part of the sign-up once
	// that is verified, or to be taken over by a sign-in.
	External *oauth.Identity `json:"external,omitempty"`
	// TypedEmailAddress was typed before the service gave another one. It is
	// added to the account unverified.
	TypedEmailAddress string `json:"typed_email_address,omitempty"`

	// Verifications are the challenges under way, by attribute.
	Verifications map[string]factor.Verification `json:"verifications,omitempty"`

	CreatedUserID    string    `json:"created_user_id,omitempty"`
	CreatedSessionID string    `json:"created_session_id,omitempty"`
	AbandonAt        time.Time `json:"abandon_at"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// Kind is where sign-ups are kept. They hold hashes of passwords and codes, so
// they are sealed.
var Kind = &store.Kind{Name: "sign_up", Sealed: true}

var attempts = store.Table[Attempt, *Attempt]{Kind: Kind}

// StoreEntries is empty: sign-ups are found by ID.
func (a *Attempt) StoreEntries() []store.Entry { return nil }

// New returns an attempt that is not stored yet.
func New(clientID string, abandonAfter time.Duration, now time.Time) Attempt {
	return Attempt{Meta: store.Meta{ID: store.NewID("sua", now), Expires: now.Add(abandonAfter)}, ClientID: clientID,
		Status: MissingRequirements, AbandonAt: now.Add(abandonAfter), CreatedAt: now, UpdatedAt: now}
}

// Get returns the attempt with the given ID, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, id string) (*Attempt, error) {
	return attempts.Get(ctx, tx, id)
}

// Put stores a.
func Put(ctx context.Context, tx store.Tx, a *Attempt) error { return attempts.Put(ctx, tx, a) }

// StatusAt is the status at the time now.
func (a *Attempt) StatusAt(now time.Time) Status {
	if a.Status == MissingRequirements && !now.Before(a.AbandonAt) {
		return Abandoned
	}
	return a.Status
}

// Verification returns the challenge of an attribute, or nil.
func (a *Attempt) Verification(attribute string) *factor.Verification {
	if v, ok := a.Verifications[attribute]; ok {
		return &v
	}
	return nil
}

// Value returns what the attempt has for an attribute that can be verified.
func (a *Attempt) Value(attribute string) string {
	switch attribute {
	case "email_address":
		return a.EmailAddress
	case "phone_number":
		return a.PhoneNumber
	}
	return ""
}

func (a *Attempt) move(to Status) {
	if !slices.Contains(Transitions[a.Status], to) {
		panic("signup: no way from " + string(a.Status) + " to " + string(to))
	}
	a.Status = to
}
