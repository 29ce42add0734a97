package phone

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

var update = flag.Bool("update", false, "make the table of numbering plans anew")

// rows are the numbering plans as libphonenumber's metadata has them.
func rows(t testing.TB) string {
	t.Helper()
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]*phonenumbers.PhoneMetadata{}
	codes := map[int]bool{}
	for _, m := range all.GetMetadata() {
		byKey[m.GetId()+strconv.Itoa(int(m.GetCountryCode()))] = m
		codes[int(m.GetCountryCode())] = true
	}
	var b strings.Builder
	for code := 1; code < 1000; code++ {
		if !codes[code] {
			continue
		}
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			if m := byKey[region+strconv.Itoa(code)]; m != nil {
				b.WriteString(row(m) + "\n")
			}
		}
	}
	return b.String()
}

func row(m *phonenumbers.PhoneMetadata) string {
	g := m.GetGeneralDesc()
	f := []string{m.GetId(), strconv.Itoa(int(m.GetCountryCode())), m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(),
		m.GetNationalPrefixTransformRule(), m.GetLeadingDigits(), joined(g.PossibleLength), joined(g.PossibleLengthLocalOnly), g.GetNationalNumberPattern()}
	for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetFixedLine(), m.GetMobile(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(),
		m.GetVoip(), m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail()} {
		pattern := d.GetNationalNumberPattern()
		if pattern == "" || pattern == "NA" || slices.Equal(d.GetPossibleLength(), []int32{-1}) || slices.Contains(f[9:], pattern) {
			continue
		}
		f = append(f, joined(d.GetPossibleLength()), pattern)
	}
	return strings.Join(f, "\t")
}

func joined(lengths []int32) string {
	out := make([]string, len(lengths))
	for i, n := range lengths {
		out[i] = strconv.Itoa(int(n))
	}
	return strings.Join(out, ",")
}

// The table is what the module of the tests knows today.
func TestTable(t *testing.T) {
	want := rows(t)
	if *update {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = io.WriteString(z, want)
		}
		if err == nil {
			err = z.Close()
		}
		if err == nil {
			err = os.WriteFile("plans.tsv.gz", b.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(numberingPlans))
	if err != nil {
		t.Fatal(err)
	}
	if have, err := io.ReadAll(z); err != nil || string(have) != want {
		t.Errorf("the table is not what the module knows: go test ./user/phone -run TestTable -update (%v)", err)
	}
}

// every pattern of the table can be compiled, and no plan lacks what is needed.
func TestEveryPlanIsWhole(t *testing.T) {
	for region, p := range table().byRegion {
		if p.region != region || p.code == "" || len(p.lengths) == 0 || len(p.kinds) == 0 {
			t.Errorf("%s: %+v", region, p)
		}
		for _, k := range p.kinds {
			whole(k.pattern, "1")
		}
		p.within("12345678")
		p.split("12345678")
		compiled(p.leading)
	}
	if n := len(table().byRegion); n < 240 {
		t.Errorf("only %d regions", n)
	}
}

// theirs is what the whole port makes of a number: its E.164 form and country,
// empty if it is none.
func theirs(number, country string) (e164, region string) {
	if strings.HasPrefix(number, "+") {
		country = ""
	}
	n, err := phonenumbers.Parse(number, country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", ""
	}
	return phonenumbers.Format(n, phonenumbers.E164), phonenumbers.GetRegionCodeForNumber(n)
}

func ours(number, country string) (e164, region string) {
	digits, plus := strings.CutPrefix(number, "+")
	code, national, ok := parse(digits, plus, country)
	if !ok {
		return "", ""
	}
	if region, ok = regionOf(code, national); !ok {
		return "", ""
	}
	return "+" + code + national, region
}

func differ(t *testing.T, number, country string) {
	t.Helper()
	e1, r1 := theirs(number, country)
	e2, r2 := ours(number, country)
	if e1 != e2 || r1 != r2 {
		t.Errorf("%s in %s: %q %q, the whole port says %q %q", number, country, e2, r2, e1, r1)
	}
}

// Numbers of every kind of every country, as they are written at home and
// abroad, and with digits changed, left out and added, are read as the whole
// port reads them.
func TestReadsAsTheWholePort(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	regions := slices.Sorted(func(yield func(string) bool) {
		for r := range table().byRegion {
			if !yield(r) {
				return
			}
		}
	})
	seen := 0
	for _, region := range regions {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			seen++
			e164, national := phonenumbers.Format(n, phonenumbers.E164), phonenumbers.NormalizeDigitsOnly(phonenumbers.Format(n, phonenumbers.NATIONAL))
			bare := phonenumbers.GetNationalSignificantNumber(n)
			spellings := []string{e164, national, bare, e164[1:], "00" + e164[1:], "011" + e164[1:], "0" + bare, "8" + bare, "1" + bare, bare[:len(bare)/2]}
			for range 12 {
				s := []byte(spellings[rnd.IntN(len(spellings))])
				switch i := rnd.IntN(len(s)); {
				case s[i] == '+':
				case rnd.IntN(3) == 0:
					s = slices.Delete(s, i, i+1)
				case rnd.IntN(2) == 0:
					s = slices.Insert(s, i, byte('0'+rnd.IntN(10)))
				default:
					s[i] = byte('0' + rnd.IntN(10))
				}
				spellings = append(spellings, string(s))
			}
			for _, s := range spellings {
				if s = strings.TrimPrefix(s, "+"); len(s) > 1 {
					differ(t, s, region)
					differ(t, "+"+s, region)
				}
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d examples", seen)
	}
}

func FuzzReadsAsTheWholePort(f *testing.F) {
	for _, s := range []string{"14155552671", "03090182000", "0039066982", "4930901820", "011", "0"} {
		f.Add(s, true, "DE")
		f.Add(s, false, "US")
	}
	f.Fuzz(func(t *testing.T, s string, plus bool, region string) {
		if len(s) < 2 || len(s) > 40 || strings.Trim(s, "0123456789") != "" || !plus && table().byRegion[region] == nil {
			return
		}
		if plus {
			s = "+" + s
		}
		differ(t, s, region)
	})
}

func ExampleParser_ParsePhone() {
	_, err := Parser{}.ParsePhone("+1 415 555", "")
	fmt.Println(err)
	// Output: user: not a phone number
}
