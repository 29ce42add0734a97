package reverify

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/store"
)

// A Level says what has to be shown.
type Level string

// The levels. Of somebody who has no second factor, every level is
// FirstFactor.
const (
	FirstFactor  Level = "first_factor"
	SecondFactor Level = "second_factor" // the second factor alone
	MultiFactor  Level = "multi_factor"  // both
)

// Levels are all levels.
var Levels = []Level{FirstFactor, SecondFactor, MultiFactor}

// A Status says what a reverification waits for.
type Status string

// The statuses of a reverification. Complete is final.
const (
	NeedsFirstFactor  Status = "needs_first_factor"
	NeedsSecondFactor Status = "needs_second_factor"
	Complete          Status = "complete"
)

// Transitions is the table of all changes of status. A step that leads
// elsewhere is a fault of this package, and a test looks for one.
var Transitions = map[Status][]Status{
	NeedsFirstFactor:  {NeedsSecondFactor, Complete},
	NeedsSecondFactor: {Complete},
}

// An Attempt is the reverification of one session. It is kept under the
// session's ID: starting anew replaces it.
type Attempt struct {
	store.Meta

	// Correlation names this very reverification.
	Correlation string `json:"correlation"`
	UserID      string `json:"user_id"`
	ClientID    string `json:"client_id"`
	Level       Level  `json:"level"`
	Status      Status `json:"status"`

	// First and Second are the challenges under way.
	First  *factor.Verification `json:"first,omitempty"`
	Second *factor.Verification `json:"second,omitempty"`
	// FirstAt and SecondAt are when each factor was shown; zero is not yet.
	FirstAt  time.Time `json:"first_at,omitzero"`
	SecondAt time.Time `json:"second_at,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Kind is where reverifications are kept. They hold hashes of codes, so they
// are sealed.
var Kind = &store.Kind{Name: "reverification", Indexes: []store.Index{{Name: "user"}}, Sealed: true}

var attempts = store.Table[Attempt, *Attempt]{Kind: Kind}

// StoreEntries finds the attempts of a user.
func (a *Attempt) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "user", Value: a.UserID}}
}

// lifetime is how long an attempt can be gone on with.
const lifetime = time.Hour

// New returns an attempt that is not stored yet, at the level asked for or, if
// there is no second factor to show, at [FirstFactor].
func New(sessionID, clientID string, level Level, env Env) Attempt {
	if level != FirstFactor && len(Options(factor.Second, env)) == 0 {
		level = FirstFactor
	}
	a := Attempt{Meta: store.Meta{ID: sessionID, Expires: env.Now.Add(lifetime)}, Correlation: store.NewID("rev", env.Now),
		UserID: env.User.ID, ClientID: clientID, Level: level, Status: NeedsFirstFactor, CreatedAt: env.Now, UpdatedAt: env.Now}
	if level == SecondFactor {
		a.Status = NeedsSecondFactor
	}
	return a
}

// Get returns the attempt of a session, or store.ErrNotFound.
func Get(ctx context.Context, tx store.Tx, sessionID string) (*Attempt, error) {
	return attempts.Get(ctx, tx, sessionID)
}

// Put stores a.
func Put(ctx context.Context, tx store.Tx, a *Attempt) error { return attempts.Put(ctx, tx, a) }

// Start stores a in place of the session's former attempt.
func Start(ctx context.Context, tx store.Tx, a *Attempt) error {
	if old, err := attempts.Get(ctx, tx, a.ID); err == nil {
		a.Version = old.Version
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return attempts.Put(ctx, tx, a)
}

// VoidAll forgets every attempt of a user: codes that are out die with it.
func VoidAll(ctx context.Context, tx store.Tx, userID string) error {
	as, err := attempts.Find(ctx, tx, store.Query{Where: []store.Match{{Index: "user", Values: []string{userID}}}})
	if err != nil {
		return err
	}
	for _, a := range as {
		if err := attempts.Delete(ctx, tx, a); err != nil {
			return err
		}
	}
	return nil
}

// move changes the status along the table.
func (a *Attempt) move(to Status) {
	if !slices.Contains(Transitions[a.Status], to) {
		panic("reverify: no way from " + string(a.Status) + " to " + string(to))
	}
	a.Status = to
}
