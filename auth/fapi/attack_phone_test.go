package fapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
)

// askFor asks for a code for a number by a sign-up of a browser of its own.
func (r *rig) askFor(number string) *answer {
	r.t.Helper()
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "phone_number", number, "password", good).ok().str("response.id")
	return b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "phone_code")
}

func capped(caps settings.SMSCaps) func(*setup) {
	return func(c *setup) { phones(c); c.settings.Phones.Daily = caps }
}

// One telephone gets a message every thirty seconds and so many a day, by
// whatever road, and a restart forgives nothing. Strangers have half of a cap.
func TestAttack_L09_SMSBomb(t *testing.T) {
	st := memory.New()
	keep := func(c *setup) { c.store = st }
	r := newRig(t, capped(settings.SMSCaps{PerNumber: 6}), keep)
	r.newPhoneUser(bobsPhone, "bob_b")
	r.askFor(adasPhone).ok()
	r.askFor(adasPhone).refused(429, "verification_code_too_many_requests")
	for range 2 {
		r.advance(30 * time.Second)
		r.askFor(adasPhone).ok()
	}
	r.advance(time.Minute)
	r.askFor(adasPhone).refused(429, "too_many_requests")
	if n := r.countMails(); n != 3 {
		t.Errorf("%d messages", n)
	}
	r.askFor("+14155552679").ok() // others still get theirs
	r.countMails()

	again := newRig(t, capped(settings.SMSCaps{PerNumber: 6}), keep)
	again.now = r.Now()
	again.askFor(adasPhone).refused(429, "too_many_requests")
	b := again.browser()
	b.signUp(ada, good)
	id := b.post("/v1/me/phone_numbers", "phone_number", adasPhone).ok().str("response.id")
	b.post("/v1/me/phone_numbers/"+id+"/prepare_verification", "strategy", "phone_code").refused(429, "too_many_requests")
	again.advance(24 * time.Hour)
	again.askFor(adasPhone).ok()

	// The count is exact when many ask at once.
	race := newRig(t, capped(settings.SMSCaps{PerPrefix: 10}))
	done := make(chan bool)
	for i := range 12 {
		go func() { done <- race.askFor(fmt.Sprintf("+1415555%04d", 3000+i)).status == 200 }()
	}
	sent := 0
	for range 12 {
		if <-done {
			sent++
		}
	}
	if n := race.countMails(); sent != 5 || n != 5 {
		t.Errorf("%d were told yes, %d messages", sent, n)
	}
}

// TestAttack_L09_SMSOwnerIsNotShutOut: strangers who use up what they have of a
// cap leave the rest to the owner's own browser, and both together keep it.
func TestAttack_L09_SMSOwnerIsNotShutOut(t *testing.T) {
	for name, caps := range map[string]settings.SMSCaps{"number": {PerNumber: 5}, "prefix": {PerPrefix: 5}, "address": {PerAddress: 5}, "instance": {PerInstance: 5}} {
		for _, protection := range []string{settings.EnumerationOff, settings.EnumerationStrict} {
			t.Run(name+" "+protection, func(t *testing.T) {
				r := newRig(t, capped(caps), func(c *setup) { c.settings.Protection.Enumeration = protection })
				r.newPhoneUser(adasPhone, "ada_l")
				ask := func(b *browser) *answer {
					r.advance(30 * time.Second)
					return b.post("/v1/client/sign_ins", "identifier", adasPhone, "strategy", "phone_code")
				}
				own := r.browser()
				own.post("/v1/client/sign_ins", "identifier", adasPhone, "password", good).ok().is("response.status", "complete")
				signOut := func() {
					own.post("/v1/client/sessions/" + own.client().str("response.last_active_session_id") + "/end").ok()
				}
				signOut()
				for range 3 {
					ask(r.browser()).ok()
				}
				ask(r.browser()).refused(429, "too_many_requests")
				r.countMails() // delivers what was sent before
				a := ask(own).ok()
				own.post(signInPath(a)+"/attempt_first_factor", "strategy", "phone_code", "code", r.lastCode()).ok().is("response.status", "complete")
				signOut()
				ask(own).ok()
				ask(own).refused(429, "too_many_requests")
				if n := r.countMails(); n != 5 {
					t.Errorf("%d messages", n)
				}
				r.advance(24 * time.Hour)
				ask(r.browser()).ok()
			})
		}
	}
}

