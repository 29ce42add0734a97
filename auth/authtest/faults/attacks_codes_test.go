package faults_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// TestAttack_L01_GuessingCodes: somebody with any number of addresses and
// browsers guesses codes for thirty days. What counts is how many guesses are
// judged: with so many of a million, no more than one day in ten thousand.
func TestAttack_L01_GuessingCodes(t *testing.T) {
	defaults := settings.Default()
	for _, road := range []string{"sign-in", "sign-up", "reset"} {
		t.Run(road, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withSettings(func(s *settings.Settings) {
				// The guesser has an address for each request: only what is counted
				// by account is left.
				s.Limits.AttemptAccount, s.Limits.AttemptCode, s.Limits.Mail = defaults.Limits.AttemptAccount, defaults.Limits.AttemptCode, defaults.Limits.Mail
			}))
			if road != "sign-up" {
				r.account(ada, good)
			}
			days := 30
			if testing.Short() || underRace {
				days = 4
			}
			judged, worst := 0, 0
			for range days {
				today := 0
				for range 24 { // an hour, in which a new code is asked for every few minutes
					for range 4 {
						v := r.visitor()
						path, prepare, attempt, strategy := "/client/sign_ins/", "/prepare_first_factor", "/attempt_first_factor", "email_code"
						var id string
						switch road {
						case "sign-up":
							path, prepare, attempt = "/client/sign_ups/", "/prepare_verification", "/attempt_verification"
							id = v.post("/client/sign_ups", "email_address", ada).id()
						case "reset":
							strategy = "reset_password_email_code"
							fallthrough
						default:
							id = v.post("/client/sign_ins", "identifier", ada).id()
						}
						if a := v.post(path+id+prepare, "strategy", strategy); a.status != 200 {
							r.Clock.Advance(15 * time.Minute)
							continue
						}
						for range 5 {
							if a := v.post(path+id+attempt, "strategy", strategy, "code", "000x00"); a.status == 422 {
								today++
							} else if a.status != 429 && a.code() != "user_locked" {
								t.Fatalf("%d %s", a.status, a.raw)
							} else {
								break
							}
						}
						r.Clock.Advance(15 * time.Minute)
					}
				}
				judged, worst = judged+today, max(worst, today)
			}
			t.Logf("%d guesses in %d days, at most %d in one", judged, days, worst)
			if worst > 50 || judged > 50*(days+1) || judged == 0 {
				t.Errorf("%d guesses judged in %d days, %d in one", judged, days, worst)
			}
		})
	}
}

// code is one that was mailed, with what it was asked for.
type code struct {
	name, text string
	v          *visitor
	try        func(v *visitor, text string) *answer
}

