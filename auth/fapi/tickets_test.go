package fapi_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// signInToken makes a token for a user.
func (r *rig) signInToken(userID string) (id, wire string) {
	r.t.Helper()
	t, wire, err := r.e.SignInTokens().Create(r.t.Context(), userID, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return t.ID, wire
}

// actorToken makes a token with which somebody acts as a user.
func (r *rig) actorToken(userID string) (id, wire string) {
	r.t.Helper()
	t, wire, err := r.e.ActorTokens().Create(r.t.Context(), userID, json.RawMessage(`{"sub":"user_support","iss":"https://desk.example.com"}`), 0, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return t.ID, wire
}

// invite makes an invitation without a mail.
func (r *rig) invite(address string) engine.Invited {
	r.t.Helper()
	i, err := r.e.Invitations().Create(r.t.Context(), engine.InvitationParams{EmailAddress: address, Quiet: true, PublicMetadata: json.RawMessage(`{"plan":"pro"}`)})
	if err != nil {
		r.t.Fatal(err)
	}
	return i[0]
}

// userOf makes a user without a browser.
func (r *rig) userOf(address string) (id string) {
	r.t.Helper()
	u, err := r.e.Users().Create(r.t.Context(), engine.CreateUserParams{EmailAddresses: []string{address}, Password: good})
	if err != nil {
		r.t.Fatal(err)
	}
	return u.ID
}

// A ticket signs in once. Whoever holds it is told why it is of no use; to who
// only knows its ID it is nothing at all.
func TestAttack_L13_TicketsByHTTP(t *testing.T) {
	revoke := map[string]func(r *rig, id string) error{
		"sit": func(r *rig, id string) error { _, err := r.e.SignInTokens().Revoke(t.Context(), id); return err },
		"act": func(r *rig, id string) error { _, err := r.e.ActorTokens().Revoke(t.Context(), id); return err },
		"inv": func(r *rig, id string) error { _, err := r.e.Invitations().Revoke(t.Context(), id); return err },
	}
	make := map[string]func(r *rig) (id, wire string){
		"sit": func(r *rig) (string, string) { return r.signInToken(r.userOf(ada)) },
		"act": func(r *rig) (string, string) { return r.actorToken(r.userOf(ada)) },
		"inv": func(r *rig) (string, string) { i := r.invite(bob); return i.ID, i.Token },
	}
	use := func(kind string, b *browser, wire string) *answer {
		if kind == "inv" {
			return b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", wire, "password", good)
		}
		return b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire)
	}
	other := func(kind string, b *browser, wire string) *answer {
		if kind == "inv" {
			return b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire)
		}
		return b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", wire, "password", good)
	}
	for kind, want := range map[string]struct{ used, revoked, elsewhere string }{
		"sit": {"sign_in_token_already_used_code", "sign_in_token_revoked_code", "sign_in_token_cannot_be_used_code"},
		"act": {"actor_token_already_used_code", "actor_token_revoked_code", "actor_token_cannot_be_used_code"},
		"inv": {"invitation_already_accepted", "revoked_invitation", "invitation_account_not_exists"},
	} {
		for name, c := range map[string]struct {
			before func(r *rig, id, wire string)
			want   string
		}{
			"right":   {func(*rig, string, string) {}, ""},
			"used":    {func(r *rig, _, wire string) { use(kind, r.browser(), wire).ok() }, want.used},
			"expired": {func(r *rig, _, _ string) { r.advance(31 * 24 * time.Hour) }, "ticket_expired_code"},
			"revoked": {func(r *rig, id, _ string) {
				if err := revoke[kind](r, id); err != nil {
					t.Fatal(err)
				}
			}, want.revoked},
		} {
			r := newRig(t)
			id, wire := make[kind](r)
			c.before(r, id, wire)
			// Who does not hold it learns nothing.
			_, text, _ := strings.Cut(wire, ".")
			flipped := id + "." + text[1:] + text[:1]
			for _, forged := range []string{flipped, id, id + ".", "sit_x." + text, "ada", ""} {
				a := use(kind, r.browser(), forged)
				if forged == "" {
					a.refused(422, "form_conditional_param_missing", "ticket")
				} else {
					a.refused(400, "ticket_invalid_code")
				}
			}
			b := r.browser()
			if c.want == "" {
				other(kind, b, wire).refused(400, want.elsewhere)
				use(kind, b, wire).ok().is("response.status", "complete")
			} else {
				use(kind, b, wire).refused(400, c.want)
				if b.cookie("__client") != "" {
					t.Errorf("%s, %s: a refused ticket made a client", kind, name)
				}
			}
		}
	}
}

