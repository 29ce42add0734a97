package engine

import (
	"context"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A smsTally counts the text messages of one day to one number, to one block of
// numbers, by one client address, or of the whole instance. It is written in
// the transaction that puts the message into the outbox, so that the count is
// exact however many ask at once, and no restart forgives.
type smsTally struct {
	store.Meta
	Sent int `json:"sent"`
	// Known is how many of them were asked for in browsers of their receivers.
	Known int `json:"known,omitempty"`
	// Used is how many of the codes came back right.
	Used int `json:"used"`
	// LastAt is when the last one was sent, unless its code was used since.
	LastAt time.Time `json:"last_at,omitzero"`
	// Refused: the service will not send to this number.
	Refused bool `json:"refused,omitempty"`
}

var (
	smsTallyKind = &store.Kind{Name: "sms_tally"}
	smsTallyTab  = store.Table[smsTally, *smsTally]{Kind: smsTallyKind}
)

// StoreEntries is empty: tallies are found by ID.
func (*smsTally) StoreEntries() []store.Entry { return nil }

// What messages are counted by.
const (
	smsNumber   = "number"
	smsPrefix   = "prefix"
	smsAddress  = "address"
	smsInstance = "instance"
)

// smsTallyID names the tally of a day. Whom it counts is hashed: records are
// read by more people than messages are.
func (e *Engine) smsTallyID(scope, value string, now time.Time) string {
	return "smt_" + now.UTC().Format("20060102") + "_" + scope + "_" + hex.EncodeToString(e.pseudonym("sms "+scope, value)[:16])
}

func (e *Engine) smsTally(ctx context.Context, tx store.Tx, scope, value string, now time.Time) (*smsTally, error) {
	id := e.smsTallyID(scope, value, now)
	t, err := smsTallyTab.Get(ctx, tx, id)
	if missingAs(err, nil) != nil {
		return nil, err
	}
	if err != nil {
		t = &smsTally{Meta: store.Meta{ID: id, Expires: now.UTC().Truncate(day).Add(2 * day)}}
	}
	return t, nil
}

// phone reads a number as people write it.
func (e *Engine) phone(number string, s *settings.Settings) (user.Phone, error) {
	if e.cfg.Phone == nil {
		return user.Phone{}, user.ErrInvalidPhoneNumber
	}
	return e.cfg.Phone.ParsePhone(number, s.Phones.DefaultCountry)
}

// allowSMS refuses numbers that get no message whoever asks.
func (e *Engine) allowSMS(number string, s *settings.Settings) error {
	p, err := e.phone(number, s)
	switch {
	case err != nil:
		return err
	case !s.Phones.Sends(p.Country):
		return fault.New("unsupported_country_code", "phone_number")
	case e.cfg.SMS == nil:
		return fault.New("sms_send_error", "phone_number")
	}
	return nil
}

// countSMS counts a message to a number as part of t, or refuses it. Strangers
// cannot use up a cap: a part of each is left to browsers in which the receiver
// has signed in before. One that is not real, since nobody may find out that
// nobody has the number, takes the same steps and nothing from what all share.
func (e *Engine) countSMS(ctx context.Context, t *txn, number string, by Request, s *settings.Settings, real bool) error {
	if err := e.allowSMS(number, s); err != nil { // the settings may have changed
		return err
	}
	p, err := e.phone(number, s)
	if err != nil {
		return err
	}
	caps := s.Phones.Daily
	for _, c := range []struct {
		scope, value string
		cap          int
	}{{smsNumber, p.E164, caps.PerNumber}, {smsPrefix, p.Prefix, caps.PerPrefix},
		{smsAddress, limit.AddrKey(by.Addr), caps.PerAddress}, {smsInstance, "", caps.PerInstance}} {
		n, err := e.smsTally(ctx, t, c.scope, c.value, t.now)
		if err != nil {
			return err
		}
		if c.scope == smsNumber {
			if err := n.ready(s, t.now); err != nil {
				return err
			}
			n.LastAt = t.now
		}
		if n.full(c.cap, by.known) {
			e.log.WarnContext(ctx, "text messages: the cap of the day is reached", "scope", c.scope, "cap", c.cap, "strangers", !by.known, "country", p.Country, "prefix", p.Prefix)
			return fault.New("too_many_requests", "").After(t.now.UTC().Truncate(day).Add(day).Sub(t.now))
		}
		if real || c.scope != smsInstance {
			n.Sent++
			if by.known {
				n.Known++
			}
		}
		if real && c.scope == smsPrefix {
			e.watchConversion(ctx, n, p)
		}
		if err := smsTallyTab.Put(ctx, t, n); err != nil {
			return err
		}
	}
	return nil
}

// full reports whether there is no message left of a cap: strangers have half
// of it, rounded up, and who is known all that is left. 0 is no cap.
func (n *smsTally) full(cap int, known bool) bool {
	if cap <= 0 {
		return false
	}
	return n.Sent >= cap || !known && n.Sent-n.Known >= (cap+1)/2
}

// ready refuses a number that gets no message now. That the service refuses it
// is not told where nobody may find out who has an account: it is known only of
// numbers that something was sent to.
func (n *smsTally) ready(s *settings.Settings, now time.Time) error {
	if n.Refused && !s.Protection.Strict() {
		return fault.New("sms_send_error", "phone_number")
	}
	if wait := n.LastAt.Add(s.Codes.ResendAfter).Sub(now); !n.LastAt.IsZero() && wait > 0 {
		return fault.New("verification_code_too_many_requests", "").After(wait)
	}
	return nil
}

const (
	watchFrom    = 20 // messages to a block of numbers in a day before anything is said
	watchPercent = 20 // of the codes come back, at least, where people are
)

// watchConversion tells operators of a block of numbers that is sent to and
// whose codes do not come back: somebody may earn with it.
func (e *Engine) watchConversion(ctx context.Context, n *smsTally, p user.Phone) {
	if n.Sent >= watchFrom && n.Sent%watchFrom == 0 && n.Used*100 < n.Sent*watchPercent {
		e.log.WarnContext(ctx, "text messages: few codes come back from a block of numbers", "country", p.Country, "prefix", p.Prefix, "sent", n.Sent, "used", n.Used)
	}
}

// usedSMS notes as part of t that the code sent to a number came back.
func (e *Engine) usedSMS(ctx context.Context, t *txn, number string, s *settings.Settings) error {
	p, err := e.phone(number, s)
	if err != nil {
		return nil // numbers are switched off by now
	}
	for _, c := range [][2]string{{smsNumber, p.E164}, {smsPrefix, p.Prefix}} {
		n, err := e.smsTally(ctx, t, c[0], c[1], t.now)
		if err != nil {
			return err
		}
		n.Used, n.LastAt = n.Used+1, time.Time{}
		if err := smsTallyTab.Put(ctx, t, n); err != nil {
			return err
		}
	}
	return nil
}

// usedCode is usedSMS for a challenge that may be one by text message.
func (e *Engine) usedCode(ctx context.Context, t *txn, v *factor.Verification, s *settings.Settings) error {
	if v == nil || v.Status != factor.Verified && v.Status != factor.Transferable || !strings.HasPrefix(v.Target, "+") {
		return nil
	}
	return e.usedSMS(ctx, t, v.Target, s)
}

// refusedSMS notes that the service will never send to a number, so that the
// next who asks today is told.
func (e *Engine) refusedSMS(ctx context.Context, tx store.Tx, number string) error {
	p, err := e.phone(number, e.lastSettings())
	if err != nil {
		return nil
	}
	n, err := e.smsTally(ctx, tx, smsNumber, p.E164, e.now())
	if err != nil {
		return err
	}
	n.Refused = true
	return smsTallyTab.Put(ctx, tx, n)
}

// namedDigits is how many digits a text without + must have to be taken for a
// phone number: usernames with so many and nothing else are refused.
const namedDigits = 7

// named is an identifier as it is looked for: numbers as they are stored,
// however they were typed.
func (e *Engine) named(identifier string, s *settings.Settings) string {
	identifier = strings.TrimSpace(identifier)
	if !s.PhoneNumber.Enabled || strings.ContainsRune(identifier, '@') {
		return identifier
	}
	digits := 0
	for _, r := range identifier {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if p, err := e.phone(identifier, s); err == nil && digits >= namedDigits {
		return p.E164
	}
	return identifier
}
