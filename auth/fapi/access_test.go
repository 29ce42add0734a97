package fapi_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/access"
	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/ticket"
)

// mode is a rig in an access mode.
func mode(mode string) func(*setup) {
	return func(c *setup) { c.settings.SignUp.Mode = mode }
}

// change changes the settings, and waits until they are in force.
func (r *rig) change(fn func(*settings.Settings)) {
	r.t.Helper()
	err := r.e.UpdateSettings(r.t.Context(), func(s *settings.Settings) error { fn(s); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
}

// An invitation opens a closed door, to the address that was invited: it is
// verified, and the metadata is the user's.
func TestInvitation(t *testing.T) {
	r := newRig(t, mode(settings.Restricted))
	r.browser().post("/v1/client/sign_ups", "email_address", bob, "password", good).refused(403, "sign_up_mode_restricted")
	inv := r.invite(bob)
	b := r.browser()
	a := b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token).ok().is("response.status", "missing_requirements").
		is("response.email_address", bob).is("response.public_metadata.plan", "pro").is("response.verifications.email_address.status", "verified").
		is("response.verifications.email_address.strategy", "ticket")
	id := a.str("response.id")
	if fmt.Sprint(a.list("response.unverified_fields")) != "[]" || fmt.Sprint(a.list("response.missing_fields")) != "[password]" {
		t.Errorf("missing %v, unverified %v", a.list("response.missing_fields"), a.list("response.unverified_fields"))
	}
	// Another address is not invited.
	b.patch("/v1/client/sign_ups/"+id, "email_address", "else@example.com").refused(403, "sign_up_mode_restricted")
	b.get("/v1/client/sign_ups/"+id).ok().is("response.email_address", bob)
	done := b.patch("/v1/client/sign_ups/"+id, "password", good).ok().is("response.status", "complete")
	u := must(r.e.Users().Get(t.Context(), done.str("response.created_user_id")))
	if string(u.PublicMetadata) != `{"plan":"pro"}` || !u.EmailAddresses[0].Verified || u.EmailAddresses[0].Strategy != "ticket" {
		t.Errorf("%s, %+v", u.PublicMetadata, u.EmailAddresses)
	}
	b.session = done.str("response.created_session_id")
	b.get("/v1/me").ok().is("response.email_addresses.0.verification.strategy", "ticket").is("response.public_metadata.plan", "pro")
	i := must(r.e.Invitations().Get(t.Context(), inv.ID))
	if i.Status != ticket.Accepted || i.UserID != u.ID {
		t.Errorf("%s by %q", i.Status, i.UserID)
	}
	if n := r.countMails(); n != 0 {
		t.Errorf("%d mails", n)
	}

	// Who has an account signs in with it.
	again := must(r.e.Invitations().Create(t.Context(), engine.InvitationParams{EmailAddress: bob, IgnoreExisting: true, Quiet: true}))[0]
	r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", again.Token, "password", good).refused(400, "invitation_account_exists")
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", again.Token).ok().is("response.status", "complete")
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", again.Token).refused(400, "invitation_already_accepted")
}

// An invitation that ends while somebody signs up with it lets nobody in; in an
// open instance, another address goes on without it.
func TestInvitationEnds(t *testing.T) {
	r := newRig(t, mode(settings.Restricted))
	begin := func() (*browser, string, engine.Invited) {
		inv, b := r.invite(fmt.Sprintf("u%d@example.com", r.Now().UnixNano())), r.browser()
		r.advance(1)
		return b, b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token).ok().str("response.id"), inv
	}
	b, id, inv := begin()
	must(r.e.Invitations().Revoke(t.Context(), inv.ID))
	b.patch("/v1/client/sign_ups/"+id, "password", good).refused(400, "revoked_invitation")

	b, id, _ = begin()
	r.advance(30 * 24 * time.Hour)
	b.patch("/v1/client/sign_ups/"+id, "password", good).refused(404, "resource_not_found") // the sign-up is over as well

	one, id, inv := begin()
	two := r.browser()
	other := two.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token).ok().str("response.id")
	one.patch("/v1/client/sign_ups/"+id, "password", good).ok().is("response.status", "complete")
	two.patch("/v1/client/sign_ups/"+other, "password", good).refused(400, "invitation_already_accepted")

	r.change(func(s *settings.Settings) { s.SignUp.Mode = settings.Public })
	r.advance(2 * time.Second)
	b, id, inv = begin()
	b.patch("/v1/client/sign_ups/"+id, "email_address", "else@example.com", "password", good).ok().is("response.public_metadata.plan", nil)
	if fmt.Sprint(b.get("/v1/client/sign_ups/"+id).ok().list("response.unverified_fields")) != "[email_address]" {
		t.Error("another address is verified by the invitation")
	}
	if i := must(r.e.Invitations().Get(t.Context(), inv.ID)); i.Status != ticket.Pending {
		t.Errorf("an invitation that was left is %s", i.Status)
	}
	// A link that is too old leads to the ordinary sign-up.
	r.advance(31 * 24 * time.Hour)
	late := r.browser()
	late.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token, "password", good).refused(400, "ticket_expired_code")
	late.signUp(inv.EmailAddress, good)
}

