package fapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/site"
	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

func TestAttack_S01_PlantedCookie(t *testing.T) {
	r := newRig(t)
	r.browser().signUp(ada, good)
	mallory := r.browser()
	mallory.do("PUT", "/v1/client", nil).ok()
	victim := mallory.fork() // the cookie is planted
	sid := victim.signIn(ada, good)
	if mallory.cookie("__client") == victim.cookie("__client") {
		t.Fatal("the secret did not change at sign-in")
	}
	// In its grace the old value reads what was there before, and no more.
	mallory.get("/v1/client").ok().is("response.sessions", []any{})
	mallory.get("/v1/client/sessions/"+sid).refused(404, "resource_not_found")
	mallory.post("/v1/client/sessions/"+sid+"/tokens").refused(404, "resource_not_found")
	mallory.post("/v1/client/sessions/"+sid+"/touch").refused(404, "resource_not_found")
	mallory.session = sid
	mallory.get("/v1/me").refused(401, "authentication_invalid")
	mallory.delete("/v1/client/sessions").refused(409, "conflict")
	mallory.post("/v1/client/sessions/"+sid+"/remove").refused(409, "conflict")
	if cookies := mallory.fork().directives(r.server.URL + "/"); cookies["__session"] != "deleted" {
		t.Error("a handshake gave the session away")
	}
	victim.get("/v1/me").ok()
}

// Two tabs: while one signs a second account in, the other goes on with the
// old cookie and loses nothing.
func TestAttack_S01_ParallelTabs(t *testing.T) {
	r := newRig(t)
	r.browser().signUp(bob, good)
	one := r.browser()
	sid, _ := one.signUp(ada, good)
	two := one.fork()
	r.advance(time.Second)
	one.signIn(bob, good)
	two.post("/v1/client/sessions/" + sid + "/tokens").ok()
	two.get("/v1/me").ok()
	two.get("/v1/client").ok().is("response.sessions.0.id", sid)
	one.session = sid
	one.get("/v1/me").ok()
}

func TestAttack_S02_OldCookieAfterItsGrace(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.signUp(ada, good)
	thief := b.fork()
	r.advance(time.Second)
	sid, _ := b.signUp(bob, good)
	r.advance(2 * time.Minute)
	a := thief.get("/v1/client").ok().is("response", nil)
	if !strings.Contains(strings.Join(a.header["Set-Cookie"], "\n"), "__client=; Path=/; Max-Age=0") {
		t.Errorf("the copied cookie stays: %v", a.header["Set-Cookie"])
	}
	b.get("/v1/client").ok().is("response", nil)
	b.post("/v1/client/sessions/"+sid+"/tokens").refused(401, "authentication_invalid")
	if !strings.Contains(r.log.String(), "old client secret was used again") {
		t.Error("nobody was told")
	}
	// Both owners hear of it, once.
	thief.get("/v1/client").ok()
	r.countMails()
	told := map[string]int{}
	for _, m := range r.mails {
		if m.Slug == notify.BrowserCopied {
			told[m.To]++
		}
	}
	if len(told) != 2 || told[ada] != 1 || told[bob] != 1 {
		t.Errorf("mails: %v", told)
	}
}

func TestAttack_S03_CookieTossing(t *testing.T) {
	r := newRig(t)
	mine, theirs := r.browser(), r.browser()
	sid, _ := mine.signUp(ada, good)
	theirs.signUp(bob, good)
	m, th := mine.cookie("__client"), theirs.cookie("__client")
	for _, c := range []struct {
		header string
		me     bool
	}{
		{"__client=" + m, true},
		{"__client=" + m + "; __client=" + m, true},
		{"__client=rubbish; __client=" + m, true},
		{"__client=" + m + "; __client=rubbish", true},
		{"__client=client_0.AAAA; __client=" + m, true},
		{"__client=; __client=" + m, true},
		{"a=b; __client=" + m + "; c=d", true},
		{"$Version=1; __client=" + m, true},
		{"=__client=" + th + "; __client=" + m, true},
		{"__CLIENT=" + th + "; __client=" + m, true},
		{"__client=" + m + "; __client =" + th, true},
		{`__client="` + th + `"; __client=` + m, true},
		{"__client=" + m + "; __client=" + th, false},
		{"__client=" + th + "; __client=" + m, false},
		{"__client=" + th + "; x=y; __client=" + m + "; __client=" + m, false},
		{`__client="` + m + `"`, false},
		{"=__client=" + m, false},
		{"__client=" + m[:len(m)-4] + "AAAA", false},
		{"__client=" + m + "x", false},
		{"__client=" + strings.ToUpper(m), false},
		{"__Host-__client=" + m, false},
		{"__session=" + m, false},
		{"", false},
	} {
		b := r.browser()
		b.http.Jar = nil
		a := b.send("GET", "/v1/client", http.Header{"Cookie": {c.header}}, nil, true).ok()
		if got := a.str("response.sessions.0.id"); (got == sid) != c.me || got != "" && got != sid {
			t.Errorf("Cookie: %s: signed in as %q", c.header, got)
		}
	}
	// On https the name has the prefix that other hosts cannot set.
	s, err := site.New(site.Config{URL: "https://app.example.com"})
	if err != nil || s.ClientCookie() != "__Host-__client" {
		t.Errorf("%v %v", s.ClientCookie(), err)
	}
}

