package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

const formType = "application/x-www-form-urlencoded"

// healthy fails the test unless the instance serves as before.
func (r *rig) healthy() {
	r.t.Helper()
	r.visitor().get("/health").ok()
	if strings.Contains(r.log.String(), "panic") {
		r.t.Error("something panicked")
	}
}

func TestAttack_W04_BodiesOfEveryShape(t *testing.T) {
	r := newRig(t)
	in := r.signedIn(r.account(ada, good))
	many := strings.Repeat("k=v&", 100_000)
	keys := &strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(keys, "k%d=v&", i)
	}
	bodies := []struct {
		name, kind, body string
		header           string
	}{
		{"empty", formType, "", ""}, {"1 MB", formType, "first_name=" + strings.Repeat("a", 1<<20), ""}, {"10 MB", formType, strings.Repeat("a", 10<<20), ""},
		{"100,000 pairs", formType, many, ""}, {"5,000 keys", formType, keys.String(), ""}, {"bad escapes", formType, "first_name=%zz&%=%", ""},
		{"semicolons", formType, "first_name=a;last_name=b", ""}, {"NUL", formType, "first_name=a%00b", ""}, {"deep brackets", formType, "a" + strings.Repeat("[x]", 10_000) + "=1", ""},
		{"JSON", "application/json", `{"first_name":"x"}`, ""}, {"deep JSON", "application/json", strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000), ""},
		{"deep metadata", formType, "unsafe_metadata=" + url.QueryEscape(strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000)), ""},
		{"cut JSON", "application/json", `{"first_name":`, ""}, {"XML", "text/xml", "<a/>", ""}, {"no type", "", "first_name=x", ""}, {"odd type", "application/x-www-form-urlencoded; charset=utf-7", "first_name=x", ""},
		{"multipart without an end", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"first_name\"\r\n\r\nx", ""},
		{"10,000 parts", "multipart/form-data; boundary=x", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n", 10_000) + "--x--", ""},
		{"compressed", formType, "\x1f\x8b\x08\x00\x00", "gzip"},
	}
	routes := []string{"/client/sign_ups", "/client/sign_ins", "/me?_method=PATCH", "/me/metadata?_method=PATCH", "/me/email_addresses", "/me/change_password", "/me/profile_image", "/client"}
	for _, b := range bodies {
		for _, path := range routes {
			h := http.Header{"Origin": {r.Server.URL}}
			if b.kind != "" {
				h.Set("Content-Type", b.kind)
			}
			if b.header != "" {
				h.Set("Content-Encoding", b.header)
			}
			began := time.Now()
			a := in.do("POST", "/__clerk/v1"+path, h, b.body)
			if a.err == nil && (a.status >= 500 || a.status >= 400 && (a.code() == "" || a.str("clerk_trace_id") == "")) {
				t.Errorf("%s to %s: %d %.300s", b.name, path, a.status, a.raw)
			}
			if a.err != nil && len(b.body) < 1<<20 {
				t.Errorf("%s to %s: %v", b.name, path, a.err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s to %s cost %v", b.name, path, took)
			}
			a.tellsNothing()
		}
	}
	if a := in.get("/me").ok(); a.at("response.last_name") != nil {
		t.Errorf("a semicolon separates: %s", a.raw)
	}
	r.healthy()
}

