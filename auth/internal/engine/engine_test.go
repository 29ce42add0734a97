package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signin"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

const (
	ada  = "ada@example.com"
	good = "correct horse battery 9"
)

// rig is an engine with a clock, a store and a mailbox in the test's hands.
type rig struct {
	*engine.Engine
	t     testing.TB
	mu    sync.Mutex
	now   time.Time
	mails []notify.Message
	fail  error // what the mailer answers
}

func (r *rig) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) Send(_ context.Context, m notify.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.mails = append(r.mails, m)
	return nil
}

func hasher() *password.Hasher {
	return &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
}

func newRig(t testing.TB, st store.Store, changes ...func(*engine.Config)) *rig {
	t.Helper()
	if st == nil {
		// Every transaction runs twice: whoever has an effect outside of it,
		// or keeps an object over it, is found out.
		st = storetest.Faulty(memory.New(), storetest.Plan{Rerun: true})
	}
	r := &rig{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s := settings.Default()
	s.Limits, s.Mails.NewDeviceSignIn = settings.Limits{}, false
	c := engine.Config{Store: st, Settings: s, Issuer: "https://clerk.example.com", AppURL: "https://example.com", Mailer: r, Now: r.Now,
		Hasher: hasher(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Schedule: token.Schedule{Algorithm: token.ES256}}
	for _, change := range changes {
		change(&c)
	}
	e, err := engine.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = e
	return r
}

// unlocked takes away what locks accounts, for tests of what else holds.
func unlocked(c *engine.Config) { c.Settings.Protection.Lockout = settings.Lockout{} }

// browser returns a stranger's browser.
func (r *rig) browser() *engine.Browser {
	return &engine.Browser{Request: engine.Request{Addr: netip.MustParseAddr("192.0.2.7"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
}

// next is b's next request, with the cookie that it has by now.
func (r *rig) next(b *engine.Browser, cookie *string) *engine.Browser {
	r.t.Helper()
	if b.Cookie != "" {
		*cookie = b.Cookie
	}
	nb, err := r.Browser(context.Background(), []string{*cookie}, b.Request)
	if err != nil {
		r.t.Fatal(err)
	}
	return nb
}

// lastCode delivers what is due and returns the code in the last mail.
func (r *rig) lastCode() string {
	r.t.Helper()
	if _, _, err := r.Deliver(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mails) == 0 || r.mails[len(r.mails)-1].Data.OTPCode == "" {
		r.t.Fatal("no mail with a code")
	}
	return r.mails[len(r.mails)-1].Data.OTPCode
}

func ptr[T any](v T) *T { return &v }

// signUp signs somebody up and returns the browser and its cookie.
func (r *rig) signUp(email, pw string) (*engine.Browser, string) {
	r.t.Helper()
	ctx := context.Background()
	b := r.browser()
	var cookie string
	a, err := r.CreateSignUp(ctx, b, engine.SignUpParams{EmailAddress: &email, Password: &pw})
	if err != nil {
		r.t.Fatal(err)
	}
	b = r.next(b, &cookie)
	if _, err = r.PrepareSignUp(ctx, b, a.ID, "email_code"); err != nil {
		r.t.Fatal(err)
	}
	a, err = r.AttemptSignUp(ctx, b, a.ID, "email_code", factor.Proof{Code: r.lastCode()})
	if err != nil {
		r.t.Fatal(err)
	}
	if a.Status != signup.Complete || a.CreatedUserID == "" || a.CreatedSessionID == "" {
		r.t.Fatalf("sign-up: %+v", a)
	}
	return r.next(b, &cookie), cookie
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.From(err).Code
}

func TestSignUpThenSignIn(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	b, cookie := r.signUp(ada, good)
	v, err := r.View(ctx, b)
	if err != nil || len(v.Live()) != 1 || v.SignUp != nil || v.Client.LastActiveSessionID != v.Sessions[0].ID {
		t.Fatalf("after sign-up: %+v %v", v, err)
	}
	if u := v.Sessions[0].User; u.PrimaryEmailAddress().Value != ada || !u.PrimaryEmailAddress().Verified || !u.PasswordEnabled {
		t.Fatalf("user %+v", u)
	}
	if _, err := r.EndAllSessions(ctx, b); err != nil {
		t.Fatal(err)
	}
	b = r.next(b, &cookie)

	a, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: "ADA@Example.com"})
	if err != nil || a.Status != signin.NeedsFirstFactor {
		t.Fatalf("%+v %v", a, err)
	}
	if a, err = r.AttemptSignIn(ctx, b, a.ID, factor.First, "password", factor.Proof{Password: "wrong"}); code(err) != "form_password_incorrect" || a.First.Attempts != 1 {
		t.Fatalf("%+v %v", a, err)
	}
	a, err = r.AttemptSignIn(ctx, b, a.ID, factor.First, "password", factor.Proof{Password: good})
	if err != nil || a.Status != signin.Complete {
		t.Fatalf("%+v %v", a, err)
	}
	b = r.next(b, &cookie)
	tok, err := r.Token(ctx, b, a.CreatedSessionID, engine.TokenParams{Origin: "https://example.com"})
	if err != nil {
		t.Fatal(err)
	}
	ver := &token.Verifier{Keys: r.TokenIssuer(), Issuer: "https://clerk.example.com", Now: r.Now}
	c, err := ver.Verify(ctx, tok)
	if err != nil || c.SessionID != a.CreatedSessionID || c.AuthorizedParty != "https://example.com" || c.FactorAge.First != 0 || c.FactorAge.Second != -1 {
		t.Fatalf("%+v %v", c, err)
	}
}

func TestOneCallSignIn(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	r.signUp(ada, good)
	for _, c := range []struct{ identifier, password, want string }{
		{ada, good, ""}, {ada, "wrong", "form_password_incorrect"}, {"bob@example.com", good, "form_identifier_not_found"},
		{"", good, "form_param_nil"}, {"ada", good, "form_identifier_not_found"}, {"@@@", good, "form_identifier_not_found"},
	} {
		a, err := r.CreateSignIn(ctx, r.browser(), engine.SignInParams{Identifier: c.identifier, Password: &c.password})
		if code(err) != c.want {
			t.Errorf("%q: %v, want %q", c.identifier, err, c.want)
		}
		if c.want == "" && a.Status != signin.Complete {
			t.Errorf("%q: %s", c.identifier, a.Status)
		}
	}
}

func TestResetPassword(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	other, otherCookie := r.signUp(ada, good)
	b := r.browser()
	var cookie string
	a, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: ada})
	if err != nil {
		t.Fatal(err)
	}
	b = r.next(b, &cookie)
	if _, err = r.PrepareSignIn(ctx, b, a.ID, factor.First, "reset_password_email_code", ""); err != nil {
		t.Fatal(err)
	}
	if a, err = r.AttemptSignIn(ctx, b, a.ID, factor.First, "reset_password_email_code", factor.Proof{Code: r.lastCode()}); err != nil || a.Status != signin.NeedsNewPassword {
		t.Fatalf("%+v %v", a, err)
	}
	for _, c := range []struct{ pw, want string }{{"short", "form_password_length_too_short"}, {good, "form_new_password_matches_current"}, {"password123", "form_password_pwned"}} {
		if _, err := r.ResetSignInPassword(ctx, b, a.ID, c.pw, true); code(err) != c.want {
			t.Errorf("%q: %v", c.pw, err)
		}
	}
	const fresh = "a whole new passphrase 7"
	if a, err = r.ResetSignInPassword(ctx, b, a.ID, fresh, true); err != nil || a.Status != signin.Complete {
		t.Fatalf("%+v %v", a, err)
	}
	v, _ := r.View(ctx, r.next(other, &otherCookie))
	if len(v.Live()) != 0 {
		t.Error("C15: the other session outlived the reset")
	}
	if _, err := r.CreateSignIn(ctx, r.browser(), engine.SignInParams{Identifier: ada, Password: ptr(good)}); code(err) != "form_password_incorrect" {
		t.Errorf("the old password: %v", err)
	}
	if _, err := r.CreateSignIn(ctx, r.browser(), engine.SignInParams{Identifier: ada, Password: ptr(fresh)}); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func TestAttack_L02_OneOfManyRightCodesWins(t *testing.T) {
	r := newRig(t, memory.New())
	ctx := t.Context()
	r.signUp(ada, good)
	b := r.browser()
	var cookie string
	a, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: ada})
	if err != nil {
		t.Fatal(err)
	}
	b = r.next(b, &cookie)
	if _, err := r.PrepareSignIn(ctx, b, a.ID, factor.First, "email_code", ""); err != nil {
		t.Fatal(err)
	}
	right := r.lastCode()
	const n = 64
	var wg sync.WaitGroup
	var mu sync.Mutex
	sessions := map[string]int{}
	begin := make(chan struct{})
	for range n {
		own := r.next(b, &cookie)
		wg.Go(func() {
			<-begin
			if a, err := r.AttemptSignIn(context.Background(), own, a.ID, factor.First, "email_code", factor.Proof{Code: right}); err == nil {
				mu.Lock()
				sessions[a.CreatedSessionID]++
				mu.Unlock()
			}
		})
	}
	close(begin)
	wg.Wait()
	_, total, err := r.Sessions().List(ctx, session.Filter{}, 0, 0)
	if err != nil || len(sessions) != 1 || total != 2 {
		t.Fatalf("%d winners, %d sessions in all (want 1 and 2: one of the sign-up), %v", len(sessions), total, err)
	}
}

