package settings

import "slices"

// Phones says how phone numbers are read, where text messages go and how many.
// Messages cost money and can be read by others on the way (NIST SP 800-63B-4
// calls them restricted), so that they are off by default and offered beside
// something better.
type Phones struct {
	// DefaultCountry is whose national numbers are meant by those that do not
	// begin with +: two letters, as ISO 3166 writes them.
	DefaultCountry string `json:"default_country"`
	// Countries are those whose numbers get messages; "*" is everywhere. Numbers
	// of other countries cannot be added.
	Countries []string `json:"countries"`
	// SecondFactor lets users reserve a number for showing a second factor.
	SecondFactor bool `json:"second_factor"`
	// Daily caps messages, against people who bomb a telephone or earn with
	// messages to numbers of their own. The counts are in the store.
	Daily SMSCaps `json:"daily"`
}

// SMSCaps are how many text messages are sent in a day (UTC); 0 is no limit.
// Half of each, rounded up, can be asked for by strangers; the rest is kept for
// browsers in which the receiver has signed in before, so that nobody else can
// use up what an owner needs.
type SMSCaps struct {
	PerNumber int `json:"per_number"`
	// PerPrefix counts those to a block of ten thousand numbers.
	PerPrefix int `json:"per_prefix"`
	// PerAddress counts those that one client address asks for (for IPv6 by /64).
	PerAddress  int `json:"per_address"`
	PerInstance int `json:"per_instance"`
}

// EverywhereSMS stands in [Phones.Countries] for all countries.
const EverywhereSMS = "*"

// Sends reports whether numbers of a country get messages.
func (p Phones) Sends(country string) bool {
	return slices.Contains(p.Countries, EverywhereSMS) || country != "" && slices.Contains(p.Countries, country)
}

// Usernames says what usernames are like. They are compared without case.
type Usernames struct {
	// MinLength and MaxLength count characters, 1 to 64.
	MinLength int `json:"min_length"`
	MaxLength int `json:"max_length"`
	// AllowExtendedSpecialCharacters lets in ^ $ ! . ` # + ~ beside letters,
	// digits, - and _.
	AllowExtendedSpecialCharacters bool `json:"allow_extended_special_characters"`
	// AllowNumeric lets in names of digits alone.
	AllowNumeric bool `json:"allow_numeric_usernames"`
	// Reserved are names that nobody may take, besides the usual ones.
	Reserved []string `json:"reserved"`
}

// PhoneCodes is the attribute of phone numbers that people sign up and in with,
// by codes in text messages. Unless it has the development inbox, an instance
// needs auth.Config.SMS.
func PhoneCodes() Attribute {
	return Attribute{Enabled: true, VerifyAtSignUp: true, Strategies: []string{"phone_code"}, Verifications: []string{"phone_code"}}
}

func defaultPhones() Phones {
	return Phones{DefaultCountry: "US", Countries: []string{"US", "CA"},
		Daily: SMSCaps{PerNumber: 10, PerPrefix: 50, PerAddress: 30, PerInstance: 5000}}
}

func defaultUsernames() Usernames { return Usernames{MinLength: 4, MaxLength: 64} }

// validate reports what is wrong through check.
func (p Phones) validate(s *Settings, check func(ok bool, field, problem string, args ...any)) {
	check(country(p.DefaultCountry), "phones.default_country", "must be two capital letters, as US")
	for _, c := range p.Countries {
		check(c == EverywhereSMS || country(c), "phones.countries", "%q is neither two capital letters nor *", c)
	}
	check(!s.PhoneNumber.Enabled || len(p.Countries) > 0, "phones.countries", "must name a country, since phone numbers are enabled")
	check(!p.SecondFactor || s.PhoneNumber.Enabled && len(s.PhoneNumber.Verifications) > 0, "phones.second_factor", "needs phone numbers that are verified")
	d := p.Daily
	check(min(d.PerNumber, d.PerPrefix, d.PerAddress, d.PerInstance) >= 0, "phones.daily", "must not be negative")
}

func country(c string) bool {
	return len(c) == 2 && 'A' <= c[0] && c[0] <= 'Z' && 'A' <= c[1] && c[1] <= 'Z'
}

func (u Usernames) validate(check func(ok bool, field, problem string, args ...any)) {
	check(u.MinLength >= 1 && u.MinLength <= u.MaxLength, "usernames.min_length", "must be 1 to max_length")
	check(u.MaxLength <= 64, "usernames.max_length", "must be at most 64")
}
