package user_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/usherauth/usher/user"
)

// Whatever could be taken for another name, or for what is no name, is none;
// and names that differ in case alone are one.
func TestAttack_C12_Usernames(t *testing.T) {
	length := error(&user.UsernameLengthError{Min: 4, Max: 64})
	wide := user.UsernameRules{Extended: true, Numeric: true}
	for _, c := range []struct {
		rules user.UsernameRules
		name  string
		want  error
	}{
		{user.UsernameRules{}, "adal", nil}, {user.UsernameRules{}, "Ada_L-1", nil}, {user.UsernameRules{}, "1234a", nil}, {user.UsernameRules{}, strings.Repeat("a", 64), nil},
		{user.UsernameRules{}, "", length}, {user.UsernameRules{}, "ada", length}, {user.UsernameRules{}, strings.Repeat("a", 65), length}, {user.UsernameRules{}, strings.Repeat("a", 1<<20), length},
		{user.UsernameRules{}, "аdal", user.ErrUsernameCharacter}, // Cyrillic
		{user.UsernameRules{}, "ａｄａｌ", user.ErrUsernameCharacter}, {user.UsernameRules{}, "ad al", user.ErrUsernameCharacter}, {user.UsernameRules{}, "adal\x00", user.ErrUsernameCharacter},
		{user.UsernameRules{}, "ada\u200bl", user.ErrUsernameCharacter}, {user.UsernameRules{}, "ada\u202el", user.ErrUsernameCharacter}, {user.UsernameRules{}, "adél", user.ErrUsernameCharacter},
		{user.UsernameRules{}, "ada@l", user.ErrUsernameCharacter}, {user.UsernameRules{}, "ada.l", user.ErrUsernameCharacter}, {user.UsernameRules{}, "adal\xff", user.ErrUsernameCharacter}, {user.UsernameRules{}, " adal", user.ErrUsernameCharacter},
		{user.UsernameRules{}, "123456", user.ErrUsernameDigits}, {user.UsernameRules{}, "1234567", user.ErrUsernamePhoneNumber}, {user.UsernameRules{}, "415-555-2671", user.ErrUsernamePhoneNumber},
		{wide, "ada.l", nil}, {wide, "ada+l", nil}, {wide, "a^$!.`#+~", nil}, {wide, "123456", nil}, {wide, "+ada", user.ErrUsernameCharacter}, {wide, "ada/l", user.ErrUsernameCharacter},
		{wide, "1234567", user.ErrUsernamePhoneNumber}, {wide, "415.555.2671", user.ErrUsernamePhoneNumber}, {wide, "1+4155552671", user.ErrUsernamePhoneNumber},
		{user.UsernameRules{MinLength: 6}, "adalo", &user.UsernameLengthError{Min: 6, Max: 64}}, {user.UsernameRules{MaxLength: 5}, "adalov", &user.UsernameLengthError{Min: 4, Max: 5}},
		{user.UsernameRules{}, "admin", user.ErrUsernameReserved}, {user.UsernameRules{}, "ADMIN", user.ErrUsernameReserved}, {user.UsernameRules{}, "Ad_Min", user.ErrUsernameReserved}, {user.UsernameRules{}, "no-reply", user.ErrUsernameReserved},
		{user.UsernameRules{}, "-root-", user.ErrUsernameReserved}, {user.UsernameRules{}, "admin1", nil}, {user.UsernameRules{Reserved: []string{"Acme-Bot"}}, "acmebot", user.ErrUsernameReserved},
		{user.UsernameRules{ByHost: true}, "support", nil}, {user.UsernameRules{ByHost: true}, "su pport", user.ErrUsernameCharacter},
	} {
		err := c.rules.Check(c.name)
		if want, ok := c.want.(*user.UsernameLengthError); ok {
			if got, ok := errors.AsType[*user.UsernameLengthError](err); !ok || *got != *want {
				t.Errorf("%.20q: %v, want %v", c.name, err, c.want)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%.20q: %v, want %v", c.name, err, c.want)
		}
		if err != nil && !errors.Is(err, user.ErrInvalidUsername) {
			t.Errorf("%.20q: %v is no ErrInvalidUsername", c.name, err)
		}
		if err != nil {
			continue
		}
		if index, value := user.Classify(c.name); index != "username" || value != strings.ToLower(c.name) {
			t.Errorf("%q is found as %s %q", c.name, index, value)
		}
	}
	for _, spelling := range []string{"ADA_L", "Ada_L", "ａｄａ_l", " ada_l ", "ADA＿L"} {
		if got := user.CanonicalUsername(spelling); got != "ada_l" {
			t.Errorf("%q: %q", spelling, got)
		}
	}
}

func ExampleUsernameRules_Check() {
	rules := user.UsernameRules{MinLength: 3, Reserved: []string{"acme"}}
	fmt.Println(rules.Check("ada"))
	fmt.Println(rules.Check("Acme"))
	fmt.Println(rules.Check("+1 415 555 2671"))
	// Output:
	// <nil>
	// user: not a valid username: reserved
	// user: not a valid username: character not allowed
}
