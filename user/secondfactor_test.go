package user_test

import (
	"errors"
	"testing"
	"time"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/store/memory"
	"github.com/usherauth/usher/user"
)

// The user's record tells what the second factors hold, and the record of
// second factors goes when nothing is left in it.
func TestPutSecondFactors(t *testing.T) {
	ctx, st := t.Context(), memory.New()
	if err := store.Prepare(ctx, st, user.Kind, user.PasswordKind, user.ImageKind, user.SecondFactorKind); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	u := user.New(now)
	for _, step := range []struct {
		name                string
		change              func(*user.SecondFactors)
		totp, backup, kept  bool
		enabledAt, disabled time.Time
	}{
		{"pending counts for nothing", func(s *user.SecondFactors) { s.Pending = &user.TOTP{ID: "totp_1"} }, false, false, true, time.Time{}, time.Time{}},
		{"in use", func(s *user.SecondFactors) { s.TOTP, s.Pending = s.Pending, nil }, true, false, true, now.Add(1), time.Time{}},
		{"codes beside it", func(s *user.SecondFactors) { s.BackupCodes = []user.BackupCode{{Slot: "A", Hash: "x"}} }, true, true, true, now.Add(1), time.Time{}},
		{"codes alone", func(s *user.SecondFactors) { s.TOTP = nil }, false, true, true, now.Add(1), now.Add(3)},
		{"nothing left", func(s *user.SecondFactors) { s.BackupCodes = nil }, false, false, false, now.Add(1), now.Add(3)},
		{"nothing again", func(*user.SecondFactors) {}, false, false, false, now.Add(1), now.Add(3)},
	} {
		err := st.Update(ctx, func(tx store.Tx) error {
			s, err := user.SecondFactorsOf(ctx, tx, u.ID)
			if err != nil {
				return err
			}
			step.change(s)
			if err := user.PutSecondFactors(ctx, tx, u, s, now); err != nil {
				return err
			}
			_, err = user.GetSecondFactors(ctx, tx, u.ID)
			if (err == nil) != step.kept {
				t.Errorf("%s: kept: %v", step.name, err)
			}
			return user.Put(ctx, tx, u, now)
		})
		if err != nil {
			t.Fatal(err)
		}
		if u.TOTPEnabled != step.totp || u.BackupCodeEnabled != step.backup || !u.MFAEnabledAt.Equal(step.enabledAt) || !u.MFADisabledAt.Equal(step.disabled) {
			t.Errorf("%s: %v %v %v %v", step.name, u.TOTPEnabled, u.BackupCodeEnabled, u.MFAEnabledAt, u.MFADisabledAt)
		}
		now = now.Add(1)
	}
}

// A code is taken out once, and only if it is the one that was judged.
func TestSpendBackupCode(t *testing.T) {
	s := &user.SecondFactors{BackupCodes: []user.BackupCode{{Slot: "A", Hash: "1"}, {Slot: "B", Hash: "2"}}}
	for i, c := range []struct {
		slot, hash string
		want       bool
	}{{"A", "2", false}, {"C", "1", false}, {"A", "1", true}, {"A", "1", false}, {"B", "2", true}} {
		if got := s.SpendBackupCode(c.slot, c.hash); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
	if len(s.BackupCodes) != 0 {
		t.Errorf("left: %v", s.BackupCodes)
	}
}

// A passkey is one user's; a user has at most ten, and none twice.
func TestAttack_P03_PasskeyOfTwoUsers(t *testing.T) {
	ctx, st := t.Context(), memory.New()
	if err := store.Prepare(ctx, st, user.Kind, user.PasswordKind, user.ImageKind, user.SecondFactorKind); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key := func(id ...byte) user.Passkey { return user.Passkey{ID: user.NewPasskeyID(now), CredentialID: id} }
	put := func(u *user.User) error {
		return st.Update(ctx, func(tx store.Tx) error { return user.Put(ctx, tx, u, now) })
	}
	ada, bob := user.New(now), user.New(now)
	for i := range byte(user.MaxPasskeys) {
		if err := ada.AddPasskey(key(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ada.AddPasskey(key(3, 1)); !errors.Is(err, user.ErrAlreadyAdded) {
		t.Errorf("twice: %v", err)
	}
	if err := ada.AddPasskey(key(10, 1)); !errors.Is(err, user.ErrTooManyPasskeys) {
		t.Errorf("eleven: %v", err)
	}
	if err := put(ada); err != nil {
		t.Fatal(err)
	}
	if err := bob.AddPasskey(key(3, 1)); err != nil {
		t.Fatal(err)
	}
	if err := put(bob); !isDuplicate(err) {
		t.Errorf("of two users: %v", err)
	}
	find := func(id ...byte) (got *user.User, err error) {
		err = st.View(ctx, func(tx store.Tx) error { got, err = user.ByPasskey(ctx, tx, id); return err })
		return got, err
	}
	if u, err := find(3, 1); err != nil || u.ID != ada.ID {
		t.Errorf("found %v %v", u, err)
	}
	for _, id := range [][]byte{nil, {}, {3}, {3, 1, 1}} {
		if _, err := find(id...); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v: %v", id, err)
		}
	}
	if err := ada.DeletePasskey(ada.PasskeyByCredential([]byte{3, 1}).ID); err != nil {
		t.Fatal(err)
	}
	if err := put(ada); err != nil {
		t.Fatal(err)
	}
	if err := put(bob); err != nil {
		t.Errorf("after it was deleted: %v", err)
	}
}

func isDuplicate(err error) bool {
	_, ok := errors.AsType[*store.DuplicateError](err)
	return ok
}
