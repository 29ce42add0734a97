// Package settings is the one record that decides what an instance of usher
// offers: attributes, strategies, sign-up mode, lifetimes, protection. The
// host gives it in code; it can be changed while running, and every instance
// sees the change within a second.
//
//	s := settings.Default()
//	s.Sessions.MaxLifetime = 24 * time.Hour
//	if err := s.Validate(); err != nil {
//		log.Fatal(err) // names every field that is wrong
//	}
//
// Settings hold no secrets and nothing that belongs to the process: addresses,
// keys and senders are in auth.Config.
package settings

import (
	"time"
)

// Settings decide what an instance offers. Begin with [Default].
type Settings struct {
	// AppName is shown on pages and in mails.
	AppName string `json:"app_name"`

	EmailAddress Attribute `json:"email_address"`
	PhoneNumber  Attribute `json:"phone_number"`
	Username     Attribute `json:"username"`
	FirstName    Attribute `json:"first_name"`
	LastName     Attribute `json:"last_name"`
	Password     Password  `json:"password"`

	// Phones and Usernames are the rules of two of these attributes.
	Phones    Phones    `json:"phones"`
	Usernames Usernames `json:"usernames"`

	// Social is about accounts at other services.
	Social Social `json:"social"`
	// SecondFactors and Passkeys are further ways to show who one is.
	SecondFactors SecondFactors `json:"second_factors"`
	Passkeys      Passkeys      `json:"passkeys"`

	SignUp   SignUp   `json:"sign_up"`
	SignIn   SignIn   `json:"sign_in"`
	Sessions Sessions `json:"sessions"`
	Codes    Codes    `json:"codes"`
	Limits   Limits   `json:"limits"`
	// Reverification is the step-up before sensitive acts.
	Reverification Reverification `json:"reverification"`
	// Mails are the notices that are sent.
	Mails Mails `json:"mails"`

	// Access, Captcha and Legal are what a sign-up meets.
	Access  Access  `json:"access"`
	Captcha Captcha `json:"captcha"`
	Legal   Legal   `json:"legal"`
	// TestMode gives addresses with +clerk_test and the numbers +1 XXX 555 0100
	// to 0199 the code 424242, and sends them nothing. It is refused unless the
	// instance is on a loopback URL.
	TestMode bool `json:"test_mode"`

	// DeleteSelf lets users delete their own accounts.
	DeleteSelf bool `json:"delete_self"`
	// Organizations is what is offered of organizations.
	Organizations Organizations `json:"organizations"`
	// Protection is what stands against attacks.
	Protection Protection `json:"protection"`
}

// An Attribute is something that a user can have.
type Attribute struct {
	// Enabled: users can have it.
	Enabled bool `json:"enabled"`
	// Required: nobody completes a sign-up without it.
	Required bool `json:"required"`
	// Strategies are how it can be used as a first factor, such as email_code.
	Strategies []string `json:"strategies"`
	// Verifications are how it is verified, such as email_code.
	Verifications []string `json:"verifications"`
	// VerifyAtSignUp: a sign-up is not complete before it is verified.
	VerifyAtSignUp bool `json:"verify_at_sign_up"`
}

// Password says whether there are passwords and what they must be like.
type Password struct {
	Enabled  bool `json:"enabled"`
	Required bool `json:"required"`
	// MinLength and MaxLength count code points.
	MinLength int `json:"min_length"`
	MaxLength int `json:"max_length"`
	// Composition rules. NIST SP 800-63B-4 says to leave them off.
	RequireUppercase   bool `json:"require_uppercase"`
	RequireLowercase   bool `json:"require_lowercase"`
	RequireNumbers     bool `json:"require_numbers"`
	RequireSpecialChar bool `json:"require_special_char"`
	// MinStrength is the lowest zxcvbn score accepted, 0 to 4; 0 accepts all.
	MinStrength int `json:"min_strength"`
	// CheckBreaches asks the breach checker of auth.Config, if there is one,
	// when a password is set.
	CheckBreaches bool `json:"check_breaches"`
	// EnforceBreachesOnSignIn refuses a right password that is among the common
	// ones, or known to the breach checker of auth.Config, if there is one: the
	// person has to set another, by a code.
	EnforceBreachesOnSignIn bool `json:"enforce_breaches_on_sign_in"`
}

// SignUp modes.
const (
	Public     = "public"     // anybody can sign up
	Restricted = "restricted" // nobody can, but by invitation
	Waitlist   = "waitlist"   // as restricted, and people can ask for an invitation
)

// SignUp says who can sign up.
type SignUp struct {
	Mode string `json:"mode"`
	// AbandonAfter is how long an untouched attempt lives.
	AbandonAfter time.Duration `json:"abandon_after"`
}

// SignIn says how people sign in.
type SignIn struct {
	// PreferredStrategy is offered first: password or otp.
	PreferredStrategy string `json:"preferred_strategy"`
	// SecondFactorRequired: no sign-in is complete without a second factor.
	SecondFactorRequired bool `json:"second_factor_required"`
	// OrSignUp makes usher's own sign-in page one for both: a code goes to the
	// address or number that is typed there whether or not somebody has it, and
	// whoever types it back and has no account can make one. It has no effect
	// where sign-ups are not public.
	OrSignUp bool `json:"or_sign_up,omitempty"`
	// AbandonAfter is how long an attempt lives.
	AbandonAfter time.Duration `json:"abandon_after"`
}

