package ui_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

func TestProfile(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.at("/auth/user", 200)
	v.submit("Save name", "first_name", "Augusta", "last_name", "")
	v.at("/auth/user", 200)
	if text(all(v.doc, "h1")[0]) != "Augusta" || v.notice() == "" {
		t.Errorf("greeted as %q, notice %q", text(all(v.doc, "h1")[0]), v.notice())
	}
	v.submit("Save name", "first_name", strings.Repeat("x", 300))
	if v.at("/auth/user/profile", 422); v.fieldError("first_name") == "" {
		t.Errorf("a long name: %q", v.alert())
	}
	v.get("/auth/user/profile") // what stayed in the bar, reloaded
	v.at("/auth/user", 200)
}

func TestEmailAddresses(t *testing.T) {
	const second = "ada@work.example"
	w := newWorld(t, setup{})
	w.person(ada)
	w.person("bob@example.com")
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	for _, tt := range []struct{ address, says string }{{"", "Enter"}, {"nonsense", "such as"}, {"bob@example.com", "taken"}, {ada, "yours"}} {
		v.submit("Add address", "email_address", tt.address)
		if got := v.alert(); !strings.Contains(got, tt.says) {
			t.Errorf("%q: %d %q", tt.address, v.status, got)
		}
	}
	v.submit("Add address", "email_address", second)
	v.at("/auth/user/emails/verify", 200)
	w.code(second)
	v.submit("Verify", "code", "1")
	if v.at("/auth/user/emails/verify", 422); v.fieldError("code") == "" {
		t.Errorf("a wrong code: %q", v.alert())
	}
	v.submit("Send a new code")
	if v.at("/auth/user/emails/send", 429); v.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	v.get("/auth/user")
	w.advance(time.Minute)
	v.submit("Verify " + second)
	v.at("/auth/user/emails/verify", 200)
	v.submit("Verify", "code", w.code(second))
	v.at("/auth/user", 200)
	v.submit("Make primary: " + second)
	v.at("/auth/user", 200)
	u, err := w.engine.Users().ByIdentifier(t.Context(), second)
	if err != nil || u.Identifier() != second {
		t.Fatalf("primary is %v, %v", u, err)
	}
	v.submit("Remove " + ada)
	v.at("/auth/user", 200)
	if strings.Contains(v.body, "Remove") && strings.Contains(v.body, ada) {
		t.Error("the address is still there, or the last one can be removed")
	}
	v.post("/auth/user/emails/remove", url.Values{"id": {u.PrimaryEmailAddressID}})
	if v.status != 400 || !strings.Contains(v.alert(), "last") {
		t.Errorf("removing the last address: %d %q", v.status, v.alert())
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v, other := w.signedIn(t, ada), w.signedIn(t, ada)
	v.get("/auth/user")
	for _, tt := range []struct{ current, new, field, says string }{
		{"", fresh, "current_password", "Enter"}, {"wrong wrong", fresh, "current_password", "not your current"},
		{secret, "", "new_password", "Enter"}, {secret, "short", "new_password", "8 characters"}, {secret, secret, "new_password", "differ"},
	} {
		v.submit("Change password", "current_password", tt.current, "new_password", tt.new)
		v.at("/auth/user/password", 422)
		if e := v.fieldError(tt.field); !strings.Contains(e, tt.says) {
			t.Errorf("%q, %q: %q", tt.current, tt.new, e)
		}
		if form, _ := v.button("Change password"); !has(form.Parent, "open") {
			t.Error("the section is not opened")
		}
	}
	v.submit("Change password", "current_password", secret, "new_password", fresh, "sign_out_others", "off")
	v.at("/auth/user", 200)
	if other.get("/auth/user"); other.url.Path != "/auth/user" {
		t.Error("the other device was signed out although it should not be")
	}
	v.submit("Change password", "current_password", fresh, "new_password", secret)
	if other.get("/auth/user"); other.url.Path != "/auth/sign-in" || other.url.Query().Get("redirect_url") != "/auth/user" {
		t.Errorf("the other device is at %s", other.url)
	}
	v.get("/auth/user")
	v.at("/auth/user", 200)
}

func TestDevices(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	w.advance(3 * time.Hour)
	other := w.signedIn(t, ada)
	v.get("/auth/user")
	page := text(v.doc)
	for _, want := range []string{"Firefox 128 on Linux", "This device", "127.0.0.1", "3 hours ago", "just now"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	v.submit("Sign out Firefox 128 on Linux")
	v.at("/auth/verify", 200) // S18
	v.submit("Confirm", "password", secret)
	v.at("/auth/user", 200)
	v.submit("Sign out Firefox 128 on Linux")
	v.at("/auth/user", 200)
	if other.get("/"); other.body != "/ nobody" {
		t.Errorf("the host still sees %q", other.body)
	}
	if other.get("/auth/user"); other.url.Path != "/auth/sign-in" {
		t.Errorf("the other device is at %s", other.url)
	}
	// Somebody else's session cannot be named.
	id := w.person("bob@example.com")
	w.signedIn(t, "bob@example.com")
	ss, err := w.engine.Sessions().Create(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	v.post("/auth/user/devices/end", url.Values{"session": {ss.ID}})
	if v.status != 404 {
		t.Errorf("somebody else's session: %d", v.status)
	}
}

func TestPicture(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user/picture")
	if v.status != 200 || v.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(v.body, "AL") {
		t.Errorf("the default picture: %d %s", v.status, v.header.Get("Content-Type"))
	}
	m := image.NewRGBA(image.Rect(0, 0, 20, 10))
	m.Set(3, 3, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	v.get("/auth/user")
	v.upload("Upload picture", "file", b.Bytes())
	v.at("/auth/user", 200)
	v.get(attr(all(v.doc, "img")[0], "src"))
	if got := v.header.Get("Content-Type"); got != "image/png" && got != "image/jpeg" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the picture: %s, %s", got, v.header.Get("Cache-Control"))
	}
	for name, data := range map[string][]byte{"Choose": nil, "JPEG, PNG": []byte("<svg onload=alert(1)>")} {
		v.get("/auth/user")
		v.upload("Upload picture", "file", data)
		if e := v.fieldError("file"); v.status != 422 || !strings.Contains(e, name) {
			t.Errorf("%q: %d %q", data, v.status, e)
		}
	}
	v.get("/auth/user")
	v.submit("Remove picture")
	v.at("/auth/user", 200)
	v.get("/auth/user/picture")
	if v.header.Get("Content-Type") != "image/svg+xml" {
		t.Error("the picture is still there")
	}
	stranger := w.visitor(t)
	if stranger.get("/auth/user/picture"); stranger.status != 404 {
		t.Errorf("a stranger gets %d", stranger.status)
	}
}

func TestDeleteAccount(t *testing.T) {
	w := newWorld(t, setup{})
	w.person(ada)
	v := w.signedIn(t, ada)
	v.get("/auth/user")
	v.follow("Delete account…")
	v.submit("Delete account")
	if v.at("/auth/user/delete", 422); v.fieldError("confirm") == "" {
		t.Errorf("without the tick: %q", v.alert())
	}
	form, _ := v.button("Delete account")
	v.post(attr(form, "action"), url.Values{"confirm": {"true"}})
	v.at("/auth/sign-in", 200)
	if v.notice() == "" || v.cookie("__session") != "" {
		t.Errorf("notice %q, session %q", v.notice(), v.cookie("__session"))
	}
	if _, err := w.engine.Users().ByIdentifier(t.Context(), ada); err == nil {
		t.Error("the account is still there")
	}
	w.person("bob@example.com")
	v = w.signedIn(t, "bob@example.com")
	if err := w.engine.UpdateSettings(t.Context(), func(s *settings.Settings) error { s.DeleteSelf = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if v.get("/auth/user"); strings.Contains(v.body, "Delete account") {
		t.Error("deleting is offered although it is off")
	}
	for _, act := range []func(){func() { v.get("/auth/user/delete") }, func() { v.post("/auth/user/delete", url.Values{"confirm": {"true"}}) }} {
		if act(); v.status != 403 {
			t.Errorf("deleting although it is off: %d", v.status)
		}
	}
}
