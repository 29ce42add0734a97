package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/organization"
	"github.com/usherauth/usher/session"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/token"
)

// reports is a host with one permission of its own and a role that holds it.
var reports = organization.Catalogue{
	Permissions: []organization.PermissionDefinition{{Key: "org:reports:read"}, {Key: "org:reports:edit"}},
	Roles:       []organization.RoleDefinition{{Key: "org:editor", Permissions: []string{"org:reports:read", "org:reports:edit"}}},
}

func withOrganizations(c *auth.Config) {
	o := &c.Settings.Organizations
	o.Enabled, o.Slugs, o.Teams, o.MaxMemberships = true, true, true, 0
	c.Organizations = reports
}

// hall is an instance with an organization, its founder and a member, each in a
// browser of their own.
type hall struct {
	*authtest.Instance
	t        *testing.T
	org      *organization.Organization
	ada, bob string
	browsers map[string]*http.Client
}

func newHall(t *testing.T, app func(a *auth.Auth) http.Handler) *hall {
	t.Helper()
	h := &hall{Instance: authtest.New(t, withOrganizations), t: t, browsers: map[string]*http.Client{}}
	h.Serve(app(h.Auth))
	ada, bob := h.User(t, "ada@example.com"), h.User(t, "bob@example.com")
	h.ada, h.bob = ada.ID, bob.ID
	var err error
	if h.org, err = h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Acme", Slug: "acme", CreatedBy: h.ada}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Organizations().AddMember(t.Context(), h.org.ID, organization.NewMember{UserID: h.bob, Role: "org:editor"}); err != nil {
		t.Fatal(err)
	}
	h.browsers[h.ada], h.browsers[h.bob] = h.SignedIn(t, ada), h.SignedIn(t, bob)
	return h
}

// ask asks for a page as a browser does.
func (h *hall) ask(userID, path string) (int, string) {
	h.t.Helper()
	res, body := do(h.t, h.browsers[userID], "GET", h.Server.URL+path, "")
	return res.StatusCode, body
}

// whoami says what the request may do.
func whoami(w http.ResponseWriter, r *http.Request) {
	id := auth.From(r.Context())
	role := ""
	if id.Claims != nil && id.Claims.Organization != nil {
		role = id.Claims.Organization.Role
	}
	fmt.Fprintf(w, "%s %s %v %v", id.OrganizationID(), role, id.HasPermission("org:reports:edit"), id.Teams())
}

func TestRules(t *testing.T) {
	member := &auth.Identity{UserID: "user_1", Claims: claims(t, "editor", "org:reports:edit")}
	alone := &auth.Identity{UserID: "user_1", Claims: &token.Claims{Subject: "user_1"}}
	nobody := &auth.Identity{}
	yes, no := auth.Permission("org:reports:edit"), auth.Permission("org:reports:read")
	for name, c := range map[string]struct {
		rule auth.Rule
		want bool
	}{
		"permission": {yes, true}, "another permission": {no, false}, "role": {auth.Role("org:editor"), true}, "role without prefix": {auth.Role("editor"), true},
		"another role": {auth.Role("org:admin"), false}, "in an organization": {auth.InOrganization(), true},
		"any": {auth.Any(no, yes), true}, "any of none": {auth.Any(no, no), false}, "any of nothing": {auth.Any(), true},
		"all": {auth.All(yes, auth.InOrganization()), true}, "not all": {auth.All(yes, no), false}, "not": {auth.Not(no), true}, "not kept": {auth.Not(yes), false},
		"system permission": {auth.Permission("org:sys_profile:manage"), false}, "team": {auth.Team("team_1"), true}, "team and role": {auth.Team("team_1", "lead"), true},
		"team and another role": {auth.Team("team_1", "boss"), false}, "another team": {auth.Team("team_2"), false},
		"host's": {auth.Any(no, func(id *auth.Identity) error { return nil }), true},
	} {
		if member.Has(c.rule) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
		if nobody.Has(c.rule) {
			t.Errorf("%s: nobody keeps it", name)
		}
	}
	if alone.Has(yes) || alone.Has(auth.InOrganization()) || alone.Has(auth.Role("org:editor")) || !alone.Has(auth.Not(auth.InOrganization())) {
		t.Error("somebody without an organization")
	}
}

