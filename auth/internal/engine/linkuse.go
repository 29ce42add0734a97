package engine

import (
	"context"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

// linkUse is the use of one link. Its methods run in a transaction, perhaps
// more than once.
type linkUse struct {
	e        *Engine
	b        *Browser // who opens it
	token    string
	settings *settings.Settings
	out      *UsedLink
}

// onClient runs fn with the client on which the link was asked for. That is the
// browser's own, or, if the settings allow it, another one: then the new secret
// cannot be handed over and waits for the client's next request.
func (u *linkUse) onClient(ctx context.Context, fn func(ctx context.Context, t *txn, c *session.Client, l *link, rotate func()) error) error {
	run := func(t *txn, c *session.Client, rotate func()) error {
		u.out.Refused, u.out.SessionID = nil, ""
		l, err := u.take(ctx, t)
		if err != nil {
			return err
		}
		if l.ClientID != c.ID {
			return fault.New("verification_link_token_invalid", "token")
		}
		return fn(ctx, t, c, l, rotate)
	}
	if u.out.Here {
		return u.e.change(ctx, u.b, false, run)
	}
	return u.e.update(ctx, func(t *txn) error {
		l, err := getLink(ctx, t, u.token)
		if err != nil {
			return err
		}
		c, err := session.GetClient(ctx, t, l.ClientID)
		if err != nil {
			return missingAs(err, fault.New("verification_link_token_invalid", "token"))
		}
		if err := run(t, c, func() { c.RotateDue, c.ChangedAt = true, t.now }); err != nil {
			return err
		}
		if c.HadSession {
			c.KeepUntil(t.now.Add(session.ClientLifetime))
		}
		c.UpdatedAt = t.now
		return session.PutClient(ctx, t, c)
	})
}

// take reads the link in t, judges it anew and marks it used. Of two requests
// one finds it used.
func (u *linkUse) take(ctx context.Context, t *txn) (*link, error) {
	l, err := getLink(ctx, t, u.token)
	if err != nil {
		return nil, err
	}
	if err := l.refused(u.b, u.settings.Protection.LinkSameClient, t.now); err != nil {
		return nil, err
	}
	l.UsedAt = t.now
	return l, linkTab.Put(ctx, t, l)
}

// by is the browser that what follows is done for: the one that asked.
func (u *linkUse) by(l *link) *Browser {
	if u.out.Here {
		return u.b
	}
	asked := l.request()
	asked.Origin, asked.Site = u.b.Origin, u.b.Site // the same site
	return &Browser{Request: asked}
}

// prove judges the token against the challenge under way. One that was replaced
// meanwhile is out of date.
func (u *linkUse) prove(ctx context.Context, l *link, v *factor.Verification, subject factor.Subject, t *txn) (factor.Fact, error) {
	if v == nil || v.ID != l.VerificationID {
		return factor.Fact{}, fault.New("verification_link_token_stale", "token")
	}
	st, ok := u.e.strategies.Get(v.Strategy)
	if !ok {
		return factor.Fact{}, fault.New("verification_strategy_invalid", "strategy")
	}
	f, err := st.Verify(ctx, factor.Challenge{Option: factor.Option{Strategy: v.Strategy, TargetID: v.TargetID, Target: v.Target},
		Subject: subject, Verification: v, Now: t.now}, factor.Proof{Token: u.token})
	if u.b.Client != nil {
		f.ClientID = u.b.Client.ID
	}
	return f, err
}

func (u *linkUse) signIn(ctx context.Context, t *txn, c *session.Client, l *link, rotate func()) error {
	a, err := ownSignIn(ctx, t, c, l.Target)
	if err != nil {
		return err
	}
	if c.SignInID != a.ID {
		return forbiddenOrOver(a.StatusAt(t.now) == signin.Complete)
	}
	facts, err := u.e.factsFor(ctx, t, a)
	if err != nil {
		return err
	}
	f, err := u.prove(ctx, l, a.First, facts.subject(u.settings), t)
	if err != nil {
		return err
	}
	run := signInRun{e: u.e, b: u.by(l), t: t, client: c, rotate: rotate, settings: u.settings, facts: facts}
	next, refused, err := run.step(ctx, *a, signin.Prove{Use: factor.First, Fact: f})
	if err != nil {
		return err
	}
	if next.Final() {
		c.SignInID = ""
	}
	u.out.Refused, u.out.SessionID = refused, next.CreatedSessionID
	return signin.Put(ctx, t, &next)
}

func (u *linkUse) signUp(ctx context.Context, t *txn, c *session.Client, l *link, rotate func()) error {
	a, err := ownSignUp(ctx, t, c, l.Target)
	if err != nil {
		return err
	}
	if c.SignUpID != a.ID {
		return forbiddenOrOver(a.StatusAt(t.now) == signup.Complete)
	}
	f, err := u.prove(ctx, l, a.Verification("email_address"), factor.Subject{Settings: u.settings}, t)
	if err != nil {
		return err
	}
	run := signUpRun{e: u.e, b: u.by(l), t: t, client: c, rotate: rotate, settings: u.settings}
	next, refused, err := run.step(ctx, *a, signup.Prove{Fact: f})
	if err != nil {
		return err
	}
	c.KeepUntil(next.AbandonAt.Add(day))
	u.out.Refused, u.out.SessionID = refused, next.CreatedSessionID
	return signup.Put(ctx, t, &next)
}

// address verifies an address of a profile, as long as the session that asked
// for it is live: what signs somebody out voids what they had sent.
func (u *linkUse) address(ctx context.Context, t *txn) error {
	u.out.Refused = nil
	l, err := u.take(ctx, t)
	if err != nil {
		return err
	}
	gone := fault.New("verification_link_token_invalid", "token")
	s, err := session.Get(ctx, t, l.SessionID)
	if err != nil {
		return missingAs(err, gone)
	}
	if !s.LiveAt(t.now) {
		return gone
	}
	who, err := user.Get(ctx, t, s.UserID)
	if err != nil {
		return missingAs(err, gone)
	}
	if err := who.Refused(t.now); err != nil {
		return fault.From(err)
	}
	r, err := verificationTab.Get(ctx, t, l.Target)
	if err != nil {
		return missingAs(err, fault.New("verification_link_token_stale", "token"))
	}
	f, err := u.prove(ctx, l, &r.Verification, factor.Subject{Settings: u.settings}, t)
	if err != nil {
		return err
	}
	if u.out.Refused, err = u.e.settleAddress(ctx, t, who, r, f, u.settings); err != nil || u.out.Refused != nil {
		return err
	}
	return user.Put(ctx, t, who, t.now)
}

// device ends the session that the link is about. One that is over already is
// as the person wants it.
func (u *linkUse) device(ctx context.Context, t *txn) error {
	l, err := u.take(ctx, t)
	if err != nil {
		return err
	}
	s, err := session.Get(ctx, t, l.Target)
	if err != nil {
		return missingAs(err, nil)
	}
	return t.end(ctx, session.Revoked, s)
}
