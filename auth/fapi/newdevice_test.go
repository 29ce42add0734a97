package fapi_test

import (
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/notify"
)

// newDevices lists who was told of a new device, and the link of the last mail.
func (r *rig) newDevices() (to []string, link string) {
	r.t.Helper()
	r.countMails()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.mails {
		if m.Slug == notify.NewDeviceSignIn {
			to, link = append(to, m.To), m.Data.ActionURL
		}
	}
	return to, link
}

// Whoever signs in where the user never was before is told, once for each
// browser, with a link that ends that very session.
func TestNewDeviceMail(t *testing.T) {
	r := newRig(t, func(s *setup) { s.settings.Mails.NewDeviceSignIn = true })
	b := r.browser()
	b.signUp(ada, good)
	if to, _ := r.newDevices(); to != nil {
		t.Fatalf("told of the sign-up: %v", to)
	}
	b.post("/v1/client/sessions/" + b.session + "/end").ok()
	b.signIn(ada, good)
	if to, _ := r.newDevices(); to != nil {
		t.Fatalf("told of a browser that is known: %v", to)
	}
	c := r.browser()
	c.signIn(ada, good)
	to, link := r.newDevices()
	if len(to) != 1 || to[0] != ada || !strings.HasPrefix(link, r.server.URL+"/auth/link?token=") {
		t.Fatalf("told %v, link %q", to, link)
	}
	_, token, _ := strings.Cut(link, "token=")
	v, err := r.e.Link(t.Context(), mustBrowser(t, r), token)
	if err != nil || v.Refused != nil || v.From.Device != "Firefox on Linux" {
		t.Fatalf("%+v %v", v, err)
	}
	c.get("/v1/me").ok() // looking at it does nothing (L05)
	used, err := r.e.UseLink(t.Context(), mustBrowser(t, r), token)
	if err != nil || used.Refused != nil || used.ReturnTo != "" {
		t.Fatalf("%+v %v", used, err)
	}
	c.get("/v1/me").refused(401, "authentication_invalid")
	b.get("/v1/me").ok()
	if used, err = r.e.UseLink(t.Context(), mustBrowser(t, r), token); err != nil || used.Refused == nil {
		t.Errorf("used twice: %+v %v", used, err)
	}
	// The ticket opens nothing else (L13).
	if a := c.follow("/v1/verify?token=" + token); a.status != 303 || strings.Contains(a.header.Get("Location"), "verified") {
		t.Errorf("got %d %s", a.status, a.header.Get("Location"))
	}
	c.signIn(ada, good)
	if to, _ := r.newDevices(); len(to) != 1 {
		t.Errorf("told again of the same browser: %v", to)
	}
}

// mustBrowser is a stranger's browser.
func mustBrowser(t *testing.T, r *rig) *engine.Browser {
	t.Helper()
	b, err := r.e.Browser(t.Context(), nil, engine.Request{Origin: r.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
