package factor_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/auth/factor"
)

func linkSubject(t *testing.T) factor.Subject {
	s := subject(t)
	s.Settings.EmailAddress.Strategies = []string{"email_code", "email_link"}
	return s
}

// A link is for addresses that are the user's own, if it is switched on.
func TestEmailLinkOptions(t *testing.T) {
	if got := (factor.EmailLink{}).Options(subject(t)); got != nil {
		t.Errorf("switched off: %v", got)
	}
	s := linkSubject(t)
	if got := (factor.EmailLink{}).Options(s); len(got) != 2 || !got[0].Primary {
		t.Errorf("got %v", got)
	}
	s.User = nil
	if got := (factor.EmailLink{}).Options(s); got != nil {
		t.Errorf("for nobody: %v", got)
	}
}

// A link proves the one challenge that it was drawn for, under the one key.
func TestAttack_L04_LinksAreBound(t *testing.T) {
	s := linkSubject(t)
	st := factor.EmailLink{Key: []byte("key")}
	prepare := func() factor.Prepared {
		p, err := st.Prepare(context.Background(), factor.Challenge{Option: st.Options(s)[0], Subject: s, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := prepare()
	for name, c := range map[string]struct {
		change func(v *factor.Verification)
		token  string
		key    string
		want   bool
	}{
		"right":           {nil, p.Send.Token, "key", true},
		"another link":    {nil, prepare().Send.Token, "key", false},
		"none":            {nil, "", "key", false},
		"cut":             {nil, p.Send.Token[:42], "key", false},
		"longer":          {nil, p.Send.Token + "A", "key", false},
		"other key":       {nil, p.Send.Token, "other", false},
		"other challenge": {func(v *factor.Verification) { v.ID = "ver_x" }, p.Send.Token, "key", false},
		"other purpose":   {func(v *factor.Verification) { v.Strategy = "email_code" }, p.Send.Token, "key", false},
		"other address":   {func(v *factor.Verification) { v.Target = "two@example.com" }, p.Send.Token, "key", false},
		"other target":    {func(v *factor.Verification) { v.TargetID = "idn_x" }, p.Send.Token, "key", false},
	} {
		v := p.Verification
		if c.change != nil {
			c.change(&v)
		}
		f, err := factor.EmailLink{Key: []byte(c.key)}.Verify(context.Background(), factor.Challenge{Verification: &v, Subject: s, Now: now}, factor.Proof{Token: c.token})
		if err != nil || f.OK != c.want {
			t.Errorf("%s: got %v %v", name, f.OK, err)
		}
		if got := st.Confirm(f, s) == nil; got != c.want {
			t.Errorf("%s: confirmed %v", name, got)
		}
	}
	if p.Verification.ExpireAt.Sub(now) > 10*time.Minute || p.Send.VerificationID != p.Verification.ID || p.Send.To != "one@example.com" {
		t.Errorf("got %+v", p)
	}
	if bytes.Contains(p.Verification.Secret, []byte(p.Send.Token)) {
		t.Error("the token is kept")
	}
}

// Links carry 256 bits of their own: ten thousand are all different, and every
// position is as random as base64 can be.
func TestAttack_L16_LinksHaveTheirOwn256Bits(t *testing.T) {
	s := linkSubject(t)
	st := factor.EmailLink{Key: []byte("key")}
	const n = 10_000
	seen := map[string]bool{}
	var bits [256]int
	for range n {
		p, err := st.Prepare(context.Background(), factor.Challenge{Option: st.Options(s)[0], Subject: s, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(p.Send.Token)
		if err != nil || len(raw) != 32 {
			t.Fatalf("%q %v", p.Send.Token, err)
		}
		if seen[p.Send.Token] || p.Send.Code != "" || strings.Contains(p.Send.Token, base64.RawURLEncoding.EncodeToString(p.Verification.Secret)) {
			t.Fatal("a token that is not its own")
		}
		seen[p.Send.Token] = true
		for i := range bits {
			bits[i] += int(raw[i/8] >> (i % 8) & 1)
		}
	}
	for i, ones := range bits { // six standard deviations
		if d := math.Abs(float64(ones) - n/2); d > 6*math.Sqrt(n)/2 {
			t.Errorf("bit %d was set %d times of %d", i, ones, n)
		}
	}
}
