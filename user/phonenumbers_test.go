package user_test

import (
	"errors"
	"testing"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

func number(e164 string, verified bool) user.Identification {
	id := user.NewPhoneNumber(user.Phone{E164: e164}, now)
	id.Verified = verified
	return id
}

func TestPhoneNumbers(t *testing.T) {
	u := user.New(now)
	one, two, three := number("+14155550101", true), number("+14155550102", true), number("+14155550103", false)
	for _, id := range []user.Identification{three, one, two} {
		if err := u.AddPhoneNumber(id); err != nil {
			t.Fatal(err)
		}
	}
	if u.PrimaryPhoneNumberID != one.ID || u.Identifier() != one.Value {
		t.Error("the first verified number is not primary")
	}
	if err := u.AddPhoneNumber(number("+14155550101", false)); !errors.Is(err, user.ErrAlreadyAdded) {
		t.Errorf("twice: %v", err)
	}
	if err := u.SetPrimaryPhoneNumber(three.ID); !errors.Is(err, user.ErrNotVerified) {
		t.Errorf("an unverified primary: %v", err)
	}
	if err := u.ReservePhoneNumber(three.ID, true, now); !errors.Is(err, user.ErrNotVerified) || u.TwoFactorEnabled() {
		t.Errorf("an unverified second factor: %v", err)
	}
	if err := u.SetDefaultSecondFactor(two.ID, now); !errors.Is(err, user.ErrNotVerified) {
		t.Errorf("a default that is no second factor: %v", err)
	}
	if err := errors.Join(u.ReservePhoneNumber(two.ID, true, now), u.ReservePhoneNumber(one.ID, true, now)); err != nil {
		t.Fatal(err)
	}
	if !u.TwoFactorEnabled() || !u.MFAEnabledAt.Equal(now) || !u.PhoneNumber(two.ID).DefaultSecond || u.PhoneNumber(one.ID).DefaultSecond {
		t.Errorf("second factors: %+v", u.PhoneNumbers)
	}
	if err := u.SetDefaultSecondFactor(one.ID, now); err != nil || !u.PhoneNumber(one.ID).DefaultSecond || u.PhoneNumber(two.ID).DefaultSecond {
		t.Errorf("another default: %v %+v", err, u.PhoneNumbers)
	}
	if err := u.DeletePhoneNumber(one.ID, now); err != nil || u.PrimaryPhoneNumberID != two.ID || !u.PhoneNumber(two.ID).DefaultSecond {
		t.Errorf("delete the primary and default: %v %+v", err, u.PhoneNumbers)
	}
	if err := u.DeletePhoneNumber(two.ID, now); !errors.Is(err, user.ErrLastIdentification) || !u.TwoFactorEnabled() {
		t.Errorf("delete the last: %v", err)
	}
	if err := u.AddEmailAddress(address(t, "ada@example.com", true)); err != nil {
		t.Fatal(err)
	}
	if err := u.DeletePhoneNumber(two.ID, now); err != nil || u.TwoFactorEnabled() || !u.MFADisabledAt.Equal(now) {
		t.Errorf("delete the last second factor: %v %v", err, u.MFADisabledAt)
	}
	if err := u.DeletePhoneNumber("idn_none", now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("delete none: %v", err)
	}
	if err := u.VerifyPhoneNumber(three.ID, "phone_code", now); err != nil || u.PrimaryPhoneNumberID != three.ID {
		t.Errorf("verify: %v", err)
	}
}