// Of accepting and revoking at once, one wins, and the other is told so.
func TestAttack_L14_AcceptOrRevoke(t *testing.T) {
	for round := range 20 {
		r := newRig(t, mode(settings.Restricted))
		inv, b := r.invite(bob), r.browser()
		id := b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token).ok().str("response.id")
		var wg sync.WaitGroup
		var a *answer
		var err error
		start := make(chan struct{})
		wg.Go(func() { <-start; a = b.patch("/v1/client/sign_ups/"+id, "password", good) })
		wg.Go(func() { <-start; _, err = r.e.Invitations().Revoke(t.Context(), inv.ID) })
		close(start)
		wg.Wait()
		i := must(r.e.Invitations().Get(t.Context(), inv.ID))
		_, missing := r.e.Users().ByIdentifier(t.Context(), bob)
		switch {
		case a.status == 200 && err != nil && strings.Contains(err.Error(), "invitation_already_accepted") && i.Status == ticket.Accepted && missing == nil:
		case a.status == 400 && err == nil && a.blames("revoked_invitation", "") && i.Status == ticket.Revoked && missing != nil:
		default:
			t.Fatalf("round %d: %d %s, %v, invitation %s, user %v", round, a.status, a.raw, err, i.Status, missing)
		}
	}
}

// The waitlist takes everybody once, tells all the same, and lets in who is
// invited.
func TestWaitlist(t *testing.T) {
	r := newRig(t, mode(settings.Waitlist))
	b := r.browser()
	b.get("/v1/environment").ok().is("user_settings.sign_up.mode", "waitlist")
	b.post("/v1/client/sign_ups", "email_address", bob, "password", good).refused(403, "sign_up_restricted_waitlist")
	id := b.post("/v1/waitlist", "email_address", bob).ok().is("object", "waitlist_entry").str("id")
	if m := r.lastMail(); m.To != bob || m.Slug != "waitlist_confirmation" {
		t.Errorf("%s to %s", m.Slug, m.To)
	}
	r.browser().post("/v1/waitlist", "email_address", "BOB@example.com").ok().is("id", id)
	b.post("/v1/waitlist", "email_address", "bob").refused(422, "form_param_format_invalid", "email_address")
	b.post("/v1/waitlist").refused(422, "form_param_missing", "email_address")
	if n := r.countMails(); n != 1 {
		t.Errorf("%d mails", n)
	}
	w := must(r.e.Waitlist().Invite(t.Context(), id, false, b.server.URL))
	if _, err := r.e.Waitlist().Invite(t.Context(), id, false, ""); err == nil || !strings.Contains(err.Error(), "waitlist_entry_already_invited") {
		t.Errorf("invited twice: %v", err)
	}
	m := r.lastMail()
	_, wire, _ := strings.Cut(m.Data.ActionURL, "ticket=")
	if w.Status != access.WaitInvited || m.Slug != "waitlist_invitation" || wire == "" {
		t.Fatalf("%s, mail %s", w.Status, m.Slug)
	}
	b.post("/v1/client/sign_ups", "strategy", "ticket", "ticket", wire, "password", good).ok().is("response.status", "complete")
	list, _, err := r.e.Waitlist().List(t.Context(), access.WaitlistFilter{}, 0, 0)
	if err != nil || len(list) != 1 || list[0].Status != access.WaitCompleted {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := r.e.Waitlist().Reject(t.Context(), id); err == nil || !strings.Contains(err.Error(), "waitlist_entry_already_completed") {
		t.Errorf("rejected: %v", err)
	}
	newRig(t).browser().post("/v1/waitlist", "email_address", bob).refused(403, "waitlist_not_accepting_entries")
	// Two at once are one entry.
	var wg sync.WaitGroup
	ids := make(chan string, 8)
	for range cap(ids) {
		wg.Go(func() { ids <- r.browser().post("/v1/waitlist", "email_address", ada).ok().str("id") })
	}
	wg.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Error("two entries of one address")
		}
	}
}

