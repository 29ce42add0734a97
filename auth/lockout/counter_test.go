package lockout_test

import (
	"errors"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/lockout"
)

var (
	at     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy = lockout.Policy{Max: 10, For: time.Hour, Codes: 5, CodesPer: 24 * time.Hour}
)

// hundred takes as many wrong tries of the password as put it out of use.
func hundred(c *lockout.Counter, known bool) {
	for i := range lockout.InARow {
		_ = c.Take(lockout.Try{Known: known, Password: true}, policy, at.Add(time.Duration(i/policy.Max)*policy.For))
	}
}

// TestAttack_C06_OutOfUse: what a hundred wrong tries put out of use stays that
// for whoever made them, after a lock, a link that unlocks and a sign-in by
// another way, until all is forgotten.
func TestAttack_C06_OutOfUse(t *testing.T) {
	late := at.Add(100 * time.Hour)
	for name, c := range map[string]struct {
		then func(c *lockout.Counter)
		off  bool
	}{
		"time":                        {func(*lockout.Counter) {}, true},
		"the link":                    {(*lockout.Counter).UnlockByLink, true},
		"a sign-in":                   {func(c *lockout.Counter) { c.Succeed(lockout.Try{Code: true}) }, true},
		"a sign-in of who is known":   {func(c *lockout.Counter) { c.Succeed(lockout.Try{Known: true, Code: true}) }, true},
		"a new password":              {(*lockout.Counter).Clear, false},
		"the last one was right":      {func(c *lockout.Counter) { c.Return(lockout.Try{Password: true}, policy) }, false},
		"the known one's last, right": {func(c *lockout.Counter) { c.Return(lockout.Try{Known: true, Password: true}, policy) }, true},
	} {
		counter := lockout.New("user_1")
		hundred(counter, false)
		c.then(counter)
		err := counter.Take(lockout.Try{Password: true}, policy, late)
		if off := errors.Is(err, lockout.ErrPasswordOff); off != c.off {
			t.Errorf("after %s: %v", name, err)
		}
	}
	both := lockout.New("user_1")
	hundred(both, true)
	both.UnlockByLink()
	if err := both.Take(lockout.Try{Known: true, Password: true}, policy, late); !errors.Is(err, lockout.ErrPasswordOff) {
		t.Errorf("where somebody is known: %v", err)
	}
}

// TestAttack_C07_Lanes: strangers and who is known take nothing from each other:
// neither tries nor codes nor the password.
func TestAttack_C07_Lanes(t *testing.T) {
	for _, known := range []bool{false, true} {
		c := lockout.New("user_1")
		hundred(c, known)
		if err := c.Take(lockout.Try{Known: !known, Password: true}, policy, at); err != nil {
			t.Errorf("known %v: %v", known, err)
		}
		for range policy.Codes {
			if err := c.Take(lockout.Try{Known: !known, Code: true}, policy, at); err != nil {
				t.Errorf("known %v: %v", known, err)
			}
		}
		if err := c.Take(lockout.Try{Known: !known, Code: true}, policy, at); !errors.As(err, new(*lockout.CodesError)) {
			t.Errorf("codes without end: %v", err)
		}
		if err := c.Take(lockout.Try{Known: known, Code: true}, policy, at.Add(100*time.Hour)); err != nil {
			t.Errorf("the other's codes: %v", err)
		}
	}
}
