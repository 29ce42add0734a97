package auth

import (
	"net/http"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/httpx"
	"github.com/usherauth/usher/auth/internal/wire/frontend"
	"github.com/usherauth/usher/auth/signin"
)

// Attempts are the sign-ins and sign-ups of the browser that sent a request,
// for pages of the host's own: what usher's pages and Clerk's components do, as
// calls. All rules and limits hold, and every way in that is enabled works.
//
//	at, err := a.Attempts(w, r)
//	…
//	s, err := at.CreateSignIn(auth.SignInParams{Identifier: "ada@example.com"})
//	s, err = at.AttemptFirstFactor(s.ID, "password", factor.Proof{Password: "…"})
//	if s.Status == signin.Complete { … } // the cookies are set
//
// Between two pages nothing needs to be carried: at.SignIn("") is where the
// browser was.
//
// They belong to one request and one goroutine. Each call that changes
// something writes cookies to the answer, so it comes before the body. Refusals
// are *[Error], with the codes and fields that a form needs.
type Attempts struct {
	a *Auth
	w http.ResponseWriter
	r *http.Request
	b *engine.Browser
}

// Attempts finds the browser that sent r. A request from another site that
// could change something is refused: csrf_token_invalid.
func (a *Auth) Attempts(w http.ResponseWriter, r *http.Request) (*Attempts, error) {
	if !httpx.Safe(r.Method) {
		if err := a.site.Origins.Check(r); err != nil {
			return nil, fault.Wrap("csrf_token_invalid", "", err)
		}
	}
	b, err := a.site.Browser(a.engine, r)
	if err != nil {
		return nil, refusal(err)
	}
	return &Attempts{a: a, w: w, r: r, b: b}, nil
}

// A SignIn is a sign-in under way, as the person in front of the browser may
// see it.
type SignIn struct {
	ID         string
	Status     signin.Status
	Identifier string // as typed
	// FirstFactors and SecondFactors are the ways to go on. Their Target is
	// masked before a first factor has been shown, as the settings say.
	FirstFactors, SecondFactors []factor.Option
	// First and Second are the challenges under way; nil: none. A passkey is
	// asked for what is in Nonce, a provider for what is behind RedirectURL.
	First, Second *factor.Verification
	// SessionID is the session that a complete sign-in has started.
	SessionID string
	AbandonAt time.Time
}

// SignInParams start a sign-in.
type SignInParams struct {
	// Identifier is an e-mail address, phone number or username.
	Identifier string
	// Strategy is empty, or how to go on at once; one that says itself who it
	// is, as passkey, ticket or oauth_google, needs no Identifier.
	Strategy string
	// Password comes along, if it is known already.
	Password string
	// Proof is that of a Strategy that is not prepared first: a ticket.
	Proof factor.Proof
	// OrSignUp lets somebody whom nobody knows sign up with what was proved: see
	// [Attempts.TransferToSignUp].
	OrSignUp bool
	// RedirectURL is where the browser goes on after a link in a mail or a
	// provider: a path, or a URL on an allowed origin.
	RedirectURL string
}

// CreateSignIn starts a sign-in in place of the browser's former one.
func (at *Attempts) CreateSignIn(p SignInParams) (*SignIn, error) {
	if err := at.returnTo(p.RedirectURL); err != nil {
		return nil, err
	}
	in := engine.SignInParams{Identifier: p.Identifier, Strategy: p.Strategy, Proof: p.Proof, OrSignUp: p.OrSignUp}
	if p.Password != "" {
		in.Password = &p.Password
	}
	return at.signIn(at.a.engine.CreateSignIn(at.r.Context(), at.b, in))
}

// SignIn returns a sign-in of this browser; an empty id is the one under way.
// One that was mailed a link, or is away at a provider, goes on while nobody
// calls.
func (at *Attempts) SignIn(id string) (*SignIn, error) {
	if id == "" && at.b.Client != nil {
		id = at.b.Client.SignInID
	}
	return at.signIn(at.a.engine.SignIn(at.r.Context(), at.b, id))
}

