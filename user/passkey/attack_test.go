package passkey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user/passkey"
	"github.com/usherauth/usher/user/passkey/passkeytest"
)

const origin = "https://example.com"

// one spoils one thing of an answer.
func one(name string, value any) func(*passkeytest.Answer) {
	return func(a *passkeytest.Answer) { a.ClientData[name] = value }
}

// spoiled lists faults that both ceremonies refuse.
var spoiled = map[string]func(*passkeytest.Answer){
	"another origin":       one("origin", "https://evil.example"),
	"an origin below ours": one("origin", "https://x.example.com"),
	"another scheme":       one("origin", "http://example.com"),
	"another port":         one("origin", "https://example.com:8443"),
	"an origin that ends":  one("origin", "https://notexample.com"),
	"no origin":            one("origin", ""),
	"an app as origin":     one("origin", "android:apk-key-hash:x"),
	"another type":         one("type", "payment.get"),
	"no type":              one("type", nil),
	"another challenge":    one("challenge", strings.Repeat("A", 43)),
	"no challenge":         one("challenge", ""),
	"cross origin":         one("crossOrigin", true),
	"top origin":           one("topOrigin", "https://evil.example"),
	"another site":         func(a *passkeytest.Answer) { a.RPID = "evil.example" },
	"nobody present":       func(a *passkeytest.Answer) { a.Flags &^= passkeytest.UserPresent },
	"backed up, not eligible": func(a *passkeytest.Answer) {
		a.Flags = a.Flags&^passkeytest.BackupEligible | passkeytest.BackedUp
	},
	"both origins": func(a *passkeytest.Answer) {
		a.ClientData["crossOrigin"], a.ClientData["topOrigin"] = true, origin
	},
}

