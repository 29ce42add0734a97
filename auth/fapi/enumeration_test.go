package fapi_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// nobody has an address as long as ada's, so that even lengths are the same.
const nobody = "eve@example.com"

// A probe is a rig in which everything that a stranger's question costs is
// counted.
type probe struct {
	*rig
	calls  *storetest.Counter
	pool   *password.Pool
	routes map[string]bool // asked
}

func newProbe(t testing.TB, changes ...func(*setup)) *probe {
	p := &probe{calls: storetest.Counting(memory.New()), pool: &password.Pool{}, routes: map[string]bool{}}
	strict := func(c *setup) {
		c.store = p.calls
		c.hasher.Pool = p.pool
		c.settings.Protection.Enumeration = settings.EnumerationStrict
		c.settings.EmailAddress.Strategies = []string{"email_code", "email_link"}
		c.settings.EmailAddress.Verifications = []string{"email_code", "email_link"}
		c.settings.Password.Required = false
		c.settings.Passkeys.Enabled, c.settings.Passkeys.SignUp = true, true
	}
	p.rig = newRig(t, append([]func(*setup){strict}, changes...)...)
	return p
}

// A story is what one stranger does with an address. say notes each answer.
type story func(p *probe, b *browser, address string, say func(*answer))

func signInPath(a *answer) string { return "/v1/client/sign_ins/" + a.str("response.id") }
func signUpPath(a *answer) string { return "/v1/client/sign_ups/" + a.str("response.id") }

// begin starts a sign-in and returns its path.
func begin(b *browser, address string, say func(*answer)) string {
	a := b.post("/v1/client/sign_ins", "identifier", address)
	say(a)
	return signInPath(a)
}