// The lists are asked when an address is given and again when the account is
// made.
func TestListsAtSignUp(t *testing.T) {
	for name, c := range map[string]struct {
		access settings.Access
		allow  []string
		block  []string
		have   string // an account that exists
		email  string
		want   bool
	}{
		"no lists":                       {settings.Access{}, nil, []string{"*@example.com"}, "", bob, true},
		"empty allowlist":                {settings.Access{Allowlist: true}, nil, nil, "", bob, false},
		"on the allowlist":               {settings.Access{Allowlist: true}, []string{bob}, nil, "", "Bob@Example.com", true},
		"domain on the allowlist":        {settings.Access{Allowlist: true}, []string{"*@example.com"}, nil, "", bob, true},
		"another domain":                 {settings.Access{Allowlist: true}, []string{"*@example.org"}, nil, "", bob, false},
		"blocked":                        {settings.Access{Blocklist: true}, nil, []string{bob}, "", bob, false},
		"subaddress of a blocked":        {settings.Access{Blocklist: true}, nil, []string{bob}, "", "bob+x@example.com", false},
		"domain blocked":                 {settings.Access{Blocklist: true}, nil, []string{"*@*.example.com"}, "", "bob@mail.example.com", false},
		"domain above it":                {settings.Access{Blocklist: true}, nil, []string{"*@*.example.com"}, "", bob, true},
		"allowlist wins":                 {settings.Access{Allowlist: true, Blocklist: true}, []string{bob}, []string{bob}, "", bob, true},
		"disposable":                     {settings.Access{BlockDisposable: true}, nil, nil, "", "bob@mailinator.com", false},
		"disposable allowed":             {settings.Access{}, nil, nil, "", "bob@mailinator.com", true},
		"first subaddress":               {settings.Access{BlockSubaddresses: true}, nil, nil, "", "bob+x@example.com", true},
		"subaddress of an account":       {settings.Access{BlockSubaddresses: true}, nil, nil, bob, "bob+x@example.com", false},
		"second subaddress":              {settings.Access{BlockSubaddresses: true}, nil, nil, "bob+y@example.com", "bob+x@example.com", false},
		"base of a subaddress":           {settings.Access{BlockSubaddresses: true}, nil, nil, "bob+y@example.com", bob, false},
		"second subaddress, not blocked": {settings.Access{}, nil, nil, "bob+y@example.com", "bob+x@example.com", true},
		"dots at gmail":                  {settings.Access{BlockSubaddresses: true}, nil, nil, "b.ob@gmail.com", "bob@gmail.com", false},
	} {
		r := newRig(t)
		if c.have != "" {
			r.change(func(s *settings.Settings) { s.Access.BlockSubaddresses = c.access.BlockSubaddresses })
			r.browser().signUp(c.have, good)
		}
		for _, e := range c.allow {
			must(r.e.Allowlist().Add(t.Context(), e, false, ""))
		}
		for _, e := range c.block {
			must(r.e.Blocklist().Add(t.Context(), e, false, ""))
		}
		c.access.DisabledOnSignIn = true
		r.change(func(s *settings.Settings) { s.Access = c.access })
		b := r.browser()
		a := b.post("/v1/client/sign_ups", "email_address", c.email, "password", good)
		if c.want {
			a.ok()
		} else if a.refused(403, "not_allowed_access", "email_address"); r.countMails() > 1 {
			t.Errorf("%s: a mail was sent", name)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	// A list that changes meanwhile counts.
	r := newRig(t)
	r.change(func(s *settings.Settings) { s.Access.Blocklist = true })
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "email_address", bob, "password", good).ok().str("response.id")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	code := r.lastCode()
	must(r.e.Blocklist().Add(t.Context(), bob, false, ""))
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code).refused(403, "not_allowed_access")
	if _, err := r.e.Users().ByIdentifier(t.Context(), bob); err == nil {
		t.Error("there is an account")
	}
	// Who is invited by name need be on no list.
	inv := r.invite(bob)
	r.browser().post("/v1/client/sign_ups", "strategy", "ticket", "ticket", inv.Token, "password", good).ok().is("response.status", "complete")
	// Signing in is another matter, unless the settings say so.
	r.browser().signIn(bob, good)
	r.change(func(s *settings.Settings) { s.Access.DisabledOnSignIn = false })
	r.browser().post("/v1/client/sign_ins", "identifier", bob).refused(403, "not_allowed_access", "identifier")
	_, wire := r.signInToken(must(r.e.Users().ByIdentifier(t.Context(), bob)).ID)
	r.browser().post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).refused(403, "not_allowed_access", "identifier")
}