func TestAttack_W05_TextFields(t *testing.T) {
	r := newRig(t)
	in := r.signedIn(r.account(ada, good))
	fields := map[string][]string{
		"/client/sign_ups":    {"email_address", "password", "first_name", "last_name", "unsafe_metadata", "locale", "strategy"},
		"/client/sign_ins":    {"identifier", "password", "strategy"},
		"/me?_method=PATCH":   {"first_name", "last_name", "unsafe_metadata", "primary_email_address_id"},
		"/me/email_addresses": {"email_address"}, "/me/change_password": {"new_password", "current_password"},
	}
	texts := map[string]string{"not UTF-8": "a\xff\xfeb", "NUL": "a\x00b", "surrogate": "a\xed\xa0\x80b", "overlong": "a\xc0\xafb", "1 MB": strings.Repeat("x", 1<<20)}
	for path, names := range fields {
		for _, name := range names {
			for what, text := range texts {
				pairs := []string{name, text}
				for _, other := range names { // the rest of the form is well
					if other != name && other != "strategy" && other != "unsafe_metadata" && other != "primary_email_address_id" && other != "locale" {
						pairs = append(pairs, other, map[string]string{"email_address": "fine@example.com", "identifier": ada}[other]+map[bool]string{true: "", false: good}[other == "email_address" || other == "identifier"])
					}
				}
				a := in.fork().post(path, pairs...)
				if a.status < 400 || a.status >= 500 {
					t.Errorf("%s %s, %s: %d %.200s", path, name, what, a.status, a.raw)
				}
				if a.status == 422 && what != "1 MB" && a.str("errors.0.meta.param_name") != name {
					t.Errorf("%s %s, %s: blames %q: %.200s", path, name, what, a.str("errors.0.meta.param_name"), a.raw)
				}
			}
		}
	}
	r.healthy()
}

