package engine

import (
	"context"

	"github.com/usherauth/usher/session"
)

// showedSecond notes that the actor has just shown a second factor: setting one
// up takes showing it.
func (e *Engine) showedSecond(ctx context.Context, t *txn, a *Actor) error {
	s, err := session.Get(ctx, t, a.Session.ID)
	if err != nil {
		return err
	}
	s.SecondFactorAt, s.UpdatedAt = t.now, t.now
	return session.Put(ctx, t, s)
}
