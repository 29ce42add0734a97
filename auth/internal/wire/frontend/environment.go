package frontend

import (
	"slices"
	"time"

	"github.com/usherauth/usher/auth/captcha"
	"github.com/usherauth/usher/auth/internal/wire"
	"github.com/usherauth/usher/auth/oauth"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
	"github.com/usherauth/usher/organization"
)

// Paths are where the pages of an application are that clients link to.
type Paths struct {
	Home, SignIn, SignUp, User, Organization, CreateOrganization, Waitlist, Consent string
}

// Environment is what an instance offers. It is derived from the settings and
// holds nothing else.
type Environment struct {
	AuthConfig           AuthConfig           `json:"auth_config"`
	DisplayConfig        DisplayConfig        `json:"display_config"`
	UserSettings         UserSettings         `json:"user_settings"`
	OrganizationSettings OrganizationSettings `json:"organization_settings"`
	FraudSettings        FraudSettings        `json:"fraud_settings"`
	CommerceSettings     CommerceSettings     `json:"commerce_settings"`
	APIKeysSettings      APIKeysSettings      `json:"api_keys_settings"`
	ClientDebugMode      bool                 `json:"client_debug_mode"`
	PartitionedCookies   bool                 `json:"partitioned_cookies"`
	MaintenanceMode      bool                 `json:"maintenance_mode"`
}

// AuthConfig is the older half of UserSettings, with how many sessions a
// browser holds.
type AuthConfig struct {
	Object                             string         `json:"object"`
	ID                                 string         `json:"id"`
	FirstName                          string         `json:"first_name"` // on, off or required, as the next five
	LastName                           string         `json:"last_name"`
	EmailAddress                       string         `json:"email_address"`
	PhoneNumber                        string         `json:"phone_number"`
	Username                           string         `json:"username"`
	Password                           string         `json:"password"`
	IdentificationRequirements         [][]string     `json:"identification_requirements"`
	IdentificationStrategies           []string       `json:"identification_strategies"`
	FirstFactors                       []string       `json:"first_factors"`
	SecondFactors                      []string       `json:"second_factors"`
	EmailAddressVerificationStrategies []string       `json:"email_address_verification_strategies"`
	SingleSessionMode                  bool           `json:"single_session_mode"`
	EnhancedEmailDeliverability        bool           `json:"enhanced_email_deliverability"`
	TestMode                           bool           `json:"test_mode"`
	URLBasedSessionSyncing             bool           `json:"url_based_session_syncing"`
	ClaimedAt                          *int64         `json:"claimed_at"`
	Reverification                     bool           `json:"reverification"`
	NativeSettings                     NativeSettings `json:"native_settings"`
}

// NativeSettings say what apps that are no browsers may do: nothing.
type NativeSettings struct {
	Object            string `json:"object"`
	APIEnabled        bool   `json:"api_enabled"`
	TrustedDevice     bool   `json:"trusted_device_sign_in_enabled"`
	PromptAfterSignIn bool   `json:"trusted_device_enrollment_prompt_after_sign_in_enabled"`
	PromptAfterSignUp bool   `json:"trusted_device_enrollment_prompt_after_sign_up_enabled"`
}