// Sessions says how long sessions live and how many a browser holds.
type Sessions struct {
	// MaxLifetime ends a session whatever happens; 0 is never.
	MaxLifetime time.Duration `json:"max_lifetime"`
	// IdleTimeout ends a session that is not used; 0 is never.
	IdleTimeout time.Duration `json:"idle_timeout"`
	// TokenLifetime is how long a session token is good for.
	TokenLifetime time.Duration `json:"token_lifetime"`
	// Multi lets several accounts be signed in in one browser.
	Multi bool `json:"multi"`
}

// Codes says how one-time codes behave. They have six digits.
type Codes struct {
	// Lifetime is how long a code is good for: at most ten minutes.
	Lifetime time.Duration `json:"lifetime"`
	// Tries is how many wrong codes end a verification.
	Tries int `json:"tries"`
	// ResendAfter is how long to wait before another code is sent.
	ResendAfter time.Duration `json:"resend_after"`
}

// A Rate is so many requests in so much time; the zero Rate is no limit.
type Rate struct {
	Count int           `json:"count"`
	Per   time.Duration `json:"per"`
}

// Limits are rates by client address (for IPv6 by /64), but for the account
// ones, which count tries on one account from anywhere.
type Limits struct {
	CreateSignIn  Rate `json:"create_sign_in"`
	CreateSignUp  Rate `json:"create_sign_up"`
	AttemptSignIn Rate `json:"attempt_sign_in"`
	AttemptSignUp Rate `json:"attempt_sign_up"`
	// CreateClient is how many browsers become known before anybody signs in
	// there, and, counted apart, how many handshakes leave a nonce: requests
	// that cost a stranger nothing and the store a record. People behind one
	// address share it.
	CreateClient Rate `json:"create_client"`
	// AttemptAccount is how many tries strangers have on one account, and, apart
	// from theirs, its owner in a browser that has signed in before.
	AttemptAccount Rate `json:"attempt_account"`
	// AttemptCode is how many codes are tried on one account, by strangers and,
	// counted apart, by its owner; or for one address that is nobody's yet.
	AttemptCode Rate `json:"attempt_code"`
	// NetworkFailures is how many wrong tries of strangers one network has (the
	// /24 of an IPv4 address, the /56 of an IPv6 one), whatever the accounts; a
	// /48 has four times as many.
	NetworkFailures Rate `json:"network_failures"`
	// NetworkLookups is how many identifiers one network may ask about where the
	// answer tells whether there is an account, with EnumerationBulk.
	NetworkLookups Rate `json:"network_lookups"`
	// PasswordFailures is how many accounts one wrong password may be tried on,
	// from anywhere.
	PasswordFailures Rate `json:"password_failures"`
	// InstanceFailures is how many wrong tries of strangers there may be in all
	// before each must show to be a person, if auth.Config has a Captcha.
	InstanceFailures Rate `json:"instance_failures"`
	// Mail is how many mails one address is sent.
	Mail Rate `json:"mail"`
	// DailyMails caps the mails of a day, against people who bomb a mailbox.
	DailyMails MailCaps `json:"daily_mails"`
}

// Default returns the settings of an instance that its host said nothing
// about: e-mail address and password, verified by a code; sessions of seven
// days; tokens of a minute.
func Default() Settings {
	return Settings{
		AppName: "My Application",
		EmailAddress: Attribute{Enabled: true, Required: true, VerifyAtSignUp: true,
			Strategies: []string{"email_code"}, Verifications: []string{"email_code"}},
		Phones:    defaultPhones(),
		Usernames: defaultUsernames(),
		FirstName: Attribute{Enabled: true},
		LastName:  Attribute{Enabled: true},
		Password:  Password{Enabled: true, Required: true, MinLength: 8, MaxLength: 256},
		SignUp:    SignUp{Mode: Public, AbandonAfter: 24 * time.Hour},
		SignIn:    SignIn{PreferredStrategy: "password", AbandonAfter: 24 * time.Hour},
		Sessions:  Sessions{MaxLifetime: 7 * 24 * time.Hour, TokenLifetime: time.Minute},
		Codes:     Codes{Lifetime: 10 * time.Minute, Tries: 5, ResendAfter: 30 * time.Second},
		Limits: Limits{
			CreateSignIn: Rate{5, 10 * time.Second}, CreateSignUp: Rate{5, 10 * time.Second},
			AttemptSignIn: Rate{3, 10 * time.Second}, AttemptSignUp: Rate{3, 10 * time.Second},
			CreateClient:   Rate{30, time.Minute},
			AttemptAccount: Rate{20, 10 * time.Minute}, AttemptCode: Rate{50, 24 * time.Hour}, Mail: Rate{20, time.Hour},
			NetworkFailures: Rate{100, 10 * time.Minute}, NetworkLookups: Rate{60, time.Hour}, PasswordFailures: Rate{30, time.Hour}, InstanceFailures: Rate{1000, 10 * time.Minute},
			DailyMails: defaultMailCaps(),
		},
		Mails:          AllMails(),
		Reverification: Reverification{Enabled: true},
		Access:         Access{DisabledOnSignIn: true},
		DeleteSelf:     true,
		Protection:     defaultProtection(),
		Organizations:  DefaultOrganizations(),

		SecondFactors: SecondFactors{TOTP: true, BackupCodes: true},
		Passkeys:      Passkeys{AllowAutofill: true, ShowSignInButton: true, SatisfiesSecondFactor: true},
	}
}
