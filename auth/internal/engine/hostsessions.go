package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// Sessions is what a host may do with every session and client.
type Sessions struct{ e *Engine }

// Sessions returns the host's view of all sessions.
func (e *Engine) Sessions() Sessions { return Sessions{e} }

// Get returns a session, or store.ErrNotFound.
func (ss Sessions) Get(ctx context.Context, id string) (*session.Session, error) {
	var s *session.Session
	err := ss.e.view(ctx, func(tx store.Tx) (err error) {
		s, err = ss.e.getSession(ctx, tx, id)
		return err
	})
	return s, err
}

// List returns sessions, newest first, and how many there are in all. A session
// that is over by time, or has to choose an organization again, has that status
// although nobody has written it down, but in a list by status alone, of
// everybody's, where the stored status counts.
func (ss Sessions) List(ctx context.Context, f session.Filter, offset, limit int) (list []*session.Session, total int, err error) {
	if f.Status != "" && (f.UserID != "" || f.ClientID != "") {
		return ss.listByStatus(ctx, f, offset, limit)
	}
	err = ss.e.view(ctx, func(tx store.Tx) (err error) {
		if list, total, err = session.List(ctx, tx, f, offset, limit); err != nil {
			return err
		}
		return ss.e.settleSessions(ctx, tx, list...)
	})
	return list, total, err
}

// listByStatus looks at every session of a user or client: they are few.
func (ss Sessions) listByStatus(ctx context.Context, f session.Filter, offset, limit int) (list []*session.Session, total int, err error) {
	status := f.Status
	f.Status = ""
	err = ss.e.view(ctx, func(tx store.Tx) (err error) {
		if list, _, err = session.List(ctx, tx, f, 0, 0); err != nil {
			return err
		}
		return ss.e.settleSessions(ctx, tx, list...)
	})
	now := ss.e.now()
	list = slices.DeleteFunc(list, func(s *session.Session) bool { return s.StatusAt(now) != status })
	total = len(list)
	list = list[min(offset, total):]
	if limit > 0 {
		list = list[:min(limit, len(list))]
	}
	return list, total, err
}

// Revoke ends a session wherever it is. One that is over is session.ErrOver.
func (ss Sessions) Revoke(ctx context.Context, id string) (*session.Session, error) {
	var s *session.Session
	err := ss.e.update(ctx, func(t *txn) (err error) {
		if s, err = session.Get(ctx, t, id); err != nil {
			return err
		}
		if !s.LiveAt(t.now) {
			return session.ErrOver
		}
		return t.end(ctx, session.Revoked, s)
	})
	return s, err
}

// RevokeUser ends every session and sign-in of a user and returns how many
// sessions that were. The user is written too, so that a sign-in that completes
// at the same moment does not slip through.
func (ss Sessions) RevokeUser(ctx context.Context, userID string) (n int, err error) {
	err = ss.e.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return err
		}
		if err := ss.e.shutOut(ctx, t, u); err != nil {
			return err
		}
		n = len(t.ended)
		return user.Touch(ctx, t, u)
	})
	return n, err
}

// Create makes a session for a user on a client of its own, for tests and
// tools: nobody has shown any factor, and none is asked for.
func (ss Sessions) Create(ctx context.Context, userID string) (*session.Session, error) {
	return ss.CreateIn(ctx, userID, "")
}

// CreateIn is Create for a session with an active organization, by ID or slug;
// empty leaves that to the sign-in. One that the user is not in is refused.
func (ss Sessions) CreateIn(ctx context.Context, userID, organizationID string) (s *session.Session, err error) {
	set := ss.e.Settings(ctx)
	if organizationID != "" && !set.Organizations.Enabled {
		return nil, fault.New("organization_not_enabled_in_instance", "")
	}
	err = ss.e.update(ctx, func(t *txn) error {
		u, err := user.Get(ctx, t, userID)
		if err != nil {
			return err
		}
		c := session.NewClient(t.now)
		c.Rotate(session.NewSecret(), t.now)
		if s, err = ss.e.startSession(ctx, t, c, u, nil, Request{}, set); err != nil {
			return err
		}
		if organizationID != "" {
			if s.LastActiveOrganizationID, err = joined(ctx, t, organizationID, userID); err != nil {
				return missingAs(err, fault.New("resource_not_found", "active_organization_id"))
			}
		}
		s.FirstFactorAt = time.Time{}
		s.SetTasks(ss.e.chooseTask(s, nil), t.now)
		if err := session.Put(ctx, t, s); err != nil {
			return err
		}
		return session.PutClient(ctx, t, c)
	})
	return s, err
}

