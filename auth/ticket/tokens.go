package ticket

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
)

// keepSettled is how long a ticket can still be told from one that never was.
const keepSettled = 30 * 24 * time.Hour

// A SignInToken signs its user in, once.
type SignInToken struct {
	store.Meta
	Ticket `json:"ticket"`

	UserID    string    `json:"user_id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// An ActorToken signs somebody in as another user, once.
type ActorToken struct {
	store.Meta
	Ticket `json:"ticket"`

	// UserID is whom the actor is taken for.
	UserID string `json:"user_id"`
	// Actor is who acts: a JSON object with the member sub, which tokens carry.
	Actor json.RawMessage `json:"actor"`
	// SessionLifetime is the longest that the session lives.
	SessionLifetime time.Duration `json:"session_lifetime"`
	CreatedAt       time.Time     `json:"created_at"`
	UpdatedAt       time.Time     `json:"updated_at"`
}

// Where tickets are kept. They hold hashes of secrets, so they are sealed.
var (
	SignInTokens = &store.Kind{Name: "sign_in_token", Sealed: true, Indexes: []store.Index{{Name: "user"}}}
	ActorTokens  = &store.Kind{Name: "actor_token", Sealed: true, Indexes: []store.Index{{Name: "user"}}}

	signInTokens = store.Table[SignInToken, *SignInToken]{Kind: SignInTokens}
	actorTokens  = store.Table[ActorToken, *ActorToken]{Kind: ActorTokens}
)

// StoreEntries finds the tokens of a user.
func (t *SignInToken) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "user", Value: t.UserID}}
}

// StoreEntries finds the tokens of a user.
func (t *ActorToken) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "user", Value: t.UserID}}
}

// The lifetimes of tokens for which nothing else is asked.
const (
	SignInTokenLifetime  = 30 * 24 * time.Hour
	ActorTokenLifetime   = time.Hour
	ActorSessionLifetime = 30 * time.Minute
	ActorSessionIdle     = 10 * time.Minute
	maxTicketLifetime    = 365 * 24 * time.Hour
)

// NewSignInToken returns a token that is not stored yet, and what it travels
// as. A lifetime of 0 is SignInTokenLifetime.
func NewSignInToken(userID string, lifetime time.Duration, now time.Time) (*SignInToken, string, error) {
	if lifetime == 0 {
		lifetime = SignInTokenLifetime
	}
	if lifetime < 0 || lifetime > maxTicketLifetime {
		return nil, "", fault.New("form_param_value_invalid", "expires_in_seconds")
	}
	t := &SignInToken{Meta: store.Meta{ID: store.NewID(string(SignInKind), now)}, UserID: userID, CreatedAt: now, UpdatedAt: now}
	var wire string
	t.Ticket, wire = draw(t.ID, lifetime, now)
	t.Expires = t.ExpireAt.Add(keepSettled)
	return t, wire, nil
}

// maxActor bounds an actor, in bytes: every token carries it.
const maxActor = 1 << 10

// NewActorToken returns a token that is not stored yet, and what it travels as.
// Lifetimes of 0 are ActorTokenLifetime and ActorSessionLifetime; a session
// never lives longer than the latter.
func NewActorToken(userID string, actor json.RawMessage, lifetime, session time.Duration, now time.Time) (*ActorToken, string, error) {
	actor, err := checkActor(actor)
	if err != nil {
		return nil, "", err
	}
	if lifetime == 0 {
		lifetime = ActorTokenLifetime
	}
	if session == 0 {
		session = ActorSessionLifetime
	}
	switch {
	case lifetime < 0 || lifetime > maxTicketLifetime:
		return nil, "", fault.New("form_param_value_invalid", "expires_in_seconds")
	case session < 0 || session > ActorSessionLifetime:
		return nil, "", fault.New("form_param_value_invalid", "session_max_duration_in_seconds")
	}
	t := &ActorToken{Meta: store.Meta{ID: store.NewID(string(ActorKind), now)}, UserID: userID, Actor: actor,
		SessionLifetime: session, CreatedAt: now, UpdatedAt: now}
	var wire string
	t.Ticket, wire = draw(t.ID, lifetime, now)
	t.Expires = t.ExpireAt.Add(keepSettled)
	return t, wire, nil
}

// checkActor demands an object that says who acts.
func checkActor(actor json.RawMessage) (json.RawMessage, error) {
	if len(actor) > maxActor {
		return nil, fault.New("form_param_exceeds_allowed_size", "actor")
	}
	var who struct {
		Sub string `json:"sub"`
	}
	var compact bytes.Buffer
	if json.Unmarshal(actor, &who) != nil || json.Compact(&compact, actor) != nil || compact.Bytes()[0] != '{' {
		return nil, fault.New("form_param_type_invalid", "actor")
	}
	if who.Sub == "" {
		return nil, fault.New("form_param_missing", "actor.sub")
	}
	return compact.Bytes(), nil
}

// GetSignInToken returns the token with the given ID, or store.ErrNotFound.
func GetSignInToken(ctx context.Context, tx store.Tx, id string) (*SignInToken, error) {
	return signInTokens.Get(ctx, tx, id)
}

// PutSignInToken stores t.
func PutSignInToken(ctx context.Context, tx store.Tx, t *SignInToken, now time.Time) error {
	t.UpdatedAt = now
	return signInTokens.Put(ctx, tx, t)
}

// GetActorToken returns the token with the given ID, or store.ErrNotFound.
func GetActorToken(ctx context.Context, tx store.Tx, id string) (*ActorToken, error) {
	return actorTokens.Get(ctx, tx, id)
}

// PutActorToken stores t.
func PutActorToken(ctx context.Context, tx store.Tx, t *ActorToken, now time.Time) error {
	t.UpdatedAt = now
	return actorTokens.Put(ctx, tx, t)
}

// RevokeOf revokes every pending token that signs in as a user: after a ban,
// a deletion or a sign-out everywhere none of them works any more.
func RevokeOf(ctx context.Context, tx store.Tx, userID string, now time.Time) error {
	mine := store.Query{Where: []store.Match{{Index: "user", Values: []string{userID}}}}
	sits, err := signInTokens.Find(ctx, tx, mine)
	if err != nil {
		return err
	}
	for _, t := range sits {
		if t.Status != Pending {
			continue
		}
		t.settle(Revoked, now)
		if err := PutSignInToken(ctx, tx, t, now); err != nil {
			return err
		}
	}
	acts, err := actorTokens.Find(ctx, tx, mine)
	if err != nil {
		return err
	}
	for _, t := range acts {
		if t.Status != Pending {
			continue
		}
		t.settle(Revoked, now)
		if err := PutActorToken(ctx, tx, t, now); err != nil {
			return err
		}
	}
	return nil
}
