package wire

import (
	"time"

	"github.com/usherauth/usher/auth/internal/engine"
	"github.com/usherauth/usher/organization"
)

// DomainVerification says how far the verification of a domain is.
type DomainVerification struct {
	Status     string `json:"status"`
	Strategy   string `json:"strategy"`
	Attempts   *int   `json:"attempts"`
	ExpireAt   *int64 `json:"expire_at"`
	VerifiedAt *int64 `json:"verified_at"`
}

// OwnershipVerification is one by a TXT record.
type OwnershipVerification struct {
	DomainVerification
	TXTRecordName  *string `json:"txt_record_name,omitempty"`
	TXTRecordValue *string `json:"txt_record_value,omitempty"`
}

// NewDomainVerification is c at the time now; nil is null.
func NewDomainVerification(c *organization.Check, now time.Time) *DomainVerification {
	if c == nil {
		return nil
	}
	v := &DomainVerification{Status: c.StatusAt(now), Strategy: c.Strategy, ExpireAt: MillisOrNull(c.ExpireAt), VerifiedAt: MillisOrNull(c.VerifiedAt)}
	if c.Attempts > 0 {
		v.Attempts = &c.Attempts
	}
	return v
}

// NewOwnershipVerification is the verification of who runs d, with the text of
// the record if it has just been asked for.
func NewOwnershipVerification(d *engine.DomainView, value string) *OwnershipVerification {
	v := NewDomainVerification(d.Ownership, d.Now)
	if v == nil {
		return nil
	}
	out := &OwnershipVerification{DomainVerification: *v, TXTRecordValue: TextOrNull(value)}
	if v.Status != "verified" {
		name := organization.TXTName + "." + d.Name
		out.TXTRecordName = &name
	}
	return out
}
