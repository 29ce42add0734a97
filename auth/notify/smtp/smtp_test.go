package smtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/notify/smtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var message = notify.Message{
	ID: "ema_1", To: "ada@example.com", Subject: "Your Acme verification code",
	Text: "424242\n.\nfrom Åsa\n", HTML: "<p>424242</p>", Slug: notify.VerificationCode,
}

func mailer(f *fakeSMTP, policy smtp.TLS) *smtp.Mailer {
	return &smtp.Mailer{
		Addr: f.addr, From: "Acme <no-reply@acme.example>", TLS: policy, TLSConfig: &tls.Config{RootCAs: f.roots},
		Timeout: 10 * time.Second, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
}

func TestFault_R20_Moods(t *testing.T) {
	short := 150 * time.Millisecond
	to := func(addr string) notify.Message { m := message; m.To = addr; return m }
	tests := []struct {
		name      string
		mood      mood
		policy    smtp.TLS
		message   notify.Message
		timeout   time.Duration
		delivered bool
		permanent bool
		want      error  // errors.Is
		text      string // in the error
	}{
		{name: "ok", mood: ok, message: message, delivered: true},
		{name: "TLS", mood: sealed, policy: smtp.ImplicitTLS, message: message, delivered: true},
		{name: "plain on this machine", mood: naked, policy: smtp.InsecureAllowPlain, message: message, delivered: true},
		{name: "down", mood: down, message: message, text: "refused"},
		{name: "hanging", mood: hanging, message: message, timeout: short, want: context.DeadlineExceeded},
		{name: "hanging before TLS", mood: hanging, policy: smtp.ImplicitTLS, message: message, timeout: short, want: context.DeadlineExceeded},
		{name: "slow drip", mood: dripping, message: message, timeout: short, want: context.DeadlineExceeded},
		{name: "answers without end", mood: chatty, message: message, text: "more than 1048576 bytes"},
		{name: "refusing one address", mood: refusing, message: to("gone@example.com"), permanent: true, text: "550"},
		{name: "refusing for now", mood: refusing, message: to("busy@example.com"), text: "451"},
		{name: "others go on", mood: refusing, message: message, delivered: true},
		{name: "no STARTTLS", mood: naked, message: message, text: "STARTTLS"},
		{name: "reply before TLS is no reply after it", mood: injected, message: message, delivered: true},
		{name: "TLS server asked for STARTTLS", mood: sealed, message: message, timeout: short, want: context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.mood)
			m := mailer(f, tt.policy)
			if tt.timeout > 0 {
				m.Timeout = tt.timeout
			}
			start := time.Now()
			err := m.Send(t.Context(), tt.message)
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
			if tt.delivered != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if errors.Is(err, notify.ErrPermanent) != tt.permanent {
				t.Errorf("permanent is wrong for %v", err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) || tt.text != "" && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), tt.message.To) || strings.ContainsAny(err.Error(), "\x1b\r\n")) {
				t.Errorf("the error shows the address or a control character: %q", err)
			}
			got := f.received()
			if tt.delivered != (len(got) == 1) {
				t.Fatalf("%d mails arrived", len(got))
			}
			if tt.delivered {
				checkMail(t, got[0], tt.policy != smtp.InsecureAllowPlain)
			}
		})
	}
}

// checkMail reads the mail back with the standard library.
func checkMail(t *testing.T, got fakeMail, encrypted bool) {
	t.Helper()
	if got.encrypted != encrypted || !strings.Contains(got.from, "<no-reply@acme.example>") || !strings.Contains(got.to, "<ada@example.com>") {
		t.Errorf("envelope %q %q, encrypted %v", got.from, got.to, got.encrypted)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"To": "<ada@example.com>", "From": `"Acme" <no-reply@acme.example>`, "Subject": message.Subject,
		"Message-Id": "<ema_1@acme.example>", "Auto-Submitted": "auto-generated", "X-Mailer": "", "User-Agent": "",
	} {
		if v := m.Header.Get(name); v != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
	if d, err := m.Header.Date(); err != nil || d.Unix() != 1_800_000_000 {
		t.Errorf("Date %v, %v", d, err)
	}
	if got := parts(t, m); got["text/plain"] != strings.ReplaceAll(message.Text, "\n", "\r\n") || strings.TrimSpace(got["text/html"]) != message.HTML {
		t.Errorf("parts %q", got)
	}
}

// parts decodes the parts of a multipart/alternative message.
func parts(t testing.TB, m *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%q, %v", kind, err)
	}
	out := map[string]string{}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if params["charset"] != "UTF-8" || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part %v", p.Header)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = string(b)
	}
}

func TestFault_R20_ManyAtOnce(t *testing.T) {
	f := newFake(t, refusing)
	m := mailer(f, smtp.STARTTLS)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			msg := message
			if i%4 == 0 {
				msg.To = "gone@example.com"
			}
			if err := m.Send(t.Context(), msg); errors.Is(err, notify.ErrPermanent) != (i%4 == 0) {
				t.Errorf("mail %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if n := len(f.received()); n != 12 {
		t.Errorf("%d mails arrived", n)
	}
}

func TestFault_R20_Cancelled(t *testing.T) {
	f := newFake(t, hanging)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- mailer(f, smtp.STARTTLS).Send(ctx, message) }()
	<-f.accepted
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("a cancelled delivery goes on")
	}
}

// The server has the mail and its answer is lost: temporary, so it is sent
// again, with the same Message-ID.
func TestFault_R20_LostAnswer(t *testing.T) {
	f := newFake(t, silent)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- mailer(f, smtp.STARTTLS).Send(ctx, message) }()
	<-f.got
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) || errors.Is(err, notify.ErrPermanent) {
		t.Errorf("got %v", err)
	}
	checkMail(t, f.received()[0], true)
}

