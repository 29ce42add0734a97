package signin

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/store"
)

// A Status says what a sign-in waits for.
type Status string

// The statuses of a sign-in. Complete and Abandoned are final.
const (
	NeedsIdentifier   Status = "needs_identifier"
	NeedsFirstFactor  Status = "needs_first_factor"
	NeedsSecondFactor Status = "needs_second_factor"
	NeedsClientTrust  Status = "needs_client_trust"
	NeedsNewPassword  Status = "needs_new_password"
	Complete          Status = "complete"
	Abandoned         Status = "abandoned"
)

// Transitions is the table of all changes of status. A step that leads
// elsewhere is a fault of this package, and a test looks for one.
var Transitions = map[Status][]Status{
	NeedsIdentifier:   {NeedsFirstFactor, NeedsSecondFactor, NeedsNewPassword, Complete, Abandoned},
	NeedsFirstFactor:  {NeedsFirstFactor, NeedsSecondFactor, NeedsClientTrust, NeedsNewPassword, Complete, Abandoned},
	NeedsClientTrust:  {NeedsSecondFactor, Complete, Abandoned},
	NeedsNewPassword:  {NeedsSecondFactor, Complete, Abandoned},
	NeedsSecondFactor: {NeedsNewPassword, Complete, Abandoned},
}

// An Attempt is one sign-in under way on one client.
type Attempt struct {
	store.Meta

	ClientID   string `json:"client_id"`
	Status     Status `json:"status"`
	Identifier string `json:"identifier,omitempty"` // as typed
	UserID     string `json:"user_id,omitempty"`
	// Masked: nothing tells whether there is a user, until a first factor is
	// shown. UserID is made up if there is none.
	Masked bool `json:"masked,omitempty"`
	// OrSignUp: if nobody has the identifier, whoever proves it may sign up.
	OrSignUp bool `json:"or_sign_up,omitempty"`

	// First and Second are the challenges under way.
	First  *factor.Verification `json:"first,omitempty"`
	Second *factor.Verification `json:"second,omitempty"`
	// FirstAt and SecondAt are when each factor was shown; zero is not yet.
	FirstAt  time.Time `json:"first_at,omitzero"`
	SecondAt time.Time `json:"second_at,omitzero"`
	// TrustAt is when it was shown that the browser is the user's; Familiar says
	// that the account knew it already.
	TrustAt  time.Time `json:"trust_at,omitzero"`
	Familiar bool      `json:"familiar,omitempty"`
	// Strategy is how the first factor was shown.
	Strategy string `json:"strategy,omitempty"`
	// Actor is who acts as the user, if the host has let somebody; the session
	// lives no longer than ActorLifetime.
	Actor         json.RawMessage `json:"actor,omitempty"`
	ActorLifetime time.Duration   `json:"actor_lifetime,omitempty"`
	// OrganizationInvitationID is the invitation to an organization that the
	// first factor was shown with: it is accepted when the attempt completes.
	OrganizationInvitationID string `json:"organization_invitation_id,omitempty"`
	// ResetAsked: the first factor was the way to a new password, which must be
	// set before anything else; PasswordSet says that it was.
	ResetAsked  bool `json:"reset_asked,omitempty"`
	PasswordSet bool `json:"password_set,omitempty"`

	// External is who the person is at another service: to be linked when the
	// attempt completes, or to be taken over by a sign-up.
	External *oauth.Identity `json:"external,omitempty"`

	CreatedSessionID string    `json:"created_session_id,omitempty"`
	AbandonAt        time.Time `json:"abandon_at"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// Kind is where sign-ins are kept. They hold hashes of codes, so they are
// sealed.
var Kind = &store.Kind{Name: "sign_in", Indexes: []store.Index{{Name: "user"}}, Sealed: true}

var attempts = store.Table[Attempt, *Attempt]{Kind: Kind}

// StoreEntries finds the attempts that speak of a user. Behind a mask one that
// speaks of nobody has an entry too, as storing one takes time.
func (a *Attempt) StoreEntries() []store.Entry {
	switch {
	case a.UserID != "":
		return []store.Entry{{Index: "user", Value: a.UserID}}
	case a.Masked:
		return []store.Entry{{Index: "user", Value: a.ID}}
	}
	return nil
}

// New returns an attempt that is not stored yet.
func New(clientID string, abandonAfter time.Duration, now time.Time) Attempt {
	return Attempt{Meta: store.Meta{ID: store.NewID("sia", now), Expires: now.Add(abandonAfter)},
		ClientID: clientID, Status: NeedsIdentifier, AbandonAt: now.Add(abandonAfter), CreatedAt: now, UpdatedAt: now}
}

// Get returns the attempt with the given ID, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, id string) (*Attempt, error) {
	return attempts.Get(ctx, tx, id)
}

// Put stores a.
func Put(ctx context.Context, tx store.Tx, a *Attempt) error { return attempts.Put(ctx, tx, a) }

// VoidAll abandons every unfinished attempt that speaks of a user, but for the
// one with the ID keep: codes that are out die with it. One that may not tell
// whether there is a user goes on, and no code that is out is right for it.
func VoidAll(ctx context.Context, tx store.Tx, userID, keep string, now time.Time) error {
	as, err := attempts.Find(ctx, tx, store.Query{Where: []store.Match{{Index: "user", Values: []string{userID}}}})
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.ID == keep || a.Final() {
			continue
		}
		if a.Veiled() {
			if a.First != nil {
				a.First.Secret = nil
			}
		} else {
			a.Status, a.UpdatedAt, a.First, a.Second, a.External = Abandoned, now, nil, nil, nil
		}
		if err := attempts.Put(ctx, tx, a); err != nil {
			return err
		}
	}
	return nil
}

// Final reports whether the attempt is over.
func (a *Attempt) Final() bool { return a.Status == Complete || a.Status == Abandoned }

// StatusAt is the status at the time now.
func (a *Attempt) StatusAt(now time.Time) Status {
	if !a.Final() && !now.Before(a.AbandonAt) {
		return Abandoned
	}
	return a.Status
}

// move changes the status along the table.
func (a *Attempt) move(to Status) {
	if !slices.Contains(Transitions[a.Status], to) {
		panic("signin: no way from " + string(a.Status) + " to " + string(to))
	}
	a.Status = to
}
