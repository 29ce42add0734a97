package engine

import (
	"context"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/user"
)

// DeleteSelf deletes the actor's account and all that hangs on it, see
// [Users.Delete].
func (e *Engine) DeleteSelf(ctx context.Context, a *Actor) error {
	if a.Impersonates() {
		return ErrImpersonator()
	}
	if !e.Settings(ctx).DeleteSelf || a.User.DeleteSelfDisabled {
		return fault.New("user_delete_self_not_enabled", "")
	}
	if a.Browser.stale {
		return fault.New("conflict", "")
	}
	err := e.change(ctx, a.Browser, false, func(t *txn, c *session.Client, rotate func()) error {
		_, u, err := e.actor(ctx, t, a.Browser, a.Session.ID, a.tasks)
		if err != nil {
			return err
		}
		if u.DeleteSelfDisabled {
			return fault.New("user_delete_self_not_enabled", "")
		}
		if err := e.leaveAll(ctx, t, u.ID, true); err != nil {
			return err
		}
		if err := e.deleteUser(ctx, t, u, session.Removed); err != nil {
			return err
		}
		return e.endOn(ctx, t, c, rotate, session.Removed)
	})
	return err
}

// deleteUser removes u with password, picture, attempts and codes under way.
// The sessions end; as records without the user they can be read for 30 days.
func (e *Engine) deleteUser(ctx context.Context, t *txn, u *user.User, status session.Status) error {
	if err := e.endUser(ctx, t, u.ID, "", status); err != nil {
		return err
	}
	if err := voidAttempts(ctx, t, u.ID, ""); err != nil {
		return err
	}
	if err := ticket.RevokeOf(ctx, t, u.ID, t.now); err != nil {
		return err
	}
	if err := dropVerifications(ctx, t, u.ID); err != nil {
		return err
	}
	if err := e.leaveAll(ctx, t, u.ID, false); err != nil {
		return err
	}
	if err := lockout.Delete(ctx, t, u.ID); err != nil {
		return err
	}
	for i := range u.ExternalAccounts {
		if err := e.dropTokens(ctx, t, &u.ExternalAccounts[i]); err != nil {
			return err
		}
	}
	return user.Delete(ctx, t, u)
}