// codes asks for one code of each sort, all of them for ada but the last two.
func codes(r *rig) []code {
	t := r.t
	u := r.account(ada, good)
	if _, err := r.Users().AddEmailAddress(t.Context(), u.ID, "other@example.com", true, false); err != nil {
		t.Fatal(err)
	}
	r.account(bob, good)
	var out []code
	signIn := func(name, email, strategy, target string, n int) {
		v := r.visitor()
		a := v.post("/client/sign_ins", "identifier", email).ok()
		p := "/client/sign_ins/" + a.id()
		pairs := []string{"strategy", strategy}
		for i := range 8 {
			if f := fmt.Sprintf("response.supported_first_factors.%d.", i); a.str(f+"strategy") == strategy && (a.at(f+"primary") == true) == (target == email) {
				pairs = append(pairs, "email_address_id", a.str(f+"email_address_id"))
			}
		}
		v.post(p+"/prepare_first_factor", pairs...).ok()
		out = append(out, code{name, r.Mail.Code(t, target, n), v, func(v *visitor, text string) *answer {
			return v.post(p+"/attempt_first_factor", "strategy", strategy, "code", text)
		}})
	}
	signIn("sign-in", ada, "email_code", ada, 1)
	signIn("another sign-in", ada, "email_code", ada, 2)
	signIn("sign-in by another address", ada, "email_code", "other@example.com", 1)
	signIn("reset", ada, "reset_password_email_code", ada, 3)
	signIn("somebody else's sign-in", bob, "email_code", bob, 1)
	in := r.signedIn(u)
	id := in.post("/me/email_addresses", "email_address", "new@example.com").ok().id()
	in.post("/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
	out = append(out, code{"new address", r.Mail.Code(t, "new@example.com", 1), in, func(v *visitor, text string) *answer {
		return v.post("/me/email_addresses/"+id+"/attempt_verification", "code", text)
	}})
	up := r.visitor()
	sid := signUpPrepared(r, up, "up@example.com")
	out = append(out, code{"sign-up", r.Mail.Code(t, "up@example.com", 1), up, func(v *visitor, text string) *answer {
		return v.post("/client/sign_ups/"+sid+"/attempt_verification", "strategy", "email_code", "code", text)
	}})
	return out
}

// TestAttack_L04_CodesAreBound: a code opens only what it was asked for, in the
// browser that asked.
func TestAttack_L04_CodesAreBound(t *testing.T) {
	r := newRig(t, withSettings(func(s *settings.Settings) { s.Codes.Tries = 10 }), unlocked)
	cs := codes(r)
	for i, at := range cs {
		for j, c := range cs {
			if i == j || c.text == at.text {
				continue
			}
			if a := at.try(at.v, c.text); a.status != 422 || a.code() != "form_code_incorrect" {
				t.Errorf("the code for %s at %s: %d %s", c.name, at.name, a.status, a.raw)
			}
		}
		for j, other := range cs {
			if i != j {
				if a := at.try(other.v, at.text); a.status == 200 {
					t.Errorf("the code for %s works in the browser of %s", at.name, other.name)
				}
			}
		}
		if a := at.try(r.visitor(), at.text); a.status == 200 {
			t.Errorf("the code for %s works in a stranger's browser", at.name)
		}
	}
	// Another instance on the same store is the same; one on its own is not.
	for _, c := range cs {
		if a := c.try(c.v, c.text); a.status != 200 {
			t.Errorf("%s: the right code is refused after all that: %d %s", c.name, a.status, a.raw)
		}
		if a := c.try(c.v, c.text); a.status == 200 {
			t.Errorf("%s: works twice", c.name)
		}
	}
}

func TestAttack_L03_OnlyTheNewestCode(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name    string
		prepare func(v *visitor, id string) *answer
		again   func(v *visitor, id, code string) *answer
		id      func(v *visitor) string
	}{
		{"sign-up", func(v *visitor, id string) *answer {
			return v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
		}, func(v *visitor, id, code string) *answer {
			return v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code)
		}, func(v *visitor) string {
			return v.post("/client/sign_ups", "email_address", ada, "password", good).ok().id()
		}},
		{"sign-in", func(v *visitor, id string) *answer {
			return v.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_code")
		}, func(v *visitor, id, code string) *answer {
			return v.post("/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "email_code", "code", code)
		}, func(v *visitor) string { return v.post("/client/sign_ins", "identifier", ada).ok().id() }},
	} {
		v := r.visitor()
		id := c.id(v)
		n := len(r.Mail.To(ada))
		c.prepare(v, id).ok()
		old := r.Mail.Code(t, ada, n+1)
		c.prepare(v, id).refused(429, "verification_code_too_many_requests")
		r.Clock.Advance(31 * time.Second)
		c.prepare(v, id).ok()
		newer := r.Mail.Code(t, ada, n+2)
		if old != newer {
			c.again(v, id, old).refused(422, "form_code_incorrect")
		}
		if a := c.again(v, id, newer).ok(); a.str("response.status") != "complete" {
			t.Errorf("%s: %s", c.name, a.raw)
		}
	}
}

// TestAttack_L09_MailBomb: whatever the road, one mailbox gets so many mails
// an hour.
func TestAttack_L09_MailBomb(t *testing.T) {
	roads := map[string]func(v *visitor) *answer{
		"sign-up": func(v *visitor) *answer {
			return v.post("/client/sign_ups", "email_address", "ada+tag@example.com", "strategy", "email_code")
		},
		"sign-up, then prepare": func(v *visitor) *answer {
			id := v.post("/client/sign_ups", "email_address", "ada+tag@example.com").id()
			return v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code")
		},
		"sign-in": func(v *visitor) *answer {
			return v.post("/client/sign_ins", "identifier", ada, "strategy", "email_code")
		},
		"sign-in by reset": func(v *visitor) *answer {
			return v.post("/client/sign_ins", "identifier", ada, "strategy", "reset_password_email_code")
		},
		"sign-in, then prepare": func(v *visitor) *answer {
			id := v.post("/client/sign_ins", "identifier", ada).id()
			return v.post("/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_code")
		},
		"the pages": func(v *visitor) *answer {
			h := http.Header{"Origin": {v.base}, "Content-Type": {"application/x-www-form-urlencoded"}}
			return v.do("POST", "/auth/sign-up", h, url.Values{"email_address": {"ada+tag@example.com"}, "password": {good}}.Encode())
		},
	}
	for name, road := range roads {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withSettings(func(s *settings.Settings) { s.Limits.Mail = settings.Rate{Count: 5, Per: time.Hour} }))
			r.account(ada, good)
			ok := 0
			for range 25 {
				if road(r.visitor()).status == 200 {
					ok++
				}
				r.Clock.Advance(31 * time.Second)
			}
			eventually(t, "an empty outbox", func() bool { return len(dump(t, r.Store)["outbox"]) == 0 })
			got := len(r.Mail.To(ada)) + len(r.Mail.To("ada+tag@example.com"))
			if got > 6 || ok > 6 && name != "the pages" || got == 0 {
				t.Errorf("%d mails in 13 minutes, %d requests went well", got, ok)
			}
		})
	}
}

