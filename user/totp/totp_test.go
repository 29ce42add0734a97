package totp_test

import (
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/user/totp"
)

var rfcSecret = []byte("12345678901234567890")

// RFC 4226, appendix D.
func TestRFC4226(t *testing.T) {
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got, err := totp.Code(rfcSecret, int64(i)); err != nil || got != want {
			t.Errorf("count %d: %s %v, want %s", i, got, err, want)
		}
	}
}

// RFC 6238, appendix B, the rows of SHA-1. The RFC prints eight digits; six are
// the last six of them.
func TestRFC6238(t *testing.T) {
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		now := time.Unix(at, 0)
		step, ok := totp.Verify(rfcSecret, want[2:], now, 0)
		if !ok || step != at/30 {
			t.Errorf("at %d: step %d, %v", at, step, ok)
		}
	}
	if step := totp.Step(time.Unix(20000000000, 0)); fmt.Sprintf("%016X", step) != "0000000027BC86AA" {
		t.Errorf("step %X", step)
	}
}

func code(t *testing.T, secret []byte, step int64) string {
	t.Helper()
	c, err := totp.Code(secret, step)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A step is used once, and no earlier one after it.
func TestAttack_P06_StepsGrow(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := totp.Step(now)
	for name, c := range map[string]struct {
		step, last int64
		ok         bool
	}{
		"first":             {s, 0, true},
		"next":              {s, s - 1, true},
		"again":             {s, s, false},
		"earlier after":     {s - 1, s, false},
		"late, not used":    {s - 1, s - 2, true},
		"early, then again": {s + 1, s + 1, false},
	} {
		if step, ok := totp.Verify(rfcSecret, code(t, rfcSecret, c.step), now, c.last); ok != c.ok || ok && step != c.step {
			t.Errorf("%s: %d %v", name, step, ok)
		}
	}
}

// One step either way by our clock, and no more; and nothing that is no code.
func TestAttack_P07_Skew(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := totp.Step(now)
	for off, want := range map[int64]bool{-3: false, -2: false, -1: true, 0: true, 1: true, 2: false, 3: false} {
		if _, ok := totp.Verify(rfcSecret, code(t, rfcSecret, s+off), now, 0); ok != want {
			t.Errorf("%d steps off: %v", off, ok)
		}
	}
	good := code(t, rfcSecret, s)
	for _, bad := range []string{"", good[:5], good + "0", " " + good, good + " ", strings.Repeat(good, 1000), "abcdef", "-" + good[:5]} {
		if _, ok := totp.Verify(rfcSecret, bad, now, 0); ok {
			t.Errorf("%.20q is good", bad)
		}
	}
	if _, ok := totp.Verify(nil, code(t, nil, s), now, 0); ok {
		t.Error("no secret is good")
	}
}

func TestNewSecret(t *testing.T) {
	a, b := totp.NewSecret(), totp.NewSecret()
	if len(a) != 20 || hex.EncodeToString(a) == hex.EncodeToString(b) {
		t.Errorf("%x %x", a, b)
	}
	if got := totp.Text(rfcSecret); got != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Errorf("text %s", got)
	}
}

// Odd names do not change what an app reads.
func TestURI(t *testing.T) {
	for _, c := range []struct{ issuer, account, label string }{
		{"My App", "ada@example.com", "/My App:ada@example.com"},
		{"A:B & C", "a+b@example.com", "/A B & C:a+b@example.com"},
		{"Ünïcode?", "x/y#z", "/Ünïcode?:x/y#z"},
	} {
		u, err := url.Parse(totp.URI(rfcSecret, c.issuer, c.account))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != c.label || q.Get("secret") != totp.Text(rfcSecret) ||
			q.Get("issuer") != strings.ReplaceAll(c.issuer, ":", " ") || q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" {
			t.Errorf("%s", u)
		}
		if strings.Contains(u.RawQuery, "+") {
			t.Errorf("a plus in %s", u)
		}
	}
}

// The picture is well-formed, holds nothing active, and has the three finders
// and the border that a reader looks for.
func TestQR(t *testing.T) {
	svg, err := totp.QR(totp.URI(rfcSecret, `<script>"&`, "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &doc); err != nil || len(doc.Path) != 2 || strings.Contains(svg, "script") {
		t.Fatalf("%v %.200s", err, svg)
	}
	var size int
	if _, err := fmt.Sscanf(doc.ViewBox, "0 0 %d", &size); err != nil {
		t.Fatal(err)
	}
	dark := map[[2]int]bool{}
	for _, run := range strings.Split(doc.Path[1].D, "z") {
		var x, y, w int
		if n, _ := fmt.Sscanf(run, "M%d %dh%d", &x, &y, &w); n == 3 {
			for i := range w {
				dark[[2]int{x + i, y}] = true
			}
		}
	}
	for _, corner := range [][2]int{{4, 4}, {size - 11, 4}, {4, size - 11}} {
		for i := range 7 {
			for j := range 7 {
				ring := i == 0 || i == 6 || j == 0 || j == 6 || i > 1 && i < 5 && j > 1 && j < 5
				if dark[[2]int{corner[0] + i, corner[1] + j}] != ring {
					t.Fatalf("no finder at %v", corner)
				}
			}
		}
	}
	for p := range dark {
		if p[0] < 4 || p[1] < 4 || p[0] >= size-4 || p[1] >= size-4 {
			t.Fatalf("dark at %v in the border", p)
		}
	}
	if _, err := totp.QR(strings.Repeat("x", 1<<16)); err == nil {
		t.Error("a picture of too much")
	}
}

// Store the step that Verify returns: the code is not good again.
func ExampleVerify() {
	secret := []byte("12345678901234567890")
	now := time.Unix(59, 0)
	step, ok := totp.Verify(secret, "287082", now, 0)
	fmt.Println(step, ok)
	_, ok = totp.Verify(secret, "287082", now, step)
	fmt.Println(ok)
	// Output:
	// 1 true
	// false
}