var stories = map[string]story{
	"names the address": func(_ *probe, b *browser, address string, say func(*answer)) {
		p := begin(b, address, say)
		say(b.get(p))
		say(b.get("/v1/client"))
	},
	"spells it otherwise": func(_ *probe, b *browser, address string, say func(*answer)) {
		say(b.post("/v1/client/sign_ins", "identifier", " "+strings.ToUpper(address)))
	},
	"guesses a password at once": func(_ *probe, b *browser, address string, say func(*answer)) {
		say(b.post("/v1/client/sign_ins", "identifier", address, "password", "wrong guess"))
		say(b.get("/v1/client"))
		say(b.post("/v1/client/sign_ins", "identifier", address, "strategy", "password", "password", "another guess"))
	},
	"guesses passwords until the account is locked": func(_ *probe, b *browser, address string, say func(*answer)) {
		p := begin(b, address, say)
		for range 12 {
			say(b.post(p+"/attempt_first_factor", "strategy", "password", "password", "wrong guess"))
		}
		say(b.post("/v1/client/sign_ins", "identifier", address, "password", "wrong guess"))
		say(b.post("/v1/client/sign_ins", "identifier", address))
	},
	"guesses codes": func(r *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ins", "identifier", address, "strategy", "email_code")
		say(a)
		p := signInPath(a)
		say(b.get(p))
		for range 6 {
			say(b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "x00000"))
		}
		say(b.post(p+"/prepare_first_factor", "strategy", "email_code")) // too soon
		r.advance(time.Minute)
		say(b.post(p+"/prepare_first_factor", "strategy", "email_code"))
		say(b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "x00000"))
	},
	"signs in or up": func(r *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ins", "identifier", address, "sign_up_if_missing", "true", "strategy", "email_code")
		say(a)
		p := signInPath(a)
		for range 6 {
			say(b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "x00000"))
		}
		say(b.post("/v1/client/sign_ups", "transfer", "true"))
		r.advance(time.Minute)
		say(b.post(p+"/prepare_first_factor", "strategy", "email_link", "redirect_url", b.server.URL+"/"))
		say(b.get("/v1/client"))
	},
	"asks for what is offered": func(_ *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ins", "identifier", address)
		say(a)
		for i := range 8 {
			f := fmt.Sprintf("response.supported_first_factors.%d.", i)
			strategy, _ := a.at(f + "strategy").(string)
			id, _ := a.at(f + "email_address_id").(string)
			if strategy != "" && strategy != "password" {
				say(b.post(signInPath(a)+"/prepare_first_factor", "strategy", strategy, "email_address_id", id, "redirect_url", b.server.URL+"/"))
			}
		}
		say(b.post(signInPath(a)+"/prepare_first_factor", "strategy", "email_code", "email_address_id", "idn_unknown"))
		say(b.post(signInPath(a)+"/prepare_first_factor", "strategy", "phone_code"))
	},
	"goes for a reset": func(_ *probe, b *browser, address string, say func(*answer)) {
		p := begin(b, address, say)
		say(b.post(p+"/prepare_first_factor", "strategy", "reset_password_email_code"))
		say(b.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", "x00000"))
		say(b.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", "x00000", "password", "a new password 1"))
		say(b.post(p+"/reset_password", "password", "a new password 1"))
	},
	"tries what is not due": func(_ *probe, b *browser, address string, say func(*answer)) {
		p := begin(b, address, say)
		say(b.post(p+"/prepare_second_factor", "strategy", "email_code"))
		say(b.post(p+"/attempt_second_factor", "strategy", "email_code", "code", "x00000"))
		say(b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", "x00000")) // not prepared
	},
	"signs up": func(r *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ups", "email_address", address, "password", "a new password 1", "first_name", "Eve")
		say(a)
		p := signUpPath(a)
		say(b.post(p+"/prepare_verification", "strategy", "email_code"))
		say(b.get(p))
		for range 6 {
			say(b.post(p+"/attempt_verification", "strategy", "email_code", "code", "x00000"))
		}
		r.advance(time.Minute)
		say(b.post(p+"/prepare_verification", "strategy", "email_link", "redirect_url", b.server.URL+"/"))
	},
	"signs up in one call": func(_ *probe, b *browser, address string, say func(*answer)) {
		say(b.post("/v1/client/sign_ups", "email_address", address, "strategy", "email_code"))
		say(b.get("/v1/client"))
	},
	"signs up with a passkey": func(r *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ups", "email_address", address, "password", "a new password 1")
		say(a)
		p := signUpPath(a)
		made := b.post(p + "/prepare_passkey")
		say(made)
		say(b.post(p+"/attempt_passkey", "public_key_credential", "{}"))
		raw, err := r.device().Create([]byte(made.str("response.passkey.nonce")))
		if err != nil {
			r.t.Fatal(err)
		}
		say(b.post(p+"/attempt_passkey", "public_key_credential", string(raw)))
		say(b.post(p+"/prepare_verification", "strategy", "email_code"))
	},
	"changes the address of a sign-up": func(_ *probe, b *browser, address string, say func(*answer)) {
		a := b.post("/v1/client/sign_ups", "first_name", "Eve")
		say(a)
		say(b.patch(signUpPath(a), "email_address", address))
		say(b.post(signUpPath(a)+"/prepare_verification", "strategy", "email_code"))
	},
	"adds it to an account": func(_ *probe, b *browser, address string, say func(*answer)) {
		b.signIn("mallory@example.com", good)
		a := b.post("/v1/me/email_addresses", "email_address", address)
		say(a)
		p := "/v1/me/email_addresses/" + a.str("response.id")
		say(b.post(p+"/prepare_verification", "strategy", "email_code"))
		say(b.get(p))
		say(b.get("/v1/me/email_addresses"))
		say(b.post(p+"/attempt_verification", "code", "x00000"))
		say(b.delete(p))
	},
}

var (
	someID  = regexp.MustCompile(`\b(sia|sua|client|ver|idn|user|ema|sess|img)_[0-9A-Za-z]+`)
	picture = regexp.MustCompile(`/img/default/[^"]+`)
	traceID = regexp.MustCompile(`[0-9a-f]{32}`)
	port    = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	random  = regexp.MustCompile(`(challenge|id)\\":\\"[\w-]{20,}`) // in the options of a passkey
	jwt     = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
)

// plain is an answer without what is random in it.
func plain(a *answer, address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n", someID.ReplaceAllString(a.what, "$1"), a.status)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range a.header {
			if k != "Date" && !yield(k) {
				return
			}
		}
	}) {
		for _, v := range a.header[name] {
			if name == "Set-Cookie" {
				c, _ := http.ParseSetCookie(v)
				v = fmt.Sprint(c.Name, len(c.Value) > 0, c.Path, c.MaxAge, c.HttpOnly, c.SameSite)
			}
			fmt.Fprintf(&b, "%s: %s\n", name, traceID.ReplaceAllString(someID.ReplaceAllString(v, "$1"), "trace"))
		}
	}
	body := string(a.raw)
	for _, form := range []string{address, strings.ToUpper(address)} {
		body = strings.ReplaceAll(body, form, "ADDRESS")
	}
	body = random.ReplaceAllString(body, "$1")
	body = jwt.ReplaceAllString(picture.ReplaceAllString(body, "picture"), "jwt")
	return port.ReplaceAllString(b.String()+traceID.ReplaceAllString(someID.ReplaceAllString(body, "$1"), "trace"), "host")
}

