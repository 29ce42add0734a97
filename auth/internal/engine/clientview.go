package engine

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A ClientView is all that a browser is told about itself.
type ClientView struct {
	Client   *session.Client
	Sessions []*SessionView
	SignIn   *SignInView // nil: none under way
	SignUp   *SignUpView // nil: none under way
	Now      time.Time
}

// Live lists the sessions that are active or pending.
func (v *ClientView) Live() []*SessionView {
	var live []*SessionView
	for _, s := range v.Sessions {
		if s.LiveAt(v.Now) {
			live = append(live, s)
		}
	}
	return live
}

// Current is the session that the browser acts with unless it names another:
// the one last active, or the newest live one if that is over. nil: nobody is
// signed in.
func (v *ClientView) Current() *SessionView { return currentOf(v.Live(), v.Client.LastActiveSessionID) }

// A SignInView is a sign-in with what can be done next.
type SignInView struct {
	*signin.Attempt
	User          *user.User // who it speaks of, for the picture and name
	First, Second []factor.Option
	Settings      *settings.Settings
	Now           time.Time
}

// A SignUpView is a sign-up with what can be done next.
type SignUpView struct {
	*signup.Attempt
	Settings   *settings.Settings
	Strategies factor.Set
	Now        time.Time
}

// ViewSignIn adds to a sign-in what a person can do next.
func (e *Engine) ViewSignIn(ctx context.Context, a *signin.Attempt) (*SignInView, error) {
	var v *SignInView
	err := e.view(ctx, func(tx store.Tx) (err error) {
		v, err = e.viewSignIn(ctx, tx, a)
		return err
	})
	return v, err
}

func (e *Engine) viewSignIn(ctx context.Context, tx store.Tx, a *signin.Attempt) (*SignInView, error) {
	v := &SignInView{Attempt: a, Settings: e.Settings(ctx), Now: e.now()}
	if a.Status == signin.Complete {
		return v, nil
	}
	facts, err := e.factsFor(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	v.User = facts.user
	env := signin.Env{Now: v.Now, Settings: v.Settings, Strategies: e.strategies, User: facts.user, Password: facts.password, Second: facts.second, Mask: facts.mask}
	if a.UserID != "" || a.Masked {
		v.First = a.SupportedFirst(env)
		if !a.Veiled() { // whoever has a second factor has an account
			v.Second = a.SupportedSecond(env)
		}
	}
	return v, nil
}

// ViewSignUp adds to a sign-up what a person can do next.
func (e *Engine) ViewSignUp(ctx context.Context, a *signup.Attempt) *SignUpView {
	return &SignUpView{Attempt: a, Settings: e.Settings(ctx), Strategies: e.strategies, Now: e.now()}
}

// View reads all that the browser is told about itself; nil for a stranger.
func (e *Engine) View(ctx context.Context, b *Browser) (*ClientView, error) {
	if b.Client == nil {
		return nil, nil
	}
	if v := b.view; v != nil {
		b.view = nil
		s := v.Sessions[0]
		return v, e.view(ctx, func(tx store.Tx) (err error) {
			s.Memberships, err = e.listedMemberships(ctx, tx, s.User, s.LastActiveOrganizationID)
			return err
		})
	}
	v := &ClientView{Now: e.now()}
	set := e.Settings(ctx)
	err := e.view(ctx, func(tx store.Tx) (err error) {
		v.Sessions, v.SignIn, v.SignUp = nil, nil, nil
		if v.Client, err = session.GetClient(ctx, tx, b.Client.ID); err != nil {
			return err
		}
		ss, err := session.OfClient(ctx, tx, v.Client.ID)
		if err != nil {
			return err
		}
		if err := e.settleSessions(ctx, tx, ss...); err != nil {
			return err
		}
		us, err := usersOf(ctx, tx, ss)
		if err != nil {
			return err
		}
		for _, s := range ss {
			if u := us[s.UserID]; u != nil && b.sees(s) {
				ms, err := e.listedMemberships(ctx, tx, u, s.LastActiveOrganizationID)
				if err != nil {
					return err
				}
				v.Sessions = append(v.Sessions, &SessionView{Session: s, User: u, Memberships: ms})
			}
		}
		if id := v.Client.SignInID; id != "" {
			a, err := signin.Get(ctx, tx, id)
			if err == nil && a.StatusAt(v.Now) != signin.Abandoned {
				v.SignIn, err = e.viewSignIn(ctx, tx, a)
			}
			if missingAs(err, nil) != nil {
				return err
			}
		}
		if id := v.Client.SignUpID; id != "" {
			a, err := signup.Get(ctx, tx, id)
			if err == nil && a.StatusAt(v.Now) != signup.Abandoned {
				v.SignUp = &SignUpView{Attempt: a, Settings: set, Strategies: e.strategies, Now: v.Now}
			}
			if missingAs(err, nil) != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, missingAs(err, nil)
	}
	return v, nil
}

// LastToken mints the token that comes along with a client, so that a browser
// need not ask for it: of the session last active.
func (e *Engine) LastToken(ctx context.Context, s *SessionView, origin string) (string, error) {
	if !s.LiveAt(e.now()) {
		return "", nil
	}
	return e.mint(ctx, s.Session, TokenParams{Origin: origin})
}
