package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A SessionView is a session with the user it stands for.
type SessionView struct {
	*session.Session
	User *user.User
	// Memberships are those that come along with the user.
	Memberships []*MembershipView
}

// Organization is the session's last one, if the user is in it still.
func (v *SessionView) Organization() string {
	for _, m := range v.Memberships {
		if m.OrganizationID == v.LastActiveOrganizationID {
			return m.OrganizationID
		}
	}
	return ""
}

// TouchParams say what a touch changes besides the time.
type TouchParams struct {
	// Organization is the one to be active, by ID or slug; nil leaves it, empty
	// is none.
	Organization *string
	// Select makes the session the client's active one.
	Select bool
}

// TouchSession notes that a session is used and, if asked, makes it the one
// last active on its client.
func (e *Engine) TouchSession(ctx context.Context, b *Browser, id string, p TouchParams) (*SessionView, error) {
	s, err := e.ownSession(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if !s.LiveAt(e.now()) {
		return nil, fault.New("invalid_action_for_session", "")
	}
	if !b.stale {
		if err := e.enrollUser(ctx, s.UserID); err != nil {
			return nil, err
		}
	}
	if !b.stale && p.Organization != nil {
		id, err := e.activate(ctx, s, *p.Organization)
		if err != nil {
			return nil, err
		}
		if s, err = e.setActive(ctx, s, id); err != nil {
			return nil, err
		}
	}
	if !b.stale { // a request that was under way during a sign-in changes nothing
		if p.Select && (b.Client.LastActiveSessionID != id || b.Client.RotateDue) {
			err = e.change(ctx, b, false, func(t *txn, c *session.Client, _ func()) error {
				c.LastActiveSessionID = id
				return nil
			})
			if err != nil && !errors.Is(err, fault.New("conflict", "")) {
				return nil, err
			}
		}
		if s, err = e.touch(ctx, s, b.Request); err != nil {
			return nil, err
		}
	}
	return e.sessionView(ctx, s)
}

// Session returns a session of the browser's client.
func (e *Engine) Session(ctx context.Context, b *Browser, id string) (*SessionView, error) {
	s, err := e.ownSession(ctx, b, id)
	if err != nil {
		return nil, err
	}
	return e.sessionView(ctx, s)
}

func (e *Engine) sessionView(ctx context.Context, s *session.Session) (*SessionView, error) {
	v := &SessionView{Session: s}
	err := e.view(ctx, func(tx store.Tx) (err error) {
		v.User, err = user.Get(ctx, tx, s.UserID)
		if missingAs(err, nil) != nil {
			return err
		}
		v.Memberships, err = e.listedMemberships(ctx, tx, v.User, s.LastActiveOrganizationID)
		return err
	})
	return v, err
}

// EndSession signs out of one session of the browser's client: Ended keeps it
// in the list, Removed does not.
func (e *Engine) EndSession(ctx context.Context, b *Browser, id string, status session.Status) (*SessionView, error) {
	var s *session.Session
	err := e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) (err error) {
		s, err = session.Get(ctx, t, id)
		if err != nil {
			return missingAs(err, fault.New("resource_not_found", ""))
		}
		if s.ClientID != c.ID || s.Status == session.Removed {
			return fault.New("resource_not_found", "")
		}
		return e.endOn(ctx, t, c, rotate, status, s)
	})
	if err != nil {
		return nil, err
	}
	return e.sessionView(ctx, s)
}

// EndAllSessions signs out of every session of the browser's client and
// returns those that this took off it.
func (e *Engine) EndAllSessions(ctx context.Context, b *Browser) ([]*SessionView, error) {
	if b.Client == nil {
		return nil, nil
	}
	var ss []*session.Session
	err := e.change(ctx, b, false, func(t *txn, c *session.Client, rotate func()) (err error) {
		if ss, err = session.OfClient(ctx, t, c.ID); err != nil {
			return err
		}
		// What is over by itself or was replaced cannot be ended once more.
		ss = slices.DeleteFunc(ss, func(s *session.Session) bool { return !s.LiveAt(t.now) && s.Status != session.Ended })
		c.SignInID, c.SignUpID = "", ""
		return e.endOn(ctx, t, c, rotate, session.Removed, ss...)
	})
	if err != nil {
		return nil, err
	}
	return e.withUsers(ctx, ss)
}

// endOn ends sessions of client c and picks the next active one.
func (e *Engine) endOn(ctx context.Context, t *txn, c *session.Client, rotate func(), status session.Status, ss ...*session.Session) error {
	for _, s := range ss {
		live := s.LiveAt(t.now)
		if err := s.End(status, t.now); err != nil {
			if errors.Is(err, session.ErrOver) && s.Status == status {
				continue
			}
			return fault.From(err)
		}
		if err := session.Put(ctx, t, s); err != nil {
			return err
		}
		if live {
			t.ended = append(t.ended, s)
		}
	}
	live, err := liveOnClient(ctx, t, c.ID)
	if err != nil {
		return err
	}
	next := currentOf(live, c.LastActiveSessionID)
	c.LastActiveSessionID = ""
	if next != nil {
		c.LastActiveSessionID = next.ID
	}
	rotate()
	return nil
}

// DeleteClient signs out of everything and forgets the browser.
func (e *Engine) DeleteClient(ctx context.Context, b *Browser) error {
	if b.Client == nil {
		return nil
	}
	err := e.update(ctx, func(t *txn) error {
		c, err := b.reload(ctx, t)
		if err != nil {
			return err
		}
		ss, err := session.OfClient(ctx, t, c.ID)
		if err != nil {
			return err
		}
		if err := t.end(ctx, session.Removed, ss...); err != nil {
			return err
		}
		return session.DeleteClient(ctx, t, c)
	})
	if err != nil {
		return err
	}
	b.Client, b.Gone, b.Changed, b.Cookie = nil, true, true, ""
	return nil
}

func (e *Engine) withUsers(ctx context.Context, ss []*session.Session) ([]*SessionView, error) {
	views := make([]*SessionView, len(ss))
	err := e.view(ctx, func(tx store.Tx) error {
		us, err := usersOf(ctx, tx, ss)
		if err != nil {
			return err
		}
		for i, s := range ss {
			views[i] = &SessionView{Session: s, User: us[s.UserID]}
			if views[i].Memberships, err = e.listedMemberships(ctx, tx, views[i].User, s.LastActiveOrganizationID); err != nil {
				return err
			}
		}
		return nil
	})
	return views, err
}

// usersOf reads the users of sessions, by ID.
func usersOf(ctx context.Context, tx store.Tx, ss []*session.Session) (map[string]*user.User, error) {
	var ids []string
	for _, s := range ss {
		if !slices.Contains(ids, s.UserID) {
			ids = append(ids, s.UserID)
		}
	}
	us, err := user.GetAll(ctx, tx, ids...)
	byID := make(map[string]*user.User, len(us))
	for _, u := range us {
		byID[u.ID] = u
	}
	return byID, err
}
