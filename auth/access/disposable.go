package access

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/usherauth/usher/user"
)

//go:embed disposable.txt
var disposableText string

// disposable is the set of known domains, made when it is first asked.
var disposable = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, 9000)
	for line := range strings.Lines(disposableText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			set[line] = true
		}
	}
	return set
})

// Disposable reports whether an address is at one of the well-known providers
// of mailboxes that anybody can read and nobody keeps, or below their domains.
// No list has them all.
func Disposable(address string) bool {
	address, err := user.CanonicalEmail(address)
	if err != nil {
		return false
	}
	_, domain := split(address)
	if disposable()[domain] {
		return true
	}
	for parent := range parents(domain) {
		if disposable()[parent] {
			return true
		}
	}
	return false
}
