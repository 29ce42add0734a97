package engine

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/store"
)

// A mailTally counts the mails of one day to one mailbox, by one client address,
// or of the whole instance. Like a [smsTally] it is written in the transaction
// that puts the mail into the outbox.
type mailTally struct {
	store.Meta
	Sent int `json:"sent"`
}

var (
	mailTallyKind = &store.Kind{Name: "mail_tally"}
	mailTallyTab  = store.Table[mailTally, *mailTally]{Kind: mailTallyKind}
)

// StoreEntries is empty: tallies are found by ID.
func (*mailTally) StoreEntries() []store.Entry { return nil }

// mailTallyID names the tally of a day. Whom it counts is hashed.
func (e *Engine) mailTallyID(scope, value string, now time.Time) string {
	return "mlt_" + now.UTC().Format("20060102") + "_" + scope + "_" + hex.EncodeToString(e.pseudonym("mail "+scope, value)[:16])
}

// countMail counts as part of t a mail that somebody causes who need not be its
// receiver, or refuses it. A browser in which the receiver has signed in before
// has a budget of its own: strangers cannot use that up. It is the same for
// mails that go to nobody and for notices in place of codes: what is refused
// must not tell who has an account.
func (e *Engine) countMail(ctx context.Context, t *txn, to string, by Request) error {
	mailbox := access.Base(to)
	if mailbox == "" {
		return nil // no mail address
	}
	caps := e.lastSettings().Limits.DailyMails
	if !by.Addr.IsValid() {
		caps.PerAddress = 0 // the host's own tools
	}
	target := "target"
	if by.known {
		target = "known"
	}
	end := t.now.UTC().Truncate(day).Add(day)
	for _, c := range []struct {
		scope, value string
		cap          int
	}{{target, mailbox, caps.PerTarget}, {"address", limit.AddrKey(by.Addr), caps.PerAddress}, {"instance", "", caps.PerInstance}} {
		if c.cap <= 0 {
			continue
		}
		id := e.mailTallyID(c.scope, c.value, t.now)
		n, err := mailTallyTab.Get(ctx, t, id)
		if missingAs(err, nil) != nil {
			return err
		}
		if err != nil {
			n = &mailTally{Meta: store.Meta{ID: id, Expires: end.Add(day)}}
		}
		if n.Sent >= c.cap {
			e.log.WarnContext(ctx, "mails: the cap of the day is reached", "scope", c.scope, "cap", c.cap)
			return fault.New("too_many_requests", "").After(end.Sub(t.now))
		}
		n.Sent++
		if err := mailTallyTab.Put(ctx, t, n); err != nil {
			return err
		}
	}
	return nil
}
