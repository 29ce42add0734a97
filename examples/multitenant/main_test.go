package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"io"

	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/user"
)

// world is the application with two organizations.
type world struct {
	t   *testing.T
	app *app
	srv *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	p, err := open(t.Context(), filepath.Join(t.TempDir(), "notes.db"), srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = p.handler()
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(func() { p.db.Close() })
	return &world{t: t, app: p, srv: srv}
}

// person makes a user and returns the ID with a browser in which they are
// signed in.
func (w *world) person(email string) (string, *http.Client) {
	w.t.Helper()
	u, err := w.app.auth.Users().Create(w.t.Context(), user.CreateParams{EmailAddresses: []string{email}, SkipPasswordRequirement: true})
	if err != nil {
		w.t.Fatal(err)
	}
	rec, r := httptest.NewRecorder(), httptest.NewRequest("POST", w.srv.URL, nil)
	r.RemoteAddr = "127.0.0.1:1"
	if err := w.app.auth.SignIn(rec, r, u.ID); err != nil {
		w.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	at, _ := url.Parse(w.srv.URL)
	jar.SetCookies(at, rec.Result().Cookies())
	return u.ID, &http.Client{Jar: jar}
}

func (w *world) org(slug, founder string) string {
	w.t.Helper()
	o, err := w.app.auth.Organizations().Create(w.t.Context(), organization.CreateParams{Name: slug, Slug: slug, CreatedBy: founder})
	if err != nil {
		w.t.Fatal(err)
	}
	return o.ID
}

func (w *world) do(c *http.Client, method, path string, form url.Values) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.srv.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", w.srv.URL)
	res, err := c.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// Notes are shared inside an organization and nowhere else.
func TestNotes(t *testing.T) {
	w := newWorld(t)
	adaID, ada := w.person("ada@example.com")
	bobID, bob := w.person("bob@example.com")
	guestID, guest := w.person("guest@example.com")
	_, eve := w.person("eve@example.com")
	acme := w.org("acme", adaID)
	for id, role := range map[string]string{bobID: "org:member", guestID: "org:guest"} {
		if _, err := w.app.auth.Organizations().AddMember(t.Context(), acme, organization.NewMember{UserID: id, Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	add := url.Values{"text": {"buy milk <b>"}}
	if code, body := w.do(bob, "POST", "/orgs/acme/notes", add); code != 200 || !strings.Contains(body, "buy milk &lt;b&gt;") || !strings.Contains(body, "by bob@example.com") {
		t.Fatalf("bob adds: %d %s", code, body)
	}
	if code, body := w.do(guest, "GET", "/orgs/acme/notes", nil); code != 200 || !strings.Contains(body, "buy milk") || strings.Contains(body, "<form") {
		t.Errorf("the guest reads: %d %s", code, body)
	}
	if code, _ := w.do(guest, "POST", "/orgs/acme/notes", add); code != 403 {
		t.Errorf("the guest adds: %d", code)
	}
	for _, path := range []string{"/orgs/acme/notes", "/orgs/" + acme + "/notes"} {
		if code, body := w.do(eve, "GET", path, nil); code != 404 || strings.Contains(body, "milk") {
			t.Errorf("a stranger reads: %d %s", code, body)
		}
	}
	w.do(eve, "POST", "/orgs/acme/notes/1/remove", nil)
	if _, body := w.do(ada, "POST", "/orgs/acme/notes/1/remove", nil); strings.Contains(body, "buy milk") {
		t.Error("an admin cannot remove")
	}
	if _, body := w.do(bob, "POST", "/orgs/acme/notes", add); !strings.Contains(body, "buy milk") {
		t.Error("not added again")
	}
	// A note outlives its author, and goes with its organization.
	if err := w.app.auth.Users().Delete(t.Context(), bobID); err != nil {
		t.Fatal(err)
	}
	if _, body := w.do(ada, "GET", "/orgs/acme/notes", nil); !strings.Contains(body, "by somebody who left") {
		t.Error(body)
	}
	if err := w.app.auth.Organizations().Delete(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := w.app.db.QueryRow("SELECT count(*) FROM note").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d notes are left, %v", n, err)
	}
	if code, _ := w.do(ada, "GET", "/orgs/acme/notes", nil); code != 404 {
		t.Errorf("the notes of no organization: %d", code)
	}
}