func TestAttack_C06_WrongCodesCountExactly(t *testing.T) {
	r := newRig(t, memory.New(), unlocked)
	ctx := t.Context()
	r.signUp(ada, good)
	b := r.browser()
	var cookie string
	a, _ := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: ada})
	b = r.next(b, &cookie)
	if _, err := r.PrepareSignIn(ctx, b, a.ID, factor.First, "email_code", ""); err != nil {
		t.Fatal(err)
	}
	right := r.lastCode()
	var wg sync.WaitGroup
	for i := range 32 {
		own := r.next(b, &cookie)
		wg.Go(func() {
			_, _ = r.AttemptSignIn(context.Background(), own, a.ID, factor.First, "email_code", factor.Proof{Code: fmt.Sprintf("x%d", i)})
		})
	}
	wg.Wait()
	got, err := r.SignIn(ctx, b, a.ID)
	if err != nil || got.First.Attempts > 5 || got.First.Attempts == 0 {
		t.Fatalf("%+v %v", got.First, err)
	}
	for got.First.Attempts < 5 {
		r.AttemptSignIn(ctx, b, a.ID, factor.First, "email_code", factor.Proof{Code: "no"})
		got, _ = r.SignIn(ctx, b, a.ID)
	}
	if _, err := r.AttemptSignIn(ctx, b, a.ID, factor.First, "email_code", factor.Proof{Code: right}); code(err) != "verification_failed" {
		t.Fatalf("the right code after five wrong ones: %v", err)
	}
}

