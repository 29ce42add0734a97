package fapi_test

import (
	"testing"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/user"
)

// People keep one way to sign in, whatever they take off their account, and
// what accounts must have here.
func TestTheLastWayInStays(t *testing.T) {
	const last = "identification_deletion_failed"
	for name, c := range map[string]struct {
		has   engine.CreateUserParams
		setup func(*setup)
		try   func(b *browser, me *answer) *answer
		code  string
	}{
		"address beside a username": {engine.CreateUserParams{EmailAddresses: []string{ada}, Username: "ada_l"}, nil,
			func(b *browser, me *answer) *answer {
				return b.delete("/v1/me/email_addresses/" + me.str("response.email_addresses.0.id"))
			}, last},
		"number beside a username": {engine.CreateUserParams{PhoneNumbers: []string{adasPhone}, Username: "ada_l"}, nil,
			func(b *browser, me *answer) *answer {
				return b.delete("/v1/me/phone_numbers/" + me.str("response.phone_numbers.0.id"))
			}, last},
		"number as a second factor": {engine.CreateUserParams{PhoneNumbers: []string{adasPhone}}, nil,
			func(b *browser, me *answer) *answer {
				return b.patch("/v1/me/phone_numbers/"+me.str("response.phone_numbers.0.id"), "reserved_for_second_factor", "true")
			}, last},
		"password of a username": {engine.CreateUserParams{Username: "ada_l", Password: good}, nil,
			func(b *browser, _ *answer) *answer {
				return b.post("/v1/me/remove_password", "current_password", good)
			}, last},
		"password beside an address": {engine.CreateUserParams{EmailAddresses: []string{ada}, Password: good}, nil,
			func(b *browser, _ *answer) *answer {
				return b.post("/v1/me/remove_password", "current_password", good)
			}, ""},
		"address that is required": {engine.CreateUserParams{EmailAddresses: []string{ada}, Username: "ada_l", Password: good},
			func(c *setup) { c.settings.EmailAddress.Required = true },
			func(b *browser, me *answer) *answer {
				return b.delete("/v1/me/email_addresses/" + me.str("response.email_addresses.0.id"))
			}, "last_required_identification_deletion_failed"},
		"address that is not": {engine.CreateUserParams{EmailAddresses: []string{ada}, Username: "ada_l", Password: good}, nil,
			func(b *browser, me *answer) *answer {
				return b.delete("/v1/me/email_addresses/" + me.str("response.email_addresses.0.id"))
			}, ""},
		"number that is required, beside one that nobody has shown": {engine.CreateUserParams{PhoneNumbers: []string{adasPhone}, Username: "ada_l", Password: good},
			func(c *setup) { c.settings.PhoneNumber.Required = true },
			func(b *browser, me *answer) *answer {
				b.post("/v1/me/phone_numbers", "phone_number", bobsPhone).ok()
				return b.delete("/v1/me/phone_numbers/" + me.str("response.phone_numbers.0.id"))
			}, "last_required_identification_deletion_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			changes := []func(*setup){phones}
			if c.setup != nil {
				changes = append(changes, c.setup)
			}
			r := newRig(t, changes...)
			u, err := r.e.Users().Create(t.Context(), c.has)
			if err != nil {
				t.Fatal(err)
			}
			_, wire := r.signInToken(u.ID)
			b := r.browser()
			b.post("/v1/client/sign_ins", "strategy", "ticket", "ticket", wire).ok().is("response.status", "complete")
			a := c.try(b, b.get("/v1/me").ok())
			if c.code == "" {
				a.ok()
				return
			}
			a.refused(400, c.code)
			after, err := r.e.Users().Get(t.Context(), u.ID)
			if err != nil || after.PasswordEnabled != u.PasswordEnabled || after.TwoFactorEnabled() || !same(after.EmailAddresses, u.EmailAddresses) || !same(after.PhoneNumbers[:len(u.PhoneNumbers)], u.PhoneNumbers) {
				t.Errorf("something is gone nevertheless: %+v %v", after, err)
			}
		})
	}
}

func same(a, b []user.Identification) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].SecondFactor != b[i].SecondFactor {
			return false
		}
	}
	return true
}
