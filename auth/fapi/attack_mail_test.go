package fapi_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
)

// mailCapped caps mails, and lets tests say where browsers are.
func mailCapped(caps settings.MailCaps) func(*setup) {
	return func(c *setup) {
		c.settings.Limits.DailyMails = caps
		c.site.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.settings.EmailAddress.Strategies = []string{"email_code", "email_link"}
	}
}

// at is a browser at a client address.
func (r *rig) at(addr string) *browser {
	b := r.browser()
	b.header.Set("X-Forwarded-For", addr)
	return b
}

// signUpAt asks at a client address for a code for a mail address.
func (r *rig) signUpAt(addr, email string) *answer {
	r.t.Helper()
	b := r.at(addr)
	id := b.post("/v1/client/sign_ups", "email_address", email, "password", good).ok().str("response.id")
	return b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
}

// One mailbox gets so many mails a day that strangers ask for, whatever the
// road, the browser, the address and the instance they come by. A restart
// forgives nothing, the day after does.
func TestAttack_L09_DailyMails(t *testing.T) {
	caps := settings.MailCaps{PerTarget: 5}
	st := memory.New()
	keep := func(c *setup) { c.store = st }
	r := newRig(t, mailCapped(caps), keep)
	two := newRig(t, mailCapped(caps), keep)
	r.browser().signUp(bob, good) // one mail to bob, of another mailbox
	own := r.browser()
	own.signUp(ada, good) // the first to ada
	before := r.countMails()

	roads := []func(r *rig) *answer{
		func(r *rig) *answer {
			return r.at("203.0.113.1").post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code")
		},
		func(r *rig) *answer {
			b := r.at("203.0.113.2")
			return b.post(begin(b, ada, func(*answer) {})+"/prepare_first_factor", "strategy", "reset_password_email_code")
		},
		func(r *rig) *answer {
			b := r.at("2001:db8::3")
			return b.post(begin(b, ada, func(*answer) {})+"/prepare_first_factor", "strategy", "email_link", "redirect_url", r.server.URL+"/")
		},
		func(r *rig) *answer { return r.signUpAt("203.0.113.4", "ada+tag@example.com") },
	}
	for i, road := range roads {
		road([]*rig{r, two}[i%2]).ok()
	}
	for i, road := range roads {
		a := road([]*rig{two, r}[i%2])
		a.refused(429, "too_many_requests")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("road %d does not say when to come again", i)
		}
	}
	if n := r.countMails() + two.countMails() - before; n != len(roads) {
		t.Errorf("%d mails", n)
	}
	r.signUpAt("203.0.113.1", "carl@example.com").ok() // others still get theirs
	r.countMails()
	if !strings.Contains(r.log.String()+two.log.String(), "the cap of the day is reached") {
		t.Error("nobody is told of the cap")
	}

	again := newRig(t, mailCapped(caps), keep)
	again.now = r.Now()
	again.advance(2 * time.Hour)
	for _, road := range roads {
		road(again).refused(429, "too_many_requests")
	}
	// What happens to the account is told nevertheless.
	own.post("/v1/me/change_password", "current_password", good, "new_password", better).ok()
	if m := r.lastMail(); m.To != ada || m.Slug != notify.PasswordChanged {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	again.advance(24 * time.Hour)
	roads[0](again).ok()
	for _, rec := range strings.Split(dumpOf(t, st, "mail_tally"), "\n") {
		if strings.Contains(rec, "ada@") || strings.Contains(rec, "203.0.113") { // "ada" alone may be hexadecimal
			t.Errorf("a count names whom it counts: %s", rec)
		}
	}
	if dumpOf(t, st, "mail_tally") == "" {
		t.Error("no counts in the store")
	}
}