// What happened to the account meanwhile voids the tickets that open it: they
// may be in a mailbox that somebody else reads.
func TestAttack_L15_TicketsDieWithWhatTheyOpen(t *testing.T) {
	for what, change := range map[string]func(*rig, string) error{
		"ban": func(r *rig, id string) error {
			if _, err := r.e.Users().Ban(t.Context(), id); err != nil {
				return err
			}
			_, err := r.e.Users().Unban(t.Context(), id)
			return err
		},
		"lock": func(r *rig, id string) error {
			if _, err := r.e.Users().Lock(t.Context(), id, 0); err != nil {
				return err
			}
			_, err := r.e.Users().Unlock(t.Context(), id)
			return err
		},
		"revoke": func(r *rig, id string) error { _, err := r.e.Sessions().RevokeUser(t.Context(), id); return err },
		"new password": func(r *rig, _ string) error {
			b := r.browser()
			b.signIn(ada, good)
			b.post("/v1/me/change_password", "current_password", good, "new_password", better).ok()
			return nil
		},
		"no password": func(r *rig, id string) error { _, err := r.e.Users().RemovePassword(t.Context(), id); return err },
	} {
		r := newRig(t, func(c *setup) { c.settings.Password.Required = false })
		uid := r.userOf(ada)
		_, in := r.signInToken(uid)
		_, act := r.actorToken(uid)
		if err := change(r, uid); err != nil {
			t.Fatal(what, err)
		}
		for wire, code := range map[string]string{in: "sign_in_token_revoked_code", act: "actor_token_revoked_code"} {
			b := r.browser()
			if got := b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).refused(400, code); b.signedInAs() != "" {
				t.Errorf("%s: signed in: %s", what, got.raw)
			}
		}
	}
}

// Of many who use one ticket at once, one is signed in.
func TestAttack_L13_TicketRace(t *testing.T) {
	r := newRig(t)
	uid := r.userOf(ada)
	_, wire := r.signInToken(uid)
	var wg sync.WaitGroup
	answers := make(chan *answer, 16)
	for range cap(answers) {
		wg.Go(func() { answers <- r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire) })
	}
	wg.Wait()
	close(answers)
	won := 0
	for a := range answers {
		if a.status == 200 {
			won++
		} else {
			a.refused(400, "sign_in_token_already_used_code")
		}
	}
	if ss, err := r.e.MySessions(t.Context(), &engine.Actor{User: must(r.e.Users().Get(t.Context(), uid))}); won != 1 || err != nil || len(ss) != 1 {
		t.Errorf("%d were signed in, %d sessions, %v", won, len(ss), err)
	}
}

func storeOf(t *testing.T) store.Store {
	t.Helper()
	return memory.New()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A sign-in token is a first factor and no more; one who is signed in already,
// banned or gone does not get in with it.
func TestSignInToken(t *testing.T) {
	r := newRig(t)
	first := r.browser()
	_, uid := first.signUp(ada, good)
	a, _ := first.setUpTOTP()
	_, wire := r.signInToken(uid)
	b := r.browser()
	in := b.post("/v1/client/sign_ins", "ticket", wire).ok().is("response.status", "needs_second_factor").is("response.identifier", nil)
	in.is("response.first_factor_verification.object", "verification_ticket").is("response.first_factor_verification.status", "verified")
	b.post("/v1/client/sign_ins/"+in.str("response.id")+"/attempt_second_factor", "strategy", "totp", "code", a.code(0)).ok().is("response.status", "complete")
	_, again := r.signInToken(uid)
	b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", again).refused(400, "identifier_already_signed_in")
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", again).ok() // it was not used up

	bobs := r.userOf(bob)
	_, banned := r.signInToken(bobs)
	must(r.e.Users().Ban(t.Context(), bobs))
	must(r.e.Users().Unban(t.Context(), bobs))
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", banned).refused(400, "sign_in_token_revoked_code")
	_, orphan := r.signInToken(bobs)
	must(r.e.Users().Delete(t.Context(), bobs))
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", orphan).refused(400, "sign_in_token_revoked_code")

	single := newRig(t, func(c *setup) { c.settings.Sessions.Multi = false })
	s := single.browser()
	s.signUp(ada, good)
	_, wire = single.signInToken(single.userOf(bob))
	s.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).refused(400, "session_exists")
	single.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok()
}

