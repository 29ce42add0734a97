package settings

import (
	"slices"
	"time"
)

// Protection is what stands against attacks.
type Protection struct {
	// MaskIdentifiers hides most of an address in what strangers see.
	MaskIdentifiers bool `json:"mask_identifiers"`
	// LinkSameClient: a mailed link works only in the browser in which it was
	// asked for. Without it, another device is told what the link does, and asks.
	LinkSameClient bool `json:"link_same_client"`
	// Enumeration is what keeps strangers from finding out who has an account:
	// EnumerationOff, EnumerationBulk or EnumerationStrict. Empty is off.
	Enumeration string `json:"enumeration"`
	// ClientTrust asks for a code besides the password where somebody without a
	// second factor signs in with a browser that the account does not know. It is
	// off unless it is switched on: it needs mail that arrives, each time.
	ClientTrust bool `json:"client_trust"`
	// Lockout closes the guessable ways into an account after wrong tries.
	Lockout Lockout `json:"lockout"`
}

// How strangers are kept from finding out who has an account.
const (
	// EnumerationOff says in plain words whether an identifier has an account.
	EnumerationOff = "off"
	// EnumerationBulk says so as well, but not often to one network.
	EnumerationBulk = "bulk"
	// EnumerationStrict says nothing: a sign-in or sign-up goes the same way,
	// costs the same and answers the same, whether there is an account or not.
	// Ways in that would tell accounts apart (a second address, a passkey by
	// name, a text message for a username) are not listed before a first factor
	// has been shown.
	EnumerationStrict = "strict"
)

// Strict reports whether nobody may find out who has an account.
func (p Protection) Strict() bool { return p.Enumeration == EnumerationStrict }

// Lockout says when wrong tries lock an account. They count in the store, by
// account and by identifier that nobody has, whatever road they come by:
// passwords, codes and backup codes share one count. A lock shuts out
// strangers: a browser in which the user was signed in before has a count of
// its own, and ways in that nobody can guess (passkeys, providers, links) are
// not counted.
type Lockout struct {
	Enabled bool `json:"enabled"`
	// MaxAttempts is how many wrong tries lock: at least 5.
	MaxAttempts int `json:"max_attempts"`
	// Duration is how long a lock lasts; 0 is until somebody unlocks it.
	Duration time.Duration `json:"duration"`
}

func defaultProtection() Protection {
	return Protection{MaskIdentifiers: true, LinkSameClient: true, Lockout: Lockout{Enabled: true, MaxAttempts: 10, Duration: time.Hour}}
}

// validate reports what is wrong through check.
func (p Protection) validate(check func(ok bool, field, problem string, args ...any)) {
	check(slices.Contains([]string{"", EnumerationOff, EnumerationBulk, EnumerationStrict}, p.Enumeration),
		"protection.enumeration", "must be off, bulk or strict")
	l := p.Lockout
	check(!l.Enabled || l.MaxAttempts >= 5 && l.MaxAttempts <= 100, "protection.lockout.max_attempts", "must be 5 to 100")
	check(l.Duration == 0 || l.Duration >= time.Minute && l.Duration <= 365*24*time.Hour,
		"protection.lockout.duration", "must be a minute to a year, or 0 for ever")
}
