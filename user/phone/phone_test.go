package phone_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/phone"
)

// However a number is written, it is one; what is more than a number is none.
func TestAttack_C12_OneSpellingOfANumber(t *testing.T) {
	for _, c := range []struct{ in, country, want string }{
		{"+14155552671", "", "+14155552671"}, {"+1 (415) 555-2671", "", "+14155552671"}, {"+1.415.555.2671", "", "+14155552671"},
		{"(415) 555-2671", "US", "+14155552671"}, {"1 415 555 2671", "US", "+14155552671"}, {"415/555/2671", "CA", "+14155552671"},
		{" +1 415 555 2671 ", "DE", "+14155552671"}, {"+1 415\u00a0555\u20092671", "", "+14155552671"}, {"+1\u2011415\u2013555\u20142671", "", "+14155552671"},
		{"\u202a+1 415 555 2671\u202c", "", "+14155552671"}, {"+1 415\u200b555\u200d2671", "", "+14155552671"}, {"\ufeff+14155552671", "", "+14155552671"},
		{"＋１４１５５５５２６７１", "", "+14155552671"}, {"+١٤١٥٥٥٥٢٦٧١", "", "+14155552671"}, {"+१४१५५५५२६७१", "", "+14155552671"},
		{"030 901820", "DE", "+4930901820"}, {"+49 (0)30 901820", "", "+4930901820"}, {"+4930901820", "US", "+4930901820"},
		{"0039 06 6982", "DE", "+39066982"}, {"011 49 30 901820", "US", "+4930901820"},
		// Kept for films and tests.
		{"+1 415 555 0100", "", "+14155550100"}, {"+15555550142", "", "+15555550142"}, {"(212) 555-0199", "US", "+12125550199"},
		// None of these is a number.
		{"", "", ""}, {"+", "", ""}, {"4155552671", "", ""}, {"4155552671", "XX", ""}, {"+1415555267", "", ""}, {"+141555526711", "", ""},
		{"+1 800 FLOWERS", "", ""}, {"+1 415 555 2671 ext 3", "", ""}, {"+14155552671;ext=3", "", ""}, {"+14155552671x3", "", ""},
		{"tel:+14155552671", "", ""}, {"+1+4155552671", "", ""}, {"++14155552671", "", ""}, {"+14155552671\x00", "", ""}, {"+14155552671\n+1", "", ""},
		{"+99912345678", "", ""}, {"+0014155552671", "", ""}, {"911", "US", ""}, {"+1 015 555 2671", "", ""}, {"+1415555267\xff", "", ""}, {"+15555550200", "", ""},
		{"ada@example.com", "US", ""}, {"adalovelace", "US", ""}, {"+1415555267O", "", ""},
	} {
		got, err := phone.Parser{}.ParsePhone(c.in, c.country)
		if got.E164 != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q in %q: %+v %v, want %q", c.in, c.country, got, err, c.want)
		}
		if err != nil && !errors.Is(err, user.ErrInvalidPhoneNumber) {
			t.Errorf("%q: %v", c.in, err)
		}
		if again, _ := (phone.Parser{}).ParsePhone(got.E164, ""); err == nil && again != got {
			t.Errorf("%q is not canonical: %+v", got.E164, again)
		}
		if err == nil && user.CanonicalPhone(got.E164) != got.E164 {
			t.Errorf("%q is another one to package user", got.E164)
		}
	}
}

func TestCountryAndPrefix(t *testing.T) {
	for in, want := range map[string]user.Phone{
		"+14155552671": {E164: "+14155552671", Country: "US", Prefix: "+1415555"}, "+16045552671": {E164: "+16045552671", Country: "CA", Prefix: "+1604555"},
		"+442079460958": {E164: "+442079460958", Country: "GB", Prefix: "+44207946"}, "+18765551234": {E164: "+18765551234", Country: "JM", Prefix: "+1876555"},
		"+15555550100": {E164: "+15555550100", Country: "US", Prefix: "+1555555"}, "+870773111632": {E164: "+870773111632", Country: "", Prefix: "+87077311"},
	} {
		if got, err := (phone.Parser{}).ParsePhone(in, ""); err != nil || got != want {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
}

func TestFictitious(t *testing.T) {
	for in, want := range map[string]bool{"+14155550100": true, "+14155550199": true, "+15555550150": true, "+14155550200": false,
		"+14155550099": false, "+1415555010": false, "+141555501000": false, "+44155550100": false, "": false} {
		if phone.Fictitious(in) != want {
			t.Errorf("%s", in)
		}
	}
}

// W19: a megabyte of anything costs less than 50 ms. The test fails at ten
// times that, since the machine may be busy.
func TestAttack_W19_LongNumbers(t *testing.T) {
	for _, in := range []string{strings.Repeat("1", 1<<20), "+1" + strings.Repeat(" ", 1<<20), strings.Repeat("\u0661", 1<<19), strings.Repeat("+", 1<<20), strings.Repeat("\uFDFA", 60)} {
		start := time.Now()
		if _, err := (phone.Parser{}).ParsePhone(in, "US"); err == nil {
			t.Errorf("%.10q is a number", in)
		}
		if took := time.Since(start); took > 500*time.Millisecond {
			t.Errorf("%.10q takes %s", in, took)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"+14155552671", "030 901820", "+١٤١٥", "+1 (", "\xff"} {
		f.Add(s, "DE")
	}
	f.Fuzz(func(t *testing.T, s, country string) {
		n, err := phone.Parser{}.ParsePhone(s, country)
		if err != nil {
			return
		}
		if again, err := (phone.Parser{}).ParsePhone(n.E164, ""); err != nil || again != n {
			t.Fatalf("%q gives %+v, which gives %+v (%v)", s, n, again, err)
		}
		if strings.Trim(n.E164[1:], "0123456789") != "" || n.E164[0] != '+' || len(n.E164) > 16 || !strings.HasPrefix(n.E164, n.Prefix) {
			t.Fatalf("%q gives %+v", s, n)
		}
	})
}

func ExampleParser() {
	n, err := phone.Parser{}.ParsePhone("(415) 555-2671", "US")
	fmt.Println(n.E164, n.Country, n.Prefix, err)
	_, err = phone.Parser{}.ParsePhone("+1 800 FLOWERS", "")
	fmt.Println(err)
	// Output:
	// +14155552671 US +1415555 <nil>
	// user: not a phone number
}
