package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/user"
)

// identifierNames are what people can call themselves when they sign in.
func identifierNames(s *settings.Settings) []string {
	var out []string
	for _, a := range []struct {
		name string
		on   bool
	}{{"email address", s.EmailAddress.Enabled}, {"phone number", s.PhoneNumber.Enabled}, {"username", s.Username.Enabled}} {
		if a.on {
			out = append(out, a.name)
		}
	}
	return out
}

// anyOf joins names: a, b or c.
func anyOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// identifierLabel is the label of the field for all of them.
func identifierLabel(s *settings.Settings) string {
	label := anyOf(identifierNames(s))
	first, n := utf8.DecodeRuneInString(label)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + label[n:]
}

// identifierMode is the keyboard that a telephone shows for it.
func identifierMode(s *settings.Settings) string {
	switch {
	case s.Username.Enabled:
		return "text"
	case s.EmailAddress.Enabled:
		return "email"
	}
	return "tel"
}

// sayIdentifier words the refusals of an identifier by what it can be.
func (x *exchange) sayIdentifier(err error) error {
	f := fault.From(err)
	names := anyOf(identifierNames(x.settings))
	switch f.Code {
	case "form_param_nil":
		return f.Say("Enter your " + names + ".")
	case "form_identifier_not_found":
		return f.Say("We could not find an account with that " + names + ".")
	}
	return err
}

// same reports whether two texts are one identifier.
func same(a, b string) bool {
	kind, one := user.Classify(a)
	other, two := user.Classify(b)
	return one != "" && kind == other && one == two
}

// target shows an address or number whole only to who has typed it.
func (x *exchange) target(v *engine.SignInView, address string) string {
	if !x.settings.Protection.MaskIdentifiers || same(v.Identifier, address) {
		return address
	}
	return mask(address)
}

// mask leaves the first letter and the domain of an address, and the last two
// digits of a phone number.
func mask(address string) string {
	at := strings.LastIndexByte(address, '@')
	switch {
	case at <= 0 && strings.HasPrefix(address, "+") && len(address) > 4:
		return "•••" + address[len(address)-2:]
	case at <= 0:
		return "•••"
	}
	first := []rune(address[:at])[0]
	return string(first) + "•••" + address[at:]
}

// target is the address or number that was typed, if it can be used, else empty
// for the primary one.
func target(v *engine.SignInView, strategy string) string {
	for _, o := range v.First {
		if o.Strategy == strategy && same(o.Target, v.Identifier) {
			return o.TargetID
		}
	}
	return ""
}
