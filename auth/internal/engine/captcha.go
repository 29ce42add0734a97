package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
)

// spentWork is a challenge of a proof of work that was used, until it would
// have expired.
type spentWork struct {
	store.Meta
	GoodUntil time.Time `json:"good_until"`
}

var (
	workKind = &store.Kind{Name: "captcha_work"}
	workTab  = store.Table[spentWork, *spentWork]{Kind: workKind}
)

func (s *spentWork) StoreEntries() []store.Entry { return nil }

// newWork returns the instance's own proof of work.
func (e *Engine) newWork() *captcha.Work {
	return &captcha.Work{Key: e.secrets.code, Now: e.now, Spend: func(ctx context.Context, id string, until time.Time) error {
		err := e.store.Update(ctx, func(tx store.Tx) error {
			return workTab.Put(ctx, tx, &spentWork{store.Meta{ID: id, Expires: until}, until})
		})
		if errors.Is(err, store.ErrConflict) {
			return captcha.ErrSpent
		}
		return err
	}}
}

// Captcha is what browsers are told of the check that they are no programs.
func (e *Engine) Captcha() captcha.Public { return e.captcha().Public() }

func (e *Engine) captcha() captcha.Verifier {
	if e.cfg.Captcha != nil {
		return e.cfg.Captcha
	}
	return e.work
}

// Work is a new challenge of the instance's own proof of work, and how many
// zero bits the answer must have.
func (e *Engine) Work() (challenge string, bits int, expires time.Time) {
	challenge, expires = e.work.Challenge()
	return challenge, e.work.Difficulty(), expires
}

// proveHuman judges a token. That of a proof of work is good beside another
// verifier only where own says that it comes from usher's own pages, which have
// no scripts of strangers.
func (e *Engine) proveHuman(ctx context.Context, b *Browser, token string, own bool) error {
	if token == "" {
		return fault.New("captcha_missing_token", "")
	}
	v := e.captcha()
	if own {
		v = e.work
	}
	switch err := v.Verify(ctx, token, b.Addr); {
	case errors.Is(err, captcha.ErrUnavailable):
		e.log.ErrorContext(ctx, "captcha: nobody could tell", "err", err)
		return fault.Wrap("service_unavailable", "", err)
	case err != nil:
		return fault.Wrap("captcha_invalid", "", err)
	}
	return nil
}

// humanFor is how long a browser is believed once it has shown that a person
// uses it.
const humanFor = time.Hour

// human reports whether b need not show again that a person uses it.
func (e *Engine) human(b *Browser) bool {
	return b.Tested || b.Client != nil && e.now().Before(b.Client.HumanUntil)
}

// ProveHuman notes, for an hour, that a person uses the browser.
func (e *Engine) ProveHuman(ctx context.Context, b *Browser, token string, own bool) error {
	if err := e.allow("create_client", b.Addr, e.Settings(ctx).Limits.CreateClient); err != nil {
		return err
	}
	if err := e.proveHuman(ctx, b, token, own); err != nil {
		return err
	}
	return e.change(ctx, b, true, func(t *txn, c *session.Client, _ func()) error {
		c.HumanUntil = t.now.Add(humanFor)
		return nil
	})
}

// NeedsCaptcha reports whether a sign-in of b is refused until ProveHuman:
// where the settings ask for it, and, if the host has a verifier, while there
// are so many wrong tries that somebody must be going through a list: then not
// for a browser in which somebody has signed in before.
func (e *Engine) NeedsCaptcha(b *Browser, s *settings.Settings) bool {
	known := b.Client != nil && len(b.Client.Familiars) > 0
	listed := e.cfg.Captcha != nil && e.underAttack(s) && !known
	return (s.Captcha.SignIn || listed) && !e.human(b)
}

// TestingTokenLifetime is how long a testing token is good for.
const TestingTokenLifetime = time.Hour

// TestingToken returns a token that spares automated tests the check that they
// are no programs, and when it expires. It is for instances on a loopback
// address only.
func (e *Engine) TestingToken() (token string, expires time.Time, err error) {
	if !e.cfg.Local {
		return "", time.Time{}, fault.New("request_invalid_for_environment", "")
	}
	expires = e.now().Add(TestingTokenLifetime).Truncate(time.Second)
	return e.signTesting(expires.Unix()), expires, nil
}

func (e *Engine) signTesting(expires int64) string {
	at := strconv.FormatInt(expires, 10)
	m := hmac.New(sha256.New, e.secrets.code)
	m.Write([]byte("testing token\x00" + at))
	return at + "-c_" + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// CheckTestingToken reports whether token is a testing token of this instance.
func (e *Engine) CheckTestingToken(token string) bool {
	at, _, ok := strings.Cut(token, "-")
	expires, err := strconv.ParseInt(at, 10, 64)
	return ok && err == nil && e.cfg.Local && e.now().Unix() < expires && hmac.Equal([]byte(token), []byte(e.signTesting(expires)))
}