// joined is the ID of an organization, named by ID or slug, that a user is in,
// or store.ErrNotFound.
func joined(ctx context.Context, tx store.Tx, idOrSlug, userID string) (string, error) {
	o, err := organization.Find(ctx, tx, idOrSlug)
	if err != nil {
		return "", err
	}
	_, err = organization.GetMembership(ctx, tx, o.ID, userID)
	return o.ID, err
}

// Token mints a token of a session, for a lifetime of 0 the usual one. A longer
// one is noted on the session and its organization first, so that their ends
// are remembered for as long; it ends with the session, at its maximum life or if it is not used.
func (ss Sessions) Token(ctx context.Context, id string, lifetime time.Duration) (string, error) {
	s, err := ss.Get(ctx, id)
	if err != nil {
		return "", err
	}
	if !s.LiveAt(ss.e.now()) || ss.e.revoked.has(s.ID) {
		return "", session.ErrOver
	}
	if lifetime <= 0 {
		return ss.e.mint(ctx, s, TokenParams{})
	}
	if lifetime > maxTokenLifetime {
		if s, err = ss.noteTokens(ctx, id, lifetime); err != nil {
			return "", err
		}
	}
	c := ss.e.claims(s, TokenParams{}, lifetime)
	active, err := ss.e.active(ctx, s, nil)
	if err != nil {
		return "", err
	}
	if err := active.put(&c); err != nil {
		return "", err
	}
	return ss.e.keys.issuer.Mint(ctx, c)
}

func (ss Sessions) noteTokens(ctx context.Context, id string, lifetime time.Duration) (s *session.Session, err error) {
	err = ss.e.update(ctx, func(t *txn) error {
		if s, err = ss.e.getSession(ctx, t, id); err != nil {
			return err
		}
		if !s.LiveAt(t.now) {
			return session.ErrOver
		}
		if until := ss.e.claims(s, TokenParams{}, lifetime).Expires; until.After(s.TokensUntil) {
			s.TokensUntil = until
		}
		if err := session.Put(ctx, t, s); err != nil || s.LastActiveOrganizationID == "" {
			return err
		}
		o, err := organization.Get(ctx, t, s.LastActiveOrganizationID)
		if err != nil {
			return missingAs(err, nil)
		}
		roles, err := organization.LoadRoles(ctx, t)
		if err != nil {
			return err
		}
		return organization.NoteTokens(ctx, t, o, roles, s.TokensUntil)
	})
	return s, err
}

// Client returns a client with its sessions, or store.ErrNotFound.
func (ss Sessions) Client(ctx context.Context, id string) (c *session.Client, on []*session.Session, err error) {
	err = ss.e.view(ctx, func(tx store.Tx) (err error) {
		if c, err = session.GetClient(ctx, tx, id); err != nil {
			return err
		}
		if on, err = session.OfClient(ctx, tx, id); err != nil {
			return err
		}
		return ss.e.settleSessions(ctx, tx, on...)
	})
	return c, on, err
}

// VerifyClient returns the client that a cookie value proves.
func (ss Sessions) VerifyClient(ctx context.Context, cookie string) (*session.Client, []*session.Session, error) {
	b, err := ss.e.Browser(ctx, []string{cookie}, Request{})
	if err != nil {
		return nil, nil, err
	}
	if b.Client == nil {
		return nil, nil, fault.New("cookie_invalid", "token")
	}
	return ss.Client(ctx, b.Client.ID)
}

// Claims returns what a token of s would say now, as JSON, for display.
func (ss Sessions) Claims(s *session.Session) (json.RawMessage, error) {
	return json.Marshal(ss.e.keys.issuer.Fill(ss.e.claims(s, TokenParams{}, time.Minute)))
}
