package user

import (
	"slices"
	"time"

	"github.com/usherauth/usher/store"
)

// An Identification is an e-mail address or a phone number of a user.
type Identification struct {
	ID    string `json:"id"`
	Value string `json:"value"` // as shown: trimmed, in lower case
	// Canonical is the one spelling that is compared: see [CanonicalEmail].
	Canonical string `json:"canonical"`
	// Verified says that the user has shown to own it.
	Verified bool `json:"verified,omitempty"`
	// Reserved: not verified, but nobody else may claim it, and it works for
	// signing in. The host reserves, or a sign-up that verifies nothing does.
	Reserved bool `json:"reserved,omitempty"`
	// Strategy is how it was verified, such as email_code or admin; of a
	// reserved one, [StrategySignUp] if a sign-up reserved it.
	Strategy   string    `json:"strategy,omitempty"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	// SecondFactor reserves a phone number for showing a second factor: it is no
	// first one any more. DefaultSecond: it is the one that is offered first.
	SecondFactor  bool `json:"second_factor,omitempty"`
	DefaultSecond bool `json:"default_second,omitempty"`
	// SecondWhenVerified: once it is verified it becomes a second factor.
	SecondWhenVerified bool      `json:"second_when_verified,omitempty"`
	CreatedAt          time.Time `json:"created_at"`
	UpdatedAt          time.Time `json:"updated_at"`
}

// StrategySignUp marks an address that a sign-up reserved without proof: until
// somebody proves it, the account may be a stranger's to it.
const StrategySignUp = "sign_up"

// FoundedOn reports whether a sign-up founded the account on the address with
// the given ID and nobody has proved it since.
func (u *User) FoundedOn(id string) bool {
	have := u.Identification(id)
	return have != nil && !have.Verified && have.Strategy == StrategySignUp
}

// Claims reports whether the identification is the user's alone.
func (i *Identification) Claims() bool { return i.Verified || i.Reserved }

// NewEmailAddress returns an unverified identification for an address, or
// ErrInvalidEmailAddress.
func NewEmailAddress(address string, now time.Time) (Identification, error) {
	canonical, err := CanonicalEmail(address)
	if err != nil {
		return Identification{}, err
	}
	return Identification{ID: store.NewID("idn", now), Value: canonicalCase(address), Canonical: canonical,
		CreatedAt: now, UpdatedAt: now}, nil
}

// EmailAddress returns the e-mail address with the given ID, or nil.
func (u *User) EmailAddress(id string) *Identification { return find(u.EmailAddresses, id) }

// EmailAddressByValue returns the user's e-mail address that equals address in
// its canonical form, or nil.
func (u *User) EmailAddressByValue(address string) *Identification {
	canonical, err := CanonicalEmail(address)
	if err != nil {
		return nil
	}
	for i := range u.EmailAddresses {
		if u.EmailAddresses[i].Canonical == canonical {
			return &u.EmailAddresses[i]
		}
	}
	return nil
}

// AddEmailAddress appends id. An address that the user has already is
// ErrAlreadyAdded, too many unverified ones are ErrTooManyUnverified. The first
// address that claims becomes the primary one.
func (u *User) AddEmailAddress(id Identification) error {
	unverified := 0
	for _, have := range u.EmailAddresses {
		if have.Canonical == id.Canonical {
			return ErrAlreadyAdded
		}
		if !have.Claims() {
			unverified++
		}
	}
	if !id.Claims() && unverified >= MaxUnverified || len(u.EmailAddresses) >= MaxIdentifications {
		return ErrTooManyUnverified
	}
	u.EmailAddresses = append(u.EmailAddresses, id)
	if id.Claims() && u.PrimaryEmailAddressID == "" {
		u.PrimaryEmailAddressID = id.ID
	}
	return nil
}

const (
	// MaxUnverified is how many unverified addresses a user may have.
	MaxUnverified = 5
	// MaxIdentifications is how many addresses a user may have in all.
	MaxIdentifications = 50
)

// VerifyEmailAddress marks the address as the user's own and claims it. The
// store decides at Put whether somebody else was faster.
func (u *User) VerifyEmailAddress(id, strategy string, now time.Time) error {
	have := u.EmailAddress(id)
	if have == nil {
		return store.ErrNotFound
	}
	have.Verified, have.Reserved, have.Strategy, have.VerifiedAt, have.UpdatedAt = true, false, strategy, now, now
	if u.PrimaryEmailAddressID == "" {
		u.PrimaryEmailAddressID = id
	}
	return nil
}

// SetPrimaryEmailAddress makes an address the primary one. Only a verified one
// may be: ErrNotVerified.
func (u *User) SetPrimaryEmailAddress(id string) error {
	have := u.EmailAddress(id)
	switch {
	case have == nil:
		return store.ErrNotFound
	case !have.Verified:
		return ErrNotVerified
	}
	u.PrimaryEmailAddressID = id
	return nil
}

// DeleteEmailAddress removes an address. The last identifier stays:
// ErrLastIdentification. If the primary one goes, the oldest verified address
// takes its place.
func (u *User) DeleteEmailAddress(id string) error {
	i := slices.IndexFunc(u.EmailAddresses, func(x Identification) bool { return x.ID == id })
	if i < 0 {
		return store.ErrNotFound
	}
	left := slices.Delete(slices.Clone(u.EmailAddresses), i, i+1)
	if u.EmailAddresses[i].Claims() && !slices.ContainsFunc(left, claims) && !u.phoneIdentifies("") && u.Username == "" {
		return ErrLastIdentification
	}
	u.EmailAddresses = left
	if u.PrimaryEmailAddressID == id {
		u.PrimaryEmailAddressID = ""
		for _, x := range left {
			if x.Verified {
				u.PrimaryEmailAddressID = x.ID
				break
			}
		}
	}
	return nil
}

// VerifiedEmailAddresses returns the addresses that the user has shown to own.
func (u *User) VerifiedEmailAddresses() []string {
	var out []string
	for _, id := range u.EmailAddresses {
		if id.Verified {
			out = append(out, id.Value)
		}
	}
	return out
}

func claims(i Identification) bool { return i.Claims() }

func find(ids []Identification, id string) *Identification {
	if id == "" {
		return nil
	}
	for i := range ids {
		if ids[i].ID == id {
			return &ids[i]
		}
	}
	return nil
}

// StripTo takes from u all that a stranger may have set who founded the account
// on somebody else's address or number: of addresses, numbers and external
// accounts only the one with the given ID stays. Passkeys and second factors are for
// [DropFactors], the records beside the user's for the caller.
func (u *User) StripTo(id string) {
	a, n := u.EmailAddress(id), u.PhoneNumber(id)
	if a == nil && n == nil {
		return
	}
	u.EmailAddresses, u.PrimaryEmailAddressID = nil, ""
	u.PhoneNumbers, u.PrimaryPhoneNumberID = nil, ""
	u.ExternalAccounts = nil
	if a != nil {
		u.EmailAddresses, u.PrimaryEmailAddressID = []Identification{*a}, id
	} else {
		u.PhoneNumbers, u.PrimaryPhoneNumberID = []Identification{*n}, id
	}
}
