package organization

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/usherauth/usher/store"
	"github.com/usherauth/usher/user"
)

// The ways in which people with an address at a domain come to an organization.
const (
	ManualInvitation    = "manual_invitation"    // somebody invites them
	AutomaticInvitation = "automatic_invitation" // they find an invitation
	AutomaticSuggestion = "automatic_suggestion" // they find a suggestion, and ask
)

// EnrollmentModes are all of them.
var EnrollmentModes = []string{ManualInvitation, AutomaticInvitation, AutomaticSuggestion}

const (
	// MaxDomains is how many domains an organization can have.
	MaxDomains = 10
	// TXTName is what stands before a domain in the name of the record that
	// shows who owns it.
	TXTName = "_usher-challenge"
	// txtLifetime is how long a record is looked for.
	txtLifetime = 7 * 24 * time.Hour
)

// The strategies of a domain's verifications.
const (
	StrategyEmailCode = "affiliation_email_code"
	StrategyTXT       = "txt"
	StrategyHost      = "admin" // the host vouches for it
)

// A Check is how far a verification of a domain is.
type Check struct {
	Strategy   string    `json:"strategy"`
	Status     string    `json:"status"` // unverified, verified, failed or expired
	Attempts   int       `json:"attempts,omitempty"`
	ExpireAt   time.Time `json:"expire_at,omitzero"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	// Hash is that of the record which is looked for.
	Hash []byte `json:"hash,omitempty"`
}

// StatusAt is the status at the time now.
func (c *Check) StatusAt(now time.Time) string {
	if c.Status == "unverified" && !c.ExpireAt.IsZero() && !now.Before(c.ExpireAt) {
		return "expired"
	}
	return c.Status
}

// A Domain is a mail domain that an organization says is its own.
type Domain struct {
	store.Meta
	OrganizationID string `json:"organization_id"`
	Name           string `json:"name"` // canonical
	EnrollmentMode string `json:"enrollment_mode"`
	// AffiliationEmail is the address at the domain that was written to.
	AffiliationEmail string `json:"affiliation_email,omitempty"`
	// Affiliation shows that a member has an address there, Ownership that the
	// organization runs the domain; nil: not begun.
	Affiliation *Check    `json:"affiliation,omitempty"`
	Ownership   *Check    `json:"ownership,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// DomainKind is where domains are kept. They hold the hash of what shows who
// owns one, so they are sealed.
var DomainKind = &store.Kind{Name: "organization_domain", Sealed: true, Indexes: []store.Index{
	{Name: "verified", Unique: true}, // the domain, while it is verified
	{Name: "pair", Unique: true},     // organization/domain
	{Name: "by_org"},                 // organization/time
	{Name: "created_at"}, {Name: "name"}, {Name: "mode"},
	{Name: "is_verified"}, // "1" or "0"
}}

var domains = store.Table[Domain, *Domain]{Kind: DomainKind}

// StoreEntries lists what a domain is found by.
func (d *Domain) StoreEntries() []store.Entry {
	es := []store.Entry{{Index: "pair", Value: pair(d.OrganizationID, d.Name)}, {Index: "by_org", Value: timed(d.OrganizationID, d.CreatedAt)},
		{Index: "created_at", Value: store.TimeKey(d.CreatedAt)}, {Index: "name", Value: d.Name}, {Index: "mode", Value: d.EnrollmentMode}}
	if d.Verified() {
		return append(es, store.Entry{Index: "verified", Value: d.Name}, store.Entry{Index: "is_verified", Value: "1"})
	}
	return append(es, store.Entry{Index: "is_verified", Value: "0"})
}

// Verified reports whether the domain is the organization's as far as enrolling
// goes.
func (d *Domain) Verified() bool {
	return d.Affiliation != nil && d.Affiliation.Status == "verified" || d.Ownership != nil && d.Ownership.Status == "verified"
}

//go:embed common_domains.txt
var commonText string

// common are the domains of mail providers.
var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for _, d := range strings.Fields(commonText) {
		set[d] = true
	}
	return set
})

// CanonicalDomain returns the one spelling of a mail domain. A public suffix,
// below which anybody can register, is ErrDomain, and so is what is no domain;
// that of a mail provider, or below one, is ErrDomainCommon.
func CanonicalDomain(name string) (string, error) {
	address, err := user.CanonicalEmail("x@" + strings.TrimSpace(name))
	if err != nil || strings.ContainsAny(name, "@ \t\n") {
		return "", ErrDomain
	}
	name = strings.TrimPrefix(address, "x@")
	base, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return "", ErrDomain
	}
	for d := name; len(d) >= len(base); {
		if common()[d] {
			return "", ErrDomainCommon
		}
		_, rest, ok := strings.Cut(d, ".")
		if !ok {
			break
		}
		d = rest
	}
	return name, nil
}

