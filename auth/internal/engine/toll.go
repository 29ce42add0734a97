package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/internal/limit"
	"github.com/usherauth/usher/auth/lockout"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user/password"
)

// A toll is what a try of a stranger takes from budgets that many accounts
// share, before it is judged. A right one gets it back, so that only wrong
// tries count, and many at once are counted too.
type toll struct {
	l    *limit.Limiter
	paid []budget
}

type budget struct {
	key  string
	rule limit.Rule
}

func (t *toll) pay(key string, rule limit.Rule) (ok bool, wait time.Duration) {
	if ok, wait = t.l.Allow(key, rule, 1); ok {
		t.paid = append(t.paid, budget{key, rule})
	}
	return ok, wait
}

// back gives back all that was paid.
func (t *toll) back() {
	if t == nil {
		return
	}
	for _, b := range t.paid {
		t.l.Return(b.key, b.rule, 1)
	}
	t.paid = nil
}

const (
	networkRule  = "network failures"
	passwordRule = "password failures"
	oncePerRule  = "password tried on account"
	instanceRule = "instance failures"
)

func rule(name string, r settings.Rate, times int) limit.Rule {
	return limit.Rule{Name: name, Burst: r.Count * times, Per: r.Per}
}

// payToll counts a try by where it comes from, and by the password that is
// tried. Who is known pays nothing: an owner is not held back for what
// strangers do nearby.
func (e *Engine) payToll(b *Browser, s *settings.Settings, try lockout.Try, account, tried string) (*toll, error) {
	if try.Known {
		return nil, nil
	}
	t := &toll{l: e.limits}
	for i, key := range limit.NetworkKeys(b.Addr) {
		times := 1
		if i > 0 {
			times = 4
		}
		if ok, wait := t.pay(key, rule(networkRule, s.Limits.NetworkFailures, times)); !ok {
			t.back()
			return nil, fault.New("too_many_requests", "").After(max(wait, time.Second))
		}
	}
	plain, err := password.Normalize(tried, s.Password.MaxLength)
	if r := s.Limits.PasswordFailures; try.Password && r.Count > 0 && err == nil { // what is no password is judged for free
		key := e.sprayed.key(plain, r.Per, e.now())
		// The same password on the same account again tells nothing new.
		if first, _ := t.pay(key+account, limit.Rule{Name: oncePerRule, Burst: 1, Per: r.Per}); first {
			if ok, wait := t.pay(key, rule(passwordRule, r, 1)); !ok {
				t.back()
				return nil, fault.New("too_many_requests", "").After(max(wait, time.Second))
			}
		}
	}
	t.pay(instanceRule, rule(instanceRule, s.Limits.InstanceFailures, 1))
	return t, nil
}

// underAttack reports whether there have been so many wrong tries lately that
// strangers must show to be people.
func (e *Engine) underAttack(s *settings.Settings) bool {
	return e.limits.Empty(instanceRule, rule(instanceRule, s.Limits.InstanceFailures, 1))
}

// sprayed makes the keys that passwords which were tried are counted by. They
// are hashes under a key of this process that is thrown away with each window:
// what is left of them in memory then stands for nothing.
type sprayed struct {
	mu    sync.Mutex
	value []byte
	until time.Time
}

func (k *sprayed) key(plain string, window time.Duration, now time.Time) string {
	k.mu.Lock()
	if k.value == nil || !now.Before(k.until) {
		k.value, k.until = random(32), now.Add(window)
	}
	m := hmac.New(sha256.New, k.value)
	k.mu.Unlock()
	m.Write([]byte(plain))
	return string(m.Sum(nil))
}
