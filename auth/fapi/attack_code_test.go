package fapi_test

import (
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAttack_L02_RightCodeTwiceAtOnce(t *testing.T) {
	r := newRig(t)
	r.browser().signUp(ada, good)
	for range 5 {
		r.advance(time.Minute)
		b := r.browser()
		p := "/v1/client/sign_ins/" + b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
		code := r.lastCode()
		var wg sync.WaitGroup
		var complete atomic.Int32
		for range 8 {
			tab := b.fork()
			wg.Go(func() {
				a := tab.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code)
				if a.status == 200 {
					complete.Add(1)
				} else if a.status >= 500 {
					t.Errorf("%d %s", a.status, a.raw)
				}
			})
		}
		wg.Wait()
		if complete.Load() != 1 {
			t.Errorf("%d attempts of 8 went through", complete.Load())
		}
		b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "client_state_invalid")
	}
	b := r.browser()
	b.signIn(ada, good)
	if ss, _ := b.get("/v1/me/sessions/active").ok().json.([]any); len(ss) != 7 { // sign-up, five codes, this one
		t.Errorf("%d sessions", len(ss))
	}
}

func TestAttack_L02_SignUpCodeTwiceAtOnce(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	p := "/v1/client/sign_ups/" + b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "strategy", "email_code").ok().str("response.id")
	code := r.lastCode()
	var wg sync.WaitGroup
	var complete atomic.Int32
	for range 8 {
		tab := b.fork()
		wg.Go(func() {
			if a := tab.post(p+"/attempt_verification", "strategy", "email_code", "code", code); a.status == 200 {
				complete.Add(1)
			} else if a.status >= 500 {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	wg.Wait()
	if complete.Load() != 1 {
		t.Errorf("%d attempts of 8 went through", complete.Load())
	}
}

func TestAttack_L03_OlderCode(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	p := "/v1/client/sign_ups/" + b.post("/v1/client/sign_ups", "email_address", ada, "password", good, "strategy", "email_code").ok().str("response.id")
	older := r.lastCode()
	r.advance(time.Minute)
	b.post(p+"/prepare_verification", "strategy", "email_code").ok()
	newest := r.lastCode()
	if older == newest {
		t.Skip("the same code was drawn twice: one in a million")
	}
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", older).refused(422, "form_code_incorrect", "code")
	b.post(p+"/attempt_verification", "strategy", "email_code", "code", newest).ok()
}

// TestAttack_L04_CodeOfSomethingElse: five codes for five purposes, each tried
// where the others belong.
func TestAttack_L04_CodeOfSomethingElse(t *testing.T) {
	r := newRig(t, unlocked)
	in := r.browser()
	in.signUp(ada, good)
	in.post("/v1/me/email_addresses", "email_address", "second@example.com").ok()
	in.post("/v1/me/email_addresses", "email_address", "third@example.com").ok()
	r.advance(time.Minute)

	type place struct {
		name, path, strategy, code string
		b                          *browser
	}
	var places []place
	add := func(name string, b *browser, path, strategy string) {
		places = append(places, place{name, path, strategy, r.lastCode(), b})
		r.advance(time.Minute)
	}
	for _, name := range []string{"one", "two"} { // two attempts of two clients
		b := r.browser()
		id := b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "email_code").ok().str("response.id")
		add("sign-in "+name, b, "/v1/client/sign_ins/"+id+"/attempt_first_factor", "email_code")
	}
	b := r.browser()
	id := b.post("/v1/client/sign_ins", "identifier", ada, "strategy", "reset_password_email_code").ok().str("response.id")
	add("reset", b, "/v1/client/sign_ins/"+id+"/attempt_first_factor", "reset_password_email_code")
	b = r.browser()
	id = b.post("/v1/client/sign_ups", "email_address", bob, "password", good, "strategy", "email_code").ok().str("response.id")
	add("sign-up", b, "/v1/client/sign_ups/"+id+"/attempt_verification", "email_code")
	for _, i := range []string{"1", "2"} {
		email := in.get("/v1/me/email_addresses").ok().str(i + ".id")
		in.post("/v1/me/email_addresses/"+email+"/prepare_verification", "strategy", "email_code").ok()
		add("address "+i, in, "/v1/me/email_addresses/"+email+"/attempt_verification", "email_code")
	}
	for i, p := range places {
		// Four wrong tries are left before the fifth ends the challenge.
		tries := 0
		for j, other := range places {
			if i == j || other.code == p.code || tries == 4 {
				continue
			}
			tries++
			p.b.post(p.path, "strategy", p.strategy, "code", other.code).refused(422, "form_code_incorrect", "code")
		}
		// The right code from another client.
		if p.b != in {
			r.browser().post(p.path, "strategy", p.strategy, "code", p.code).refused(404, "resource_not_found")
		} else {
			r.browser().post(p.path, "strategy", p.strategy, "code", p.code).refused(401, "authentication_invalid")
		}
		// The right code under another strategy.
		if p.strategy == "reset_password_email_code" {
			p.b.post(p.path, "strategy", "email_code", "code", p.code).refused(400, "verification_strategy_invalid")
		}
	}
	for _, p := range places {
		p.b.post(p.path, "strategy", p.strategy, "code", p.code).ok()
	}
}

// foreign are URLs that nothing redirects to.
var foreign = []string{
	"https://evil.test", "https://evil.test/", "http://evil.test/x", "//evil.test", "///evil.test", "////evil.test/x", "https:evil.test", "https:/evil.test",
	"http:///evil.test", `\\evil.test`, `/\evil.test`, `\/evil.test`, `/\/evil.test`, "/\t/evil.test", "/\n/evil.test", "/\r/evil.test", "\t//evil.test", " //evil.test",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://evil.test/", "blob:https://evil.test/x",
	"https://app.example.com@evil.test/", "https://app.example.com:pass@evil.test/", "https://evil.test#@app.example.com/", "https://evil.test?@app.example.com/",
	"https://app.example.com.evil.test/", "https://evilapp.example.com/", "https://x.app.example.com/", "https://example.com/", "http://app.example.com/",
	"https://app.example.com:8443/", "https://app.example.com./", "https://app.example.com%2eevil.test/", "https://app.example.com%00.evil.test/",
	"https://app.example.com\\@evil.test/", "https://app.example.com\\.evil.test/", "https://[::1]/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f000001/",
	"https://app。example。com.evil.test/", "https://аpp.example.com/", "https://app.example.com\u200b/", "/%2f/evil.test", "/%5cevil.test", "/.//evil.test", "/..//evil.test", "/a/../..//evil.test",
	"/%09/evil.test", "evil.test", "evil.test/path", "?x=//evil.test", "#//evil.test", "x", "https://", "https:///", "http://", "/\u2028/evil.test", "/ok\x00", "/ok\x7f", "https://evil.test:443/", "HTTPS://EVIL.TEST/",
}

// S11, L08: a handshake sends nobody to a foreign place.
func TestAttack_S11_L08_ForeignRedirects(t *testing.T) {
	r := newRig(t, func(s *setup) { s.site.URL = "https://app.example.com" })
	b := r.browser()
	for _, raw := range foreign {
		for _, format := range []string{"nonce", "token"} {
			a := b.send("GET", "/v1/client/handshake?format="+format+"&redirect_url="+url.QueryEscape(raw), b.header, nil, false)
			if a.status != 422 && a.status != 400 || a.header.Get("Location") != "" || len(a.header["Set-Cookie"]) > 0 {
				t.Errorf("%q: %d to %q", raw, a.status, a.header.Get("Location"))
			}
		}
	}
	// Twice is not once.
	b.send("GET", "/v1/client/handshake?redirect_url=/&redirect_url=https://evil.test", b.header, nil, false).refused(400, "invalid_query_parameter_value")
	for raw, want := range map[string]string{"/": "/", "/x?y=//z#w": "/x?y=//z#w", "https://app.example.com": "https://app.example.com/",
		"https://app.example.com:443/x": "https://app.example.com/x", "https://APP.example.com/a": "https://app.example.com/a",
		"https://app.example.com:/@evil.test": "https://app.example.com/@evil.test"} {
		a := b.send("GET", "/v1/client/handshake?redirect_url="+url.QueryEscape(raw), b.header, nil, false)
		if a.status != 307 || a.header.Get("Location") != want {
			t.Errorf("%q: %d to %q, want %q", raw, a.status, a.header.Get("Location"), want)
		}
	}
}