// claims are those of a member.
func claims(t *testing.T, role string, permissions ...string) *token.Claims {
	t.Helper()
	c := &token.Claims{Subject: "user_1", Organization: &token.Organization{ID: "org_1", Slug: "acme", Role: role},
		Custom: map[string]json.RawMessage{"tms": json.RawMessage(`{"team_1":"lead"}`)}}
	if err := c.Grant(nil, permissions); err != nil {
		t.Fatal(err)
	}
	return c
}

// A permission that nobody can hold is found when the handler is made.
func TestUndeclaredPermissionPanics(t *testing.T) {
	a := authtest.New(t, withOrganizations).Auth
	for name, rules := range map[string][]auth.Rule{
		"undeclared": {auth.Permission("org:reports:burn")}, "inside others": {auth.Any(auth.Role("org:admin"), auth.Not(auth.All(auth.Permission("org:x:y"))))},
		"system": {auth.Permission("org:sys_profile:manage")}, "no key": {auth.Permission("")},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			a.Require(http.NotFoundHandler(), rules...)
		}()
	}
	called := false
	a.Require(http.NotFoundHandler(), auth.Any(auth.Permission("org:reports:edit"), func(*auth.Identity) error { called = true; return nil }), auth.InOrganization())
	if called {
		t.Error("a rule of the host's is asked before there is anybody")
	}
	_, err := auth.New(t.Context(), auth.Config{Store: memory.New(), Organizations: organization.Catalogue{Roles: []organization.RoleDefinition{{Key: "org:x", Permissions: []string{"org:no:such"}}}}})
	if err == nil || !strings.Contains(err.Error(), "org:no:such") {
		t.Errorf("a role with an unknown permission: %v", err)
	}
}

// TestAttack_M07_NextRequestKnows: whatever changes what a member may do is
// known to the next request, with the token that the browser has, in the same
// round trip; a bearer's token is refused.
func TestAttack_M07_NextRequestKnows(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return http.HandlerFunc(whoami) })
	o, ctx := h.Organizations(), t.Context()
	h.activate(h.bob, "acme")
	want := func(when, want string) {
		t.Helper()
		if _, body := h.ask(h.bob, "/"); body != want {
			t.Errorf("%s: %q, want %q", when, body, want)
		}
	}
	id := h.org.ID
	want("at first", id+" editor true map[]")
	bearer := h.token(h.bob)
	if status := h.bearer(bearer, "/private"); status != 200 {
		t.Fatalf("bearer: %d", status)
	}
	check := func(when string, err error, now string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if status := h.bearer(bearer, "/private"); status != 401 {
			t.Errorf("%s: the old token is accepted from a bearer: %d", when, status)
		}
		want(when, now)
		bearer = h.token(h.bob)
		if status := h.bearer(bearer, "/private"); status != 200 {
			t.Errorf("%s: the new token is not accepted: %d", when, status)
		}
	}
	_, err := o.SetRole(ctx, id, h.bob, "org:member")
	check("demoted", err, id+" member false map[]")
	check("the role gets a permission", o.UpdateRole(ctx, "org:member", auth.RoleUpdate{Add: "org:reports:edit"}), id+" member true map[]")
	check("and loses it", o.UpdateRole(ctx, "org:member", auth.RoleUpdate{Remove: "org:reports:edit"}), id+" member false map[]")
	team, err := o.CreateTeam(ctx, id, "Core")
	if err == nil {
		_, err = o.AddToTeam(ctx, id, team.ID, h.bob, "lead")
	}
	check("in a team", err, id+" member false map["+team.ID+":lead]")
	check("out of the team", o.RemoveFromTeam(ctx, id, team.ID, h.bob), id+" member false map[]")
	_, err = o.AddToTeam(ctx, id, team.ID, h.bob, "lead")
	check("in the team again", err, id+" member false map["+team.ID+":lead]")
	check("the team is gone", o.DeleteTeam(ctx, id, team.ID), id+" member false map[]")
	_, err = o.Update(ctx, id, auth.OrganizationUpdate{Slug: new("renamed")})
	check("under another slug", err, id+" member false map[]")
	check("removed", o.RemoveMember(ctx, id, h.bob), "  false map[]")
	if _, body := h.ask(h.ada, "/"); !strings.HasPrefix(body, id+" admin") {
		t.Errorf("the founder, who signed in since: %q", body)
	}
	h.activate(h.ada, "renamed")
	if err := o.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, body := h.ask(h.ada, "/"); body != "  false map[]" {
		t.Errorf("deleted: %q", body)
	}
}