// tell plays a story and returns what a stranger sees of it, and what it cost.
func (p *probe) tell(s story, address string) (seen, cost []string) {
	b := p.browser()
	mails := p.mailsForCodes()
	before, hashed := p.calls.Calls(), p.pool.Stats().Done
	s(p, b, address, func(a *answer) {
		c, h := p.calls.Calls(), p.pool.Stats().Done
		sent := p.mailsForCodes()
		seen = append(seen, plain(a, address))
		cost = append(cost, fmt.Sprintf("%s: %d views, %d updates, %d gets, %d finds, %d puts, %d deletes, %d hashes, %d mails", someID.ReplaceAllString(a.what, "$1"),
			c.View-before.View, c.Update-before.Update, c.Get-before.Get, c.Find-before.Find, c.Put-before.Put, c.Delete-before.Delete, h-hashed, sent-mails))
		before, hashed, mails = p.calls.Calls(), p.pool.Stats().Done, sent
		method, path, _ := strings.Cut(a.what, " ")
		path, query, _ := strings.Cut(path, "?")
		if _, over, ok := strings.Cut(query, "_method="); ok {
			method, _, _ = strings.Cut(over, "&")
		}
		p.routes[method+" "+someID.ReplaceAllString(path, "{}")] = true
	})
	return seen, cost
}

// mailsForCodes counts mails, but for those that tell an owner of a lock: they
// are for nobody else.
func (p *probe) mailsForCodes() (n int) {
	p.countMails()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		if m.Slug != "account_locked" {
			n++
		}
	}
	return n
}

// accounts are what there can be behind an address; nil is nothing.
var accounts = map[string]func(p *probe, address string) error{
	"password": func(p *probe, address string) error {
		_, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{address}, Password: good})
		return err
	},
	"no password": func(p *probe, address string) error {
		_, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{address}, FirstName: "Ada"})
		return err
	},
	"banned": func(p *probe, address string) error {
		u, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{address}, Password: good})
		if err == nil {
			_, err = p.e.Users().Ban(context.Background(), u.ID)
		}
		return err
	},
	"locked by the host": func(p *probe, address string) error {
		u, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{address}, Password: good})
		if err == nil {
			_, err = p.e.Users().Lock(context.Background(), u.ID, 0)
		}
		return err
	},
	"second factor": func(p *probe, address string) error {
		u, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{address}, Password: good})
		if err != nil {
			return err
		}
		return p.calls.Update(context.Background(), func(tx store.Tx) error {
			u, err := user.Get(context.Background(), tx, u.ID)
			if err != nil {
				return err
			}
			second := &user.SecondFactors{Meta: store.Meta{ID: u.ID}, TOTP: &user.TOTP{Secret: make([]byte, 20)}}
			if err := user.PutSecondFactors(context.Background(), tx, u, second, p.Now()); err != nil {
				return err
			}
			return user.Touch(context.Background(), tx, u)
		})
	},
	"two addresses": func(p *probe, address string) error {
		_, err := p.e.Users().Create(context.Background(), user.CreateParams{EmailAddresses: []string{"other.address@example.com", strings.ToUpper(address[:1]) + address[1:]}, Password: good})
		return err
	},
}

