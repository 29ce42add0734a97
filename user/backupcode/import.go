package backupcode

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/usherauth/usher/user"
	"github.com/usherauth/usher/user/password"
)

// MaxImported is how many codes of another system a user can have. They name no
// slot, so that a try may cost as many hashes.
const MaxImported = 10

const (
	minImported, maxImported = 7, 64 // bytes of a plain code; six are those of an app
	importedSlot             = "+"   // begins the slots of imported codes: no code of ours does
)

// ErrImport means that a list of codes of another system cannot be taken over.
var ErrImport = errors.New("backupcode: want up to 10 different codes of 7 to 64 characters, or their bcrypt digests")

// Import makes what is kept of codes of another system. Each is plain, and is
// hashed, or is a bcrypt digest, which is kept as it is. Plain ones may be typed
// in capitals and with spaces and hyphens or without; the others as they were
// shown.
func Import(ctx context.Context, h *password.Hasher, codes []string) ([]user.BackupCode, error) {
	if len(codes) > MaxImported {
		return nil, ErrImport
	}
	var out []user.BackupCode
	var seen []string
	for i, code := range codes {
		kept := fold(code)
		if slices.Contains(seen, kept) {
			return nil, ErrImport
		}
		seen = append(seen, kept)
		var hash string
		var err error
		switch {
		case strings.HasPrefix(code, "$"):
			hash, err = h.Import("bcrypt", code)
			if err != nil {
				return nil, errors.Join(ErrImport, err)
			}
		case len(kept) < minImported || len(code) > maxImported:
			return nil, ErrImport
		default:
			if hash, err = h.Hash(ctx, kept); err != nil {
				return nil, err
			}
		}
		out = append(out, user.BackupCode{Slot: importedSlot + strconv.Itoa(i), Hash: hash})
	}
	return out, nil
}

// Imported reports whether codes came from another system.
func Imported(stored []user.BackupCode) bool {
	return slices.ContainsFunc(stored, func(c user.BackupCode) bool { return strings.HasPrefix(c.Slot, importedSlot) })
}

// fold drops what people type otherwise than it was shown.
func fold(code string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
}

// verifyImported compares with every code of another system.
func verifyImported(ctx context.Context, h *password.Hasher, stored []user.BackupCode, typed string) (slot, hash string, ok bool, err error) {
	if typed = strings.TrimSpace(typed); typed == "" || len(typed) > maxImported {
		return "", "", false, nil
	}
	for _, c := range stored {
		as := fold(typed)
		if strings.HasPrefix(c.Hash, "bcrypt:") {
			as = typed
		}
		res, err := h.Verify(ctx, c.Hash, as)
		if err != nil || res.OK {
			return c.Slot, c.Hash, res.OK, err
		}
	}
	return "", "", false, nil
}