// The verifier that hosts use by themselves knows what the middleware knows.
func TestVerifierKnowsChanges(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return http.HandlerFunc(whoami) })
	ctx := t.Context()
	h.activate(h.bob, "acme")
	h.activate(h.ada, "acme")
	bobs, adas := h.token(h.bob), h.token(h.ada)
	if _, err := h.Verifier().Verify(ctx, bobs); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Organizations().SetRole(ctx, h.org.ID, h.bob, "org:member"); err != nil {
		t.Fatal(err)
	}
	if c, err := h.Verifier().Verify(ctx, bobs); !errors.Is(err, token.ErrStale) || c != nil {
		t.Errorf("demoted: %v, %v", c, err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+bobs)
	if _, err := h.Verifier().FromRequest(r); !errors.Is(err, token.ErrExpired) {
		t.Errorf("demoted, in a request: %v", err)
	}
	if _, err := h.Verifier().Verify(ctx, adas); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if c, err := h.Verifier().Verify(ctx, h.token(h.bob)); err != nil || !c.HasRole("org:member") {
		t.Errorf("the next one: %v, %v", c, err)
	}
}

// Who is invited silently gets no mail: the link is the host's to bring.
func TestHostInvites(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return a.Require(http.HandlerFunc(whoami)) })
	ctx := t.Context()
	const carl, dora = "carl@example.com", "dora@example.com"
	invited, err := h.Organizations().Invite(ctx, h.org.ID, auth.OrganizationInvite{EmailAddress: carl, Role: "org:editor", Silent: true},
		auth.OrganizationInvite{EmailAddress: dora, Role: "org:member"})
	if err != nil || len(invited) != 2 {
		t.Fatal(len(invited), err)
	}
	h.Mail.Wait(t, dora, 1)
	if mails := h.Mail.To(carl); len(mails) > 0 {
		t.Errorf("%d mails to who was invited silently", len(mails))
	}
	u := h.User(t, carl)
	c := h.SignedIn(t, u)
	h.browsers[u.ID] = c
	link := strings.Replace(invited[0].URL, "http://localhost", h.Server.URL, 1) // no URL is configured
	if res, _ := do(t, c, "GET", link, ""); res.StatusCode != 303 || !strings.Contains(res.Header.Get("Location"), "__clerk_ticket="+url.QueryEscape(invited[0].Token)) {
		t.Errorf("%s leads to %d %s", invited[0].URL, res.StatusCode, res.Header.Get("Location"))
	}
	res, body := do(t, c, "POST", h.Server.URL+"/auth/organization/invitation", "ticket="+url.QueryEscape(invited[0].Token), "Origin", h.Server.URL, "Content-Type", "application/x-www-form-urlencoded")
	if res.StatusCode != 303 {
		t.Errorf("the ticket is not taken: %d %s", res.StatusCode, body)
	}
	if m, err := h.Organizations().Member(ctx, h.org.ID, u.ID); err != nil || m.Role != "org:editor" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := h.Organizations().Invite(ctx, h.org.ID, auth.OrganizationInvite{EmailAddress: dora, Role: "org:member"}); !errors.Is(err, organization.ErrInvited) {
		t.Errorf("invited twice: %v", err)
	}
	_, err = h.Organizations().Invite(ctx, h.org.ID, auth.OrganizationInvite{EmailAddress: "erin@example.com", Role: "org:member", RedirectURL: "https://evil.example/"})
	if e, ok := errors.AsType[*auth.Error](err); !ok || e.Code != "redirect_url_domain_mismatch" {
		t.Errorf("led to another site: %v", err)
	}
}

