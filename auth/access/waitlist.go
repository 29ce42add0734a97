package access

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A WaitStatus says how far a person on the waitlist is.
type WaitStatus string

// The statuses of an entry of the waitlist. Completed and Rejected are final.
const (
	WaitPending   WaitStatus = "pending"
	WaitInvited   WaitStatus = "invited"
	WaitCompleted WaitStatus = "completed"
	WaitRejected  WaitStatus = "rejected"
)

// WaitTransitions is the table of all changes of status.
var WaitTransitions = map[WaitStatus][]WaitStatus{
	WaitPending: {WaitInvited, WaitRejected, WaitCompleted},
	WaitInvited: {WaitInvited, WaitCompleted},
}

// The reasons why an entry cannot change.
var (
	ErrWaitInvited   = errors.New("access: invited already")
	ErrWaitCompleted = errors.New("access: has an account already")
	ErrWaitRejected  = errors.New("access: rejected")
)

// A WaitlistEntry is a person who asked to be let in.
type WaitlistEntry struct {
	store.Meta

	EmailAddress string     `json:"email_address"`
	Canonical    string     `json:"canonical"`
	Status       WaitStatus `json:"status"`
	InvitationID string     `json:"invitation_id,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

// WaitlistKind is where the waitlist is kept.
var WaitlistKind = &store.Kind{Name: "waitlist_entry", Indexes: []store.Index{
	{Name: "email", Unique: true}, {Name: "status"}, {Name: "created_at"}, {Name: "invitation"}}}

var waitlist = store.Table[WaitlistEntry, *WaitlistEntry]{Kind: WaitlistKind}

// StoreEntries lists what an entry is found by.
func (w *WaitlistEntry) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "email", Value: w.Canonical}, {Index: "status", Value: string(w.Status)},
		{Index: "created_at", Value: store.TimeKey(w.CreatedAt)}}
	if w.InvitationID != "" {
		es = append(es, store.Entry{Index: "invitation", Value: w.InvitationID})
	}
	return es
}

// NewWaitlistEntry returns an entry that is not stored yet.
func NewWaitlistEntry(address string, now time.Time) (*WaitlistEntry, error) {
	id, err := user.NewEmailAddress(address, now)
	if err != nil {
		return nil, err
	}
	return &WaitlistEntry{Meta: store.Meta{ID: store.NewID("wle", now)}, EmailAddress: id.Value, Canonical: id.Canonical,
		Status: WaitPending, CreatedAt: now, UpdatedAt: now}, nil
}

// Move changes the status along the table. What else is wanted of an entry is
// refused with the reason why: it is invited, has an account, or was rejected.
func (w *WaitlistEntry) Move(to WaitStatus, now time.Time) error {
	if !slices.Contains(WaitTransitions[w.Status], to) {
		switch w.Status {
		case WaitCompleted:
			return ErrWaitCompleted
		case WaitRejected:
			return ErrWaitRejected
		}
		return ErrWaitInvited
	}
	w.Status, w.UpdatedAt = to, now
	return nil
}

// GetWaitlistEntry returns the entry with the given ID, or store.ErrNotFound.
func GetWaitlistEntry(ctx context.Context, tx store.Tx, id string) (*WaitlistEntry, error) {
	return waitlist.Get(ctx, tx, id)
}

// WaitlistEntryOf returns the entry of an address, or store.ErrNotFound.
func WaitlistEntryOf(ctx context.Context, tx store.Tx, address string) (*WaitlistEntry, error) {
	canonical, err := user.CanonicalEmail(address)
	if err != nil {
		return nil, store.ErrNotFound
	}
	return waitlist.By(ctx, tx, "email", canonical)
}

// PutWaitlistEntry stores w.
func PutWaitlistEntry(ctx context.Context, tx store.Tx, w *WaitlistEntry) error {
	return waitlist.Put(ctx, tx, w)
}

// DeleteWaitlistEntry removes w.
func DeleteWaitlistEntry(ctx context.Context, tx store.Tx, w *WaitlistEntry) error {
	return waitlist.Delete(ctx, tx, w)
}

// A WaitlistFilter narrows the waitlist; every field that is set must hold.
type WaitlistFilter struct {
	Status WaitStatus
	// Query is a part of the address.
	Query string
	// Oldest puts the oldest first; else the newest are.
	Oldest bool
}

// Waitlist returns entries and how many there are. limit 0 is all.
func Waitlist(ctx context.Context, tx store.Tx, f WaitlistFilter, offset, limit int) ([]*WaitlistEntry, int, error) {
	q := store.Query{Order: "created_at", Desc: !f.Oldest, Offset: offset, Limit: limit}
	if f.Status != "" {
		q.Where = append(q.Where, store.Match{Index: "status", Values: []string{string(f.Status)}})
	}
	if f.Query != "" {
		q.Where = append(q.Where, store.Match{Index: "email", Op: store.Contains, Values: []string{user.Fold(f.Query)}})
	}
	return waitlist.Page(ctx, tx, q)
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
