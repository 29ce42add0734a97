package settings

// Everything returns [Default] with all that needs no account at another
// service switched on, for trying usher out: e-mail links, phone numbers,
// usernames, passkeys, second factors and organizations. A product chooses.
func Everything() Settings {
	s := Default()
	s.EmailAddress.Strategies = []string{"email_code", "email_link"}
	s.PhoneNumber, s.Phones.SecondFactor = PhoneCodes(), true
	s.Username.Enabled = true
	s.Passkeys.Enabled, s.Passkeys.SignUp = true, true
	o := &s.Organizations
	o.Enabled, o.Slugs, o.Domains, o.Teams, o.MaxMemberships = true, true, true, true, 0
	o.EnrollmentModes = []string{"automatic_invitation", "automatic_suggestion"}
	return s
}
