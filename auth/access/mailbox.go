package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/usherauth/usher/store"
)

// A Mailbox is the guard record that makes one account of each mailbox: the
// first sign-up with an address or one of its sub-addresses writes it, and of
// two at once one fails.
type Mailbox struct {
	store.Meta
	UserID string `json:"user_id"`
}

// MailboxKind is where mailboxes are kept.
var MailboxKind = &store.Kind{Name: "mailbox"}

var mailboxes = store.Table[Mailbox, *Mailbox]{Kind: MailboxKind}

// StoreEntries is empty: mailboxes are found by ID.
func (m *Mailbox) StoreEntries() []store.Entry { return nil }

func mailboxID(address string) string {
	h := sha256.Sum256([]byte(Base(address)))
	return hex.EncodeToString(h[:])
}

// MailboxOwner returns the ID of the user who took the mailbox of an address,
// or an empty text. The user may be gone since.
func MailboxOwner(ctx context.Context, tx store.Tx, address string) (string, error) {
	m, err := mailboxes.Get(ctx, tx, mailboxID(address))
	if err != nil {
		return "", ignoreMissing(err)
	}
	return m.UserID, nil
}

// TakeMailbox notes that a user has the mailbox of an address.
func TakeMailbox(ctx context.Context, tx store.Tx, address, userID string) error {
	m, err := mailboxes.Get(ctx, tx, mailboxID(address))
	if ignoreMissing(err) != nil {
		return err
	}
	if err != nil {
		m = &Mailbox{Meta: store.Meta{ID: mailboxID(address)}}
	}
	m.UserID = userID
	return mailboxes.Put(ctx, tx, m)
}
