package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

const day = 24 * time.Hour

// withAddr makes the hash pool fair between client addresses.
func withAddr(ctx context.Context, addr netip.Addr) context.Context {
	return password.WithFairness(ctx, limit.AddrKey(addr))
}

// allow counts a request of a client address against a rate.
func (e *Engine) allow(what string, addr netip.Addr, r settings.Rate) error {
	return spend(e.limits, what+" "+limit.AddrKey(addr), r)
}

// allowSignUp counts the beginning of a sign-up.
func (e *Engine) allowSignUp(b *Browser, s *settings.Settings) error {
	err := e.allow("create_sign_up", b.Addr, s.Limits.CreateSignUp)
	if err != nil {
		return fault.New("signup_rate_limit_exceeded", "").After(fault.From(err).RetryAfter)
	}
	return nil
}

// allowAccount counts a try on an account, whether there is one or not, from
// anywhere. What strangers try takes nothing from who is known.
func (e *Engine) allowAccount(identifier string, u *user.User, known bool, s *settings.Settings) error {
	key := "account " + accountKey(identifier, u)
	if known {
		key = "known " + key
	}
	return spend(e.limits, key, s.Limits.AttemptAccount)
}

// allowOwn counts what costs hashes and is done by who is signed in.
func (e *Engine) allowOwn(a *Actor, s *settings.Settings) error {
	return e.allowAccount("", a.User, true, s)
}

// allowUsername counts a username that somebody wants, apart from everything
// else: whether one is taken cannot be kept from who asks for it.
func (e *Engine) allowUsername(b *Browser, name *string, s *settings.Settings) error {
	if name == nil || *name == "" {
		return nil
	}
	return e.allow("username", b.Addr, s.Limits.CreateSignUp)
}

// countCode counts a try of a code for an address that is nobody's yet, from
// anywhere and by whatever road. A right one gives nothing back: an owner's own
// tries must not buy a guesser more.
func (e *Engine) countCode(ctx context.Context, address string, s *settings.Settings) error {
	p := lockoutPolicy(s)
	p.Max = 0 // nobody is locked out of what is nobody's
	sl, err := e.take(ctx, e.counterID(address, nil), false, lockout.Try{Code: true}, p)
	sl.done()
	return err
}

func accountKey(identifier string, u *user.User) string {
	if u != nil {
		return u.ID
	}
	_, value := user.Classify(identifier)
	h := sha256.Sum256([]byte(value))
	return hex.EncodeToString(h[:16])
}

// allowSend counts a mail to an address, and refuses numbers that get no text
// message; those are counted where they are sent. known: the browser is one of
// the receiver's.
func (e *Engine) allowSend(address string, s *settings.Settings, known bool) error {
	if address == "" || factor.TestIdentifier(s, address) {
		return nil
	}
	if strings.HasPrefix(address, "+") {
		return e.allowSMS(address, s)
	}
	return e.allowMail(address, s, known)
}

// allowMail counts a mail to an address. What strangers ask for takes nothing
// from what its owner does in a browser that is known.
func (e *Engine) allowMail(address string, s *settings.Settings, known bool) error {
	key, err := user.CanonicalEmail(address)
	if err != nil {
		return nil // it is refused elsewhere
	}
	if known {
		key = "known " + key
	}
	return spend(e.mails, key, s.Limits.Mail)
}

func spend(l *limit.Limiter, key string, r settings.Rate) error {
	if r.Count <= 0 {
		return nil
	}
	ok, wait := l.Allow(key, limit.Rule{Burst: r.Count, Per: r.Per}, 1)
	if ok {
		return nil
	}
	return fault.New("too_many_requests", "").After(max(wait, time.Second))
}
