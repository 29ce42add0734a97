package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
	"github.com/usherauth/usher/token"
)

// app is a host: it says who is asking, with the body it was sent.
func app(a *auth.Auth) http.Handler {
	mux := http.NewServeMux()
	who := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s|%s", auth.From(r.Context()).UserID, body)
	}
	mux.HandleFunc("/open", who)
	mux.Handle("/private", a.Require(http.HandlerFunc(who)))
	mux.Handle("/ruled", a.Require(http.HandlerFunc(who), func(id *auth.Identity) error {
		if id.ActorID() == "" {
			return errors.New("only for actors")
		}
		return nil
	}))
	return mux
}

func start(t *testing.T, changes ...func(*auth.Config)) *authtest.Instance {
	i := authtest.New(t, changes...)
	i.Serve(app(i.Auth))
	return i
}

func do(t *testing.T, c *http.Client, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k := 0; k+1 < len(header); k += 2 {
		r.Header.Add(header[k], header[k+1])
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func TestNewReportsEveryProblem(t *testing.T) {
	s := settings.Default()
	s.AppName = ""
	s.Codes.Tries = 0
	_, err := auth.New(t.Context(), auth.Config{URL: "http://example.com/x", PagesPath: "auth/", Settings: &s, SecretKeys: []string{"short"}, DevInbox: true})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Store", "URL", "PagesPath", "app_name", "codes.tries", "SecretKeys"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for name, c := range map[string]auth.Config{
		"W13 inbox on a public URL": {Store: memory.New(), URL: "https://app.example.com", DevInbox: true, Mailer: &authtest.Mailbox{}},
		"no mailer in public":       {Store: memory.New(), URL: "https://app.example.com"},
		"public without https":      {Store: memory.New(), URL: "http://app.example.com", Mailer: &authtest.Mailbox{}},
	} {
		if _, err := auth.New(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestZeroConfigServesLoopback(t *testing.T) {
	a, err := auth.New(t.Context(), auth.Config{Store: memory.New()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a.Wrap(app(a)))
	defer srv.Close()
	for path, want := range map[string]int{"/open": 200, "/auth/sign-in": 200, "/__clerk/v1/environment": 200,
		"/__clerk/v1/client": 200, "/.well-known/jwks.json": 200, "/dev/mail": 200, "/private": 401, "/nothing": 404} {
		res, _ := do(t, authtest.NewClient(t), "GET", srv.URL+path, "")
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestMiddlewareKnowsWhoIsAsking(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	at := i.Server.URL
	if _, body := do(t, c, "GET", at+"/open", ""); body != ada.ID+"|" {
		t.Errorf("by cookie: %q", body)
	}
	tok := i.Token(t, authtest.TokenParams{UserID: ada.ID})
	plain := authtest.NewClient(t)
	for _, x := range []struct{ name, header, want string }{
		{"bearer", "Bearer " + tok, ada.ID + "|"}, {"lower case", "bearer " + tok, ada.ID + "|"},
		{"a forged one", "Bearer " + tok[:len(tok)-4] + "AAAA", "|"}, {"not ours", "Bearer my-own-api-key", "|"},
		{"basic", "Basic YTpi", "|"}, {"none", "", "|"},
		{"expired", "Bearer " + i.Token(t, authtest.TokenParams{UserID: ada.ID, Age: 2 * time.Minute}), "|"},
	} {
		if _, body := do(t, plain, "GET", at+"/open", "", "Authorization", x.header); body != x.want {
			t.Errorf("%s: %q, want %q", x.name, body, x.want)
		}
	}
	// A bearer token that is refused makes the request anonymous: the cookie is
	// not asked.
	if _, body := do(t, c, "GET", at+"/open", "", "Authorization", "Bearer "+tok[:len(tok)-4]+"AAAA"); body != "|" {
		t.Errorf("forged bearer beside a good cookie: %q", body)
	}
}

func TestRequire(t *testing.T) {
	i := start(t)
	at := i.Server.URL
	c := authtest.NewClient(t)
	res, _ := do(t, c, "GET", at+"/private?a=b%26c", "", "Accept", "text/html")
	if to := res.Header.Get("Location"); res.StatusCode != 303 || to != "/auth/sign-in?redirect_url=%2Fprivate%3Fa%3Db%2526c" {
		t.Errorf("a page: %d to %q", res.StatusCode, to)
	}
	for _, h := range [][]string{{"Accept", "application/json"}, {"Accept", "text/html", "Sec-Fetch-Dest", "empty"}, {}} {
		res, body := do(t, c, "GET", at+"/private", "", h...)
		var e struct{ Errors []struct{ Code string } }
		if res.StatusCode != 401 || json.Unmarshal([]byte(body), &e) != nil || len(e.Errors) != 1 || e.Errors[0].Code != "authentication_invalid" {
			t.Errorf("%v: %d %s", h, res.StatusCode, body)
		}
	}
	if res, _ = do(t, c, "POST", at+"/private", "x", "Accept", "text/html"); res.StatusCode != 401 {
		t.Errorf("a POST: %d", res.StatusCode)
	}
	ada := i.SignedIn(t, i.User(t, "ada@example.com"))
	if res, body := do(t, ada, "GET", at+"/ruled", ""); res.StatusCode != 403 || strings.Contains(body, "only for actors") {
		t.Errorf("against a rule: %d %s", res.StatusCode, body)
	}
	res, _ = do(t, ada, "GET", at+"/private", "")
	if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(res.Header.Get("Vary"), "Cookie") {
		t.Errorf("S10: %d %v", res.StatusCode, res.Header)
	}
}

// An expired token and a good client cookie give a new token in the same
// request, and a POST keeps its body.
func TestRenewInTheSameRequest(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	at, _ := url.Parse(i.Server.URL)
	before := cookie(c, at, "__session")
	for _, method := range []string{"GET", "POST"} {
		i.Clock.Advance(2 * time.Minute)
		res, body := do(t, c, method, at.String()+"/private", "the body", "Origin", i.Server.URL)
		if res.StatusCode != 200 || body != ada.ID+"|the body" {
			t.Fatalf("%s: %d %q", method, res.StatusCode, body)
		}
		if now := cookie(c, at, "__session"); now == before || now == "" {
			t.Errorf("%s: no new token", method)
		} else {
			before = now
		}
	}
	// Also without any token.
	c.Jar.SetCookies(at, []*http.Cookie{{Name: "__session", MaxAge: -1, Path: "/"}, {Name: suffixed(c, at), MaxAge: -1, Path: "/"}})
	if _, body := do(t, c, "GET", at.String()+"/private", ""); body != ada.ID+"|" {
		t.Errorf("without a token: %q", body)
	}
}

// Two accounts in one browser, and the one in use is banned: whoever comes with
// a token of it is nobody and never the other account in the same breath. The
// request after that, without a token, is the other one's.
func TestAttack_S17_NobodyBecomesTheOtherAccount(t *testing.T) {
	for name, wait := range map[string]time.Duration{"revoked": 0, "expired": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			i := start(t, func(c *auth.Config) { c.Settings.Sessions.Multi = true })
			ada, bob := i.User(t, "ada@example.com"), i.User(t, "bob@example.com")
			c := i.SignedIn(t, ada)
			at, _ := url.Parse(i.Server.URL)
			i.Clock.Advance(time.Second)
			// Bob signs in in the same browser.
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", at.String(), nil)
			for _, k := range c.Jar.Cookies(at) {
				r.AddCookie(k)
			}
			if err := i.SignIn(w, r, bob.ID); err != nil {
				t.Fatal(err)
			}
			c.Jar.SetCookies(at, w.Result().Cookies())
			if _, err := i.Users().Ban(t.Context(), bob.ID); err != nil {
				t.Fatal(err)
			}
			i.Clock.Advance(wait)
			if res, body := do(t, c, "POST", at.String()+"/private", "x", "Origin", at.String()); res.StatusCode != 401 {
				t.Errorf("with a token of the banned: %d %q", res.StatusCode, body)
			}
			if _, body := do(t, c, "GET", at.String()+"/private", ""); body != ada.ID+"|" {
				t.Errorf("the request after that: %q", body)
			}
		})
	}
}

func cookie(c *http.Client, at *url.URL, name string) string {
	for _, k := range c.Jar.Cookies(at) {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

func suffixed(c *http.Client, at *url.URL) string {
	for _, k := range c.Jar.Cookies(at) {
		if strings.HasPrefix(k.Name, "__session_") {
			return k.Name
		}
	}
	return ""
}

// Many tabs whose token runs out at once all get the same answer, nobody is
// signed out.
func TestParallelRenewals(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	at, _ := url.Parse(i.Server.URL)
	i.Clock.Advance(2 * time.Minute)
	cookies := c.Jar.Cookies(at)
	var mu sync.Mutex
	tokens := map[string]int{}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			r, _ := http.NewRequest("GET", at.String()+"/private", nil)
			for _, k := range cookies {
				r.AddCookie(k)
			}
			res, err := (&http.Client{Timeout: time.Minute}).Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("status %d", res.StatusCode)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, k := range res.Cookies() {
				if k.Name == "__session" {
					tokens[k.Value]++
				}
			}
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d different tokens", len(tokens))
	}
}

// Browsers send cookies of parent domains along. Only one needs to hold, in
// whatever order, and none that fails does harm.
func TestAttack_S03_DuplicateSessionCookies(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	at, _ := url.Parse(i.Server.URL)
	good, client := cookie(c, at, "__session"), cookie(c, at, "__client")
	old := i.Token(t, authtest.TokenParams{UserID: "user_x", Age: time.Hour})
	for name, x := range map[string]struct{ header, want string }{
		"rubbish first":          {"__session=rubbish; __session=" + good, ada.ID},
		"rubbish last":           {"__session=" + good + "; __session=rubbish", ada.ID},
		"a dead one of another":  {"__session=" + old + "; __session=" + good, ada.ID},
		"quoted":                 {`__session="` + good + `"`, ""},
		"nameless":               {"=__session=" + good, ""},
		"only rubbish":           {"__session=rubbish", ""},
		"rubbish and the client": {"__session=rubbish; __client=" + client, ada.ID},
		"two clients":            {"__client=" + client + "; __client=rubbish", ada.ID},
		"forged client":          {"__client=" + client[:len(client)-4] + "AAAA", ""},
	} {
		if _, body := do(t, authtest.NewClient(t), "GET", at.String()+"/open", "", "Cookie", x.header); body != x.want+"|" {
			t.Errorf("%s: %q, want %q", name, body, x.want)
		}
	}
}

// Of several tokens that have run out, the newest names the session: one that
// is left from a session long over keeps nobody out.
func TestAttack_S03_DuplicateExpiredCookies(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	at, _ := url.Parse(i.Server.URL)
	left := cookie(i.SignedIn(t, ada), at, "__session")
	i.Clock.Advance(time.Hour)
	c := i.SignedIn(t, ada)
	last, client := cookie(c, at, "__session"), cookie(c, at, "__client")
	i.Clock.Advance(time.Hour)
	for _, header := range []string{
		"__session=" + left + "; __session=" + last,
		"__session=" + last + "; __session=" + left,
	} {
		res, body := do(t, authtest.NewClient(t), "GET", at.String()+"/open", "", "Cookie", header+"; __client="+client)
		if body != ada.ID+"|" || len(res.Header["Set-Cookie"]) == 0 {
			t.Errorf("%q, want %s renewed", body, ada.ID)
		}
	}
}

// Whoever asks all the time is not idle, however long tokens live.
func TestAttack_S12_InUseIsNotIdle(t *testing.T) {
	i := start(t, func(c *auth.Config) {
		s := settings.Default()
		s.Sessions.IdleTimeout, s.Sessions.TokenLifetime = 5*time.Minute, 5*time.Minute
		c.Settings = &s
	})
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	for n := range 20 {
		i.Clock.Advance(3 * time.Minute)
		if _, body := do(t, c, "GET", i.Server.URL+"/open", ""); body != ada.ID+"|" {
			t.Fatalf("after %d minutes of use: %q", 3*(n+1), body)
		}
	}
	i.Clock.Advance(5 * time.Minute)
	if _, body := do(t, c, "GET", i.Server.URL+"/open", ""); body == ada.ID+"|" {
		t.Error("still in after five idle minutes")
	}
}

func TestAttack_S06_CrossSitePostWithCookie(t *testing.T) {
	i := start(t)
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	at := i.Server.URL
	for name, x := range map[string]struct {
		header []string
		want   int
	}{
		"own origin":       {[]string{"Origin", at, "Sec-Fetch-Site", "same-origin"}, 200},
		"foreign origin":   {[]string{"Origin", "https://evil.example"}, 403},
		"null origin":      {[]string{"Origin", "null"}, 403},
		"cross-site fetch": {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"no browser":       {nil, 200},
	} {
		if res, _ := do(t, c, "POST", at+"/private", "x", x.header...); res.StatusCode != x.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, x.want)
		}
	}
	// A bearer token is no ambient credential, so no origin can borrow it.
	tok := i.Token(t, authtest.TokenParams{UserID: ada.ID})
	if res, _ := do(t, authtest.NewClient(t), "POST", at+"/private", "x", "Origin", "https://other.example", "Authorization", "Bearer "+tok); res.StatusCode != 200 {
		t.Errorf("bearer from elsewhere: %d", res.StatusCode)
	}
}

func TestAttack_S17_TwoUsersInOneRequest(t *testing.T) {
	i := start(t)
	c := i.SignedIn(t, i.User(t, "ada@example.com"))
	bob := i.User(t, "bob@example.com")
	tok := "Bearer " + i.Token(t, authtest.TokenParams{UserID: bob.ID})
	if _, body := do(t, c, "GET", i.Server.URL+"/open", "", "Authorization", tok); body != bob.ID+"|" {
		t.Errorf("reading: the bearer goes first, got %q", body)
	}
	if res, _ := do(t, c, "POST", i.Server.URL+"/open", "", "Authorization", tok); res.StatusCode != 400 {
		t.Errorf("writing: %d, want 400", res.StatusCode)
	}
}

func TestAttack_P11_PendingIsNotSignedIn(t *testing.T) {
	i := start(t)
	issuer := i.Verifier().Keys.(*token.Issuer)
	tok, err := issuer.Mint(t.Context(), token.Claims{Subject: "user_1", SessionID: "sess_1", Status: token.StatusPending})
	if err != nil {
		t.Fatal(err)
	}
	if res, _ := do(t, authtest.NewClient(t), "GET", i.Server.URL+"/private", "", "Authorization", "Bearer "+tok); res.StatusCode != 401 {
		t.Errorf("status %d", res.StatusCode)
	}
}

// A live token needs no store at all, and a store that is down is never a 401.
func TestFault_R18_StoreDown(t *testing.T) {
	var down sync.Mutex
	off := false
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(_ context.Context, _ string) error {
		down.Lock()
		defer down.Unlock()
		if off {
			return store.ErrUnavailable
		}
		return nil
	}})
	i := start(t, func(c *auth.Config) { c.Store = st })
	ada := i.User(t, "ada@example.com")
	c := i.SignedIn(t, ada)
	down.Lock()
	off = true
	down.Unlock()
	if res, body := do(t, c, "GET", i.Server.URL+"/private", ""); res.StatusCode != 200 || body != ada.ID+"|" {
		t.Errorf("a live token without the store: %d %q", res.StatusCode, body)
	}
	i.Clock.Advance(2 * time.Minute)
	res, _ := do(t, c, "GET", i.Server.URL+"/private", "")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("an expired token without the store: %d", res.StatusCode)
	}
	down.Lock()
	off = false
	down.Unlock()
	if res, _ := do(t, c, "GET", i.Server.URL+"/private", ""); res.StatusCode != 200 {
		t.Errorf("after the store is back: %d", res.StatusCode)
	}
}

func TestMiddlewareNeverAsksTheStoreForALiveToken(t *testing.T) {
	st := storetest.Counting(memory.New())
	i := authtest.New(t, func(c *auth.Config) { c.Store = st })
	h := i.Middleware(app(i.Auth))
	tok := i.Token(t, authtest.TokenParams{UserID: "user_1"})
	before := st.Calls().Get // Run polls by Find
	for range 50 {
		r := httptest.NewRequest("GET", "/open", nil)
		r.Header.Set("Cookie", "__session="+tok)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Body.String() != "user_1|" {
			t.Fatal(w.Body)
		}
	}
	if n := st.Calls().Get - before; n != 0 {
		t.Errorf("%d reads for 50 live tokens", n)
	}
}