// takers are where an identifier, or an attempt for one, comes in.
var takers = []string{"/v1/client/sign_ins", "/v1/client/sign_ups", "/v1/me/email_addresses"}

// TestAttack_C01_C02_C03_NothingTells: whatever a stranger does with an
// address, answers and work are the same whether it has an account, and of what
// kind. The table of routes says what there is to do.
func TestAttack_C01_C02_C03_NothingTells(t *testing.T) {
	asked := map[string]bool{}
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			run := func(make func(p *probe, address string) error, address string) (seen, cost []string) {
				p := newProbe(t)
				if err := accounts["password"](p, "mallory@example.com"); err != nil {
					t.Fatal(err)
				}
				if make != nil {
					if err := make(p, address); err != nil {
						t.Fatal(err)
					}
				}
				p.advance(time.Minute)
				seen, cost = p.tell(s, address)
				for rt := range p.routes {
					asked[rt] = true
				}
				return seen, cost
			}
			seen, cost := run(nil, nobody)
			for kind, make := range accounts {
				known, paid := run(make, ada)
				compare(t, kind, seen, known)
				compare(t, kind, cost, paid)
			}
		})
	}
	r := newRig(t)
	for _, rt := range r.api.Routes() {
		takes := slices.ContainsFunc(takers, func(p string) bool { return strings.HasPrefix(rt.Path, p) })
		if key := rt.Method + " " + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(rt.Path, "{}"); takes && !asked[key] {
			t.Errorf("no story asks %s", key)
		}
	}
}

// TestAttack_C01_NothingTellsOfTheOwner: a stranger's sign-in that is under way
// does not show that something happens to the account, and no code that went
// out before is good after it.
func TestAttack_C01_NothingTellsOfTheOwner(t *testing.T) {
	other := "another password 2"
	for name, happen := range map[string]func(us engine.Users, id string) error{
		"nothing": func(engine.Users, string) error { return nil },
		"a new password": func(us engine.Users, id string) error {
			_, err := us.Update(t.Context(), id, engine.UpdateUserParams{Password: &other})
			return err
		},
		"a ban":      func(us engine.Users, id string) error { _, err := us.Ban(t.Context(), id); return err },
		"a deletion": func(us engine.Users, id string) error { _, err := us.Delete(t.Context(), id); return err },
		"a lock":     func(us engine.Users, id string) error { _, err := us.Lock(t.Context(), id, 0); return err },
	} {
		for _, strategy := range []string{"email_code", "reset_password_email_code"} {
			watch := func(address string, known bool) (seen []string) {
				p := newProbe(t)
				var id string
				if known {
					u, err := p.e.Users().Create(t.Context(), user.CreateParams{EmailAddresses: []string{address}, Password: good})
					if err != nil {
						t.Fatal(err)
					}
					id = u.ID
				}
				b, code := p.browser(), "x00000"
				say := func(a *answer) { seen = append(seen, plain(a, address)) }
				path := begin(b, address, say)
				say(b.post(path+"/prepare_first_factor", "strategy", strategy))
				if known {
					code = b.lastCode()
					if err := happen(p.e.Users(), id); err != nil {
						t.Fatal(err)
					}
				}
				if name == "nothing" {
					code = "x00000"
				}
				say(b.get(path))
				say(b.get("/v1/client"))
				say(b.post(path+"/attempt_first_factor", "strategy", strategy, "code", code))
				say(b.post(path+"/attempt_first_factor", "strategy", "password", "password", "wrong guess"))
				p.advance(time.Minute)
				say(b.post(path+"/prepare_first_factor", "strategy", strategy))
				return seen
			}
			compare(t, name+", "+strategy, watch(nobody, false), watch(ada, true))
		}
	}
}

