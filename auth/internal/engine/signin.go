package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user/password"
)

// SignInParams start a sign-in.
type SignInParams struct {
	Identifier string
	// Strategy is empty, or how to go on at once. One that identifies needs no
	// Identifier.
	Strategy string
	// Password may come along; Strategy is then password or empty.
	Password *string
	// OrSignUp: if nobody has the identifier, whoever proves it may sign up.
	OrSignUp bool
	// Proof is that of a Strategy that identifies and is not prepared first.
	Proof factor.Proof
}

// CreateSignIn starts a sign-in in place of the client's former one.
func (e *Engine) CreateSignIn(ctx context.Context, b *Browser, p SignInParams) (*signin.Attempt, error) {
	ctx = withOrigin(ctx, b.Origin)
	s := e.Settings(ctx)
	if err := e.allow("create_sign_in", b.Addr, s.Limits.CreateSignIn); err != nil {
		return nil, err
	}
	if p.Strategy != "" {
		if _, ok := e.strategies.Get(p.Strategy); !ok {
			return nil, fault.New("form_param_value_invalid", "strategy")
		}
	}
	if e.NeedsCaptcha(b, s) && p.Strategy != "ticket" && !e.elsewhere(p.Strategy) {
		return nil, fault.New("requires_captcha", "")
	}
	p.Identifier = e.named(p.Identifier, s)
	if err := e.mayOrSignUp(s, p); err != nil {
		return nil, err
	}
	inputs, err := e.signInInputs(ctx, b, s, p)
	if err != nil {
		return nil, err
	}

	_, sl := uncounted(inputs[len(inputs)-1])
	defer sl.done()

	var a signin.Attempt
	var refused error
	err = e.change(ctx, b, true, func(t *txn, c *session.Client, rotate func()) error {
		refused = nil
		a = signin.New(c.ID, s.SignIn.AbandonAfter, t.now)
		run := signInRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s}
		for _, in := range inputs {
			in, run.slot = uncounted(in)
			if who, ok := in.(signin.Identify); ok {
				run.facts, err = e.factsNamed(ctx, t, s, who.Identifier, who.OrSignUp)
			} else if run.facts.user == nil && run.facts.mask == nil {
				err = run.facts.of(ctx, t, e, &a, in)
			}
			if err != nil {
				return err
			}
			if a, refused, err = run.step(ctx, a, in); err != nil {
				return err
			}
			if refused == nil {
				continue
			}
			if run.slot == nil && run.facts.user != nil { // nobody hears how the proof was
				err = e.closeSlot(ctx, t, sl, run.facts.user, true, false, b.Request)
			}
			if err != nil {
				return err
			}
			break
		}
		if a.Status == signin.NeedsIdentifier && (refused != nil || a.First == nil) {
			return nil // nobody: there is nothing to keep
		}
		if !a.Final() {
			c.SignInID = a.ID
			c.KeepUntil(a.AbandonAt.Add(day)) // the browser is told that it is over
		}
		return signin.Put(ctx, t, &a)
	})
	if err == nil {
		err = refused
	}
	return &a, err
}

