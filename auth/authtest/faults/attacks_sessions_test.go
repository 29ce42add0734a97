package faults_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/settings"
)

// TestAttack_S01_PlantedCookie: who plants a cookie before a sign-in holds
// nothing after it; two tabs at once both live.
func TestAttack_S01_PlantedCookie(t *testing.T) {
	r := newRig(t)
	r.account(ada, good)
	thief := r.visitor()
	thief.post("/client").ok()
	victim := thief.fork() // the thief's cookie, planted
	victim.signIn(ada, good)
	if victim.cookie("__client") == thief.cookie("__client") {
		t.Fatal("the cookie did not change")
	}
	for _, later := range []time.Duration{0, time.Second} { // within the grace
		r.Clock.Advance(later)
		a := thief.fork().get("/client")
		if a.status == 200 && a.str("response.last_active_session_id") != "" && len(list(a, "response.sessions")) > 0 {
			t.Errorf("the planted cookie shows a session: %s", a.raw)
		}
		if a := thief.fork().private(); a.status == 200 {
			t.Error("the planted cookie opens the private page")
		}
		if a := thief.fork().post("/client/sign_ins", "identifier", ada, "password", good); a.status == 200 && later == 0 {
			t.Error("the planted cookie changes state")
		}
	}
	if a := victim.private(); a.status != 200 {
		t.Errorf("the victim: %d", a.status)
	}
	// Two tabs: one signs in, the other's request was under way.
	tab := victim.fork()
	sid := victim.get("/client").str("response.last_active_session_id")
	victim.post("/client/sign_ins", "identifier", ada).refused(400, "identifier_already_signed_in")
	tab.post("/client/sessions/" + sid + "/tokens").ok()
	victim.post("/client/sessions/" + sid + "/tokens").ok()
}

func list(a *answer, path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

// TestAttack_S02_ReusedCookie: an old cookie that comes back long after it was
// replaced has been copied, and ends the client.
func TestAttack_S02_ReusedCookie(t *testing.T) {
	r := newRig(t)
	r.account(ada, good)
	victim := r.visitor()
	victim.post("/client").ok()
	copied := victim.fork()
	victim.signIn(ada, good)
	r.Clock.Advance(5 * time.Minute)
	if a := copied.private(); a.status == 200 {
		t.Error("the copy opens the private page")
	}
	copied.get("/client")
	r.Clock.Advance(2 * time.Minute)
	if a := victim.private(); a.status == 200 {
		t.Error("the client lives on although its cookie was copied")
	}
	if !strings.Contains(r.log.String(), "used again") {
		t.Error("nobody is told")
	}
	r.visitor().signIn(ada, good)
}

// TestAttack_S05_S18_SessionsOfOthers: the IDs in path and query say what is
// acted on and never who acts.
func TestAttack_S05_S18_SessionsOfOthers(t *testing.T) {
	r := newRig(t)
	a, b := r.signedIn(r.account(ada, good)), r.signedIn(r.account(bob, good))
	adas, bobs := a.get("/client").str("response.last_active_session_id"), b.get("/client").str("response.last_active_session_id")
	unknown := b.get("/client/sessions/sess_0ZUuXEXL5cn0c5q9ztePttNL6aw")
	for _, c := range []struct{ method, path string }{
		{"GET", "/client/sessions/" + adas}, {"POST", "/client/sessions/" + adas + "/touch"}, {"POST", "/client/sessions/" + adas + "/end"},
		{"POST", "/client/sessions/" + adas + "/remove"}, {"POST", "/client/sessions/" + adas + "/tokens"}, {"POST", "/me/sessions/" + adas + "/revoke"},
	} {
		got := b.api(c.method, c.path)
		if got.status != unknown.status || got.code() != unknown.code() {
			t.Errorf("%s %s of somebody else: %d %s; of nobody %d %s", c.method, c.path, got.status, got.code(), unknown.status, unknown.code())
		}
	}
	for _, path := range []string{"/me", "/me/sessions", "/me/sessions/active", "/me/email_addresses"} {
		if got := b.get(path + "?_clerk_session_id=" + adas); got.status != 401 || strings.Contains(string(got.raw), ada) {
			t.Errorf("%s as somebody else: %d %s", path, got.status, got.raw)
		}
	}
	for _, c := range []struct {
		method, path string
		pairs        []string
	}{
		{"PATCH", "/me?_clerk_session_id=" + adas, []string{"first_name", "Bob"}}, {"DELETE", "/me?_clerk_session_id=" + adas, nil},
		{"POST", "/me/change_password?_clerk_session_id=" + adas, []string{"current_password", good, "new_password", better}},
		{"POST", "/me/email_addresses?_clerk_session_id=" + adas, []string{"email_address", "thief@example.com"}},
	} {
		b.api(c.method, c.path, c.pairs...).refused(401, "authentication_invalid")
	}
	// Ada's token in a browser of bob's: the cookies of two people.
	mixed := b.fork()
	for _, name := range []string{"__session"} {
		mixed.setCookie(name, a.cookie(name))
	}
	mixed.post("/client/sessions/"+adas+"/end").refused(unknown.status, unknown.code())
	if got := mixed.get("/me").ok(); strings.Contains(string(got.raw), ada) {
		t.Error("the session cookie says who acts at the Frontend API")
	}
	for _, v := range []*visitor{a, b} {
		if got := v.private(); got.status != 200 {
			t.Errorf("somebody was signed out: %d", got.status)
		}
	}
	// Lists are of the own sessions.
	if got := b.get("/me/sessions/active").ok(); strings.Contains(string(got.raw), adas) || !strings.Contains(string(got.raw), bobs) {
		t.Errorf("bob's sessions: %s", got.raw)
	}
	if u, err := r.Users().ByIdentifier(t.Context(), ada); err != nil || u.FirstName != "" || len(u.EmailAddresses) != 1 {
		t.Errorf("ada was changed: %v %v", u, err)
	}
}

// TestAttack_S19_RenewalIsNoSideDoor: the middleware renews for whom /tokens
// would, and for nobody else.
func TestAttack_S19_RenewalIsNoSideDoor(t *testing.T) {
	for name, end := range map[string]func(r *rig, id, sid string) error{
		"banned":     func(r *rig, id, _ string) error { _, err := r.Users().Ban(r.t.Context(), id); return err },
		"deleted":    func(r *rig, id, _ string) error { return r.Users().Delete(r.t.Context(), id) },
		"revoked":    func(r *rig, _, sid string) error { _, err := r.Sessions().Revoke(r.t.Context(), sid); return err },
		"signed out": func(r *rig, id, _ string) error { _, err := r.Sessions().RevokeUser(r.t.Context(), id); return err },
		"too old":    func(r *rig, _, _ string) error { r.Clock.Advance(8 * 24 * time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			u := r.account(ada, good)
			v := r.signedIn(u)
			sid := v.get("/client").str("response.last_active_session_id")
			r.Clock.Advance(2 * time.Minute)
			renewed := v.fork()
			if a := renewed.private(); a.status != 200 || renewed.cookie("__session") == v.cookie("__session") {
				t.Fatalf("an honest renewal: %d", a.status)
			}
			if err := end(r, u.ID, sid); err != nil {
				t.Fatal(err)
			}
			r.Clock.Advance(2 * time.Minute)
			for _, c := range []*visitor{v.fork(), renewed} {
				before := c.cookie("__session")
				if a := c.private(); a.status != 401 {
					t.Errorf("%d %s", a.status, a.raw)
				}
				if now := c.cookie("__session"); now != "" && now != before {
					t.Error("a new token was set")
				}
				if a := c.post("/client/sessions/" + sid + "/tokens"); a.status == 200 {
					t.Error("/tokens mints")
				}
			}
		})
	}
	// From a foreign page nothing is renewed for, and nothing is done.
	r := newRig(t)
	v := r.signedIn(r.account(ada, good))
	r.Clock.Advance(2 * time.Minute)
	for _, origin := range []string{"https://evil.example", "null", "http://127.0.0.1.evil.example"} {
		a := v.fork().do("POST", "/private", http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}, "x=1")
		if a.status == 200 {
			t.Errorf("a POST from %s: %d", origin, a.status)
		}
	}
}

