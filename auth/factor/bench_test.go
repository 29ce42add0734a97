package factor_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/passkey"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/password"
	"github.com/usherauth/usher/user/totp"
)

// BenchmarkVerify is what judging a right proof costs, beside the store and
// HTTP: the price of each strategy.
func BenchmarkVerify(b *testing.B) {
	s := settings.Default()
	s.Passkeys.Enabled = true
	u := user.New(now)
	u.TOTPEnabled, u.BackupCodeEnabled = true, true
	second := &user.SecondFactors{TOTP: &user.TOTP{ID: "totp_1", Secret: totp.NewSecret()}}
	hasher := &password.Hasher{Params: backupcode.Params()}
	codes := backupcode.Draw()
	var err error
	if second.BackupCodes, err = backupcode.Hash(b.Context(), hasher, codes); err != nil {
		b.Fatal(err)
	}
	code, err := totp.Code(second.TOTP.Secret, totp.Step(now))
	if err != nil {
		b.Fatal(err)
	}
	subject := factor.Subject{User: u, Second: second, Settings: &s}
	run := func(name string, st factor.Strategy, v *factor.Verification, p factor.Proof) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := st.Verify(context.Background(), factor.Challenge{Subject: subject, Verification: v, Now: now}, p)
				if err != nil || !f.OK || st.Confirm(f, subject) != nil {
					b.Fatal(f.OK, err)
				}
			}
		})
	}
	run("totp", factor.TOTP{}, nil, factor.Proof{Code: code})
	run("backup_code", factor.BackupCode{Hasher: hasher}, nil, factor.Proof{Code: codes[3]})
	for _, alg := range []int{passkeytest.ES256, passkeytest.EdDSA, passkeytest.RS256} {
		site := passkey.RelyingParty{ID: "example.com", Name: "Example", Origins: []string{"https://example.com"}}
		st := factor.Passkey{Site: func(context.Context, *settings.Settings) passkey.RelyingParty { return site }, Log: slog.New(slog.DiscardHandler)}
		d := passkeytest.New("https://example.com")
		d.Algorithm = alg
		c, options, err := site.Register(passkey.Person{Handle: u.ID, Name: "ada"}, now)
		if err != nil {
			b.Fatal(err)
		}
		made, err := d.Create(options)
		if err != nil {
			b.Fatal(err)
		}
		k, err := site.Registered(c, made, now)
		if err != nil {
			b.Fatal(err)
		}
		u.Passkeys = []user.Passkey{k}
		prepared, err := st.Prepare(b.Context(), factor.Challenge{Subject: subject, Now: now})
		if err != nil {
			b.Fatal(err)
		}
		answer, err := d.Get([]byte(prepared.Verification.Nonce))
		if err != nil {
			b.Fatal(err)
		}
		run(fmt.Sprintf("passkey %d", alg), st, &prepared.Verification, factor.Proof{Credential: string(answer)})
	}
}
