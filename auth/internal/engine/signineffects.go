package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

// signInRun is one transaction in which a sign-in steps.
type signInRun struct {
	e        *Engine
	b        *Browser
	t        *txn
	client   *session.Client
	rotate   func()
	settings *settings.Settings
	facts    signInFacts
	live     []*session.Session // nil: not read
	slot     *slot              // of the proof that the step is about, if it is counted
}

// step runs one step and its effects. refused is what the person is told; err
// aborts the transaction.
func (r *signInRun) step(ctx context.Context, a signin.Attempt, in signin.Input) (next signin.Attempt, refused, err error) {
	env := signin.Env{Now: r.t.now, Settings: r.settings, Strategies: r.e.strategies,
		User: r.facts.user, Password: r.facts.password, Second: r.facts.second, Mask: r.facts.mask, Ticket: r.facts.ticket, SignedIn: map[string]string{}}
	live, err := r.liveSessions(ctx)
	if err != nil {
		return a, nil, err
	}
	if u := r.facts.user; u != nil {
		env.Familiar = r.client.Knows(u.ID, u.PasswordUpdatedAt)
	}
	for _, s := range live {
		env.SignedIn[s.ID] = s.UserID
		env.Impersonating = env.Impersonating || len(s.Actor) > 0
	}
	p, proof := in.(signin.Prove)
	// Behind a mask the lists are asked for who has shown a right proof alone.
	if ask := a.UserID == "" && r.facts.mask == nil || a.Veiled() && proof && p.Fact.OK; ask {
		if env.Barred, err = r.e.barred(ctx, r.t, r.settings, r.facts.user); err != nil {
			return a, nil, err
		}
	}
	next, do, refused := a.Step(in, env)
	if refused != nil {
		err := r.e.closeSlot(ctx, r.t, r.slot, r.facts.user, proof && p.Fact.OK, false, r.b.Request)
		return next, r.slot.warned(refused), err
	}
	for _, effect := range do {
		r.live = nil
		if err := r.apply(ctx, &next, effect, live); err != nil {
			return next, nil, err
		}
	}
	return next, nil, r.e.closeSlot(ctx, r.t, r.slot, r.facts.user, true, next.Status == signin.Complete, r.b.Request)
}

// liveSessions are those on the client; they are read again after an effect.
func (r *signInRun) liveSessions(ctx context.Context) ([]*session.Session, error) {
	if r.client.Version == 0 || r.live != nil { // a client that is not stored has none
		return r.live, nil
	}
	live, err := liveOnClient(ctx, r.t, r.client.ID)
	if live == nil {
		live = []*session.Session{}
	}
	r.live = live
	return live, err
}

func (r *signInRun) apply(ctx context.Context, a *signin.Attempt, effect signin.Effect, live []*session.Session) error {
	t, u := r.t, r.facts.user
	switch do := effect.(type) {
	case signin.SendCode:
		about := link{Purpose: LinkForSignIn, Target: a.ID, ClientID: r.client.ID}
		if u == nil && do.Send.Away == nil && !a.OrSignUp { // behind a mask
			return r.e.sendNobody(ctx, t, do.Send, about, r.b.Request, notify.SignInAttemptUnknown)
		}
		by := r.b.to(u)
		by.known = by.known || r.e.shownUnguessable(a)
		return r.e.sendChallenge(ctx, t, do.Send, about, by)
	case signin.Rehash:
		return user.Rehash(ctx, t, u.ID, do.Judged, do.Hash)
	case signin.ProveAddress:
		return r.proveAddress(ctx, a, do)
	case signin.LinkExternal:
		return r.e.linkExternal(ctx, t, u, do.Identity, "", true, r.b.Request)
	case signin.Spend:
		return r.e.spend(ctx, t, r.facts, r.settings, do.Fact)
	case signin.SetPassword:
		return r.e.setPassword(ctx, t, u, passwordChange{hash: do.Hash, signOut: do.SignOutOfOthers, keepAttempt: a.ID, by: r.b.Request})
	case signin.StartSession:
		joined, err := r.e.acceptByTicket(ctx, t, a.OrganizationInvitationID, u)
		if err != nil {
			return err
		}
		s, err := r.e.startSessionAs(ctx, t, r.client, u, live, r.b.Request, r.settings, do.Actor, do.Lifetime)
		if err != nil {
			return err
		}
		s.LastActiveOrganizationID = cmp.Or(joined, s.LastActiveOrganizationID)
		s.FirstFactorAt, s.SecondFactorAt = do.FirstAt, do.SecondAt
		s.SetTasks(r.e.chooseTask(s, do.Tasks), t.now)
		if err := session.Put(ctx, t, s); err != nil {
			return err
		}
		a.CreatedSessionID = s.ID
		r.client.SignInID, r.client.LastStrategy = "", a.Strategy
		r.rotate()
		return nil
	}
	return fault.New(fault.Internal, "")
}