// TestAttack_S04_OtherInstances: what ends in one process ends in the others
// within seconds, and at once where the token has to be renewed.
func TestAttack_S04_OtherInstances(t *testing.T) {
	one := newRig(t)
	two := newRig(t, withStore(one.Store), func(c *auth.Config) { c.Now = one.Clock.Now })
	u := one.account(ada, good)
	v := one.signedIn(u)
	there := newVisitor(t, two.Server.URL)
	h := http.Header{"Authorization": {"Bearer " + v.cookie("__session")}}
	if a := there.do("GET", "/private", h, ""); a.status != 200 {
		t.Fatalf("on the other instance: %d %s", a.status, a.raw)
	}
	if _, err := one.Users().Ban(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if a := one.visitor().do("GET", "/private", h, ""); a.status == 200 {
		t.Error("the same process still takes the token")
	}
	eventually(t, "the other process to learn", func() bool { return there.do("GET", "/private", h, "").status != 200 })
}

// TestAttack_S17_BearerAndCookieOfTwo: a request that two people make is nobody's.
func TestAttack_S17_BearerAndCookieOfTwo(t *testing.T) {
	r := newRig(t, withSettings(func(s *settings.Settings) { s.Sessions.Multi = true }))
	a, b := r.signedIn(r.account(ada, good)), r.signedIn(r.account(bob, good))
	h := http.Header{"Authorization": {"Bearer " + b.cookie("__session")}, "Origin": {r.Server.URL}}
	if got := a.do("POST", "/private", h, "x=1"); got.status == 200 {
		t.Errorf("an act of two people at once: %d %s", got.status, got.raw)
	}
	if got := a.do("GET", "/private", http.Header{"Authorization": h["Authorization"]}, ""); got.status != 200 || string(got.raw) != userOf(b) {
		t.Errorf("the header goes before the cookie: %d %s", got.status, got.raw)
	}
}

func userOf(v *visitor) string { return v.get("/me").ok().id() }
