package signup_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/auth/ticket"
	"github.com/usherauth/usher/user"
)

// mailed is a strategy of something that is sent to an address or number. Its
// challenges and facts are made by the test.
type mailed struct{ name, attribute string }

func (m mailed) Traits() factor.Traits {
	return factor.Traits{Name: m.name, Uses: factor.Verify, Prepare: true, Attribute: m.attribute}
}
func (mailed) Options(factor.Subject) []factor.Option { return nil }
func (mailed) Prepare(context.Context, factor.Challenge) (factor.Prepared, error) {
	panic("the tests prepare themselves")
}
func (mailed) Verify(context.Context, factor.Challenge, factor.Proof) (factor.Fact, error) {
	panic("the tests make their own facts")
}
func (mailed) Confirm(f factor.Fact, _ factor.Subject) error {
	if !f.OK {
		return fault.New("form_code_incorrect", "code")
	}
	return nil
}

const (
	invitedAddress, takenAddress = "a@example.com", "taken@example.com"
	number                       = "+14155552671"
)

// A policy is what an instance asks of who signs up.
type policy struct {
	mode                                 string
	legal, name, password, verify, lists bool
	phone, username                      bool // asked for too
	veiled                               bool // nothing tells which addresses are taken
}

// A spot is where a path has led to, with what has really been shown and what
// is so in the world around.
type spot struct {
	attempt signup.Attempt
	path    []string
	proved  map[string]bool // addresses whose mail was answered, or that were invited
	// revoked: the invitation is none any more. unlisted: the lists keep
	// everybody out who is not on them, which nobody is any more.
	revoked, unlisted, signedIn bool
}

func (p spot) key() string {
	a := p.attempt
	v, n := a.Verifications["email_address"], a.Verifications["phone_number"]
	return fmt.Sprint(a.Status, a.EmailAddress, a.PhoneNumber, a.Username, a.FirstName, a.PasswordHash, a.LegalAccepted.IsZero(), a.InvitationID,
		v.Strategy, v.Status, v.Target, v.Attempts, n.Status, n.Attempts, slices.Sorted(maps.Keys(p.proved)), p.revoked, p.unlisted, p.signedIn)
}

// TestAttack_P10_EverySignUp walks every path of a sign-up under every policy,
// while invitations are revoked and lists change on the way. One that completes
// has kept every policy: access mode and lists, required fields, consent, and
// the proof of its very address.
func TestAttack_P10_EverySignUp(t *testing.T) {
	spots, complete := 0, 0
	for _, mode := range []string{settings.Public, settings.Restricted, settings.Waitlist} {
		for bits := range 8 {
			if mode != settings.Public && bits != 0 && bits != 7 {
				continue
			}
			fields, verify, lists := bits&1 != 0, bits&2 != 0, bits&4 != 0
			p := policy{mode: mode, legal: fields, name: fields, password: fields, verify: verify, lists: lists}
			s, c := walkSignUps(t, p)
			if s < 4 || c == 0 {
				t.Errorf("%+v: only %d places, %d of them complete", p, s, c)
			}
			spots, complete = spots+s, complete+c
		}
	}
	for _, p := range []policy{{mode: settings.Public, phone: true, verify: true}, {mode: settings.Public, phone: true, username: true, password: true},
		{mode: settings.Restricted, phone: true, verify: true}, {mode: settings.Public, verify: true, veiled: true}} {
		s, c := walkSignUps(t, p)
		if s < 4 || c == 0 {
			t.Errorf("%+v: only %d places, %d of them complete", p, s, c)
		}
		spots, complete = spots+s, complete+c
	}
	t.Logf("%d places, %d of them complete", spots, complete)
}

