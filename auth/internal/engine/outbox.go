package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An outMail is a mail, a text message or an errand that waits in the outbox:
// what to say, not the text. It is written in the transaction of what it tells,
// so there is never one without the other.
type outMail struct {
	store.Meta
	Slug string `json:"slug"`
	To   string `json:"to"`
	// SMS: it is a text message, and To a phone number.
	SMS bool `json:"sms,omitempty"`
	// Void mails go to nobody: they are there because otherwise their absence
	// would tell something.
	Void bool        `json:"void,omitempty"`
	Data notify.Data `json:"data"`
	// Errand is what to do in place of sending something.
	Errand *errand `json:"errand,omitempty"`
	// GoodUntil is when the mail says nothing of use any more, as for a code.
	GoodUntil time.Time `json:"good_until,omitzero"`
	// Due is when to try next. While a worker tries, it lies in the future: a
	// lease that runs out if the worker dies.
	Due       time.Time `json:"due"`
	Tries     int       `json:"tries"`
	LastError string    `json:"last_error,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

var (
	outboxKind = &store.Kind{Name: "outbox", Sealed: true, Indexes: []store.Index{{Name: "due"}}}
	outboxTab  = store.Table[outMail, *outMail]{Kind: outboxKind}
)

func (m *outMail) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "due", Value: store.TimeKey(m.Due)}}
}

const (
	outboxLease = 2 * time.Minute
	sendTimeout = 30 * time.Second
	maxTries    = 12
	maxBackoff  = 2 * time.Hour
	// outboxWorkers send at once, so that one slow server does not hold up all.
	outboxWorkers = 4
)

// enqueue puts a mail into the outbox as part of t.
func (e *Engine) enqueue(ctx context.Context, t *txn, m outMail) error {
	prefix := "ema"
	if m.SMS {
		prefix = "sms"
	}
	if m.Errand != nil {
		prefix = "errand"
	}
	m.ID, m.Due, m.CreatedAt = store.NewID(prefix, t.now), t.now, t.now
	m.Expires = t.now.Add(7 * day)
	t.mail = true
	return outboxTab.Put(ctx, t, &m)
}

// codeMail is the mail or text message that carries a code.
func codeMail(s factor.Send, by Request, now time.Time) outMail {
	if s.SMS {
		return outMail{Slug: s.Slug, To: s.To, SMS: true, GoodUntil: s.ExpireAt, Data: notify.Data{OTPCode: s.Code}}
	}
	return outMail{Slug: s.Slug, To: s.To, GoodUntil: s.ExpireAt,
		Data: notify.Data{OTPCode: s.Code, Email: s.To, RequestedFrom: requestedFrom(by, now)}}
}

// requestedFrom describes the device behind r as its owner would know it.
func requestedFrom(r Request, at time.Time) notify.Source {
	a := r.activity()
	device := a.BrowserName
	if device != "" && a.DeviceType != "" {
		device += " on "
	}
	return notify.Source{Device: device + a.DeviceType, Address: a.IPAddress, At: at}
}

// notifyUser tells a user of something that happened to the account, at every
// address that is the user's own.
func (e *Engine) notifyUser(ctx context.Context, t *txn, u *user.User, slug string, by Request) error {
	return e.notifyOf(ctx, t, u, slug, by, notify.Data{})
}

// notifyOf is notifyUser with more to say: a method, a link, another address
// than the receiver's. A notice that is switched off is not sent.
func (e *Engine) notifyOf(ctx context.Context, t *txn, u *user.User, slug string, by Request, d notify.Data) error {
	if !e.lastSettings().Mails.Sends(slug) {
		return nil
	}
	d.UserName, d.RequestedFrom = u.Name(), requestedFrom(by, t.now)
	for _, to := range u.VerifiedEmailAddresses() {
		about := d
		if about.Email == "" {
			about.Email = to
		}
		if err := e.enqueue(ctx, t, outMail{Slug: slug, To: to, Data: about}); err != nil {
			return err
		}
	}
	return nil
}

// notifyPrimary tells a user of the new primary address. to is the user as it
// was, or is: whose addresses are written to.
func (e *Engine) notifyPrimary(ctx context.Context, t *txn, to, after *user.User, by Request) error {
	now := after.PrimaryEmailAddress()
	if now == nil {
		return nil
	}
	return e.notifyOf(ctx, t, to, notify.PrimaryEmailChanged, by, notify.Data{Email: now.Value})
}

func (e *Engine) wakeOutbox() {
	if !e.running.Load() {
		e.nobodySends.Do(func() { e.log.Warn("mail waits: Auth.Run does not run in this process") })
	}
	select {
	case e.wake <- struct{}{}:
	default: // awake already
	}
}

// Deliver sends every mail that is due and returns how many were sent and when
// the next one is due; zero is never. [Engine.Run] calls it.
func (e *Engine) Deliver(ctx context.Context) (sent int, next time.Time, err error) {
	after := ""
	for {
		var due []*outMail
		var bad []*store.CorruptError
		now := e.now()
		err := e.view(ctx, func(tx store.Tx) (err error) {
			due, bad, err = outboxTab.List(ctx, tx, store.Query{Order: "due", After: after, Limit: 64})
			return err
		})
		if err != nil {
			return sent, now.Add(time.Second), err
		}
		for _, b := range bad {
			e.log.ErrorContext(ctx, "outbox: mail cannot be read", "err", b)
		}
		if len(due) == 0 && len(bad) > 0 { // they stay where they are, and others behind them wait
			after = bad[len(bad)-1].ID
			continue
		}
		later := time.Time{}
		for i, m := range due {
			if m.Due.After(now) {
				later, due = m.Due, due[:i]
				break
			}
		}
		if len(due) == 0 {
			return sent, later, nil
		}
		n, claimed := e.deliverAll(ctx, due)
		sent += n
		if ctx.Err() != nil {
			return sent, now, ctx.Err()
		}
		if claimed == 0 { // a store that takes no writes is not asked in a circle
			return sent, now.Add(time.Second), nil
		}
	}
}

// deliverAll tries each mail and returns how many were sent, and how many were
// this worker's to send.
func (e *Engine) deliverAll(ctx context.Context, due []*outMail) (sent, claimed int) {
	var wg sync.WaitGroup
	var sentAll, claimedAll atomic.Int64
	queue := make(chan *outMail)
	for range min(outboxWorkers, len(due)) {
		wg.Go(func() {
			for m := range queue {
				// A panic, of a host's store perhaps, ends one try and not the process.
				e.job(ctx, "deliver mail "+m.ID, func(ctx context.Context) error {
					if !e.claim(ctx, m) {
						return nil
					}
					claimedAll.Add(1)
					if e.deliver(ctx, m) {
						sentAll.Add(1)
					}
					return nil
				})
			}
		})
	}
	for _, m := range due {
		queue <- m
	}
	close(queue)
	wg.Wait()
	return int(sentAll.Load()), int(claimedAll.Load())
}

// claim makes a mail this worker's, by compare-and-swap, so that no other one
// sends it too, unless this one dies while sending: then it is sent again.
func (e *Engine) claim(ctx context.Context, m *outMail) bool {
	now := e.now()
	m.Due, m.Tries = now.Add(outboxLease), m.Tries+1
	claim := *m
	err := e.store.Update(ctx, func(tx store.Tx) error {
		*m = claim
		return outboxTab.Put(ctx, tx, m)
	})
	if err != nil {
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			e.log.WarnContext(ctx, "outbox: mail not claimed", "mail", m.ID, "err", err)
		}
		return false
	}
	return true
}

// deliver sends one mail that was claimed.
func (e *Engine) deliver(ctx context.Context, m *outMail) (sent bool) {
	now := e.now()
	if !m.GoodUntil.IsZero() && !now.Before(m.GoodUntil) {
		e.log.WarnContext(ctx, "outbox: too late to send", "mail", m.ID, "slug", m.Slug)
		e.settle(ctx, m, true)
		return false
	}
	err := e.send(ctx, m)
	final := err == nil || errors.Is(err, notify.ErrPermanent) || m.Tries >= maxTries
	switch {
	case err == nil:
	case final:
		e.log.ErrorContext(ctx, "outbox: mail given up", "mail", m.ID, "slug", m.Slug, "tries", m.Tries, "err", err)
	default:
		m.Due, m.LastError = e.now().Add(backoff(m.Tries)), clip(err.Error(), 500)
		e.log.WarnContext(ctx, "outbox: mail not sent, will try again", "mail", m.ID, "slug", m.Slug, "tries", m.Tries, "at", m.Due, "err", err)
	}
	e.settle(ctx, m, final)
	return err == nil
}

// send renders and sends m.
func (e *Engine) send(ctx context.Context, m *outMail) error {
	if m.Void {
		return nil
	}
	if m.Errand != nil {
		ctx, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		return e.runErrand(ctx, m.Errand)
	}
	data := m.Data
	data.AppName, data.AppURL = e.Settings(ctx).AppName, e.cfg.AppURL
	if !m.GoodUntil.IsZero() {
		data.ExpiresIn = m.GoodUntil.Sub(m.CreatedAt)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if m.SMS {
		return e.sendSMS(ctx, m, data)
	}
	msg, err := e.cfg.Renderer.Render(m.Slug, data)
	if err != nil {
		return errors.Join(notify.ErrPermanent, err)
	}
	msg.ID, msg.To, msg.Expires = m.ID, m.To, m.GoodUntil
	return notify.Deliver(ctx, e.cfg.Mailer, msg, e.now())
}

// sendSMS renders and sends the text message m.
func (e *Engine) sendSMS(ctx context.Context, m *outMail, data notify.Data) error {
	if e.cfg.SMS == nil {
		return errNoSMS // the host may get a sender with its next start
	}
	msg, err := e.cfg.Renderer.RenderSMS(m.Slug, data)
	if err != nil {
		return errors.Join(notify.ErrPermanent, err)
	}
	msg.ID, msg.To, msg.Expires = m.ID, m.To, m.GoodUntil
	err = notify.DeliverSMS(ctx, e.cfg.SMS, msg, e.now())
	if errors.Is(err, notify.ErrPermanent) && !errors.Is(err, notify.ErrExpired) && !errors.Is(err, notify.ErrMessage) {
		err = errors.Join(err, e.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error { return e.refusedSMS(ctx, tx, m.To) }))
	}
	return err
}

var errNoSMS = errors.New("engine: no sender of text messages")

// settle stores the outcome of a try, also if ctx has just ended.
func (e *Engine) settle(ctx context.Context, m *outMail, done bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	outcome := *m
	err := e.store.Update(ctx, func(tx store.Tx) error {
		again := outcome
		if done {
			return outboxTab.Delete(ctx, tx, &again)
		}
		return outboxTab.Put(ctx, tx, &again)
	})
	if err != nil {
		e.log.WarnContext(ctx, "outbox: outcome not stored, the mail may be sent twice", "mail", m.ID, "err", err)
	}
}

// backoff grows from seconds to hours, with jitter.
func backoff(tries int) time.Duration {
	d := min(5*time.Second<<min(tries-1, 20), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
