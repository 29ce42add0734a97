package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/token"
)

// TokenParams ask for a session token.
type TokenParams struct {
	// Organization is the one to speak of, by ID or slug; nil is the session's
	// last, empty is none. One that the user is not in is refused.
	Organization *string
	// Origin becomes azp; empty leaves it out.
	Origin string
	// Fresh asks for a token that nobody was given before.
	Fresh bool
}

// Token mints a token of a session on the browser's client and notes that the
// session was used. Three statements at most: the client, the session, the
// touch.
func (e *Engine) Token(ctx context.Context, b *Browser, sessionID string, p TokenParams) (string, error) {
	s, err := e.ownSession(ctx, b, sessionID)
	if err != nil {
		return "", err
	}
	now := e.now()
	if !s.LiveAt(now) {
		return "", fault.New("authentication_invalid", "")
	}
	if s.NeedsTouch(now) && !b.stale {
		if s, err = e.touch(ctx, s, b.Request); err != nil {
			return "", err
		}
	}
	if s, err = e.choose(ctx, b, s, p); err != nil {
		return "", err
	}
	return e.mint(ctx, s, p)
}

// touch notes that a session is used: one compare-and-swap, without reading it
// again. If somebody else was faster, it is read again, and that is enough if
// it is still alive.
func (e *Engine) touch(ctx context.Context, s *session.Session, r Request) (*session.Session, error) {
	var touched session.Session
	err := e.store.Update(ctx, func(tx store.Tx) error {
		touched = *s
		touched.LastActiveAt = e.now()
		if act := r.activity(); act.DeviceType != "" || act.BrowserName != "" {
			act.City, act.Country = s.Activity.City, s.Activity.Country
			touched.Activity = act
		}
		return session.Put(ctx, tx, &touched)
	})
	if err == nil {
		return &touched, nil
	}
	if !errors.Is(err, store.ErrConflict) {
		return nil, err
	}
	var now *session.Session
	err = e.view(ctx, func(tx store.Tx) (err error) {
		now, err = e.getSession(ctx, tx, s.ID)
		return err
	})
	if err == nil && !now.LiveAt(e.now()) {
		err = store.ErrNotFound
	}
	return now, missingAs(err, fault.New("authentication_invalid", ""))
}

// ownSession reads a session of the browser's client. Any other is unknown.
func (e *Engine) ownSession(ctx context.Context, b *Browser, id string) (*session.Session, error) {
	if b.Client == nil {
		return nil, fault.New("authentication_invalid", "")
	}
	var s *session.Session
	err := e.view(ctx, func(tx store.Tx) (err error) {
		s, err = e.getSession(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, missingAs(err, fault.New("resource_not_found", ""))
	}
	if s.ClientID != b.Client.ID || s.Status == session.Removed || !b.sees(s) {
		return nil, fault.New("resource_not_found", "")
	}
	return s, nil
}

// mint signs a token of a live session. Equal requests within a second share
// one signature. It is never called inside a transaction.
func (e *Engine) mint(ctx context.Context, s *session.Session, p TokenParams) (string, error) {
	if e.revoked.has(s.ID) {
		return "", fault.New("authentication_invalid", "")
	}
	lifetime := tokenLifetime(e.Settings(ctx).Sessions.TokenLifetime, s)
	active, err := e.active(ctx, s, p.Organization)
	if err != nil {
		return "", err
	}
	sign := func(ctx context.Context) (string, error) {
		c := e.claims(s, p, lifetime)
		if err := active.put(&c); err != nil {
			return "", err
		}
		return e.keys.issuer.Mint(ctx, c)
	}
	if p.Fresh {
		return sign(ctx)
	}
	key := fmt.Sprintf("%s %s %d %d %s %s", s.ID, p.Origin, s.FirstFactorAt.Unix(), s.SecondFactorAt.Unix(), s.Status, active.key())
	return e.keys.minter.Do(ctx, key, sign)
}

// tokenLifetime is how long a token of s is good for: a fifth of IdleTimeout at
// most. Use is noted when a token is asked for, so a session whose tokens live
// as long as it may idle would end in the middle of its use.
func tokenLifetime(usual time.Duration, s *session.Session) time.Duration {
	if s.IdleTimeout > 0 {
		return min(usual, s.IdleTimeout/5)
	}
	return usual
}

// claims says of a session what a token says. A token outlives its session by
// less than a second, however long a lifetime is asked for: exp counts whole
// seconds, and is after iat.
func (e *Engine) claims(s *session.Session, p TokenParams, lifetime time.Duration) token.Claims {
	now := e.now()
	age := s.FactorAge(now)
	c := token.Claims{Subject: s.UserID, SessionID: s.ID, AuthorizedParty: p.Origin,
		FactorAge: &token.FactorAge{First: age[0], Second: age[1]}, Status: token.Status(s.StatusAt(now)),
		Actor: s.Actor, IssuedAt: now, Expires: now.Truncate(time.Second).Add(lifetime)}
	for _, end := range []time.Time{s.ExpireAt, s.AbandonAt()} {
		if end = end.Truncate(time.Second); !end.IsZero() && end.Before(c.Expires) {
			c.Expires = end
		}
	}
	if least := now.Truncate(time.Second).Add(time.Second); c.Expires.Before(least) {
		c.Expires = least
	}
	return c
}

// Revoked reports whether this process knows that a session has ended although
// its tokens may still be good.
func (e *Engine) Revoked(sessionID string) bool { return e.revoked.has(sessionID) }

// Renew finds a live session on the browser's client for a request that came
// with no token or an expired one, and returns a new token with its session.
// The session that the expired one names is renewed or nobody is: another one
// would make somebody else of the person in the middle of what they do. Only
// without a name it is the current one. The organization is that of p if the
// user is in it still, else none.
func (e *Engine) Renew(ctx context.Context, b *Browser, sessionID string, p TokenParams) (*session.Session, string, error) {
	if b.Client == nil {
		return nil, "", fault.New("signed_out", "")
	}
	var s *session.Session
	var err error
	if sessionID != "" {
		s, err = e.ownSession(ctx, b, sessionID)
	} else {
		s, err = e.currentSession(ctx, b)
	}
	if err != nil {
		return nil, "", missingAs(err, fault.New("signed_out", ""))
	}
	now := e.now()
	if !s.LiveAt(now) {
		return nil, "", fault.New("signed_out", "")
	}
	if s.NeedsTouch(now) && !b.stale {
		if s, err = e.touch(ctx, s, b.Request); err != nil {
			return nil, "", err
		}
	}
	chosen, err := e.choose(ctx, b, s, p)
	if err == nil {
		s = chosen
	} else if fault.From(err).Code != "resource_not_found" {
		return nil, "", err
	}
	t, err := e.mint(ctx, s, p)
	if err != nil && p.Organization != nil && fault.From(err).Code == "resource_not_found" {
		none := ""
		p.Organization = &none
		t, err = e.mint(ctx, s, p)
	}
	return s, t, err
}
