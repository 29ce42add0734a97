package phone

import "strings"

const (
	leastDigits = 2  // of a national number
	mostDigits  = 17 // likewise
	longestCode = 3  // digits of a calling code
)

// parse finds the calling code and the national number in digits: those of a
// national number, or with plus of an international one. It says nothing of
// whether there is such a number.
func parse(digits string, plus bool, country string) (code, national string, ok bool) {
	var home *plan
	if plus {
		code, national = split(digits)
	} else if home = table().byRegion[country]; home == nil {
		return "", "", false
	} else if code, national = home.split(digits); code == "" && national != "" {
		code = home.code // nothing but a national number
	} else {
		home = nil
	}
	if code == "" || len(national) < leastDigits {
		return "", "", false
	}
	p := home
	if p == nil {
		p = table().byCode[code][0]
	}
	// What is left without the prefix must be as long as numbers are: a short
	// number may begin like one.
	if bare := p.within(national); bare != national {
		if ok, _ := p.possible(bare); ok {
			national = bare
		}
	}
	return code, national, len(national) >= leastDigits && len(national) <= mostDigits
}

// split parts an international number after its calling code; code is empty if
// there is no such code.
func split(digits string) (code, national string) {
	if len(digits) <= leastDigits {
		return "", ""
	}
	for n := 1; n <= longestCode && n <= len(digits); n++ {
		if len(table().byCode[digits[:n]]) > 0 {
			return digits[:n], digits[n:]
		}
	}
	return "", ""
}

// split parts what is dialled in p's country: an international number behind
// what is dialled to go abroad, or a national one behind the country's own code.
// Of a national number alone code is empty; of none at all, both are.
func (p *plan) split(digits string) (code, national string) {
	if p.abroad != "" {
		if m := compiled(p.abroad).FindStringIndex(digits); m != nil && m[0] == 0 && !strings.HasPrefix(digits[m[1]:], "0") {
			return split(digits[m[1]:])
		}
	}
	if rest, ok := strings.CutPrefix(digits, p.code); ok {
		rest = p.within(rest)
		_, long := p.possible(digits)
		if long || !whole(p.general, digits) && whole(p.general, rest) {
			return p.code, rest
		}
	}
	return "", digits
}

// regionOf is where a number is at home; ok is false if it is nobody's.
func regionOf(code, national string) (region string, ok bool) {
	all := table().byCode[code]
	for _, p := range all {
		switch {
		case len(all) == 1:
			return p.region, p.has(national)
		case p.leading != "":
			if compiled(`^(?:` + p.leading + `)`).MatchString(national) {
				return p.region, p.has(national)
			}
		case p.has(national):
			return p.region, true
		}
	}
	return "", false
}
