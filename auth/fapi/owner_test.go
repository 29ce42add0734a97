package fapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/oauth/oauthtest"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/passkey/passkeytest"
	"github.com/usherauth/usher/user/totp"
)

// An owner is somebody who can show who they are by every strategy.
type owner struct {
	r      *rig
	st     store.Store
	id     string
	pw     string
	device *passkeytest.Device
	fake   *oauthtest.Server // a provider at which the owner has an account
	app    *app
	codes  []string
	// second is what the owner has of second factors while they are on.
	second *user.SecondFactors
}

// mock is the owner's provider, by the one name of such that the contract knows.
const mock = "oauth_custom_mock"

// everything switches all strategies on, and locks off.
func everything(s *setup) {
	withLinks(s)
	passkeysOn(s)
	s.settings.SecondFactors.TOTP, s.settings.SecondFactors.BackupCodes = true, true
	s.settings.Protection.Lockout.Enabled = false
	s.settings.Codes.ResendAfter = 0
	s.settings.PhoneNumber, s.settings.Phones.SecondFactor = settings.PhoneCodes(), true
	s.settings.PhoneNumber.Required, s.settings.Phones.Daily = false, settings.SMSCaps{}
}

// newOwner signs up and sets everything up. Second factors are off at first.
func newOwner(t testing.TB, changes ...func(*setup)) *owner {
	t.Helper()
	o := &owner{st: memory.New(), pw: good}
	changes = append([]func(*setup){everything, func(s *setup) { s.store = o.st }}, changes...)
	changes = append(changes, func(s *setup) { s.social[0].Key = strings.TrimPrefix(mock, "oauth_") })
	s := newSocial(t, changes...)
	o.r, o.fake = s.rig, s.fake
	b := o.r.browser()
	_, o.id = b.signUp(ada, good)
	o.device = o.r.device()
	o.app, o.codes = b.setUpTOTP() // first: where a second factor is demanded, nothing else can be done
	b.addPasskey(o.device)
	b.back(o.fake, b.leave("/v1/me/external_accounts", mock), person(ada, true))
	for _, number := range []string{adasPhone, bobsPhone} { // one for each step
		if _, _, err := o.r.e.Users().CreatePhoneNumber(t.Context(), o.id, number, engine.HostPhoneParams{Verified: new(true)}); err != nil {
			t.Fatal(err)
		}
	}
	err := o.st.View(t.Context(), func(tx store.Tx) (err error) {
		o.second, err = user.GetSecondFactors(t.Context(), tx, o.id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.enrol(false)
	return o
}

// enrol puts the second factors into the store, or takes them out.
func (o *owner) enrol(on bool) {
	o.r.t.Helper()
	ctx := o.r.t.Context()
	err := o.st.Update(ctx, func(tx store.Tx) error {
		u, err := user.Get(ctx, tx, o.id)
		if err != nil {
			return err
		}
		f, err := user.SecondFactorsOf(ctx, tx, o.id)
		if err != nil {
			return err
		}
		if !on && f.TOTP != nil {
			o.second = f
		}
		c := *f
		c.TOTP, c.BackupCodes, c.BackupID = nil, nil, ""
		if on {
			c.TOTP, c.BackupCodes, c.BackupID = o.second.TOTP, o.second.BackupCodes, o.second.BackupID
		}
		reserved := &u.PhoneNumbers[1]
		reserved.SecondFactor, reserved.DefaultSecond = on, on
		if err := user.PutSecondFactors(ctx, tx, u, &c, o.r.Now()); err != nil {
			return err
		}
		return user.Put(ctx, tx, u, o.r.Now())
	})
	if err != nil {
		o.r.t.Fatal(err)
	}
}

// enrolled reports whether the owner has a second factor.
func (o *owner) enrolled() (on bool) {
	u, err := o.r.e.Users().Get(o.r.t.Context(), o.id)
	if err != nil {
		o.r.t.Fatal(err)
	}
	return u.TwoFactorEnabled()
}

// A prover shows a strategy in a sign-in at its first or second step, as the
// owner does, or wrongly. The answer is what the last request got.
type prover func(o *owner, b *browser, signIn, step string, right bool) *answer

// provers are for every strategy that the instance has.
var provers = map[string]prover{
	"password": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		return b.attempt(signIn, step, "password", "password", pick(right, o.pw, o.pw+"x"))
	},
	"email_code":                byMail("email_code"),
	"phone_code":                byMail("phone_code"),
	"reset_password_email_code": byMail("reset_password_email_code"),
	"reset_password_phone_code": byMail("reset_password_phone_code"),
	"email_link": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		a := b.prepare(signIn, step, "email_link", "redirect_url", "/app")
		if a.status != 200 {
			return a
		}
		link := o.r.lastLink()
		if !right {
			link = link[:len(link)-4] + "AAAA"
		}
		b.follow(link)
		a = b.get("/v1/client/sign_ins/" + signIn)
		if a.str("response.first_factor_verification.status") != "verified" {
			a.status = 422 // the click was refused, wherever it led
		}
		return a
	},
	"passkey": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		a := b.prepare(signIn, step, "passkey")
		if a.status != 200 {
			return a
		}
		o.device.Spoil = func(x *passkeytest.Answer) {
			if !right {
				x.ClientData["challenge"] = "AAAA"
			}
		}
		credential := b.answerTo(o.device, a.str("response."+step+"_factor_verification.nonce"))
		return b.attempt(signIn, step, "passkey", "public_key_credential", credential)
	},
	mock: func(o *owner, b *browser, signIn, step string, right bool) *answer {
		a := b.prepare(signIn, step, mock, "redirect_url", "/sso-callback", "action_complete_redirect_url", "/done")
		to, _ := a.at("response." + step + "_factor_verification.external_verification_redirect_url").(string)
		if a.status != 200 || to == "" {
			return a
		}
		who := person(ada, true)
		if !right {
			who = nil // who denies
		}
		b.back(o.fake, to, who)
		a = b.get("/v1/client/sign_ins/" + signIn)
		if a.str("response.first_factor_verification.status") != "verified" {
			a.status = 422 // wherever it led
		}
		return a
	},
	"ticket": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		_, wire, err := o.r.e.SignInTokens().Create(o.r.t.Context(), o.id, 0)
		if err != nil {
			o.r.t.Fatal(err)
		}
		if !right {
			wire = wire[:len(wire)-4] + "AAAA"
		}
		return b.attempt(signIn, step, "ticket", "ticket", wire)
	},
	"totp": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		o.r.advance(totp.Period) // the app has another code
		return b.attempt(signIn, step, "totp", "code", pick(right, o.app.code(0), "00000"))
	},
	"backup_code": func(o *owner, b *browser, signIn, step string, right bool) *answer {
		if !right || len(o.codes) == 0 {
			return b.attempt(signIn, step, "backup_code", "code", "a000-0000-000")
		}
		a := b.attempt(signIn, step, "backup_code", "code", o.codes[0])
		if a.status == 200 {
			o.codes = o.codes[1:]
		}
		return a
	},
}

func byMail(strategy string) prover {
	return func(o *owner, b *browser, signIn, step string, right bool) *answer {
		if a := b.prepare(signIn, step, strategy); a.status != 200 {
			return a
		}
		return b.attempt(signIn, step, strategy, "code", pick(right, o.r.lastCode(), "00000"))
	}
}

func pick(right bool, yes, no string) string {
	if right {
		return yes
	}
	return no
}

func (b *browser) prepare(signIn, step, strategy string, more ...string) *answer {
	b.t.Helper()
	return b.post(fmt.Sprintf("/v1/client/sign_ins/%s/prepare_%s_factor", signIn, step), append([]string{"strategy", strategy}, more...)...)
}

func (b *browser) attempt(signIn, step, strategy, field, value string) *answer {
	b.t.Helper()
	return b.post(fmt.Sprintf("/v1/client/sign_ins/%s/attempt_%s_factor", signIn, step), "strategy", strategy, field, value)
}