func TestAttack_C18_RehashNeverUndoesANewPassword(t *testing.T) {
	st := memory.New()
	r := newRig(t, st)
	ctx := t.Context()
	b, _ := r.signUp(ada, good)
	v, _ := r.View(ctx, b)
	id := v.Sessions[0].UserID
	// A second instance with other parameters rehashes at the next sign-in.
	r2 := newRig(t, st, func(c *engine.Config) {
		c.Hasher = &password.Hasher{Params: password.Params{Memory: 128, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
	})
	hash := func() (h string) {
		st.View(ctx, func(tx store.Tx) error {
			p, err := user.GetPassword(ctx, tx, id)
			if err == nil {
				h = p.Hash
			}
			return err
		})
		return h
	}
	before := hash()
	if _, err := r2.CreateSignIn(ctx, r2.browser(), engine.SignInParams{Identifier: ada, Password: ptr(good)}); err != nil {
		t.Fatal(err)
	}
	if hash() == before {
		t.Error("a hash with old parameters stayed")
	}
	// A rehash of a password that is no longer stored changes nothing.
	now := hash()
	err := st.Update(ctx, func(tx store.Tx) error { return user.Rehash(ctx, tx, id, before, "stale") })
	if err != nil || hash() != now {
		t.Errorf("stale rehash: %v", err)
	}
}

func TestAttack_S01_CookieRotates(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	b := r.browser()
	if _, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: ada}); code(err) != "form_identifier_not_found" {
		t.Fatal(err)
	}
	planted := b.Cookie
	if planted == "" {
		t.Fatal("no cookie")
	}
	r.signUp(ada, good)
	var cookie string
	b = r.next(b, &cookie)
	if _, err := r.CreateSignIn(ctx, b, engine.SignInParams{Identifier: ada, Password: ptr(good)}); err != nil {
		t.Fatal(err)
	}
	if b.Cookie == "" || b.Cookie == planted {
		t.Fatal("the cookie did not rotate at sign-in")
	}
	fresh := b.Cookie

	old, err := r.Browser(ctx, []string{planted}, b.Request)
	if err != nil || old.Client == nil {
		t.Fatalf("in its grace the old cookie names the client: %v", err)
	}
	if _, err := r.EndAllSessions(ctx, old); code(err) != "conflict" {
		t.Errorf("the old cookie changed something: %v", err)
	}
	v, _ := r.View(ctx, b)
	if _, err := r.Token(ctx, old, v.Sessions[0].ID, engine.TokenParams{}); code(err) != "resource_not_found" {
		t.Errorf("the planted cookie got a token of the session that rotated it: %v", err)
	}
	r.advance(2 * time.Minute)
	if old, err = r.Browser(ctx, []string{planted}, b.Request); err != nil || old.Client != nil || !old.Gone {
		t.Errorf("S02: the old cookie after its grace: %+v %v", old, err)
	}
	if now, _ := r.Browser(ctx, []string{fresh}, b.Request); now.Client != nil {
		t.Error("S02: the client outlived the reuse of its old secret")
	}
	if !r.Revoked(v.Sessions[0].ID) {
		t.Error("S02: the session's tokens are still good")
	}
}

