package fapi_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
)

// twin is one of two instances that differ in nothing but one account. blind
// writes its answers without what is drawn: IDs by the order in which they came
// up, no traces and no challenges.
type twin struct {
	r              *rig
	bs             [2]*browser
	signIn, signUp [2]string // under way, by browser
	ids            map[string]string
}

var (
	drawnID   = regexp.MustCompile(`[a-z]+_[0-9A-Za-z]{20,}`)
	drawnText = regexp.MustCompile(`"(clerk_trace_id|nonce)":"([^"\\]|\\.)*"`)
)

func (w *twin) blind(a *answer) string {
	text := drawnID.ReplaceAllStringFunc(drawnText.ReplaceAllString(string(a.raw), ""), func(id string) string {
		if w.ids[id] == "" {
			kind, _, _ := strings.Cut(id, "_")
			w.ids[id] = fmt.Sprintf("%s #%d", kind, len(w.ids))
		}
		return w.ids[id]
	})
	return fmt.Sprintf("%d, to be asked again after %q: %s", a.status, a.header.Get("Retry-After"), text)
}

// step does what a stranger can do, and remembers what came of it.
func (w *twin) step(browser int, method, path string, form ...string) *answer {
	b := w.bs[browser]
	for kind, id := range map[string]string{"{sign_in}": w.signIn[browser], "{sign_up}": w.signUp[browser]} {
		path = strings.ReplaceAll(path, kind, id)
	}
	var a *answer
	if method == "GET" {
		a = b.get(path)
	} else {
		a = b.post(path, form...)
	}
	switch id := a.str("response.id"); {
	case strings.HasPrefix(id, "sia_"):
		w.signIn[browser] = id
	case strings.HasPrefix(id, "sua_"):
		w.signUp[browser] = id
	}
	return a
}

// TestAttack_C01_C03_Twins: whatever strangers do, in whatever order, they are
// answered the same where somebody has the address and the number and where
// nobody has: whoever that is, and whatever the text message service says.
func TestAttack_C01_C03_Twins(t *testing.T) {
	accounts := map[string]func(us engine.Users, id string) error{
		"with a password":    func(engine.Users, string) error { return nil },
		"banned":             func(us engine.Users, id string) error { _, err := us.Ban(t.Context(), id); return err },
		"locked":             func(us engine.Users, id string) error { _, err := us.Lock(t.Context(), id, 0); return err },
		"without a password": func(us engine.Users, id string) error { _, err := us.RemovePassword(t.Context(), id); return err },
		"known to others": func(us engine.Users, id string) error {
			_, err := us.SetPasswordCompromised(t.Context(), id, true)
			return err
		},
	}
	for name, change := range accounts {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				t.Parallel()
				here, there := newTwin(t, seed), newTwin(t, seed)
				u, err := here.r.e.Users().Create(t.Context(), engine.CreateUserParams{EmailAddresses: []string{ada}, PhoneNumbers: []string{adasPhone}, Password: good})
				if err == nil {
					err = change(here.r.e.Users(), u.ID)
				}
				if err != nil {
					t.Fatal(err)
				}
				rnd := rand.New(rand.NewPCG(seed, uint64(len(name))))
				pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
				for i := range 90 {
					browser := rnd.IntN(2)
					method, path, form := aStrangersRequest(pick)
					wait := time.Duration(rnd.IntN(90)) * time.Second
					var told [2]string
					for j, w := range []*twin{here, there} {
						w.r.advance(wait)
						w.r.countMails() // delivers
						told[j] = w.blind(w.step(browser, method, path, form...))
					}
					if told[0] != told[1] {
						t.Fatalf("request %d, %s %s %q: told apart\n%s\n%s", i, method, path, form, told[0], told[1])
					}
				}
			})
		}
	}
}

func newTwin(t *testing.T, seed uint64) *twin {
	r := newRig(t, withLinks, passkeysOn, func(c *setup) {
		s := &c.settings
		s.PhoneNumber = settings.PhoneCodes()
		s.EmailAddress.Required, s.Access.BlockSubaddresses = false, true
		s.Protection.Enumeration, s.Protection.ClientTrust = settings.EnumerationStrict, seed%2 == 0
		d := settings.Default()
		s.Limits.AttemptAccount, s.Limits.AttemptCode, s.Limits.Mail, s.Limits.DailyMails = d.Limits.AttemptAccount, d.Limits.AttemptCode, d.Limits.Mail, d.Limits.DailyMails
		s.Limits.NetworkFailures, s.Limits.PasswordFailures = d.Limits.NetworkFailures, d.Limits.PasswordFailures
		s.Phones.Daily = settings.SMSCaps{PerNumber: 10, PerPrefix: 20, PerAddress: 30, PerInstance: 100}
	})
	if seed%4 > 1 {
		r.refusesSMS = notify.ErrPermanent
	}
	r.userOf("zoe@example.com") // somebody has an account in either
	return &twin{r: r, bs: [2]*browser{r.browser(), r.browser()}, signIn: [2]string{"sia_none", "sia_none"}, signUp: [2]string{"sua_none", "sua_none"}, ids: map[string]string{}}
}

func aStrangersRequest(pick func(...string) string) (method, path string, form []string) {
	who := pick(ada, "ADA@Example.com", adasPhone)
	with := pick("password", "email_code", "email_link", "phone_code", "totp", "backup_code", "passkey", "ticket", "reset_password_email_code", "reset_password_phone_code")
	proof := []string{"strategy", with, "code", "00000x", "password", pick("wrong guess 1", "wrong guess 2", "short"), "redirect_url", "/x"}
	step := pick("first", "second")
	switch pick("password", "password", "named", "begun", "prepared", "proved", "proved", "seen", "sign-up", "sign-up prepared", "sign-up proved") {
	case "password":
		return "POST", "/v1/client/sign_ins", []string{"identifier", who, "password", proof[5]}
	case "named":
		return "POST", "/v1/client/sign_ins", []string{"identifier", who}
	case "begun":
		return "POST", "/v1/client/sign_ins", []string{"identifier", who, "strategy", with, "redirect_url", "/x"}
	case "prepared":
		return "POST", "/v1/client/sign_ins/{sign_in}/prepare_" + step + "_factor", []string{"strategy", with, "redirect_url", "/x"}
	case "proved":
		return "POST", "/v1/client/sign_ins/{sign_in}/attempt_" + step + "_factor", proof
	case "sign-up":
		if strings.Contains(who, "@") {
			return "POST", "/v1/client/sign_ups", []string{"email_address", pick(who, "ada+x@example.com"), "password", good}
		}
		return "POST", "/v1/client/sign_ups", []string{"phone_number", who, "password", good}
	case "sign-up prepared":
		return "POST", "/v1/client/sign_ups/{sign_up}/prepare_verification", []string{"strategy", pick("email_code", "phone_code", "email_link"), "redirect_url", "/x"}
	case "sign-up proved":
		return "POST", "/v1/client/sign_ups/{sign_up}/attempt_verification", []string{"strategy", pick("email_code", "phone_code"), "code", "00000x"}
	}
	return "GET", "/v1/client", nil
}
