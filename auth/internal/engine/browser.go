package engine

import (
	"context"
	"errors"
	"net/netip"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/session/useragent"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A Request is what is known of where a request comes from.
type Request struct {
	Addr      netip.Addr
	UserAgent string
	Origin    string // empty: none was sent
	// Site is the origin of the instance as this browser sees it; empty: the one
	// of Config.AppURL. Links in mails lead there.
	Site string
	// ReturnTo is where the browser goes on after a proof that is given
	// elsewhere: checked, or empty.
	ReturnTo string
	Away     Away
	// known: the browser is one in which the receiver of what is sent has signed
	// in before.
	known bool
}

// A Browser is who sends a request: a client of the instance, or a stranger.
// It serves one request.
type Browser struct {
	Request
	// Client is the client as last read or written; nil is a stranger.
	Client *session.Client
	// Cookie is the new value of the client's cookie; empty: it stays.
	Cookie string
	// Gone: the client is no more, its cookie is to be deleted.
	Gone bool
	// Changed: somebody has signed in or out on this client.
	Changed bool
	// Tested: an automated test of the host's sends the request.
	Tested bool
	// stale: the secret was the previous one, in its grace. The request may
	// read and get tokens, and change nothing.
	stale  bool
	secret []byte
	// view is what View would read, if the change just made tells it.
	view *ClientView
}

// Browser finds the client that one of the cookie values proves. Values that
// prove nothing are passed over: duplicates come from parent domains. Two that
// prove different clients prove none.
func (e *Engine) Browser(ctx context.Context, cookies []string, r Request) (*Browser, error) {
	b := &Browser{Request: r}
	var reused *session.Client
	seen := map[string]bool{}
	for _, value := range cookies {
		id, secret, ok := session.ParseCookie(value)
		if !ok || seen[value] || len(seen) >= 4 {
			continue
		}
		seen[value] = true
		var c *session.Client
		err := e.view(ctx, func(tx store.Tx) (err error) {
			c, err = session.GetClient(ctx, tx, id)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		current, err := c.Check(secret, e.now())
		switch {
		case errors.Is(err, session.ErrClientReused):
			reused = c
			continue
		case err != nil || !e.now().Before(c.Expires):
			continue
		}
		if b.Client != nil && b.Client.ID != c.ID {
			e.log.WarnContext(ctx, "two client cookies that both hold: neither is believed",
				"client", b.Client.ID, "other", c.ID, "addr", r.Addr)
			return &Browser{Request: r}, nil
		}
		if b.Client == nil || current {
			b.Client, b.stale, b.secret = c, !current, secret
		}
	}
	if b.Client == nil && reused != nil {
		return b, e.endReused(ctx, b, reused.ID)
	}
	return b, nil
}

// endReused ends a client whose old secret came back: somebody has copied it.
func (e *Engine) endReused(ctx context.Context, b *Browser, clientID string) error {
	e.log.WarnContext(ctx, "an old client secret was used again: the client is ended", "client", clientID, "addr", b.Addr)
	b.Gone = true
	err := e.update(ctx, func(t *txn) error {
		c, err := session.GetClient(ctx, t, clientID)
		if err != nil {
			return missingAs(err, nil)
		}
		ss, err := session.OfClient(ctx, t, c.ID)
		if err != nil {
			return err
		}
		if err := e.tellCopied(ctx, t, ss, b.Request); err != nil {
			return err
		}
		if err := t.end(ctx, session.Revoked, ss...); err != nil {
			return err
		}
		return session.DeleteClient(ctx, t, c)
	})
	return err
}

// tellCopied tells the users of live sessions that their browser was copied.
func (e *Engine) tellCopied(ctx context.Context, t *txn, ss []*session.Session, by Request) error {
	told := map[string]bool{}
	for _, s := range ss {
		if !s.LiveAt(t.now) || told[s.UserID] || len(s.Actor) > 0 {
			continue
		}
		told[s.UserID] = true
		u, err := user.Get(ctx, t, s.UserID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = e.notifyOf(ctx, t, u, notify.BrowserCopied, by, notify.Data{}) // no link: nothing of this request is to be trusted
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reload reads b's client anew in t and checks that b may change it.
func (b *Browser) reload(ctx context.Context, t *txn) (*session.Client, error) {
	if b.Client == nil {
		return nil, fault.New("client_not_found", "")
	}
	if b.stale {
		return nil, fault.New("conflict", "")
	}
	c, err := session.GetClient(ctx, t, b.Client.ID)
	if err != nil {
		return nil, missingAs(err, fault.New("signed_out", ""))
	}
	if b.secret == nil { // made by this very request
		return c, nil
	}
	if current, err := c.Check(b.secret, t.now); err != nil || !current {
		// A parallel request has rotated the secret since this one began.
		return nil, fault.New("conflict", "")
	}
	return c, nil
}

// change runs fn with b's client inside one transaction and stores the client.
// A stranger becomes a client if make is set. What b says of the client is
// right afterwards.
func (e *Engine) change(ctx context.Context, b *Browser, make bool, fn func(t *txn, c *session.Client, rotate func()) error) error {
	fresh, secret := session.NewSecret(), session.NewSecret()
	var (
		client  *session.Client
		cookie  string
		changed bool
		last    *txn
	)
	err := e.update(ctx, func(t *txn) (err error) {
		cookie, changed, last = "", false, t
		if b.Client == nil && make {
			client = session.NewClient(t.now)
			cookie = client.Rotate(fresh, t.now)
		} else if client, err = b.reload(ctx, t); err != nil {
			return err
		}
		rotate := func() {
			cookie, changed = client.Rotate(secret, t.now), true
			client.ChangedAt = t.now
		}
		if err := fn(t, client, rotate); err != nil {
			return err
		}
		if client.RotateDue {
			rotate()
		}
		client.UpdatedAt = t.now
		return session.PutClient(ctx, t, client)
	})
	if err != nil {
		return err
	}
	b.Client, b.view = client, nil
	b.Changed = b.Changed || changed
	if s := last.started; s != nil && client.SignInID == "" && client.SignUpID == "" {
		b.view = &ClientView{Client: client, Sessions: []*SessionView{s}, Now: last.now}
	}
	if cookie != "" {
		b.Cookie, b.stale = cookie, false
		_, b.secret, _ = session.ParseCookie(cookie)
	}
	return nil
}

// CreateClient makes a stranger a client, so many from one address; a client
// stays what it is.
func (e *Engine) CreateClient(ctx context.Context, b *Browser) error {
	if b.Client != nil {
		return nil
	}
	if err := e.allow("create_client", b.Addr, e.Settings(ctx).Limits.CreateClient); err != nil {
		return err
	}
	return e.change(ctx, b, true, func(*txn, *session.Client, func()) error { return nil })
}

// TakeSecret gives the browser the new secret of its client, if one is due.
func (e *Engine) TakeSecret(ctx context.Context, b *Browser) error {
	if b.Client == nil || b.stale || !b.Client.RotateDue {
		return nil
	}
	return e.change(ctx, b, false, func(*txn, *session.Client, func()) error { return nil })
}

// sees reports whether b may know of a session on its client. A secret in its
// grace does not show what came with its replacement: whoever planted it before
// a sign-in would be signed in with it.
func (b *Browser) sees(s *session.Session) bool {
	return !b.stale || s.CreatedAt.Before(b.Client.RotatedAt)
}

// activity describes the device behind a request.
func (r Request) activity() session.Activity {
	a := useragent.Parse(r.UserAgent)
	act := session.Activity{DeviceType: a.DeviceType, IsMobile: a.IsMobile, BrowserName: a.BrowserName, BrowserVersion: a.BrowserVersion}
	if r.Addr.IsValid() {
		act.IPAddress = r.Addr.String()
	}
	return act
}

// liveOnClient lists the sessions that are live on a client, oldest first.
func liveOnClient(ctx context.Context, t *txn, clientID string) ([]*session.Session, error) {
	ss, err := session.OfClient(ctx, t, clientID)
	if err != nil {
		return nil, err
	}
	live := ss[:0]
	for _, s := range ss {
		if s.LiveAt(t.now) {
			live = append(live, s)
		}
	}
	return live, nil
}