// S05, S18: whatever session a request names, it acts on its own client's.
func TestAttack_S05_SessionOfSomebodyElse(t *testing.T) {
	r := newRig(t)
	a, b := r.browser(), r.browser()
	a.signUp(ada, good)
	theirs, _ := b.signUp(bob, good)
	for _, rt := range r.api.Routes() {
		path := strings.Replace(rt.Path, "{session_id}", theirs, 1)
		switch {
		case rt.Access == "session": // named in the query
			x := a.fork()
			x.session = theirs
			x.do(rt.Method, concrete(path), nil).refused(401, "authentication_invalid")
			x.session = "sess_nothing"
			x.do(rt.Method, concrete(path), nil).refused(401, "authentication_invalid")
		case path != rt.Path: // named in the path
			form := url.Values{"level": {"first_factor"}, "strategy": {"password"}, "password": {good}}
			a.do(rt.Method, concrete(path), form).refused(404, "resource_not_found")
		}
	}
	// The session token is no proof here, whoever's it is.
	token := b.post("/v1/client/sessions/" + theirs + "/tokens").ok().str("jwt")
	x := a.fork()
	x.header.Set("Cookie", "__session="+token+"; __session_"+r.site.Suffix+"="+token)
	x.session = theirs
	x.get("/v1/me").refused(401, "authentication_invalid")
	x.session = ""
	x.get("/v1/me").ok().is("response.email_addresses.0.email_address", ada)
	b.get("/v1/me").ok()
}

func TestAttack_S18_SessionsOfOthers(t *testing.T) {
	r := newRig(t)
	a, b := r.browser(), r.browser()
	a.signUp(ada, good)
	theirs, _ := b.signUp(bob, good)
	a.post("/v1/me/sessions/"+theirs+"/revoke").refused(404, "resource_not_found")
	if got := a.get("/v1/me/sessions/active").ok(); strings.Contains(string(got.raw), theirs) {
		t.Error("the list shows a stranger's device")
	}
	b.get("/v1/me").ok()
}

