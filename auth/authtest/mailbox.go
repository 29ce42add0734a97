package authtest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/user"
)

// A Mailbox is a mailer, and a sender of text messages, that keeps what it is
// given.
type Mailbox struct {
	mu      sync.Mutex
	mails   []notify.Message
	arrived chan struct{} // closed and replaced with each mail
}

func newMailbox() *Mailbox { return &Mailbox{arrived: make(chan struct{})} }

// Send keeps m.
func (b *Mailbox) Send(_ context.Context, m notify.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, m)
	close(b.arrived)
	b.arrived = make(chan struct{})
	return nil
}

// SendSMS keeps m as a mail to the number.
func (b *Mailbox) SendSMS(ctx context.Context, m notify.SMS) error {
	return b.Send(ctx, notify.Message{ID: m.ID, To: m.To, Text: m.Body, Slug: m.Slug, Data: m.Data, Expires: m.Expires})
}

// To returns the mails to an address, or the text messages to a number in
// E.164, that have arrived, oldest first.
func (b *Mailbox) To(email string) []notify.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.to(email)
}

func (b *Mailbox) to(email string) []notify.Message {
	_, canonical := user.Classify(email)
	return slices.DeleteFunc(slices.Clone(b.mails), func(m notify.Message) bool {
		_, to := user.Classify(m.To)
		return to != canonical
	})
}

// patience is how long a test waits for a mail, in real time: mail is sent in
// the background.
const patience = 10 * time.Second

// Wait returns the n-th mail to an address, the first being 1, and waits for
// it if it has not arrived.
func (b *Mailbox) Wait(t testing.TB, email string, n int) notify.Message {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		b.mu.Lock()
		mails, arrived := b.to(email), b.arrived
		b.mu.Unlock()
		if len(mails) >= n {
			return mails[n-1]
		}
		select {
		case <-arrived:
		case <-deadline.C:
			t.Fatalf("authtest: mail %d to %s did not arrive; there are %d", n, email, len(mails))
		}
	}
}

// Code returns the code in the n-th mail to an address, the first being 1.
func (b *Mailbox) Code(t testing.TB, email string, n int) string {
	t.Helper()
	m := b.Wait(t, email, n)
	if m.Data.OTPCode == "" {
		t.Fatalf("authtest: mail %d to %s has no code: %s", n, email, m.Subject)
	}
	return m.Data.OTPCode
}
