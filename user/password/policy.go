package password

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usherauth/usher/user/password/internal/strength"
)

// A Policy says which passwords may be set. It is plain data: it can be a
// setting, be copied and be written as JSON. The zero value is [NIST]: 8 to
// 256 characters, none of the common ones, none that are words of the account
// or the instance, and no rules of composition.
type Policy struct {
	// MinLength and MaxLength in code points. 0: 8 and [DefaultMaxLength].
	// A MaxLength above [Hasher.MaxLength] is of no use.
	MinLength int `json:"min_length,omitempty"`
	MaxLength int `json:"max_length,omitempty"`
	// RequireUpper and the others ask for one character of a kind. NIST SP
	// 800-63B-4 3.1.1.2 says not to: they make passwords worse.
	RequireUpper   bool `json:"require_upper,omitempty"`
	RequireLower   bool `json:"require_lower,omitempty"`
	RequireNumber  bool `json:"require_number,omitempty"`
	RequireSpecial bool `json:"require_special,omitempty"`
	// SpecialCharacters are what RequireSpecial takes. "": the printable
	// ASCII characters that are neither letters nor digits, without space.
	SpecialCharacters string `json:"special_characters,omitempty"`
	// MinStrength is the least strength, 0 to 4, on the scale of zxcvbn: 3 is
	// safe against offline guessing of a slow hash, 10^8 guesses. 0: any.
	MinStrength int `json:"min_strength,omitempty"`
	// AllowCommon lets the common passwords pass.
	AllowCommon bool `json:"allow_common,omitempty"`
}

// NIST is the policy for passwords beside a second factor, after NIST SP
// 800-63B-4: at least 8 characters and not a common one.
func NIST() Policy { return Policy{MinLength: 8, MaxLength: DefaultMaxLength} }

// NISTSingleFactor is the policy for passwords that stand alone, after NIST SP
// 800-63B-4: at least 15 characters and not a common one.
func NISTSingleFactor() Policy { return Policy{MinLength: 15, MaxLength: DefaultMaxLength} }

// Strong asks of every password a strength of 3.
func Strong() Policy { return Policy{MinLength: 8, MaxLength: DefaultMaxLength, MinStrength: 3} }

// Validate reports whether p can be kept by any password at all: all problems
// joined, each [ErrPolicy].
func (p Policy) Validate() error {
	var errs []error
	check := func(ok bool, what string) {
		if !ok {
			errs = append(errs, policyProblem(what))
		}
	}
	q := p.withDefaults()
	check(p.MinLength >= 0 && p.MaxLength >= 0, "lengths cannot be negative")
	check(q.MinLength <= q.MaxLength, "minimum length above the maximum")
	check(q.MaxLength <= MaxBytes, "maximum length above 4096")
	check(p.MinStrength >= 0 && p.MinStrength <= 4, "strength is 0 to 4")
	return errors.Join(errs...)
}

func (p Policy) withDefaults() Policy {
	if p.MinLength == 0 {
		p.MinLength = 8
	}
	if p.MaxLength == 0 {
		p.MaxLength = DefaultMaxLength
	}
	if p.SpecialCharacters == "" {
		p.SpecialCharacters = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	}
	return p
}

// A Checker judges new passwords. The zero value is ready; it is safe for
// concurrent use and must not be copied. It holds the lists of common
// passwords and words, 2 MiB that are unpacked when the first password is
// checked, so a process should have one.
type Checker struct {
	// Now is the clock; recent years and dates are guessed first. nil: time.Now.
	Now func() time.Time

	words strength.Dictionary
}

// Check returns every violation of policy, joined, each a [*PolicyError]; nil
// if there is none. words are what must not be the password or the heart of
// it: the account's identifiers and names, the instance's name and host.
//
// It makes no network call; see [BreachChecker] for that.
func (c *Checker) Check(policy Policy, plain string, words []string) error {
	p := policy.withDefaults()
	text, err := Normalize(plain, p.MaxLength)
	switch {
	case errors.Is(err, ErrTooLarge):
		return &PolicyError{Code: CodeTooLarge, Limit: MaxBytes}
	case errors.Is(err, ErrTooLong):
		return &PolicyError{Code: CodeTooLong, Limit: p.MaxLength}
	case plain == "":
		return &PolicyError{Code: CodeTooShort, Limit: p.MinLength}
	case err != nil:
		return &PolicyError{Code: CodeInvalidText}
	}
	var errs []error
	add := func(bad bool, e PolicyError) {
		if bad {
			errs = append(errs, &e)
		}
	}
	add(utf8.RuneCountInString(text) < p.MinLength, PolicyError{Code: CodeTooShort, Limit: p.MinLength})
	for _, r := range compositionRules {
		add(r.required(p) && strings.IndexFunc(text, r.has(p)) < 0, PolicyError{Code: r.code})
	}
	add(matchesWord(text, words), PolicyError{Code: CodeMatchesIdentifier})
	add(!p.AllowCommon && c.common(text), PolicyError{Code: CodePwned})
	if p.MinStrength > 0 {
		s := c.Strength(text, words)
		add(s.Score < p.MinStrength, PolicyError{
			Code: CodeNotStrongEnough, Limit: p.MinStrength, Warning: s.Warning, Suggestions: s.Suggestions,
		})
	}
	return errors.Join(errs...)
}

var compositionRules = []struct {
	code     string
	required func(Policy) bool
	has      func(Policy) func(rune) bool
}{
	{CodeNoUpper, func(p Policy) bool { return p.RequireUpper }, func(Policy) func(rune) bool { return unicode.IsUpper }},
	{CodeNoLower, func(p Policy) bool { return p.RequireLower }, func(Policy) func(rune) bool { return unicode.IsLower }},
	{CodeNoNumber, func(p Policy) bool { return p.RequireNumber }, func(Policy) func(rune) bool { return unicode.IsDigit }},
	{CodeNoSpecial, func(p Policy) bool { return p.RequireSpecial }, func(p Policy) func(rune) bool {
		return func(r rune) bool { return strings.ContainsRune(p.SpecialCharacters, r) }
	}},
}
