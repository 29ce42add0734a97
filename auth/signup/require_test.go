package signup_test

import (
	"slices"
	"testing"

	"github.com/usherauth/usher/auth/settings"
	"github.com/usherauth/usher/auth/signup"
)

// TestAsked: what a sign-up asks for goes by which of the identifiers are on
// and which are required, and nobody gets in without any.
func TestAsked(t *testing.T) {
	t.Parallel()
	type on map[string]bool // identifier: required
	const email, phone, name, either = "email_address", "phone_number", "username", signup.EitherOr
	for what, c := range map[string]struct {
		on             on
		must, optional []string
	}{
		"address required":              {on{email: true}, []string{email}, nil},
		"address, the only one":         {on{email: false}, []string{email}, nil},
		"number, the only one":          {on{phone: false}, []string{phone}, nil},
		"username, the only one":        {on{name: false}, []string{name}, nil},
		"either":                        {on{email: false, phone: false}, []string{either}, []string{email, phone}},
		"either, and a name":            {on{email: false, phone: false, name: false}, []string{either}, []string{email, phone, name}},
		"a name, and either if they do": {on{email: false, phone: false, name: true}, []string{name}, []string{email, phone}},
		"both":                          {on{email: true, phone: true}, []string{email, phone}, nil},
		"address, a number besides":     {on{email: true, phone: false}, []string{email}, []string{phone}},
		"number, an address besides":    {on{email: false, phone: true}, []string{phone}, []string{email}},
		"address or name":               {on{email: false, name: false}, []string{email}, []string{name}},
		"number or name":                {on{phone: false, name: false}, []string{phone}, []string{name}},
	} {
		t.Run(what, func(t *testing.T) {
			s := settings.Default()
			s.EmailAddress, s.PhoneNumber, s.Username = settings.Attribute{}, settings.Attribute{}, settings.Attribute{}
			for id, required := range c.on {
				a := map[string]*settings.Attribute{email: &s.EmailAddress, phone: &s.PhoneNumber, name: &s.Username}[id]
				a.Enabled, a.Required = true, required
			}
			only := func(all []string) (out []string) {
				for _, f := range all {
					if slices.Contains([]string{email, phone, name, either}, f) {
						out = append(out, f)
					}
				}
				return out
			}
			if got := only(signup.Required(&s)); !slices.Equal(got, c.must) {
				t.Errorf("required %v, want %v", got, c.must)
			}
			if got := only(signup.Optional(&s)); !slices.Equal(got, c.optional) {
				t.Errorf("optional %v, want %v", got, c.optional)
			}
			empty := &signup.Attempt{}
			if got := only(empty.Missing(&s)); !slices.Equal(got, c.must) {
				t.Errorf("missing at first %v, want %v", got, c.must)
			}
			if c.must[0] == either {
				for _, a := range []*signup.Attempt{{EmailAddress: "ada@example.com"}, {PhoneNumber: "+14155552671"}} {
					if got := only(a.Missing(&s)); len(got) > 0 {
						t.Errorf("with one of both: %v", got)
					}
				}
				if got := only((&signup.Attempt{Username: "ada_l"}).Missing(&s)); !slices.Equal(got, []string{either}) {
					t.Errorf("with a name alone: %v", got)
				}
			}
		})
	}
}
