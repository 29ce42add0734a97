package ticket

import (
	"context"
	"encoding/json"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An Invitation lets an address sign up, whatever the access mode. Whoever
// uses it has shown that the address is their own.
type Invitation struct {
	store.Meta
	Ticket `json:"ticket"`

	EmailAddress string `json:"email_address"`
	Canonical    string `json:"canonical"`
	// PublicMetadata goes to the user.
	PublicMetadata json.RawMessage `json:"public_metadata,omitempty"`
	// RedirectURL is where the link leads; empty: to the sign-up page.
	RedirectURL string `json:"redirect_url,omitempty"`
	// Sole: no other invitation of the address can be pending beside this one.
	Sole bool `json:"sole,omitempty"`
	// UserID is who accepted it.
	UserID    string    `json:"user_id,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Invitations is where invitations are kept. They hold hashes of secrets, so
// they are sealed.
var Invitations = &store.Kind{Name: "invitation", Sealed: true, Indexes: []store.Index{
	{Name: "email"}, {Name: "sole", Unique: true}, {Name: "status"}, {Name: "expire_at"}, {Name: "created_at"}}}

var invitations = store.Table[Invitation, *Invitation]{Kind: Invitations}

// StoreEntries lists what an invitation is found by.
func (i *Invitation) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "email", Value: i.Canonical}, {Index: "status", Value: string(i.Status)},
		{Index: "expire_at", Value: store.TimeKey(i.ExpireAt)}, {Index: "created_at", Value: store.TimeKey(i.CreatedAt)}}
	if i.Sole && i.Status == Pending {
		es = append(es, store.Entry{Index: "sole", Value: i.Canonical})
	}
	return es
}

const (
	// InvitationLifetime is how long an invitation is good if nothing is asked.
	InvitationLifetime = 30 * 24 * time.Hour
	// keepInvitations is how long they can still be listed.
	keepInvitations = 365 * 24 * time.Hour
)

// NewInvitation returns an invitation that is not stored yet, and what its
// ticket travels as. A lifetime of 0 is InvitationLifetime.
func NewInvitation(address string, metadata json.RawMessage, lifetime time.Duration, now time.Time) (*Invitation, string, error) {
	id, err := user.NewEmailAddress(address, now)
	if err != nil {
		return nil, "", err
	}
	if metadata, err = user.CheckMetadata(metadata); err != nil {
		return nil, "", fault.Wrap("form_param_exceeds_allowed_size", "public_metadata", err)
	}
	if lifetime == 0 {
		lifetime = InvitationLifetime
	}
	if lifetime < 0 || lifetime > maxTicketLifetime {
		return nil, "", fault.New("form_param_value_invalid", "expires_in_days")
	}
	i := &Invitation{Meta: store.Meta{ID: store.NewID(string(InvitationKind), now)}, EmailAddress: id.Value, Canonical: id.Canonical,
		PublicMetadata: metadata, CreatedAt: now, UpdatedAt: now}
	var wire string
	i.Ticket, wire = draw(i.ID, lifetime, now)
	i.Expires = i.ExpireAt.Add(keepInvitations)
	return i, wire, nil
}

// BeSole makes i, which is not stored yet, the only pending invitation of its
// address: if there is another one, storing i is a *store.DuplicateError. One
// that has expired makes room.
func (i *Invitation) BeSole(ctx context.Context, tx store.Tx, now time.Time) error {
	i.Sole = true
	pending, err := invitations.Find(ctx, tx, store.Query{Where: []store.Match{
		{Index: "email", Values: []string{i.Canonical}}, {Index: "status", Values: []string{string(Pending)}}}})
	if err != nil {
		return err
	}
	for _, other := range pending {
		switch {
		case other.StatusAt(now) == Pending:
			return &store.DuplicateError{Kind: Invitations.Name, Index: "sole"}
		case other.Sole:
			other.Sole = false
			if err := invitations.Put(ctx, tx, other); err != nil {
				return err
			}
		}
	}
	return nil
}

// GetInvitation returns the invitation with the given ID, or store.ErrNotFound.
func GetInvitation(ctx context.Context, tx store.Tx, id string) (*Invitation, error) {
	return invitations.Get(ctx, tx, id)
}

// PutInvitation stores i.
func PutInvitation(ctx context.Context, tx store.Tx, i *Invitation, now time.Time) error {
	i.UpdatedAt = now
	return invitations.Put(ctx, tx, i)
}

// A Filter narrows a list of invitations; every field that is set must hold.
type Filter struct {
	// Status at the time of the list.
	Status Status
	// Query is a part of the address.
	Query string
	// EmailAddress is a whole address.
	EmailAddress string
	// Oldest puts the oldest first; else the newest are.
	Oldest bool
}

// List returns invitations and how many there are at the time now. limit 0 is
// all.
func List(ctx context.Context, tx store.Tx, f Filter, offset, limit int, now time.Time) ([]*Invitation, int, error) {
	q := store.Query{Order: "created_at", Desc: !f.Oldest, Offset: offset, Limit: limit}
	where := func(index string, op store.Op, value string) {
		q.Where = append(q.Where, store.Match{Index: index, Op: op, Values: []string{value}})
	}
	switch f.Status {
	case "":
	case Pending:
		where("status", store.In, string(Pending))
		where("expire_at", store.Greater, store.TimeKey(now))
	case Expired:
		where("status", store.In, string(Pending))
		where("expire_at", store.Less, store.TimeKey(now.Add(time.Millisecond)))
	default:
		where("status", store.In, string(f.Status))
	}
	if f.Query != "" {
		where("email", store.Contains, user.Fold(f.Query))
	}
	if f.EmailAddress != "" {
		canonical, err := user.CanonicalEmail(f.EmailAddress)
		if err != nil {
			return nil, 0, nil
		}
		where("email", store.In, canonical)
	}
	return invitations.Page(ctx, tx, q)
}
