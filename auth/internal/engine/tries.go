package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A slot is a wrong try that has been counted before it was made: it is given
// back if the try was right.
type slot struct {
	id     string // of the counter
	known  bool   // it is a user's
	try    lockout.Try
	policy lockout.Policy
	left   int  // tries, after this one
	locks  bool // this was the last one
	veiled bool // nothing may tell of it
	// counter is what was stored when the slot was taken, until it is closed.
	counter *lockout.Counter
	leave   func()
}

// A standing is how somebody who proves something stands with the account.
type standing struct {
	// known: it is no stranger. veiled: nothing may tell a stranger whether
	// there is an account.
	known, veiled bool
}

// done lets the next try on the account begin.
func (sl *slot) done() {
	if sl != nil && sl.leave != nil {
		sl.leave()
	}
}

// counted is an input whose proof has a slot.
type counted struct {
	signin.Input
	slot *slot
}

// uncounted parts an input from its slot, which may be nil.
func uncounted(in signin.Input) (signin.Input, *slot) {
	if c, ok := in.(counted); ok {
		return c.Input, c.slot
	}
	return in, nil
}

// warnAt is how many tries are left when people are warned.
const warnAt = 2

// pseudonym stands for something that must not be kept as it is.
func (e *Engine) pseudonym(what, value string) []byte {
	m := hmac.New(sha256.New, e.secrets.code)
	m.Write([]byte(what + ":" + value))
	return m.Sum(nil)
}

// counterID is the ID of the counter of a user, or of an identifier that
// nobody has, whatever its spelling. It takes as long for either.
func (e *Engine) counterID(identifier string, u *user.User) string {
	index, value := user.Classify(identifier)
	nobody := "unk_" + hex.EncodeToString(e.pseudonym("identifier", index+":"+value)[:16])
	if u != nil {
		return u.ID
	}
	return nobody
}

func lockoutPolicy(s *settings.Settings) lockout.Policy {
	p := lockout.Policy{Codes: s.Limits.AttemptCode.Count, CodesPer: s.Limits.AttemptCode.Per}
	if l := s.Protection.Lockout; l.Enabled {
		p.Max, p.For = l.MaxAttempts, l.Duration
	}
	return p
}

// tryOf says how tries of a strategy count. What nobody can guess does not.
func tryOf(st factor.Strategy, known bool) (t lockout.Try, counts bool) {
	if is := st.Traits(); is.Identifies || is.Elsewhere {
		return t, false
	}
	password := st.Traits().Name == "password"
	return lockout.Try{Known: known, Password: password, Code: !password}, true
}

// knows reports whether b is a browser in which u has signed in since the
// password was last set: a thief's browser is a stranger once it was changed.
func (b *Browser) knows(u *user.User) bool {
	return u != nil && b.Client != nil && !b.stale && b.Client.Knows(u.ID, u.PasswordUpdatedAt)
}

// to is b's request for something that is sent to u.
func (b *Browser) to(u *user.User) Request {
	r := b.Request
	r.known = b.knows(u)
	return r
}

