package factor_test

import (
	"slices"
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// A number is for what it is the user's for: one that is reserved for a second
// factor shows that and nothing else.
func TestPhoneCodeOptions(t *testing.T) {
	u := user.New(now)
	u.PasswordEnabled = true
	for _, n := range []struct {
		e164             string
		verified, second bool
		reserved         bool
	}{{"+14155550101", true, false, false}, {"+14155550102", false, false, true}, {"+14155550103", false, false, false}, {"+14155550104", true, true, false}} {
		id := user.NewPhoneNumber(user.Phone{E164: n.e164}, now)
		id.Verified, id.Reserved = n.verified, n.reserved
		if err := u.AddPhoneNumber(id); err != nil {
			t.Fatal(err)
		}
		if n.second {
			if err := u.ReservePhoneNumber(id.ID, true, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	on := settings.Default()
	on.PhoneNumber, on.Phones.SecondFactor = settings.PhoneCodes(), true
	set := factor.NewSet(factor.PhoneCode{}, factor.PhoneCode{ForReset: true})
	for name, c := range map[string]struct {
		change func(*settings.Settings, *user.User)
		uses   factor.Use
		want   []string
	}{
		"first":              {nil, factor.First, []string{"+14155550101", "+14155550102"}},
		"second":             {nil, factor.Second, []string{"+14155550104"}},
		"reset":              {nil, factor.Reset, []string{"+14155550101", "+14155550102"}},
		"numbers are off":    {func(s *settings.Settings, _ *user.User) { s.PhoneNumber.Enabled = false }, factor.First | factor.Second | factor.Reset, nil},
		"codes are off":      {func(s *settings.Settings, _ *user.User) { s.PhoneNumber.Strategies = nil }, factor.First, nil},
		"second is off":      {func(s *settings.Settings, _ *user.User) { s.Phones.SecondFactor = false }, factor.Second, nil},
		"no password":        {func(_ *settings.Settings, u *user.User) { u.PasswordEnabled = false }, factor.Reset, nil},
		"passwords are off":  {func(s *settings.Settings, _ *user.User) { s.Password.Enabled = false }, factor.Reset, nil},
		"codes are off, too": {func(s *settings.Settings, _ *user.User) { s.PhoneNumber.Strategies = nil }, factor.Second, []string{"+14155550104"}},
	} {
		s, who := on, *u
		if c.change != nil {
			c.change(&s, &who)
		}
		var got []string
		for _, o := range set.Options(c.uses, factor.Subject{User: &who, Settings: &s}) {
			got = append(got, o.Target)
			if o.Primary != (o.Target == "+14155550101" || o.Target == "+14155550104") || o.Default != (o.Target == "+14155550104") {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A code of a text message is good for its number and purpose alone.
func TestAttack_L04_PhoneCodesAreBound(t *testing.T) {
	s := settings.Default()
	st := factor.PhoneCode{Key: []byte("key")}
	c := factor.Challenge{Option: factor.Option{TargetID: "idn_1", Target: "+14155550101"}, Subject: factor.Subject{Settings: &s}, Now: now}
	p, err := st.Prepare(t.Context(), c)
	if err != nil || !p.Send.SMS || p.Send.To != "+14155550101" {
		t.Fatalf("%+v %v", p.Send, err)
	}
	for name, try := range map[string]struct {
		st     factor.PhoneCode
		change func(*factor.Verification)
		want   bool
	}{
		"right":           {st, func(*factor.Verification) {}, true},
		"another number":  {st, func(v *factor.Verification) { v.Target = "+14155550102" }, false},
		"another purpose": {st, func(v *factor.Verification) { v.Strategy = "reset_password_phone_code" }, false},
		"another way":     {st, func(v *factor.Verification) { v.Strategy = "email_code" }, false},
		"another key":     {factor.PhoneCode{Key: []byte("x")}, func(*factor.Verification) {}, false},
	} {
		v := p.Verification
		try.change(&v)
		f, err := try.st.Verify(t.Context(), factor.Challenge{Verification: &v, Now: now}, factor.Proof{Code: p.Send.Code})
		if err != nil || f.OK != try.want {
			t.Errorf("%s: %v %v", name, f.OK, err)
		}
	}
	if _, err := st.Prepare(t.Context(), factor.Challenge{Subject: factor.Subject{Settings: &s}, Now: now}); err == nil {
		t.Error("a code for no number")
	}
}