// An organization that the host makes in somebody's name is theirs at once, in
// every session: the next token can name it. A session that waits for a choice
// waits on, and it can be chosen.
func TestHostFounds(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/orgs/{org}/", a.RequireOrganization("org", http.HandlerFunc(whoami), auth.Role("org:admin")))
		mux.Handle("/", a.Require(http.HandlerFunc(whoami)))
		return mux
	})
	ctx := t.Context()
	h.activate(h.bob, "acme")
	found := map[string]func(slug, by string) error{
		"Go": func(slug, by string) error {
			_, err := h.Organizations().Create(ctx, organization.CreateParams{Name: slug, Slug: slug, CreatedBy: by})
			return err
		},
		"HTTP": func(slug, by string) error {
			res, body := do(t, http.DefaultClient, "POST", h.Server.URL+"/bapi/v1/organizations", fmt.Sprintf(`{"name":%q,"slug":%q,"created_by":%q}`, slug, slug, by),
				"Authorization", "Bearer "+h.SecretKey(), "Content-Type", "application/json")
			if res.StatusCode != 200 {
				return errors.New(body)
			}
			return nil
		},
	}
	for name, make := range found {
		slug := "by-" + strings.ToLower(name)
		if err := make(slug, h.bob); err != nil {
			t.Fatal(err)
		}
		if _, body := h.ask(h.bob, "/"); !strings.HasPrefix(body, h.org.ID+" editor") {
			t.Errorf("%s: the active one is %q", name, body)
		}
		if code, body := h.ask(h.bob, "/orgs/"+slug+"/"); code != 200 || !strings.Contains(body, " admin ") {
			t.Errorf("%s: %d %q", name, code, body)
		}
		h.activate(h.bob, "acme")
	}
	// The next session begins in it, if nothing else was chosen meanwhile, and
	// only that one.
	again := func(want string) {
		t.Helper()
		u, err := h.Users().Get(ctx, h.bob)
		if err != nil {
			t.Fatal(err)
		}
		h.browsers[h.bob] = h.SignedIn(t, u)
		if _, body := h.ask(h.bob, "/"); !strings.HasPrefix(body, want+" ") {
			t.Errorf("the next session: %q, want %q", body, want)
		}
	}
	again("")
	for name, join := range map[string]func(id string) error{
		"founded": nil,
		"added": func(id string) error {
			_, err := h.Organizations().AddMember(ctx, id, organization.NewMember{UserID: h.bob, Role: "org:member"})
			return err
		},
	} {
		by := h.bob
		if join != nil {
			by = ""
		}
		o, err := h.Organizations().Create(ctx, organization.CreateParams{Name: name, CreatedBy: by})
		if err == nil && join != nil {
			err = join(o.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		again(o.ID)
		again("")
	}
	if err := h.UpdateSettings(ctx, func(s *settings.Settings) error { s.Organizations.ForceSelection = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for name, make := range found {
		u := h.User(t, strings.ToLower(name)+"@example.com")
		h.browsers[u.ID] = h.SignedIn(t, u)
		slug := "of-" + strings.ToLower(name)
		if err := make(slug, u.ID); err != nil {
			t.Fatal(err)
		}
		if code, _ := h.ask(u.ID, "/"); code != 401 {
			t.Errorf("%s: nothing is chosen: %d", name, code)
		}
		h.activate(u.ID, slug)
		if code, body := h.ask(u.ID, "/"); code != 200 || !strings.Contains(body, " admin ") {
			t.Errorf("%s: chosen: %d %q", name, code, body)
		}
	}
}

// TestAttack_M07_LongTokens: a token that was asked to live long says no longer
// what has changed, however long ago that was.
func TestAttack_M07_LongTokens(t *testing.T) {
	for name, change := range map[string]func(h *hall, o auth.Organizations) error{
		"role": func(h *hall, o auth.Organizations) error {
			_, err := o.SetRole(h.t.Context(), h.org.ID, h.bob, "org:member")
			return err
		},
		"removed": func(h *hall, o auth.Organizations) error { return o.RemoveMember(h.t.Context(), h.org.ID, h.bob) },
		"deleted": func(h *hall, o auth.Organizations) error { return o.Delete(h.t.Context(), h.org.ID) },
		"role changed": func(h *hall, o auth.Organizations) error {
			return o.UpdateRole(h.t.Context(), "org:editor", auth.RoleUpdate{Remove: "org:reports:edit"})
		},
	} {
		h := newHall(t, func(a *auth.Auth) http.Handler { return http.HandlerFunc(whoami) })
		ctx := t.Context()
		h.activate(h.bob, "acme")
		long, err := h.Sessions().Token(ctx, h.sessionOf(h.bob), 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Verifier().Verify(ctx, long); err != nil {
			t.Fatalf("before: %v", err)
		}
		if err := change(h, h.Organizations()); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(12 * time.Hour)
		o, err := h.Organizations().Create(ctx, organization.CreateParams{Name: "Other"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Organizations().Delete(ctx, o.ID); err != nil { // sweeps what may be forgotten
			t.Fatal(err)
		}
		if _, err := h.Verifier().Verify(ctx, long); !errors.Is(err, token.ErrStale) {
			t.Errorf("%s: half a day later: %v", name, err)
		}
		set := h.Settings(ctx)
		other, err := auth.New(ctx, auth.Config{Store: h.Store, URL: h.Server.URL, Issuer: h.Issuer(), Organizations: reports, Settings: &set, Now: h.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Verifier().Verify(ctx, long); !errors.Is(err, token.ErrStale) {
			t.Errorf("%s: after a restart: %v", name, err)
		}
	}
}

// Other processes learn of a change by looking, and then act on it too.
func TestOtherProcessesLearnChanges(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return http.HandlerFunc(whoami) })
	h.activate(h.bob, "acme")
	bearer := h.token(h.bob)
	set := h.Settings(t.Context())
	other, err := auth.New(t.Context(), auth.Config{Store: h.Store, URL: h.Server.URL, Issuer: h.Issuer(), Organizations: reports, Settings: &set, Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	app := other.Require(http.HandlerFunc(whoami))
	ask := func() int {
		r := httptest.NewRequest("GET", h.Server.URL+"/", nil)
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w.Code
	}
	if code := ask(); code != 200 {
		t.Fatalf("before: %d", code)
	}
	if _, err := h.Organizations().SetRole(t.Context(), h.org.ID, h.bob, "org:member"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); other.Run(ctx) }()
	for until := time.Now().Add(10 * time.Second); ask() != 401; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the other process never knows")
		}
	}
	cancel()
	<-done
}

// Where nobody acts without an organization, who loses the active one is nobody
// to the middleware in the next request, as to the Frontend API.
func TestOrganizationLostWhereOneIsNeeded(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return a.Require(http.HandlerFunc(whoami)) })
	ctx := t.Context()
	if err := h.UpdateSettings(ctx, func(s *settings.Settings) error { s.Organizations.ForceSelection = true; return nil }); err != nil {
		t.Fatal(err)
	}
	h.activate(h.bob, "acme")
	me := func() int {
		t.Helper()
		res, _ := do(t, h.browsers[h.bob], "GET", h.Server.URL+"/__clerk/v1/me/sessions", "", "Origin", h.Server.URL)
		return res.StatusCode
	}
	if code, _ := h.ask(h.bob, "/"); code != 200 || me() != 200 {
		t.Fatalf("before: %d, %d", code, me())
	}
	if err := h.Organizations().RemoveMember(ctx, h.org.ID, h.bob); err != nil {
		t.Fatal(err)
	}
	if code, _ := h.ask(h.bob, "/"); code != 401 || me() != 401 {
		t.Errorf("after: %d from the middleware, %d from the Frontend API", code, me())
	}
	o, err := h.Organizations().Create(ctx, organization.CreateParams{Name: "Other", Slug: "other", CreatedBy: h.bob})
	if err != nil {
		t.Fatal(err)
	}
	h.activate(h.bob, "other")
	if code, body := h.ask(h.bob, "/"); code != 200 || !strings.HasPrefix(body, o.ID) || me() != 200 {
		t.Errorf("with another: %d %q", code, body)
	}
}

// activate makes an organization the active one of somebody's session.
func (h *hall) activate(userID, org string) {
	h.t.Helper()
	c := h.browsers[userID]
	sid := h.sessionOf(userID)
	res, body := do(h.t, c, "POST", h.Server.URL+"/__clerk/v1/client/sessions/"+sid+"/touch", "active_organization_id="+org, "Origin", h.Server.URL, "Content-Type", "application/x-www-form-urlencoded")
	if res.StatusCode != 200 {
		h.t.Fatalf("touch: %d %s", res.StatusCode, body)
	}
	jar, _ := url.Parse(h.Server.URL)
	for _, name := range []string{"__session"} { // the old token is forgotten, as clerk-js does
		c.Jar.SetCookies(jar, []*http.Cookie{{Name: name, Value: "", MaxAge: -1, Path: "/"}})
	}
	for _, k := range c.Jar.Cookies(jar) {
		if strings.HasPrefix(k.Name, "__session") {
			c.Jar.SetCookies(jar, []*http.Cookie{{Name: k.Name, Value: "", MaxAge: -1, Path: "/"}})
		}
	}
}

func (h *hall) sessionOf(userID string) string {
	h.t.Helper()
	ss, _, err := h.Sessions().List(h.t.Context(), session.Filter{UserID: userID}, 0, 1)
	if err != nil || len(ss) == 0 {
		h.t.Fatalf("no session: %v", err)
	}
	return ss[0].ID
}

// token is what somebody's browser holds.
func (h *hall) token(userID string) string {
	h.t.Helper()
	tok, err := h.Sessions().Token(h.t.Context(), h.sessionOf(userID), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	return tok
}

func (h *hall) bearer(tok, path string) int {
	h.t.Helper()
	r := httptest.NewRequest("GET", h.Server.URL+path, nil)
	r.Header.Set("Authorization", "Bearer "+tok)
	w := httptest.NewRecorder()
	h.Require(http.HandlerFunc(whoami)).ServeHTTP(w, r)
	return w.Code
}

// An organization in the path becomes the active one, or is not there.
func TestRequireOrganization(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/orgs/{org}/reports", a.RequireOrganization("org", http.HandlerFunc(whoami), auth.Permission("org:reports:edit")))
		mux.Handle("/", http.HandlerFunc(whoami))
		return mux
	})
	second, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Second", Slug: "second", CreatedBy: h.ada})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"acme", h.org.ID} {
		if code, body := h.ask(h.bob, "/orgs/"+at+"/reports"); code != 200 || body != h.org.ID+" editor true map[]" {
			t.Errorf("%s: %d %q", at, code, body)
		}
	}
	if _, body := h.ask(h.bob, "/"); !strings.HasPrefix(body, h.org.ID) {
		t.Errorf("it has not become the active one: %q", body)
	}
	for _, at := range []string{"second", second.ID, "nothing", "org_nothing"} {
		if code, body := h.ask(h.bob, "/orgs/"+at+"/reports"); code != 404 || !strings.Contains(body, "resource_not_found") {
			t.Errorf("%s: %d %q", at, code, body)
		}
	}
	// Two tabs: each path speaks for itself.
	if _, body := h.ask(h.ada, "/orgs/second/reports"); !strings.HasPrefix(body, second.ID) {
		t.Errorf("second: %q", body)
	}
	if _, body := h.ask(h.ada, "/orgs/acme/reports"); !strings.HasPrefix(body, h.org.ID) {
		t.Errorf("acme: %q", body)
	}
	if res, _ := do(t, authtest.NewClient(t), "GET", h.Server.URL+"/orgs/acme/reports", ""); res.StatusCode != 401 {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	if code := h.bearerAt(h.token(h.ada), "/orgs/second/reports"); code != 404 {
		t.Errorf("a bearer for another organization: %d", code)
	}
	if _, err := h.Organizations().SetRole(t.Context(), h.org.ID, h.bob, "org:member"); err != nil {
		t.Fatal(err)
	}
	if code, _ := h.ask(h.bob, "/orgs/acme/reports"); code != 403 {
		t.Errorf("a member without the permission: %d", code)
	}
}

func (h *hall) bearerAt(tok, path string) int {
	h.t.Helper()
	req, _ := http.NewRequest("GET", h.Server.URL+path, nil)
	req.Header.Set("Authorization", "Bearer "+tok)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

// TestAttack_M12_Spellings: no spelling of a path gets round the rule, or makes
// another organization of it.
func TestAttack_M12_Spellings(t *testing.T) {
	secret := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secret of "+r.PathValue("org")) })
	h := newHall(t, func(a *auth.Auth) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/orgs/{org}/secret", a.RequireOrganization("org", secret))
		mux.Handle("/orgs/{org}/{rest...}", a.RequireOrganization("org", secret))
		mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "open") }))
		return mux
	})
	if _, err := h.Organizations().Create(t.Context(), organization.CreateParams{Name: "Other", Slug: "other"}); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/orgs/other/secret", "/orgs/other//secret", "//orgs/other/secret", "/orgs//other/secret", "/orgs/./other/secret", "/orgs/acme/../other/secret",
		"/orgs/acme%2f..%2fother/secret", "/orgs/acme/%2e%2e/other/secret", "/orgs/%6fther/secret", "/orgs/other%00/secret", "/orgs/other;x=1/secret", "/orgs/other%3b/secret",
		"/orgs/OTHER/secret", "/ORGS/other/secret", "/orgs/other./secret", "/orgs/other /secret", "/orgs/other%20/secret", "/orgs/acme%2fother/secret", "/orgs/other%2f/secret",
		"/orgs/other/secret/", "/orgs/other/secret/.", "/orgs/other/secret%2f", "/orgs/other/secret%00", "/orgs/other/secret?org=acme", "/orgs/other/secret#acme",
		"/orgs/acme\\other/secret", "/orgs/acme%5cother/secret", "/orgs/%252e%252e/other/secret", "/orgs/other/%73ecret", "/./orgs/other/secret", "/x/../orgs/other/secret",
		"/orgs/ｏther/secret", "/orgs/other%E2%80%8B/secret", "/orgs/acme,other/secret", "/orgs/acme other/secret", "/orgs/{org}/secret", "/orgs/*/secret", "/orgs/ /secret", "/orgs//secret", "/orgs/other"}
	for _, p := range paths {
		u := &url.URL{Scheme: "http", Host: strings.TrimPrefix(h.Server.URL, "http://"), Opaque: "//" + strings.TrimPrefix(h.Server.URL, "http://") + p}
		req := &http.Request{Method: "GET", URL: u, Header: http.Header{"X-Original-Url": {"/orgs/acme/secret"}, "X-Rewrite-Url": {"/orgs/acme/secret"}}, Host: u.Host}
		at, _ := url.Parse(h.Server.URL)
		for _, c := range h.browsers[h.bob].Jar.Cookies(at) {
			req.AddCookie(c)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			continue // no server takes it
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		// What is below the own organization is the own's, as the mux has it.
		if strings.Contains(string(body), "secret of other") || strings.Contains(string(body), "secret of") && !strings.HasPrefix(p, "/orgs/acme/") {
			t.Errorf("%q opens %q", p, body)
		}
	}
	if len(paths) < 40 {
		t.Errorf("only %d spellings", len(paths))
	}
	if _, body := h.ask(h.bob, "/orgs/acme/secret"); body != "secret of acme" {
		t.Errorf("the right one: %q", body)
	}
}