// TestAttack_S13_TokenStorm: a thousand requests at once cost one signature.
func TestAttack_S13_TokenStorm(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	sid, _ := b.signUp(ada, good)
	cookie := b.cookie("__client")
	var wg sync.WaitGroup
	var mu sync.Mutex
	tokens := map[string]int{}
	for range 20 {
		wg.Go(func() {
			for range 50 {
				req, _ := http.NewRequest("POST", r.server.URL+prefix+"/v1/client/sessions/"+sid+"/tokens", nil)
				req.Header.Set("Cookie", "__client="+cookie)
				req.Header.Set("Origin", r.server.URL)
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				body := readAll(res)
				if res.StatusCode != 200 {
					t.Errorf("%d %s", res.StatusCode, body)
					return
				}
				mu.Lock()
				tokens[body]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d different tokens in one second", len(tokens))
	}
}

// TestAttack_S14_SignOutWhileRefreshing: after the answer to a sign-out no
// token is given any more, and no answer sets a cookie that undoes it.
func TestAttack_S14_SignOutWhileRefreshing(t *testing.T) {
	r := newRig(t)
	for i := range 10 {
		b := r.browser()
		email := fmt.Sprintf("u%d@example.com", i)
		sid, _ := b.signUp(email, good)
		var ended atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			tab := b.fork()
			wg.Go(func() {
				for range 20 {
					over := ended.Load()
					a := tab.post("/v1/client/sessions/" + sid + "/tokens")
					if over && a.status == 200 {
						t.Error("a token after the sign-out was answered")
					}
					if len(a.header["Set-Cookie"]) > 0 {
						t.Errorf("a token answer sets %v", a.header["Set-Cookie"])
					}
				}
			})
		}
		b.delete("/v1/client/sessions").ok()
		ended.Store(true)
		wg.Wait()
		if b.cookie("__client_uat") != "0" {
			t.Error("signed in again")
		}
	}
}

// TestAttack_S06_ReadsDoNotWrite: with a store that refuses every write all
// reads but the handshake go on.
func TestAttack_S06_ReadsDoNotWrite(t *testing.T) {
	var readOnly atomic.Bool
	var writes atomic.Int64 // tried while they were refused
	st := storetest.Faulty(memory.New(), storetest.Plan{Before: func(_ context.Context, call string) error {
		if readOnly.Load() && (call == "Update" || call == "Put" || call == "Delete") {
			writes.Add(1)
			return errors.New("write during a read")
		}
		return nil
	}})
	r := newRig(t, func(s *setup) { s.store = st })
	b := r.browser()
	b.signUp(ada, good)
	r.advance(time.Hour) // whatever could be refreshed is stale
	readOnly.Store(true)
	for _, rt := range r.api.Routes() {
		if rt.Method != "GET" || strings.HasSuffix(rt.Path, "/handshake") {
			continue
		}
		path := strings.Replace(concrete(rt.Path), "/v1/client/sessions/x", "/v1/client/sessions/"+b.session, 1)
		for _, method := range []string{"GET", "HEAD"} {
			if a := b.do(method, path, nil); a.status >= 500 || writes.Swap(0) > 0 {
				t.Errorf("%s %s wrote or failed: %d %s", method, rt.Path, a.status, a.raw)
			}
		}
	}
	// An override does not turn a read into a write.
	for _, rt := range r.api.Routes() {
		if rt.Method != "GET" {
			a := b.send("GET", concrete(rt.Path)+"?_method="+rt.Method, b.header, nil, false)
			if a.status >= 500 || writes.Swap(0) > 0 {
				t.Errorf("GET %s?_method=%s wrote or failed: %d", rt.Path, rt.Method, a.status)
			}
		}
	}
}

// TestAttack_S06_CrossSiteWrites: shapes of a forged request, none of which
// signs the victim out.
func TestAttack_S06_CrossSiteWrites(t *testing.T) {
	r := newRig(t, func(s *setup) { s.site.URL = "https://app.example.com" })
	b := r.browser()
	b.http.Jar = nil
	var cookies []string
	keep := func(a *answer) *answer {
		for _, line := range a.header["Set-Cookie"] {
			if c, err := http.ParseSetCookie(line); err == nil && c.Name == "__Host-__client" {
				cookies = []string{c.Name + "=" + c.Value}
			}
		}
		return a
	}
	own := func(path string, form url.Values) *answer {
		h := http.Header{"Origin": {"https://app.example.com"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": cookies}
		return keep(b.send("POST", path, h, []byte(form.Encode()), false))
	}
	id := own("/v1/client/sign_ups", url.Values{"email_address": {ada}, "password": {good}, "strategy": {"email_code"}}).ok().str("response.id")
	own("/v1/client/sign_ups/"+id+"/attempt_verification", url.Values{"strategy": {"email_code"}, "code": {r.lastCode()}}).ok()

	const formType = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, target string
		header               map[string]string
	}{
		{"foreign origin", "POST", "?_method=DELETE", map[string]string{"Origin": "https://evil.test", "Content-Type": formType}},
		{"null origin", "POST", "?_method=DELETE", map[string]string{"Origin": "null", "Content-Type": formType}},
		{"empty origin", "POST", "?_method=DELETE", map[string]string{"Origin": "", "Content-Type": formType}},
		{"suffix", "POST", "?_method=DELETE", map[string]string{"Origin": "https://app.example.com.evil.test"}},
		{"prefix", "POST", "?_method=DELETE", map[string]string{"Origin": "https://evilapp.example.com"}},
		{"subdomain", "POST", "?_method=DELETE", map[string]string{"Origin": "https://x.app.example.com"}},
		{"http", "POST", "?_method=DELETE", map[string]string{"Origin": "http://app.example.com"}},
		{"port", "POST", "?_method=DELETE", map[string]string{"Origin": "https://app.example.com:8443"}},
		{"cross-site without origin", "POST", "?_method=DELETE", map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{"same-site without origin", "POST", "?_method=DELETE", map[string]string{"Sec-Fetch-Site": "same-site"}},
		{"old browser, foreign referer", "POST", "?_method=DELETE", map[string]string{"Referer": "https://evil.test/x"}},
		{"navigation", "GET", "?_method=DELETE", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}},
		{"image", "GET", "?_method=DELETE", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}},
		{"head", "HEAD", "?_method=DELETE", nil},
		{"options", "OPTIONS", "?_method=DELETE", nil},
		{"real delete", "DELETE", "", map[string]string{"Origin": "https://evil.test"}},
		{"text form", "POST", "?_method=DELETE", map[string]string{"Origin": "https://evil.test", "Content-Type": "text/plain"}},
		{"json", "POST", "?_method=DELETE", map[string]string{"Origin": "https://evil.test", "Content-Type": "application/json"}},
		{"method header", "POST", "", map[string]string{"Origin": "https://evil.test", "X-HTTP-Method-Override": "DELETE"}},
		{"method header, own origin", "GET", "", map[string]string{"X-HTTP-Method-Override": "DELETE"}},
		{"two methods", "POST", "?_method=DELETE&_method=POST", map[string]string{"Origin": "https://app.example.com"}},
		{"small letters", "POST", "?_method=delete", map[string]string{"Origin": "https://app.example.com"}},
		{"authorization of somebody", "POST", "?_method=DELETE", map[string]string{"Origin": "https://app.example.com", "Authorization": "Bearer x"}},
	} {
		h := http.Header{"Cookie": cookies}
		for k, v := range c.header {
			h.Set(k, v)
		}
		a := b.send(c.method, "/v1/client/sessions"+c.target, h, nil, false)
		if a.status < 400 && a.status != 204 {
			t.Errorf("%s: %d", c.name, a.status)
		}
		if len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: sets %v", c.name, a.header["Set-Cookie"])
		}
	}
	// _method in the body is no override.
	own("/v1/client/sessions", url.Values{"_method": {"DELETE"}}).refused(405, "method_not_allowed")
	a := b.send("GET", "/v1/client", http.Header{"Cookie": cookies}, nil, false).ok()
	if a.str("response.sessions.0.status") != "active" {
		t.Errorf("the victim was signed out: %s", a.raw)
	}
	own("/v1/client/sessions?_method=DELETE", nil).ok().is("client.sessions", []any{})
}

func TestAttack_S17_TwoIdentities(t *testing.T) {
	r := newRig(t)
	a, b := r.browser(), r.browser()
	a.signUp(ada, good)
	sid, _ := b.signUp(bob, good)
	bearer := "Bearer " + b.post("/v1/client/sessions/"+sid+"/tokens").ok().str("jwt")
	for _, c := range []struct {
		name   string
		method string
		header http.Header
		status int
	}{
		{"origin and bearer", "POST", http.Header{"Origin": {r.server.URL}, "Authorization": {bearer}}, 400},
		{"cookie and bearer", "POST", http.Header{"Authorization": {bearer}}, 400},
		{"cookie and secret key", "POST", http.Header{"Authorization": {"bearer sk_live_x"}}, 400},
		{"read with both", "GET", http.Header{"Authorization": {bearer}}, 200}, // the cookie decides
		{"read with origin and bearer", "GET", http.Header{"Origin": {r.server.URL}, "Authorization": {bearer}}, 400},
		{"password of a proxy", "GET", http.Header{"Authorization": {"Basic eDp5"}}, 200},
		{"password of a proxy, write", "POST", http.Header{"Origin": {r.server.URL}, "Authorization": {"Basic eDp5"}, "Content-Type": {"application/x-www-form-urlencoded"}}, 200},
	} {
		path := "/v1/me"
		if c.method == "POST" {
			path += "?_method=PATCH"
		}
		got := a.send(c.method, path, c.header, nil, false)
		if got.status != c.status {
			t.Errorf("%s: %d %s", c.name, got.status, got.raw)
		}
		if got.status == 200 {
			got.is("response.email_addresses.0.email_address", ada)
		} else {
			got.refused(400, "origin_authorization_headers_conflict")
		}
	}
	// A bearer alone is nobody here.
	x := r.browser()
	x.header.Set("Authorization", bearer)
	x.get("/v1/me").refused(401, "authentication_invalid")
}
