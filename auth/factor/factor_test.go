package factor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func subject(t *testing.T) factor.Subject {
	t.Helper()
	s := settings.Default()
	u := user.New(now)
	for _, a := range []struct {
		address            string
		verified, reserved bool
	}{{"one@example.com", true, false}, {"two@example.com", false, true}, {"three@example.com", false, false}} {
		id, err := user.NewEmailAddress(a.address, now)
		if err != nil {
			t.Fatal(err)
		}
		id.Verified, id.Reserved = a.verified, a.reserved
		if err := u.AddEmailAddress(id); err != nil {
			t.Fatal(err)
		}
	}
	u.PasswordEnabled = true
	return factor.Subject{User: u, Settings: &s}
}

// A code is for addresses that are the user's own, and for nothing that is
// switched off.
func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		st     factor.Strategy
		change func(*factor.Subject)
		want   int
	}{
		"code":                   {factor.EmailCode{}, nil, 2},
		"code is off":            {factor.EmailCode{}, func(s *factor.Subject) { s.Settings.EmailAddress.Strategies = nil }, 0},
		"code for nobody":        {factor.EmailCode{}, func(s *factor.Subject) { s.User = nil }, 0},
		"reset":                  {factor.EmailCode{ForReset: true}, nil, 2},
		"reset without password": {factor.EmailCode{ForReset: true}, func(s *factor.Subject) { s.User.PasswordEnabled = false }, 0},
		"password":               {factor.Password{}, nil, 1},
		"no password":            {factor.Password{}, func(s *factor.Subject) { s.User.PasswordEnabled = false }, 0},
		"passwords are off":      {factor.Password{}, func(s *factor.Subject) { s.Settings.Password.Enabled = false }, 0},
		"no app":                 {factor.TOTP{}, nil, 0},
		"app":                    {factor.TOTP{}, func(s *factor.Subject) { s.User.TOTPEnabled = true }, 1},
		"apps are off": {factor.TOTP{}, func(s *factor.Subject) {
			s.User.TOTPEnabled, s.Settings.SecondFactors.TOTP = true, false
		}, 0},
		"app of nobody":          {factor.TOTP{}, func(s *factor.Subject) { s.User = nil }, 0},
		"no backup codes":        {factor.BackupCode{}, func(s *factor.Subject) { s.User.TOTPEnabled = true }, 0},
		"backup codes":           {factor.BackupCode{}, func(s *factor.Subject) { s.User.TOTPEnabled, s.User.BackupCodeEnabled = true, true }, 1},
		"backup codes of none":   {factor.BackupCode{}, func(s *factor.Subject) { s.User.BackupCodeEnabled = true }, 0},
		"backup codes of nobody": {factor.BackupCode{}, func(s *factor.Subject) { s.User = nil }, 0},
		"passkeys are off":       {factor.Passkey{}, func(s *factor.Subject) { s.User.Passkeys = make([]user.Passkey, 1) }, 0},
		"no passkey":             {factor.Passkey{}, func(s *factor.Subject) { s.Settings.Passkeys.Enabled = true }, 0},
		"passkeys": {factor.Passkey{}, func(s *factor.Subject) {
			s.Settings.Passkeys.Enabled, s.User.Passkeys = true, make([]user.Passkey, 3)
		}, 1},
		"passkey of whoever has one": {factor.Passkey{}, func(s *factor.Subject) { s.Settings.Passkeys.Enabled, s.User = true, nil }, 1},
	} {
		s := subject(t)
		if c.change != nil {
			c.change(&s)
		}
		got := c.st.Options(s)
		if len(got) != c.want {
			t.Errorf("%s: %d options, want %d", name, len(got), c.want)
		}
		for _, o := range got {
			if o.Target == "three@example.com" {
				t.Errorf("%s: an address that nobody has proved", name)
			}
		}
	}
}

