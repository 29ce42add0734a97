package fapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
)

// withLinks lets people sign in and verify addresses by a link.
func withLinks(s *setup) {
	s.settings.EmailAddress.Strategies = []string{"email_code", "email_link"}
	s.settings.EmailAddress.Verifications = []string{"email_code", "email_link"}
}

// anyDevice lets links be opened on other devices.
func anyDevice(s *setup) {
	withLinks(s)
	s.settings.Protection.LinkSameClient = false
}

// lastLink returns the path of the link that was mailed last, below the API.
func (r *rig) lastLink() string {
	r.t.Helper()
	m := r.newest("a link of ours", func(m notify.Message) bool { return strings.HasPrefix(m.Data.ActionURL, r.server.URL+prefix) })
	if !strings.Contains(m.Text, m.Data.ActionURL) {
		r.t.Fatalf("the link is not in the text: %q", m.Data.ActionURL)
	}
	return strings.TrimPrefix(m.Data.ActionURL, r.server.URL+prefix)
}

// follow opens a path as a person does who clicks in a mail program.
func (b *browser) follow(path string) *answer {
	b.t.Helper()
	h := b.header.Clone()
	h.Set("Sec-Fetch-Site", "cross-site")
	h.Set("Sec-Fetch-Mode", "navigate")
	h.Set("Sec-Fetch-Dest", "document")
	h.Set("Accept", "text/html")
	return b.send("GET", path, h, nil, false)
}

// went checks where a link has sent the browser, and returns the query there.
func (a *answer) went(path, status string) url.Values {
	a.t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 303 || u.Path != path || u.Query().Get("__clerk_status") != status {
		a.t.Fatalf("%s: got %d %q", a.what, a.status, a.header.Get("Location"))
	}
	if a.header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		a.t.Errorf("%s: headers %v", a.what, a.header)
	}
	return u.Query()
}

// startLink asks for a link and returns the sign-in and the link's path.
func (b *browser) startLink(email string) (id, link string) {
	b.t.Helper()
	a := b.post("/v1/client/sign_ins", "identifier", email).ok()
	id = a.str("response.id")
	b.post("/v1/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_link", "email_address_id", emailFactor(a), "redirect_url", "/app?x=1#/verify").ok().
		is("response.first_factor_verification.strategy", "email_link").is("response.first_factor_verification.object", "verification_email_link").
		is("response.first_factor_verification.status", "unverified")
	return id, b.lastLink()
}

func emailFactor(a *answer) string {
	for _, f := range a.at("response.supported_first_factors").([]any) {
		if f := f.(map[string]any); f["strategy"] == "email_link" {
			return f["email_address_id"].(string)
		}
	}
	a.t.Fatal("no email_link on offer")
	return ""
}

func TestEmailLinkSignIn(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	id, link := b.startLink(ada)
	if m := r.lastMail(); m.Slug != notify.LinkSignIn || m.To != ada {
		t.Errorf("mail %s to %s", m.Slug, m.To)
	}
	p := "/v1/client/sign_ins/" + id
	b.post(p+"/attempt_first_factor", "strategy", "email_link", "code", "123456").refused(400, "verification_strategy_invalid", "strategy")
	before := b.cookie("__client")
	a := b.follow(link)
	sid := a.went("/app", "verified").Get("__clerk_created_session")
	if !strings.HasSuffix(a.header.Get("Location"), "#/verify") || !strings.Contains(a.header.Get("Location"), "x=1") {
		t.Errorf("went to %q", a.header.Get("Location"))
	}
	if now := b.cookie("__client"); now == before || now == "" {
		t.Error("S01: the client's secret is the one from before the sign-in")
	}
	// The tab in which it began asks how far it is.
	client := b.get("/v1/client").ok().is("response.last_active_session_id", sid).is("response.sign_in", nil).str("response.id")
	b.get(p).ok().is("response.status", "complete").is("response.created_session_id", sid).
		is("response.first_factor_verification.status", "verified").is("response.first_factor_verification.verified_at_client", client)
	b.post("/v1/client/sessions/"+sid+"/touch").ok().is("response.status", "active")

	// Once: the second click, here or elsewhere, gets nothing.
	b.follow(link).went("/app", "failed")
	r.browser().follow(link).went("/app", "failed")
}