// AddDomain stores a domain of o, not verified. name is canonical.
func AddDomain(ctx context.Context, tx store.Tx, o *Organization, name string, now time.Time) (*Domain, error) {
	if _, err := domains.By(ctx, tx, "pair", pair(o.ID, name)); err == nil {
		return nil, ErrDomainExists
	} else if !missing(err) {
		return nil, err
	}
	if other, err := domains.By(ctx, tx, "verified", name); err == nil && other.OrganizationID != o.ID {
		return nil, ErrDomainTaken
	} else if err != nil && !missing(err) {
		return nil, err
	}
	if o.DomainsCount >= MaxDomains {
		return nil, ErrTooManyDomains
	}
	o.DomainsCount++
	if err := guard(ctx, tx, o); err != nil {
		return nil, err
	}
	d := &Domain{Meta: store.Meta{ID: store.NewID("orgdmn", now)}, OrganizationID: o.ID, Name: name, EnrollmentMode: ManualInvitation, CreatedAt: now}
	return d, PutDomain(ctx, tx, d, now)
}

// GetDomain returns the domain of an organization with the given ID, or
// store.ErrNotFound.
func GetDomain(ctx context.Context, tx store.Tx, organizationID, id string) (*Domain, error) {
	d, err := domains.Get(ctx, tx, id)
	if err == nil && d.OrganizationID != organizationID {
		return nil, store.ErrNotFound
	}
	return d, err
}

// VerifiedDomain returns the domain that an organization has shown to be of, or
// store.ErrNotFound.
func VerifiedDomain(ctx context.Context, tx store.Tx, name string) (*Domain, error) {
	return domains.By(ctx, tx, "verified", name)
}

// PutDomain stores d and sets UpdatedAt. One that another organization has
// verified meanwhile is a *store.DuplicateError.
func PutDomain(ctx context.Context, tx store.Tx, d *Domain, now time.Time) error {
	d.UpdatedAt = now
	return domains.Put(ctx, tx, d)
}

// Claim refuses a domain that another organization has verified.
func (d *Domain) Claim(ctx context.Context, tx store.Tx) error {
	other, err := domains.By(ctx, tx, "verified", d.Name)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return err
	case other.ID != d.ID:
		return ErrDomainTaken
	}
	return nil
}

// SetMode changes how people come in by the domain. The automatic ways need one
// that is verified.
func (d *Domain) SetMode(mode string) error {
	switch mode {
	case ManualInvitation:
	case AutomaticInvitation, AutomaticSuggestion:
		if !d.Verified() {
			return ErrDomainUnverified
		}
	default:
		return ErrEnrollmentMode
	}
	d.EnrollmentMode = mode
	return nil
}

// PrepareTXT begins to show who owns the domain, and returns the text of the
// record that is to be published. Only its hash is kept.
func (d *Domain) PrepareTXT(now time.Time) string {
	value := "usher-verification=" + rand.Text()
	hash := sha256.Sum256([]byte(value))
	d.Ownership = &Check{Strategy: StrategyTXT, Status: "unverified", ExpireAt: now.Add(txtLifetime), Hash: hash[:]}
	return value
}

// CheckTXT looks for the record among those that were found, and counts the
// try.
func (d *Domain) CheckTXT(records []string, now time.Time) (ok bool) {
	c := d.Ownership
	if c == nil || c.StatusAt(now) != "unverified" {
		return false
	}
	c.Attempts++
	for _, r := range records {
		hash := sha256.Sum256([]byte(strings.TrimSpace(r)))
		if subtle.ConstantTimeCompare(hash[:], c.Hash) == 1 {
			ok = true
		}
	}
	if ok {
		c.Status, c.VerifiedAt, c.Hash = "verified", now, nil
	}
	return ok
}

// DeleteDomain removes a domain with what it suggests. Open invitations that it
// made are revoked.
func DeleteDomain(ctx context.Context, tx store.Tx, o *Organization, d *Domain, now time.Time) error {
	if err := DropPending(ctx, tx, o, d, now); err != nil {
		return err
	}
	o.DomainsCount = max(0, o.DomainsCount-1)
	if err := guard(ctx, tx, o); err != nil {
		return err
	}
	return domains.Delete(ctx, tx, d)
}

// DropPending takes back what a domain has offered and nobody has taken.
func DropPending(ctx context.Context, tx store.Tx, o *Organization, d *Domain, now time.Time) error {
	pending := []store.Match{{Index: "domain", Values: []string{d.ID + "/" + string(Pending)}}}
	is, err := invitations.Find(ctx, tx, store.Query{Where: pending})
	if err != nil {
		return err
	}
	for _, i := range is {
		if err := settle(ctx, tx, o, i, Revoked, now); err != nil {
			return err
		}
	}
	ss, err := suggestions.Find(ctx, tx, store.Query{Where: pending})
	if err != nil {
		return err
	}
	for _, s := range ss {
		if err := suggestions.Delete(ctx, tx, s); err != nil {
			return err
		}
	}
	return nil
}

