package faults_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// withNetwork lets the tests say where their requests come from.
func withNetwork(c *auth.Config) {
	d := settings.Default().Limits
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	c.Settings.Limits = settings.Limits{NetworkFailures: d.NetworkFailures, PasswordFailures: d.PasswordFailures, InstanceFailures: d.InstanceFailures}
}

// tryFrom signs in from an address of the network.
func (v *visitor) tryFrom(addr, email, password string) *answer {
	h := http.Header{"Origin": {v.base}, "Content-Type": {"application/x-www-form-urlencoded"}, "X-Forwarded-For": {addr}}
	return v.do("POST", "/__clerk/v1/client/sign_ins", h, url.Values{"identifier": {email}, "password": {password}}.Encode())
}

// TestAttack_C04_Stuffing: a list of ten thousand accounts with a password each
// is tried from twenty networks. A thousand are judged, whether the accounts
// exist or not; then strangers must show to be people.
func TestAttack_C04_Stuffing(t *testing.T) {
	r := newRig(t, withNetwork, func(c *auth.Config) {
		c.Captcha = &captcha.Turnstile{SiteKey: "site", Secret: "secret", URL: "http://127.0.0.1:1"}
	})
	r.account(ada, good)
	own := r.visitor()
	own.signIn(ada, good)
	before := r.hasher.Pool.Stats().Done
	n := 10_000
	if testing.Short() || underRace {
		n = 4000
	}
	v := r.visitor()
	v.http.Jar = nil
	codes := map[string]int{}
	for i := range n {
		a := v.tryFrom(fmt.Sprintf("198.51.%d.%d", i%20, i%251), fmt.Sprintf("someone%d@example.com", i), fmt.Sprintf("their password %d", i))
		codes[a.code()]++
	}
	if n := r.hasher.Pool.Stats().Done - before; n > 1000 {
		t.Errorf("%d hashes: after a thousand wrong tries strangers must show to be people", n)
	}
	if codes["too_many_requests"]+codes["form_identifier_not_found"]+codes["requires_captcha"] != n || codes["form_identifier_not_found"] == 0 {
		t.Errorf("answers: %v", codes)
	}
	if codes["requires_captcha"] == 0 {
		t.Error("nobody was asked to be a person")
	}
	// A browser in which somebody has signed in before notices nothing, and right
	// passwords cost nothing.
	for range 150 {
		own.api("DELETE", "/client/sessions").ok()
		if a := own.tryFrom("203.0.113.7", ada, good); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	r.Clock.Advance(10 * time.Minute)
	if a := r.visitor().tryFrom("198.51.0.1", ada, good); a.status != 200 {
		t.Errorf("ten minutes later: %d %s", a.status, a.raw)
	}
}

// TestAttack_C04_OneNetwork: a network has a hundred wrong tries, whatever the
// accounts, and another one has its own.
func TestAttack_C04_OneNetwork(t *testing.T) {
	r := newRig(t, withNetwork)
	r.account(ada, good)
	v := r.visitor()
	v.http.Jar = nil
	judged := 0
	for i := range 300 {
		if a := v.tryFrom(fmt.Sprintf("198.51.100.%d", i%256), fmt.Sprintf("someone%d@example.com", i), fmt.Sprintf("their password %d", i)); a.status == 422 {
			judged++
		}
	}
	if judged != 100 {
		t.Errorf("%d tries were judged", judged)
	}
	r.visitor().tryFrom("198.51.100.9", ada, good).refused(429, "too_many_requests")
	r.visitor().tryFrom("198.51.101.9", ada, good).ok()
}

// TestAttack_C05_Spraying: one password is tried on many accounts from five
// thousand networks, a few times a network. After thirty accounts it is not
// judged any more, and other passwords are.
func TestAttack_C05_Spraying(t *testing.T) {
	r := newRig(t, withNetwork, func(c *auth.Config) { c.Settings.Limits.InstanceFailures = settings.Rate{} })
	u := r.account(ada, good)
	own := r.visitor()
	own.signIn(ada, good)
	own.api("DELETE", "/client/sessions").ok()
	before := r.hasher.Pool.Stats().Done
	v := r.visitor()
	v.http.Jar = nil
	n := 5000
	if testing.Short() || underRace {
		n = 1000
	}
	judged := 0
	for i := range n {
		spelling := "password of the year"
		if i%2 == 1 {
			spelling = "password of the\u2003year" // the same by the profile of passwords
		}
		a := v.tryFrom(fmt.Sprintf("2001:db8:%x::1", i), fmt.Sprintf("someone%d@example.com", i), spelling)
		if a.status == 422 {
			judged++
		} else if a.code() != "too_many_requests" {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	if n := int(r.hasher.Pool.Stats().Done - before); judged > 30 || n > 30 || judged == 0 {
		t.Errorf("%d accounts were tried, with %d hashes", judged, n)
	}
	if a := v.tryFrom("2001:db8:ffff::1", ada, good); a.status != 200 {
		t.Errorf("another password: %d %s", a.status, a.raw)
	}
	sprayed := "password of the year"
	// Somebody who has that very password gets in where the account is known.
	if _, err := r.Users().Update(t.Context(), u.ID, user.UpdateParams{Password: &sprayed, SkipPasswordChecks: true}); err != nil {
		t.Fatal(err)
	}
	own.signIn(ada, sprayed)
	r.visitor().tryFrom("203.0.113.9", ada, sprayed).refused(429, "too_many_requests")
	// Nothing of it is kept.
	for kind, records := range dump(t, r.Store) {
		for _, d := range records {
			if strings.Contains(string(d.Data), sprayed) {
				t.Errorf("a record of kind %s holds the password", kind)
			}
		}
	}
	r.Clock.Advance(2 * time.Hour)
	if a := v.tryFrom("2001:db8:1::1", ada, "password of the year"); a.status != 200 {
		t.Errorf("two hours later: %d %s", a.status, a.raw)
	}
}

// TestAttack_C20_HiddenInANetwork: moving about inside a /56 or a /48 buys
// nothing.
func TestAttack_C20_HiddenInANetwork(t *testing.T) {
	for name, c := range map[string]struct {
		addr string
		most int
	}{"a /56": {"2001:db8:1:2%02x::%x", 100}, "a /48": {"2001:db8:1:%x::%x", 400}} {
		r := newRig(t, withNetwork, func(c *auth.Config) { c.Settings.Limits.InstanceFailures = settings.Rate{} })
		v := r.visitor()
		v.http.Jar = nil
		judged := 0
		for i := range 1000 {
			first := i % 256
			if c.most > 100 {
				first = i * 65
			}
			if a := v.tryFrom(fmt.Sprintf(c.addr, first, i), fmt.Sprintf("someone%d@example.com", i), fmt.Sprintf("their password %d", i)); a.status == 422 {
				judged++
			}
		}
		if judged != c.most {
			t.Errorf("%s: %d tries were judged, not %d", name, judged, c.most)
		}
	}
}
