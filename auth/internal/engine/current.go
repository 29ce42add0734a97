package engine

import (
	"context"
	"slices"

	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
)

// currentOf picks, of the live sessions of a client, oldest first, the one that
// a browser acts with unless it names another: the one last active, else the
// newest, else nil. A client may name one that is over: a ban, a new password
// and a sign-out from elsewhere do not look for the clients of what they end.
func currentOf[S store.Object](live []S, lastActive string) (current S) {
	for _, s := range live {
		if current = s; s.StoreMeta().ID == lastActive {
			break
		}
	}
	return current
}

// currentSession is what currentOf picks of the sessions that b may know of, or
// store.ErrNotFound. Usually it costs the read of one session.
func (e *Engine) currentSession(ctx context.Context, b *Browser) (s *session.Session, err error) {
	if b.Client.LastActiveSessionID == "" { // there is one exactly if a session was live at the last sign-in or sign-out
		return nil, store.ErrNotFound
	}
	usable := func(s *session.Session) bool { return s.LiveAt(e.now()) && b.sees(s) }
	err = e.view(ctx, func(tx store.Tx) error {
		if s, err = e.getSession(ctx, tx, b.Client.LastActiveSessionID); missingAs(err, nil) != nil {
			return err
		}
		if err == nil && s.ClientID == b.Client.ID && usable(s) {
			return nil
		}
		ss, err := session.OfClient(ctx, tx, b.Client.ID)
		if err != nil {
			return err
		}
		ss = slices.DeleteFunc(ss, func(s *session.Session) bool { return !usable(s) })
		if s = currentOf(ss, b.Client.LastActiveSessionID); s == nil {
			return store.ErrNotFound
		}
		return e.settleSessions(ctx, tx, s)
	})
	return s, err
}
