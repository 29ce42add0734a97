package access

import (
	"strings"

	"github.com/usherauth/usher/user"
)

// Base returns the address whose mailbox also gets the mail of the given one:
// without the tag behind +, = or # (at Yahoo also -), and at Gmail without
// dots. It is the one spelling that accounts of one mailbox share; an address
// that is none gives an empty text.
func Base(address string) string {
	address, err := user.CanonicalEmail(address)
	if err != nil {
		return ""
	}
	return base(address)
}

func base(canonical string) string {
	local, domain := split(mailbox(canonical))
	seps := "+=#"
	if yahoo(domain) {
		seps += "-"
	}
	if i := strings.IndexAny(local, seps); i > 0 { // a tag alone has no mailbox
		local = local[:i]
	}
	return local + "@" + domain
}

// mailbox is the one spelling of a canonical address at providers that know
// several: Gmail ignores dots before the tag and has two names.
func mailbox(canonical string) string {
	local, domain := split(canonical)
	if domain != "gmail.com" && domain != "googlemail.com" {
		return canonical
	}
	end := len(local)
	if i := strings.IndexByte(local, '+'); i >= 0 {
		end = i
	}
	return strings.ReplaceAll(local[:end], ".", "") + local[end:] + "@gmail.com"
}

// yahoo reports the domains at which a hyphen begins a tag.
func yahoo(domain string) bool {
	name, _, _ := strings.Cut(domain, ".")
	return name == "yahoo" || name == "ymail" || name == "rocketmail" || name == "myyahoo"
}
