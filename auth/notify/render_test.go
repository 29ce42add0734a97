package notify_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usherauth/usher/auth/notify"
	"github.com/usherauth/usher/auth/notify/smtp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var full = notify.Data{
	UserName: "Ada Lovelace", InviterName: "Grace O'Hopper", OrganizationName: "Bell & Co", Email: "ada@new.example", Method: "Authenticator app", OTPCode: "424242",
	ActionURL: "https://acme.example/auth/accept?ticket=abc+def&x=1", ExpiresIn: 10 * time.Minute,
	RequestedFrom: notify.Source{Device: "Firefox on Linux", Place: "Turin, Italy", Address: "192.0.2.1",
		At: time.Date(2026, 5, 6, 9, 8, 7, 0, time.FixedZone("", 7200))},
}

func acme() *notify.Renderer {
	return &notify.Renderer{AppName: "Acme & Sons", AppURL: "https://acme.example", From: "Acme <no-reply@acme.example>"}
}

// Golden files: each mail in full, and with only what it needs.
func TestGolden(t *testing.T) {
	for _, slug := range notify.Slugs() {
		bare := notify.Data{}
		switch slug {
		case notify.VerificationCode, notify.ResetPasswordCode, notify.AffiliationCode:
			bare.OTPCode = "424242"
		case notify.FactorAdded, notify.FactorRemoved, notify.ExternalAccountAdded, notify.ExternalAccountRemoved:
			bare.Method = "GitHub"
		case notify.LinkSignIn, notify.LinkSignUp, notify.LinkProfile, notify.WaitlistInvitation, notify.Invitation, notify.OrganizationInvitation:
			bare.ActionURL = "https://acme.example/i"
		case notify.PrimaryEmailChanged:
			bare.Email = "ada@new.example"
		}
		for name, d := range map[string]notify.Data{slug: full, slug + ".bare": bare} {
			m, err := acme().Render(slug, d)
			if err != nil {
				t.Fatal(err)
			}
			m.To = "ada@example.com"
			if err := m.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if m.Slug != slug || m.From != "Acme <no-reply@acme.example>" || m.Data != d {
				t.Errorf("%s: got %q %q %#v", name, m.Slug, m.From, m.Data)
			}
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
		}
	}
	if *update {
		return
	}
	files, _ := filepath.Glob("testdata/golden/*")
	if len(files) != 4*len(notify.Slugs())+2 { // two text messages
		t.Errorf("%d golden files", len(files))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestCheckRenderer(t *testing.T) {
	for _, r := range []*notify.Renderer{{}, acme(), {AppURL: "http://127.0.0.1:4010/"}} {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	for name, r := range map[string]*notify.Renderer{
		"URL":    {AppURL: "acme.example"},
		"origin": {AppURL: "https://acme.example", LinkOrigins: []string{"x"}},
		"From":   {From: "Acme"},
	} {
		if err := r.Check(); !errors.Is(err, notify.ErrPermanent) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOverlay(t *testing.T) {
	r := acme()
	r.Overlay = fstest.MapFS{
		"verification_code.txt": {Data: []byte(`{{define "subject"}}{{.OTPCode}} is your code{{end}}{{define "body"}}Code {{.OTPCode}}{{end}}`)},
		"layout.html":           {Data: []byte(`<p>{{.Subject}}</p>{{template "body" .}}`)},
		"welcome.txt":           {Data: []byte(`{{define "subject"}}Welcome{{end}}{{define "body"}}Welcome to {{.AppName}}{{end}}`)},
		"welcome.html":          {Data: []byte(`{{define "body"}}<b>{{.AppName}}</b>{{end}}`)},
	}
	m, err := r.Render(notify.VerificationCode, full)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "424242 is your code" || !strings.HasPrefix(m.Text, "Hello Ada Lovelace,\n\nCode 424242") ||
		!strings.HasPrefix(m.HTML, "<p>424242 is your code</p><p style") {
		t.Errorf("got %q\n%s\n%s", m.Subject, m.Text, m.HTML)
	}
	m, err = r.Render("welcome", notify.Data{})
	if err != nil || m.Subject != "Welcome" || m.HTML != "<p>Welcome</p><b>Acme &amp; Sons</b>" {
		t.Errorf("got %v, %q", err, m.HTML)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestBrokenTemplates(t *testing.T) {
	txt := func(subject, body string) fstest.MapFS {
		return fstest.MapFS{"verification_code.txt": {Data: []byte(`{{define "subject"}}` + subject + `{{end}}{{define "body"}}` + body + `{{end}}`)}}
	}
	for name, overlay := range map[string]fs.FS{
		"syntax":                 txt("x", "{{if}}"),
		"unknown field":          txt("x", "{{.OTPCode}}{{.Password}}"),
		"method":                 txt("x", "{{.OTPCode}}{{.String}}"),
		"lost code":              txt("x", "no code"),
		"lost code in HTML":      fstest.MapFS{"verification_code.html": {Data: []byte(`{{define "body"}}x{{end}}`)}},
		"no subject":             txt("", "{{.OTPCode}}"),
		"subject of two lines":   txt("a\nb", "{{.OTPCode}}"),
		"endless subject":        txt(strings.Repeat("x", 300), "{{.OTPCode}}"),
		"endless body":           txt("x", `{{.OTPCode}}{{range 1000000}}xxxxxxxxxx{{end}}`),
		"large file":             txt("x", `{{.OTPCode}}`+strings.Repeat("x", 65<<10)),
		"no body":                fstest.MapFS{"verification_code.html": {Data: []byte(`x`)}},
		"HTML that is ambiguous": fstest.MapFS{"verification_code.html": {Data: []byte(`{{define "body"}}<a href="{{if .Email}}'{{end}}{{.OTPCode}}>{{end}}`)}},
		"folder":                 fstest.MapFS{"verification_code.txt/x": {}},
		"panic (R30)":            panicFS{},
	} {
		r := acme()
		r.Overlay = overlay
		if m, err := r.Render(notify.VerificationCode, full); !errors.Is(err, notify.ErrTemplate) || m.Text != "" {
			t.Errorf("%s: got %v", name, err)
		}
		if r.Check() == nil {
			t.Errorf("%s: Check found nothing", name)
		}
		if name == "panic (R30)" {
			continue
		}
		if _, err := r.Render(notify.PasswordChanged, full); err != nil {
			t.Errorf("%s: other mails broke: %v", name, err)
		}
	}
	for _, slug := range []string{"", "nope", "../layout", "layout.html", "VERIFICATION_CODE", strings.Repeat("a", 65), "a\x00"} {
		if _, err := acme().Render(slug, full); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("%q: got %v", slug, err)
		}
	}
}

type panicFS struct{}

func (panicFS) Open(string) (fs.File, error) { panic("overlay") }

func TestMissingData(t *testing.T) {
	for slug, without := range map[string]func(*notify.Data){
		notify.VerificationCode:    func(d *notify.Data) { d.OTPCode = "" },
		notify.ResetPasswordCode:   func(d *notify.Data) { d.OTPCode = "" },
		notify.Invitation:          func(d *notify.Data) { d.ActionURL = "" },
		notify.PrimaryEmailChanged: func(d *notify.Data) { d.Email = "<b>@x" },
		notify.LinkSignIn:          func(d *notify.Data) { d.ActionURL = "" },
		notify.WaitlistInvitation:  func(d *notify.Data) { d.ActionURL = "" },
		notify.FactorAdded:         func(d *notify.Data) { d.Method = "evil.com" },
	} {
		d := full
		without(&d)
		if _, err := acme().Render(slug, d); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("%s: got %v", slug, err)
		}
	}
	for _, code := range []string{"42 42", "<b>", "4242\n", "４２", strings.Repeat("4", 65)} {
		d := full
		d.OTPCode = code
		if _, err := acme().Render(notify.VerificationCode, d); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("code %q: got %v", code, err)
		}
	}
}

// Every mail, with every forged link: the link leads to what is configured, or
// there is no mail. Nothing else in the package knows of a request.
func TestAttack_L11_ForgedHosts(t *testing.T) {
	forged := []string{
		"https://evil.test/x", "https://acme.example.evil.test/x", "https://acme.example@evil.test/x", "http://acme.example/x",
		"https://acme.example:8443/x", "//acme.example/x", "/x", "https://sub.acme.example/", "javascript:alert(1)",
		"https://acme.example\r\n.evil.test", "https://acme.example\\.evil.test", "https://аcme.example/",
	}
	for _, slug := range notify.Slugs() {
		for _, link := range forged {
			d := full
			d.ActionURL = link
			if m, err := acme().Render(slug, d); !errors.Is(err, notify.ErrTemplate) {
				t.Errorf("%s %q: got %v %q", slug, link, err, m.Text)
			}
		}
		d := full
		d.AppURL = "https://evil.test"
		m, err := acme().Render(slug, d)
		if err != nil || strings.Contains(m.Text+m.HTML, "evil") {
			t.Errorf("%s: got %v %q", slug, err, m.Text)
		}
		// Nothing configured: loopback links only.
		if _, err := (&notify.Renderer{}).Render(slug, full); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("%s: got %v", slug, err)
		}
		d.ActionURL, d.AppURL = "http://127.0.0.1:4010/x", "https://evil.test"
		if _, err := (&notify.Renderer{}).Render(slug, d); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("%s: got %v", slug, err)
		}
		d.AppURL = "http://127.0.0.1:4010"
		if _, err := (&notify.Renderer{}).Render(slug, d); err != nil {
			t.Errorf("%s: got %v", slug, err)
		}
	}
	r := acme()
	r.LinkOrigins = []string{"https://clerk.acme.example:8443"}
	d := full
	d.ActionURL = "https://clerk.acme.example:8443/v1/verify?token=x"
	if m, err := r.Render(notify.Invitation, d); err != nil || !strings.Contains(m.Text, d.ActionURL) {
		t.Errorf("got %v %q", err, m.Text)
	}
}

func TestRenderAtOnce(t *testing.T) {
	r := acme()
	var wg sync.WaitGroup
	for range 8 {
		for _, slug := range notify.Slugs() {
			wg.Go(func() {
				if _, err := r.Render(slug, full); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "", 0: "", 1: "less than a minute", time.Minute: "1 minute", 10 * time.Minute: "10 minutes",
		time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 3 * time.Hour: "3 hours", 24 * time.Hour: "1 day",
		30 * 24 * time.Hour: "30 days", 47 * time.Hour: "47 hours",
	} {
		if got := notify.Words(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

var (
	anchor = regexp.MustCompile(`href="([^"]*)"`)
	tag    = regexp.MustCompile(`<[^>]*>`)
)

// FuzzRender: whatever people call themselves and their devices, the mail
// parses back with exactly its own headers, its HTML has exactly the tags of
// the template, and its only links are the application's.
func FuzzRender(f *testing.F) {
	f.Add("Ada", "Grace", "Firefox", "Turin", "192.0.2.1", "424242", "Acme", "My key")
	f.Add("a\r\nBcc: x@y.z", "<script>alert(1)</script>", "evil.com", "\u202e", "::1%x", "x", "A\nB", "a\nb")
	f.Add(`"><img src=x>`, "{{.OTPCode}}", "=?utf-8?q?x?=", "--B", "x", "1", "=?utf-8?q?=0D=0ABcc:x?=", "<b>key</b>")
	tags := map[string]int{}
	for _, slug := range notify.Slugs() {
		m, err := acme().Render(slug, full)
		if err != nil {
			f.Fatal(err)
		}
		tags[slug] = len(tag.FindAllString(m.HTML, -1))
	}
	r := acme()
	mailer := &smtp.Mailer{Addr: "localhost", From: "Acme <no-reply@acme.example>"}
	f.Fuzz(func(t *testing.T, user, inviter, device, place, address, code, app, method string) {
		for _, slug := range notify.Slugs() {
			d := full
			d.AppName, d.UserName, d.InviterName, d.OTPCode, d.Method = app, user, inviter, code, method
			d.RequestedFrom = notify.Source{Device: device, Place: place, Address: address, At: d.RequestedFrom.At}
			m, err := r.Render(slug, d)
			if err != nil {
				if !errors.Is(err, notify.ErrTemplate) {
					t.Fatal(err)
				}
				continue
			}
			m.ID, m.To = "ema_1", "ada@example.com"
			var b bytes.Buffer
			if err := mailer.WriteMessage(&b, m); err != nil {
				t.Fatalf("%q %v", m.Subject, err)
			}
			checkParsed(t, m, b.Bytes())
			// Empty optional lines leave out their row: at most the tags of the full mail.
			if n := len(tag.FindAllString(m.HTML, -1)); n > tags[slug] {
				t.Fatalf("%d tags instead of %d:\n%s", n, tags[slug], m.HTML)
			}
			for _, a := range anchor.FindAllStringSubmatch(m.HTML, -1) {
				if !strings.HasPrefix(a[1], "https://acme.example/") {
					t.Fatalf("foreign link %s", a[1])
				}
			}
			if strings.ContainsAny(m.Text, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b") {
				t.Fatalf("controls in %q", m.Text)
			}
		}
	})
}

func checkParsed(t *testing.T, m notify.Message, raw []byte) {
	t.Helper()
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	if len(parsed.Header) != len(want) {
		t.Fatalf("headers %v", parsed.Header)
	}
	for _, name := range want {
		if len(parsed.Header[name]) != 1 {
			t.Fatalf("%s: %q", name, parsed.Header[name])
		}
	}
	to, err := parsed.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != m.To {
		t.Fatalf("To %v %v", to, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Fatalf("subject %q, want %q, %v", subject, m.Subject, err)
	}
}

func ExampleRenderer_Render() {
	r := &notify.Renderer{AppName: "Acme", AppURL: "https://acme.example"}
	m, err := r.Render(notify.Invitation, notify.Data{
		InviterName: "Visit evil.example now", ActionURL: "https://acme.example/auth/sign-up?__clerk_ticket=t",
		ExpiresIn: 30 * 24 * time.Hour,
	})
	fmt.Println(m.Subject, err)
	fmt.Println(strings.Contains(m.Text, "evil"))
	// Output:
	// You are invited to Acme <nil>
	// false
}
