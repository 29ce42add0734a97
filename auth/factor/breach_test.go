package factor_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

func cheapHasher() *password.Hasher {
	return &password.Hasher{Params: password.Params{Memory: 64, Time: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
}

// Who else knows a password is asked about right ones only, and only where the
// settings say so. A breached one opens nothing.
func TestAttack_C14_BreachedAtSignIn(t *testing.T) {
	const leaked, fine = "correct horse battery 9", "violet-teapot-overture"
	h := cheapHasher()
	for name, c := range map[string]struct {
		plain, typed string
		enforce      bool
		asked        int
		want         string
	}{
		"leaked":          {leaked, leaked, true, 1, "form_password_pwned"},
		"leaked, not now": {leaked, leaked, false, 0, ""},
		"fine":            {fine, fine, true, 1, ""},
		"wrong":           {leaked, leaked + "x", true, 0, "form_password_incorrect"},
		"wrong, leaked":   {fine, leaked, true, 0, "form_password_incorrect"},
	} {
		s := subject(t)
		s.Settings.Password.EnforceBreachesOnSignIn = c.enforce
		hash, err := h.Hash(t.Context(), c.plain)
		if err != nil {
			t.Fatal(err)
		}
		s.Password = &user.Password{Hash: hash}
		asked := 0
		st := factor.Password{Hasher: h, Breached: func(_ context.Context, plain string) bool {
			asked++
			return plain == leaked
		}}
		f, err := st.Verify(t.Context(), factor.Challenge{Subject: s, Now: now}, factor.Proof{Password: c.typed, Account: "one@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := st.Confirm(f, s); err != nil {
			got = fault.From(err).Code
		}
		if got != c.want || asked != c.asked {
			t.Errorf("%s: %q, asked %d times, want %q, %d", name, got, asked, c.want, c.asked)
		}
	}
}

// A digest from elsewhere may be of a password that cannot be set here. It
// opens, and stays what it is.
func TestForeignPasswordThatCannotBeSet(t *testing.T) {
	h := cheapHasher()
	const plain = "tab\tin it" // no password of ours has control characters
	stored, err := h.Import("md5", "e93de0414937539385be6f531453993f")
	if err != nil {
		t.Fatal(err)
	}
	s := subject(t)
	s.Password = &user.Password{Hash: stored}
	st := factor.Password{Hasher: h}
	f, err := st.Verify(t.Context(), factor.Challenge{Subject: s, Now: now}, factor.Proof{Password: plain, Account: "one@example.com"})
	if err != nil || !f.OK || f.Rehash != "" || st.Confirm(f, s) != nil {
		t.Errorf("%+v %v", f, err)
	}
	// One that bcrypt would cut is judged by nobody.
	if stored, err = h.Import("bcrypt", "$2b$04$1OG9ka4rsOekhR4ZB7FviezG5Cko1SToWK5VsdWgtFW85Jw9jm0I2"); err != nil {
		t.Fatal(err)
	}
	s.Password.Hash = stored
	_, err = st.Verify(t.Context(), factor.Challenge{Subject: s, Now: now}, factor.Proof{Password: strings.Repeat("x", 73), Account: "one@example.com"})
	if !errors.Is(fault.From(err), fault.New("password_too_long_needs_reset", "")) {
		t.Errorf("cut: %v", err)
	}
}
