package fapi_test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// named are the identifiers besides mail addresses: one that somebody has, one
// that nobody has, and what a stranger does with either. The two end alike, as
// masks leave their ends.
var named = map[string]struct {
	taken, free string
	user        user.CreateParams
	stories     map[string]story
}{
	"phone number": {
		"+14155552671", "+14155562671", user.CreateParams{PhoneNumbers: []string{"+14155552671"}, Password: good},
		map[string]story{
			"names it": func(_ *probe, b *browser, number string, say func(*answer)) {
				p := begin(b, number, say)
				say(b.get(p))
				say(b.get("/v1/client"))
			},
			"guesses passwords": func(_ *probe, b *browser, number string, say func(*answer)) {
				for range 12 {
					say(b.post("/v1/client/sign_ins", "identifier", number, "password", "wrong guess"))
				}
			},
			"guesses codes": func(p *probe, b *browser, number string, say func(*answer)) {
				a := b.post("/v1/client/sign_ins", "identifier", number, "strategy", "phone_code")
				say(a)
				at := signInPath(a)
				for range 6 {
					say(b.post(at+"/attempt_first_factor", "strategy", "phone_code", "code", "x00000"))
				}
				say(b.post(at+"/prepare_first_factor", "strategy", "phone_code")) // too soon
				p.advance(time.Minute)
				say(b.post(at+"/prepare_first_factor", "strategy", "phone_code"))
			},
			"goes for a reset": func(_ *probe, b *browser, number string, say func(*answer)) {
				say(b.post("/v1/client/sign_ins", "identifier", number, "strategy", "reset_password_phone_code"))
			},
			"signs up": func(p *probe, b *browser, number string, say func(*answer)) {
				a := b.post("/v1/client/sign_ups", "phone_number", number, "password", "a new password 1")
				say(a)
				at := signUpPath(a)
				say(b.post(at+"/prepare_verification", "strategy", "phone_code"))
				for range 6 {
					say(b.post(at+"/attempt_verification", "strategy", "phone_code", "code", "x00000"))
				}
				say(b.get(at))
			},
			"signs in or up": func(_ *probe, b *browser, number string, say func(*answer)) {
				a := b.post("/v1/client/sign_ins", "identifier", number, "sign_up_if_missing", "true", "strategy", "phone_code")
				say(a)
				for range 6 {
					say(b.post(signInPath(a)+"/attempt_first_factor", "strategy", "phone_code", "code", "x00000"))
				}
				say(b.post("/v1/client/sign_ups", "transfer", "true"))
			},
			"adds it to an account": func(_ *probe, b *browser, number string, say func(*answer)) {
				b.signIn("mallory@example.com", good)
				a := b.post("/v1/me/phone_numbers", "phone_number", number)
				say(a)
				at := "/v1/me/phone_numbers/" + a.str("response.id")
				say(b.post(at+"/prepare_verification", "strategy", "phone_code"))
				say(b.post(at+"/attempt_verification", "code", "x00000"))
				say(b.delete(at))
			},
		},
	},
	"username": {
		"nina_lee", "nora_lee", user.CreateParams{Username: "nina_lee", Password: good},
		map[string]story{
			"names it": func(_ *probe, b *browser, name string, say func(*answer)) {
				p := begin(b, name, say)
				say(b.get(p))
				for _, strategy := range []string{"phone_code", "email_code", "reset_password_email_code", "reset_password_phone_code"} {
					say(b.post(p+"/prepare_first_factor", "strategy", strategy))
				}
			},
			"guesses passwords": func(_ *probe, b *browser, name string, say func(*answer)) {
				for range 12 {
					say(b.post("/v1/client/sign_ins", "identifier", name, "password", "wrong guess"))
				}
			},
		},
	},
}

// What answers a stranger gets for a number or a username, and what they cost,
// are the same whether somebody has it; but for usernames at sign-up, which
// cannot be had twice.
func TestAttack_C01_C17_NumbersAndUsernames(t *testing.T) {
	sent := regexp.MustCompile(`, \d+ mails$`) // nobody's number gets no message: no stranger sees
	for what, n := range named {
		for name, s := range n.stories {
			t.Run(what+"/"+name, func(t *testing.T) {
				run := func(identifier string) (seen, cost []string) {
					p := newProbe(t, phones)
					for _, u := range []user.CreateParams{n.user, {EmailAddresses: []string{"mallory@example.com"}, Password: good}} {
						if _, err := p.e.Users().Create(context.Background(), u); err != nil {
							t.Fatal(err)
						}
					}
					p.advance(time.Minute)
					seen, cost = p.tell(s, identifier)
					for i := range cost {
						cost[i] = sent.ReplaceAllString(cost[i], "")
					}
					return seen, cost
				}
				seen, cost := run(n.free)
				known, paid := run(n.taken)
				compare(t, what, seen, known)
				compare(t, what, cost, paid)
			})
		}
	}
}

// With bulk protection a network is told a few times whether somebody has an
// identifier, of whatever kind and by whatever road, and then nothing: known
// and unknown are refused alike. Others are told still.
func TestAttack_C01_C17_Bulk(t *testing.T) {
	roads := map[string]func(b *browser, identifier string) *answer{
		"sign-in": func(b *browser, identifier string) *answer {
			return b.post("/v1/client/sign_ins", "identifier", identifier)
		},
		"sign-up": func(b *browser, identifier string) *answer {
			kind, _ := user.Classify(identifier)
			field := map[string]string{"email": "email_address", "phone": "phone_number"}[kind]
			if field == "" {
				field = "username"
			}
			return b.post("/v1/client/sign_ups", field, identifier)
		},
	}
	tells := map[string]string{"sign-in": "form_identifier_not_found", "sign-up": "form_identifier_exists"}
	for name, ask := range roads {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, phones, func(c *setup) {
				c.settings.Protection.Enumeration = settings.EnumerationBulk
				c.settings.Limits.NetworkLookups = settings.Rate{Count: 3, Per: time.Hour}
				c.site.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			})
			taken := []string{ada, adasPhone, "ada_l"}
			free := []string{bob, bobsPhone, "bob_b"}
			if _, err := r.e.Users().Create(t.Context(), user.CreateParams{EmailAddresses: taken[:1], PhoneNumbers: taken[1:2], Username: taken[2], Password: good}); err != nil {
				t.Fatal(err)
			}
			told, quiet := free, taken // what the refusal tells something of
			if name == "sign-up" {
				told, quiet = taken, free
			}
			for i := range 5 { // who goes on without learning anything is not counted
				ask(r.at(fmt.Sprintf("203.0.113.%d", i)), quiet[i%3]).ok()
			}
			for i, identifier := range told {
				ask(r.at(fmt.Sprintf("203.0.113.%d", i)), identifier).refused(422, tells[name])
			}
			for i := range taken {
				for _, identifier := range []string{taken[i], free[i]} {
					a := ask(r.at("203.0.113.200"), identifier).refused(429, "too_many_requests")
					if a.header.Get("Retry-After") == "" {
						t.Error("nothing says when to come again")
					}
				}
			}
			ask(r.at("198.51.100.1"), told[0]).refused(422, tells[name])
			ask(r.at("198.51.100.1"), quiet[0]).ok()
			r.advance(20 * time.Minute) // one more
			ask(r.at("203.0.113.1"), told[0]).refused(422, tells[name])
			ask(r.at("203.0.113.1"), quiet[0]).refused(429, "too_many_requests")
		})
	}
}