// DisplayConfig is names, looks and where pages are.
type DisplayConfig struct {
	Object                     string   `json:"object"`
	ID                         string   `json:"id"`
	InstanceEnvironmentType    string   `json:"instance_environment_type"`
	ApplicationName            string   `json:"application_name"`
	Theme                      struct{} `json:"theme"`
	PreferredSignInStrategy    string   `json:"preferred_sign_in_strategy"`
	LogoImageURL               string   `json:"logo_image_url"`
	FaviconImageURL            string   `json:"favicon_image_url"`
	HomeURL                    string   `json:"home_url"`
	SignInURL                  string   `json:"sign_in_url"`
	SignUpURL                  string   `json:"sign_up_url"`
	UserProfileURL             string   `json:"user_profile_url"`
	WaitlistURL                string   `json:"waitlist_url"`
	OAuthConsentURL            string   `json:"oauth_consent_url"`
	AfterSignInURL             string   `json:"after_sign_in_url"`
	AfterSignUpURL             string   `json:"after_sign_up_url"`
	AfterSignOutOneURL         string   `json:"after_sign_out_one_url"`
	AfterSignOutAllURL         string   `json:"after_sign_out_all_url"`
	AfterSwitchSessionURL      string   `json:"after_switch_session_url"`
	AfterJoinWaitlistURL       string   `json:"after_join_waitlist_url"`
	OrganizationProfileURL     string   `json:"organization_profile_url"`
	CreateOrganizationURL      string   `json:"create_organization_url"`
	AfterLeaveOrganizationURL  string   `json:"after_leave_organization_url"`
	AfterCreateOrganizationURL string   `json:"after_create_organization_url"`
	LogoLinkURL                string   `json:"logo_link_url"`
	SupportEmail               *string  `json:"support_email"`
	Branded                    bool     `json:"branded"`
	ExperimentalForceOAuth     bool     `json:"experimental_force_oauth_first"`
	ClerkJSVersion             *string  `json:"clerk_js_version"`
	ShowDevmodeWarning         bool     `json:"show_devmode_warning"`
	GoogleOneTapClientID       *string  `json:"google_one_tap_client_id"`
	HelpURL                    *string  `json:"help_url"`
	PrivacyPolicyURL           *string  `json:"privacy_policy_url"`
	TermsURL                   *string  `json:"terms_url"`
	LogoURL                    *string  `json:"logo_url"`
	FaviconURL                 *string  `json:"favicon_url"`
	LogoImage                  *string  `json:"logo_image"`
	FaviconImage               *string  `json:"favicon_image"`
	CaptchaPublicKey           *string  `json:"captcha_public_key"`
	CaptchaWidgetType          *string  `json:"captcha_widget_type"`
	CaptchaPublicKeyInvisible  *string  `json:"captcha_public_key_invisible"`
	CaptchaProvider            *string  `json:"captcha_provider"`
	CaptchaOAuthBypass         []string `json:"captcha_oauth_bypass"`
}

// UserSettings say what users can have and how they sign up and in.
type UserSettings struct {
	Attributes       map[string]Attribute `json:"attributes"`
	Social           map[string]Social    `json:"social"`
	SAML             Switch               `json:"saml"`
	EnterpriseSSO    Switch               `json:"enterprise_sso"`
	SignIn           SignInSettings       `json:"sign_in"`
	SignUp           SignUpSettings       `json:"sign_up"`
	Restrictions     map[string]Switch    `json:"restrictions"`
	PasswordSettings PasswordSettings     `json:"password_settings"`
	UsernameSettings UsernameSettings     `json:"username_settings"`
	Actions          Actions              `json:"actions"`
	AttackProtection AttackProtection     `json:"attack_protection"`
	PasskeySettings  PasskeySettings      `json:"passkey_settings"`
}

// Social is a provider that people can sign in with, by the strategy's name.
type Social struct {
	Enabled                bool    `json:"enabled"`
	Required               bool    `json:"required"`
	Authenticatable        bool    `json:"authenticatable"`
	BlockEmailSubaddresses bool    `json:"block_email_subaddresses"`
	Strategy               string  `json:"strategy"`
	NotSelectable          bool    `json:"not_selectable"`
	Deprecated             bool    `json:"deprecated"`
	Name                   string  `json:"name"`
	LogoURL                *string `json:"logo_url"`
}

// Switch is something that is on or off.
type Switch struct {
	Enabled bool `json:"enabled"`
}

// Attribute is something that a user can have.
type Attribute struct {
	Enabled             bool     `json:"enabled"`
	Required            bool     `json:"required"`
	UsedForFirstFactor  bool     `json:"used_for_first_factor"`
	FirstFactors        []string `json:"first_factors"`
	UsedForSecondFactor bool     `json:"used_for_second_factor"`
	SecondFactors       []string `json:"second_factors"`
	Verifications       []string `json:"verifications"`
	VerifyAtSignUp      bool     `json:"verify_at_sign_up"`
	Immutable           bool     `json:"immutable"`
}