func walkSignUps(t *testing.T, p policy) (spots, complete int) {
	s := settings.Default()
	s.SignUp.Mode, s.Legal.Consent = p.mode, p.legal
	s.FirstName.Required, s.Password.Required, s.EmailAddress.VerifyAtSignUp = p.name, p.password, p.verify
	s.EmailAddress.Verifications = []string{"email_code", "email_link"}
	if p.phone {
		s.PhoneNumber = settings.PhoneCodes()
		s.PhoneNumber.Required, s.PhoneNumber.VerifyAtSignUp = true, p.verify
	}
	s.Username.Enabled, s.Username.Required = p.username, p.username
	s.Codes = settings.Codes{Lifetime: time.Hour, Tries: 2}
	invitation, _, err := ticket.NewInvitation(invitedAddress, nil, 0, start)
	if err != nil {
		t.Fatal(err)
	}
	env := signup.Env{Now: start, Settings: &s, Strategies: factor.NewSet(mailed{"email_code", "email_address"}, mailed{"email_link", "email_address"},
		mailed{"phone_code", "phone_number"}), Veiled: p.veiled, Taken: func(_, v string) bool { return v == takenAddress },
		Phone: func(n string) (user.Phone, error) { return user.Phone{E164: n, Country: "US"}, nil }}
	from := spot{attempt: signup.New("client_1", s.SignUp.AbandonAfter, start), proved: map[string]bool{}}
	seen := map[string]bool{from.key(): true}
	for queue := []spot{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		spots++
		if at.attempt.Status == signup.Complete {
			complete++
			continue
		}
		for _, next := range at.next(t, env, p, invitation) {
			if k := next.key(); !seen[k] {
				seen[k] = true
				queue = append(queue, next)
			}
		}
	}
	return spots, complete
}

// next are all spots that are one step away.
func (at spot) next(t *testing.T, env signup.Env, p policy, invitation *ticket.Invitation) []spot {
	i := *invitation
	if at.revoked {
		i.Ticket.Status = ticket.Revoked
	}
	env.Invitation = &ticket.Pass{ID: i.ID, Ticket: &i.Ticket, EmailAddress: i.EmailAddress, Canonical: i.Canonical}
	listed := func(a *signup.Attempt) bool { return !at.unlisted && a.EmailAddress == "b@example.com" }
	if p.lists {
		env.Admitted = func(a *signup.Attempt, _ bool) bool { return listed(a) }
	}
	if at.signedIn {
		env.SignedIn = 1
	}
	var out []spot
	around := map[string]func(*spot){}
	if !p.phone { // enough is going on there
		around["revoke"], around["sign in"] = func(s *spot) { s.revoked = true }, func(s *spot) { s.signedIn = true }
	}
	if p.lists {
		around["unlist"] = func(s *spot) { s.unlisted = true }
	}
	for name, change := range around {
		n := at
		n.path = with(at.path, name)
		change(&n)
		out = append(out, n)
	}
	for name, in := range signUpInputs(at.attempt.EmailAddress, i.ID, p) {
		w := world{env: env, attempt: at.attempt}
		do, err := w.step(t, in)
		n := at
		n.attempt, n.path = w.attempt, with(at.path, name)
		if err == nil {
			n.proved = at.shown(t, n.path, in)
		}
		if (len(do) > 0 && slices.Contains(do, signup.Effect(signup.CreateUser{}))) != (n.attempt.Status == signup.Complete) {
			t.Fatalf("%v: %s, with %v", n.path, n.attempt.Status, do)
		}
		if n.attempt.Status == signup.Complete {
			n.judge(t, p, listed)
		}
		out = append(out, n)
	}
	return out
}

func with(path []string, step string) []string { return append(path[:len(path):len(path)], step) }