func compare(t *testing.T, kind string, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d answers, of nobody %d", kind, len(got), len(want))
		return
	}
	for i := range want {
		if want[i] != got[i] {
			n := 0
			for n < min(len(want[i]), len(got[i])) && want[i][n] == got[i][n] {
				n++
			}
			from := func(s string) string { return s[max(0, n-80):min(len(s), n+200)] }
			t.Errorf("%s, answer %d, %.80s: of nobody\n…%s\nof somebody\n…%s", kind, i, want[i], from(want[i]), from(got[i]))
			return
		}
	}
}

// TestAttack_C01_MadeUpAnswersStay: what is made up for nobody is the same a
// day later, and on another instance.
func TestAttack_C01_MadeUpAnswersStay(t *testing.T) {
	p := newProbe(t)
	ask := func(address string) string {
		a := p.browser().post("/v1/client/sign_ins", "identifier", address).ok()
		return fmt.Sprint(a.at("response.supported_first_factors"))
	}
	first := ask(nobody)
	p.advance(24 * time.Hour)
	if again := ask(strings.ToUpper(nobody)); again != first || !strings.Contains(first, "idn_") {
		t.Errorf("first %s, then %s", first, again)
	}
	if other := ask("eva@example.com"); other == first {
		t.Error("two addresses have the same made-up account")
	}
}

// TestStrictPeopleGetIn: behind the mask everything works as before.
func TestStrictPeopleGetIn(t *testing.T) {
	p := newProbe(t)
	b := p.browser()
	_, userID := b.signUp(ada, good)
	p.browser().signIn(ada, good)
	for _, strategy := range []string{"email_code", "reset_password_email_code"} {
		b := p.browser()
		p.advance(time.Minute)
		a := b.post("/v1/client/sign_ins", "identifier", ada).ok()
		b.post(signInPath(a)+"/prepare_first_factor", "strategy", strategy).ok()
		a = b.post(signInPath(a)+"/attempt_first_factor", "strategy", strategy, "code", b.lastCode()).ok()
		if strategy != "email_code" {
			a = b.post(signInPath(a)+"/reset_password", "password", "a new password 1").ok()
		}
		a.is("response.status", "complete")
	}
	p.browser().signIn(ada, "a new password 1")
	// The notices come where codes would have.
	p.countMails()
	p.browser().post("/v1/client/sign_ups", "email_address", ada, "strategy", "email_code").ok()
	if m := p.lastMail(); m.Slug != "sign_up_attempt_existing" || m.To != ada || m.Data.OTPCode != "" {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	p.browser().post("/v1/client/sign_ins", "identifier", nobody, "strategy", "email_code").ok()
	if m := p.lastMail(); m.Slug != "sign_in_attempt_unknown" || m.To != nobody || m.Data.OTPCode != "" {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	// Who shows the right password of a banned account is told of the ban.
	if _, err := p.e.Users().Ban(t.Context(), userID); err != nil {
		t.Fatal(err)
	}
	p.browser().post("/v1/client/sign_ins", "identifier", ada, "password", "a new password 1").refused(403, "user_banned", "")
	p.browser().post("/v1/client/sign_ins", "identifier", ada, "password", "wrong guess").refused(422, "form_password_or_identifier_incorrect", "password")
}