// SignInSettings say what a sign-in asks for.
type SignInSettings struct {
	SecondFactor struct {
		Required bool `json:"required"`
	} `json:"second_factor"`
}

// SignUpSettings say who can sign up and how.
type SignUpSettings struct {
	CaptchaEnabled       bool   `json:"captcha_enabled"`
	CaptchaWidgetType    string `json:"captcha_widget_type"`
	CustomActionRequired bool   `json:"custom_action_required"`
	Progressive          bool   `json:"progressive"`
	Mode                 string `json:"mode"`
	LegalConsentEnabled  bool   `json:"legal_consent_enabled"`
}

// PasswordSettings are the rules for passwords. Lengths count code points.
type PasswordSettings struct {
	DisableHIBP                   bool   `json:"disable_hibp"`
	DisablePasswordReverification bool   `json:"disable_password_reverification"`
	MinLength                     int    `json:"min_length"`
	MaxLength                     int    `json:"max_length"`
	RequireSpecialChar            bool   `json:"require_special_char"`
	RequireNumbers                bool   `json:"require_numbers"`
	RequireUppercase              bool   `json:"require_uppercase"`
	RequireLowercase              bool   `json:"require_lowercase"`
	ShowZxcvbn                    bool   `json:"show_zxcvbn"`
	MinZxcvbnStrength             int    `json:"min_zxcvbn_strength"`
	EnforceHIBPOnSignIn           bool   `json:"enforce_hibp_on_sign_in"`
	AllowedSpecialCharacters      string `json:"allowed_special_characters"`
}

// UsernameSettings are the rules for usernames.
type UsernameSettings struct {
	MinLength                      int  `json:"min_length"`
	MaxLength                      int  `json:"max_length"`
	AllowExtendedSpecialCharacters bool `json:"allow_extended_special_characters"`
	AllowNumericUsernames          bool `json:"allow_numeric_usernames"`
}

// Actions are what users may do themselves.
type Actions struct {
	DeleteSelf               bool  `json:"delete_self"`
	CreateOrganization       bool  `json:"create_organization"`
	CreateOrganizationsLimit *bool `json:"create_organizations_limit"`
}

// AttackProtection is what stands against attacks.
type AttackProtection struct {
	UserLockout struct {
		Enabled           bool `json:"enabled"`
		MaxAttempts       int  `json:"max_attempts"`
		DurationInMinutes int  `json:"duration_in_minutes"`
	} `json:"user_lockout"`
	PII       Switch `json:"pii"`
	EmailLink struct {
		RequireSameClient bool `json:"require_same_client"`
	} `json:"email_link"`
	EnumerationProtection Switch `json:"enumeration_protection"`
}

// PasskeySettings say how passkeys are offered.
type PasskeySettings struct {
	AllowAutofill         bool `json:"allow_autofill"`
	ShowSignInButton      bool `json:"show_sign_in_button"`
	SatisfiesSecondFactor bool `json:"satisfies_second_factor"`
}

// OrganizationSettings say what is offered of organizations. Without them
// clients show no organization at all.
type OrganizationSettings struct {
	Enabled                    bool `json:"enabled"`
	MaxAllowedMemberships      int  `json:"max_allowed_memberships"`
	ForceOrganizationSelection bool `json:"force_organization_selection"`
	Actions                    struct {
		AdminDelete bool `json:"admin_delete"`
	} `json:"actions"`
	Domains struct {
		Enabled         bool     `json:"enabled"`
		EnrollmentModes []string `json:"enrollment_modes"`
		DefaultRole     string   `json:"default_role"`
	} `json:"domains"`
	Slug struct {
		Disabled bool `json:"disabled"`
	} `json:"slug"`
	CreatorRole string `json:"creator_role"`
}

