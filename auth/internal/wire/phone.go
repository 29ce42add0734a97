package wire

import (
	"time"

	"github.com/usherauth/usher/auth/factor"
	"github.com/usherauth/usher/user"
)

// PhoneNumber is a number of a user.
type PhoneNumber struct {
	Object                  string        `json:"object"`
	ID                      string        `json:"id"`
	PhoneNumber             string        `json:"phone_number"`
	ReservedForSecondFactor bool          `json:"reserved_for_second_factor"`
	DefaultSecondFactor     bool          `json:"default_second_factor"`
	Reserved                bool          `json:"reserved"`
	Verification            *Verification `json:"verification"`
	LinkedTo                []struct{}    `json:"linked_to"`
	// BackupCodes are there once, when they were made.
	BackupCodes []string `json:"backup_codes"`
	CreatedAt   int64    `json:"created_at"`
	UpdatedAt   int64    `json:"updated_at"`
}

// NewPhoneNumber is a number with the challenge under way, if there is one.
func NewPhoneNumber(id *user.Identification, v *factor.Verification, now time.Time) PhoneNumber {
	return PhoneNumber{Object: "phone_number", ID: id.ID, PhoneNumber: id.Value, ReservedForSecondFactor: id.SecondFactor,
		DefaultSecondFactor: id.DefaultSecond, Reserved: id.Reserved, Verification: AddressVerification(id, v, now),
		LinkedTo: []struct{}{}, CreatedAt: Millis(id.CreatedAt), UpdatedAt: Millis(id.UpdatedAt)}
}

// PhoneNumbers are all numbers of a user.
func PhoneNumbers(u *user.User, now time.Time) []PhoneNumber {
	out := make([]PhoneNumber, 0, len(u.PhoneNumbers))
	for i := range u.PhoneNumbers {
		out = append(out, NewPhoneNumber(&u.PhoneNumbers[i], nil, now))
	}
	return out
}
