package settings_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/settings"
)

// Each fault of the rules of phone numbers and usernames is found alone.
func TestValidatePhonesAndUsernames(t *testing.T) {
	for field, spoil := range map[string]func(*settings.Settings){
		"phone_number":           func(s *settings.Settings) { s.PhoneNumber.Strategies = []string{"phone_code", "email_code"} },
		"phones.default_country": func(s *settings.Settings) { s.Phones.DefaultCountry = "us" },
		"phones.countries":       func(s *settings.Settings) { s.Phones.Countries = []string{"US", "Germany"} },
		"phones.second_factor":   func(s *settings.Settings) { s.PhoneNumber = settings.Attribute{}; s.Phones.SecondFactor = true },
		"phones.daily":           func(s *settings.Settings) { s.Phones.Daily.PerPrefix = -1 },
		"usernames.min_length":   func(s *settings.Settings) { s.Usernames.MinLength = 0 },
		"usernames.max_length":   func(s *settings.Settings) { s.Usernames.MaxLength = 65 },
		"email_address":          func(s *settings.Settings) { s.EmailAddress, s.PhoneNumber = settings.Attribute{}, settings.Attribute{} },
	} {
		s := settings.Default()
		s.PhoneNumber = settings.PhoneCodes()
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		err := s.Validate()
		e, ok := errors.AsType[*settings.FieldError](err)
		if !ok || e.Field != field || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestPhonesSend(t *testing.T) {
	p := settings.Default().Phones
	if !p.Sends("US") || !p.Sends("CA") || p.Sends("JM") || p.Sends("") {
		t.Errorf("by default: %v", p.Countries)
	}
	p.Countries = []string{settings.EverywhereSMS}
	if !p.Sends("JM") || !p.Sends("") {
		t.Error("everywhere is not everywhere")
	}
}