// signInInputs does the slow part of beginning a sign-in.
func (e *Engine) signInInputs(ctx context.Context, b *Browser, s *settings.Settings, p SignInParams) ([]signin.Input, error) {
	if p.Identifier == "" {
		in, err := e.unnamedInput(ctx, b, s, p)
		return []signin.Input{in}, err
	}
	if err := e.allowLookup(b, s, false); err != nil {
		return nil, err
	}
	var facts signInFacts
	err := e.view(ctx, func(tx store.Tx) (err error) {
		facts, err = e.factsNamed(ctx, tx, s, p.Identifier, p.OrSignUp)
		return err
	})
	if err != nil {
		return nil, err
	}
	if facts.user == nil {
		_ = e.allowLookup(b, s, true)
	}
	inputs := []signin.Input{signin.Identify{Identifier: p.Identifier, OrSignUp: p.OrSignUp}}
	if p.Password != nil {
		known := b.knows(facts.user)
		if err := e.allowAccount(p.Identifier, facts.user, known, s); err != nil {
			return nil, err
		}
		f, sl, err := e.judgeCounted(ctx, b, standing{known, facts.mask != nil}, factor.Option{Strategy: "password"}, facts.subject(s), nil,
			factor.Proof{Password: *p.Password, Account: p.Identifier})
		if err != nil {
			return nil, err
		}
		return append(inputs, counted{signin.Prove{Use: factor.First, Fact: f}, sl}), nil
	}
	st, ok := e.strategies.Get(p.Strategy)
	subject := facts.offered(s, true)
	if !ok || !st.Traits().Prepare || subject.User == nil {
		return inputs, nil
	}
	for _, o := range factor.Offered(st, factor.First|factor.Reset, subject) {
		if o.Primary {
			if err := e.allowSend(o.Target, s, b.knows(facts.user)); err != nil {
				return nil, err
			}
			prepared, err := e.prepare(ctx, b, st, factor.Challenge{Option: o, Subject: subject, Now: e.now()})
			return append(inputs, signin.Prepare{Use: factor.First, Prepared: prepared}), err
		}
	}
	return inputs, nil
}

// unnamedInput begins a sign-in with a strategy whose proof says who it is.
func (e *Engine) unnamedInput(ctx context.Context, b *Browser, s *settings.Settings, p SignInParams) (signin.Input, error) {
	st, ok := e.strategies.Get(p.Strategy)
	if !ok || !st.Traits().Identifies {
		return nil, fault.New("form_param_nil", "identifier")
	}
	subject := factor.Subject{Settings: s}
	o, err := pickOption(st, factor.First, subject, "")
	if err != nil {
		return nil, err
	}
	if st.Traits().Prepare {
		prepared, err := e.prepare(ctx, b, st, factor.Challenge{Option: o, Subject: subject, Now: e.now()})
		return signin.Prepare{Use: factor.First, Prepared: prepared}, err
	}
	if p.Proof.Get(st.Traits().Proof) == "" {
		return nil, fault.New("form_conditional_param_missing", st.Traits().Proof)
	}
	f, err := e.verify(ctx, b, o, subject, nil, p.Proof)
	return signin.Prove{Use: factor.First, Fact: f}, err
}

// SignIn returns a sign-in of the browser's client.
func (e *Engine) SignIn(ctx context.Context, b *Browser, id string) (*signin.Attempt, error) {
	var a *signin.Attempt
	err := e.view(ctx, func(tx store.Tx) (err error) {
		a, err = ownSignIn(ctx, tx, b.Client, id)
		return err
	})
	return a, err
}

// PrepareSignIn starts a challenge of the first or second factor. An empty
// targetID means the primary identification.
func (e *Engine) PrepareSignIn(ctx context.Context, b *Browser, id string, use factor.Use, strategy, targetID string) (*signin.Attempt, error) {
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	ctx = withOrigin(ctx, b.Origin)
	return e.stepSignIn(ctx, b, id, func(s *settings.Settings, a *signin.Attempt, facts signInFacts) (signin.Input, error) {
		if use == factor.Second && a.StatusAt(e.now()) == signin.NeedsSecondFactor && len(e.strategies.Options(factor.Second, facts.subject(s))) == 0 {
			return nil, fault.New("no_second_factors", "") // they were switched off meanwhile
		}
		subject := facts.offered(s, a.Veiled())
		option, err := pick(st, e.optionsOf(st, s, a, facts, uses(use), subject), targetID)
		if err != nil {
			return nil, err
		}
		if err := e.allowSend(option.Target, s, b.knows(facts.user)); err != nil {
			return nil, err
		}
		prepared, err := e.prepare(ctx, b, st, factor.Challenge{Option: option, Subject: subject, Now: e.now()})
		return signin.Prepare{Use: use, Prepared: prepared}, err
	})
}

