package signin

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/user"
)

// An Input is what happens to an attempt: Identify, Prepare, Prove,
// NewPassword, Returned or Arrived.
type Input interface{ input() }

type (
	// Identify says who wants to sign in.
	Identify struct {
		Identifier string
		// OrSignUp: if nobody has the identifier, whoever proves it may sign up.
		OrSignUp bool
	}
	// Prepare starts a challenge of the first or second factor.
	Prepare struct {
		Use      factor.Use // First or Second
		Prepared factor.Prepared
	}
	// Prove brings what a strategy found.
	Prove struct {
		Use  factor.Use
		Fact factor.Fact
		// External is who the person is at another service, whose account is
		// linked when the sign-in completes; nil: there is none.
		External *oauth.Identity
	}
	// NewPassword sets the password that a reset asked for.
	NewPassword struct {
		Hash              string
		SignOutOfOthers   bool
		MatchesTheCurrent bool
	}
)

func (Identify) input()    {}
func (Prepare) input()     {}
func (Prove) input()       {}
func (NewPassword) input() {}

// An Effect is what the caller does in the same transaction.
type Effect interface{ effect() }

type (
	// SendCode puts a message into the outbox.
	SendCode struct{ Send factor.Send }
	// StartSession signs the user in and writes the session's ID to the
	// attempt.
	StartSession struct {
		FirstAt, SecondAt time.Time
		// Tasks are what the session has to do before it is active.
		Tasks []string
		// Actor is who acts as the user, if it is not the user; such a session
		// lives no longer than Lifetime.
		Actor    json.RawMessage
		Lifetime time.Duration
	}
	// SetPassword stores a new password.
	SetPassword struct {
		Hash            string
		SignOutOfOthers bool
	}
	// Rehash stores a better hash of the same password, in place of the one
	// that was judged.
	Rehash struct{ Judged, Hash string }
	// ProveAddress marks an address as the user's own.
	ProveAddress struct{ TargetID, Strategy string }
	// Spend has a [factor.Spender] write down that a proof is used up.
	Spend struct{ Fact factor.Fact }
)

func (SendCode) effect()     {}
func (StartSession) effect() {}
func (SetPassword) effect()  {}
func (Rehash) effect()       {}
func (ProveAddress) effect() {}
func (Spend) effect()        {}

// Env holds the facts of the transaction that a step runs in.
type Env struct {
	Now        time.Time
	Settings   *settings.Settings
	Strategies factor.Set
	// User is who the attempt speaks of, or, while it speaks of nobody yet, who
	// the fact of a [Prove] names; as stored now. nil is nobody.
	User *user.User
	// Password is the stored password of User, Second the secrets of the second
	// factors; nil is none.
	Password *user.Password
	Second   *user.SecondFactors
	// Mask is what is offered in place of User while nothing may tell whether
	// there is one; nil: nothing is hidden.
	Mask *user.User
	// Ticket is the one that the fact of a [Prove] speaks of, as stored now; nil
	// is none.
	Ticket *ticket.Pass
	// Familiar: User has signed in on this client before.
	Familiar bool
	// Barred: the lists keep User out.
	Barred bool
	// Impersonating: on this client somebody acts as another user.
	Impersonating bool
	// SignedIn lists who is signed in on this client, by session ID.
	SignedIn map[string]string // session ID → user ID
	// Arriving is the key of the provider of which User is about to be given an
	// account; empty: none.
	Arriving string
}

func (e Env) subject() factor.Subject {
	return factor.Subject{User: e.User, Password: e.Password, Second: e.Second, Ticket: e.Ticket, Settings: e.Settings, Arriving: e.Arriving}
}