// signUpInputs are all that anybody could send.
func signUpInputs(address, invitationID string, p policy) map[string]signup.Input {
	yes, no := true, false
	all := map[string]signup.Input{
		"a": signup.Update{EmailAddress: ptr(invitedAddress)}, "b": signup.Update{EmailAddress: ptr("b@example.com")},
		"taken": signup.Update{EmailAddress: ptr(takenAddress)}, "no address": signup.Update{EmailAddress: ptr("")},
		"password": signup.Update{PasswordHash: ptr("h")}, "name": signup.Update{FirstName: ptr("Ada")}, "no name": signup.Update{FirstName: ptr("")},
		"accept": signup.Update{LegalAccepted: &yes}, "refuse": signup.Update{LegalAccepted: &no},
		"invited": signup.Update{InvitationID: invitationID}, "invited as b": signup.Update{InvitationID: invitationID, EmailAddress: ptr("b@example.com")},
		"made-up invitation": signup.Update{InvitationID: "inv_none"},
		"all at once":        signup.Update{EmailAddress: ptr("b@example.com"), PasswordHash: ptr("h"), FirstName: ptr("Ada"), LegalAccepted: &yes},
	}
	for _, st := range []string{"email_code", "email_link"} {
		if st == "email_link" && p.phone {
			continue
		}
		for _, to := range []string{invitedAddress, "b@example.com"} {
			all["mail "+st+" to "+to] = signup.Prepare{Prepared: factor.Prepared{Verification: factor.Verification{ID: st + to, Strategy: st,
				Status: factor.Unverified, Target: to, ExpireAt: start.Add(time.Hour)}}}
			all["answer "+st+" of "+to] = signup.Prove{Fact: factor.Fact{Strategy: st, OK: true, VerificationID: st + to}}
		}
		all["wrong "+st] = signup.Prove{Fact: factor.Fact{Strategy: st, VerificationID: st + address}}
	}
	if p.phone {
		all["number"], all["no number"] = signup.Update{PhoneNumber: ptr(number)}, signup.Update{PhoneNumber: ptr("")}
		all["text"] = signup.Prepare{Prepared: factor.Prepared{Verification: factor.Verification{ID: "phone_code" + number, Strategy: "phone_code",
			Status: factor.Unverified, Target: number, ExpireAt: start.Add(time.Hour)}}}
		all["answer text"] = signup.Prove{Fact: factor.Fact{Strategy: "phone_code", OK: true, VerificationID: "phone_code" + number}}
		all["wrong text"] = signup.Prove{Fact: factor.Fact{Strategy: "phone_code", VerificationID: "phone_code" + number}}
	}
	if p.username {
		all["username"], all["no username"] = signup.Update{Username: ptr("ada_l")}, signup.Update{Username: ptr("")}
	}
	if p.veiled {
		all["mail to taken"] = signup.Prepare{Prepared: factor.Prepared{Verification: factor.Verification{ID: "email_code" + takenAddress,
			Strategy: "email_code", Status: factor.Unverified, Target: takenAddress, ExpireAt: start.Add(time.Hour)}}}
		all["answer of taken"] = signup.Prove{Fact: factor.Fact{Strategy: "email_code", OK: true, VerificationID: "email_code" + takenAddress}}
	}
	return all
}

// shown is which addresses have been proved after an input that was taken.
func (at spot) shown(t *testing.T, path []string, in signup.Input) map[string]bool {
	proved := maps.Clone(at.proved)
	switch in := in.(type) {
	case signup.Prove:
		if in.Fact.Strategy == "phone_code" {
			if !in.Fact.OK || at.attempt.PhoneNumber != number {
				t.Fatalf("%v: a wrong answer was taken", path)
			}
			proved[number] = true
			break
		}
		if !in.Fact.OK || in.Fact.VerificationID != in.Fact.Strategy+at.attempt.EmailAddress {
			t.Fatalf("%v: a wrong answer was taken", path)
		}
		proved[at.attempt.EmailAddress] = true
	case signup.Update:
		if in.InvitationID != "" {
			if in.InvitationID == "inv_none" || at.revoked {
				t.Fatalf("%v: an invitation that is none was taken", path)
			}
			proved[invitedAddress] = true
		}
	}
	return proved
}

// judge holds a sign-up that is complete against every policy.
func (at spot) judge(t *testing.T, p policy, listed func(*signup.Attempt) bool) {
	a := at.attempt
	invited := a.InvitationID != "" && !at.revoked && a.EmailAddress == invitedAddress && at.proved[invitedAddress]
	for what, broken := range map[string]bool{
		"without an address": a.EmailAddress == "", "with an address of another": a.EmailAddress == takenAddress,
		"without proof of the address": p.verify && !at.proved[a.EmailAddress],
		"in a closed instance":         p.mode != settings.Public && !invited,
		"past the lists":               p.lists && !invited && !listed(&a),
		"without consent":              p.legal && a.LegalAccepted.IsZero(),
		"without a name":               p.name && a.FirstName == "",
		"without a password":           p.password && a.PasswordHash == "",
		"with a revoked invitation":    a.InvitationID != "" && at.revoked,
		"beside another session":       at.signedIn,
		"without a number":             p.phone && a.PhoneNumber != number,
		"without proof of the number":  p.phone && p.verify && !at.proved[number],
		"without a username":           p.username && a.Username == "",
	} {
		if broken {
			t.Fatalf("%v: complete %s, under %+v: %+v", at.path, what, p, a)
		}
	}
}
