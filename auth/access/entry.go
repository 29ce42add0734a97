package access

import (
	"errors"
	"strings"

	"github.com/usherauth/usher/user"
)

// A Type is what kind of identifier an entry of a list speaks of.
type Type string

// The types of identifiers that lists know.
const (
	EmailAddress Type = "email_address"
	PhoneNumber  Type = "phone_number"
)

// ErrEntry: the text is nothing that a list can hold.
var ErrEntry = errors.New("access: neither an e-mail address, *@domain, *@*.domain, nor an international phone number")

// A ParsedEntry is an entry of a list in its one spelling.
type ParsedEntry struct {
	Type Type
	// Identifier is the entry as it is shown: an address, a number, *@domain for
	// every address there, or *@*.domain for every address below it, at any
	// depth but not at the domain itself.
	Identifier string
	// Key is what the list is asked for. It differs from Identifier where two
	// spellings reach one mailbox.
	Key string
}

// ParseEntry reads an entry of a list.
func ParseEntry(text string) (ParsedEntry, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "+") {
		number := user.CanonicalPhone(text)
		if number == "" {
			return ParsedEntry{}, ErrEntry
		}
		return ParsedEntry{Type: PhoneNumber, Identifier: number, Key: number}, nil
	}
	for _, wild := range []string{"*@*.", "*@"} {
		if domain, ok := strings.CutPrefix(text, wild); ok {
			address, err := user.CanonicalEmail("x@" + domain)
			if err != nil || strings.Contains(domain, "@") {
				return ParsedEntry{}, ErrEntry
			}
			e := wild + strings.TrimPrefix(address, "x@")
			return ParsedEntry{Type: EmailAddress, Identifier: e, Key: e}, nil
		}
	}
	address, err := user.CanonicalEmail(text)
	if err != nil || strings.HasPrefix(address, "*@") {
		return ParsedEntry{}, ErrEntry
	}
	return ParsedEntry{Type: EmailAddress, Identifier: address, Key: mailbox(address)}, nil
}

// ListKeys lists the keys of all entries that an identifier matches: its own,
// the one of the address below its tag, and the wildcards. What is no
// identifier of the type has none.
//
// An entry without a tag stands for the sub-addresses of its mailbox too, one
// with a tag for itself alone.
func ListKeys(t Type, identifier string) []string {
	if t == PhoneNumber {
		if number := user.CanonicalPhone(identifier); number != "" {
			return []string{number}
		}
		return nil
	}
	address, err := user.CanonicalEmail(identifier)
	if err != nil {
		return nil
	}
	keys := []string{mailbox(address)}
	if base := base(address); base != keys[0] {
		keys = append(keys, base)
	}
	_, domain := split(address)
	keys = append(keys, "*@"+domain)
	for parent := range parents(domain) {
		keys = append(keys, "*@*."+parent)
	}
	return keys
}

// parents yields the domains above one: example.com and com for
// mail.example.com.
func parents(domain string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, parent, ok := strings.Cut(domain, ".")
			if !ok || !yield(parent) {
				return
			}
			domain = parent
		}
	}
}

func split(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	return address[:at], address[at+1:]
}