// Each fault alone is enough.
func TestAttack_P01_RegistrationIsRefusedByOneFault(t *testing.T) {
	if _, err := register(t, rp, passkeytest.New(origin)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range spoiled {
		d := passkeytest.New(origin)
		d.Spoil = spoil
		if _, err := register(t, rp, d); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := passkeytest.New(origin)
	d.Spoil = one("type", "webauthn.get")
	if _, err := register(t, rp, d); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("an assertion: %v", err)
	}
}

func TestAttack_P01_AssertionIsRefusedByOneFault(t *testing.T) {
	d := passkeytest.New(origin)
	k, err := register(t, rp, d)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, spoil func(*passkeytest.Answer), change func(*passkey.Ceremony), want error) {
		t.Helper()
		d.Spoil = spoil
		c, options, err := rp.Assert("", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		a := get(t, d, options)
		if change != nil {
			change(&c)
		}
		if _, err := rp.Verify(c, a, ada, k, now); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	try("good", nil, nil, nil)
	for name, spoil := range spoiled {
		try(name, spoil, nil, passkey.ErrRefused)
	}
	signed := func(fn func(a, c, s []byte) ([]byte, []byte, []byte)) func(*passkeytest.Answer) {
		return func(x *passkeytest.Answer) { x.Signed = fn }
	}
	for name, spoil := range map[string]func(*passkeytest.Answer){
		"a registration":    one("type", "webauthn.create"),
		"changed flags":     signed(func(a, c, s []byte) ([]byte, []byte, []byte) { a[32] ^= passkeytest.UserVerified; return a, c, s }),
		"changed counter":   signed(func(a, c, s []byte) ([]byte, []byte, []byte) { a[36]++; return a, c, s }),
		"changed data":      signed(func(a, c, s []byte) ([]byte, []byte, []byte) { return a, append(c, ' '), s }),
		"changed signature": signed(func(a, c, s []byte) ([]byte, []byte, []byte) { s[len(s)-1] ^= 1; return a, c, s }),
		"no signature":      signed(func(a, c, s []byte) ([]byte, []byte, []byte) { return a, c, nil }),
		"zero signature":    signed(func(a, c, s []byte) ([]byte, []byte, []byte) { return a, c, []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }),
		"became eligible":   func(a *passkeytest.Answer) { a.Flags |= passkeytest.BackupEligible },
	} {
		try(name, spoil, nil, passkey.ErrRefused)
	}
	for name, change := range map[string]func(*passkey.Ceremony){
		"ceremony of a registration": func(c *passkey.Ceremony) { c.Kind = "registration" },
		"ceremony of another site":   func(c *passkey.Ceremony) { c.RPID = "example.org" },
		"ceremony that is over":      func(c *passkey.Ceremony) { c.ExpireAt = now },
		"ceremony of another":        func(c *passkey.Ceremony) { c.Challenge = make([]byte, 32) },
		"no ceremony":                func(c *passkey.Ceremony) { *c = passkey.Ceremony{} },
		"ceremony of somebody else":  func(c *passkey.Ceremony) { c.UserHandle = "user_bob" },
		"ceremony for other keys":    func(c *passkey.Ceremony) { c.Allowed = [][]byte{{1}} },
	} {
		try(name, nil, change, passkey.ErrRefused)
	}
}

// Zero does not count; a counter must grow.
func TestAttack_P02_CounterGoesBack(t *testing.T) {
	for _, c := range []struct {
		stored, next uint32
		ignore       bool
		want         error
	}{
		{0, 0, false, nil}, {0, 1, false, nil}, {1, 2, false, nil}, {1, 1 << 31, false, nil}, {1<<32 - 2, 1<<32 - 1, false, nil},
		{2, 2, false, passkey.ErrCounter}, {2, 1, false, passkey.ErrCounter}, {2, 0, false, passkey.ErrCounter}, {1<<32 - 1, 0, false, passkey.ErrCounter},
		{2, 1, true, nil}, {2, 0, true, nil},
	} {
		site := rp
		site.IgnoreCounter = c.ignore
		d := passkeytest.New(origin)
		k, err := register(t, site, d)
		if err != nil {
			t.Fatal(err)
		}
		d.Spoil = func(a *passkeytest.Answer) { a.Counter = c.next }
		k.SignCount = c.stored
		ceremony, options, err := site.Assert("", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := site.Verify(ceremony, get(t, d, options), ada, k, now)
		if !errors.Is(err, c.want) || err == nil && seen.SignCount != c.next {
			t.Errorf("%+v: %v %v", c, seen, err)
		}
		if c.want != nil && !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%+v: %v is no refusal", c, err)
		}
	}
}

// A passkey speaks for its owner alone, whatever handle comes with it.
func TestAttack_P03_ForeignUserHandle(t *testing.T) {
	d := passkeytest.New(origin)
	k, err := register(t, rp, d)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		asked  string // whose the ceremony is
		handle []byte // what the device says
		owner  string // whose the passkey is
		want   error
	}{
		"found by the device":          {"", []byte(ada), ada, nil},
		"asked for":                    {ada, []byte(ada), ada, nil},
		"asked for, old key":           {ada, nil, ada, nil},
		"no handle, nobody named":      {"", nil, ada, passkey.ErrRefused},
		"foreign handle":               {"", []byte("user_bob"), ada, passkey.ErrRefused},
		"foreign handle, asked for":    {ada, []byte("user_bob"), ada, passkey.ErrRefused},
		"somebody else was asked":      {"user_bob", []byte(ada), ada, passkey.ErrRefused},
		"the passkey is somebody's":    {ada, []byte(ada), "user_bob", passkey.ErrRefused},
		"the passkey is nobody's":      {"", []byte(ada), "", passkey.ErrRefused},
		"handle with a zero behind it": {"", []byte(ada + "\x00"), ada, passkey.ErrRefused},
	} {
		d.Spoil = func(a *passkeytest.Answer) { a.UserHandle = c.handle }
		ceremony, options, err := rp.Assert(c.asked, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rp.Verify(ceremony, get(t, d, options), c.owner, k, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAttack_P03_LongCredentialID(t *testing.T) {
	for n, want := range map[int]error{0: passkey.ErrMalformed, 1: nil, 1023: nil, 1024: passkey.ErrMalformed, 60000: passkey.ErrMalformed} {
		d := passkeytest.New(origin)
		d.Spoil = func(a *passkeytest.Answer) { a.CredentialID = make([]byte, n) }
		if _, err := register(t, rp, d); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("registration of %d bytes: %v", n, err)
		}
		_, options, err := rp.Assert("", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		d.Spoil = nil
		if _, err := register(t, rp, d); err != nil {
			t.Fatal(err)
		}
		d.Spoil = func(a *passkeytest.Answer) { a.CredentialID = make([]byte, n) }
		answer, err := d.Get(options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := passkey.Parse(answer); !errors.Is(err, want) {
			t.Errorf("assertion of %d bytes: %v", n, err)
		}
	}
}

// What the device says of the person and of itself.
func TestAttack_P04_Flags(t *testing.T) {
	const up, uv, be, bs = passkeytest.UserPresent, passkeytest.UserVerified, passkeytest.BackupEligible, passkeytest.BackedUp
	for _, c := range []struct {
		flags    byte
		required bool
		want     error
	}{
		{up | uv, true, nil}, {up | uv | be, true, nil}, {up | uv | be | bs, true, nil}, {up, false, nil}, {up | be | bs, false, nil},
		{up, true, passkey.ErrRefused}, {uv, true, passkey.ErrRefused}, {0, false, passkey.ErrRefused}, {uv | be | bs, false, passkey.ErrRefused},
		{up | uv | bs, false, passkey.ErrRefused}, {up | uv | bs, true, passkey.ErrRefused},
	} {
		site := rp
		site.RequireVerification = c.required
		d := passkeytest.New(origin)
		d.Flags = c.flags
		k, err := register(t, site, d)
		if !errors.Is(err, c.want) || err == nil && (k.UserVerified != (c.flags&uv != 0) || k.BackupEligible != (c.flags&be != 0) || k.BackedUp != (c.flags&bs != 0)) {
			t.Errorf("registration, %+v: %v %+v", c, err, k)
		}
		d = passkeytest.New(origin)
		d.Flags |= c.flags & (be | bs) // a good key, with its eligibility
		if c.flags&(be|bs) == bs {
			d.Flags &^= bs
		}
		if k, err = register(t, site, d); err != nil {
			t.Fatal(err)
		}
		d.Spoil = func(a *passkeytest.Answer) { a.Flags = c.flags }
		ceremony, options, err := site.Assert("", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := site.Verify(ceremony, get(t, d, options), ada, k, now)
		if !errors.Is(err, c.want) || err == nil && (seen.Verified != (c.flags&uv != 0) || seen.BackedUp != (c.flags&bs != 0)) {
			t.Errorf("assertion, %+v: %v %+v", c, err, seen)
		}
	}
}

// Keys that nobody should have.
func TestAttack_P05_AbsurdKeys(t *testing.T) {
	ec := func(alg, curve byte, x, y []byte) []byte {
		return bytes.Join([][]byte{{0xa5, 1, 2, 3, alg, 0x20, curve, 0x21, 0x58, byte(len(x))}, x, {0x22, 0x58, byte(len(y))}, y}, nil)
	}
	rsa := func(alg []byte, n, e []byte) []byte {
		return bytes.Join([][]byte{{0xa4, 1, 3, 3}, alg, {0x20, 0x59}, binary.BigEndian.AppendUint16(nil, uint16(len(n))), n, {0x21, 0x40 | byte(len(e))}, e}, nil)
	}
	ones := bytes.Repeat([]byte{0xff}, 256)
	x := sha256.Sum256([]byte("x"))
	for name, cose := range map[string][]byte{
		"off the curve":      ec(0x26, 1, x[:], x[:]),
		"at infinity":        ec(0x26, 1, make([]byte, 32), make([]byte, 32)),
		"above the field":    ec(0x26, 1, ones[:32], ones[:32]),
		"short coordinate":   ec(0x26, 1, x[:31], x[:]),
		"curve P-384":        ec(0x26, 2, x[:], x[:]),
		"algorithm ES384":    {0xa3, 1, 2, 3, 0x38, 0x22, 0x20, 2},
		"algorithm none":     {0xa2, 1, 2, 3, 0},
		"HMAC":               {0xa3, 1, 4, 3, 5, 0x20, 0x41, 'k'},
		"short Ed25519":      append([]byte{0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 31}, x[:31]...),
		"Ed448":              append([]byte{0xa4, 1, 1, 3, 0x27, 0x20, 7, 0x21, 0x58, 32}, x[:]...),
		"RSA of 1024 bits":   rsa([]byte{0x39, 1, 0}, ones[:128], []byte{1, 0, 1}),
		"RSA with zeros":     rsa([]byte{0x39, 1, 0}, append(make([]byte, 128), ones[:128]...), []byte{1, 0, 1}),
		"RSA of 16000 bits":  rsa([]byte{0x39, 1, 0}, bytes.Repeat(ones, 8), []byte{1, 0, 1}),
		"RSA exponent 1":     rsa([]byte{0x39, 1, 0}, ones, []byte{1}),
		"RSA even exponent":  rsa([]byte{0x39, 1, 0}, ones, []byte{2}),
		"RSA huge exponent":  rsa([]byte{0x39, 1, 0}, ones, ones[:9]),
		"RS1":                rsa([]byte{0x39, 0xff, 0xfe}, ones, []byte{1, 0, 1}),
		"empty":              {},
		"text":               {0x61, 'x'},
		"an endless map":     {0xbf, 1, 2},
		"two of one name":    {0xa3, 1, 2, 1, 2, 3, 0x26},
		"nested a hundred":   append(bytes.Repeat([]byte{0x81}, 100), 0),
		"a map of 2³² items": {0xba, 0xff, 0xff, 0xff, 0xff},
	} {
		d := passkeytest.New(origin)
		d.Spoil = func(a *passkeytest.Answer) { a.PublicKey = cose }
		if k, err := register(t, rp, d); err == nil {
			t.Errorf("%s is registered: %x", name, k.PublicKey)
		}
	}
}

// Answers are bounded before they are read.
func TestAttack_P05_Size(t *testing.T) {
	d := passkeytest.New(origin)
	if _, err := register(t, rp, d); err != nil {
		t.Fatal(err)
	}
	c, options, err := rp.Assert("", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Get(options)
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]bool{len(answer): true, passkey.MaxAnswer: true, passkey.MaxAnswer + 1: false, 10 << 20: false} {
		padded := append(bytes.Clone(answer), bytes.Repeat([]byte(" "), size-len(answer))...)
		if _, err := passkey.Parse(padded); (err == nil) != want {
			t.Errorf("assertion of %d bytes: %v", size, err)
		}
		if _, err := rp.Registered(passkey.Ceremony{Kind: "registration", RPID: rp.ID, Challenge: c.Challenge, ExpireAt: now.Add(time.Hour)}, padded, now); err == nil {
			t.Errorf("an assertion is a registration")
		}
	}
}

// Nothing that comes in panics, and nothing that was changed is taken.
func FuzzAnswers(f *testing.F) {
	d := passkeytest.New(origin)
	c, options, err := rp.Register(passkey.Person{Handle: ada, Name: "ada"}, now)
	if err != nil {
		f.Fatal(err)
	}
	made, err := d.Create(options)
	if err != nil {
		f.Fatal(err)
	}
	k, err := rp.Registered(c, made, now)
	if err != nil {
		f.Fatal(err)
	}
	ac, options, err := rp.Assert("", nil, now)
	if err != nil {
		f.Fatal(err)
	}
	shown, err := d.Get(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(made)
	f.Add(shown)
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := rp.Registered(c, data, now); err == nil && len(got.CredentialID) > passkey.MaxCredentialID {
			t.Errorf("a credential ID of %d bytes", len(got.CredentialID))
		}
		a, err := passkey.Parse(data)
		if err != nil {
			return
		}
		if _, err := rp.Verify(ac, a, ada, k, now); err == nil && !sameAnswer(data, shown) {
			t.Errorf("taken: %s", data)
		}
	})
}

// sameAnswer reports whether two answers say the same in what is signed.
func sameAnswer(x, y []byte) bool {
	type answer struct {
		Response struct{ ClientDataJSON, AuthenticatorData string } `json:"response"`
	}
	var a, b answer
	return json.Unmarshal(x, &a) == nil && json.Unmarshal(y, &b) == nil &&
		strings.TrimRight(a.Response.AuthenticatorData, "=") == strings.TrimRight(b.Response.AuthenticatorData, "=") &&
		strings.TrimRight(a.Response.ClientDataJSON, "=") == strings.TrimRight(b.Response.ClientDataJSON, "=")
}
