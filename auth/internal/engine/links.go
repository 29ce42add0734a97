package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// A LinkPurpose is what a mailed link does when it is opened.
type LinkPurpose string

// The purposes of links. Each link has one.
const (
	LinkForSignIn  LinkPurpose = "sign_in"
	LinkForSignUp  LinkPurpose = "sign_up"
	LinkForAddress LinkPurpose = "address"
	LinkForDevice  LinkPurpose = "device" // ends a session
)

// A link is a mailed link: what its token opens, and where it was asked for.
// The ID is the token's hash. It says nothing of what is granted: the attempt
// decides that, when the link is used.
type link struct {
	store.Meta
	Purpose LinkPurpose `json:"purpose"`
	// Target is the attempt, the address or the session that it is about.
	Target string `json:"target"`
	// VerificationID is the challenge that it proves; empty for a device.
	VerificationID string `json:"verification_id,omitempty"`
	// ClientID and SessionID are where it was asked for. Links about an address
	// are good as long as the session is.
	ClientID  string `json:"client_id,omitempty"`
	SessionID string `json:"session_id,omitempty"`
	ReturnTo  string `json:"return_to,omitempty"`
	// Addr and UserAgent are those of the request that asked for it.
	Addr      netip.Addr `json:"addr,omitzero"`
	UserAgent string     `json:"user_agent,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	GoodUntil time.Time  `json:"good_until"`
	UsedAt    time.Time  `json:"used_at,omitzero"`
}

var (
	linkKind = &store.Kind{Name: "link", Sealed: true}
	linkTab  = store.Table[link, *link]{Kind: linkKind}
)

func (l *link) StoreEntries() []store.Entry { return nil }

// linkID is where the link with a token is kept.
func linkID(token string) string {
	h := sha256.Sum256([]byte("link " + token))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

func (l *link) request() Request { return Request{Addr: l.Addr, UserAgent: l.UserAgent} }

// putLink keeps l under its token.
func (e *Engine) putLink(ctx context.Context, t *txn, token string, l link, by Request) error {
	l.ID, l.CreatedAt, l.Expires = linkID(token), t.now, l.GoodUntil.Add(day) // until then it can say that it has expired
	l.Addr, l.UserAgent, l.ReturnTo = by.Addr, by.UserAgent, by.ReturnTo
	return linkTab.Put(ctx, t, &l)
}

// siteURL makes an absolute URL of where something is on the site: a path alone
// is below the origin by which by's browser calls it.
func (e *Engine) siteURL(by Request, at string) string {
	if !strings.HasPrefix(at, "/") {
		return at
	}
	if by.Site != "" {
		return by.Site + at
	}
	return e.cfg.AppURL + at
}

// linkMails are the mails that carry links, by purpose.
var linkMails = map[LinkPurpose]string{LinkForSignIn: notify.LinkSignIn, LinkForSignUp: notify.LinkSignUp, LinkForAddress: notify.LinkProfile}

// sendChallenge puts into the outbox what a challenge sends. about is what a
// link would open, if the challenge is one.
func (e *Engine) sendChallenge(ctx context.Context, t *txn, s factor.Send, about link, by Request) error {
	if s.Away != nil {
		return e.putFlow(ctx, t, flow{Purpose: about.Purpose, Target: about.Target, ClientID: about.ClientID}, s, by)
	}
	if s.SMS {
		if err := e.countSMS(ctx, t, s.To, by, e.lastSettings(), true); err != nil {
			return err
		}
	} else if err := e.countMail(ctx, t, s.To, by); err != nil {
		return err
	}
	if s.Token == "" {
		return e.enqueue(ctx, t, codeMail(s, by, t.now))
	}
	about.VerificationID, about.GoodUntil = s.VerificationID, s.ExpireAt
	if err := e.putLink(ctx, t, s.Token, about, by); err != nil {
		return err
	}
	m := codeMail(s, by, t.now)
	m.Slug, m.Data.ActionURL = linkMails[about.Purpose], e.siteURL(by, e.cfg.FrontendURL+"/v1/verify?token="+s.Token)
	return e.enqueue(ctx, t, m)
}

// revokeFor is how long the link in the mail of a new device is good for.
const revokeFor = 7 * day

// tellNewDevice tells a user of a session in a browser that had none of theirs
// before, with a link that ends it. Nothing but a browser makes one: what tools
// make is not told.
func (e *Engine) tellNewDevice(ctx context.Context, t *txn, u *user.User, sessionID string, by Request) error {
	if !by.Addr.IsValid() || !e.lastSettings().Mails.NewDeviceSignIn || len(u.VerifiedEmailAddresses()) == 0 {
		return nil
	}
	token := base64.RawURLEncoding.EncodeToString(random(32))
	d := notify.Data{ActionURL: e.pageURL(by, "/link", url.Values{"token": {token}})}
	if d.ActionURL != "" {
		l := link{Purpose: LinkForDevice, Target: sessionID, GoodUntil: t.now.Add(revokeFor)}
		by.ReturnTo = "" // the page itself says how it went
		if err := e.putLink(ctx, t, token, l, by); err != nil {
			return err
		}
	}
	return e.notifyOf(ctx, t, u, notify.NewDeviceSignIn, by, d)
}

// prepare has a strategy draw a challenge. One that is proved elsewhere needs
// to know where the browser goes on then.
func (e *Engine) prepare(ctx context.Context, b *Browser, st factor.Strategy, c factor.Challenge) (factor.Prepared, error) {
	if st.Traits().Elsewhere && b.ReturnTo == "" {
		return factor.Prepared{}, fault.New("form_conditional_param_missing", "redirect_url")
	}
	if s, ok := st.(factor.Social); ok {
		c.Away = e.awayRequest(b.Request, s.Provider())
	}
	return st.Prepare(ctx, c)
}

// given refuses a strategy whose proof comes in no form.
func given(st factor.Strategy) error {
	if st.Traits().Elsewhere {
		return fault.New("verification_strategy_invalid", "strategy")
	}
	return nil
}

// A LinkView is what can be told of a link before it is used. Nothing is
// written to find it out.
type LinkView struct {
	Purpose  LinkPurpose
	ReturnTo string
	// Here: it was asked for in this very browser.
	Here bool
	// Refused is why it cannot be used here; nil if it can.
	Refused error
	// From is who asked for it; for a device, the device.
	From notify.Source
}

// Link looks at a link without using it: mail scanners, prefetches and people
// in another browser get no further by opening one.
func (e *Engine) Link(ctx context.Context, b *Browser, token string) (*LinkView, error) {
	var l *link
	err := e.view(ctx, func(tx store.Tx) (err error) {
		l, err = getLink(ctx, tx, token)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &LinkView{Purpose: l.Purpose, ReturnTo: l.ReturnTo, Here: l.here(b), Refused: l.refused(b, e.Settings(ctx).Protection.LinkSameClient, e.now()),
		From: requestedFrom(l.request(), l.CreatedAt)}, nil
}

func getLink(ctx context.Context, tx store.Tx, token string) (*link, error) {
	invalid := fault.New("verification_link_token_invalid", "token")
	if len(token) != 43 {
		return nil, invalid
	}
	l, err := linkTab.Get(ctx, tx, linkID(token))
	return l, missingAs(err, invalid)
}

func (l *link) here(b *Browser) bool {
	return b.Client != nil && l.ClientID != "" && b.Client.ID == l.ClientID
}

// refused says why l cannot be used by b, as far as l itself knows.
func (l *link) refused(b *Browser, sameClient bool, now time.Time) error {
	switch {
	case !l.UsedAt.IsZero():
		return fault.New("verification_already_verified", "")
	case !now.Before(l.GoodUntil):
		return fault.New("verification_link_token_expired", "token")
	case l.Purpose == LinkForDevice || l.here(b) || !sameClient:
		return nil
	case l.Purpose == LinkForSignUp:
		return fault.New("sign_up_email_link_not_same_client", "")
	}
	return fault.New("sign_in_email_link_not_same_client", "")
}

// A UsedLink is what came of a link.
type UsedLink struct {
	Purpose  LinkPurpose
	ReturnTo string
	Here     bool
	// SessionID is the session that it has started, on the client on which it
	// was asked for; empty: none yet.
	SessionID string
	// Refused is why nothing came of it.
	Refused error
}

// UseLink proves what a link proves, once. What follows happens to the browser
// in which it was asked for, whoever opens it. A refusal is told in the result;
// the error is that of a link nobody knows, or of the store.
func (e *Engine) UseLink(ctx context.Context, b *Browser, token string) (*UsedLink, error) {
	if err := e.allow("use_link", b.Addr, e.Settings(ctx).Limits.AttemptSignIn); err != nil {
		return nil, err
	}
	v, err := e.Link(ctx, b, token)
	if err != nil {
		return nil, err
	}
	out := &UsedLink{Purpose: v.Purpose, ReturnTo: v.ReturnTo, Here: v.Here, Refused: v.Refused}
	if out.Refused != nil {
		return out, nil
	}
	u := linkUse{e: e, b: b, token: token, settings: e.Settings(ctx), out: out}
	switch v.Purpose {
	case LinkForSignIn:
		err = u.onClient(ctx, u.signIn)
	case LinkForSignUp:
		err = u.onClient(ctx, u.signUp)
	case LinkForAddress:
		err = e.update(ctx, func(t *txn) error { return u.address(ctx, t) })
	case LinkForDevice:
		err = e.update(ctx, func(t *txn) error { return u.device(ctx, t) })
	}
	if d, ok := errors.AsType[*store.DuplicateError](err); ok && d.Index == "email" {
		out.Refused, err = fault.Wrap("identification_claimed", "", err), nil // somebody else was faster
	}
	if f := fault.From(err); err != nil && f.Status() < 500 && f.Code != "conflict" {
		out.Refused, err = err, nil
	}
	return out, err
}

// AfterLink is where the browser goes on, with what came of the link in the
// query as Clerk's clients read it.
func AfterLink(l *UsedLink) string {
	u, err := url.Parse(l.ReturnTo) // it was checked
	if err != nil {
		return "/"
	}
	q := u.Query()
	q.Set("__clerk_status", LinkStatus(l.Refused))
	q.Del("__clerk_created_session")
	if l.Refused == nil && l.SessionID != "" {
		q.Set("__clerk_created_session", l.SessionID)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// LinkStatus is the value of __clerk_status that tells what came of a link.
func LinkStatus(refused error) string {
	if refused == nil {
		return "verified"
	}
	switch fault.From(refused).Code {
	case "verification_link_token_expired", "verification_expired":
		return "expired"
	case "sign_in_email_link_not_same_client", "sign_up_email_link_not_same_client":
		return "client_mismatch"
	case "sign_up_if_missing_transfer":
		return "transferable"
	}
	return "failed"
}