// optionsOf lists what st could challenge somebody with, where a stands.
func (e *Engine) optionsOf(st factor.Strategy, s *settings.Settings, a *signin.Attempt, facts signInFacts, uses factor.Use, subject factor.Subject) []factor.Option {
	if a.Status != signin.NeedsClientTrust {
		return factor.Offered(st, uses, subject)
	}
	options := signin.TrustOptions(signin.Env{Settings: s, Strategies: e.strategies, User: facts.user})
	return slices.DeleteFunc(options, func(o factor.Option) bool { return o.Strategy != st.Traits().Name })
}

// uses are what a step of a sign-in can be done with.
func uses(step factor.Use) factor.Use {
	if step == factor.First {
		return factor.First | factor.Reset
	}
	return step
}

func pickOption(st factor.Strategy, uses factor.Use, subject factor.Subject, targetID string) (factor.Option, error) {
	return pick(st, factor.Offered(st, uses, subject), targetID)
}

// pick finds what a form asks for among what is offered.
func pick(st factor.Strategy, options []factor.Option, targetID string) (factor.Option, error) {
	for _, o := range options {
		if o.TargetID == targetID || targetID == "" && (o.Primary || len(options) == 1) {
			return o, nil
		}
	}
	if len(options) > 0 && targetID != "" {
		return factor.Option{}, fault.New("form_resource_not_found", st.Traits().Field)
	}
	return factor.Option{}, fault.New("strategy_for_user_invalid", "strategy")
}

