package engine

import (
	"context"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/reverify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A ReverificationView is a step-up with what can be done next.
type ReverificationView struct {
	*reverify.Attempt
	Session       *SessionView
	First, Second []factor.Option
	Settings      *settings.Settings
	Now           time.Time
}

// freshFor is how long a factor that was shown opens what is sensitive.
const freshFor = 10 * time.Minute

// RequireFresh refuses an actor who has not shown, within ten minutes, the
// strongest that the user has: the first factor and, if there is one, the
// second.
func (e *Engine) RequireFresh(ctx context.Context, a *Actor) error {
	if a.Impersonates() { // who acts as the user can show nothing of the user's
		return ErrImpersonator()
	}
	set := e.Settings(ctx)
	if !set.Reverification.Enabled {
		return nil
	}
	now := e.now()
	fresh := func(at time.Time) bool { return !at.IsZero() && now.Sub(at) < freshFor }
	required := fault.New("session_reverification_required", "")
	if !fresh(a.Session.FirstFactorAt) {
		return required
	}
	if fresh(a.Session.SecondFactorAt) {
		return nil
	}
	env, err := e.reverifyFacts(ctx, a.User, set)
	if err == nil && len(reverify.Options(factor.Second, env)) > 0 {
		err = required
	}
	return err
}

func (e *Engine) reverifyFacts(ctx context.Context, u *user.User, set *settings.Settings) (env reverify.Env, err error) {
	err = e.view(ctx, func(tx store.Tx) error {
		f, err := withSecrets(ctx, tx, u)
		env = e.reverifyEnv(f, set, e.now())
		return err
	})
	return env, err
}

func (e *Engine) reverifyEnv(f signInFacts, set *settings.Settings, now time.Time) reverify.Env {
	return reverify.Env{Now: now, Settings: set, Strategies: e.strategies, User: f.user, Password: f.password, Second: f.second}
}

// verifying reads a live session of b's client in tx, and its user.
func (e *Engine) verifying(ctx context.Context, tx store.Tx, b *Browser, id string) (*session.Session, signInFacts, error) {
	if b.Client == nil {
		return nil, signInFacts{}, fault.New("authentication_invalid", "")
	}
	s, err := e.getSession(ctx, tx, id)
	if err != nil {
		return nil, signInFacts{}, missingAs(err, fault.New("resource_not_found", ""))
	}
	if s.ClientID != b.Client.ID || s.Status == session.Removed || !b.sees(s) {
		return nil, signInFacts{}, fault.New("resource_not_found", "")
	}
	if !s.LiveAt(e.now()) {
		return nil, signInFacts{}, fault.New("authentication_invalid", "")
	}
	if len(s.Actor) > 0 {
		return nil, signInFacts{}, ErrImpersonator()
	}
	f, err := factsByID(ctx, tx, s.UserID)
	if err == nil && f.user == nil {
		err = fault.New("authentication_invalid", "")
	}
	return s, f, err
}

// StartReverification begins a step-up of a session of the browser's client, in
// place of its former one.
func (e *Engine) StartReverification(ctx context.Context, b *Browser, sessionID string, level reverify.Level) (*ReverificationView, error) {
	set := e.Settings(ctx)
	if err := e.allow("start_reverification", b.Addr, set.Limits.CreateSignIn); err != nil {
		return nil, err
	}
	err := e.change(ctx, b, false, func(t *txn, _ *session.Client, _ func()) error {
		s, f, err := e.verifying(ctx, t, b, sessionID)
		if err != nil {
			return err
		}
		if err := f.user.Refused(t.now); err != nil {
			return fault.From(err)
		}
		a := reverify.New(s.ID, b.Client.ID, level, e.reverifyEnv(f, set, t.now))
		return reverify.Start(ctx, t, &a)
	})
	if err != nil {
		return nil, err
	}
	return e.Reverification(ctx, b, sessionID)
}

// Reverification returns the step-up of a session of the browser's client.
func (e *Engine) Reverification(ctx context.Context, b *Browser, sessionID string) (*ReverificationView, error) {
	v := &ReverificationView{Settings: e.Settings(ctx), Now: e.now()}
	err := e.view(ctx, func(tx store.Tx) error {
		s, f, err := e.verifying(ctx, tx, b, sessionID)
		if err != nil {
			return err
		}
		v.Session = &SessionView{Session: s, User: f.user}
		if v.Attempt, err = reverify.Get(ctx, tx, s.ID); err != nil || !v.Now.Before(v.Expires) {
			return missingAs(err, fault.New("session_reverification_missing", ""))
		}
		env := e.reverifyEnv(f, v.Settings, v.Now)
		v.First, v.Second = reverify.Options(factor.First, env), reverify.Options(factor.Second, env)
		return nil
	})
	if err == nil && !v.Now.Before(v.Expires) {
		err = fault.New("session_reverification_missing", "")
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// PrepareReverification starts a challenge of the first or second factor. An
// empty targetID means the primary identification.
func (e *Engine) PrepareReverification(ctx context.Context, b *Browser, sessionID string, use factor.Use, strategy, targetID string) (*ReverificationView, error) {
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	ctx = withOrigin(ctx, b.Origin)
	return e.stepReverification(ctx, b, sessionID, func(set *settings.Settings, _ *reverify.Attempt, f signInFacts) (reverify.Input, *slot, error) {
		o, err := pickOption(st, use, f.subject(set), targetID)
		if err != nil {
			return nil, nil, err
		}
		if err := e.allowSend(o.Target, set, b.knows(f.user)); err != nil {
			return nil, nil, err
		}
		p, err := e.prepare(ctx, b, st, factor.Challenge{Option: o, Subject: f.subject(set), Now: e.now()})
		return reverify.Prepare{Use: use, Prepared: p}, nil, err
	})
}

// AttemptReverification judges a proof of the first or second factor. A right
// one that completes the step-up renews the session.
func (e *Engine) AttemptReverification(ctx context.Context, b *Browser, sessionID string, use factor.Use, strategy string, proof factor.Proof) (*ReverificationView, error) {
	ctx = withOrigin(ctx, b.Origin)
	if err := e.allow("attempt_sign_in", b.Addr, e.Settings(ctx).Limits.AttemptSignIn); err != nil {
		return nil, err
	}
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	if err := given(st); err != nil {
		return nil, err
	}
	return e.stepReverification(ctx, b, sessionID, func(set *settings.Settings, a *reverify.Attempt, f signInFacts) (reverify.Input, *slot, error) {
		if err := e.allowAccount("", f.user, b.knows(f.user), set); err != nil {
			return nil, nil, err
		}
		v := a.First
		if use == factor.Second {
			v = a.Second
		}
		o := factor.Option{Strategy: strategy}
		if v != nil {
			o.TargetID, o.Target = v.TargetID, v.Target
		}
		proof.Account = f.user.Identifier()
		fact, sl, err := e.judgeCounted(ctx, b, standing{known: b.knows(f.user)}, o, f.subject(set), v, proof)
		return reverify.Prove{Use: use, Fact: fact}, sl, err
	})
}

// stepReverification runs one step: facts are gathered, input does the slow
// work, and a transaction gathers the facts again, steps and stores.
func (e *Engine) stepReverification(ctx context.Context, b *Browser, sessionID string,
	input func(*settings.Settings, *reverify.Attempt, signInFacts) (reverify.Input, *slot, error)) (*ReverificationView, error) {
	set := e.Settings(ctx)
	var a *reverify.Attempt
	var facts signInFacts
	read := func(ctx context.Context, tx store.Tx) (s *session.Session, err error) {
		if s, facts, err = e.verifying(ctx, tx, b, sessionID); err != nil {
			return nil, err
		}
		a, err = reverify.Get(ctx, tx, s.ID)
		return s, missingAs(err, fault.New("session_reverification_missing", ""))
	}
	err := e.view(ctx, func(tx store.Tx) error {
		_, err := read(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	in, sl, err := input(set, a, facts)
	if err != nil {
		return nil, err
	}
	defer sl.done()
	var refused error
	err = e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) error {
		s, err := read(ctx, t)
		if err != nil {
			return err
		}
		run := reverifyRun{e: e, b: b, t: t, session: s, rotate: rotate, settings: set, facts: facts, slot: sl}
		next, why, err := run.step(ctx, *a, in)
		if err != nil {
			return err
		}
		refused = why
		return reverify.Put(ctx, t, &next)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return e.Reverification(ctx, b, sessionID)
}

// reverifyRun is one transaction in which a step-up steps.
type reverifyRun struct {
	e        *Engine
	b        *Browser
	t        *txn
	session  *session.Session
	rotate   func()
	settings *settings.Settings
	facts    signInFacts
	slot     *slot
}

// step runs one step and its effects. refused is what the person is told; err
// aborts the transaction.
func (r *reverifyRun) step(ctx context.Context, a reverify.Attempt, in reverify.Input) (next reverify.Attempt, refused, err error) {
	by := r.b.Request
	next, do, refused := a.Step(in, r.e.reverifyEnv(r.facts, r.settings, r.t.now))
	if refused != nil {
		p, proof := in.(reverify.Prove)
		err := r.e.closeSlot(ctx, r.t, r.slot, r.facts.user, proof && p.Fact.OK, false, by)
		return next, r.slot.warned(refused), err
	}
	if p, ok := in.(reverify.Prove); ok {
		v := next.First
		if p.Use == factor.Second {
			v = next.Second
		}
		if err := r.e.usedCode(ctx, r.t, v, r.settings); err != nil {
			return next, nil, err
		}
	}
	for _, effect := range do {
		switch do := effect.(type) {
		case reverify.SendCode:
			err = r.e.sendChallenge(ctx, r.t, do.Send, link{}, r.b.to(r.facts.user))
		case reverify.Rehash:
			err = user.Rehash(ctx, r.t, r.facts.user.ID, do.Judged, do.Hash)
		case reverify.Spend:
			err = r.e.spend(ctx, r.t, r.facts, r.settings, do.Fact)
		case reverify.Renew:
			err = r.renew(ctx, &next, do)
		}
		if err != nil {
			return next, nil, err
		}
	}
	return next, nil, r.e.closeSlot(ctx, r.t, r.slot, r.facts.user, true, next.Status == reverify.Complete, by)
}

// renew writes to the session what was shown. The client's secret changes with
// it, so that whoever had planted or copied the old one is not stepped up.
func (r *reverifyRun) renew(ctx context.Context, a *reverify.Attempt, do reverify.Renew) error {
	s := r.session
	if !do.FirstAt.IsZero() {
		s.FirstFactorAt = do.FirstAt
	}
	if !do.SecondAt.IsZero() {
		s.SecondFactorAt = do.SecondAt
		s.SetTasks(slices.DeleteFunc(s.Tasks, func(task string) bool { return task == session.TaskSetupMFA }), r.t.now)
	}
	s.ReverificationID, s.UpdatedAt = a.Correlation, r.t.now
	r.rotate()
	return session.Put(ctx, r.t, s)
}

// voidAttempts ends what a user has under way, but for one sign-in: codes that
// are out die with it.
func voidAttempts(ctx context.Context, t *txn, userID, keepSignIn string) error {
	if err := signin.VoidAll(ctx, t, userID, keepSignIn, t.now); err != nil {
		return err
	}
	return reverify.VoidAll(ctx, t, userID)
}
