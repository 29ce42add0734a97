package engine

import (
	"context"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// MySessions lists the actor's live sessions on all devices.
func (e *Engine) MySessions(ctx context.Context, a *Actor) ([]*session.Session, error) {
	var ss []*session.Session
	err := e.view(ctx, func(tx store.Tx) (err error) {
		if ss, err = session.Live(ctx, tx, a.User.ID, e.now()); err != nil {
			return err
		}
		return e.settleSessions(ctx, tx, ss...)
	})
	return ss, err
}

// RevokeMySession ends a session of the actor's own, on any device.
func (e *Engine) RevokeMySession(ctx context.Context, a *Actor, id string) (*session.Session, error) {
	var s *session.Session
	err := e.act(ctx, a, func(t *txn, u *user.User) (err error) {
		s, err = session.Get(ctx, t, id)
		if err != nil {
			return missingAs(err, fault.New("resource_not_found", ""))
		}
		if s.UserID != u.ID {
			return fault.New("resource_not_found", "")
		}
		if !s.LiveAt(t.now) {
			return fault.New("invalid_action_for_session", "")
		}
		if err := t.end(ctx, session.Revoked, s); err != nil {
			return err
		}
		return errUnchanged
	})
	return s, err
}
