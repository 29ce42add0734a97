package lockout

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

// InARow is how many wrong tries without a right one put a password out of use
// until it is reset (NIST SP 800-63B-4): locks between them do not matter. Those
// of strangers put it out of use for strangers alone.
const InARow = 100

// keepFor is how long a counter is kept that may be forgotten: longer than any
// time that codes are counted in.
const keepFor = 48 * time.Hour

// A Policy is what the settings say.
type Policy struct {
	// Max wrong tries lock, For so long; For 0 is until somebody unlocks.
	// Max 0: nothing locks.
	Max int
	For time.Duration
	// Codes is how many codes may be tried by strangers, and as many by who is
	// known, in any time of CodesPer, right or wrong. 0: any number.
	Codes    int
	CodesPer time.Duration
}

// A Try is what is about to be judged.
type Try struct {
	// Known: it comes from a browser that the account knows, or after a first
	// factor that cannot be guessed.
	Known bool
	// Code: it is of a code that was sent, of which there are few.
	Code bool
	// Password: it is of the password.
	Password bool
}

// A Lane is one budget.
type Lane struct {
	Failures int  `json:"failures,omitempty"`
	Locked   bool `json:"locked,omitempty"`
	// Until is when a lock ends; zero is when somebody unlocks it.
	Until time.Time `json:"until,omitzero"`
}

// LockedAt reports whether the lane is closed.
func (l *Lane) LockedAt(now time.Time) bool {
	return l.Locked && (l.Until.IsZero() || now.Before(l.Until))
}

// A History is what outlasts the locks of a lane.
type History struct {
	// Run is how many tries in a row were wrong, over all locks; PasswordOff
	// that they were too many.
	Run         int  `json:"run,omitempty"`
	PasswordOff bool `json:"password_off,omitempty"`
	// Codes are when codes were tried lately, in Unix seconds.
	Codes []int64 `json:"codes,omitempty"`
}

// A Counter is what is known of the tries on one account, or on one identifier
// that nobody has. Its ID is the user's, or stands for the identifier.
type Counter struct {
	store.Meta
	Strangers Lane `json:"strangers,omitzero"`
	Known     Lane `json:"known,omitzero"`
	// History is that of strangers, KnownHistory that of who is known.
	History
	KnownHistory History `json:"known_history,omitzero"`
	// Unlock is the SHA-256 of the secret in the link that unlocks, MailedAt
	// when it was sent.
	Unlock   []byte    `json:"unlock,omitempty"`
	MailedAt time.Time `json:"mailed_at,omitzero"`
}

// Kind is where counters are kept. They hold hashes of secrets, so they are
// sealed.
var Kind = &store.Kind{Name: "lockout", Sealed: true, Indexes: []store.Index{{Name: "unlock", Unique: true}}}

var counters = store.Table[Counter, *Counter]{Kind: Kind}

// StoreEntries finds a counter by the link that unlocks it.
func (c *Counter) StoreEntries() []store.Entry {
	if len(c.Unlock) == 0 {
		return nil
	}
	return []store.Entry{{Index: "unlock", Value: hex.EncodeToString(c.Unlock)}}
}

// A LockedError says until when a lane is closed; zero is until somebody
// unlocks it.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string { return fmt.Sprintf("lockout: locked until %v", e.Until) }

// A CodesError says after what time another code may be tried.
type CodesError struct{ After time.Duration }

func (e *CodesError) Error() string { return "lockout: too many codes" }

// ErrPasswordOff: the password opens nothing until it is reset.
var ErrPasswordOff = errors.New("lockout: password out of use")

func (c *Counter) lane(t Try) (*Lane, *History) {
	if t.Known {
		return &c.Known, &c.KnownHistory
	}
	return &c.Strangers, &c.History
}