// PrepareFirstFactor starts a challenge: sends a code or a link, or draws what
// a passkey or a provider is asked. An empty targetID is the primary address or
// number. redirectURL is as in [SignInParams], and else empty.
func (at *Attempts) PrepareFirstFactor(id, strategy, targetID, redirectURL string) (*SignIn, error) {
	return at.prepare(id, factor.First, strategy, targetID, redirectURL)
}

// PrepareSecondFactor is PrepareFirstFactor for the second factor, and for the
// code that a browser is asked for that the account does not know.
func (at *Attempts) PrepareSecondFactor(id, strategy, targetID string) (*SignIn, error) {
	return at.prepare(id, factor.Second, strategy, targetID, "")
}

func (at *Attempts) prepare(id string, use factor.Use, strategy, targetID, redirectURL string) (*SignIn, error) {
	if err := at.returnTo(redirectURL); err != nil {
		return nil, err
	}
	return at.signIn(at.a.engine.PrepareSignIn(at.r.Context(), at.b, id, use, strategy, targetID))
}

// AttemptFirstFactor judges a proof of the first factor. A wrong one is counted
// and refused.
func (at *Attempts) AttemptFirstFactor(id, strategy string, proof factor.Proof) (*SignIn, error) {
	return at.signIn(at.a.engine.AttemptSignIn(at.r.Context(), at.b, id, factor.First, strategy, proof))
}

// AttemptSecondFactor judges a proof of the second factor.
func (at *Attempts) AttemptSecondFactor(id, strategy string, proof factor.Proof) (*SignIn, error) {
	return at.signIn(at.a.engine.AttemptSignIn(at.r.Context(), at.b, id, factor.Second, strategy, proof))
}

// ResetPassword sets the password that a sign-in by a reset strategy asks for.
func (at *Attempts) ResetPassword(id, password string, signOutOfOthers bool) (*SignIn, error) {
	return at.signIn(at.a.engine.ResetSignInPassword(at.r.Context(), at.b, id, password, signOutOfOthers))
}

// TransferToSignIn signs in with what a sign-up has proved, if its account
// exists already.
func (at *Attempts) TransferToSignIn() (*SignIn, error) {
	return at.signIn(at.a.engine.TransferToSignIn(at.r.Context(), at.b))
}

func (at *Attempts) signIn(a *signin.Attempt, err error) (*SignIn, error) {
	if err := at.answer(err); err != nil {
		return nil, err
	}
	v, err := at.a.engine.ViewSignIn(at.r.Context(), a)
	if err != nil {
		return nil, refusal(err)
	}
	mask := func(options []factor.Option) (out []factor.Option) {
		for _, o := range options {
			o.Target = frontend.Safe(v, o.Target)
			out = append(out, o)
		}
		return out
	}
	return &SignIn{ID: a.ID, Status: a.StatusAt(v.Now), Identifier: a.Identifier, FirstFactors: mask(v.First), SecondFactors: mask(v.Second),
		First: shown(a.First), Second: shown(a.Second), SessionID: a.CreatedSessionID, AbandonAt: a.AbandonAt}, nil
}

// shown is a challenge without what it is compared with.
func shown(v *factor.Verification) *factor.Verification {
	if v == nil {
		return nil
	}
	c := *v
	c.Secret, c.Target = nil, ""
	return &c
}

// returnTo notes where the browser goes on after a proof that is given
// elsewhere.
func (at *Attempts) returnTo(raw string) (err error) {
	if raw == "" {
		return nil
	}
	at.b.ReturnTo, err = at.a.site.Redirects.Check(at.r, "redirect_url", raw)
	return refusal(err)
}

// answer writes the cookies that a call has changed, and returns its refusal.
// Somebody who has signed in gets a token, so that the host knows at once.
func (at *Attempts) answer(err error) error {
	h := at.w.Header()
	httpx.NoStore(h)
	b := at.b
	if !b.Changed && !b.Gone {
		at.a.site.WriteClient(h, b, false)
		return refusal(err)
	}
	_, tok, none := at.a.engine.Renew(at.r.Context(), b, "", engine.TokenParams{Origin: at.a.site.Origin(at.r)})
	at.a.site.WriteClient(h, b, none == nil)
	at.a.site.WriteSession(h, tok)
	b.Changed, b.Cookie = false, "" // they are written
	return refusal(err)
}