// AttemptSignIn judges a proof of the first or second factor.
func (e *Engine) AttemptSignIn(ctx context.Context, b *Browser, id string, use factor.Use, strategy string, proof factor.Proof) (*signin.Attempt, error) {
	ctx = withOrigin(ctx, b.Origin)
	s := e.Settings(ctx)
	if err := e.allow("attempt_sign_in", b.Addr, s.Limits.AttemptSignIn); err != nil {
		return nil, err
	}
	st, ok := e.strategies.Get(strategy)
	if !ok {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	if err := given(st); err != nil {
		return nil, err
	}
	return e.stepSignIn(ctx, b, id, func(s *settings.Settings, a *signin.Attempt, facts signInFacts) (signin.Input, error) {
		if n, ok := st.(factor.Namer); ok && facts.user == nil && a.UserID == "" {
			var err error
			if facts, err = e.factsOf(ctx, n.Claims(proof)); err != nil {
				return nil, err
			}
		}
		known := b.knows(facts.user) || e.shownUnguessable(a)
		if _, counts := tryOf(st, known); counts { // nobody can use up what cannot be guessed
			if err := e.allowAccount(a.Identifier, facts.user, known, s); err != nil {
				return nil, err
			}
		}
		v := a.First
		if use == factor.Second {
			v = a.Second
		}
		o := factor.Option{Strategy: strategy}
		if v != nil {
			o.TargetID, o.Target = v.TargetID, v.Target
		}
		proof.Account = a.Identifier
		f, sl, err := e.judgeCounted(ctx, b, standing{known, a.Veiled()}, o, facts.subject(s), v, proof)
		return counted{signin.Prove{Use: use, Fact: f}, sl}, err
	})
}

// shownUnguessable reports whether the first factor of a was one that nobody
// can guess: whoever goes on from there is no stranger.
func (e *Engine) shownUnguessable(a *signin.Attempt) bool {
	st, ok := e.strategies.Get(a.Strategy)
	if !ok || a.FirstAt.IsZero() {
		return false
	}
	_, counts := tryOf(st, false)
	return !counts
}

// verify judges a proof, outside any transaction.
func (e *Engine) verify(ctx context.Context, b *Browser, o factor.Option, subject factor.Subject, v *factor.Verification, p factor.Proof) (factor.Fact, error) {
	st, ok := e.strategies.Get(o.Strategy)
	if !ok {
		return factor.Fact{}, fault.New("verification_strategy_invalid", "strategy")
	}
	return st.Verify(withAddr(ctx, b.Addr), factor.Challenge{Option: o, Subject: subject, Verification: v, Now: e.now()}, p)
}

// ResetSignInPassword sets the password that a sign-in by reset code asks for.
func (e *Engine) ResetSignInPassword(ctx context.Context, b *Browser, id, plain string, signOutOfOthers bool) (*signin.Attempt, error) {
	return e.stepSignIn(ctx, b, id, func(s *settings.Settings, a *signin.Attempt, facts signInFacts) (signin.Input, error) {
		if a.StatusAt(e.now()) != signin.NeedsNewPassword || facts.user == nil {
			return signin.NewPassword{}, nil // the machine says what is wrong
		}
		if err := e.allowAccount("", facts.user, true, s); err != nil { // whoever gets here has shown a code
			return nil, err
		}
		if err := e.checkNewPassword(ctx, s, plain, facts.user); err != nil {
			return nil, err
		}
		in := signin.NewPassword{SignOutOfOthers: signOutOfOthers}
		if facts.password != nil {
			res, err := e.hasher.Verify(withAddr(ctx, b.Addr), facts.password.Hash, plain)
			if errors.Is(err, password.ErrBusy) || ctx.Err() != nil {
				return nil, err
			}
			// A hash that cannot be checked against is what the reset is for.
			in.MatchesTheCurrent = err == nil && res.OK
		}
		if in.MatchesTheCurrent {
			return in, nil
		}
		var err error
		in.Hash, err = e.hasher.Hash(withAddr(ctx, b.Addr), plain)
		return in, err
	})
}

// stepSignIn runs one step: facts are gathered, input does the slow work, and
// a transaction gathers the facts again, steps and stores.
func (e *Engine) stepSignIn(ctx context.Context, b *Browser, id string,
	input func(*settings.Settings, *signin.Attempt, signInFacts) (signin.Input, error)) (*signin.Attempt, error) {
	s := e.Settings(ctx)
	var a *signin.Attempt
	var facts signInFacts
	err := e.view(ctx, func(tx store.Tx) (err error) {
		if a, err = ownSignIn(ctx, tx, b.Client, id); err != nil {
			return err
		}
		facts, err = e.factsFor(ctx, tx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.Client.SignInID != id {
		return nil, forbiddenOrOver(a.StatusAt(e.now()) == signin.Complete)
	}
	if facts.user == nil && a.UserID != "" && !a.Masked && a.Status != signin.Complete {
		return nil, fault.New("sign_in_identification_or_user_deleted", "")
	}
	if a.StatusAt(e.now()) == signin.Abandoned {
		return nil, fault.New("client_state_invalid", "")
	}
	in, err := input(s, a, facts)
	if err != nil {
		return nil, err
	}

	in, sl := uncounted(in)
	defer sl.done()
	var next signin.Attempt
	var refused error
	err = e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) error {
		refused = nil
		if c.SignInID != id {
			return forbiddenOrOver(false)
		}
		a, err := ownSignIn(ctx, t, c, id)
		if err != nil {
			return err
		}
		var facts signInFacts
		if err := facts.of(ctx, t, e, a, in); err != nil {
			return err
		}
		run := signInRun{e: e, b: b, t: t, client: c, rotate: rotate, settings: s, facts: facts, slot: sl}
		if next, refused, err = run.step(ctx, *a, in); err != nil {
			return err
		}
		if errors.Is(refused, fault.New("sign_up_if_missing_transfer", "")) {
			if err := e.usedCode(ctx, t, next.TransferAddress(), s); err != nil {
				return err
			}
		}
		if next.Final() {
			c.SignInID = ""
		}
		return signin.Put(ctx, t, &next)
	})
	if err == nil {
		err = refused
	}
	return &next, err
}

// forbiddenOrOver refuses an attempt that is not the client's current one.
func forbiddenOrOver(complete bool) error {
	if complete {
		return fault.New("client_state_invalid", "")
	}
	return fault.New("resource_forbidden", "")
}

func ownSignIn(ctx context.Context, tx store.Tx, c *session.Client, id string) (*signin.Attempt, error) {
	if c == nil {
		return nil, fault.New("resource_not_found", "")
	}
	a, err := signin.Get(ctx, tx, id)
	if err != nil {
		return nil, missingAs(err, fault.New("resource_not_found", ""))
	}
	if a.ClientID != c.ID {
		return nil, fault.New("resource_not_found", "")
	}
	return a, nil
}
