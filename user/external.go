package user

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/usherauth/usher/store"
)

// An ExternalAccount is an account of the user's at another service, by which
// the user signs in. Issuer and Subject name it; all else is what the service
// said of it last.
type ExternalAccount struct {
	ID       string `json:"id"`
	Provider string `json:"provider"` // the key of the provider, such as google
	Issuer   string `json:"issuer,omitempty"`
	Subject  string `json:"subject,omitempty"`
	// Verified: the user has come back from the service with it. One that is not
	// has no Subject, and opens nothing.
	Verified bool `json:"verified,omitempty"`
	// Error is the code of why the user came back without it.
	Error string `json:"error,omitempty"`

	EmailAddress  string `json:"email_address,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"` // by the service
	// IdentificationID is the address of the user that came with it.
	IdentificationID string   `json:"identification_id,omitempty"`
	FirstName        string   `json:"first_name,omitempty"`
	LastName         string   `json:"last_name,omitempty"`
	Username         string   `json:"username,omitempty"`
	PictureURL       string   `json:"picture_url,omitempty"`
	Scopes           []string `json:"scopes,omitempty"` // those granted

	VerifiedAt time.Time `json:"verified_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// MaxExternalAccounts is how many external accounts a user may have.
const MaxExternalAccounts = 30

// NewExternalAccountID returns an ID for an external account.
func NewExternalAccountID(now time.Time) string { return store.NewID("eac", now) }

// ExternalAccount returns the external account with the given ID, or nil.
func (u *User) ExternalAccount(id string) *ExternalAccount {
	for i := range u.ExternalAccounts {
		if u.ExternalAccounts[i].ID == id {
			return &u.ExternalAccounts[i]
		}
	}
	return nil
}

// ExternalAccountOf returns the verified account at a provider, or nil: the
// oldest if there are several.
func (u *User) ExternalAccountOf(provider string) *ExternalAccount {
	for i := range u.ExternalAccounts {
		if a := &u.ExternalAccounts[i]; a.Verified && a.Provider == provider {
			return a
		}
	}
	return nil
}

// AddExternalAccount appends a. One that the user has already is
// ErrAlreadyAdded; too many are ErrTooManyExternalAccounts. The store decides at
// Put whether it is somebody else's.
func (u *User) AddExternalAccount(a ExternalAccount) error {
	if len(u.ExternalAccounts) >= MaxExternalAccounts {
		return ErrTooManyExternalAccounts
	}
	for _, have := range u.ExternalAccounts {
		if a.Verified && have.key() == a.key() {
			return ErrAlreadyAdded
		}
	}
	u.ExternalAccounts = append(u.ExternalAccounts, a)
	return nil
}

// DeleteExternalAccount removes an external account. The last thing by which
// the user can be found stays: ErrLastIdentification.
func (u *User) DeleteExternalAccount(id string) error {
	i := slices.IndexFunc(u.ExternalAccounts, func(a ExternalAccount) bool { return a.ID == id })
	if i < 0 {
		return store.ErrNotFound
	}
	left := slices.Delete(slices.Clone(u.ExternalAccounts), i, i+1)
	if u.ExternalAccounts[i].Verified && !slices.ContainsFunc(u.EmailAddresses, claims) && !slices.ContainsFunc(u.PhoneNumbers, claims) &&
		u.Username == "" && len(u.Passkeys) == 0 && !slices.ContainsFunc(left, func(a ExternalAccount) bool { return a.Verified }) {
		return ErrLastIdentification
	}
	u.ExternalAccounts = left
	return nil
}

// Label tells a from the user's other accounts at its provider.
func (a *ExternalAccount) Label() string {
	return cmp.Or(a.Username, a.EmailAddress, strings.TrimSpace(a.FirstName+" "+a.LastName), a.Subject)
}

// LinkedTo lists the external accounts that an address came with.
func (u *User) LinkedTo(identificationID string) []ExternalAccount {
	var out []ExternalAccount
	for _, a := range u.ExternalAccounts {
		if a.Verified && a.IdentificationID == identificationID {
			out = append(out, a)
		}
	}
	return out
}

// key is what the store finds an account by; empty if it is not verified.
func (a *ExternalAccount) key() string {
	if !a.Verified {
		return ""
	}
	return ExternalKey(a.Provider, a.Issuer, a.Subject)
}

// ExternalKey is one text for who somebody is at a provider, whatever is in its
// parts.
func ExternalKey(provider, issuer, subject string) string {
	h := sha256.New()
	for _, part := range []string{provider, issuer, subject} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// ByExternal returns the user who has an account at a provider, or
// store.ErrNotFound.
func ByExternal(ctx context.Context, tx store.Tx, provider, issuer, subject string) (*User, error) {
	if subject == "" {
		return nil, store.ErrNotFound
	}
	return users.By(ctx, tx, "external", ExternalKey(provider, issuer, subject))
}

// ExternalTokens are the tokens that a provider gave for an external account.
// They are apart from the [User], sealed, under the external account's ID.
type ExternalTokens struct {
	store.Meta
	UserID    string    `json:"user_id"`
	Access    string    `json:"access,omitempty"`
	Refresh   string    `json:"refresh,omitempty"`
	IDToken   string    `json:"id_token,omitempty"`
	Type      string    `json:"type,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of Access; zero: not known
	UpdatedAt time.Time `json:"updated_at"`
}

// ExternalTokensKind is where tokens of providers are kept, sealed.
var ExternalTokensKind = &store.Kind{Name: "external_tokens", Sealed: true, Indexes: []store.Index{{Name: "user"}}}

var externalTokens = store.Table[ExternalTokens, *ExternalTokens]{Kind: ExternalTokensKind}

// StoreEntries finds the tokens of a user.
func (t *ExternalTokens) StoreEntries() []store.Entry {
	return []store.Entry{{Index: "user", Value: t.UserID}}
}

// GetExternalTokens returns the tokens of an external account, or
// store.ErrNotFound.
func GetExternalTokens(ctx context.Context, tx store.Tx, accountID string) (*ExternalTokens, error) {
	return externalTokens.Get(ctx, tx, accountID)
}

// PutExternalTokens stores t.
func PutExternalTokens(ctx context.Context, tx store.Tx, t *ExternalTokens, now time.Time) error {
	t.UpdatedAt = now
	return externalTokens.Put(ctx, tx, t)
}

// DeleteExternalTokens forgets the tokens of an external account, if there are
// any.
func DeleteExternalTokens(ctx context.Context, tx store.Tx, accountID string) error {
	t, err := externalTokens.Get(ctx, tx, accountID)
	if err == nil {
		return externalTokens.Delete(ctx, tx, t)
	}
	if err == store.ErrNotFound {
		return nil
	}
	return err
}

// deleteAllExternalTokens forgets the tokens of all of a user's accounts.
func deleteAllExternalTokens(ctx context.Context, tx store.Tx, userID string) error {
	ts, err := externalTokens.Find(ctx, tx, store.Query{Where: []store.Match{{Index: "user", Values: []string{userID}}}})
	if err != nil {
		return err
	}
	for _, t := range ts {
		if err := externalTokens.Delete(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}
