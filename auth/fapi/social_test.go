package fapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
)

// socialRig is a rig with two providers that believe everybody.
type socialRig struct {
	*rig
	fake, other *oauthtest.Server
	down        atomic.Bool // no provider answers
	url         string      // of the providers' machine
}

const (
	fake  = "oauth_custom_mock"
	other = "oauth_mock"
)

func newSocial(t testing.TB, changes ...func(*setup)) *socialRig {
	t.Helper()
	var handlers [2]*oauthtest.Server
	s := &socialRig{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/pictures/") {
			servePicture(w, r)
			return
		}
		h := handlers[0]
		if strings.HasPrefix(r.URL.Path, "/other") {
			h = handlers[1]
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	for i, path := range []string{"/fake", "/other"} {
		var err error
		if handlers[i], err = oauthtest.New(srv.URL + path); err != nil {
			t.Fatal(err)
		}
	}
	one, two := handlers[0].Provider(), handlers[1].Provider()
	one.Key, two.Key, two.Name = "custom_mock", "mock", "Other" // the contract has a list of strategies
	s.fake, s.other, s.url = handlers[0], handlers[1], srv.URL
	s.rig = newRig(t, append([]func(*setup){func(c *setup) { c.social = []oauth.Provider{one, two} }}, changes...)...)
	s.fake.Now, s.other.Now = s.rig.Now, s.rig.Now
	return s
}

func person(email string, verified bool) *oauthtest.Person {
	return &oauthtest.Person{EmailAddress: email, EmailVerified: verified, Name: "Ada Lovelace"}
}

// leave begins a sign-in or sign-up and returns where the browser is sent.
func (b *browser) leave(path, strategy string, pairs ...string) string {
	b.t.Helper()
	a := b.post(path, append([]string{"strategy", strategy, "redirect_url", "/sso-callback", "action_complete_redirect_url", "/done"}, pairs...)...).ok()
	for _, at := range []string{"response.first_factor_verification", "response.verifications.external_account", "response.verification"} {
		if v, _ := a.at(at + ".external_verification_redirect_url").(string); v != "" {
			return v
		}
	}
	b.t.Fatalf("the browser is sent nowhere: %s", a.raw)
	return ""
}

// back brings the browser back from a provider as p; nil denies.
func (b *browser) back(s *oauthtest.Server, authURL string, p *oauthtest.Person) *answer {
	b.t.Helper()
	to, err := s.Answer(authURL, p)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.opens(to)
}

// opens goes to a URL of the API, as the browser does that is redirected there.
func (b *browser) opens(to string) *answer {
	b.t.Helper()
	path, ok := strings.CutPrefix(to, b.server.URL+prefix)
	if !ok {
		b.t.Fatalf("the provider sends the browser to %s", to)
	}
	return b.send("GET", path, b.header, nil, false)
}

// lands checks where the browser goes on.
func (a *answer) lands(path string) *answer {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != path {
		a.t.Fatalf("%s: %d to %q, want %q: %s", a.what, a.status, a.header.Get("Location"), path, a.raw)
	}
	return a
}

func (b *browser) client() *answer { b.t.Helper(); return b.get("/v1/client").ok() }

// signedInAs reports the user whose session the browser acts with.
func (b *browser) signedInAs() string {
	b.t.Helper()
	a := b.client()
	id, _ := a.at("response.last_active_session_id").(string)
	for _, s := range a.list("response.sessions") {
		if m := s.(map[string]any); m["id"] == id {
			return m["user"].(map[string]any)["id"].(string)
		}
	}
	return ""
}

// Somebody new signs up by a provider that has verified the address: done in
// one go, without a password, with the account, the address and the name. The
// next time it is a sign-in.
func TestSocialSignUpAndIn(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/done")
	uid := b.signedInAs()
	a := b.client()
	u := a.at("response.sessions.0.user").(map[string]any)
	accounts, addresses := u["external_accounts"].([]any), u["email_addresses"].([]any)
	if len(accounts) != 1 || len(addresses) != 1 || u["first_name"] != "Ada" || u["password_enabled"] != false {
		t.Fatalf("%v", u)
	}
	acc, addr := accounts[0].(map[string]any), addresses[0].(map[string]any)
	if acc["provider"] != fake || acc["email_address"] != ada || acc["approved_scopes"] != "openid profile email" || !strings.HasPrefix(acc["id"].(string), "eac_") {
		t.Errorf("%v", acc)
	}
	if v := addr["verification"].(map[string]any); v["status"] != "verified" || v["strategy"] != "from_"+fake {
		t.Errorf("%v", v)
	}
	if l := addr["linked_to"].([]any); len(l) != 1 || l[0].(map[string]any)["id"] != acc["id"] {
		t.Errorf("%v", l)
	}

	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ins", fake), person(ada, true)).lands("/done")
	if c.signedInAs() != uid {
		t.Error("the second time is somebody else")
	}
	c.client().is("response.sign_in", nil).is("response.last_authentication_strategy", fake)
}

// An unknown account at a sign-in, and a known one at a sign-up, can be taken
// over by the other.
func TestSocialTransfer(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ins", fake), person(ada, true)).lands("/sso-callback")
	b.client().is("response.sign_in.status", "needs_identifier").is("response.sign_in.first_factor_verification.status", "transferable").
		is("response.sign_in.first_factor_verification.error.code", "external_account_not_found")
	b.post("/v1/client/sign_ups", "transfer", "true").ok().is("response.status", "complete")
	uid := b.signedInAs()
	if uid == "" {
		t.Fatal("nobody is signed in")
	}
	b.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")

	c := s.browser()
	c.back(s.fake, c.leave("/v1/client/sign_ups", fake), person(ada, true)).lands("/sso-callback")
	c.client().is("response.sign_up.verifications.external_account.status", "transferable").
		is("response.sign_up.verifications.external_account.error.code", "external_account_exists")
	c.post("/v1/client/sign_ins", "transfer", "true").ok().is("response.status", "complete")
	if c.signedInAs() != uid {
		t.Error("the sign-in took over somebody else")
	}
	c.post("/v1/client/sign_ins", "transfer", "true").refused(400, "account_transfer_invalid")
	s.browser().post("/v1/client/sign_ins", "transfer", "true").refused(400, "account_transfer_invalid")
	s.browser().post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")

	// What was found out is not there for ever.
	d := s.browser()
	d.back(s.fake, d.leave("/v1/client/sign_ins", fake), person(bob, true)).lands("/sso-callback")
	s.advance(31 * time.Minute)
	d.post("/v1/client/sign_ups", "transfer", "true").refused(400, "account_transfer_invalid")
}

// A sign-up stops at what is missing: an address that the provider has not
// verified, or a field that it does not give.
func TestSocialSignUpStops(t *testing.T) {
	s := newSocial(t, func(c *setup) { c.settings.LastName.Required = true })
	b := s.browser()
	b.back(s.fake, b.leave("/v1/client/sign_ups", fake), &oauthtest.Person{EmailAddress: ada, Name: "Ada"}).lands("/sso-callback")
	a := b.client().is("response.sign_up.status", "missing_requirements").is("response.sign_up.verifications.external_account.status", "verified").
		is("response.sign_up.missing_fields.0", "last_name").is("response.sign_up.unverified_fields.0", "email_address")
	id := a.str("response.sign_up.id")
	b.patch("/v1/client/sign_ups/"+id, "last_name", "Lovelace").ok().is("response.status", "missing_requirements")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", b.lastCode()).ok().is("response.status", "complete")
	if u := b.client().at("response.sessions.0.user").(map[string]any); len(u["external_accounts"].([]any)) != 1 {
		t.Errorf("%v", u)
	}
}

// Denials and failures are told in the attempt, with texts of our own.
func TestAttack_O15_ErrorsAreTold(t *testing.T) {
	s := newSocial(t)
	for _, path := range []string{"sign_ins", "sign_ups"} {
		b := s.browser()
		b.back(s.fake, b.leave("/v1/client/"+path, fake), nil).lands("/sso-callback")
		at := map[string]string{"sign_ins": "response.sign_in.first_factor_verification", "sign_ups": "response.sign_up.verifications.external_account"}[path]
		b.client().is(at+".status", "failed").is(at+".error.code", "oauth_access_denied")

		to := b.leave("/v1/client/"+path, fake)
		state := query(t, to).Get("state")
		a := b.opens(b.server.URL + prefix + "/v1/oauth_callback/custom_mock?" + url.Values{"state": {state}, "iss": {s.fake.Provider().Issuer},
			"error": {"<script>alert(1)</script>"}, "error_description": {"call the desk"}}.Encode()).lands("/sso-callback")
		if strings.Contains(string(a.raw), "script") {
			t.Error("the provider's words are shown")
		}
		c := b.client().is(at+".error.code", "oauth_fetch_user_error")
		if strings.Contains(string(c.raw), "call the desk") || strings.Contains(string(c.raw), "script") {
			t.Error("the provider's words are shown")
		}
	}
}

func query(t testing.TB, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// A state is this browser's, this provider's, this attempt's, and good once and
// for ten minutes: spoil one thing and it is refused, and nobody is signed in.
func TestAttack_O01_State(t *testing.T) {
	s := newSocial(t)
	for name, spoil := range map[string]func(b *browser, to *string) *browser{
		"missing": func(b *browser, to *string) *browser { *to = without(t, *to, "state"); return b },
		"made up": func(b *browser, to *string) *browser { *to = with(t, *to, "state", strings.Repeat("A", 43)); return b },
		"of another browser": func(b *browser, to *string) *browser {
			c := s.browser()
			c.leave("/v1/client/sign_ins", fake)
			return c
		},
		"of a stranger": func(b *browser, to *string) *browser { return s.browser() },
		"of another provider": func(b *browser, to *string) *browser {
			*to = strings.Replace(*to, "/custom_mock?", "/mock?", 1)
			return b
		},
		"at the common callback": func(b *browser, to *string) *browser { *to = strings.Replace(*to, "/custom_mock?", "?", 1); return b },
		"late":                   func(b *browser, to *string) *browser { s.advance(10 * time.Minute); return b },
		"of an older attempt":    func(b *browser, to *string) *browser { b.leave("/v1/client/sign_ins", fake); return b },
		"used":                   func(b *browser, to *string) *browser { b.opens(*to).lands("/sso-callback"); return b },
	} {
		b := s.browser()
		to, err := s.fake.Answer(b.leave("/v1/client/sign_ins", fake), person(ada, true))
		if err != nil {
			t.Fatal(err)
		}
		c := spoil(b, &to)
		c.opens(to).refused(400, "oauth_callback_invalid")
		if c.signedInAs() != "" {
			t.Errorf("%s: somebody is signed in", name)
		}
	}
}

func with(t testing.TB, raw, key, value string) string {
	t.Helper()
	u, _ := url.Parse(raw)
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func without(t testing.TB, raw, key string) string {
	t.Helper()
	u, _ := url.Parse(raw)
	q := u.Query()
	q.Del(key)
	u.RawQuery = q.Encode()
	return u.String()
}

// Two answers at once with one state: one of them goes on.
func TestAttack_O01_StateRace(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	to, err := s.fake.Answer(b.leave("/v1/client/sign_ups", fake), person(ada, true))
	if err != nil {
		t.Fatal(err)
	}
	const n = 8
	results := make(chan int, n)
	start := make(chan struct{})
	for range n {
		c := b.fork()
		go func() {
			<-start
			req, _ := http.NewRequest("GET", to, nil)
			res, err := c.http.Do(req)
			if err != nil {
				results <- 0
				return
			}
			res.Body.Close()
			results <- res.StatusCode
		}()
	}
	close(start)
	won := 0
	for range n {
		if <-results == http.StatusSeeOther {
			won++
		}
	}
	_, total, err := s.e.Users().List(t.Context(), userFilter, userPage)
	if err != nil || won != 1 || total != 1 {
		t.Errorf("%d went on, %d users: %v", won, total, err)
	}
}

// The same person comes back to several browsers at once: one of them makes the
// account, the others find it.
func TestAttack_O06_OneAccountForAll(t *testing.T) {
	s := newSocial(t)
	const n = 6
	var browsers []*browser
	var answers []string
	for range n {
		b := s.browser()
		to, err := s.fake.Answer(b.leave("/v1/client/sign_ups", fake), person(ada, true))
		if err != nil {
			t.Fatal(err)
		}
		browsers, answers = append(browsers, b), append(answers, to)
	}
	went := make(chan string, n)
	start := make(chan struct{})
	for i, b := range browsers {
		go func() {
			<-start
			req, _ := http.NewRequest("GET", answers[i], nil)
			res, err := b.http.Do(req)
			if err != nil {
				went <- err.Error()
				return
			}
			res.Body.Close()
			went <- res.Header.Get("Location")
		}()
	}
	close(start)
	count := map[string]int{}
	for range n {
		count[<-went]++
	}
	_, total, err := s.e.Users().List(t.Context(), userFilter, userPage)
	if err != nil || total != 1 || count["/done"] != 1 || count["/sso-callback"] != n-1 {
		t.Errorf("%d users, the browsers went to %v: %v", total, count, err)
	}
}

// Foreign places to go on to are refused before anything begins.
func TestAttack_O08_ForeignRedirects(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	b.signUp(bob, good)
	for _, bad := range []string{"https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", "/\\evil.example.com", "http://localhost.evil.example.com/"} {
		for _, path := range []string{"/v1/client/sign_ins", "/v1/client/sign_ups", "/v1/me/external_accounts"} {
			for _, field := range []string{"redirect_url", "action_complete_redirect_url"} {
				pairs := []string{"strategy", fake, "redirect_url", "/x", "action_complete_redirect_url", "/y"}
				pairs[slices.Index(pairs, field)+1] = bad
				if a := b.post(path, pairs...); a.status != 422 {
					t.Errorf("%s %s=%s: %d", path, field, bad, a.status)
				}
			}
		}
	}
	b.post("/v1/client/sign_ins", "strategy", fake).refused(422, "form_conditional_param_missing", "redirect_url")
}

// A provider that posts comes from another site, without our cookie: the answer
// is sent on as a read, which has it.
func TestSocialFormPost(t *testing.T) {
	s := newSocial(t)
	b := s.browser()
	to, err := s.fake.Answer(b.leave("/v1/client/sign_ups", fake), person(ada, true))
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(to)
	form := u.Query()
	u.RawQuery = ""
	stranger := s.browser() // what a cross-site POST looks like: no cookies
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"https://appleid.apple.com"}, "Sec-Fetch-Site": {"cross-site"}}
	a := stranger.send("POST", strings.TrimPrefix(u.Path, prefix), h, []byte(form.Encode()), false)
	if a.status != http.StatusSeeOther || len(a.header["Set-Cookie"]) > 0 || a.header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	b.opens(b.server.URL + a.header.Get("Location")).lands("/done")
	if b.signedInAs() == "" {
		t.Error("nobody is signed in")
	}
	// Only answers may be posted from elsewhere.
	for _, path := range []string{"/v1/client/sign_ins", "/v1/oauth_callback/../client/sign_ins", "/v1/oauth_callbackx"} {
		if a := stranger.send("POST", path, h, []byte("strategy="+fake), false); a.status == http.StatusSeeOther || a.status == 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