// Whoever acts as a user is named in session and token, for half an hour at
// most and ten minutes without a sign, and begins nothing else meanwhile.
func TestAttack_S16_Impersonation(t *testing.T) {
	r := newRig(t)
	first := r.browser()
	_, uid := first.signUp(ada, good)
	first.setUpTOTP() // a second factor of the user's is nothing to ask the actor for
	before := must(r.e.Users().Get(t.Context(), uid))
	_, wire := r.actorToken(uid)
	b := r.browser()
	in := b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().is("response.status", "complete")
	sid := in.str("response.created_session_id")
	b.session = sid
	s := b.get("/v1/client/sessions/"+sid).ok().is("response.actor.sub", "user_support").is("response.actor.iss", "https://desk.example.com")
	if expire, now := s.at("response.expire_at").(float64), r.Now(); int64(expire) != now.Add(30*time.Minute).UnixMilli() ||
		int64(s.at("response.abandon_at").(float64)) != now.Add(10*time.Minute).UnixMilli() {
		t.Errorf("it expires at %v", s.at("response.expire_at"))
	}
	claims := r.claims(b.post("/v1/client/sessions/" + sid + "/tokens").ok().str("jwt"))
	if claims.ActorID() != "user_support" || claims.Subject != uid || claims.FactorAge.First != -1 || claims.FactorAge.Second != -1 {
		t.Errorf("%+v, factors %+v", claims, claims.FactorAge)
	}
	if after := must(r.e.Users().Get(t.Context(), uid)); !after.LastSignInAt.Equal(before.LastSignInAt) {
		t.Error("the user is said to have signed in")
	}

	// Nothing else begins on this client.
	_, second := r.actorToken(r.userOf("carl@example.com"))
	_, third := r.signInToken(r.userOf(bob))
	for _, form := range [][]string{{"identifier", bob}, {"identifier", bob, "password", good}, {"strategy", "ticket", "ticket", second}, {"strategy", "ticket", "ticket", third}} {
		b.post("/v1/client/sign_ins", form...).refused(409, "session_creation_not_allowed")
	}
	b.post("/v1/client/sign_ups", "email_address", "dora@example.com", "password", good).refused(409, "session_creation_not_allowed")
	if _, err := r.e.SignInUser(t.Context(), must(r.e.Browser(t.Context(), []string{b.cookie("__client")}, engine.Request{})), uid); err == nil {
		t.Error("the host signed somebody in beside it")
	}

	// Ten minutes without a sign, and half an hour in all.
	for range 5 {
		r.advance(5 * time.Minute)
		b.post("/v1/client/sessions/" + sid + "/tokens").ok()
	}
	r.advance(5 * time.Minute)
	b.post("/v1/client/sessions/"+sid+"/tokens").refused(401, "authentication_invalid")
	_, wire = r.actorToken(uid)
	idle := r.browser()
	sid = idle.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().str("response.created_session_id")
	r.advance(10 * time.Minute)
	idle.post("/v1/client/sessions/"+sid+"/tokens").refused(401, "authentication_invalid")
}