func TestFault_R20_ExpiredCodeIsNotSent(t *testing.T) {
	f := newFake(t, ok)
	msg := message
	msg.Expires = time.Unix(1_800_000_000, 0)
	if err := mailer(f, smtp.STARTTLS).Send(t.Context(), msg); !errors.Is(err, notify.ErrExpired) || len(f.received()) != 0 {
		t.Errorf("got %v, %d mails", err, len(f.received()))
	}
}

func TestAuthentication(t *testing.T) {
	for _, policy := range []smtp.TLS{smtp.STARTTLS, smtp.ImplicitTLS, smtp.InsecureAllowPlain} {
		f := newFake(t, map[smtp.TLS]mood{smtp.ImplicitTLS: sealed}[policy])
		m := mailer(f, policy)
		m.Username, m.Password = "app", "correct horse"
		if err := m.Send(t.Context(), message); err != nil {
			t.Fatal(policy, err)
		}
		if got := f.received(); len(got) != 1 || got[0].user != "app" {
			t.Errorf("%v: got %v", policy, got)
		}
		m.Password = "battery staple"
		err := m.Send(t.Context(), message)
		if err == nil || errors.Is(err, notify.ErrPermanent) || strings.Contains(err.Error(), "staple") {
			t.Errorf("wrong password: %v", err)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	for policy, mood := range map[smtp.TLS]mood{smtp.STARTTLS: ok, smtp.ImplicitTLS: sealed} {
		f := newFake(t, mood)
		m := mailer(f, policy)
		m.TLSConfig = nil
		if err := m.Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
		m.TLSConfig = &tls.Config{RootCAs: f.roots, ServerName: "elsewhere.test"}
		if err := m.Send(t.Context(), message); err == nil || len(f.received()) != 0 {
			t.Errorf("another server's certificate was taken: %v", err)
		}
	}
}

func TestCheck(t *testing.T) {
	good := smtp.Mailer{Addr: "mail.example.com:587", From: "Acme <a@acme.example>"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*smtp.Mailer){
		"no address":           func(m *smtp.Mailer) { m.Addr = "" },
		"URL":                  func(m *smtp.Mailer) { m.Addr = "smtp://mail.example.com" },
		"injected":             func(m *smtp.Mailer) { m.Addr = "a\r\nb:25" },
		"IPv6 without bracket": func(m *smtp.Mailer) { m.Addr = "::1" },
		"no From":              func(m *smtp.Mailer) { m.From = "" },
		"folded From":          func(m *smtp.Mailer) { m.From = "Acme\r\n Bcc: x@y.z <a@acme.example>" },
		"half a login":         func(m *smtp.Mailer) { m.Username = "app" },
		"negative timeout":     func(m *smtp.Mailer) { m.Timeout = -1 },
		"no verification":      func(m *smtp.Mailer) { m.TLSConfig = &tls.Config{InsecureSkipVerify: true} },
		"unknown policy":       func(m *smtp.Mailer) { m.TLS = 7 },
		"plain over a network": func(m *smtp.Mailer) { m.TLS = smtp.InsecureAllowPlain },
	} {
		m := good
		change(&m)
		if err := m.Check(); !errors.Is(err, smtp.ErrConfig) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := m.Send(t.Context(), message); !errors.Is(err, smtp.ErrConfig) || errors.Is(err, notify.ErrPermanent) {
			t.Errorf("%s: sent with %v", name, err)
		}
	}
	for _, addr := range []string{"localhost", "localhost:1025", "127.0.0.1:25", "[::1]:25", "[::1]"} {
		m := smtp.Mailer{Addr: addr, From: "a@acme.example", TLS: smtp.InsecureAllowPlain}
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	all := (&smtp.Mailer{Timeout: -1, Password: "x"}).Check()
	for _, want := range []string{"Addr", "From", "Password", "Timeout"} {
		if !strings.Contains(all.Error(), want) {
			t.Errorf("%v does not speak of %s", all, want)
		}
	}
}

func TestAttack_W10_PasswordIsNotPrinted(t *testing.T) {
	m := smtp.Mailer{Addr: "mail.example.com", Password: "hunter2"}
	if out := fmt.Sprintf("%v %+v %#v %s %v %+v", m, m, m, m, &m, m.LogValue()); strings.Contains(out, "hunter2") {
		t.Errorf("printed %s", out)
	}
}

func TestBadMessageIsPermanent(t *testing.T) {
	m := smtp.Mailer{Addr: "mail.example.com", From: "a@acme.example"}
	msg := message
	msg.Subject = "a\r\nBcc: all@example.com"
	if err := m.Send(t.Context(), msg); !errors.Is(err, notify.ErrMessage) || !errors.Is(err, notify.ErrPermanent) {
		t.Errorf("got %v", err)
	}
	if err := m.WriteMessage(io.Discard, msg); !errors.Is(err, notify.ErrMessage) {
		t.Errorf("got %v", err)
	}
}

func ExampleMailer() {
	m := &smtp.Mailer{Addr: "localhost:1025", TLS: smtp.InsecureAllowPlain, From: "Acme <no-reply@acme.example>"}
	if err := m.Check(); err != nil {
		fmt.Println(err)
		return
	}
	var b bytes.Buffer
	err := m.WriteMessage(&b, notify.Message{To: "ada@example.com", Subject: "Hello", Text: "Hello Ada\n"})
	parsed, _ := mail.ReadMessage(&b)
	fmt.Println(parsed.Header.Get("To"), err)
	// Output: <ada@example.com> <nil>
}
