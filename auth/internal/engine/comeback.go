package engine

import (
	"context"
	"errors"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/linking"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A comeback is a browser that is back from another service. Its methods run in
// a transaction, perhaps more than once.
type comeback struct {
	e        *Engine
	b        *Browser
	flow     *flow
	settings *settings.Settings
	// identity is who they are there; nil if code says why that is not known.
	identity *oauth.Identity
	code     string
	complete bool // nothing is left to do
}

// Comeback handles a browser that is back from the provider with the given key
// (empty: one that shares its callback with others) and returns where it goes
// on. What went wrong at the provider is told in the attempt, where clients
// look for it; an error is that of a browser that nobody has sent away.
func (e *Engine) Comeback(ctx context.Context, b *Browser, provider string, a oauth.Answer) (string, error) {
	f, err := e.takeFlow(ctx, b, provider, a.State)
	if err != nil {
		return "", err
	}
	c := &comeback{e: e, b: b, flow: f, settings: e.Settings(ctx)}
	st, ok := e.socialOf(f.Provider)
	if !ok || !c.settings.Social.Offers(f.Provider) {
		return "", fault.New("oauth_callback_invalid", "")
	}
	if c.identity, err = st.Client.Exchange(ctx, f.Pending, a); err != nil {
		c.code = comebackCode(err)
		e.log.WarnContext(ctx, "a sign-in at another service came to nothing", "provider", f.Provider, "code", c.code, "err", err)
	}
	err = c.goOn(ctx)
	if _, ok := errors.AsType[*store.DuplicateError](err); ok {
		err = c.goOn(ctx) // somebody else was faster with the same account or address, and is there now
	}
	if _, ok := errors.AsType[*store.DuplicateError](err); ok {
		err = fault.Wrap("oauth_callback_invalid", "", err)
	}
	if err != nil {
		return "", err
	}
	if c.complete && f.CompleteTo != "" {
		return f.CompleteTo, nil
	}
	return f.ReturnTo, nil
}

// goOn goes on with whatever has sent the browser away.
func (c *comeback) goOn(ctx context.Context) error {
	switch c.flow.Purpose {
	case LinkForSignIn:
		return c.e.change(ctx, c.b, false, func(t *txn, cl *session.Client, rotate func()) error { return c.signIn(ctx, t, cl, rotate) })
	case LinkForSignUp:
		return c.e.change(ctx, c.b, false, func(t *txn, cl *session.Client, rotate func()) error { return c.signUp(ctx, t, cl, rotate) })
	}
	return c.e.update(ctx, func(t *txn) error { return c.connect(ctx, t) })
}

// comebackCode is what people are told of a flow that failed.
func comebackCode(err error) string {
	oe, ok := errors.AsType[*oauth.Error](err)
	switch {
	case ok && oe.Denied():
		return "oauth_access_denied"
	case ok && oe.Stage == oauth.StageExchange:
		return "oauth_token_exchange_error"
	}
	return "oauth_fetch_user_error"
}

// An arrival is what is known of somebody who comes from another service.
type arrival struct {
	user  *user.User // who has the account there, or the address; nil: nobody
	known bool       // by the account
	rule  linking.Rule
}

// whose finds out whose account here somebody from another service gets. who
// is the user who is signed in and connects an account; nil: nobody.
func whose(ctx context.Context, tx store.Tx, id *oauth.Identity, who *user.User) (arrival, error) {
	u, err := user.ByExternal(ctx, tx, id.Provider, id.Issuer, id.Subject)
	if err == nil {
		return arrival{user: u, known: true}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return arrival{}, err
	}
	c := linking.Case{Here: linking.Unknown, There: id.EmailVerified && id.EmailAddress != "", Session: who != nil}
	canonical, bad := user.CanonicalEmail(id.EmailAddress)
	if bad != nil {
		return arrival{rule: linking.Decide(linking.Case{Here: linking.Unknown, Session: who != nil})}, nil
	}
	u, err = user.ByIdentifier(ctx, tx, canonical)
	switch {
	case missingAs(err, nil) != nil:
		return arrival{}, err
	case err != nil:
		u = nil
	}
	if who != nil && (u != nil && u.ID == who.ID || u == nil && who.EmailAddressByValue(canonical) != nil) {
		c.Here, c.Password, u = linking.Own, who.PasswordEnabled, who
	} else if u != nil {
		c.Here, c.Password = linking.Verified, u.PasswordEnabled // the host vouches for what it has reserved
		if u.FoundedOn(u.EmailAddressByValue(canonical).ID) {
			c.Here = linking.Claimed
		}
	}
	return arrival{user: u, rule: linking.Decide(c)}, nil
}

// strangerTo is whose for a browser that nobody is signed in with. Where nobody
// may find out who has an account, an address that the provider does not vouch
// for says nothing either.
func strangerTo(ctx context.Context, tx store.Tx, id *oauth.Identity, s *settings.Settings) (arrival, error) {
	who, err := whose(ctx, tx, id, nil)
	if s.Protection.Strict() && !who.known && who.rule.Outcome == linking.Prove {
		who.user = nil
	}
	return who, err
}

// signIn goes on with the sign-in that sent the browser away.
func (c *comeback) signIn(ctx context.Context, t *txn, cl *session.Client, rotate func()) error {
	c.complete = false
	a, err := ownSignIn(ctx, t, cl, c.flow.Target)
	if err != nil {
		return err
	}
	if cl.SignInID != a.ID {
		return fault.New("oauth_callback_invalid", "")
	}
	run := signInRun{e: c.e, b: c.b, t: t, client: cl, rotate: rotate, settings: c.settings}
	next, err := run.arrive(ctx, *a, c.flow.VerificationID, c.identity, c.code)
	if err != nil {
		return err
	}
	if next.Final() {
		cl.SignInID = ""
	}
	c.complete = next.Status == signin.Complete
	return signin.Put(ctx, t, &next)
}

// arrive does the step of somebody who comes from another service; a nil id
// says that they come with nothing but an error code.
func (r *signInRun) arrive(ctx context.Context, a signin.Attempt, verificationID string, id *oauth.Identity, code string) (signin.Attempt, error) {
	tell := func(in signin.Returned) (signin.Attempt, error) {
		in.VerificationID = verificationID
		next, refused, err := r.step(ctx, a, in)
		return next, errors.Join(err, refused)
	}
	if id == nil {
		return tell(signin.Returned{Code: code})
	}
	who, err := strangerTo(ctx, r.t, id, r.settings)
	if err != nil {
		return a, err
	}
	if a.UserID != "" && (who.user == nil || who.user.ID != a.UserID || !who.known && who.rule.Outcome == linking.Prove) {
		return tell(signin.Returned{Code: "external_account_not_found"})
	}
	var in signin.Input
	switch {
	case who.user == nil:
		return tell(signin.Returned{Code: "external_account_not_found", Transfer: id})
	case !who.known && who.rule.Outcome == linking.Prove:
		in = signin.Arrived{VerificationID: verificationID, Identity: id}
	default:
		in = signin.Prove{Use: factor.First, External: id,
			Fact: factor.Fact{Strategy: "oauth_" + id.Provider, OK: true, VerificationID: verificationID, UserID: who.user.ID}}
	}
	if r.facts, err = factsByID(ctx, r.t, who.user.ID); err != nil {
		return a, err
	}
	if !who.known && who.rule.Outcome == linking.TakeOver && r.facts.user.Refused(r.t.now) == nil {
		u := r.facts.user
		if err := r.takeOver(ctx, a.ID, u.EmailAddressByValue(id.EmailAddress).ID, signup.FromExternal(id.Provider)); err != nil {
			return a, err
		}
		if r.facts, err = factsByID(ctx, r.t, u.ID); err != nil {
			return a, err
		}
	}
	next, refused, err := r.step(ctx, a, in)
	if err != nil || refused == nil {
		return next, err
	}
	f := fault.From(refused)
	if f.Code == fault.Internal {
		return a, refused
	}
	sid, _ := f.Meta["session_id"].(string)
	return tell(signin.Returned{Code: f.Code, SessionID: sid})
}

// signUp goes on with the sign-up that sent the browser away.
func (c *comeback) signUp(ctx context.Context, t *txn, cl *session.Client, rotate func()) error {
	c.complete = false
	a, err := ownSignUp(ctx, t, cl, c.flow.Target)
	if err != nil {
		return err
	}
	if cl.SignUpID != a.ID {
		return fault.New("oauth_callback_invalid", "")
	}
	run := signUpRun{e: c.e, b: c.b, t: t, client: cl, rotate: rotate, settings: c.settings}
	next, err := run.arrive(ctx, *a, c.flow.VerificationID, c.identity, c.code)
	if err != nil {
		return err
	}
	cl.KeepUntil(next.AbandonAt.Add(day))
	c.complete = next.Status == signup.Complete
	return signup.Put(ctx, t, &next)
}

func (r *signUpRun) arrive(ctx context.Context, a signup.Attempt, verificationID string, id *oauth.Identity, code string) (signup.Attempt, error) {
	tell := func(in signup.Returned) (signup.Attempt, error) {
		in.VerificationID = verificationID
		next, refused, err := r.step(ctx, a, in)
		return next, errors.Join(err, refused)
	}
	if id == nil {
		return tell(signup.Returned{Code: code})
	}
	who, err := strangerTo(ctx, r.t, id, r.settings)
	if err != nil {
		return a, err
	}
	if who.user != nil {
		live, err := liveOnClient(ctx, r.t, r.client.ID)
		if err != nil {
			return a, err
		}
		for _, s := range live {
			if s.UserID == who.user.ID && who.known {
				return tell(signup.Returned{Code: "identifier_already_signed_in", SessionID: s.ID})
			}
		}
		return tell(signup.Returned{Code: "external_account_exists", Transfer: id})
	}
	next, refused, err := r.step(ctx, a, signup.External{VerificationID: verificationID, Identity: id})
	if err != nil || refused == nil {
		return next, err
	}
	f := fault.From(refused)
	if f.Code == fault.Internal {
		return a, refused
	}
	return tell(signup.Returned{Code: f.Code})
}
