package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// An Actor is a user acting on the own account through a live session of a
// browser. There is no other way to get one than [Engine.Actor].
type Actor struct {
	Browser *Browser
	Session *session.Session
	User    *user.User
	// tasks are those of a pending session that it may do.
	tasks []string
}

// Actor finds who acts: the session with the given ID on the browser's client,
// or the current one if the ID is empty. Pending sessions and users who are
// banned or locked may not act.
func (e *Engine) Actor(ctx context.Context, b *Browser, sessionID string) (*Actor, error) {
	return e.ActorFor(ctx, b, sessionID)
}

// ActorFor is Actor for what is part of a task: a session that is pending
// because of one of tasks may act, too.
func (e *Engine) ActorFor(ctx context.Context, b *Browser, sessionID string, tasks ...string) (*Actor, error) {
	none := fault.New("authentication_invalid", "")
	if b.Client == nil {
		return nil, none
	}
	if sessionID == "" {
		s, err := e.currentSession(ctx, b)
		if err != nil {
			return nil, missingAs(err, none)
		}
		sessionID = s.ID
	}
	a := &Actor{Browser: b, tasks: tasks}
	err := e.view(ctx, func(tx store.Tx) (err error) {
		a.Session, a.User, err = e.actor(ctx, tx, b, sessionID, tasks)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (e *Engine) actor(ctx context.Context, tx store.Tx, b *Browser, sessionID string, tasks []string) (*session.Session, *user.User, error) {
	none := fault.New("authentication_invalid", "")
	s, err := e.getSession(ctx, tx, sessionID)
	if err != nil {
		return nil, nil, missingAs(err, none)
	}
	if s.ClientID != b.Client.ID || !mayAct(s, e.now(), tasks) || !b.sees(s) {
		return nil, nil, none
	}
	u, err := user.Get(ctx, tx, s.UserID)
	if err != nil {
		return nil, nil, missingAs(err, none)
	}
	if err := u.Refused(e.now()); err != nil {
		return nil, nil, fault.From(err)
	}
	return s, u, nil
}

// mayAct reports whether a session is active, or pending for one of tasks.
func mayAct(s *session.Session, now time.Time, tasks []string) bool {
	switch s.StatusAt(now) {
	case session.Active:
		return true
	case session.Pending:
		return slices.ContainsFunc(s.Tasks, func(task string) bool { return slices.Contains(tasks, task) })
	}
	return false
}

// actorFor reads the actor anew in a transaction.
func (e *Engine) actorFor(ctx context.Context, tx store.Tx, a *Actor) (*session.Session, *user.User, error) {
	return e.actor(ctx, tx, a.Browser, a.Session.ID, a.tasks)
}

// Impersonates reports whether somebody acts as the user.
func (a *Actor) Impersonates() bool { return len(a.Session.Actor) > 0 }

// ErrImpersonator is what is told of whatever only the user may do.
func ErrImpersonator() error {
	return fault.New("authorization_invalid", "").Say("This cannot be done while you act as another user.")
}

// act is edit of what only the user may change, and nobody who acts as the
// user: what they sign in with, what they are reached by, their devices. It is
// the one to use unless there is a reason. Who has a way to sign in keeps one.
func (e *Engine) act(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	if a.Impersonates() {
		return ErrImpersonator()
	}
	return e.edit(ctx, a, func(t *txn, u *user.User) error {
		s := e.lastSettings()
		opened := e.opens(u, s)
		if err := fn(t, u); err != nil {
			return err
		}
		if opened && !e.opens(u, s) {
			return fault.New("identification_deletion_failed", "").Say("This is your last way to sign in. Add another one first.")
		}
		return nil
	})
}

// edit runs fn with the actor's user as stored in the transaction, and stores
// the user. The session is checked again in there. Afterwards a.User is the
// new state.
func (e *Engine) edit(ctx context.Context, a *Actor, fn func(t *txn, u *user.User) error) error {
	if a.Browser.stale {
		return fault.New("conflict", "")
	}
	var after *user.User
	err := e.update(ctx, func(t *txn) error {
		_, u, err := e.actor(ctx, t, a.Browser, a.Session.ID, a.tasks)
		if err != nil {
			return err
		}
		version := u.Version
		after = u
		if err := fn(t, u); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		if u.Version != version {
			return nil // fn has stored it
		}
		return user.Put(ctx, t, u, t.now)
	})
	if err != nil {
		return err
	}
	a.User = after
	return nil
}
