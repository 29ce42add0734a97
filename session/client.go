package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// A Client is one browser.
type Client struct {
	store.Meta

	// SecretHash is the SHA-256 of the secret in the cookie, PreviousHash that
	// of the one before, which a request under way may still carry.
	SecretHash   []byte    `json:"secret_hash"`
	PreviousHash []byte    `json:"previous_hash,omitempty"`
	RotatedAt    time.Time `json:"rotated_at"`
	// RotateDue: somebody was signed in here by another device, which could not
	// be given the new secret. The next request that changes anything gets it.
	RotateDue bool `json:"rotate_due,omitempty"`

	// SignInID and SignUpID are the attempts under way: one of each.
	SignInID string `json:"sign_in_id,omitempty"`
	SignUpID string `json:"sign_up_id,omitempty"`
	// LastActiveSessionID is the session last chosen in the browser.
	LastActiveSessionID string `json:"last_active_session_id,omitempty"`
	// HadSession says that somebody has signed in here, once.
	HadSession bool `json:"had_session,omitempty"`
	// Familiars are who has signed in here, the latest last.
	Familiars []Familiar `json:"familiars,omitempty"`
	// LastStrategy is how the last sign-in here was done.
	LastStrategy string `json:"last_strategy,omitempty"`
	// HumanUntil is until when it is believed that a person uses the browser.
	HumanUntil time.Time `json:"human_until,omitzero"`
	// ChangedAt is when somebody last signed in or out here, to the second: the
	// cookie __client_uat.
	ChangedAt time.Time `json:"changed_at,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// A Familiar is somebody whom a client knows, and since when.
type Familiar struct {
	UserID string    `json:"user_id"`
	At     time.Time `json:"at"` // the last sign-in
}

// maxFamiliars bounds how many people one client knows.
const maxFamiliars = 20

// Recognize notes that a user signs in on c.
func (c *Client) Recognize(userID string, now time.Time) {
	c.forget(userID)
	if over := len(c.Familiars) + 1 - maxFamiliars; over > 0 {
		c.Familiars = slices.Delete(c.Familiars, 0, over)
	}
	c.Familiars = append(c.Familiars, Familiar{UserID: userID, At: now})
}

// forget makes c a stranger to a user.
func (c *Client) forget(userID string) {
	c.Familiars = slices.DeleteFunc(slices.Clone(c.Familiars), func(f Familiar) bool { return f.UserID == userID })
}

// Knows reports whether a user has signed in on c at the time since or later.
func (c *Client) Knows(userID string, since time.Time) bool {
	return slices.ContainsFunc(c.Familiars, func(f Familiar) bool { return f.UserID == userID && !f.At.Before(since) })
}

// ClientKind is where clients are kept.
var ClientKind = &store.Kind{Name: "client", Indexes: []store.Index{{Name: "created_at"}}}

var clients = store.Table[Client, *Client]{Kind: ClientKind}

// StoreEntries lists what a client is found by.
func (c *Client) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "created_at", Value: store.TimeKey(c.CreatedAt)}}
}

// ClientLifetime is how long a client's cookie lasts: browsers cap it at 400
// days. StrangerLifetime is how long a client is kept where nobody has ever
// signed in: anybody can make those.
const (
	ClientLifetime   = 400 * 24 * time.Hour
	StrangerLifetime = 24 * time.Hour
)

// Grace is how long a replaced secret still identifies its client, so that
// parallel requests of several tabs survive a rotation. It allows no change.
const Grace = time.Minute

// NewClient returns a client that is not stored yet, without a secret: call
// [Client.Rotate].
func NewClient(now time.Time) *Client {
	return &Client{Meta: store.Meta{ID: store.NewID("client", now), Expires: now.Add(StrangerLifetime)}, CreatedAt: now, UpdatedAt: now}
}

// NewSecret returns 256 random bits for [Client.Rotate].
func NewSecret() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// KeepUntil lets the client last until at, if it would not anyway.
func (c *Client) KeepUntil(at time.Time) {
	if at.After(c.Expires) {
		c.Expires = at
	}
}

// Rotate replaces the client's secret and returns the new cookie value. The
// lifetime of a client that had a session begins anew.
func (c *Client) Rotate(secret []byte, now time.Time) (cookie string) {
	h := sha256.Sum256(secret)
	c.PreviousHash, c.SecretHash = c.SecretHash, h[:]
	c.RotatedAt, c.UpdatedAt, c.RotateDue = now, now, false
	if c.HadSession {
		c.KeepUntil(now.Add(ClientLifetime))
	}
	return c.ID + "." + base64.RawURLEncoding.EncodeToString(secret)
}

// ParseCookie splits a cookie value into the client's ID and the secret. It
// tells only the shape, not the truth.
func ParseCookie(value string) (id string, secret []byte, ok bool) {
	id, s, found := strings.Cut(value, ".")
	if !found || len(value) > 128 || !strings.HasPrefix(id, "client_") || len(s) != 43 {
		return "", nil, false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return id, secret, err == nil && len(secret) == 32
}

// Check compares secret with the client's own in constant time. current is
// false if it is the previous secret in its grace: the request may read, not
// change. ErrClientReused is the previous secret after its grace,
// ErrClientSecret anything else.
func (c *Client) Check(secret []byte, now time.Time) (current bool, err error) {
	h := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(h[:], c.SecretHash) == 1 {
		return true, nil
	}
	if len(c.PreviousHash) == 0 || subtle.ConstantTimeCompare(h[:], c.PreviousHash) != 1 {
		return false, ErrClientSecret
	}
	if now.Sub(c.RotatedAt) > Grace {
		return false, ErrClientReused
	}
	return false, nil
}

// GetClient returns the client with the given ID, or store.ErrNotFound.
func GetClient(ctx context.Context, tx store.Tx, id string) (*Client, error) {
	return clients.Get(ctx, tx, id)
}

// PutClient stores c.
func PutClient(ctx context.Context, tx store.Tx, c *Client) error { return clients.Put(ctx, tx, c) }

// DeleteClient removes c. Its sessions are the caller's.
func DeleteClient(ctx context.Context, tx store.Tx, c *Client) error {
	return clients.Delete(ctx, tx, c)
}

// ListClients returns clients, newest first, and how many there are in all.
func ListClients(ctx context.Context, tx store.Tx, offset, limit int) ([]*Client, int, error) {
	q := store.Query{Order: "created_at", Desc: true, Offset: offset, Limit: limit}
	return clients.Page(ctx, tx, q)
}