// FraudSettings say what is asked of native apps.
type FraudSettings struct {
	Object string `json:"object"`
	Native struct {
		DeviceAttestationMode string `json:"device_attestation_mode"`
	} `json:"native"`
}

// CommerceSettings say that nothing is sold.
type CommerceSettings struct {
	Billing struct {
		StripePublishableKey *string `json:"stripe_publishable_key"`
		FreeTrialRequires    bool    `json:"free_trial_requires_payment_method"`
		User                 Billing `json:"user"`
		Organization         Billing `json:"organization"`
	} `json:"billing"`
}

// Billing says whether somebody can buy.
type Billing struct {
	Enabled      bool `json:"enabled"`
	HasPaidPlans bool `json:"has_paid_plans"`
}

// APIKeysSettings say who can make API keys.
type APIKeysSettings struct {
	Enabled            bool `json:"enabled"`
	UserAPIKeysEnabled bool `json:"user_api_keys_enabled"`
	OrgsAPIKeysEnabled bool `json:"orgs_api_keys_enabled"`
}

// NewEnvironment is what the settings and the providers offer.
func NewEnvironment(s *settings.Settings, offered []*oauth.Provider, p Paths, c captcha.Public) Environment {
	env := Environment{AuthConfig: authConfig(s), DisplayConfig: displayConfig(s, p), UserSettings: userSettings(s)}
	env.UserSettings.Social = social(offered)
	for _, o := range offered { // whoever comes from there has shown that they are no program
		env.DisplayConfig.CaptchaOAuthBypass = append(env.DisplayConfig.CaptchaOAuthBypass, o.Strategy())
	}
	if s.Captcha.SignUp || s.Captcha.SignIn {
		d := &env.DisplayConfig
		env.UserSettings.SignUp.CaptchaEnabled, env.UserSettings.SignUp.CaptchaWidgetType = true, c.WidgetType
		if c.Provider != captcha.WorkProvider { // which clients have no name for
			d.CaptchaProvider = &c.Provider
		}
		d.CaptchaWidgetType = &c.WidgetType
		d.CaptchaPublicKey, d.CaptchaPublicKeyInvisible = wire.TextOrNull(c.SiteKey), wire.TextOrNull(c.InvisibleSiteKey)
	}
	o, org := s.Organizations, &env.OrganizationSettings
	org.Enabled, org.MaxAllowedMemberships, org.ForceOrganizationSelection = o.Enabled, o.MaxMemberships, o.ForceSelection
	org.Actions.AdminDelete, org.Slug.Disabled, org.Domains.Enabled = o.AdminDelete, !o.Slugs, o.Domains
	org.Domains.EnrollmentModes = append([]string{organization.ManualInvitation}, o.EnrollmentModes...)
	org.Domains.DefaultRole, org.CreatorRole = organization.Member, organization.Admin
	env.FraudSettings.Object, env.FraudSettings.Native.DeviceAttestationMode = "fraud_settings", "disabled"
	return env
}

func social(offered []*oauth.Provider) map[string]Social {
	out := map[string]Social{}
	for _, p := range offered {
		out[p.Strategy()] = Social{Enabled: true, Authenticatable: true, Strategy: p.Strategy(), Name: p.Name, LogoURL: wire.TextOrNull(p.LogoURL)}
	}
	return out
}

