package factor_test

import (
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey"
)

// TestAttack_P06_P09_P13_JudgedAndUsedUpSince: between a code's being judged and
// its being acted on, somebody else has used it, or the factor is another one or
// gone: it proves nothing any more. Two requests at once are told apart by this
// alone.
func TestAttack_P06_P09_P13_JudgedAndUsedUpSince(t *testing.T) {
	const step = 7
	app := factor.Fact{Strategy: "totp", OK: true, AppID: "totp_1", Step: step}
	code := factor.Fact{Strategy: "backup_code", OK: true, Slot: "3", CodeHash: "hash of 3"}
	for name, c := range map[string]struct {
		since     func(s *factor.Subject, f *factor.Fact)
		app, code bool // holds
	}{
		"nothing":        {func(*factor.Subject, *factor.Fact) {}, true, true},
		"an earlier one": {func(s *factor.Subject, _ *factor.Fact) { s.Second.TOTP.LastStep = step - 1 }, true, true},
		"the same one": {func(s *factor.Subject, _ *factor.Fact) {
			s.Second.TOTP.LastStep, s.Second.BackupCodes = step, s.Second.BackupCodes[:1]
		}, false, false},
		"a later one": {func(s *factor.Subject, _ *factor.Fact) { s.Second.TOTP.LastStep = step + 1 }, false, true},
		"new ones": {func(s *factor.Subject, _ *factor.Fact) {
			s.Second.TOTP.ID, s.Second.BackupCodes[1].Hash = "totp_2", "another hash of 3"
		}, false, false},
		"taken away":    {func(s *factor.Subject, _ *factor.Fact) { s.Second.TOTP, s.Second.BackupCodes = nil, nil }, false, false},
		"no factors":    {func(s *factor.Subject, _ *factor.Fact) { s.Second = nil }, false, false},
		"somebody else": {func(s *factor.Subject, _ *factor.Fact) { s.User.ID = "user_other" }, false, false},
		"nobody":        {func(s *factor.Subject, _ *factor.Fact) { s.User = nil }, false, false},
		"it was wrong":  {func(_ *factor.Subject, f *factor.Fact) { f.OK = false }, false, false},
	} {
		for _, one := range []struct {
			st    factor.Spender
			fact  factor.Fact
			holds bool
		}{{factor.TOTP{}, app, c.app}, {factor.BackupCode{}, code, c.code}} {
			s := subject(t)
			s.Second = &user.SecondFactors{TOTP: &user.TOTP{ID: "totp_1"}, BackupCodes: []user.BackupCode{{Slot: "1", Hash: "hash of 1"}, {Slot: "3", Hash: "hash of 3"}}}
			one.fact.UserID = s.User.ID
			c.since(&s, &one.fact)
			err := one.st.Confirm(one.fact, s)
			if (err == nil) != one.holds || err != nil && fault.From(err).Code != "form_code_incorrect" {
				t.Errorf("%s, since then %s: %v", one.fact.Strategy, name, err)
			}
			if err != nil {
				continue
			}
			one.st.Spend(one.fact, s, now)
			if one.st.Confirm(one.fact, s) == nil {
				t.Errorf("%s: good again once it is used", one.fact.Strategy)
			}
		}
	}
}

// TestAttack_P02_P03_JudgedAndChangedSince: a passkey whose counter has been used
// since its answer was judged, or that is another one or gone, shows nothing.
func TestAttack_P02_P03_JudgedAndChangedSince(t *testing.T) {
	for name, c := range map[string]struct {
		since func(s *factor.Subject)
		holds bool
	}{
		"nothing":                  {func(*factor.Subject) {}, true},
		"used, with a lower count": {func(s *factor.Subject) { s.User.Passkeys[0].SignCount = 6 }, true},
		"used, with the same":      {func(s *factor.Subject) { s.User.Passkeys[0].SignCount = 7 }, false},
		"used, with a higher":      {func(s *factor.Subject) { s.User.Passkeys[0].SignCount = 8 }, false},
		"another key":              {func(s *factor.Subject) { s.User.Passkeys[0].PublicKey = []byte("other") }, false},
		"another credential":       {func(s *factor.Subject) { s.User.Passkeys[0].CredentialID = []byte("other") }, false},
		"taken away":               {func(s *factor.Subject) { s.User.Passkeys = nil }, false},
		"somebody else":            {func(s *factor.Subject) { s.User.ID = "user_other" }, false},
	} {
		s := subject(t)
		k := user.Passkey{ID: "idn_1", CredentialID: []byte("credential"), PublicKey: []byte("key"), SignCount: 5}
		s.User.Passkeys = []user.Passkey{k}
		f := factor.Fact{Strategy: "passkey", OK: true, UserID: s.User.ID, Passkey: k, Seen: passkey.Seen{SignCount: 7}}
		c.since(&s)
		err := factor.Passkey{}.Confirm(f, s)
		if (err == nil) != c.holds || err != nil && fault.From(err).Code != "passkey_invalid_verification" {
			t.Errorf("since then %s: %v", name, err)
		}
	}
}
