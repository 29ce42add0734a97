package signup_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	codes = factor.EmailCode{Key: []byte("k")}
)

type world struct {
	env     signup.Env
	attempt signup.Attempt
}

func newWorld() *world {
	s := settings.Default()
	w := &world{env: signup.Env{Now: start, Settings: &s, Strategies: factor.NewSet(codes),
		Taken: func(_, v string) bool { return v == "taken@example.com" }}}
	w.attempt = signup.New("client_1", s.SignUp.AbandonAfter, start)
	return w
}

func (w *world) step(t interface{ Fatalf(string, ...any) }, in signup.Input) ([]signup.Effect, error) {
	before := w.attempt
	next, do, err := before.Step(in, w.env)
	if next.Status != before.Status && !slices.Contains(signup.Transitions[before.Status], next.Status) {
		t.Fatalf("%T leads from %s to %s, which is not in the table", in, before.Status, next.Status)
	}
	if err != nil && len(do) > 0 {
		t.Fatalf("%T is refused (%v) and has effects %v", in, err, do)
	}
	w.attempt = next
	return do, err
}

func (w *world) prepare(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}) (string, error) {
	p, err := codes.Prepare(context.Background(), factor.Challenge{Now: w.env.Now,
		Option:  factor.Option{Strategy: "email_code", Target: w.attempt.EmailAddress},
		Subject: factor.Subject{Settings: w.env.Settings}})
	if err != nil {
		return "", err
	}
	_, err = w.step(t, signup.Prepare{Prepared: p})
	return p.Send.Code, err
}

func (w *world) prove(t interface{ Fatalf(string, ...any) }, code string) ([]signup.Effect, error) {
	f, err := codes.Verify(context.Background(), factor.Challenge{Verification: w.attempt.Verification("email_address"), Now: w.env.Now}, factor.Proof{Code: code})
	if err != nil {
		return nil, err
	}
	return w.step(t, signup.Prove{Fact: f})
}

func code(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Code
	}
	return ""
}

func ptr(s string) *string { return &s }

func TestAnyOrder(t *testing.T) {
	fields := map[string]signup.Update{
		"email":    {EmailAddress: ptr("ada@example.com")},
		"password": {PasswordHash: ptr("hash")},
		"names":    {FirstName: ptr("Ada"), LastName: ptr("Lovelace")},
	}
	for _, order := range [][]string{{"email", "password", "names"}, {"names", "password", "email"}, {"password", "email", "names"}} {
		w := newWorld()
		for _, name := range order {
			if do, err := w.step(t, fields[name]); err != nil || len(do) > 0 {
				t.Fatalf("%s: %v %v", name, do, err)
			}
		}
		if m := w.attempt.Missing(w.env.Settings); len(m) > 0 {
			t.Fatalf("missing %v", m)
		}
		if u := w.attempt.Unverified(w.env.Settings); !slices.Equal(u, []string{"email_address"}) {
			t.Fatalf("unverified %v", u)
		}
		c, err := w.prepare(t)
		if err != nil {
			t.Fatal(err)
		}
		do, err := w.prove(t, c)
		if err != nil || len(do) != 1 || w.attempt.Status != signup.Complete {
			t.Fatalf("%v %v %s", do, err, w.attempt.Status)
		}
	}
}

// A code can be right before everything else is there: the last field then
// completes the attempt.
func TestVerifiedBeforePassword(t *testing.T) {
	w := newWorld()
	w.step(t, signup.Update{EmailAddress: ptr("ada@example.com")})
	c, _ := w.prepare(t)
	if do, err := w.prove(t, c); err != nil || len(do) > 0 || w.attempt.Status != signup.MissingRequirements {
		t.Fatalf("%v %v %s", do, err, w.attempt.Status)
	}
	if do, err := w.step(t, signup.Update{PasswordHash: ptr("hash")}); err != nil || len(do) != 1 {
		t.Fatalf("%v %v", do, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*world)
		in   signup.Update
		want string
	}{
		{"taken", nil, signup.Update{EmailAddress: ptr("Taken@Example.com")}, "form_identifier_exists"},
		{"no address", nil, signup.Update{EmailAddress: ptr("nobody")}, "form_param_format_invalid"},
		{"control character in a name", nil, signup.Update{FirstName: ptr("a\x07b")}, "form_param_format_invalid"},
		{"names are off", func(w *world) { w.env.Settings.FirstName.Enabled = false }, signup.Update{FirstName: ptr("a")}, "form_param_unknown"},
		{"passwords are off", func(w *world) { w.env.Settings.Password.Enabled = false }, signup.Update{PasswordHash: ptr("h")}, "form_param_unknown"},
		{"metadata is no object", nil, signup.Update{UnsafeMetadata: json.RawMessage(`[1]`)}, "form_param_exceeds_allowed_size"},
		{"restricted", func(w *world) { w.env.Settings.SignUp.Mode = settings.Restricted }, signup.Update{}, "sign_up_mode_restricted"},
		{"somebody is signed in", func(w *world) { w.env.SignedIn = 1 }, signup.Update{}, "session_exists"},
		{"too late", func(w *world) { w.env.Now = w.env.Now.Add(25 * time.Hour) }, signup.Update{}, "client_state_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			if c.set != nil {
				c.set(w)
			}
			before := w.attempt.EmailAddress
			_, err := w.step(t, c.in)
			var got string
			if list := fault.List(err); len(list) > 0 {
				got = list[0].Code
			}
			if got != c.want {
				t.Errorf("got %q, want %q (%v)", got, c.want, err)
			}
			if w.attempt.EmailAddress != before {
				t.Error("a refused form changed the attempt")
			}
		})
	}
}

