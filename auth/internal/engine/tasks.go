package engine

import (
	"context"
	"slices"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// retask computes anew what the live sessions of u have to do. Who acts as the
// user has nothing to do for the user.
func (e *Engine) retask(ctx context.Context, t *txn, u *user.User) error {
	f, err := withSecrets(ctx, t, u)
	if err != nil {
		return err
	}
	ss, err := session.Live(ctx, t, u.ID, t.now)
	if err != nil {
		return err
	}
	env := signin.Env{Now: t.now, Settings: e.lastSettings(), Strategies: e.strategies, User: u, Password: f.password, Second: f.second}
	for _, s := range ss {
		tasks := e.chooseTask(s, signin.Tasks(env, s.SecondFactorAt))
		if len(s.Actor) > 0 || slices.Equal(tasks, s.Tasks) {
			continue
		}
		s.SetTasks(tasks, t.now)
		if err := session.Put(ctx, t, s); err != nil {
			return err
		}
	}
	return nil
}

// fulfil notes that the session keep has done a task. Sessions elsewhere that
// wait for the same have not, and cannot any more: they end.
func (e *Engine) fulfil(ctx context.Context, t *txn, u *user.User, keep, task string) error {
	ss, err := session.Live(ctx, t, u.ID, t.now)
	if err != nil {
		return err
	}
	for _, s := range ss {
		switch {
		case !slices.Contains(s.Tasks, task):
		case s.ID == keep:
			s.SetTasks(slices.DeleteFunc(s.Tasks, func(have string) bool { return have == task }), t.now)
			err = session.Put(ctx, t, s)
		default:
			err = t.end(ctx, session.Revoked, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showedSecond notes that the actor has just shown a second factor: setting one
// up takes showing it.
func (e *Engine) showedSecond(ctx context.Context, t *txn, a *Actor, u *user.User) error {
	s, err := session.Get(ctx, t, a.Session.ID)
	if err != nil {
		return err
	}
	s.SecondFactorAt, s.UpdatedAt = t.now, t.now
	if err := session.Put(ctx, t, s); err != nil {
		return err
	}
	return e.fulfil(ctx, t, u, s.ID, session.TaskSetupMFA)
}

// resetting reports whether the actor's session has to set a new password. The
// current one opens nothing then; what does is a factor shown since it became
// known to others.
func (e *Engine) resetting(ctx context.Context, a *Actor) (current *user.Password, err error) {
	if !slices.Contains(a.Session.Tasks, session.TaskResetPassword) {
		return nil, nil
	}
	err = e.view(ctx, func(tx store.Tx) (err error) {
		current, err = user.GetPassword(ctx, tx, a.User.ID)
		return err
	})
	if err == nil && a.Session.FirstFactorAt.Before(current.CompromisedAt) {
		err = fault.New("session_reverification_required", "")
	}
	return current, err
}