func TestEmailLinkNeedsSomewhereToReturnTo(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	a := b.post("/v1/client/sign_ins", "identifier", ada).ok()
	p := "/v1/client/sign_ins/" + a.str("response.id") + "/prepare_first_factor"
	b.post(p, "strategy", "email_link").refused(422, "form_conditional_param_missing", "redirect_url")
	b.post(p, "strategy", "email_link", "redirect_url", "https://evil.test/").refused(422, "redirect_url_domain_mismatch", "redirect_url")
	b.post(p, "strategy", "email_link", "redirect_url", "//evil.test/").refused(422, "prohibited_redirect_url", "redirect_url")
	b.post(p, "strategy", "email_link", "email_address_id", "idn_x", "redirect_url", "/").refused(422, "form_resource_not_found", "email_address_id")
	b.get("/v1/verify").refused(400, "missing_query_parameter", "token")
	b.get("/v1/verify?token=x").refused(400, "verification_link_token_invalid", "token")
	b.follow("/v1/verify?token=x").went("/auth/link", "")

	off := newRig(t)
	off.browser().signUp(ada, good)
	b = off.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada).ok().str("response.id")
	b.post("/v1/client/sign_ins/"+id+"/prepare_first_factor", "strategy", "email_link", "redirect_url", "/").refused(400, "strategy_for_user_invalid")
}

func TestEmailLinkExpires(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	id, link := b.startLink(ada)
	r.advance(10 * time.Minute)
	b.follow(link).went("/app", "expired")
	b.get("/v1/client/sign_ins/"+id).ok().is("response.status", "needs_first_factor").is("response.first_factor_verification.status", "expired")
}

// The newest link only, and none beside a newer code.
func TestAttack_L03_OlderLinks(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	id, old := b.startLink(ada)
	p := "/v1/client/sign_ins/" + id
	b.post(p+"/prepare_first_factor", "strategy", "email_link", "redirect_url", "/app").refused(429, "verification_code_too_many_requests")
	r.advance(31 * time.Second)
	b.post(p+"/prepare_first_factor", "strategy", "email_link", "redirect_url", "/app").ok()
	newer := r.lastLink()
	if old == newer {
		t.Fatal("the same link twice")
	}
	b.follow(old).went("/app", "failed")
	r.advance(31 * time.Second)
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	b.follow(newer).went("/app", "failed")
	b.get(p).ok().is("response.status", "needs_first_factor")
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "complete")
}

// Opened in another browser, a link does nothing and says so.
func TestAttack_L06_OtherBrowserIsRefused(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	_, link := b.startLink(ada)
	victim := r.browser()
	victim.get("/v1/client").ok()
	victim.follow(link).went("/app", "client_mismatch")
	bob := r.browser()
	bob.signUp("bob@example.com", good)
	bob.follow(link).went("/app", "client_mismatch")
	if b.follow(link).went("/app", "verified").Get("__clerk_created_session") == "" {
		t.Error("the person did not get in afterwards")
	}
}