// A code verifies the one challenge that it was drawn for, under the one key.
func TestAttack_L04_CodesAreBound(t *testing.T) {
	s := subject(t)
	st := factor.EmailCode{Key: []byte("key")}
	p, err := st.Prepare(context.Background(), factor.Challenge{Option: st.Options(s)[0], Subject: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	code := p.Send.Code
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" || strings.Contains(string(p.Verification.Secret), code) {
		t.Fatalf("code %q, kept as %x", code, p.Verification.Secret)
	}
	for name, c := range map[string]struct {
		st     factor.EmailCode
		change func(*factor.Verification)
		code   string
		want   bool
	}{
		"right":             {st, func(*factor.Verification) {}, code, true},
		"another challenge": {st, func(v *factor.Verification) { v.ID += "x" }, code, false},
		"another address":   {st, func(v *factor.Verification) { v.Target = "two@example.com" }, code, false},
		"another target":    {st, func(v *factor.Verification) { v.TargetID += "x" }, code, false},
		"another purpose":   {st, func(v *factor.Verification) { v.Strategy = "reset_password_email_code" }, code, false},
		"another key":       {factor.EmailCode{Key: []byte("other")}, func(*factor.Verification) {}, code, false},
		"empty":             {st, func(*factor.Verification) {}, "", false},
		"long":              {st, func(*factor.Verification) {}, code + strings.Repeat(" ", 1<<20), false},
		"used up":           {st, func(v *factor.Verification) { v.Secret = nil }, code, false},
	} {
		v := p.Verification
		c.change(&v)
		f, err := c.st.Verify(context.Background(), factor.Challenge{Verification: &v, Now: now}, factor.Proof{Code: c.code})
		if err != nil || f.OK != c.want {
			t.Errorf("%s: %v %v", name, f.OK, err)
		}
	}
	if _, err := st.Verify(context.Background(), factor.Challenge{Now: now}, factor.Proof{Code: code}); !errors.Is(err, fault.New("verification_missing", "")) {
		t.Errorf("nothing prepared: %v", err)
	}
}

// Somebody without a password, and nobody at all, cost one hash like everybody.
func TestAttack_C02_NobodyCostsTheSame(t *testing.T) {
	pool := &password.Pool{}
	h := &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}, Pool: pool}
	hash, err := h.Hash(t.Context(), "correct horse battery 9")
	if err != nil {
		t.Fatal(err)
	}
	s := subject(t)
	st := factor.Password{Hasher: h}
	for name, p := range map[string]*user.Password{"right": {Hash: hash}, "none": nil} {
		s.Password = p
		before := pool.Stats()
		f, err := st.Verify(t.Context(), factor.Challenge{Subject: s, Now: now}, factor.Proof{Password: "correct horse battery 9", Account: "one@example.com"})
		if err != nil || f.OK != (p != nil) {
			t.Errorf("%s: %v %v", name, f.OK, err)
		}
		if done := pool.Stats().Done - before.Done; done != 1 {
			t.Errorf("%s: %d hashes", name, done)
		}
	}
}

func TestSettle(t *testing.T) {
	codes := settings.Default().Codes
	fact := func(id string, ok bool) factor.Fact {
		return factor.Fact{Strategy: "email_code", VerificationID: id, OK: ok}
	}
	fresh := factor.Verification{ID: "ver_1", Strategy: "email_code", Status: factor.Unverified, ExpireAt: now.Add(time.Minute), Secret: []byte("s")}
	for name, c := range map[string]struct {
		v    *factor.Verification
		f    factor.Fact
		want string
		left factor.Status
	}{
		"right":         {&fresh, fact("ver_1", true), "", factor.Verified},
		"wrong":         {&fresh, fact("ver_1", false), "form_code_incorrect", factor.Unverified},
		"superseded":    {&fresh, fact("ver_0", true), "form_code_incorrect", factor.Unverified},
		"none":          {nil, fact("ver_1", true), "verification_missing", ""},
		"other way":     {&fresh, factor.Fact{Strategy: "x", VerificationID: "ver_1", OK: true}, "verification_strategy_invalid", factor.Unverified},
		"used":          {&factor.Verification{ID: "ver_1", Strategy: "email_code", Status: factor.Verified}, fact("ver_1", true), "verification_already_verified", factor.Verified},
		"out of tries":  {&factor.Verification{ID: "ver_1", Strategy: "email_code", Status: factor.Failed}, fact("ver_1", true), "verification_failed", factor.Failed},
		"the last try":  {&factor.Verification{ID: "ver_1", Strategy: "email_code", Status: factor.Unverified, Attempts: 4}, fact("ver_1", false), "form_code_incorrect", factor.Failed},
		"the last, but": {&factor.Verification{ID: "ver_1", Strategy: "email_code", Status: factor.Unverified, Attempts: 4}, fact("ver_1", true), "", factor.Verified},
	} {
		var v *factor.Verification
		if c.v != nil {
			own := *c.v
			v = &own
		}
		err := factor.Settle(v, c.f, codes, now)
		got := ""
		if err != nil {
			got = fault.From(err).Code
		}
		if got != c.want || v != nil && v.Status != c.left {
			t.Errorf("%s: %q, left %v, want %q, %s", name, got, v, c.want, c.left)
		}
		if v != nil && v.Status != factor.Unverified && v.Secret != nil {
			t.Errorf("%s: the secret is kept", name)
		}
	}
}

// A set offers what its strategies offer, in their order.
func ExampleSet_Options() {
	s := settings.Default()
	u := user.New(now)
	u.PasswordEnabled = true
	set := factor.NewSet(factor.Password{}, factor.EmailCode{})
	for _, o := range set.Options(factor.First, factor.Subject{User: u, Settings: &s}) {
		fmt.Println(o.Strategy)
	}
	fmt.Println(slices.Equal(set.Fields(), []string{"email_address_id"}))
	// Output:
	// password
	// true
}