// TestAttack_L09_SMSAfterAFirstFactor: who has shown a first factor that nobody
// can guess is no stranger in a browser that is new, either.
func TestAttack_L09_SMSAfterAFirstFactor(t *testing.T) {
	r := newRig(t, capped(settings.SMSCaps{PerNumber: 3}))
	u := r.newPhoneUser(adasPhone, "ada_l")
	if _, _, err := r.e.Users().UpdatePhoneNumber(t.Context(), u.ID, u.PhoneNumbers[0].ID, engine.HostPhoneParams{SecondFactor: new(true)}); err != nil {
		t.Fatal(err)
	}
	ask := func(first ...string) *answer {
		r.advance(30 * time.Second)
		b := r.browser()
		a := b.post("/v1/client/sign_ins", first...).ok().is("response.status", "needs_second_factor")
		return b.post(signInPath(a)+"/prepare_second_factor", "strategy", "phone_code")
	}
	byPassword := []string{"identifier", "ada_l", "password", good} // which somebody may have guessed
	for range 2 {
		ask(byPassword...).ok()
	}
	ask(byPassword...).refused(429, "too_many_requests")
	_, wire := r.signInToken(u.ID)
	ask("strategy", "ticket", "ticket", wire).ok()
}

// Numbers of countries that are not listed get nothing, nor do blocks of
// numbers, addresses and instances beyond their caps, nor numbers that nobody
// has; and a block whose codes do not come back is told of.
func TestAttack_L10_TollFraud(t *testing.T) {
	r := newRig(t, capped(settings.SMSCaps{PerPrefix: 6}), func(c *setup) { c.settings.Phones.Countries = []string{"US", "CA"} })
	for _, number := range []string{"+4930901820", "+442079460958", "+18765551234", "+870773111632"} { // one looks American
		r.browser().post("/v1/client/sign_ups", "phone_number", number).refused(403, "unsupported_country_code", "phone_number")
	}
	for i := range 3 {
		r.askFor(fmt.Sprintf("+1415555%04d", 2000+i)).ok()
	}
	r.askFor("+14155552003").refused(429, "too_many_requests")
	r.askFor("+14155562003").ok() // the next block
	r.browser().post("/v1/client/sign_ins", "identifier", "+14155552999", "strategy", "phone_code").refused(422, "form_identifier_not_found")
	if n := r.countMails(); n != 4 {
		t.Errorf("%d messages", n)
	}
	if !strings.Contains(r.log.String(), "the cap of the day is reached") {
		t.Error("nobody is told of the cap")
	}
	for name, caps := range map[string]settings.SMSCaps{"address": {PerAddress: 4}, "instance": {PerInstance: 4}} {
		r := newRig(t, capped(caps))
		r.askFor("+14155552001").ok()
		r.askFor("+16045552001").ok()
		if a := r.askFor("+12125552001"); a.status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	counts := memory.New()
	watch := newRig(t, capped(settings.SMSCaps{}), func(c *setup) { c.store = counts })
	for i := range 20 {
		watch.askFor(fmt.Sprintf("+1415555%04d", 2000+i)).ok()
	}
	if !strings.Contains(watch.log.String(), "few codes come back") {
		t.Error("a block of numbers whose codes do not come back is not told of")
	}
	if dump := dumpOf(t, counts, "sms_tally"); strings.Contains(dump, "4155552001") {
		t.Error("the counts name numbers")
	}
	// Who has been sent to before the country was taken off the list gets no more.
	u := r.newPhoneUser("+493090182099", "late")
	r.browser().post("/v1/client/sign_ins", "identifier", u.PhoneNumbers[0].Value, "strategy", "phone_code").refused(403, "unsupported_country_code")
}

// dumpOf is what the store holds of counts of messages.
func dumpOf(t *testing.T, st store.Store, kind string) string {
	t.Helper()
	var b strings.Builder
	for _, k := range engine.Kinds() {
		if k.Name != kind {
			continue
		}
		if err := st.View(t.Context(), func(tx store.Tx) error {
			rs, err := tx.Find(t.Context(), store.Query{Kind: k})
			for _, rec := range rs {
				fmt.Fprintf(&b, "%s %s\n", rec.ID, rec.Data)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// Whether a number or a username is taken is told to few: the same budgets hold
// for those that are and those that are not, usernames have one of their own,
// and with protection on a number tells nothing at all.
func TestAttack_C17_TakenNumbersAndUsernames(t *testing.T) {
	limited := func(c *setup) {
		phones(c)
		c.settings.Limits.CreateSignUp = settings.Rate{Count: 3, Per: time.Hour}
		c.settings.Limits.AttemptSignUp = settings.Rate{Count: 3, Per: time.Hour}
	}
	for _, c := range []struct{ field, taken, free string }{{"phone_number", bobsPhone, adasPhone}, {"username", "bob_b", "ada_l"}} {
		for _, value := range []string{c.taken, c.free} {
			r := newRig(t, limited)
			r.newPhoneUser(bobsPhone, "bob_b")
			for range 3 {
				if a := r.browser().post("/v1/client/sign_ups", c.field, value); a.status != 200 && a.str("errors.0.code") != "form_identifier_exists" {
					t.Fatalf("%s: %s", value, a.raw)
				}
			}
			r.browser().post("/v1/client/sign_ups", c.field, value).refused(429, "signup_rate_limit_exceeded")
		}
	}
	// A username of one's own is asked for as often, and no oftener.
	r := newRig(t, limited)
	r.newPhoneUser(bobsPhone, "bob_b")
	b := r.browser()
	b.signUp(ada, good)
	for range 3 {
		b.patch("/v1/me", "username", "BOB_B").refused(422, "form_identifier_exists", "username")
	}
	b.patch("/v1/me", "username", "ada_l").refused(429, "too_many_requests")
	b.patch("/v1/me", "first_name", "Ada").ok()

	strict := newRig(t, phones, func(c *setup) { c.settings.Protection.Enumeration = settings.EnumerationStrict })
	strict.newPhoneUser(bobsPhone, "bob_b")
	for _, number := range []string{bobsPhone, adasPhone} {
		a := strict.askFor(number)
		a.ok().is("response.verifications.phone_number.status", "unverified").is("response.verifications.phone_number.next_action", "needs_attempt")
		s := strict.browser().post("/v1/client/sign_ins", "identifier", number, "strategy", "phone_code")
		if s.status != 200 && s.str("errors.0.code") != "verification_code_too_many_requests" {
			t.Errorf("%s: %s", number, s.raw)
		}
	}
	if n := strict.countMails(); n != 1 {
		t.Errorf("%d messages: only the number that is nobody's gets one at a sign-up", n)
	}
}

// A number and a username are one however they are written, at sign-up, at
// sign-in and in a profile.
func TestAttack_C12_NumbersAndUsernames(t *testing.T) {
	r := newRig(t, phones)
	r.newPhoneUser(adasPhone, "Ada_L")
	own := r.browser()
	own.signUp(bob, good)
	for _, spelling := range []string{"+1 (415) 555-2671", "+1.415.555.2671", "14155552671", "4155552671", "＋１４１５５５５２６７１", "+1\u2011415\u2011555\u20112671",
		"\u202a+14155552671\u202c", "+1 415\u200b5552671", "+١٤١٥٥٥٥٢٦٧١", "001 415 555 2671"} {
		if spelling == "001 415 555 2671" { // how Germans dial it, which nobody does here
			r.browser().post("/v1/client/sign_ups", "phone_number", spelling).refused(422, "form_param_format_invalid", "phone_number")
			continue
		}
		r.browser().post("/v1/client/sign_ups", "phone_number", spelling).refused(422, "form_identifier_exists", "phone_number")
		own.post("/v1/me/phone_numbers", "phone_number", spelling).refused(422, "form_identifier_exists", "phone_number")
		r.browser().post("/v1/client/sign_ins", "identifier", spelling, "password", good).ok().is("response.status", "complete")
	}
	for _, spelling := range []string{"ADA_L", "ada_l", "aDa_L"} {
		r.browser().post("/v1/client/sign_ups", "username", spelling).refused(422, "form_identifier_exists", "username")
		own.patch("/v1/me", "username", spelling).refused(422, "form_identifier_exists", "username")
		r.browser().post("/v1/client/sign_ins", "identifier", spelling, "password", good).ok().is("response.status", "complete")
	}
	for _, other := range []string{"аda_l", "ada\u200b_l", "ada_l\u202e", "ada＿l", "ada_l\u0000"} { // what looks alike is refused, not another one
		if a := r.browser().post("/v1/client/sign_ups", "username", other); a.status != 422 {
			t.Errorf("%q: %d", other, a.status)
		}
	}
}

// A stranger who signs up with somebody's number keeps nothing once its owner
// shows that it is theirs; and a number that nobody has proved is no way into
// the account of who has typed it.
func TestAttack_C16_NumberOfSomebodyElse(t *testing.T) {
	r := newRig(t, phones, func(c *setup) { c.settings.PhoneNumber.VerifyAtSignUp = false })
	thief := r.browser()
	thief.post("/v1/client/sign_ups", "phone_number", adasPhone, "password", better).ok().is("response.status", "complete")
	owner := r.browser()
	p := "/v1/client/sign_ins/" + owner.post("/v1/client/sign_ins", "identifier", adasPhone, "strategy", "phone_code").ok().str("response.id")
	owner.post(p+"/attempt_first_factor", "strategy", "phone_code", "code", r.lastCode()).ok().is("response.status", "complete")
	owner.get("/v1/me").ok().is("response.password_enabled", false).is("response.phone_numbers.0.verification.status", "verified")
	thief.get("/v1/me").refused(401, "authentication_invalid")
	r.browser().post("/v1/client/sign_ins", "identifier", adasPhone, "password", better).refused(400, "strategy_for_user_invalid")

	// Beside an address that was proved the number claims nothing.
	b := r.browser()
	id := b.post("/v1/client/sign_ups", "email_address", ada, "phone_number", bobsPhone, "password", better).ok().str("response.id")
	b.post("/v1/client/sign_ups/"+id+"/prepare_verification", "strategy", "email_code").ok()
	b.post("/v1/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", r.lastCode()).ok().is("response.status", "complete")
	r.browser().post("/v1/client/sign_ins", "identifier", bobsPhone).refused(422, "form_identifier_not_found")
}