// TestAttack_L15_ChangesVoidCodes: what happened to an account since ends every
// code that was mailed before.
func TestAttack_L15_ChangesVoidCodes(t *testing.T) {
	changes := map[string]func(r *rig, u *user.User) error{
		"password changed": func(r *rig, u *user.User) error {
			p := better
			_, err := r.Users().Update(r.t.Context(), u.ID, user.UpdateParams{Password: &p})
			return err
		},
		"banned":     func(r *rig, u *user.User) error { _, err := r.Users().Ban(r.t.Context(), u.ID); return err },
		"locked":     func(r *rig, u *user.User) error { _, err := r.Users().Lock(r.t.Context(), u.ID, 0); return err },
		"deleted":    func(r *rig, u *user.User) error { return r.Users().Delete(r.t.Context(), u.ID) },
		"signed out": func(r *rig, u *user.User) error { _, err := r.Sessions().RevokeUser(r.t.Context(), u.ID); return err },
		"address removed": func(r *rig, u *user.User) error {
			return r.Users().DeleteEmailAddress(r.t.Context(), u.ID, u.EmailAddressByValue(ada).ID)
		},
		"password removed": func(r *rig, u *user.User) error {
			_, err := r.Users().RemovePassword(r.t.Context(), u.ID)
			return err
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withSettings(func(s *settings.Settings) { s.Password.Required = false }))
			cs := codes(r)[:4]
			u, err := r.Users().ByIdentifier(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(r, u); err != nil {
				t.Fatal(err)
			}
			for _, c := range cs {
				if a := c.try(c.v, c.text); a.status == 200 {
					t.Errorf("the code for %s works still: %s", c.name, a.str("response.status"))
				}
				if a := c.v.private(); a.status == 200 {
					t.Errorf("%s: signed in", c.name)
				}
			}
		})
	}
}

// redirects are sixty ways to say elsewhere. HOST is the instance's own.
var redirects = []string{
	"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/x", `\\evil.example`, `/\evil.example`, `\/evil.example`,
	`/\/evil.example`, "/%09/evil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "/\r/evil.example", "https:evil.example",
	"https:/evil.example", "https:///evil.example", "https:\\\\evil.example", "HTTPS://EVIL.EXAMPLE", "hTTps://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
	"java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://evil.example", "blob:https://evil.example/x", "about:blank",
	"http://HOST@evil.example", "http://HOST:x@evil.example/", "http://evil.example#HOST", "http://evil.example?HOST", "http://evil.example\\@HOST", "http://evil.example\\.HOST",
	"http://HOST.evil.example", "http://evilHOST", "http://HOST%2eevil.example", "http://HOST%00.evil.example", "http://HOST\x00.evil.example", "http://u:p@HOST/",
	"http://@HOST/", "http://evil.example:80", "http://[::ffff:203.0.113.5]/", "http://203.0.113.5", "http://0x7f.1", "http://2130706433", "http://evil。example",
	"http://ｅvil.example", "http://xn--evl-qla.example", "http://evil.example.", "http:HOST/..//evil.example", "//evil.example/%2f..", "/%2f/evil.example/..//evil.example",
	"http://evil.example/http://HOST/", "http://evil.example;HOST", "http://evil.example&HOST", "?//evil.example\r\nLocation: http://evil.example", "http://HOST\r\nX: y",
	"http://localhost.evil.example", "http://127.0.0.1.evil.example",
}

