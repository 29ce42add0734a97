package settings_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/settings"
)

func TestReadyMadeAreValid(t *testing.T) {
	for name, s := range map[string]settings.Settings{"default": settings.Default(), "everything": settings.Everything()} {
		if err := s.Validate(); err != nil {
			t.Fatal(name, err)
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back settings.Settings
		if err := json.Unmarshal(data, &back); err != nil || fmt.Sprint(back) != fmt.Sprint(s) {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, s, back)
		}
	}
}

// Each fault is found alone, and names its field.
func TestValidate(t *testing.T) {
	for field, spoil := range map[string]func(*settings.Settings){
		"app_name":                        func(s *settings.Settings) { s.AppName = "" },
		"first_name":                      func(s *settings.Settings) { s.FirstName = settings.Attribute{Required: true} },
		"email_address":                   func(s *settings.Settings) { s.EmailAddress.Strategies = []string{"carrier_pigeon"} },
		"email_address.verify_at_sign_up": func(s *settings.Settings) { s.EmailAddress.Verifications = nil },
		"password.required":               func(s *settings.Settings) { s.Password.Enabled = false },
		"password.min_length":             func(s *settings.Settings) { s.Password.MinLength = 6 },
		"password.max_length":             func(s *settings.Settings) { s.Password.MaxLength = 5000 },
		"password.min_strength":           func(s *settings.Settings) { s.Password.MinStrength = 5 },
		"sign_up.mode":                    func(s *settings.Settings) { s.SignUp.Mode = "" },
		"sign_up.abandon_after":           func(s *settings.Settings) { s.SignUp.AbandonAfter = 0 },
		"sign_in.preferred_strategy":      func(s *settings.Settings) { s.SignIn.PreferredStrategy = "x" },
		"sign_in.second_factor_required":  func(s *settings.Settings) { s.SignIn.SecondFactorRequired, s.SecondFactors.TOTP = true, false },
		"passkeys.sign_up":                func(s *settings.Settings) { s.Passkeys.SignUp = true },
		"sign_in.abandon_after":           func(s *settings.Settings) { s.SignIn.AbandonAfter = 0 },
		"sessions":                        func(s *settings.Settings) { s.Sessions.MaxLifetime = 0 },
		"sessions.max_lifetime":           func(s *settings.Settings) { s.Sessions.MaxLifetime = time.Second },
		"sessions.idle_timeout":           func(s *settings.Settings) { s.Sessions.IdleTimeout = time.Second },
		"sessions.token_lifetime":         func(s *settings.Settings) { s.Sessions.TokenLifetime = time.Hour },
		"codes.lifetime":                  func(s *settings.Settings) { s.Codes.Lifetime = time.Hour },
		"codes.tries":                     func(s *settings.Settings) { s.Codes.Tries = 11 },
		"codes.resend_after":              func(s *settings.Settings) { s.Codes.ResendAfter = -1 },
		"organizations.enabled":           func(s *settings.Settings) { s.Organizations.Teams = true },
		"organizations.max_memberships":   func(s *settings.Settings) { s.Organizations.MaxMemberships = -1 },
		"organizations.create_limit":      func(s *settings.Settings) { s.Organizations.CreateLimit = -1 },
		"organizations.enrollment_modes":  func(s *settings.Settings) { s.Organizations.EnrollmentModes = []string{"manual_invitation"} },
		"limits.mail":                     func(s *settings.Settings) { s.Limits.Mail = settings.Rate{Count: 1} },
		"limits.daily_mails":              func(s *settings.Settings) { s.Limits.DailyMails.PerTarget = -1 },
	} {
		s := settings.Default()
		spoil(&s)
		err := s.Validate()
		e, ok := errors.AsType[*settings.FieldError](err)
		if !ok || e.Field != field || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Settings are changed field by field; Validate names every problem at once.
func ExampleSettings_Validate() {
	s := settings.Default()
	s.Sessions.MaxLifetime = 24 * time.Hour
	s.Password.MinLength = 3
	fmt.Println(s.Validate())
	// Output: settings: password.min_length: must be 8 to 64
}