// spend has the strategy write down that a proof is used up. Two requests with
// one proof write the same records, so that one of them runs again and finds it
// spent.
func (e *Engine) spend(ctx context.Context, t *txn, facts signInFacts, set *settings.Settings, f factor.Fact) error {
	st, _ := e.strategies.Get(f.Strategy)
	sp, ok := st.(factor.Spender)
	if !ok {
		return fault.New(fault.Internal, "")
	}
	sp.Spend(f, facts.subject(set), t.now)
	if facts.second != nil {
		if err := user.PutSecondFactors(ctx, t, facts.user, facts.second, t.now); err != nil {
			return err
		}
	}
	if facts.ticket != nil {
		if err := facts.ticket.Put(ctx, t, t.now); err != nil {
			return err
		}
	}
	return user.Touch(ctx, t, facts.user)
}

// startSession makes a session for u on client c; the caller Puts it. Putting
// the user here is the guard against a ban or a new password at the same time.
func (e *Engine) startSession(ctx context.Context, t *txn, c *session.Client, u *user.User, live []*session.Session, r Request, set *settings.Settings) (*session.Session, error) {
	return e.startSessionAs(ctx, t, c, u, live, r, set, nil, 0)
}

// startSessionAs is startSession for who acts as u, unless actor is nil: the
// session is short, and u's last sign-in is u's own.
func (e *Engine) startSessionAs(ctx context.Context, t *txn, c *session.Client, u *user.User, live []*session.Session, r Request, set *settings.Settings,
	actor json.RawMessage, lifetime time.Duration) (*session.Session, error) {
	if err := u.Refused(t.now); err != nil {
		return nil, fault.From(err)
	}
	if slices.ContainsFunc(live, func(s *session.Session) bool { return len(s.Actor) > 0 }) {
		return nil, fault.New("session_creation_not_allowed", "")
	}
	if !set.Sessions.Multi {
		if err := t.end(ctx, session.Replaced, live...); err != nil {
			return nil, err
		}
	}
	strange := actor == nil && !u.LastSignInAt.IsZero() && !c.Knows(u.ID, time.Time{})
	maxLifetime, idle := set.Sessions.MaxLifetime, set.Sessions.IdleTimeout
	if actor != nil {
		maxLifetime, idle = atMost(lifetime, maxLifetime), atMost(ticket.ActorSessionIdle, idle)
	} else {
		u.LastSignInAt = t.now
		u.LastActiveAt = t.now.UTC().Truncate(day)
	}
	first, err := e.firstOrganization(ctx, t, u)
	if err != nil {
		return nil, err
	}
	if actor == nil {
		u.NextOrganizationID = ""
	}
	if err := user.Touch(ctx, t, u); err != nil {
		return nil, err
	}
	if err := e.enroll(ctx, t, u); err != nil {
		return nil, err
	}
	s := session.New(u.ID, c.ID, maxLifetime, idle, t.now)
	s.Actor = actor
	s.Activity, s.LastActiveOrganizationID = r.activity(), first
	s.SetTasks(e.chooseTask(s, nil), t.now)
	c.Recognize(u.ID, t.now)
	if strange {
		if err := e.tellNewDevice(ctx, t, u, s.ID, r); err != nil {
			return nil, err
		}
	}
	c.LastActiveSessionID, c.HadSession = s.ID, true // the caller rotates the secret, which renews the lifetime
	if c.Version == 0 {
		t.started = &SessionView{Session: s, User: u}
	}
	return s, nil
}

// atMost is d, or the limit if that is shorter; a limit of 0 is none.
func atMost(d, limit time.Duration) time.Duration {
	if limit > 0 {
		return min(d, limit)
	}
	return d
}

// SignInUser signs a user in on the browser because the host says so: the host
// has made sure who it is. It counts as a first factor shown now, and asks for
// nothing more.
func (e *Engine) SignInUser(ctx context.Context, b *Browser, userID string) (*session.Session, error) {
	set := e.Settings(ctx)
	var s *session.Session
	err := e.change(ctx, b, true, func(t *txn, c *session.Client, rotate func()) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return err
		}
		live, err := liveOnClient(ctx, t, c.ID)
		if err != nil {
			return err
		}
		if s, err = e.startSession(ctx, t, c, u, live, b.Request, set); err != nil {
			return err
		}
		rotate()
		return session.Put(ctx, t, s)
	})
	return s, err
}