// Step gives the attempt after in. next is to be stored also when err is not
// nil. Errors have the codes of the wire; the attempt of a wrong code has
// counted it.
func (a Attempt) Step(in Input, env Env) (next Attempt, do []Effect, err error) {
	next = a
	if s := a.StatusAt(env.Now); s == Abandoned || s == Complete {
		return next, nil, fault.New("client_state_invalid", "")
	}
	next.UpdatedAt, next.Familiar = env.Now, env.Familiar
	if r, ok := in.(Returned); ok {
		return next, nil, next.returned(r, env)
	}
	if err := a.ready(in, env); err != nil {
		return next, nil, err
	}
	switch in := in.(type) {
	case Arrived:
		err = next.arrived(in, env)
	case Identify:
		err = next.identify(in, env)
	case Prepare:
		do, err = next.prepare(in, env)
	case Prove:
		do, err = next.prove(in, env)
	case NewPassword:
		do, err = next.newPassword(in, env)
	}
	return next, do, err
}

// ready refuses an input that nobody can give now. Before it is known who signs
// in, only that can be told, by name or by a proof that names its owner.
func (a *Attempt) ready(in Input, env Env) error {
	if a.Status == NeedsIdentifier {
		if !identifies(in, env) {
			return fault.New("client_state_invalid", "")
		}
		return env.alone()
	}
	if _, ok := in.(Identify); ok {
		return fault.New("client_state_invalid", "")
	}
	if env.Impersonating {
		return fault.New("session_creation_not_allowed", "")
	}
	if a.veiled() {
		return nil
	}
	if env.User == nil || env.User.ID != a.UserID {
		return fault.New("sign_in_identification_or_user_deleted", "")
	}
	if err := env.User.Refused(env.Now); err != nil {
		return fault.From(err)
	}
	return nil
}

func identifies(in Input, env Env) bool {
	name := ""
	switch in := in.(type) {
	case Identify, Arrived:
		return true
	case Prepare:
		name = in.Prepared.Verification.Strategy
	case Prove:
		name = in.Fact.Strategy
	}
	st, ok := env.Strategies.Get(name)
	return ok && st.Traits().Identifies
}

// alone refuses a sign-in beside another one where a browser holds one session,
// and beside one in which somebody acts as another user.
func (e Env) alone() error {
	if e.Impersonating {
		return fault.New("session_creation_not_allowed", "")
	}
	if !e.Settings.Sessions.Multi && len(e.SignedIn) > 0 {
		return fault.New("session_exists", "")
	}
	return nil
}

func (a *Attempt) identify(in Identify, env Env) error {
	if env.Mask != nil {
		return a.identifyMasked(in, env)
	}
	if env.User == nil {
		return fault.New("form_identifier_not_found", "identifier")
	}
	if err := a.recognize(env); err != nil {
		return err
	}
	a.Identifier = in.Identifier
	a.move(NeedsFirstFactor)
	return nil
}

// recognize makes the attempt env.User's, if that one may sign in here.
func (a *Attempt) recognize(env Env) error {
	for sid, uid := range env.SignedIn {
		if uid == env.User.ID {
			return fault.New("identifier_already_signed_in", "").With("session_id", sid)
		}
	}
	if err := env.User.Refused(env.Now); err != nil {
		return fault.From(err)
	}
	if env.Barred {
		return fault.New("not_allowed_access", "identifier")
	}
	a.UserID = env.User.ID
	return nil
}

// unnamed: a first factor is shown before anybody has been named.
func (a *Attempt) unnamed(use factor.Use) bool {
	return use == factor.First && a.Status == NeedsIdentifier
}

// slot tells which status a use belongs to, and where its challenge is.
func (a *Attempt) slot(use factor.Use) (Status, factor.Use, **factor.Verification) {
	if use == factor.Second && a.Status == NeedsClientTrust {
		return NeedsClientTrust, factor.Verify, &a.Second
	}
	if use == factor.Second {
		return NeedsSecondFactor, factor.Second, &a.Second
	}
	return NeedsFirstFactor, factor.First | factor.Reset, &a.First
}