// TestAttack_T17_TokenIsTheTruth: what a token says of an organization is what
// the store says, for random roles.
func TestAttack_T17_TokenIsTheTruth(t *testing.T) {
	h := newHall(t, func(a *auth.Auth) http.Handler { return http.HandlerFunc(whoami) })
	o, ctx := h.Organizations(), t.Context()
	h.activate(h.bob, "acme")
	rapid.Check(t, func(rt *rapid.T) {
		held := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"org:reports:read", "org:reports:edit", organization.ManageMemberships, organization.ReadMemberships, organization.ManageDomains}),
			func(s string) string { return s }).Draw(rt, "held")
		if held == nil {
			held = []string{}
		}
		if err := o.UpdateRole(ctx, "org:editor", auth.RoleUpdate{Permissions: held}); err != nil {
			rt.Fatal(err)
		}
		if _, err := o.SetRole(ctx, h.org.ID, h.bob, rapid.SampledFrom([]string{"org:editor", "org:member", "org:admin"}).Draw(rt, "role")); err != nil {
			rt.Fatal(err)
		}
		m, err := o.Member(ctx, h.org.ID, h.bob)
		if err != nil {
			rt.Fatal(err)
		}
		roles, err := o.Roles(ctx)
		if err != nil {
			rt.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(roles.Permissions(m.Role)), organization.IsSystemPermission)
		c, err := h.Verifier().Verify(ctx, h.token(h.bob))
		if err != nil {
			rt.Fatal(err)
		}
		got := c.Permissions()
		slices.Sort(got)
		if !slices.Equal(got, want) || !c.HasRole(m.Role) {
			rt.Fatalf("the token says %v of %s, the store %v of %s", got, c.Organization.Role, want, m.Role)
		}
	})
}