func authConfig(s *settings.Settings) AuthConfig {
	c := AuthConfig{Object: "auth_config", ID: "aconf_usher",
		FirstName: mode(s.FirstName.Enabled, s.FirstName.Required), LastName: mode(s.LastName.Enabled, s.LastName.Required),
		EmailAddress: mode(s.EmailAddress.Enabled, s.EmailAddress.Required),
		PhoneNumber:  mode(s.PhoneNumber.Enabled, s.PhoneNumber.Required),
		Username:     mode(s.Username.Enabled, s.Username.Required), Password: mode(s.Password.Enabled, s.Password.Required),
		IdentificationRequirements: [][]string{}, IdentificationStrategies: identifiers(s),
		FirstFactors: list(s.EmailAddress.Strategies), SecondFactors: secondFactors(s),
		EmailAddressVerificationStrategies: list(s.EmailAddress.Verifications),
		TestMode:                           s.TestMode, SingleSessionMode: !s.Sessions.Multi, Reverification: s.Reverification.Enabled, NativeSettings: NativeSettings{Object: "native_settings"}}
	c.FirstFactors = append(c.FirstFactors, s.PhoneNumber.Strategies...)
	if s.Password.Enabled {
		c.FirstFactors = append(c.FirstFactors, "password")
	}
	if s.Passkeys.Enabled {
		c.FirstFactors = append(c.FirstFactors, "passkey")
	}
	for _, a := range []struct {
		name string
		settings.Attribute
	}{{"email_address", s.EmailAddress}, {"phone_number", s.PhoneNumber}, {"username", s.Username}} {
		if a.Required {
			c.IdentificationRequirements = append(c.IdentificationRequirements, []string{a.name})
		}
	}
	if slices.Contains(signup.Required(s), signup.EitherOr) {
		c.IdentificationRequirements = append(c.IdentificationRequirements, []string{"email_address", "phone_number"})
	}
	return c
}

// secondFactors lists the second factors that users can have.
func secondFactors(s *settings.Settings) []string {
	out := []string{}
	if s.SecondFactors.TOTP {
		out = append(out, "totp")
	}
	if s.Phones.SecondFactor {
		out = append(out, "phone_code")
	}
	if s.SecondFactors.BackupCodes {
		out = append(out, "backup_code")
	}
	return out
}

func mode(enabled, required bool) string {
	switch {
	case required:
		return "required"
	case enabled:
		return "on"
	}
	return "off"
}

// list is a copy of l that is never null.
func list(l []string) []string { return append([]string{}, l...) }

func displayConfig(s *settings.Settings, p Paths) DisplayConfig {
	return DisplayConfig{Object: "display_config", ID: "dconf_usher", InstanceEnvironmentType: "production",
		ApplicationName: s.AppName, PreferredSignInStrategy: s.SignIn.PreferredStrategy, HomeURL: p.Home,
		SignInURL: p.SignIn, SignUpURL: p.SignUp, UserProfileURL: p.User, WaitlistURL: p.Waitlist, OAuthConsentURL: p.Consent,
		AfterSignInURL: p.Home, AfterSignUpURL: p.Home, AfterSignOutOneURL: p.Home, AfterSignOutAllURL: p.Home,
		AfterSwitchSessionURL: p.Home, AfterJoinWaitlistURL: p.Home, OrganizationProfileURL: p.Organization,
		CreateOrganizationURL: p.CreateOrganization, AfterLeaveOrganizationURL: p.Home, AfterCreateOrganizationURL: p.Home,
		TermsURL: wire.TextOrNull(s.Legal.TermsURL), PrivacyPolicyURL: wire.TextOrNull(s.Legal.PrivacyURL),
		LogoLinkURL: p.Home, CaptchaOAuthBypass: []string{}}
}

