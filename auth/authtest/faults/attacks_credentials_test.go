package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/storetest"
)

func TestAttack_C08_LongPasswords(t *testing.T) {
	r := newRig(t)
	r.account(ada, good)
	before := r.hasher.Pool.Stats().Done
	ten := strings.Repeat("a", 10<<20)
	for _, c := range []struct {
		text   string
		status int
	}{{ten, 413}, {strings.Repeat("é", 300), 422}, {strings.Repeat("a", 5<<10), 422}} {
		for _, ask := range []func() *answer{
			func() *answer { return r.visitor().post("/client/sign_ins", "identifier", ada, "password", c.text) },
			func() *answer { return r.visitor().post("/client/sign_ups", "email_address", bob, "password", c.text) },
			func() *answer {
				return r.visitor().post("/client/sign_ins", "identifier", c.text+"@example.com", "password", good)
			},
		} {
			began := time.Now()
			a := ask()
			if a.status != c.status && !(c.status == 413 && a.err != nil) { // the rest of the body is not read
				t.Errorf("%d bytes: %d %.200s %v", len(c.text), a.status, a.raw, a.err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%d bytes cost %v", len(c.text), took)
			}
			if strings.Contains(string(a.raw), c.text[:64]) {
				t.Error("the answer repeats the password")
			}
		}
	}
	if n := r.hasher.Pool.Stats().Done - before; n > 6 { // of texts within the limits, or of nobody
		t.Errorf("%d hashes", n)
	}
}

// TestAttack_C11_UnicodePasswords: what looks alike on two keyboards is one
// password; what is no text is refused.
func TestAttack_C11_UnicodePasswords(t *testing.T) {
	r := newRig(t)
	r.account(ada, "caf\u00e9 au lait \u212b and more")
	for text, right := range map[string]bool{
		"caf\u00e9 au lait \u212b and more": true, "cafe\u0301 au lait \u00c5 and more": true, "cafe\u0301 au lait A\u030a and more": true,
		"cafe au lait A and more": false, "CAF\u00c9 au lait \u212b and more": false, " caf\u00e9 au lait \u212b and more": false,
	} {
		a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", text)
		if right != (a.status == 200) {
			t.Errorf("%q: %d %s", text, a.status, a.code())
		}
	}
	for _, bad := range []string{"lone surrogate \xed\xa0\x80 here", "nul \x00 in the middle", "\xff\xfe not text at all"} {
		if a := r.visitor().post("/client/sign_ups", "email_address", bob, "password", bad); a.status < 400 || a.status >= 500 {
			t.Errorf("%q: %d", bad, a.status)
		}
		if a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", bad); a.status < 400 || a.status >= 500 {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
}

// TestAttack_C12_Spellings: forty other spellings of an address, each either
// the same account or refused or somebody else's for good reason, and the same
// at sign-up and sign-in.
func TestAttack_C12_Spellings(t *testing.T) {
	const base = "ada.lovelace@bücher.example"
	same, other, bad := "same", "other", "bad"
	for spelling, want := range map[string]string{
		"ADA.LOVELACE@bücher.example": same, "ada.lovelace@BÜCHER.example": same, "ada.lovelace@xn--bcher-kva.example": same,
		"ada.lovelace@XN--BCHER-KVA.EXAMPLE": same, " ada.lovelace@bücher.example ": same, "ada.lovelace@bücher.example.": same,
		"ada.lovelace@bu\u0308cher.example": same, "ａｄａ.lovelace@bücher.example": same, "ada.lovelace@ｂücher.example": same,
		"ada.lovelace@bücher。example": same, "ada.lovelace@bücher．example": same, "Ada.Lovelace@Bücher.Example": same,
		"ada.love\u017face@bücher.example": other, "ada.lo\u1e7celace@bücher.example": other, "ada．lovelace@bücher.example": same,
		"ADA.LOVELACE@BÜCHER.EXAMPLE": same, "\tada.lovelace@bücher.example\n": same, "ada.lovelace@bücher.exa\u00admple": same,
		"adalovelace@bücher.example": other, "ada.lovelace+tag@bücher.example": other, "ada_lovelace@bücher.example": other,
		"ada.lovelace@bucher.example": other, "ada.lovelace@bücher.example.org": other, "аda.lovelace@bücher.example": other, // Cyrillic
		"ada.lοvelace@bücher.example": other, "ada.lovelace@bűcher.example": other, "ada.1ovelace@bücher.example": other,
		"ada.lovelace@x@bücher.example": bad, "ada.lovelace\x00@bücher.example": bad, "ada.lovelace\u200b@bücher.example": bad,
		"ada.love\u202elace@bücher.example": bad, "ada.lovelace@bücher.example\u2066": bad, "ada.lovelace@bücher\u202e.example": bad,
		"ada..lovelace@bücher.example": bad, ".ada.lovelace@bücher.example": bad, "ada.lovelace.@bücher.example": bad,
		"ada lovelace@bücher.example": bad, "ada.lovelace@": bad, "\"ada.lovelace\"@bücher.example": bad,
		"ada.lovelace@[127.0.0.1]": bad, "ada.lovelace@bücher": bad, "ada.lovelace@bücher.example\r\nBcc: x@y.example": bad,
		"ada.lovelace@-bücher.example": bad, "\xffada.lovelace@bücher.example": bad,
	} {
		t.Run(fmt.Sprintf("%q", spelling), func(t *testing.T) {
			r := newRig(t)
			r.account(base, good)
			up := r.visitor().post("/client/sign_ups", "email_address", spelling, "password", good)
			in := r.visitor().post("/client/sign_ins", "identifier", spelling, "password", good)
			have := "unclear"
			switch {
			case up.code() == "form_identifier_exists" && in.str("response.status") == "complete":
				have = same
			case up.status == 200 && in.code() == "form_identifier_not_found":
				have = other
			case up.status >= 400 && up.status < 500 && in.status >= 400 && in.status < 500 && up.code() != "form_identifier_exists":
				have = bad
			}
			if have != want {
				t.Errorf("is %s, want %s: sign-up %d %s, sign-in %d %s", have, want, up.status, up.code(), in.status, in.code())
			}
		})
	}
}

// TestAttack_C13_ChangeNeedsThePassword: a browser that is open changes nothing
// without the password, and everybody concerned hears of a change.
func TestAttack_C13_ChangeNeedsThePassword(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	if _, err := r.Users().AddEmailAddress(t.Context(), u.ID, "other@example.com", true, false); err != nil {
		t.Fatal(err)
	}
	in, elsewhere := r.signedIn(u), r.signedIn(u)
	r.Clock.Advance(11 * time.Minute) // who has just signed in has just shown who it is
	in.post("/me/change_password", "new_password", better).refused(403, "session_reverification_required")
	off := func(s *settings.Settings) error { s.Reverification.Enabled = false; return nil }
	if err := r.UpdateSettings(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	in.post("/me/change_password", "new_password", better).refused(422, "form_param_missing")
	in.post("/me/change_password", "current_password", "", "new_password", better).refused(422, "form_param_missing", "form_param_nil")
	in.post("/me/change_password", "current_password", better, "new_password", better+better).refused(422, "form_password_validation_failed")
	if a := in.post("/me/remove_password"); a.status == 200 {
		t.Error("the password is taken away without it")
	}
	in.api("PATCH", "/me", "password", better) // no field of this route
	r.visitor().signIn(ada, good)
	in.post("/me/change_password", "current_password", good, "new_password", better).ok()
	if a := elsewhere.private(); a.status == 200 {
		t.Error("the other browser is signed in still")
	}
	if a := in.private(); a.status != 200 {
		t.Error("the browser that changed it is signed out")
	}
	for _, to := range []string{ada, "other@example.com"} {
		if m := r.Mail.Wait(t, to, 1); m.Slug != "password_changed" {
			t.Errorf("%s got %s", to, m.Slug)
		}
	}
}

// TestAttack_C15_ResetEndsTheRest: with a reset everything goes that an
// intruder may have.
func TestAttack_C15_ResetEndsTheRest(t *testing.T) {
	r := newRig(t)
	u := r.account(ada, good)
	intruder, pending := r.signedIn(u), r.visitor()
	other := pending.post("/client/sign_ins", "identifier", ada).ok().id()
	pending.post("/client/sign_ins/"+other+"/prepare_first_factor", "strategy", "email_code").ok()
	stolen := r.Mail.Code(t, ada, 1)
	v := r.visitor()
	p := "/client/sign_ins/" + v.post("/client/sign_ins", "identifier", ada).ok().id()
	v.post(p+"/prepare_first_factor", "strategy", "reset_password_email_code").ok()
	code := r.Mail.Code(t, ada, 2)
	// A code for a reset is none for signing in, and the other way round.
	v.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "verification_strategy_invalid")
	v.post(p+"/attempt_first_factor", "strategy", "reset_password_email_code", "code", code).ok()
	if a := v.private(); a.status == 200 {
		t.Error("signed in before the new password")
	}
	v.post(p+"/reset_password", "password", better, "sign_out_of_other_sessions", "true").ok()
	if a := intruder.private(); a.status == 200 {
		t.Error("the intruder's session outlives the reset")
	}
	if a := pending.post("/client/sign_ins/"+other+"/attempt_first_factor", "strategy", "email_code", "code", stolen); a.status == 200 {
		t.Error("a code of before the reset still works")
	}
	r.visitor().post("/client/sign_ins", "identifier", ada, "password", good).refused(422, "form_password_incorrect")
}

// TestAttack_C16_PreMadeAccounts: whoever makes an account on a stranger's
// address keeps nothing of it once the owner has come.
func TestAttack_C16_PreMadeAccounts(t *testing.T) {
	unverified := withSettings(func(s *settings.Settings) {
		s.EmailAddress.VerifyAtSignUp = false
		s.Password.Required = true
	})
	for _, road := range []string{"email_code", "reset_password_email_code"} {
		t.Run(road, func(t *testing.T) {
			r := newRig(t, unverified)
			thief := r.visitor()
			thief.post("/client/sign_ups", "email_address", ada, "password", good).ok()
			if a := thief.private(); a.status != 200 {
				t.Fatalf("the thief is not in: %d", a.status)
			}
			// The trojan identifier: an address of the thief's own on the account.
			own := thief.post("/me/email_addresses", "email_address", "thief@example.com").ok().id()
			thief.post("/me/email_addresses/"+own+"/prepare_verification", "strategy", "email_code").ok()
			thief.post("/me/email_addresses/"+own+"/attempt_verification", "code", r.Mail.Code(t, "thief@example.com", 1)).ok()

			owner := r.visitor()
			p := "/client/sign_ins/" + owner.post("/client/sign_ins", "identifier", ada).ok().id()
			owner.post(p+"/prepare_first_factor", "strategy", road).ok()
			a := owner.post(p+"/attempt_first_factor", "strategy", road, "code", r.Mail.Code(t, ada, 1)).ok()
			if road != "email_code" {
				a = owner.post(p+"/reset_password", "password", better).ok()
			}
			if a.str("response.status") != "complete" {
				t.Fatalf("the owner is not in: %s", a.raw)
			}
			if a := thief.private(); a.status == 200 {
				t.Error("the thief's session lives on")
			}
			thief.get("/me").refused(401, "authentication_invalid")
			if a := r.visitor().post("/client/sign_ins", "identifier", ada, "password", good); a.status == 200 {
				t.Error("the thief's password opens the owner's account")
			}
			r.visitor().post("/client/sign_ins", "identifier", "thief@example.com").refused(422, "form_identifier_not_found")
			checkInvariants(t, r.Store)
		})
	}
	t.Run("change of address that waits", func(t *testing.T) {
		r := newRig(t)
		thief := r.signedIn(r.account("thief@example.com", good))
		id := thief.post("/me/email_addresses", "email_address", ada).ok().id()
		thief.post("/me/email_addresses/"+id+"/prepare_verification", "strategy", "email_code").ok()
		code := r.Mail.Code(t, ada, 1)
		owner := r.visitor()
		owner.signUp(ada, better, r.mailed(ada, 2))
		// Even with the code, the address is the owner's now.
		thief.post("/me/email_addresses/"+id+"/attempt_verification", "code", code).refused(400, "identification_claimed")
		r.visitor().signIn(ada, better)
		checkInvariants(t, r.Store)
	})
	t.Run("sign-up that waits", func(t *testing.T) {
		r := newRig(t)
		thief := r.visitor()
		id := signUpPrepared(r, thief, ada)
		code := r.Mail.Code(t, ada, 1)
		r.visitor().signUp(ada, better, r.mailed(ada, 2))
		if a := thief.post("/client/sign_ups/"+id+"/attempt_verification", "strategy", "email_code", "code", code); a.status == 200 {
			t.Errorf("two people on one address: %s", a.raw)
		}
		if all := checkInvariants(t, r.Store); len(all["user"]) != 1 {
			t.Errorf("%d users", len(all["user"]))
		}
	})
}

// TestAttack_C19_RefusalKeepsItsCount: a wrong try is counted although it is
// refused, whatever else fails.
func TestAttack_C19_RefusalKeepsItsCount(t *testing.T) {
	st := memory.New()
	f := &switchable{}
	r := newRig(t, withStore(&forRequests{st, storetest.Faulty(st, storetest.Plan{Rerun: true, Before: f.before})}))
	r.account(ada, good)
	v := r.visitor()
	p := "/client/sign_ins/" + v.post("/client/sign_ins", "identifier", ada).ok().id()
	v.post(p+"/prepare_first_factor", "strategy", "email_code").ok()
	code := r.Mail.Code(t, ada, 1)
	for i := range 5 {
		v.post(p+"/attempt_first_factor", "strategy", "email_code", "code", wrongCode(code)).refused(422, "form_code_incorrect")
		if n, _ := v.get(p).ok().at("response.first_factor_verification.attempts").(float64); int(n) != i+1 {
			t.Fatalf("after %d wrong codes %v are counted", i+1, n)
		}
	}
	v.post(p+"/attempt_first_factor", "strategy", "email_code", "code", code).refused(400, "verification_failed")

	// A store that takes no writes judges nothing: no oracle for free.
	w := r.visitor()
	q := "/client/sign_ups/" + signUpPrepared(r, w, bob)
	code = r.Mail.Code(t, bob, 1)
	f.set(readOnly)
	right := w.post(q+"/attempt_verification", "strategy", "email_code", "code", code).unavailable()
	wrong := w.post(q+"/attempt_verification", "strategy", "email_code", "code", wrongCode(code)).unavailable()
	if right.code() != wrong.code() || right.status != wrong.status {
		t.Errorf("a code is judged although nothing can be counted: %s %s", right.raw, wrong.raw)
	}
	f.set(nil)
	w.post(q+"/attempt_verification", "strategy", "email_code", "code", code).ok()
}
