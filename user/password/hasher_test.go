package password_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/usherauth/usher/user/password"
)

// cheap parameters, for tests that are not about cost.
var cheap = password.Params{Memory: 64, Time: 1}

func mustHash(t testing.TB, h *password.Hasher, plain string) string {
	t.Helper()
	s, err := h.Hash(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verify(t testing.TB, h *password.Hasher, hash, plain string) password.Result {
	t.Helper()
	r, err := h.Verify(t.Context(), hash, plain)
	if err != nil {
		t.Fatalf("Verify(%q): %v", hash, err)
	}
	return r
}

// The vectors of the reference implementation of RFC 9106 (its test.c). The
// RFC's own vector has a secret and associated data, which no PHC string has.
func TestVerifyReferenceVectors(t *testing.T) {
	for _, v := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
	} {
		var h password.Hasher
		if r := verify(t, &h, v, "password"); !r.OK || !r.Rehash {
			t.Errorf("%s: %+v", v, r)
		}
		if r := verify(t, &h, v, "differentpassword"); r.OK {
			t.Errorf("%s takes another password", v)
		}
	}
}

func TestHashDefaults(t *testing.T) {
	var h password.Hasher
	a, b := mustHash(t, &h, "correct horse"), mustHash(t, &h, "correct horse")
	if !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") || a == b {
		t.Fatalf("hashes %q, %q", a, b)
	}
	if r := verify(t, &h, a, "correct horse"); r != (password.Result{OK: true}) {
		t.Errorf("right: %+v", r)
	}
	if r := verify(t, &h, a, "Correct horse"); r != (password.Result{}) {
		t.Errorf("wrong: %+v", r)
	}
}

