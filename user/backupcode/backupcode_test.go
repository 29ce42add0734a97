package backupcode_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/password"
)

func hasher() *password.Hasher {
	return &password.Hasher{Params: backupcode.Params(), Pool: &password.Pool{}}
}

// Ten codes of at least 50 bits beside their slot, none like another.
func TestAttack_P09_CodesAreHardToGuess(t *testing.T) {
	seen, chars := map[string]bool{}, map[rune]bool{}
	for range 50 {
		codes := backupcode.Draw()
		slots := map[string]bool{}
		for _, c := range codes {
			slots[c[:1]], seen[c] = true, true
			for _, r := range c[1:] {
				chars[r] = true
			}
			if backupcode.Normalize(c) != c {
				t.Errorf("%q is no code", c)
			}
			if bits := float64(len(c)-1) * math.Log2(32); bits < 50 {
				t.Errorf("%v bits", bits)
			}
		}
		if len(codes) != 10 || len(slots) != 10 {
			t.Fatalf("%d codes, %d slots", len(codes), len(slots))
		}
	}
	if len(seen) != 500 || len(chars) != 32 {
		t.Errorf("%d codes of %d characters", len(seen), len(chars))
	}
}

// A try costs one hash, whichever code it is, and what is kept tells none.
func TestAttack_P09_OneHashATry(t *testing.T) {
	h := hasher()
	codes := backupcode.Draw()
	stored, err := backupcode.Hash(t.Context(), h, codes)
	if err != nil {
		t.Fatal(err)
	}
	if dump := fmt.Sprint(stored); strings.Contains(dump, codes[3]) || strings.Contains(dump, codes[3][1:]) {
		t.Error("a code is kept")
	}
	if stored[0].Hash == stored[1].Hash || stored[0].Hash[:50] == stored[1].Hash[:50] {
		t.Error("salts are shared")
	}
	other := "0" + codes[3][1:] // the secret of another slot
	used := append([]user.BackupCode(nil), stored[1:]...)
	for name, c := range map[string]struct {
		stored []user.BackupCode
		typed  string
		ok     bool
	}{
		"right":              {stored, codes[3], true},
		"the last":           {stored, codes[9], true},
		"as people type it":  {stored, strings.ToUpper(codes[3][:4] + "-" + codes[3][4:8] + " " + codes[3][8:]), true},
		"wrong":              {stored, codes[3][:11] + string(codes[3][11]^1), false},
		"of another slot":    {stored, other, false},
		"used up":            {used, codes[0], false},
		"empty":              {stored, "", false},
		"of nobody":          {nil, codes[3], false},
		"slot alone":         {stored, "3", false},
		"with more":          {stored, codes[3] + "0", false},
		"long":               {stored, strings.Repeat(codes[3], 1<<16), false},
		"other alphabet":     {stored, "3" + strings.Repeat("é", 5) + "u", false},
		"hash instead of it": {stored, stored[3].Hash, false},
	} {
		before := h.Pool.Stats().Done
		slot, hash, ok, err := backupcode.Verify(t.Context(), h, c.stored, c.typed)
		if err != nil || ok != c.ok {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		if done := h.Pool.Stats().Done - before; done != 1 {
			t.Errorf("%s: %d hashes", name, done)
		}
		if ok && (&user.SecondFactors{BackupCodes: c.stored}).BackupCode(slot).Hash != hash {
			t.Errorf("%s: slot %q has another hash", name, slot)
		}
	}
}

// A right code is taken out of what is stored.
func ExampleVerify() {
	h := &password.Hasher{Params: backupcode.Params()}
	codes := backupcode.Draw()
	stored, err := backupcode.Hash(context.Background(), h, codes)
	if err != nil {
		fmt.Println(err)
		return
	}
	factors := &user.SecondFactors{BackupCodes: stored}
	for range 2 {
		slot, hash, ok, err := backupcode.Verify(context.Background(), h, factors.BackupCodes, codes[4])
		fmt.Println(ok && factors.SpendBackupCode(slot, hash), err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