func TestAttack_S03_TwoGoodClientCookies(t *testing.T) {
	r := newRig(t, nil)
	_, one := r.signUp(ada, good)
	_, two := r.signUp("bob@example.com", good)
	for _, c := range []struct {
		name    string
		cookies []string
		found   bool
	}{
		{"one", []string{one}, true}, {"twice the same", []string{one, one}, true},
		{"one and rubbish", []string{"rubbish", one, "client_x.y"}, true}, {"two good ones", []string{one, two}, false},
		{"none", nil, false}, {"forged secret", []string{one[:len(one)-4] + "AAAA"}, false},
	} {
		b, err := r.Browser(t.Context(), c.cookies, engine.Request{})
		if err != nil || (b.Client != nil) != c.found {
			t.Errorf("%s: %+v %v", c.name, b.Client, err)
		}
	}
}

func TestAttack_S14_NoTokenAfterSignOut(t *testing.T) {
	r := newRig(t, memory.New())
	ctx := t.Context()
	b, cookie := r.signUp(ada, good)
	v, _ := r.View(ctx, b)
	sid := v.Sessions[0].ID
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		own := r.next(b, &cookie)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = r.Token(context.Background(), own, sid, engine.TokenParams{})
				}
			}
		})
	}
	if _, err := r.EndAllSessions(ctx, b); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := r.Token(ctx, b, sid, engine.TokenParams{}); err == nil {
			t.Fatal("a token after the sign-out")
		}
	}
	close(stop)
	wg.Wait()
	if s, err := r.Sessions().Get(ctx, sid); err != nil || s.Status != session.Removed {
		t.Fatalf("the session was resurrected: %+v %v", s, err)
	}
}

