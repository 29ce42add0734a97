package strength

const (
	minYearSpace = 20 // years around now that are tried first
	firstYear    = 1000
	lastYear     = 2050
)

// years finds four digits from 1900 to 2029.
func (s *subject) years() []match {
	var out []match
	for i := 0; i+4 <= len(s.runes); i++ {
		n, ok := number(s.runes[i : i+4])
		if ok && n >= 1900 && n < 2030 {
			out = append(out, match{kind: year, i: i, j: i + 3, guesses: s.yearSpace(n)})
		}
	}
	return out
}

func (s *subject) yearSpace(y int) float64 {
	return float64(max(y-s.year, s.year-y, minYearSpace))
}

// splits of 4 to 8 digits into three numbers, as two cuts.
var splits = [9][][2]int{
	4: {{1, 2}, {2, 3}},
	5: {{1, 3}, {2, 3}},
	6: {{1, 2}, {2, 4}, {4, 5}},
	7: {{1, 3}, {2, 3}, {4, 5}, {4, 6}},
	8: {{2, 4}, {4, 6}},
}

// dates finds days with and without a separator.
func (s *subject) dates() []match {
	var out []match
	for i := range s.runes {
		for n := 4; n <= 8 && i+n <= len(s.runes); n++ {
			if y, ok := s.plainDate(s.runes[i : i+n]); ok {
				out = append(out, match{kind: date, i: i, j: i + n - 1, guesses: 365 * s.yearSpace(y)})
			}
		}
		for n := 6; n <= 10 && i+n <= len(s.runes); n++ {
			if y, ok := separatedDate(s.runes[i : i+n]); ok {
				out = append(out, match{kind: date, i: i, j: i + n - 1, guesses: 4 * 365 * s.yearSpace(y)})
			}
		}
	}
	return out
}

// plainDate reads digits; of several readings the one nearest to now counts.
func (s *subject) plainDate(r []rune) (year int, ok bool) {
	for _, cut := range splits[len(r)] {
		y, good := readDate(r[:cut[0]], r[cut[0]:cut[1]], r[cut[1]:])
		if good && (!ok || s.yearSpace(y) < s.yearSpace(year)) {
			year, ok = y, true
		}
	}
	return year, ok
}

func separatedDate(r []rune) (year int, ok bool) {
	var part [3][]rune
	var sep rune
	n, from := 0, 0
	for i, c := range r {
		if c >= '0' && c <= '9' {
			continue
		}
		switch c {
		case '/', '\\', '_', '.', '-', ' ':
		default:
			return 0, false
		}
		if n == 2 || sep != 0 && c != sep {
			return 0, false
		}
		part[n], from, sep = r[from:i], i+1, c
		n++
	}
	if n != 2 {
		return 0, false
	}
	part[2] = r[from:]
	return readDate(part[0], part[1], part[2])
}

// readDate takes a year first or last, and day and month in either order.
func readDate(a, b, c []rune) (year int, ok bool) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	z, ok3 := number(c)
	if !ok1 || !ok2 || !ok3 || len(b) > 2 {
		return 0, false
	}
	for _, try := range []struct{ year, digits, m, d int }{{z, len(c), x, y}, {x, len(a), y, z}} {
		if try.digits != 2 && try.digits != 4 {
			continue
		}
		full := try.year
		if try.digits == 2 {
			full += 1900
			if try.year <= 50 {
				full += 100
			}
		}
		day := func(m, d int) bool { return m >= 1 && m <= 12 && d >= 1 && d <= 31 }
		if full >= firstYear && full <= lastYear && (day(try.m, try.d) || day(try.d, try.m)) {
			return full, true
		}
	}
	return 0, false
}

// number reads one to four ASCII digits.
func number(r []rune) (n int, ok bool) {
	if len(r) == 0 || len(r) > 4 {
		return 0, false
	}
	for _, c := range r {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