// TestAttack_W15_SaidTwice: what is said twice is refused; the body
// and not the query writes.
func TestAttack_W15_SaidTwice(t *testing.T) {
	r := newRig(t)
	in := r.signedIn(r.account(ada, good))
	r.account(bob, good)
	form := func(path, body string) *answer {
		return in.fork().do("POST", "/__clerk/v1"+path, http.Header{"Origin": {r.Server.URL}, "Content-Type": {formType}}, body)
	}
	for _, c := range []struct{ path, body string }{
		{"/client/sign_ins", "identifier=ada%40example.com&identifier=bob%40example.com"},
		{"/client/sign_ins", "identifier=bob%40example.com&password=x&password=" + url.QueryEscape(good)},
		{"/me?_method=PATCH", "first_name=A&first_name=B"},
		{"/me/change_password", "current_password=x&current_password=" + url.QueryEscape(good) + "&new_password=" + url.QueryEscape(better)},
	} {
		form(c.path, c.body).refused(422, "form_param_duplicate")
	}
	form("/me?_method=PATCH&first_name=Query", "last_name=Body").ok()
	form("/me?_method=PATCH", "first_name[]=X&first_name[0]=Y")
	if a := in.get("/me").ok(); a.at("response.first_name") != nil || a.str("response.last_name") != "Body" {
		t.Errorf("the query or a list wrote: %v %v", a.at("response.first_name"), a.at("response.last_name"))
	}
	form("/me", "_method=DELETE") // the body says nothing of the method
	in.get("/me").ok()
	for _, q := range []string{"/me?_method=PATCH&_method=DELETE", "/me?_method=GET", "/me?_method=TRACE", "/me?_method=delete%20"} {
		if a := form(q, "first_name=Z"); a.status == 200 {
			t.Errorf("%s: %d", q, a.status)
		}
	}
	// The Backend API refuses keys that are there twice.
	h := http.Header{"Authorization": {"Bearer " + r.SecretKey()}, "Content-Type": {"application/json"}}
	for _, body := range []string{`{"first_name":"A","first_name":"B","email_address":["x@example.com"],"skip_password_requirement":true}`,
		`{"first_name":"A","first\u005fname":"B","email_address":["x@example.com"],"skip_password_requirement":true}`} {
		if a := r.visitor().do("POST", "/bapi/v1/users", h, body); a.status == 200 {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
	}
	r.healthy()
}

// TestAttack_W09_W10_WholeRun: a whole life of an account, with every secret
// of it looked for in logs, errors and mails, and with texts that would like to
// be lines of a log or headers.
func TestAttack_W09_W10_WholeRun(t *testing.T) {
	st, p := memory.New(), &post{}
	var secrets []string
	r := newRig(t, withStore(st), withMailer(p), func(c *auth.Config) {
		ring, err := store.LoadKeyring("", filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		c.Keyring = ring
	})
	secrets = append(secrets, r.SecretKey(), good, better)
	var answers bytes.Buffer // of refusals
	keep := func(v *visitor, a *answer) *answer {
		for _, name := range []string{"__client", "__session"} {
			if c := v.cookie(name); c != "" && !slices.Contains(secrets, c) {
				secrets = append(secrets, c)
			}
		}
		if a.status >= 400 {
			h := a.header.Clone()
			h.Del("Set-Cookie") // the one place for them
			fmt.Fprintf(&answers, "%s\n%s\n%v\n", a.what, a.raw, h)
		}
		return a
	}
	evil := "a\nlevel=ERROR msg=forged \x1b[31m\x07 \u202e =cmd|'/c calc'!A1 <script>\r\nX-Evil: 1"
	v := r.visitor()
	v.header.Set("User-Agent", agent)
	id := keep(v, v.post("/client/sign_ups", "email_address", ada, "password", good)).id()
	keep(v, v.post("/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code"))
	eventually(t, "the code", func() bool { return len(p.to(ada)) == 1 })
	text := p.to(ada)[0].Data.OTPCode
	keep(v, v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", wrongCode(text)))
	keep(v, v.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", text))
	w := r.visitor()
	keep(w, w.post("/client/sign_ins", "identifier", ada, "password", better))
	keep(w, w.post("/client/sign_ins", "identifier", evil, "password", good))
	keep(w, w.post("/client/sign_ins", "identifier", ada, "password", good, "strategy", evil))
	keep(w, w.post("/client/sign_ins", "identifier", ada, "password", good))
	keep(w, w.post("/me/change_password", "current_password", better, "new_password", better+"1"))
	keep(w, w.post("/me/change_password", "current_password", good, "new_password", better))
	keep(w, w.api("PATCH", "/me", "first_name", evil))
	keep(w, w.post("/client/sessions/"+url.PathEscape(evil)+"/tokens"))
	h := http.Header{"Authorization": {"Bearer " + r.SecretKey()}, "Content-Type": {"application/json"}}
	wrong := http.Header{"Authorization": {"Bearer " + r.SecretKey() + "x"}}
	keep(w, w.do("GET", "/bapi/v1/users", wrong, ""))
	keep(r.visitor(), r.visitor().do("GET", "/bapi/v1/users?limit=10", h, ""))
	keep(w, w.do("GET", "/private", http.Header{"Authorization": {"Bearer " + w.cookie("__session") + "x"}}, ""))
	keep(w, w.do("GET", "/auth/sign-in?redirect_url="+url.QueryEscape(evil), nil, ""))
	thief := r.visitor()
	thief.setCookie("__client", v.cookie("__client")+"x")
	keep(thief, thief.get("/client"))
	p.set(func(_ context.Context, m mail) error { return fmt.Errorf("550 no such user") })
	signUpPrepared(r, r.visitor(), bob)
	eventually(t, "a try that fails", func() bool { return strings.Contains(r.log.String(), "will try again") })
	if len(secrets) < 6 {
		t.Fatalf("only %d secrets", len(secrets))
	}
	seen := r.log.String() + answers.String()
	for _, s := range secrets {
		if strings.Contains(seen, s) {
			t.Errorf("%q is in the log or in a refusal", s)
		}
		if _, part, ok := strings.Cut(s, "."); ok && len(part) > 20 && strings.Contains(seen, part) {
			t.Errorf("the secret part of %q is in the log or in a refusal", s)
		}
	}
	if regexp.MustCompile(`\b` + text + `\b`).MatchString(seen) {
		t.Error("the code is in the log or in a refusal")
	}
	for line := range strings.Lines(r.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x1b\x07\r") || strings.Contains(line, "\u202e") {
			t.Errorf("a forged line in the log: %q", line)
		}
	}
	if strings.Contains(answers.String(), "X-Evil:1") || strings.Contains(answers.String(), "X-Evil:[") {
		t.Error("a header was injected")
	}
}

// TestAttack_W12_Slowloris: the quickstart lets nobody hold a connection with
// half a request.
func TestAttack_W12_Slowloris(t *testing.T) {
	src, err := os.ReadFile("../../../examples/quickstart/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Read(Header)?Timeout:`).Match(src) || !bytes.Contains(src, []byte("IdleTimeout:")) {
		t.Error("the quickstart has no timeouts")
	}
	r := newRig(t)
	addr := strings.TrimPrefix(r.Server.URL, "http://")
	// Headers without an end are cut by the server of the standard library.
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET /__clerk/v1/client HTTP/1.1\r\nHost: %s\r\n", addr)
	for range 40_000 {
		if _, err = io.WriteString(c, "X-Filler: "+strings.Repeat("a", 50)+"\r\n"); err != nil {
			break
		}
	}
	answer, _ := io.ReadAll(io.LimitReader(c, 1<<10))
	if len(answer) > 0 && !bytes.Contains(answer, []byte(" 431 ")) || len(answer) == 0 && err == nil {
		t.Errorf("endless headers: %q %v", answer, err)
	}
	// A form that comes one byte at a time holds nothing that others need.
	for range 50 {
		slow, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		fmt.Fprintf(slow, "POST /__clerk/v1/client/sign_ins HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nContent-Type: %s\r\nContent-Length: 5000\r\n\r\nidentifier=", addr, r.Server.URL, formType)
	}
	r.account(ada, good)
	r.visitor().signIn(ada, good)
	r.healthy()
}

// TestAttack_W19_LinearInputs: no text of any size takes a request long.
func TestAttack_W19_LinearInputs(t *testing.T) {
	r := newRig(t)
	r.account(ada, good)
	long := func(unit string) string { return strings.Repeat(unit, (240<<10)/len(unit)) }
	for name, ask := range map[string]func() *answer{
		"identifier": func() *answer { return r.visitor().post("/client/sign_ins", "identifier", long("a.")+"@"+long("b.")) },
		"domain":     func() *answer { return r.visitor().post("/client/sign_ups", "email_address", "a@"+long("xn--a-.")) },
		"password": func() *answer {
			return r.visitor().post("/client/sign_ups", "email_address", bob, "password", strings.Repeat("ab1!", 64))
		},
		"metadata": func() *answer {
			return r.visitor().post("/client/sign_ups", "unsafe_metadata", `{"a":"`+long("\\u0061")+`"}`)
		},
		"phone": func() *answer { return r.visitor().post("/client/sign_ins", "identifier", "+"+long("1 (")) },
		"cookies": func() *answer {
			return r.visitor().do("GET", "/__clerk/v1/client", http.Header{"Cookie": {long("__client=x.y; ")}}, "")
		},
		"session": func() *answer {
			return r.visitor().do("GET", "/private", http.Header{"Cookie": {"__session=" + long("eyJ.")}}, "")
		},
		"user agent": func() *answer {
			return r.visitor().do("POST", "/__clerk/v1/client", http.Header{"User-Agent": {long("Mozilla/5.0 (")}, "Origin": {r.Server.URL}, "Content-Type": {formType}}, "")
		},
		"forwarded": func() *answer {
			return r.visitor().do("GET", "/__clerk/v1/proxy-health", http.Header{"X-Forwarded-For": {long("1.2.3.4, ")}, "Forwarded": {long("for=1.2.3.4;")}}, "")
		},
		"redirect": func() *answer { return r.visitor().do("GET", "/auth/sign-in?redirect_url="+long("/../"), nil, "") },
		"combining": func() *answer {
			return r.visitor().post("/client/sign_ups", "first_name", "a"+strings.Repeat("\u0301", 80<<10))
		},
	} {
		ask() // warm
		best := time.Hour
		var a *answer
		for range 3 {
			began := time.Now()
			a = ask()
			best = min(best, time.Since(began))
		}
		limit := time.Second // of a busy machine; what is not linear takes minutes
		if underRace {
			limit *= 10
		}
		if best > limit || a.status >= 500 || a.err != nil {
			t.Errorf("%s: %v, %d %v %.200s", name, best, a.status, a.err, a.raw)
		}
	}
	r.healthy()
}
