// Package backupcode makes and checks the codes that stand in for a second
// factor that is lost: ten of them, each good once.
//
//	codes := backupcode.Draw()                    // shown once
//	stored, err := backupcode.Hash(ctx, h, codes) // kept
//	slot, hash, ok, err := backupcode.Verify(ctx, h, stored, typed)
//
// The first character of a code names its slot, so a try is compared with one
// hash and not with ten. Whoever acts on a right code takes it out of what is
// stored, in the same transaction, see [user.SecondFactors.SpendBackupCode].
package backupcode

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

const (
	// Count is how many codes there are.
	Count = 10
	// length counts the slot, which is no secret, and eleven characters of five
	// bits each.
	length = 12
	// alphabet is Crockford's: no letter looks like a digit. The slots are the
	// first ten.
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// Params are what a code costs to hash. Codes are random, so a little is
// enough: 55 bits at a millisecond each are a million years.
func Params() password.Params { return password.Params{Memory: 1 << 10, Time: 2, Parallelism: 1} }

// Draw returns [Count] new codes of twelve characters.
func Draw() []string {
	codes := make([]string, Count)
	for i := range codes {
		b := make([]byte, length)
		rand.Read(b)
		for j := range b {
			b[j] = alphabet[b[j]%32] // 32 divides 256
		}
		b[0] = alphabet[i]
		codes[i] = string(b)
	}
	return codes
}

// Hash returns what is kept of codes. The hasher has [Params]. It is slow.
func Hash(ctx context.Context, h *password.Hasher, codes []string) ([]user.BackupCode, error) {
	out := make([]user.BackupCode, len(codes))
	for i, code := range codes {
		hash, err := h.Hash(ctx, code)
		if err != nil {
			return nil, err
		}
		out[i] = user.BackupCode{Slot: code[:1], Hash: hash}
	}
	return out, nil
}

// Normalize gives a code the spelling that was shown: case, blanks, hyphens and
// letters that look like digits do not matter. What cannot be a code is empty.
func Normalize(typed string) string {
	if len(typed) > 4*length {
		return ""
	}
	code := strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(typed))
	if len(code) != length || strings.Trim(code, alphabet) != "" {
		return ""
	}
	return code
}

// Verify compares what somebody typed with the one stored code of its slot. It
// costs one hash whatever was typed, also for a code that is used up; where the
// codes came from another system, one for each that is left.
func Verify(ctx context.Context, h *password.Hasher, stored []user.BackupCode, typed string) (slot, hash string, ok bool, err error) {
	if Imported(stored) {
		return verifyImported(ctx, h, stored, typed)
	}
	code := Normalize(typed)
	if code != "" {
		slot = code[:1]
	}
	for _, c := range stored {
		if c.Slot == slot {
			res, err := h.Verify(ctx, c.Hash, code)
			return slot, c.Hash, res.OK, err
		}
	}
	_, err = h.Hash(ctx, "nobody's code")
	return slot, "", false, err
}
