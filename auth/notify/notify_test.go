package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherauth/usher/auth/notify"
)

func TestAttack_L12_Names(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Ada Lovelace", "Ada Lovelace"},
		{"  Ada\t Lovelace ", "Ada Lovelace"},
		{"J. R. R. Tolkien", "J. R. R. Tolkien"},
		{"J.R.R. Tolkien", "J.R.R. Tolkien"},
		{"O'Brien & Søn, Jr.", "O'Brien & Søn, Jr."},
		{"山田 太郎", "山田 太郎"},
		{"محمد", "محمد"},
		{"Jose\u0301", "José"},
		{"", ""},
		// line breaks and controls
		{"Ada\r\nBcc: all@example.com", ""},
		{"Ada\r\nX", "Ada X"},
		{"Ada\x00\x1b[31m\x7f", "Ada[31m"},
		{"Ada\u2028Eve\u2029", "Ada Eve"},
		// bidirectional and invisible
		{"Ada\u202Eevil\u202C", "Adaevil"},
		{"\u2066Ada\u2069\u200f", "Ada"},
		{"A\u200Bd\u00ADa\uFEFF", "Ada"},
		{"\U000E0041Ada", "Ada"},
		// markup
		{"<b>Ada</b>", "bAda/b"},
		{"<img src=x onerror=alert(1)>", "img src=x onerror=alert(1)"},
		// links
		{"Win at http://evil.test/x", ""},
		{"HTTPS://EVIL", ""},
		{"www.evil", ""},
		{"evil.com", ""},
		{"go to evil.com now", ""},
		{"Ada [click](evil.com)", ""},
		{"evil。com", ""},
		{"ｅｖｉｌ．ｃｏｍ", ""},
		{"ev\u200Bil.c\u200Bom", ""},
		{"e\u202Evil.com", ""},
		{"bücher.example", ""},
		{"пример.рф", ""},
		{"परीक्षा.परीक्षा", ""},
		{"10.0.0.1", ""},
		{"mail eve@evil", ""},
		{"javascript:alert(1)", ""},
		{"tel:+1900", ""},
		{"call mailto:x", ""},
		// encoded words
		{"=?utf-8?q?=0D=0ABcc?=", "= ?utf-8?q?=0D=0ABcc?="},
		// broken and long
		{"Ada\xff", "Ada"},
		{strings.Repeat("a", 100), strings.Repeat("a", 64)},
		{strings.Repeat("é", 100), strings.Repeat("é", 64)},
	}
	for _, tt := range tests {
		if got := notify.CleanName(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// W19: a megabyte of name takes less than 50 ms. The test fails at ten times
// that: the machine may be busy, and what is not linear takes minutes.
func TestAttack_W19_LongNames(t *testing.T) {
	for _, s := range []string{"a", "a.", "é\u0301", "1.", "\u202e", "\xff", "w", ":"} {
		long, best := strings.Repeat(s, 1<<20), time.Hour
		for range 5 { // the best counts: the machine has other work
			start := time.Now()
			notify.CleanName(long)
			best = min(best, time.Since(start))
		}
		if best > 500*time.Millisecond {
			t.Errorf("%q took %v", s, best)
		}
	}
}

var good = notify.Message{ID: "ema_1", To: "ada@example.com", Subject: "Hello", Text: "Hi\n"}

func TestAttack_L12_HeadersAreNotFolded(t *testing.T) {
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 300<<10)
	for name, change := range map[string]func(*notify.Message){
		"no receiver":              func(m *notify.Message) { m.To = "" },
		"receiver with name":       func(m *notify.Message) { m.To = "Ada <ada@example.com>" },
		"two receivers":            func(m *notify.Message) { m.To = "ada@example.com, eve@example.com" },
		"receiver with a header":   func(m *notify.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" },
		"receiver with a space":    func(m *notify.Message) { m.To = " ada@example.com" },
		"receiver, SMTP injection": func(m *notify.Message) { m.To = "ada@example.com>\nRCPT TO:<eve@example.com" },
		"receiver, comment":        func(m *notify.Message) { m.To = "ada@example.com (x)" },
		"receiver without domain":  func(m *notify.Message) { m.To = "ada" },
		"receiver, bidi":           func(m *notify.Message) { m.To = "ada\u202e@example.com" },
		"receiver, long":           func(m *notify.Message) { m.To = strings.Repeat("a", 400) + "@example.com" },
		"sender with a header":     func(m *notify.Message) { m.From = "A\r\nBcc: x@y.z <a@b.c>" },
		"sender without address":   func(m *notify.Message) { m.From = "Acme" },
		"sender, bidi":             func(m *notify.Message) { m.From = "A\u202eb <a@b.c>" },
		"no subject":               func(m *notify.Message) { m.Subject = "" },
		"subject with a header":    func(m *notify.Message) { m.Subject = "Hello\r\nBcc: eve@example.com" },
		"subject, lone newline":    func(m *notify.Message) { m.Subject = "Hello\nX" },
		"subject, lone return":     func(m *notify.Message) { m.Subject = "Hello\rX" },
		"subject, vertical tab":    func(m *notify.Message) { m.Subject = "Hello\vX" },
		"subject, NEL":             func(m *notify.Message) { m.Subject = "Hello\u0085X" },
		"subject, LS":              func(m *notify.Message) { m.Subject = "Hello\u2028X" },
		"subject, NUL":             func(m *notify.Message) { m.Subject = "Hello\x00" },
		"subject, bidi":            func(m *notify.Message) { m.Subject = "Hello\u202e" },
		"subject, invalid UTF-8":   func(m *notify.Message) { m.Subject = "Hello\xff" },
		"subject, encoded":         func(m *notify.Message) { m.Subject = "=?utf-8?q?=0D=0ABcc:x?=" },
		"subject, long":            func(m *notify.Message) { m.Subject = strings.Repeat("x", 251) },
		"no text":                  func(m *notify.Message) { m.Text = "" },
		"text, long":               func(m *notify.Message) { m.Text = long },
		"text, NUL":                func(m *notify.Message) { m.Text = "a\x00" },
		"HTML, long":               func(m *notify.Message) { m.HTML = long },
		"HTML, invalid UTF-8":      func(m *notify.Message) { m.HTML = "\xff" },
		"ID with a header":         func(m *notify.Message) { m.ID = "x>\r\nBcc: <y" },
		"ID, long":                 func(m *notify.Message) { m.ID = strings.Repeat("x", 129) },
	} {
		m := good
		change(&m)
		err := m.Check()
		if !errors.Is(err, notify.ErrMessage) || !errors.Is(err, notify.ErrPermanent) {
			t.Errorf("%s: got %v", name, err)
		}
		sent := false
		if err := notify.Deliver(t.Context(), mailerFunc(func(notify.Message) error { sent = true; return nil }), m, time.Now()); err == nil || sent {
			t.Errorf("%s: was handed to the mailer", name)
		}
	}
}

type mailerFunc func(m notify.Message) error

func (f mailerFunc) Send(_ context.Context, m notify.Message) error { return f(m) }

func TestDeliver(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	temporary := errors.New("try later")
	for name, tt := range map[string]struct {
		mailer    mailerFunc
		expires   time.Time
		want      error
		permanent bool
	}{
		"sent":             {mailer: func(notify.Message) error { return nil }},
		"temporary":        {mailer: func(notify.Message) error { return temporary }, want: temporary},
		"permanent":        {mailer: func(notify.Message) error { return fmt.Errorf("550: %w", notify.ErrPermanent) }, want: notify.ErrPermanent, permanent: true},
		"panic (R30)":      {mailer: func(notify.Message) error { panic("hunter2") }, want: notify.ErrPanic},
		"expired (R20)":    {mailer: func(notify.Message) error { return nil }, expires: now, want: notify.ErrExpired, permanent: true},
		"expires later":    {mailer: func(notify.Message) error { return nil }, expires: now.Add(1)},
		"nil mailer panic": {want: notify.ErrPanic},
	} {
		m := good
		m.Expires = tt.expires
		err := notify.Deliver(t.Context(), tt.mailer, m, now)
		if !errors.Is(err, tt.want) || errors.Is(err, notify.ErrPermanent) != tt.permanent {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the panic's value: %v", name, err)
		}
	}
}

func TestAttack_W10_MessagesAreNotPrinted(t *testing.T) {
	m := good
	m.Data = notify.Data{OTPCode: "424242", ActionURL: "https://app.test/?ticket=s3cret", Email: "ada@example.com"}
	m.Text, m.HTML, m.Slug = "424242", "s3cret", notify.VerificationCode
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "m", m, "p", &m, "d", m.Data)
	out := fmt.Sprintf("%v %+v %#v %s %v %#v", m, m, m, m, m.Data, m.Data) + fmt.Sprintf("%v %+v", &m, &m) + log.String()
	for _, secret := range []string{"424242", "s3cret", "ada@"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s was printed: %s", secret, out)
		}
	}
	if !strings.Contains(out, notify.VerificationCode) {
		t.Errorf("printed %s", out)
	}
}

func TestMessageJSON(t *testing.T) {
	m := good
	m.Data = notify.Data{OTPCode: "424242", ExpiresIn: time.Minute, RequestedFrom: notify.Source{Device: "Firefox", At: time.Unix(5, 0).UTC()}}
	m.Expires = time.Unix(9, 0).UTC()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back notify.Message
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, back); d != "" {
		t.Error(d)
	}
	if b, _ := json.Marshal(good); strings.Contains(string(b), "data") || strings.Contains(string(b), "expires") {
		t.Errorf("empty fields are kept: %s", b)
	}
}