func userSettings(s *settings.Settings) UserSettings {
	u := UserSettings{Attributes: attributes(s),
		SignUp: SignUpSettings{CaptchaWidgetType: "invisible", Progressive: true, Mode: s.SignUp.Mode, LegalConsentEnabled: s.Legal.Consent},
		Restrictions: map[string]Switch{"allowlist": {s.Access.Allowlist}, "blocklist": {s.Access.Blocklist},
			"allowlist_blocklist_disabled_on_sign_in": {s.Access.DisabledOnSignIn},
			"block_email_subaddresses":                {s.Access.BlockSubaddresses}, "block_disposable_email_domains": {s.Access.BlockDisposable}},
		PasswordSettings: passwordSettings(s.Password),
		UsernameSettings: UsernameSettings{MinLength: s.Usernames.MinLength, MaxLength: s.Usernames.MaxLength,
			AllowExtendedSpecialCharacters: s.Usernames.AllowExtendedSpecialCharacters, AllowNumericUsernames: s.Usernames.AllowNumeric},
		Actions: Actions{DeleteSelf: s.DeleteSelf, CreateOrganization: s.Organizations.Enabled && s.Organizations.MembersCreate}}
	u.SignIn.SecondFactor.Required = s.SignIn.SecondFactorRequired
	u.AttackProtection.EnumerationProtection.Enabled = s.Protection.Strict()
	if k := s.Passkeys; k.Enabled {
		u.PasskeySettings = PasskeySettings{AllowAutofill: k.AllowAutofill, ShowSignInButton: k.ShowSignInButton, SatisfiesSecondFactor: k.SatisfiesSecondFactor}
	}
	l := s.Protection.Lockout
	u.AttackProtection.UserLockout.Enabled = l.Enabled
	u.AttackProtection.UserLockout.MaxAttempts = l.MaxAttempts
	u.AttackProtection.UserLockout.DurationInMinutes = int(l.Duration / time.Minute)
	u.AttackProtection.PII.Enabled = s.Protection.MaskIdentifiers
	u.AttackProtection.EmailLink.RequireSameClient = s.Protection.LinkSameClient
	return u
}

func attributes(s *settings.Settings) map[string]Attribute {
	out := map[string]Attribute{"password": attribute(settings.Attribute{Enabled: s.Password.Enabled, Required: s.Password.Required}, false),
		"email_address": attribute(s.EmailAddress, true), "phone_number": phoneAttribute(s),
		"username": attribute(s.Username, true), "first_name": attribute(s.FirstName, false), "last_name": attribute(s.LastName, false)}
	for _, name := range []string{"web3_wallet", "ticket"} {
		out[name] = attribute(settings.Attribute{}, false)
	}
	out["authenticator_app"] = secondFactor(s.SecondFactors.TOTP, "totp")
	out["backup_code"] = secondFactor(s.SecondFactors.BackupCodes, "backup_code")
	passkey := attribute(settings.Attribute{Enabled: s.Passkeys.Enabled}, true)
	if s.Passkeys.Enabled {
		passkey.FirstFactors, passkey.Verifications = []string{"passkey"}, []string{"passkey"}
	}
	out["passkey"] = passkey
	return out
}

// phoneAttribute is what phone numbers are good for, a second factor perhaps.
func phoneAttribute(s *settings.Settings) Attribute {
	a := attribute(s.PhoneNumber, true)
	if s.Phones.SecondFactor {
		a.UsedForSecondFactor, a.SecondFactors = true, []string{"phone_code"}
	}
	return a
}

// secondFactor is an attribute that is good for a second factor and nothing
// else.
func secondFactor(on bool, strategy string) Attribute {
	a := attribute(settings.Attribute{Enabled: on}, false)
	if on {
		a.UsedForSecondFactor, a.SecondFactors, a.Verifications = true, []string{strategy}, []string{strategy}
	}
	return a
}

// attribute is a; an identifier that is enabled is good for signing in, with
// whatever factor.
func attribute(a settings.Attribute, identifier bool) Attribute {
	return Attribute{Enabled: a.Enabled, Required: a.Required, UsedForFirstFactor: identifier && a.Enabled,
		FirstFactors: list(a.Strategies), SecondFactors: []string{}, Verifications: list(a.Verifications), VerifyAtSignUp: a.VerifyAtSignUp}
}

// passwordSettings keep the heavy checks out of browsers where they are off.
func passwordSettings(p settings.Password) PasswordSettings {
	return PasswordSettings{DisableHIBP: !p.CheckBreaches, MinLength: p.MinLength, MaxLength: p.MaxLength,
		RequireSpecialChar: p.RequireSpecialChar, RequireNumbers: p.RequireNumbers, RequireUppercase: p.RequireUppercase,
		RequireLowercase: p.RequireLowercase, ShowZxcvbn: p.MinStrength > 0, MinZxcvbnStrength: p.MinStrength,
		EnforceHIBPOnSignIn: p.EnforceBreachesOnSignIn}
}
