package phone

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// numberingPlans is what libphonenumber (Apache-2.0) knows of all countries, as
// far as it takes to read numbers and to tell which are anybody's. It is one
// line a region, made by TestTable with -update from the module that the tests
// compare this package with.
//
//go:embed plans.tsv.gz
var numberingPlans []byte

// A plan is the numbering plan of a region.
type plan struct {
	region string // ISO 3166, or 001 for what is no country's
	code   string // country calling code
	// abroad and trunk match what is dialled before a number for going abroad
	// and within the country; trunkRule is what the latter is replaced with.
	abroad, trunk, trunkRule string
	// leading matches the numbers of a region that shares its code with others.
	leading string
	// lengths are those of numbers, local those of what is dialled in one town.
	lengths, local []int
	general        string
	kinds          []kind
}

// A kind is one of the types of numbers of a plan, such as mobile ones. Without
// lengths it has those of the plan.
type kind struct {
	lengths []int
	pattern string
}

// plans are all of them, by region and by calling code, the main region first.
type plans struct {
	byRegion map[string]*plan
	byCode   map[string][]*plan
}

var table = sync.OnceValue(func() plans {
	t := plans{map[string]*plan{}, map[string][]*plan{}}
	z, err := gzip.NewReader(bytes.NewReader(numberingPlans))
	if err != nil {
		panic("phone: the table is broken: " + err.Error()) // it is part of the binary
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		p := &plan{region: f[0], code: f[1], abroad: f[2], trunk: f[3], trunkRule: f[4], leading: f[5],
			lengths: numbers(f[6]), local: numbers(f[7]), general: f[8]}
		for i := 9; i+1 < len(f); i += 2 {
			p.kinds = append(p.kinds, kind{numbers(f[i]), f[i+1]})
		}
		if p.region != noCountry {
			t.byRegion[p.region] = p
		}
		t.byCode[p.code] = append(t.byCode[p.code], p)
	}
	if err := lines.Err(); err != nil {
		panic("phone: the table is broken: " + err.Error())
	}
	return t
})

// noCountry is the region of calling codes that are no country's.
const noCountry = "001"

func numbers(s string) []int {
	var out []int
	for f := range strings.SplitSeq(s, ",") {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// patterns are compiled when they are first needed: most never are.
var patterns sync.Map // string → *regexp.Regexp

func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}

// whole reports whether a pattern matches all of s.
func whole(pattern, s string) bool { return compiled(`^(?:` + pattern + `)$`).MatchString(s) }

// has reports whether a number is one of the plan's.
func (p *plan) has(number string) bool {
	if !slices.Contains(p.lengths, len(number)) || !whole(p.general, number) {
		return false
	}
	return slices.ContainsFunc(p.kinds, func(k kind) bool {
		return (len(k.lengths) == 0 || slices.Contains(k.lengths, len(number))) && whole(k.pattern, number)
	})
}

// possible reports whether a number is as long as those of the plan are, and
// long whether it is longer than any.
func (p *plan) possible(number string) (ok, long bool) {
	if slices.Contains(p.local, len(number)) {
		return false, false
	}
	long = len(number) > p.lengths[len(p.lengths)-1]
	return slices.Contains(p.lengths, len(number)) || long, long
}

// within strips what is dialled before a number within the country, unless that
// would make no number of one.
func (p *plan) within(number string) string {
	if p.trunk == "" || number == "" {
		return number
	}
	re := compiled(`^(?:` + p.trunk + `)`)
	m := re.FindStringSubmatchIndex(number)
	if m == nil {
		return number
	}
	out := number[m[1]:]
	if last := len(m) - 2; p.trunkRule != "" && m[last] >= 0 {
		out = re.ReplaceAllString(number, p.trunkRule)
	}
	if whole(p.general, number) && !whole(p.general, out) {
		return number
	}
	return out
}
