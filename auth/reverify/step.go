package reverify

import (
	"cmp"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// usable are the strategies that can be used, by what for. A mailed link, a
// provider or a ticket show that somebody could get in, not that the person who
// is signed in is still there.
var usable = map[factor.Use][]string{
	factor.First:  {"password", "email_code", "phone_code", "passkey"},
	factor.Second: {"phone_code", "totp", "backup_code"},
}

// An Input is what happens to an attempt: Prepare or Prove.
type Input interface{ input() }

type (
	// Prepare starts a challenge of the first or second factor.
	Prepare struct {
		Use      factor.Use // First or Second
		Prepared factor.Prepared
	}
	// Prove brings what a strategy found.
	Prove struct {
		Use  factor.Use
		Fact factor.Fact
	}
)

func (Prepare) input() {}
func (Prove) input()   {}

// An Effect is what the caller does in the same transaction.
type Effect interface{ effect() }

type (
	// SendCode puts a message into the outbox.
	SendCode struct{ Send factor.Send }
	// Renew writes to the session when which factor was shown; zero is not in
	// this attempt.
	Renew struct{ FirstAt, SecondAt time.Time }
	// Rehash stores a better hash of the same password, in place of the one
	// that was judged.
	Rehash struct{ Judged, Hash string }
	// Spend has a [factor.Spender] write down that a proof is used up.
	Spend struct{ Fact factor.Fact }
)

func (SendCode) effect() {}
func (Renew) effect()    {}
func (Rehash) effect()   {}
func (Spend) effect()    {}

// Env holds the facts of the transaction that a step runs in.
type Env struct {
	Now        time.Time
	Settings   *settings.Settings
	Strategies factor.Set
	// User is whose session it is, as stored now; Password and Second are what
	// the user has set, nil is none.
	User     *user.User
	Password *user.Password
	Second   *user.SecondFactors
}

func (e Env) subject() factor.Subject {
	return factor.Subject{User: e.User, Password: e.Password, Second: e.Second, Settings: e.Settings}
}

// Options lists what env's user can show for a use.
func Options(use factor.Use, env Env) []factor.Option {
	var out []factor.Option
	for _, o := range env.Strategies.Options(use, env.subject()) {
		if slices.Contains(usable[use], o.Strategy) {
			out = append(out, o)
		}
	}
	return out
}

// Step gives the attempt after in. next is to be stored also when err is not
// nil. Errors have the codes of the wire.
func (a Attempt) Step(in Input, env Env) (next Attempt, do []Effect, err error) {
	next = a
	next.UpdatedAt = env.Now
	switch {
	case !env.Now.Before(a.Expires):
		return next, nil, fault.New("session_reverification_missing", "")
	case env.User == nil || env.User.ID != a.UserID:
		return next, nil, fault.New("authentication_invalid", "")
	}
	if err := env.User.Refused(env.Now); err != nil {
		return next, nil, fault.From(err)
	}
	switch in := in.(type) {
	case Prepare:
		do, err = next.prepare(in, env)
	case Prove:
		do, err = next.prove(in, env)
	}
	return next, do, err
}

// slot finds the challenge of a use, if the attempt waits for that.
func (a *Attempt) slot(use factor.Use) (**factor.Verification, error) {
	waits, slot := NeedsFirstFactor, &a.First
	if use == factor.Second {
		waits, slot = NeedsSecondFactor, &a.Second
	}
	if a.Status != waits {
		return nil, fault.New("invalid_action_for_session_reverification", "")
	}
	return slot, nil
}

func offered(use factor.Use, strategy, targetID string, env Env) bool {
	return slices.ContainsFunc(Options(use, env), func(o factor.Option) bool {
		return o.Strategy == strategy && o.TargetID == targetID
	})
}

func (a *Attempt) prepare(in Prepare, env Env) ([]Effect, error) {
	slot, err := a.slot(in.Use)
	if err != nil {
		return nil, err
	}
	v := in.Prepared.Verification
	if !offered(in.Use, v.Strategy, v.TargetID, env) {
		return nil, fault.New("strategy_for_user_invalid", "strategy")
	}
	if err := factor.CanResend(*slot, v, env.Settings.Codes, env.Now); err != nil {
		return nil, err
	}
	*slot = &v
	if in.Prepared.Send == nil {
		return nil, nil
	}
	return []Effect{SendCode{*in.Prepared.Send}}, nil
}

func (a *Attempt) prove(in Prove, env Env) ([]Effect, error) {
	slot, err := a.slot(in.Use)
	if err != nil {
		return nil, err
	}
	st, ok := env.Strategies.Get(in.Fact.Strategy)
	if !ok || !slices.Contains(usable[in.Use], in.Fact.Strategy) {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	do, err := settle(st, slot, in, env)
	if err != nil {
		return nil, err
	}
	if _, ok := st.(factor.Spender); ok {
		do = append(do, Spend{in.Fact})
	}
	if in.Use == factor.Second {
		a.SecondAt = env.Now
	} else {
		a.FirstAt = env.Now
		if in.Fact.Second {
			a.SecondAt = env.Now
		}
	}
	a.move(a.due(env))
	if a.Status == Complete {
		do = append(do, Renew{FirstAt: a.FirstAt, SecondAt: a.SecondAt})
	}
	return do, nil
}

// settle decides whether a fact holds now, and counts the try.
func settle(st factor.Strategy, slot **factor.Verification, in Prove, env Env) ([]Effect, error) {
	f := in.Fact
	v := factor.Verification{Strategy: f.Strategy, Status: factor.Unverified}
	if *slot != nil && (*slot).Strategy == f.Strategy {
		v = **slot // the former Attempt keeps its own
	} else if st.Traits().Prepare {
		return nil, fault.New("verification_missing", "")
	}
	*slot = &v
	if !offered(in.Use, f.Strategy, v.TargetID, env) {
		return nil, fault.New("strategy_for_user_invalid", "strategy")
	}
	wrong := st.Confirm(f, env.subject())
	if st.Traits().Prepare {
		f.OK = f.OK && wrong == nil // a proof that does not hold any more is a wrong one
		if err := factor.Settle(&v, f, env.Settings.Codes, env.Now); err != nil {
			return nil, f.Refused(err, cmp.Or(wrong, err)) // the strategy has its own words for it
		}
	} else if v.Attempts++; wrong != nil {
		return nil, wrong
	}
	v.Status, v.VerifiedAt = factor.Verified, env.Now
	if f.Rehash != "" {
		return []Effect{Rehash{Judged: f.PasswordHash, Hash: f.Rehash}}, nil
	}
	return nil, nil
}

// due is what the level asks for next. Somebody whose second factor was taken
// away meanwhile has none to show.
func (a *Attempt) due(env Env) Status {
	if a.Level == MultiFactor && a.SecondAt.IsZero() && len(Options(factor.Second, env)) > 0 {
		return NeedsSecondFactor
	}
	return Complete
}