// TestAttack_L09_OwnerIsNotShutOut: strangers who use up what a mailbox gets, in
// an hour or a day, do not keep its owner from getting a code in a browser that
// has signed in before. That has a cap as well.
func TestAttack_L09_OwnerIsNotShutOut(t *testing.T) {
	for name, limit := range map[string]func(*settings.Limits){
		"day":  func(l *settings.Limits) { l.DailyMails = settings.MailCaps{PerTarget: 5} },
		"hour": func(l *settings.Limits) { l.Mail = settings.Rate{Count: 5, Per: time.Hour} },
	} {
		for _, protection := range []string{settings.EnumerationOff, settings.EnumerationStrict} {
			r := newRig(t, mailCapped(settings.MailCaps{}), func(c *setup) {
				limit(&c.settings.Limits)
				c.settings.Protection.Enumeration = protection
			})
			own := r.browser()
			own.signUp(ada, good)
			own.post("/v1/client/sessions/" + own.client().str("response.last_active_session_id") + "/end").ok()
			ask := func(b *browser) *answer {
				return b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code")
			}
			for refused, i := false, 0; !refused; i++ {
				if i > 5 {
					t.Fatalf("%s: strangers may ask without end", name)
				}
				refused = ask(r.at("203.0.113.1")).status == 429
			}
			for range 2 {
				r.countMails() // delivers what was sent before
				a := ask(own).ok()
				own.post(signInPath(a)+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "complete")
				own.post("/v1/client/sessions/" + own.client().str("response.last_active_session_id") + "/end").ok()
			}
			ask(r.browser()).refused(429, "too_many_requests")
			for range 3 {
				ask(own).ok()
			}
			ask(own).refused(429, "too_many_requests")
		}
	}
}

// One client address and one instance cause so many mails a day, whoever gets
// them; the count is exact when many ask at once.
func TestAttack_L09_MailsOfOneSource(t *testing.T) {
	r := newRig(t, mailCapped(settings.MailCaps{PerAddress: 2}))
	r.signUpAt("2001:db8::1", "a@example.com").ok()
	r.signUpAt("2001:db8::2", "b@example.com").ok()
	r.signUpAt("2001:db8::3", "c@example.com").refused(429, "too_many_requests") // one /64
	r.signUpAt("2001:db8:0:1::1", "c@example.com").ok()

	const many, most = 12, 5
	race := newRig(t, mailCapped(settings.MailCaps{PerInstance: most}))
	done := make(chan bool)
	for i := range many {
		go func() {
			done <- race.signUpAt(fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("somebody%d@example.com", i)).status == 200
		}()
	}
	sent := 0
	for range many {
		if <-done {
			sent++
		}
	}
	if n := race.countMails(); sent != most || n != most {
		t.Errorf("%d were told yes, %d mails", sent, n)
	}

	// The waitlist sends mails to whom a stranger names, too, and does not tell
	// by its refusals who is on it.
	list := newRig(t, mailCapped(settings.MailCaps{PerTarget: 1}), mode(settings.Waitlist))
	if _, err := list.e.Waitlist().Create(t.Context(), engine.WaitlistParams{EmailAddress: ada, Quiet: true}); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{ada, bob} {
		list.at("203.0.113.1").post("/v1/waitlist", "email_address", who).ok()
		list.at("203.0.113.2").post("/v1/waitlist", "email_address", who).refused(429, "too_many_requests")
	}

	none := memory.New()
	free := newRig(t, mailCapped(settings.MailCaps{}), func(c *setup) { c.store = none })
	for i := range 6 {
		free.signUpAt("203.0.113.1", fmt.Sprintf("ada+%d@example.com", i)).ok()
	}
	if dumpOf(t, none, "mail_tally") != "" {
		t.Error("counted although there is no cap")
	}
}

// Where nobody may find out who has an account, the caps tell nothing either:
// they are reached alike, with and without notices to unknown addresses.
func TestAttack_L09_CapsTellNothing(t *testing.T) {
	for _, notices := range []bool{true, false} {
		p := newProbe(t, mailCapped(settings.MailCaps{PerTarget: 3}), func(c *setup) {
			c.settings.Mails.SignInAttemptUnknown, c.settings.Mails.SignUpAttemptExisting = notices, notices
		})
		if err := accounts["password"](p, ada); err != nil {
			t.Fatal(err)
		}
		ask := map[string]func(address string) *answer{
			"sign-in": func(address string) *answer {
				return p.at("203.0.113.1").post("/v1/client/sign_ins", "identifier", address, "strategy", "email_code")
			},
			"sign-up": func(address string) *answer { return p.signUpAt("203.0.113.1", address) },
		}
		for what, ask := range ask {
			var got [2][]int
			for i, address := range []string{ada, "nobody@example.com"} {
				for range 5 {
					got[i] = append(got[i], ask(address).status)
				}
			}
			if !slices.Equal(got[0], got[1]) || got[0][2] != 200 || got[0][3] != 429 {
				t.Errorf("notices %v, %s: known %d, unknown %d", notices, what, got[0], got[1])
			}
			p.advance(24 * time.Hour)
		}
	}
}