// TestAttack_C03_AnotherAddressOfAMailbox: where nobody may find out who has an
// account, that a mailbox has one already is told to who owns it, once they have
// shown that, and to nobody else.
func TestAttack_C03_AnotherAddressOfAMailbox(t *testing.T) {
	r := newRig(t, func(c *setup) {
		c.settings.Access.BlockSubaddresses, c.settings.Protection.Enumeration = true, settings.EnumerationStrict
	})
	r.browser().signUp(ada, good)
	for address, has := range map[string]bool{"ada+x@example.com": true, "bob+x@example.com": false} {
		b := r.browser()
		p := signUpPath(b.post("/v1/client/sign_ups", "email_address", address, "password", good).ok().is("response.status", "missing_requirements"))
		b.post(p+"/prepare_verification", "strategy", "email_code").ok()
		a := b.post(p+"/attempt_verification", "strategy", "email_code", "code", r.lastCode())
		if !has {
			a.ok().is("response.status", "complete")
			continue
		}
		a.refused(403, "not_allowed_access", "email_address")
		if _, err := r.e.Users().ByIdentifier(t.Context(), address); err == nil {
			t.Error("the mailbox has two accounts")
		}
	}
	r.change(func(s *settings.Settings) { s.SignUp.Mode = settings.Waitlist })
	for _, address := range []string{"ada+y@example.com", "carl+y@example.com"} {
		r.browser().post("/v1/waitlist", "email_address", address).ok()
	}
}

// TestAttack_C01_BarredBehindAMask: where nothing tells who has an account, whom
// the lists keep from signing in is told so after a right proof, and not before.
func TestAttack_C01_BarredBehindAMask(t *testing.T) {
	r := newRig(t, func(c *setup) {
		c.settings.Access.Blocklist, c.settings.Protection.Enumeration = true, settings.EnumerationStrict
	})
	r.browser().signUp(bob, good)
	r.change(func(s *settings.Settings) { s.Access.DisabledOnSignIn = false })
	if _, err := r.e.Blocklist().Add(t.Context(), bob, false, ""); err != nil {
		t.Fatal(err)
	}
	b := r.browser()
	b.post("/v1/client/sign_ins", "identifier", bob).ok().is("response.status", "needs_first_factor")
	b.post("/v1/client/sign_ins", "identifier", bob, "password", better).refused(422, "form_password_or_identifier_incorrect")
	b.post("/v1/client/sign_ins", "identifier", bob, "password", good).refused(403, "not_allowed_access")
	p := begin(b, bob, func(*answer) {})
	b.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	b.post(p+"/attempt_first_factor", "strategy", "email_code", "code", r.lastCode()).refused(403, "not_allowed_access")
	if b.signedInAs() != "" {
		t.Error("signed in")
	}
}

// Two sub-addresses of one mailbox at once make one account.
func TestSubaddressRace(t *testing.T) {
	r := newRig(t, func(c *setup) {
		c.settings.Access.BlockSubaddresses = true
		c.settings.EmailAddress.VerifyAtSignUp = false
	})
	var wg sync.WaitGroup
	answers := make(chan *answer, 8)
	for i := range cap(answers) {
		wg.Go(func() {
			answers <- r.browser().post("/v1/client/sign_ups", "email_address", fmt.Sprintf("bob+%d@example.com", i), "password", good)
		})
	}
	wg.Wait()
	close(answers)
	won := 0
	for a := range answers {
		if a.status == 200 {
			won++
		} else {
			a.refused(403, "not_allowed_access", "email_address")
		}
	}
	if won != 1 {
		t.Errorf("%d accounts", won)
	}
}

func TestLegalConsent(t *testing.T) {
	r := newRig(t, func(c *setup) {
		c.settings.Legal = settings.Legal{Consent: true, TermsURL: "/terms", PrivacyURL: "https://example.com/privacy"}
	})
	b := r.browser()
	b.get("/v1/environment").ok().is("user_settings.sign_up.legal_consent_enabled", true).is("display_config.terms_url", "/terms").
		is("display_config.privacy_policy_url", "https://example.com/privacy")
	b.post("/v1/client/sign_ups", "email_address", bob, "password", good, "legal_accepted", "false").refused(422, "legal_not_accepted", "legal_accepted")
	a := b.post("/v1/client/sign_ups", "email_address", bob, "password", good).ok().is("response.legal_accepted_at", nil)
	if fmt.Sprint(a.list("response.missing_fields")) != "[legal_accepted]" {
		t.Errorf("missing %v", a.list("response.missing_fields"))
	}
	id := a.str("response.id")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "missing_requirements")
	done := b.patch("/v1/client/sign_ups/"+id, "legal_accepted", "true").ok().is("response.status", "complete").is("response.legal_accepted_at", float64(r.Now().UnixMilli()))
	b.session = done.str("response.created_session_id")
	b.get("/v1/me").ok().is("response.legal_accepted_at", float64(r.Now().UnixMilli()))
}