// A verified address that is changed must be verified anew, and a code for the
// former one verifies nothing.
func TestAttack_C16_ChangedAddressKeepsNoProof(t *testing.T) {
	w := newWorld()
	w.step(t, signup.Update{EmailAddress: ptr("mine@example.com")})
	c, _ := w.prepare(t)
	if _, err := w.prove(t, c); err != nil {
		t.Fatal(err)
	}
	w.step(t, signup.Update{EmailAddress: ptr("yours@example.com"), PasswordHash: ptr("h")})
	if w.attempt.Status == signup.Complete || !slices.Equal(w.attempt.Unverified(w.env.Settings), []string{"email_address"}) {
		t.Fatalf("status %s, unverified %v", w.attempt.Status, w.attempt.Unverified(w.env.Settings))
	}
	if _, err := w.prove(t, c); code(err) != "verification_missing" {
		t.Fatalf("the old code: %v", err)
	}
}

// TestNoPathCompletesUnproved drives the machine at random: an attempt that
// completes has every required field, and the code that was mailed to the very
// address it completes with.
func TestNoPathCompletesUnproved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.env.Settings.FirstName.Required = rapid.Bool().Draw(t, "first name required")
		w.env.Settings.Password.Required = rapid.Bool().Draw(t, "password required")
		mailed := map[string]string{} // code → address
		proved := map[string]bool{}   // addresses
		last := ""
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var do []signup.Effect
			var err error
			switch rapid.SampledFrom([]string{"email", "password", "name", "prepare", "code", "wait"}).Draw(t, "what") {
			case "email":
				a := rapid.SampledFrom([]string{"a@example.com", "b@example.com", "taken@example.com", ""}).Draw(t, "address")
				do, err = w.step(t, signup.Update{EmailAddress: &a})
			case "password":
				do, err = w.step(t, signup.Update{PasswordHash: ptr(rapid.SampledFrom([]string{"h", ""}).Draw(t, "hash"))})
			case "name":
				do, err = w.step(t, signup.Update{FirstName: ptr(rapid.SampledFrom([]string{"Ada", ""}).Draw(t, "name"))})
			case "prepare":
				if c, perr := w.prepare(t); perr == nil {
					last, mailed[c] = c, w.attempt.EmailAddress
				}
			case "code":
				c := rapid.SampledFrom([]string{last, "000000"}).Draw(t, "code")
				before := w.attempt.EmailAddress
				if do, err = w.prove(t, c); err == nil {
					if mailed[c] != before {
						t.Fatalf("code %q of %q verified %q", c, mailed[c], before)
					}
					proved[before] = true
				}
			case "wait":
				w.env.Now = w.env.Now.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second)
			}
			if err != nil || w.attempt.Status != signup.Complete {
				continue
			}
			if len(do) == 0 {
				return // it was complete before
			}
			a, s := w.attempt, w.env.Settings
			if !proved[a.EmailAddress] || a.EmailAddress == "" || s.FirstName.Required && a.FirstName == "" || s.Password.Required && a.PasswordHash == "" {
				t.Fatalf("completed without what is required: %+v", a)
			}
			return
		}
	})
}

// What has not the shape of a language tag is left out, whole, and keeps nobody
// from signing up.
func TestLocale(t *testing.T) {
	for locale, want := range map[string]string{
		"": "", "en": "en", "en-GB": "en-GB", "de-DE-u-co-phonebk": "de-DE-u-co-phonebk", strings.Repeat("a", 35): strings.Repeat("a", 35),
		strings.Repeat("a", 36): "", strings.Repeat("é", 17): "", "en_GB": "", "en-US@posix": "", "en\x00": "", "<b>": "",
	} {
		w := newWorld()
		if _, err := w.step(t, signup.Update{Locale: &locale}); err != nil || w.attempt.Locale != want {
			t.Errorf("%q: %v, kept %q, want %q", locale, err, w.attempt.Locale, want)
		}
	}
}