// take counts a try as wrong before it is judged, or refuses it. A nil slot
// means that nothing is counted. The caller closes the slot, and then calls
// done.
func (e *Engine) take(ctx context.Context, counter string, known bool, t lockout.Try, p lockout.Policy) (*slot, error) {
	if p.Max == 0 && (!t.Code || p.Codes == 0) {
		return nil, nil
	}
	sl := &slot{id: counter, known: known, try: t, policy: p}
	var taken *lockout.Counter
	var err error
	if sl.leave, err = e.gates.enter(ctx, sl.id); err != nil {
		return nil, err
	}
	sl.counter = lockout.New(sl.id) // most accounts have none
	err = e.update(ctx, func(tx *txn) error {
		c, err := sl.load(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.Take(t, p, tx.now); err != nil {
			return shut(err, tx.now)
		}
		sl.left = c.Left(t, p, tx.now)
		sl.locks = p.Max > 0 && sl.left == 0
		taken = c
		return lockout.Save(ctx, tx, c, sl.known, tx.now)
	})
	sl.counter = taken
	if err != nil {
		sl.done()
		return nil, err
	}
	return sl, nil
}

// load returns the counter: as it was when it was last seen, if t is the first
// transaction to ask. Whoever stores that and is wrong runs again.
func (sl *slot) load(ctx context.Context, t *txn) (*lockout.Counter, error) {
	c := sl.counter
	if sl.counter = nil; c == nil {
		return lockout.Load(ctx, t, sl.id)
	}
	t.guessed = true
	return c, nil
}

// shut says why a try is not even judged.
func shut(err error, now time.Time) error {
	if l, ok := errors.AsType[*lockout.LockedError](err); ok {
		f := fault.Wrap("user_locked", "", err)
		if l.Until.IsZero() {
			return f
		}
		left := l.Until.Sub(now)
		return f.With("lockout_expires_in_seconds", int64((left+time.Second-1)/time.Second))
	}
	if c, ok := errors.AsType[*lockout.CodesError](err); ok {
		return fault.Wrap("too_many_requests", "", err).After(max(c.After, time.Second))
	}
	if errors.Is(err, lockout.ErrPasswordOff) {
		return fault.Wrap("form_password_compromised", "password", err).
			Say("This password is out of use after too many wrong tries. Please use another method to sign in, or set a new one.")
	}
	return err
}

// closeSlot closes a slot in t: what was wrong stays counted, and the account's
// owner hears of a lock; what was right is given back, and if it completes a
// sign-in the count begins anew.
func (e *Engine) closeSlot(ctx context.Context, t *txn, sl *slot, u *user.User, right, complete bool, by Request) error {
	if sl == nil || !right && (!sl.locks || u == nil && !sl.veiled) {
		return nil
	}
	c, err := sl.load(ctx, t)
	if err != nil {
		return err
	}
	switch {
	case complete:
		c.Succeed(sl.try)
	case right:
		c.Return(sl.try, sl.policy)
	case sl.try.Known || t.now.Sub(c.MailedAt) < day:
		return nil // who locks out only the own browser sees it; one link a day is enough
	default:
		secret := random(32)
		c.SetUnlock(secret, t.now)
		if u == nil || sl.veiled && len(u.VerifiedEmailAddresses()) == 0 { // as much work for whom no mail reaches
			err = e.lockNobody(ctx, t, by)
		} else {
			to := *u
			if id := u.PrimaryEmailAddress(); sl.veiled && id != nil {
				to.EmailAddresses = []user.Identification{*id} // one mail, as for nobody
			}
			err = e.mailLocked(ctx, t, &to, sl.policy.For, secret, by)
		}
		if err != nil {
			return err
		}
	}
	return lockout.Save(ctx, t, c, sl.known, t.now)
}

// giveBack closes a slot whose try was not judged, or told nobody anything. It
// is done also when the request is over.
func (e *Engine) giveBack(ctx context.Context, sl *slot) {
	if sl == nil {
		return
	}
	defer sl.done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := e.update(ctx, func(t *txn) error { return e.closeSlot(ctx, t, sl, nil, true, false, Request{}) })
	if err != nil {
		e.log.WarnContext(ctx, "a try that was not judged stays counted", "err", err)
	}
}

// mailLocked tells a user of a lock, with a link that opens the account again.
func (e *Engine) mailLocked(ctx context.Context, t *txn, u *user.User, d time.Duration, secret []byte, by Request) error {
	link := e.pageURL(by, "/unlock", url.Values{"token": {base64.RawURLEncoding.EncodeToString(secret)}})
	return e.notifyOf(ctx, t, u, notify.AccountLocked, by, notify.Data{ActionURL: link, ExpiresIn: d})
}

// pageURL is where a page of usher's own is, for a mail to whoever asks; empty
// if that is not known.
func (e *Engine) pageURL(by Request, path string, q url.Values) string {
	base := e.cfg.PagesURL
	switch {
	case base == "", strings.HasPrefix(base, "/") && by.Origin == "":
		return ""
	case strings.HasPrefix(base, "/"):
		base = by.Origin + base
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return base + path
}

// judgeCounted takes a slot and judges a proof, outside any transaction.
func (e *Engine) judgeCounted(ctx context.Context, b *Browser, is standing, o factor.Option, subject factor.Subject, v *factor.Verification, p factor.Proof) (factor.Fact, *slot, error) {
	st, ok := e.strategies.Get(o.Strategy)
	if !ok {
		return factor.Fact{}, nil, fault.New("verification_strategy_invalid", "strategy")
	}
	t, counts := tryOf(st, is.known)
	if !counts {
		f, err := e.verify(ctx, b, o, subject, v, p)
		return f, nil, err
	}
	counter := e.counterID(p.Account, subject.User)
	toll, err := e.payToll(b, subject.Settings, t, counter, p.Password)
	if err != nil {
		return factor.Fact{}, nil, err
	}
	sl, err := e.take(ctx, counter, subject.User != nil, t, lockoutPolicy(subject.Settings))
	if err != nil && is.veiled && !is.known {
		f, err := e.judgeShut(ctx, b, err, o, subject, v, p)
		return f, nil, err
	}
	if err != nil {
		toll.back() // nothing is judged
		return factor.Fact{}, nil, err
	}
	if sl != nil {
		sl.veiled = is.veiled && !is.known
	}
	f, err := e.verify(ctx, b, o, subject, v, p)
	if err != nil || f.OK {
		toll.back()
	}
	if err != nil {
		e.giveBack(ctx, sl)
		return f, nil, err
	}
	return f, sl, nil
}

// warned adds to a refusal how near the lock is.
func (sl *slot) warned(refused error) error {
	if sl == nil || sl.veiled || sl.policy.Max == 0 || sl.left > warnAt || refused == nil {
		return refused
	}
	return errors.Join(refused, fault.New("account_lockout_warning", "").Say(warning(sl.left)))
}

func warning(left int) string {
	switch left {
	case 0:
		return "Your account is locked now, because of too many failed attempts."
	case 1:
		return "You have one attempt left before your account is locked."
	}
	return "You have two attempts left before your account is locked."
}

// Unlock opens the account that a mailed link belongs to, once.
func (e *Engine) Unlock(ctx context.Context, b *Browser, token string) error {
	if err := e.allow("attempt_sign_in", b.Addr, e.Settings(ctx).Limits.AttemptSignIn); err != nil {
		return err
	}
	invalid := fault.New("ticket_invalid_code", "token")
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(secret) != 32 {
		return invalid
	}
	return e.update(ctx, func(t *txn) error {
		c, err := lockout.ByUnlock(ctx, t, secret)
		if err != nil {
			return missingAs(err, invalid)
		}
		c.UnlockByLink()
		return lockout.Save(ctx, t, c, true, t.now)
	})
}

// clearTries forgets the wrong tries on a user's account, if there are any.
func clearTries(ctx context.Context, t *txn, userID string) error {
	c, err := lockout.Load(ctx, t, userID)
	if err != nil || c.Version == 0 {
		return err
	}
	c.Clear()
	return lockout.Save(ctx, t, c, true, t.now)
}

// Lockout is how an account stands with wrong tries.
type Lockout struct {
	Locked bool
	Until  time.Time // zero: until somebody unlocks it
	Left   *int      // tries; nil: nothing locks
}

// Lockouts says how accounts stand, by the user's ID.
func (us Users) Lockouts(ctx context.Context, list ...*user.User) (map[string]Lockout, error) {
	var cs map[string]*lockout.Counter
	ids := make([]string, len(list))
	for i, u := range list {
		ids[i] = u.ID
	}
	err := us.view(ctx, func(tx store.Tx) (err error) {
		cs, err = lockout.LoadAll(ctx, tx, ids...)
		return err
	})
	if err != nil {
		return nil, err
	}
	now, p := us.e.now(), lockoutPolicy(us.e.Settings(ctx))
	out := make(map[string]Lockout, len(list))
	for _, u := range list {
		c := cs[u.ID]
		if c == nil {
			c = &lockout.Counter{}
		}
		l := Lockout{Locked: u.IsLocked(now), Until: u.LockedUntil}
		if !l.Locked && p.Max > 0 && c.Strangers.LockedAt(now) {
			l.Locked, l.Until = true, c.Strangers.Until
		}
		if p.Max > 0 {
			left := c.Left(lockout.Try{}, p, now)
			l.Left = &left
		}
		out[u.ID] = l
	}
	return out, nil
}

// LockFor is how long a lock lasts whose length nobody chose.
func (e *Engine) LockFor(ctx context.Context) time.Duration {
	if l := e.Settings(ctx).Protection.Lockout; l.Enabled {
		return l.Duration
	}
	return time.Hour
}
