package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/notify/inbox"
)

func code(to, otp string) notify.Message {
	return notify.Message{To: to, Subject: "Code <" + otp + ">", Text: "code " + otp + " </pre><script>alert(1)</script>",
		HTML: "<p>" + otp + "</p><script>alert(1)</script>", Slug: notify.VerificationCode, Data: notify.Data{OTPCode: otp}}
}

func send(t testing.TB, b *inbox.Inbox, messages ...notify.Message) {
	t.Helper()
	for _, m := range messages {
		if err := b.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func get(b *inbox.Inbox, target string) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr = "127.0.0.1:5000"
	r.Host = "127.0.0.1:4010"
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAttack_W13_PublicURL(t *testing.T) {
	for _, u := range []string{"", "http://127.0.0.1:4010", "http://localhost:4010/", "https://app.localhost", "http://[::1]:4010", "http://127.8.8.8"} {
		if err := inbox.CheckURL(u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for _, u := range []string{
		"https://app.example.com", "http://10.0.0.5:4010", "http://192.168.1.5", "http://0.0.0.0:4010", "http://[::]:4010", "http://app.test",
		"http://localhost.evil.test", "http://localhost@evil.test", "http://127.0.0.1.nip.io", "http://127.1", "http://2130706433",
		"http://[fe80::1]", "localhost:4010", "//localhost", "ftp://localhost", "not a URL", "http://localhost.", "http://evil.test/localhost",
	} {
		if err := inbox.CheckURL(u); !errors.Is(err, inbox.ErrPublic) {
			t.Errorf("%s: got %v", u, err)
		}
	}
}

// Peers and names from elsewhere get nothing, whatever headers they send.
func TestAttack_W13_OnlyThisMachine(t *testing.T) {
	var b inbox.Inbox
	send(t, &b, code("ada@example.com", "424242"))
	for _, tt := range []struct {
		peer, host string
		ok         bool
	}{
		{"127.0.0.1:5000", "127.0.0.1:4010", true},
		{"[::1]:5000", "localhost:4010", true},
		{"[::ffff:127.0.0.1]:5000", "app.localhost", true},
		{"192.168.1.7:5000", "localhost:4010", false},
		{"203.0.113.1:5000", "127.0.0.1:4010", false},
		{"127.0.0.1:5000", "evil.test", false}, // DNS rebinding
		{"127.0.0.1:5000", "127.0.0.1.evil.test", false},
		{"127.0.0.1:5000", "", false},
		{"@", "localhost", false},
		{"", "localhost", false},
	} {
		for _, path := range []string{"/dev/mail", "/dev/mail/code?email=ada@example.com", "/dev/mail/html?number=1", "/x"} {
			r := httptest.NewRequest("GET", path, nil)
			r.RemoteAddr, r.Host = tt.peer, tt.host
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
			r.Header.Set("X-Forwarded-Host", "localhost")
			w := httptest.NewRecorder()
			b.Handler().ServeHTTP(w, r)
			if tt.ok == (w.Code == 403) || !tt.ok && strings.Contains(w.Body.String(), "424242") {
				t.Errorf("%s at %s %s: %d", tt.peer, tt.host, path, w.Code)
			}
		}
	}
}

func TestCode(t *testing.T) {
	var b inbox.Inbox
	if res := get(&b, "/dev/mail/code?email=ada@example.com"); res.StatusCode != 404 {
		t.Errorf("empty inbox: %d", res.StatusCode)
	}
	notice := code("ada@example.com", "")
	notice.Subject = "Password changed 999999"
	send(t, &b, code("ada@example.com", "111111"), code("Ada@Example.com", "222222"), code("eve@example.com", "333333"), notice)
	for email, want := range map[string]string{"ada@example.com": "222222", "ADA@example.com": "222222", "eve@example.com": "333333"} {
		res := get(&b, "/dev/mail/code?email="+email)
		if got := text(t, res); res.StatusCode != 200 || got != want || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q %v", email, res.StatusCode, got, res.Header)
		}
	}
	for _, query := range []string{"", "?email=", "?email=nobody@example.com", "?email=ada"} {
		if res := get(&b, "/dev/mail/code"+query); res.StatusCode != 404 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
	r := httptest.NewRequest("POST", "/dev/mail/code?email=ada@example.com", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	w := httptest.NewRecorder()
	if b.Handler().ServeHTTP(w, r); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestTextMessages(t *testing.T) {
	var log strings.Builder
	b := inbox.Inbox{Log: slog.New(slog.NewTextHandler(&log, nil))}
	sms := notify.SMS{To: "+14155550100", Body: "171717 is your code <b>", Slug: notify.VerificationCode, Data: notify.Data{OTPCode: "171717"}}
	send(t, &b, code("ada@example.com", "424242"))
	if err := b.SendSMS(t.Context(), sms); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{"phone=%2B14155550100": "171717", "phone=+14155550100": "171717", "phone=14155550100": "171717",
		"phone=%2B1+(415)+555-0100": "171717", "email=ada@example.com": "424242"} {
		if res := get(&b, "/dev/mail/code?"+query); res.StatusCode != 200 || text(t, res) != want {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
	for _, query := range []string{"phone=", "phone=4155550100", "phone=x", "email=14155550100x"} {
		if res := get(&b, "/dev/mail/code?"+query); res.StatusCode != 404 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
	if page := text(t, get(&b, "/dev/mail?email=%2B1+415+555+0100")); !strings.Contains(page, "Text message") || !strings.Contains(page, "171717 is your code &lt;b&gt;") || strings.Contains(page, "424242") {
		t.Errorf("the page:\n%s", page)
	}
	if !strings.Contains(log.String(), "code=171717") {
		t.Errorf("logged %s", log.String())
	}
	if err := b.SendSMS(t.Context(), notify.SMS{To: "4155550100", Body: "x"}); !errors.Is(err, notify.ErrMessage) {
		t.Errorf("got %v", err)
	}
}

func TestAttack_W16_Page(t *testing.T) {
	b := inbox.Inbox{Now: func() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC) }}
	send(t, &b, code("ada@example.com", "424242"), code("eve@example.com", "171717"))
	res := get(&b, "/dev/mail?email="+`ada@example.com`)
	page := text(t, res)
	for _, want := range []string{"424242", "07:08:09 UTC", "Code &lt;424242&gt;", "&lt;script&gt;", `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" loading`, "/dev/mail/html?number=1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "171717") {
		t.Errorf("the page shows too much:\n%s", page)
	}
	csp := res.Header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`'nonce-([A-Z2-7]+)'`).FindStringSubmatch(csp)
	if nonce == nil || !strings.Contains(page, `nonce="`+nonce[1]+`"`) || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-src 'self'") {
		t.Errorf("policy %s", csp)
	}
	if page := text(t, get(&b, `/dev/mail?email="><script>alert(1)</script>`)); strings.Contains(page, "<script") || !strings.Contains(page, "No mail for") {
		t.Errorf("the address is not escaped:\n%s", page)
	}
	if page := text(t, get(&b, "/dev/mail/")); !strings.Contains(page, "171717") || !strings.Contains(page, "424242") {
		t.Error("the whole inbox is not shown")
	}

	res = get(&b, "/dev/mail/html?number=1")
	csp = res.Header.Get("Content-Security-Policy")
	if got := text(t, res); got != code("", "424242").HTML+`<base target="_blank">` || !strings.HasPrefix(csp, "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'") || strings.Contains(csp, "script") {
		t.Errorf("got %s, %s", got, csp)
	}
	for _, query := range []string{"", "?number=0", "?number=3", "?number=x", "?number=-1"} {
		if res := get(&b, "/dev/mail/html"+query); res.StatusCode != 404 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
}

func TestBounds(t *testing.T) {
	var b inbox.Inbox
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				send(t, &b, code("ada@example.com", fmt.Sprintf("%06d", i*50+j)))
				b.Code("ada@example.com")
			}
		})
	}
	wg.Wait()
	mails := b.Messages("")
	if len(mails) != 200 || mails[0].Number != 400 || mails[199].Number != 201 {
		t.Fatalf("%d mails, %d to %d", len(mails), mails[0].Number, mails[len(mails)-1].Number)
	}
	big := code("eve@example.com", "1")
	big.Text = strings.Repeat("é", 100<<10)
	send(t, &b, big)
	if got := b.Messages("eve@example.com")[0].Text; len(got) > 64<<10 || strings.Contains(got, "\ufffd") {
		t.Errorf("%d bytes kept", len(got))
	}
}

func TestSendRefuses(t *testing.T) {
	var b inbox.Inbox
	bad := code("ada@example.com", "1")
	bad.Subject = "a\r\nb"
	if err := b.Send(t.Context(), bad); !errors.Is(err, notify.ErrMessage) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Send(ctx, code("ada@example.com", "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(b.Messages("")); n != 0 {
		t.Errorf("%d mails kept", n)
	}
}

func TestLog(t *testing.T) {
	var log strings.Builder
	b := inbox.Inbox{Log: slog.New(slog.NewTextHandler(&log, nil))}
	send(t, &b, code("ada@example.com", "424242"))
	if out := log.String(); !strings.Contains(out, "code=424242") || !strings.Contains(out, "to=ada@example.com") || strings.Count(out, "\n") != 1 {
		t.Errorf("logged %s", out)
	}
}

func ExampleInbox() {
	var box inbox.Inbox
	box.Send(context.Background(), notify.Message{
		To: "ada@example.com", Subject: "Your code", Text: "424242\n", Data: notify.Data{OTPCode: "424242"},
	})
	fmt.Println(box.Code("ada@example.com"))
	fmt.Println(inbox.CheckURL("https://app.example.com"))
	// Output:
	// 424242 true
	// inbox: the development inbox is for loopback URLs only: not https://app.example.com
}
