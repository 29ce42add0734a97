package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/usherauth/usher/auth/notify"
)

func TestGoldenSMS(t *testing.T) {
	for _, slug := range []string{notify.VerificationCode, notify.ResetPasswordCode} {
		m, err := acme().RenderSMS(slug, full)
		if err != nil {
			t.Fatal(err)
		}
		m.To = "+14155552671"
		if err := m.Check(); err != nil || m.Slug != slug || m.Data != full {
			t.Errorf("%s: %v %q %#v", slug, err, m.Slug, m.Data)
		}
		golden(t, slug+".sms.txt", m.Body+"\n")
	}
}

// The last line binds the code to the application's host, and to nothing that
// data could name.
func TestAttack_L11_CodesAreBoundToTheHost(t *testing.T) {
	for url, want := range map[string]string{"https://acme.example": "@acme.example #424242", "https://acme.example:8443/x": "@acme.example #424242", "http://127.0.0.1:4010": "@127.0.0.1 #424242"} {
		r := &notify.Renderer{AppName: "@evil.example #1", AppURL: url}
		m, err := r.RenderSMS(notify.VerificationCode, notify.Data{OTPCode: "424242", AppURL: "https://evil.example", ActionURL: ""})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(m.Body, "\n")
		if len(lines) != 3 || lines[1] != "" || lines[2] != want {
			t.Errorf("%s: %q", url, m.Body)
		}
	}
}

func TestRenderSMSRefuses(t *testing.T) {
	good := notify.Data{OTPCode: "424242"}
	file := func(text string) *notify.Renderer {
		return &notify.Renderer{AppURL: "https://acme.example", Overlay: fstest.MapFS{"verification_code.sms.txt": {Data: []byte(text)}}}
	}
	for name, c := range map[string]struct {
		r    *notify.Renderer
		slug string
		d    notify.Data
	}{
		"no code":        {acme(), notify.VerificationCode, notify.Data{}},
		"no template":    {acme(), notify.Invitation, good},
		"path":           {acme(), "../x", good},
		"code left out":  {file("Hello"), notify.VerificationCode, good},
		"two lines":      {file("{{.OTPCode}}\n@evil.example #{{.OTPCode}}"), notify.VerificationCode, good},
		"empty":          {file(" "), notify.VerificationCode, good},
		"broken":         {file("{{.OTPCode"), notify.VerificationCode, good},
		"method":         {file("{{.OTPCode.X}}"), notify.VerificationCode, good},
		"too long":       {file("{{.OTPCode}}" + strings.Repeat("x", 1000)), notify.VerificationCode, good},
		"code with text": {acme(), notify.VerificationCode, notify.Data{OTPCode: "1\n2"}},
	} {
		if m, err := c.r.RenderSMS(c.slug, c.d); !errors.Is(err, notify.ErrTemplate) || m.Body != "" {
			t.Errorf("%s: %q %v", name, m.Body, err)
		}
	}
	if err := file("no code").Check(); !errors.Is(err, notify.ErrTemplate) {
		t.Errorf("Check: %v", err)
	}
}

type sender func(notify.SMS) error

func (f sender) SendSMS(_ context.Context, m notify.SMS) error { return f(m) }

func TestDeliverSMS(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	good := notify.SMS{To: "+14155552671", Body: "424242", Expires: now.Add(time.Minute)}
	for name, c := range map[string]struct {
		change func(*notify.SMS)
		want   error
	}{
		"good":       {func(*notify.SMS) {}, nil},
		"expired":    {func(m *notify.SMS) { m.Expires = now }, notify.ErrExpired},
		"no number":  {func(m *notify.SMS) { m.To = "" }, notify.ErrMessage},
		"national":   {func(m *notify.SMS) { m.To = "4155552671" }, notify.ErrMessage},
		"zero":       {func(m *notify.SMS) { m.To = "+04155552671" }, notify.ErrMessage},
		"long":       {func(m *notify.SMS) { m.To = "+1415555267100000" }, notify.ErrMessage},
		"empty":      {func(m *notify.SMS) { m.Body = "" }, notify.ErrMessage},
		"large":      {func(m *notify.SMS) { m.Body = strings.Repeat("x", 901) }, notify.ErrMessage},
		"control":    {func(m *notify.SMS) { m.Body = "a\x00" }, notify.ErrMessage},
		"directions": {func(m *notify.SMS) { m.Body = "a\u202e" }, notify.ErrMessage},
		"ID":         {func(m *notify.SMS) { m.ID = "a b" }, notify.ErrMessage},
	} {
		m, sent := good, 0
		c.change(&m)
		err := notify.DeliverSMS(t.Context(), sender(func(notify.SMS) error { sent++; return nil }), m, now)
		if !errors.Is(err, c.want) || (sent == 1) != (c.want == nil) {
			t.Errorf("%s: %v, sent %d", name, err, sent)
		}
	}
	if err := notify.DeliverSMS(t.Context(), sender(func(notify.SMS) error { panic("no") }), good, now); !errors.Is(err, notify.ErrPanic) || errors.Is(err, notify.ErrPermanent) {
		t.Errorf("panic: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", good, good, good); strings.Contains(text, "424242") {
		t.Errorf("printed as %s", text)
	}
}

func ExampleRenderer_RenderSMS() {
	r := &notify.Renderer{AppName: "Acme", AppURL: "https://acme.example"}
	m, err := r.RenderSMS(notify.VerificationCode, notify.Data{OTPCode: "424242"})
	fmt.Println(m.Body)
	fmt.Println(err)
	// Output:
	// 424242 is your verification code for Acme. Give it to nobody.
	//
	// @acme.example #424242
	// <nil>
}