// With the same-browser rule off, another device is sent to a page that asks.
// What a program fetches, follows or prefetches uses up nothing.
func TestAttack_L05_ScannersUseUpNothing(t *testing.T) {
	for name, change := range map[string]func(*setup){"same browser": withLinks, "any device": anyDevice} {
		r := newRig(t, change)
		r.browser().signUp(ada, good)
		b := r.browser()
		id, link := b.startLink(ada)
		for what, h := range map[string]http.Header{
			"plain":     {},
			"HEAD":      {},
			"prefetch":  {"Sec-Purpose": {"prefetch"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}},
			"prerender": {"Sec-Purpose": {"prefetch;prerender"}, "Sec-Fetch-Dest": {"document"}},
			"old":       {"Purpose": {"prefetch"}}, "firefox": {"X-Moz": {"prefetch"}},
			"script": {"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
			"image":  {"Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}},
			"frame":  {"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}},
		} {
			method := "GET"
			if what == "HEAD" {
				method = "HEAD"
			}
			r.browser().send(method, link, h, nil, false)
			if what != "plain" { // with the cookies of the browser itself, which would be enough for a person
				if a := b.fork().send(method, link, h, nil, false); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/auth/link?token=") {
					t.Errorf("%s, %s: got %d %q", name, what, a.status, a.header.Get("Location"))
				}
			}
			b.get("/v1/client/sign_ins/"+id).ok().is("response.status", "needs_first_factor").
				is("response.first_factor_verification.status", "unverified").is("response.first_factor_verification.attempts", 0)
		}
		if other := r.browser().follow(link); name == "any device" && !strings.HasPrefix(other.header.Get("Location"), "/auth/link?token=") {
			t.Errorf("%s: another device was sent to %q", name, other.header.Get("Location"))
		}
		b.follow(link).went("/app", "verified")
	}
}

// Two that open a link at once: one gets in.
func TestAttack_L02_LinkRace(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	_, link := b.startLink(ada)
	const n = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	start := make(chan struct{})
	for range n {
		c := b.fork()
		wg.Go(func() {
			<-start
			if a := c.follow(link); strings.Contains(a.header.Get("Location"), "__clerk_status=verified") {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	if won != 1 {
		t.Errorf("%d got in", won)
	}
	u, err := r.e.Users().ByIdentifier(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.e.Sessions().RevokeUser(t.Context(), u.ID); err != nil || n != 2 {
		t.Errorf("%d sessions %v", n, err)
	}
}

// What happened to the account meanwhile voids a link: ban, new password,
// removal of the address, deletion, sign-out everywhere.
func TestAttack_L15_LinksDieWithTheirAccount(t *testing.T) {
	for what, change := range map[string]func(*rig, string) error{
		"ban":      func(r *rig, id string) error { _, err := r.e.Users().Ban(t.Context(), id); return err },
		"lock":     func(r *rig, id string) error { _, err := r.e.Users().Lock(t.Context(), id, 0); return err },
		"delete":   func(r *rig, id string) error { _, err := r.e.Users().Delete(t.Context(), id); return err },
		"revoke":   func(r *rig, id string) error { _, err := r.e.Sessions().RevokeUser(t.Context(), id); return err },
		"password": func(r *rig, id string) error { _, err := r.e.Users().RemovePassword(t.Context(), id); return err },
		"address": func(r *rig, id string) error {
			u, err := r.e.Users().Get(t.Context(), id)
			if err == nil {
				_, _, err = r.e.Users().AddEmailAddress(t.Context(), id, "new@example.com", true, true)
			}
			if err == nil {
				_, err = r.e.Users().DeleteEmailAddress(t.Context(), id, u.EmailAddresses[0].ID)
			}
			return err
		},
	} {
		r := newRig(t, withLinks)
		other := r.browser()
		_, uid := other.signUp(ada, good)
		other.post("/v1/me/email_addresses", "email_address", "second@example.com").ok()
		second := other.get("/v1/me").ok().str("response.email_addresses.1.id")
		other.post("/v1/me/email_addresses/"+second+"/prepare_verification", "strategy", "email_link", "redirect_url", "/me").ok().
			is("response.verification.object", "verification_email_link")
		profile := r.lastLink()
		b := r.browser()
		_, link := b.startLink(ada)
		if err := change(r, uid); err != nil {
			t.Fatal(what, err)
		}
		if s := b.follow(link).went("/app", "failed").Get("__clerk_created_session"); s != "" {
			t.Errorf("%s: signed in", what)
		}
		if what != "address" { // its session is live
			other.follow(profile).went("/me", "failed")
		}
	}
}

func TestEmailLinkSignUp(t *testing.T) {
	r := newRig(t, withLinks)
	b := r.browser()
	a := b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "strategy", "email_link", "redirect_url", "/app").ok().
		is("response.verifications.email_address.strategy", "email_link").is("response.verifications.email_address.next_action", "needs_attempt")
	id := a.str("response.id")
	if m := r.lastMail(); m.Slug != notify.LinkSignUp {
		t.Errorf("mail %s", m.Slug)
	}
	link := r.lastLink()
	r.browser().follow(link).went("/app", "client_mismatch")
	sid := b.follow(link).went("/app", "verified").Get("__clerk_created_session")
	client := b.get("/v1/client").ok().is("response.sessions.0.id", sid).
		is("response.sessions.0.user.email_addresses.0.verification.strategy", "email_link").
		is("response.sessions.0.user.email_addresses.0.verification.object", "verification_email_link").str("response.id")
	b.get("/v1/client/sign_ups/"+id).ok().is("response.status", "complete").is("response.created_session_id", sid).
		is("response.verifications.email_address.verified_at_client", client)
	b.follow(link).went("/app", "failed")
}

// A sign-up that lacks something more is verified and goes on.
func TestEmailLinkSignUpGoesOn(t *testing.T) {
	r := newRig(t, withLinks)
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "email_address", ada).ok().str("response.id")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_link").refused(422, "form_conditional_param_missing", "redirect_url")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_link", "redirect_url", "/app").ok()
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_link", "code", "1").refused(400, "verification_strategy_invalid")
	if sid := b.follow(r.lastLink()).went("/app", "verified").Get("__clerk_created_session"); sid != "" {
		t.Error("a session without a password")
	}
	b.patch("/v1/client/sign_ups/"+id, "password", good).ok().is("response.status", "complete")
}

func TestEmailLinkAddress(t *testing.T) {
	r := newRig(t, withLinks)
	b := r.browser()
	b.signUp(ada, good)
	id := b.post("/v1/me/email_addresses", "email_address", bob).ok().str("response.id")
	p := "/v1/me/email_addresses/" + id
	b.post(p+"/prepare_verification", "strategy", "email_link", "redirect_url", "/me").ok()
	if m := r.lastMail(); m.Slug != notify.LinkProfile || m.To != bob {
		t.Errorf("mail %s to %s", m.Slug, m.To)
	}
	b.post(p+"/attempt_verification", "code", "123456").refused(400, "verification_strategy_invalid")
	link := r.lastLink()
	r.browser().follow(link).went("/me", "client_mismatch")
	b.follow(link).went("/me", "verified")
	b.get(p).ok().is("response.verification.status", "verified").is("response.verification.strategy", "email_link")
	b.follow(link).went("/me", "failed")
}

// L04: a link is for the attempt, client and purpose that it was asked for.
func TestAttack_L04_LinksOfOtherAttempts(t *testing.T) {
	r := newRig(t, withLinks)
	r.browser().signUp(ada, good)
	b := r.browser()
	_, old := b.startLink(ada)
	b.post("/v1/client/sign_ins", "identifier", ada).ok() // in place of the former one
	b.follow(old).went("/app", "failed")
	b.get("/v1/client").ok().is("response.sessions", []string{}).is("response.sign_in.status", "needs_first_factor")
}

// The host of a link is the site's own, whatever the request says.
func TestAttack_L11_LinksLeadHome(t *testing.T) {
	r := newRig(t, withLinks, func(s *setup) { s.site.URL = "https://app.example.com" })
	b := r.browser()
	for _, h := range []string{"evil.test", "app.example.com.evil.test", "app.example.com:8443"} {
		req, err := http.NewRequest("POST", r.server.URL+prefix+"/v1/client/sign_ups", strings.NewReader(url.Values{"email_address": {ada}, "password": {good},
			"strategy": {"email_link"}, "redirect_url": {"/app"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = h
		req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"https://app.example.com"},
			"X-Forwarded-Host": {h}, "Forwarded": {"host=" + h}, "X-Forwarded-Proto": {"http"}}
		res, err := b.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatalf("%s: %d", h, res.StatusCode)
		}
		if at := r.lastMail().Data.ActionURL; !strings.HasPrefix(at, "https://app.example.com/__clerk/v1/verify?token=") {
			t.Errorf("%s: the link is %q", h, at)
		}
	}
}
