package auth

import (
	"context"
	"time"

	"github.com/usherauth/usher/token"
)

// An Identity is who is asking. The zero value is nobody.
type Identity struct {
	// UserID and SessionID are empty for nobody.
	UserID, SessionID string
	// Claims are all that the token says; nil for nobody. They are shared: do
	// not change them.
	Claims *token.Claims
	// Err is why a request that brought something is nobody's, such as
	// token.ErrExpired; nil if it brought nothing. It is for logs. An error that
	// is store.ErrUnavailable means that nobody could tell.
	Err error
	// probe, if not nil, collects what rules name instead of their being asked.
	probe *named
}

// SignedIn reports whether somebody is asking.
func (id *Identity) SignedIn() bool { return id.UserID != "" }

// Has reports whether id is somebody and keeps every rule.
func (id *Identity) Has(rules ...Rule) bool { return id.check(rules) == nil }

// ActorID is who acts as the user, empty if it is the user.
func (id *Identity) ActorID() string {
	if id.Claims == nil {
		return ""
	}
	return id.Claims.ActorID()
}

// FactorAge is how long ago the person showed a first and a second factor, in
// whole minutes when the token was made; negative is never.
func (id *Identity) FactorAge() (first, second time.Duration) {
	if id.Claims == nil || id.Claims.FactorAge == nil {
		return -1, -1
	}
	age := func(m int) time.Duration { return time.Duration(m) * time.Minute }
	return age(id.Claims.FactorAge.First), age(id.Claims.FactorAge.Second)
}

func (id *Identity) check(rules []Rule) error {
	if !id.SignedIn() {
		return errSignedOut
	}
	for _, rule := range rules {
		if err := rule(id); err != nil {
			return err
		}
	}
	return nil
}

// A Rule decides whether somebody who is signed in may pass: nil is yes. An
// *[Error] or *[StaleError] decides what the refusal looks like; any other error
// is shown as authorization_invalid, and only logs and the host see the text.
type Rule func(*Identity) error

type identityKey struct{}

// identified is a context that says who is asking.
type identified struct {
	context.Context
	by *Auth // the instance that knows; nil: the host, who speaks for all
	id Identity
}

func (c *identified) Value(key any) any {
	if key == (identityKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// From returns who is asking. It is never nil: without [Auth.Middleware], or
// for somebody who is not signed in, it is the zero Identity.
func From(ctx context.Context) *Identity {
	if c, ok := ctx.Value(identityKey{}).(*identified); ok {
		return &c.id
	}
	return &Identity{}
}

// NewContext returns a context that says id is asking: for tests of handlers,
// and for hosts with a way of their own to know. Every instance believes it.
// What id says now counts; nil is nobody.
func NewContext(ctx context.Context, id *Identity) context.Context {
	if id == nil {
		id = &Identity{}
	}
	return &identified{ctx, nil, *id}
}