// option finds what the person may really use among the offered ones.
func (a *Attempt) option(uses factor.Use, strategy, targetID string, env Env) (factor.Option, bool) {
	options := env.Strategies.Options(uses, a.offered(env))
	if a.Status == NeedsClientTrust {
		options = TrustOptions(env)
	}
	for _, o := range options {
		if o.Strategy == strategy && o.TargetID == targetID {
			return o, true
		}
	}
	return factor.Option{}, false
}

func (a *Attempt) prepare(in Prepare, env Env) ([]Effect, error) {
	waits, uses, slot := a.slot(in.Use)
	if a.Status != waits && !a.unnamed(in.Use) {
		return nil, fault.New("client_state_invalid", "")
	}
	v := in.Prepared.Verification
	if _, ok := a.option(uses, v.Strategy, v.TargetID, env); !ok {
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
	waits, uses, slot := a.slot(in.Use)
	if a.Status != waits && !a.unnamed(in.Use) {
		return nil, fault.New("client_state_invalid", "")
	}
	st, ok := env.Strategies.Get(in.Fact.Strategy)
	if !ok || st.Traits().Uses&uses == 0 {
		return nil, fault.New("verification_strategy_invalid", "strategy")
	}
	if in.External != nil {
		env.Arriving = in.External.Provider
	} else if a.Status == NeedsIdentifier {
		a.External = nil // of somebody whom this proof says nothing of
	}
	var do []Effect
	var err error
	veiled := a.veiled()
	if veiled && env.User == nil && a.OrSignUp && st.Traits().Prepare {
		return nil, a.welcome(slot, uses, in.Fact, env)
	}
	if veiled && env.User == nil {
		in.Fact.OK = false // whatever it proves, it is nobody's
	}
	if st.Traits().Prepare {
		do, err = a.proveChallenge(st, slot, uses, in.Fact, env)
	} else {
		do, err = a.proveSecret(st, slot, uses, in.Fact, env)
	}
	if err == nil && a.Status == NeedsIdentifier {
		err = a.recognize(env) // the proof has named its owner
	}
	if veiled {
		err = a.unveil(err, env)
	}
	if err != nil {
		return nil, err
	}
	if _, ok := st.(factor.Spender); ok {
		do = append(do, Spend{in.Fact})
	}
	for _, effect := range do {
		if p, ok := effect.(ProveAddress); ok && env.User.FoundedOn(p.TargetID) {
			env.User, env.Second = env.User.WithoutFactors(), nil // a stranger's, perhaps
		}
	}
	switch {
	case a.Status == NeedsClientTrust:
		a.TrustAt = env.Now
	case in.Use == factor.Second:
		a.SecondAt = env.Now
	default:
		if in.External != nil {
			a.External = in.External
		}
		a.FirstAt, a.Strategy, a.ResetAsked = env.Now, in.Fact.Strategy, st.Traits().Uses&factor.Reset != 0
		if in.Fact.Second {
			a.SecondAt = env.Now
		}
		if t := env.Ticket; t != nil && t.ID == in.Fact.TicketID {
			a.Actor, a.ActorLifetime = t.Actor, t.SessionLifetime
			if t.Organization != nil {
				a.OrganizationInvitationID = t.ID
			}
		}
	}
	return append(do, a.advance(env)...), nil
}

// proveChallenge settles a fact about a challenge that was prepared.
func (a *Attempt) proveChallenge(st factor.Strategy, slot **factor.Verification, uses factor.Use, f factor.Fact, env Env) ([]Effect, error) {
	if *slot == nil {
		return nil, fault.New("verification_missing", "")
	}
	v := **slot // the former Attempt keeps its own
	*slot = &v
	if _, ok := a.option(uses, v.Strategy, v.TargetID, env); !ok {
		return nil, fault.New("strategy_for_user_invalid", "strategy")
	}
	wrong := st.Confirm(f, env.subject())
	f.OK = f.OK && wrong == nil // a proof that does not hold any more is a wrong one
	err := factor.Settle(&v, f, env.Settings.Codes, env.Now)
	if err != nil {
		return nil, f.Refused(err, cmp.Or(wrong, err)) // the strategy has its own words for it
	}
	if v.TargetID == "" {
		return nil, nil
	}
	return []Effect{ProveAddress{TargetID: a.target(&v, env), Strategy: v.Strategy}}, nil
}

// proveSecret settles a fact about something that the user has set: the
// strategy says whether that is still what was judged.
func (a *Attempt) proveSecret(st factor.Strategy, slot **factor.Verification, uses factor.Use, f factor.Fact, env Env) ([]Effect, error) {
	if _, ok := a.option(uses, f.Strategy, "", env); !ok {
		return nil, fault.New("strategy_for_user_invalid", "strategy")
	}
	v := factor.Verification{Strategy: f.Strategy, Status: factor.Unverified}
	if *slot != nil && (*slot).Strategy == f.Strategy {
		v = **slot
	}
	v.Attempts++
	*slot = &v
	if err := st.Confirm(f, env.subject()); err != nil {
		return nil, err
	}
	v.Status, v.VerifiedAt = factor.Verified, env.Now
	if f.Rehash != "" {
		return []Effect{Rehash{Judged: f.PasswordHash, Hash: f.Rehash}}, nil
	}
	return nil, nil
}

func (a *Attempt) newPassword(in NewPassword, env Env) ([]Effect, error) {
	if a.Status != NeedsNewPassword {
		return nil, fault.New("client_state_invalid", "")
	}
	if in.MatchesTheCurrent {
		return nil, fault.New("form_new_password_matches_current", "password")
	}
	a.PasswordSet = true
	do := []Effect{SetPassword{Hash: in.Hash, SignOutOfOthers: in.SignOutOfOthers}}
	return append(do, a.advance(env)...), nil
}

// advance moves to what is due now and completes when nothing is.
func (a *Attempt) advance(env Env) []Effect {
	a.move(a.Due(env))
	if a.Status != Complete {
		return nil
	}
	if len(a.Actor) > 0 { // the user has shown nothing
		return []Effect{StartSession{Actor: a.Actor, Lifetime: a.ActorLifetime}}
	}
	var do []Effect
	if a.External != nil {
		do = append(do, LinkExternal{a.External})
		a.External = nil
	}
	return append(do, StartSession{FirstAt: a.FirstAt, SecondAt: a.SecondAt, Tasks: a.tasks(env)})
}

// Due is what the policy asks for next, computed from the user as stored now.
func (a *Attempt) Due(env Env) Status {
	switch {
	case a.FirstAt.IsZero():
		return NeedsFirstFactor
	case len(a.Actor) > 0: // the host vouches for who acts, who has none of the user's factors
		return Complete
	case a.ResetAsked && !a.PasswordSet:
		return NeedsNewPassword
	case a.SecondAt.IsZero() && SecondFactorDue(env):
		return NeedsSecondFactor
	case a.trustDue(env):
		return NeedsClientTrust
	}
	return Complete
}

// SecondFactorDue reports whether env's user must show a second factor: when
// there is one to show. If one is demanded and there is none, the session has
// to set it up first, see [Tasks].
func SecondFactorDue(env Env) bool {
	return len(env.Strategies.Options(factor.Second, env.subject())) > 0
}

// SupportedFirst lists the first factors that the attempt's user can use.
func (a *Attempt) SupportedFirst(env Env) []factor.Option {
	return slices.Concat(env.Strategies.Options(factor.First, a.offered(env)),
		env.Strategies.Options(factor.Reset, a.offered(env)))
}

// SupportedSecond lists the second factors that the attempt's user can use.
// While the browser is to be trusted, they are the codes that show it.
func (a *Attempt) SupportedSecond(env Env) []factor.Option {
	if a.Status == NeedsClientTrust {
		return TrustOptions(env)
	}
	return env.Strategies.Options(factor.Second, env.subject())
}