func TestAttack_C18_Rehash(t *testing.T) {
	ctxHash := mustHash(t, &password.Hasher{Params: cheap}, "correct horse")
	pepper := password.Pepper{ID: "k1", Key: []byte("0123456789abcdef")}
	with := func(f func(*password.Params)) *password.Hasher {
		p := cheap
		f(&p)
		return &password.Hasher{Params: p}
	}
	for name, c := range map[string]struct {
		h      *password.Hasher
		rehash bool
	}{
		"same":   {&password.Hasher{Params: cheap}, false},
		"memory": {with(func(p *password.Params) { p.Memory = 128 }), true},
		"time":   {with(func(p *password.Params) { p.Time = 2 }), true},
		"lanes":  {with(func(p *password.Params) { p.Parallelism = 2 }), true},
		"salt":   {with(func(p *password.Params) { p.SaltLength = 24 }), true},
		"key":    {with(func(p *password.Params) { p.KeyLength = 24 }), true},
		"pepper": {&password.Hasher{Params: cheap, Peppers: []password.Pepper{pepper}}, true},
	} {
		if r := verify(t, c.h, ctxHash, "correct horse"); !r.OK || r.Rehash != c.rehash {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestPepperRotation(t *testing.T) {
	one := password.Pepper{ID: "one", Key: []byte("0123456789abcdef")}
	two := password.Pepper{ID: "two", Key: []byte("fedcba9876543210")}
	old := &password.Hasher{Params: cheap, Peppers: []password.Pepper{one}}
	hash := mustHash(t, old, "correct horse")
	if !strings.Contains(hash, ",keyid=b25l$") {
		t.Fatalf("no key ID in %q", hash)
	}
	if r := verify(t, old, hash, "correct horse"); r != (password.Result{OK: true}) {
		t.Errorf("same pepper: %+v", r)
	}
	now := &password.Hasher{Params: cheap, Peppers: []password.Pepper{two, one}}
	if r := verify(t, now, hash, "correct horse"); r != (password.Result{OK: true, Rehash: true}) {
		t.Errorf("rotated: %+v", r)
	}
	stolen := &password.Hasher{Params: cheap, Peppers: []password.Pepper{{ID: "one", Key: []byte("another key here")}}}
	if r := verify(t, stolen, hash, "correct horse"); r.OK {
		t.Error("verifies with another key of the same ID")
	}
	none := &password.Hasher{Params: cheap, Peppers: []password.Pepper{two}}
	if _, err := none.Verify(t.Context(), hash, "correct horse"); !errors.Is(err, password.ErrUnknownPepper) {
		t.Errorf("unknown pepper: %v", err)
	}
}

func TestParsePHCIsStrictAndBounded(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	good := "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + key
	p, err := password.ParsePHC(good)
	if err != nil || p.String() != good {
		t.Fatalf("%v, %q", err, p.String())
	}
	spoil := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct {
		hash string
		want error
	}{
		{"", password.ErrUnknownFormat},
		{"$argon2i" + good[9:], password.ErrUnknownFormat},
		{" " + good, password.ErrUnknownFormat},
		{good + "$", password.ErrMalformed},
		{good + "\n", password.ErrMalformed},
		{good + "=", password.ErrMalformed},
		{good[:len(good)-1] + "5", password.ErrMalformed}, // bits behind the last byte
		{spoil("v=19", "v=16"), password.ErrMalformed},
		{spoil("v=19$", ""), password.ErrMalformed},
		{spoil("m=256", "m=0256"), password.ErrMalformed},
		{spoil("m=256", "m=+256"), password.ErrMalformed},
		{spoil("m=256", "m=0"), password.ErrMalformed},
		{spoil("m=256", "m=4294967296"), password.ErrMalformed},
		{spoil("m=256", "m=-1"), password.ErrMalformed},
		{spoil("m=256,t=2", "t=2,m=256"), password.ErrMalformed},
		{spoil("p=1", "p=256"), password.ErrMalformed},
		{spoil("p=1", "p=1,keyid="), password.ErrMalformed},
		{spoil("p=1", "p=1,data=AAAA"), password.ErrMalformed},
		{spoil("p=1", "p=1,keyid="+strings.Repeat("A", 44)), password.ErrMalformed},
		{spoil(salt, "c2FsdA"), password.ErrParams},
		{spoil(key, "nf65EOg"), password.ErrParams},
		{spoil(key, strings.Repeat("AAAA", 30)), password.ErrParams},
		{spoil("m=256", "m=131073"), password.ErrParams},
		{spoil("m=256", "m=7"), password.ErrParams},
		{spoil("t=2", "t=4097"), password.ErrParams},
		{spoil("p=1", "p=17"), password.ErrParams},
		{good + strings.Repeat("A", 1024), password.ErrMalformed},
	} {
		if _, err := password.ParsePHC(c.hash); !errors.Is(err, c.want) {
			t.Errorf("%.80q: %v, want %v", c.hash, err, c.want)
		}
	}
}

func TestAttack_C10_Bcrypt(t *testing.T) {
	var h password.Hasher
	gen := func(plain string) string {
		b, err := bcrypt.GenerateFromPassword([]byte(plain), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	full := strings.Repeat("x", 72)
	hash := gen(full)
	if r := verify(t, &h, hash, full); r != (password.Result{OK: true, Rehash: true}) {
		t.Errorf("72 bytes: %+v", r)
	}
	for _, long := range []string{full + "a", full + "b", full + "\x00"} {
		if r, err := h.Verify(t.Context(), hash, long); !errors.Is(err, password.ErrTooLongForHash) || r.OK {
			t.Errorf("equal in 72 bytes: %+v, %v", r, err)
		}
	}
	// bcrypt repeats the password with a NUL behind it: to it these are one.
	cycled := "ab\x00ab"
	if bcrypt.CompareHashAndPassword([]byte(gen("ab")), []byte(cycled)) != nil {
		t.Fatal("the vector does not show the flaw")
	}
	for _, plain := range []string{cycled, "ab\x00", "ab\x00tail"} {
		if r := verify(t, &h, gen("ab"), plain); r.OK {
			t.Errorf("%q matches the hash of ab", plain)
		}
	}
	for variant, want := range map[string]error{
		"$2a$": nil, "$2b$": nil, "$2y$": nil,
		"$2x$": password.ErrUnknownFormat, "$2$": password.ErrUnknownFormat,
	} {
		r, err := h.Verify(t.Context(), variant+hash[4:], full)
		if !errors.Is(err, want) || r.OK != (want == nil) {
			t.Errorf("%s: %+v, %v", variant, r, err)
		}
	}
	if _, err := h.Verify(t.Context(), "$2a$16$"+hash[7:], full); !errors.Is(err, password.ErrParams) {
		t.Errorf("cost 16: %v", err)
	}
	if _, err := h.Verify(t.Context(), "$2a$03$"+hash[7:], full); !errors.Is(err, password.ErrMalformed) {
		t.Errorf("cost 3: %v", err)
	}
}

func TestAttack_C08_SizeBeforeWork(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	hash := mustHash(t, h, "correct horse")
	before := runs(h)
	for _, c := range []struct {
		plain string
		want  error
	}{
		{strings.Repeat("x", 10<<20), password.ErrTooLarge},
		{strings.Repeat("x", password.MaxBytes+1), password.ErrTooLarge},
		{strings.Repeat("x", 257), password.ErrTooLong},
		{strings.Repeat("é", 257), password.ErrTooLong},
		{"", password.ErrInvalidText},
		{"nul\x00inside", password.ErrInvalidText},
		{"\xff\xfe", password.ErrInvalidText},
		{"\xed\xa0\x80lone surrogate", password.ErrInvalidText},
		{"unassigned \U000e0080", password.ErrInvalidText},
		{"line\nbreak", password.ErrInvalidText},
	} {
		_, err1 := h.Hash(t.Context(), c.plain)
		_, err2 := h.Verify(t.Context(), hash, c.plain)
		err3 := h.Dummy(t.Context(), "nobody", c.plain)
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, c.want) {
				t.Errorf("%.20q: %v, want %v", c.plain, err, c.want)
			}
		}
	}
	if n := runs(h) - before; n != 0 {
		t.Errorf("%d hashes were computed", n)
	}
	for _, plain := range []string{strings.Repeat("é", 256), strings.Repeat("x", 256)} {
		if r := verify(t, h, mustHash(t, h, plain), plain); !r.OK {
			t.Errorf("%.10q… of 256 refused", plain)
		}
	}
}

// runs is how many hashes h has computed.
func runs(h *password.Hasher) int64 {
	if h.Pool == nil {
		h.Pool = &password.Pool{}
	}
	return h.Pool.Stats().Done
}

func TestAttack_C11_OneTextOnePassword(t *testing.T) {
	h := &password.Hasher{Params: cheap}
	for _, c := range []struct {
		name, set, check string
		same             bool
	}{
		{"composed and decomposed", "pa\u00e9ssword", "pae\u0301ssword", true},
		{"ideographic space", "long\u3000password", "long password", true},
		{"no-break space", "long\u00a0password", "long password", true},
		{"case kept", "Password", "password", false},
		{"not trimmed", " password", "password", false},
		{"width kept", "\uff50assword", "password", false},
		{"look-alike", "p\u0430ssword", "password", false},
		{"emoji", "pass\U0001f511word", "pass\U0001f511word", true},
	} {
		if r := verify(t, h, mustHash(t, h, c.set), c.check); r.OK != c.same {
			t.Errorf("%s: %v", c.name, r.OK)
		}
	}
	// An imported hash was made of what was typed there.
	typed := "pae\u0301ssword"
	for _, made := range []string{typed, "pa\u00e9ssword"} {
		b, err := bcrypt.GenerateFromPassword([]byte(made), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		if r := verify(t, h, string(b), typed); !r.OK {
			t.Errorf("imported hash of %+q refuses %+q", made, typed)
		}
	}
}

func TestAttack_C02_DummyDoesTheWorkOfLiveHashes(t *testing.T) {
	h := &password.Hasher{Params: cheap, Pool: &password.Pool{}}
	count := func(f func()) int64 {
		before := runs(h)
		f()
		return runs(h) - before
	}
	if n := count(func() { h.Dummy(t.Context(), "nobody@example.com", "correct horse") }); n != 1 {
		t.Fatalf("dummy without live hashes: %d hashes", n)
	}
	// Two formats are live, told apart by counting calls of the foreign one.
	foreign := 0
	h = &password.Hasher{Params: cheap, Pool: &password.Pool{}, Formats: []password.Format{{
		Name: "old",
		Parse: func(string) (password.Digest, error) {
			return password.Digest{Matches: func(string) (bool, error) {
				foreign++
				return false, nil
			}}, nil
		},
	}}}
	for i := range 16 {
		verify(t, h, "old:"+string(rune('a'+i)), "wrong password")
		verify(t, h, mustHash(t, h, "correct horse"), "wrong password")
	}
	for range 1000 { // hammering one's own account does not shift the mixture
		verify(t, h, "old:a", "wrong password")
	}
	foreign = 0
	byAccount := map[string]int{}
	for i := range 200 {
		account := "nobody" + strings.Repeat("x", i)
		for range 3 {
			before := foreign
			if n := count(func() { h.Dummy(t.Context(), account, "correct horse") }); n != 1 {
				t.Fatalf("%d hashes", n)
			}
			byAccount[account] += foreign - before
		}
	}
	mixed := 0
	for account, n := range byAccount {
		if n != 0 && n != 3 {
			t.Fatalf("%.12s… is foreign %d times of 3", account, n)
		}
		mixed += n / 3
	}
	// Half of the live hashes are foreign: 100 of 200 expected. 40 is six
	// standard deviations away with the sample's choice fixed at 16 of 32.
	if mixed < 40 || mixed > 160 {
		t.Errorf("%d of 200 made-up accounts look imported", mixed)
	}
}

func TestVerifyUnknownFormat(t *testing.T) {
	var h password.Hasher
	for _, hash := range []string{"", "plain", "$1$md5$hash", strings.Repeat("a", 2000)} {
		_, err := h.Verify(t.Context(), hash, "correct horse")
		if !errors.Is(err, password.ErrUnknownFormat) && !errors.Is(err, password.ErrMalformed) {
			t.Errorf("%.20q: %v", hash, err)
		}
	}
}

func TestHasherValidate(t *testing.T) {
	for name, c := range map[string]struct {
		h    *password.Hasher
		want error
	}{
		"zero":       {&password.Hasher{}, nil},
		"greedy":     {&password.Hasher{Params: password.Params{Memory: 1 << 30}}, password.ErrParams},
		"pool small": {&password.Hasher{Pool: &password.Pool{Memory: 20 << 20}}, password.ErrTooCostly},
		"short key":  {&password.Hasher{Peppers: []password.Pepper{{ID: "a", Key: []byte("short")}}}, password.ErrParams},
		"no ID":      {&password.Hasher{Peppers: []password.Pepper{{Key: make([]byte, 32)}}}, password.ErrParams},
	} {
		if err := c.h.Validate(); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if _, err := c.h.Hash(t.Context(), "correct horse"); !errors.Is(err, c.want) {
			t.Errorf("%s: Hash: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=256,t=2,p=1,keyid=b25l$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := password.ParsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Fatalf("%q reads as %q", s, p.String())
		}
		if err := p.Params.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkHash runs the hasher and the bare function in turn, so that load on
// the machine falls on both, and reports their ratio.
func BenchmarkHash(b *testing.B) {
	var h password.Hasher
	var mine, bare int64
	salt := []byte("0123456789abcdef")
	for b.Loop() {
		mine += timed(func() { mustHash(b, &h, "correct horse battery") })
		bare += timed(func() { argon2.IDKey([]byte("correct horse battery"), salt, 2, 19456, 1, 32) })
	}
	b.ReportMetric(float64(mine)/float64(b.N), "hash-ns/op")
	b.ReportMetric(float64(bare)/float64(b.N), "bare-ns/op")
	b.ReportMetric(float64(mine)/float64(bare), "ratio")
}