// Take counts a try before it is judged, or refuses it: with a *LockedError,
// a *CodesError or ErrPasswordOff, and then nothing has changed.
func (c *Counter) Take(t Try, p Policy, now time.Time) error {
	lane, past := c.lane(t)
	if p.Max > 0 {
		switch {
		case lane.LockedAt(now):
			return &LockedError{lane.Until}
		case past.PasswordOff && t.Password:
			return ErrPasswordOff
		}
	}
	if t.Code && p.Codes > 0 {
		recent := past.recentCodes(p, now)
		if over := len(recent) - p.Codes; over >= 0 {
			return &CodesError{time.Unix(recent[over], 0).Add(p.CodesPer).Sub(now)}
		}
		past.Codes = append(recent, now.Unix())
	}
	if p.Max > 0 {
		if lane.Locked { // over
			*lane = Lane{}
		}
		lane.Failures++
		if past.Run++; past.Run >= InARow {
			past.PasswordOff = true
		}
		if lane.Failures >= p.Max {
			lane.Locked, lane.Until = true, time.Time{}
			if p.For > 0 {
				lane.Until = now.Add(p.For)
			}
		}
	}
	return nil
}

// recentCodes are the tries of codes that count still.
func (h *History) recentCodes(p Policy, now time.Time) []int64 {
	since := now.Add(-p.CodesPer).Unix()
	return slices.DeleteFunc(slices.Clone(h.Codes), func(at int64) bool { return at <= since })
}

// Return gives back the slot of a try that was right without being all that a
// sign-in needs, or that was not judged. A code that was tried stays counted.
func (c *Counter) Return(t Try, p Policy) {
	lane, past := c.lane(t)
	lane.Failures = max(lane.Failures-1, 0)
	if lane.Failures < p.Max {
		lane.Locked, lane.Until = false, time.Time{}
	}
	if past.Run = max(past.Run-1, 0); past.Run == InARow-1 {
		past.PasswordOff = false
	}
}

// Succeed begins anew after a sign-in: the run of wrong tries is over, and the
// budget of the lane that it came by is whole. A known browser does not unlock
// the account for strangers, and a password out of use stays that.
func (c *Counter) Succeed(t Try) {
	if !t.Known {
		c.Strangers = Lane{}
	}
	c.Known = Lane{}
	c.Run, c.KnownHistory.Run = 0, 0
}

// Clear forgets every wrong try: the account is unlocked and the password is
// of use again. Codes that were tried stay counted.
func (c *Counter) Clear() {
	c.Strangers, c.Known, c.Unlock, c.MailedAt = Lane{}, Lane{}, nil, time.Time{}
	for _, past := range []*History{&c.History, &c.KnownHistory} {
		past.Run, past.PasswordOff = 0, false
	}
}

// UnlockByLink opens the account to strangers again, because its owner has
// followed the link, which is used up. A password out of use stays that.
func (c *Counter) UnlockByLink() {
	off, known := c.PasswordOff, c.KnownHistory.PasswordOff
	c.Clear()
	c.PasswordOff, c.KnownHistory.PasswordOff = off, known
}

// SetUnlock keeps the hash of the secret in a link that is sent now.
func (c *Counter) SetUnlock(secret []byte, now time.Time) {
	h := sha256.Sum256(secret)
	c.Unlock, c.MailedAt = h[:], now
}

// empty reports whether there is nothing to remember.
func (c *Counter) empty(now time.Time) bool {
	return c.forgettable() && len(c.Unlock) == 0 &&
		!slices.ContainsFunc(slices.Concat(c.Codes, c.KnownHistory.Codes), func(at int64) bool { return now.Sub(time.Unix(at, 0)) < keepFor })
}

// forgettable reports whether time alone makes c empty.
func (c *Counter) forgettable() bool {
	idle := func(l Lane, h History) bool { return l == Lane{} && h.Run == 0 && !h.PasswordOff }
	return idle(c.Strangers, c.History) && idle(c.Known, c.KnownHistory)
}

// Left is how many wrong tries are left before t's lane is closed.
func (c *Counter) Left(t Try, p Policy, now time.Time) int {
	lane, _ := c.lane(t)
	if lane.Locked && !lane.LockedAt(now) {
		return p.Max
	}
	return max(p.Max-lane.Failures, 0)
}
