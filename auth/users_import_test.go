package auth_test

import (
	"errors"
	"testing"

	"github.com/usherauth/usher/auth"
	"github.com/usherauth/usher/auth/authtest"
	"github.com/usherauth/usher/user"
)

// The Go API takes digests along as the Backend API does, and says which field
// is to blame.
func TestUsersBringPasswords(t *testing.T) {
	i := authtest.New(t)
	pw := goodPassword
	for name, c := range map[string]struct {
		p           user.CreateParams
		code, param string
	}{
		"named":          {user.CreateParams{PasswordDigest: "473349de14aee00d7a356cd0c10c3366", PasswordHasher: "md5"}, "", ""},
		"says itself":    {user.CreateParams{PasswordDigest: "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"}, "", ""},
		"says nothing":   {user.CreateParams{PasswordDigest: "473349de14aee00d7a356cd0c10c3366"}, "form_password_digest_invalid_code", "password_hasher"},
		"unknown":        {user.CreateParams{PasswordDigest: "x", PasswordHasher: "rot13"}, "form_password_digest_invalid_code", "password_hasher"},
		"of another":     {user.CreateParams{PasswordDigest: "$2b$04$x", PasswordHasher: "md5"}, "form_password_digest_invalid_code", "password_digest"},
		"both":           {user.CreateParams{PasswordDigest: "473349de14aee00d7a356cd0c10c3366", PasswordHasher: "md5", Password: pw}, "form_conditional_param_disallowed", "password_digest"},
		"hasher alone":   {user.CreateParams{PasswordHasher: "md5", SkipPasswordRequirement: true}, "", ""},
		"costs too much": {user.CreateParams{PasswordDigest: "$2b$31$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"}, "form_password_digest_invalid_code", "password_digest"},
	} {
		c.p.EmailAddresses = []string{"ada@example.com"}
		u, err := i.Users().Create(t.Context(), c.p)
		e, _ := errors.AsType[*auth.Error](err)
		switch {
		case c.code == "" && err != nil, c.code != "" && (e == nil || e.Code != c.code || e.Param != c.param):
			t.Errorf("%s: %v, want %q (%s)", name, err, c.code, c.param)
		}
		if err != nil {
			continue
		}
		if _, err := i.Users().Update(t.Context(), u.ID, user.UpdateParams{Password: &pw, PasswordDigest: "x", PasswordHasher: "md5"}); err == nil {
			t.Errorf("%s: a password and a digest at once", name)
		}
		if _, err := i.Users().Update(t.Context(), u.ID, user.UpdateParams{PasswordDigest: "473349de14aee00d7a356cd0c10c3366", PasswordHasher: "md5"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ok, err := i.Users().CheckPassword(t.Context(), u.ID, pw); !ok || err != nil {
			t.Errorf("%s: after the change: %v %v", name, ok, err)
		}
		if err := i.Users().Delete(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
	}
}