func TestAttack_S12_SessionsEnd(t *testing.T) {
	r := newRig(t, nil, func(c *engine.Config) {
		c.Settings.Sessions.MaxLifetime, c.Settings.Sessions.IdleTimeout = 2*time.Hour, 30*time.Minute
	})
	ctx := t.Context()
	b, cookie := r.signUp(ada, good)
	v, _ := r.View(ctx, b)
	sid := v.Sessions[0].ID
	for range 7 { // used all the time: lives on, but no longer than its life
		r.advance(15 * time.Minute)
		if _, err := r.Token(ctx, r.next(b, &cookie), sid, engine.TokenParams{}); err != nil {
			t.Fatalf("after %s: %v", r.Now(), err)
		}
	}
	r.advance(16 * time.Minute)
	if _, err := r.Token(ctx, r.next(b, &cookie), sid, engine.TokenParams{}); code(err) != "authentication_invalid" {
		t.Errorf("after its maximum life: %v", err)
	}
	b, cookie = r.signUp("bob@example.com", good)
	v, _ = r.View(ctx, b)
	r.advance(31 * time.Minute)
	if _, err := r.Token(ctx, r.next(b, &cookie), v.Sessions[0].ID, engine.TokenParams{}); code(err) != "authentication_invalid" {
		t.Errorf("after being idle: %v", err)
	}
}

func TestAttack_S13_OneSignatureForManyTabs(t *testing.T) {
	r := newRig(t, memory.New())
	b, _ := r.signUp(ada, good)
	v, _ := r.View(t.Context(), b)
	var mu sync.Mutex
	tokens := map[string]bool{}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			tok, err := r.Token(context.Background(), b, v.Sessions[0].ID, engine.TokenParams{Origin: "https://example.com"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			tokens[tok] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d signatures for one second of one session", len(tokens))
	}
}

func TestBanAndFriends(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name   string
		do     func(r *rig, id string) error
		live   bool
		signIn string // code of signing in afterwards
	}{
		{"ban", func(r *rig, id string) error { _, err := r.Users().Ban(ctx, id); return err }, false, "user_banned"},
		{"lock", func(r *rig, id string) error { _, err := r.Users().Lock(ctx, id, time.Hour); return err }, true, "user_locked"},
		{"delete", func(r *rig, id string) error { _, err := r.Users().Delete(ctx, id); return err }, false, "form_identifier_not_found"},
		{"revoke all", func(r *rig, id string) error { _, err := r.Sessions().RevokeUser(ctx, id); return err }, false, ""},
		{"compromised", func(r *rig, id string) error {
			_, err := r.Users().SetPasswordCompromised(ctx, id, true)
			return err
		}, false, "form_password_compromised"},
		{"no password", func(r *rig, id string) error { _, err := r.Users().RemovePassword(ctx, id); return err }, false, "strategy_for_user_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			b, cookie := r.signUp(ada, good)
			v, _ := r.View(ctx, b)
			s := v.Sessions[0]
			if err := c.do(r, s.UserID); err != nil {
				t.Fatal(err)
			}
			if r.Revoked(s.ID) == c.live {
				t.Errorf("revoked: %v", r.Revoked(s.ID))
			}
			if _, err := r.Token(ctx, r.next(b, &cookie), s.ID, engine.TokenParams{}); (err == nil) != c.live {
				t.Errorf("token afterwards: %v", err)
			}
			if _, err := r.CreateSignIn(ctx, r.browser(), engine.SignInParams{Identifier: ada, Password: ptr(good)}); code(err) != c.signIn {
				t.Errorf("sign-in afterwards: %v, want %q", err, c.signIn)
			}
		})
	}
}