// TestAttack_L08_S11_ForeignRedirects: no parameter that takes a URL leads to
// another site.
func TestAttack_L08_S11_ForeignRedirects(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	host := strings.TrimPrefix(r.Server.URL, "http://")
	in, out := r.signedIn(u), r.visitor()
	asks := map[string]func(to string) *answer{
		"handshake": func(to string) *answer { return in.do("GET", "/__clerk/v1/client/handshake?redirect_url="+to, nil, "") },
		"handshake of a stranger": func(to string) *answer {
			return out.do("GET", "/__clerk/v1/client/handshake?redirect_url="+to, nil, "")
		},
		"sign-in":           func(to string) *answer { return out.do("GET", "/auth/sign-in?redirect_url="+to, nil, "") },
		"signed in already": func(to string) *answer { return in.do("GET", "/auth/sign-in?redirect_url="+to, nil, "") },
		"sign-up":           func(to string) *answer { return in.do("GET", "/auth/sign-up?redirect_url="+to, nil, "") },
		"sign-in by form": func(to string) *answer {
			h := http.Header{"Origin": {r.Server.URL}, "Content-Type": {"application/x-www-form-urlencoded"}}
			v := r.visitor()
			return v.do("POST", "/auth/sign-in?redirect_url="+to, h, "identifier=ada%40example.com&password="+url.QueryEscape(good)+"&redirect_url="+to)
		},
		"private page": func(to string) *answer {
			return r.visitor().do("GET", "/private?redirect_url="+to, http.Header{"Accept": {"text/html"}}, "")
		},
	}
	if len(redirects) < 60 {
		t.Fatalf("%d URLs", len(redirects))
	}
	base, _ := url.Parse(r.Server.URL)
	for name, ask := range asks {
		for _, to := range redirects {
			to = strings.ReplaceAll(to, "HOST", host)
			a := ask(url.QueryEscape(to))
			loc := a.headerOf("Location")
			if strings.ContainsAny(loc, "\r\n\t\\") || a.headerOf("X") != "" {
				t.Errorf("%s, %q: Location %q", name, to, loc)
			}
			if loc != "" {
				at, err := base.Parse(loc)
				if err != nil || at.Host != base.Host || at.Scheme != "http" || at.User != nil || strings.HasPrefix(loc, "//") {
					t.Errorf("%s, %q: leads to %q", name, to, loc)
				}
			}
			if strings.HasPrefix(name, "handshake") && a.status >= 300 && a.status < 400 {
				if at, _ := base.Parse(loc); at == nil || !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "http:") && !strings.HasPrefix(to, "?") {
					t.Errorf("%s, %q: a redirect and not a refusal", name, to)
				}
			}
			if a.status >= 500 || a.err != nil {
				t.Errorf("%s, %q: %d %v", name, to, a.status, a.err)
			}
		}
	}
}

// TestAttack_L07_NothingPlainAtRest: codes and passwords are nowhere in the
// store as they are; with a keyring nothing is that opens anything.
func TestAttack_L07_NothingPlainAtRest(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed %t", sealed), func(t *testing.T) {
			st := memory.New()
			p := &post{}
			r := newRig(t, withStore(st), withMailer(p), func(c *auth.Config) {
				if sealed {
					ring, err := store.LoadKeyring("", t.TempDir()+"/key")
					if err != nil {
						t.Fatal(err)
					}
					c.Keyring = ring
				}
			})
			gate := make(chan struct{})
			p.set(func(ctx ctx, m mail) error { <-gate; return nil })
			v := r.visitor()
			id := signUpPrepared(r, v, ada)
			eventually(t, "a mail on its way", func() bool { _, asks := p.state(); return asks == 1 })
			// While a mail waits, its code is in the outbox, and is sealed there.
			waiting := everything(t, st)
			close(gate)
			eventually(t, "the mail", func() bool { return len(p.to(ada)) == 1 })
			text := p.to(ada)[0].Data.OTPCode
			if sealed && strings.Contains(waiting, text) {
				t.Error("the code waits in plain text in a sealed store")
			}
			eventually(t, "an empty outbox", func() bool { return !strings.Contains(everything(t, st), `"outbox"`) })
			secrets := []string{good, text}
			if sealed {
				secrets = append(secrets, r.SecretKey(), "$argon2id$", "PRIVATE")
			}
			look := func(when string) {
				t.Helper()
				all := everything(t, st)
				for _, s := range append(secrets, v.cookie("__client"), v.cookie("__session")) {
					if s != "" && strings.Contains(all, s) {
						t.Errorf("%s: %q is in the store", when, s)
					}
				}
				if _, secret, ok := strings.Cut(v.cookie("__client"), "."); ok && strings.Contains(all, secret) {
					t.Errorf("%s: the secret of the client is in the store", when)
				}
			}
			look("while a code is out")
			v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", text).ok()
			look("after the sign-up")
			if !strings.Contains(everything(t, st), ada) {
				t.Error("the dump does not see what is stored")
			}
		})
	}
}