// CountPending is how many invitations and suggestions of a domain are open.
func CountPending(ctx context.Context, tx store.Tx, d *Domain) (invited, suggested int, err error) {
	q := store.Query{Where: []store.Match{{Index: "domain", Values: []string{d.ID + "/" + string(Pending)}}}}
	if invited, err = invitations.Count(ctx, tx, q); err != nil {
		return 0, 0, err
	}
	suggested, err = suggestions.Count(ctx, tx, q)
	return invited, suggested, err
}

// Enroll offers a user who owns an address at a verified domain what the domain
// offers, once: an invitation or a suggestion. Who is a member, was offered it,
// or finds the organization full, gets nothing.
func Enroll(ctx context.Context, tx store.Tx, o *Organization, r *Roles, d *Domain, u *user.User, address string, now time.Time) error {
	if !d.Verified() {
		return nil
	}
	if _, err := GetMembership(ctx, tx, o.ID, u.ID); !missing(err) {
		return err
	}
	switch d.EnrollmentMode {
	case AutomaticInvitation:
		had, err := invitations.Find(ctx, tx, store.Query{Limit: 1, Where: append(within("by_org", o.ID), store.Match{Index: "email", Values: []string{address}})})
		if err != nil || len(had) > 0 {
			return err
		}
		_, _, err = Invite(ctx, tx, o, r, NewInvitation{EmailAddress: address, Role: r.Default(), DomainID: d.ID, Days: MaxInvitationDays}, now)
		if err == ErrFull {
			return nil
		}
		return err
	case AutomaticSuggestion:
		if _, err := suggestions.By(ctx, tx, "pair", pair(o.ID, u.ID)); !missing(err) {
			return err
		}
		s := &Suggestion{Meta: store.Meta{ID: store.NewID("orgsug", now)}, OrganizationID: o.ID, DomainID: d.ID, UserID: u.ID, Status: Pending,
			CreatedAt: now, UpdatedAt: now}
		if err := guard(ctx, tx, o); err != nil {
			return err
		}
		return suggestions.Put(ctx, tx, s)
	}
	return nil
}

// Due reports whether [Enroll] would offer the user something.
func Due(ctx context.Context, tx store.Tx, d *Domain, u *user.User, address string) (bool, error) {
	if _, err := GetMembership(ctx, tx, d.OrganizationID, u.ID); !missing(err) {
		return false, err
	}
	if d.EnrollmentMode == AutomaticSuggestion {
		_, err := suggestions.By(ctx, tx, "pair", pair(d.OrganizationID, u.ID))
		if missing(err) {
			return true, nil
		}
		return false, err
	}
	had, err := invitations.Find(ctx, tx, store.Query{Limit: 1, Where: append(within("by_org", d.OrganizationID), store.Match{Index: "email", Values: []string{address}})})
	return len(had) == 0, err
}

// A DomainFilter narrows a list of domains; every field that is set must hold.
type DomainFilter struct {
	OrganizationID string
	Verified       *bool
	Modes          []string // alternatives
	NotModes       []string
	Names          []string // alternatives, in any spelling
	Query          string   // part of the name
}

// Domains returns the domains that f asks for and how many there are in all.
func Domains(ctx context.Context, tx store.Tx, f DomainFilter, p Page) ([]*Domain, int, error) {
	field, desc, err := p.order("created_at", "name")
	if err != nil {
		return nil, 0, err
	}
	q := store.Query{Order: field, Desc: desc, Offset: p.Offset, Limit: p.Limit}
	add := func(index string, op store.Op, values ...string) {
		q.Where = append(q.Where, store.Match{Index: index, Op: op, Values: values})
	}
	if f.OrganizationID != "" {
		q.Where = append(q.Where, within("by_org", f.OrganizationID)...)
	}
	if f.Verified != nil {
		v := "0"
		if *f.Verified {
			v = "1"
		}
		add("is_verified", store.In, v)
	}
	if len(f.Modes) > 0 {
		add("mode", store.In, f.Modes...)
	}
	if len(f.NotModes) > 0 {
		add("mode", store.NotIn, f.NotModes...)
	}
	if len(f.Names) > 0 {
		var names []string
		for _, n := range f.Names {
			names = append(names, strings.ToLower(strings.TrimSpace(n)))
		}
		add("name", store.In, names...)
	}
	if t := user.Fold(strings.TrimSpace(f.Query)); t != "" {
		add("name", store.Contains, t)
	}
	return domains.Page(ctx, tx, q)
}
