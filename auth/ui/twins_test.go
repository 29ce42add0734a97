package ui_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
)

// drawn is what is drawn anew in each answer, or for each browser.
var drawn = regexp.MustCompile(`[a-z]+_[0-9A-Za-z]{20,}|nonce="[^"]*"|127\.0\.0\.1:\d+|[A-Za-z0-9_.-]{40,}`)

// TestAttack_C01_C03_Pages: whatever a stranger sends to the pages, in whatever
// order, they are answered the same where somebody has the address and the
// number and where nobody has.
func TestAttack_C01_C03_Pages(t *testing.T) {
	accounts := map[string]func(us engine.Users, id string) error{
		"with a password":    func(engine.Users, string) error { return nil },
		"banned":             func(us engine.Users, id string) error { _, err := us.Ban(t.Context(), id); return err },
		"without a password": func(us engine.Users, id string) error { _, err := us.RemovePassword(t.Context(), id); return err },
	}
	for name, change := range accounts {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				t.Parallel()
				strict := setup{settings: func(s *settings.Settings) {
					phones(s)
					s.EmailAddress.Required = false
					s.EmailAddress.Strategies = []string{"email_code", "email_link"}
					s.Protection.Enumeration, s.Protection.ClientTrust = settings.EnumerationStrict, seed%2 == 0
					s.SignIn.OrSignUp = seed == 3
				}}
				here, there := newWorld(t, strict), newWorld(t, strict)
				u, err := here.engine.Users().Create(t.Context(), engine.CreateUserParams{EmailAddresses: []string{ada}, PhoneNumbers: []string{adasPhone}, Password: secret})
				if err == nil {
					err = change(here.engine.Users(), u.ID)
				}
				if err != nil {
					t.Fatal(err)
				}
				a, b := here.visitor(t), there.visitor(t)
				a.get("/auth/sign-in")
				b.get("/auth/sign-in")
				rnd := rand.New(rand.NewPCG(seed, uint64(len(name))))
				pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
				for i := range 80 {
					path := pick("/sign-in", "/sign-in/password", "/sign-in/code", "/sign-in/link", "/sign-in/new-password", "/sign-in/trust", "/sign-in/app", "/sign-in/sms", "/sign-in/new",
						"/sign-up", "/sign-up/verify")
					typed := map[string]string{"identifier": pick(ada, adasPhone), "password": pick("wrong guess 1", secret+"!"), "code": "000000x", "email_address": ada, "email_address_or_phone_number": pick(ada, adasPhone), "phone_number": pick("", adasPhone)}
					leave, which, wait := rnd.IntN(4) == 0, rnd.IntN(100), time.Duration(rnd.IntN(60))*time.Second
					var told [2]string
					for j, v := range []*visitor{a, b} {
						[]*world{here, there}[j].advance(wait)
						if buttons := all(v.doc, "button"); leave || len(buttons) == 0 || v.status == 404 {
							v.get("/auth" + path)
						} else {
							v.press(which, typed)
						}
						told[j] = drawn.ReplaceAllString(fmt.Sprint(v.status, v.trail, v.url.Path, v.url.RawQuery, "\n", v.body), "…")
					}
					if told[0] != told[1] {
						t.Fatalf("request %d, after which it is at %s, with %v: told apart\n%s", i, a.url, typed, differing(told[0], told[1]))
					}
				}
			})
		}
	}
}

// press presses one of the buttons on the page, with what is typed into fields
// of these names.
func (v *visitor) press(which int, typed map[string]string) {
	v.t.Helper()
	var labels []string
	for _, f := range all(v.doc, "form") {
		for _, b := range all(f, "button") {
			labels = append(labels, text(b))
		}
	}
	if len(labels) == 0 {
		v.get("/auth/sign-in")
		return
	}
	label := labels[which%len(labels)]
	form, _ := v.button(label)
	var fill []string
	for _, in := range all(form, "input") {
		if value, ok := typed[attr(in, "name")]; ok && attr(in, "type") != "hidden" && !has(in, "readonly") {
			fill = append(fill, attr(in, "name"), value)
		}
	}
	v.submit(label, fill...)
}

// differing lists the lines in which two texts differ.
func differing(a, b string) string {
	var out strings.Builder
	other := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i >= len(other) || line != other[i] {
			fmt.Fprintf(&out, "here:  %s\n", line)
			if i < len(other) {
				fmt.Fprintf(&out, "there: %s\n", other[i])
			}
		}
	}
	return out.String()
}
