package factor

import (
	"context"
	"time"

	"github.com/usherauth/usher/auth/internal/fault"
	"github.com/usherauth/usher/user/backupcode"
	"github.com/usherauth/usher/user/password"
)

// BackupCode is the strategy of a code that stands in for a second factor that
// is lost. Each is good once.
type BackupCode struct {
	// Hasher has [backupcode.Params].
	Hasher *password.Hasher
}

// Traits names it backup_code.
func (BackupCode) Traits() Traits { return Traits{Name: "backup_code", Uses: Second, Proof: "code"} }

// Options offers it to everybody who has codes, and a second factor that they
// stand in for.
func (BackupCode) Options(s Subject) []Option {
	if s.User == nil || !s.User.BackupCodeEnabled || !s.User.TwoFactorEnabled() || !s.Settings.SecondFactors.BackupCodes {
		return nil
	}
	return []Option{{Strategy: "backup_code"}}
}

// Prepare is refused: the codes are on paper.
func (BackupCode) Prepare(context.Context, Challenge) (Prepared, error) {
	return Prepared{}, fault.New("verification_strategy_invalid", "strategy")
}

// Verify compares with the one code of the slot that the first character names.
func (b BackupCode) Verify(ctx context.Context, c Challenge, p Proof) (Fact, error) {
	fact := Fact{Strategy: "backup_code"}
	if c.Subject.User == nil || c.Subject.Second == nil {
		return fact, nil
	}
	fact.UserID = c.Subject.User.ID
	var err error
	fact.Slot, fact.CodeHash, fact.OK, err = backupcode.Verify(ctx, b.Hasher, c.Subject.Second.BackupCodes, p.Code)
	return fact, err
}

// Confirm demands that the code is still there.
func (BackupCode) Confirm(f Fact, s Subject) error {
	if f.OK && s.User != nil && s.User.ID == f.UserID && s.Second != nil {
		if have := s.Second.BackupCode(f.Slot); have != nil && have.Hash == f.CodeHash {
			return nil
		}
	}
	return fault.New("form_code_incorrect", "code")
}

// Spend takes the code out.
func (BackupCode) Spend(f Fact, s Subject, _ time.Time) { s.Second.SpendBackupCode(f.Slot, f.CodeHash) }