// A token that the host had made for an hour dies with its session, and stays
// dead: when others are forgotten, and after a restart.
func TestAttack_S04_LongTokensStayDead(t *testing.T) {
	st := memory.New()
	r := newRig(t, st)
	ctx := t.Context()
	b, _ := r.signUp(ada, good)
	v, _ := r.View(ctx, b)
	id := v.Sessions[0].ID
	if _, err := r.Sessions().Token(ctx, id, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Sessions().Revoke(ctx, id); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		r.advance(11 * time.Minute)
		other, _ := r.signUp(fmt.Sprintf("%d@example.com", r.Now().Unix()), good) // whose end sweeps
		if _, err := r.EndAllSessions(ctx, other); err != nil {
			t.Fatal(err)
		}
		if !r.Revoked(id) {
			t.Fatalf("forgotten at %s", r.Now())
		}
	}
	restarted := newRig(t, st)
	if !restarted.Revoked(id) {
		t.Error("a restart forgets it")
	}
}

func TestHandshakeOnce(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	nonce, err := r.PutHandshake(ctx, netip.Addr{}, []string{"a=b"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.TakeHandshake(ctx, nonce); err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	if _, err := r.TakeHandshake(ctx, nonce); code(err) != "resource_not_found" {
		t.Errorf("T16: a second time: %v", err)
	}
	nonce, _ = r.PutHandshake(ctx, netip.Addr{}, []string{"a=b"})
	r.advance(time.Minute)
	if _, err := r.TakeHandshake(ctx, nonce); code(err) != "resource_not_found" {
		t.Errorf("T16: too late: %v", err)
	}
}

func TestSettings(t *testing.T) {
	st := memory.New()
	one, two := newRig(t, st), newRig(t, st)
	ctx := t.Context()
	if err := one.UpdateSettings(ctx, func(s *settings.Settings) error { s.AppName = "Changed"; return nil }); err != nil {
		t.Fatal(err)
	}
	if one.Settings(ctx).AppName != "Changed" {
		t.Error("not seen where it was made")
	}
	two.advance(time.Second)
	if two.Settings(ctx).AppName != "Changed" {
		t.Error("not seen by another instance after a second")
	}
	err := one.UpdateSettings(ctx, func(s *settings.Settings) error {
		s.Sessions.TokenLifetime, s.Codes.Tries = time.Hour, 0
		return nil
	})
	if _, ok := errors.AsType[*settings.FieldError](err); !ok || one.Settings(ctx).Codes.Tries != 5 {
		t.Errorf("bad settings were taken: %v", err)
	}
	locked := newRig(t, st, func(c *engine.Config) { c.LockSettings = true })
	if locked.Settings(ctx).AppName == "Changed" {
		t.Error("locked settings were changed")
	}
	if err := locked.UpdateSettings(ctx, func(*settings.Settings) error { return nil }); code(err) != "settings_locked" {
		t.Errorf("locked: %v", err)
	}
}

func TestFault_R14_KeysAreAgreedOn(t *testing.T) {
	st := memory.New()
	var rigs [8]*rig
	var wg sync.WaitGroup
	for i := range rigs {
		wg.Go(func() { rigs[i] = newRig(t, st) })
	}
	wg.Wait()
	ctx := t.Context()
	want := fmt.Sprint(keyIDs(t, rigs[0]))
	for _, r := range rigs {
		if got := fmt.Sprint(keyIDs(t, r)); got != want {
			t.Errorf("instances differ: %s and %s", got, want)
		}
		if r.SecretKey() != rigs[0].SecretKey() {
			t.Error("instances have different secret keys")
		}
	}
	_ = ctx
}

func keyIDs(t *testing.T, r *rig) (ids []string) {
	t.Helper()
	for _, k := range r.TokenIssuer().KeySet().Keys() {
		ids = append(ids, k.ID())
	}
	return ids
}