// Each route that changes something is closed to who acts as a user, but for
// the few that change nothing of who the user is.
func TestAttack_S16_SensitiveRoutes(t *testing.T) {
	r := newRig(t)
	uid := r.userOf(ada)
	_, wire := r.actorToken(uid)
	b := r.browser()
	b.session = b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().str("response.created_session_id")
	before := must(r.e.Users().Get(t.Context(), uid))
	closed := 0
	for _, rt := range r.api.Routes() {
		name := rt.Method + " " + rt.Path
		if rt.Access != "session" {
			continue
		}
		if rt.Method == "GET" {
			if a := b.get(concrete(rt.Path)); a.status == 403 && a.str("errors.0.code") != "organization_not_enabled_in_instance" {
				t.Errorf("%s is closed", name)
			}
			continue
		}
		switch name {
		case "PATCH /v1/me", "PATCH /v1/me/metadata", "POST /v1/me/profile_image", "DELETE /v1/me/profile_image":
			continue
		}
		closed++
		b.do(rt.Method, concrete(rt.Path), url.Values{}).refused(403, "authorization_invalid")
	}
	if closed < 10 {
		t.Errorf("only %d routes are closed", closed)
	}
	b.patch("/v1/me", "first_name", "Ada").ok()
	b.patch("/v1/me/metadata", "unsafe_metadata", `{"a":1}`).ok()
	b.patch("/v1/me", "primary_email_address_id", before.PrimaryEmailAddressID).refused(403, "authorization_invalid")
	b.post("/v1/client/sessions/"+b.session+"/verify", "level", "first_factor").refused(403, "authorization_invalid")
	// Past the route, the engine says no as well: the pages call it.
	actor := must(r.e.Actor(t.Context(), must(r.e.Browser(t.Context(), []string{b.cookie("__client")}, engine.Request{})), b.session))
	for name, act := range map[string]func() error{
		"change the password": func() error { return r.e.ChangePassword(t.Context(), actor, good, better, false) },
		"remove the password": func() error { return r.e.RemovePassword(t.Context(), actor, good) },
		"add an address":      func() error { _, err := r.e.AddEmailAddress(t.Context(), actor, "new@example.com"); return err },
		"delete an address":   func() error { return r.e.DeleteEmailAddress(t.Context(), actor, before.PrimaryEmailAddressID) },
		"delete the account":  func() error { return r.e.DeleteSelf(t.Context(), actor) },
		"connect an account":  func() error { _, _, err := r.e.Connect(t.Context(), actor, "oauth_google"); return err },
		"take a username": func() error {
			name := "somebody"
			return r.e.UpdateProfile(t.Context(), actor, engine.ProfileParams{Username: &name})
		},
		"set up an app": func() error { _, _, err := r.e.CreateTOTP(t.Context(), actor); return err },
		"end a session": func() error { _, err := r.e.RevokeMySession(t.Context(), actor, b.session); return err },
	} {
		if err := act(); err == nil || !strings.Contains(err.Error(), "authorization_invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Signing out is what there is to do.
	b.post("/v1/client/sessions/" + b.session + "/remove").ok()
}

// The link of a ticket leads to where it is used, and uses nothing, whatever
// fetches it.
func TestAttack_L05_TicketLinks(t *testing.T) {
	r := newRig(t, func(c *setup) { c.settings.SignUp.Mode = settings.Restricted })
	uid := r.userOf(ada)
	_, sit := r.signInToken(uid)
	_, act := r.actorToken(uid)
	inv := r.invite(bob)
	custom := must(r.e.Invitations().Create(t.Context(), engine.InvitationParams{EmailAddress: "carl@example.com", RedirectURL: "/welcome?a=b#top", Quiet: true}))[0]
	b := r.browser()
	for name, c := range map[string]struct{ wire, want, status string }{
		"sign-in token": {sit, "/auth/sign-in?", "sign_in"}, "actor token": {act, "/auth/sign-in?", "sign_in"},
		"invitation": {inv.Token, "/auth/sign-up?", "sign_up"}, "own page": {custom.Token, "/welcome?a=b&", "sign_up"},
	} {
		for _, method := range []string{"GET", "HEAD", "GET"} {
			a := b.send(method, "/v1/tickets/accept?ticket="+url.QueryEscape(c.wire), b.header, nil, true)
			to, err := url.Parse(a.header.Get("Location"))
			if a.status != 303 || err != nil || !strings.HasPrefix(a.header.Get("Location"), c.want) ||
				to.Query().Get("__clerk_ticket") != c.wire || to.Query().Get("__clerk_status") != c.status {
				t.Errorf("%s: %d %s", name, a.status, a.header.Get("Location"))
			}
			if a.header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %v", name, a.header)
			}
		}
	}
	b.get("/v1/tickets/accept?ticket="+inv.ID+".x").refused(400, "ticket_invalid_code")
	b.get("/v1/tickets/accept").refused(400, "missing_query_parameter")
	b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", sit).ok()
	b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token, "password", good).ok().is("response.status", "complete")
	// Who is signed in has no use for it; who follows a used one is led on, to be told.
	_, more := r.signInToken(uid)
	for wire, want := range map[string]string{more: "complete", inv.Token: "complete"} {
		a := b.get("/v1/tickets/accept?ticket=" + url.QueryEscape(wire))
		if !strings.HasPrefix(a.header.Get("Location"), "/?") || !strings.Contains(a.header.Get("Location"), want) {
			t.Errorf("signed in: %s", a.header.Get("Location"))
		}
	}
	if a := r.browser().get("/v1/tickets/accept?ticket=" + url.QueryEscape(sit)); a.status != 303 {
		t.Errorf("used: %d", a.status)
	}
}

// Where known and unknown accounts are not told apart, the holder of a ticket
// still is told what the ticket is.
func TestTicketsUnderEnumerationProtection(t *testing.T) {
	r := newRig(t, func(c *setup) {
		c.settings.Protection.Enumeration = settings.EnumerationStrict
		c.settings.Access.BlockSubaddresses = true
	})
	uid := r.userOf(ada)
	_, wire := r.signInToken(uid)
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().is("response.status", "complete")
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).refused(400, "sign_in_token_already_used_code")
	_, wire = r.actorToken(uid)
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().is("response.status", "complete")
	inv := must(r.e.Invitations().Create(t.Context(), engine.InvitationParams{EmailAddress: ada, IgnoreExisting: true, Quiet: true}))[0]
	r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token, "password", good).refused(400, "invitation_account_exists")
	r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", r.invite(bob).Token, "password", good).ok().is("response.status", "complete")
	// That each mailbox has one account tells nothing of the address itself.
	r.browser().post("/v1/client/sign_ups", "email_address", ada, "password", good).ok().is("response.status", "missing_requirements")
}
